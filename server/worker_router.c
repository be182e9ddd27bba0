/* SPDX-License-Identifier: Apache-2.0 */
/* The router, building: routes are added before the fork, one branch of the tree each.
 *
 * Happy path: methods and pattern are checked, the branch is grown, the methods are put at its end.
 *
 * Failure modes: what is refused is refused with a sentence that quotes it and leaves no route
 * behind. An add that fails for want of memory may leave empty nodes, which match nothing. */
#include "worker_router.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common_http.h"
#include "worker_router_tree.h"

#define METHODS_BYTES_MAX 256

int vd_route_compare(struct vd_text a, struct vd_text b)
{
    if (a.length != b.length) {
        return a.length < b.length ? -1 : 1;
    }
    return memcmp(a.bytes, b.bytes, a.length);
}

size_t vd_route_lower_bound(const struct vd_route_edges *edges, struct vd_text text)
{
    size_t low = 0;
    size_t high = edges->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (vd_route_compare(edges->items[middle].shape, text) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool vd_route_method_is(const struct vd_route_endpoint *endpoint, struct vd_text method)
{
    return endpoint->method.length == method.length &&
           memcmp(endpoint->method.bytes, method.bytes, method.length) == 0;
}

const struct vd_route_endpoint *vd_route_node_endpoint(const struct vd_route_node *node,
                                                       struct vd_text method)
{
    for (size_t i = 0; i < node->endpoint_count; i++) {
        if (vd_route_method_is(&node->endpoints[i], method)) {
            return &node->endpoints[i];
        }
    }
    return NULL;
}

struct vd_router *vd_router_create(void)
{
    return calloc(1, sizeof(struct vd_router));
}

static void node_finish(struct vd_route_node *node);

static void edges_finish(struct vd_route_edges *edges)
{
    for (size_t i = 0; i < edges->count; i++) {
        node_finish(edges->items[i].node);
        free(edges->items[i].node);
    }
    free(edges->items);
}

static void node_finish(struct vd_route_node *node)
{
    edges_finish(&node->literals);
    edges_finish(&node->parameters);
    free(node->endpoints);
}

static void entry_destroy(struct vd_route_entry *entry)
{
    vd_route_pattern_finish(&entry->pattern);
    free(entry->methods);
    free(entry);
}

void vd_router_destroy(struct vd_router *router)
{
    if (!router) {
        return;
    }
    node_finish(&router->root);
    while (router->entries) {
        struct vd_route_entry *entry = router->entries;
        router->entries = entry->next;
        entry_destroy(entry);
    }
    free(router);
}

static struct vd_route_node *edges_insert(struct vd_route_edges *edges, size_t at,
                                          struct vd_text shape)
{
    struct vd_route_edge *items = realloc(edges->items, (edges->count + 1) * sizeof *items);
    if (!items) {
        return NULL;
    }
    edges->items = items;
    struct vd_route_node *node = calloc(1, sizeof *node);
    if (!node) {
        return NULL;
    }
    memmove(&items[at + 1], &items[at], (edges->count - at) * sizeof *items);
    items[at] = (struct vd_route_edge){shape, node};
    edges->count++;
    return node;
}

/* The child for a segment of this shape, made when it is not there; NULL: out of memory. */
static struct vd_route_node *node_child(struct vd_route_node *node, struct vd_text shape)
{
    bool literal = vd_route_shape_is_literal(shape);
    struct vd_route_edges *edges = literal ? &node->literals : &node->parameters;
    size_t at = 0;
    if (literal) {
        at = vd_route_lower_bound(edges, shape);
    } else {
        while (at < edges->count && vd_route_compare(edges->items[at].shape, shape) != 0) {
            at++;
        }
    }
    if (at < edges->count && vd_route_compare(edges->items[at].shape, shape) == 0) {
        return edges->items[at].node;
    }
    return edges_insert(edges, at, shape);
}

/* The next of "GET|POST"; false at the end. */
static bool next_method(const char **at, struct vd_text *method)
{
    if (**at == '\0') {
        return false;
    }
    *method = (struct vd_text){*at, strcspn(*at, "|")};
    *at += method->length;
    *at += **at == '|';
    return true;
}

static bool is_method(struct vd_text method)
{
    if (!vd_http_is_token(method.bytes, method.length)) {
        return false;
    }
    for (size_t i = 0; i < method.length; i++) {
        if ((method.bytes[i] >= 'a' && method.bytes[i] <= 'z') || method.bytes[i] == '*') {
            return false;
        }
    }
    return true;
}

static enum vd_err check_methods(const char *methods, struct vd_error *error)
{
    size_t length = strlen(methods);
    if (strcmp(methods, "*") == 0) {
        return VD_OK;
    }
    struct vd_text method;
    bool fine = length > 0 && length < METHODS_BYTES_MAX && methods[length - 1] != '|';
    for (const char *at = methods; fine && next_method(&at, &method);) {
        fine = is_method(method);
    }
    return fine ? VD_OK
                : vd_error_set(error, VD_ERR_INVALID,
                               "methods \"%s\": upper-case names such as GET are allowed, several "
                               "separated by |, or * for any",
                               methods);
}

static enum vd_err check_free(const struct vd_route_node *node, const char *methods,
                              const char *source, struct vd_error *error)
{
    struct vd_text method;
    for (const char *at = methods; next_method(&at, &method);) {
        if (vd_route_node_endpoint(node, method)) {
            return vd_error_set(error, VD_ERR_EXISTS, "there is a route for %.*s %s already",
                                (int)method.length, method.bytes, source);
        }
    }
    return VD_OK;
}

/* All of the entry's methods, or none. */
static enum vd_err add_endpoints(struct vd_route_node *node, struct vd_route_entry *entry,
                                 struct vd_error *error)
{
    size_t more = 0;
    struct vd_text method;
    for (const char *at = entry->methods; next_method(&at, &method);) {
        more++;
    }
    assert(more > 0); /* check_methods has seen to it */
    struct vd_route_endpoint *endpoints =
        realloc(node->endpoints, (node->endpoint_count + more) * sizeof *endpoints);
    if (!endpoints) {
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for a route");
    }
    node->endpoints = endpoints;
    for (const char *at = entry->methods; next_method(&at, &method);) {
        endpoints[node->endpoint_count++] = (struct vd_route_endpoint){method, entry};
    }
    return VD_OK;
}

/* The node where the pattern ends. Edges borrow their shapes from the entry, so that it must live
 * from here on, even when what comes next fails. */
static struct vd_route_node *grow_branch(struct vd_router *router,
                                         const struct vd_route_pattern *pattern)
{
    struct vd_route_node *node = &router->root;
    for (size_t i = 0; node && i < pattern->segment_count; i++) {
        node = node_child(node, pattern->segments[i]);
    }
    return node;
}

enum vd_err vd_router_add(struct vd_router *router, const char *methods, const char *pattern,
                          uint32_t route, struct vd_error *error)
{
    enum vd_err result = check_methods(methods, error);
    if (result != VD_OK) {
        return result;
    }
    struct vd_route_entry *entry = calloc(1, sizeof *entry);
    if (!entry) {
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for a route");
    }
    result = vd_route_pattern_init(&entry->pattern, pattern, error);
    if (result != VD_OK) {
        goto err_after_entry;
    }
    entry->methods = strdup(methods);
    if (!entry->methods) {
        result = vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for a route");
        goto err_after_entry;
    }
    entry->route = route;
    entry->order = router->entry_count++;
    entry->next = router->entries;
    router->entries = entry;
    struct vd_route_node *node = grow_branch(router, &entry->pattern);
    if (!node) {
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for a route");
    }
    result = check_free(node, methods, pattern, error);
    if (result == VD_OK) {
        result = add_endpoints(node, entry, error);
    }
    entry->active = result == VD_OK;
    return result;

err_after_entry:
    entry_destroy(entry);
    return result;
}

size_t vd_router_parameter_names(const struct vd_router *router, uint32_t route,
                                 const char *names[VD_ROUTE_PARAMETERS_MAX])
{
    const struct vd_route_entry *found = NULL;
    for (const struct vd_route_entry *entry = router->entries; entry; entry = entry->next) {
        found = entry->active && entry->route == route ? entry : found;
    }
    size_t count = found ? found->pattern.parameter_count : 0;
    for (size_t i = 0; i < count; i++) {
        names[i] = found->pattern.parameters[i];
    }
    return count;
}
