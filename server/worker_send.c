/* SPDX-License-Identifier: Apache-2.0 */
/* Records to the gateway, and the one place where a worker sleeps.
 *
 * Happy path: room in the ring, the frame is written in place, one store publishes it, the bell is
 * rung. Full ring: the gateway always drains, so we ask to be woken (want_room) and wait; what ends
 * the wait besides room is the caller's deadline, or another gateway (nobody then waits for what we
 * had to say). A record that is given up half-way leaves a note, VD_FRAME_DISCARD, in front of the
 * next one. While we wait for the gateway the time limit's clock is wound up: it is not the handler
 * that hangs. */
#include <poll.h>
#include <string.h>

#include <viaduct/clock.h>

#include "worker_state.h"

#define WAIT_TICK_MS 500 /* how long a wait trusts the bell, at most */

bool vd_worker_ending(const struct vd_worker *worker)
{
    return worker->retire || vd_worker_term_received() || vd_orphaned() ||
           atomic_load_explicit(&worker->shared->phase, memory_order_acquire) ==
               VD_PHASE_STOPPING ||
           atomic_load_explicit(&worker->slot->retire_wanted, memory_order_acquire) ==
               worker->generation;
}

void vd_worker_sleep(struct vd_worker *worker, int timeout_ms,
                     bool (*ready)(struct vd_worker *worker))
{
    struct pollfd bell = {.fd = worker->slot->bell.fd, .events = POLLIN};

    vd_doorbell_arm(&worker->slot->bell);
    if (!ready(worker))
        poll(&bell, 1, timeout_ms);
    vd_doorbell_disarm(&worker->slot->bell);
}

/* Nobody will ever read what we send: the gateway changed, or is gone for good. */
static bool gateway_lost(const struct vd_worker *worker, uint32_t epoch)
{
    return vd_worker_gateway_epoch(worker) != epoch || vd_orphaned() ||
           (atomic_load(&worker->shared->gateway_pid) == 0 &&
            atomic_load(&worker->shared->phase) != VD_PHASE_SERVING);
}

static bool room_or_lost(struct vd_worker *worker)
{
    return gateway_lost(worker, worker->waiting_epoch) ||
           vd_ring_has_room(&worker->to_gateway, VD_FRAME_CHUNK_BYTES);
}

static enum vd_err wait_for_room(struct vd_worker *worker, struct vd_worker_patience *patience)
{
    uint64_t now = vd_monotonic_ms();
    uint64_t left = WAIT_TICK_MS;

    if (gateway_lost(worker, patience->epoch))
        return VD_ERR_CLOSED;
    if (patience->timeout_ms) {
        if (patience->deadline_ms == 0)
            patience->deadline_ms = now + patience->timeout_ms;
        if (now >= patience->deadline_ms)
            return VD_ERR_TIMEOUT;
        if (patience->deadline_ms - now < left)
            left = patience->deadline_ms - now;
    }
    vd_doorbell_ring(&worker->shared->gateway_bell);
    worker->waiting_epoch = patience->epoch;
    vd_worker_sleep(worker, (int)left, room_or_lost);
    vd_worker_clock_wind(worker);
    return VD_OK;
}

static enum vd_err reserve_waiting(struct vd_worker *worker, size_t length, uint16_t type,
                                   uint16_t flags, uint64_t tag,
                                   struct vd_worker_patience *patience, struct vd_frame **frame)
{
    enum vd_err result;

    while (!(*frame = vd_ring_reserve(&worker->to_gateway, length, type, flags, tag))) {
        if ((result = wait_for_room(worker, patience)) != VD_OK)
            return result;
    }
    return VD_OK;
}

static enum vd_err send_discard(struct vd_worker *worker, struct vd_worker_patience *patience)
{
    struct vd_frame *frame;
    enum vd_err result = reserve_waiting(
        worker, 0, VD_FRAME_PUBLISH, VD_FRAME_CONTINUED | VD_FRAME_DISCARD, 0, patience, &frame);

    if (result != VD_OK)
        return result;
    vd_ring_commit(&worker->to_gateway);
    worker->discard_pending = false;
    return VD_OK;
}

