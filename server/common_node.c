/* SPDX-License-Identifier: Apache-2.0 */
/* Lays out the node's shared memory: everything is sized by the configuration, before the fork.
 *
 * Happy path: one arena, then the regions that common_node.h draws. Failure: what was made is
 * unmade, @error says which region did not fit. Pages cost memory once they are touched, so the
 * arena's size is a promise, not a cost. */
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "common_node.h"

#define REGION_SLACK_BYTES 512 /* directory entry and alignment of one region, generously */
#define ARENA_SLACK_BYTES  (1024 * 1024)

static size_t arena_bytes(const struct vd_server_config *config)
{
    size_t rings = vd_ring_bytes(VD_RING_TO_GATEWAY_BYTES) + vd_ring_bytes(VD_RING_REQUESTS_BYTES) +
                   vd_ring_bytes(VD_RING_EVENTS_BYTES) + 3 * REGION_SLACK_BYTES;

    return ARENA_SLACK_BYTES + sizeof(struct vd_shared) +
           config->workers * (sizeof(struct vd_worker_slot) + rings) +
           vd_history_bytes(config->history_log_bytes, vd_history_entries(config));
}

static struct vd_ring *make_ring(struct vd_node *node, const char *kind, unsigned worker,
                                 size_t capacity, struct vd_error *error)
{
    char name[VD_ARENA_NAME_MAX + 1];
    struct vd_ring *ring;

    snprintf(name, sizeof(name), "%s %u", kind, worker);
    ring = vd_arena_allocate(node->arena, name, vd_ring_bytes(capacity), 64, error);
    if (!ring)
        return NULL;
    if (vd_ring_init(ring, capacity) != VD_OK) {
        vd_error_set(error, VD_ERR_INVALID, "ring \"%s\" of %zu bytes", name, capacity);
        return NULL;
    }
    return ring;
}

static enum vd_err make_worker(struct vd_node *node, unsigned i, struct vd_error *error)
{
    node->to_gateway[i] = make_ring(node, "to_gateway", i, VD_RING_TO_GATEWAY_BYTES, error);
    node->requests[i] = make_ring(node, "requests", i, VD_RING_REQUESTS_BYTES, error);
    node->events[i] = make_ring(node, "events", i, VD_RING_EVENTS_BYTES, error);
    if (!node->to_gateway[i] || !node->requests[i] || !node->events[i])
        return VD_ERR_NO_MEMORY;
    return vd_doorbell_init(&node->slots[i].bell, error);
}

static enum vd_err make_history(struct vd_node *node, struct vd_error *error)
{
    size_t entries = vd_history_entries(&node->config);
    uint64_t epoch = 0;

    node->history =
        vd_arena_allocate(node->arena, "history",
                          vd_history_bytes(node->config.history_log_bytes, entries), 64, error);
    if (!node->history)
        return VD_ERR_NO_MEMORY;
    while (epoch == 0) {
        if (getrandom(&epoch, sizeof(epoch), 0) != (ssize_t)sizeof(epoch))
            return vd_error_set_errno(error, "getrandom");
    }
    if (vd_history_init(node->history, node->config.history_log_bytes, entries, epoch) != VD_OK) {
        return vd_error_set(error, VD_ERR_INVALID, "history_log_bytes is %zu",
                            node->config.history_log_bytes);
    }
    return VD_OK;
}

static enum vd_err make_shared(struct vd_node *node, struct vd_error *error)
{
    node->shared = vd_arena_allocate(node->arena, "node", sizeof(*node->shared),
                                     _Alignof(struct vd_shared), error);
    if (!node->shared)
        return VD_ERR_NO_MEMORY;
    node->shared->gateway_bell.fd = -1;
    node->slots =
        vd_arena_allocate(node->arena, "slots", node->config.workers * sizeof(*node->slots),
                          _Alignof(struct vd_worker_slot), error);
    if (!node->slots)
        return VD_ERR_NO_MEMORY;
    for (unsigned i = 0; i < node->config.workers; i++)
        node->slots[i].bell.fd = -1;
    node->shared->magic = VD_SHARED_MAGIC;
    node->shared->version = VD_SHARED_VERSION;
    node->shared->workers = node->config.workers;
    return vd_doorbell_init(&node->shared->gateway_bell, error);
}

enum vd_err vd_node_create(struct vd_node *node, const struct vd_server_config *config,
                           struct vd_error *error)
{
    enum vd_err result;

    memset(node, 0, sizeof(*node));
    node->config = *config;
    vd_logger_init(&node->logger, config->log_fd, config->log_level, "supervisor");
    for (unsigned i = 0; i < config->trusted_proxy_count; i++) {
        result = vd_network_parse(config->trusted_proxies[i], &node->trusted[i], error);
        if (result != VD_OK)
            return result;
        node->trusted_count++;
    }
    result = vd_arena_create(arena_bytes(config), &node->arena, error);
    if (result != VD_OK)
        return result;
    if ((result = make_shared(node, error)) != VD_OK ||
        (result = make_history(node, error)) != VD_OK)
        goto err_after_arena;
    for (unsigned i = 0; i < config->workers; i++) {
        if ((result = make_worker(node, i, error)) != VD_OK)
            goto err_after_arena;
    }
    return VD_OK;

err_after_arena:
    vd_node_destroy(node);
    return result;
}

void vd_node_close_listeners(struct vd_node *node)
{
    for (unsigned i = 0; i < node->listener_count; i++) {
        if (node->listeners[i].fd >= 0)
            close(node->listeners[i].fd);
        node->listeners[i].fd = -1;
    }
}

void vd_node_destroy(struct vd_node *node)
{
    if (!node || !node->arena)
        return;
    if (node->slots) {
        for (unsigned i = 0; i < node->config.workers; i++)
            vd_doorbell_finish(&node->slots[i].bell);
    }
    if (node->shared)
        vd_doorbell_finish(&node->shared->gateway_bell);
    vd_arena_destroy(node->arena);
    node->arena = NULL;
    node->shared = NULL;
    node->slots = NULL;
    node->history = NULL;
}
