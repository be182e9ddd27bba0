/* SPDX-License-Identifier: Apache-2.0 */
/* A hash map of byte strings, intrusive: entries are the caller's memory, so that only growing can
 * fail, and a map that could not grow is slower and not wrong.
 *
 * Keys come from the street (a room name in a URL becomes a scope), so the hash is keyed with
 * random bits: nobody outside can choose names that collide. Private to the interest index. */
#ifndef VIADUCT_GATEWAY_INTEREST_MAP_H
#define VIADUCT_GATEWAY_INTEREST_MAP_H

#include <stddef.h>
#include <stdint.h>

struct vd_interest_map_entry {
    struct vd_interest_map_entry *next;
    uint64_t hash;
    const char *key; /* the entry's owner keeps it alive */
    size_t length;
};

struct vd_interest_map {
    struct vd_interest_map_entry **buckets;
    size_t mask; /* number of buckets, a power of two, less one */
    size_t count;
    uint64_t secret[2];
};

/* Returns 0, or -1: out of memory. */
int vd_interest_map_init(struct vd_interest_map *map);
/* Entries are left alone. Zeroed memory is fine. */
void vd_interest_map_finish(struct vd_interest_map *map);

struct vd_interest_map_entry *vd_interest_map_find(const struct vd_interest_map *map,
                                                   const char *key, size_t length);
/* The key must not be there yet; entry->key and entry->length are set. */
void vd_interest_map_add(struct vd_interest_map *map, struct vd_interest_map_entry *entry);
/* The entry must be there. */
void vd_interest_map_remove(struct vd_interest_map *map, struct vd_interest_map_entry *entry);

#endif
