/* SPDX-License-Identifier: Apache-2.0 */
/* The outbox of a link: see outbox.h. One singly linked list and two pointers into it. */
#include <assert.h>
#include <stdlib.h>

#include "outbox.h"

void vd_outbox_init(struct vd_outbox *outbox, size_t limit_messages, size_t limit_bytes,
                    size_t window_bytes, enum vd_outbox_policy policy, uint64_t sequence)
{
    *outbox = (struct vd_outbox){
        .limit_messages = limit_messages,
        .limit_bytes = limit_bytes,
        .window_bytes = window_bytes,
        .policy = policy,
        .accepted = sequence,
        .confirmed = sequence,
    };
}

void vd_outbox_finish(struct vd_outbox *outbox)
{
    struct vd_outbox_entry *next;

    for (struct vd_outbox_entry *entry = outbox->first; entry; entry = next) {
        next = entry->next;
        free(entry);
    }
    *outbox = (struct vd_outbox){0};
}

struct vd_outbox_entry *vd_outbox_entry_create(size_t capacity)
{
    struct vd_outbox_entry *entry = malloc(sizeof(*entry) + capacity);

    if (entry) {
        entry->next = NULL;
        entry->sequence = 0;
        entry->start = entry->length = 0;
    }
    return entry;
}

static bool has_room(const struct vd_outbox *outbox, size_t length, bool count_messages)
{
    if (!count_messages && outbox->waiting_count == 0)
        return true; /* it goes out at once */
    if (count_messages && outbox->waiting_count >= outbox->limit_messages)
        return false;
    return outbox->waiting_bytes + length <= outbox->limit_bytes;
}

/* What is in flight cannot be unsent: the oldest that waits goes. */
void vd_outbox_drop(struct vd_outbox *outbox)
{
    struct vd_outbox_entry *victim = outbox->waiting;

    assert(victim);
    if (outbox->flown) {
        outbox->flown->next = victim->next;
    } else {
        outbox->first = victim->next;
    }
    if (outbox->last == victim)
        outbox->last = outbox->flown;
    outbox->waiting = victim->next;
    outbox->waiting_count--;
    outbox->waiting_bytes -= victim->length;
    outbox->dropped++;
    free(victim);
}

enum vd_err vd_outbox_push(struct vd_outbox *outbox, struct vd_outbox_entry *entry,
                           bool count_messages)
{
    while (!has_room(outbox, entry->length, count_messages)) {
        outbox->overflowed = true;
        if (outbox->policy == VD_OUTBOX_FAIL || !outbox->waiting ||
            entry->length > outbox->limit_bytes)
            return VD_ERR_FULL; /* nobody is dropped for what cannot fit */
        vd_outbox_drop(outbox);
    }
    entry->next = NULL;
    if (outbox->last) {
        outbox->last->next = entry;
    } else {
        outbox->first = entry;
    }
    outbox->last = entry;
    if (!outbox->waiting)
        outbox->waiting = entry;
    outbox->waiting_count++;
    outbox->waiting_bytes += entry->length;
    if (entry->sequence)
        outbox->accepted = entry->sequence;
    return VD_OK;
}

const struct vd_outbox_entry *vd_outbox_next(const struct vd_outbox *outbox)
{
    const struct vd_outbox_entry *entry = outbox->waiting;

    if (!entry)
        return NULL;
    if (outbox->flying_count > 0 && (outbox->flying_count >= VD_OUTBOX_FLYING_MAX ||
                                     outbox->flying_bytes + entry->length > outbox->window_bytes))
        return NULL;
    return entry;
}

void vd_outbox_sent(struct vd_outbox *outbox)
{
    struct vd_outbox_entry *entry = outbox->waiting;

    assert(entry);
    outbox->flown = entry;
    outbox->waiting = entry->next;
    outbox->waiting_count--;
    outbox->waiting_bytes -= entry->length;
    outbox->flying_count++;
    outbox->flying_bytes += entry->length;
}

bool vd_outbox_confirm(struct vd_outbox *outbox)
{
    struct vd_outbox_entry *entry = outbox->first;

    if (outbox->flying_count == 0)
        return false;
    outbox->first = entry->next;
    if (!outbox->first)
        outbox->last = NULL;
    if (--outbox->flying_count == 0)
        outbox->flown = NULL;
    outbox->flying_bytes -= entry->length;
    if (entry->sequence)
        outbox->confirmed = entry->sequence;
    free(entry);
    if (!outbox->first)
        outbox->told = false;
    return true;
}

bool vd_outbox_overflow_is_news(struct vd_outbox *outbox)
{
    bool news = outbox->overflowed && !outbox->told;

    outbox->told = outbox->told || news;
    outbox->overflowed = false;
    return news;
}

uint64_t vd_outbox_last(const struct vd_outbox *outbox, bool up)
{
    if (!up)
        return outbox->confirmed;
    for (const struct vd_outbox_entry *entry = outbox->waiting; entry; entry = entry->next) {
        if (entry->sequence)
            return entry->sequence - 1;
    }
    return outbox->accepted;
}

void vd_outbox_take_back(struct vd_outbox *outbox)
{
    outbox->flown = NULL;
    outbox->waiting = outbox->first;
    outbox->waiting_count += outbox->flying_count;
    outbox->waiting_bytes += outbox->flying_bytes;
    outbox->flying_count = outbox->flying_bytes = 0;
}
