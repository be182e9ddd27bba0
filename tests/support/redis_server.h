/* SPDX-License-Identifier: Apache-2.0 */
/* A real redis-server of a test's own: ephemeral port, own directory, dies with the test. */
#ifndef VIADUCT_TESTS_REDIS_SERVER_H
#define VIADUCT_TESTS_REDIS_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

struct redis_server {
    pid_t pid; /* 0: not running */
    int port;
    bool tls;
    char directory[64];      /* certificates too: ca.pem, server.pem, ... (certificates.h) */
    const char *options[24]; /* further arguments, NULL at the end; borrowed */
};

/* Make the directory and choose a port; start nothing. */
void redis_server_prepare(struct redis_server *server);
/* Start it and wait until it takes connections; again after redis_server_kill on the same port. */
void redis_server_start(struct redis_server *server);
void redis_server_kill(struct redis_server *server); /* SIGKILL; not running is fine */
void redis_server_finish(struct redis_server *server);

#endif
