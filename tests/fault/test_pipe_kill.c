/* SPDX-License-Identifier: Apache-2.0 */
/* The pipe broker under kill -9: endpoints and the serving process die at random instants, and what
 * arrives is whole, in order, once, or announced as a gap. */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <viaduct/broker.h>

#include "killing.h"

#define SUBSCRIBER 0
#define WITNESS    1
#define VICTIM     2
#define OTHER      3
#define ENDPOINTS  4

#define LARGE_BYTES 200000 /* several fragments */

/* A sanitizer slows the checking of bytes down tenfold, and sees in a few rounds what it sees. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ROUNDS(count) ((count) / 5)
#else
#define ROUNDS(count) (count)
#endif

static void serve(void *hub)
{
    if (vd_pipe_hub_serve(hub, NULL) != VD_OK)
        return;
    for (;;)
        vd_pipe_hub_poll(hub, -1);
}

static struct vd_pipe_hub *create_hub(void)
{
    struct vd_pipe_hub *hub;

    assert_int_equal(vd_pipe_hub_create(ENDPOINTS, NULL, &hub, NULL), VD_OK);
    return hub;
}

static struct vd_broker *open_at(struct vd_pipe_hub *hub, unsigned number,
                                 struct vd_broker_options options)
{
    struct vd_broker *broker = NULL;
    struct vd_error error = {0};

    options.url = "pipe:";
    options.pipe_hub = hub;
    options.pipe_endpoint = number;
    if (!options.publish_timeout_ms)
        options.publish_timeout_ms = DEADLINE_MS;
    if (vd_broker_open(&options, &broker, &error) != VD_OK)
        fail_msg("endpoint %u: %s", number, error.text);
    return broker;
}

/* ---- messages that can be checked --------------------------------------------------------------
 */

/* Bytes that follow from the length, so that a mixture of two messages is seen. */
static void fill(unsigned char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        bytes[i] = (unsigned char)(length * 31 + i * 7);
}

static enum vd_err publish(struct vd_broker *broker, const char *scope, size_t length)
{
    static unsigned char bytes[LARGE_BYTES];
    const struct vd_message message = {.scope = scope,
                                       .scope_length = strlen(scope),
                                       .has_data = true,
                                       .data = bytes,
                                       .data_length = length};

    fill(bytes, length);
    return vd_broker_publish(broker, &message, NULL);
}

struct watch {
    size_t count;   /* whole messages */
    size_t damaged; /* others */
    size_t witness; /* those of the witness */
    unsigned gaps;
    unsigned jumps; /* of those: nobody has announced the loss */
    unsigned failures;
    enum vd_err failure_code;
};

static void check_message(struct vd_broker *broker, const struct vd_message *message, void *context)
{
    struct watch *watch = context;
    const unsigned char *bytes = message->data;

    (void)broker;
    watch->count++;
    if (message->scope_length == 7 && memcmp(message->scope, "witness", 7) == 0)
        watch->witness++;
    for (size_t i = 0; i < message->data_length; i++) {
        if (bytes[i] != (unsigned char)(message->data_length * 31 + i * 7)) {
            watch->damaged++;
            return;
        }
    }
}

static void count_gap(struct vd_broker *broker, const struct vd_broker_gap *gap, void *context)
{
    struct watch *watch = context;

    (void)broker;
    watch->gaps++;
    watch->jumps += gap->reason == VD_GAP_SEQUENCE;
}

static void note_failure(struct vd_broker *broker, const struct vd_broker_failure *failure,
                         void *context)
{
    struct watch *watch = context;

    (void)broker;
    watch->failures++;
    watch->failure_code = failure->code;
}

static struct vd_broker *open_watch(struct vd_pipe_hub *hub, unsigned number, const char *pattern,
                                    struct watch *watch)
{
    struct vd_broker *broker =
        open_at(hub, number,
                (struct vd_broker_options){
                    .on_gap = count_gap, .on_error = note_failure, .context = watch});

    assert_int_equal(
        vd_broker_subscribe(broker, pattern, strlen(pattern), check_message, watch, NULL, NULL),
        VD_OK);
    return broker;
}

static void poll_until(struct vd_broker *broker, const size_t *counter, size_t wanted)
{
    uint64_t deadline = vd_monotonic_ms() + DEADLINE_MS;

    while (*counter < wanted) {
        if (vd_monotonic_ms() > deadline)
            fail_msg("%zu of %zu after %u ms", *counter, wanted, DEADLINE_MS);
        vd_broker_poll(broker, 100);
    }
}

/* ---- a publisher dies --------------------------------------------------------------------------
 */

