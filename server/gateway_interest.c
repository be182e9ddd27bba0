/* SPDX-License-Identifier: Apache-2.0 */
/* The interest index: patterns by their text, by their literal prefix, and in byte order.
 *
 *     patterns (map by text)      every distinct pattern, with the list of its followers' links
 *     exact    (crit-bit)         those without `*`, for broadcasts that hold one
 *     groups   (map by prefix)    the globs that share one literal prefix: "room:" has room:*,
 *     prefixes (crit-bit)         room:*:eu ...; the same groups in byte order
 *     lengths                     how many groups have a prefix of n bytes
 *
 * Happy path, a broadcast to an exact scope: one look-up in patterns; for each n with groups, one
 * look-up of the scope's first n bytes in groups. A broadcast with globs and the literal prefix P:
 * the exact patterns below P, the groups at each beginning of P, and the groups below P; nobody
 * else can overlap.
 *
 * Failure modes: only follow allocates; when it fails nothing has changed. */
#include "gateway_interest.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <viaduct/scope.h>

#include "gateway_interest_critbit.h"
#include "gateway_interest_map.h"

/* Globs with one literal prefix. */
struct group {
    struct vd_interest_map_entry entry; /* in groups */
    struct vd_critbit_leaf leaf;        /* in prefixes */
    struct pattern *first;
    char prefix[];
};

struct pattern {
    struct vd_interest_map_entry entry; /* in patterns; key and length are the text */
    struct vd_critbit_leaf leaf;        /* exact: in exact */
    struct group *group;                /* glob: where it is listed; exact: NULL */
    struct pattern *next, *previous;    /* in group */
    struct vd_interest_link links;      /* ring; this one is the anchor */
    char text[];
};

struct vd_interest {
    struct vd_interest_map patterns;
    struct vd_interest_map groups;
    struct vd_critbit exact;
    struct vd_critbit prefixes;
    size_t lengths[VD_SCOPE_MAX_BYTES + 1];
    uint64_t visit;   /* number of the present look-up */
    uint64_t visited; /* patterns looked at, ever */
};

#define OWNER(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

struct vd_interest *vd_interest_create(void)
{
    struct vd_interest *interest = calloc(1, sizeof *interest);
    if (!interest) {
        return NULL;
    }
    if (vd_interest_map_init(&interest->patterns) != 0) {
        goto err_after_alloc;
    }
    if (vd_interest_map_init(&interest->groups) != 0) {
        goto err_after_patterns;
    }
    return interest;

err_after_patterns:
    vd_interest_map_finish(&interest->patterns);
err_after_alloc:
    free(interest);
    return NULL;
}

void vd_interest_destroy(struct vd_interest *interest)
{
    if (!interest) {
        return;
    }
    assert(interest->patterns.count == 0);
    vd_interest_map_finish(&interest->groups);
    vd_interest_map_finish(&interest->patterns);
    free(interest);
}

/* ---- patterns come and go ------------------------------------------------------------------- */

static struct group *group_find(const struct vd_interest *interest, const char *prefix,
                                size_t length)
{
    if (interest->lengths[length] == 0) {
        return NULL;
    }
    struct vd_interest_map_entry *entry = vd_interest_map_find(&interest->groups, prefix, length);
    return entry ? OWNER(entry, struct group, entry) : NULL;
}

static struct group *group_create(struct vd_interest *interest, const char *prefix, size_t length)
{
    struct group *group = calloc(1, sizeof *group + length);
    if (!group) {
        return NULL;
    }
    memcpy(group->prefix, prefix, length);
    group->leaf = (struct vd_critbit_leaf){group->prefix, length};
    if (vd_critbit_add(&interest->prefixes, &group->leaf) != 0) {
        free(group);
        return NULL;
    }
    group->entry.key = group->prefix;
    group->entry.length = length;
    vd_interest_map_add(&interest->groups, &group->entry);
    interest->lengths[length]++;
    return group;
}

static void group_drop(struct vd_interest *interest, struct group *group)
{
    interest->lengths[group->entry.length]--;
    vd_interest_map_remove(&interest->groups, &group->entry);
    vd_critbit_remove(&interest->prefixes, &group->leaf);
    free(group);
}

/* List a glob with those that share its literal prefix. Returns 0 or -1. */
static int group_join(struct vd_interest *interest, struct pattern *pattern)
{
    size_t prefix = vd_scope_literal_prefix(pattern->text, pattern->entry.length);
    struct group *group = group_find(interest, pattern->text, prefix);
    if (!group) {
        group = group_create(interest, pattern->text, prefix);
    }
    if (!group) {
        return -1;
    }
    pattern->group = group;
    pattern->next = group->first;
    if (pattern->next) {
        pattern->next->previous = pattern;
    }
    group->first = pattern;
    return 0;
}

static void group_leave(struct vd_interest *interest, struct pattern *pattern)
{
    struct group *group = pattern->group;
    if (pattern->next) {
        pattern->next->previous = pattern->previous;
    }
    if (pattern->previous) {
        pattern->previous->next = pattern->next;
    } else {
        group->first = pattern->next;
    }
    if (!group->first) {
        group_drop(interest, group);
    }
}

