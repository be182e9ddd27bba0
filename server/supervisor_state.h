/* SPDX-License-Identifier: Apache-2.0 */
/* What the supervisor_*.c files share: the supervisor's private state. One thread, one loop; time
 * comes in as now_ms. */
#ifndef VIADUCT_SUPERVISOR_STATE_H
#define VIADUCT_SUPERVISOR_STATE_H

#include <viaduct/backoff.h>

#include "common_node.h"

/* A worker or the gateway. */
struct vd_child {
    pid_t pid;             /* 0: none */
    uint64_t started_ms;   /* of this process */
    uint64_t up_ms;        /* seen ready; 0: not yet */
    uint64_t restart_ms;   /* not before; 0: at once */
    uint64_t died_ms;      /* 0: not waiting for its burial */
    uint64_t retiring_ms;  /* seen or told to retire; 0: not */
    uint64_t unread_ms;    /* seen idle with a request in its ring; 0: not */
    uint64_t unread_total; /* requests_total then */
    uint64_t turns;        /* gateway: of its loop, as last seen */
    uint64_t looked_ms;    /* gateway: when they were last looked at */
    unsigned still;        /* gateway: looks in a row without a turn in between */
    uint32_t round_target; /* generation that the recycling round has to replace; 0: none */
    bool looping;          /* counted in shared->crash_looping */
    bool killed;           /* by us: one line in the log is enough */
    struct vd_backoff backoff;
};

enum vd_supervisor_end { VD_END_NO, VD_END_DRAIN, VD_END_STOP, VD_END_GATEWAY, VD_END_KILL };

struct vd_supervisor {
    struct vd_node *node;
    struct vd_child gateway;
    struct vd_child workers[VD_WORKERS_MAX];

    sigset_t handled;     /* blocked in the supervisor, taken by sigtimedwait */
    sigset_t mask_before; /* restored in children and at the end */
    struct sigaction before[8];

    bool rolling; /* a recycling round is on */
    unsigned roll_next;

    enum vd_supervisor_end end;
    unsigned end_gateways; /* started since it began */
    uint64_t end_begun_ms;
    uint64_t end_deadline_ms;
    bool had_to_kill;
    bool was_hurried; /* by a second signal */
};

/* ---- supervisor_check.c: before anything is started
 * ----------------------------------------------- */

/* VD_ERR_STATE when this process has more than one thread: a fork would lose them. */
enum vd_err vd_supervisor_check_threads(struct vd_error *error);
/* Can the access log be opened? VD_ERR_INVALID names it. */
enum vd_err vd_supervisor_check_access_log(const struct vd_server_config *config,
                                           struct vd_error *error);
/* Sockets that every child would share: one warning. */
/* Returns what vd_broker_open says of config->broker; VD_OK without one. */
enum vd_err vd_supervisor_check_broker(const struct vd_server_config *config,
                                       struct vd_error *error);
void vd_supervisor_warn_of_sockets(struct vd_node *node);

/* ---- supervisor_listen.c
 * --------------------------------------------------------------------------- */

/* Fills the table of listeners. Returns: VD_OK, VD_ERR_INVALID (no such address), VD_ERR_EXISTS (in
 * use), VD_ERR_SYSTEM; then nothing is open and no file is left. */
enum vd_err vd_supervisor_listen(struct vd_node *node, struct vd_error *error);
/* One unix socket, with the mode of @address; a file that a dead server left is replaced. */
enum vd_err vd_supervisor_listen_unix(struct vd_listener *listener,
                                      const struct vd_listen_address *address,
                                      struct vd_error *error);
/* A socket's file at which nobody listens. */
bool vd_supervisor_socket_is_stale(const char *path);
/* Closes the sockets and removes the files of those that have one, as far as they are still ours.
 */
void vd_supervisor_unlisten(struct vd_node *node);

/* ---- supervisor_control.c
 * -------------------------------------------------------------------------- */

/* One more listener, for `viaduct top`. Returns: VD_OK, also when it goes without; else as
 * vd_supervisor_listen, for a place that was asked for. */
enum vd_err vd_supervisor_listen_control(struct vd_node *node, struct vd_error *error);

/* ---- supervisor_signals.c
 * --------------------------------------------------------------------------- */

void vd_supervisor_signals_take(struct vd_supervisor *supervisor);
void vd_supervisor_signals_restore(struct vd_supervisor *supervisor);
/* In a child: as they were before, with default dispositions. */
void vd_supervisor_signals_child(const struct vd_supervisor *supervisor);
/* The next handled signal, or 0 after @timeout_ms. */
int vd_supervisor_signals_wait(const struct vd_supervisor *supervisor, uint64_t timeout_ms);

/* ---- supervisor_children.c: fork, reap, bury, start again
 * ----------------------------------------------------------- */

void vd_supervisor_children_init(struct vd_supervisor *supervisor);
/* Start what should run and may: missing gateway, missing workers. */
void vd_supervisor_children_start(struct vd_supervisor *supervisor, uint64_t now_ms);
/* Collect those that died, tell everyone. */
void vd_supervisor_children_reap(struct vd_supervisor *supervisor, uint64_t now_ms);
unsigned vd_supervisor_workers_alive(const struct vd_supervisor *supervisor);
/* Wake gateway and workers: something in shared memory changed. */
void vd_supervisor_poke(struct vd_supervisor *supervisor);
bool vd_supervisor_gateway_serves(const struct vd_supervisor *supervisor);
/* Should there be one, or another one? */
bool vd_supervisor_gateway_wanted(const struct vd_supervisor *supervisor);

/* ---- supervisor_limits.c: request, boot and retirement time
 * --------------------------------------------------------- */

/* Kill what hangs. Returns when the next limit can be over, at the earliest (monotonic ms). */
uint64_t vd_supervisor_limits(struct vd_supervisor *supervisor, uint64_t now_ms);

/* ---- supervisor_phases.c: recycling rounds, drain, end
 * -------------------------------------------------------------- */

void vd_supervisor_roll_start(struct vd_supervisor *supervisor);
void vd_supervisor_roll_step(struct vd_supervisor *supervisor, uint64_t now_ms);
/* SIGTERM or SIGINT: the first drains, the second kills. */
void vd_supervisor_end_begin(struct vd_supervisor *supervisor, int signal, uint64_t now_ms);
/* Returns true when nothing is left. */
bool vd_supervisor_end_step(struct vd_supervisor *supervisor, uint64_t now_ms);

#endif
