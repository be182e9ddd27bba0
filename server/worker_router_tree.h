/* SPDX-License-Identifier: Apache-2.0 */
/* The router's tree, as worker_router.c builds it and worker_router_match.c walks it.
 *
 *     root -- "users" -- ""               GET /users/
 *                    \-- "me"             GET /users/me
 *                    \-- {}   -- "posts"  GET|POST /users/{id}/posts
 *
 * One level a segment. Texts in nodes are borrowed from the entries, which live as long as the
 * router. */
#ifndef VIADUCT_WORKER_ROUTER_TREE_H
#define VIADUCT_WORKER_ROUTER_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker_router.h"
#include "worker_router_pattern.h"

struct vd_route_edge {
    struct vd_text shape; /* points into the pattern that made the edge */
    struct vd_route_node *node;
};

struct vd_route_edges {
    struct vd_route_edge *items;
    size_t count;
};

/* One method of one route, at the node where its path ends. */
struct vd_route_endpoint {
    struct vd_text method; /* points into entry->methods; "*": any */
    struct vd_route_entry *entry;
};

struct vd_route_node {
    struct vd_route_edges literals;   /* sorted */
    struct vd_route_edges parameters; /* as added */
    struct vd_route_endpoint *endpoints;
    size_t endpoint_count;
};

struct vd_route_entry {
    struct vd_route_entry *next;
    struct vd_route_pattern pattern;
    char *methods;
    uint32_t route;
    uint32_t order; /* of being added */
    bool active;    /* false: the add failed after edges had begun to borrow from it */
};

struct vd_router {
    struct vd_route_node root;
    struct vd_route_entry *entries; /* newest first */
    uint32_t entry_count;
};

/* An order of texts: by length, then by bytes. */
int vd_route_compare(struct vd_text a, struct vd_text b);
/* Index of the first literal edge that is not before @text. */
size_t vd_route_lower_bound(const struct vd_route_edges *edges, struct vd_text text);
bool vd_route_method_is(const struct vd_route_endpoint *endpoint, struct vd_text method);
/* The node's endpoint for exactly this method ("*": any); NULL: none. */
const struct vd_route_endpoint *vd_route_node_endpoint(const struct vd_route_node *node,
                                                       struct vd_text method);

#endif
