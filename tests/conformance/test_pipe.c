/* SPDX-License-Identifier: Apache-2.0 */
/* The pipe driver: the suite, with the hub in a process of its own. Deaths are in tests/fault. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "parcel.h"
#include "pipe_shared.h"
#include "suite.h"

struct pipe_world {
    struct vd_pipe_hub *hub;
    pid_t server;
};

static _Noreturn void serve(struct vd_pipe_hub *hub, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || vd_pipe_hub_serve(hub, NULL) != VD_OK)
        _exit(1);
    for (;;)
        vd_pipe_hub_poll(hub, -1);
}

static void *begin(bool small)
{
    const struct vd_pipe_hub_options options = {.ring_bytes = small ? 32768 : 0,
                                                .backlog_bytes = small ? 32768 : 0};
    struct pipe_world *world = calloc(1, sizeof(*world));
    pid_t parent = getpid();

    if (!world)
        return NULL;
    if (vd_pipe_hub_create(SUITE_NODES, &options, &world->hub, NULL) != VD_OK) {
        free(world);
        return NULL;
    }
    world->server = fork();
    if (world->server == 0)
        serve(world->hub, parent);
    return world;
}

static void end(void *context)
{
    struct pipe_world *world = context;

    kill(world->server, SIGKILL);
    waitpid(world->server, NULL, 0);
    vd_pipe_hub_destroy(world->hub);
    free(world);
}

static void fill_in(void *context, unsigned number, bool small, struct vd_broker_options *options)
{
    const struct pipe_world *world = context;

    (void)small;
    options->url = "pipe:";
    options->pipe_hub = world->hub;
    options->pipe_endpoint = number;
    options->publish_timeout_ms = 10000; /* two busy cores, sanitizers */
}

/* ---- what only it has --------------------------------------------------------------------------
 */

static void test_hub_options(void **state)
{
    struct vd_pipe_hub *hub = NULL;
    struct vd_error error;

    (void)state;
    assert_int_equal(vd_pipe_hub_create(0, NULL, &hub, &error), VD_ERR_INVALID);
    assert_string_equal(error.text, "endpoints is 0; allowed are 1 to 1024");
    assert_int_equal(vd_pipe_hub_create(VD_PIPE_ENDPOINTS_MAX + 1, NULL, &hub, &error),
                     VD_ERR_INVALID);
    assert_int_equal(
        vd_pipe_hub_create(1, &(struct vd_pipe_hub_options){.ring_bytes = 5000}, &hub, &error),
        VD_ERR_INVALID);
    assert_non_null(strstr(error.text, "powers of two"));
    assert_null(hub);
    vd_pipe_hub_destroy(NULL);
}

static enum vd_err open_at(struct vd_pipe_hub *hub, unsigned number, struct vd_broker **broker,
                           struct vd_error *error)
{
    const struct vd_broker_options options = {.url = "pipe",
                                              .pipe_hub = hub,
                                              .pipe_endpoint = number,
                                              .publish_timeout_ms = VD_BROKER_NO_WAIT};

    return vd_broker_open(&options, broker, error);
}

static void test_endpoint_numbers(void **state)
{
    struct vd_broker *first, *second;
    struct vd_pipe_hub *hub;
    struct vd_error error;

    (void)state;
    assert_int_equal(vd_pipe_hub_create(2, NULL, &hub, NULL), VD_OK);
    assert_int_equal(open_at(NULL, 0, &first, &error), VD_ERR_INVALID);
    assert_non_null(strstr(error.text, "pipe_hub"));
    assert_int_equal(open_at(hub, 2, &first, &error), VD_ERR_INVALID);
    assert_string_equal(error.text, "pipe_endpoint is 2; allowed are 0 to 1");
    assert_int_equal(open_at(hub, 1, &first, &error), VD_OK);
    assert_int_equal(open_at(hub, 1, &second, &error), VD_ERR_EXISTS);
    assert_non_null(strstr(error.text, "pipe_endpoint: 1 is held by a live process"));
    vd_broker_destroy(first);
    assert_int_equal(open_at(hub, 1, &first, &error), VD_OK);
    vd_broker_destroy(first);
    vd_pipe_hub_destroy(hub);
}

