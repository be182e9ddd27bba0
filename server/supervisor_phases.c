/* SPDX-License-Identifier: Apache-2.0 */
/* Recycling rounds (SIGUSR1) and the end (SIGTERM, SIGINT).
 *
 * A round: each worker that lived when it began is told to retire; the next is told only when the
 * replacement is ready, so that at most one is missing at any time. A second SIGUSR1 begins anew. A
 * replacement that crashes again and again ends the round: the others are left alone.
 *
 * The end: DRAIN (the gateway stops accepting and finishes what it has, streams are closed), STOP
 * (workers get VD_WORKER_SHUTDOWN), GATEWAY (SIGTERM to it), done. Whatever is left at the deadline
 * is killed, and so is everything at a second signal, unless it follows the first so closely that
 * it is the same: a terminal signals the whole group, and a wrapper (timeout, npm, a service
 * manager) hands its own on. */
#include <unistd.h>

#include "supervisor_state.h"

#define GATEWAY_END_MS 1000 /* that the gateway has at least, once the workers are gone */
#define ECHO_MS        300  /* a second signal within this is the first one again */

/* ---- recycling ---------------------------------------------------------------------------------
 */

void vd_supervisor_roll_start(struct vd_supervisor *supervisor)
{
    if (supervisor->end != VD_END_NO)
        return;
    supervisor->rolling = true;
    supervisor->roll_next = 0;
    for (unsigned i = 0; i < supervisor->node->config.workers; i++) {
        struct vd_child *worker = &supervisor->workers[i];

        worker->round_target =
            worker->pid > 0 ? atomic_load(&supervisor->node->slots[i].generation) : 0;
    }
}

enum roll { ROLL_WAIT, ROLL_DONE, ROLL_STOP };

static enum roll roll_worker(struct vd_supervisor *supervisor, unsigned index)
{
    struct vd_child *worker = &supervisor->workers[index];
    struct vd_worker_slot *slot = &supervisor->node->slots[index];
    uint32_t generation = atomic_load(&slot->generation);

    if (worker->looping)
        return ROLL_STOP;
    if (worker->round_target == 0 || (generation != worker->round_target && worker->up_ms != 0))
        return ROLL_DONE;
    if (generation == worker->round_target && worker->pid > 0 &&
        atomic_load(&slot->retire_wanted) != generation) {
        atomic_store(&slot->retire_wanted, generation);
        vd_doorbell_force(&slot->bell);
        vd_doorbell_force(&supervisor->node->shared->gateway_bell); /* offer it nothing more */
    }
    return ROLL_WAIT;
}

void vd_supervisor_roll_step(struct vd_supervisor *supervisor, uint64_t now_ms)
{
    struct vd_logger *log = &supervisor->node->logger;

    while (supervisor->rolling && supervisor->roll_next < supervisor->node->config.workers) {
        enum roll result = roll_worker(supervisor, supervisor->roll_next);

        if (result == ROLL_WAIT)
            return;
        if (result == ROLL_STOP) {
            supervisor->rolling = false;
            vd_log_limited(log, now_ms, VD_LOG_ERROR, "recycle_stopped",
                           "worker %u does not stay up: the remaining workers are left as they "
                           "are",
                           supervisor->roll_next);
            return;
        }
        supervisor->roll_next++;
    }
    if (supervisor->rolling)
        vd_log(log, VD_LOG_INFO, "recycled", "all workers were replaced");
    supervisor->rolling = false;
}

/* ---- the end -----------------------------------------------------------------------------------
 */

static void kill_all(struct vd_supervisor *supervisor)
{
    supervisor->end = VD_END_KILL;
    supervisor->had_to_kill = true;
    for (unsigned i = 0; i < supervisor->node->config.workers; i++) {
        if (supervisor->workers[i].pid > 0)
            kill(supervisor->workers[i].pid, SIGKILL);
    }
    if (supervisor->gateway.pid > 0)
        kill(supervisor->gateway.pid, SIGKILL);
}

