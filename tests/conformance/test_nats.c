/* SPDX-License-Identifier: Apache-2.0 */
/* The NATS driver: the suite against a real nats-server. The arguments say how it is reached
 * (plain, tls, mtls) and how nodes log in (open, token, user, nkey, creds). Broken servers are in
 * tests/fault.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/broker_server.h"
#include "../support/certificates.h"
#include "../support/nkeys.h"
#include "suite.h"

struct nats_world {
    struct broker_server server;
    char url[64], ca[128], certificate[128], key[128];
    char secret[128]; /* a file of seeds */
    char config[4096];
};

static const char *transport = "plain", *login = "open";

static bool is(const char *text, const char *wanted)
{
    return strcmp(text, wanted) == 0;
}

static void make_certificates(struct nats_world *world)
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

static void configure_login(struct nats_world *world, char *config, size_t capacity)
{
    struct nkey key;

    certificate_path(world->secret, world->server.directory, "user.nk");
    if (is(login, "token")) {
        snprintf(config, capacity, "authorization { token: s3cret }\n");
    } else if (is(login, "user")) {
        snprintf(config, capacity,
                 "authorization { users: [ { user: node, password: s3cret, permissions: {"
                 " publish: via.broadcast, subscribe: via.broadcast } } ] }\n");
    } else if (is(login, "nkey")) {
        nkey_make(&key, NKEY_USER);
        nkey_write_seed(&key, world->secret);
        snprintf(config, capacity, "authorization { users: [ { nkey: %s } ] }\n", key.public_key);
        nkey_finish(&key);
    } else if (is(login, "creds")) {
        nkey_write_creds(world->secret, config, capacity);
    }
}

static void *begin(bool small)
{
    struct nats_world *world = calloc(1, sizeof(*world));

    (void)small;
    if (!world)
        return NULL;
    world->server = (struct broker_server){.kind = &broker_server_nats,
                                           .tls = !is(transport, "plain"),
                                           .client_certificates = is(transport, "mtls")};
    broker_server_prepare(&world->server);
    make_certificates(world);
    /* a message of 1 MiB is more than that on the wire */
    strcpy(world->config, "max_payload: 2MB\n");
    configure_login(world, world->config + strlen(world->config),
                    sizeof(world->config) - strlen(world->config));
    world->server.config = world->config;
    broker_server_start(&world->server);
    snprintf(world->url, sizeof(world->url), "%s:%d",
             is(transport, "plain") ? "nats://127.0.0.1" : "tls://localhost", world->server.port);
    return world;
}

static void end(void *context)
{
    struct nats_world *world = context;

    broker_server_finish(&world->server);
    free(world);
}

static void fill_in(void *context, unsigned number, bool small, struct vd_broker_options *options)
{
    struct nats_world *world = context;

    (void)number;
    options->url = world->url;
    options->backoff_first_ms = 50;
    options->backoff_cap_ms = 500;
    if (small)
        options->inbox_bytes = (size_t)64 * 1024;
    if (!is(transport, "plain"))
        options->tls_ca_file = world->ca;
    if (is(transport, "mtls")) {
        options->tls_certificate_file = world->certificate;
        options->tls_key_file = world->key;
    }
    if (is(login, "token"))
        options->credentials.token = "s3cret";
    if (is(login, "nkey"))
        options->credentials.seed_file = world->secret;
    if (is(login, "creds"))
        options->credentials.creds_file = world->secret;
    if (is(login, "user")) {
        options->credentials.username = "node";
        options->credentials.password = "s3cret";
    }
}

int main(int argc, char **argv)
{
    const struct suite_world world = {
        .driver = "nats", .display = "NatsBroker", .begin = begin, .end = end, .fill_in = fill_in};

    if (argc > 2) {
        transport = argv[1];
        login = argv[2];
    }
    return suite_run(&world);
}
