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

/* Whoever is ready has said what it wants to hear: when all are, what none of them has asked for is
 * nobody's any more. */
static void become_ready(struct gw_worker *worker, uint64_t epoch)
{
    struct gateway *gateway = worker->gateway;

    worker->ready |= epoch == gateway->epoch;
    for (unsigned i = 0; i < gateway->config->workers; i++) {
        if (!gateway->workers[i].ready)
            return;
    }
    gw_subscriptions_tidy(gateway);
    gw_timers_tidy(gateway);
}

/* Returns false for a frame that no sane worker sends. */
static bool handle(struct gw_worker *worker, const struct vd_frame *frame)
{
    if (frame->type != VD_FRAME_PUBLISH && worker->partial)
        gw_worker_forget_partial(worker); /* one record at a time */
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
        return gw_worker_publish(worker, frame);
    case VD_FRAME_READY:
        become_ready(worker, frame->tag);
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
        if (worker->partial && gw_worker_keeps(worker)) {
            vd_ring_keep(&worker->from);
        } else if (vd_ring_release(&worker->from)) {
            worker->ring_bell = true;
        }
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
    gw_worker_forget_partial(worker);
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
    gw_worker_forget_partial(worker);
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
        more |= !worker->broken && vd_ring_has_more(&worker->from);
    }
    return more;
}

bool gw_workers_waiting(struct gateway *gateway)
{
    for (unsigned i = 0; i < gateway->config->workers; i++) {
        struct gw_worker *worker = &gateway->workers[i];
        uint32_t generation = atomic_load(&worker->slot->generation);

        if (worker->generation && !worker->broken && vd_ring_has_more(&worker->from))
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

        gw_worker_forget_partial(worker);
        gw_lane_clear(worker);
        while ((request = TAILQ_FIRST(&worker->in_flight)))
            gw_dispatch_finished(request);
    }
    free(gateway->workers);
}
