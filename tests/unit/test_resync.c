/* SPDX-License-Identifier: Apache-2.0 */
/* Gaps of the broker's link, as streams and workers get to know of them; time is the test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gateway.h"

#define LOG_BYTES (64 * 1024)
#define ENTRIES   256
#define STREAMS   1000

struct fixture {
    struct vd_server_config config;
    struct vd_node node;
    struct gateway gateway;
    struct gw_connection connections[STREAMS];
    struct gw_stream *streams[STREAMS];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    size_t bytes = (vd_history_bytes(LOG_BYTES, ENTRIES) + 63) & ~(size_t)63;

    f->config.stream_queue_bytes = 1 << 20;
    f->node.history = aligned_alloc(64, bytes);
    memset(f->node.history, 0, bytes);
    assert_int_equal(vd_history_init(f->node.history, LOG_BYTES, ENTRIES, 7), VD_OK);
    f->gateway.node = &f->node;
    f->gateway.config = &f->config;
    f->gateway.now_ms = 1000000;
    f->gateway.replay = gw_replay_create(f->node.history, 100, 1000);
    TAILQ_INIT(&f->gateway.connections);
    for (unsigned i = 0; i < STREAMS; i++) {
        struct gw_stream *stream = calloc(1, sizeof(*stream));

        stream->queue = stream->inline_queue;
        stream->queue_capacity = GW_STREAM_INLINE;
        stream->connection = &f->connections[i];
        f->connections[i].gateway = &f->gateway;
        f->connections[i].stream = f->streams[i] = stream;
        TAILQ_INSERT_TAIL(&f->gateway.connections, &f->connections[i], link);
    }
    f->gateway.stream_count = STREAMS;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    for (unsigned i = 0; i < STREAMS; i++) {
        struct gw_stream *stream = f->streams[i];

        for (uint32_t n = 0; n < stream->queue_count; n++)
            gw_event_release(stream->queue[n]); /* nothing was sent: it begins at 0 */
        if (stream->queue != stream->inline_queue)
            free(stream->queue);
        free(stream);
    }
    gw_event_release(f->gateway.resync.event);
    gw_replay_destroy(f->gateway.replay);
    free(f->node.history);
    free(f);
    return 0;
}

static unsigned told(const struct fixture *f, uint32_t times)
{
    unsigned count = 0;

    for (unsigned i = 0; i < STREAMS; i++)
        count += f->streams[i]->queue_count == times;
    return count;
}

static void pass(struct fixture *f, uint64_t ms)
{
    f->gateway.now_ms += ms;
    gw_resync_turn(&f->gateway);
}

static void streams_are_told_in_portions_within_a_second(void **state)
{
    struct fixture *f = *state;
    unsigned before = 0, now;

    assert_int_equal(gw_resync_next_ms(&f->gateway), 0);
    gw_resync(&f->gateway, "broker reconnected");
    for (unsigned step = 0; step < 20; step++) {
        now = told(f, 1);
        assert_true(now - before <= 256);
        before = now;
        if (now == STREAMS)
            break;
        assert_true(gw_resync_next_ms(&f->gateway) > f->gateway.now_ms);
        gw_resync_turn(&f->gateway); /* not before its time */
        assert_int_equal(told(f, 1), now);
        pass(f, gw_resync_next_ms(&f->gateway) - f->gateway.now_ms);
    }
    assert_int_equal(told(f, 1), STREAMS);
    assert_true(f->gateway.now_ms < 1001000);
    assert_int_equal(gw_resync_next_ms(&f->gateway), 0);
    assert_int_equal(f->gateway.counters.gaps, STREAMS);
    assert_non_null(memmem(f->streams[0]->queue[0]->bytes, f->streams[0]->queue[0]->length,
                           "id: 7:1\nevent: gap\ndata: {\"reason\":\"broker reconnected\"}\n", 52));
}

