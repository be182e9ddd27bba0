/* SPDX-License-Identifier: Apache-2.0 */
/* What tables and counters cost, beside what the machine can do at all.
 *
 *     table_bench [--json]
 *
 * Each operation in one process, and in two at once, pinned to two cores, on the same key and on
 * different ones; nanoseconds per operation of one process. The table holds 1,000 rows of two
 * integers and a string, all in the processor's caches; keys have 8 to 11 bytes.
 *
 * The limits: an atomic addition (nothing shared can be counted for less), and copying 72 bytes
 * under a sequence lock (nothing can be read consistently for less, were the row known).
 *
 * Five rounds, the best one counts: on a shared machine the others measure the neighbours. */
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <viaduct/counter.h>
#include <viaduct/table.h>

#define ROUNDS     5
#define OPERATIONS 1000000u
#define ROWS       1000u
#define ARENA      ((size_t)16 * 1024 * 1024)

enum { COUNT, TOTAL, NOTE };

static const struct vd_column columns[] = {
    {"count", VD_COLUMN_INT, 8}, {"total", VD_COLUMN_INT, 8}, {"note", VD_COLUMN_STRING, 32}};

struct limits {
    _Alignas(64) _Atomic uint64_t word[2 * 8]; /* a cache line each */
    _Alignas(64) _Atomic uint64_t seq;
    _Atomic uint64_t row[9];
};

struct bench {
    struct vd_table *table;
    struct vd_counter *counters[2];
    struct limits *limits;
    _Atomic int *ready;
    cpu_set_t allowed;
    char keys[ROWS][12];
    size_t lengths[ROWS];
};

/* @who: 0, or the number of the process when each has keys of its own. */
struct operation {
    const char *name;
    void (*run)(struct bench *bench, unsigned who);
};

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void require(bool condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "table_bench: %s\n", what);
        exit(1);
    }
}

static void consume(uint64_t value)
{
    __asm__ volatile("" : : "r"(value));
}

/* ---- the limits -------------------------------------------------------------------------------
 */

static void run_atomic(struct bench *bench, unsigned who)
{
    for (unsigned i = 0; i < OPERATIONS; i++)
        atomic_fetch_add(&bench->limits->word[who * 8], 1);
}

static void run_seqlock(struct bench *bench, unsigned who)
{
    uint64_t copy[9];
    uint64_t seq;
    (void)who;

    for (unsigned i = 0; i < OPERATIONS; i++) {
        do {
            seq = atomic_load_explicit(&bench->limits->seq, memory_order_acquire);
            for (int word = 0; word < 9; word++)
                copy[word] = atomic_load_explicit(&bench->limits->row[word], memory_order_acquire);
        } while (seq != atomic_load_explicit(&bench->limits->seq, memory_order_relaxed));
        consume(copy[i % 9]);
    }
}

/* ---- ours -------------------------------------------------------------------------------------
 */

static void run_counter(struct bench *bench, unsigned who)
{
    int64_t result = 0;

    for (unsigned i = 0; i < OPERATIONS; i++)
        vd_counter_add(bench->counters[who], 1, &result, NULL);
    consume((uint64_t)result);
}

static unsigned row_of(unsigned i, unsigned who)
{
    return who ? 500 + i % 16 : i % 16;
}

static void run_get_field(struct bench *bench, unsigned who)
{
    struct vd_table_value value;

    for (unsigned i = 0; i < OPERATIONS; i++) {
        unsigned row = row_of(i, who);

        vd_table_get_field(bench->table, bench->keys[row], bench->lengths[row], COUNT, 0, &value,
                           NULL, NULL);
        consume((uint64_t)value.integer);
    }
}

static void run_get_row(struct bench *bench, unsigned who)
{
    struct vd_table_value values[3];
    char text[32];

    for (unsigned i = 0; i < OPERATIONS; i++) {
        unsigned row = row_of(i, who);

        vd_table_get(bench->table, bench->keys[row], bench->lengths[row], 0, values, text, NULL);
        consume((uint64_t)values[TOTAL].integer);
    }
}

static void run_incr(struct bench *bench, unsigned who)
{
    int64_t result = 0;
    unsigned row = row_of(0, who);

    for (unsigned i = 0; i < OPERATIONS; i++) {
        vd_table_incr(bench->table, bench->keys[row], bench->lengths[row], COUNT, 1, 0, &result,
                      NULL);
    }
    consume((uint64_t)result);
}

static void run_window(struct bench *bench, unsigned who)
{
    int64_t result = 0;
    unsigned row = row_of(1, who);

    for (unsigned i = 0; i < OPERATIONS; i++) {
        vd_table_incr_window(bench->table, bench->keys[row], bench->lengths[row], COUNT, 1, 60000,
                             i + 1, &result, NULL, NULL);
    }
    consume((uint64_t)result);
}

static void run_set(struct bench *bench, unsigned who)
{
    struct vd_table_change changes[] = {
        {COUNT, {.integer = 1}}, {TOTAL, {.integer = 2}}, {NOTE, {.string = {"a short note", 12}}}};

    for (unsigned i = 0; i < OPERATIONS; i++) {
        unsigned row = row_of(i, who);

        changes[0].value.integer = i;
        vd_table_set(bench->table, bench->keys[row], bench->lengths[row], changes, 3, 0, NULL);
    }
}

