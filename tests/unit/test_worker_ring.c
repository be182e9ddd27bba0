/* SPDX-License-Identifier: Apache-2.0 */
/* The worker as its gateway sees it: requests and claims, records of several frames, answers,
 * credit, full rings, another gateway, retirement, time's end. The test plays the gateway. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <viaduct/clock.h>

#include "../support/tries.h"
#include "worker_ring.h"
#include "worker_state.h"

#define WINDOW (1024 * 1024)

/* ---- the worker's side -------------------------------------------------------------------------
 */

static bool is(struct vd_text text, const char *expected)
{
    return text.length == strlen(expected) && memcmp(text.bytes, expected, text.length) == 0;
}

/* The name of an error as the body of a 200. */
static void say(struct vd_worker *worker, enum vd_err code)
{
    const char *name = vd_err_name(code);

    vd_worker_respond(worker, 200, NULL, 0, name, strlen(name), NULL);
}

static enum vd_err publish_bytes(struct vd_worker *worker, size_t length)
{
    char *data = calloc(1, length + 1);
    struct vd_message message = {
        .scope = "a", .scope_length = 1, .data = data, .data_length = length, .has_data = true};
    enum vd_err result = vd_worker_publish(worker, &message, NULL);

    free(data);
    return result;
}

/* Every call that a handler's own child must not make. */
static enum vd_err from_a_child(struct vd_worker *worker)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        struct vd_worker_event event;
        struct vd_text scope = {"a", 1};
        bool refused = vd_worker_next_event(worker, 0, &event) == VD_ERR_STATE &&
                       publish_bytes(worker, 1) == VD_ERR_STATE &&
                       vd_worker_respond(worker, 200, NULL, 0, "x", 1, NULL) == VD_ERR_STATE &&
                       vd_worker_respond_begin(worker, 200, NULL, 0, NULL) == VD_ERR_STATE &&
                       vd_worker_respond_write(worker, "x", 1) == VD_ERR_STATE &&
                       vd_worker_respond_end(worker, false) == VD_ERR_STATE &&
                       vd_worker_respond_stream(worker, &scope, 1, NULL, 0, NULL) == VD_ERR_STATE &&
                       vd_worker_subscribe(worker, 9, scope, true, NULL) == VD_ERR_STATE &&
                       vd_worker_set_interval(worker, 9, 1, true, NULL) == VD_ERR_STATE;

        _exit(refused ? 0 : 1);
    }
    waitpid(child, &status, 0);
    return status == 0 ? VD_ERR_STATE : VD_OK;
}

static enum vd_err try_header(struct vd_worker *worker, const char *name, const char *value,
                              struct vd_error *error)
{
    struct vd_header header = {{name, strlen(name)}, {value, strlen(value)}};

    return vd_worker_respond(worker, 200, &header, 1, NULL, 0, error);
}

/* All of these are refused, and the request is open still. */
static void bad_answers(struct vd_worker *worker)
{
    static const char *const bad[][2] = {
        {"Content-Length", "1"},
        {"content-length", "1"},
        {"Transfer-Encoding", "x"},
        {"Connection", "close"},
        {"Date", "now"},
        {"X-A", "b\r\nX-B: c"},
        {"X-A", "b\nc"},
        {"X A", "b"},
        {"", "b"},
        {"X-A:", "b"},
    };
    char *large = malloc(40000);
    struct vd_error error;
    enum vd_err result = VD_OK;

    memset(large, 'x', 39999);
    large[39999] = '\0';
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        memset(&error, 0, sizeof(error));
        if (try_header(worker, bad[i][0], bad[i][1], &error) != VD_ERR_INVALID || !error.text[0])
            result = VD_ERR_CORRUPT;
    }
    if (try_header(worker, "X-A", large, NULL) != VD_ERR_TOO_LARGE ||
        vd_worker_respond(worker, 100, NULL, 0, NULL, 0, NULL) != VD_ERR_INVALID ||
        vd_worker_respond(worker, 600, NULL, 0, NULL, 0, NULL) != VD_ERR_INVALID ||
        vd_worker_respond(worker, 204, NULL, 0, "x", 1, NULL) != VD_ERR_INVALID ||
        vd_worker_respond(worker, 304, NULL, 0, "x", 1, NULL) != VD_ERR_INVALID ||
        vd_worker_respond_stream(worker, NULL, 0, NULL, 0, NULL) != VD_ERR_INVALID ||
        !vd_worker_request_open(worker))
        result = VD_ERR_CORRUPT;
    free(large);
    say(worker, result);
}

