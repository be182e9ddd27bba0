/* SPDX-License-Identifier: Apache-2.0 */
/* A table between threads: exact sums, whole rows, and walks while others insert and delete. What
 * TSan looks at. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <viaduct/table.h>

#define THREADS 4
#define ROUNDS  20000
#define STEADY  50
#define ROWS    120

enum { A, B, NOTE };

struct shared {
    struct vd_table *table;
    _Atomic int writers;
    _Atomic int wrong;
    _Atomic uint64_t clock;
};

struct worker {
    struct shared *shared;
    int number;
};

static void *count_up(void *argument)
{
    struct worker *worker = argument;
    char key[16];

    for (int i = 0; i < ROUNDS; i++) {
        size_t length = (size_t)snprintf(key, sizeof(key), "sum:%d", i % 3);

        if (vd_table_incr(worker->shared->table, key, length, A, 1, 0, NULL, NULL) != VD_OK)
            atomic_fetch_add(&worker->shared->wrong, 1);
    }
    return NULL;
}

/* The same by versions. "odd" ends at every eighth count, which `clock` adds up. */
static void *count_by_versions(void *argument)
{
    struct worker *worker = argument;
    struct vd_table *table = worker->shared->table;
    struct vd_table_value values[3];
    struct vd_table_version version;
    char text[64];

    for (int i = 0; i < ROUNDS / 4; i++) {
        const char *key = i % 2 ? "odd" : "even";
        bool swapped = false;

        while (!swapped) {
            enum vd_err result =
                vd_table_get_version(table, key, strlen(key), 1, values, text, &version, NULL);
            int64_t sum = result == VD_OK ? values[A].integer + 1 : 1;
            struct vd_table_change changes[] = {{A, {.integer = sum}}, {B, {.integer = sum}}};
            /* every eighth write of "odd" ends the row at once, and the next one starts anew */
            bool ends = i % 2 && sum % 8 == 0;

            if (result != VD_OK && result != VD_ERR_NOT_FOUND)
                atomic_fetch_add(&worker->shared->wrong, 1);
            result = vd_table_set_version(table, key, strlen(key), &version, changes, 2, ends, 1,
                                          &swapped, NULL);
            if (result != VD_OK)
                atomic_fetch_add(&worker->shared->wrong, 1);
            if (swapped && ends)
                atomic_fetch_add(&worker->shared->clock, (uint64_t)sum);
        }
    }
    return NULL;
}

/* Sets a = b and a note as long as b % 40, and inserts and deletes its own rows. */
static void *write_rows(void *argument)
{
    static const char note[] = "0123456789012345678901234567890123456789";
    struct worker *worker = argument;
    char key[24];

    for (int i = 0; i < ROUNDS; i++) {
        struct vd_table_change changes[] = {
            {A, {.integer = i}},
            {B, {.integer = i}},
            {NOTE, {.string = {note, (size_t)i % 40}}},
        };
        size_t length = (size_t)snprintf(key, sizeof(key), "steady:%d", i % STEADY);
        enum vd_err result = vd_table_set(worker->shared->table, key, length, changes, 3, 0, NULL);

        length = (size_t)snprintf(key, sizeof(key), "mine:%d:%d", worker->number, i % 11);
        if (result == VD_OK) {
            result = i % 2 ? vd_table_set(worker->shared->table, key, length, changes, 3, 0, NULL)
                           : vd_table_del(worker->shared->table, key, length, 0, NULL);
        }
        if (result != VD_OK && result != VD_ERR_NOT_FOUND)
            atomic_fetch_add(&worker->shared->wrong, 1);
    }
    atomic_fetch_sub(&worker->shared->writers, 1);
    return NULL;
}

static bool is_whole(const struct vd_table_value *values)
{
    return values[A].integer == values[B].integer &&
           values[NOTE].string.length == (size_t)values[A].integer % 40;
}

/* Each steady row exactly once, each row whole. */
static void walk(struct shared *shared)
{
    struct vd_table_cursor cursor = {0};
    struct vd_table_value values[3];
    char key[VD_TABLE_KEY_MAX + 1];
    int seen[STEADY] = {0};
    char text[64];
    size_t length = 0;
    enum vd_err result;

    while ((result = vd_table_next(shared->table, &cursor, 0, key, &length, values, text, NULL)) ==
           VD_OK) {
        key[length] = '\0';
        if (!is_whole(values))
            atomic_fetch_add(&shared->wrong, 1);
        if (strncmp(key, "steady:", 7) == 0)
            seen[atoi(key + 7)]++;
    }
    for (int i = 0; i < STEADY; i++) {
        if (seen[i] != 1)
            atomic_fetch_add(&shared->wrong, 1);
    }
    if (result != VD_ERR_EMPTY)
        atomic_fetch_add(&shared->wrong, 1);
}