static void begin_drain(struct vd_supervisor *supervisor, uint64_t now_ms)
{
    struct vd_node *node = supervisor->node;
    uint64_t timeout_ms = node->config.drain_timeout_ms;
    uint64_t reserve_ms = timeout_ms / 4 < 2000 ? timeout_ms / 4 : 2000; /* for the workers' end */

    supervisor->end = VD_END_DRAIN;
    supervisor->end_begun_ms = now_ms;
    supervisor->rolling = false;
    supervisor->gateway.restart_ms = 0;
    supervisor->end_deadline_ms = now_ms + timeout_ms;
    atomic_store(&node->shared->end_deadline_ms, supervisor->end_deadline_ms);
    atomic_store(&node->shared->drain_deadline_ms, supervisor->end_deadline_ms - reserve_ms);
    atomic_store(&node->shared->phase, VD_PHASE_DRAINING);
    /* the gateway closes its copy: from then on the addresses are free */
    vd_supervisor_unlisten(node);
    vd_supervisor_poke(supervisor);
}

void vd_supervisor_end_begin(struct vd_supervisor *supervisor, int signal, uint64_t now_ms)
{
    const char *name = signal == SIGINT ? "SIGINT" : "SIGTERM";
    struct vd_logger *log = &supervisor->node->logger;

    if (supervisor->end == VD_END_NO) {
        vd_log(log, VD_LOG_INFO, "draining", "%s: finishing what has begun, at most %u ms", name,
               supervisor->node->config.drain_timeout_ms);
        begin_drain(supervisor, now_ms);
        return;
    }
    if (now_ms - supervisor->end_begun_ms < ECHO_MS)
        return;
    vd_log(log, VD_LOG_WARN, "killing", "a second %s: ending at once", name);
    supervisor->was_hurried = true;
    kill_all(supervisor);
}

static bool gateway_is_gone(const struct vd_supervisor *supervisor)
{
    return supervisor->gateway.pid == 0 && !vd_supervisor_gateway_wanted(supervisor);
}

static bool has_drained(const struct vd_supervisor *supervisor, uint64_t now_ms)
{
    const struct vd_shared *shared = supervisor->node->shared;

    return atomic_load(&shared->drained) == atomic_load(&shared->gateway_epoch) ||
           now_ms >= atomic_load(&shared->drain_deadline_ms) || gateway_is_gone(supervisor);
}

static void end_gateway(struct vd_supervisor *supervisor, uint64_t now_ms)
{
    supervisor->end = VD_END_GATEWAY;
    if (supervisor->end_deadline_ms < now_ms + GATEWAY_END_MS)
        supervisor->end_deadline_ms = now_ms + GATEWAY_END_MS;
    atomic_store(&supervisor->node->shared->end_deadline_ms, supervisor->end_deadline_ms);
    if (supervisor->gateway.pid > 0)
        kill(supervisor->gateway.pid, SIGTERM);
}

bool vd_supervisor_end_step(struct vd_supervisor *supervisor, uint64_t now_ms)
{
    if (supervisor->end == VD_END_NO)
        return false;
    if (supervisor->end == VD_END_DRAIN && has_drained(supervisor, now_ms)) {
        supervisor->end = VD_END_STOP;
        atomic_store(&supervisor->node->shared->phase, VD_PHASE_STOPPING);
        vd_supervisor_poke(supervisor);
    }
    /* not while it comes up: it would miss the signal */
    if (supervisor->end == VD_END_STOP && vd_supervisor_workers_alive(supervisor) == 0 &&
        (vd_supervisor_gateway_serves(supervisor) || gateway_is_gone(supervisor)))
        end_gateway(supervisor, now_ms);
    if (supervisor->end >= VD_END_GATEWAY && supervisor->gateway.pid == 0 &&
        vd_supervisor_workers_alive(supervisor) == 0)
        return true;
    if (supervisor->end != VD_END_KILL && now_ms >= supervisor->end_deadline_ms) {
        vd_log(&supervisor->node->logger, VD_LOG_ERROR, "killing",
               "%u workers had not ended after %u ms", vd_supervisor_workers_alive(supervisor),
               supervisor->node->config.drain_timeout_ms);
        kill_all(supervisor);
    }
    return false;
}
