/* SPDX-License-Identifier: Apache-2.0 */
/* Publish -> subscribe through a NATS server, beside raw cnats with the same wire bytes: two nodes,
 * each of which hears all of the subject; one publishes in batches, the other counts.
 *
 *     nats-server -p 7777 &
 *     nats_bench 7777 [messages]
 *
 * How they are compared: see duel.h. Batches of 1 are the latency, from publish until the message
 * is there. Ours also checks, numbers, encodes, decodes, filters and keeps each message until it is
 * confirmed. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <nats/nats.h>
#include <viaduct/broker.h>
#include <viaduct/clock.h>
#include <viaduct/wire.h>

#include "bench.h"
#include "duel.h"

#define DATA_BYTES 200

static char data[DATA_BYTES];

/* ---- raw ---------------------------------------------------------------------------------------
 */

/* The library calls back on its thread; whoever waits is woken at the end of each batch. */
struct counter {
    _Atomic unsigned count;
    _Atomic unsigned wanted;
    int fd;
};

static void counted(natsConnection *connection, natsSubscription *subscription, natsMsg *message,
                    void *context)
{
    struct counter *counter = context;
    const uint64_t one = 1;

    (void)connection;
    (void)subscription;
    natsMsg_Destroy(message);
    if (atomic_fetch_add(&counter->count, 1) + 1 == atomic_load(&counter->wanted) &&
        write(counter->fd, &one, sizeof(one)) < 0)
        bench_die("eventfd");
}

static void await(struct counter *counter)
{
    uint64_t times;

    if (read(counter->fd, &times, sizeof(times)) < 0)
        bench_die("eventfd");
}

struct raw_node {
    natsConnection *connection;
    natsSubscription *subscription;
    struct counter counter;
};

static void raw_join(struct raw_node *node, const char *url)
{
    node->counter.fd = eventfd(0, EFD_CLOEXEC);
    if (natsConnection_ConnectTo(&node->connection, url) != NATS_OK ||
        natsConnection_Subscribe(&node->subscription, node->connection, "bench.raw", counted,
                                 &node->counter) != NATS_OK ||
        natsSubscription_SetPendingLimits(node->subscription, -1, -1) != NATS_OK ||
        natsConnection_Flush(node->connection) != NATS_OK)
        bench_die("no nats-server on that port");
}

/* Closed first: versions before 3.6 read a subscription that is destroyed while messages come. */
static void raw_leave(struct raw_node *node)
{
    natsConnection_Close(node->connection);
    natsSubscription_Destroy(node->subscription);
    natsConnection_Destroy(node->connection);
    close(node->counter.fd);
}

static void raw(struct duel_turn *turn, const char *url, unsigned batch)
{
    const struct vd_message message = {.scope = "room:lobby",
                                       .scope_length = 10,
                                       .origin = "0123456789abcdef",
                                       .origin_length = 16,
                                       .sequence = 1000000,
                                       .has_data = true,
                                       .data = data,
                                       .data_length = DATA_BYTES};
    struct raw_node own = {0}, other = {0};
    char wire[1024];
    size_t length = 0;

    vd_wire_encode(&message, wire, sizeof(wire), &length);
    raw_join(&own, url);
    raw_join(&other, url);
    for (unsigned sent = 0; duel_next_batch(turn); sent += batch) {
        atomic_store(&other.counter.wanted, sent + batch);
        for (unsigned i = 0; i < batch; i++) {
            if (natsConnection_Publish(own.connection, "bench.raw", wire, (int)length) != NATS_OK)
                bench_die("raw: publish");
        }
        await(&other.counter);
    }
    raw_leave(&own);
    raw_leave(&other);
}

/* ---- ours --------------------------------------------------------------------------------------
 */

static void count(struct vd_broker *broker, const struct vd_message *message, void *context)
{
    (void)broker;
    (void)message;
    ++*(unsigned *)context;
}

static struct vd_broker *join(const char *url)
{
    const struct vd_broker_options options = {
        .url = url, .channel = "bench.ours", .inbox_bytes = (size_t)256 << 20};
    struct vd_broker_status status = {0};
    struct vd_broker *broker;
    struct vd_error error;

    if (vd_broker_open(&options, &broker, &error) != VD_OK)
        bench_die(error.text);
    while (!status.connected) {
        vd_broker_poll(broker, 100);
        vd_broker_status(broker, &status);
    }
    return broker;
}

static void ours(struct duel_turn *turn, const char *url, unsigned batch)
{
    const struct vd_message message = {.scope = "room:lobby",
                                       .scope_length = 10,
                                       .has_data = true,
                                       .data = data,
                                       .data_length = DATA_BYTES};
    struct vd_broker *a = join(url), *b = join(url);
    unsigned seen = 0;

    vd_broker_subscribe(b, "*", 1, count, &seen, NULL, NULL);
    for (unsigned sent = 0; duel_next_batch(turn); sent += batch) {
        for (unsigned i = 0; i < batch; i++) {
            if (vd_broker_publish(a, &message, NULL) != VD_OK)
                bench_die("ours: publish");
        }
        vd_broker_dispatch(a);
        while (seen < sent + batch) {
            vd_broker_poll(b, 2);
            vd_broker_dispatch(a);
        }
    }
    vd_broker_destroy(a);
    vd_broker_destroy(b);
}

int main(int argc, char **argv)
{
    static const unsigned batches[] = {1, 64, 1000, 10000};
    const struct duel_side theirs = {"cnats", raw}, own = {"viaduct", ours};
    char url[64];

    snprintf(url, sizeof(url), "nats://127.0.0.1:%s", argc > 1 ? argv[1] : "4222");
    memset(data, 'x', sizeof(data));
    duel(&theirs, &own, url, batches, 4, argc > 2 ? (unsigned)atoi(argv[2]) : 200000);
    return 0;
}
