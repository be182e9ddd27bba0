/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that every driver with a network must pass: a server that is away, killed, stopped or slow,
 * connections that look healthy and are not, load. Nothing accepted is lost in silence; each
 * failure has its class and its sentence; the node comes back by itself. See broker_faults.h. */
#include <dirent.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <viaduct/clock.h>

#include "broker_faults.h"

#define PROBE_MS     500
#define PATIENCE_MS  2000 /* on two busy cores */
#define NOTICE_MS    (2 * PROBE_MS + PATIENCE_MS)
#define STEADY_MS    3000
#define RESTARTS     20
#define RECONNECTS   1000
#define BURST        100000
#define UNREAD       20000 /* of a burst: what is on its way fits into an outbox and an inbox */
#define GROWTH_BYTES (192 * 1024) /* over 500 reconnects; one link's buffers come and go */

static const struct vd_broker_options quick = {.probe_interval_ms = PROBE_MS,
                                               .connect_timeout_ms = PROBE_MS};
/* Where a failure would be one of the test: a busy machine must not make one. */
static const struct vd_broker_options steady = {.probe_interval_ms = STEADY_MS};

/* ---- away --------------------------------------------------------------------------------------
 */

static void test_absent_at_start(void **state)
{
    struct fault_world *world = *state;
    struct vd_broker_status status;
    struct fault_node *node = fault_open(world, 0, (struct vd_broker_options){0});

    fault_until_failed(world, node, 1);
    assert_int_equal(node->failure.code, VD_ERR_CONNECTION);
    assert_int_equal(node->failure.attempt, 1);
    assert_true(node->failure.next_delay_ms <= 20);
    assert_non_null(strstr(node->text, world->driver->texts.refused));
    fault_until_failed(world, node, 3);
    assert_int_equal(node->failure.attempt, 3);
    assert_int_equal(fault_publish(node, "early"), VD_OK);
    vd_broker_status(node->broker, &status);
    assert_int_equal(status.outbox_messages, 1);
    assert_int_equal(status.last_error, VD_ERR_CONNECTION);
    fault_start(world);
    fault_until_connected(world, node, true);
    assert_int_equal(node->gaps, 1); /* what others published meanwhile is not known */
    fault_flush(world, node);
    vd_broker_status(node->broker, &status);
    assert_int_equal(status.outbox_messages, 0);
    assert_true(status.rtt_us > 0);
}

/* The outbox comes whole and in order, to a reader that was back before. */
static void test_what_was_accepted_meanwhile_arrives(void **state)
{
    struct fault_world *world = *state;
    struct fault_node *writer = &world->nodes[0], *reader = &world->nodes[1];
    char text[16];

    fault_start_pair(world, (struct vd_broker_options){0});
    assert_int_equal(fault_publish(writer, "before"), VD_OK);
    fault_until_count(world, reader, 1);
    fault_flush(world, writer);
    broker_server_kill(&world->server);
    fault_until_connected(world, writer, false);
    fault_until_connected(world, reader, false);
    for (unsigned i = 0; i < 900; i++) {
        snprintf(text, sizeof(text), "%u", i);
        assert_int_equal(fault_publish(writer, text), VD_OK);
    }
    writer->asleep = true;
    fault_start(world);
    fault_until_connected(world, reader, true);
    assert_int_equal(reader->gaps, 1);
    writer->asleep = false;
    fault_until_connected(world, writer, true);
    fault_until_sequence(world, reader, 901);
    fault_flush(world, writer);
    assert_int_equal(reader->count, 901);
    assert_false(reader->backwards);
    assert_int_equal(reader->jumps, 0);
}

/* Both policies: what is dropped or refused is counted and told, what stays arrives, and the reader
 * hears of the hole. */
