/* SPDX-License-Identifier: Apache-2.0 */
/* Writing rows: check everything, lock the stripe, one store that publishes, unlock.
 *
 * Nothing under a lock can fail but for a table that is full, which is known before the first store
 * to the row.
 *
 * Failure modes: full: what dead processes left and what has expired is put back once, then
 * VD_ERR_FULL. Killed: see table_row.c; an expiry that was published and not noted in the pool's
 * `earliest_ms` is found because taking over the lock sets that to 0. */
#include "table_write.h"

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

void table_rewrite_locked(struct vd_table *table, struct table_row *row, uint64_t seq, bool fresh,
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

/* ---- a row to write to -------------------------------------------------------------------------
 */

static enum vd_err table_full(const struct vd_table *table, struct vd_error *error)
{
    return vd_error_set(error, VD_ERR_FULL,
                        "table \"%s\" is full: all of its %llu rows are in use; declare more rows, "
                        "delete some, or give them a ttl",
                        table->schema.name, (unsigned long long)table->schema.rows);
}

bool table_start_row(struct vd_table *table, struct table_place *place, const struct table_key *key,
                     uint64_t now_ms, uint64_t expiry_ms, const struct vd_table_change *change,
                     size_t count, bool *hopeless, enum vd_err *result, struct vd_error *error)
{
    bool done = true;

    if (place->row) {
        table_rewrite_locked(table, place->row, place->seq, true, expiry_ms, change, count);
    } else {
        done = insert_locked(table, place->stripe, key, expiry_ms, change, count);
    }
    table_leave(place);
    *result = done || !*hopeless ? VD_OK : table_full(table, error);
    if (done || *hopeless)
        return false;
    vd_table_recover(table);
    *hopeless = !table_make_room(table, now_ms);
    return true;
}

/* ---- operations --------------------------------------------------------------------------------
 */

/* When a row ends after it was written to. */
enum end { BY_TTL, AT_EXPIRY };

/* Of a table without a ttl a row that lives keeps its end: a window is not prolonged by a note. */
static uint64_t end_of(const struct vd_table *table, const struct table_place *place,
                       uint64_t now_ms)
{
    if (table->schema.ttl_ms == 0 && place->row && !place->expired)
        return place->expiry_ms;
    return table_expiry_of(table, now_ms);
}

static bool is_version(const struct vd_table *table, const struct table_place *place,
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
    struct table_place place;
    bool hopeless = false;
    enum vd_err result = table_key_init(table, &wanted, key, key_length, error);

    *done = false;
    if (result == VD_OK)
        result = table_check_changes(table, changes, count, error);
    if (result != VD_OK)
        return result;
    do {
        table_enter(table, &wanted, now_ms, &place);
        if (only && !is_version(table, &place, only)) {
            table_leave(&place);
            return VD_OK;
        }
        if (end == BY_TTL)
            expiry_ms = end_of(table, &place, now_ms);
        if (place.row && !place.expired) {
            table_rewrite_locked(table, place.row, place.seq, false, expiry_ms, changes, count);
            table_leave(&place);
            *done = true;
            return VD_OK;
        }
    } while (table_start_row(table, &place, &wanted, now_ms, expiry_ms, changes, count, &hopeless,
                             &result, error));
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
    struct table_place place;
    enum vd_err result = table_key_init(table, &wanted, key, key_length, error);

    *swapped = false;
    if (result == VD_OK)
        result = table_check_changes(table, &change, 1, error);
    if (result != VD_OK)
        return result;
    table_enter(table, &wanted, now_ms, &place);
    if (!place.row || place.expired) {
        result = VD_ERR_NOT_FOUND;
    } else if (is_equal(&table->schema.columns[column], place.version, expected)) {
        table_rewrite_locked(table, place.row, place.seq, false, place.expiry_ms, &change, 1);
        *swapped = true;
    }
    table_leave(&place);
    return result;
}

enum vd_err vd_table_del(struct vd_table *table, const char *key, size_t key_length,
                         uint64_t now_ms, struct vd_error *error)
{
    struct table_key wanted;
    struct table_place place;
    enum vd_err result = table_key_init(table, &wanted, key, key_length, error);

    if (result != VD_OK)
        return result;
    table_enter(table, &wanted, now_ms, &place);
    if (place.row)
        table_remove_locked(table, place.stripe, place.row);
    table_leave(&place);
    return place.row && !place.expired ? VD_OK : VD_ERR_NOT_FOUND;
}
