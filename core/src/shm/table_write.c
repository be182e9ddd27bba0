/* SPDX-License-Identifier: Apache-2.0 */
/* Writing rows: check everything, lock the stripe, one store that publishes, unlock.
 *
 * Nothing under a lock can fail but for a table that is full and a sum out of range, which are both
 * known before the first store to the row.
 *
 * Failure modes: full: what dead processes left and what has expired is put back once, then
 * VD_ERR_FULL. Killed: see table_row.c; an expiry that was published and not noted in the pool's
 * `earliest_ms` is found because taking over the lock sets that to 0. */
#include <math.h>

#include "table_shared.h"

static const char *type_name(unsigned type)
{
    return type == VD_COLUMN_INT ? "INT" : type == VD_COLUMN_FLOAT ? "FLOAT" : "STRING";
}

/* ---- checks ------------------------------------------------------------------------------------
 */

static enum vd_err check_column(const struct vd_table *table, uint32_t column,
                                struct vd_error *error)
{
    if (__builtin_expect(column < table->schema.column_count, 1))
        return VD_OK;
    return vd_error_set(error, VD_ERR_INVALID, "table \"%s\" has %u columns; there is no number %u",
                        table->schema.name, table->schema.column_count, column);
}

static enum vd_err check_type(const struct vd_table *table, uint32_t column, unsigned type,
                              struct vd_error *error)
{
    enum vd_err result = check_column(table, column, error);

    if (result != VD_OK || table->schema.columns[column].type == type)
        return result;
    return vd_error_set(error, VD_ERR_INVALID,
                        "table \"%s\": column \"%s\" is %s, and this adds to a column that is %s",
                        table->schema.name, table->schema.columns[column].name,
                        type_name(table->schema.columns[column].type), type_name(type));
}

static inline int64_t largest(const struct table_column *column)
{
    return (int64_t)(UINT64_MAX >> (65 - column->bytes * 8));
}

static inline bool is_in_range(const struct table_column *column, int64_t value)
{
    return value <= largest(column) && value >= -largest(column) - 1;
}

static enum vd_err out_of_range(const struct vd_table *table, const struct table_column *column,
                                const char *what, struct vd_error *error)
{
    return vd_error_set(error, VD_ERR_TOO_LARGE,
                        "table \"%s\": %s is out of range for column \"%s\", INT of %u bytes, "
                        "which holds %lld to %lld%s",
                        table->schema.name, what, column->name, column->bytes,
                        (long long)-largest(column) - 1, (long long)largest(column),
                        column->bytes < 8 ? "; declare it with more bytes" : "");
}

static enum vd_err not_finite(const struct vd_table *table, const struct table_column *column,
                              struct vd_error *error)
{
    return vd_error_set(error, VD_ERR_TOO_LARGE,
                        "table \"%s\": the sum is out of range for column \"%s\", FLOAT",
                        table->schema.name, column->name);
}

static enum vd_err check_value(const struct vd_table *table, uint32_t at,
                               const struct vd_table_value *value, struct vd_error *error)
{
    const struct table_column *column = &table->schema.columns[at];

    if (column->type == VD_COLUMN_INT && !is_in_range(column, value->integer))
        return out_of_range(table, column, "the value", error);
    if (column->type == VD_COLUMN_STRING && value->string.length > column->bytes) {
        return vd_error_set(error, VD_ERR_TOO_LARGE,
                            "table \"%s\": a string of %zu bytes for column \"%s\", which holds "
                            "%u; declare it longer or store less",
                            table->schema.name, value->string.length, column->name, column->bytes);
    }
    return VD_OK;
}

static enum vd_err check_changes(const struct vd_table *table,
                                 const struct vd_table_change *changes, size_t count,
                                 struct vd_error *error)
{
    for (size_t i = 0; i < count; i++) {
        enum vd_err result = check_column(table, changes[i].column, error);

        if (result == VD_OK)
            result = check_value(table, changes[i].column, &changes[i].value, error);
        if (result != VD_OK)
            return result;
    }
    return VD_OK;
}