static void test_a_full_outbox(void **state)
{
    struct fault_world *world = *state;
    struct vd_broker_options options = {.outbox_messages = 5};
    struct fault_node *drops = fault_open(world, 0, options), *refuses, *reader;
    struct vd_broker_status status;
    char text[16];

    options.outbox_policy = VD_OUTBOX_FAIL;
    refuses = fault_open(world, 1, options);
    for (unsigned i = 0; i < 8; i++) {
        snprintf(text, sizeof(text), "%u", i);
        assert_int_equal(fault_publish(drops, text), VD_OK);
        assert_int_equal(fault_publish(refuses, text), i < 5 ? VD_OK : VD_ERR_FULL);
    }
    vd_broker_status(drops->broker, &status);
    assert_int_equal(status.outbox_messages, 5);
    assert_int_equal(status.counters.outbox_drops, 3);
    vd_broker_status(refuses->broker, &status);
    assert_int_equal(status.counters.publish_failures, 3);
    assert_int_equal(status.counters.outbox_drops, 0);
    for (unsigned turns = 0; turns < 1000 && drops->failure.code != VD_ERR_FULL; turns++)
        fault_turn(world, 10); /* told once, among the failed attempts */
    assert_int_equal(drops->failure.code, VD_ERR_FULL);
    drops->asleep = refuses->asleep = true;
    fault_start(world);
    reader = fault_open(world, 2, (struct vd_broker_options){0});
    fault_until_connected(world, reader, true);
    drops->asleep = false;
    fault_until_sequence(world, reader, 8);
    assert_int_equal(reader->count, 5); /* 4 to 8 */
    assert_string_equal(reader->data, "7");
    drops->asleep = true;
    refuses->asleep = false;
    fault_until_count(world, reader, 10);
    assert_string_equal(reader->data, "4");
}

static void until_overflow_is_told(struct fault_world *world, struct fault_node *node)
{
    uint64_t deadline_ms = vd_monotonic_ms() + FAULT_DEADLINE_MS;

    while (node->failure.code != VD_ERR_FULL) {
        fault_turn(world, 10);
        if (vd_monotonic_ms() > deadline_ms)
            fail_msg("the overflow is not told: %s", node->text);
    }
}

/* In the moment between the subscription and the answer to the first probe, and again while the
 * link is up: each time it fills up is told. */
static void test_each_overflow_is_told(void **state)
{
    struct fault_world *world = *state;
    struct vd_broker_options options = {.outbox_messages = 5, .outbox_bytes = 4096};
    struct fault_node *node;
    struct vd_broker_status status;

    node = fault_open(world, 0, options);
    fault_until_failed(world, node, 1);
    fault_start(world);
    fault_until_gaps(world, node, 1);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(fault_publish(node, "one of eight"), VD_OK);
    poll(NULL, 0, 100); /* in all likelihood the answer waits here now: then this turn sees it */
    until_overflow_is_told(world, node);
    for (unsigned round = 0; round < 2; round++) {
        fault_until_connected(world, node, true);
        fault_flush(world, node);
        node->failure.code = VD_OK;
        for (unsigned i = 0; i < 200; i++)
            assert_int_equal(fault_publish(node, "more than what is in flight and what waits"),
                             VD_OK);
        until_overflow_is_told(world, node);
    }
    vd_broker_status(node->broker, &status);
    assert_true(status.connected && status.counters.outbox_drops > 200);
    assert_int_equal(node->gaps, 1);
}

/* ---- lost with nothing before or after it ------------------------------------------------------
 */

static struct fault_node *open_past_the_proxy(struct fault_world *world, unsigned number)
{
    struct vd_broker_options options = steady;
    char url[64];

    snprintf(url, sizeof(url), "%s://127.0.0.1:%d", world->driver->server->scheme,
             world->server.port);
    options.url = url;
    return fault_open(world, number, options);
}