static void *read_rows(void *argument)
{
    struct worker *worker = argument;
    struct vd_table_value values[3];
    char text[64];
    char key[16];

    for (int i = 0; atomic_load(&worker->shared->writers) > 0; i++) {
        size_t length = (size_t)snprintf(key, sizeof(key), "steady:%d", i % STEADY);

        if (vd_table_get(worker->shared->table, key, length, 0, values, text, NULL) != VD_OK ||
            !is_whole(values))
            atomic_fetch_add(&worker->shared->wrong, 1);
        if (i % 16 == 0)
            walk(worker->shared);
    }
    return NULL;
}

static struct vd_table *make(void **memory, uint64_t ttl_ms)
{
    static const struct vd_column columns[] = {
        {"a", VD_COLUMN_INT, 8}, {"b", VD_COLUMN_INT, 4}, {"note", VD_COLUMN_STRING, 40}};
    struct vd_table_options options = {"threads", ROWS, columns, 3, ttl_ms};
    size_t bytes = vd_table_bytes(&options, NULL);
    struct vd_table *table = NULL;

    *memory = aligned_alloc(64, bytes);
    assert_non_null(*memory);
    assert_int_equal(vd_table_init(*memory, bytes, &options, &table, NULL), VD_OK);
    return table;
}

static void run(struct shared *shared, void *(*const bodies[THREADS])(void *))
{
    struct worker workers[THREADS];
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){shared, i};
        assert_int_equal(pthread_create(&threads[i], NULL, bodies[i], &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&shared->wrong), 0);
}

static void test_sums_are_exact(void **state)
{
    void *(*const bodies[THREADS])(void *) = {count_up, count_up, count_up, count_up};
    struct shared shared = {0};
    struct vd_table_value value;
    int64_t sum = 0;
    void *memory;
    (void)state;

    shared.table = make(&memory, 0);
    run(&shared, bodies);
    for (int i = 0; i < 3; i++) {
        char key[] = {'s', 'u', 'm', ':', (char)('0' + i)};

        assert_int_equal(vd_table_get_field(shared.table, key, 5, A, 0, &value, NULL, NULL), VD_OK);
        sum += value.integer;
    }
    assert_int_equal(sum, THREADS * ROUNDS);
    vd_table_close(shared.table);
    free(memory);
}

static void test_versions_lose_nothing(void **state)
{
    void *(*const bodies[THREADS])(void *) = {count_by_versions, count_by_versions,
                                              count_by_versions, count_by_versions};
    struct shared shared = {0};
    struct vd_table_value value;
    uint64_t odd;
    void *memory;
    (void)state;

    shared.table = make(&memory, 0);
    run(&shared, bodies);
    assert_int_equal(vd_table_get_field(shared.table, "even", 4, A, 1, &value, NULL, NULL), VD_OK);
    assert_int_equal(value.integer, THREADS * ROUNDS / 8);
    odd = atomic_load(&shared.clock);
    if (vd_table_get_field(shared.table, "odd", 3, A, 1, &value, NULL, NULL) == VD_OK)
        odd += (uint64_t)value.integer;
    assert_int_equal(odd, THREADS * ROUNDS / 8);
    vd_table_close(shared.table);
    free(memory);
}

static void test_rows_are_whole(void **state)
{
    void *(*const bodies[THREADS])(void *) = {write_rows, write_rows, read_rows, read_rows};
    struct shared shared = {.writers = 2};
    char key[16];
    void *memory;
    (void)state;

    shared.table = make(&memory, 0);
    for (int i = 0; i < STEADY; i++) {
        size_t length = (size_t)snprintf(key, sizeof(key), "steady:%d", i);

        assert_int_equal(vd_table_set(shared.table, key, length, NULL, 0, 0, NULL), VD_OK);
    }
    run(&shared, bodies);
    vd_table_close(shared.table);
    free(memory);
}

#define TTL 50

