/* SPDX-License-Identifier: Apache-2.0 */
/* The router, matching: one path and method to one route.
 *
 * Happy path: the path is decoded once, segment by segment; the search goes down the tree, literal
 * children by binary search, and the values are cut out for the one route that won. A node stands
 * at one depth and is visited at most once, so a look-up costs at most the size of the tree.
 *
 * Which route wins: of those that match the path and take the method, the one whose first segment
 * is literal where the others' is not, then the second, and so on; at last the one added first.
 * HEAD goes to a route that names it, else where GET goes.
 *
 * Failure modes: broken encodings and NUL are told from unknown paths; nothing allocates. */
#include "worker_router.h"

#include <string.h>

#include "worker_router_tree.h"

/* The path, decoded and divided. */
struct path {
    size_t count;
    struct vd_text segments[VD_ROUTE_SEGMENTS_MAX];
};

static int hex_digit(char byte)
{
    if (byte >= '0' && byte <= '9') {
        return byte - '0';
    }
    char lower = (char)(byte | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* One decoded byte from *@at; 0 when it is broken, or NUL. */
static char decode_byte(const char **at, const char *end)
{
    char byte = *(*at)++;
    if (byte != '%') {
        return byte;
    }
    int high = end - *at >= 2 ? hex_digit((*at)[0]) : -1;
    int low = high >= 0 ? hex_digit((*at)[1]) : -1;
    if (low < 0) {
        return '\0';
    }
    *at += 2;
    return (char)(high << 4 | low);
}

/* Divide at slashes, then decode: "%2F" never divides. Returns: VD_OK, VD_ERR_MALFORMED,
 * VD_ERR_NOT_FOUND (more segments than any route). */
static enum vd_err decode_path(struct vd_text source, struct vd_route_match *match,
                               struct path *path)
{
    const char *at = source.bytes;
    const char *end = source.bytes + source.length;
    if (source.length == 0 || *at != '/') {
        return VD_ERR_NOT_FOUND; /* `*` of OPTIONS */
    }
    if (source.length > sizeof match->decoded) {
        return VD_ERR_MALFORMED;
    }
    char *to = match->decoded;
    path->count = 0;
    while (at < end) {
        at++; /* the slash */
        struct vd_text segment = {to, 0};
        while (at < end && *at != '/') {
            char byte = decode_byte(&at, end);
            if (byte == '\0') {
                return VD_ERR_MALFORMED;
            }
            *to++ = byte;
        }
        segment.length = (size_t)(to - segment.bytes);
        if (path->count < VD_ROUTE_SEGMENTS_MAX) {
            path->segments[path->count] = segment;
        }
        path->count++;
    }
    return path->count <= VD_ROUTE_SEGMENTS_MAX ? VD_OK : VD_ERR_NOT_FOUND;
}

/* What is looked for, and the best of what was found. */
struct search {
    const struct path *path;
    struct vd_text method;
    bool or_any; /* take routes for any method, too */
    const struct vd_route_entry *best;
    uint64_t best_rank;
};

static void consider(struct search *search, const struct vd_route_node *node, uint64_t rank)
{
    static const struct vd_text any = {"*", 1};
    const struct vd_route_endpoint *named = vd_route_node_endpoint(node, search->method);
    const struct vd_route_endpoint *other =
        search->or_any ? vd_route_node_endpoint(node, any) : NULL;
    const struct vd_route_entry *entry = named ? named->entry : NULL;
    if (other && (!entry || other->entry->order < entry->order)) {
        entry = other->entry;
    }
    if (entry && (!search->best || rank < search->best_rank ||
                  (rank == search->best_rank && entry->order < search->best->order))) {
        search->best = entry;
        search->best_rank = rank;
    }
}

static const struct vd_route_node *literal_child(const struct vd_route_node *node,
                                                 struct vd_text segment)
{
    size_t at = vd_route_lower_bound(&node->literals, segment);
    return at < node->literals.count &&
                   vd_route_compare(node->literals.items[at].shape, segment) == 0
               ? node->literals.items[at].node
               : NULL;
}

/* @rank: one bit for each segment so far, set where a parameter was needed, the first one highest.
 * Returns true when something was found below: nothing beside it can be better. */
static bool descend(struct search *search, const struct vd_route_node *node, size_t depth,
                    uint64_t rank)
{
    const struct vd_route_entry *before = search->best;
    if (depth == search->path->count) {
        consider(search, node, rank);
        return search->best != before;
    }
    struct vd_text segment = search->path->segments[depth];
    const struct vd_route_node *child = literal_child(node, segment);
    if (child && descend(search, child, depth + 1, rank)) {
        return true;
    }
    uint64_t parameter_rank = rank | UINT64_C(1) << (VD_ROUTE_SEGMENTS_MAX - 1 - depth);
    for (size_t i = 0; i < node->parameters.count; i++) {
        const struct vd_route_edge *edge = &node->parameters.items[i];
        if (vd_route_shape_matches(edge->shape, segment, NULL, NULL)) {
            descend(search, edge->node, depth + 1, parameter_rank);
        }
    }
    return search->best != before;
}

static const struct vd_route_entry *find(const struct vd_router *router, const struct path *path,
                                         struct vd_text method, bool or_any)
{
    struct search search = {.path = path, .method = method, .or_any = or_any};
    descend(&search, &router->root, 0, 0);
    return search.best;
}

static const struct vd_route_entry *find_for_method(const struct vd_router *router,
                                                    const struct path *path, struct vd_text method)
{
    static const struct vd_text get = {"GET", 3};
    if (method.length == 1 && method.bytes[0] == '*') { /* a token, but not a wish */
        return NULL;
    }
    if (method.length != 4 || memcmp(method.bytes, "HEAD", 4) != 0) {
        return find(router, path, method, true);
    }
    const struct vd_route_entry *entry = find(router, path, method, false);
    return entry ? entry : find(router, path, get, true);
}

/* ---- 405 ------------------------------------------------------------------------------------ */

static bool allow_holds(const char *allow, struct vd_text method)
{
    for (const char *at = allow; *at != '\0'; at += strspn(at, ", ")) {
        size_t length = strcspn(at, ",");
        if (length == method.length && memcmp(at, method.bytes, length) == 0) {
            return true;
        }
        at += length;
    }
    return false;
}

static void allow_add(char allow[128], struct vd_text method)
{
    size_t used = strlen(allow);
    if (used + method.length + 3 > 128 || allow_holds(allow, method)) {
        return;
    }
    if (used > 0) {
        memcpy(allow + used, ", ", 2);
        used += 2;
    }
    memcpy(allow + used, method.bytes, method.length);
    allow[used + method.length] = '\0';
}

/* Every method of every route that has this path. */
static void collect_allow(const struct vd_route_node *node, const struct path *path, size_t depth,
                          char allow[128])
{
    if (depth == path->count) {
        for (size_t i = 0; i < node->endpoint_count; i++) {
            allow_add(allow, node->endpoints[i].method);
            if (vd_route_method_is(&node->endpoints[i], (struct vd_text){"GET", 3})) {
                allow_add(allow, (struct vd_text){"HEAD", 4});
            }
        }
        return;
    }
    const struct vd_route_node *child = literal_child(node, path->segments[depth]);
    if (child) {
        collect_allow(child, path, depth + 1, allow);
    }
    for (size_t i = 0; i < node->parameters.count; i++) {
        const struct vd_route_edge *edge = &node->parameters.items[i];
        if (vd_route_shape_matches(edge->shape, path->segments[depth], NULL, NULL)) {
            collect_allow(edge->node, path, depth + 1, allow);
        }
    }
}

/* ---- the answer ----------------------------------------------------------------------------- */

static void extract(const struct vd_route_entry *entry, const struct path *path,
                    struct vd_route_match *match)
{
    const struct vd_route_pattern *pattern = &entry->pattern;
    struct vd_text values[VD_ROUTE_PARAMETERS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < pattern->segment_count; i++) {
        vd_route_shape_matches(pattern->segments[i], path->segments[i], values, &count);
    }
    match->route = entry->route;
    match->parameter_count = count;
    for (size_t i = 0; i < count; i++) {
        match->parameters[i] = (struct vd_route_parameter){pattern->parameters[i], values[i]};
    }
}

enum vd_err vd_router_match(const struct vd_router *router, struct vd_text method,
                            struct vd_text path, struct vd_route_match *match)
{
    struct path divided = {.count = 0};
    match->parameter_count = 0;
    match->allow[0] = '\0';
    enum vd_err result = decode_path(path, match, &divided);
    if (result != VD_OK) {
        return result;
    }
    const struct vd_route_entry *entry = find_for_method(router, &divided, method);
    if (entry) {
        extract(entry, &divided, match);
        return VD_OK;
    }
    collect_allow(&router->root, &divided, 0, match->allow);
    return match->allow[0] == '\0' ? VD_ERR_NOT_FOUND : VD_ERR_STATE;
}
