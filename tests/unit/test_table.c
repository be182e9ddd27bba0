/* SPDX-License-Identifier: Apache-2.0 */
/* Tables: schemas, limits and what their errors say, capacity, iteration, and a table beside a
 * plain array under random operations. Time and versions: test_table_time.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "table_fixture.h"

static void test_set_get_del(void **state)
{
    struct fixture f;
    struct vd_table_change changes[] = {integer(COUNT, INT64_MIN),
                                        integer(SMALL, -128),
                                        {RATIO, {.number = 0.25}},
                                        string(NOTE, "exactly 21 bytes here", 21)};
    (void)state;

    setup(&f, 10, 0);
    assert_int_equal(get(&f, "ann", 0), VD_ERR_NOT_FOUND);
    assert_int_equal(vd_table_set(f.table, "ann", 3, changes, 4, 0, &f.error), VD_OK);
    assert_int_equal(get(&f, "ann", 0), VD_OK);
    assert_true(f.values[COUNT].integer == INT64_MIN);
    assert_int_equal(f.values[SMALL].integer, -128);
    assert_true(f.values[RATIO].number == 0.25);
    assert_int_equal(f.values[NOTE].string.length, 21);
    assert_memory_equal(f.values[NOTE].string.bytes, "exactly 21 bytes here", 21);
    /* the others stay */
    assert_int_equal(set_count(&f, "ann", 7, 0), VD_OK);
    assert_int_equal(get(&f, "ann", 0), VD_OK);
    assert_int_equal(f.values[COUNT].integer, 7);
    assert_int_equal(f.values[SMALL].integer, -128);
    assert_memory_equal(f.values[NOTE].string.bytes, "exactly 21 bytes here", 21);
    assert_int_equal(vd_table_get_field(f.table, "ann", 3, RATIO, 0, f.values, NULL, NULL), VD_OK);
    assert_true(f.values[0].number == 0.25);
    assert_int_equal(vd_table_get_field(f.table, "ann", 3, NOTE, 0, f.values, f.text, NULL), VD_OK);
    assert_int_equal(f.values[0].string.length, 21);
    assert_int_equal(vd_table_exists(f.table, "ann", 3, 0, NULL), VD_OK);
    assert_int_equal(vd_table_count(f.table), 1);
    assert_int_equal(vd_table_del(f.table, "ann", 3, 0, NULL), VD_OK);
    assert_int_equal(vd_table_del(f.table, "ann", 3, 0, NULL), VD_ERR_NOT_FOUND);
    assert_int_equal(vd_table_exists(f.table, "ann", 3, 0, NULL), VD_ERR_NOT_FOUND);
    assert_int_equal(vd_table_count(f.table), 0);
    /* a new row knows nothing of the old one in its place */
    assert_int_equal(set_count(&f, "bob", 1, 0), VD_OK);
    assert_int_equal(get(&f, "bob", 0), VD_OK);
    assert_int_equal(f.values[SMALL].integer, 0);
    assert_int_equal(f.values[NOTE].string.length, 0);
    teardown(&f);
}