static void publish_for_ever(void *hub)
{
    struct vd_broker *broker = open_at(hub, VICTIM, (struct vd_broker_options){0});

    for (unsigned i = 0;; i++)
        publish(broker, "noise", i % 3 == 0 ? LARGE_BYTES - i % 1000 : i % 300);
}

static void test_a_publisher_is_killed_300_times(void **state)
{
    struct vd_pipe_hub *hub = create_hub();
    uint64_t random = 88172645463325252u;
    struct watch watch = {0};
    struct vd_broker *subscriber, *witness;
    struct vd_broker_status status;
    pid_t server = start(serve, hub);

    (void)state;
    subscriber = open_watch(hub, SUBSCRIBER, "*", &watch);
    witness = open_at(hub, WITNESS, (struct vd_broker_options){0});
    for (size_t round = 1; round <= ROUNDS(300); round++) {
        size_t before = watch.count;
        pid_t victim = start(publish_for_ever, hub); /* takes the number of the last one */
        poll_until(subscriber, &watch.count, before + 1);
        spin_us(next_random(&random) % 2000);
        kill_and_reap(victim);
        vd_pipe_hub_poke(hub); /* as whoever reaps does */
        assert_int_equal(publish(witness, "witness", 100), VD_OK);
        poll_until(subscriber, &watch.witness, round);
    }
    assert_int_equal(watch.damaged, 0);
    /* the dead lost only their own last; a backlog that overflows says so */
    assert_int_equal(watch.jumps, 0);
    vd_broker_status(subscriber, &status);
    assert_int_equal(status.counters.malformed, 0);
    assert_int_equal(status.counters.duplicates, 0);
    vd_broker_destroy(subscriber);
    vd_broker_destroy(witness);
    kill_and_reap(server);
    vd_pipe_hub_destroy(hub);
}

/* ---- a subscriber dies -------------------------------------------------------------------------
 */

struct victim {
    struct vd_pipe_hub *hub;
    _Atomic size_t *seen; /* shared */
};

static void tell_seen(struct vd_broker *broker, const struct vd_message *message, void *context)
{
    struct watch watch = {0};

    check_message(broker, message, &watch);
    if (watch.damaged)
        _exit(9); /* whoever kills us sees that we were gone */
    atomic_fetch_add((_Atomic size_t *)context, 1);
}

static void subscribe_for_ever(void *argument)
{
    struct victim *victim = argument;
    struct vd_broker *broker = open_at(victim->hub, VICTIM, (struct vd_broker_options){0});

    vd_broker_subscribe(broker, "*", 1, tell_seen, (void *)victim->seen, NULL, NULL);
    for (;;)
        vd_broker_poll(broker, -1);
}

static void test_a_subscriber_is_killed_200_times(void **state)
{
    struct vd_pipe_hub *hub = create_hub();
    struct victim victim = {.hub = hub, .seen = share(sizeof(*victim.seen))};
    uint64_t random = 362436069u;
    struct watch watch = {0};
    struct vd_broker *subscriber, *publisher;
    size_t sent = 0;
    pid_t server = start(serve, hub);

    (void)state;
    subscriber = open_watch(hub, SUBSCRIBER, "*", &watch);
    publisher = open_at(hub, OTHER, (struct vd_broker_options){0});
    for (unsigned round = 0; round < ROUNDS(200); round++) {
        uint64_t deadline = vd_monotonic_ms() + DEADLINE_MS;
        size_t before = atomic_load(victim.seen);
        pid_t child = start(subscribe_for_ever, &victim);
        while (atomic_load(victim.seen) == before) { /* it reads what comes after it came */
            assert_true(vd_monotonic_ms() < deadline);
            assert_int_equal(publish(publisher, "x", sent % 7 == 0 ? LARGE_BYTES : 50), VD_OK);
            sent++;
            poll_until(subscriber, &watch.count, sent);
        }
        spin_us(next_random(&random) % 500);
        kill_and_reap(child);
        for (unsigned i = 0; i < 5; i++, sent++) /* the dead one's ring takes them, or not */
            assert_int_equal(publish(publisher, "x", LARGE_BYTES), VD_OK);
    }
    poll_until(subscriber, &watch.count, sent);
    assert_int_equal(watch.count, sent);
    assert_int_equal(watch.damaged, 0);
    assert_int_equal(watch.gaps, 0);
    vd_broker_destroy(subscriber);
    vd_broker_destroy(publisher);
    kill_and_reap(server);
    vd_pipe_hub_destroy(hub);
}

/* ---- the serving process dies ------------------------------------------------------------------
 */

#define HUB_KILLS ROUNDS(60)

