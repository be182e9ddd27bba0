/* SPDX-License-Identifier: Apache-2.0 */
/* A pipe hub, as every process has it: made before the fork, asked who lives, woken, put away. What
 * the serving process does is in pipe_server.c.
 *
 * Failure modes: a process dies at any instant. Nothing here is written halfway that another one
 * reads, and its locks go with it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "pipe_shared.h"

#define RING_BYTES    ((size_t)256 * 1024)
#define BACKLOG_BYTES ((size_t)4 * 1024 * 1024)

/* ---- locks -------------------------------------------------------------------------------------
 */

static struct flock lock_of(unsigned byte, short type)
{
    return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)byte, .l_len = 1};
}

enum vd_err vd_pipe_lock(const struct vd_pipe_hub *hub, unsigned byte, struct vd_error *error)
{
    struct flock lock = lock_of(byte, F_WRLCK);

    if (fcntl(vd_arena_fd(hub->arena), F_SETLK, &lock) == 0)
        return VD_OK;
    if (errno == EACCES || errno == EAGAIN)
        return vd_error_set(error, VD_ERR_EXISTS, "a live process has it");
    return vd_error_set_errno(error, "lock of a pipe hub");
}

void vd_pipe_unlock(const struct vd_pipe_hub *hub, unsigned byte)
{
    struct flock lock = lock_of(byte, F_UNLCK);

    fcntl(vd_arena_fd(hub->arena), F_SETLK, &lock);
}

bool vd_pipe_locked_by_other(const struct vd_pipe_hub *hub, unsigned byte)
{
    struct flock lock = lock_of(byte, F_WRLCK);

    /* when it cannot be told, nobody is declared dead */
    return fcntl(vd_arena_fd(hub->arena), F_GETLK, &lock) < 0 || lock.l_type != F_UNLCK;
}

bool vd_pipe_hub_alive(const struct vd_pipe_hub *hub)
{
    return pipe_hub_is_here(hub, getpid()) || vd_pipe_locked_by_other(hub, PIPE_BYTE_HUB);
}

/* ---- create ------------------------------------------------------------------------------------
 */

static enum vd_err check_options(unsigned endpoints, const struct vd_pipe_hub_options *options,
                                 struct vd_error *error)
{
    if (endpoints < 1 || endpoints > VD_PIPE_ENDPOINTS_MAX) {
        return vd_error_set(error, VD_ERR_INVALID, "endpoints is %u; allowed are 1 to %d",
                            endpoints, VD_PIPE_ENDPOINTS_MAX);
    }
    if (vd_ring_bytes(options->ring_bytes) == 0) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "ring_bytes is %zu; allowed are powers of two from %d on",
                            options->ring_bytes, VD_RING_CAPACITY_MIN_BYTES);
    }
    if (options->max_message_bytes > UINT32_MAX) {
        return vd_error_set(error, VD_ERR_INVALID, "max_message_bytes is %zu; allowed are up to %u",
                            options->max_message_bytes, UINT32_MAX);
    }
    return VD_OK;
}

static size_t padded(size_t bytes)
{
    return (bytes + 4095) & ~(size_t)4095;
}

static enum vd_err allocate_regions(struct vd_pipe_hub *hub, unsigned endpoints, size_t ring_bytes,
                                    struct vd_error *error)
{
    size_t ring = (vd_ring_bytes(ring_bytes) + 63) & ~(size_t)63;

    hub->shared = vd_arena_allocate(hub->arena, "pipe hub", sizeof(*hub->shared), 64, error);
    if (!hub->shared)
        return error->code;
    hub->slots =
        vd_arena_allocate(hub->arena, "pipe slots", sizeof(*hub->slots) * endpoints, 64, error);
    if (!hub->slots)
        return error->code;
    hub->rings = vd_arena_allocate(hub->arena, "pipe rings", ring * 2 * endpoints, 64, error);
    return hub->rings ? VD_OK : error->code;
}

static void finish_bells(struct vd_pipe_hub *hub, unsigned endpoints)
{
    vd_doorbell_finish(&hub->shared->hub_bell);
    for (unsigned i = 0; i < endpoints; i++)
        vd_doorbell_finish(&hub->slots[i].bell);
}