/* A reader that has had no message of a writer knows from its probe where the numbers begin. */
static void test_an_overflow_before_the_first_message(void **state)
{
    struct fault_world *world = *state;
    struct vd_broker_options options = steady;
    struct fault_node *writer, *reader;
    struct vd_broker_status status;
    uint64_t began_ms;

    fault_start(world);
    fault_start_proxy(world);
    reader = open_past_the_proxy(world, 1);
    fault_until_connected(world, reader, true);
    options.outbox_messages = 5;
    writer = fault_open(world, 0, options);
    fault_until_connected(world, writer, true);
    tcp_proxy_set(&world->proxy, TCP_PROXY_CUT);
    fault_until_connected(world, writer, false);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(fault_publish(writer, "one of eight"), VD_OK);
    tcp_proxy_set(&world->proxy, TCP_PROXY_PASS);
    fault_until_connected(world, writer, true);
    began_ms = vd_monotonic_ms();
    fault_until_gaps(world, reader, 1);
    assert_true(vd_monotonic_ms() - began_ms < 2 * STEADY_MS + PATIENCE_MS);
    fault_until_sequence(world, reader, 8);
    assert_int_equal(reader->missed, 3);
    assert_int_equal(reader->count, 5);
    assert_int_equal(reader->jumps, 0);
    fault_flush(world, writer);
    vd_broker_status(reader->broker, &status);
    assert_int_equal(status.counters.gaps, 1);
    assert_int_equal(status.counters.malformed, 0);
}

/* Who was never connected before it dropped. */
static void test_an_overflow_before_the_first_link(void **state)
{
    struct fault_world *world = *state;
    struct vd_broker_options options = steady;
    struct fault_node *writer, *reader;

    fault_start(world);
    fault_start_proxy(world);
    tcp_proxy_set(&world->proxy, TCP_PROXY_CUT);
    options.outbox_messages = 2;
    writer = fault_open(world, 0, options);
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(fault_publish(writer, "one of six"), VD_OK);
    reader = open_past_the_proxy(world, 1);
    fault_until_connected(world, reader, true);
    tcp_proxy_set(&world->proxy, TCP_PROXY_PASS);
    fault_until_sequence(world, reader, 6);
    assert_int_equal(reader->gaps, 1);
    assert_int_equal(reader->missed, 4);
    assert_int_equal(reader->count, 2);
}

/* Nothing follows what was lost; and a successor that sends again what may have arrived tells of no
 * loss that is none. */
static void test_a_lost_tail(void **state)
{
    struct fault_world *world = *state;
    struct vd_broker_options options = steady;
    struct vd_message again = {.scope = "x", .scope_length = 1, .sequence = 3};
    struct fault_node *writer, *reader;
    struct vd_broker_status status;

    fault_start(world);
    reader = fault_open(world, 1, steady);
    fault_until_connected(world, reader, true);
    options.node_id = "one \"node\"";
    writer = fault_open(world, 0, options);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(fault_publish(writer, "one of three"), VD_OK);
    fault_until_count(world, reader, 3);
    options.sequence = 2; /* 3 was not confirmed */
    writer = fault_open(world, 0, options);
    fault_until_connected(world, writer, true);
    assert_int_equal(vd_broker_publish(writer->broker, &again, NULL), VD_OK);
    assert_int_equal(fault_publish(writer, "the fourth"), VD_OK);
    fault_until_count(world, reader, 4);
    assert_int_equal(reader->gaps, 0);
    options.sequence = 6; /* 5 and 6 are gone */
    writer = fault_open(world, 0, options);
    fault_until_gaps(world, reader, 1);
    assert_int_equal(reader->missed, 2);
    fault_until_connected(world, writer, true);
    assert_int_equal(fault_publish(writer, "the seventh"), VD_OK);
    fault_until_sequence(world, reader, 7);
    vd_broker_status(reader->broker, &status);
    assert_int_equal(status.counters.gaps, 1);
    assert_int_equal(status.counters.duplicates, 1);
    assert_int_equal(status.counters.malformed, 0);
}

/* Dropped after the reader's own gap, by a writer that does not even know that its last messages
 * have arrived: no part of that gap. */
