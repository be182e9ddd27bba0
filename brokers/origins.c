/* SPDX-License-Identifier: Apache-2.0 */
/* The table of origins: chained hash over a fixed array, with lists in order of use. No allocation
 * after init, so that a message can always be judged. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <viaduct/message.h>

#include "origins.h"

struct vd_origin {
    uint64_t last;
    uint32_t forgiven;
    uint16_t chain;        /* index + 1; 0: end */
    uint16_t newer, older; /* index + 1 */
    uint8_t length;
    uint8_t heard; /* new messages, up to VD_ORIGINS_REGULAR */
    char text[VD_ORIGIN_MAX_BYTES];
};

_Static_assert(VD_ORIGINS_MAX < UINT16_MAX, "an index + 1 fits");

enum vd_err vd_origins_init(struct vd_origins *origins)
{
    *origins = (struct vd_origins){0};
    origins->table = calloc(VD_ORIGINS_MAX, sizeof(*origins->table));
    origins->buckets = calloc(VD_ORIGINS_MAX, sizeof(*origins->buckets));
    if (origins->table && origins->buckets)
        return VD_OK;
    vd_origins_finish(origins);
    return VD_ERR_NO_MEMORY;
}

void vd_origins_finish(struct vd_origins *origins)
{
    free(origins->table);
    free(origins->buckets);
    *origins = (struct vd_origins){0};
}

/* FNV-1a. A node that chooses its id to collide slows down 512 look-ups, no more. */
static uint16_t *bucket_of(const struct vd_origins *origins, const char *text, size_t length)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * 16777619u;
    return &origins->buckets[hash % VD_ORIGINS_MAX];
}

static uint16_t find(const struct vd_origins *origins, const char *text, size_t length)
{
    uint16_t at = *bucket_of(origins, text, length);

    while (at != 0) {
        const struct vd_origin *origin = &origins->table[at - 1];
        if (origin->length == length && memcmp(origin->text, text, length) == 0)
            break;
        at = origin->chain;
    }
    return at;
}

static struct vd_origins_order *order_of(struct vd_origins *origins, const struct vd_origin *origin)
{
    return origin->heard < VD_ORIGINS_REGULAR ? &origins->newcomers : &origins->regulars;
}

static void unlink_use(struct vd_origins *origins, uint16_t at)
{
    struct vd_origin *origin = &origins->table[at - 1];
    struct vd_origins_order *order = order_of(origins, origin);

    if (origin->newer) {
        origins->table[origin->newer - 1].older = origin->older;
    } else {
        order->newest = origin->older;
    }
    if (origin->older) {
        origins->table[origin->older - 1].newer = origin->newer;
    } else {
        order->oldest = origin->newer;
    }
    order->count--;
}

static void link_newest(struct vd_origins *origins, uint16_t at)
{
    struct vd_origin *origin = &origins->table[at - 1];
    struct vd_origins_order *order = order_of(origins, origin);

    origin->newer = 0;
    origin->older = order->newest;
    if (order->newest) {
        origins->table[order->newest - 1].newer = at;
    } else {
        order->oldest = at;
    }
    order->newest = at;
    order->count++;
}

static void unlink_chain(struct vd_origins *origins, uint16_t at)
{
    const struct vd_origin *origin = &origins->table[at - 1];
    uint16_t *link = bucket_of(origins, origin->text, origin->length);

    while (*link != at)
        link = &origins->table[*link - 1].chain;
    *link = origin->chain;
}

static uint16_t forget_one(struct vd_origins *origins)
{
    uint16_t at = origins->newcomers.count >= VD_ORIGINS_NEWCOMERS ? origins->newcomers.oldest
                                                                   : origins->regulars.oldest;

    unlink_use(origins, at);
    unlink_chain(origins, at);
    return at;
}

static struct vd_origin *add(struct vd_origins *origins, const char *text, size_t length)
{
    struct vd_origin *origin;
    uint16_t *bucket;
    uint16_t at;

    at = origins->count < VD_ORIGINS_MAX ? ++origins->count : forget_one(origins);
    origin = &origins->table[at - 1];
    bucket = bucket_of(origins, text, length);
    memcpy(origin->text, text, length);
    origin->length = (uint8_t)length;
    origin->heard = 0;
    origin->forgiven = origins->forgiven;
    origin->chain = *bucket;
    *bucket = at;
    link_newest(origins, at);
    return origin;
}

static void used(struct vd_origins *origins, uint16_t at, bool is_new)
{
    struct vd_origin *origin = &origins->table[at - 1];
    bool counts = is_new && origin->heard < VD_ORIGINS_REGULAR;

    if (!counts && at == order_of(origins, origin)->newest)
        return;
    unlink_use(origins, at);
    if (counts)
        origin->heard++;
    link_newest(origins, at);
}

enum vd_origin_verdict vd_origins_see(struct vd_origins *origins, const char *text, size_t length,
                                      uint64_t sequence, uint64_t *missed)
{
    uint16_t at = find(origins, text, length);
    struct vd_origin *origin;
    uint64_t last;
    bool forgiven, duplicate;

    if (at == 0) {
        origin = add(origins, text, length);
        origin->last = sequence;
        origin->heard = 1;
        return VD_ORIGIN_NEW;
    }
    origin = &origins->table[at - 1];
    last = origin->last;
    duplicate = sequence <= last && last - sequence < VD_ORIGINS_WINDOW;
    used(origins, at, !duplicate);
    if (duplicate)
        return VD_ORIGIN_DUPLICATE;
    forgiven = origin->forgiven != origins->forgiven;
    origin->forgiven = origins->forgiven;
    origin->last = sequence;
    if (sequence == last + 1 || forgiven)
        return VD_ORIGIN_NEW;
    *missed = sequence > last ? sequence - last - 1 : 0;
    return VD_ORIGIN_AFTER_GAP;
}

/* Any number ends the forgiveness: all that the gap of the link can have cost is known. A lower one
 * says that its sender does not know yet what arrived, and sends that again, and what follows: so
 * what is missing after it was dropped there, perhaps since the gap. */
bool vd_origins_hear(struct vd_origins *origins, const char *text, size_t length, uint64_t sequence,
                     uint64_t *missed)
{
    uint16_t at = find(origins, text, length);
    struct vd_origin *origin;
    bool forgiven;

    if (at == 0) {
        add(origins, text, length)->last = sequence;
        return false;
    }
    origin = &origins->table[at - 1];
    used(origins, at, false);
    forgiven = origin->forgiven != origins->forgiven;
    origin->forgiven = origins->forgiven;
    if (sequence < origin->last)
        return false;
    *missed = sequence - origin->last;
    origin->last = sequence;
    return *missed > 0 && !forgiven;
}

void vd_origins_forgive(struct vd_origins *origins)
{
    origins->forgiven++;
}
