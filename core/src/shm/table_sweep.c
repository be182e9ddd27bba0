/* SPDX-License-Identifier: Apache-2.0 */
/* Many rows at once: clear, and making room where rows have expired.
 *
 * Both go from place to place and lock one stripe at a time; others go on meanwhile. When the
 * earliest row expires is noted in the pool, so that a table that is full of rows that live is not
 * walked through for each insert that it refuses.
 *
 * Rows mostly expire in the order in which they took their places. So whoever needs room goes on
 * where the last one stopped, like the hand of a clock, and stops when there is enough; only if
 * nothing is found near the hand is the whole table looked at.
 *
 * Failure modes: killed while it sweeps: the lock says so, and the next full table is swept again.
 * Stopped there: others sweep beside it, and leave the note alone.
 */
#include "fence.h"
#include "table_shared.h"

#define NEAR_ROWS   1024u
#define NEXT_ROWS   64u /* behind one that had expired */
#define ENOUGH_ROWS 64u

static void note(struct vd_table *table, uint64_t expiry_ms)
{
    _Atomic uint64_t *earliest = &table->shared->pool.earliest_ms;
    uint64_t seen = load_word(earliest);

    while (expiry_ms && expiry_ms < seen &&
           !atomic_compare_exchange_weak_explicit(earliest, &seen, expiry_ms, memory_order_acq_rel,
                                                  memory_order_acquire))
        ;
}

/* After what expires then is published; the fence parts the two, as it does in vd_table_expire. */
void table_note_expiry(struct vd_table *table, uint64_t expiry_ms)
{
    if (expiry_ms == 0)
        return;
    full_fence();
    note(table, expiry_ms);
}

/* What the note says counts only if nobody was in the middle of finding it anew. */
static bool is_worth_sweeping(const struct vd_table *table, uint64_t now_ms)
{
    const struct table_pool *pool = &table->shared->pool;
    uint64_t sweeps = load_word(&pool->sweeps);
    bool sweeping = load_word(&pool->sweep_lock) != 0;
    bool expired = now_ms >= load_word(&pool->earliest_ms);

    return now_ms && (sweeping || expired || load_word(&pool->sweeps) != sweeps);
}

/* Delete what lives at @index, if it still does once its stripe is locked; @now_ms 0: anyway. */
static bool remove_at(struct vd_table *table, uint64_t index, uint64_t now_ms)
{
    struct table_row *row = row_at(table, index);
    uint64_t hash = load_word(&row->hash);
    struct table_stripe *stripe;
    bool removed = false;
    uint64_t seq;

    if (!(load_word(&row->seq) & SEQ_LIVE))
        return false;
    stripe = table_lock(table, hash);
    seq = load_word(&row->seq);
    /* with this hash it belongs to the stripe that we hold, and stays what it is */
    if ((seq & SEQ_LIVE) && load_word(&row->hash) == hash && load_word(&row->seq) == seq &&
        (now_ms == 0 || is_expired(load_word(version_of(table, row, seq)), now_ms))) {
        table_remove_locked(table, stripe, row);
        removed = true;
    }
    table_unlock(stripe);
    return removed;
}

void vd_table_clear(struct vd_table *table)
{
    uint64_t end = load_word(&table->shared->pool.fresh);

    for (uint64_t i = 0; i < end && i < table->schema.rows; i++)
        remove_at(table, i, 0);
}

/* The earliest expiry is forgotten first and found anew on the way. A writer publishes the row and
 * then looks at the note; here the note is forgotten and then the rows are looked at; both fence in
 * between, so either the row is seen here or the writer finds its note missing. One forgets at a
 * time, and while the lock is taken, also by a process that was killed or stopped in here, the note
 * is worth nothing (see is_worth_sweeping). A word that belongs to another row by now only
 * makes it too early. */
static void forget_note(struct vd_table *table)
{
    struct table_pool *pool = &table->shared->pool;

    store_word(&pool->sweeps, load_word(&pool->sweeps) + 1);
    store_word(&pool->earliest_ms, UINT64_MAX);
    full_fence();
}

uint64_t vd_table_expire(struct vd_table *table, uint64_t now_ms)
{
    struct table_pool *pool = &table->shared->pool;
    uint64_t removed = 0;
    bool alone;

    if (now_ms == 0)
        return 0;
    alone = owner_try_lock(&pool->sweep_lock, owner_self(&table->owner));
    if (alone)
        forget_note(table);
    for (uint64_t i = 0, end = load_word(&pool->fresh); i < end && i < table->schema.rows; i++) {
        struct table_row *row = row_at(table, i);
        uint64_t seq = load_word(&row->seq);
        uint64_t expiry_ms = load_word(version_of(table, row, seq));

        if (!(seq & SEQ_LIVE))
            continue;
        if (!is_expired(expiry_ms, now_ms)) {
            note(table, expiry_ms);
        } else if (remove_at(table, i, now_ms)) {
            store_word(&pool->hand, i + 1);
            removed++;
        }
    }
    if (alone)
        owner_unlock(&pool->sweep_lock);
    return removed;
}

static bool has_expired(const struct vd_table *table, uint64_t index, uint64_t now_ms)
{
    struct table_row *row = row_at(table, index);
    uint64_t seq = load_word(&row->seq);

    return (seq & SEQ_LIVE) && is_expired(load_word(version_of(table, row, seq)), now_ms);
}

/* Two at once do some of it twice; the note is left as it is, which is never too late. */
static bool sweep_near_hand(struct vd_table *table, uint64_t now_ms)
{
    struct table_pool *pool = &table->shared->pool;
    uint64_t end = load_word(&pool->fresh);
    uint64_t at = load_word(&pool->hand);
    uint64_t removed = 0;
    uint64_t looks = NEAR_ROWS;

    if (end > table->schema.rows)
        end = table->schema.rows;
    if (looks > end)
        looks = end;
    for (; looks > 0 && removed < ENOUGH_ROWS; looks--, at++) {
        if (at >= end)
            at = 0;
        if (has_expired(table, at, now_ms) && remove_at(table, at, now_ms)) {
            store_word(&pool->hand, at + 1);
            looks = NEXT_ROWS;
            removed++;
        }
    }
    return removed > 0;
}

bool table_make_room(struct vd_table *table, uint64_t now_ms)
{
    return is_worth_sweeping(table, now_ms) &&
           (sweep_near_hand(table, now_ms) || vd_table_expire(table, now_ms) > 0);
}
