/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway's end of the star: draining the workers' rings, noticing deaths, ringing bells.
 *
 * Every ring is drained in every turn, a bounded share each, whatever the others do: a worker's
 * frame never waits for a slow client or another worker. A ring that makes no sense (a worker
 * scribbled over shared memory) costs that worker its life, nothing else. Death: the supervisor
 * says that a process is gone (died_generation); everything it had published is still taken in,
 * then its requests are answered for or given to others, its unread events too, and only when the
 * slot is clean (buried_generation) is it filled again. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "gateway.h"

#define FRAMES_A_TURN 256

static size_t record_limit(const struct gateway *gateway)
{
    return gateway->config->max_message_bytes + 4096;
}

static void kill_worker(struct gw_worker *worker, const char *why)
{
    int32_t pid = atomic_load(&worker->slot->pid);

    worker->broken = true;
    vd_log(worker->gateway->logger, VD_LOG_ERROR, "worker_ring_damaged",
           "worker %u (pid %d): %s: killed", worker->index, pid, why);
    if (pid > 0)
        kill(pid, SIGKILL);
}

/* ---- frames ------------------------------------------------------------------------------------
 */

static bool read_message(const unsigned char *payload, size_t length, struct vd_message *message)
{
    const struct vd_frame_message *frame = (const void *)payload;
    const char *bytes = (const char *)(frame + 1);

    if (length < sizeof(*frame) || length != sizeof(*frame) + (size_t)frame->scope_length +
                                                 frame->event_length + frame->origin_length +
                                                 frame->data_length)
        return false;
    memset(message, 0, sizeof(*message));
    message->scope = bytes;
    message->scope_length = frame->scope_length;
    message->event = bytes + frame->scope_length;
    message->event_length = frame->event_length;
    message->data = bytes + frame->scope_length + frame->event_length + frame->origin_length;
    message->data_length = frame->data_length;
    message->has_data = frame->has_data != 0;
    return true;
}

/* A predecessor that was killed before it released the frame may have answered. What it refused is
 * refused for good, whatever room there is now. */
static bool is_answered(const struct gw_worker *worker, uint64_t tag)
{
    return tag &&
           atomic_load_explicit(&worker->slot->publish_answer, memory_order_relaxed) >> 8 == tag;
}

/* Whoever waits for it may have given up: a predecessor of ours had the frame already. */
static void answer_publish(struct gw_worker *worker, uint64_t tag, enum vd_err result)
{
    atomic_store_explicit(&worker->slot->publish_answer, tag << 8 | (uint64_t)result,
                          memory_order_release);
    worker->ring_bell = true;
}

void gw_workers_release(struct gateway *gateway)
{
    for (unsigned i = 0; i < gateway->config->workers; i++) {
        struct gw_worker *worker = &gateway->workers[i];

        if (worker->held_tag)
            answer_publish(worker, worker->held_tag, VD_OK);
        worker->held_tag = 0;
    }
}

/* @tag: 0, or the worker waits for an answer, and a message that has no room is refused. */
static bool publish(struct gw_worker *worker, const unsigned char *payload, size_t length,
                    uint64_t position, uint64_t tag)
{
    struct vd_history_source source = {
        .source = worker->index + 1, .generation = worker->generation, .position = position};
    struct vd_message message;
    enum vd_err result = VD_OK;

    if (!read_message(payload, length, &message) ||
        vd_message_check(&message, worker->gateway->config->max_message_bytes, NULL) != VD_OK)
        return false;
    if (is_answered(worker, tag))
        return true;
    if (gw_replay_has_seen(worker->gateway->replay, source)) {
        /* done already */
    } else if (tag && !gw_link_admits(worker->gateway, &message)) {
        result = VD_ERR_FULL;
    } else {
        gw_publish_local(worker->gateway, &message, source);
    }
    if (tag && result == VD_OK && gw_link_holds(worker->gateway)) {
        worker->held_tag = tag;
    } else if (tag) {
        answer_publish(worker, tag, result);
    }
    return true;
}