static void test_keys(void **state)
{
    struct fixture f;
    char key[300];
    (void)state;

    setup(&f, 600, 0);
    memset(key, 'k', sizeof(key));
    for (size_t length = 1; length <= VD_TABLE_KEY_MAX; length++) {
        struct vd_table_change change = integer(COUNT, (int64_t)length);

        assert_int_equal(vd_table_set(f.table, key, length, &change, 1, 0, &f.error), VD_OK);
        key[length - 1] = '\0'; /* any bytes, and "a" is not "a\0" */
        assert_int_equal(vd_table_set(f.table, key, length, &change, 1, 0, &f.error), VD_OK);
        key[length - 1] = 'k';
    }
    assert_int_equal(vd_table_count(f.table), 2 * VD_TABLE_KEY_MAX);
    for (size_t length = 1; length <= VD_TABLE_KEY_MAX; length++) {
        assert_int_equal(vd_table_get(f.table, key, length, 0, f.values, f.text, NULL), VD_OK);
        assert_int_equal(f.values[COUNT].integer, length);
    }
    assert_int_equal(vd_table_exists(f.table, key, 256, 0, &f.error), VD_ERR_INVALID);
    assert_non_null(strstr(f.error.text, "\"people\""));
    assert_non_null(strstr(f.error.text, "1 to 255 bytes, this one has 256"));
    assert_int_equal(vd_table_incr(f.table, key, 0, COUNT, 1, 0, NULL, &f.error), VD_ERR_INVALID);
    assert_int_equal(vd_table_del(f.table, key, 256, 0, &f.error), VD_ERR_INVALID);
    assert_int_equal(vd_table_count(f.table), 2 * VD_TABLE_KEY_MAX);
    teardown(&f);
}

/* Any bytes of any length, whatever stands beside them: found again, and no longer with one bit
 * changed. */
static void test_random_keys(void **state)
{
    unsigned char random = 1;
    struct fixture f;
    char stored[300];
    char wanted[300];
    (void)state;

    setup(&f, VD_TABLE_KEY_MAX, 0);
    for (size_t length = 1; length <= VD_TABLE_KEY_MAX; length++) {
        struct vd_table_change change = integer(COUNT, (int64_t)length);
        char *there = stored + length % 9;
        char *here = wanted + length % 7;

        memset(stored, 0x55, sizeof(stored));
        memset(wanted, 0xaa, sizeof(wanted));
        for (size_t i = 0; i < length; i++)
            there[i] = here[i] = (char)(random = (unsigned char)(random * 5 + 3));
        assert_int_equal(vd_table_set(f.table, there, length, &change, 1, 0, &f.error), VD_OK);
        assert_int_equal(vd_table_get(f.table, here, length, 0, f.values, f.text, NULL), VD_OK);
        assert_int_equal(f.values[COUNT].integer, length);
        for (size_t i = 0; i < length; i++) {
            here[i] = (char)(here[i] ^ 1 << (i % 8));
            assert_int_equal(vd_table_exists(f.table, here, length, 0, NULL), VD_ERR_NOT_FOUND);
            here[i] = (char)(here[i] ^ 1 << (i % 8));
        }
    }
    assert_int_equal(vd_table_count(f.table), VD_TABLE_KEY_MAX);
    teardown(&f);
}

static void test_capacity_is_exact(void **state)
{
    static const uint64_t sizes[] = {1, 2, 15, 16, 17, 1000, 1024};
    (void)state;

    for (size_t i = 0; i < LEN(sizes); i++) {
        struct fixture f;
        char key[32];

        setup(&f, sizes[i], 0);
        assert_int_equal(vd_table_capacity(f.table), sizes[i]);
        for (int round = 0; round < 3; round++) {
            for (uint64_t row = 0; row < sizes[i]; row++) {
                snprintf(key, sizeof(key), "key %d %llu", round, (unsigned long long)row);
                assert_int_equal(set_count(&f, key, 1, 0), VD_OK);
            }
            assert_int_equal(set_count(&f, "one more", 1, 0), VD_ERR_FULL);
            assert_non_null(strstr(f.error.text, "table \"people\" is full"));
            assert_non_null(strstr(f.error.text, "declare more rows"));
            assert_int_equal(vd_table_incr(f.table, "more", 4, COUNT, 1, 0, NULL, NULL),
                             VD_ERR_FULL);
            assert_int_equal(set_count(&f, key, 2, 0), VD_OK); /* those that are there go on */
            assert_int_equal(vd_table_count(f.table), sizes[i]);
            vd_table_clear(f.table);
            assert_int_equal(vd_table_count(f.table), 0);
        }
        teardown(&f);
    }
}

