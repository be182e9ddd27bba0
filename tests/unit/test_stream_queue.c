/* SPDX-License-Identifier: Apache-2.0 */
/* What waits for a stream, and who is slow: a real socket, and nobody else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "gateway.h"

#define LIMIT       ((size_t)64 * 1024)
#define EVENT_BYTES 10000

struct fixture {
    struct vd_server_config config;
    struct gateway gateway;
    struct gw_connection connection;
    struct gw_stream stream;
    struct gw_event *event;
    int reader;
};

static void watched(void *context)
{
    (void)context;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    char *text = calloc(1, EVENT_BYTES + 1);
    int ends[2], room = 1024 * 1024;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
    f->reader = ends[1];
    f->config.stream_queue_bytes = LIMIT;
    f->gateway.config = &f->config;
    f->gateway.loop = vd_loop_create();
    f->connection.gateway = &f->gateway;
    f->connection.fd = ends[0];
    f->connection.stream = &f->stream;
    f->connection.writable =
        vd_watch_create(f->gateway.loop, ends[0], VD_WATCH_WRITE, watched, NULL);
    STAILQ_INIT(&f->connection.output);
    f->stream.connection = &f->connection;
    f->stream.queue = f->stream.inline_queue;
    f->stream.queue_capacity = GW_STREAM_INLINE;
    memset(text, 'x', EVENT_BYTES);
    f->event = gw_event_text(text);
    free(text);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    struct gw_stream *stream = &f->stream;

    while (stream->queue_count--) {
        gw_event_release(stream->queue[stream->queue_first]);
        stream->queue_first = (stream->queue_first + 1) & (stream->queue_capacity - 1);
    }
    if (stream->queue != stream->inline_queue)
        free(stream->queue);
    gw_event_release(f->event);
    vd_watch_destroy(f->connection.writable);
    vd_loop_destroy(f->gateway.loop);
    close(f->connection.fd);
    close(f->reader);
    free(f);
    return 0;
}

static size_t read_all(struct fixture *f)
{
    char buffer[65536];
    ssize_t count;
    size_t total = 0;

    while ((count = read(f->reader, buffer, sizeof(buffer))) > 0)
        total += (size_t)count;
    return total;
}

/* One turn brings three times as much as may wait; the socket takes it. */
static void who_takes_it_is_not_slow(void **state)
{
    struct fixture *f = *state;

    for (size_t n = 0; n < 3 * LIMIT / EVENT_BYTES; n++)
        gw_stream_enqueue(&f->stream, f->event);
    assert_false(f->connection.dead);
    assert_int_equal(f->gateway.counters.refused[VD_HEALTH_REFUSED_SLOW_READER], 0);
    gw_streams_flush(&f->gateway);
    assert_int_equal(read_all(f), 3 * LIMIT / EVENT_BYTES * f->event->length);
    assert_int_equal(f->stream.queue_bytes, 0);
}

/* A socket that was full may have room again before the loop says so. */
static void who_has_taken_it_meanwhile_is_not_slow(void **state)
{
    struct fixture *f = *state;
    size_t sent = 0;

    while (!f->stream.blocked) {
        gw_stream_enqueue(&f->stream, f->event);
        gw_streams_flush(&f->gateway);
        sent++;
    }
    while (f->stream.queue_bytes <= LIMIT) {
        gw_stream_enqueue(&f->stream, f->event);
        sent++;
    }
    size_t taken = read_all(f);
    gw_stream_enqueue(&f->stream, f->event);
    assert_false(f->connection.dead);
    gw_stream_flush(&f->stream);
    assert_int_equal(taken + read_all(f), (sent + 1) * f->event->length);
}

/* A message that was fit to be published is no reason to cut whoever it is for. */
static void the_event_that_is_being_sent_does_not_count(void **state)
{
    struct fixture *f = *state;
    size_t length = 64 * LIMIT; /* more than a socket takes */
    char *text = malloc(length + 1);
    struct gw_event *large;

    memset(text, 'x', length);
    text[length] = '\0';
    large = gw_event_text(text);
    free(text);
    gw_stream_enqueue(&f->stream, large);
    gw_event_release(large);
    gw_streams_flush(&f->gateway);
    assert_true(f->stream.queue_bytes > LIMIT);
    for (size_t n = 0; n < LIMIT / EVENT_BYTES; n++)
        gw_stream_enqueue(&f->stream, f->event);
    assert_int_equal(f->gateway.counters.refused[VD_HEALTH_REFUSED_SLOW_READER], 0);
    assert_int_equal(f->stream.queue_count, 1 + LIMIT / EVENT_BYTES);
}

/* A broadcast, or a heartbeat, may come before what waits has left. */
static void nothing_follows_the_end(void **state)
{
    struct fixture *f = *state;
    struct gw_stream *stream = &f->stream;

    f->gateway.last_chunk = gw_event_last_chunk();
    gw_stream_end(stream);
    gw_stream_enqueue(stream, f->event);
    assert_int_equal(stream->queue_count, 2); /* retry, and the last chunk */
    assert_ptr_equal(stream->queue[(stream->queue_first + 1) & (stream->queue_capacity - 1)],
                     f->gateway.last_chunk);
    gw_event_release(f->gateway.last_chunk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_takes_it_is_not_slow, setup, teardown),
        cmocka_unit_test_setup_teardown(who_has_taken_it_meanwhile_is_not_slow, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_follows_the_end, setup, teardown),
        cmocka_unit_test_setup_teardown(the_event_that_is_being_sent_does_not_count, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
