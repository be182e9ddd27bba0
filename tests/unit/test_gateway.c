/* SPDX-License-Identifier: Apache-2.0 */
/* What the gateway makes of a worker's frames and of its death, apart from who answers a request
 * (test_dispatch.c). A real gateway; the test plays workers and clients. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <viaduct/clock.h>

#include "../support/tries.h"
#include "stage.h"

static uint64_t take(struct hand *hand)
{
    char target[64];
    uint64_t id = 0;

    STAGE_UNTIL(hand_take(hand, &id, target, sizeof(target)) == HAND_TAKEN);
    return id;
}

/* A sanitizer takes its time, and keeps what was freed for a while. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZER_FACTOR 30
#else
#define SANITIZER_FACTOR 1
#endif

static size_t resident_bytes(pid_t pid)
{
    char path[64], line[128];
    size_t kilobytes = 0;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE *status = fopen(path, "r");
    assert_non_null(status);
    while (fgets(line, sizeof(line), status))
        (void)!sscanf(line, "RssAnon: %zu kB", &kilobytes);
    fclose(status);
    return kilobytes * 1024;
}

static void a_streamed_answer_without_a_body_has_none(void **state)
{
    static const unsigned statuses[] = {204, 304};
    struct stage stage;

    (void)state;
    stage_start(&stage, (struct vd_server_config){.workers = 1});
    struct hand *hand = &stage.hands[0];

    hand_start(hand);
    for (int i = 0; i < 2; i++) {
        struct vd_frame_response head = {.status = statuses[i],
                                         .body_length = VD_BODY_LENGTH_UNKNOWN};
        char buffer[1024] = "";
        int fd = client_connect(&stage);

        client_get(fd, "/");
        uint64_t id = take(hand);
        hand_send(hand, VD_FRAME_RESPONSE_BEGIN, id, &head, sizeof(head), true);
        hand_send(hand, VD_FRAME_RESPONSE_BODY, id, "body", 4, true);
        hand_send(hand, VD_FRAME_RESPONSE_END, id, NULL, 0, true);
        hand_release(hand, &hand->requests);
        client_get(fd, "/next");
        hand_answer(hand, take(hand), 200, "next", true);
        hand_release(hand, &hand->requests);
        STAGE_UNTIL(strstr(buffer, "next") || !client_read(fd, buffer, sizeof(buffer)));
        assert_null(strstr(buffer, "Transfer-Encoding"));
        assert_memory_equal(strstr(buffer, "\r\n\r\n"), "\r\n\r\nHTTP/1.1 200 OK\r\n", 21);
        close(fd);
    }
    stage_stop(&stage);
}

static void set_interval(struct hand *hand, uint32_t id, uint32_t milliseconds)
{
    assert_true(hand_send(hand, VD_FRAME_INTERVAL, id, &milliseconds, sizeof(milliseconds), true));
}

/* Reads on until an event of @type comes; false: not within @ms. */
static bool event_comes(struct hand *hand, uint16_t type, unsigned ms)
{
    uint64_t until_ms = vd_monotonic_ms() + ms;
    const struct vd_frame *frame;
    bool found = false;

    while (!found && vd_monotonic_ms() < until_ms) {
        frame = hand_event(hand);
        if (!frame) {
            usleep(500);
            continue;
        }
        found = frame->type == type;
        hand_release(hand, &hand->events);
    }
    return found;
}

static bool a_tick_that_a_dead_worker_had_not_read_is_anothers_in_time(void)
{
    struct stage stage;

    stage_start(&stage, (struct vd_server_config){.workers = 2});
    for (int i = 0; i < 2; i++) {
        hand_begin(&stage.hands[i]);
        set_interval(&stage.hands[i], 5, 1500);
        hand_ready(&stage.hands[i]);
    }
    STAGE_UNTIL(hand_event(&stage.hands[0]) || hand_event(&stage.hands[1]));
    int has_it = hand_event(&stage.hands[1]) != NULL;
    hand_die(&stage.hands[has_it], VD_DEATH_CLEAN);
    bool soon = event_comes(&stage.hands[!has_it], VD_FRAME_EVENT_TIMER, 700);
    /* Nobody is there when it is due: the next one to come does not wait for the one after. */
    hand_die(&stage.hands[!has_it], VD_DEATH_CRASH);
    usleep(1600 * 1000);
    STAGE_UNTIL(hand_is_buried(&stage.hands[0]) && hand_is_buried(&stage.hands[1]));
    hand_begin(&stage.hands[0]);
    set_interval(&stage.hands[0], 5, 1500);
    hand_ready(&stage.hands[0]);
    soon &= event_comes(&stage.hands[0], VD_FRAME_EVENT_TIMER, 700);
    stage_stop(&stage);
    return soon;
}