static void count_call(struct vd_broker *broker, const struct vd_message *message, void *context)
{
    (void)broker;
    (void)message;
    ++*(size_t *)context;
}

/* One process may be hub and endpoints: nothing ever waits for itself. */
static void test_the_serving_process_may_hold_endpoints(void **state)
{
    static unsigned char bytes[100000];
    const struct vd_message message = {.scope = "x",
                                       .scope_length = 1,
                                       .has_data = true,
                                       .data = bytes,
                                       .data_length = sizeof(bytes)};
    struct vd_pipe_hub_status status;
    struct vd_broker *a, *b;
    struct vd_pipe_hub *hub;
    size_t seen = 0, accepted = 0;
    enum vd_err code;

    (void)state;
    assert_int_equal(vd_pipe_hub_create(2, NULL, &hub, NULL), VD_OK);
    assert_int_equal(vd_pipe_hub_dispatch(hub), VD_ERR_STATE);
    assert_int_equal(vd_pipe_hub_serve(hub, NULL), VD_OK);
    assert_int_equal(vd_pipe_hub_serve(hub, NULL), VD_ERR_EXISTS);
    assert_int_equal(open_at(hub, 0, &a, NULL), VD_OK);
    assert_int_equal(open_at(hub, 1, &b, NULL), VD_OK);
    vd_broker_subscribe(b, "x", 1, count_call, &seen, NULL, NULL);
    while ((code = vd_broker_publish(a, &message, NULL)) == VD_OK)
        accepted++;
    assert_int_equal(code, VD_ERR_FULL);
    assert_int_equal(accepted, 2); /* 256 KiB */
    for (unsigned i = 0; i < 20; i++) {
        vd_pipe_hub_dispatch(hub);
        vd_broker_dispatch(b);
    }
    assert_int_equal(seen, 2);
    assert_int_equal(vd_broker_publish(a, &message, NULL), VD_OK); /* the cut one is forgotten */
    for (unsigned i = 0; i < 20; i++) {
        vd_pipe_hub_dispatch(hub);
        vd_broker_dispatch(b);
    }
    assert_int_equal(seen, 3);
    vd_pipe_hub_status(hub, &status);
    assert_int_equal(status.endpoints, 2);
    assert_int_equal(status.attached, 2);
    assert_int_equal(status.forwarded_total, 3);
    assert_int_equal(status.dropped_total, 0);
    vd_broker_destroy(a);
    vd_broker_destroy(b);
    vd_pipe_hub_status(hub, &status);
    assert_int_equal(status.attached, 0);
    vd_pipe_hub_destroy(hub);
}

