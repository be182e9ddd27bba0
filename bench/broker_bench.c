/* SPDX-License-Identifier: Apache-2.0 */
/* Publish -> subscribe through a Redis server, beside raw hiredis with the same wire bytes: two
 * nodes, each of which hears all of the channel; one publishes in batches, the other counts.
 *
 *     redis-server --port 7777 --save '' &
 *     broker_bench 7777 [messages]
 *
 * How they are compared: see duel.h. Batches of 1 are the latency, from publish until the message
 * is there. Ours also checks, numbers, encodes, decodes, filters and keeps each message until it is
 * confirmed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>
#include <viaduct/broker.h>
#include <viaduct/clock.h>
#include <viaduct/wire.h>

#include "bench.h"
#include "duel.h"

#define DATA_BYTES 200

static char data[DATA_BYTES];

/* ---- raw ---------------------------------------------------------------------------------------
 */

static redisContext *dial(const char *url, const char *channel)
{
    redisContext *context = redisConnect("127.0.0.1", atoi(strrchr(url, ':') + 1));

    if (!context || context->err)
        bench_die("no redis-server on that port");
    if (channel)
        freeReplyObject(redisCommand(context, "SUBSCRIBE %s", channel));
    return context;
}

static void take(redisContext *context, unsigned count)
{
    void *reply;

    for (unsigned i = 0; i < count; i++) {
        if (redisGetReply(context, &reply) != REDIS_OK)
            bench_die("raw: no reply");
        freeReplyObject(reply);
    }
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
    redisContext *publisher = dial(url, NULL), *own = dial(url, "bench:raw"),
                 *other = dial(url, "bench:raw");
    const char *words[] = {"PUBLISH", "bench:raw", NULL};
    size_t lengths[] = {7, 9, 0};
    char wire[1024];

    vd_wire_encode(&message, wire, sizeof(wire), &lengths[2]);
    words[2] = wire;
    while (duel_next_batch(turn)) {
        for (unsigned i = 0; i < batch; i++)
            redisAppendCommandArgv(publisher, 3, words, lengths);
        take(publisher, batch);
        take(own, batch);
        take(other, batch);
    }
    redisFree(publisher);
    redisFree(own);
    redisFree(other);
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
    struct vd_broker_status status = {0};
    struct vd_broker *broker;
    struct vd_error error;

    if (vd_broker_open(&(struct vd_broker_options){.url = url, .channel = "bench:ours"}, &broker,
                       &error) != VD_OK)
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
    struct vd_broker *a, *b;
    unsigned seen = 0;

    a = join(url);
    b = join(url);
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
    const struct duel_side theirs = {"hiredis", raw}, own = {"viaduct", ours};
    char url[64];

    snprintf(url, sizeof(url), "redis://127.0.0.1:%s", argc > 1 ? argv[1] : "6379");
    memset(data, 'x', sizeof(data));
    duel(&theirs, &own, url, batches, 4, argc > 2 ? (unsigned)atoi(argv[2]) : 200000);
    return 0;
}