static void a_tick_that_a_dead_worker_had_not_read_is_anothers(void **state)
{
    (void)state;
    in_few_tries(a_tick_that_a_dead_worker_had_not_read_is_anothers_in_time);
}

static void a_tick_that_found_no_room_is_not_the_last(void **state)
{
    char data[20] = "";
    struct stage stage;
    struct hand *hand = &stage.hands[0];

    (void)state;
    stage_start(&stage, (struct vd_server_config){.workers = 1});
    hand_begin(hand);
    hand_subscribe(hand, 7, "a");
    hand_ready(hand);
    for (int i = 0; i < 20000; i++)
        STAGE_UNTIL(hand_publish(hand, "a", data, sizeof(data)));
    STAGE_UNTIL(vd_ring_depth_bytes(stage.node.to_gateway[0]) == 0);
    uint64_t dropped = atomic_load(&hand->slot->events_dropped);
    assert_true(dropped > 0);
    set_interval(hand, 5, 50);
    STAGE_UNTIL(atomic_load(&hand->slot->events_dropped) > dropped);
    assert_true(event_comes(hand, VD_FRAME_EVENT_TIMER, STAGE_WAIT_MS));
    stage_stop(&stage);
}

static void a_large_message_that_a_dead_worker_had_not_read_is_anothers(void **state)
{
    static char data[65530];
    struct stage stage;
    const struct vd_frame *frame;
    size_t length = 0;

    (void)state;
    stage_start(&stage, (struct vd_server_config){.workers = 2});
    for (int i = 0; i < 2; i++) {
        hand_begin(&stage.hands[i]);
        hand_subscribe(&stage.hands[i], 7, "a");
        hand_ready(&stage.hands[i]);
    }
    STAGE_UNTIL(hand_publish(&stage.hands[0], "a", data, sizeof(data)));
    STAGE_UNTIL(hand_event(&stage.hands[0]) || hand_event(&stage.hands[1]));
    int has_it = hand_event(&stage.hands[1]) != NULL;
    assert_true(hand_event(&stage.hands[has_it])->flags & VD_FRAME_MORE);
    struct hand *other = &stage.hands[!has_it];
    hand_die(&stage.hands[has_it], VD_DEATH_CRASH);
    do {
        STAGE_UNTIL((frame = hand_event(other)) != NULL);
        assert_int_equal(frame->flags & VD_FRAME_CONTINUED, length ? VD_FRAME_CONTINUED : 0);
        length += frame->length;
        bool more = frame->flags & VD_FRAME_MORE;
        hand_release(other, &other->events);
        if (!more)
            break;
    } while (true);
    assert_int_equal(length, sizeof(struct vd_frame_message) + 1 + VD_NODE_ID_CHARS + sizeof(data));
    stage_stop(&stage);
}

/* Workers number their subscriptions themselves: one that has another first gives another number.
 */
static void an_unread_message_goes_to_its_own_subscription(void **state)
{
    struct stage stage;
    struct hand *dying = &stage.hands[0], *other = &stage.hands[1];

    (void)state;
    stage_start(&stage, (struct vd_server_config){.workers = 2});
    hand_begin(dying);
    hand_subscribe(dying, 7, "a");
    hand_ready(dying);
    STAGE_UNTIL(vd_ring_depth_bytes(stage.node.to_gateway[0]) == 0);
    hand_begin(other);
    hand_subscribe(other, 7, "b");
    hand_ready(other);
    STAGE_UNTIL(vd_ring_depth_bytes(stage.node.to_gateway[1]) == 0);
    hand_publish(other, "a", "x", 1);
    STAGE_UNTIL(hand_event(dying));
    hand_die(dying, VD_DEATH_CRASH);
    STAGE_UNTIL(hand_is_buried(dying));
    assert_false(event_comes(other, VD_FRAME_EVENT_MESSAGE, 20));
    hand_begin(dying);
    hand_subscribe(dying, 7, "a");
    hand_ready(dying);
    assert_true(event_comes(dying, VD_FRAME_EVENT_MESSAGE, STAGE_WAIT_MS));
    stage_stop(&stage);
}