enum vd_err vd_worker_reserve(struct vd_worker *worker, size_t length, uint16_t type,
                              uint16_t flags, uint64_t tag, struct vd_worker_patience *patience,
                              struct vd_frame **frame)
{
    if (__builtin_expect(worker->discard_pending, 0)) {
        enum vd_err result = send_discard(worker, patience);

        if (result != VD_OK)
            return result;
    }
    return reserve_waiting(worker, length, type, flags, tag, patience, frame);
}

void vd_worker_commit(struct vd_worker *worker)
{
    vd_ring_commit(&worker->to_gateway);
    vd_doorbell_ring(&worker->shared->gateway_bell);
}

/* Where the copying stands in a list of pieces. */
struct cursor {
    const struct vd_text *piece;
    size_t offset;
};

static void copy_pieces(struct cursor *cursor, unsigned char *target, size_t length)
{
    while (length > 0) {
        size_t left = cursor->piece->length - cursor->offset;
        size_t part = left < length ? left : length;

        if (part > 0)
            memcpy(target, cursor->piece->bytes + cursor->offset, part);
        target += part;
        length -= part;
        cursor->offset += part;
        if (cursor->offset == cursor->piece->length) {
            cursor->piece++;
            cursor->offset = 0;
        }
    }
}

enum vd_err vd_worker_send(struct vd_worker *worker, uint16_t type, uint16_t flags, uint64_t tag,
                           const struct vd_text *pieces, size_t piece_count,
                           struct vd_worker_patience patience)
{
    struct cursor cursor = {.piece = pieces, .offset = 0};
    size_t left = 0;
    uint16_t continued = 0;
    enum vd_err result = VD_OK;

    for (size_t i = 0; i < piece_count; i++)
        left += pieces[i].length;
    do {
        size_t part = left < VD_FRAME_CHUNK_BYTES ? left : VD_FRAME_CHUNK_BYTES;
        uint16_t more = part < left ? VD_FRAME_MORE : 0;
        struct vd_frame *frame;

        /* the start of the record may have died with the gateway that read it */
        if (continued && vd_worker_gateway_epoch(worker) != patience.epoch) {
            result = VD_ERR_CLOSED;
        } else {
            result = vd_worker_reserve(worker, part, type, (uint16_t)(flags | more | continued),
                                       tag, &patience, &frame);
        }
        if (result != VD_OK) {
            worker->discard_pending |= continued != 0;
            return result;
        }
        copy_pieces(&cursor, frame->payload, part);
        vd_worker_commit(worker);
        continued = VD_FRAME_CONTINUED;
        left -= part;
    } while (left > 0);
    return VD_OK;
}

static bool answered_or_lost(struct vd_worker *worker)
{
    return gateway_lost(worker, worker->waiting_epoch) ||
           atomic_load_explicit(&worker->slot->publish_answer, memory_order_acquire) >> 8 ==
               worker->publish_tag;
}

enum vd_err vd_worker_await_answer(struct vd_worker *worker, uint32_t epoch, uint32_t timeout_ms)
{
    uint64_t now = vd_monotonic_ms(), deadline_ms = now + timeout_ms, answer;

    worker->waiting_epoch = epoch;
    for (;;) {
        answer = atomic_load_explicit(&worker->slot->publish_answer, memory_order_acquire);
        if (answer >> 8 == worker->publish_tag)
            return (enum vd_err)(answer & 0xff);
        if (gateway_lost(worker, epoch))
            return VD_ERR_CLOSED;
        if (now >= deadline_ms)
            return VD_ERR_TIMEOUT;
        vd_worker_sleep(worker,
                        (int)(deadline_ms - now < WAIT_TICK_MS ? deadline_ms - now : WAIT_TICK_MS),
                        answered_or_lost);
        vd_worker_clock_wind(worker);
        now = vd_monotonic_ms();
    }
}

enum vd_err vd_worker_send_empty(struct vd_worker *worker, uint16_t type, uint64_t tag)
{
    struct vd_worker_patience for_ever = {.epoch = worker->epoch};

    return vd_worker_send(worker, type, 0, tag, NULL, 0, for_ever);
}
