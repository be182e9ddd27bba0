/* SPDX-License-Identifier: Apache-2.0 */
/* Fork, reap, bury, start again.
 *
 * The death of a worker, step by step:
 *   1. reaped (SIGCHLD); what it died of is noted in its slot unless we killed it ourselves
 *   2. died_generation = generation, every bell is rung: it may have died between publishing a
 *      frame and waking the reader
 *   3. the gateway drains its ring, answers its clients, gives its unread events and requests to
 *      others, then says buried_generation
 *   4. only then its slot is filled again, with generation + 1; the rings are kept
 * A dead gateway's work is done by its successor at its start, so step 4 waits for that.
 *
 * Restarts: at once after a clean end (recycling), else after a backoff that doubles from
 * FIRST_RESTART_MS to RESTART_CAP_MS and starts over once a process has been up for STABLE_MS. The
 * gateway's first restart does not wait, nor do its last ones, while the node ends. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <viaduct/counter.h>
#include <viaduct/table.h>

#include "supervisor_state.h"

#define FIRST_RESTART_MS 20
#define RESTART_CAP_MS   30000
#define STABLE_MS        5000
#define LOOPING_MS       1000 /* a worker that waits this long is crash looping */
#define BURIAL_MS        5000 /* for a gateway that serves: longer means that it is sick */
#define END_GATEWAYS     3    /* started while the node ends, at most */

void vd_supervisor_children_init(struct vd_supervisor *supervisor)
{
    vd_backoff_init(&supervisor->gateway.backoff, FIRST_RESTART_MS, RESTART_CAP_MS, STABLE_MS);
    for (unsigned i = 0; i < supervisor->node->config.workers; i++) {
        vd_backoff_init(&supervisor->workers[i].backoff, FIRST_RESTART_MS, RESTART_CAP_MS,
                        STABLE_MS);
    }
}

void vd_supervisor_poke(struct vd_supervisor *supervisor)
{
    struct vd_node *node = supervisor->node;

    vd_doorbell_force(&node->shared->gateway_bell);
    for (unsigned i = 0; i < node->config.workers; i++)
        vd_doorbell_force(&node->slots[i].bell);
}

bool vd_supervisor_gateway_serves(const struct vd_supervisor *supervisor)
{
    const struct vd_shared *shared = supervisor->node->shared;

    return supervisor->gateway.pid > 0 &&
           atomic_load(&shared->gateway_ready_epoch) == atomic_load(&shared->gateway_epoch);
}

/* Also while the node ends: what the other nodes should get, and what the workers have said since,
 * stands in the arena. One that dies of what it finds there is not started for ever. */
bool vd_supervisor_gateway_wanted(const struct vd_supervisor *supervisor)
{
    return supervisor->end == VD_END_NO ||
           (supervisor->end <= VD_END_STOP && supervisor->end_gateways < END_GATEWAYS);
}

unsigned vd_supervisor_workers_alive(const struct vd_supervisor *supervisor)
{
    unsigned alive = 0;

    for (unsigned i = 0; i < supervisor->node->config.workers; i++)
        alive += supervisor->workers[i].pid > 0;
    return alive;
}

/* ---- start -------------------------------------------------------------------------------------
 */

/* Returns 0 in the child, with its signals as they should be. */
static pid_t fork_child(struct vd_supervisor *supervisor, struct vd_child *child, uint64_t now_ms)
{
    pid_t pid = fork();

    if (pid == 0) {
        vd_supervisor_signals_child(supervisor);
        return 0;
    }
    child->started_ms = now_ms;
    child->up_ms = 0;
    child->retiring_ms = 0;
    child->unread_ms = 0;
    child->still = 0;
    child->killed = false;
    child->restart_ms = 0;
    if (pid > 0) {
        child->pid = pid;
        return pid;
    }
    child->restart_ms = now_ms + RESTART_CAP_MS / 30;
    vd_log_limited(&supervisor->node->logger, now_ms, VD_LOG_ERROR, "fork_failed",
                   "%s: trying again in a second", strerror(errno));
    return -1;
}

