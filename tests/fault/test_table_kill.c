/* SPDX-License-Identifier: Apache-2.0 */
/* A process that loops over a table is killed at a random instant, 1,000 times, for each of what it
 * may be doing; after each kill this process looks at every row, and works on all of them.
 *
 *     test_table_kill set | incr | set-del | iterate | mixed | beside | eight | counter | stopped
 *
 * No row may be half written, no increment lost, no place in the table leaked, and what comes after
 * a kill may take no longer than what comes before it. `beside`: two others go on working on the
 * same table meanwhile, which is exactly full, and measure how long they wait. `eight`: eight
 * processes add a million times each without being killed, in a table and to counters, the sums are
 * exact. `counter`: one that adds to a counter is killed 1,000 times. `stopped`: a process that is
 * stopped inside its lock keeps it, readers do not care, and nothing is lost when it goes on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <viaduct/clock.h>
#include <viaduct/counter.h>
#include <viaduct/table.h>

#include "killing.h"
#include "table_shared.h"

#define KILLS      1000
#define KEYS       8u
#define CAPACITY   9u
#define STOPS      20
#define INCREMENTS 1000000
#define STALL_US   500000u

enum { A, B, SUM, NOTE };

static const struct vd_column columns[] = {
    {"a", VD_COLUMN_INT, 8},
    {"b", VD_COLUMN_INT, 4},
    {"sum", VD_COLUMN_INT, 8},
    {"note", VD_COLUMN_STRING, 60},
};

struct diary {
    _Atomic int64_t known[KEYS]; /* increments that the victim has seen done */
    _Atomic uint64_t rounds;
    _Atomic uint64_t stalls;
    _Atomic uint64_t longest_us;
    _Atomic int failed;
};

struct fixture {
    void *memory;
    size_t bytes;
    struct vd_table *table;
    struct diary *diary;
    uint64_t random;
    uint64_t die_in_us;
    unsigned locked; /* kills that hit inside a lock */
    uint64_t before_us[KILLS];
    uint64_t after_us[KILLS];
    const struct scenario *scenario;
};

struct scenario {
    const char *name;
    void (*loop)(struct fixture *f, uint64_t round);
    void (*check)(struct fixture *f);
    bool locks;
};

static void setup(struct fixture *f)
{
    struct vd_table_options options = {"killed", CAPACITY, columns, 4, 0};

    memset(f, 0, sizeof(*f));
    f->random = 12345;
    f->bytes = vd_table_bytes(&options, NULL);
    f->memory = share(f->bytes);
    f->diary = share(sizeof(*f->diary));
    assert_int_equal(vd_table_init(f->memory, f->bytes, &options, &f->table, NULL), VD_OK);
}

static void teardown(struct fixture *f)
{
    vd_table_close(f->table);
    munmap(f->memory, f->bytes);
    munmap(f->diary, sizeof(*f->diary));
}

static const char *key_of(uint64_t number)
{
    static const char *const keys[KEYS] = {"one",  "two", "three", "four",
                                           "five", "six", "seven", "eight"};

    return keys[number % KEYS];
}

static bool set(struct fixture *f, uint64_t number)
{
    static const char note[] = "012345678901234567890123456789012345678901234567890123456789";
    const char *key = key_of(number);
    const struct vd_table_change changes[] = {
        {A, {.integer = (int64_t)number}},
        {B, {.integer = (int64_t)number % 1000}},
        {NOTE, {.string = {note + number % 7, number % 53}}},
    };

    return vd_table_set(f->table, key, strlen(key), changes, 3, 0, NULL) == VD_OK;
}

/* Everything else in a row follows from `a`. */
static bool is_whole(const struct vd_table_value *values)
{
    uint64_t number = (uint64_t)values[A].integer;

    if (values[B].integer != (int64_t)(number % 1000) || values[NOTE].string.length != number % 53)
        return false;
    for (size_t i = 0; i < values[NOTE].string.length; i++) {
        if (values[NOTE].string.bytes[i] != (char)('0' + (number % 7 + i) % 10))
            return false;
    }
    return true;
}

/* ---- what is killed, and what must hold then ---------------------------------------------------
 */

static void fail_if(struct fixture *f, bool condition)
{
    if (condition)
        atomic_store(&f->diary->failed, 1);
}

static void loop_set(struct fixture *f, uint64_t round)
{
    fail_if(f, !set(f, round));
}

