/* SPDX-License-Identifier: Apache-2.0 */
/* nats://[user:password@|token@]host[:port][,host[:port]...] and tls://: the servers that the NATS
 * driver may connect to. */
#ifndef VIADUCT_BROKERS_NATS_URL_H
#define VIADUCT_BROKERS_NATS_URL_H

#include <stdbool.h>

#include "url.h"

#define VD_NATS_SERVERS_MAX 64

struct vd_nats_server {
    char host[VD_URL_HOST_BYTES];
    char port[VD_URL_PORT_BYTES];
};

struct vd_nats_url {
    bool tls;
    size_t count;
    struct vd_nats_server *servers; /* [count], in the order given */
    char *username;                 /* NULL: none; percent-decoded; for all servers */
    char *password;                 /* NULL: none */
    char *token;                    /* NULL: none; what stands before the @ without a colon */
};

/* A bare "nats" or "nats://" is 127.0.0.1:4222. The scheme may be repeated before each server.
 * Returns: VD_OK, VD_ERR_INVALID (@error says which part; the URL is not quoted), VD_ERR_NO_MEMORY.
 */
enum vd_err vd_nats_url_parse(const char *text, struct vd_nats_url *url, struct vd_error *error);
void vd_nats_url_finish(struct vd_nats_url *url); /* wipes the secrets; zeroed memory is fine */

#endif