/* ---- versions ----------------------------------------------------------------------------------
 */

static void put_value(_Atomic uint64_t *version, const struct table_column *column,
                      const struct vd_table_value *value)
{
    _Atomic uint64_t *to = &version[column->word];
    const char *bytes = value->string.bytes;
    size_t length = value->string.length;
    uint64_t word = 0;

    if (column->type != VD_COLUMN_STRING) {
        memcpy(&word, &value->integer, sizeof(word));
        store_word(to, word);
        return;
    }
    store_word(to++, length);
    for (; length >= 8; length -= 8, bytes += 8) {
        memcpy(&word, bytes, 8);
        store_word(to++, word);
    }
    if (length) {
        word = 0;
        memcpy(&word, bytes, length);
        store_word(to, word);
    }
}

/* @from NULL: zero, or the empty string. */
static void copy_value(_Atomic uint64_t *to, const _Atomic uint64_t *from,
                       const struct table_column *column)
{
    uint64_t word = from ? load_word(&from[column->word]) : 0;
    uint64_t words = column->type == VD_COLUMN_STRING ? (word + 7) / 8 : 0;

    store_word(&to[column->word], word);
    for (uint64_t i = 1; i <= words; i++)
        store_word(&to[column->word + i], load_word(&from[column->word + i]));
}

static void fill(const struct vd_table *table, _Atomic uint64_t *to, const _Atomic uint64_t *from,
                 uint64_t expiry_ms, const struct vd_table_change *changes, size_t count)
{
    uint64_t named = 0;

    store_word(&to[0], expiry_ms);
    for (size_t i = 0; i < count; i++)
        named |= (uint64_t)1 << changes[i].column;
    for (uint32_t i = 0; i < table->schema.column_count; i++) {
        if (!(named >> i & 1))
            copy_value(to, from, &table->schema.columns[i]);
    }
    for (size_t i = 0; i < count; i++)
        put_value(to, &table->schema.columns[changes[i].column], &changes[i].value);
}

/* After what expires then is published: see vd_table_expire. */
static void note_expiry(struct vd_table *table, uint64_t expiry_ms)
{
    _Atomic uint64_t *earliest = &table->shared->pool.earliest_ms;
    uint64_t seen = load_word(earliest);

    while (expiry_ms && expiry_ms < seen &&
           !atomic_compare_exchange_weak_explicit(earliest, &seen, expiry_ms, memory_order_acq_rel,
                                                  memory_order_acquire))
        ;
}

/* An existing row in a new version; @fresh: none of the old one stays. */
static void rewrite_locked(struct vd_table *table, struct table_row *row, uint64_t seq, bool fresh,
                           uint64_t expiry_ms, const struct vd_table_change *changes, size_t count)
{
    uint64_t other = ((seq & ~(uint64_t)3) + SEQ_STEP) | SEQ_LIVE | ((seq & SEQ_VERSION) ^ 1);

    fill(table, version_of(table, row, other), fresh ? NULL : version_of(table, row, seq),
         expiry_ms, changes, count);
    store_word(&row->seq, other);
    note_expiry(table, expiry_ms);
}

static bool insert_locked(struct vd_table *table, struct table_stripe *stripe,
                          const struct table_key *key, uint64_t expiry_ms,
                          const struct vd_table_change *changes, size_t count)
{
    struct table_row *row = table_take_locked(table, stripe, bucket_of(table, key->hash));

    if (!row)
        return false;
    fill(table, version_of(table, row, 0), NULL, expiry_ms, changes, count);
    table_link_locked(table, stripe, row, key);
    note_expiry(table, expiry_ms);
    return true;
}

static inline void put_number(_Atomic uint64_t *version, struct table_row *row, uint64_t seq,
                              const struct table_column *column, const void *number)
{
    uint64_t word;

    memcpy(&word, number, sizeof(word));
    store_word(&row->seq, seq + SEQ_STEP);
    store_word(&version[column->word], word);
}

/* ---- a row to write to -------------------------------------------------------------------------
 */

