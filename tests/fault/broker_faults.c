/* SPDX-License-Identifier: Apache-2.0 */
/* Worlds, nodes and waits of the broker fault tests: see broker_faults.h. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <viaduct/clock.h>

#include "broker_faults.h"

static const struct fault_driver *chosen; /* cmocka's set-up functions have no argument */

/* ---- nodes -------------------------------------------------------------------------------------
 */

static void failed(struct vd_broker *broker, const struct vd_broker_failure *failure, void *context)
{
    struct fault_node *node = context;

    (void)broker;
    node->failures++;
    node->failure = *failure;
    snprintf(node->text, sizeof(node->text), "%s", failure->text);
    node->failure.text = node->text;
    assert_null(strstr(node->text, FAULT_SECRET));
    assert_string_equal(failure->driver, chosen->server->driver);
}

static void gap_told(struct vd_broker *broker, const struct vd_broker_gap *gap, void *context)
{
    struct fault_node *node = context;

    (void)broker;
    node->gaps++;
    node->missed = gap->missed;
    node->gap_since = true;
    if (node->published)
        node->excused = *node->published;
}

static void received(struct vd_broker *broker, const struct vd_message *message, void *context)
{
    struct fault_node *node = context;
    size_t kept =
        message->data_length < sizeof(node->data) ? message->data_length : sizeof(node->data) - 1;

    (void)broker;
    if (message->sequence && node->last_sequence && message->sequence <= node->last_sequence)
        node->backwards = true;
    if (message->sequence && message->sequence != node->last_sequence + 1 && !node->gap_since)
        node->jumps++;
    node->gap_since = false;
    node->last_sequence = message->sequence;
    node->count++;
    if (kept)
        memcpy(node->data, message->data, kept);
    node->data[kept] = '\0';
    node->has_data = message->has_data;
    memcpy(node->scope, message->scope, message->scope_length);
    node->scope[message->scope_length] = '\0';
}

struct fault_node *fault_open(struct fault_world *world, unsigned number,
                              struct vd_broker_options options)
{
    const struct broker_server_kind *kind = world->driver->server;
    struct fault_node *node = &world->nodes[number];
    struct vd_error error;

    fault_close(node);
    snprintf(node->url, sizeof(node->url), "%s://%s:%d",
             options.tls ? kind->tls_scheme : kind->scheme, options.tls ? "localhost" : "127.0.0.1",
             world->proxy.pid > 0 ? world->proxy.port : world->server.port);
    if (!options.url)
        options.url = node->url;
    if (!options.backoff_first_ms)
        options.backoff_first_ms = 20;
    if (!options.backoff_cap_ms)
        options.backoff_cap_ms = 200;
    options.on_error = failed;
    options.on_gap = gap_told;
    options.context = node;
    if (vd_broker_open(&options, &node->broker, &error) != VD_OK)
        fail_msg("open: %s", error.text);
    assert_int_equal(vd_broker_subscribe(node->broker, "*", 1, received, node, NULL, NULL), VD_OK);
    return node;
}

void fault_close(struct fault_node *node)
{
    vd_broker_destroy(node->broker);
    *node = (struct fault_node){0};
}

enum vd_err fault_publish(struct fault_node *node, const char *data)
{
    const struct vd_message message = {.scope = "x",
                                       .scope_length = 1,
                                       .data = data,
                                       .data_length = strlen(data),
                                       .has_data = true};

    return vd_broker_publish(node->broker, &message, NULL);
}

/* ---- waits -------------------------------------------------------------------------------------
 */

void fault_turn(struct fault_world *world, int timeout_ms)
{
    struct pollfd ready[FAULT_NODES];

    for (unsigned i = 0; i < FAULT_NODES; i++) {
        const struct fault_node *node = &world->nodes[i];
        bool driven = node->broker && !node->asleep;
        ready[i] =
            (struct pollfd){.fd = driven ? vd_broker_fd(node->broker) : -1, .events = POLLIN};
    }
    poll(ready, FAULT_NODES, timeout_ms);
    for (unsigned i = 0; i < FAULT_NODES; i++) {
        if (ready[i].fd >= 0 && ready[i].revents)
            vd_broker_dispatch(world->nodes[i].broker);
    }
}

static bool is_connected(const struct fault_node *node)
{
    struct vd_broker_status status;

    vd_broker_status(node->broker, &status);
    return status.connected;
}

void fault_until_connected(struct fault_world *world, struct fault_node *node, bool wanted)
{
    uint64_t deadline_ms = vd_monotonic_ms() + FAULT_DEADLINE_MS;

    while (is_connected(node) != wanted) {
        fault_turn(world, 50);
        if (vd_monotonic_ms() > deadline_ms)
            fail_msg("connected is %d for too long: %s", !wanted, node->text);
    }
}

void fault_until_count(struct fault_world *world, struct fault_node *node, size_t wanted)
{
    uint64_t deadline_ms = vd_monotonic_ms() + FAULT_DEADLINE_MS;

    while (node->count < wanted) {
        fault_turn(world, 50);
        if (vd_monotonic_ms() > deadline_ms)
            fail_msg("%zu of %zu: %s", node->count, wanted, node->text);
    }
}