static void respond_large(struct vd_worker *worker, size_t length)
{
    char *body = malloc(length + 1);

    for (size_t i = 0; i < length; i++)
        body[i] = (char)(i % 251);
    vd_worker_respond(worker, 200, NULL, 0, body, length, NULL);
    free(body);
}

static void respond_pieces(struct vd_worker *worker, size_t length, bool abort)
{
    char piece[5000] = {0};
    enum vd_err result;

    if (vd_worker_respond_begin(worker, 201, NULL, 0, NULL) != VD_OK)
        return;
    for (size_t at = 0; at < length; at += sizeof(piece)) {
        result = vd_worker_respond_write(worker, piece, sizeof(piece));
        if (result != VD_OK) {
            publish_bytes(worker, result == VD_ERR_CLOSED ? 1 : 2); /* tells the test */
            return;
        }
    }
    vd_worker_respond_end(worker, abort);
}

static void handle(struct vd_worker *worker, const struct vd_worker_request *request)
{
    static const struct vd_header header = {{"X-Custom", 8}, {"yes", 3}};
    static const struct vd_text patterns[] = {{"room:a", 6}, {"b*", 2}};
    size_t number = request->query.length ? strtoul(request->query.bytes, NULL, 10) : 0;

    if (is(request->path, "/hello")) {
        vd_worker_respond(worker, 200, NULL, 0, "hello", 5, NULL);
    } else if (is(request->path, "/echo")) {
        struct vd_text body;
        enum vd_err result = vd_worker_whole_body(worker, &body);

        if (result != VD_OK)
            say(worker, result);
        else
            vd_worker_respond(worker, 200, &header, 1, body.bytes, body.length, NULL);
    } else if (is(request->path, "/facts")) {
        say(worker, is(request->method, "GET") && is(request->query, "x=1") &&
                            is(request->target, "/facts?x=1") && request->header_count == 2 &&
                            is(vd_worker_request_header(request, "hOST"), "here") &&
                            is(vd_worker_request_header(request, "X-Test"), "1") &&
                            !vd_worker_request_header(request, "Absent").bytes &&
                            strcmp(request->remote_address, "192.0.2.1") == 0 &&
                            request->remote_port == 4711 && request->received_us == 42 &&
                            request->https && is(request->host, "here") &&
                            strlen(request->request_id) == VD_REQUEST_ID_MAX &&
                            vd_worker_index(worker) == 0
                        ? VD_OK
                        : VD_ERR_CORRUPT);
    } else if (is(request->path, "/child")) {
        say(worker, from_a_child(worker));
    } else if (is(request->path, "/bad")) {
        bad_answers(worker);
    } else if (is(request->path, "/large")) {
        respond_large(worker, number);
    } else if (is(request->path, "/pieces")) {
        respond_pieces(worker, number, false);
    } else if (is(request->path, "/abort")) {
        respond_pieces(worker, number, true);
    } else if (is(request->path, "/stream")) {
        vd_worker_respond_stream(worker, patterns, 2, &header, 1, NULL);
    } else if (is(request->path, "/publish")) {
        say(worker, publish_bytes(worker, number));
    } else if (is(request->path, "/retire")) {
        vd_worker_retire(worker);
        say(worker, VD_OK);
    } else if (is(request->path, "/hold")) {
        for (;;)
            pause();
    }
}

static int worker_main(struct vd_worker *worker, void *context)
{
    struct vd_worker_event event;
    enum vd_err result;

    (void)context;
    vd_worker_subscribe(worker, 7, (struct vd_text){"room:*", 6}, false, NULL);
    vd_worker_set_interval(worker, 3, 250, false, NULL);
    while ((result = vd_worker_next_event(worker, -1, &event)) == VD_OK) {
        if (event.kind == VD_WORKER_SHUTDOWN)
            return 0;
        if (event.kind == VD_WORKER_REQUEST) {
            handle(worker, &event.request);
        } else if (event.kind ==
                   VD_WORKER_MESSAGE) { /* said back, so that the test sees the order */
            vd_worker_publish(worker, &event.message, NULL);
        }
    }
    return 10 + (int)result;
}

