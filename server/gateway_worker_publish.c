/* SPDX-License-Identifier: Apache-2.0 */
/* What workers publish: messages of one frame or of several, and the answers to those that wait for
 * one.
 *
 * Happy path: one frame, published where it lies in the ring. A larger message is put together here
 * first; its frames stay in the ring until the last one (gw_worker_keeps), so that a successor of
 * this process finds all of it.
 *
 * Failure modes: the worker gives up half-way - VD_FRAME_DISCARD; it dies - what is there of the
 * message is forgotten; this process dies - its successor reads the frames again and knows by their
 * place whether the message stands in the history already. Of a message that takes more than half
 * of the ring the beginning must be handed back before its end can come: that is lost then, and
 * counted.
 */
#include <stdlib.h>
#include <string.h>

#include "gateway.h"

#define KEPT_BYTES_MAX (VD_RING_TO_GATEWAY_BYTES / 2)

static size_t record_limit(const struct gateway *gateway)
{
    return gateway->config->max_message_bytes + 4096;
}

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

/* Returns: VD_OK, VD_ERR_TOO_LARGE, VD_ERR_NO_MEMORY. */
static enum vd_err partial_append(struct gw_worker *worker, const struct vd_frame *frame)
{
    size_t needed = worker->partial_length + frame->length;

    if (needed > record_limit(worker->gateway))
        return VD_ERR_TOO_LARGE;
    if (!worker->partial || needed > worker->partial_capacity) {
        size_t capacity = worker->partial_capacity ? worker->partial_capacity : 128 * 1024;

        while (capacity < needed)
            capacity *= 2;
        char *grown = realloc(worker->partial, capacity);
        if (!grown)
            return VD_ERR_NO_MEMORY;
        worker->partial = grown;
        worker->partial_capacity = capacity;
    }
    memcpy(worker->partial + worker->partial_length, frame->payload, frame->length);
    worker->partial_length = needed;
    return VD_OK;
}

void gw_worker_forget_partial(struct gw_worker *worker)
{
    free(worker->partial);
    worker->partial = NULL;
    worker->partial_length = worker->partial_capacity = 0;
}

/* A frame of a message whose beginning went to a gateway that died, or found no memory. */
static bool skip(struct gw_worker *worker, const struct vd_frame *frame)
{
    struct gateway *gateway = worker->gateway;

    if (frame->flags & VD_FRAME_MORE)
        return true;
    gateway->counters.dropped++;
    vd_log_limited(gateway->logger, gateway->now_ms, VD_LOG_WARN, "message_incomplete",
                   "a large message of worker %u was lost in a restart, or for want of memory",
                   worker->index);
    return true;
}

bool gw_worker_publish(struct gw_worker *worker, const struct vd_frame *frame)
{
    bool result;

    if (!(frame->flags & VD_FRAME_CONTINUED) || frame->flags & VD_FRAME_DISCARD)
        gw_worker_forget_partial(worker);
    if (frame->flags & VD_FRAME_DISCARD)
        return true;
    if (!(frame->flags & VD_FRAME_CONTINUED)) {
        worker->partial_position = vd_ring_position(&worker->from);
        if (!(frame->flags & VD_FRAME_MORE))
            return publish(worker, frame->payload, frame->length, worker->partial_position,
                           frame->tag);
    } else if (!worker->partial) {
        return skip(worker, frame);
    }
    switch (partial_append(worker, frame)) {
    case VD_OK:
        break;
    case VD_ERR_NO_MEMORY:
        gw_worker_forget_partial(worker);
        return skip(worker, frame);
    default:
        return false;
    }
    if (frame->flags & VD_FRAME_MORE)
        return true;
    result = publish(worker, (unsigned char *)worker->partial, worker->partial_length,
                     worker->partial_position, frame->tag);
    gw_worker_forget_partial(worker);
    return result;
}

/* With more in the ring than that, its worker might wait for ever for room for the rest. */
bool gw_worker_keeps(const struct gw_worker *worker)
{
    return vd_ring_kept_bytes(&worker->from) <= KEPT_BYTES_MAX;
}
