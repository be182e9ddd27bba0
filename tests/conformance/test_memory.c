/* SPDX-License-Identifier: Apache-2.0 */
/* The memory driver: the suite, and what only it can do (handles on threads of their own). */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <viaduct/clock.h>

#include "suite.h"

static void *begin(bool small)
{
    struct vd_memory_hub *hub = NULL;

    (void)small;
    return vd_memory_hub_create(&hub, NULL) == VD_OK ? hub : NULL;
}

static void end(void *world)
{
    vd_memory_hub_destroy(world);
}

static void fill_in(void *world, unsigned number, bool small, struct vd_broker_options *options)
{
    (void)number;
    options->url = "memory:";
    options->memory_hub = world;
    if (small)
        options->inbox_bytes = 65536;
}

/* ---- threads -----------------------------------------------------------------------------------
 */

#define THREADS  4
#define MESSAGES 2000

struct thread_node {
    pthread_t thread;
    struct vd_memory_hub *hub;
    pthread_barrier_t *ready;
    unsigned received;
    bool in_order;
    uint64_t last[THREADS];
    char ids[THREADS][VD_ORIGIN_MAX_BYTES + 1];
};

static void count_in_order(struct vd_broker *broker, const struct vd_message *message,
                           void *context)
{
    struct thread_node *node = context;

    (void)broker;
    for (unsigned i = 0; i < THREADS; i++) {
        if (node->ids[i][0] == '\0')
            memcpy(node->ids[i], message->origin, message->origin_length);
        if (strncmp(node->ids[i], message->origin, message->origin_length) != 0)
            continue;
        node->in_order = node->in_order && message->sequence == node->last[i] + 1;
        node->last[i] = message->sequence;
        break;
    }
    node->received++;
}

static void *run_thread(void *context)
{
    struct thread_node *node = context;
    const struct vd_broker_options options = {.url = "memory", .memory_hub = node->hub};
    const struct vd_message message = {.scope = "x", .scope_length = 1};
    uint64_t deadline_ms = vd_monotonic_ms() + 60000;
    struct vd_broker *broker;

    node->in_order = vd_broker_open(&options, &broker, NULL) == VD_OK;
    vd_broker_subscribe(broker, "x", 1, count_in_order, node, NULL, NULL);
    pthread_barrier_wait(node->ready);
    for (unsigned i = 0; i < MESSAGES; i++) {
        vd_broker_publish(broker, &message, NULL);
        if (i % 64 == 0)
            vd_broker_dispatch(broker);
    }
    while (node->received < MESSAGES * (THREADS - 1) && vd_monotonic_ms() < deadline_ms)
        vd_broker_poll(broker, 100);
    vd_broker_destroy(broker);
    return NULL;
}

static void test_handles_on_threads(void **state)
{
    struct thread_node nodes[THREADS];
    struct vd_memory_hub *hub;
    pthread_barrier_t ready;

    (void)state;
    memset(nodes, 0, sizeof(nodes));
    assert_int_equal(vd_memory_hub_create(&hub, NULL), VD_OK);
    pthread_barrier_init(&ready, NULL, THREADS);
    for (unsigned i = 0; i < THREADS; i++) {
        nodes[i].hub = hub;
        nodes[i].ready = &ready;
        assert_int_equal(pthread_create(&nodes[i].thread, NULL, run_thread, &nodes[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(nodes[i].thread, NULL);
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(nodes[i].received, MESSAGES * (THREADS - 1));
        assert_true(nodes[i].in_order);
    }
    pthread_barrier_destroy(&ready);
    vd_memory_hub_destroy(hub);
}

static void test_alone_without_a_hub(void **state)
{
    const struct vd_broker_options options = {.url = "memory://"};
    const struct vd_message message = {.scope = "x", .scope_length = 1};
    struct vd_broker *broker;

    (void)state;
    assert_int_equal(vd_broker_open(&options, &broker, NULL), VD_OK);
    assert_int_equal(vd_broker_publish(broker, &message, NULL), VD_OK);
    assert_int_equal(vd_broker_poll(broker, 0), VD_ERR_TIMEOUT);
    vd_broker_destroy(broker);
}

static void refused(struct vd_broker_options options, const char *part)
{
    struct vd_broker *broker;
    struct vd_error error;

    if (!options.url)
        options.url = "memory:";
    assert_int_equal(vd_broker_open(&options, &broker, &error), VD_ERR_INVALID);
    if (!strstr(error.text, part))
        fail_msg("\"%s\" is not in \"%s\"", part, error.text);
}

static void test_network_options_are_refused(void **state)
{
    (void)state;
    refused((struct vd_broker_options){.tls = true}, "tls: the memory broker has no use for it");
    refused((struct vd_broker_options){.channel = "c"}, "channel");
    refused((struct vd_broker_options){.credentials.password = "hunter2"}, "credentials");
    refused((struct vd_broker_options){.url = "memory://u:hunter2@host"}, "nothing may follow");
}

int main(void)
{
    static const struct suite_world world = {
        .driver = "memory",
        .display = "InMemoryBroker",
        .begin = begin,
        .end = end,
        .fill_in = fill_in,
    };
    const struct CMUnitTest own[] = {
        cmocka_unit_test(test_handles_on_threads),
        cmocka_unit_test(test_alone_without_a_hub),
        cmocka_unit_test(test_network_options_are_refused),
    };
    int failed = suite_run(&world);

    return failed + cmocka_run_group_tests_name("memory only", own, NULL, NULL);
}