struct sender {
    struct vd_pipe_hub *hub;
    _Atomic bool *stop; /* shared */
    _Atomic size_t *sent;
};

static void send_until_stopped(void *argument)
{
    struct sender *sender = argument;
    struct vd_broker *broker =
        open_at(sender->hub, OTHER, (struct vd_broker_options){.node_id = "sender"});

    for (unsigned i = 0; !atomic_load(sender->stop); i++) {
        /* it waits for a successor; that it cannot be accepted for so long is a failure */
        if (publish(broker, "x", i % 50 == 0 ? LARGE_BYTES : i % 500) != VD_OK)
            _exit(9);
        atomic_fetch_add(sender->sent, 1);
    }
    if (vd_broker_flush(broker, DEADLINE_MS) != VD_OK)
        _exit(8);
    vd_broker_destroy(broker);
}

static void poll_until_reconnected(struct vd_broker *broker, uint64_t wanted)
{
    uint64_t deadline = vd_monotonic_ms() + DEADLINE_MS;
    struct vd_broker_status status;

    do {
        assert_true(vd_monotonic_ms() < deadline);
        vd_broker_poll(broker, 100);
        vd_broker_status(broker, &status);
    } while (status.counters.reconnects < wanted);
}

static void test_the_hub_is_killed_under_load(void **state)
{
    struct vd_pipe_hub *hub = create_hub();
    struct sender sender = {
        .hub = hub, .stop = share(sizeof(*sender.stop)), .sent = share(sizeof(*sender.sent))};
    uint64_t random = 521288629u, deadline;
    struct watch watch = {0};
    struct vd_broker_status status;
    struct vd_broker *subscriber;
    pid_t server = start(serve, hub);
    pid_t child;
    int result;

    (void)state;
    subscriber = open_watch(hub, SUBSCRIBER, "*", &watch);
    child = start(send_until_stopped, &sender);
    for (unsigned round = 0; round < HUB_KILLS; round++) {
        poll_until(subscriber, &watch.count, watch.count + 200);
        spin_us(next_random(&random) % 1000);
        kill_and_reap(server);
        server = start(serve, hub);
        poll_until_reconnected(subscriber, round + 1);
    }
    poll_until(subscriber, &watch.count, watch.count + 200);
    atomic_store(sender.stop, true);
    deadline = vd_monotonic_ms() + DEADLINE_MS;
    while (waitpid(child, &result, WNOHANG) == 0) {
        assert_true(vd_monotonic_ms() < deadline);
        vd_broker_poll(subscriber, 20);
    }
    assert_int_equal(result, 0);
    while (vd_broker_poll(subscriber, 300) == VD_OK) /* until it is quiet: all is handed over */
        ;
    vd_broker_status(subscriber, &status);
    assert_int_equal(watch.damaged, 0);
    assert_int_equal(status.counters.malformed, 0);
    assert_int_equal(status.counters.reconnects, HUB_KILLS);
    assert_int_equal(status.counters.failures, HUB_KILLS);
    assert_int_equal(status.counters.resyncs, HUB_KILLS);
    assert_true(status.connected);
    /* once or not at all; at most the few that the dead hubs held are missing, each announced */
    assert_true(watch.count <= atomic_load(sender.sent));
    print_message("%zu of %zu arrived, %llu seen twice and left out\n", watch.count,
                  (size_t)atomic_load(sender.sent), (unsigned long long)status.counters.duplicates);
    vd_broker_destroy(subscriber);
    kill_and_reap(server);
    vd_pipe_hub_destroy(hub);
}