/* ---- the gateway's side ------------------------------------------------------------------------
 */

static void expect_rest_of_announcement(struct bench *bench)
{
    const struct vd_frame *frame = bench_expect(bench, VD_FRAME_INTERVAL);

    assert_int_equal(frame->tag, 3);
    assert_int_equal(*(const uint32_t *)frame->payload, 250);
    frame = bench_expect(bench, VD_FRAME_READY);
    assert_int_equal(frame->tag, bench->epoch);
    assert_int_equal(atomic_load(&bench->slot->state), VD_SLOT_READY);
}

static void expect_announcement(struct bench *bench)
{
    const struct vd_frame *frame = bench_expect(bench, VD_FRAME_SUBSCRIBE);

    assert_int_equal(frame->tag, 7);
    assert_int_equal(frame->flags, 0);
    assert_memory_equal(frame->payload, "room:*", 6);
    expect_rest_of_announcement(bench);
}

static void begin(struct bench *bench)
{
    bench_start(bench, worker_main, (struct vd_server_config){.log_level = VD_LOG_ERROR});
    expect_announcement(bench);
}

static void expect_text(const struct vd_frame *frame, uint64_t id, const char *body)
{
    struct vd_text text = response_body(frame);

    assert_int_equal(frame->tag, id);
    assert_int_equal(response_status(frame), 200);
    assert_int_equal(text.length, strlen(body));
    assert_memory_equal(text.bytes, body, text.length);
}

static void a_request_is_answered_in_one_frame(void **state)
{
    struct bench bench;
    const struct vd_frame *frame;
    uint64_t id;

    (void)state;
    begin(&bench);
    id = bench_request(&bench, "POST", "/echo", "hello", 5);
    frame = bench_expect(&bench, VD_FRAME_RESPONSE);
    expect_text(frame, id, "hello");
    assert_true(is(response_headers(frame), "X-Custom: yes\r\n"));
    assert_int_equal(frame->flags, 0);
    assert_int_equal(bench_claim_state(&bench, id), VD_CLAIM_TAKEN);
    assert_int_equal(atomic_load(&bench.slot->requests_total), 1);
    id = bench_request(&bench, "GET", "/facts?x=1", NULL, 0);
    expect_text(bench_expect(&bench, VD_FRAME_RESPONSE), id, "VD_OK");
    id = bench_request(&bench, "GET", "/child", NULL, 0);
    expect_text(bench_expect(&bench, VD_FRAME_RESPONSE), id, "VD_ERR_STATE");
    id = bench_request(&bench, "GET", "/bad", NULL, 0);
    expect_text(bench_expect(&bench, VD_FRAME_RESPONSE), id, "VD_OK");
    bench_stop(&bench);
}

static void requests_of_several_frames_arrive_whole(void **state)
{
    struct bench bench;
    size_t length = 3 * 1024 * 1024; /* six rings full */
    char *body = malloc(length);
    uint64_t id;
    size_t got = 0;
    const struct vd_frame *frame;

    (void)state;
    for (size_t i = 0; i < length; i++)
        body[i] = (char)(i * 7 % 253);
    begin(&bench);
    id = bench_request(&bench, "POST", "/echo", body, length);
    frame = bench_expect(&bench, VD_FRAME_RESPONSE_BEGIN);
    assert_int_equal(((const struct vd_frame_response *)frame->payload)->body_length, length);
    while (got < length) {
        frame = bench_expect(&bench, VD_FRAME_RESPONSE_BODY);
        assert_true(frame->length <= VD_FRAME_CHUNK_BYTES && frame->length <= length - got);
        assert_memory_equal(frame->payload, body + got, frame->length);
        got += frame->length;
        bench_acknowledge(&bench, id, got);
    }
    assert_int_equal(bench_expect(&bench, VD_FRAME_RESPONSE_END)->tag, id);
    free(body);
    bench_stop(&bench);
}

/* What a handler does not read of a body is skipped before the next request. */
static void an_unread_body_is_skipped(void **state)
{
    struct bench bench;
    uint64_t streamed, id;

    (void)state;
    begin(&bench);
    streamed = bench_request_streamed(&bench, "/hello", 300000);
    bench_body(&bench, streamed, "abc", 3, VD_FRAME_MORE);
    expect_text(bench_expect(&bench, VD_FRAME_RESPONSE), streamed, "hello");
    bench_body(&bench, streamed, "def", 3, 0);
    id = bench_request(&bench, "POST", "/echo", "x", 1);
    expect_text(bench_expect(&bench, VD_FRAME_RESPONSE), id, "x");
    bench_stop(&bench);
}

