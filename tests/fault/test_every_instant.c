/* SPDX-License-Identifier: Apache-2.0 */
/* Every instant at which a kill -9 can hit, one by one.
 *
 * The victim is a child that is single-stepped through one operation (ptrace). After each of its
 * instructions a copy of the shared memory is handed to a successor, which must find the state
 * before the operation or the one after it, and must be able to go on. Random kills hardly ever hit
 * between two neighbouring stores; this hits all of them. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>

#include <viaduct/counter.h>
#include <viaduct/history.h>
#include <viaduct/ring.h>
#include <viaduct/table.h>

#include "killing.h"
#include "table_shared.h"

#define STEPS_MAX 2000000u

/* One operation on shared memory, and what must hold at each instant of it. */
struct scene {
    void *shared;
    void *copy;
    size_t bytes;
    void (*prepare)(struct scene *scene); /* in the child, not stepped; may be NULL */
    void (*act)(struct scene *scene);
    void (*check)(struct scene *scene); /* looks at the copy only, may change it */
    uint64_t before;                    /* the scene's own: the state before the operation */
    uint64_t after;                     /* and after it */
    unsigned seen_before;
    unsigned seen_after;
};

static void act_traced(void *argument)
{
    struct scene *scene = argument;

    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
        _exit(1);
    if (scene->prepare)
        scene->prepare(scene);
    raise(SIGSTOP);
    scene->act(scene);
    raise(SIGSTOP); /* the end of what is stepped */
}

static void wait_for_stop(pid_t child, int signal)
{
    int status = 0;

    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFSTOPPED(status) || (signal && WSTOPSIG(status) != signal))
        fail_msg("the traced child ended early (status %x); is ptrace allowed here?", status);
}

/* Steps until the second SIGSTOP: a step ends in SIGTRAP. */
static unsigned step_through(struct scene *scene, pid_t child)
{
    for (unsigned steps = 0; steps < STEPS_MAX; steps++) {
        int status = 0;

        assert_int_equal(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSTOPPED(status));
        if (WSTOPSIG(status) == SIGSTOP)
            return steps;
        assert_int_equal(WSTOPSIG(status), SIGTRAP);
        if (steps && memcmp(scene->copy, scene->shared, scene->bytes) == 0)
            continue; /* nothing new: checked at the step before */
        memcpy(scene->copy, scene->shared, scene->bytes);
        scene->check(scene);
        memcpy(scene->copy, scene->shared, scene->bytes); /* a check may have changed it */
    }
    fail_msg("more than %u instructions", STEPS_MAX);
    return 0;
}

static void play(struct scene *scene, const char *name)
{
    unsigned steps;
    pid_t child;

    scene->seen_before = scene->seen_after = 0;
    child = start(act_traced, scene);
    wait_for_stop(child, SIGSTOP);
    steps = step_through(scene, child);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    print_message("%s: %u instructions, %u states before it and %u after it\n", name, steps,
                  scene->seen_before, scene->seen_after);
    assert_true(scene->seen_before > 0 && scene->seen_after > 0);
}

static void set_stage(struct scene *scene, size_t bytes)
{
    memset(scene, 0, sizeof(*scene));
    scene->bytes = bytes;
    scene->shared = share(bytes);
    scene->copy = aligned_alloc(64, (bytes + 63) / 64 * 64);
    assert_non_null(scene->copy);
}

static void clear_stage(struct scene *scene)
{
    munmap(scene->shared, scene->bytes);
    free(scene->copy);
}

/* ---- history ----------------------------------------------------------------------------------
 */

#define LOG_BYTES VD_HISTORY_LOG_MIN_BYTES
#define ENTRIES   32ul

static size_t length_of(uint64_t offset)
{
    static const size_t lengths[] = {300, 5000, 0, 40, 9000, 7, 3000, 300};

    return offset % 47 == 0 ? LOG_BYTES / 4 : lengths[offset % 8]; /* each 47th is too large */
}

/* The same bytes again and again, so that the victim spends no steps on making them up. */
static const char *data_of(uint64_t offset)
{
    static char data[LOG_BYTES];
    static uint64_t filled;

    if (filled != offset)
        memset(data, (int)(offset & 0x7f), length_of(offset));
    filled = offset;
    return data;
}