void fault_until_sequence(struct fault_world *world, struct fault_node *node, uint64_t wanted)
{
    uint64_t deadline_ms = vd_monotonic_ms() + FAULT_DEADLINE_MS;

    while (node->last_sequence < wanted) {
        fault_turn(world, 50);
        if (vd_monotonic_ms() > deadline_ms)
            fail_msg("at %zu of %zu: %s", (size_t)node->last_sequence, (size_t)wanted, node->text);
    }
}

void fault_until_failed(struct fault_world *world, struct fault_node *node, unsigned wanted)
{
    uint64_t deadline_ms = vd_monotonic_ms() + FAULT_DEADLINE_MS;

    while (node->failures < wanted) {
        fault_turn(world, 50);
        if (vd_monotonic_ms() > deadline_ms)
            fail_msg("%u of %u failures", node->failures, wanted);
    }
}

void fault_until_gaps(struct fault_world *world, struct fault_node *node, unsigned wanted)
{
    uint64_t deadline_ms = vd_monotonic_ms() + FAULT_DEADLINE_MS;

    while (node->gaps < wanted) {
        fault_turn(world, 50);
        if (vd_monotonic_ms() > deadline_ms)
            fail_msg("%u of %u gaps", node->gaps, wanted);
    }
}

void fault_flush(struct fault_world *world, struct fault_node *node)
{
    uint64_t deadline_ms = vd_monotonic_ms() + FAULT_DEADLINE_MS;

    while (vd_broker_flush(node->broker, 5) == VD_ERR_TIMEOUT) {
        fault_turn(world, 0);
        if (vd_monotonic_ms() > deadline_ms)
            fail_msg("not confirmed: %s", node->text);
    }
}

void fault_fails_with(struct fault_world *world, struct vd_broker_options options, enum vd_err code,
                      const char *part)
{
    struct fault_node *node = fault_open(world, FAULT_NODES - 1, options);

    fault_until_failed(world, node, 2);
    if (node->failure.code != code || !strstr(node->text, part))
        fail_msg("%s: %s", vd_err_name(node->failure.code), node->text);
    assert_int_equal(node->failure.attempt, 2);
    fault_close(node);
}

/* ---- world -------------------------------------------------------------------------------------
 */

void fault_start(struct fault_world *world)
{
    broker_server_start(&world->server);
}

void fault_start_proxy(struct fault_world *world)
{
    tcp_proxy_start(&world->proxy, world->server.port, world->driver->subscribe);
}

void fault_start_pair(struct fault_world *world, struct vd_broker_options options)
{
    fault_start(world);
    fault_open(world, 0, options);
    fault_open(world, 1, options);
    fault_until_connected(world, &world->nodes[0], true);
    fault_until_connected(world, &world->nodes[1], true);
}

void fault_make_certificates(struct fault_world *world, const char *hosts)
{
    const char *at = world->server.directory;
    const struct certificate_wish wishes[] = {
        {.directory = at, .name = "ca"},
        {.directory = at, .name = "other"},
        {.directory = at,
         .name = "server",
         .issuer = "ca",
         .hosts = hosts ? hosts : "DNS:localhost,IP:127.0.0.1"},
        {.directory = at, .name = "client", .issuer = "ca"},
    };

    for (size_t i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++)
        certificate_make(&wishes[i]);
    certificate_path(world->ca, at, "ca.pem");
    certificate_path(world->certificate, at, "client.pem");
    certificate_path(world->key, at, "client.key");
    world->server.tls = world->server.client_certificates = true;
}

struct vd_broker_options fault_tls(const struct fault_world *world,
                                   struct vd_broker_options options)
{
    options.tls = true;
    options.tls_ca_file = world->ca;
    options.tls_certificate_file = world->certificate;
    options.tls_key_file = world->key;
    return options;
}

int fault_setup(void **state)
{
    struct fault_world *world = calloc(1, sizeof(*world));

    if (!world)
        return -1;
    world->driver = chosen;
    world->server.kind = world->other.kind = chosen->server;
    broker_server_prepare(&world->server);
    *state = world;
    return 0;
}

int fault_teardown(void **state)
{
    struct fault_world *world = *state;

    for (unsigned i = 0; i < FAULT_NODES; i++)
        fault_close(&world->nodes[i]);
    tcp_proxy_stop(&world->proxy);
    broker_server_finish(&world->server);
    broker_server_finish(&world->other);
    free(world);
    return 0;
}

/* ---- run ---------------------------------------------------------------------------------------
 */

int fault_run(const struct fault_driver *driver, int argc, char **argv,
              const struct CMUnitTest *own, size_t own_count)
{
    const struct {
        const char *name;
        const struct CMUnitTest *rows;
        size_t count;
    } groups[] = {
        {"link", fault_link_rows, fault_link_row_count},
        {"load", fault_load_rows, fault_load_row_count},
        {"reconnect", fault_reconnect_rows, fault_reconnect_row_count},
        {"storm", fault_storm_rows, fault_storm_row_count},
        {"tls", fault_tls_rows, fault_tls_row_count},
        {"long", fault_long_rows, fault_long_row_count},
        {"own", own, own_count},
    };

    chosen = driver;
    for (size_t i = 0; argc == 2 && i < sizeof(groups) / sizeof(groups[0]); i++) {
        if (strcmp(argv[1], groups[i].name) == 0) {
            return _cmocka_run_group_tests(groups[i].name, groups[i].rows, groups[i].count, NULL,
                                           NULL);
        }
    }
    fprintf(stderr, "usage: %s link|load|reconnect|storm|tls|long|own\n", argv[0]);
    return 2;
}