/* While no member is alive, messages wait: so many megabytes, not so many messages. */
static void what_waits_for_a_member_is_bounded_in_bytes(void **state)
{
    static char data[60000];
    struct stage stage;
    struct hand *gone = &stage.hands[0], *other = &stage.hands[1];

    (void)state;
    stage_start(&stage, (struct vd_server_config){.workers = 2, .history_log_bytes = 65536});
    hand_begin(gone);
    hand_subscribe(gone, 7, "a");
    hand_ready(gone);
    hand_start(other);
    STAGE_UNTIL(vd_ring_depth_bytes(stage.node.to_gateway[0]) == 0);
    hand_die(gone, VD_DEATH_CRASH);
    STAGE_UNTIL(hand_is_buried(gone));
    size_t before = resident_bytes(stage.gateway);
    for (int i = 0; i < 900; i++)
        STAGE_UNTIL(hand_publish(other, "a", data, sizeof(data)));
    STAGE_UNTIL(vd_ring_depth_bytes(stage.node.to_gateway[1]) == 0);
    assert_true(resident_bytes(stage.gateway) - before < SANITIZER_FACTOR * 12000000);
    hand_begin(gone);
    hand_subscribe(gone, 7, "a");
    hand_ready(gone);
    assert_true(event_comes(gone, VD_FRAME_EVENT_MESSAGE, STAGE_WAIT_MS));
    stage_stop(&stage);
}

/* One worker that is busy, and broadcasts to thousands of scopes: what waits for it coalesces, and
 * looking for what waits already does not cost more the more there is. */
static bool invalidations_for_a_busy_worker_coalesce_and_stay_cheap_in_time(void)
{
    struct stage stage;
    struct hand *busy = &stage.hands[0], *other = &stage.hands[1];
    uint64_t began_ms;
    char scope[16];

    stage_start(&stage, (struct vd_server_config){.workers = 2});
    hand_begin(busy);
    hand_subscribe(busy, 7, "s:*");
    hand_ready(busy);
    hand_start(other);
    STAGE_UNTIL(vd_ring_depth_bytes(stage.node.to_gateway[0]) == 0);
    began_ms = vd_monotonic_ms();
    for (int i = 0; i < 12 * 7000; i++) {
        snprintf(scope, sizeof(scope), "s:%d", i % 7000);
        STAGE_UNTIL(hand_publish(other, scope, NULL, 0));
    }
    STAGE_UNTIL(vd_ring_depth_bytes(stage.node.to_gateway[1]) == 0);
    assert_int_equal(atomic_load(&busy->slot->events_dropped), 0);
    uint64_t took_ms = vd_monotonic_ms() - began_ms;
    stage_stop(&stage);
    return took_ms < SANITIZER_FACTOR * 1200;
}

static void invalidations_for_a_busy_worker_coalesce_and_stay_cheap(void **state)
{
    (void)state;
    in_few_tries(invalidations_for_a_busy_worker_coalesce_and_stay_cheap_in_time);
}

/* The supervisor waits for the burial, but not for ever. */
static void a_worker_that_was_never_buried_is_mourned_all_the_same(void **state)
{
    struct stage stage;
    struct hand *hand = &stage.hands[0];
    char buffer[1024] = "";

    (void)state;
    stage_start(&stage, (struct vd_server_config){.workers = 1});
    hand_start(hand);
    int fd = client_connect(&stage);
    client_get(fd, "/");
    take(hand);
    kill(stage.gateway, SIGSTOP);
    hand_release(hand, &hand->requests);
    hand_die(hand, VD_DEATH_CRASH);
    hand_start(hand); /* the next generation */
    kill(stage.gateway, SIGCONT);
    STAGE_UNTIL(strstr(buffer, "HTTP/1.1 502") || !client_read(fd, buffer, sizeof(buffer)));
    assert_non_null(strstr(buffer, "HTTP/1.1 502"));
    client_get(fd, "/next");
    hand_answer(hand, take(hand), 200, "next", true);
    STAGE_UNTIL(strstr(buffer, "next") || !client_read(fd, buffer, sizeof(buffer)));
    assert_non_null(strstr(buffer, "next"));
    close(fd);
    stage_stop(&stage);
}

