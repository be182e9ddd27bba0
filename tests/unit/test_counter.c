/* SPDX-License-Identifier: Apache-2.0 */
/* Counters: sums and their limits, names, and waiting for another thread. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <viaduct/clock.h>
#include <viaduct/counter.h>

static void test_sums(void **state)
{
    struct vd_counter counter = {0};
    struct vd_error error;
    int64_t result = 0;
    (void)state;

    assert_int_equal(vd_counter_add(&counter, 5, &result, NULL), VD_OK);
    assert_int_equal(vd_counter_sub(&counter, 7, &result, NULL), VD_OK);
    assert_int_equal(result, -2);
    vd_counter_set(&counter, INT64_MAX);
    assert_int_equal(vd_counter_add(&counter, 1, &result, &error), VD_ERR_TOO_LARGE);
    assert_string_equal(
        error.text, "counter: 9223372036854775807 + 1 is out of range; it holds 64 bits, signed");
    assert_int_equal(vd_counter_sub(&counter, INT64_MIN, &result, NULL), VD_ERR_TOO_LARGE);
    assert_int_equal(result, -2);
    assert_true(vd_counter_get(&counter) == INT64_MAX);
    assert_false(vd_counter_compare_and_set(&counter, 1, 2));
    assert_true(vd_counter_compare_and_set(&counter, INT64_MAX, 2));
    assert_int_equal(vd_counter_get(&counter), 2);
}

static void test_names(void **state)
{
    struct vd_arena *arena = NULL;
    struct vd_counters *counters = NULL;
    struct vd_counters *same = NULL;
    struct vd_counter *a = NULL;
    struct vd_counter *b = NULL;
    struct vd_error error;
    const char *name = NULL;
    char longest[48];
    (void)state;

    memset(longest, 'x', sizeof(longest));
    assert_int_equal(vd_arena_create((size_t)1 << 18, &arena, &error), VD_OK);
    assert_int_equal(vd_counters_make(arena, 0, &counters, &error), VD_ERR_INVALID);
    assert_int_equal(vd_counters_make(arena, VD_COUNTERS_MAX, &counters, &error), VD_ERR_FULL);
    assert_int_equal(vd_counters_make(arena, 3, &counters, &error), VD_OK);
    assert_int_equal(vd_counters_make(arena, 9, &same, &error), VD_OK);
    assert_ptr_equal(counters, same);
    assert_int_equal(vd_counters_get(counters, "visits", 6, 10, &a, &error), VD_OK);
    assert_int_equal(vd_counters_get(counters, "visits", 6, 20, &b, &error), VD_OK);
    assert_ptr_equal(a, b);
    assert_int_equal((uintptr_t)a % 64, 0);
    assert_int_equal(vd_counter_get(a), 10);
    assert_int_equal(vd_counters_get(counters, "visit", 5, 0, &b, &error), VD_OK);
    assert_ptr_not_equal(a, b);
    assert_int_equal(vd_counters_get(counters, longest, 47, 0, &b, &error), VD_OK);
    assert_int_equal(vd_counters_get(counters, longest, 48, 0, &b, &error), VD_ERR_INVALID);
    assert_int_equal(vd_counters_get(counters, "", 0, 0, &b, &error), VD_ERR_INVALID);
    assert_int_equal(vd_counters_get(counters, "more", 4, 0, &b, &error), VD_ERR_FULL);
    assert_int_equal(vd_counters_count(counters), 3);
    assert_ptr_equal(vd_counters_at(counters, 0, &name), a);
    assert_string_equal(name, "visits");
    assert_null(vd_counters_at(counters, 3, NULL));
    vd_arena_destroy(arena);
}

/* As many as there may be, in memory that is not zeroed; each is found again, by name and by
 * number. */
static void test_many_names(void **state)
{
    size_t bytes = vd_counters_bytes(VD_COUNTERS_MAX);
    struct vd_counters *counters = NULL;
    struct vd_counter *counter = NULL;
    void *memory = aligned_alloc(64, bytes);
    const char *stored = NULL;
    char name[24];
    (void)state;

    assert_non_null(memory);
    memset(memory, 0xab, bytes);
    assert_int_equal(vd_counters_init(memory, VD_COUNTERS_MAX, &counters, NULL), VD_OK);
    for (int round = 0; round < 2; round++) {
        for (unsigned i = 0; i < VD_COUNTERS_MAX; i++) {
            size_t length = (size_t)snprintf(name, sizeof(name), "%u", i);

            assert_int_equal(vd_counters_get(counters, name, length, i, &counter, NULL), VD_OK);
            assert_int_equal(vd_counter_get(counter), i);
            assert_ptr_equal(vd_counters_at(counters, i, &stored), counter);
            assert_string_equal(stored, name);
        }
    }
    assert_int_equal(vd_counters_get(counters, "more", 4, 0, &counter, NULL), VD_ERR_FULL);
    assert_int_equal(vd_counters_count(counters), VD_COUNTERS_MAX);
    free(memory);
}

#define ROUNDS 2000

struct pair {
    struct vd_counter ping;
    struct vd_counter pong;
};

static void *answer(void *argument)
{
    struct pair *pair = argument;

    for (int64_t i = 0; i < ROUNDS; i++) {
        if (vd_counter_wait(&pair->ping, i, 10000, NULL) != VD_OK)
            return NULL;
        vd_counter_add(&pair->pong, 1, NULL, NULL);
    }
    return pair;
}

/* Each waits for the other, to and fro: a lost wake-up would cost a slice of 100 ms each time. */
static void test_wait(void **state)
{
    struct pair pair = {0};
    uint64_t start = vd_monotonic_ms();
    pthread_t thread;
    void *result = NULL;
    int64_t now = -1;
    (void)state;

    assert_int_equal(vd_counter_wait(&pair.ping, 0, 150, &now), VD_ERR_TIMEOUT);
    assert_int_equal(now, 0);
    assert_true(vd_monotonic_ms() - start >= 149);
    assert_int_equal(vd_counter_wait(&pair.ping, 1, 0, &now), VD_OK);
    assert_int_equal(pthread_create(&thread, NULL, answer, &pair), 0);
    start = vd_monotonic_ms();
    for (int64_t i = 0; i < ROUNDS; i++) {
        vd_counter_add(&pair.ping, 1, NULL, NULL);
        assert_int_equal(vd_counter_wait(&pair.pong, i, 10000, &now), VD_OK);
        assert_int_equal(now, i + 1);
    }
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_non_null(result);
    assert_true(vd_monotonic_ms() - start < ROUNDS * 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_many_names),
        cmocka_unit_test(test_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