static void a_body_of_unknown_length_ends_with_its_last_frame(void **state)
{
    struct bench bench;
    uint64_t id;

    (void)state;
    begin(&bench);
    id = bench_request_streamed(&bench, "/echo", UINT64_MAX);
    bench_expect(&bench, VD_FRAME_WANT_BODY);
    bench_body(&bench, id, "abc", 3, VD_FRAME_MORE);
    bench_body(&bench, id, "", 0, VD_FRAME_MORE);
    bench_body(&bench, id, "def", 3, VD_FRAME_MORE);
    bench_body(&bench, id, "", 0, 0);
    expect_text(bench_expect(&bench, VD_FRAME_RESPONSE), id, "abcdef");
    bench_stop(&bench);
}

/* Half an upload is never taken for a whole one. */
static void a_client_that_leaves_breaks_the_body_off(void **state)
{
    struct bench bench;
    uint64_t id;

    (void)state;
    begin(&bench);
    id = bench_request_streamed(&bench, "/echo", 100);
    bench_expect(&bench, VD_FRAME_WANT_BODY);
    bench_body(&bench, id, "abc", 3, VD_FRAME_MORE);
    bench_body(&bench, id, "", 0, VD_FRAME_DISCARD);
    expect_text(bench_expect(&bench, VD_FRAME_RESPONSE), id, "VD_ERR_CLOSED");
    bench_stop(&bench);
}

static void a_revoked_request_is_left_alone(void **state)
{
    struct bench bench;
    uint64_t revoked, id;

    (void)state;
    begin(&bench);
    revoked = bench_request_revoked(&bench, "/echo");
    id = bench_request(&bench, "POST", "/echo", "y", 1);
    expect_text(bench_expect(&bench, VD_FRAME_RESPONSE), id, "y");
    assert_int_equal(bench_claim_state(&bench, revoked), VD_CLAIM_REVOKED);
    bench_stop(&bench);
}

static void another_gateway_is_told_everything(void **state)
{
    struct bench bench;
    uint64_t stale, id;

    (void)state;
    begin(&bench);
    bench_new_epoch(&bench);
    expect_announcement(&bench);
    bench.epoch = 1; /* a frame that the dead gateway left in the ring */
    stale = bench_request(&bench, "POST", "/echo", "old", 3);
    bench.epoch = 2;
    id = bench_request(&bench, "POST", "/echo", "new", 3);
    expect_text(bench_expect(&bench, VD_FRAME_RESPONSE), id, "new");
    assert_int_equal(bench_claim_state(&bench, stale), VD_CLAIM_OFFERED);
    bench_stop(&bench);
}

/* Both sides in one process, so that the ring is never empty by chance. */
static void an_event_waits_for_at_most_16_requests(void **state)
{
    struct bench bench;
    struct vd_worker *worker = calloc(1, sizeof(*worker));
    struct vd_worker_event event;
    unsigned run = 0, messages = 0;

    (void)state;
    bench_start(&bench, NULL, (struct vd_server_config){.log_level = VD_LOG_ERROR});
    assert_int_equal(vd_worker_init(worker, &bench.node, 0, 1, NULL), VD_OK);
    for (unsigned i = 0; i < 5; i++)
        bench_message(&bench, 7, "room:a", "data");
    for (unsigned i = 0; i < VD_CLAIMS; i++)
        bench_request(&bench, "GET", "/", NULL, 0);
    while (messages < 5) {
        assert_int_equal(vd_worker_next_event(worker, 0, &event), VD_OK);
        if (event.kind == VD_WORKER_MESSAGE) {
            assert_int_equal(run, VD_WORKER_EVENT_PATIENCE);
            run = 0;
            messages++;
            continue;
        }
        assert_int_equal(event.kind, VD_WORKER_REQUEST);
        assert_int_equal(vd_worker_next_event(worker, 0, &event), VD_ERR_STATE);
        vd_worker_respond(worker, 204, NULL, 0, NULL, 0, NULL);
        while (vd_ring_depth_bytes(bench.node.to_gateway[0]) > 0)
            bench_skip(&bench);
        bench_request(&bench, "GET", "/", NULL, 0); /* its claim has just become free */
        run++;
    }
    vd_worker_finish(worker);
    free(worker);
    bench_stop(&bench);
}

