/* SPDX-License-Identifier: Apache-2.0 */
/* Who has published what: the last sequence number of each origin, to tell new messages from
 * duplicates and to notice what is missing.
 *
 * Every transport here keeps the order of one publisher, so one number an origin is enough: the
 * next is new, a higher one is new after a gap, any other came before (or after a later one, which
 * would break the order) and is left out. Nodes also say from time to time how far they are, so
 * that a loss is noticed that nothing follows, or nothing went before.
 *
 * Origins come from outside, so their number is bounded: the one not heard of for longest is
 * forgotten. Scripts that publish once and are gone (a request of php-fpm) are origins, too, some
 * thousands a minute: they must not make us forget the nodes, whose gaps would then go by unseen.
 * So newcomers are forgotten before regulars, as in a segmented LRU cache. */
#ifndef VIADUCT_BROKERS_ORIGINS_H
#define VIADUCT_BROKERS_ORIGINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <viaduct/error.h>

#define VD_ORIGINS_MAX 512

/* So far below the last number it cannot be a straggler: the origin has begun anew. */
#define VD_ORIGINS_WINDOW 65536u

#define VD_ORIGINS_REGULAR   8u  /* new messages that make a newcomer a regular */
#define VD_ORIGINS_NEWCOMERS 64u /* so many are kept, however many regulars there are */

struct vd_origin;

/* In order of use; index + 1. */
struct vd_origins_order {
    uint16_t newest, oldest, count;
};

struct vd_origins {
    struct vd_origin *table; /* [VD_ORIGINS_MAX] */
    uint16_t *buckets;       /* [VD_ORIGINS_MAX], index + 1 of the first in the chain */
    struct vd_origins_order newcomers, regulars;
    uint16_t count;
    uint32_t forgiven; /* +1 at each gap of the whole link */
};

enum vd_origin_verdict { VD_ORIGIN_NEW, VD_ORIGIN_AFTER_GAP, VD_ORIGIN_DUPLICATE };

/* Returns: VD_OK, VD_ERR_NO_MEMORY. */
enum vd_err vd_origins_init(struct vd_origins *origins);
void vd_origins_finish(struct vd_origins *origins); /* zeroed memory is fine */

/* A message with @sequence (not 0) came from @origin (at most VD_ORIGIN_MAX_BYTES). *@missed: how
 * many are missing before it, for AFTER_GAP; 0: not known. */
enum vd_origin_verdict vd_origins_see(struct vd_origins *origins, const char *origin, size_t length,
                                      uint64_t sequence, uint64_t *missed);

/* @origin says that nothing of its up to @sequence (0: nothing at all) is still to come. true: some
 * is missing here, *@missed. It makes nobody a regular, but keeps whom we know from being the
 * oldest. */
bool vd_origins_hear(struct vd_origins *origins, const char *origin, size_t length,
                     uint64_t sequence, uint64_t *missed);

/* The link itself has told a gap: the next jump of each origin is part of it and not told again. */
void vd_origins_forgive(struct vd_origins *origins);

#endif
