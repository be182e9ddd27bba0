/* SPDX-License-Identifier: Apache-2.0 */
/* A real broker's server of a test's own: own port, own directory, dies with the test.
 *
 *     struct broker_server server = {.kind = &broker_server_redis};
 *     broker_server_prepare(&server);        a port and a directory; certificates may go there now
 *     broker_server_start(&server);          again after broker_server_kill, on the same port
 *     broker_server_finish(&server); */
#ifndef VIADUCT_TESTS_BROKER_SERVER_H
#define VIADUCT_TESTS_BROKER_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define BROKER_SERVER_ARGUMENTS 64

struct broker_server;

struct broker_server_kind {
    const char *program;
    const char *driver;              /* "redis" */
    const char *scheme, *tls_scheme; /* "redis", "rediss" */
    /* Write to @arguments what has the program listen on 127.0.0.1 at server->port_text, with TLS
     * if server->tls; returns their number. Runs after the fork, in server->directory: files may
     * be written there. */
    size_t (*arguments)(const struct broker_server *server, const char **arguments);
};

struct broker_server {
    const struct broker_server_kind *kind;
    bool tls;                 /* with ca.pem, server.pem and server.key of the directory */
    bool client_certificates; /* TLS: it wants one of the same authority */
    const char *options[24];  /* further arguments, NULL at the end; borrowed */
    const char *config;       /* NATS: lines of its configuration file; NULL: none; borrowed */

    pid_t pid; /* 0: not running */
    int port;
    char port_text[8];
    char directory[64];
};

extern const struct broker_server_kind broker_server_redis;
extern const struct broker_server_kind broker_server_nats;

/* Make the directory and choose a port; start nothing. */
void broker_server_prepare(struct broker_server *server);
/* Start it and wait until it takes connections; again after broker_server_kill on the same port. */
void broker_server_start(struct broker_server *server);
void broker_server_kill(struct broker_server *server); /* SIGKILL; not running is fine */
/* Not prepared is fine. */
void broker_server_finish(struct broker_server *server);

#endif
