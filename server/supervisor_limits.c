/* SPDX-License-Identifier: Apache-2.0 */
/* What hangs is killed: a handler over the request time limit, a worker or gateway that does not
 * come up, a worker that was told to retire and does not, one that answers and does not come back
 * for more, a gateway whose loop stands.
 *
 * Happy path: a few loads for each worker, and the answer when to look again. Whatever starts after
 * this look is seen by the next one in time, since the next is never further away than the shortest
 * limit. kill -9, since nothing less reaches a handler that hangs in C code; death_reason is set
 * first, so that the gateway answers 504. */
#include "supervisor_state.h"

#define GATEWAY_LOOK_MS 1000
#define GATEWAY_LOOKS   10

static void kill_worker(struct vd_supervisor *supervisor, unsigned index, uint64_t now_ms,
                        uint64_t since_ms, const char *what)
{
    struct vd_child *child = &supervisor->workers[index];

    child->killed = true;
    atomic_store(&supervisor->node->slots[index].death_reason, VD_DEATH_TIMEOUT);
    kill(child->pid, SIGKILL);
    vd_log_limited(&supervisor->node->logger, now_ms, VD_LOG_ERROR, "worker_hangs",
                   "worker %u (pid %d) %s for %llu ms: killed", index, (int)child->pid, what,
                   (unsigned long long)(now_ms - since_ms));
}

/* Since when has this worker been retiring? 0: it is not. */
static uint64_t retiring_since(struct vd_child *child, const struct vd_worker_slot *slot,
                               uint64_t now_ms)
{
    if (child->retiring_ms == 0 &&
        (atomic_load(&slot->state) == VD_SLOT_RETIRING ||
         atomic_load(&slot->retire_wanted) == atomic_load(&slot->generation)))
        child->retiring_ms = now_ms;
    return child->retiring_ms;
}

/* Since when is there a request in its ring that it neither handles nor lets go of? It has answered
 * and does not come back (or was stopped): its clock stands, and nobody else would notice. 0: it is
 * well. */
static uint64_t unread_since(struct vd_supervisor *supervisor, unsigned index, uint64_t now_ms)
{
    struct vd_child *child = &supervisor->workers[index];
    uint64_t total = atomic_load(&supervisor->node->slots[index].requests_total);

    if (vd_ring_depth_bytes(supervisor->node->requests[index]) == 0) {
        child->unread_ms = 0;
    } else if (child->unread_ms == 0 || child->unread_total != total) {
        child->unread_ms = now_ms;
        child->unread_total = total;
    }
    return child->unread_ms;
}

/* The one limit that counts for this worker now; UINT64_MAX: none. */
static uint64_t worker_limit(struct vd_supervisor *supervisor, unsigned index, uint64_t now_ms,
                             uint64_t *since_ms, const char **what)
{
    const struct vd_server_config *config = &supervisor->node->config;
    struct vd_child *child = &supervisor->workers[index];
    struct vd_worker_slot *slot = &supervisor->node->slots[index];

    *since_ms = atomic_load(&slot->request_started_ms);
    *what = "has not finished its handler";
    if (*since_ms != 0) {
        child->unread_ms = 0;
        return *since_ms + config->request_timeout_ms;
    }
    *since_ms = child->started_ms;
    *what = "has not come up";
    if (atomic_load(&slot->state) == VD_SLOT_STARTING)
        return *since_ms + config->boot_timeout_ms;
    *since_ms = retiring_since(child, slot, now_ms);
    *what = "has not ended, though told to,";
    if (*since_ms != 0)
        return *since_ms + config->request_timeout_ms;
    *since_ms = unread_since(supervisor, index, now_ms);
    *what = "has not asked for its next event";
    if (*since_ms != 0)
        return *since_ms + config->request_timeout_ms;
    return UINT64_MAX;
}

static void kill_gateway(struct vd_supervisor *supervisor, uint64_t now_ms, const char *what)
{
    struct vd_child *gateway = &supervisor->gateway;

    gateway->killed = true;
    kill(gateway->pid, SIGKILL);
    vd_log_limited(&supervisor->node->logger, now_ms, VD_LOG_ERROR, "gateway_hangs",
                   "gateway (pid %d) %s: killed", (int)gateway->pid, what);
}

/* Its loop turns once a second when there is nothing to do. Looks are counted, not time: after a
 * pause of the whole machine or container the gateway gets its turn, too. */
static uint64_t gateway_turns(struct vd_supervisor *supervisor, uint64_t now_ms)
{
    struct vd_child *gateway = &supervisor->gateway;
    uint64_t turns = atomic_load(&supervisor->node->shared->turns);

    if (turns != gateway->turns || gateway->still == 0) {
        gateway->turns = turns;
        gateway->looked_ms = now_ms;
        gateway->still = 1;
    } else if (now_ms - gateway->looked_ms >= GATEWAY_LOOK_MS) {
        gateway->looked_ms = now_ms;
        gateway->still++;
    }
    if (gateway->still > GATEWAY_LOOKS) {
        kill_gateway(supervisor, now_ms, "has not turned its loop for 10 s");
        return UINT64_MAX;
    }
    return gateway->looked_ms + GATEWAY_LOOK_MS;
}

static uint64_t gateway_limit(struct vd_supervisor *supervisor, uint64_t now_ms)
{
    struct vd_child *gateway = &supervisor->gateway;
    uint64_t limit_ms = gateway->started_ms + supervisor->node->config.boot_timeout_ms;

    if (gateway->pid == 0 || gateway->killed)
        return UINT64_MAX;
    if (vd_supervisor_gateway_serves(supervisor))
        return gateway_turns(supervisor, now_ms);
    if (now_ms < limit_ms)
        return limit_ms;
    kill_gateway(supervisor, now_ms, "has not come up within the boot timeout");
    return UINT64_MAX;
}

uint64_t vd_supervisor_limits(struct vd_supervisor *supervisor, uint64_t now_ms)
{
    uint64_t next_ms = now_ms + supervisor->node->config.request_timeout_ms;
    uint64_t limit_ms = gateway_limit(supervisor, now_ms);

    if (limit_ms < next_ms)
        next_ms = limit_ms;
    for (unsigned i = 0; i < supervisor->node->config.workers; i++) {
        uint64_t since_ms;
        const char *what;

        if (supervisor->workers[i].pid == 0 || supervisor->workers[i].killed)
            continue;
        limit_ms = worker_limit(supervisor, i, now_ms, &since_ms, &what);
        if (now_ms >= limit_ms) {
            kill_worker(supervisor, i, now_ms, since_ms, what);
        } else if (limit_ms < next_ms) {
            next_ms = limit_ms;
        }
    }
    return next_ms;
}
