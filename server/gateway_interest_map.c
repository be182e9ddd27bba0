/* SPDX-License-Identifier: Apache-2.0 */
/* Chained buckets and SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012;
 * one round a word and three at the end are what hash tables elsewhere settled for).
 *
 * Happy path: one hash, one bucket, one comparison. The table doubles when there are as many
 * entries as buckets and never shrinks: eight bytes for each pattern there ever were at once. */
#include "gateway_interest_map.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define BUCKETS_FIRST 64

static uint64_t rotate(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] = rotate(v[2], 32);
}

static void sip_absorb(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
}

static uint64_t sip_hash(const uint64_t secret[2], const char *key, size_t length)
{
    uint64_t v[4] = {secret[0] ^ 0x736f6d6570736575u, secret[1] ^ 0x646f72616e646f6du,
                     secret[0] ^ 0x6c7967656e657261u, secret[1] ^ 0x7465646279746573u};
    uint64_t word;
    size_t rest = length;
    for (; rest >= 8; rest -= 8, key += 8) {
        memcpy(&word, key, 8);
        sip_absorb(v, word);
    }
    word = 0;
    memcpy(&word, key, rest);
    sip_absorb(v, word | (uint64_t)length << 56);
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++) {
        sip_round(v);
    }
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

int vd_interest_map_init(struct vd_interest_map *map)
{
    memset(map, 0, sizeof *map);
    map->buckets = calloc(BUCKETS_FIRST, sizeof(struct vd_interest_map_entry *));
    if (!map->buckets) {
        return -1;
    }
    map->mask = BUCKETS_FIRST - 1;
    /* With less than all bits drawn the map still works; there is nobody to tell. */
    (void)!getrandom(map->secret, sizeof map->secret, 0);
    return 0;
}

void vd_interest_map_finish(struct vd_interest_map *map)
{
    free(map->buckets);
    memset(map, 0, sizeof *map);
}

struct vd_interest_map_entry *vd_interest_map_find(const struct vd_interest_map *map,
                                                   const char *key, size_t length)
{
    uint64_t hash = sip_hash(map->secret, key, length);
    struct vd_interest_map_entry *entry = map->buckets[hash & map->mask];
    while (entry && !(entry->hash == hash && entry->length == length &&
                      memcmp(entry->key, key, length) == 0)) {
        entry = entry->next;
    }
    return entry;
}

static void grow(struct vd_interest_map *map)
{
    size_t wider = (map->mask + 1) * 2;
    struct vd_interest_map_entry **buckets = calloc(wider, sizeof(struct vd_interest_map_entry *));
    if (!buckets) {
        return;
    }
    for (size_t i = 0; i <= map->mask; i++) {
        struct vd_interest_map_entry *next;
        for (struct vd_interest_map_entry *entry = map->buckets[i]; entry; entry = next) {
            next = entry->next;
            entry->next = buckets[entry->hash & (wider - 1)];
            buckets[entry->hash & (wider - 1)] = entry;
        }
    }
    free(map->buckets);
    map->buckets = buckets;
    map->mask = wider - 1;
}

void vd_interest_map_add(struct vd_interest_map *map, struct vd_interest_map_entry *entry)
{
    if (map->count > map->mask) {
        grow(map);
    }
    entry->hash = sip_hash(map->secret, entry->key, entry->length);
    struct vd_interest_map_entry **bucket = &map->buckets[entry->hash & map->mask];
    entry->next = *bucket;
    *bucket = entry;
    map->count++;
}

void vd_interest_map_remove(struct vd_interest_map *map, struct vd_interest_map_entry *entry)
{
    struct vd_interest_map_entry **at = &map->buckets[entry->hash & map->mask];
    while (*at != entry) {
        at = &(*at)->next;
    }
    *at = entry->next;
    map->count--;
}
