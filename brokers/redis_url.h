/* SPDX-License-Identifier: Apache-2.0 */
/* What the Redis driver connects to:
 *
 *     redis://[[user]:password@]host[:port][,host[:port]...][/0]     rediss:// the same by TLS
 *     redis+unix://[[user]:password@]/path/of/the/socket */
#ifndef VIADUCT_BROKERS_REDIS_URL_H
#define VIADUCT_BROKERS_REDIS_URL_H

#include <stdbool.h>

#include "url.h"

#define VD_REDIS_SERVERS_MAX 64

struct vd_redis_server {
    char host[VD_URL_HOST_BYTES]; /* beginning with a slash: the path of a socket */
    char port[VD_URL_PORT_BYTES];
};

struct vd_redis_url {
    bool tls;
    size_t count;
    struct vd_redis_server *servers; /* [count], in the order given */
    char *username;                  /* NULL: none; percent-decoded; for all servers */
    char *password;                  /* NULL: none */
};

/* A bare "redis" or "redis://" is 127.0.0.1:6379. The scheme may be repeated before each server.
 * Returns: VD_OK, VD_ERR_INVALID (@error says which part; the URL is not quoted), VD_ERR_NO_MEMORY.
 */
enum vd_err vd_redis_url_parse(const char *text, struct vd_redis_url *url, struct vd_error *error);
void vd_redis_url_finish(struct vd_redis_url *url); /* wipes the password; zeroed memory is fine */

#endif