static void messages_keep_their_order(void **state)
{
    static const char digits[] = "0123456789";
    struct bench bench;
    const struct vd_frame *frame;

    (void)state;
    begin(&bench);
    for (const char *n = digits; *n; n++)
        bench_message(&bench, 7, "room:a", n);
    for (const char *n = digits; *n; n++) {
        frame = bench_expect(&bench, VD_FRAME_PUBLISH);
        assert_int_equal(frame->payload[sizeof(struct vd_frame_message) + 6], *n);
    }
    bench_stop(&bench);
}

static void the_clock_runs_while_a_handler_does(void **state)
{
    struct bench bench;
    uint64_t deadline = vd_monotonic_ms() + WAIT_MS, id, now, asked, started;

    (void)state;
    begin(&bench);
    assert_int_equal(atomic_load(&bench.slot->request_started_ms), 0);
    asked = vd_monotonic_ms();
    id = bench_request(&bench, "GET", "/hold", NULL, 0);
    while (bench_claim_state(&bench, id) != VD_CLAIM_TAKEN ||
           !(started = atomic_load(&bench.slot->request_started_ms))) {
        assert_true(vd_monotonic_ms() < deadline);
        poll(NULL, 0, 1);
    }
    now = vd_monotonic_ms();
    assert_in_range(started, asked - 20, now + 20); /* its clock is a coarse one */
    kill(bench.pid, SIGKILL);
    assert_true(WIFSIGNALED(bench_reap(&bench)));
    /* the next generation does not touch what its predecessor had taken */
    atomic_store(&bench.slot->request_started_ms, 0);
    bench_fork(&bench);
    expect_announcement(&bench);
    id = bench_request(&bench, "POST", "/echo", "on", 2);
    expect_text(bench_expect(&bench, VD_FRAME_RESPONSE), id, "on");
    while (atomic_load(&bench.slot->request_started_ms) != 0) { /* stopped right after the answer */
        assert_true(vd_monotonic_ms() < deadline);
        poll(NULL, 0, 1);
    }
    bench_stop(&bench);
}

static void a_streamed_body_stays_within_its_window(void **state)
{
    struct bench bench;
    const struct vd_frame *frame;
    uint64_t id, got = 0, length = 3 * WINDOW / 5000 * 5000;

    (void)state;
    begin(&bench);
    id = bench_request(&bench, "GET", "/pieces?3145000", NULL, 0);
    length = 3145000;
    frame = bench_expect(&bench, VD_FRAME_RESPONSE_BEGIN);
    assert_int_equal(response_status(frame), 201);
    assert_int_equal(((const struct vd_frame_response *)frame->payload)->body_length,
                     VD_BODY_LENGTH_UNKNOWN);
    while (got < WINDOW)
        got += bench_expect(&bench, VD_FRAME_RESPONSE_BODY)->length;
    assert_int_equal(got, WINDOW);
    bench_expect_silence(&bench, 50);
    bench_acknowledge(&bench, id, 100); /* a little room: exactly that much comes */
    assert_int_equal(bench_expect(&bench, VD_FRAME_RESPONSE_BODY)->length, 100);
    got += 100;
    while (got < length) {
        bench_acknowledge(&bench, id, got);
        got += bench_expect(&bench, VD_FRAME_RESPONSE_BODY)->length;
    }
    assert_int_equal(got, length);
    bench_expect(&bench, VD_FRAME_RESPONSE_END);
    bench_request(&bench, "GET", "/abort?5000", NULL, 0);
    bench_expect(&bench, VD_FRAME_RESPONSE_BEGIN);
    bench_expect(&bench, VD_FRAME_RESPONSE_BODY);
    bench_expect(&bench, VD_FRAME_RESPONSE_ABORT);
    bench_stop(&bench);
}