static void workers_are_told_what_a_dead_gateway_may_have_kept(void **state)
{
    struct stage stage;
    struct hand *hand = &stage.hands[0];

    (void)state;
    stage_start(&stage, (struct vd_server_config){.workers = 1});
    hand_start(hand);
    stage_gateway_kill(&stage);
    assert_null(hand_event(hand));
    stage_gateway_start(&stage);
    hand_ready(hand);
    assert_true(event_comes(hand, VD_FRAME_EVENT_GAP, STAGE_WAIT_MS));
    assert_false(event_comes(hand, VD_FRAME_EVENT_GAP, 50));
    stage_stop(&stage);
}

static void open_stream(struct hand *hand, int fd, const char *pattern)
{
    struct {
        struct vd_frame_stream head;
        uint16_t length;
        char pattern[16];
    } stream = {.head = {.pattern_count = 1, .patterns_length = (uint32_t)strlen(pattern)},
                .length = (uint16_t)strlen(pattern)};

    memcpy(stream.pattern, pattern, strlen(pattern));
    client_get(fd, "/events");
    uint64_t id = take(hand);
    hand_send(hand, VD_FRAME_RESPONSE_STREAM, id, &stream,
              sizeof(stream.head) + 2 + strlen(pattern), true);
    hand_release(hand, &hand->requests);
}

static void stream_connected(struct hand *hand, char *id, size_t room)
{
    const struct vd_frame *frame;

    for (;;) {
        STAGE_UNTIL((frame = hand_event(hand)) != NULL);
        bool found = frame->type == VD_FRAME_EVENT_CONNECT;
        if (found)
            snprintf(id, room, "%.*s", (int)frame->length, (const char *)frame->payload);
        hand_release(hand, &hand->events);
        if (found)
            return;
    }
}

static void stream_ids_are_not_used_again_by_the_next_gateway(void **state)
{
    struct stage stage;
    struct hand *hand = &stage.hands[0];
    char id[2][24];

    (void)state;
    stage_start(&stage, (struct vd_server_config){.workers = 1});
    hand_begin(hand);
    for (int i = 0; i < 2; i++) {
        hand_send(hand, VD_FRAME_WATCH_CLIENTS, 0, NULL, 0, true);
        hand_ready(hand);
        int fd = client_connect(&stage);
        open_stream(hand, fd, "a");
        stream_connected(hand, id[i], sizeof(id[i]));
        if (i == 0) {
            stage_gateway_kill(&stage);
            stage_gateway_start(&stage);
        }
        close(fd);
    }
    assert_string_not_equal(id[0], id[1]);
    stage_stop(&stage);
}

/* Who is here: counted by connects and disconnects, so none may be missing. */
static void clients_that_come_and_go_while_no_worker_lives_are_told_later(void **state)
{
    struct stage stage;
    struct hand *hand = &stage.hands[0];
    char id[24];

    (void)state;
    stage_start(&stage, (struct vd_server_config){.workers = 1});
    hand_begin(hand);
    hand_send(hand, VD_FRAME_WATCH_CLIENTS, 0, NULL, 0, true);
    hand_ready(hand);
    int fd = client_connect(&stage);
    open_stream(hand, fd, "a");
    STAGE_UNTIL(hand_event(hand)); /* the connect, not read */
    hand_die(hand, VD_DEATH_CRASH);
    STAGE_UNTIL(hand_is_buried(hand));
    close(fd);
    hand_begin(hand);
    STAGE_UNTIL(
        stage_metrics_say(&stage, "viaduct_sse_streams_open 0\n")); /* before it sees the worker */
    hand_send(hand, VD_FRAME_WATCH_CLIENTS, 0, NULL, 0, true);
    hand_ready(hand);
    stream_connected(hand, id, sizeof(id));
    assert_true(event_comes(hand, VD_FRAME_EVENT_DISCONNECT, STAGE_WAIT_MS));
    assert_false(event_comes(hand, VD_FRAME_EVENT_DISCONNECT, 50));
    stage_stop(&stage);
}

