/* SPDX-License-Identifier: Apache-2.0 */
/* The interest index: who follows which scope. Pure data structure, gateway only, one thread.
 *
 * A broadcast costs what its audience costs, not what the server holds:
 *   exact scope, exact follower    one hash look-up
 *   exact scope, glob followers    one hash look-up for each distinct length of a literal prefix,
 *                                  then one match for each distinct pattern behind it
 *   glob broadcast                 the distinct patterns whose literal prefix agrees with its own
 *                                  (crit-bit trees, https://cr.yp.to/critbit.html)
 *
 * A follower with several matching patterns is found once per look-up. */
#ifndef VIADUCT_GATEWAY_INTEREST_H
#define VIADUCT_GATEWAY_INTEREST_H

#include <stddef.h>
#include <stdint.h>

#include <viaduct/error.h>

struct vd_interest;

/* Embedded in whoever follows (a stream, a worker subscription). @visit is the index's. */
struct vd_follower {
    uint64_t visit; /* 0 at first */
};

/* One follower's one pattern; caller's memory, linked into the index while followed. */
struct vd_interest_link {
    struct vd_interest_link *next, *previous;
    struct vd_follower *follower;
    void *pattern; /* the index's */
};

struct vd_interest *vd_interest_create(void);           /* NULL: out of memory */
void vd_interest_destroy(struct vd_interest *interest); /* links must be gone */

/* Returns: VD_OK, VD_ERR_NO_MEMORY (nothing changed). @pattern has been checked (scope.h), is
 * copied. */
enum vd_err vd_interest_follow(struct vd_interest *interest, struct vd_interest_link *link,
                               struct vd_follower *follower, const char *pattern, size_t length);
void vd_interest_unfollow(struct vd_interest *interest, struct vd_interest_link *link);

/* Call @found once for each follower with at least one pattern that overlaps @scope (which may be a
 * glob). @found must not follow or unfollow. Returns the number of followers. */
size_t vd_interest_match(struct vd_interest *interest, const char *scope, size_t length,
                         void (*found)(struct vd_follower *follower, void *context), void *context);

size_t vd_interest_pattern_count(const struct vd_interest *interest);

/* Patterns that look-ups have compared or found, since the start: what broadcasts cost. */
uint64_t vd_interest_visited_total(const struct vd_interest *interest);

#endif