/* What waits at the gateway is counted with its chunk lines: the credit may step back a little. */
static void credit_that_steps_back_is_no_licence(void **state)
{
    struct bench bench;
    uint64_t id, got = 0;

    (void)state;
    begin(&bench);
    id = bench_request(&bench, "GET", "/pieces?3145000", NULL, 0);
    bench_expect(&bench, VD_FRAME_RESPONSE_BEGIN);
    while (got < WINDOW)
        got += bench_expect(&bench, VD_FRAME_RESPONSE_BODY)->length;
    bench_acknowledge(&bench, id, 100);
    got += bench_expect(&bench, VD_FRAME_RESPONSE_BODY)->length;
    bench_acknowledge(&bench, id, 91);
    bench_expect_silence(&bench, 50);
    bench_acknowledge(&bench, id, 110);
    assert_int_equal(bench_expect(&bench, VD_FRAME_RESPONSE_BODY)->length, 10);
    bench_expect_silence(&bench, 20);
    bench_acknowledge(&bench, id, ((uint64_t)1 << 48) - 1);
    bench_expect(&bench, VD_FRAME_RESPONSE_ABORT);
    bench_stop(&bench);
}

static void a_client_that_left_ends_the_body(void **state)
{
    struct bench bench;
    uint64_t id, got = 0;

    (void)state;
    begin(&bench);
    id = bench_request(&bench, "GET", "/pieces?3000000", NULL, 0);
    bench_expect(&bench, VD_FRAME_RESPONSE_BEGIN);
    while (got < WINDOW)
        got += bench_expect(&bench, VD_FRAME_RESPONSE_BODY)->length;
    bench_acknowledge(&bench, id, ((uint64_t)1 << 48) - 1);
    bench_expect(&bench, VD_FRAME_RESPONSE_ABORT); /* so that the gateway forgets the request */
    assert_int_equal(bench_expect(&bench, VD_FRAME_PUBLISH)->length,
                     sizeof(struct vd_frame_message) + 1 + 1);
    id = bench_request(&bench, "POST", "/echo", "next", 4);
    expect_text(bench_expect(&bench, VD_FRAME_RESPONSE), id, "next");
    /* the same when the gateway itself goes */
    bench_request(&bench, "GET", "/pieces?3000000", NULL, 0);
    bench_expect(&bench, VD_FRAME_RESPONSE_BEGIN);
    for (got = 0; got < WINDOW;)
        got += bench_expect(&bench, VD_FRAME_RESPONSE_BODY)->length;
    bench_new_epoch(&bench);
    assert_int_equal(bench_expect(&bench, VD_FRAME_PUBLISH)->length,
                     sizeof(struct vd_frame_message) + 1 + 1);
    expect_announcement(&bench);
    bench_stop(&bench);
}

static void a_stream_is_handed_over_with_its_patterns(void **state)
{
    struct bench bench;
    const struct vd_frame *frame;
    const struct vd_frame_stream *stream;
    const uint16_t *lengths;

    (void)state;
    begin(&bench);
    bench_request(&bench, "GET", "/stream", NULL, 0);
    frame = bench_expect(&bench, VD_FRAME_RESPONSE_STREAM);
    stream = (const struct vd_frame_stream *)frame->payload;
    lengths = (const uint16_t *)(stream + 1);
    assert_int_equal(stream->pattern_count, 2);
    assert_int_equal(lengths[0], 6);
    assert_int_equal(lengths[1], 2);
    assert_memory_equal(lengths + 2, "room:ab*X-Custom: yes\r\n", 23);
    assert_int_equal(frame->length,
                     sizeof(*stream) + 4 + stream->patterns_length + stream->headers_length);
    bench_stop(&bench);
}

/* Nobody drains: a publish gives up in time, in the middle of its record as well, and says so
 * before it says anything else. */
static bool a_publish_into_a_full_ring_times_out_in_time(void)
{
    struct bench bench;
    const struct vd_frame *frame;
    uint64_t full_ms;
    size_t frames = 0;

    bench_start(&bench, worker_main,
                (struct vd_server_config){.log_level = VD_LOG_ERROR,
                                          .publish_timeout_ms = 200,
                                          .max_message_bytes = 4 * WINDOW});
    expect_announcement(&bench);
    bench_request(&bench, "GET", "/publish?2000000", NULL, 0);
    while (vd_ring_depth_bytes(bench.node.to_gateway[0]) < VD_RING_TO_GATEWAY_BYTES * 3 / 4)
        poll(NULL, 0, 1);
    full_ms = vd_monotonic_ms();
    while (vd_monotonic_ms() - full_ms < 400) /* the ring is left as it is for that long */
        poll(NULL, 0, 10);
    frame = bench_expect(&bench, VD_FRAME_PUBLISH);
    assert_int_equal(frame->flags, VD_FRAME_MORE);
    while (!(frame->flags & VD_FRAME_DISCARD)) {
        frames++;
        frame = bench_expect(&bench, VD_FRAME_PUBLISH);
        assert_true(frame->flags & VD_FRAME_CONTINUED);
    }
    assert_true(frames >= 14);
    expect_text(bench_expect(&bench, VD_FRAME_RESPONSE), 1ull << 40 | 1, "VD_ERR_TIMEOUT");
    bench_stop(&bench);
    return frames <= 16; /* else the worker was so late that it found room again */
}

