/* SPDX-License-Identifier: Apache-2.0 */
/* Backoff: steps, cap, jitter, and when it forgets. Time and randomness are given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <viaduct/backoff.h>

#define ALL_ONES UINT32_MAX

static struct vd_backoff the_usual(void)
{
    struct vd_backoff backoff;

    vd_backoff_init(&backoff, 1000, 30000, 10000);
    return backoff;
}

static void test_steps_double_up_to_the_cap(void **state)
{
    static const uint32_t steps[] = {1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000};
    struct vd_backoff low = the_usual(), high = the_usual();

    (void)state;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        assert_int_equal(vd_backoff_failed(&low, 5, 0), steps[i] / 2);
        assert_int_equal(vd_backoff_failed(&high, 5, ALL_ONES), steps[i]);
    }
}

static void test_jitter_covers_the_upper_half_evenly(void **state)
{
    unsigned quarters[4] = {0};

    (void)state;
    for (uint32_t i = 0; i < 4096; i++) {
        struct vd_backoff backoff = the_usual();
        uint32_t delay = vd_backoff_failed(&backoff, 5, i << 20);
        assert_in_range(delay, 500, 1000);
        quarters[delay == 1000 ? 3 : (delay - 500) / 125]++;
    }
    for (int i = 0; i < 4; i++)
        assert_in_range(quarters[i], 950, 1100);
}

static void test_resets_only_after_a_stable_time(void **state)
{
    struct vd_backoff backoff = the_usual();

    (void)state;
    assert_int_equal(vd_backoff_failed(&backoff, 100, ALL_ONES), 1000);
    vd_backoff_up(&backoff, 1000);
    assert_int_equal(vd_backoff_failed(&backoff, 10999, ALL_ONES), 2000); /* flapping */
    vd_backoff_up(&backoff, 20000);
    assert_int_equal(vd_backoff_failed(&backoff, 30000, ALL_ONES), 1000);
    assert_int_equal(vd_backoff_failed(&backoff, 90000, ALL_ONES), 2000); /* it was not up since */
}

static void test_up_again_keeps_the_first_moment(void **state)
{
    struct vd_backoff backoff = the_usual();

    (void)state;
    vd_backoff_failed(&backoff, 1, 0);
    vd_backoff_up(&backoff, 1000);
    vd_backoff_up(&backoff, 10500);
    assert_int_equal(vd_backoff_failed(&backoff, 11000, ALL_ONES), 1000);
}

static void test_time_zero_counts_as_up(void **state)
{
    struct vd_backoff backoff = the_usual();

    (void)state;
    vd_backoff_failed(&backoff, 0, 0);
    vd_backoff_up(&backoff, 0);
    assert_int_equal(vd_backoff_failed(&backoff, 20000, ALL_ONES), 1000);
}

static void test_extremes(void **state)
{
    struct vd_backoff backoff;

    (void)state;
    vd_backoff_init(&backoff, UINT32_MAX, UINT32_MAX, 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(vd_backoff_failed(&backoff, 1, ALL_ONES), UINT32_MAX);
    vd_backoff_init(&backoff, 5000, 1000, 0); /* a cap below the first step wins */
    assert_int_equal(vd_backoff_failed(&backoff, 1, ALL_ONES), 1000);
    vd_backoff_init(&backoff, 0, 0, 0);
    assert_int_equal(vd_backoff_failed(&backoff, 1, ALL_ONES), 0);
    backoff = the_usual();
    backoff.attempt = UINT32_MAX; /* does not wrap to a short delay */
    assert_int_equal(vd_backoff_failed(&backoff, 1, 0), 15000);
    assert_int_equal(vd_backoff_failed(&backoff, 1, 0), 15000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps_double_up_to_the_cap),
        cmocka_unit_test(test_jitter_covers_the_upper_half_evenly),
        cmocka_unit_test(test_resets_only_after_a_stable_time),
        cmocka_unit_test(test_up_again_keeps_the_first_moment),
        cmocka_unit_test(test_time_zero_counts_as_up),
        cmocka_unit_test(test_extremes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
