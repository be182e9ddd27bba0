/* SPDX-License-Identifier: Apache-2.0 */
/* Duplicates, gaps and the bound on how many origins are known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "origins.h"

static enum vd_origin_verdict see(struct vd_origins *origins, const char *origin, uint64_t sequence,
                                  uint64_t *missed)
{
    *missed = 0;
    return vd_origins_see(origins, origin, strlen(origin), sequence, missed);
}

static void test_new_duplicate_gap(void **state)
{
    struct vd_origins origins;
    uint64_t missed;

    (void)state;
    assert_int_equal(vd_origins_init(&origins), VD_OK);
    assert_int_equal(see(&origins, "a", 7, &missed), VD_ORIGIN_NEW); /* wherever it begins */
    assert_int_equal(see(&origins, "a", 7, &missed), VD_ORIGIN_DUPLICATE);
    assert_int_equal(see(&origins, "a", 8, &missed), VD_ORIGIN_NEW);
    assert_int_equal(see(&origins, "b", 1, &missed), VD_ORIGIN_NEW);
    assert_int_equal(see(&origins, "a", 12, &missed), VD_ORIGIN_AFTER_GAP);
    assert_int_equal(missed, 3);
    assert_int_equal(see(&origins, "a", 10, &missed), VD_ORIGIN_DUPLICATE); /* too late */
    assert_int_equal(see(&origins, "a", 13, &missed), VD_ORIGIN_NEW);
    assert_int_equal(see(&origins, "b", 2, &missed), VD_ORIGIN_NEW);
    vd_origins_finish(&origins);
    vd_origins_finish(&origins);
}

static void test_an_origin_that_begins_anew(void **state)
{
    struct vd_origins origins;
    uint64_t missed;

    (void)state;
    assert_int_equal(vd_origins_init(&origins), VD_OK);
    see(&origins, "a", 1000000, &missed);
    assert_int_equal(see(&origins, "a", 1000000 - VD_ORIGINS_WINDOW + 1, &missed),
                     VD_ORIGIN_DUPLICATE);
    assert_int_equal(see(&origins, "a", 1, &missed), VD_ORIGIN_AFTER_GAP);
    assert_int_equal(missed, 0); /* not known */
    assert_int_equal(see(&origins, "a", 2, &missed), VD_ORIGIN_NEW);
    see(&origins, "a", UINT64_MAX, &missed);
    assert_int_equal(see(&origins, "a", UINT64_MAX, &missed), VD_ORIGIN_DUPLICATE);
    assert_int_equal(see(&origins, "a", 5, &missed), VD_ORIGIN_AFTER_GAP);
    vd_origins_finish(&origins);
}

static void test_a_gap_of_the_link_is_told_once(void **state)
{
    struct vd_origins origins;
    uint64_t missed;

    (void)state;
    assert_int_equal(vd_origins_init(&origins), VD_OK);
    see(&origins, "a", 1, &missed);
    see(&origins, "b", 1, &missed);
    vd_origins_forgive(&origins);
    assert_int_equal(see(&origins, "a", 9, &missed), VD_ORIGIN_NEW);
    assert_int_equal(see(&origins, "a", 20, &missed), VD_ORIGIN_AFTER_GAP);
    assert_int_equal(see(&origins, "b", 1, &missed), VD_ORIGIN_DUPLICATE); /* still is one */
    assert_int_equal(see(&origins, "b", 5, &missed), VD_ORIGIN_NEW);
    vd_origins_finish(&origins);
}

static void test_the_oldest_is_forgotten(void **state)
{
    struct vd_origins origins;
    uint64_t missed;
    char name[VD_ORIGINS_MAX + 1][16];

    (void)state;
    assert_int_equal(vd_origins_init(&origins), VD_OK);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < VD_ORIGINS_MAX; i++) {
            snprintf(name[i], sizeof(name[i]), "node-%u", i);
            assert_int_equal(see(&origins, name[i], round + 1, &missed), VD_ORIGIN_NEW);
        }
    }
    see(&origins, name[0], 4, &missed); /* now node-1 is the oldest */
    assert_int_equal(see(&origins, "one more", 1, &missed), VD_ORIGIN_NEW);
    assert_int_equal(see(&origins, name[0], 4, &missed), VD_ORIGIN_DUPLICATE);
    assert_int_equal(see(&origins, name[2], 3, &missed), VD_ORIGIN_DUPLICATE);
    assert_int_equal(see(&origins, name[1], 3, &missed), VD_ORIGIN_NEW); /* and node-3 goes */
    assert_int_equal(see(&origins, name[3], 3, &missed), VD_ORIGIN_NEW);
    for (unsigned i = 0; i < 5000; i++) { /* a flood changes nothing but who is known */
        snprintf(name[0], sizeof(name[0]), "flood-%u", i);
        assert_int_equal(see(&origins, name[0], 1, &missed), VD_ORIGIN_NEW);
        assert_int_equal(see(&origins, name[0], 1, &missed), VD_ORIGIN_DUPLICATE);
    }
    vd_origins_finish(&origins);
}