static void a_publish_into_a_full_ring_times_out(void **state)
{
    (void)state;
    in_few_tries(a_publish_into_a_full_ring_times_out_in_time);
}

/* The gateway drains slowly, but it drains: everything arrives. */
static void a_large_publish_waits_for_room(void **state)
{
    struct bench bench;
    const struct vd_frame *frame;
    size_t got = 0, expected = sizeof(struct vd_frame_message) + 1 + 4000000;

    (void)state;
    bench_start(
        &bench, worker_main,
        (struct vd_server_config){.log_level = VD_LOG_ERROR, .max_message_bytes = 4 * WINDOW});
    expect_announcement(&bench);
    bench_request(&bench, "GET", "/publish?4000000", NULL, 0);
    do {
        frame = bench_expect(&bench, VD_FRAME_PUBLISH);
        got += frame->length;
    } while (frame->flags & VD_FRAME_MORE);
    assert_int_equal(got, expected);
    expect_text(bench_expect(&bench, VD_FRAME_RESPONSE), 1ull << 40 | 1, "VD_OK");
    bench_request(&bench, "GET", "/publish?4194305", NULL, 0);
    expect_text(bench_expect(&bench, VD_FRAME_RESPONSE), 1ull << 40 | 2, "VD_ERR_TOO_LARGE");
    bench_stop(&bench);
}

/* A response has no deadline: only another gateway ends its wait. */
static void a_response_waits_until_the_gateway_changes(void **state)
{
    struct bench bench;
    uint64_t id;

    (void)state;
    bench_start(&bench, worker_main,
                (struct vd_server_config){.log_level = VD_LOG_ERROR, .publish_timeout_ms = 20});
    expect_announcement(&bench);
    for (unsigned i = 0; i < VD_CLAIMS; i++)
        id = bench_request(&bench, "GET", "/publish?200000", NULL, 0);
    while (bench_claim_state(&bench, id) == VD_CLAIM_OFFERED &&
           vd_ring_depth_bytes(bench.node.to_gateway[0]) < VD_RING_TO_GATEWAY_BYTES * 7 / 8)
        poll(NULL, 0, 5);
    bench_new_epoch(&bench);
    while (bench_next(&bench)->type != VD_FRAME_SUBSCRIBE)
        continue;
    expect_rest_of_announcement(&bench);
    bench_stop(&bench);
}

/* ---- its end -----------------------------------------------------------------------------------
 */

static void each_way_to_retire_ends_with_code_0(void **state)
{
    struct bench bench;
    uint64_t id;

    (void)state;
    begin(&bench);
    kill(bench.pid, SIGINT); /* the supervisor's business */
    kill(bench.pid, SIGUSR1);
    id = bench_request(&bench, "GET", "/retire", NULL, 0);
    expect_text(bench_expect(&bench, VD_FRAME_RESPONSE), id, "VD_OK");
    assert_int_equal(bench_reap(&bench), 0);
    assert_int_equal(atomic_load(&bench.slot->state), VD_SLOT_RETIRING);

    bench_fork(&bench);
    expect_announcement(&bench);
    kill(bench.pid, SIGTERM);
    assert_int_equal(bench_reap(&bench), 0);

    bench_fork(&bench);
    expect_announcement(&bench);
    atomic_store(&bench.slot->retire_wanted, 2); /* a generation that is gone: not us */
    vd_doorbell_force(&bench.slot->bell);
    id = bench_request(&bench, "POST", "/echo", "still", 5);
    expect_text(bench_expect(&bench, VD_FRAME_RESPONSE), id, "still");
    atomic_store(&bench.slot->retire_wanted, 3);
    vd_doorbell_force(&bench.slot->bell);
    assert_int_equal(bench_reap(&bench), 0);
    bench_stop(&bench);
}