static void test_an_overflow_after_a_gap(void **state)
{
    struct fault_world *world = *state;
    struct vd_broker_options options = {.outbox_messages = 5};
    struct fault_node *writer, *reader;
    unsigned gaps;

    fault_start(world);
    fault_start_proxy(world);
    reader = open_past_the_proxy(world, 1);
    writer = fault_open(world, 0, options);
    fault_until_connected(world, reader, true);
    fault_until_connected(world, writer, true);
    tcp_proxy_set(&world->proxy, TCP_PROXY_DEAFEN);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(fault_publish(writer, "one of three"), VD_OK);
    fault_until_count(world, reader, 3);
    tcp_proxy_set(&world->proxy, TCP_PROXY_CUT);
    fault_until_connected(world, writer, false);
    broker_server_kill(&world->server);
    fault_until_connected(world, reader, false);
    fault_start(world);
    fault_until_connected(world, reader, true);
    gaps = reader->gaps;
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(fault_publish(writer, "one of eight"), VD_OK);
    tcp_proxy_set(&world->proxy, TCP_PROXY_PASS);
    fault_until_sequence(world, reader, 11);
    assert_int_equal(reader->count, 8);
    assert_int_equal(reader->gaps, gaps + 1);
    assert_int_equal(reader->missed, 3);
}

/* A probe stands where it was sent among the messages. (No more of them than the reader keeps up
 * with: an inbox that overflows is a gap.) */
static void test_probes_among_messages(void **state)
{
    struct fault_world *world = *state;
    struct fault_node *writer = &world->nodes[0], *reader = &world->nodes[1];
    uint64_t end_ms;
    size_t count = 0;

    fault_start_pair(world, steady);
    end_ms = vd_monotonic_ms() + 5 * STEADY_MS / 2;
    while (vd_monotonic_ms() < end_ms) {
        for (unsigned i = 0; i < 20 && count < reader->count + 2000; i++, count++)
            assert_int_equal(fault_publish(writer, "one of many"), VD_OK);
        fault_turn(world, 1);
    }
    fault_until_count(world, reader, count);
    fault_flush(world, writer);
    assert_int_equal(reader->gaps + reader->failures + reader->jumps, 0);
}

/* A gap says: read again what you hold. What is published from then on must arrive, though it is
 * published in that very moment. */
static void test_what_follows_a_gap_arrives(void **state)
{
    struct fault_world *world = *state;
    struct fault_node *writer, *reader;
    unsigned gaps;

    fault_start(world);
    fault_start_proxy(world);
    reader = fault_open(world, 1, (struct vd_broker_options){0});
    writer = open_past_the_proxy(world, 0);
    fault_until_connected(world, reader, true);
    fault_until_connected(world, writer, true);
    assert_int_equal(fault_publish(writer, "before"), VD_OK);
    fault_until_count(world, reader, 1);
    gaps = reader->gaps;
    tcp_proxy_set(&world->proxy, TCP_PROXY_DELAY); /* what the reader says is under way for long */
    tcp_proxy_cut(&world->proxy);
    fault_until_gaps(world, reader, gaps + 1);
    assert_int_equal(fault_publish(writer, "after it"), VD_OK);
    fault_flush(world, writer);
    fault_until_connected(world, reader, true);
    assert_int_equal(fault_publish(writer, "later"), VD_OK);
    fault_until_sequence(world, reader, 3);
    assert_int_equal(reader->count, 3);
    assert_int_equal(reader->gaps, gaps + 1);
}

/* ---- there, and not well -----------------------------------------------------------------------
 */

static void test_a_stopped_server_is_noticed(void **state)
{
    struct fault_world *world = *state;
    struct fault_node *node;
    uint64_t began_ms;

    fault_start(world);
    node = fault_open(world, 0, quick);
    fault_until_connected(world, node, true);
    for (unsigned tried = 1;; tried++) {
        kill(world->server.pid, SIGSTOP);
        began_ms = vd_monotonic_ms();
        fault_until_connected(world, node, false);
        if (vd_monotonic_ms() - began_ms < NOTICE_MS)
            break;
        assert_true(tried < TRIES);
        kill(world->server.pid, SIGCONT);
        fault_until_connected(world, node, true);
    }
    assert_int_equal(node->failure.code, VD_ERR_TIMEOUT);
    assert_non_null(strstr(node->text, world->driver->texts.frozen));
    fault_until_failed(world, node, 4); /* the kernel still takes connections: nobody answers */
    assert_int_equal(node->failure.code, VD_ERR_TIMEOUT);
    assert_non_null(strstr(node->text, world->driver->texts.mute));
    assert_int_equal(fault_publish(node, "meanwhile"), VD_OK);
    kill(world->server.pid, SIGCONT);
    fault_until_connected(world, node, true);
    fault_flush(world, node);
}

