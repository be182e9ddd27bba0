/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway process: start, turn, drain, end.
 *
 * Runs until the supervisor says SIGTERM (when the last worker is gone), or until the supervisor
 * dies: then streams are told, connections closed, and the kernel ends what takes longer than a
 * second. A successor of a gateway that was killed finds node id, sequence numbers, history and
 * whatever the workers had published in the arena and goes on from there. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "gateway.h"

#define SWEEP_MS         1000
#define DRAIN_STREAMS_MS 1000 /* over which the streams are closed, at most */

static volatile sig_atomic_t terminated;

static void on_terminate(int signal_number)
{
    (void)signal_number;
    terminated = 1;
}

static void set_signals(void)
{
    struct sigaction terminate = {.sa_handler = on_terminate};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t none;

    sigaction(SIGTERM, &terminate, NULL);
    sigaction(SIGINT, &ignore, NULL); /* Ctrl-C goes to all; the supervisor drains */
    sigaction(SIGHUP, &ignore, NULL);
    sigaction(SIGUSR1, &ignore, NULL);
    sigaction(SIGUSR2, &ignore, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void look_at_clock(struct gateway *gateway)
{
    gateway->now_ms = vd_monotonic_ms();
    gateway->wall_ms = vd_wall_ms();
}

/* ---- start and end -----------------------------------------------------------------------------
 */

static void bell_rang(void *context)
{
    (void)context; /* the doorbell is swallowed when the turn begins */
}

enum vd_err gw_history_take_over(struct gateway *gateway)
{
    struct vd_history *history = gateway->node->history;

    if (vd_history_recover(history) != VD_OK) {
        vd_log(gateway->logger, VD_LOG_ERROR, "history_lost",
               "the history was damaged and begins anew");
        enum vd_err result = vd_history_init(history, gateway->config->history_log_bytes,
                                             vd_history_entries(gateway->config), gateway->wall_ms);
        if (result != VD_OK)
            return result;
    }
    struct gw_replay *replay = gw_replay_create(history, gateway->config->history_per_scope,
                                                gateway->config->history_age_ms);
    if (!replay)
        return VD_ERR_NO_MEMORY;
    gw_replay_destroy(gateway->replay);
    gateway->replay = replay;
    if (gateway->epoch > 1)
        gw_publish_take_over(gateway);
    return VD_OK;
}

static enum vd_err start_events(struct gateway *gateway)
{
    gateway->heartbeat = gw_event_text(":\n\n");
    gateway->last_chunk = gw_event_last_chunk();
    gateway->scratch = malloc(GW_SCRATCH_BYTES);
    gateway->interest = vd_interest_create();
    if (!gateway->heartbeat || !gateway->last_chunk || !gateway->scratch || !gateway->interest)
        return VD_ERR_NO_MEMORY;
    return VD_OK;
}

enum vd_err gw_start(struct gateway *gateway, struct vd_node *node, uint32_t epoch)
{
    enum vd_err result;

    gateway->node = node;
    gateway->shared = node->shared;
    gateway->config = &node->config;
    gateway->logger = &node->logger;
    gateway->epoch = epoch;
    atomic_store(&gateway->shared->response_window, 0); /* a predecessor's */
    look_at_clock(gateway);
    gateway->started_ms = gateway->now_ms;
    gateway->sweep_interval_ms = SWEEP_MS;
    if (gateway->config->header_timeout_ms < 4 * SWEEP_MS ||
        gateway->config->heartbeat_ms < 4 * SWEEP_MS ||
        gateway->config->idle_timeout_ms < 4 * SWEEP_MS ||
        gateway->config->body_timeout_ms < 4 * SWEEP_MS)
        gateway->sweep_interval_ms = SWEEP_MS / 10;
    TAILQ_INIT(&gateway->connections);
    TAILQ_INIT(&gateway->graveyard);
    TAILQ_INIT(&gateway->queue);
    TAILQ_INIT(&gateway->uploads);
    LIST_INIT(&gateway->subscriptions);
    LIST_INIT(&gateway->timers);
    STAILQ_INIT(&gateway->client_events);
    if (gateway->shared->node_id.text[0] == '\0' &&
        (result = vd_node_id_draw(&gateway->shared->node_id, NULL)) != VD_OK)
        return result;
    gateway->loop = vd_loop_create();
    if (!gateway->loop)
        return VD_ERR_NO_MEMORY;
    gw_static_start(gateway);
    gateway->bell = vd_watch_create(gateway->loop, gateway->shared->gateway_bell.fd, VD_WATCH_READ,
                                    bell_rang, gateway);
    if (!gateway->bell)
        return VD_ERR_NO_MEMORY;
    vd_watch_on(gateway->bell);
    if ((result = gw_edge_start(gateway)) != VD_OK ||
        (result = gw_access_start(gateway)) != VD_OK ||
        (result = gw_cors_start(gateway)) != VD_OK || (result = start_events(gateway)) != VD_OK ||
        (result = gw_history_take_over(gateway)) != VD_OK ||
        (result = gw_workers_start(gateway)) != VD_OK || (result = gw_link_start(gateway)) != VD_OK)
        return result;
    return gw_listener_start(gateway);
}

void gw_finish(struct gateway *gateway)
{
    struct gw_connection *connection;
    struct gw_request *request;

    gw_listener_stop(gateway);
    while ((connection = TAILQ_FIRST(&gateway->connections)))
        gw_connection_close(connection);
    gw_connection_bury_closed(gateway);
    gw_access_finish(gateway);
    TAILQ_CONCAT(&gateway->queue, &gateway->uploads, link);
    while ((request = TAILQ_FIRST(&gateway->queue))) {
        TAILQ_REMOVE(&gateway->queue, request, link);
        free(request->record);
        free(request);
    }
    gw_link_destroy(gateway->link);
    gw_credentials_finish(&gateway->credentials);
    gw_event_release(gateway->resync.event);
    gw_workers_finish(gateway);
    gw_subscriptions_finish(gateway);
    gw_timers_finish(gateway);
    gw_replay_destroy(gateway->replay);
    gw_event_release(gateway->heartbeat);
    gw_event_release(gateway->last_chunk);
    gw_event_coder_destroy(gateway->event_coder);
    gw_cors_finish(gateway);
    if (gateway->interest)
        vd_interest_destroy(gateway->interest);
    gw_static_finish(gateway);
    vd_watch_destroy(gateway->bell);
    vd_loop_destroy(gateway->loop);
    free(gateway->scratch);
}

/* ---- drain -------------------------------------------------------------------------------------
 */

static void sweep(struct gateway *gateway)
{
    struct gw_connection *connection = TAILQ_FIRST(&gateway->connections), *next;

    for (; connection; connection = next) {
        next = TAILQ_NEXT(connection, link);
        gw_connection_sweep(connection);
    }
    gw_dispatch_sweep(gateway);
    gw_listener_sweep(gateway);
    gw_access_sweep(gateway);
    gateway->next_sweep_ms = gateway->now_ms + gateway->sweep_interval_ms;
}

static void begin_drain(struct gateway *gateway)
{
    gateway->draining = true;
    gateway->drain_from_ms = gateway->now_ms;
    gateway->sweep_interval_ms = SWEEP_MS / 50;
    gw_listener_stop(gateway);
    sweep(gateway);
    vd_log(gateway->logger, VD_LOG_INFO, "draining", "%zu connections, %zu of them streams",
           gateway->connection_count, gateway->stream_count);
}

/* Streams are closed one after the other, so that their browsers do not all come back in one go. */
static void drain_streams(struct gateway *gateway)
{
    uint64_t elapsed = gateway->now_ms - gateway->drain_from_ms;
    size_t left = gateway->stream_count, quota;
    struct gw_connection *connection = TAILQ_FIRST(&gateway->connections), *next;

    if (elapsed >= DRAIN_STREAMS_MS || gateway->orphaned || left <= 50) {
        quota = left;
    } else {
        quota = 1 + left * 20 / (DRAIN_STREAMS_MS - elapsed);
    }
    for (; connection && quota; connection = next) {
        next = TAILQ_NEXT(connection, link);
        if (connection->stream && !connection->stream->ending && !connection->dead) {
            gw_stream_end(connection->stream);
            quota--;
        }
    }
}

static void drain_turn(struct gateway *gateway)
{
    bool orphaned = vd_orphaned(), link_done;

    if (orphaned && !gateway->orphaned) {
        vd_log(gateway->logger, VD_LOG_ERROR, "supervisor_died", "ending");
        gateway->orphaned = true;
    }
    if (!gateway->draining &&
        (orphaned || atomic_load(&gateway->shared->phase) != VD_PHASE_SERVING))
        begin_drain(gateway);
    if (!gateway->draining)
        return;
    if (gateway->stream_count)
        drain_streams(gateway);
    link_done = orphaned || gw_link_may_end(gateway);
    if (gateway->connection_count == 0 && gateway->open_requests == 0 &&
        !gw_workers_waiting(gateway) && link_done) {
        if (atomic_load(&gateway->shared->drained) != gateway->epoch)
            atomic_store(&gateway->shared->drained, gateway->epoch);
        if (orphaned)
            terminated = 1;
    }
}

/* ---- the loop ----------------------------------------------------------------------------------
 */

static uint32_t time_to_sleep(struct gateway *gateway)
{
    uint64_t now = gateway->now_ms, until = gateway->next_sweep_ms;
    uint64_t timer = gw_timers_next_ms(gateway), resync = gw_resync_next_ms(gateway);
    uint64_t link = gw_link_next_ms(gateway);

    if (timer && timer < until)
        until = timer;
    if (resync && resync < until)
        until = resync;
    if (link && link < until)
        until = link;
    if (gw_dispatch_uneasy(gateway) && now + 2 < until)
        until = now + 2;
    return until > now ? (uint32_t)(until - now) : 1;
}

/* SIGTERM may come to the whole process group or control group (a service manager stops it): it is
 * an order only when the supervisor has seen the last worker go. */
static bool is_over(const struct gateway *gateway)
{
    if (!terminated)
        return false;
    if (vd_orphaned())
        return true;
    if (atomic_load(&gateway->shared->phase) != VD_PHASE_STOPPING)
        return false;
    for (unsigned i = 0; i < gateway->node->config.workers; i++) {
        if (atomic_load(&gateway->node->slots[i].state) != VD_SLOT_EMPTY)
            return false;
    }
    return true;
}

static bool work_waits(struct gateway *gateway)
{
    return is_over(gateway) || gw_workers_waiting(gateway) ||
           (vd_orphaned() && !gateway->orphaned) ||
           (!gateway->draining && atomic_load(&gateway->shared->phase) != VD_PHASE_SERVING);
}

void gw_turn(struct gateway *gateway)
{
    struct vd_doorbell *bell = &gateway->shared->gateway_bell;
    bool more;

    look_at_clock(gateway);
    atomic_fetch_add_explicit(&gateway->shared->turns, 1, memory_order_relaxed);
    more = gw_workers_turn(gateway);
    drain_turn(gateway);
    gw_timers_turn(gateway);
    gw_dispatch_pump(gateway);
    if (gateway->now_ms >= gateway->next_sweep_ms)
        sweep(gateway);
    gw_link_turn(gateway);
    gw_resync_turn(gateway);
    gw_streams_flush(gateway);
    gw_connection_bury_closed(gateway);
    gw_access_flush(gateway);
    gw_workers_wake(gateway);
    if (more) {
        vd_loop_turn(gateway->loop, 0);
        return;
    }
    vd_doorbell_arm(bell);
    vd_loop_turn(gateway->loop, work_waits(gateway) ? 0 : time_to_sleep(gateway));
    vd_doorbell_disarm(bell);
}

int vd_gateway_main(struct vd_node *node, uint32_t epoch)
{
    struct gateway gateway = {0};
    enum vd_err result;
    struct vd_error error;

    prctl(PR_SET_NAME, "viaduct-gateway");
    vd_logger_init(&node->logger, node->config.log_fd, node->config.log_level, "gateway");
    set_signals();
    result =
        vd_orphan_guard(atomic_load(&node->shared->supervisor_pid), VD_ORPHAN_GRACE_MS, &error);
    vd_orphan_wakes(node->shared->gateway_bell.fd); /* libevent goes on sleeping after a signal */
    if (result == VD_OK)
        result = gw_start(&gateway, node, epoch);
    if (result != VD_OK) {
        vd_log(&node->logger, VD_LOG_ERROR, "gateway_failed", "cannot start: %s",
               vd_err_text(result));
        gw_finish(&gateway);
        return 1;
    }
    atomic_store(&gateway.shared->gateway_ready_epoch, epoch);
    while (!is_over(&gateway))
        gw_turn(&gateway);
    while (!vd_orphaned() && gw_workers_waiting(&gateway)) /* their last words */
        gw_workers_turn(&gateway);
    gw_link_end(&gateway);
    gw_finish(&gateway);
    return 0;
}
