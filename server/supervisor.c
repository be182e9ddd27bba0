/* SPDX-License-Identifier: Apache-2.0 */
/* vd_server_run: this process becomes the supervisor. It owns the listening socket and the arena,
 * forks the gateway and the workers, starts again what dies, kills what hangs, recycles workers and
 * ends everything in order. It runs no handler and reads no request.
 *
 * Happy path: check, listen, lay out the shared memory, fork, then one loop around sigtimedwait(2)
 * with all handled signals blocked: no signal handler, no race between looking and sleeping. What
 * the children say in shared memory without a signal (ready, buried, drained) is looked at by the
 * clock, often only while one of them is awaited.
 *
 * Failure modes: each error before the first fork leaves the process as it was. After it,
 * everything that was forked is reaped before the function returns. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <viaduct/clock.h>

#include "supervisor_state.h"

#define IDLE_TICK_MS  1000 /* nothing is awaited */
#define BOOT_TICK_MS  20   /* somebody is coming up */
#define AWAIT_TICK_MS 2    /* a burial, a replacement, a drain */

static void on_signal(struct vd_supervisor *supervisor, int signal, uint64_t now_ms)
{
    struct vd_logger *log = &supervisor->node->logger;

    switch (signal) {
    case SIGTERM:
    case SIGINT:
        vd_supervisor_end_begin(supervisor, signal, now_ms);
        break;
    case SIGUSR1:
        vd_log(log, VD_LOG_INFO, "recycle", "SIGUSR1: replacing the workers one by one");
        vd_supervisor_roll_start(supervisor);
        break;
    case SIGHUP:
        vd_log(log, VD_LOG_WARN, "reload_not_yet",
               "SIGHUP: loading new code is not there yet, nothing was done; SIGUSR1 replaces the "
               "workers");
        break;
    default: /* SIGCHLD: the loop reaps in every turn */
        break;
    }
}

/* How long until something that no signal announces should be looked at. */
static uint64_t tick_ms(const struct vd_supervisor *supervisor)
{
    bool serves = vd_supervisor_gateway_serves(supervisor);
    uint64_t tick = serves ? IDLE_TICK_MS : BOOT_TICK_MS;

    if (supervisor->rolling || supervisor->end != VD_END_NO)
        return AWAIT_TICK_MS;
    for (unsigned i = 0; i < supervisor->node->config.workers; i++) {
        const struct vd_child *worker = &supervisor->workers[i];

        if (worker->died_ms != 0 && serves)
            return AWAIT_TICK_MS;
        if (worker->pid > 0 && worker->up_ms == 0)
            tick = BOOT_TICK_MS;
    }
    return tick;
}

static void note_start(uint64_t *wake_ms, const struct vd_child *child)
{
    if (child->pid == 0 && child->restart_ms != 0 && child->restart_ms < *wake_ms)
        *wake_ms = child->restart_ms;
}

/* How long the loop may sleep. */
static uint64_t patience_ms(const struct vd_supervisor *supervisor, uint64_t now_ms,
                            uint64_t limit_ms)
{
    uint64_t wake_ms = now_ms + tick_ms(supervisor);

    if (limit_ms < wake_ms)
        wake_ms = limit_ms;
    note_start(&wake_ms, &supervisor->gateway);
    for (unsigned i = 0; i < supervisor->node->config.workers; i++)
        note_start(&wake_ms, &supervisor->workers[i]);
    return wake_ms > now_ms ? wake_ms - now_ms : 1;
}

static void supervise(struct vd_supervisor *supervisor)
{
    for (;;) {
        uint64_t now_ms = vd_monotonic_ms();
        uint64_t limit_ms;
        int signal;

        vd_supervisor_children_reap(supervisor, now_ms);
        if (vd_supervisor_end_step(supervisor, now_ms))
            return;
        vd_supervisor_children_start(supervisor, now_ms);
        limit_ms = vd_supervisor_limits(supervisor, now_ms);
        vd_supervisor_roll_step(supervisor, now_ms);
        signal = vd_supervisor_signals_wait(supervisor, patience_ms(supervisor, now_ms, limit_ms));
        if (signal > 0)
            on_signal(supervisor, signal, vd_monotonic_ms());
    }
}

static enum vd_err prepare(struct vd_node *node, const struct vd_server_config *config,
                           const struct vd_server_hooks *hooks, struct vd_error *error)
{
    struct vd_server_config checked = *config;
    enum vd_err result;

    if (!hooks || !hooks->worker_main)
        return vd_error_set(error, VD_ERR_INVALID, "hooks.worker_main is NULL, it is needed");
    if ((result = vd_server_config_check(&checked, error)) != VD_OK ||
        (result = vd_supervisor_check_threads(error)) != VD_OK ||
        (result = vd_supervisor_check_access_log(&checked, error)) != VD_OK ||
        (result = vd_supervisor_check_broker(&checked, error)) != VD_OK ||
        (result = vd_node_create(node, &checked, error)) != VD_OK)
        return result;
    node->hooks = *hooks;
    atomic_store(&node->shared->supervisor_pid, getpid());
    vd_supervisor_warn_of_sockets(node);
    result = vd_supervisor_listen(node, error);
    if (result != VD_OK)
        vd_node_destroy(node);
    return result;
}

static void tell_listening(struct vd_node *node)
{
    const char *plural = node->config.workers == 1 ? "" : "s";

    for (unsigned i = 0; i < node->listener_count; i++) {
        const struct vd_listener *listener = &node->listeners[i];
        bool is_ipv6 = strchr(listener->host, ':') != NULL;

        if (listener->is_control) {
            vd_log(&node->logger, VD_LOG_INFO, "control", "viaduct top sees this node by %s",
                   listener->host);
            continue;
        }
        if (listener->is_unix) {
            vd_log(&node->logger, VD_LOG_INFO, "listening", "unix socket %s, %u worker%s",
                   listener->host, node->config.workers, plural);
        } else {
            vd_log(&node->logger, VD_LOG_INFO, "listening",
                   "%s port %u (http://%s%s%s:%u/), %u worker%s", listener->host, listener->port,
                   is_ipv6 ? "[" : "", listener->host, is_ipv6 ? "]" : "", listener->port,
                   node->config.workers, plural);
        }
        if (node->hooks.listening)
            node->hooks.listening(listener->host, listener->port, node->hooks.context);
    }
}

enum vd_err vd_server_run(const struct vd_server_config *config,
                          const struct vd_server_hooks *hooks, struct vd_error *error)
{
    struct vd_node node;
    struct vd_supervisor supervisor = {.node = &node};
    enum vd_err result = prepare(&node, config, hooks, error);

    if (result != VD_OK)
        return result;
    vd_supervisor_signals_take(&supervisor);
    vd_supervisor_children_init(&supervisor);
    tell_listening(&node);
    fflush(NULL); /* or each child would flush it again */
    supervise(&supervisor);
    if (supervisor.had_to_kill) {
        result =
            supervisor.was_hurried
                ? vd_error_set(error, VD_ERR_TIMEOUT,
                               "a second signal ended the server at once: what was still "
                               "running was killed")
                : vd_error_set(error, VD_ERR_TIMEOUT, "not everything ended within %u ms: killed",
                               node.config.drain_timeout_ms);
    }
    vd_log(&node.logger, VD_LOG_INFO, "ended", "%s",
           result == VD_OK ? "all children ended in good order" : "some had to be killed");
    vd_supervisor_unlisten(&node);
    vd_node_destroy(&node);
    vd_supervisor_signals_restore(&supervisor);
    return result;
}