static enum vd_err append(struct vd_history *history, uint64_t expected)
{
    char scope[32];
    uint64_t offset = 0;
    struct vd_history_source source = {1, 2, expected};
    struct vd_message message = {.scope = scope,
                                 .data = data_of(expected),
                                 .data_length = length_of(expected),
                                 .has_data = true,
                                 .sequence = expected};

    message.scope_length =
        (size_t)snprintf(scope, sizeof(scope), "room:%llu", (unsigned long long)expected);
    return vd_history_append(history, &message, source, expected, &offset);
}

static void assert_entry(const struct vd_history *history, uint64_t offset)
{
    struct vd_history_entry entry;
    char scope[32];
    const char *data;

    assert_int_equal(vd_history_get(history, offset, &entry), VD_OK);
    snprintf(scope, sizeof(scope), "room:%llu", (unsigned long long)offset);
    assert_int_equal(entry.message.sequence, offset);
    assert_int_equal(entry.source.position, offset);
    assert_int_equal(entry.message.scope_length, strlen(scope));
    assert_memory_equal(entry.message.scope, scope, strlen(scope));
    assert_int_equal(entry.message.data_length, length_of(offset));
    data = entry.message.data;
    for (size_t i = 0; i < entry.message.data_length; i++) {
        if (data[i] != (char)(offset & 0x7f))
            fail_msg("byte %zu of offset %llu is torn", i, (unsigned long long)offset);
    }
}

static void act_append(struct scene *scene)
{
    append(scene->shared, vd_history_next(scene->shared));
}

static void check_history(struct scene *scene)
{
    struct vd_history *history = scene->copy;
    uint64_t next;

    assert_int_equal(vd_history_recover(history), VD_OK);
    next = vd_history_next(history);
    assert_true(next == scene->before || next == scene->before + 1);
    if (next == scene->before) {
        scene->seen_before++;
    } else {
        scene->seen_after++;
    }
    if (next > scene->before && scene->before % 47 == 0)
        assert_int_equal(vd_history_first(history), next); /* too large: a gap */
    for (uint64_t offset = vd_history_first(history); offset < next; offset++)
        assert_entry(history, offset);
    assert_int_equal(append(history, next), next % 47 ? VD_OK : VD_ERR_TOO_LARGE);
}

/* Where the bytes of @offset stand, to see a wrap. */
static uintptr_t place_of(const struct vd_history *history, uint64_t offset)
{
    struct vd_history_entry entry;

    assert_int_equal(vd_history_get(history, offset, &entry), VD_OK);
    return (uintptr_t)entry.message.scope;
}

static void play_append(const char *what, uint64_t target, bool evicts, bool wraps)
{
    struct vd_history *history;
    struct scene scene;
    uint64_t first;

    set_stage(&scene, vd_history_bytes(LOG_BYTES, ENTRIES));
    history = scene.shared;
    scene.act = act_append;
    scene.check = check_history;
    scene.before = target;
    assert_int_equal(vd_history_init(history, LOG_BYTES, ENTRIES, 1), VD_OK);
    for (uint64_t offset = 1; offset < target; offset++)
        assert_int_equal(append(history, offset), offset % 47 ? VD_OK : VD_ERR_TOO_LARGE);
    first = vd_history_first(history);
    data_of(target);
    play(&scene, what);
    /* the row is what it says it is */
    assert_int_equal(vd_history_first(history) > first, evicts);
    if (wraps)
        assert_true(place_of(history, target) < place_of(history, target - 1));
    clear_stage(&scene);
}

