/* SPDX-License-Identifier: Apache-2.0 */
/* The table's memory, and what its files share; table.h draws the whole.
 *
 * seq of a row: bit 0 which version counts, bit 1 the row lives, above it a count of changes that
 * goes on when the row is given to another key. It is the only word that decides:
 *
 *     insert   take a row (in transit), key, version, link it, seq = live
 *     set      the other version, seq = live, the other
 *     number   seq = the same with the next count, then the word in place: a reader that has seen
 *              two different words in one look sees that seq has moved between them
 *     delete   in transit, seq = not live, unlink, stripe's unlinks + 1, back to the pool
 *
 * A row is in the pool, linked, or named by its stripe's `transit` (index + 1). Readers follow
 * chains without a lock: one that stands on a row while it is unlinked and given away may be led
 * into another chain, and miss; a miss counts only if the stripe's `unlinks` stood still.
 *
 * Every shared word is atomic. Writers store with release throughout: a store is never seen, and
 * after a kill never there, without those before it. */
#ifndef VIADUCT_SHM_TABLE_SHARED_H
#define VIADUCT_SHM_TABLE_SHARED_H

#include <stdalign.h>
#include <stdatomic.h>
#include <string.h>

#include <viaduct/table.h>

#include "owner_lock.h"

/* STRIPES_MAX: so many that processes with keys of their own seldom write to the same line (with
 * 256, two of them with 1,000 keys each took twice as long); not more, since a full table looks at
 * all of them before it refuses a row. */
#define TABLE_MAGIC  0x56645461626c3032u /* "VdTabl02" */
#define STRIPES_MAX  1024u
#define KEY_WORDS    32u
#define SEQ_VERSION  ((uint64_t)1)
#define SEQ_LIVE     ((uint64_t)2)
#define SEQ_STEP     ((uint64_t)4)
#define TRIES_MAX    100000u
#define TRIES_SPIN   64u
#define EXPIRY_WORDS 1u

struct table_column {
    char name[VD_TABLE_NAME_MAX + 1];
    uint8_t type;
    uint32_t bytes;
    uint32_t word; /* its first in a version */
};

struct table_schema {
    char name[VD_TABLE_NAME_MAX + 1];
    uint64_t rows;
    uint64_t ttl_ms;
    uint32_t column_count;
    struct table_column columns[VD_TABLE_COLUMNS_MAX];
};

/* First free row + 1 and how many are free, in one word: taking and giving are one store each. */
struct table_pool {
    alignas(64) _Atomic uint64_t lock;
    _Atomic uint64_t user; /* stripe for which the lock is held */
    _Atomic uint64_t list; /* first free row + 1, << 32 how many */
    _Atomic uint64_t fresh;
    alignas(64) _Atomic uint64_t earliest_ms; /* no row expires before it */
    _Atomic uint64_t sweep_lock;
    _Atomic uint64_t sweeps; /* begun */
    _Atomic uint64_t hand;   /* where whoever needs room looks first */
};

struct table_stripe {
    alignas(64) _Atomic uint64_t lock;
    _Atomic uint64_t unlinks;
    _Atomic uint64_t transit;
    _Atomic uint64_t bucket; /* of the row in transit */
};

struct table_row {
    _Atomic uint64_t seq;
    _Atomic uint64_t hash;
    _Atomic uint32_t next; /* row + 1 */
    _Atomic uint32_t key_length;
    _Atomic uint64_t words[]; /* key, version 0, version 1 */
};

struct table_shared {
    uint64_t magic;
    uint64_t bytes;
    uint64_t seed;
    struct table_schema schema;
    struct table_pool pool;
    struct table_stripe stripes[];
};

_Static_assert(sizeof(struct table_row) == 24, "the layout is shared");
_Static_assert(sizeof(struct table_stripe) == 64, "one cache line each");
_Static_assert(sizeof(struct table_pool) == 128, "two cache lines");
_Static_assert(VD_TABLE_KEY_MAX < KEY_WORDS * 8, "a key fits");

/* Everything that follows from the schema. */
struct table_shape {
    uint64_t buckets;
    uint64_t stripes;
    uint64_t version_words;
    uint64_t row_bytes;
    uint64_t text_bytes;
    uint64_t bytes; /* of all */
};

struct vd_table {
    struct table_shared *shared;
    _Atomic uint32_t *buckets;
    unsigned char *rows;
    struct owner owner;
    struct table_shape shape;
    struct table_schema schema; /* copies: what is shared could change under us */
    uint64_t seed;
    struct vd_column columns[VD_TABLE_COLUMNS_MAX];
};

struct table_key {
    uint64_t hash;
    uint32_t length;
    uint32_t words;
    uint64_t word[KEY_WORDS];
};

static inline uint64_t load_word(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_acquire);
}

static inline void store_word(_Atomic uint64_t *word, uint64_t value)
{
    atomic_store_explicit(word, value, memory_order_release);
}