static void check_rows(struct fixture *f)
{
    struct vd_table_value values[4];
    char text[64];

    for (uint64_t i = 0; i < KEYS; i++) {
        const char *key = key_of(i);
        enum vd_err result = vd_table_get(f->table, key, strlen(key), 0, values, text, NULL);

        assert_true(result == VD_OK || result == VD_ERR_NOT_FOUND);
        if (result == VD_OK && !is_whole(values))
            fail_msg("row %s is torn", key);
    }
}

static void loop_incr(struct fixture *f, uint64_t round)
{
    const char *key = key_of(round);
    int64_t sum = 0;

    fail_if(f, vd_table_incr(f->table, key, strlen(key), SUM, 1, 0, &sum, NULL) != VD_OK ||
                   sum != atomic_load(&f->diary->known[round % KEYS]) + 1);
    atomic_store(&f->diary->known[round % KEYS], sum);
}

static void check_sums(struct fixture *f)
{
    for (uint64_t i = 0; i < KEYS; i++) {
        struct vd_table_value value = {.integer = 0};
        int64_t known = atomic_load(&f->diary->known[i]);

        vd_table_get_field(f->table, key_of(i), strlen(key_of(i)), SUM, 0, &value, NULL, NULL);
        assert_true(value.integer == known || value.integer == known + 1);
        atomic_store(&f->diary->known[i], value.integer);
    }
}

static void loop_set_del(struct fixture *f, uint64_t round)
{
    const char *key = key_of(round * 5 + 3);

    fail_if(f, !set(f, round));
    vd_table_del(f->table, key, strlen(key), 0, NULL);
}

/* All places are there: the rows that live, and room for the rest, exactly. */
static void check_places(struct fixture *f)
{
    uint64_t there = 0;
    char key[16];

    check_rows(f);
    vd_table_recover(f->table);
    for (uint64_t i = 0; i < KEYS; i++)
        there += vd_table_exists(f->table, key_of(i), strlen(key_of(i)), 0, NULL) == VD_OK;
    assert_int_equal(vd_table_count(f->table), there);
    for (uint64_t i = there; i < CAPACITY; i++) {
        size_t length = (size_t)snprintf(key, sizeof(key), "fill %u", (unsigned)i);

        assert_int_equal(vd_table_set(f->table, key, length, NULL, 0, 0, NULL), VD_OK);
    }
    assert_int_equal(vd_table_set(f->table, "more", 4, NULL, 0, 0, NULL), VD_ERR_FULL);
    for (uint64_t i = there; i < CAPACITY; i++) {
        size_t length = (size_t)snprintf(key, sizeof(key), "fill %u", (unsigned)i);

        assert_int_equal(vd_table_del(f->table, key, length, 0, NULL), VD_OK);
    }
}

static void loop_iterate(struct fixture *f, uint64_t round)
{
    struct vd_table_cursor cursor = {0};
    struct vd_table_value values[4];
    char key[VD_TABLE_KEY_MAX];
    size_t length = 0;
    char text[64];

    while (vd_table_next(f->table, &cursor, 0, key, &length, values, text, NULL) == VD_OK) {
        fail_if(f, !is_whole(values));
        fail_if(f, !set(f, round)); /* changes while it walks */
    }
    fail_if(f, !set(f, round));
}

/* Everything that a writer can do, by a clock that goes on with every round. */
static void loop_mixed(struct fixture *f, uint64_t round)
{
    uint64_t now_ms = 1000 + atomic_load(&f->diary->rounds);
    uint64_t random = next_random(&f->random);
    const char *key = key_of(random >> 8);
    struct vd_table_value values[4];
    struct vd_table_version version;
    struct vd_table_change change = {A, {.integer = 0}};
    bool swapped;
    char text[64];

    switch (random % 16) {
    case 0:
        vd_table_clear(f->table);
        break;
    case 1:
        vd_table_expire(f->table, now_ms);
        break;
    case 2:
    case 3:
        vd_table_incr_window(f->table, key, strlen(key), SUM, 1, 3, now_ms, NULL, NULL, NULL);
        break;
    case 4:
    case 5:
        vd_table_incr_when(f->table, key, strlen(key), SUM, 1, B, 0, now_ms, NULL, NULL);
        break;
    case 6:
        if (vd_table_get_version(f->table, key, strlen(key), now_ms, values, text, &version,
                                 NULL) == VD_OK) {
            change.value = values[A];
            vd_table_set_version(f->table, key, strlen(key), &version, &change, 1, now_ms + 2,
                                 now_ms, &swapped, NULL);
        }
        break;
    case 7:
    case 8:
        vd_table_del(f->table, key, strlen(key), now_ms, NULL);
        break;
    case 9:
    case 10:
        vd_table_decr(f->table, key, strlen(key), SUM, 1, now_ms, NULL, NULL);
        break;
    default:
        set(f, round);
    }
}

