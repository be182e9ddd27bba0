/* SPDX-License-Identifier: Apache-2.0 */
/* Keys, chains and the pool of free rows; how rows change hands, and how that is put right after a
 * kill. table_shared.h says what decides.
 *
 * A row in transit belongs to its stripe, which names it before it leaves the pool and forgets it
 * after it is linked and live, or back in the pool. Killed in between:
 * - The pool's lock is taken over: if the first free (or first fresh) row is in transit for the
 *   stripe for which the lock was held, it never left, or is back: that stripe forgets it.
 * - The stripe's lock is taken over: under the pool's lock (so that the rule above has been
 *   applied), the row in transit is live and thereby linked: forget it. Or it is not: unlink it if
 *   it is linked, and give it back.
 * Lock order: sweep, stripe, pool. */
#include <sched.h>

#include "table_shared.h"

#define HASH_FACTOR   0x9fb21c651e98df25u
#define POOL_ONE_MORE ((uint64_t)1 << 32)
#define POOL_FIRST    (POOL_ONE_MORE - 1)

/* ---- keys --------------------------------------------------------------------------------------
 */

/* 64 x 64 bits multiplied, halves folded: every bit of both reaches every bit of the result. */
static inline uint64_t fold(uint64_t a, uint64_t b)
{
    __extension__ unsigned __int128 product = (unsigned __int128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

enum vd_err table_key_init(const struct vd_table *table, struct table_key *key, const char *bytes,
                           size_t length, struct vd_error *error)
{
    uint64_t hash = table->seed ^ length;
    uint32_t last;

    if (__builtin_expect(length == 0 || length > VD_TABLE_KEY_MAX, 0)) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "table \"%s\": a key has 1 to %d bytes, this one has %zu%s",
                            table->schema.name, VD_TABLE_KEY_MAX, length,
                            length ? "; use a hash of it as the key" : "");
    }
    key->length = (uint32_t)length;
    last = (uint32_t)(length - 1) / 8;
    key->words = last + 1;
    for (uint32_t i = 0; i < last; i++) {
        key->word[i] = table_load_bytes(bytes + (size_t)i * 8, 8);
        hash = fold(hash ^ key->word[i], HASH_FACTOR);
    }
    key->word[last] = table_last_word(bytes, length);
    hash = fold(hash ^ key->word[last], HASH_FACTOR);
    key->hash = fold(hash ^ (hash >> 32), table->seed | 1);
    return VD_OK;
}

static inline bool has_key(struct table_row *row, const struct table_key *key)
{
    if (atomic_load_explicit(&row->key_length, memory_order_acquire) != key->length)
        return false;
    for (uint32_t i = 0; i < key->words; i++) {
        if (load_word(&row->words[i]) != key->word[i])
            return false;
    }
    return true;
}

bool table_try_again(unsigned *tries)
{
    if (++*tries > TRIES_SPIN)
        sched_yield();
    return *tries < TRIES_MAX;
}

/* A row that is found is right at its seq, which the caller looks at again after reading. */
struct table_row *table_find(const struct vd_table *table, const struct table_key *key,
                             uint64_t *seq)
{
    const struct table_stripe *stripe = stripe_of(table, key->hash);
    _Atomic uint32_t *bucket = &table->buckets[bucket_of(table, key->hash)];
    uint64_t unlinks = load_word(&stripe->unlinks);
    uint32_t index = atomic_load_explicit(bucket, memory_order_acquire);

    for (;;) {
        struct table_row *row;
        uint64_t hash;

        while (__builtin_expect(index == 0 || index > table->schema.rows, 0)) {
            uint64_t now = load_word(&stripe->unlinks);

            if (now == unlinks)
                return NULL;
            unlinks = now;
            index = atomic_load_explicit(bucket, memory_order_acquire);
        }
        row = row_at(table, index - 1);
        *seq = load_word(&row->seq);
        hash = load_word(&row->hash);
        if (hash == key->hash && (*seq & SEQ_LIVE) && has_key(row, key))
            return row;
        index = atomic_load_explicit(&row->next, memory_order_acquire);
        /* not of our chain, or just leaving it: is the way behind it still ours? */
        if ((!(*seq & SEQ_LIVE) || bucket_of(table, hash ^ key->hash) != 0) &&
            load_word(&stripe->unlinks) != unlinks)
            index = 0;
    }
}

/* ---- the pool ----------------------------------------------------------------------------------
 */

static void lock_pool(struct vd_table *table, const struct table_stripe *stripe)
{
    struct table_pool *pool = &table->shared->pool;

    if (owner_lock(&pool->lock, owner_self(&table->owner))) {
        struct table_stripe *user = stripe_of(table, load_word(&pool->user));
        uint64_t transit = load_word(&user->transit);

        if (transit &&
            (transit == (load_word(&pool->list) & POOL_FIRST) || transit > load_word(&pool->fresh)))
            store_word(&user->transit, 0);
    }
    store_word(&pool->user, (uint64_t)(stripe - table->shared->stripes));
}

static void unlock_pool(struct vd_table *table)
{
    owner_unlock(&table->shared->pool.lock);
}