static void test_limits_of_values(void **state)
{
    struct fixture f;
    struct vd_table_change changes[] = {integer(COUNT, 99),
                                        string(NOTE, "22 bytes are too many!", 22)};
    struct vd_table_change wrong = integer(4, 1);
    int64_t result = 5;
    double number = 5;
    (void)state;

    setup(&f, 4, 0);
    assert_int_equal(set_count(&f, "ann", 1, 0), VD_OK);
    assert_int_equal(vd_table_set(f.table, "ann", 3, changes, 2, 0, &f.error), VD_ERR_TOO_LARGE);
    assert_non_null(strstr(f.error.text, "\"people\""));
    assert_non_null(
        strstr(f.error.text, "a string of 22 bytes for column \"note\", which holds 21"));
    changes[1] = integer(SMALL, 128);
    assert_int_equal(vd_table_set(f.table, "ann", 3, changes, 2, 0, &f.error), VD_ERR_TOO_LARGE);
    assert_non_null(strstr(f.error.text, "\"small\", INT of 1 bytes, which holds -128 to 127"));
    assert_int_equal(vd_table_set(f.table, "ann", 3, &wrong, 1, 0, &f.error), VD_ERR_INVALID);
    assert_int_equal(get(&f, "ann", 0), VD_OK);
    assert_int_equal(f.values[COUNT].integer, 1); /* nothing of it was written */

    assert_int_equal(vd_table_incr(f.table, "ann", 3, SMALL, 127, 0, &result, NULL), VD_OK);
    assert_int_equal(result, 127);
    assert_int_equal(vd_table_incr(f.table, "ann", 3, SMALL, 1, 0, &result, &f.error),
                     VD_ERR_TOO_LARGE);
    assert_int_equal(vd_table_decr(f.table, "ann", 3, SMALL, 255, 0, &result, NULL), VD_OK);
    assert_int_equal(result, -128);
    assert_int_equal(vd_table_decr(f.table, "ann", 3, SMALL, 1, 0, &result, NULL),
                     VD_ERR_TOO_LARGE);
    assert_int_equal(vd_table_incr(f.table, "ann", 3, COUNT, INT64_MAX, 0, &result, NULL),
                     VD_ERR_TOO_LARGE);
    assert_int_equal(vd_table_decr(f.table, "bob", 3, COUNT, INT64_MIN, 0, NULL, NULL),
                     VD_ERR_TOO_LARGE);
    assert_int_equal(result, -128);
    assert_int_equal(vd_table_count(f.table), 1); /* bob was not made */
    assert_int_equal(vd_table_incr(f.table, "ann", 3, NOTE, 1, 0, &result, &f.error),
                     VD_ERR_INVALID);
    assert_non_null(strstr(f.error.text, "column \"note\" is STRING"));
    assert_int_equal(vd_table_incr_float(f.table, "ann", 3, COUNT, 1, 0, &number, NULL),
                     VD_ERR_INVALID);
    assert_int_equal(vd_table_incr_float(f.table, "ann", 3, RATIO, 1e308, 0, &number, NULL), VD_OK);
    assert_int_equal(vd_table_incr_float(f.table, "ann", 3, RATIO, 1e308, 0, &number, NULL),
                     VD_ERR_TOO_LARGE);
    assert_true(number == 1e308);
    teardown(&f);
}

