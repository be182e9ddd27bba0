/* SPDX-License-Identifier: Apache-2.0 */
/* redis://[[user]:password@]host[:port][/0] and rediss:// (TLS): what the Redis driver connects to.
 */
#ifndef VIADUCT_BROKERS_REDIS_URL_H
#define VIADUCT_BROKERS_REDIS_URL_H

#include <stdbool.h>

#include <viaduct/error.h>

struct vd_redis_url {
    bool tls;
    char host[256];
    char port[6];
    char *username; /* NULL: none; percent-decoded */
    char *password; /* NULL: none */
};

/* A bare "redis" or "redis://" is 127.0.0.1:6379.
 * Returns: VD_OK, VD_ERR_INVALID (@error says which part; the URL is not quoted), VD_ERR_NO_MEMORY.
 */
enum vd_err vd_redis_url_parse(const char *text, struct vd_redis_url *url, struct vd_error *error);
void vd_redis_url_finish(struct vd_redis_url *url); /* wipes the password; zeroed memory is fine */

#endif
