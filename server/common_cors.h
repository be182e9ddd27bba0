/* SPDX-License-Identifier: Apache-2.0 */
/* CORS by configuration (https://fetch.spec.whatwg.org/#http-cors-protocol): what may be
 * configured, and who is allowed. Pure. */
#ifndef VIADUCT_COMMON_CORS_H
#define VIADUCT_COMMON_CORS_H

#include <stdbool.h>
#include <stddef.h>

#include <viaduct/error.h>

#include "server.h"

#define VD_CORS_ORIGINS_MAX      64
#define VD_CORS_ORIGIN_MAX_BYTES 255
#define VD_CORS_LIST_MAX_BYTES   1024
#define VD_CORS_METHODS          "GET, HEAD, POST, PUT, PATCH, DELETE"
#define VD_CORS_HEADERS          "Authorization, Content-Type, Last-Event-ID, X-Requested-With"

/* One of the list: an origin as browsers send it ("https://app.example", "http://localhost:5173"),
 * or "*". VD_ERR_INVALID with a sentence that says what is allowed. */
enum vd_err vd_cors_check_origin(const char *origin, size_t length, struct vd_error *error);
/* "*", or names with commas between. */
enum vd_err vd_cors_check_list(const char *list, const char *what, struct vd_error *error);
/* All cors_ fields; fills in defaults. Does nothing when cors_origins is NULL. */
enum vd_err vd_cors_config_check(struct vd_server_config *config, struct vd_error *error);

/* The next of the origins in *@list, which moves on. false: there is none. */
bool vd_cors_next_origin(const char **list, const char **origin, size_t *length);

#endif
