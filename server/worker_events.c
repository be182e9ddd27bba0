/* SPDX-License-Identifier: Apache-2.0 */
/* "Next event": the worker's one question.
 *
 * Happy path: a request lies in the ring; it is claimed by one compare-and-swap and handed out
 * where it lies, without a copy. Requests come first, but no event waits for more than
 * VD_WORKER_EVENT_PATIENCE of them. Nothing there: arm the bell, look again, sleep.
 *
 * Events are copied out and released before they are handled: a message whose handler kills the
 * worker is not given to the next one as well. Requests stay in the ring until the next call; their
 * claim word says that they were taken.
 *
 * Failure modes: another gateway - everything is announced again, what the old one offered is
 * skipped. A claim that was revoked is skipped. A damaged ring or payload is VD_ERR_CORRUPT. */
#include <string.h>

#include <viaduct/clock.h>
#include <viaduct/scope.h>

#include "worker_state.h"

static void release(struct vd_worker *worker, struct vd_ring_consumer *ring)
{
    if (vd_ring_release(ring))
        vd_doorbell_ring(&worker->shared->gateway_bell);
}

/* ---- requests ----------------------------------------------------------------------------------
 */

static bool request_is_current(const struct vd_worker *worker, uint64_t id)
{
    const uint32_t mask = (1u << (62 - VD_REQUEST_EPOCH_SHIFT)) - 1;

    return (id >> VD_REQUEST_EPOCH_SHIFT) == (vd_worker_gateway_epoch(worker) & mask);
}

static bool claim(struct vd_worker *worker, uint32_t index, uint64_t id)
{
    uint64_t expected = vd_claim_word(id, VD_CLAIM_OFFERED);

    return atomic_compare_exchange_strong(&worker->slot->claims[index], &expected,
                                          vd_claim_word(id, VD_CLAIM_TAKEN));
}

static void count_request(struct vd_worker *worker)
{
    uint64_t total = atomic_load_explicit(&worker->slot->requests_total, memory_order_relaxed) + 1;

    atomic_store_explicit(&worker->slot->requests_total, total, memory_order_relaxed);
    worker->requests_handled++;
    if (worker->requests_limit && worker->requests_handled >= worker->requests_limit)
        worker->retire = true;
}

/* Take the request if it is still ours to take. One whose body follows in frames of its own leaves
 * the ring now, so that they can be read; any other is read where it lies.
 * Returns: VD_OK, VD_ERR_EMPTY (not ours), VD_ERR_NO_MEMORY, VD_ERR_CORRUPT. */
static enum vd_err accept_request(struct vd_worker *worker, const struct vd_frame *frame,
                                  struct vd_worker_event *event)
{
    const unsigned char *bytes = frame->payload;
    uint64_t id = frame->tag;
    uint32_t index;
    enum vd_err result;

    if (!request_is_current(worker, id))
        return VD_ERR_EMPTY;
    if (frame->length >= sizeof(struct vd_frame_request) &&
        ((const struct vd_frame_request *)bytes)->body_streamed &&
        !(bytes = vd_worker_record_copy(&worker->request_record, bytes, frame->length)))
        return VD_ERR_NO_MEMORY;
    result = vd_worker_decode_request(worker, id, bytes, frame->length, &event->request, &index);
    if (result != VD_OK)
        return result;
    if (!claim(worker, index, id))
        return VD_ERR_EMPTY;
    atomic_store_explicit(&worker->slot->taken_us[index], vd_monotonic_us(), memory_order_release);
    vd_worker_clock_start(worker);
    count_request(worker);
    vd_worker_body_begin(worker, &event->request);
    worker->answer = VD_ANSWER_OWED;
    worker->request_id = id;
    event->kind = VD_WORKER_REQUEST;
    event->id = 0;
    return VD_OK;
}

static enum vd_err next_request(struct vd_worker *worker, struct vd_worker_event *event)
{
    const struct vd_frame *frame;
    enum vd_err result;

    for (;;) {
        if ((result = vd_ring_peek(&worker->requests, &frame)) != VD_OK)
            return result;
        result = VD_ERR_EMPTY; /* a body that its handler did not read */
        if (frame->type == VD_FRAME_REQUEST)
            result = accept_request(worker, frame, event);
        else if (frame->type != VD_FRAME_BODY)
            result = VD_ERR_CORRUPT;
        if (result == VD_OK && !event->request.body_streamed) {
            worker->frame_held = true;
            return VD_OK;
        }
        release(worker, &worker->requests);
        if (result != VD_ERR_EMPTY)
            return result;
    }
}

