/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that every driver with a network must pass: whatever happens to the link, in whichever
 * order, a message is delivered once, or a gap is told after it was published. A gap that is told
 * before says nothing about it: whoever reads again what he holds does it then. See
 * broker_faults.h. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <viaduct/clock.h>

#include "broker_faults.h"

#define STEPS        300
#define BURST_MAX    20
#define MESSAGES_MAX (2 * STEPS * BURST_MAX)
#define PROBE_MS     300

struct storm {
    struct fault_world *world;
    uint32_t began_with, seed;
    uint64_t published;
    bool got[MESSAGES_MAX + 1];
    bool trouble; /* the proxy does something else than to pass on */
};

static uint32_t draw(struct storm *storm, uint32_t below)
{
    storm->seed = storm->seed * 1664525u + 1013904223u;
    return (storm->seed >> 8) % below;
}

static void note(struct vd_broker *broker, const struct vd_message *message, void *context)
{
    struct storm *storm = context;

    (void)broker;
    assert_true(message->sequence <= storm->published);
    if (storm->got[message->sequence])
        fail_msg("%u came twice", (unsigned)message->sequence);
    storm->got[message->sequence] = true;
}

static void publish_some(struct storm *storm, uint32_t count)
{
    for (; count > 0; count--) {
        assert_true(++storm->published <= MESSAGES_MAX);
        assert_int_equal(fault_publish(&storm->world->nodes[0], "in the storm"), VD_OK);
    }
}

/* What is published in the very moment of a gap is the first that must come. */
static void turn(struct storm *storm, int timeout_ms)
{
    struct fault_node *writer = &storm->world->nodes[0], *reader = &storm->world->nodes[1];
    unsigned gaps = reader->gaps;

    fault_turn(storm->world, timeout_ms);
    if (reader->gaps != gaps) {
        publish_some(storm, 1);
        vd_broker_dispatch(writer->broker);
    }
}

static void break_or_mend(struct storm *storm)
{
    static const enum tcp_proxy_mode modes[] = {TCP_PROXY_FREEZE, TCP_PROXY_DEAFEN, TCP_PROXY_GAG,
                                                TCP_PROXY_DELAY,  TCP_PROXY_CUT,    TCP_PROXY_MUTE};
    struct tcp_proxy *proxy = &storm->world->proxy;

    tcp_proxy_set(proxy, storm->trouble ? TCP_PROXY_PASS
                                        : modes[draw(storm, sizeof(modes) / sizeof(modes[0]))]);
    storm->trouble = !storm->trouble;
}

static void restart_server(struct storm *storm)
{
    broker_server_kill(&storm->world->server);
    for (uint32_t turns = draw(storm, 20); turns > 0; turns--)
        turn(storm, 10);
    fault_start(storm->world);
}

static void step(struct storm *storm)
{
    struct fault_node *nodes = storm->world->nodes;
    uint32_t dice = draw(storm, 40);

    if (dice < 20)
        publish_some(storm, 1 + draw(storm, BURST_MAX));
    else if (dice < 24)
        tcp_proxy_cut(&storm->world->proxy);
    else if (dice < 30 || (storm->trouble && dice < 36))
        break_or_mend(storm);
    else if (dice < 39)
        nodes[dice & 1].asleep = !nodes[dice & 1].asleep;
    else
        restart_server(storm);
    for (uint32_t turns = draw(storm, 6); turns > 0; turns--)
        turn(storm, (int)draw(storm, 20));
}

static void check(const struct storm *storm, const struct fault_node *reader)
{
    for (uint64_t number = 1; number <= storm->published; number++) {
        if (!storm->got[number] && number > reader->excused) {
            fail_msg("%u of %u is lost, and the last gap was told at %u (seed %u)",
                     (unsigned)number, (unsigned)storm->published, (unsigned)reader->excused,
                     storm->began_with);
        }
    }
    assert_false(reader->backwards);
}

/* Once more, if it went by a link whose end had not been noticed yet. */
static void until_calm(struct storm *storm, const struct fault_node *reader)
{
    uint64_t deadline_ms = vd_monotonic_ms() + FAULT_DEADLINE_MS, again_ms = 0;

    while (reader->last_sequence < storm->published || again_ms == 0) {
        if (vd_monotonic_ms() >= again_ms) {
            publish_some(storm, 1);
            again_ms = vd_monotonic_ms() + PROBE_MS;
        }
        turn(storm, 20);
        if (vd_monotonic_ms() > deadline_ms)
            fail_msg("it does not get calm: %s", reader->text);
    }
}

static struct fault_node *open_node(struct storm *storm, unsigned number, bool direct)
{
    struct fault_world *world = storm->world;
    struct vd_broker_options options = {
        .probe_interval_ms = PROBE_MS, .connect_timeout_ms = PROBE_MS, .outbox_messages = 100};
    char url[64];

    snprintf(url, sizeof(url), "%s://127.0.0.1:%d", world->driver->server->scheme,
             world->server.port);
    if (direct)
        options.url = url;
    return fault_open(world, number, options);
}

/* @direct: the writer's link is well unless the server is not. */
static void weather(struct fault_world *world, bool direct, uint32_t seed)
{
    static struct storm storm;
    struct fault_node *writer, *reader;

    if (getenv("STORM_SEED")) /* another weather, by hand */
        seed = (uint32_t)atoi(getenv("STORM_SEED"));
    storm = (struct storm){.world = world, .began_with = seed, .seed = seed};
    fault_start(world);
    fault_start_proxy(world);
    writer = open_node(&storm, 0, direct);
    reader = open_node(&storm, 1, false);
    reader->published = &storm.published;
    assert_int_equal(vd_broker_subscribe(reader->broker, "*", 1, note, &storm, NULL, NULL), VD_OK);
    fault_until_connected(world, reader, true);
    fault_until_connected(world, writer, true);
    publish_some(&storm, 1); /* the reader knows the writer */
    fault_until_count(world, reader, 1);
    for (unsigned i = 0; i < STEPS; i++)
        step(&storm);
    writer->asleep = reader->asleep = false;
    tcp_proxy_set(&world->proxy, TCP_PROXY_PASS);
    until_calm(&storm, reader);
    check(&storm, reader);
}

static void test_a_storm(void **state)
{
    weather(*state, false, 1);
}

static void test_a_storm_at_the_readers_side(void **state)
{
    weather(*state, true, 2);
}

const struct CMUnitTest fault_storm_rows[] = {
    FAULT_TEST(test_a_storm),
    FAULT_TEST(test_a_storm_at_the_readers_side),
};
const size_t fault_storm_row_count = sizeof(fault_storm_rows) / sizeof(fault_storm_rows[0]);