static void a_message_does_not_overtake_the_gap(void **state)
{
    struct fixture *f = *state;
    struct gw_stream *last = f->streams[STREAMS - 1];
    struct gw_event *event = gw_event_text("data: x\n\n");

    gw_resync(&f->gateway, "broker reconnected");
    assert_int_equal(last->queue_count, 0);
    gw_stream_enqueue(last, event);
    assert_int_equal(last->queue_count, 2);
    assert_ptr_equal(last->queue[0], f->gateway.resync.event);
    assert_ptr_equal(last->queue[1], event);
    for (unsigned i = 0; i < 20; i++)
        pass(f, 50);
    assert_int_equal(last->queue_count, 2); /* once */
    assert_int_equal(told(f, 1), STREAMS - 1);
    gw_event_release(event);
}

static void remember(struct fixture *f, const char *scope)
{
    struct vd_message message = {.scope = scope, .scope_length = strlen(scope)};
    uint64_t offset;

    assert_true(gw_publish_remember(&f->gateway, &message, (struct vd_history_source){0}, &offset));
}

/* Who was away finds it between what came before and what came after, whatever is followed. */
static void a_replay_has_the_gap_in_its_place(void **state)
{
    static const char *const patterns[] = {"a", "*", "a*", "never heard of"};
    struct fixture *f = *state;
    uint64_t *offsets;
    bool gap;

    remember(f, "a");
    remember(f, "a");
    gw_resync(&f->gateway, "broker reconnected");
    remember(f, "a");
    for (unsigned round = 0; round < 2; round++) {
        for (size_t i = 0; i < 4; i++) {
            const struct vd_text pattern = {patterns[i], strlen(patterns[i])};
            size_t count = gw_replay_collect(f->gateway.replay, &pattern, 1, 1, f->gateway.wall_ms,
                                             &offsets, &gap);
            struct gw_event *event = gw_replay_event(f->gateway.replay, 3);

            assert_false(gap);
            assert_int_equal(count, i < 3 ? 3 : 1);
            assert_int_equal(offsets[i < 3 ? 1 : 0], 3);
            assert_int_equal(event->length, f->gateway.resync.event->length);
            assert_memory_equal(event->bytes, f->gateway.resync.event->bytes, event->length);
            gw_event_release(event);
            free(offsets);
        }
        gw_replay_destroy(f->gateway.replay); /* a successor's is the same */
        f->gateway.replay = gw_replay_create(f->node.history, 100, 1000);
    }
}

static void gaps_in_quick_succession_are_told_as_one(void **state)
{
    struct fixture *f = *state;

    for (unsigned i = 0; i < 100; i++) {
        gw_resync_soon(&f->gateway, "messages of another node were lost");
        pass(f, 5);
    }
    for (unsigned i = 0; i < 9; i++)
        pass(f, 50);
    assert_int_equal(told(f, 1), STREAMS);
    assert_int_equal(vd_history_next(f->node.history), 2);
    for (unsigned i = 0; i < 30; i++)
        pass(f, 50);
    assert_int_equal(told(f, 2), STREAMS); /* what was lost after the first */
    assert_int_equal(vd_history_next(f->node.history), 3);
    assert_int_equal(gw_resync_next_ms(&f->gateway), 0);
}

/* Two drops of the link are two gaps, but a stream that was not told of the first yet learns of
 * both at once. */
static void drops_of_the_link_are_told_at_once(void **state)
{
    struct fixture *f = *state;

    gw_resync(&f->gateway, "broker reconnected");
    gw_resync(&f->gateway, "broker reconnected");
    assert_int_equal(f->streams[0]->queue_count, 2);
    for (unsigned i = 0; i < 20; i++)
        pass(f, 50);
    assert_int_equal(told(f, 1) + told(f, 2), STREAMS);
    assert_true(told(f, 1) >= STREAMS - 512);
}

static void streams_that_end_are_left_alone(void **state)
{
    struct fixture *f = *state;

    f->streams[3]->ending = true;
    f->connections[4].dead = true;
    f->connections[5].stream = NULL;
    gw_resync(&f->gateway, "broker reconnected");
    for (unsigned i = 0; i < 20; i++)
        pass(f, 50);
    assert_int_equal(told(f, 1), STREAMS - 3);
    assert_int_equal(told(f, 0), 3);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(streams_are_told_in_portions_within_a_second),
        TEST(a_message_does_not_overtake_the_gap),
        TEST(a_replay_has_the_gap_in_its_place),
        TEST(gaps_in_quick_succession_are_told_as_one),
        TEST(drops_of_the_link_are_told_at_once),
        TEST(streams_that_end_are_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