/* It holds every connection. Workers keep the soft limit: programs that use select(2) need it. */
static void raise_descriptor_limit(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

static void start_gateway(struct vd_supervisor *supervisor, uint64_t now_ms)
{
    struct vd_shared *shared = supervisor->node->shared;
    uint32_t epoch = atomic_load(&shared->gateway_epoch) + 1;
    pid_t pid;

    supervisor->end_gateways += supervisor->end != VD_END_NO;
    atomic_store(&shared->gateway_epoch, epoch);
    pid = fork_child(supervisor, &supervisor->gateway, now_ms);
    if (pid == 0) {
        raise_descriptor_limit();
        _exit(vd_gateway_main(supervisor->node, epoch));
    }
    atomic_store(&shared->gateway_pid, pid > 0 ? pid : 0);
    vd_supervisor_poke(supervisor); /* the epoch is another: workers announce themselves */
}

static void start_worker(struct vd_supervisor *supervisor, unsigned index, uint64_t now_ms)
{
    struct vd_child *child = &supervisor->workers[index];
    struct vd_worker_slot *slot = &supervisor->node->slots[index];
    uint32_t generation = atomic_load(&slot->generation) + 1;
    pid_t pid;

    if (child->looping)
        atomic_fetch_sub(&supervisor->node->shared->crash_looping, 1);
    child->looping = false;
    atomic_store(&slot->request_started_ms, 0);
    atomic_store(&slot->death_reason, VD_DEATH_NONE);
    atomic_store(&slot->generation, generation);
    atomic_store(&slot->state, VD_SLOT_STARTING);
    pid = fork_child(supervisor, child, now_ms);
    if (pid == 0)
        _exit(vd_worker_process_main(supervisor->node, index, generation));
    if (pid > 0) {
        atomic_store(&slot->pid, pid);
        return;
    }
    /* a generation that never lived needs no burial; it counts all the same */
    atomic_store(&slot->state, VD_SLOT_EMPTY);
    atomic_store(&slot->died_generation, generation);
    child->died_ms = now_ms;
}

/* May the slot be filled again? */
static bool is_buried(struct vd_supervisor *supervisor, unsigned index, uint64_t now_ms)
{
    struct vd_child *child = &supervisor->workers[index];
    struct vd_worker_slot *slot = &supervisor->node->slots[index];
    uint64_t since_ms = supervisor->gateway.up_ms;

    if (child->died_ms == 0)
        return true;
    if (atomic_load(&slot->buried_generation) != atomic_load(&slot->died_generation)) {
        if (child->died_ms > since_ms)
            since_ms = child->died_ms;
        if (supervisor->gateway.up_ms == 0 || now_ms - since_ms < BURIAL_MS)
            return false;
        vd_log_limited(&supervisor->node->logger, now_ms, VD_LOG_ERROR, "burial_late",
                       "the gateway has not cleaned up after worker %u for %d ms: starting its "
                       "successor all the same",
                       index, BURIAL_MS);
    }
    child->died_ms = 0;
    return true;
}

static void note_up(struct vd_child *child, bool is_up, uint64_t now_ms)
{
    if (child->pid > 0 && child->up_ms == 0 && is_up) {
        child->up_ms = now_ms;
        vd_backoff_up(&child->backoff, now_ms);
    }
}

static bool worker_is_up(const struct vd_worker_slot *slot)
{
    uint32_t state = atomic_load(&slot->state);

    return state == VD_SLOT_READY || state == VD_SLOT_RETIRING;
}

void vd_supervisor_children_start(struct vd_supervisor *supervisor, uint64_t now_ms)
{
    struct vd_node *node = supervisor->node;
    struct vd_child *gateway = &supervisor->gateway;

    note_up(gateway, vd_supervisor_gateway_serves(supervisor), now_ms);
    if (vd_supervisor_gateway_wanted(supervisor) && gateway->pid == 0 &&
        gateway->restart_ms <= now_ms)
        start_gateway(supervisor, now_ms);
    for (unsigned i = 0; i < node->config.workers; i++) {
        struct vd_child *worker = &supervisor->workers[i];

        note_up(worker, worker_is_up(&node->slots[i]), now_ms);
        /* while draining a queue may need a worker, as long as there is a gateway that holds it */
        if (supervisor->end > VD_END_DRAIN || (supervisor->end == VD_END_DRAIN && !gateway->pid))
            continue;
        if (worker->pid == 0 && is_buried(supervisor, i, now_ms) && worker->restart_ms <= now_ms)
            start_worker(supervisor, i, now_ms);
    }
}

/* ---- reap --------------------------------------------------------------------------------------
 */

static uint32_t random_bits(void)
{
    uint32_t bits = 0;

    if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) != (ssize_t)sizeof(bits))
        bits = 0x80000000u;
    return bits;
}

/* "killed by signal 11 (SEGV)", "exit code 255". */
static void describe(int status, char *text, size_t bytes)
{
    const char *name;

    if (!WIFSIGNALED(status)) {
        snprintf(text, bytes, "exit code %d", WEXITSTATUS(status));
        return;
    }
    name = sigabbrev_np(WTERMSIG(status));
    snprintf(text, bytes, "killed by signal %d (%s)", WTERMSIG(status), name ? name : "real-time");
}

/* The node ends, and the gateway was last, or was killed by us. */
static bool gateway_may_go(const struct vd_supervisor *supervisor, int status)
{
    bool clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;

    return supervisor->end == VD_END_KILL || (supervisor->end >= VD_END_STOP && clean);
}

