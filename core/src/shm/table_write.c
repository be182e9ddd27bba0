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

/* ---- versions ----------------------------------------------------------------------------------
 */

static void put_value(_Atomic uint64_t *version, const struct table_column *column,
                      const struct vd_table_value *value)
{
    _Atomic uint64_t *to = &version[column->word];
    const char *bytes = value->string.bytes;
    size_t length = value->string.length;

    if (column->type != VD_COLUMN_STRING) {
        store_word(to, table_load_bytes((const char *)&value->integer, sizeof(value->integer)));
        return;
    }
    store_word(to++, length);
    for (size_t done = 0; done + 8 <= length; done += 8)
        store_word(to++, table_load_bytes(bytes + done, 8));
    if (length % 8)
        store_word(to, table_last_word(bytes, length));
}

/* @from NULL: zero, or the empty string. */
static void copy_value(_Atomic uint64_t *to, const _Atomic uint64_t *from,
                       const struct table_column *column)
{
    uint64_t word = from ? load_word(&from[column->word]) : 0;
    uint64_t words = 0;

    if (column->type == VD_COLUMN_STRING && word <= column->bytes) /* damage is not spread */
        words = (word + 7) / 8;
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

/* An existing row in a new version; @fresh: none of the old one stays. */
static void rewrite_locked(struct vd_table *table, struct table_row *row, uint64_t seq, bool fresh,
                           uint64_t expiry_ms, const struct vd_table_change *changes, size_t count)
{
    uint64_t other = ((seq & ~(uint64_t)3) + SEQ_STEP) | SEQ_LIVE | ((seq & SEQ_VERSION) ^ 1);

    fill(table, version_of(table, row, other), fresh ? NULL : version_of(table, row, seq),
         expiry_ms, changes, count);
    store_word(&row->seq, other);
    table_note_expiry(table, expiry_ms);
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
    table_note_expiry(table, expiry_ms);
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
    if (table_is_worth_sweeping(table, now_ms))
        vd_table_expire(table, now_ms);
    *again = true;
    return VD_OK;
}

static uint64_t expiry_of(const struct vd_table *table, uint64_t now_ms)
{
    uint64_t end_ms;

    if (table->schema.ttl_ms == 0 || now_ms == 0)
        return 0;
    return __builtin_add_overflow(now_ms, table->schema.ttl_ms, &end_ms) ? UINT64_MAX : end_ms;
}

/* ---- operations --------------------------------------------------------------------------------
 */

/* When a row ends after it was written to. */
enum end { BY_TTL, AT_EXPIRY };

/* Of a table without a ttl a row that lives keeps its end: a window is not prolonged by a note. */
static uint64_t end_of(const struct vd_table *table, const struct place *place, uint64_t now_ms)
{
    if (table->schema.ttl_ms == 0 && place->row && !place->expired)
        return place->expiry_ms;
    return expiry_of(table, now_ms);
}

static bool is_version(const struct vd_table *table, const struct place *place,
                       const struct vd_table_version *version)
{
    if (!place->row || place->expired)
        return version->row == 0;
    return version->row == index_of(table, place->row) + 1 && version->seq == place->seq;
}

/* Insert or change, whatever is there, or (@only) if it is that version: *@done. What its callers
 * say once and for all costs nothing. */
static inline __attribute__((always_inline)) enum vd_err
put(struct vd_table *table, const char *key, size_t key_length, const struct vd_table_version *only,
    const struct vd_table_change *changes, size_t count, enum end end, uint64_t expiry_ms,
    uint64_t now_ms, bool *done, struct vd_error *error)
{
    struct table_key wanted;
    struct place place;
    bool again = false;
    enum vd_err result = table_key_init(table, &wanted, key, key_length, error);

    *done = false;
    if (result == VD_OK)
        result = table_check_changes(table, changes, count, error);
    if (result != VD_OK)
        return result;
    do {
        enter(table, &wanted, now_ms, &place);
        if (only && !is_version(table, &place, only)) {
            leave(&place);
            return VD_OK;
        }
        if (end == BY_TTL)
            expiry_ms = end_of(table, &place, now_ms);
        if (place.row && !place.expired) {
            rewrite_locked(table, place.row, place.seq, false, expiry_ms, changes, count);
            leave(&place);
            *done = true;
            return VD_OK;
        }
        result =
            start_row(table, &place, &wanted, now_ms, expiry_ms, changes, count, &again, error);
    } while (again);
    *done = result == VD_OK;
    return result;
}

enum vd_err vd_table_set(struct vd_table *table, const char *key, size_t key_length,
                         const struct vd_table_change *changes, size_t count, uint64_t now_ms,
                         struct vd_error *error)
{
    bool done;

    return put(table, key, key_length, NULL, changes, count, BY_TTL, 0, now_ms, &done, error);
}

enum vd_err vd_table_set_version(struct vd_table *table, const char *key, size_t key_length,
                                 const struct vd_table_version *version,
                                 const struct vd_table_change *changes, size_t count,
                                 uint64_t expiry_ms, uint64_t now_ms, bool *swapped,
                                 struct vd_error *error)
{
    return put(table, key, key_length, version, changes, count, AT_EXPIRY, expiry_ms, now_ms,
               swapped, error);
}

/* What is added to an INT, and what came out. */
struct addition {
    uint32_t column;
    int64_t by;
    bool subtract;
    bool window;        /* a row that lives and has no end gets one */
    uint64_t expiry_ms; /* of a row that starts anew */
    int64_t sum;
    uint64_t ends_ms; /* where the row ends now */
};

static enum vd_err check_addition(const struct vd_table *table, struct table_key *wanted,
                                  const char *key, size_t key_length, uint32_t column,
                                  unsigned type, struct vd_error *error)
{
    enum vd_err result = table_key_init(table, wanted, key, key_length, error);

    return result == VD_OK ? table_check_type(table, column, type, error) : result;
}

/* False: no such number in that column. */
static bool sum_up(const struct table_column *column, struct addition *a, int64_t old)
{
    bool overflow = a->subtract ? __builtin_sub_overflow(old, a->by, &a->sum)
                                : __builtin_add_overflow(old, a->by, &a->sum);

    return !overflow && table_is_in_range(column, a->sum);
}

static inline enum vd_err add_integer(struct vd_table *table, const struct table_key *key,
                                      struct addition *a, uint64_t now_ms, struct vd_error *error)
{
    const struct table_column *column = &table->schema.columns[a->column];
    struct vd_table_change change = {.column = a->column};
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
        if (!sum_up(column, a, old)) {
            leave(&place);
            return table_out_of_range(table, column, a->subtract ? "the difference" : "the sum",
                                      error);
        }
        a->ends_ms = lives ? place.expiry_ms : a->expiry_ms;
        change.value.integer = a->sum;
        if (lives && a->window && place.expiry_ms == 0) {
            a->ends_ms = a->expiry_ms;
            rewrite_locked(table, place.row, place.seq, false, a->ends_ms, &change, 1);
            leave(&place);
            return VD_OK;
        }
        if (lives) {
            put_number(place.version, place.row, place.seq, column, &a->sum);
            leave(&place);
            return VD_OK;
        }
        status = start_row(table, &place, key, now_ms, a->expiry_ms, &change, 1, &again, error);
    } while (again);
    return status;
}