static struct pattern *pattern_create(struct vd_interest *interest, const char *text, size_t length)
{
    struct pattern *pattern = calloc(1, sizeof *pattern + length);
    if (!pattern) {
        return NULL;
    }
    memcpy(pattern->text, text, length);
    pattern->entry.key = pattern->text;
    pattern->entry.length = length;
    pattern->leaf = (struct vd_critbit_leaf){pattern->text, length};
    pattern->links.next = pattern->links.previous = &pattern->links;
    int listed = vd_scope_is_glob(text, length) ? group_join(interest, pattern)
                                                : vd_critbit_add(&interest->exact, &pattern->leaf);
    if (listed != 0) {
        free(pattern);
        return NULL;
    }
    vd_interest_map_add(&interest->patterns, &pattern->entry);
    return pattern;
}

static void pattern_drop(struct vd_interest *interest, struct pattern *pattern)
{
    vd_interest_map_remove(&interest->patterns, &pattern->entry);
    if (pattern->group) {
        group_leave(interest, pattern);
    } else {
        vd_critbit_remove(&interest->exact, &pattern->leaf);
    }
    free(pattern);
}

enum vd_err vd_interest_follow(struct vd_interest *interest, struct vd_interest_link *link,
                               struct vd_follower *follower, const char *pattern, size_t length)
{
    assert(length > 0 && length <= VD_SCOPE_MAX_BYTES);
    struct vd_interest_map_entry *entry =
        vd_interest_map_find(&interest->patterns, pattern, length);
    struct pattern *known =
        entry ? OWNER(entry, struct pattern, entry) : pattern_create(interest, pattern, length);
    if (!known) {
        return VD_ERR_NO_MEMORY;
    }
    link->follower = follower;
    link->pattern = known;
    link->next = &known->links;
    link->previous = known->links.previous;
    link->previous->next = link;
    known->links.previous = link;
    return VD_OK;
}

void vd_interest_unfollow(struct vd_interest *interest, struct vd_interest_link *link)
{
    struct pattern *pattern = link->pattern;
    link->previous->next = link->next;
    link->next->previous = link->previous;
    *link = (struct vd_interest_link){0};
    if (pattern->links.next == &pattern->links) {
        pattern_drop(interest, pattern);
    }
}

/* ---- look-ups ------------------------------------------------------------------------------- */

struct lookup {
    struct vd_interest *interest;
    const char *scope;
    size_t length;
    size_t followers;
    void (*found)(struct vd_follower *follower, void *context);
    void *context;
};

static void report(struct lookup *lookup, const struct pattern *pattern)
{
    uint64_t visit = lookup->interest->visit;
    for (struct vd_interest_link *link = pattern->links.next; link != &pattern->links;
         link = link->next) {
        if (link->follower->visit != visit) {
            link->follower->visit = visit;
            lookup->followers++;
            lookup->found(link->follower, lookup->context);
        }
    }
}

static void try_pattern(struct lookup *lookup, const struct pattern *pattern)
{
    lookup->interest->visited++;
    if (vd_scope_overlaps(pattern->text, pattern->entry.length, lookup->scope, lookup->length)) {
        report(lookup, pattern);
    }
}

static void try_group(struct lookup *lookup, const struct group *group)
{
    for (const struct pattern *pattern = group->first; pattern; pattern = pattern->next) {
        try_pattern(lookup, pattern);
    }
}

/* Groups whose prefix is a beginning, of less than @end bytes, of the scope. */
static void try_groups_before(struct lookup *lookup, size_t end)
{
    for (size_t length = 0; length < end; length++) {
        const struct group *group = group_find(lookup->interest, lookup->scope, length);
        if (group) {
            try_group(lookup, group);
        }
    }
}

static void try_exact_leaf(struct vd_critbit_leaf *leaf, void *context)
{
    try_pattern(context, OWNER(leaf, struct pattern, leaf));
}

static void try_group_leaf(struct vd_critbit_leaf *leaf, void *context)
{
    try_group(context, OWNER(leaf, struct group, leaf));
}

size_t vd_interest_match(struct vd_interest *interest, const char *scope, size_t length,
                         void (*found)(struct vd_follower *follower, void *context), void *context)
{
    struct lookup lookup = {interest, scope, length, 0, found, context};
    size_t prefix = vd_scope_literal_prefix(scope, length);
    assert(length <= VD_SCOPE_MAX_BYTES);
    interest->visit++;
    if (prefix < length) { /* it holds a glob */
        vd_critbit_each(&interest->exact, scope, prefix, try_exact_leaf, &lookup);
        try_groups_before(&lookup, prefix);
        vd_critbit_each(&interest->prefixes, scope, prefix, try_group_leaf, &lookup);
        return lookup.followers;
    }
    struct vd_interest_map_entry *entry = vd_interest_map_find(&interest->patterns, scope, length);
    if (entry) {
        interest->visited++;
        report(&lookup, OWNER(entry, struct pattern, entry));
    }
    try_groups_before(&lookup, length + 1);
    return lookup.followers;
}

size_t vd_interest_pattern_count(const struct vd_interest *interest)
{
    return interest->patterns.count;
}

uint64_t vd_interest_visited_total(const struct vd_interest *interest)
{
    return interest->visited;
}