/* A worker is PHP code in one address space with its ring: what it scribbles there costs itself. */
static void a_scribbled_request_harms_nobody_else(void **state)
{
    struct stage stage;
    struct hand *hand = &stage.hands[0], *other = &stage.hands[1];
    const struct vd_frame *frame;
    char buffer[1024] = "", moved[1024] = "", target[64];
    uint64_t id;

    (void)state;
    stage_start(&stage, (struct vd_server_config){.workers = 2});
    hand_start(hand);
    int fd = client_connect(&stage);
    client_get(fd, "/taken?secret");
    take(hand);
    int second = client_connect(&stage);
    client_get(second, "/not-taken");
    assert_int_equal(vd_ring_peek(&hand->requests, &frame), VD_OK);
    struct vd_frame *scribbled = (struct vd_frame *)frame;
    struct vd_frame_request *request = (struct vd_frame_request *)scribbled->payload;
    request->header_count = UINT32_MAX;
    request->target.offset = UINT32_MAX - 8;
    request->target.length = 100;
    request->method.offset = UINT32_MAX;
    scribbled->length = UINT32_MAX;
    hand_die(hand, VD_DEATH_CRASH);
    STAGE_UNTIL(strstr(buffer, "HTTP/1.1 502") || !client_read(fd, buffer, sizeof(buffer)));
    assert_non_null(strstr(buffer, "HTTP/1.1 502"));
    STAGE_UNTIL(hand_is_buried(hand));
    hand_start(other);
    STAGE_UNTIL(hand_take(other, &id, target, sizeof(target)) == HAND_TAKEN);
    assert_string_equal(target, "/not-taken");
    hand_answer(other, id, 200, "moved", true);
    STAGE_UNTIL(strstr(moved, "moved") || !client_read(second, moved, sizeof(moved)));
    assert_non_null(strstr(moved, "moved"));
    close(fd);
    close(second);
    stage_stop(&stage);
}

/* A handler that yields single bytes, a client that reads none. */
static void tiny_pieces_for_a_slow_client_take_little_memory(void **state)
{
    static char large[60000];
    struct vd_frame_response head = {.status = 200, .body_length = VD_BODY_LENGTH_UNKNOWN};
    struct stage stage;
    struct hand *hand = &stage.hands[0];

    (void)state;
    stage_start(&stage, (struct vd_server_config){.workers = 1});
    hand_start(hand);
    int fd = client_connect(&stage);
    client_get(fd, "/");
    uint64_t id = take(hand);
    hand_send(hand, VD_FRAME_RESPONSE_BEGIN, id, &head, sizeof(head), true);
    for (int i = 0; i < 120; i++) /* more than the sockets take */
        STAGE_UNTIL(hand_send(hand, VD_FRAME_RESPONSE_BODY, id, large, sizeof(large), true));
    STAGE_UNTIL(vd_ring_depth_bytes(stage.node.to_gateway[0]) == 0);
    size_t before = resident_bytes(stage.gateway);
    for (int i = 0; i < 400000; i++)
        STAGE_UNTIL(hand_send(hand, VD_FRAME_RESPONSE_BODY, id, "x", 1, true));
    STAGE_UNTIL(vd_ring_depth_bytes(stage.node.to_gateway[0]) == 0);
    assert_true(resident_bytes(stage.gateway) - before <
                SANITIZER_FACTOR * 8000000); /* 2.4 MB of it are needed */
    close(fd);
    stage_stop(&stage);
}

static void a_client_that_stopped_is_cut_off_whatever_is_added(void **state)
{
    static char large[60000];
    struct vd_frame_response head = {.status = 200, .body_length = VD_BODY_LENGTH_UNKNOWN};
    const uint64_t gone = ((uint64_t)1 << 48) - 1;
    struct stage stage;
    struct hand *hand = &stage.hands[0];
    uint64_t give_up_ms = vd_monotonic_ms() + STAGE_WAIT_MS;

    (void)state;
    stage_start(&stage, (struct vd_server_config){.workers = 1, .idle_timeout_ms = 1000});
    hand_start(hand);
    int fd = client_connect(&stage);
    client_get(fd, "/");
    uint64_t id = take(hand);
    hand_send(hand, VD_FRAME_RESPONSE_BEGIN, id, &head, sizeof(head), true);
    for (int i = 0; i < 120; i++)
        STAGE_UNTIL(hand_send(hand, VD_FRAME_RESPONSE_BODY, id, large, sizeof(large), true));
    while ((atomic_load(&hand->slot->response_acknowledged) & gone) != gone) {
        assert_true(vd_monotonic_ms() < give_up_ms);
        hand_send(hand, VD_FRAME_RESPONSE_BODY, id, "x", 1, true);
        usleep(50 * 1000);
    }
    close(fd);
    stage_stop(&stage);
}