static bool partial_append(struct gw_worker *worker, const struct vd_frame *frame)
{
    size_t needed = worker->partial_length + frame->length;

    if (needed > record_limit(worker->gateway))
        return false;
    if (!worker->partial || needed > worker->partial_capacity) {
        size_t capacity = worker->partial_capacity ? worker->partial_capacity : 128 * 1024;

        while (capacity < needed)
            capacity *= 2;
        char *grown = realloc(worker->partial, capacity);
        if (!grown)
            return false;
        worker->partial = grown;
        worker->partial_capacity = capacity;
    }
    memcpy(worker->partial + worker->partial_length, frame->payload, frame->length);
    worker->partial_length = needed;
    return true;
}

static void partial_drop(struct gw_worker *worker)
{
    free(worker->partial);
    worker->partial = NULL;
    worker->partial_length = worker->partial_capacity = 0;
}

static bool publish_frame(struct gw_worker *worker, const struct vd_frame *frame)
{
    bool result = true;

    if (frame->flags & VD_FRAME_DISCARD) {
        partial_drop(worker);
        return true;
    }
    if (!(frame->flags & VD_FRAME_CONTINUED)) {
        partial_drop(worker);
        worker->partial_position = vd_ring_position(&worker->from);
        if (!(frame->flags & VD_FRAME_MORE))
            return publish(worker, frame->payload, frame->length, worker->partial_position,
                           frame->tag);
    } else if (!worker->partial) {
        /* Its beginning went to a gateway that died. */
        vd_log_limited(worker->gateway->logger, worker->gateway->now_ms, VD_LOG_WARN,
                       "message_incomplete", "a large message of worker %u was lost in a restart",
                       worker->index);
        worker->gateway->counters.dropped++;
        return true;
    }
    if (!partial_append(worker, frame))
        return false;
    if (!(frame->flags & VD_FRAME_MORE)) {
        result = publish(worker, (unsigned char *)worker->partial, worker->partial_length,
                         worker->partial_position, frame->tag);
        partial_drop(worker);
    }
    return result;
}

static bool response_fits(const struct vd_frame *frame, bool whole)
{
    const struct vd_frame_response *response = (const void *)frame->payload;

    if (frame->length < sizeof(*response) ||
        response->headers_length > frame->length - sizeof(*response) || response->status < 100 ||
        response->status > 599)
        return false;
    return !whole ||
           response->body_length == frame->length - sizeof(*response) - response->headers_length;
}

static bool response_frame(struct gw_worker *worker, const struct vd_frame *frame)
{
    const struct vd_frame_response *response = (const void *)frame->payload;
    struct gw_request *request = gw_dispatch_find(worker, frame->tag);
    const char *headers = (const char *)(response + 1);

    bool begins = frame->type == VD_FRAME_RESPONSE || frame->type == VD_FRAME_RESPONSE_BEGIN;
    if (request && begins == (request->state == GW_REQUEST_STREAMED))
        return false; /* two beginnings, or none */
    if (request)
        gw_access_worker(request);

    switch (frame->type) {
    case VD_FRAME_RESPONSE:
        if (!response_fits(frame, true))
            return false;
        if (request) {
            gw_respond_worker(request, response, headers, headers + response->headers_length);
            gw_dispatch_finished(request);
        }
        return true;
    case VD_FRAME_RESPONSE_BEGIN:
        if (!response_fits(frame, false))
            return false;
        if (request)
            gw_respond_begin(request, response, headers);
        return true;
    case VD_FRAME_RESPONSE_BODY:
        if (request)
            gw_respond_body(request, (const char *)frame->payload, frame->length);
        return true;
    default:
        if (request) {
            gw_respond_end(request, frame->type == VD_FRAME_RESPONSE_ABORT);
            gw_dispatch_finished(request);
        }
        return true;
    }
}

static bool stream_frame(struct gw_worker *worker, const struct vd_frame *frame)
{
    const struct vd_frame_stream *stream = (const void *)frame->payload;
    struct gw_request *request = gw_dispatch_find(worker, frame->tag);

    if (frame->length < sizeof(*stream) || stream->pattern_count > GW_STREAM_PATTERNS_MAX ||
        stream->headers_length > frame->length - sizeof(*stream) ||
        (request && request->state == GW_REQUEST_STREAMED))
        return false;
    if (request) {
        gw_access_worker(request);
        gw_stream_open(request, stream, frame->payload + sizeof(*stream),
                       frame->length - sizeof(*stream));
        gw_dispatch_finished(request);
    }
    return true;
}

