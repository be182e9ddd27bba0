/* SPDX-License-Identifier: Apache-2.0 */
/* Reading rows: find, copy, look at seq again. Nothing shared is written, nobody is waited for.
 *
 * Whatever is copied may be half of another row until seq has been looked at again; so lengths are
 * checked before they are believed, and pointers are never read from there. A length that cannot be
 * right although seq has stood still is damage (VD_ERR_CORRUPT).
 *
 * Failure modes: the row changes between each two looks, 100,000 times (VD_ERR_TIMEOUT): each of
 * them is a write that was finished, so somebody got on. */
#include "table_shared.h"

static enum vd_err no_rest(const struct vd_table *table, struct vd_error *error)
{
    return vd_error_set(error, VD_ERR_TIMEOUT,
                        "table \"%s\": the row changed during each of %u tries to read it",
                        table->schema.name, TRIES_MAX);
}

static enum vd_err damaged(const struct vd_table *table, struct vd_error *error)
{
    return vd_error_set(error, VD_ERR_CORRUPT, "table \"%s\": a row is damaged",
                        table->schema.name);
}

static inline bool is_still(const struct table_row *row, uint64_t seq)
{
    return atomic_load_explicit(&row->seq, memory_order_relaxed) == seq;
}

/* @length bytes out of words; the last word gives what is left. */
static void copy_bytes(char *to, const _Atomic uint64_t *words, size_t length)
{
    for (; length >= 8; length -= 8, to += 8) {
        uint64_t word = load_word(words++);

        memcpy(to, &word, 8);
    }
    if (length) {
        uint64_t word = load_word(words);

        memcpy(to, &word, length);
    }
}

/* False: what is there cannot be right, seq must have moved. */
static bool read_value(const struct table_column *column, const _Atomic uint64_t *version,
                       struct vd_table_value *value, char *text)
{
    uint64_t word = load_word(&version[column->word]);

    if (column->type != VD_COLUMN_STRING) {
        memcpy(&value->integer, &word, sizeof(word)); /* or the double, which has as many bytes */
        return true;
    }
    if (word > column->bytes)
        return false;
    copy_bytes(text, &version[column->word + 1], word);
    value->string.bytes = text;
    value->string.length = word;
    return true;
}

static bool read_row(const struct vd_table *table, const _Atomic uint64_t *version,
                     struct vd_table_value *values, char *text)
{
    for (uint32_t i = 0; i < table->schema.column_count; i++) {
        if (!read_value(&table->schema.columns[i], version, &values[i], text))
            return false;
        if (table->schema.columns[i].type == VD_COLUMN_STRING)
            text += values[i].string.length;
    }
    return true;
}

/* What a reader wants of a row. */
enum wish { WHOLE_ROW, ONE_COLUMN, EXISTENCE };

/* @wish is a constant where this is called, and the other cases are gone there. */
static inline __attribute__((always_inline)) enum vd_err
look_up(struct vd_table *table, const char *key, size_t key_length, enum wish wish, uint32_t column,
        uint64_t now_ms, struct vd_table_value *values, char *text, struct vd_table_version *found,
        struct vd_error *error)
{
    struct table_key wanted;
    struct table_row *row;
    unsigned tries = 0;
    uint64_t seq;
    enum vd_err result = table_key_init(table, &wanted, key, key_length, error);

    if (result != VD_OK)
        return result;
    if (wish == ONE_COLUMN && column >= table->schema.column_count)
        return table_check_column(table, column, error);
    while ((row = table_find(table, &wanted, &seq)) != NULL) {
        const _Atomic uint64_t *version = version_of(table, row, seq);
        uint64_t expiry_ms = load_word(&version[0]);
        bool is_read = true;

        if (wish == WHOLE_ROW)
            is_read = read_row(table, version, values, text);
        if (wish == ONE_COLUMN)
            is_read = read_value(&table->schema.columns[column], version, values, text);
        if (is_still(row, seq)) {
            if (!is_read)
                return damaged(table, error);
            if (is_expired(expiry_ms, now_ms))
                return VD_ERR_NOT_FOUND;
            if (found)
                *found = (struct vd_table_version){index_of(table, row) + 1, seq, expiry_ms};
            return VD_OK;
        }
        if (!table_try_again(&tries))
            return no_rest(table, error);
    }
    return VD_ERR_NOT_FOUND;
}

