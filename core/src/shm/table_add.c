/* SPDX-License-Identifier: Apache-2.0 */
/* Adding to a number: the sum is checked under the lock, before the first store to the row. What
 * lives is changed in place, by one store to its seq and one to the number (table_shared.h); a row
 * that starts with the number, or begins a window, is written as a whole.
 *
 * Failure modes: a sum out of the column's range, or not finite; full, and killed: as
 * table_write.c. */
#include <math.h>

#include "table_write.h"

static inline void put_number(_Atomic uint64_t *version, struct table_row *row, uint64_t seq,
                              const struct table_column *column, const void *number)
{
    uint64_t word;

    memcpy(&word, number, sizeof(word));
    store_word(&row->seq, seq + SEQ_STEP);
    store_word(&version[column->word], word);
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
    struct table_place place;
    bool hopeless = false;
    enum vd_err status;

    do {
        bool lives;
        int64_t old = 0;

        table_enter(table, key, now_ms, &place);
        lives = place.row && !place.expired;
        if (lives)
            old = (int64_t)load_word(&place.version[column->word]);
        if (!sum_up(column, a, old)) {
            table_leave(&place);
            return table_out_of_range(table, column, a->subtract ? "the difference" : "the sum",
                                      error);
        }
        a->ends_ms = lives ? place.expiry_ms : a->expiry_ms;
        change.value.integer = a->sum;
        if (lives && a->window && place.expiry_ms == 0) {
            a->ends_ms = a->expiry_ms;
            table_rewrite_locked(table, place.row, place.seq, false, a->ends_ms, &change, 1);
            table_leave(&place);
            return VD_OK;
        }
        if (lives) {
            put_number(place.version, place.row, place.seq, column, &a->sum);
            table_leave(&place);
            return VD_OK;
        }
    } while (table_start_row(table, &place, key, now_ms, a->expiry_ms, &change, 1, &hopeless,
                             &status, error));
    return status;
}

static enum vd_err add(struct vd_table *table, const char *key, size_t key_length, uint32_t column,
                       int64_t by, bool subtract, uint64_t now_ms, int64_t *result,
                       struct vd_error *error)
{
    struct addition a = {.column = column,
                         .by = by,
                         .subtract = subtract,
                         .expiry_ms = table_expiry_of(table, now_ms)};
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
    struct table_place place;
    bool hopeless = false;
    enum vd_err status =
        check_addition(table, &wanted, key, key_length, at, VD_COLUMN_FLOAT, error);

    if (status != VD_OK)
        return status;
    column = &table->schema.columns[at];
    do {
        bool lives;
        double sum = 0;

        table_enter(table, &wanted, now_ms, &place);
        lives = place.row && !place.expired;
        if (lives) {
            uint64_t word = load_word(&place.version[column->word]);

            memcpy(&sum, &word, sizeof(sum));
        }
        sum += by;
        if (!isfinite(sum)) {
            table_leave(&place);
            return table_not_finite(table, column, error);
        }
        if (result)
            *result = sum;
        if (lives) {
            put_number(place.version, place.row, place.seq, column, &sum);
            table_leave(&place);
            return VD_OK;
        }
        change.value.number = sum;
    } while (table_start_row(table, &place, &wanted, now_ms, table_expiry_of(table, now_ms),
                             &change, 1, &hopeless, &status, error));
    return status;
}

enum vd_err vd_table_incr_when(struct vd_table *table, const char *key, size_t key_length,
                               uint32_t column, int64_t by, uint32_t guard_column, int64_t guard,
                               uint64_t now_ms, int64_t *result, struct vd_error *error)
{
    const struct table_column *columns = table->schema.columns;
    struct vd_table_change change = {.column = column};
    struct table_key wanted;
    struct table_place place;
    int64_t old;
    enum vd_err status =
        check_addition(table, &wanted, key, key_length, column, VD_COLUMN_INT, error);

    if (status == VD_OK)
        status = table_check_type(table, guard_column, VD_COLUMN_INT, error);
    if (status != VD_OK)
        return status;
    table_enter(table, &wanted, now_ms, &place);
    if (!place.row || place.expired ||
        (int64_t)load_word(&place.version[columns[guard_column].word]) != guard) {
        table_leave(&place);
        return VD_ERR_NOT_FOUND;
    }
    old = (int64_t)load_word(&place.version[columns[column].word]);
    if (__builtin_add_overflow(old, by, &change.value.integer) ||
        !table_is_in_range(&columns[column], change.value.integer)) {
        table_leave(&place);
        return table_out_of_range(table, &columns[column], "the sum", error);
    }
    table_rewrite_locked(table, place.row, place.seq, false, place.expiry_ms, &change, 1);
    table_leave(&place);
    if (result)
        *result = change.value.integer;
    return VD_OK;
}
