/* SPDX-License-Identifier: Apache-2.0 */
/* Tables and time: rows that expire, windows, who makes room for others; and versions of rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <viaduct/process.h>

#include "table_fixture.h"
#include "table_shared.h"

static void test_expiry(void **state)
{
    struct fixture f;
    int64_t result;
    (void)state;

    setup(&f, 3, 100);
    assert_int_equal(set_count(&f, "a", 1, 1000), VD_OK);
    assert_int_equal(get(&f, "a", 1099), VD_OK);
    assert_int_equal(get(&f, "a", 1100), VD_ERR_NOT_FOUND);
    assert_int_equal(vd_table_exists(f.table, "a", 1, 1100, NULL), VD_ERR_NOT_FOUND);
    assert_int_equal(vd_table_del(f.table, "a", 1, 1100, NULL), VD_ERR_NOT_FOUND);
    assert_int_equal(set_count(&f, "a", 1, 1000), VD_OK);
    assert_int_equal(set_count(&f, "b", 1, 1050), VD_OK);
    assert_int_equal(set_count(&f, "c", 1, 1060), VD_OK);
    assert_int_equal(set_count(&f, "d", 1, 1099), VD_ERR_FULL);
    assert_int_equal(set_count(&f, "d", 1, 1120), VD_OK); /* a makes room */
    assert_int_equal(get(&f, "b", 1120), VD_OK);
    assert_int_equal(set_count(&f, "e", 1, 1149), VD_ERR_FULL);
    assert_int_equal(vd_table_incr(f.table, "e", 1, COUNT, 1, 1150, &result, NULL), VD_OK);
    assert_int_equal(vd_table_incr(f.table, "e", 1, COUNT, 1, 1249, &result, NULL), VD_OK);
    assert_int_equal(result, 2);
    assert_int_equal(vd_table_incr(f.table, "e", 1, COUNT, 1, 1250, &result, NULL), VD_OK);
    assert_int_equal(result, 1); /* anew */
    assert_int_equal(vd_table_count(f.table), 3);
    assert_int_equal(vd_table_count_live(f.table, 1250), 1);
    assert_int_equal(vd_table_count_live(f.table, 0), 3);
    assert_int_equal(vd_table_expire(f.table, 1250), 2);
    assert_int_equal(vd_table_count(f.table), 1);
    assert_int_equal(vd_table_count_live(f.table, 1250), 1);
    teardown(&f);
}

/* A ttl beyond the end of time is the end of time, not a moment long past. */
static void test_longest_ttl(void **state)
{
    static const uint64_t ttls[] = {UINT64_MAX, UINT64_MAX - 1000, UINT64_MAX - 999};
    (void)state;

    for (size_t i = 0; i < LEN(ttls); i++) {
        struct fixture f;

        setup(&f, 1, ttls[i]);
        assert_int_equal(set_count(&f, "a", 1, 1000), VD_OK);
        assert_int_equal(get(&f, "a", 1000), VD_OK);
        assert_int_equal(get(&f, "a", (uint64_t)1 << 62), VD_OK);
        assert_int_equal(set_count(&f, "b", 1, 2000), VD_ERR_FULL);
        teardown(&f);
    }
}

static void test_window(void **state)
{
    struct fixture f;
    int64_t result = 0;
    uint64_t ends = 0;
    (void)state;

    setup(&f, 3, 0);
    for (int64_t i = 1; i <= 10; i++) {
        assert_int_equal(vd_table_incr_window(f.table, "ip", 2, SMALL, 1, 60000, 5000 + (uint64_t)i,
                                              &result, &ends, NULL),
                         VD_OK);
        assert_int_equal(result, i);
        assert_int_equal(ends, 65001);
    }
    vd_table_incr_window(f.table, "ip", 2, SMALL, 3, 60000, 65000, &result, &ends, NULL);
    assert_int_equal(result, 13);
    vd_table_incr_window(f.table, "ip", 2, SMALL, 3, 60000, 65001, &result, &ends, NULL);
    assert_int_equal(result, 3);
    assert_int_equal(ends, 125001);
    assert_int_equal(vd_table_incr_window(f.table, "ip", 2, SMALL, 126, 1, 65001, NULL, NULL, NULL),
                     VD_ERR_TOO_LARGE);
    assert_int_equal(vd_table_incr_window(f.table, "ip", 2, SMALL, 1, 0, 1, NULL, NULL, &f.error),
                     VD_ERR_INVALID);
    teardown(&f);
}

