/* SPDX-License-Identifier: Apache-2.0 */
/* Publish -> subscribe through a Redis server, beside raw hiredis with the same wire bytes: two
 * nodes, each of which hears all of the channel; one publishes in batches, the other counts.
 *
 *     redis-server --port 7777 --save '' &
 *     broker_bench 7777 [messages]
 *
 * Rounds of both take turns; the medians are compared: of the ratios within a round too, since what
 * else the machine does falls on both alike. Batches of 1 are the latency, from publish until the
 * message is there. Ours also checks, numbers, decodes, filters
 * and keeps each message until it is confirmed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <hiredis/hiredis.h>
#include <viaduct/broker.h>
#include <viaduct/clock.h>
#include <viaduct/wire.h>

#include "bench.h"

#define ROUNDS     21
#define DATA_BYTES 200

#define LATENCIES 100000 /* kept of each side */

static char data[DATA_BYTES];

/* ---- latency -----------------------------------------------------------------------------------
 */

struct latencies {
    uint32_t us[LATENCIES];
    unsigned count;
};

static void note(struct latencies *latencies, uint64_t began_us)
{
    if (latencies->count < LATENCIES)
        latencies->us[latencies->count++] = (uint32_t)(vd_monotonic_us() - began_us);
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static void tell(const char *name, struct latencies *latencies)
{
    qsort(latencies->us, latencies->count, sizeof(latencies->us[0]), by_value);
    printf("latency  %-8s p50 %6u us   p99 %6u us\n", name, latencies->us[latencies->count / 2],
           latencies->us[(uint64_t)latencies->count * 99 / 100]);
}

static double cpu_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* ---- raw ---------------------------------------------------------------------------------------
 */

static redisContext *dial(int port, const char *channel)
{
    redisContext *context = redisConnect("127.0.0.1", port);

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

static double raw(int port, unsigned messages, unsigned batch, struct latencies *latencies)
{
    const struct vd_message message = {.scope = "room:lobby",
                                       .scope_length = 10,
                                       .origin = "0123456789abcdef",
                                       .origin_length = 16,
                                       .sequence = 1000000,
                                       .has_data = true,
                                       .data = data,
                                       .data_length = DATA_BYTES};
    redisContext *publisher = dial(port, NULL), *own = dial(port, "bench:raw"),
                 *other = dial(port, "bench:raw");
    const char *words[] = {"PUBLISH", "bench:raw", NULL};
    size_t lengths[] = {7, 9, 0};
    char wire[1024];
    uint64_t began_us, batch_us;

    vd_wire_encode(&message, wire, sizeof(wire), &lengths[2]);
    words[2] = wire;
    began_us = vd_monotonic_us();
    for (unsigned sent = 0; sent < messages; sent += batch) {
        batch_us = vd_monotonic_us();
        for (unsigned i = 0; i < batch; i++)
            redisAppendCommandArgv(publisher, 3, words, lengths);
        take(publisher, batch);
        take(own, batch);
        take(other, batch);
        if (batch == 1)
            note(latencies, batch_us);
    }
    began_us = vd_monotonic_us() - began_us;
    redisFree(publisher);
    redisFree(own);
    redisFree(other);
    return messages * 1e6 / (double)began_us;
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

static double ours(int port, unsigned messages, unsigned batch, struct latencies *latencies)
{
    const struct vd_message message = {.scope = "room:lobby",
                                       .scope_length = 10,
                                       .has_data = true,
                                       .data = data,
                                       .data_length = DATA_BYTES};
    struct vd_broker *a, *b;
    unsigned seen = 0;
    uint64_t began_us, batch_us;
    char url[64];

    snprintf(url, sizeof(url), "redis://127.0.0.1:%d", port);
    a = join(url);
    b = join(url);
    vd_broker_subscribe(b, "*", 1, count, &seen, NULL, NULL);
    began_us = vd_monotonic_us();
    for (unsigned sent = 0; sent < messages; sent += batch) {
        batch_us = vd_monotonic_us();
        for (unsigned i = 0; i < batch; i++) {
            if (vd_broker_publish(a, &message, NULL) != VD_OK)
                bench_die("ours: publish");
        }
        vd_broker_dispatch(a);
        while (seen < sent + batch)
            vd_broker_poll(b, 1000);
        if (batch == 1)
            note(latencies, batch_us);
    }
    began_us = vd_monotonic_us() - began_us;
    vd_broker_destroy(a);
    vd_broker_destroy(b);
    return messages * 1e6 / (double)began_us;
}

int main(int argc, char **argv)
{
    static const unsigned batches[] = {1, 64, 1000};
    static struct latencies their_latencies, our_latencies;
    int port = argc > 1 ? atoi(argv[1]) : 6379;
    unsigned messages = argc > 2 ? (unsigned)atoi(argv[2]) : 200000;

    memset(data, 'x', sizeof(data));
    printf("%-8s %14s %14s %8s %12s %12s\n", "batch", "hiredis msg/s", "viaduct msg/s", "ratio",
           "hiredis us", "viaduct us");
    for (size_t i = 0; i < sizeof(batches) / sizeof(batches[0]); i++) {
        double theirs[ROUNDS], own[ROUNDS], ratios[ROUNDS], their_cpu = 0, own_cpu = 0;
        unsigned n = batches[i] == 1 ? messages / 20 : messages;
        for (int round = 0; round < ROUNDS; round++) {
            double before = cpu_us(), between;
            theirs[round] = raw(port, n, batches[i], &their_latencies);
            between = cpu_us();
            own[round] = ours(port, n, batches[i], &our_latencies);
            their_cpu += between - before;
            own_cpu += cpu_us() - between;
            ratios[round] = own[round] / theirs[round];
        }
        printf("%-8u %14.0f %14.0f %8.2f %12.2f %12.2f\n", batches[i], bench_median(theirs, ROUNDS),
               bench_median(own, ROUNDS), bench_median(ratios, ROUNDS), their_cpu / ROUNDS / n,
               own_cpu / ROUNDS / n);
        fflush(stdout);
    }
    tell("hiredis", &their_latencies);
    tell("viaduct", &our_latencies);
    return 0;
}