/* Connections that look healthy and are not: noticed within two probe intervals, told as what it
 * is. */
static void test_half_open_and_deaf_links_are_noticed(void **state)
{
    static const enum tcp_proxy_mode modes[] = {TCP_PROXY_FREEZE, TCP_PROXY_DEAFEN};
    struct fault_world *world = *state;
    unsigned kept[2] = {0};
    struct fault_node *node;

    fault_start(world);
    fault_start_proxy(world);
    node = fault_open(world, 0, quick);
    fault_until_connected(world, node, true);
    for (unsigned i = 0; i < 2 * TRIES && !(kept[0] && kept[1]); i++) {
        uint64_t began_ms = vd_monotonic_ms();
        unsigned gaps = node->gaps;
        tcp_proxy_set(&world->proxy, modes[i % 2]);
        fault_until_failed(world, node, node->failures + 1);
        kept[i % 2] += vd_monotonic_ms() - began_ms < NOTICE_MS;
        assert_int_equal(node->failure.code, VD_ERR_TIMEOUT);
        assert_non_null(strstr(node->text, world->driver->texts.frozen));
        tcp_proxy_set(&world->proxy, TCP_PROXY_PASS);
        fault_until_connected(world, node, true);
        assert_true(node->gaps > gaps);
    }
    assert_true(kept[0] && kept[1]);
}

static void test_closed_and_half_closed_connections(void **state)
{
    static const enum tcp_proxy_mode modes[] = {TCP_PROXY_HALF_CLOSE, TCP_PROXY_CUT};
    struct fault_world *world = *state;
    struct fault_node *node;

    fault_start(world);
    fault_start_proxy(world);
    node = fault_open(world, 0, steady);
    for (unsigned i = 0; i < 2; i++) {
        tcp_proxy_set(&world->proxy, TCP_PROXY_PASS);
        fault_until_connected(world, node, true);
        tcp_proxy_set(&world->proxy, modes[i]);
        fault_until_connected(world, node, false);
        fault_until_failed(world, node, node->failures + 2); /* new ones too */
        assert_int_equal(node->failure.code, VD_ERR_CONNECTION);
        assert_non_null(strstr(node->text, world->driver->texts.ended));
    }
    tcp_proxy_set(&world->proxy, TCP_PROXY_PASS);
    fault_until_connected(world, node, true);
}

static void test_mute_after_accept(void **state)
{
    struct fault_world *world = *state;

    fault_start(world);
    fault_start_proxy(world);
    tcp_proxy_set(&world->proxy, TCP_PROXY_MUTE);
    fault_fails_with(world, quick, VD_ERR_TIMEOUT, world->driver->texts.mute);
}

/* Slow is not broken; pieces of one byte are whole in the end. */
static void test_slow_links_are_links(void **state)
{
    static const enum tcp_proxy_mode modes[] = {TCP_PROXY_DELAY, TCP_PROXY_DRIP};
    struct fault_world *world = *state;
    struct vd_broker_options options = {.probe_interval_ms = 8000, .connect_timeout_ms = 10000};
    struct fault_node *writer = &world->nodes[0], *reader = &world->nodes[1];
    struct vd_broker_status status;

    fault_start(world);
    fault_start_proxy(world);
    for (unsigned i = 0; i < 2; i++) {
        bool late = modes[i] == TCP_PROXY_DRIP && world->driver->greets_in_whole_lines;
        tcp_proxy_set(&world->proxy, late ? TCP_PROXY_PASS : modes[i]);
        fault_open(world, 0, options);
        fault_open(world, 1, options);
        fault_until_connected(world, writer, true);
        fault_until_connected(world, reader, true);
        tcp_proxy_set(&world->proxy, modes[i]);
        vd_broker_status(reader->broker, &status);
        if (modes[i] == TCP_PROXY_DELAY)
            assert_true(status.rtt_us >= 1000 * TCP_PROXY_DELAY_MS);
        for (unsigned n = 0; n < 20; n++)
            assert_int_equal(fault_publish(writer, "slowly"), VD_OK);
        fault_until_count(world, reader, 20);
        fault_flush(world, writer);
        if (reader->failures + writer->failures)
            fail_msg("mode %u: %s%s", modes[i], reader->text, writer->text);
        assert_int_equal(reader->jumps + reader->gaps, 0);
    }
}

