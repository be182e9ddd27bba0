/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded queue of parcels for one slow reader. What does not fit is dropped and counted, and the
 * count stands at its place in the queue: the reader learns of the gap between the message before
 * and the message after it. Not locked: the caller's business. */
#ifndef VIADUCT_BROKERS_MAILBOX_H
#define VIADUCT_BROKERS_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parcel.h"

struct vd_mailbox_entry {
    struct vd_parcel *parcel; /* the queue is one of its owners */
    uint64_t missed;          /* dropped right before it */
};

struct vd_mailbox {
    struct vd_mailbox_entry *entries; /* ring of @capacity, a power of two */
    size_t capacity;
    size_t head, count;
    size_t bytes, limit_bytes;
    uint64_t missed; /* dropped after the last entry */
};

void vd_mailbox_init(struct vd_mailbox *mailbox, size_t limit_bytes);
void vd_mailbox_finish(struct vd_mailbox *mailbox); /* releases all; zeroed memory is fine */

/* Takes a share in @parcel. false: no room (or memory) for it, counted as missed. One parcel always
 * fits an empty mailbox, so that a message over the limit is not stuck for ever. */
bool vd_mailbox_push(struct vd_mailbox *mailbox, struct vd_parcel *parcel);

/* The oldest entry goes to the caller, the share with it. false: empty; then *entry holds only what
 * was missed since, and that count is taken over too. */
bool vd_mailbox_pop(struct vd_mailbox *mailbox, struct vd_mailbox_entry *entry);

/* The oldest entry stays; NULL: empty. Valid until the next call. */
struct vd_mailbox_entry *vd_mailbox_peek(struct vd_mailbox *mailbox);

#endif