static const struct scenario scenarios[] = {
    {"set", loop_set, check_rows, true},           {"incr", loop_incr, check_sums, true},
    {"set-del", loop_set_del, check_places, true}, {"iterate", loop_iterate, check_rows, true},
    {"mixed", loop_mixed, check_places, true},
};

/* ---- killing ------------------------------------------------------------------------------------
 */

static void loop_for_ever(void *argument)
{
    struct fixture *f = argument;

    die_in(f->die_in_us);
    for (uint64_t round = next_random(&f->random) % 1000;; round++) {
        f->scenario->loop(f, round);
        atomic_fetch_add(&f->diary->rounds, 1);
    }
}

/* Dead, and not yet reaped: the worst moment for those who ask whether it is. */
static void wait_for_zombie(pid_t child)
{
    siginfo_t info = {0};

    assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(info.si_code, CLD_KILLED);
}

static bool is_locked(const struct fixture *f)
{
    const struct table_shared *shared = f->memory;
    bool locked = atomic_load(&shared->pool.lock) != 0;

    for (unsigned i = 0; i < 16; i++)
        locked |= atomic_load(&shared->stripes[i].lock) != 0;
    return locked;
}

/* One write to each row; it changes nothing that a check looks at. */
static uint64_t touch_all(struct fixture *f)
{
    uint64_t start_us = vd_monotonic_us();

    for (uint64_t i = 0; i < KEYS; i++) {
        const char *key = key_of(i);
        struct vd_table_value nothing = {.integer = -1};
        bool swapped;

        vd_table_compare_and_set(f->table, key, strlen(key), SUM, &nothing, &nothing, 0, &swapped,
                                 NULL);
    }
    return vd_monotonic_us() - start_us;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* Taking over costs a look at /proc; waiting for a time-out would show in the tail. */
static bool compare_times(struct fixture *f)
{
    const unsigned p90 = KILLS * 9 / 10;

    qsort(f->before_us, KILLS, sizeof(f->before_us[0]), compare);
    qsort(f->after_us, KILLS, sizeof(f->after_us[0]), compare);
    print_message("%u of %d kills inside a lock; 8 writes before a kill and after: p50 %u and %u, "
                  "p90 %u and %u, max %u and %u us\n",
                  f->locked, KILLS, (unsigned)f->before_us[KILLS / 2],
                  (unsigned)f->after_us[KILLS / 2], (unsigned)f->before_us[p90],
                  (unsigned)f->after_us[p90], (unsigned)f->before_us[KILLS - 1],
                  (unsigned)f->after_us[KILLS - 1]);
    return f->after_us[p90] <= f->before_us[p90] + 5000 &&
           f->after_us[KILLS - 1] <= f->before_us[KILLS - 1] + STALL_US;
}

static bool killed_in_time(const struct scenario *scenario)
{
    struct fixture f;
    bool in_time;

    setup(&f);
    f.scenario = scenario;
    for (int i = 0; i < KILLS; i++) {
        pid_t child;

        f.before_us[i] = touch_all(&f);
        f.die_in_us = 20 + next_random(&f.random) % 800;
        child = start(loop_for_ever, &f);
        wait_for_zombie(child);
        f.locked += is_locked(&f);
        if (f.scenario->check != check_places) /* repairs are part of what is timed */
            f.scenario->check(&f);
        f.after_us[i] = touch_all(&f);
        f.scenario->check(&f);
        assert_int_equal(atomic_load(&f.diary->failed), 0);
        assert_false(is_locked(&f));
        assert_true(is_dead(child));
    }
    in_time = compare_times(&f);
    assert_true(atomic_load(&f.diary->rounds) > KILLS);
    assert_true(f.locked > 0 || !f.scenario->locks);
    teardown(&f);
    return in_time;
}

static void test_killed(void **state)
{
    for (unsigned tried = 1; !killed_in_time(*state); tried++)
        assert_true(tried < TRIES);
}

/* ---- beside others ------------------------------------------------------------------------------
 */

#define OTHERS 2

/* One who works while the victims die; the last of them is the victim itself. */
struct worker {
    struct fixture *f;
    unsigned number;
    unsigned keys; /* of its own */
};

/* With all keys and the sum the table is exactly full, so that a lost place is an error. */
static bool work_once(struct worker *worker, uint64_t round)
{
    const struct vd_table_change change = {A, {.integer = (int64_t)round}};
    char key[] = {'w', (char)('0' + worker->number), (char)('a' + round % worker->keys)};
    struct vd_table *table = worker->f->table;

    if (round & 64)
        return vd_table_set(table, key, sizeof(key), &change, 1, 0, NULL) == VD_OK;
    vd_table_del(table, key, sizeof(key), 0, NULL);
    if (vd_table_incr(table, "sum", 3, SUM, 1, 0, NULL, NULL) != VD_OK)
        return false;
    atomic_fetch_add(&worker->f->diary->known[worker->number], 1);
    return true;
}

static void work_and_measure(void *argument)
{
    struct worker *worker = argument;
    struct diary *diary = worker->f->diary;

    for (uint64_t round = 0;; round++) {
        uint64_t start_us = vd_monotonic_us();
        uint64_t took_us;

        fail_if(worker->f, !work_once(worker, round));
        took_us = vd_monotonic_us() - start_us;
        atomic_fetch_add(&diary->rounds, 1);
        if (took_us > 10000)
            atomic_fetch_add(&diary->stalls, 1);
        if (took_us > atomic_load(&diary->longest_us))
            atomic_store(&diary->longest_us, took_us);
    }
}

static void work_until_killed(void *argument)
{
    struct worker *worker = argument;

    die_in(worker->f->die_in_us);
    for (uint64_t round = next_random(&worker->f->random) % 1000;; round++)
        fail_if(worker->f, !work_once(worker, round));
}

/* The same work for the same time, and an end of its own. */
static void work_for_a_while(void *argument)
{
    struct worker *worker = argument;
    uint64_t end_us = vd_monotonic_us() + worker->f->die_in_us;

    for (uint64_t round = next_random(&worker->f->random) % 1000; vd_monotonic_us() < end_us;
         round++)
        fail_if(worker->f, !work_once(worker, round));
}

/* The same number of processes for the same time, without and with deaths. */
static void let_victims_work(struct fixture *f, bool die)
{
    struct worker victim = {f, OTHERS, 2};

    for (int i = 0; i < KILLS; i++) {
        int status = 1;
        pid_t child;

        f->die_in_us = 20 + next_random(&f->random) % 800;
        child = start(die ? work_until_killed : work_for_a_while, &victim);
        if (!die) {
            assert_int_equal(waitpid(child, &status, 0), child);
            assert_int_equal(status, 0);
            continue;
        }
        wait_for_zombie(child); /* asleep, as in the other case */
        assert_true(is_dead(child));
    }
    print_message("%s deaths: %llu rounds of others, %llu over 10 ms, the longest %llu us\n",
                  die ? "with" : "without", (unsigned long long)atomic_load(&f->diary->rounds),
                  (unsigned long long)atomic_load(&f->diary->stalls),
                  (unsigned long long)atomic_load(&f->diary->longest_us));
}

static bool test_beside_in_time(void)
{
    struct fixture f;
    struct worker others[OTHERS];
    pid_t children[OTHERS];
    struct vd_table_value value = {.integer = 0};
    uint64_t longest_us;
    bool in_time;
    int64_t known = 0;

    setup(&f);
    for (unsigned i = 0; i < OTHERS; i++) {
        others[i] = (struct worker){&f, i, 3};
        children[i] = start(work_and_measure, &others[i]);
    }
    let_victims_work(&f, false);
    longest_us = atomic_exchange(&f.diary->longest_us, 0);
    atomic_store(&f.diary->stalls, 0);
    atomic_store(&f.diary->rounds, 0);
    let_victims_work(&f, true);
    in_time = atomic_load(&f.diary->longest_us) <= longest_us + STALL_US;
    for (unsigned i = 0; i < OTHERS; i++)
        kill_and_reap(children[i]);
    vd_table_recover(f.table);
    assert_int_equal(atomic_load(&f.diary->failed), 0);
    for (unsigned i = 0; i <= OTHERS; i++)
        known += atomic_load(&f.diary->known[i]);
    assert_int_equal(vd_table_get_field(f.table, "sum", 3, SUM, 0, &value, NULL, NULL), VD_OK);
    assert_in_range(value.integer - known, 0, KILLS + OTHERS); /* killed before they noted it */
    vd_table_clear(f.table);
    check_places(&f);
    teardown(&f);
    return in_time;
}

static void test_beside(void **state)
{
    (void)state;
    in_few_tries(test_beside_in_time);
}

/* ---- eight at once ------------------------------------------------------------------------------
 */

struct adder {
    struct fixture *f;
    uint64_t number;
    bool same_key;
};

static void add_many(void *argument)
{
    struct adder *adder = argument;
    const char *key = key_of(adder->same_key ? 0 : adder->number);

    for (int i = 0; i < INCREMENTS; i++) {
        if (vd_table_incr(adder->f->table, key, strlen(key), SUM, 1, 0, NULL, NULL) != VD_OK)
            atomic_store(&adder->f->diary->failed, 1);
    }
}

static void test_eight(void **state)
{
    (void)state;
    for (int same = 0; same < 2; same++) {
        struct fixture f;
        pid_t children[KEYS];
        int64_t sum = 0;

        setup(&f);
        for (uint64_t i = 0; i < KEYS; i++) {
            struct adder adder = {&f, i, same};

            children[i] = start(add_many, &adder);
        }
        for (uint64_t i = 0; i < KEYS; i++) {
            int status = 1;

            assert_int_equal(waitpid(children[i], &status, 0), children[i]);
            assert_int_equal(status, 0);
        }
        for (uint64_t i = 0; i < KEYS; i++) {
            struct vd_table_value value = {.integer = 0};

            vd_table_get_field(f.table, key_of(i), strlen(key_of(i)), SUM, 0, &value, NULL, NULL);
            assert_true(same || value.integer == INCREMENTS);
            sum += value.integer;
        }
        assert_int_equal(sum, (int64_t)KEYS * INCREMENTS);
        assert_int_equal(atomic_load(&f.diary->failed), 0);
        teardown(&f);
    }
}

static void count_many(void *argument)
{
    struct vd_counter *counter = argument;

    for (int i = 0; i < INCREMENTS; i++)
        vd_counter_add(counter, 1, NULL, NULL);
}

static void test_eight_counters(void **state)
{
    (void)state;
    for (int same = 0; same < 2; same++) {
        struct vd_counter *counters = share(KEYS * sizeof(*counters));
        pid_t children[KEYS];
        int64_t sum = 0;

        for (uint64_t i = 0; i < KEYS; i++)
            children[i] = start(count_many, &counters[same ? 0 : i]);
        for (uint64_t i = 0; i < KEYS; i++) {
            int status = 1;

            assert_int_equal(waitpid(children[i], &status, 0), children[i]);
            assert_int_equal(status, 0);
        }
        for (uint64_t i = 0; i < KEYS; i++) {
            assert_true(same || vd_counter_get(&counters[i]) == INCREMENTS);
            sum += vd_counter_get(&counters[i]);
        }
        assert_int_equal(sum, (int64_t)KEYS * INCREMENTS);
        munmap(counters, KEYS * sizeof(*counters));
    }
}

/* ---- a counter ----------------------------------------------------------------------------------
 */

struct noted_counter {
    struct vd_counter counter;
    _Atomic int64_t known;
    uint64_t die_in_us;
};

static void count_for_ever(void *argument)
{
    struct noted_counter *noted = argument;

    die_in(noted->die_in_us);
    for (;;) {
        int64_t sum = 0;

        vd_counter_add(&noted->counter, 1, &sum, NULL);
        atomic_store(&noted->known, sum);
    }
}

static void test_counter(void **state)
{
    struct noted_counter *noted = share(sizeof(*noted));
    uint64_t random = 4711;
    (void)state;

    for (int i = 0; i < KILLS; i++) {
        int64_t value;
        pid_t child;

        noted->die_in_us = 20 + next_random(&random) % 400;
        child = start(count_for_ever, noted);
        wait_for_zombie(child);
        value = vd_counter_get(&noted->counter);
        assert_true(value == atomic_load(&noted->known) || value == atomic_load(&noted->known) + 1);
        atomic_store(&noted->known, value);
        assert_true(is_dead(child));
    }
    assert_true(vd_counter_get(&noted->counter) > KILLS);
    munmap(noted, sizeof(*noted));
}

/* ---- stopped ------------------------------------------------------------------------------------
 */

static void add_for_ever(void *argument)
{
    struct fixture *f = argument;

    for (;;) {
        int64_t sum = 0;

        fail_if(f, vd_table_incr(f->table, "one", 3, SUM, 1, 0, &sum, NULL) != VD_OK);
        atomic_fetch_add(&f->diary->known[0], 1);
    }
}

static void add_a_little(void *argument)
{
    struct fixture *f = argument;

    for (int i = 0; i < 1000; i++) {
        fail_if(f, vd_table_incr(f->table, "one", 3, SUM, 1, 0, NULL, NULL) != VD_OK);
        atomic_fetch_add(&f->diary->known[1], 1);
    }
}

static void stop(pid_t child)
{
    siginfo_t info = {0};

    assert_int_equal(kill(child, SIGSTOP), 0);
    assert_int_equal(waitid(P_PID, (id_t)child, &info, WSTOPPED), 0);
}

static int64_t sum_of_one(struct fixture *f)
{
    struct vd_table_value value = {.integer = 0};
    enum vd_err result = vd_table_get_field(f->table, "one", 3, SUM, 0, &value, NULL, NULL);

    /* Stopped in its very first increment, it has not published the row yet. */
    assert_true(result == VD_OK || result == VD_ERR_NOT_FOUND);
    return value.integer;
}

/* The lock is held by a process that stands still. */
static void check_stopped(struct fixture *f, pid_t victim)
{
    int64_t before = sum_of_one(f);
    int64_t done = atomic_load(&f->diary->known[1]);
    pid_t other = start(add_a_little, f);
    int status = 1;

    spin_us(30000);
    vd_table_recover(f->table); /* of the dead, and nobody is dead */
    assert_true(is_locked(f));
    assert_int_equal(atomic_load(&f->diary->known[1]), done);
    assert_int_equal(sum_of_one(f), before);
    assert_int_equal(kill(victim, SIGCONT), 0);
    assert_int_equal(waitpid(other, &status, 0), other);
    assert_int_equal(status, 0);
    assert_int_equal(atomic_load(&f->diary->known[1]), done + 1000);
}

static void test_stopped(void **state)
{
    struct fixture f;
    int hits = 0;
    int64_t known;
    pid_t victim;
    (void)state;

    setup(&f);
    victim = start(add_for_ever, &f);
    for (int i = 0; i < 20000 && hits < STOPS; i++) {
        spin_us(50 + next_random(&f.random) % 200);
        stop(victim);
        if (is_locked(&f)) {
            hits++;
            check_stopped(&f, victim);
        } else {
            assert_int_equal(kill(victim, SIGCONT), 0);
        }
    }
    kill_and_reap(victim);
    vd_table_recover(f.table);
    known = atomic_load(&f.diary->known[0]) + atomic_load(&f.diary->known[1]);
    assert_true(sum_of_one(&f) == known || sum_of_one(&f) == known + 1);
    assert_int_equal(atomic_load(&f.diary->failed), 0);
    assert_int_equal(hits, STOPS);
    teardown(&f);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest others[] = {
        {"beside", test_beside, NULL, NULL, NULL},
        {"eight", test_eight, NULL, NULL, NULL},
        {"eight", test_eight_counters, NULL, NULL, NULL},
        {"counter", test_counter, NULL, NULL, NULL},
        {"stopped", test_stopped, NULL, NULL, NULL},
    };
    const char *what = argc == 2 ? argv[1] : "";
    bool found = false;
    int failed = 0;

    for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
        if (strcmp(what, scenarios[i].name) == 0) {
            struct scenario scenario = scenarios[i];
            const struct CMUnitTest tests[] = {cmocka_unit_test_prestate(test_killed, &scenario)};

            return cmocka_run_group_tests(tests, NULL, NULL);
        }
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        const struct CMUnitTest tests[] = {others[i]};

        if (strcmp(what, others[i].name) != 0)
            continue;
        found = true;
        failed += cmocka_run_group_tests(tests, NULL, NULL);
    }
    if (found)
        return failed != 0;
    fprintf(
        stderr,
        "test_table_kill: set, incr, set-del, iterate, mixed, beside, eight, counter or stopped\n");
    return 2;
}
