/* SPDX-License-Identifier: Apache-2.0 */
/* The node: the one struct that crosses the fork, and the shared memory behind it.
 *
 * struct vd_node is filled in by the supervisor and inherited by copy: pointers into the arena and
 * descriptor numbers are the same in every process. struct vd_shared and struct vd_worker_slot lie
 * in the arena. Who writes what is said at each member; counters that different processes write
 * never share a cache line.
 *
 *   arena: "node"      struct vd_shared
 *          "slots"     struct vd_worker_slot [workers]
 *          "history"   struct vd_history
 *          "to_gateway N", "requests N", "events N"   the three rings of worker N
 *
 *             requests N (credits: claims)
 *   gateway  ------------------------------>  worker N
 *            ------------------------------>
 *             events N (coalesces, drops, counts, marks a gap)
 *            <------------------------------
 *             to_gateway N (responses, publishes; always drained)
 */
#ifndef VIADUCT_COMMON_NODE_H
#define VIADUCT_COMMON_NODE_H

#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#include <viaduct/arena.h>
#include <viaduct/history.h>
#include <viaduct/log.h>
#include <viaduct/message.h>
#include <viaduct/ring.h>

#include "common_listen.h"
#include "common_network.h"
#include "server.h"

#define VD_RING_TO_GATEWAY_BYTES (1024 * 1024)
#define VD_RING_REQUESTS_BYTES   (512 * 1024)
#define VD_RING_EVENTS_BYTES     (512 * 1024)

/* Requests offered to one worker at a time. A request is offered in advance so that a worker need
 * not be woken for each; until the worker takes it, the gateway can take it back. */
#define VD_CLAIMS 16

enum vd_slot_state {
    VD_SLOT_EMPTY,    /* no process */
    VD_SLOT_STARTING, /* forked, has not asked for an event yet */
    VD_SLOT_READY,    /* takes requests */
    VD_SLOT_RETIRING, /* takes no new request, ends after the current one */
};

enum vd_death_reason { VD_DEATH_NONE, VD_DEATH_CRASH, VD_DEATH_TIMEOUT, VD_DEATH_CLEAN };

/* A claim word: request id << 2 | state. The gateway stores OFFERED before it publishes the frame;
 * the worker swaps OFFERED -> TAKEN before it handles it, the gateway OFFERED -> REVOKED to give
 * the request to another worker. Whoever loses the swap leaves the request alone. */
enum vd_claim_state { VD_CLAIM_FREE, VD_CLAIM_OFFERED, VD_CLAIM_TAKEN, VD_CLAIM_REVOKED };

static inline uint64_t vd_claim_word(uint64_t request_id, enum vd_claim_state state)
{
    return request_id << 2 | (uint64_t)state;
}

/* One worker's place in shared memory. */
struct vd_worker_slot {
    /* supervisor writes (worker: state STARTING -> READY -> RETIRING) */
    _Alignas(64) _Atomic uint32_t state;
    _Atomic uint32_t generation; /* of the process now (or last) in the slot; 0: never any */
    _Atomic int32_t pid;
    _Atomic uint32_t died_generation; /* == generation: that process is dead and reaped */
    _Atomic uint32_t death_reason;
    _Atomic uint32_t retire_wanted; /* supervisor: generation that shall end after its request */

    /* worker writes */
    _Alignas(64) _Atomic uint64_t
        request_started_ms; /* monotonic; 0: idle. The time limit's clock, for requests and for
                               handlers of events; a streamed response winds it up as it goes */
    _Atomic uint64_t requests_total;
    _Atomic uint64_t publishes_total;
    _Atomic uint64_t owed; /* a bit for every 64th of vd_shared_state.scopes: changed and not yet
                              published (gateway: taken from it when the worker is dead) */

    /* gateway writes: credit of the response now streaming: request id (low 16 bits) << 48 | bytes
     * of RESPONSE_BODY payload that left for the client (48 ones: the client is gone, stop). Ring
     * the worker's bell after each store */
    _Alignas(64) _Atomic uint64_t response_acknowledged;
    /* gateway writes, then rings the worker's bell: tag of the last PUBLISH frame that had one << 8
     * | enum vd_err. What was refused was delivered nowhere. */
    _Atomic uint64_t publish_answer;
    /* gateway writes: the last PUBLISH frame whose message the history could not keep; a successor
     * does not publish it again */
    _Atomic uint64_t unkept_position;
    _Atomic uint32_t unkept_generation;
    /* gateway writes: died_generation it has cleaned up; only then may the slot be filled again */
    _Atomic uint32_t buried_generation;
    _Atomic uint64_t events_dropped;

    /* gateway and worker */
    _Alignas(64) _Atomic uint64_t claims[VD_CLAIMS];

    /* worker writes (gateway: 0 at the offer): monotonic, when it took what the claim stands for */
    _Alignas(64) _Atomic uint64_t taken_us[VD_CLAIMS];

    struct vd_doorbell bell; /* wakes the worker */
};

/* DRAINING: the gateway ends what it has begun, then sets `drained`. STOPPING: workers get
 * VD_WORKER_SHUTDOWN; the gateway still drains their rings. When the last worker is gone the
 * supervisor sends the gateway SIGTERM. */