/* Requests of php-fpm that publish and are gone, between two messages of a quiet node. */
static void test_passers_by_do_not_push_out_a_regular(void **state)
{
    struct vd_origins origins;
    uint64_t missed;
    char name[16];

    (void)state;
    assert_int_equal(vd_origins_init(&origins), VD_OK);
    for (unsigned i = 1; i <= VD_ORIGINS_REGULAR; i++)
        see(&origins, "quiet", i, &missed);
    for (unsigned i = 0; i < 20 * VD_ORIGINS_MAX; i++) {
        snprintf(name, sizeof(name), "request-%u", i);
        for (unsigned n = 1; n < VD_ORIGINS_REGULAR; n++)
            assert_int_equal(see(&origins, name, n, &missed), VD_ORIGIN_NEW);
    }
    assert_int_equal(see(&origins, "quiet", VD_ORIGINS_REGULAR, &missed), VD_ORIGIN_DUPLICATE);
    assert_int_equal(see(&origins, "quiet", VD_ORIGINS_REGULAR + 3, &missed), VD_ORIGIN_AFTER_GAP);
    assert_int_equal(missed, 2);
    vd_origins_finish(&origins);
}

/* More regulars than there is room for: newcomers keep their share, the oldest regular goes. */
static void test_regulars_leave_room_for_newcomers(void **state)
{
    struct vd_origins origins;
    uint64_t missed;
    char name[16];

    (void)state;
    assert_int_equal(vd_origins_init(&origins), VD_OK);
    for (unsigned i = 0; i < 2 * VD_ORIGINS_MAX; i++) {
        snprintf(name, sizeof(name), "node-%u", i);
        for (unsigned n = 1; n <= VD_ORIGINS_REGULAR; n++)
            see(&origins, name, n, &missed);
    }
    for (unsigned i = 0; i < VD_ORIGINS_NEWCOMERS; i++) {
        snprintf(name, sizeof(name), "new-%u", i);
        assert_int_equal(see(&origins, name, 1, &missed), VD_ORIGIN_NEW);
    }
    assert_int_equal(see(&origins, "new-0", 1, &missed), VD_ORIGIN_DUPLICATE);
    snprintf(name, sizeof(name), "node-%u", 2 * VD_ORIGINS_MAX - 1);
    assert_int_equal(see(&origins, name, VD_ORIGINS_REGULAR, &missed), VD_ORIGIN_DUPLICATE);
    snprintf(name, sizeof(name), "node-%u", VD_ORIGINS_MAX + VD_ORIGINS_NEWCOMERS);
    assert_int_equal(see(&origins, name, VD_ORIGINS_REGULAR, &missed), VD_ORIGIN_DUPLICATE);
    assert_int_equal(see(&origins, "node-0", VD_ORIGINS_REGULAR, &missed), VD_ORIGIN_NEW);
    vd_origins_finish(&origins);
}

static bool hear(struct vd_origins *origins, const char *origin, uint64_t sequence,
                 uint64_t *missed)
{
    *missed = 0;
    return vd_origins_hear(origins, origin, strlen(origin), sequence, missed);
}

/* What is said of a node counts as if its message had come: a loss is told once. */
static void test_how_far_a_node_is(void **state)
{
    struct vd_origins origins;
    uint64_t missed;

    (void)state;
    assert_int_equal(vd_origins_init(&origins), VD_OK);
    assert_false(hear(&origins, "a", 7, &missed)); /* wherever it begins */
    assert_false(hear(&origins, "a", 7, &missed));
    assert_int_equal(see(&origins, "a", 8, &missed), VD_ORIGIN_NEW);
    assert_false(hear(&origins, "a", 8, &missed));
    assert_false(hear(&origins, "a", 3, &missed)); /* behind: it does not know yet */
    assert_true(hear(&origins, "a", 12, &missed));
    assert_int_equal(missed, 4);
    assert_false(hear(&origins, "a", 12, &missed));
    assert_int_equal(see(&origins, "a", 13, &missed), VD_ORIGIN_NEW);
    assert_int_equal(see(&origins, "a", 11, &missed), VD_ORIGIN_DUPLICATE);
    assert_false(hear(&origins, "new", 0, &missed)); /* has not published yet */
    assert_int_equal(see(&origins, "new", 4, &missed), VD_ORIGIN_AFTER_GAP);
    assert_int_equal(missed, 3);
    assert_false(hear(&origins, "mute", 0, &missed));
    assert_int_equal(see(&origins, "mute", 1, &missed), VD_ORIGIN_NEW);
    assert_false(hear(&origins, "quiet", 0, &missed));
    assert_true(hear(&origins, "quiet", 2, &missed));
    assert_int_equal(missed, 2);
    vd_origins_finish(&origins);
}

