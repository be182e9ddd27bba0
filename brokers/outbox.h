/* SPDX-License-Identifier: Apache-2.0 */
/* What was accepted for a far side and is not confirmed by it: a queue in two parts.
 *
 *     oldest                                        newest
 *     [ in flight: sent, not confirmed ][ waiting: not sent ]
 *
 * A link that breaks takes back what is in flight, so that all of it goes out again, in the same
 * order; receivers tell the copies by their sequence numbers. The limits hold for what waits: they
 * are those of a link that is down. What is in flight is bounded by the window.
 *
 * Pure memory: no I/O, no clock. Entries hold bytes ready to be sent. */
#ifndef VIADUCT_BROKERS_OUTBOX_H
#define VIADUCT_BROKERS_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <viaduct/broker.h>

#include "origins.h"

/* In flight at once, beside the limit on bytes: their copies after a drop are told by their
 * numbers, as far as VD_ORIGINS_WINDOW reaches. */
#define VD_OUTBOX_FLYING_MAX (VD_ORIGINS_WINDOW / 2)

struct vd_outbox_entry {
    struct vd_outbox_entry *next;
    uint64_t sequence;    /* of the message; 0 unless it is this node's own */
    size_t start, length; /* of what is sent, within bytes */
    unsigned char bytes[];
};

struct vd_outbox {
    struct vd_outbox_entry *first, *last;
    struct vd_outbox_entry *flown;   /* last in flight; NULL: none */
    struct vd_outbox_entry *waiting; /* first that is not in flight; NULL: none */
    size_t waiting_count, waiting_bytes;
    size_t flying_count, flying_bytes;
    size_t limit_messages, limit_bytes, window_bytes;
    enum vd_outbox_policy policy;
    uint64_t dropped;             /* ever */
    bool overflowed;              /* and nobody has asked since */
    bool told;                    /* since it was empty; a link that comes up ends it too */
    uint64_t accepted, confirmed; /* the last of this node's own numbers */
};

/* @window_bytes: what may be in flight; one entry always may. @sequence: the last of this node's
 * own numbers that is done with. */
void vd_outbox_init(struct vd_outbox *outbox, size_t limit_messages, size_t limit_bytes,
                    size_t window_bytes, enum vd_outbox_policy policy, uint64_t sequence);
void vd_outbox_finish(struct vd_outbox *outbox); /* frees all entries; zeroed memory is fine */

/* An entry with room for @capacity bytes; NULL: out of memory. The caller fills in sequence,
 * start, length and bytes, then pushes it, or frees it with free(). */
struct vd_outbox_entry *vd_outbox_entry_create(size_t capacity);

/* Put @entry at the end; the outbox owns it when this is VD_OK.
 * @count_messages: the limit on their number holds too (the link is down; while it is up, only that
 * on their bytes does, so that a burst is not cut, and not for one that nothing waits before).
 * Returns: VD_OK (what was dropped to make room is counted), VD_ERR_FULL (policy FAIL, or larger
 * than all of the room). */
enum vd_err vd_outbox_push(struct vd_outbox *outbox, struct vd_outbox_entry *entry,
                           bool count_messages);

/* The next one to send, while the window has room for it; NULL: none. */
const struct vd_outbox_entry *vd_outbox_next(const struct vd_outbox *outbox);
/* It was sent. */
void vd_outbox_sent(struct vd_outbox *outbox);

/* The one that vd_outbox_next would give can never be sent: freed, and counted as
 * dropped. */
void vd_outbox_drop(struct vd_outbox *outbox);

/* The oldest in flight is confirmed and freed. false: nothing was in flight. */
bool vd_outbox_confirm(struct vd_outbox *outbox);

/* The link broke: all that was in flight waits again, before the others. */
void vd_outbox_take_back(struct vd_outbox *outbox);

/* Has it dropped or refused something, for the first time since it was empty or the link came up?
 * Then it is time to tell: true, once. */
bool vd_outbox_overflow_is_news(struct vd_outbox *outbox);

/* What a probe that is sent now may say of this node's own messages: none up to this number is
 * still to come.
 * @up: what is in flight was sent before it on the same connection, so all goes that does not wait,
 * also what was dropped. Else only what was confirmed: what was dropped while the link was down is
 * then a jump to whoever hears of this node by this probe for the first time. */
uint64_t vd_outbox_last(const struct vd_outbox *outbox, bool up);

/* As in struct vd_broker_status. */
static inline uint64_t vd_outbox_sequence(const struct vd_outbox *outbox)
{
    return outbox->first ? outbox->first->sequence : 0;
}

static inline size_t vd_outbox_count(const struct vd_outbox *outbox)
{
    return outbox->waiting_count + outbox->flying_count;
}

static inline size_t vd_outbox_bytes(const struct vd_outbox *outbox)
{
    return outbox->waiting_bytes + outbox->flying_bytes;
}

/* Its share of a broker's status. */
static inline void vd_outbox_describe(const struct vd_outbox *outbox,
                                      struct vd_broker_status *status)
{
    status->outbox_messages = vd_outbox_count(outbox);
    status->outbox_bytes = vd_outbox_bytes(outbox);
    status->outbox_sequence = vd_outbox_sequence(outbox);
}

#endif