/* What an operation works on, under the stripe's lock. */
struct place {
    struct table_stripe *stripe;
    struct table_row *row; /* NULL: no such row */
    _Atomic uint64_t *version;
    uint64_t seq;
    uint64_t expiry_ms;
    bool expired;
};

static inline void enter(struct vd_table *table, const struct table_key *key, uint64_t now_ms,
                         struct place *place)
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

static inline void leave(struct place *place)
{
    table_unlock(place->stripe);
}

static enum vd_err table_full(const struct vd_table *table, struct vd_error *error)
{
    return vd_error_set(error, VD_ERR_FULL,
                        "table \"%s\" is full: all of its %llu rows are in use; declare more rows, "
                        "delete some, or give them a ttl",
                        table->schema.name, (unsigned long long)table->schema.rows);
}

static bool is_worth_sweeping(const struct vd_table *table, uint64_t now_ms)
{
    const struct table_pool *pool = &table->shared->pool;

    return now_ms && (load_word(&pool->sweep_lock) != 0 || now_ms >= load_word(&pool->earliest_ms));
}

/* Put @changes in a row that starts anew, in a place that was entered; leaves it. A full table is
 * swept once, outside the lock, and then the place is entered again: @again. */
static enum vd_err start_row(struct vd_table *table, struct place *place,
                             const struct table_key *key, uint64_t now_ms, uint64_t expiry_ms,
                             const struct vd_table_change *change, size_t count, bool *again,
                             struct vd_error *error)
{
    bool swept = *again;
    bool done = true;

    *again = false;
    if (place->row) {
        rewrite_locked(table, place->row, place->seq, true, expiry_ms, change, count);
    } else {
        done = insert_locked(table, place->stripe, key, expiry_ms, change, count);
    }
    leave(place);
    if (done)
        return VD_OK;
    if (swept)
        return table_full(table, error);
    vd_table_recover(table);
    if (is_worth_sweeping(table, now_ms))
        vd_table_expire(table, now_ms);
    *again = true;
    return VD_OK;
}

static uint64_t expiry_of(const struct vd_table *table, uint64_t now_ms)
{
    return table->schema.ttl_ms && now_ms ? now_ms + table->schema.ttl_ms : 0;
}

/* ---- operations --------------------------------------------------------------------------------
 */

enum vd_err vd_table_set(struct vd_table *table, const char *key, size_t key_length,
                         const struct vd_table_change *changes, size_t count, uint64_t now_ms,
                         struct vd_error *error)
{
    uint64_t expiry_ms = expiry_of(table, now_ms);
    struct table_key wanted;
    struct place place;
    bool again = false;
    enum vd_err result = table_key_init(table, &wanted, key, key_length, error);

    if (result == VD_OK)
        result = check_changes(table, changes, count, error);
    if (result != VD_OK)
        return result;
    do {
        enter(table, &wanted, now_ms, &place);
        if (place.row && !place.expired) {
            rewrite_locked(table, place.row, place.seq, false, expiry_ms, changes, count);
            leave(&place);
            return VD_OK;
        }
        result =
            start_row(table, &place, &wanted, now_ms, expiry_ms, changes, count, &again, error);
    } while (again);
    return result;
}

/* Both directions, and windows: a row that starts anew expires at @expiry_ms; where it ends up is
 * told in *@ends_ms. */
static enum vd_err add_integer(struct vd_table *table, const struct table_key *key, uint32_t at,
                               int64_t by, bool subtract, uint64_t now_ms, uint64_t expiry_ms,
                               int64_t *result, uint64_t *ends_ms, struct vd_error *error)
{
    const struct table_column *column = &table->schema.columns[at];
    struct vd_table_change change = {.column = at};
    int64_t sum;
    struct place place;
    bool again = false;
    enum vd_err status;

    do {
        bool lives;
        int64_t old = 0;

        enter(table, key, now_ms, &place);
        lives = place.row && !place.expired;
        if (lives)
            old = (int64_t)load_word(&place.version[column->word]);
        if ((subtract ? __builtin_sub_overflow(old, by, &sum)
                      : __builtin_add_overflow(old, by, &sum)) ||
            !is_in_range(column, sum)) {
            leave(&place);
            return out_of_range(table, column, subtract ? "the difference" : "the sum", error);
        }
        *ends_ms = lives ? place.expiry_ms : expiry_ms;
        *result = sum;
        if (lives) {
            put_number(place.version, place.row, place.seq, column, &sum);
            leave(&place);
            return VD_OK;
        }
        change.value.integer = sum;
        status = start_row(table, &place, key, now_ms, expiry_ms, &change, 1, &again, error);
    } while (again);
    return status;
}

