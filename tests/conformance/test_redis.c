/* SPDX-License-Identifier: Apache-2.0 */
/* The Redis driver: the suite against a real redis-server, plain or (argument "tls") over TLS with
 * a client certificate, as an ACL user with no more than the documented rights. Broken servers are
 * in tests/fault. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/broker_server.h"
#include "../support/certificates.h"
#include "suite.h"

struct redis_world {
    struct broker_server server;
    char url[64], ca[128], certificate[128], key[128];
};

static void make_certificates(struct redis_world *world)
{
    const char *directory = world->server.directory;
    const struct certificate_wish wishes[] = {
        {.directory = directory, .name = "ca"},
        {.directory = directory, .name = "server", .issuer = "ca", .hosts = "DNS:localhost"},
        {.directory = directory, .name = "client", .issuer = "ca"},
    };

    for (size_t i = 0; i < 3; i++)
        certificate_make(&wishes[i]);
    certificate_path(world->ca, directory, "ca.pem");
    certificate_path(world->certificate, directory, "client.pem");
    certificate_path(world->key, directory, "client.key");
}

static void *begin(bool small, bool tls)
{
    static const char *const options[] = {"--user",
                                          "default",
                                          "off",
                                          "--user",
                                          "node",
                                          "on",
                                          ">s3cret",
                                          "resetchannels",
                                          "&via:broadcast",
                                          "+subscribe",
                                          "+publish",
                                          "+ping",
                                          "--client-output-buffer-limit",
                                          "pubsub",
                                          "64mb",
                                          "64mb",
                                          "0",
                                          NULL};
    struct redis_world *world = calloc(1, sizeof(*world));

    if (!world)
        return NULL;
    world->server.tls = tls;
    memcpy(world->server.options, options, sizeof(options));
    if (small)
        world->server.options[14] = world->server.options[15] = "1mb";
    world->server.kind = &broker_server_redis;
    world->server.client_certificates = tls;
    broker_server_prepare(&world->server);
    if (tls)
        make_certificates(world);
    broker_server_start(&world->server);
    snprintf(world->url, sizeof(world->url), "%s:%d",
             tls ? "rediss://localhost" : "redis://127.0.0.1", world->server.port);
    return world;
}

static void *begin_plain(bool small)
{
    return begin(small, false);
}

static void *begin_tls(bool small)
{
    return begin(small, true);
}

static void end(void *context)
{
    struct redis_world *world = context;

    broker_server_finish(&world->server);
    free(world);
}

static void fill_in(void *context, unsigned number, bool small, struct vd_broker_options *options)
{
    struct redis_world *world = context;

    (void)number;
    (void)small;
    options->url = world->url;
    options->credentials.username = "node";
    options->credentials.password = "s3cret";
    options->backoff_first_ms = 50;
    options->backoff_cap_ms = 500;
    if (world->server.tls) {
        options->tls_ca_file = world->ca;
        options->tls_certificate_file = world->certificate;
        options->tls_key_file = world->key;
    }
}

int main(int argc, char **argv)
{
    struct suite_world world = {.driver = "redis",
                                .display = "RedisBroker",
                                .begin = begin_plain,
                                .end = end,
                                .fill_in = fill_in,
                                .slow_readers_are_cut = true};

    if (argc > 1 && strcmp(argv[1], "tls") == 0)
        world.begin = begin_tls;
    return suite_run(&world);
}