static void gateway_died(struct vd_supervisor *supervisor, int status, uint64_t now_ms)
{
    struct vd_child *gateway = &supervisor->gateway;
    struct vd_shared *shared = supervisor->node->shared;
    pid_t pid = gateway->pid;
    uint32_t delay_ms;
    char how[64];

    describe(status, how, sizeof(how));
    gateway->pid = 0;
    gateway->up_ms = 0;
    atomic_store(&shared->gateway_pid, 0);
    if (gateway_may_go(supervisor, status)) {
        if (supervisor->end == VD_END_STOP)
            supervisor->end = VD_END_GATEWAY;
        return;
    }
    if (supervisor->end == VD_END_GATEWAY)
        supervisor->end = VD_END_STOP; /* a successor hands over what is left */
    atomic_fetch_add(&shared->gateway_deaths_total, 1);
    delay_ms = vd_backoff_failed(&gateway->backoff, now_ms, random_bits());
    if (gateway->backoff.attempt <= 1 || supervisor->end != VD_END_NO)
        delay_ms = 0;
    gateway->restart_ms = now_ms + delay_ms;
    if (!vd_supervisor_gateway_wanted(supervisor)) {
        vd_log(&supervisor->node->logger, VD_LOG_ERROR, "gateway_died",
               "gateway (pid %d): %s; the node ends without it", (int)pid, how);
        return;
    }
    vd_log_limited(&supervisor->node->logger, now_ms, VD_LOG_ERROR, "gateway_died",
                   "gateway (pid %d): %s; a new one starts in %u ms", (int)pid, how, delay_ms);
}

/* When may the slot be filled again? Sets restart_ms and the crash loop's count; logs. */
static void plan_restart(struct vd_supervisor *supervisor, unsigned index, const char *how,
                         uint64_t now_ms)
{
    struct vd_child *child = &supervisor->workers[index];
    uint32_t delay_ms = vd_backoff_failed(&child->backoff, now_ms, random_bits());

    child->restart_ms = now_ms + delay_ms;
    child->looping = delay_ms >= LOOPING_MS;
    if (child->looping)
        atomic_fetch_add(&supervisor->node->shared->crash_looping, 1);
    if (supervisor->end > VD_END_DRAIN) { /* there will be no new one */
        vd_log_limited(&supervisor->node->logger, now_ms,
                       supervisor->had_to_kill ? VD_LOG_DEBUG : VD_LOG_ERROR, "worker_died",
                       "worker %u (pid %d): %s", index, (int)child->pid, how);
        return;
    }
    vd_log_limited(&supervisor->node->logger, now_ms, child->killed ? VD_LOG_INFO : VD_LOG_ERROR,
                   "worker_died", "worker %u (pid %d): %s; a new one starts in %u ms%s", index,
                   (int)child->pid, how, delay_ms,
                   child->looping ? " (crash loop: the pause doubles)" : "");
}

static void worker_died(struct vd_supervisor *supervisor, unsigned index, int status,
                        uint64_t now_ms)
{
    struct vd_child *child = &supervisor->workers[index];
    struct vd_worker_slot *slot = &supervisor->node->slots[index];
    uint32_t generation = atomic_load(&slot->generation);
    bool clean = WIFEXITED(status) && WEXITSTATUS(status) == 0 &&
                 atomic_load(&slot->request_started_ms) == 0;
    bool expected = clean && (worker_is_up(slot) || supervisor->end != VD_END_NO ||
                              atomic_load(&slot->retire_wanted) == generation);
    uint32_t none = VD_DEATH_NONE;
    char how[64];

    describe(status, how, sizeof(how));
    note_up(child, worker_is_up(slot), now_ms);
    child->restart_ms = 0;
    if (expected) {
        vd_log(&supervisor->node->logger, VD_LOG_DEBUG, "worker_ended", "worker %u (pid %d)", index,
               (int)child->pid);
    } else {
        plan_restart(supervisor, index, how, now_ms);
    }
    if (!expected)
        atomic_fetch_add(&supervisor->node->shared->worker_deaths_total, 1);
    child->pid = 0;
    child->up_ms = 0;
    child->died_ms = now_ms;
    atomic_compare_exchange_strong(&slot->death_reason, &none,
                                   clean ? VD_DEATH_CLEAN : VD_DEATH_CRASH);
    atomic_store(&slot->state, VD_SLOT_EMPTY);
    atomic_store(&slot->request_started_ms, 0);
    atomic_store(&slot->pid, 0);
    atomic_store(&slot->died_generation, generation);
}

/* By pid, never "any child": the caller may have children of its own. */
static bool has_died(pid_t pid, int *status)
{
    return pid > 0 && waitpid(pid, status, WNOHANG) == pid;
}

/* Whoever needs a lock of the dead would take it over; now nobody has to find out that its owner is
 * dead, and what it had in transit is in its place again before anybody counts. */
static void recover_shared_state(const struct vd_supervisor *supervisor)
{
    const struct vd_shared_state *state = supervisor->node->config.shared_state;

    for (size_t i = 0; state && i < state->table_count; i++)
        vd_table_recover(state->tables[i]);
    if (state && state->counters)
        vd_counters_recover(state->counters);
}

void vd_supervisor_children_reap(struct vd_supervisor *supervisor, uint64_t now_ms)
{
    bool any = false;
    int status;

    if (has_died(supervisor->gateway.pid, &status)) {
        gateway_died(supervisor, status, now_ms);
        any = true;
    }
    for (unsigned i = 0; i < supervisor->node->config.workers; i++) {
        if (!has_died(supervisor->workers[i].pid, &status))
            continue;
        worker_died(supervisor, i, status, now_ms);
        any = true;
    }
    if (!any)
        return;
    recover_shared_state(supervisor);
    vd_supervisor_poke(supervisor);
}