enum vd_phase { VD_PHASE_SERVING, VD_PHASE_DRAINING, VD_PHASE_STOPPING };

/* What the supervisor and the gateway tell each other and all others. */
struct vd_shared { // NOLINT(clang-analyzer-optin.performance.Padding): by who writes it
    uint64_t magic;
    uint32_t version;
    uint32_t workers;

    /* supervisor writes */
    _Alignas(64) _Atomic uint32_t gateway_epoch; /* +1 before each start of a gateway, from 1 */
    _Atomic int32_t gateway_pid;
    _Atomic int32_t supervisor_pid;
    _Atomic uint32_t phase; /* enum vd_phase */
    _Atomic uint64_t worker_deaths_total;
    _Atomic uint64_t gateway_deaths_total;
    _Atomic uint32_t crash_looping; /* workers now waiting out a backoff of 1 s or more */
    _Atomic uint64_t drain_deadline_ms;
    _Atomic uint64_t end_deadline_ms; /* then the supervisor kills what is left */

    /* gateway writes */
    _Alignas(64) _Atomic uint32_t gateway_ready_epoch; /* the epoch that serves */
    _Atomic uint32_t drained;        /* epoch that has nothing left to do in VD_PHASE_DRAINING */
    _Atomic uint64_t turns;          /* of its loop; at least one a second unless it hangs */
    _Atomic uint64_t sequence;       /* last sequence number published by this node */
    _Atomic uint64_t link_confirmed; /* up to which of them the broker has all, or they were
                                        dropped and counted; see gateway_link.h */
    _Atomic uint64_t response_window; /* bytes a response may be ahead of its client now; 0: as
                                         configured */
    struct vd_node_id node_id;        /* drawn by the first gateway */
    /* the link's outbox fills up: a publish waits for the gateway's answer, which may be that there
     * is no room. Rarely changes, read with each publish. */
    _Alignas(64) _Atomic uint32_t link_tight;

    struct vd_doorbell gateway_bell; /* wakes the gateway */
};

/* Time that gateway and workers have after the death of the supervisor. */
#define VD_ORPHAN_GRACE_MS 1000u
/* What tells them; not for other use. */
#define VD_ORPHAN_SIGNAL (SIGRTMAX - 1)

#define VD_SHARED_MAGIC   0x5669616475637431u /* "Viaduct1" */
#define VD_SHARED_VERSION 1u

/* One address that the node listens on, as it turned out. */
struct vd_listener {
    int fd; /* non-blocking; supervisor and gateway only, workers close it; -1: closed */
    bool is_unix;
    bool is_control;                 /* for `viaduct top` only: see common_control.h */
    uint16_t port;                   /* 0 for a unix socket */
    char host[VD_LISTEN_HOST_BYTES]; /* numeric address, or the path */
    uint64_t device, inode;          /* of the socket's file, which is ours to remove */
};

/* Inherited by copy at the fork. */
struct vd_node {
    struct vd_server_config config; /* defaults filled in */
    struct vd_server_hooks hooks;
    struct vd_arena *arena;
    struct vd_shared *shared;
    struct vd_worker_slot *slots; /* [config.workers] */
    struct vd_history *history;
    struct vd_ring *to_gateway[VD_WORKERS_MAX];
    struct vd_ring *requests[VD_WORKERS_MAX];
    struct vd_ring *events[VD_WORKERS_MAX];
    struct vd_listener listeners[VD_LISTENERS_MAX + 1]; /* and the control socket, the last */
    unsigned listener_count;
    struct vd_network trusted[VD_TRUSTED_MAX];
    unsigned trusted_count;
    struct vd_logger logger; /* re-initialised with its own name in each process */
};

/* common_config.c: fill in defaults and check every field; @error names the field and what is
 * allowed. Returns: VD_OK, VD_ERR_INVALID, VD_ERR_UNSUPPORTED. */
enum vd_err vd_server_config_check(struct vd_server_config *config, struct vd_error *error);

/* Entries of the history's index, by a guess at the mean message. */
static inline size_t vd_history_entries(const struct vd_server_config *config)
{
    return config->history_log_bytes / 256;
}

/* common_node.c: arena and everything in it. */
enum vd_err vd_node_create(struct vd_node *node, const struct vd_server_config *config,
                           struct vd_error *error);
void vd_node_destroy(struct vd_node *node);
/* Close this process's copies of the listening sockets. */
void vd_node_close_listeners(struct vd_node *node);

/* Entry points of the children; called right after the fork, return the exit code. */
int vd_gateway_main(struct vd_node *node, uint32_t epoch);
int vd_worker_process_main(struct vd_node *node, unsigned index, uint32_t generation);

/* common_orphan.c: when the supervisor (pid @supervisor) dies, this process is killed by the kernel
 * within @grace_ms, whatever it does; vd_orphaned() tells from then on. Call right after the fork.
 */
enum vd_err vd_orphan_guard(pid_t supervisor, uint32_t grace_ms, struct vd_error *error);
int vd_orphaned(void);
/* An eventfd that is written to at that moment, so that whoever is about to poll it does not sleep
 * over it; -1: none. */
void vd_orphan_wakes(int fd);

#endif