static void max_requests_is_kept(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench, worker_main,
                (struct vd_server_config){.log_level = VD_LOG_ERROR, .max_requests = 5});
    expect_announcement(&bench);
    for (unsigned i = 0; i < 7; i++)
        bench_request(&bench, "POST", "/echo", "x", 1);
    for (unsigned i = 0; i < 5; i++)
        bench_expect(&bench, VD_FRAME_RESPONSE);
    assert_int_equal(bench_reap(&bench), 0);
    bench_expect_silence(&bench, 0);
    /* what was offered to it and not taken is there for its successor */
    bench_fork(&bench);
    expect_announcement(&bench);
    bench_expect(&bench, VD_FRAME_RESPONSE);
    bench_expect(&bench, VD_FRAME_RESPONSE);
    bench_stop(&bench);
}

static int impatient_main(struct vd_worker *worker, void *context)
{
    struct vd_worker_event event;
    uint64_t start = vd_monotonic_ms();
    unsigned ticks[2] = {0};

    (void)context;
    if (vd_worker_next_event(worker, 30, &event) != VD_OK || event.kind != VD_WORKER_IDLE ||
        vd_monotonic_ms() - start < 30)
        return 1;
    if (vd_worker_set_interval(worker, 0, 0, true, NULL) != VD_ERR_INVALID)
        return 2;
    vd_worker_set_interval(worker, 0, 20, true, NULL);
    vd_worker_set_interval(worker, 1, 50, true, NULL);
    while (ticks[1] < 4) {
        if (vd_worker_next_event(worker, 1000, &event) != VD_OK || event.kind != VD_WORKER_TIMER)
            return 3;
        ticks[event.id]++;
    }
    if (ticks[0] < 4 || ticks[0] > 11)
        return 4;
    usleep(110000); /* five ticks are missed: it fires once */
    ticks[0] = 0;
    start = vd_monotonic_ms();
    while (vd_monotonic_ms() - start < 10 && vd_worker_next_event(worker, 0, &event) == VD_OK &&
           event.kind == VD_WORKER_TIMER)
        ticks[event.id]++;
    return ticks[0] <= 2 ? 0 : 5;
}

static bool own_timers_fire_and_do_not_pile_up_in_time(void)
{
    struct bench bench;
    int status;

    bench_start(&bench, impatient_main, (struct vd_server_config){.log_level = VD_LOG_ERROR});
    status = bench_reap(&bench);
    assert_true(status == 0 || WEXITSTATUS(status) >= 4); /* what it says of times */
    bench_stop(&bench);
    return status == 0;
}

static void own_timers_fire_and_do_not_pile_up(void **state)
{
    (void)state;
    in_few_tries(own_timers_fire_and_do_not_pile_up_in_time);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_answered_in_one_frame),
        cmocka_unit_test(requests_of_several_frames_arrive_whole),
        cmocka_unit_test(an_unread_body_is_skipped),
        cmocka_unit_test(a_body_of_unknown_length_ends_with_its_last_frame),
        cmocka_unit_test(a_client_that_leaves_breaks_the_body_off),
        cmocka_unit_test(a_revoked_request_is_left_alone),
        cmocka_unit_test(another_gateway_is_told_everything),
        cmocka_unit_test(an_event_waits_for_at_most_16_requests),
        cmocka_unit_test(messages_keep_their_order),
        cmocka_unit_test(the_clock_runs_while_a_handler_does),
        cmocka_unit_test(a_streamed_body_stays_within_its_window),
        cmocka_unit_test(credit_that_steps_back_is_no_licence),
        cmocka_unit_test(a_client_that_left_ends_the_body),
        cmocka_unit_test(a_stream_is_handed_over_with_its_patterns),
        cmocka_unit_test(a_publish_into_a_full_ring_times_out),
        cmocka_unit_test(a_large_publish_waits_for_room),
        cmocka_unit_test(a_response_waits_until_the_gateway_changes),
        cmocka_unit_test(each_way_to_retire_ends_with_code_0),
        cmocka_unit_test(max_requests_is_kept),
        cmocka_unit_test(own_timers_fire_and_do_not_pile_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