static enum vd_err add(struct vd_table *table, const char *key, size_t key_length, uint32_t column,
                       int64_t by, bool subtract, uint64_t now_ms, int64_t *result,
                       struct vd_error *error)
{
    struct addition a = {
        .column = column, .by = by, .subtract = subtract, .expiry_ms = expiry_of(table, now_ms)};
    struct table_key wanted;
    enum vd_err status =
        check_addition(table, &wanted, key, key_length, column, VD_COLUMN_INT, error);

    if (status == VD_OK)
        status = add_integer(table, &wanted, &a, now_ms, error);
    if (status == VD_OK && result)
        *result = a.sum;
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
    struct addition a = {
        .column = column, .by = by, .window = true, .expiry_ms = now_ms + window_ms};
    struct table_key wanted;
    enum vd_err status =
        check_addition(table, &wanted, key, key_length, column, VD_COLUMN_INT, error);

    if (status != VD_OK)
        return status;
    if (window_ms == 0 || now_ms == 0 || window_ms > UINT64_MAX - now_ms) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "table \"%s\": a window needs a length and the time, both over 0",
                            table->schema.name);
    }
    status = add_integer(table, &wanted, &a, now_ms, error);
    if (status == VD_OK && result)
        *result = a.sum;
    if (status == VD_OK && ends_ms)
        *ends_ms = a.ends_ms;
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
    enum vd_err status =
        check_addition(table, &wanted, key, key_length, at, VD_COLUMN_FLOAT, error);

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
            return table_not_finite(table, column, error);
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
        result = table_check_changes(table, &change, 1, error);
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

enum vd_err vd_table_incr_when(struct vd_table *table, const char *key, size_t key_length,
                               uint32_t column, int64_t by, uint32_t guard_column, int64_t guard,
                               uint64_t now_ms, int64_t *result, struct vd_error *error)
{
    const struct table_column *columns = table->schema.columns;
    struct vd_table_change change = {.column = column};
    struct table_key wanted;
    struct place place;
    int64_t old;
    enum vd_err status =
        check_addition(table, &wanted, key, key_length, column, VD_COLUMN_INT, error);

    if (status == VD_OK)
        status = table_check_type(table, guard_column, VD_COLUMN_INT, error);
    if (status != VD_OK)
        return status;
    enter(table, &wanted, now_ms, &place);
    if (!place.row || place.expired ||
        (int64_t)load_word(&place.version[columns[guard_column].word]) != guard) {
        leave(&place);
        return VD_ERR_NOT_FOUND;
    }
    old = (int64_t)load_word(&place.version[columns[column].word]);
    if (__builtin_add_overflow(old, by, &change.value.integer) ||
        !table_is_in_range(&columns[column], change.value.integer)) {
        leave(&place);
        return table_out_of_range(table, &columns[column], "the sum", error);
    }
    rewrite_locked(table, place.row, place.seq, false, place.expiry_ms, &change, 1);
    leave(&place);
    if (result)
        *result = change.value.integer;
    return VD_OK;
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