static inline uint64_t table_load_bytes(const char *bytes, size_t count)
{
    uint64_t word = 0;

    memcpy(&word, bytes, count);
    return word;
}

/* The last word of a key or string of 1 byte or more, padded with zeros. Byte by byte, or by a copy
 * to where it is then read as a whole, costs as much as all the rest of looking a key up: so out of
 * loads that overlap. */
static inline uint64_t table_last_word(const char *bytes, size_t length)
{
    size_t rest = length % 8;

    if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__ || rest == 0)
        return table_load_bytes(bytes + length - (rest ? rest : 8), rest ? rest : 8);
    if (length > 8)
        return table_load_bytes(bytes + length - 8, 8) >> (64 - 8 * rest);
    if (rest >= 4) {
        return table_load_bytes(bytes, 4) | table_load_bytes(bytes + rest - 4, 4)
                                                << (8 * (rest - 4));
    }
    return table_load_bytes(bytes, 1) | table_load_bytes(bytes + rest / 2, 1) << (8 * (rest / 2)) |
           table_load_bytes(bytes + rest - 1, 1) << (8 * (rest - 1));
}

static inline struct table_row *row_at(const struct vd_table *table, uint64_t index)
{
    return (struct table_row *)(void *)(table->rows + index * table->shape.row_bytes);
}

static inline uint64_t index_of(const struct vd_table *table, const struct table_row *row)
{
    return (uint64_t)((const unsigned char *)row - table->rows) / table->shape.row_bytes;
}

static inline uint64_t bucket_of(const struct vd_table *table, uint64_t hash)
{
    return hash & (table->shape.buckets - 1);
}

static inline struct table_stripe *stripe_of(const struct vd_table *table, uint64_t hash)
{
    return &table->shared->stripes[hash & (table->shape.stripes - 1)];
}

static inline _Atomic uint64_t *version_of(const struct vd_table *table, struct table_row *row,
                                           uint64_t seq)
{
    return row->words + KEY_WORDS + (seq & SEQ_VERSION ? table->shape.version_words : 0);
}

static inline bool is_expired(uint64_t expiry_ms, uint64_t now_ms)
{
    return expiry_ms && now_ms >= expiry_ms;
}

/* ---- table_row.c --------------------------------------------------------------------------- */

enum vd_err table_key_init(const struct vd_table *table, struct table_key *key, const char *bytes,
                           size_t length, struct vd_error *error);
/* The row of @key with the seq at which it was found, or NULL. */
struct table_row *table_find(const struct vd_table *table, const struct table_key *key,
                             uint64_t *seq);

struct table_stripe *table_lock(struct vd_table *table, uint64_t hash);
static inline void table_unlock(struct table_stripe *stripe)
{
    owner_unlock(&stripe->lock);
}
/* Take a row out of the pool; it is in transit. NULL when all are in use. */
struct table_row *table_take_locked(struct vd_table *table, struct table_stripe *stripe,
                                    uint64_t bucket);
/* Give it its key, link it, and let it live: version 0 is filled. */
void table_link_locked(struct vd_table *table, struct table_stripe *stripe, struct table_row *row,
                       const struct table_key *key);
void table_remove_locked(struct vd_table *table, struct table_stripe *stripe,
                         struct table_row *row);

/* ---- table_check.c ------------------------------------------------------------------------- */

static inline int64_t table_largest(const struct table_column *column)
{
    return (int64_t)(UINT64_MAX >> (65 - column->bytes * 8));
}

static inline bool table_is_in_range(const struct table_column *column, int64_t value)
{
    return value <= table_largest(column) && value >= -table_largest(column) - 1;
}

enum vd_err table_no_column(const struct vd_table *table, uint32_t column, struct vd_error *error);

static inline enum vd_err table_check_column(const struct vd_table *table, uint32_t column,
                                             struct vd_error *error)
{
    if (__builtin_expect(column < table->schema.column_count, 1))
        return VD_OK;
    return table_no_column(table, column, error);
}

/* @type: of the column that this adds to. */
enum vd_err table_check_type(const struct vd_table *table, uint32_t column, unsigned type,
                             struct vd_error *error);
enum vd_err table_check_changes(const struct vd_table *table, const struct vd_table_change *changes,
                                size_t count, struct vd_error *error);
enum vd_err table_out_of_range(const struct vd_table *table, const struct table_column *column,
                               const char *what, struct vd_error *error);
enum vd_err table_not_finite(const struct vd_table *table, const struct table_column *column,
                             struct vd_error *error);

/* ---- table_sweep.c ------------------------------------------------------------------------- */

void table_note_expiry(struct vd_table *table, uint64_t expiry_ms);
/* Delete what has expired, or enough of it; whether there was anything. */
bool table_make_room(struct vd_table *table, uint64_t now_ms);

/* ---- table_row.c again --------------------------------------------------------------------- */

/* Between two tries of a reader; false when there were enough. */
bool table_try_again(unsigned *tries);

#endif
