/* SPDX-License-Identifier: Apache-2.0 */
/* The bounded queue of parcels: a ring that doubles when it is full of entries; what bounds it is
 * the sum of the bytes. */
#include <stdlib.h>
#include <string.h>

#include "mailbox.h"

#define FIRST_CAPACITY 64

/* What an entry costs beside the message, so that empty messages are bounded too. */
static size_t cost_of(const struct vd_parcel *parcel)
{
    return parcel->length + sizeof(*parcel) + sizeof(struct vd_mailbox_entry);
}

void vd_mailbox_init(struct vd_mailbox *mailbox, size_t limit_bytes)
{
    *mailbox = (struct vd_mailbox){.limit_bytes = limit_bytes};
}

void vd_mailbox_finish(struct vd_mailbox *mailbox)
{
    struct vd_mailbox_entry entry;

    while (vd_mailbox_pop(mailbox, &entry))
        vd_parcel_release(entry.parcel);
    free(mailbox->entries);
    *mailbox = (struct vd_mailbox){.limit_bytes = mailbox->limit_bytes};
}

static bool grow(struct vd_mailbox *mailbox)
{
    size_t capacity = mailbox->capacity ? mailbox->capacity * 2 : FIRST_CAPACITY;
    struct vd_mailbox_entry *entries = malloc(capacity * sizeof(*entries));

    if (!entries)
        return false;
    for (size_t i = 0; i < mailbox->count; i++)
        entries[i] = mailbox->entries[(mailbox->head + i) & (mailbox->capacity - 1)];
    free(mailbox->entries);
    mailbox->entries = entries;
    mailbox->capacity = capacity;
    mailbox->head = 0;
    return true;
}

bool vd_mailbox_push(struct vd_mailbox *mailbox, struct vd_parcel *parcel)
{
    size_t cost = cost_of(parcel);

    if ((mailbox->count > 0 && mailbox->bytes + cost > mailbox->limit_bytes) ||
        (mailbox->count == mailbox->capacity && !grow(mailbox))) {
        mailbox->missed++;
        return false;
    }
    mailbox->entries[(mailbox->head + mailbox->count) & (mailbox->capacity - 1)] =
        (struct vd_mailbox_entry){.parcel = vd_parcel_hold(parcel), .missed = mailbox->missed};
    mailbox->missed = 0;
    mailbox->count++;
    mailbox->bytes += cost;
    return true;
}

bool vd_mailbox_pop(struct vd_mailbox *mailbox, struct vd_mailbox_entry *entry)
{
    if (mailbox->count == 0) {
        *entry = (struct vd_mailbox_entry){.missed = mailbox->missed};
        mailbox->missed = 0;
        return false;
    }
    *entry = mailbox->entries[mailbox->head];
    mailbox->head = (mailbox->head + 1) & (mailbox->capacity - 1);
    mailbox->count--;
    mailbox->bytes -= cost_of(entry->parcel);
    return true;
}

struct vd_mailbox_entry *vd_mailbox_peek(struct vd_mailbox *mailbox)
{
    return mailbox->count ? &mailbox->entries[mailbox->head] : NULL;
}