static void test_compare_and_set(void **state)
{
    struct fixture f;
    struct vd_table_value one = {.integer = 1};
    struct vd_table_value two = {.integer = 2};
    struct vd_table_value empty = {.string = {"", 0}};
    struct vd_table_value red = {.string = {"red and blue", 12}};
    bool swapped = true;
    (void)state;

    setup(&f, 4, 0);
    assert_int_equal(
        vd_table_compare_and_set(f.table, "ann", 3, COUNT, &one, &two, 0, &swapped, NULL),
        VD_ERR_NOT_FOUND);
    assert_false(swapped);
    set_count(&f, "ann", 1, 0);
    vd_table_compare_and_set(f.table, "ann", 3, COUNT, &one, &two, 0, &swapped, NULL);
    assert_true(swapped);
    vd_table_compare_and_set(f.table, "ann", 3, COUNT, &one, &two, 0, &swapped, NULL);
    assert_false(swapped);
    vd_table_compare_and_set(f.table, "ann", 3, NOTE, &empty, &red, 0, &swapped, NULL);
    assert_true(swapped);
    vd_table_compare_and_set(f.table, "ann", 3, NOTE, &empty, &red, 0, &swapped, NULL);
    assert_false(swapped);
    assert_int_equal(get(&f, "ann", 0), VD_OK);
    assert_int_equal(f.values[COUNT].integer, 2);
    assert_memory_equal(f.values[NOTE].string.bytes, "red and blue", 12);
    teardown(&f);
}

static void test_incr_when(void **state)
{
    struct vd_table_change changes[] = {integer(SMALL, 4), string(NOTE, "stays", 5)};
    struct vd_table_version version;
    struct fixture f;
    int64_t result = 7;
    bool swapped = true;
    (void)state;

    setup(&f, 4, 100);
    assert_int_equal(
        vd_table_incr_when(f.table, "ann", 3, COUNT, 1, SMALL, 4, 1000, &result, &f.error),
        VD_ERR_NOT_FOUND);
    assert_int_equal(vd_table_count(f.table), 0);
    assert_int_equal(vd_table_set(f.table, "ann", 3, changes, 2, 1000, NULL), VD_OK);
    assert_int_equal(
        vd_table_incr_when(f.table, "ann", 3, COUNT, 1, SMALL, 5, 1000, &result, &f.error),
        VD_ERR_NOT_FOUND);
    assert_int_equal(
        vd_table_get_version(f.table, "ann", 3, 1000, f.values, f.text, &version, NULL), VD_OK);
    assert_int_equal(
        vd_table_incr_when(f.table, "ann", 3, COUNT, 9, SMALL, 4, 1050, &result, &f.error), VD_OK);
    assert_int_equal(result, 9);
    assert_int_equal(
        vd_table_set_version(f.table, "ann", 3, &version, changes, 2, 0, 1050, &swapped, NULL),
        VD_OK);
    assert_false(swapped); /* somebody was faster */
    assert_int_equal(
        vd_table_incr_when(f.table, "ann", 3, SMALL, 124, SMALL, 4, 1050, &result, &f.error),
        VD_ERR_TOO_LARGE);
    assert_int_equal(
        vd_table_incr_when(f.table, "ann", 3, COUNT, 1, NOTE, 4, 1050, &result, &f.error),
        VD_ERR_INVALID);
    assert_int_equal(get(&f, "ann", 1099), VD_OK);
    assert_int_equal(f.values[COUNT].integer, 9);
    assert_int_equal(f.values[SMALL].integer, 4);
    assert_memory_equal(f.values[NOTE].string.bytes, "stays", 5);
    assert_int_equal(get(&f, "ann", 1100), VD_ERR_NOT_FOUND); /* its time did not begin anew */
    assert_int_equal(
        vd_table_incr_when(f.table, "ann", 3, COUNT, 9, SMALL, 4, 1100, &result, &f.error),
        VD_ERR_NOT_FOUND);
    teardown(&f);
}

