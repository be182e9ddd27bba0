/* SPDX-License-Identifier: Apache-2.0 */
/* The replay index against a plain list of everything that was ever published: what a stream that
 * comes back gets is exactly what it missed, or a gap is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "gateway.h"

#define LOG_BYTES       (64 * 1024)
#define ENTRIES         256
#define PER_SCOPE       20
#define AGE_MS          1000
#define EPOCH           77
#define LARGE_LOG_BYTES (32 * 1024 * 1024)
#define LARGE_ENTRIES   (128 * 1024)

struct fixture {
    struct vd_history *history;
    struct gw_replay *replay;
    uint64_t now_ms;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    f->history = aligned_alloc(64, (vd_history_bytes(LOG_BYTES, ENTRIES) + 63) & ~(size_t)63);
    memset(f->history, 0, vd_history_bytes(LOG_BYTES, ENTRIES));
    assert_int_equal(vd_history_init(f->history, LOG_BYTES, ENTRIES, EPOCH), VD_OK);
    f->replay = gw_replay_create(f->history, PER_SCOPE, AGE_MS);
    f->now_ms = 1000000;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    gw_replay_destroy(f->replay);
    free(f->history);
    free(f);
    return 0;
}

static uint64_t publish_from(struct fixture *f, const char *scope, struct vd_history_source source)
{
    struct vd_message message = {.scope = scope,
                                 .scope_length = strlen(scope),
                                 .data = "x",
                                 .data_length = 1,
                                 .has_data = true};
    uint64_t offset = 0;

    assert_int_equal(vd_history_append(f->history, &message, source, f->now_ms, &offset), VD_OK);
    gw_replay_note(f->replay, offset, scope, strlen(scope));
    return offset;
}

static uint64_t publish(struct fixture *f, const char *scope)
{
    return publish_from(f, scope, (struct vd_history_source){0});
}

static size_t replay(struct fixture *f, const char *a, const char *b, uint64_t last,
                     uint64_t **offsets, bool *gap)
{
    struct vd_text patterns[2] = {{a, strlen(a)}, {b, b ? strlen(b) : 0}};

    return gw_replay_collect(f->replay, patterns, b ? 2 : 1, last, f->now_ms, offsets, gap);
}

static void assert_replay(struct fixture *f, const char *a, const char *b, uint64_t last,
                          const uint64_t *expected, size_t count, bool gap)
{
    uint64_t *offsets;
    bool said;
    size_t found = replay(f, a, b, last, &offsets, &said);

    assert_int_equal(found, count);
    assert_int_equal(said, gap);
    if (count)
        assert_memory_equal(offsets, expected, count * sizeof(*expected));
    free(offsets);
}

static void only_what_was_missed_of_the_own_scope(void **state)
{
    struct fixture *f = *state;

    publish(f, "room:a");
    publish(f, "room:b");
    publish(f, "room:a");
    assert_replay(f, "room:a", NULL, 0, (uint64_t[]){1, 3}, 2, false);
    assert_replay(f, "room:a", NULL, 1, (uint64_t[]){3}, 1, false);
    assert_replay(f, "room:a", NULL, 3, NULL, 0, false);
    assert_replay(f, "room:c", NULL, 0, NULL, 0, false);
}

static void several_scopes_come_in_order_and_once(void **state)
{
    struct fixture *f = *state;

    publish(f, "room:a");
    publish(f, "room:b");
    publish(f, "room:a");
    assert_replay(f, "room:b", "room:a", 0, (uint64_t[]){1, 2, 3}, 3, false);
    assert_replay(f, "room:*", "room:a", 0, (uint64_t[]){1, 2, 3}, 3, false);
    assert_replay(f, "room:a", "room:a", 1, (uint64_t[]){3}, 1, false);
}

static void a_broadcast_to_a_glob_is_replayed_to_those_it_reached(void **state)
{
    struct fixture *f = *state;

    publish(f, "room:*");
    publish(f, "other:*");
    assert_replay(f, "room:a", NULL, 0, (uint64_t[]){1}, 1, false);
    assert_replay(f, "*:x", NULL, 0, (uint64_t[]){1, 2}, 2, false);
}

static void more_than_the_scope_keeps_is_a_gap(void **state)
{
    struct fixture *f = *state;
    uint64_t *offsets;
    bool gap;

    for (int i = 0; i < PER_SCOPE + 5; i++)
        publish(f, "room:a");
    assert_int_equal(replay(f, "room:a", NULL, 0, &offsets, &gap), PER_SCOPE);
    assert_true(gap);
    assert_int_equal(offsets[0], 6);
    free(offsets);
    /* The five that are gone were seen: no gap. */
    assert_int_equal(replay(f, "room:a", NULL, 5, &offsets, &gap), PER_SCOPE);
    assert_false(gap);
    free(offsets);
}