/* A node that was busy, or stopped, must not take its own absence for the server's: what came
 * meanwhile, even more than one dispatch reads, stands before the answer to a probe. */
static void be_absent(struct fault_world *world, struct fault_node *node)
{
    fault_until_connected(world, node, true);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 25000; i++)
            assert_int_equal(fault_publish(node, "x"), VD_OK);
        poll(NULL, 0, PROBE_MS + 100);
        vd_broker_dispatch(node->broker); /* a probe is due */
        poll(NULL, 0, 3 * PROBE_MS);
        fault_flush(world, node);
    }
}

/* A server that is late itself, on a busy machine, is told: hence the tries. */
static void test_an_absence_of_our_own(void **state)
{
    struct fault_world *world = *state;
    struct fault_node *node = &world->nodes[0];

    fault_start(world);
    for (unsigned tried = 0; tried < TRIES; tried++) {
        fault_open(world, 0, quick);
        be_absent(world, node);
        if (!node->failures)
            break;
    }
    if (node->failures)
        fail_msg("%s", node->text);
    assert_int_equal(node->gaps, 0);
}

/* ---- load --------------------------------------------------------------------------------------
 */

/* Killed and started again while one node writes: in order, none twice, and what is missing was
 * announced. */
static void test_restarts_under_load(void **state)
{
    struct fault_world *world = *state;
    struct fault_node *writer = &world->nodes[0], *reader = &world->nodes[1];

    fault_start_pair(world, (struct vd_broker_options){0});
    for (unsigned restart = 0; restart < RESTARTS; restart++) {
        for (unsigned i = 0; i < 300; i++) {
            assert_int_equal(fault_publish(writer, "under load"), VD_OK);
            if (i == 150)
                broker_server_kill(&world->server);
            if (i % 10 == 0)
                fault_turn(world, 0);
        }
        fault_until_connected(world, writer, false);
        fault_until_connected(world, reader, false);
        fault_start(world);
        fault_until_connected(world, reader, true);
        fault_until_connected(world, writer, true);
    }
    assert_int_equal(fault_publish(writer, "the last"), VD_OK);
    fault_until_sequence(world, reader, RESTARTS * 300 + 1);
    fault_flush(world, writer);
    assert_false(reader->backwards);
    assert_int_equal(reader->jumps, 0);
    assert_true(reader->gaps >= RESTARTS);
}

/* What is on the way when a link breaks goes out again, and the copies are known by their numbers,
 * however many they are and however small. */
static void test_very_many_on_the_way(void **state)
{
    const struct vd_message message = {.scope = "x", .scope_length = 1};
    struct fault_world *world = *state;
    struct vd_broker_options options = steady;
    struct fault_node *writer, *reader;

    fault_start(world);
    fault_start_proxy(world);
    reader = open_past_the_proxy(world, 1);
    options.node_id = "w";
    writer = fault_open(world, 0, options);
    fault_until_connected(world, reader, true);
    fault_until_connected(world, writer, true);
    tcp_proxy_set(&world->proxy, TCP_PROXY_DEAFEN); /* it is not told that they arrive */
    for (unsigned i = 1; i <= BURST; i++) {
        assert_int_equal(vd_broker_publish(writer->broker, &message, NULL), VD_OK);
        if (i % 1000 == 0)
            fault_turn(world, 0);
    }
    fault_until_failed(world, writer, 1);
    tcp_proxy_set(&world->proxy, TCP_PROXY_PASS);
    fault_until_connected(world, writer, true);
    fault_flush(world, writer);
    fault_until_sequence(world, reader, BURST);
    assert_int_equal(reader->count, BURST);
    assert_false(reader->backwards);
    assert_int_equal(reader->gaps + reader->jumps, 0);
}