static void test_schema_errors(void **state)
{
    static const struct {
        struct vd_column column;
        const char *says;
    } rows[] = {
        {{"", VD_COLUMN_INT, 8}, "name of column 1"},
        {{NULL, VD_COLUMN_INT, 8}, "name of column 1"},
        {{"a", VD_COLUMN_INT, 3}, "has type INT and 3 bytes; allowed are INT of 1, 2, 4 or 8"},
        {{"a", VD_COLUMN_FLOAT, 4}, "has type FLOAT and 4 bytes"},
        {{"a", VD_COLUMN_STRING, 0}, "has type STRING and 0 bytes"},
        {{"a", (enum vd_column_type)9, 1}, "has type unknown"},
        {{"a", (enum vd_column_type)256, 8}, "has type unknown"},
    };
    struct vd_column twice[] = {{"a", VD_COLUMN_INT, 8}, {"a", VD_COLUMN_INT, 8}};
    struct vd_table_options options = {"t", 1, twice, 2, 0};
    struct vd_error error;
    (void)state;

    assert_int_equal(vd_table_bytes(&options, &error), 0);
    assert_non_null(strstr(error.text, "two columns named \"a\""));
    options.column_count = 1;
    assert_true(vd_table_bytes(&options, &error) > 0);
    for (size_t i = 0; i < LEN(rows); i++) {
        options.columns = &rows[i].column;
        assert_int_equal(vd_table_bytes(&options, &error), 0);
        assert_int_equal(error.code, VD_ERR_INVALID);
        if (!strstr(error.text, rows[i].says))
            fail_msg("'%s' does not say '%s'", error.text, rows[i].says);
    }
    options.columns = twice;
    options.rows = 0;
    assert_int_equal(vd_table_bytes(&options, &error), 0);
    options.rows = VD_TABLE_ROWS_MAX + 1;
    assert_int_equal(vd_table_bytes(&options, &error), 0);
    options.rows = 1;
    options.name = "";
    assert_int_equal(vd_table_bytes(&options, &error), 0);
}

static void test_in_an_arena(void **state)
{
    struct vd_table_options options = options_of(100, 0);
    struct vd_arena *arena = NULL;
    struct vd_table *made = NULL;
    struct vd_table *again = NULL;
    struct vd_error error;
    uint32_t column = 9;
    (void)state;

    assert_int_equal(vd_arena_create((size_t)1 << 20, &arena, &error), VD_OK);
    assert_int_equal(vd_table_open(arena, "people", &made, &error), VD_ERR_NOT_FOUND);
    assert_int_equal(vd_table_make(arena, &options, &made, &error), VD_OK);
    assert_int_equal(vd_table_make(arena, &options, &again, &error), VD_OK);
    assert_int_equal(vd_table_incr(made, "k", 1, COUNT, 5, 0, NULL, NULL), VD_OK);
    assert_int_equal(vd_table_exists(again, "k", 1, 0, NULL), VD_OK);
    vd_table_close(again);
    options.rows = 101;
    assert_int_equal(vd_table_make(arena, &options, &again, &error), VD_ERR_EXISTS);
    assert_non_null(strstr(error.text, "\"people\" is there already with another schema"));
    options.name = "many";
    options.rows = 1000000;
    assert_int_equal(vd_table_make(arena, &options, &again, &error), VD_ERR_FULL);
    assert_int_equal(vd_table_open(arena, "people", &again, &error), VD_OK);
    assert_string_equal(vd_table_name(again), "people");
    assert_int_equal(vd_table_column_count(again), 4);
    assert_int_equal(vd_table_column(again, "ratio", 5, &column, &error), VD_OK);
    assert_int_equal(column, RATIO);
    assert_int_equal(vd_table_column_at(again, NOTE)->bytes, 21);
    assert_null(vd_table_column_at(again, 4));
    assert_int_equal(vd_table_column(again, "rat", 3, &column, &error), VD_ERR_NOT_FOUND);
    assert_non_null(strstr(error.text, "has no column \"rat\"; it has count, small, ratio, note"));
    vd_table_close(again);
    vd_table_close(made);
    vd_table_close(NULL);
    vd_arena_destroy(arena);
}

static size_t touched_bytes(const struct vd_arena *arena)
{
    struct stat status;

    assert_int_equal(fstat(vd_arena_fd(arena), &status), 0);
    return (size_t)status.st_blocks * 512;
}