static bool interval_frame(struct gw_worker *worker, const struct vd_frame *frame)
{
    uint32_t milliseconds;

    if (frame->length != sizeof(milliseconds))
        return false;
    memcpy(&milliseconds, frame->payload, sizeof(milliseconds));
    if (milliseconds == 0)
        return false;
    gw_timer_set(worker, (uint32_t)frame->tag, milliseconds);
    return true;
}

/* Returns false for a frame that no sane worker sends. */
static bool handle(struct gw_worker *worker, const struct vd_frame *frame)
{
    switch (frame->type) {
    case VD_FRAME_RESPONSE:
    case VD_FRAME_RESPONSE_BEGIN:
    case VD_FRAME_RESPONSE_BODY:
    case VD_FRAME_RESPONSE_END:
    case VD_FRAME_RESPONSE_ABORT:
        return response_frame(worker, frame);
    case VD_FRAME_RESPONSE_STREAM:
        return stream_frame(worker, frame);
    case VD_FRAME_PUBLISH:
        return publish_frame(worker, frame);
    case VD_FRAME_READY:
        worker->ready |= frame->tag == worker->gateway->epoch;
        return true;
    case VD_FRAME_SUBSCRIBE:
        if (vd_scope_check((const char *)frame->payload, frame->length, NULL) != VD_OK)
            return false;
        gw_subscribe(worker, (uint32_t)frame->tag, frame->flags & VD_FRAME_EVERY_WORKER,
                     (const char *)frame->payload, frame->length);
        return true;
    case VD_FRAME_INTERVAL:
        return interval_frame(worker, frame);
    case VD_FRAME_TIMER_DONE:
        gw_timer_done(worker, (uint32_t)frame->tag);
        return true;
    case VD_FRAME_WANT_BODY:
        gw_dispatch_want_body(worker, frame->tag);
        return true;
    case VD_FRAME_WATCH_CLIENTS:
        gw_clients_watch(worker);
        return true;
    case VD_FRAME_BROKER_CREDENTIALS:
        return gw_credentials_answer(worker->gateway, frame);
    default:
        return false;
    }
}

static void drain(struct gw_worker *worker, unsigned limit)
{
    const struct vd_frame *frame;
    enum vd_err result = VD_OK;

    while (limit-- && !worker->broken && (result = vd_ring_peek(&worker->from, &frame)) == VD_OK) {
        if (!handle(worker, frame)) {
            kill_worker(worker, "it sent a frame that makes no sense");
            return;
        }
        if (vd_ring_release(&worker->from))
            worker->ring_bell = true;
    }
    if (result == VD_ERR_CORRUPT)
        kill_worker(worker, "its ring is damaged");
}

/* ---- life and death ----------------------------------------------------------------------------
 */

static void attach(struct gw_worker *worker, uint32_t generation)
{
    struct vd_node *node = worker->gateway->node;
    unsigned index = worker->index;

    worker->generation = generation;
    worker->held_tag = 0;
    worker->ready = worker->broken = worker->wants_clients = false;
    if (vd_ring_producer_init(&worker->requests, node->requests[index]) != VD_OK ||
        vd_ring_producer_init(&worker->events, node->events[index]) != VD_OK ||
        vd_ring_consumer_init(&worker->from, node->to_gateway[index]) != VD_OK)
        kill_worker(worker, "its rings are damaged");
}

/* Nobody reads or writes these rings now; the next process starts with empty ones. */
static void clean_rings(struct gw_worker *worker)
{
    struct vd_node *node = worker->gateway->node;

    vd_ring_init(node->requests[worker->index], VD_RING_REQUESTS_BYTES);
    vd_ring_init(node->events[worker->index], VD_RING_EVENTS_BYTES);
    vd_ring_init(node->to_gateway[worker->index], VD_RING_TO_GATEWAY_BYTES);
}

static void bury(struct gw_worker *worker, uint32_t generation)
{
    uint32_t reason = atomic_load(&worker->slot->death_reason);

    if (worker->generation != generation)
        attach(worker, generation);
    drain(worker, UINT32_MAX);
    worker->held_tag = 0;
    partial_drop(worker);
    gw_publish_owed(worker->gateway, worker->slot);
    worker->ready = false;
    gw_dispatch_worker_died(worker, reason);
    gw_subscriptions_worker_left(worker);
    gw_timers_worker_left(worker);
    gw_lane_salvage(worker);
    clean_rings(worker);
    worker->broken = false;
    worker->wants_clients = false;
    worker->generation = 0;
    atomic_store(&worker->slot->buried_generation, generation);
}