static enum vd_err add(struct vd_table *table, const char *key, size_t key_length, uint32_t column,
                       int64_t by, bool subtract, uint64_t now_ms, int64_t *result,
                       struct vd_error *error)
{
    struct table_key wanted;
    int64_t sum = 0;
    uint64_t ends_ms;
    enum vd_err status = table_key_init(table, &wanted, key, key_length, error);

    if (status == VD_OK)
        status = check_type(table, column, VD_COLUMN_INT, error);
    if (status == VD_OK) {
        status = add_integer(table, &wanted, column, by, subtract, now_ms, expiry_of(table, now_ms),
                             &sum, &ends_ms, error);
    }
    if (status == VD_OK && result)
        *result = sum;
    return status;
}

enum vd_err vd_table_incr(struct vd_table *table, const char *key, size_t key_length,
                          uint32_t column, int64_t by, uint64_t now_ms, int64_t *result,
                          struct vd_error *error)
{
    return add(table, key, key_length, column, by, false, now_ms, result, error);
}

enum vd_err vd_table_decr(struct vd_table *table, const char *key, size_t key_length,
                          uint32_t column, int64_t by, uint64_t now_ms, int64_t *result,
                          struct vd_error *error)
{
    return add(table, key, key_length, column, by, true, now_ms, result, error);
}

enum vd_err vd_table_incr_window(struct vd_table *table, const char *key, size_t key_length,
                                 uint32_t column, int64_t by, uint64_t window_ms, uint64_t now_ms,
                                 int64_t *result, uint64_t *ends_ms, struct vd_error *error)
{
    struct table_key wanted;
    int64_t sum = 0;
    uint64_t ends = 0;
    enum vd_err status = table_key_init(table, &wanted, key, key_length, error);

    if (status == VD_OK)
        status = check_type(table, column, VD_COLUMN_INT, error);
    if (status != VD_OK)
        return status;
    if (window_ms == 0 || now_ms == 0 || window_ms > UINT64_MAX - now_ms) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "table \"%s\": a window needs a length and the time, both over 0",
                            table->schema.name);
    }
    status = add_integer(table, &wanted, column, by, false, now_ms, now_ms + window_ms, &sum, &ends,
                         error);
    if (status == VD_OK && result)
        *result = sum;
    if (status == VD_OK && ends_ms)
        *ends_ms = ends;
    return status;
}

enum vd_err vd_table_incr_float(struct vd_table *table, const char *key, size_t key_length,
                                uint32_t at, double by, uint64_t now_ms, double *result,
                                struct vd_error *error)
{
    struct vd_table_change change = {.column = at};
    const struct table_column *column;
    struct table_key wanted;
    struct place place;
    bool again = false;
    enum vd_err status = table_key_init(table, &wanted, key, key_length, error);

    if (status == VD_OK)
        status = check_type(table, at, VD_COLUMN_FLOAT, error);
    if (status != VD_OK)
        return status;
    column = &table->schema.columns[at];
    do {
        bool lives;
        double sum = 0;

        enter(table, &wanted, now_ms, &place);
        lives = place.row && !place.expired;
        if (lives) {
            uint64_t word = load_word(&place.version[column->word]);

            memcpy(&sum, &word, sizeof(sum));
        }
        sum += by;
        if (!isfinite(sum)) {
            leave(&place);
            return not_finite(table, column, error);
        }
        if (result)
            *result = sum;
        if (lives) {
            put_number(place.version, place.row, place.seq, column, &sum);
            leave(&place);
            return VD_OK;
        }
        change.value.number = sum;
        status = start_row(table, &place, &wanted, now_ms, expiry_of(table, now_ms), &change, 1,
                           &again, error);
    } while (again);
    return status;
}