/* Declared generously, it costs nothing before it is used: neither rows nor what finds them. */
static void test_rows_cost_when_used(void **state)
{
    struct vd_table_options options = options_of((uint64_t)1 << 24, 0);
    struct vd_table_options few;
    struct vd_arena *arena = NULL;
    struct vd_table *table = NULL;
    struct vd_error error;
    size_t bytes = vd_table_bytes(&options, &error) + VD_ARENA_HEADER_BYTES;
    (void)state;

    /* as the documentation says: 296 bytes and twice the columns, in whole cache lines */
    few = options_of(((uint64_t)1 << 23) + 1, 0);
    assert_int_equal((vd_table_bytes(&options, NULL) - vd_table_bytes(&few, NULL)) /
                         (options.rows - few.rows),
                     (296 + 2 * (3 * 8 + 8 + 24) + 63) / 64 * 64);
    assert_int_equal(vd_arena_create(bytes, &arena, &error), VD_OK);
    assert_int_equal(vd_table_make(arena, &options, &table, &error), VD_OK);
    assert_true(touched_bytes(arena) < (size_t)1 << 20);
    assert_int_equal(vd_table_incr(table, "k", 1, COUNT, 1, 0, NULL, &error), VD_OK);
    assert_true(touched_bytes(arena) < (size_t)1 << 20);
    vd_table_close(table);
    vd_arena_destroy(arena);
}

static void test_attach_refuses_damage(void **state)
{
    struct vd_table_options options = options_of(3, 0);
    size_t bytes = vd_table_bytes(&options, NULL);
    unsigned char *copy = aligned_alloc(64, bytes);
    struct vd_table *table = NULL;
    struct fixture f;
    (void)state;

    setup(&f, 3, 0);
    memcpy(copy, f.memory, bytes);
    assert_int_equal(vd_table_attach(copy, bytes, &table, NULL), VD_OK);
    vd_table_close(table);
    assert_int_equal(vd_table_attach(copy, bytes - 1, &table, NULL), VD_ERR_CORRUPT);
    copy[0] ^= 1;
    assert_int_equal(vd_table_attach(copy, bytes, &table, &f.error), VD_ERR_CORRUPT);
    memset(copy, 0, bytes);
    assert_int_equal(vd_table_attach(copy, bytes, &table, NULL), VD_ERR_CORRUPT);
    free(copy);
    teardown(&f);
}

/* ---- beside a plain array ---------------------------------------------------------------------
 */

#define KEYS 40
#define ROWS 25

struct model_row {
    bool there;
    int64_t count;
    uint64_t expires;
    char note[22];
    size_t note_length;
};

struct model {
    struct model_row rows[KEYS];
    uint64_t now;
    uint64_t random;
};

static uint64_t next_random(struct model *m)
{
    m->random ^= m->random << 13;
    m->random ^= m->random >> 7;
    m->random ^= m->random << 17;
    return m->random;
}

static bool model_has(const struct model *m, int key)
{
    return m->rows[key].there && m->now < m->rows[key].expires;
}

static int model_count(const struct model *m)
{
    int count = 0;

    for (int i = 0; i < KEYS; i++)
        count += model_has(m, i);
    return count;
}

/* The row to write to, or NULL when the table must be full. */
static struct model_row *model_row(struct model *m, int key, bool renew)
{
    struct model_row *row = &m->rows[key];

    if (!model_has(m, key)) {
        if (model_count(m) == ROWS)
            return NULL;
        memset(row, 0, sizeof(*row));
        row->there = renew = true;
    }
    if (renew)
        row->expires = m->now + 300;
    return row;
}