/* New rows all the time, each for 50 ticks of a clock that goes on with every row: there is room
 * for them, unless this thread has slept and believes that it is still earlier. */
static void *insert_for_a_while(void *argument)
{
    struct worker *worker = argument;
    struct shared *shared = worker->shared;
    char key[24];

    for (int i = 0; i < ROUNDS; i++) {
        uint64_t now = atomic_fetch_add(&shared->clock, 1);
        size_t length = (size_t)snprintf(key, sizeof(key), "%llu", (unsigned long long)now);
        enum vd_err result = vd_table_incr(shared->table, key, length, A, 1, now, NULL, NULL);

        if (result != VD_OK &&
            (result != VD_ERR_FULL || atomic_load(&shared->clock) - now < ROWS - TTL - THREADS * 2))
            atomic_fetch_add(&shared->wrong, 1);
    }
    return NULL;
}

static void test_expired_rows_make_room(void **state)
{
    void *(*const bodies[THREADS])(void *) = {insert_for_a_while, insert_for_a_while,
                                              insert_for_a_while, insert_for_a_while};
    struct shared shared = {.clock = 1000};
    void *memory;
    (void)state;

    shared.table = make(&memory, TTL);
    run(&shared, bodies);
    vd_table_expire(shared.table, atomic_load(&shared.clock) + TTL);
    assert_int_equal(vd_table_count(shared.table), 0);
    vd_table_close(shared.table);
    free(memory);
}

/* ---- a set beside a sweep ----------------------------------------------------------------------
 */

#define MEETINGS 200000

/* Both begin at once, or nearly: each pauses a little longer or shorter from round to round. */
struct meeting {
    struct vd_table *table;
    _Atomic int round;
    _Atomic int arrived;
    _Atomic int done;
};

static void meet(struct meeting *meeting, int round, int pause)
{
    atomic_fetch_add(&meeting->arrived, 1);
    for (int spins = 0; atomic_load(&meeting->arrived) < 2 * round; spins++) {
        if (spins > 2000) /* the other one has no processor */
            sched_yield();
    }
    for (volatile int i = 0; i < pause; i++)
        ;
}

static void *sweep_beside(void *argument)
{
    struct meeting *meeting = argument;

    for (int round = 1; round <= MEETINGS; round++) {
        while (atomic_load(&meeting->round) < round)
            sched_yield();
        meet(meeting, round, round / 16 % 128);
        vd_table_expire(meeting->table, 1000);
        atomic_fetch_add(&meeting->done, 1);
    }
    return NULL;
}

/* The sweep finds anew when the earliest row expires. A row that is set meanwhile is either seen by
 * it or notes itself afterwards: one that neither of them noted would keep its place for ever. */
static void test_expiry_is_noted(void **state)
{
    struct meeting meeting = {0};
    struct vd_column column = {"a", VD_COLUMN_INT, 8};
    struct vd_table_options options = {"noted", 2, &column, 1, TTL};
    size_t bytes = vd_table_bytes(&options, NULL);
    void *memory = aligned_alloc(64, bytes);
    int forgotten = 0;
    pthread_t thread;
    (void)state;

    assert_non_null(memory);
    assert_int_equal(vd_table_init(memory, bytes, &options, &meeting.table, NULL), VD_OK);
    assert_int_equal(pthread_create(&thread, NULL, sweep_beside, &meeting), 0);
    for (int round = 1; round <= MEETINGS; round++) {
        vd_table_set(meeting.table, "first", 5, NULL, 0, 1000, NULL); /* a note that is there */
        vd_table_clear(meeting.table);
        atomic_store(&meeting.round, round);
        meet(&meeting, round, round % 16);
        vd_table_set(meeting.table, "beside", 6, NULL, 0, 1000, NULL);
        while (atomic_load(&meeting.done) < round)
            sched_yield();
        vd_table_set(meeting.table, "fills", 5, NULL, 0, 2000, NULL);
        forgotten += vd_table_set(meeting.table, "more", 4, NULL, 0, 2000, NULL) != VD_OK;
        vd_table_clear(meeting.table);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(forgotten, 0);
    vd_table_close(meeting.table);
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expiry_is_noted),        cmocka_unit_test(test_sums_are_exact),
        cmocka_unit_test(test_versions_lose_nothing),  cmocka_unit_test(test_rows_are_whole),
        cmocka_unit_test(test_expired_rows_make_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