/* ---- events ------------------------------------------------------------------------------------
 */

static enum vd_err decode_broker_error(const unsigned char *bytes, size_t length,
                                       struct vd_worker_event *event)
{
    struct vd_frame_broker_error frame;

    if (length < sizeof(frame))
        return VD_ERR_CORRUPT;
    memcpy(&frame, bytes, sizeof(frame));
    if (frame.driver_length > length - sizeof(frame))
        return VD_ERR_CORRUPT;
    event->kind = VD_WORKER_BROKER_ERROR;
    event->text.bytes += sizeof(frame) + frame.driver_length;
    event->text.length -= sizeof(frame) + frame.driver_length;
    event->broker_error = (struct vd_worker_broker_error){
        .code = (enum vd_err)frame.code,
        .driver = {(const char *)bytes + sizeof(frame), frame.driver_length},
        .attempt = frame.attempt,
        .next_delay_ms = frame.next_delay_ms,
    };
    return VD_OK;
}

static enum vd_err decode_event(struct vd_worker *worker, uint16_t type, uint64_t tag,
                                const unsigned char *bytes, size_t length,
                                struct vd_worker_event *event)
{
    event->id = (uint32_t)tag;
    event->text = (struct vd_text){.bytes = (const char *)bytes, .length = length};
    switch (type) {
    case VD_FRAME_EVENT_MESSAGE:
        event->kind = VD_WORKER_MESSAGE;
        return vd_worker_decode_message(bytes, length, &event->message);
    case VD_FRAME_EVENT_TIMER:
        event->kind = VD_WORKER_TIMER;
        worker->timer_done_owed = true;
        worker->timer_done_tag = tag;
        return VD_OK;
    case VD_FRAME_EVENT_CONNECT:
        event->kind = VD_WORKER_CLIENT_CONNECT;
        return VD_OK;
    case VD_FRAME_EVENT_DISCONNECT:
        event->kind = VD_WORKER_CLIENT_DISCONNECT;
        return VD_OK;
    case VD_FRAME_EVENT_BROKER_ERROR:
        return decode_broker_error(bytes, length, event);
    case VD_FRAME_EVENT_BROKER_CREDENTIALS:
        event->kind = VD_WORKER_BROKER_CREDENTIALS;
        return VD_OK;
    case VD_FRAME_EVENT_GAP:
        event->kind = VD_WORKER_GAP;
        return VD_OK;
    default:
        return VD_ERR_CORRUPT;
    }
}

static enum vd_err next_ring_event(struct vd_worker *worker, struct vd_worker_event *event)
{
    size_t maximum = sizeof(struct vd_frame_message) + VD_SCOPE_MAX_BYTES + VD_EVENT_MAX_BYTES +
                     VD_ORIGIN_MAX_BYTES + worker->node->config.max_message_bytes;
    const struct vd_frame *frame;
    const unsigned char *bytes;
    size_t length;
    bool in_ring;
    enum vd_err result;

    for (;;) {
        uint16_t type;
        uint64_t tag;

        if ((result = vd_ring_peek(&worker->events, &frame)) != VD_OK)
            return result;
        type = frame->type;
        tag = frame->tag;
        result =
            vd_worker_record_add(&worker->event_record, frame, maximum, &bytes, &length, &in_ring);
        if (result == VD_OK && in_ring) {
            bytes = vd_worker_record_copy(&worker->event_record, bytes, length);
            result = bytes ? VD_OK : VD_ERR_NO_MEMORY;
        }
        release(worker, &worker->events);
        if (result == VD_ERR_EMPTY)
            continue;
        if (result != VD_OK)
            return result;
        if ((result = decode_event(worker, type, tag, bytes, length, event)) == VD_OK)
            vd_worker_clock_start(worker);
        return result;
    }
}

/* This worker's own intervals. One that is late fires once; the next tick is in the future. */
static enum vd_err next_own_timer(struct vd_worker *worker, struct vd_worker_event *event)
{
    uint64_t now;

    if (worker->own_interval_count == 0)
        return VD_ERR_EMPTY;
    now = vd_monotonic_ms();
    for (size_t i = 0; i < worker->interval_count; i++) {
        size_t at = (worker->own_interval_next + i) % worker->interval_count;
        struct vd_worker_interval *interval = &worker->intervals[at];

        if (!interval->every_worker || now < interval->due_ms)
            continue;
        interval->due_ms +=
            ((now - interval->due_ms) / interval->interval_ms + 1) * interval->interval_ms;
        worker->own_interval_next = at + 1;
        event->kind = VD_WORKER_TIMER;
        event->id = interval->id;
        vd_worker_clock_start(worker);
        return VD_OK;
    }
    return VD_ERR_EMPTY;
}