static bool is_equal(const struct table_column *column, const _Atomic uint64_t *version,
                     const struct vd_table_value *value)
{
    uint64_t word = load_word(&version[column->word]);
    double number;

    switch (column->type) {
    case VD_COLUMN_INT:
        return (int64_t)word == value->integer;
    case VD_COLUMN_FLOAT:
        memcpy(&number, &word, sizeof(number));
        return number == value->number;
    default:
        break;
    }
    if (word != value->string.length)
        return false;
    for (size_t done = 0; done < word; done += 8) {
        uint64_t some = load_word(&version[column->word + 1 + done / 8]);

        if (memcmp(&some, value->string.bytes + done, word - done < 8 ? word - done : 8) != 0)
            return false;
    }
    return true;
}

enum vd_err vd_table_compare_and_set(struct vd_table *table, const char *key, size_t key_length,
                                     uint32_t column, const struct vd_table_value *expected,
                                     const struct vd_table_value *desired, uint64_t now_ms,
                                     bool *swapped, struct vd_error *error)
{
    struct vd_table_change change = {.column = column, .value = *desired};
    struct table_key wanted;
    struct place place;
    enum vd_err result = table_key_init(table, &wanted, key, key_length, error);

    *swapped = false;
    if (result == VD_OK)
        result = check_changes(table, &change, 1, error);
    if (result != VD_OK)
        return result;
    enter(table, &wanted, now_ms, &place);
    if (!place.row || place.expired) {
        result = VD_ERR_NOT_FOUND;
    } else if (is_equal(&table->schema.columns[column], place.version, expected)) {
        rewrite_locked(table, place.row, place.seq, false, place.expiry_ms, &change, 1);
        *swapped = true;
    }
    leave(&place);
    return result;
}

enum vd_err vd_table_del(struct vd_table *table, const char *key, size_t key_length,
                         uint64_t now_ms, struct vd_error *error)
{
    struct table_key wanted;
    struct place place;
    enum vd_err result = table_key_init(table, &wanted, key, key_length, error);

    if (result != VD_OK)
        return result;
    enter(table, &wanted, now_ms, &place);
    if (place.row)
        table_remove_locked(table, place.stripe, place.row);
    leave(&place);
    return place.row && !place.expired ? VD_OK : VD_ERR_NOT_FOUND;
}

/* ---- many rows ---------------------------------------------------------------------------------
 */

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

/* The earliest expiry is forgotten first and found anew on the way: a writer notes its expiry after
 * the row is published, so either it is seen here or its note comes later. One sweeps at a time,
 * and while the lock is taken, also by a process that was killed in here, the note is worth nothing
 * (see is_worth_sweeping). A word that belongs to another row by now only makes it too early. */
uint64_t vd_table_expire(struct vd_table *table, uint64_t now_ms)
{
    struct table_pool *pool = &table->shared->pool;
    uint64_t removed = 0;

    if (now_ms == 0)
        return 0;
    owner_lock(&pool->sweep_lock, owner_self(&table->owner));
    store_word(&pool->earliest_ms, UINT64_MAX);
    for (uint64_t i = 0, end = load_word(&pool->fresh); i < end && i < table->schema.rows; i++) {
        struct table_row *row = row_at(table, i);
        uint64_t seq = load_word(&row->seq);
        uint64_t expiry_ms = load_word(version_of(table, row, seq));

        if ((seq & SEQ_LIVE) && is_expired(expiry_ms, now_ms)) {
            removed += remove_at(table, i, now_ms);
        } else if (seq & SEQ_LIVE) {
            note_expiry(table, expiry_ms);
        }
    }
    owner_unlock(&pool->sweep_lock);
    return removed;
}
