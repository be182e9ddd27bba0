/* SPDX-License-Identifier: Apache-2.0 */
/* What the processes of a pipe hub share (pipe_hub.c), and how its two halves (pipe.c: endpoints,
 * pipe_server.c: the serving process) talk.
 *
 *     arena: "pipe hub"    struct pipe_shared
 *            "pipe slots"  struct pipe_slot [endpoints]
 *            "pipe rings"  up 0, down 0, up 1, down 1, ...
 *
 * Frames: a message is cut into fragments of at most chunk_bytes of its flat form (parcel.h), all
 * with the same tag, which no other message of that ring has: a sender that dies, or gives up in
 * mid-message, is noticed by the next tag. The first fragment carries PIPE_FIRST, the last
 * PIPE_LAST, so that a reader that comes in the middle waits for a beginning.
 *
 * Who lives: the serving process holds a POSIX record lock on byte 0 of the arena's file, the
 * owner of endpoint n one on byte n + 1. The kernel drops them at the process's death, and they are
 * not inherited by fork: no time-out, no pid that may have been given to another. (They also go
 * when a process closes any descriptor of that file; nobody does before he is done with it.) */
#ifndef VIADUCT_BROKERS_PIPE_SHARED_H
#define VIADUCT_BROKERS_PIPE_SHARED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <viaduct/arena.h>
#include <viaduct/broker.h>
#include <viaduct/ring.h>

#define PIPE_MAGIC   0x5664506970653031u /* "VdPipe01" */
#define PIPE_VERSION 1u

enum pipe_frame_type {
    PIPE_FRAME_MESSAGE = 1,
    PIPE_FRAME_GAP = 2 /* down only; uint64_t: messages dropped before the next one */
};

#define PIPE_FIRST 1u
#define PIPE_LAST  2u

struct pipe_shared { /* NOLINT(clang-analyzer-optin.performance.Padding): one line a writer */
    uint64_t magic;
    uint32_t version;
    uint32_t endpoints;
    uint64_t ring_bytes;
    uint64_t chunk_bytes;
    uint64_t max_message_bytes; /* data of one message */

    /* serving process writes */
    _Alignas(64) _Atomic uint32_t epoch; /* +1 each time a process begins to serve; 0: none yet */
    _Atomic int32_t hub_pid;             /* the last that did */

    struct vd_doorbell hub_bell; /* wakes it */
};

struct pipe_slot {
    /* the endpoint's owner writes */
    _Alignas(64) _Atomic uint32_t generation; /* +1 at each attach; 0: never any */
    _Atomic int32_t pid;                      /* 0: detached (the hub clears it for a dead owner) */
    /* serving process writes: the generation whose up ring is damaged beyond reading; the next
     * owner makes the ring anew */
    _Atomic uint32_t broken_generation;

    struct vd_doorbell bell; /* wakes the endpoint */
};

struct pipe_server; /* pipe_server.c: what the serving process keeps for itself */

/* One in each process: inherited by the fork as a copy. */
struct vd_pipe_hub {
    struct vd_arena *arena;
    struct pipe_shared *shared;
    struct pipe_slot *slots; /* [endpoints] */
    unsigned char *rings;
    size_t backlog_bytes;
    struct vd_logger *logger;

    struct pipe_server *server; /* NULL: does not serve */
    pid_t server_pid;           /* of the process that made @server: a copy does not count */
    bool *held;                 /* [endpoints]: handles of this process ... */
    pid_t held_pid;             /* ... if this is it */
};

static inline struct vd_ring *pipe_ring(const struct vd_pipe_hub *hub, unsigned index)
{
    size_t bytes = (vd_ring_bytes(hub->shared->ring_bytes) + 63) & ~(size_t)63;

    return (struct vd_ring *)(void *)(hub->rings + bytes * index);
}

static inline struct vd_ring *pipe_up(const struct vd_pipe_hub *hub, unsigned endpoint)
{
    return pipe_ring(hub, endpoint * 2);
}

static inline struct vd_ring *pipe_down(const struct vd_pipe_hub *hub, unsigned endpoint)
{
    return pipe_ring(hub, endpoint * 2 + 1);
}

#define PIPE_BYTE_HUB           0
#define PIPE_BYTE_ENDPOINT(num) ((num) + 1)

/* The lock of the whole process on @byte. Returns: VD_OK, VD_ERR_EXISTS (another live process has
 * it), VD_ERR_SYSTEM. */
enum vd_err vd_pipe_lock(const struct vd_pipe_hub *hub, unsigned byte, struct vd_error *error);
void vd_pipe_unlock(const struct vd_pipe_hub *hub, unsigned byte);

/* Does a live process hold @byte? One's own lock is not seen: ask only about others. */
bool vd_pipe_locked_by_other(const struct vd_pipe_hub *hub, unsigned byte);

/* Frees what this process serves with, or has inherited a copy of; nothing is fine. */
void vd_pipe_server_free(struct vd_pipe_hub *hub);
/* The totals, and what waits. Serving process only. */
void vd_pipe_server_describe(const struct vd_pipe_hub *hub, struct vd_pipe_hub_status *status);

/* Is there a live process that serves? */
bool vd_pipe_hub_alive(const struct vd_pipe_hub *hub);

/* Does this very process serve? */
static inline bool pipe_hub_is_here(const struct vd_pipe_hub *hub, pid_t pid)
{
    return hub->server && hub->server_pid == pid;
}

#endif