static bool test_a_dead_hub_is_noticed_and_replaced_in_time(void)
{
    struct vd_pipe_hub *hub = create_hub();
    struct watch watch = {0};
    struct vd_broker_status status;
    struct vd_broker *subscriber, *publisher;
    pid_t server = start(serve, hub);
    uint64_t died, noticed;

    subscriber = open_watch(hub, SUBSCRIBER, "*", &watch);
    publisher = open_at(hub, OTHER, (struct vd_broker_options){0});
    assert_int_equal(publish(publisher, "x", 1), VD_OK);
    poll_until(subscriber, &watch.count, 1);
    vd_broker_status(subscriber, &status);
    assert_true(status.connected);
    kill_and_reap(server);
    died = vd_monotonic_ms();
    while (watch.failures == 0 && vd_monotonic_ms() < died + DEADLINE_MS)
        vd_broker_poll(subscriber, 100);
    assert_int_equal(watch.failures, 1);
    assert_int_equal(watch.failure_code, VD_ERR_CLOSED);
    noticed = vd_monotonic_ms();
    vd_broker_status(subscriber, &status);
    assert_false(status.connected);
    assert_int_equal(status.state, VD_BROKER_WAITING);
    assert_int_equal(status.last_error, VD_ERR_CLOSED);

    assert_int_equal(publish(publisher, "x", 2), VD_OK);   /* waits in the ring */
    assert_int_equal(vd_pipe_hub_serve(hub, NULL), VD_OK); /* anybody may: here, the test itself */
    for (unsigned i = 0; i < 10; i++) {
        vd_pipe_hub_dispatch(hub);
        vd_broker_poll(subscriber, 0);
    }
    assert_int_equal(watch.count, 2);
    assert_int_equal(watch.gaps, 1);
    vd_broker_status(subscriber, &status);
    assert_true(status.connected);
    assert_int_equal(status.counters.reconnects, 1);
    vd_broker_destroy(subscriber);
    vd_broker_destroy(publisher);
    vd_pipe_hub_destroy(hub);
    return noticed - died < 2000; /* two probes, and a busy machine */
}

static void test_a_dead_hub_is_noticed_and_replaced(void **state)
{
    (void)state;
    in_few_tries(test_a_dead_hub_is_noticed_and_replaced_in_time);
}

/* ---- stopped, and taken ------------------------------------------------------------------------
 */

struct slow {
    struct vd_pipe_hub *hub;
    _Atomic size_t *seen; /* shared */
};

/* Ends well when it has been told a gap and then gets the last message. */
static void read_until_the_end(void *argument)
{
    struct slow *slow = argument;
    struct watch watch = {0};
    struct vd_broker *broker = open_watch(slow->hub, VICTIM, "x", &watch);
    struct watch end = {0};

    vd_broker_subscribe(broker, "end", 3, check_message, &end, NULL, NULL);
    while (end.count == 0) {
        vd_broker_poll(broker, 1000);
        atomic_store(slow->seen, watch.count);
    }
    _exit(watch.gaps > 0 && watch.damaged == 0 ? 0 : 9);
}

static void test_a_stopped_endpoint_delays_nobody(void **state)
{
    struct vd_pipe_hub *hub = create_hub();
    struct slow slow = {.hub = hub, .seen = share(sizeof(*slow.seen))};
    struct watch watch = {0};
    struct vd_broker *subscriber, *publisher, *thief;
    struct vd_broker_options options = {.url = "pipe:", .pipe_hub = hub, .pipe_endpoint = VICTIM};
    pid_t server = start(serve, hub), child = start(read_until_the_end, &slow);
    struct vd_error error;
    uint64_t deadline;
    size_t sent = 0;
    int result;

    (void)state;
    subscriber = open_watch(hub, SUBSCRIBER, "x", &watch);
    publisher = open_at(hub, OTHER, (struct vd_broker_options){0});
    while (atomic_load(slow.seen) == 0) {
        assert_int_equal(publish(publisher, "x", 100), VD_OK);
        poll_until(subscriber, &watch.count, ++sent);
    }
    assert_int_equal(kill(child, SIGSTOP), 0);
    for (unsigned i = 0; i < 60; i++) { /* 12 MB: ring and backlog are full three times over */
        assert_int_equal(publish(publisher, "x", LARGE_BYTES), VD_OK);
        poll_until(subscriber, &watch.count, ++sent);
    }
    assert_int_equal(watch.gaps, 0);
    /* stopped is not dead */
    assert_int_equal(vd_broker_open(&options, &thief, &error), VD_ERR_EXISTS);
    assert_int_equal(kill(child, SIGCONT), 0);
    deadline = vd_monotonic_ms() + DEADLINE_MS;
    while (waitpid(child, &result, WNOHANG) == 0) {
        assert_true(vd_monotonic_ms() < deadline);
        assert_int_equal(publish(publisher, "end", 10), VD_OK);
        vd_broker_poll(subscriber, 10);
    }
    assert_int_equal(result, 0);
    assert_int_equal(vd_broker_open(&options, &thief, &error), VD_OK); /* gone: at once */
    vd_broker_destroy(thief);
    vd_broker_destroy(subscriber);
    vd_broker_destroy(publisher);
    kill_and_reap(server);
    vd_pipe_hub_destroy(hub);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_publisher_is_killed_300_times),
        cmocka_unit_test(test_a_subscriber_is_killed_200_times),
        cmocka_unit_test(test_the_hub_is_killed_under_load),
        cmocka_unit_test(test_a_dead_hub_is_noticed_and_replaced),
        cmocka_unit_test(test_a_stopped_endpoint_delays_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
