/* SPDX-License-Identifier: Apache-2.0 */
/* The Redis driver: the suite against a real redis-server.
 *
 *     conformance_redis [plain|tls|mtls open|password|acl]
 *
 * mtls: with a client certificate; acl: as a user with no more than the documented rights. Broken
 * servers are in tests/fault. */
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

enum transport { PLAIN, TLS, MUTUAL_TLS };
enum login { OPEN, PASSWORD, ACL_USER };

static struct { /* by main's arguments: the suite's begin has none */
    enum transport transport;
    enum login login;
} chosen;

static void add_options(struct broker_server *server, const char *const *options)
{
    size_t at = 0;

    while (server->options[at])
        at++;
    for (; *options; options++)
        server->options[at++] = *options;
}

/* What a slow reader is given, and who may come in. */
static void choose_options(struct broker_server *server, bool small)
{
    static const char *const password[] = {"--requirepass", "s3cret", NULL};
    static const char *const acl[] = {
        "--user",        "default",        "off",        "--user",   "node",  "on", ">s3cret",
        "resetchannels", "&via:broadcast", "+subscribe", "+publish", "+ping", NULL};
    const char *limit = small ? "1mb" : "64mb";

    add_options(server, (const char *const[]){"--client-output-buffer-limit", "pubsub", limit,
                                              limit, "0", NULL});
    if (chosen.login == PASSWORD)
        add_options(server, password);
    if (chosen.login == ACL_USER)
        add_options(server, acl);
}

static void *begin(bool small)
{
    struct redis_world *world = calloc(1, sizeof(*world));

    if (!world)
        return NULL;
    world->server = (struct broker_server){.kind = &broker_server_redis,
                                           .tls = chosen.transport != PLAIN,
                                           .client_certificates = chosen.transport == MUTUAL_TLS};
    choose_options(&world->server, small);
    broker_server_prepare(&world->server);
    if (world->server.tls)
        make_certificates(world);
    broker_server_start(&world->server);
    snprintf(world->url, sizeof(world->url), "%s:%d",
             world->server.tls ? "rediss://localhost" : "redis://127.0.0.1", world->server.port);
    return world;
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
    options->backoff_first_ms = 50;
    options->backoff_cap_ms = 500;
    if (chosen.login == ACL_USER)
        options->credentials.username = "node";
    if (chosen.login != OPEN)
        options->credentials.password = "s3cret";
    if (world->server.tls)
        options->tls_ca_file = world->ca;
    if (world->server.client_certificates) {
        options->tls_certificate_file = world->certificate;
        options->tls_key_file = world->key;
    }
}

/* The place of @word among three; another is the caller's mistake. */
static int place(const char *const words[3], const char *word)
{
    for (int i = 0; i < 3; i++) {
        if (strcmp(word, words[i]) == 0)
            return i;
    }
    fprintf(stderr, "%s: want %s, %s or %s\n", word, words[0], words[1], words[2]);
    exit(2);
}

int main(int argc, char **argv)
{
    static const char *const transports[] = {"plain", "tls", "mtls"};
    static const char *const logins[] = {"open", "password", "acl"};
    const struct suite_world world = {.driver = "redis",
                                      .display = "RedisBroker",
                                      .begin = begin,
                                      .end = end,
                                      .fill_in = fill_in,
                                      .slow_readers_are_cut = true};

    if (argc == 3) {
        chosen.transport = (enum transport)place(transports, argv[1]);
        chosen.login = (enum login)place(logins, argv[2]);
    }
    return suite_run(&world);
}