static enum vd_err next_event(struct vd_worker *worker, struct vd_worker_event *event)
{
    enum vd_err result;

    worker->overtaken = 0;
    worker->timers_first = !worker->timers_first;
    if (worker->timers_first && (result = next_own_timer(worker, event)) != VD_ERR_EMPTY)
        return result;
    if ((result = next_ring_event(worker, event)) != VD_ERR_EMPTY)
        return result;
    return worker->timers_first ? VD_ERR_EMPTY : next_own_timer(worker, event);
}

/* ---- the question ------------------------------------------------------------------------------
 */

/* What the last event left to do, once its handler has returned. */
static void finish_previous(struct vd_worker *worker)
{
    if (atomic_load_explicit(&worker->slot->request_started_ms, memory_order_relaxed) != 0)
        vd_worker_clock_stop(worker);
    worker->body = (struct vd_worker_body){.finished = true};
    if (worker->frame_held) {
        worker->frame_held = false;
        release(worker, &worker->requests);
    }
    if (worker->timer_done_owed) {
        worker->timer_done_owed = false;
        if (vd_worker_same_gateway(worker))
            vd_worker_send_empty(worker, VD_FRAME_TIMER_DONE, worker->timer_done_tag);
    }
}

static enum vd_err shut_down(struct vd_worker *worker, struct vd_worker_event *event)
{
    if (atomic_exchange(&worker->slot->state, VD_SLOT_RETIRING) != VD_SLOT_RETIRING)
        vd_doorbell_ring(&worker->shared->gateway_bell);
    event->kind = VD_WORKER_SHUTDOWN;
    return VD_OK;
}

static enum vd_err look(struct vd_worker *worker, struct vd_worker_event *event)
{
    enum vd_err result;

    if (vd_worker_ending(worker))
        return shut_down(worker, event);
    if (__builtin_expect(!worker->announced || !vd_worker_same_gateway(worker), 0)) {
        if (vd_worker_announce(worker) == VD_ERR_CLOSED)
            return VD_ERR_EMPTY; /* yet another gateway: the caller looks again at once */
    }
    if (worker->overtaken >= VD_WORKER_EVENT_PATIENCE &&
        (result = next_event(worker, event)) != VD_ERR_EMPTY)
        return result;
    if ((result = next_request(worker, event)) == VD_OK)
        worker->overtaken++;
    return result != VD_ERR_EMPTY ? result : next_event(worker, event);
}

static bool anything_there(struct vd_worker *worker)
{
    const struct vd_frame *frame;

    return vd_worker_ending(worker) || !vd_worker_same_gateway(worker) ||
           vd_ring_peek(&worker->requests, &frame) != VD_ERR_EMPTY ||
           vd_ring_peek(&worker->events, &frame) != VD_ERR_EMPTY;
}

/* Until the caller's patience ends or the next own timer is due; -1: for ever. */
static int sleep_ms(const struct vd_worker *worker, uint64_t now, uint64_t deadline_ms)
{
    uint64_t until = deadline_ms;

    for (size_t i = 0; i < worker->interval_count; i++) {
        if (worker->intervals[i].every_worker && worker->intervals[i].due_ms < until)
            until = worker->intervals[i].due_ms;
    }
    if (until == UINT64_MAX)
        return -1;
    if (until <= now)
        return 0;
    return until - now < INT32_MAX ? (int)(until - now) : INT32_MAX;
}

enum vd_err vd_worker_next_event(struct vd_worker *worker, int timeout_ms,
                                 struct vd_worker_event *event)
{
    uint64_t now, deadline_ms = UINT64_MAX;
    enum vd_err result;

    if (!vd_worker_is_here(worker) || worker->answer != VD_ANSWER_NONE)
        return VD_ERR_STATE;
    finish_previous(worker);
    while ((result = look(worker, event)) == VD_ERR_EMPTY) {
        now = timeout_ms < 0 && worker->own_interval_count == 0 ? 0 : vd_monotonic_ms();
        if (timeout_ms >= 0 && deadline_ms == UINT64_MAX)
            deadline_ms = now + (uint64_t)timeout_ms;
        if (timeout_ms >= 0 && now >= deadline_ms) {
            event->kind = VD_WORKER_IDLE;
            return VD_OK;
        }
        vd_worker_sleep(worker, sleep_ms(worker, now, deadline_ms), anything_there);
    }
    return result;
}