static void expect_window(struct fixture *f, uint64_t now_ms, int64_t result, uint64_t ends_ms)
{
    int64_t sum = 0;
    uint64_t ends = 0;

    assert_int_equal(
        vd_table_incr_window(f->table, "ip", 2, SMALL, 1, 1000, now_ms, &sum, &ends, &f->error),
        VD_OK);
    assert_int_equal(sum, result);
    assert_int_equal(ends, ends_ms);
}

/* Whatever else is written to a row, it is counted in a window that ends. */
static void test_window_beside_set(void **state)
{
    struct vd_table_version version;
    struct vd_table_change five = integer(SMALL, 5);
    struct fixture f;
    bool swapped = false;
    (void)state;

    setup(&f, 3, 0);
    assert_int_equal(set_count(&f, "ip", 9, 10), VD_OK);
    expect_window(&f, 100, 1, 1100);
    assert_int_equal(set_count(&f, "ip", 8, 200), VD_OK); /* is no reason to go on for ever */
    expect_window(&f, 300, 2, 1100);
    assert_int_equal(vd_table_set(f.table, "ip", 2, &five, 1, 400, NULL), VD_OK);
    expect_window(&f, 1099, 6, 1100);
    assert_int_equal(get(&f, "ip", 1099), VD_OK);
    assert_int_equal(f.values[COUNT].integer, 8);
    expect_window(&f, 1100, 1, 2100);
    assert_int_equal(get(&f, "ip", 1100), VD_OK);
    assert_int_equal(f.values[COUNT].integer, 0); /* the whole row */
    assert_int_equal(set_count(&f, "ip", 7, 2100), VD_OK);
    assert_int_equal(get(&f, "ip", UINT64_MAX), VD_OK); /* the window was over: it has no end */

    /* whatever is there, with an end that is said */
    assert_int_equal(
        vd_table_set_version(f.table, "ip", 2, NULL, &five, 1, 4000, 3000, &swapped, NULL), VD_OK);
    assert_true(swapped);
    assert_int_equal(vd_table_get_version(f.table, "ip", 2, 3999, f.values, f.text, &version, NULL),
                     VD_OK);
    assert_int_equal(version.expiry_ms, 4000);
    assert_int_equal(f.values[COUNT].integer, 7);
    assert_int_equal(
        vd_table_set_version(f.table, "ip", 2, NULL, &five, 1, 0, 4000, &swapped, NULL), VD_OK);
    assert_true(swapped);
    assert_int_equal(get(&f, "ip", UINT64_MAX), VD_OK);
    assert_int_equal(f.values[COUNT].integer, 0);
    teardown(&f);

    setup(&f, 3, 500);
    expect_window(&f, 100, 1, 1100);
    assert_int_equal(set_count(&f, "ip", 8, 200), VD_OK); /* the table's ttl comes last */
    expect_window(&f, 300, 2, 700);
    teardown(&f);
}

/* Who finds a table full makes room alone when somebody else stands still while he does so. */
static void test_nobody_waits_for_a_sweeper(void **state)
{
    _Atomic uint64_t *lock;
    struct fixture f;
    (void)state;

    setup(&f, 2, 100);
    lock = &f.table->shared->pool.sweep_lock;
    assert_int_equal(set_count(&f, "a", 1, 1000), VD_OK);
    assert_int_equal(set_count(&f, "b", 1, 1050), VD_OK);
    atomic_store(lock, vd_process_identity()); /* as by another thread */
    alarm(20);
    assert_int_equal(set_count(&f, "c", 1, 1099), VD_ERR_FULL);
    assert_int_equal(set_count(&f, "c", 1, 1100), VD_OK);
    assert_int_equal(vd_table_expire(f.table, 1150), 1);
    assert_int_equal(set_count(&f, "d", 1, 1160), VD_OK);
    assert_true(atomic_load(lock) == vd_process_identity());
    atomic_store(lock, 0);
    assert_int_equal(set_count(&f, "e", 1, 1199), VD_ERR_FULL);
    assert_int_equal(set_count(&f, "e", 1, 1200), VD_OK); /* the note was not lost */
    alarm(0);
    teardown(&f);
}

static void set_numbered(struct fixture *f, const char *kind, int number, uint64_t now_ms)
{
    char key[24];

    snprintf(key, sizeof(key), "%s %d", kind, number);
    assert_int_equal(set_count(f, key, number, now_ms), VD_OK);
}

/* Rows that end one after the other, as clients of a rate limit do: the table is full all the time,
 * and is not walked through for each new one. */