/* Begun anew far below: said by the next message, as ever. */
static void test_a_node_behind_has_not_begun_anew(void **state)
{
    struct vd_origins origins;
    uint64_t missed;

    (void)state;
    assert_int_equal(vd_origins_init(&origins), VD_OK);
    see(&origins, "a", UINT64_MAX, &missed);
    assert_false(hear(&origins, "a", 0, &missed));
    assert_int_equal(see(&origins, "a", 1, &missed), VD_ORIGIN_AFTER_GAP);
    assert_int_equal(see(&origins, "a", 2, &missed), VD_ORIGIN_NEW);
    vd_origins_finish(&origins);
}

/* What the link's own gap has told is not told again, what comes after it is. */
static void test_how_far_after_a_gap_of_the_link(void **state)
{
    struct vd_origins origins;
    uint64_t missed;

    (void)state;
    assert_int_equal(vd_origins_init(&origins), VD_OK);
    see(&origins, "a", 1, &missed);
    see(&origins, "b", 5, &missed);
    vd_origins_forgive(&origins);
    assert_false(hear(&origins, "a", 9, &missed));
    assert_true(hear(&origins, "a", 10, &missed));
    assert_false(hear(&origins, "b", 3, &missed)); /* it sends again what it does not know of */
    assert_int_equal(see(&origins, "b", 4, &missed), VD_ORIGIN_DUPLICATE);
    assert_int_equal(see(&origins, "b", 8, &missed),
                     VD_ORIGIN_AFTER_GAP); /* and has dropped 6, 7 */
    assert_int_equal(missed, 2);
    vd_origins_forgive(&origins);
    assert_false(hear(&origins, "b", 8, &missed)); /* nothing was lost in that gap */
    assert_int_equal(see(&origins, "b", 10, &missed), VD_ORIGIN_AFTER_GAP);
    assert_int_equal(missed, 1);
    vd_origins_finish(&origins);
}

/* Scripts that connect, publish once or twice and are gone, between two probes of a quiet node. */
static void test_probes_of_passers_by(void **state)
{
    struct vd_origins origins;
    uint64_t missed;
    char name[16];

    (void)state;
    assert_int_equal(vd_origins_init(&origins), VD_OK);
    for (unsigned i = 1; i <= VD_ORIGINS_REGULAR; i++)
        see(&origins, "quiet", i, &missed);
    for (unsigned i = 0; i < 20 * VD_ORIGINS_MAX; i++) {
        snprintf(name, sizeof(name), "request-%u", i);
        assert_false(hear(&origins, name, 0, &missed));
        for (unsigned n = 1; n < VD_ORIGINS_REGULAR; n++) {
            assert_int_equal(see(&origins, name, n, &missed), VD_ORIGIN_NEW);
            assert_false(hear(&origins, name, n, &missed));
        }
    }
    assert_true(hear(&origins, "quiet", VD_ORIGINS_REGULAR + 2, &missed));
    assert_int_equal(missed, 2);
    vd_origins_finish(&origins);
}

/* Of more regulars than there is room for, those stay that are heard of. */
static void test_a_probe_keeps_a_regular(void **state)
{
    struct vd_origins origins;
    uint64_t missed;
    char name[16];

    (void)state;
    assert_int_equal(vd_origins_init(&origins), VD_OK);
    for (unsigned i = 0; i < 2 * VD_ORIGINS_MAX; i++) {
        snprintf(name, sizeof(name), "node-%u", i);
        for (unsigned n = 1; n <= VD_ORIGINS_REGULAR; n++)
            see(&origins, name, n, &missed);
        hear(&origins, "node-0", VD_ORIGINS_REGULAR, &missed);
    }
    assert_true(hear(&origins, "node-0", VD_ORIGINS_REGULAR + 1, &missed));
    assert_false(hear(&origins, "node-1", VD_ORIGINS_REGULAR + 1, &missed)); /* forgotten */
    vd_origins_finish(&origins);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_duplicate_gap),
        cmocka_unit_test(test_an_origin_that_begins_anew),
        cmocka_unit_test(test_a_gap_of_the_link_is_told_once),
        cmocka_unit_test(test_the_oldest_is_forgotten),
        cmocka_unit_test(test_passers_by_do_not_push_out_a_regular),
        cmocka_unit_test(test_regulars_leave_room_for_newcomers),
        cmocka_unit_test(test_how_far_a_node_is),
        cmocka_unit_test(test_a_node_behind_has_not_begun_anew),
        cmocka_unit_test(test_how_far_after_a_gap_of_the_link),
        cmocka_unit_test(test_probes_of_passers_by),
        cmocka_unit_test(test_a_probe_keeps_a_regular),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