/* The supervisor started a successor without waiting for the burial any longer: it has taken over
 * the rings, and what it claims in them is its own. What its predecessor had taken is lost. */
static void mourn(struct gw_worker *worker)
{
    worker->ready = false;
    partial_drop(worker);
    gw_publish_owed(worker->gateway, worker->slot);
    gw_dispatch_worker_died(worker, VD_DEATH_CRASH);
    gw_subscriptions_worker_left(worker);
    gw_timers_worker_left(worker);
}

static void look_at(struct gw_worker *worker)
{
    struct vd_worker_slot *slot = worker->slot;
    uint32_t generation = atomic_load_explicit(&slot->generation, memory_order_acquire);
    uint32_t died = atomic_load_explicit(&slot->died_generation, memory_order_acquire);

    if (generation == 0)
        return;
    if (died == generation) {
        if (atomic_load_explicit(&slot->buried_generation, memory_order_relaxed) != died)
            bury(worker, died);
        return;
    }
    if (worker->generation == generation)
        return;
    if (worker->generation != 0)
        mourn(worker);
    attach(worker, generation);
}

bool gw_workers_turn(struct gateway *gateway)
{
    bool more = false;

    for (unsigned i = 0; i < gateway->config->workers; i++) {
        struct gw_worker *worker = &gateway->workers[i];

        look_at(worker);
        if (worker->generation == 0)
            continue;
        drain(worker, FRAMES_A_TURN);
        gw_lane_flush(worker);
        more |= !worker->broken && vd_ring_depth_bytes(gateway->node->to_gateway[i]) > 0;
    }
    return more;
}

bool gw_workers_waiting(struct gateway *gateway)
{
    for (unsigned i = 0; i < gateway->config->workers; i++) {
        struct gw_worker *worker = &gateway->workers[i];
        uint32_t generation = atomic_load(&worker->slot->generation);

        if (worker->generation && !worker->broken &&
            vd_ring_depth_bytes(gateway->node->to_gateway[i]) > 0)
            return true;
        if (generation != 0 && atomic_load(&worker->slot->died_generation) == generation &&
            atomic_load(&worker->slot->buried_generation) != generation)
            return true;
        if (generation != 0 && worker->generation != generation &&
            atomic_load(&worker->slot->died_generation) != generation)
            return true; /* it came up after we looked: its frames were not looked for */
    }
    return false;
}

void gw_workers_wake(struct gateway *gateway)
{
    for (unsigned i = 0; i < gateway->config->workers; i++) {
        struct gw_worker *worker = &gateway->workers[i];

        if (!worker->ring_bell)
            continue;
        worker->ring_bell = false;
        vd_doorbell_ring(&worker->slot->bell);
    }
}

enum vd_err gw_workers_start(struct gateway *gateway)
{
    gateway->workers = calloc(gateway->config->workers, sizeof(*gateway->workers));
    if (!gateway->workers)
        return VD_ERR_NO_MEMORY;
    for (unsigned i = 0; i < gateway->config->workers; i++) {
        struct gw_worker *worker = &gateway->workers[i];

        worker->gateway = gateway;
        worker->index = i;
        worker->slot = &gateway->node->slots[i];
        TAILQ_INIT(&worker->in_flight);
        STAILQ_INIT(&worker->lane);
        /* What waited for it in our predecessor's lane is gone, and so is the message that this one
         * may have put into the history without passing it on. */
        worker->lane_gap = gateway->epoch > 1;
    }
    return VD_OK;
}

void gw_workers_finish(struct gateway *gateway)
{
    if (!gateway->workers)
        return;
    for (unsigned i = 0; i < gateway->config->workers; i++) {
        struct gw_worker *worker = &gateway->workers[i];
        struct gw_request *request;

        partial_drop(worker);
        gw_lane_clear(worker);
        while ((request = TAILQ_FIRST(&worker->in_flight)))
            gw_dispatch_finished(request);
    }
    free(gateway->workers);
}