static unsigned count_entries(const char *path)
{
    DIR *directory = opendir(path);
    unsigned count = 0;

    assert_non_null(directory);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

static void reconnect(struct fault_world *world, struct fault_node *node, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        tcp_proxy_cut(&world->proxy);
        fault_until_connected(world, node, false);
        fault_until_connected(world, node, true);
    }
}

/* What this process holds. */
struct holdings {
    unsigned descriptors, threads;
    size_t heap_bytes;
};

static struct holdings count_holdings(void)
{
    return (struct holdings){.descriptors = count_entries("/proc/self/fd"),
                             .threads = count_entries("/proc/self/task"),
                             .heap_bytes = mallinfo2().uordblks};
}

/* A connection that was given up may be closed a little later, on a thread of its own: the least
 * that is held within some turns. */
static struct holdings settled_holdings(struct fault_world *world)
{
    struct holdings least = count_holdings();

    for (unsigned turns = 0; turns < 50; turns++) {
        struct holdings now;

        fault_turn(world, 5);
        now = count_holdings();
        if (now.threads < least.threads || now.descriptors < least.descriptors)
            least = now;
    }
    return least;
}

static bool has_grown(struct holdings now, struct holdings before)
{
    return now.descriptors > before.descriptors || now.threads > before.threads ||
           now.heap_bytes > before.heap_bytes + GROWTH_BYTES;
}

/* Neither descriptors nor threads nor memory grow. */
static void many_reconnects(struct fault_world *world, struct vd_broker_options options)
{
    struct holdings before, after;
    struct vd_broker_status status;
    struct fault_node *node;
    uint64_t give_up_ms;

    fault_start(world);
    fault_start_proxy(world);
    options.backoff_first_ms = 1;
    options.backoff_cap_ms = 2;
    node = fault_open(world, 0, options);
    fault_until_connected(world, node, true);
    reconnect(world, node, RECONNECTS / 2); /* by now every cache is filled */
    before = settled_holdings(world);
    reconnect(world, node, RECONNECTS - RECONNECTS / 2);
    give_up_ms = vd_monotonic_ms() + FAULT_DEADLINE_MS;
    while (after = count_holdings(), has_grown(after, before)) {
        fault_turn(world, 20);
        if (vd_monotonic_ms() > give_up_ms) {
            fail_msg("descriptors %u to %u, threads %u to %u, heap %zu to %zu bytes",
                     before.descriptors, after.descriptors, before.threads, after.threads,
                     before.heap_bytes, after.heap_bytes);
        }
    }
    vd_broker_status(node->broker, &status);
    assert_true(status.counters.reconnects >= RECONNECTS);
    assert_true(node->gaps >= RECONNECTS && node->failures >= RECONNECTS);
}

static void test_many_reconnects_leave_nothing(void **state)
{
    many_reconnects(*state, (struct vd_broker_options){0});
}

static void test_many_tls_reconnects_leave_nothing(void **state)
{
    fault_make_certificates(*state, NULL);
    many_reconnects(*state, fault_tls(*state, (struct vd_broker_options){0}));
}

static void test_a_burst(void **state)
{
    struct fault_world *world = *state;
    struct fault_node *writer = &world->nodes[0], *reader = &world->nodes[1];

    fault_start_pair(world, (struct vd_broker_options){0});
    for (unsigned i = 0; i < BURST; i++) {
        assert_int_equal(fault_publish(writer, "one of very many"), VD_OK);
        if (i % 1000 == 0) {
            fault_turn(world, 0);
            if (i > UNREAD)
                fault_until_count(world, reader, i - UNREAD);
        }
    }
    fault_until_count(world, reader, BURST);
    fault_flush(world, writer);
    assert_int_equal(reader->last_sequence, BURST);
    assert_int_equal(reader->gaps + reader->failures + reader->jumps, 0);
    assert_int_equal(writer->gaps + writer->failures, 0);
}