static void test_room_is_made_where_it_was_last(void **state)
{
    const _Atomic uint64_t *hand;
    struct fixture f;
    (void)state;

    setup(&f, 5000, 10000);
    hand = &f.table->shared->pool.hand;
    for (int i = 0; i < 5000; i++)
        set_numbered(&f, "old", i, 10000 + (uint64_t)i);
    for (int i = 0; i < 1000; i++) {
        set_numbered(&f, "new", i, 20000 + (uint64_t)i);
        assert_int_equal(atomic_load(hand), i + 1);
    }
    assert_int_equal(set_count(&f, "more", 1, 20999), VD_ERR_FULL);
    set_numbered(&f, "new", 1000, 21500);
    assert_int_equal(atomic_load(hand), 1064); /* some at a time */
    assert_int_equal(vd_table_count(f.table), 5000 - 63);
    assert_int_equal(vd_table_count_live(f.table, 21500), 5000 - 500);

    /* beyond what is near: the whole table is looked at, and the hand follows */
    atomic_store(&f.table->shared->pool.hand, 3000);
    for (int i = 0; i < 63; i++)
        set_numbered(&f, "fill", i, 21500);
    set_numbered(&f, "fill", 63, 21500);
    assert_int_equal(atomic_load(hand), 1501);
    assert_int_equal(vd_table_count(f.table), vd_table_count_live(f.table, 21500));
    teardown(&f);
}

/* A change that depends on what was read happens only if nothing has come between. */
static void test_versions(void **state)
{
    struct fixture f;
    struct vd_table_version none;
    struct vd_table_version first;
    struct vd_table_version now;
    struct vd_table_change change = integer(COUNT, 7);
    bool swapped;

    (void)state;
    setup(&f, 2, 0);
#define GET(key, version)                                                                          \
    vd_table_get_version(f.table, key, strlen(key), 100, f.values, f.text, version, &f.error)
#define SET(key, version, expiry_ms, at_ms)                                                        \
    vd_table_set_version(f.table, key, strlen(key), version, &change, 1, expiry_ms, at_ms,         \
                         &swapped, &f.error)
    assert_int_equal(GET("a", &none), VD_ERR_NOT_FOUND);
    assert_int_equal(none.row, 0);
    assert_int_equal(SET("a", &none, 0, 100), VD_OK);
    assert_true(swapped);
    assert_int_equal(SET("a", &none, 0, 100), VD_OK); /* is there by now */
    assert_false(swapped);

    assert_int_equal(GET("a", &first), VD_OK);
    assert_int_equal(f.values[COUNT].integer, 7);
    change.value.integer = 8;
    assert_int_equal(SET("a", &first, 200, 100), VD_OK);
    assert_true(swapped);
    change.value.integer = 9;
    assert_int_equal(SET("a", &first, 0, 100), VD_OK); /* was changed */
    assert_false(swapped);
    assert_int_equal(GET("a", &now), VD_OK);
    assert_int_equal(f.values[COUNT].integer, 8);
    assert_int_equal(now.expiry_ms, 200);

    assert_int_equal(SET("a", &now, 0, 200), VD_OK); /* has expired */
    assert_false(swapped);
    assert_int_equal(SET("a", &none, 300, 200), VD_OK);
    assert_true(swapped);
    assert_int_equal(get(&f, "a", 299), VD_OK);
    assert_int_equal(get(&f, "a", 300), VD_ERR_NOT_FOUND);

    assert_int_equal(set_count(&f, "a", 1, 100),
                     VD_OK); /* the same row, given to others and back */
    assert_int_equal(GET("a", &first), VD_OK);
    assert_int_equal(vd_table_del(f.table, "a", 1, 100, &f.error), VD_OK);
    assert_int_equal(set_count(&f, "b", 1, 100), VD_OK);
    assert_int_equal(vd_table_del(f.table, "b", 1, 100, &f.error), VD_OK);
    assert_int_equal(set_count(&f, "a", 1, 100), VD_OK);
    assert_int_equal(SET("a", &first, 0, 100), VD_OK);
    assert_false(swapped);

    assert_int_equal(set_count(&f, "b", 1, 100), VD_OK);
    assert_int_equal(SET("c", &none, 0, 100), VD_ERR_FULL);
    assert_false(swapped);
    change = integer(SMALL, 1000);
    assert_int_equal(SET("b", &none, 0, 100), VD_ERR_TOO_LARGE);
    assert_int_equal(SET("", &none, 0, 100), VD_ERR_INVALID);
    teardown(&f);
#undef GET
#undef SET
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expiry),
        cmocka_unit_test(test_longest_ttl),
        cmocka_unit_test(test_window),
        cmocka_unit_test(test_window_beside_set),
        cmocka_unit_test(test_nobody_waits_for_a_sweeper),
        cmocka_unit_test(test_room_is_made_where_it_was_last),
        cmocka_unit_test(test_versions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