static void a_history_that_somebody_damaged_begins_anew(void **state)
{
    struct stage stage;
    struct hand *hand = &stage.hands[0];

    (void)state;
    stage_start(&stage, (struct vd_server_config){.workers = 1});
    struct vd_history *history = stage.node.history;

    hand_start(hand);
    hand_publish(hand, "a", "1", 1);
    hand_publish(hand, "a", "2", 1);
    STAGE_UNTIL(vd_history_next(history) == 3);
    uint64_t epoch = vd_history_epoch(history);
    memset(history, 0xff, 128); /* its head */
    hand_publish(hand, "a", "3", 1);
    STAGE_UNTIL(vd_history_next(history) == 2);
    assert_true(vd_history_epoch(history) != epoch); /* so that old event ids are a gap */
    hand_publish(hand, "a", "4", 1);
    STAGE_UNTIL(vd_history_next(history) == 3);
    stage_stop(&stage);
}

/* Frames that no sane worker sends cost it its life (here: its voice), and nobody else anything. */
static void an_end_without_a_beginning_is_no_answer(void **state)
{
    static const uint16_t types[] = {VD_FRAME_RESPONSE_ABORT, VD_FRAME_RESPONSE_END};
    struct stage stage;
    struct hand *mad = &stage.hands[0], *other = &stage.hands[1];
    const struct vd_frame *frame;

    (void)state;
    stage_start(&stage, (struct vd_server_config){.workers = 2});
    for (int i = 0; i < 2; i++) {
        char buffer[1024] = "";
        int fd = client_connect(&stage);

        hand_start(mad);
        client_get(fd, "/");
        STAGE_UNTIL(vd_ring_peek(&mad->requests, &frame) == VD_OK);
        hand_send(mad, types[i], frame->tag, NULL, 0, true);
        hand_die(mad, VD_DEATH_CRASH);
        STAGE_UNTIL(hand_is_buried(mad));
        hand_start(other);
        hand_answer(other, take(other), 200, "sane", true);
        STAGE_UNTIL(strstr(buffer, "sane") || !client_read(fd, buffer, sizeof(buffer)));
        assert_non_null(strstr(buffer, "sane"));
        close(fd);
        hand_die(other, VD_DEATH_CRASH);
        STAGE_UNTIL(hand_is_buried(other));
    }
    stage_stop(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_streamed_answer_without_a_body_has_none),
        cmocka_unit_test(a_tick_that_a_dead_worker_had_not_read_is_anothers),
        cmocka_unit_test(a_tick_that_found_no_room_is_not_the_last),
        cmocka_unit_test(a_large_message_that_a_dead_worker_had_not_read_is_anothers),
        cmocka_unit_test(a_worker_that_was_never_buried_is_mourned_all_the_same),
        cmocka_unit_test(a_scribbled_request_harms_nobody_else),
        cmocka_unit_test(tiny_pieces_for_a_slow_client_take_little_memory),
        cmocka_unit_test(a_client_that_stopped_is_cut_off_whatever_is_added),
        cmocka_unit_test(an_unread_message_goes_to_its_own_subscription),
        cmocka_unit_test(what_waits_for_a_member_is_bounded_in_bytes),
        cmocka_unit_test(stream_ids_are_not_used_again_by_the_next_gateway),
        cmocka_unit_test(invalidations_for_a_busy_worker_coalesce_and_stay_cheap),
        cmocka_unit_test(an_end_without_a_beginning_is_no_answer),
        cmocka_unit_test(clients_that_come_and_go_while_no_worker_lives_are_told_later),
        cmocka_unit_test(a_history_that_somebody_damaged_begins_anew),
        cmocka_unit_test(workers_are_told_what_a_dead_gateway_may_have_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