/* An expired row still has its place in the table until somebody needs it. */
static void step(struct fixture *f, struct model *m)
{
    int key = (int)(next_random(m) % KEYS);
    char name[16];
    int64_t by = (int64_t)(next_random(m) % 100) - 50;
    size_t length = (size_t)snprintf(name, sizeof(name), "key:%d", key);
    struct vd_table_change changes[] = {integer(COUNT, by),
                                        string(NOTE, "abcdefghijklmnopqrstu", next_random(m) % 22)};
    struct model_row *row;
    enum vd_err got;
    int64_t result = 0;

    switch (next_random(m) % 4) {
    case 0:
        got = vd_table_set(f->table, name, length, changes, 2, m->now, NULL);
        row = model_row(m, key, true);
        assert_int_equal(got, row ? VD_OK : VD_ERR_FULL);
        if (row) {
            row->count = by;
            row->note_length = changes[1].value.string.length;
            memcpy(row->note, "abcdefghijklmnopqrstu", row->note_length);
        }
        break;
    case 1:
        got = vd_table_incr(f->table, name, length, COUNT, by, m->now, &result, NULL);
        row = model_row(m, key, false);
        assert_int_equal(got, row ? VD_OK : VD_ERR_FULL);
        if (row)
            assert_int_equal(result, row->count += by);
        break;
    case 2:
        got = vd_table_del(f->table, name, length, m->now, NULL);
        assert_int_equal(got, model_has(m, key) ? VD_OK : VD_ERR_NOT_FOUND);
        m->rows[key].there = false;
        break;
    default:
        got = vd_table_get(f->table, name, length, m->now, f->values, f->text, NULL);
        assert_int_equal(got, model_has(m, key) ? VD_OK : VD_ERR_NOT_FOUND);
        if (got == VD_OK) {
            assert_int_equal(f->values[COUNT].integer, m->rows[key].count);
            assert_int_equal(f->values[NOTE].string.length, m->rows[key].note_length);
            assert_memory_equal(f->text, m->rows[key].note, m->rows[key].note_length);
        }
    }
    m->now += next_random(m) % 8;
}

static int count_keys(struct fixture *f, uint64_t now_ms)
{
    struct vd_table_cursor cursor = {0};
    char key[VD_TABLE_KEY_MAX];
    size_t length = 0;
    int count = 0;

    while (vd_table_next(f->table, &cursor, now_ms, key, &length, NULL, NULL, NULL) == VD_OK)
        count++;
    return count;
}

/* Everything that the model has, once each. */
static void check_walk(struct fixture *f, const struct model *m)
{
    struct vd_table_cursor cursor = {0};
    char key[VD_TABLE_KEY_MAX + 1];
    size_t length = 0;
    int seen = 0;

    while (vd_table_next(f->table, &cursor, m->now, key, &length, f->values, f->text, NULL) ==
           VD_OK) {
        int number;

        key[length] = '\0';
        number = atoi(key + 4);
        assert_true(model_has(m, number));
        assert_int_equal(f->values[COUNT].integer, m->rows[number].count);
        seen++;
    }
    assert_int_equal(seen, model_count(m));
    assert_int_equal(seen, count_keys(f, m->now));
}

static void test_model(void **state)
{
    struct model m = {.now = 1000, .random = 4711};
    struct fixture f;
    (void)state;

    setup(&f, ROWS, 300);
    for (int i = 0; i < 100000; i++) {
        step(&f, &m);
        if (i % 64 == 0) {
            check_walk(&f, &m);
            assert_int_equal(vd_table_count_live(f.table, m.now), model_count(&m));
        }
    }
    assert_true(vd_table_count(f.table) <= ROWS);
    vd_table_clear(f.table);
    assert_int_equal(vd_table_count(f.table), 0);
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_get_del),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_random_keys),
        cmocka_unit_test(test_capacity_is_exact),
        cmocka_unit_test(test_limits_of_values),
        cmocka_unit_test(test_compare_and_set),
        cmocka_unit_test(test_incr_when),
        cmocka_unit_test(test_schema_errors),
        cmocka_unit_test(test_in_an_arena),
        cmocka_unit_test(test_rows_cost_when_used),
        cmocka_unit_test(test_attach_refuses_damage),
        cmocka_unit_test(test_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
