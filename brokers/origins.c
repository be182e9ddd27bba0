/* SPDX-License-Identifier: Apache-2.0 */
/* The table of origins: chained hash over a fixed array, with a list in order of use. No allocation
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

static void unlink_use(struct vd_origins *origins, uint16_t at)
{
    struct vd_origin *origin = &origins->table[at - 1];

    if (origin->newer) {
        origins->table[origin->newer - 1].older = origin->older;
    } else {
        origins->newest = origin->older;
    }
    if (origin->older) {
        origins->table[origin->older - 1].newer = origin->newer;
    } else {
        origins->oldest = origin->newer;
    }
}

static void link_newest(struct vd_origins *origins, uint16_t at)
{
    struct vd_origin *origin = &origins->table[at - 1];

    origin->newer = 0;
    origin->older = origins->newest;
    if (origins->newest) {
        origins->table[origins->newest - 1].newer = at;
    } else {
        origins->oldest = at;
    }
    origins->newest = at;
}

static void unlink_chain(struct vd_origins *origins, uint16_t at)
{
    const struct vd_origin *origin = &origins->table[at - 1];
    uint16_t *link = bucket_of(origins, origin->text, origin->length);

    while (*link != at)
        link = &origins->table[*link - 1].chain;
    *link = origin->chain;
}

static struct vd_origin *add(struct vd_origins *origins, const char *text, size_t length)
{
    struct vd_origin *origin;
    uint16_t *bucket;
    uint16_t at;

    if (origins->count < VD_ORIGINS_MAX) {
        at = ++origins->count;
    } else {
        at = origins->oldest;
        unlink_use(origins, at);
        unlink_chain(origins, at);
    }
    origin = &origins->table[at - 1];
    bucket = bucket_of(origins, text, length);
    memcpy(origin->text, text, length);
    origin->length = (uint8_t)length;
    origin->forgiven = origins->forgiven;
    origin->chain = *bucket;
    *bucket = at;
    link_newest(origins, at);
    return origin;
}

enum vd_origin_verdict vd_origins_see(struct vd_origins *origins, const char *text, size_t length,
                                      uint64_t sequence, uint64_t *missed)
{
    uint16_t at = find(origins, text, length);
    struct vd_origin *origin;
    uint64_t last;
    bool forgiven;

    if (at == 0) {
        add(origins, text, length)->last = sequence;
        return VD_ORIGIN_NEW;
    }
    origin = &origins->table[at - 1];
    if (at != origins->newest) {
        unlink_use(origins, at);
        link_newest(origins, at);
    }
    last = origin->last;
    if (sequence <= last && last - sequence < VD_ORIGINS_WINDOW)
        return VD_ORIGIN_DUPLICATE;
    forgiven = origin->forgiven != origins->forgiven;
    origin->forgiven = origins->forgiven;
    origin->last = sequence;
    if (sequence == last + 1 || forgiven)
        return VD_ORIGIN_NEW;
    *missed = sequence > last ? sequence - last - 1 : 0;
    return VD_ORIGIN_AFTER_GAP;
}

void vd_origins_forgive(struct vd_origins *origins)
{
    origins->forgiven++;
}
