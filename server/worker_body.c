/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a request, as the handler asks for it.
 *
 * Happy path: a short body came with its request and is read where it lies. A long one is asked for
 * (WANT_BODY) when somebody first wants it, and then comes through the requests ring as fast as it
 * is read: the ring is the window, so neither side holds more than that. What nobody reads is
 * skipped when the next request is looked for.
 *
 * Failure modes: the client leaves before the end - the gateway says so by DISCARD, and the reader
 * gets VD_ERR_CLOSED, never a clean end; the gateway dies - the same. */
#include <string.h>

#include "worker_state.h"

#define WAIT_TICK_MS 500
#define PIECE_BYTES  (64 * 1024)

void vd_worker_body_begin(struct vd_worker *worker, const struct vd_worker_request *request)
{
    worker->body = (struct vd_worker_body){.streamed = request->body_streamed,
                                           .finished = !request->body_streamed};
    if (!request->body_streamed)
        worker->body.inline_rest = request->body;
}

static bool frame_or_lost(struct vd_worker *worker)
{
    const struct vd_frame *frame;

    return !vd_worker_same_gateway(worker) || vd_orphaned() ||
           vd_ring_peek(&worker->requests, &frame) != VD_ERR_EMPTY;
}

/* The frame that goes on with the body. */
static enum vd_err next_frame(struct vd_worker *worker, const struct vd_frame **frame)
{
    enum vd_err result;

    while ((result = vd_ring_peek(&worker->requests, frame)) == VD_ERR_EMPTY) {
        if (!vd_worker_same_gateway(worker) || vd_orphaned())
            return VD_ERR_CLOSED;
        vd_worker_clock_wind(worker);
        vd_worker_sleep(worker, WAIT_TICK_MS, frame_or_lost);
    }
    if (result != VD_OK)
        return result;
    /* While this body is under way the gateway offers this worker nothing else. */
    if ((*frame)->tag != worker->request_id)
        return vd_worker_same_gateway(worker) ? VD_ERR_CORRUPT : VD_ERR_CLOSED;
    return (*frame)->type == VD_FRAME_BODY ? VD_OK : VD_ERR_CORRUPT;
}

static void frame_done(struct vd_worker *worker)
{
    worker->body.frame_read = 0;
    if (vd_ring_release(&worker->requests))
        vd_doorbell_ring(&worker->shared->gateway_bell);
}

static enum vd_err read_streamed(struct vd_worker *worker, char *buffer, size_t capacity,
                                 size_t *length)
{
    struct vd_worker_body *body = &worker->body;
    const struct vd_frame *frame;
    enum vd_err result;

    if (!body->wanted) {
        body->wanted = true;
        if (vd_worker_send_empty(worker, VD_FRAME_WANT_BODY, worker->request_id) != VD_OK)
            return VD_ERR_CLOSED;
    }
    while (*length == 0 && !body->finished) {
        if ((result = next_frame(worker, &frame)) != VD_OK)
            return result;
        if (frame->flags & VD_FRAME_DISCARD) {
            frame_done(worker);
            return VD_ERR_CLOSED;
        }
        *length = frame->length - body->frame_read;
        if (*length > capacity)
            *length = capacity;
        memcpy(buffer, frame->payload + body->frame_read, *length);
        body->frame_read += *length;
        if (body->frame_read == frame->length) {
            body->finished = !(frame->flags & VD_FRAME_MORE);
            frame_done(worker);
        }
    }
    return VD_OK;
}

static void read_inline(struct vd_worker *worker, char *buffer, size_t capacity, size_t *length)
{
    struct vd_text *rest = &worker->body.inline_rest;

    *length = rest->length < capacity ? rest->length : capacity;
    if (*length)
        memcpy(buffer, rest->bytes, *length);
    rest->bytes += *length;
    rest->length -= *length;
}

enum vd_err vd_worker_read_body(struct vd_worker *worker, void *buffer, size_t capacity,
                                size_t *length)
{
    enum vd_err result = VD_OK;

    *length = 0;
    if (!vd_worker_is_here(worker))
        return VD_ERR_STATE;
    if (!worker->body.streamed) {
        read_inline(worker, buffer, capacity, length);
        return VD_OK;
    }
    if (worker->answer == VD_ANSWER_NONE)
        return VD_ERR_STATE;
    if (worker->body.broken)
        return VD_ERR_CLOSED;
    result = read_streamed(worker, buffer, capacity, length);
    worker->body.broken = result != VD_OK;
    return result;
}

enum vd_err vd_worker_whole_body(struct vd_worker *worker, struct vd_text *body)
{
    struct vd_worker_record *record = &worker->body_record;
    size_t length = 1;
    enum vd_err result = VD_OK;

    *body = worker->body.inline_rest;
    worker->body.inline_rest.length = 0;
    if (!worker->body.streamed)
        return vd_worker_is_here(worker) ? VD_OK : VD_ERR_STATE;
    record->length = 0;
    while (result == VD_OK && length > 0) {
        if ((result = vd_worker_record_reserve(record, PIECE_BYTES)) != VD_OK)
            return result;
        result = vd_worker_read_body(worker, record->bytes + record->length, PIECE_BYTES, &length);
        record->length += length;
    }
    *body = (struct vd_text){.bytes = (const char *)record->bytes, .length = record->length};
    return result;
}
