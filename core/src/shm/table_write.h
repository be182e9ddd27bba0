/* SPDX-License-Identifier: Apache-2.0 */
/* What the writers of rows have in common: the place that a key has, entered under its lock. */
#ifndef VIADUCT_SHM_TABLE_WRITE_H
#define VIADUCT_SHM_TABLE_WRITE_H

#include "table_shared.h"

/* What an operation works on, under the stripe's lock. */
struct table_place {
    struct table_stripe *stripe;
    struct table_row *row; /* NULL: no such row */
    _Atomic uint64_t *version;
    uint64_t seq;
    uint64_t expiry_ms;
    bool expired;
};

static inline void table_enter(struct vd_table *table, const struct table_key *key, uint64_t now_ms,
                               struct table_place *place)
{
    place->stripe = table_lock(table, key->hash);
    place->row = table_find(table, key, &place->seq);
    place->expired = false;
    place->expiry_ms = 0;
    if (!place->row)
        return;
    place->version = version_of(table, place->row, place->seq);
    place->expiry_ms = load_word(&place->version[0]);
    place->expired = is_expired(place->expiry_ms, now_ms);
}

static inline void table_leave(struct table_place *place)
{
    table_unlock(place->stripe);
}

/* The end of a row that starts now, by the table's ttl. */
static inline uint64_t table_expiry_of(const struct vd_table *table, uint64_t now_ms)
{
    uint64_t end_ms;

    if (table->schema.ttl_ms == 0 || now_ms == 0)
        return 0;
    return __builtin_add_overflow(now_ms, table->schema.ttl_ms, &end_ms) ? UINT64_MAX : end_ms;
}

/* An existing row in a new version; @fresh: none of the old one stays. */
void table_rewrite_locked(struct vd_table *table, struct table_row *row, uint64_t seq, bool fresh,
                          uint64_t expiry_ms, const struct vd_table_change *changes, size_t count);

/* Put @changes in a row that starts anew, in a place that was entered; leaves it. Returns whether
 * to enter again, since the table was full: rows that have expired made room, or (@hopeless, false
 * at first) there were none, and this is the last try. */
bool table_start_row(struct vd_table *table, struct table_place *place, const struct table_key *key,
                     uint64_t now_ms, uint64_t expiry_ms, const struct vd_table_change *change,
                     size_t count, bool *hopeless, enum vd_err *result, struct vd_error *error);

#endif