enum vd_err vd_table_get(struct vd_table *table, const char *key, size_t key_length,
                         uint64_t now_ms, struct vd_table_value *values, char *text,
                         struct vd_error *error)
{
    return look_up(table, key, key_length, WHOLE_ROW, 0, now_ms, values, text, NULL, error);
}

enum vd_err vd_table_get_field(struct vd_table *table, const char *key, size_t key_length,
                               uint32_t column, uint64_t now_ms, struct vd_table_value *value,
                               char *text, struct vd_error *error)
{
    return look_up(table, key, key_length, ONE_COLUMN, column, now_ms, value, text, NULL, error);
}

enum vd_err vd_table_get_version(struct vd_table *table, const char *key, size_t key_length,
                                 uint64_t now_ms, struct vd_table_value *values, char *text,
                                 struct vd_table_version *version, struct vd_error *error)
{
    *version = (struct vd_table_version){0};
    return look_up(table, key, key_length, WHOLE_ROW, 0, now_ms, values, text, version, error);
}

enum vd_err vd_table_exists(struct vd_table *table, const char *key, size_t key_length,
                            uint64_t now_ms, struct vd_error *error)
{
    return look_up(table, key, key_length, EXISTENCE, 0, now_ms, NULL, NULL, NULL, error);
}

/* VD_ERR_NOT_FOUND: nobody lives there. */
static enum vd_err read_at(const struct vd_table *table, uint64_t index, uint64_t now_ms, char *key,
                           size_t *key_length, struct vd_table_value *values, char *text,
                           struct vd_error *error)
{
    struct table_row *row = row_at(table, index);
    unsigned tries = 0;

    do {
        uint64_t seq = load_word(&row->seq);
        const _Atomic uint64_t *version = version_of(table, row, seq);
        uint32_t length = atomic_load_explicit(&row->key_length, memory_order_acquire);
        uint64_t expiry_ms = load_word(&version[0]);
        bool is_read = length <= VD_TABLE_KEY_MAX;

        if (!(seq & SEQ_LIVE))
            return VD_ERR_NOT_FOUND;
        if (is_read) {
            copy_bytes(key, row->words, length);
            *key_length = length;
            is_read = !values || read_row(table, version, values, text);
        }
        if (is_still(row, seq)) {
            if (!is_read)
                return damaged(table, error);
            return is_expired(expiry_ms, now_ms) ? VD_ERR_NOT_FOUND : VD_OK;
        }
    } while (table_try_again(&tries));
    return no_rest(table, error);
}

/* Does a row live there that has not expired? What changes too often to be looked at lives. */
static bool lives_at(const struct vd_table *table, uint64_t index, uint64_t now_ms)
{
    struct table_row *row = row_at(table, index);
    unsigned tries = 0;

    do {
        uint64_t seq = load_word(&row->seq);
        uint64_t expiry_ms;

        if (!(seq & SEQ_LIVE))
            return false;
        expiry_ms = load_word(version_of(table, row, seq));
        if (is_still(row, seq))
            return !is_expired(expiry_ms, now_ms);
    } while (table_try_again(&tries));
    return true;
}

static uint64_t rows_ever_used(const struct vd_table *table)
{
    uint64_t end = load_word(&table->shared->pool.fresh);

    return end < table->schema.rows ? end : table->schema.rows;
}

uint64_t vd_table_count_live(const struct vd_table *table, uint64_t now_ms)
{
    uint64_t end = rows_ever_used(table);
    uint64_t count = 0;

    for (uint64_t i = 0; i < end; i++)
        count += lives_at(table, i, now_ms);
    return count;
}

/* A row keeps its place for as long as it lives, so the places in turn are all of them, once. */
enum vd_err vd_table_next(struct vd_table *table, struct vd_table_cursor *cursor, uint64_t now_ms,
                          char *key, size_t *key_length, struct vd_table_value *values, char *text,
                          struct vd_error *error)
{
    uint64_t end = rows_ever_used(table);

    while (cursor->next < end) {
        enum vd_err result =
            read_at(table, cursor->next++, now_ms, key, key_length, values, text, error);

        if (result != VD_ERR_NOT_FOUND)
            return result;
    }
    return VD_ERR_EMPTY;
}
