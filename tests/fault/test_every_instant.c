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

#include <viaduct/history.h>
#include <viaduct/ring.h>

#include "killing.h"

#define STEPS_MAX 2000000u

/* One operation on shared memory, and what must hold at each instant of it. */
struct scene {
    void *shared;
    void *copy;
    size_t bytes;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_history_append),
        cmocka_unit_test(test_ring_put),
        cmocka_unit_test(test_ring_take),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