/* Without a hub: what fits waits for one, what does not is refused in time. */
static void test_before_anybody_serves(void **state)
{
    static unsigned char bytes[50000];
    const struct vd_message message = {.scope = "x",
                                       .scope_length = 1,
                                       .has_data = true,
                                       .data = bytes,
                                       .data_length = sizeof(bytes)};
    struct vd_broker_options options = {.url = "pipe:", .publish_timeout_ms = 50};
    struct vd_broker_status status;
    struct vd_error error = {0};
    struct vd_broker *a, *b;
    size_t seen = 0, accepted = 0;

    (void)state;
    assert_int_equal(vd_pipe_hub_create(2, NULL, &options.pipe_hub, NULL), VD_OK);
    assert_int_equal(vd_broker_open(&options, &a, NULL), VD_OK);
    assert_int_equal(open_at(options.pipe_hub, 1, &b, NULL), VD_OK);
    vd_broker_subscribe(b, "x", 1, count_call, &seen, NULL, NULL);
    vd_broker_dispatch(a);
    vd_broker_status(a, &status);
    assert_false(status.connected);
    assert_int_equal(status.state, VD_BROKER_CONNECTING);
    while (vd_broker_publish(a, &message, &error) == VD_OK)
        accepted++;
    assert_int_equal(error.code, VD_ERR_TIMEOUT);
    assert_string_equal(error.text, "the ring to the hub was full for 50 ms");
    assert_int_equal(accepted, 5);
    vd_broker_status(a, &status);
    assert_true(status.outbox_bytes > 200000);
    assert_int_equal(status.counters.publish_failures, 1);
    assert_int_equal(vd_broker_flush(a, 20), VD_ERR_TIMEOUT);

    assert_int_equal(vd_pipe_hub_serve(options.pipe_hub, NULL), VD_OK);
    for (unsigned i = 0; i < 20; i++) {
        vd_pipe_hub_dispatch(options.pipe_hub);
        vd_broker_dispatch(a);
        vd_broker_dispatch(b);
    }
    assert_int_equal(seen, accepted);
    vd_broker_status(a, &status);
    assert_true(status.connected);
    vd_broker_destroy(a);
    vd_broker_destroy(b);
    vd_pipe_hub_destroy(options.pipe_hub);
}

/* ---- an endpoint gone mad ----------------------------------------------------------------------
 */

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* A frame that begins as a message and is damaged somewhere, of any type, flags and tag. */
static void put_any_frame(struct vd_ring_producer *up, uint64_t *random)
{
    static const struct vd_message message = {.scope = "room:lobby",
                                              .scope_length = 10,
                                              .data = "0123456789",
                                              .data_length = 10,
                                              .has_data = true};
    size_t whole = vd_flat_bytes(&message);
    size_t length = next_random(random) % (whole + 10);
    uint64_t dice = next_random(random);
    struct vd_frame *frame = vd_ring_reserve(up, length, (uint16_t)(1 + dice % 3),
                                             (uint16_t)(dice >> 8 & 7), dice >> 16 & 3);

    if (!frame)
        return;
    memset(frame->payload, (int)(dice >> 24), length);
    vd_flat_slice(&message, 0, length < whole ? length : whole, frame->payload);
    if (length > 0 && dice >> 32 & 1)
        frame->payload[next_random(random) % length] = (unsigned char)(dice >> 40);
    vd_ring_commit(up);
}

static void turns(struct vd_pipe_hub *hub, struct vd_broker *broker, unsigned count)
{
    while (count-- > 0) {
        vd_pipe_hub_dispatch(hub);
        vd_broker_dispatch(broker);
    }
}

static void test_damage_is_contained(void **state)
{
    const struct vd_message message = {.scope = "ok", .scope_length = 2};
    uint64_t random = 2463534242u;
    struct vd_broker *mad, *reader;
    struct vd_broker_status status;
    struct vd_pipe_hub_status facts;
    struct vd_ring_producer up;
    struct vd_pipe_hub *hub;
    size_t seen = 0;

    (void)state;
    assert_int_equal(vd_pipe_hub_create(2, NULL, &hub, NULL), VD_OK);
    assert_int_equal(vd_pipe_hub_serve(hub, NULL), VD_OK);
    assert_int_equal(open_at(hub, 0, &mad, NULL), VD_OK);
    assert_int_equal(open_at(hub, 1, &reader, NULL), VD_OK);
    vd_broker_subscribe(reader, "ok", 2, count_call, &seen, NULL, NULL);
    for (unsigned round = 0; round < 500; round++) {
        assert_int_equal(vd_ring_producer_init(&up, pipe_up(hub, 0)), VD_OK);
        for (unsigned i = 0; i < 100; i++)
            put_any_frame(&up, &random);
        turns(hub, reader, 2);
    }
    vd_pipe_hub_status(hub, &facts);
    assert_true(facts.malformed_total > 1000);
    vd_broker_status(reader, &status);
    assert_true(status.counters.malformed > 0); /* bad scopes that the hub does not look at */

    /* the ring itself: its positions say nonsense */
    memset((char *)pipe_up(hub, 0) + 64, 0xa5, 8);
    turns(hub, reader, 3);
    vd_broker_destroy(mad);
    assert_int_equal(open_at(hub, 0, &mad, NULL), VD_OK); /* makes it anew */
    assert_int_equal(vd_broker_publish(mad, &message, NULL), VD_OK);
    turns(hub, reader, 3);
    assert_int_equal(seen, 1);
    vd_broker_destroy(mad);
    vd_broker_destroy(reader);
    vd_pipe_hub_destroy(hub);
}