/* ---- long --------------------------------------------------------------------------------------
 */

static void run_for(struct fault_world *world, uint64_t ms)
{
    uint64_t end_ms = vd_monotonic_ms() + ms;

    while (vd_monotonic_ms() < end_ms)
        fault_turn(world, 100);
}

/* With the intervals that a server has unless told otherwise. */
static void test_stopped_for_half_a_minute(void **state)
{
    struct fault_world *world = *state;
    struct vd_broker_options options = {.backoff_first_ms = 1000, .backoff_cap_ms = 30000};
    struct fault_node *writer = &world->nodes[0], *reader = &world->nodes[1];
    uint64_t began_ms;

    fault_start_pair(world, options);
    assert_int_equal(fault_publish(writer, "before"), VD_OK);
    fault_until_count(world, reader, 1);
    for (unsigned tried = 1;; tried++) {
        kill(world->server.pid, SIGSTOP);
        began_ms = vd_monotonic_ms();
        fault_until_connected(world, reader, false);
        fault_until_connected(world, writer, false);
        if (vd_monotonic_ms() - began_ms < 10000 + PATIENCE_MS)
            break;
        assert_true(tried < TRIES);
        kill(world->server.pid, SIGCONT);
        fault_until_connected(world, reader, true);
        fault_until_connected(world, writer, true);
    }
    assert_int_equal(fault_publish(writer, "meanwhile"), VD_OK);
    run_for(world, 30000 - (vd_monotonic_ms() - began_ms));
    kill(world->server.pid, SIGCONT);
    fault_until_connected(world, reader, true);
    fault_until_connected(world, writer, true);
    fault_flush(world, writer);
    assert_int_equal(fault_publish(writer, "after"), VD_OK);
    fault_until_sequence(world, reader, 3);
    assert_int_equal(reader->jumps, 0);
    assert_true(reader->gaps >= 1);
}

const struct CMUnitTest fault_link_rows[] = {
    FAULT_TEST(test_absent_at_start),
    FAULT_TEST(test_what_was_accepted_meanwhile_arrives),
    FAULT_TEST(test_a_full_outbox),
    FAULT_TEST(test_each_overflow_is_told),
    FAULT_TEST(test_an_overflow_before_the_first_message),
    FAULT_TEST(test_an_overflow_before_the_first_link),
    FAULT_TEST(test_an_overflow_after_a_gap),
    FAULT_TEST(test_a_lost_tail),
    FAULT_TEST(test_probes_among_messages),
    FAULT_TEST(test_what_follows_a_gap_arrives),
    FAULT_TEST(test_a_stopped_server_is_noticed),
    FAULT_TEST(test_half_open_and_deaf_links_are_noticed),
    FAULT_TEST(test_closed_and_half_closed_connections),
    FAULT_TEST(test_mute_after_accept),
    FAULT_TEST(test_slow_links_are_links),
    FAULT_TEST(test_an_absence_of_our_own),
};
const size_t fault_link_row_count = sizeof(fault_link_rows) / sizeof(fault_link_rows[0]);

const struct CMUnitTest fault_load_rows[] = {
    FAULT_TEST(test_restarts_under_load),
    FAULT_TEST(test_a_burst),
    FAULT_TEST(test_very_many_on_the_way),
};
const size_t fault_load_row_count = sizeof(fault_load_rows) / sizeof(fault_load_rows[0]);

const struct CMUnitTest fault_reconnect_rows[] = {
    FAULT_TEST(test_many_reconnects_leave_nothing),
    FAULT_TEST(test_many_tls_reconnects_leave_nothing),
};
const size_t fault_reconnect_row_count =
    sizeof(fault_reconnect_rows) / sizeof(fault_reconnect_rows[0]);

const struct CMUnitTest fault_long_rows[] = {FAULT_TEST(test_stopped_for_half_a_minute)};
const size_t fault_long_row_count = sizeof(fault_long_rows) / sizeof(fault_long_rows[0]);