static void run_set_del(struct bench *bench, unsigned who)
{
    struct vd_table_change change = {COUNT, {.integer = 1}};

    for (unsigned i = 0; i < OPERATIONS / 2; i++) {
        char key[] = {'n', 'e', 'w', (char)('a' + who), (char)('a' + i % 16)};

        vd_table_set(bench->table, key, sizeof(key), &change, 1, 0, NULL);
        vd_table_del(bench->table, key, sizeof(key), 0, NULL);
    }
}

static const struct operation operations[] = {
    {"limit: atomic add", run_atomic},
    {"limit: seqlock copy of 72 bytes", run_seqlock},
    {"counter add", run_counter},
    {"table get one field", run_get_field},
    {"table get row", run_get_row},
    {"table incr", run_incr},
    {"table incr in a window", run_window},
    {"table set 3 columns", run_set},
    {"table insert, delete (each)", run_set_del},
};

/* ---- measuring --------------------------------------------------------------------------------
 */

static void pin(const cpu_set_t *allowed, unsigned index)
{
    cpu_set_t one;

    CPU_ZERO(&one);
    for (int core = 0; core < CPU_SETSIZE; core++) {
        if (CPU_ISSET((size_t)core, allowed) && index-- == 0) {
            CPU_SET((size_t)core, &one);
            require(sched_setaffinity(0, sizeof(one), &one) == 0, "cannot pin to a core");
            return;
        }
    }
    require(false, "two processes need two cores");
}

static double measure(struct bench *bench, const struct operation *operation, unsigned who)
{
    uint64_t start = now_ns();

    operation->run(bench, who);
    return (double)(now_ns() - start) / OPERATIONS;
}

/* The other one runs until it is killed, so that it is there for the whole time. */
static double measure_beside(struct bench *bench, const struct operation *operation, unsigned other)
{
    pid_t child;
    double result;

    atomic_store(bench->ready, 0);
    child = fork();
    require(child >= 0, "fork failed");
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pin(&bench->allowed, 1);
        atomic_store(bench->ready, 1);
        for (;;)
            operation->run(bench, other);
    }
    while (!atomic_load(bench->ready))
        sched_yield();
    result = measure(bench, operation, 0);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    vd_table_recover(bench->table);
    return result;
}

static void *share(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    require(memory != MAP_FAILED, "no shared memory");
    return memory;
}

static void prepare(struct bench *bench, struct vd_arena *arena)
{
    struct vd_table_options options = {"bench", 2 * ROWS, columns, 3, 0};
    struct vd_counters *counters = NULL;

    require(vd_table_make(arena, &options, &bench->table, NULL) == VD_OK, "no table");
    require(vd_counters_make(arena, 8, &counters, NULL) == VD_OK, "no counters");
    vd_counters_get(counters, "first", 5, 0, &bench->counters[0], NULL);
    vd_counters_get(counters, "second", 6, 0, &bench->counters[1], NULL);
    bench->limits = share(sizeof(*bench->limits));
    bench->ready = share(sizeof(*bench->ready));
    sched_getaffinity(0, sizeof(bench->allowed), &bench->allowed);
    pin(&bench->allowed, 0);
    for (unsigned i = 0; i < ROWS; i++) {
        bench->lengths[i] =
            (size_t)snprintf(bench->keys[i], sizeof(bench->keys[i]), "client:%u", i);
        vd_table_incr(bench->table, bench->keys[i], bench->lengths[i], COUNT, 1, 0, NULL, NULL);
    }
}

static double smaller(double a, double b)
{
    return a < b ? a : b;
}

int main(int argc, char **argv)
{
    static struct bench bench;
    bool json = argc > 1 && strcmp(argv[1], "--json") == 0;
    struct vd_arena *arena = NULL;

    require(vd_arena_create(ARENA, &arena, NULL) == VD_OK, "no arena");
    prepare(&bench, arena);
    if (json) {
        printf("{\"operations\":[");
    } else {
        printf("%-34s %10s %10s %10s\n%-34s %10s %10s %10s\n", "ns an operation", "one",
               "two, same", "two, other", "", "process", "keys", "keys");
    }
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
        double one = 1e9, same = 1e9, other = 1e9;

        for (int round = 0; round < ROUNDS; round++) {
            one = smaller(one, measure(&bench, &operations[i], 0));
            same = smaller(same, measure_beside(&bench, &operations[i], 0));
            other = smaller(other, measure_beside(&bench, &operations[i], 1));
        }
        printf(json ? "%s{\"name\":\"%s\",\"one_process_ns\":%.1f,\"two_same_ns\":%.1f,"
                      "\"two_other_ns\":%.1f}"
                    : "%s%-34s %10.1f %10.1f %10.1f\n",
               json && i ? "," : "", operations[i].name, one, same, other);
    }
    if (json)
        printf("]}\n");
    vd_table_close(bench.table);
    vd_arena_destroy(arena);
    return 0;
}
