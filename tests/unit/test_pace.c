/* SPDX-License-Identifier: Apache-2.0 */
/* How slow a sender may be, in made-up time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway_pace.h"

#define TIMEOUT_MS 30000u
#define RATE       500u
#define START_MS   1000000u

/* Send @bytes every @every_ms; when is it late? At most @most_ms after the start. */
static uint64_t late_after(size_t bytes, uint32_t every_ms, uint64_t most_ms)
{
    struct gw_pace pace;
    uint64_t now = START_MS, next = START_MS + every_ms;

    gw_pace_begin(&pace, now, TIMEOUT_MS);
    for (; now < START_MS + most_ms; now++) {
        if (now == next) {
            gw_pace_progress(&pace, now, bytes, TIMEOUT_MS, RATE);
            next += every_ms;
        }
        if (gw_pace_is_late(&pace, now))
            return now - START_MS;
    }
    return most_ms;
}

static void silence_is_late_after_the_timeout(void **state)
{
    (void)state;
    assert_int_equal(late_after(1, 3600000, 3600000), TIMEOUT_MS);
}

static void a_trickle_cannot_hold_on(void **state)
{
    (void)state;
    assert_int_equal(late_after(1, 29999, 3600000), TIMEOUT_MS + 2);
    assert_in_range(late_after(1, 1000, 3600000), TIMEOUT_MS, TIMEOUT_MS + 100);
    /* Half of the rate: twice as long as the timeout. */
    assert_in_range(late_after(RATE / 2, 1000, 3600000), 59000, 61000);
}

static void the_rate_is_enough_for_ever(void **state)
{
    (void)state;
    assert_int_equal(late_after(RATE, 1000, 3600000), 3600000);
    assert_int_equal(late_after(1, 2, 3600000), 3600000); /* byte by byte */
    assert_int_equal(late_after((size_t)RATE * 20, 20000, 3600000), 3600000);
}

static void a_fast_start_buys_no_long_pause(void **state)
{
    struct gw_pace pace;

    (void)state;
    gw_pace_begin(&pace, START_MS, TIMEOUT_MS);
    gw_pace_progress(&pace, START_MS, 1000000000, TIMEOUT_MS, RATE);
    assert_false(gw_pace_is_late(&pace, START_MS + TIMEOUT_MS - 1));
    assert_true(gw_pace_is_late(&pace, START_MS + TIMEOUT_MS));
}

static void fractions_of_a_millisecond_add_up(void **state)
{
    struct gw_pace pace;

    (void)state;
    gw_pace_begin(&pace, START_MS, 1000);
    for (uint64_t now = START_MS; now < START_MS + 100000; now++) { /* 3,000 a second, of 3,000 */
        for (int i = 0; i < 3; i++)
            gw_pace_progress(&pace, now, 1, 1000, 3000);
        assert_false(gw_pace_is_late(&pace, now));
    }
}

static void our_own_pause_does_not_count(void **state)
{
    struct gw_pace pace;

    (void)state;
    gw_pace_begin(&pace, START_MS, TIMEOUT_MS);
    gw_pace_hold(&pace, START_MS + 10000);
    gw_pace_hold(&pace, START_MS + 11000);
    assert_false(gw_pace_is_late(&pace, START_MS + 10000000));
    gw_pace_progress(&pace, START_MS + 12000, 5000, TIMEOUT_MS, RATE); /* 10 s bought */
    gw_pace_resume(&pace, START_MS + 10000000);
    gw_pace_resume(&pace, START_MS + 10000001);
    assert_false(gw_pace_is_late(&pace, START_MS + 10000000 + TIMEOUT_MS - 1));
    assert_true(gw_pace_is_late(&pace, START_MS + 10000000 + TIMEOUT_MS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_is_late_after_the_timeout),
        cmocka_unit_test(a_trickle_cannot_hold_on),
        cmocka_unit_test(the_rate_is_enough_for_ever),
        cmocka_unit_test(a_fast_start_buys_no_long_pause),
        cmocka_unit_test(fractions_of_a_millisecond_add_up),
        cmocka_unit_test(our_own_pause_does_not_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