static void test_history_append(void **state)
{
    static const struct {
        const char *what;
        uint64_t offset;
        bool evicts;
        bool wraps;
    } rows[] = {
        {"append into an empty history", 1, false, false}, {"append that wraps", 28, true, true},
        {"append right after", 29, false, false},          {"append that evicts", 33, true, false},
        {"append that is too large", 47, true, false},     {"append after a gap", 48, false, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        play_append(rows[i].what, rows[i].offset, rows[i].evicts, rows[i].wraps);
}

/* ---- ring -------------------------------------------------------------------------------------
 */

#define CAPACITY 4096ul
#define FIRST    500 /* payload of the frames that stand before the one in question */
#define LENGTH   900

static bool put(struct vd_ring_producer *producer, size_t length, uint64_t tag)
{
    struct vd_frame *frame = vd_ring_reserve(producer, length, 1, 0, tag);

    if (!frame)
        return false;
    memset(frame->payload, (int)(tag & 0x7f), length);
    vd_ring_commit(producer);
    return true;
}

/* Read to the end; returns how many frames, numbered from @tag on. */
static uint64_t take_all(struct vd_ring *ring, uint64_t tag)
{
    struct vd_ring_consumer consumer;
    const struct vd_frame *frame = NULL;
    uint64_t count = 0;
    enum vd_err result;

    assert_int_equal(vd_ring_consumer_init(&consumer, ring), VD_OK);
    while ((result = vd_ring_peek(&consumer, &frame)) == VD_OK) {
        assert_int_equal(frame->tag, tag + count);
        for (uint32_t i = 0; i < frame->length; i++) {
            if (frame->payload[i] != (frame->tag & 0x7f))
                fail_msg("byte %u of frame %llu is torn", i, (unsigned long long)frame->tag);
        }
        count++;
        vd_ring_release(&consumer);
    }
    assert_int_equal(result, VD_ERR_EMPTY);
    return count;
}

static void act_put(struct scene *scene)
{
    struct vd_ring_producer producer;

    if (vd_ring_producer_init(&producer, scene->shared) != VD_OK ||
        !put(&producer, LENGTH, scene->before))
        _exit(1);
}

/* Frames 1 to before - 1 are there; frame `before` is or is not; a successor adds one more. */
static void check_put(struct scene *scene)
{
    struct vd_ring *ring = scene->copy;
    struct vd_ring_producer successor;
    uint64_t count = take_all(ring, scene->after);

    assert_true(count == scene->before - scene->after || count == scene->before - scene->after + 1);
    if (count == scene->before - scene->after) {
        scene->seen_before++;
    } else {
        scene->seen_after++;
    }
    assert_int_equal(vd_ring_producer_init(&successor, ring), VD_OK);
    assert_true(put(&successor, 2000, 77));
    assert_int_equal(take_all(ring, 77), 1);
}

static void test_ring_put(void **state)
{
    (void)state;
    for (uint64_t frames = 5; frames < 9; frames++) { /* the third is the one that wraps */
        struct scene scene;
        struct vd_ring_producer producer;
        struct vd_ring_consumer consumer;
        const struct vd_frame *frame = NULL;

        set_stage(&scene, vd_ring_bytes(CAPACITY));
        scene.act = act_put;
        scene.check = check_put;
        assert_int_equal(vd_ring_init(scene.shared, CAPACITY), VD_OK);
        assert_int_equal(vd_ring_producer_init(&producer, scene.shared), VD_OK);
        assert_int_equal(vd_ring_consumer_init(&consumer, scene.shared), VD_OK);
        scene.after = frames > 3 ? frames - 3 + 1 : 1; /* the oldest frame still in the ring */
        scene.before = frames + 1;
        for (uint64_t tag = 1; tag <= frames; tag++) {
            assert_true(put(&producer, FIRST, tag));
            if (tag < scene.after) {
                assert_int_equal(vd_ring_peek(&consumer, &frame), VD_OK);
                vd_ring_release(&consumer);
            }
        }
        play(&scene, "put");
        clear_stage(&scene);
    }
}

/* The frame is released or it is not; nothing behind it is touched. */
static void act_take(struct scene *scene)
{
    struct vd_ring_consumer consumer;
    const struct vd_frame *frame = NULL;

    if (vd_ring_consumer_init(&consumer, scene->shared) != VD_OK ||
        vd_ring_peek(&consumer, &frame) != VD_OK)
        _exit(1);
    vd_ring_release(&consumer);
}

static void check_take(struct scene *scene)
{
    struct vd_ring_consumer successor;
    const struct vd_frame *frame = NULL;

    assert_int_equal(vd_ring_consumer_init(&successor, scene->copy), VD_OK);
    assert_int_equal(vd_ring_peek(&successor, &frame), VD_OK);
    assert_true(frame->tag == scene->before || frame->tag == scene->before + 1);
    if (frame->tag == scene->before) {
        scene->seen_before++;
    } else {
        scene->seen_after++;
    }
    assert_int_equal(take_all(scene->copy, frame->tag), scene->before + 4 - frame->tag);
}

static void test_ring_take(void **state)
{
    (void)state;
    for (uint64_t taken = 2; taken < 9; taken++) {
        struct scene scene;
        struct vd_ring_producer producer;
        struct vd_ring_consumer consumer;
        const struct vd_frame *frame = NULL;

        set_stage(&scene, vd_ring_bytes(CAPACITY));
        scene.act = act_take;
        scene.check = check_take;
        scene.before = taken + 1;
        assert_int_equal(vd_ring_init(scene.shared, CAPACITY), VD_OK);
        assert_int_equal(vd_ring_producer_init(&producer, scene.shared), VD_OK);
        assert_int_equal(vd_ring_consumer_init(&consumer, scene.shared), VD_OK);
        for (uint64_t tag = 1; tag <= taken + 3; tag++) { /* three stay in the ring */
            assert_true(put(&producer, FIRST, tag));
            if (tag <= taken) {
                assert_int_equal(vd_ring_peek(&consumer, &frame), VD_OK);
                vd_ring_release(&consumer);
            }
        }
        assert_true(put(&producer, FIRST, taken + 4));
        assert_false(vd_ring_has_room(&producer, 2032)); /* a producer waits: the longer way */
        play(&scene, "take");
        clear_stage(&scene);
    }
}

/* ---- table ------------------------------------------------------------------------------------
 */

#define ROWS     5
#define LEFT_MAX 64
#define GONE     0x7fffffu /* process 4194303, started at tick 1: nobody */

static const struct vd_column table_columns[] = {
    {"count", VD_COLUMN_INT, 8}, {"twice", VD_COLUMN_INT, 8}, {"note", VD_COLUMN_STRING, 30}};

/* The table that the victim inherits, and what it does to row "x" of it. */
struct table_scene {
    struct scene scene;
    struct vd_table *table;
    int operation;
    int64_t old; /* of count; -1: no row */
    int64_t new;
    struct vd_table_version version;
    uint64_t rows;                 /* besides "x" */
    unsigned char *left[LEFT_MAX]; /* what kills inside the lock have left, to be repaired */
    size_t left_count;
};

enum { SET, INCREMENT, REMOVE, SWAP, VERSION, OPERATIONS };
static const char *const operation_names[OPERATIONS] = {"set", "incr", "del", "compare-and-set",
                                                        "set a version"};

static void fill_in(struct vd_table_change changes[3], int64_t count)
{
    static const char note[] = "abcdefghijklmnopqrstuvwxyzabcd";

    changes[0] = (struct vd_table_change){0, {.integer = count}};
    changes[1] = (struct vd_table_change){1, {.integer = 2 * count}};
    changes[2] = (struct vd_table_change){2, {.string = {note, (size_t)count % 31}}};
}

static void set_row(struct vd_table *table, const char *key, int64_t count)
{
    struct vd_table_change changes[3];

    fill_in(changes, count);
    assert_int_equal(vd_table_set(table, key, strlen(key), changes, 3, 0, NULL), VD_OK);
}

static void act_table(struct scene *scene)
{
    struct table_scene *own = (struct table_scene *)scene;
    struct vd_table_value old = {.integer = own->old};
    struct vd_table_value new = {.integer = own->new};
    struct vd_table_change changes[3];
    bool swapped;

    switch (own->operation) {
    case SET:
        set_row(own->table, "x", own->new);
        break;
    case INCREMENT:
        vd_table_incr(own->table, "x", 1, 0, 1, 0, NULL, NULL);
        break;
    case REMOVE:
        vd_table_del(own->table, "x", 1, 0, NULL);
        break;
    case VERSION:
        fill_in(changes, own->new);
        vd_table_set_version(own->table, "x", 1, &own->version, changes, 3, 0, 0, &swapped, NULL);
        break;
    default:
        vd_table_compare_and_set(own->table, "x", 1, 0, &old, &new, 0, &swapped, NULL);
    }
}

static int64_t count_of(struct vd_table *table, const char *key, bool whole)
{
    struct vd_table_value values[3];
    char text[32];

    if (vd_table_get(table, key, strlen(key), 0, values, text, NULL) != VD_OK)
        return -1;
    if (whole) {
        assert_int_equal(values[1].integer, 2 * values[0].integer);
        assert_int_equal(values[2].string.length, values[0].integer % 31);
    }
    return values[0].integer;
}

/* Asks the kernel who it is, which are thousands of instructions. */
static void prepare_table(struct scene *scene)
{
    owner_self(&((struct table_scene *)scene)->table->owner);
}

/* The victim is dead, in the copy. Returns whether it has left a lock. */
static bool bury(struct table_shared *shared)
{
    bool locked = shared->pool.lock != 0;

    if (shared->pool.lock)
        shared->pool.lock = GONE;
    if (shared->pool.sweep_lock)
        shared->pool.sweep_lock = GONE;
    for (unsigned i = 0; i < 16; i++) {
        locked |= shared->stripes[i].lock != 0;
        if (shared->stripes[i].lock)
            shared->stripes[i].lock = GONE;
    }
    return locked;
}

/* No row was lost on the way: all of them can be had, and not one more. */
static void fill_up(struct vd_table *table)
{
    char key[] = "fill a";

    while (vd_table_count(table) < ROWS) {
        set_row(table, key, 9);
        key[5]++;
    }
    assert_int_equal(vd_table_set(table, "more", 4, NULL, 0, 0, NULL), VD_ERR_FULL);
    vd_table_clear(table);
    assert_int_equal(vd_table_count(table), 0);
    for (unsigned i = 0; i < ROWS; i++, key[5]++)
        set_row(table, key, i);
    assert_int_equal(vd_table_set(table, "more", 4, NULL, 0, 0, NULL), VD_ERR_FULL);
}

static void keep(struct table_scene *own)
{
    assert_true(own->left_count < LEFT_MAX);
    own->left[own->left_count] = malloc(own->scene.bytes);
    assert_non_null(own->left[own->left_count]);
    memcpy(own->left[own->left_count++], own->scene.copy, own->scene.bytes);
}

static void check_table(struct scene *scene)
{
    struct table_scene *own = (struct table_scene *)scene;
    bool whole = own->operation == SET || own->operation == REMOVE || own->operation == VERSION;
    struct vd_table *table = NULL;
    int64_t count;

    if (bury(scene->copy) && scene->act == act_table)
        keep(own);
    assert_int_equal(vd_table_attach(scene->copy, scene->bytes, &table, NULL), VD_OK);
    count = count_of(table, "x", whole); /* a reader, before anybody has repaired anything */
    assert_true(count == own->old || count == own->new);
    if (count == own->old) {
        scene->seen_before++;
    } else {
        scene->seen_after++;
    }
    vd_table_recover(table);
    assert_int_equal(count_of(table, "x", whole), count);
    assert_int_equal(count_of(table, "a", true), 3);
    assert_int_equal(vd_table_count(table), own->rows + (count >= 0));
    set_row(table, "x", 12);
    assert_int_equal(count_of(table, "x", true), 12);
    fill_up(table);
    vd_table_close(table);
}

static void act_recover(struct scene *scene)
{
    vd_table_recover(((struct table_scene *)scene)->table);
}

/* Whoever repairs is killed too, at each instant; the third one must find the same. */
static void play_repairs(struct table_scene *own, const char *name)
{
    unsigned steps = 0;

    own->scene.act = act_recover;
    for (size_t i = 0; i < own->left_count; i++) {
        pid_t child;

        memcpy(own->scene.shared, own->left[i], own->scene.bytes);
        child = start(act_traced, own);
        wait_for_stop(child, SIGSTOP);
        steps += step_through(&own->scene, child);
        kill_and_reap(child);
    }
    print_message("%s: %u instructions of %zu repairs\n", name, steps, own->left_count);
}

static void drop(struct table_scene *own)
{
    for (size_t i = 0; i < own->left_count; i++)
        free(own->left[i]);
}

/* @used: the row that "x" gets has been another one's before. */
static void play_table(int operation, bool exists, bool used)
{
    struct vd_table_options options = {"t", ROWS, table_columns, 3, 0};
    struct table_scene own = {.operation = operation, .old = exists ? 7 : -1, .rows = 1};
    static const int64_t results[OPERATIONS] = {11, 8, -1, 33, 14};
    struct vd_table_value values[3];
    char text[32];
    char name[64];

    own.new = operation == INCREMENT && !exists ? 1 : results[operation];
    set_stage(&own.scene, vd_table_bytes(&options, NULL));
    own.operation = operation;
    own.scene.prepare = prepare_table;
    own.scene.act = act_table;
    own.scene.check = check_table;
    assert_int_equal(vd_table_init(own.scene.shared, own.scene.bytes, &options, &own.table, NULL),
                     VD_OK);
    set_row(own.table, "b", 1);
    set_row(own.table, "c", 1);
    if (exists)
        set_row(own.table, "x", own.old);
    set_row(own.table, "a", 3);
    if (used || exists)
        assert_int_equal(vd_table_del(own.table, "b", 1, 0, NULL), VD_OK);
    if (used)
        assert_int_equal(vd_table_del(own.table, "c", 1, 0, NULL), VD_OK);
    own.rows = vd_table_count(own.table) - exists;
    vd_table_get_version(own.table, "x", 1, 0, values, text, &own.version, NULL);
    snprintf(name, sizeof(name), "%s, row %s%s", operation_names[operation],
             exists ? "there" : "new", used ? ", after others" : "");
    play(&own.scene, name);
    assert_true(own.left_count > 0);
    if (operation == REMOVE
            ? used
            : operation == SET && !exists) /* the others leave the same states, or fewer */
        play_repairs(&own, name);
    drop(&own);
    vd_table_close(own.table);
    clear_stage(&own.scene);
}

static void test_table(void **state)
{
    (void)state;
    for (int used = 0; used < 2; used++) {
        play_table(SET, false, used);
        play_table(INCREMENT, false, used);
        play_table(VERSION, false, used);
        for (int operation = SET; operation < OPERATIONS; operation++)
            play_table(operation, true, used);
    }
}

/* ---- table: the sweep -------------------------------------------------------------------------
 */

#define SWEPT_AT 1050u /* "a" lives until 1100, the others until 1000 and 1010 */

static void act_sweep(struct scene *scene)
{
    vd_table_expire(((struct table_scene *)scene)->table, SWEPT_AT);
}

/* All of its rows are in use: it sweeps, then there is room. */
static void act_set_in_full(struct scene *scene)
{
    vd_table_set(((struct table_scene *)scene)->table, "x", 1, NULL, 0, SWEPT_AT, NULL);
}

/* What has expired makes room for as many rows as there are places, and "a" when its time comes:
 * when that is was not forgotten. */
static void check_sweep(struct scene *scene)
{
    struct vd_table *table = NULL;
    bool inserts = scene->act == act_set_in_full;
    char key[] = "fill a";
    bool there;

    bury(scene->copy);
    assert_int_equal(vd_table_attach(scene->copy, scene->bytes, &table, NULL), VD_OK);
    assert_int_equal(vd_table_exists(table, "a", 1, SWEPT_AT, NULL), VD_OK);
    assert_int_equal(vd_table_exists(table, "b", 1, SWEPT_AT, NULL), VD_ERR_NOT_FOUND);
    there = vd_table_exists(table, "x", 1, SWEPT_AT, NULL) == VD_OK;
    assert_int_equal(vd_table_count_live(table, SWEPT_AT), 1u + there);
    if (inserts ? there : vd_table_count(table) == 1) {
        scene->seen_after++;
    } else {
        scene->seen_before++;
    }
    for (unsigned i = 1u + there; i < ROWS; i++, key[5]++)
        assert_int_equal(vd_table_set(table, key, 6, NULL, 0, SWEPT_AT, NULL), VD_OK);
    assert_int_equal(vd_table_set(table, "more", 4, NULL, 0, SWEPT_AT, NULL), VD_ERR_FULL);
    assert_int_equal(vd_table_set(table, "more", 4, NULL, 0, 1099, NULL), VD_ERR_FULL);
    assert_int_equal(vd_table_set(table, "more", 4, NULL, 0, 1100, NULL), VD_OK);
    assert_int_equal(vd_table_exists(table, "a", 1, 0, NULL), VD_ERR_NOT_FOUND);
    assert_int_equal(vd_table_count(table), ROWS);
    vd_table_close(table);
}

static void test_table_sweep(void **state)
{
    struct vd_table_options options = {"t", ROWS, table_columns, 3, 100};
    (void)state;

    for (int inserts = 0; inserts < 2; inserts++) {
        struct table_scene own = {0};

        set_stage(&own.scene, vd_table_bytes(&options, NULL));
        own.scene.prepare = prepare_table;
        own.scene.act = inserts ? act_set_in_full : act_sweep;
        own.scene.check = check_sweep;
        assert_int_equal(
            vd_table_init(own.scene.shared, own.scene.bytes, &options, &own.table, NULL), VD_OK);
        vd_table_set(own.table, "b", 1, NULL, 0, 900, NULL);
        vd_table_set(own.table, "c", 1, NULL, 0, 910, NULL);
        vd_table_set(own.table, "a", 1, NULL, 0, 1000, NULL);
        vd_table_set(own.table, "d", 1, NULL, 0, 900, NULL);
        vd_table_set(own.table, "e", 1, NULL, 0, 910, NULL);
        play(&own.scene, inserts ? "set that sweeps" : "sweep");
        vd_table_close(own.table);
        clear_stage(&own.scene);
    }
}

/* ---- counters ---------------------------------------------------------------------------------
 */

#define COUNTERS 4

static struct vd_counter *counter_of(struct vd_counters *counters, const char *name,
                                     int64_t initial)
{
    struct vd_counter *counter = NULL;

    if (vd_counters_get(counters, name, strlen(name), initial, &counter, NULL) != VD_OK)
        return NULL;
    return counter;
}

static void act_name(struct scene *scene)
{
    counter_of(scene->shared, "x", 7);
}

/* The new one is there with its value, or can be had anew; the old ones are found; one place each.
 */
static void check_name(struct scene *scene)
{
    static const char *const names[COUNTERS] = {"a", "b", "x", "y"};
    struct vd_counters *counters = scene->copy;
    _Atomic uint64_t *lock = &((_Atomic uint64_t *)scene->copy)[8];
    uint64_t count = vd_counters_count(counters);

    if (atomic_load(lock))
        atomic_store(lock, GONE);
    assert_true(count == 2 || count == 3);
    if (count == 2) {
        scene->seen_before++;
    } else {
        scene->seen_after++;
    }
    if (scene->before) /* else whoever adds the next one repairs */
        vd_counters_recover(counters);
    assert_int_equal(vd_counter_get(counter_of(counters, "a", 0)), 1);
    assert_int_equal(vd_counter_get(counter_of(counters, "b", 0)), 2);
    assert_int_equal(vd_counter_get(counter_of(counters, "x", 9)), count == 3 ? 7 : 9);
    assert_int_equal(vd_counters_count(counters), 3);
    assert_non_null(counter_of(counters, "y", 0));
    assert_null(counter_of(counters, "z", 0));
    for (unsigned i = 0; i < COUNTERS; i++) {
        const char *name = NULL;

        assert_ptr_equal(vd_counters_at(counters, i, &name), counter_of(counters, names[i], 0));
        assert_string_equal(name, names[i]);
    }
}

static void test_counter_names(void **state)
{
    (void)state;
    for (uint64_t recover = 0; recover < 2; recover++) {
        struct vd_counters *counters = NULL;
        struct scene scene;

        set_stage(&scene, vd_counters_bytes(COUNTERS));
        scene.act = act_name;
        scene.check = check_name;
        scene.before = recover;
        assert_int_equal(vd_counters_init(scene.shared, COUNTERS, &counters, NULL), VD_OK);
        assert_non_null(counter_of(counters, "a", 1));
        assert_non_null(counter_of(counters, "b", 2));
        play(&scene, "a new name");
        clear_stage(&scene);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_history_append), cmocka_unit_test(test_ring_put),
        cmocka_unit_test(test_ring_take),      cmocka_unit_test(test_table),
        cmocka_unit_test(test_table_sweep),    cmocka_unit_test(test_counter_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