struct table_row *table_take_locked(struct vd_table *table, struct table_stripe *stripe,
                                    uint64_t bucket)
{
    struct table_pool *pool = &table->shared->pool;
    struct table_row *row = NULL;
    uint64_t list;
    uint64_t fresh;

    store_word(&stripe->bucket, bucket);
    lock_pool(table, stripe);
    list = load_word(&pool->list);
    fresh = load_word(&pool->fresh);
    if (list & POOL_FIRST) {
        row = row_at(table, (list & POOL_FIRST) - 1);
        store_word(&stripe->transit, list & POOL_FIRST);
        store_word(&pool->list, ((list & ~POOL_FIRST) - POOL_ONE_MORE) |
                                    atomic_load_explicit(&row->next, memory_order_relaxed));
    } else if (fresh < table->schema.rows) {
        row = row_at(table, fresh);
        store_word(&row->seq, 0);
        store_word(&stripe->transit, fresh + 1);
        store_word(&pool->fresh, fresh + 1);
    }
    unlock_pool(table);
    return row;
}

/* The row in transit goes back. The caller holds the pool. */
static void give_back(struct vd_table *table, struct table_stripe *stripe, uint64_t transit)
{
    struct table_pool *pool = &table->shared->pool;
    uint64_t list = load_word(&pool->list);

    atomic_store_explicit(&row_at(table, transit - 1)->next, (uint32_t)(list & POOL_FIRST),
                          memory_order_release);
    store_word(&pool->list, ((list & ~POOL_FIRST) + POOL_ONE_MORE) | transit);
    store_word(&stripe->transit, 0);
}

/* `fresh` only ever grows, up to the capacity: when it has not, it was that at the time of `list`,
 * too. */
uint64_t vd_table_count(const struct vd_table *table)
{
    const struct table_pool *pool = &table->shared->pool;
    uint64_t used = load_word(&pool->fresh);

    for (;;) {
        uint64_t free_rows = load_word(&pool->list) >> 32;
        uint64_t still_used = load_word(&pool->fresh);

        if (still_used == used)
            return used > free_rows ? used - free_rows : 0;
        used = still_used;
    }
}

/* ---- chains ------------------------------------------------------------------------------------
 */

void table_link_locked(struct vd_table *table, struct table_stripe *stripe, struct table_row *row,
                       const struct table_key *key)
{
    _Atomic uint32_t *bucket = &table->buckets[bucket_of(table, key->hash)];
    uint64_t seq = load_word(&row->seq);

    for (uint32_t i = 0; i < key->words; i++)
        store_word(&row->words[i], key->word[i]);
    atomic_store_explicit(&row->key_length, key->length, memory_order_release);
    store_word(&row->hash, key->hash);
    atomic_store_explicit(&row->next, atomic_load_explicit(bucket, memory_order_relaxed),
                          memory_order_release);
    atomic_store_explicit(bucket, (uint32_t)load_word(&stripe->transit), memory_order_release);
    store_word(&row->seq, ((seq | 3) + 1) | SEQ_LIVE);
    store_word(&stripe->transit, 0);
}

static void unlink_from(struct vd_table *table, uint64_t bucket, uint32_t wanted)
{
    _Atomic uint32_t *link = &table->buckets[bucket];
    uint32_t index;

    while ((index = atomic_load_explicit(link, memory_order_relaxed)) != 0) {
        struct table_row *row = row_at(table, index - 1);

        if (index == wanted) {
            atomic_store_explicit(link, atomic_load_explicit(&row->next, memory_order_relaxed),
                                  memory_order_release);
            return;
        }
        link = &row->next;
    }
}

/* The pool is held; the row in transit is not live. */
static void unlink_and_give_back(struct vd_table *table, struct table_stripe *stripe,
                                 uint64_t transit)
{
    unlink_from(table, load_word(&stripe->bucket), (uint32_t)transit);
    store_word(&stripe->unlinks, load_word(&stripe->unlinks) + 1);
    give_back(table, stripe, transit);
}

void table_remove_locked(struct vd_table *table, struct table_stripe *stripe, struct table_row *row)
{
    uint64_t index = index_of(table, row);

    store_word(&stripe->bucket, bucket_of(table, load_word(&row->hash)));
    store_word(&stripe->transit, index + 1);
    store_word(&row->seq, (load_word(&row->seq) | 3) + 1);
    lock_pool(table, stripe);
    unlink_and_give_back(table, stripe, index + 1);
    unlock_pool(table);
}

/* ---- locks and repairs -------------------------------------------------------------------------
 */

static void repair_locked(struct vd_table *table, struct table_stripe *stripe)
{
    uint64_t transit;

    store_word(&table->shared->pool.earliest_ms, 0); /* an expiry may not have been noted */
    lock_pool(table, stripe);
    transit = load_word(&stripe->transit);
    if (transit && (load_word(&row_at(table, transit - 1)->seq) & SEQ_LIVE)) {
        store_word(&stripe->transit, 0);
    } else if (transit) {
        unlink_and_give_back(table, stripe, transit);
    }
    unlock_pool(table);
}

struct table_stripe *table_lock(struct vd_table *table, uint64_t hash)
{
    struct table_stripe *stripe = stripe_of(table, hash);

    if (owner_lock(&stripe->lock, owner_self(&table->owner)))
        repair_locked(table, stripe);
    return stripe;
}

void vd_table_recover(struct vd_table *table)
{
    uint64_t self = owner_self(&table->owner);

    for (uint64_t i = 0; i < table->shape.stripes; i++) {
        struct table_stripe *stripe = &table->shared->stripes[i];

        if (owner_lock_from_dead(&stripe->lock, self)) {
            repair_locked(table, stripe);
            table_unlock(stripe);
        }
    }
}