static _Noreturn void serve_when_told(struct vd_pipe_hub *hub, pid_t parent, const int ends[2])
{
    char told;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || vd_pipe_lock(hub, PIPE_BYTE_HUB, NULL) != VD_OK ||
        write(ends[1], "", 1) != 1 || read(ends[1], &told, 1) != 1 ||
        vd_pipe_hub_serve(hub, NULL) != VD_OK)
        _exit(1);
    for (;;)
        vd_pipe_hub_poll(hub, -1);
}

static pid_t begin_to_serve(struct vd_pipe_hub *hub, int ends[2])
{
    pid_t parent = getpid(), child;
    char begun;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    child = fork();
    if (child == 0)
        serve_when_told(hub, parent, ends);
    assert_int_equal(read(ends[0], &begun, 1), 1);
    return child;
}

static void end_serving(pid_t child, const int ends[2])
{
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(ends[0]);
    close(ends[1]);
}

static bool is_connected(struct vd_broker *broker)
{
    struct vd_broker_status status;

    vd_broker_status(broker, &status);
    return status.connected;
}

/* Whoever takes over holds the lock a moment before he serves: one death is one failure and one
 * resynchronisation, not two. */
static void test_a_successor_that_has_only_begun(void **state)
{
    struct vd_broker_options options = {.url = "pipe:", .probe_interval_ms = 10};
    struct vd_broker_status status;
    struct vd_broker *broker;
    int first[2], second[2];
    pid_t child;

    (void)state;
    assert_int_equal(vd_pipe_hub_create(1, NULL, &options.pipe_hub, NULL), VD_OK);
    child = begin_to_serve(options.pipe_hub, first);
    assert_int_equal(vd_broker_open(&options, &broker, NULL), VD_OK);
    assert_int_equal(write(first[0], "", 1), 1);
    while (!is_connected(broker))
        vd_broker_poll(broker, 100);
    end_serving(child, first);
    while (is_connected(broker))
        vd_broker_poll(broker, 100);
    child = begin_to_serve(options.pipe_hub, second);
    for (unsigned probes = 0; probes < 5;)
        probes += vd_broker_poll(broker, 100) == VD_OK;
    assert_false(is_connected(broker));
    assert_int_equal(write(second[0], "", 1), 1);
    while (!is_connected(broker))
        vd_broker_poll(broker, 100);
    vd_broker_status(broker, &status);
    assert_int_equal(status.counters.failures, 1);
    assert_int_equal(status.counters.reconnects, 1);
    assert_int_equal(status.counters.resyncs, 1);
    end_serving(child, second);
    vd_broker_destroy(broker);
    vd_pipe_hub_destroy(options.pipe_hub);
}

int main(void)
{
    static const struct suite_world world = {
        .driver = "pipe",
        .display = "PipeBroker",
        .begin = begin,
        .end = end,
        .fill_in = fill_in,
    };
    const struct CMUnitTest own[] = {
        cmocka_unit_test(test_hub_options),
        cmocka_unit_test(test_endpoint_numbers),
        cmocka_unit_test(test_the_serving_process_may_hold_endpoints),
        cmocka_unit_test(test_before_anybody_serves),
        cmocka_unit_test(test_damage_is_contained),
        cmocka_unit_test(test_a_successor_that_has_only_begun),
    };
    int failed = suite_run(&world);

    return failed + cmocka_run_group_tests_name("pipe only", own, NULL, NULL);
}