static enum vd_err init_shared(struct vd_pipe_hub *hub, unsigned endpoints,
                               const struct vd_pipe_hub_options *options, struct vd_error *error)
{
    struct pipe_shared *shared = hub->shared;
    enum vd_err code;

    shared->magic = PIPE_MAGIC;
    shared->version = PIPE_VERSION;
    shared->endpoints = endpoints;
    shared->ring_bytes = options->ring_bytes;
    /* a quarter, so that a frame fits beside another that is being read */
    shared->chunk_bytes = options->ring_bytes / 4 < 64 * 1024 ? options->ring_bytes / 4 : 64 * 1024;
    shared->max_message_bytes = options->max_message_bytes;
    code = vd_doorbell_init(&shared->hub_bell, error);
    for (unsigned i = 0; i < endpoints && !code; i++) {
        code = vd_doorbell_init(&hub->slots[i].bell, error);
        vd_ring_init(pipe_up(hub, i), options->ring_bytes);
        vd_ring_init(pipe_down(hub, i), options->ring_bytes);
    }
    if (code)
        finish_bells(hub, endpoints);
    return code;
}

enum vd_err vd_pipe_hub_create(unsigned endpoints, const struct vd_pipe_hub_options *given,
                               struct vd_pipe_hub **made, struct vd_error *error_or_null)
{
    struct vd_pipe_hub_options options = given ? *given : (struct vd_pipe_hub_options){0};
    struct vd_error mine, *error = error_or_null ? error_or_null : &mine;
    struct vd_pipe_hub *hub;
    enum vd_err code;

    options.ring_bytes = options.ring_bytes ? options.ring_bytes : RING_BYTES;
    options.backlog_bytes = options.backlog_bytes ? options.backlog_bytes : BACKLOG_BYTES;
    if (options.max_message_bytes == 0)
        options.max_message_bytes = VD_MESSAGE_MAX_BYTES;
    code = check_options(endpoints, &options, error);
    if (code)
        return code;
    hub = calloc(1, sizeof(*hub));
    if (!hub || !(hub->held = calloc(endpoints, sizeof(*hub->held)))) {
        code = vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for a pipe hub");
        goto err_after_calloc;
    }
    hub->backlog_bytes = options.backlog_bytes;
    hub->logger = options.logger;
    code = vd_arena_create(VD_ARENA_HEADER_BYTES + padded(sizeof(struct pipe_shared)) +
                               padded(sizeof(struct pipe_slot) * endpoints) +
                               padded((vd_ring_bytes(options.ring_bytes) + 64) * 2 * endpoints),
                           &hub->arena, error);
    if (code)
        goto err_after_calloc;
    code = allocate_regions(hub, endpoints, options.ring_bytes, error);
    if (!code)
        code = init_shared(hub, endpoints, &options, error);
    if (code)
        goto err_after_arena;
    *made = hub;
    return VD_OK;

err_after_arena:
    vd_arena_destroy(hub->arena);
err_after_calloc:
    if (hub)
        free(hub->held);
    free(hub);
    return code;
}

/* ---- wake, look, put away ----------------------------------------------------------------------
 */

void vd_pipe_hub_poke(struct vd_pipe_hub *hub)
{
    vd_doorbell_force(&hub->shared->hub_bell);
    for (unsigned i = 0; i < hub->shared->endpoints; i++)
        vd_doorbell_force(&hub->slots[i].bell);
}

int vd_pipe_hub_fd(const struct vd_pipe_hub *hub)
{
    return hub->shared->hub_bell.fd;
}

void vd_pipe_hub_status(const struct vd_pipe_hub *hub, struct vd_pipe_hub_status *status)
{
    *status = (struct vd_pipe_hub_status){.endpoints = hub->shared->endpoints};
    for (unsigned i = 0; i < status->endpoints; i++) {
        int32_t pid = atomic_load_explicit(&hub->slots[i].pid, memory_order_acquire);
        if (pid != 0 && (pid == getpid() || vd_pipe_locked_by_other(hub, PIPE_BYTE_ENDPOINT(i))))
            status->attached++;
    }
    if (pipe_hub_is_here(hub, getpid()))
        vd_pipe_server_describe(hub, status);
}

void vd_pipe_hub_destroy(struct vd_pipe_hub *hub)
{
    if (!hub)
        return;
    if (pipe_hub_is_here(hub, getpid()))
        vd_pipe_unlock(hub, PIPE_BYTE_HUB);
    vd_pipe_server_free(hub);
    /* the numbers of the descriptors are the same in all processes, the descriptors are not: close
     * them here, but leave the shared words alone */
    close(hub->shared->hub_bell.fd);
    for (unsigned i = 0; i < hub->shared->endpoints; i++)
        close(hub->slots[i].bell.fd);
    vd_arena_destroy(hub->arena);
    free(hub->held);
    free(hub);
}