static void old_age_is_a_gap(void **state)
{
    struct fixture *f = *state;

    publish(f, "room:a");
    f->now_ms += AGE_MS + 1;
    publish(f, "room:a");
    assert_replay(f, "room:a", NULL, 0, (uint64_t[]){2}, 1, true);
    assert_replay(f, "room:a", NULL, 1, (uint64_t[]){2}, 1, false);
}

static void what_the_log_had_to_drop_is_a_gap_for_its_scope_alone(void **state)
{
    struct fixture *f = *state;

    publish(f, "room:a");
    publish(f, "room:b");
    for (int i = 0; i < ENTRIES; i++)
        publish(f, i % 2 ? "noise:1" : "noise:2");
    assert_true(vd_history_first(f->history) > 2);
    assert_replay(f, "room:a", NULL, 0, NULL, 0, true);
    assert_replay(f, "room:a", NULL, 1, NULL, 0, false);
    /* It is known that nobody ever spoke in room:c. */
    assert_replay(f, "room:c", NULL, 0, NULL, 0, false);
}

static void a_successor_says_gap_where_it_cannot_know(void **state)
{
    struct fixture *f = *state;
    uint64_t first;

    publish(f, "room:a");
    for (int i = 0; i < ENTRIES; i++)
        publish(f, "noise:1");
    publish(f, "room:b");
    gw_replay_destroy(f->replay);
    f->replay = gw_replay_create(f->history, PER_SCOPE, AGE_MS);
    first = vd_history_first(f->history);
    assert_replay(f, "room:a", NULL, 0, NULL, 0, true);
    assert_replay(f, "room:a", NULL, first - 1, NULL, 0, false);
    assert_replay(f, "room:b", NULL, first, (uint64_t[]){vd_history_next(f->history) - 1}, 1,
                  false);
    /* A scope that is known now, but may have had older messages. */
    assert_replay(f, "room:b", NULL, 0, (uint64_t[]){vd_history_next(f->history) - 1}, 1, true);
}

static void a_frame_that_was_appended_is_recognised_by_the_successor(void **state)
{
    struct fixture *f = *state;
    struct vd_history_source source = {.source = 3, .generation = 2, .position = 4096};

    publish_from(f, "room:a", source);
    gw_replay_destroy(f->replay);
    f->replay = gw_replay_create(f->history, PER_SCOPE, AGE_MS);
    assert_true(gw_replay_has_seen(f->replay, source));
    source.position = 4097;
    assert_false(gw_replay_has_seen(f->replay, source));
    source.position = 4096;
    source.generation = 3;
    assert_false(gw_replay_has_seen(f->replay, source));
    source.generation = 2;
    source.source = 4;
    assert_false(gw_replay_has_seen(f->replay, source));
}

/* ---- many
 * ----------------------------------------------------------------------------------------
 */

static int setup_large(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    size_t bytes = vd_history_bytes(LARGE_LOG_BYTES, LARGE_ENTRIES);

    f->history = aligned_alloc(64, (bytes + 63) & ~(size_t)63);
    assert_int_equal(vd_history_init(f->history, LARGE_LOG_BYTES, LARGE_ENTRIES, EPOCH), VD_OK);
    f->replay = gw_replay_create(f->history, PER_SCOPE, AGE_MS);
    f->now_ms = 1000000;
    *state = f;
    return 0;
}

static void flood_scopes(struct fixture *f, unsigned count)
{
    static unsigned number;
    char scope[32];

    while (count--) {
        snprintf(scope, sizeof(scope), "session:%u", number++);
        publish(f, scope);
    }
}

/* More live scopes than the index likes to keep: what a publish costs must not grow with them. */
static void ever_new_scopes_are_cheap(void **state)
{
    struct fixture *f = *state;
    clock_t began = clock(); /* processor time: whatever else this machine does */

    flood_scopes(f, 180000);
    assert_true(clock() - began < 8 * CLOCKS_PER_SEC);
}

