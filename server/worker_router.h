/* SPDX-License-Identifier: Apache-2.0 */
/* The router: method and path to a route number. Pure; built before the fork, read in every worker.
 *
 * A path pattern is literal text with `{name}` parameters; a parameter matches one or more bytes
 * other than `/` and may stand beside literal text in a segment (`/files/{name}.json`). Paths are
 * matched on percent-decoded segments ("%2F" in a segment stays part of the parameter's value and
 * never splits it); patterns are written decoded. Of two parameters in one segment the first takes
 * as little as it can: "12-a-b" is {id}-{slug} with id 12. A literal segment wins over a parameter,
 * the first segment first, then the earlier route over the later; routes that do not take the
 * method do not compete. HEAD falls back to GET. A trailing slash counts. */
#ifndef VIADUCT_WORKER_ROUTER_H
#define VIADUCT_WORKER_ROUTER_H

#include <stddef.h>
#include <stdint.h>

#include <viaduct/error.h>

#include "worker.h"

#define VD_ROUTE_PARAMETERS_MAX 16

struct vd_router;

struct vd_router *vd_router_create(void);
void vd_router_destroy(struct vd_router *router);

/* @methods: "GET", or several separated by `|`; "*" for any. @route is the caller's number.
 * Returns: VD_OK, VD_ERR_INVALID (names what: no leading slash, unclosed or empty or double
 * parameter, two without text between, over 16 of them or over 64 segments, bad method),
 * VD_ERR_EXISTS (the same shape takes one of the methods already), VD_ERR_NO_MEMORY. */
enum vd_err vd_router_add(struct vd_router *router, const char *methods, const char *pattern,
                          uint32_t route, struct vd_error *error);

struct vd_route_parameter {
    const char *name;     /* the router's, NUL-terminated */
    struct vd_text value; /* decoded, in the match's buffer */
};

struct vd_route_match {
    uint32_t route;
    size_t parameter_count;
    struct vd_route_parameter parameters[VD_ROUTE_PARAMETERS_MAX];
    char allow[128]; /* VD_ERR_STATE: the methods that path does take, "GET, HEAD, POST" */
    char decoded[8192];
};

/* Returns: VD_OK, VD_ERR_NOT_FOUND (404), VD_ERR_STATE (path known, method not: 405, allow is set),
 * VD_ERR_MALFORMED (broken percent-encoding, NUL, or too long: 400). */
enum vd_err vd_router_match(const struct vd_router *router, struct vd_text method,
                            struct vd_text path, struct vd_route_match *match);

/* The names of @route's parameters in order; returns how many. */
size_t vd_router_parameter_names(const struct vd_router *router, uint32_t route,
                                 const char *names[VD_ROUTE_PARAMETERS_MAX]);

#endif