static void a_scope_that_was_forgotten_has_lost_something(void **state)
{
    struct fixture *f = *state;
    uint64_t *offsets, last;
    bool gap;

    publish(f, "room:a");
    flood_scopes(f, 140000); /* the history keeps far fewer */
    publish(f, "room:a");
    last = vd_history_next(f->history) - 1;
    assert_int_equal(replay(f, "room:a", NULL, 0, &offsets, &gap), 1);
    assert_true(gap);
    free(offsets);
    assert_replay(f, "room:a", NULL, last, NULL, 0, false);
}

/* Thousands come back at once: each event is encoded once, however many they missed. */
static void streams_that_come_back_share_what_they_missed(void **state)
{
    struct fixture *f = *state;
    struct gw_event *events[4000];

    for (int i = 0; i < 4000; i++)
        publish(f, "room:a");
    for (uint64_t i = 0; i < 4000; i++)
        events[i] = gw_replay_event(f->replay, i + 1);
    for (uint64_t i = 0; i < 4000; i++) {
        struct gw_event *again = gw_replay_event(f->replay, i + 1);

        assert_ptr_equal(again, events[i]);
        gw_event_release(again);
    }
    /* What the history has dropped is not kept for anybody. */
    for (int i = 0; i < LARGE_ENTRIES; i++)
        publish(f, "room:b");
    for (int i = 0; i < 4000; i++) {
        assert_int_equal(events[i]->references, 1);
        gw_event_release(events[i]);
    }
}

/* ---- against a model ---------------------------------------------------------------------------
 */

#define MODEL_MESSAGES 3000

static const char *const scopes[] = {"a:1", "a:2", "b:1", "a:*", "*:1", "c"};

static void check_against_list(struct fixture *f, const int *published, uint64_t count,
                               const char *pattern, uint64_t last)
{
    uint64_t *offsets, at = 0;
    bool gap;
    size_t found = replay(f, pattern, NULL, last, &offsets, &gap), missed = 0;

    for (uint64_t offset = last + 1; offset <= count; offset++) {
        const char *scope = scopes[published[offset]];

        if (!vd_scope_overlaps(pattern, strlen(pattern), scope, strlen(scope)))
            continue;
        if (at < found && offsets[at] == offset) {
            at++;
        } else {
            missed++;
        }
    }
    assert_int_equal(at, found); /* nothing else, in order */
    if (missed)
        assert_true(gap);
    free(offsets);
}

static void random_histories_agree_with_a_list(void **state)
{
    struct fixture *f = *state;
    int published[MODEL_MESSAGES + 1];
    uint32_t seed = 1;

    for (uint64_t count = 1; count <= MODEL_MESSAGES; count++) {
        seed = seed * 1103515245u + 12345u;
        published[count] = (int)((seed >> 16) % 6);
        publish(f, scopes[published[count]]);
        seed = seed * 1103515245u + 12345u;
        if (count % 400 == 399) {
            gw_replay_destroy(f->replay);
            f->replay = gw_replay_create(f->history, PER_SCOPE, AGE_MS);
        }
        check_against_list(f, published, count, scopes[(seed >> 8) % 6],
                           count - (seed >> 16) % (count < 300 ? count : 300));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_what_was_missed_of_the_own_scope, setup, teardown),
        cmocka_unit_test_setup_teardown(several_scopes_come_in_order_and_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_broadcast_to_a_glob_is_replayed_to_those_it_reached,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(more_than_the_scope_keeps_is_a_gap, setup, teardown),
        cmocka_unit_test_setup_teardown(old_age_is_a_gap, setup, teardown),
        cmocka_unit_test_setup_teardown(what_the_log_had_to_drop_is_a_gap_for_its_scope_alone,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_successor_says_gap_where_it_cannot_know, setup, teardown),
        cmocka_unit_test_setup_teardown(a_frame_that_was_appended_is_recognised_by_the_successor,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(ever_new_scopes_are_cheap, setup_large, teardown),
        cmocka_unit_test_setup_teardown(a_scope_that_was_forgotten_has_lost_something, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(streams_that_come_back_share_what_they_missed, setup_large,
                                        teardown),
        cmocka_unit_test_setup_teardown(random_histories_agree_with_a_list, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
