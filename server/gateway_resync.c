/* SPDX-License-Identifier: Apache-2.0 */
/* After a gap of the broker's link: nobody is left with a stale page.
 *
 * What was lost is not known, so it concerns all scopes: every stream gets one `event: gap`, every
 * worker VD_FRAME_EVENT_GAP. The gap is an entry of the history like a message to `*`: a stream
 * that comes back finds it in its place, also when a successor of this gateway replays it.
 *
 * Paced: pages react to a gap by loading their state anew, so the streams are told one portion
 * after the other, within a second; a stream that gets a message before its turn is told first.
 * Coalesced: missing numbers may be as frequent as messages. Those that follow a gap within
 * RESYNC_MS are told as one, at the end of that time; messages that arrive meanwhile come before
 * it. */
#include <stdio.h>

#include "gateway.h"

#define RESYNC_MS       1000 /* between two */
#define STEP_MS         50   /* between two portions */
#define STEPS           16
#define STREAMS_AT_ONCE 256 /* or all streams in STEPS */

void gw_resync_workers(struct gateway *gateway)
{
    for (unsigned i = 0; i < gateway->config->workers; i++) {
        struct gw_worker *worker = &gateway->workers[i];

        if (worker->generation && !worker->broken) {
            worker->lane_gap = true;
            gw_lane_flush(worker);
        }
    }
}

static void tell_streams(struct gateway *gateway)
{
    struct gw_resync *resync = &gateway->resync;
    size_t quota = gateway->stream_count / STEPS;
    struct gw_connection *connection = TAILQ_FIRST(&gateway->connections), *next;

    if (quota < STREAMS_AT_ONCE)
        quota = STREAMS_AT_ONCE;
    for (; connection && quota; connection = next) {
        next = TAILQ_NEXT(connection, link);
        if (!connection->stream || connection->stream->ending || connection->dead ||
            connection->stream->gaps_seen == resync->count)
            continue;
        gw_resync_tell(connection->stream);
        quota--;
    }
    resync->next_step_ms = connection ? gateway->now_ms + STEP_MS : 0;
}

/* As a message to all scopes, so that a replay has it in its place. */
static void announce(struct gateway *gateway)
{
    struct gw_resync *resync = &gateway->resync;
    char data[80];
    struct vd_message gap = {.scope = "*",
                             .scope_length = 1,
                             .event = "gap",
                             .event_length = 3,
                             .data = data,
                             .has_data = true};
    uint64_t offset = 0;

    resync->pending = false;
    resync->allowed_ms = gateway->now_ms + RESYNC_MS;
    gap.data_length = (size_t)snprintf(data, sizeof(data), "{\"reason\":\"%s\"}", resync->reason);
    gw_publish_remember(gateway, &gap, (struct vd_history_source){0}, &offset);
    gw_event_release(resync->event);
    resync->event = gw_event_encode(&gap, vd_history_epoch(gateway->node->history), offset);
    resync->count++;
    vd_log_limited(gateway->logger, gateway->now_ms, VD_LOG_INFO, "resync",
                   "%s: %zu streams and all workers are told that messages may be missing",
                   resync->reason, gateway->stream_count);
    gw_resync_workers(gateway);
    tell_streams(gateway);
}

void gw_resync(struct gateway *gateway, const char *reason)
{
    gateway->resync.reason = reason;
    announce(gateway);
}

void gw_resync_soon(struct gateway *gateway, const char *reason)
{
    if (gateway->now_ms >= gateway->resync.allowed_ms) {
        gw_resync(gateway, reason);
        return;
    }
    gateway->resync.reason = reason;
    gateway->resync.pending = true;
}

void gw_resync_tell(struct gw_stream *stream)
{
    struct gateway *gateway = stream->connection->gateway;

    stream->gaps_seen = gateway->resync.count;
    gateway->counters.gaps++;
    if (gateway->resync.event) {
        gw_stream_enqueue(stream, gateway->resync.event);
    } else { /* out of memory: it comes back and is told by its last event id */
        gw_connection_close(stream->connection);
    }
}

void gw_resync_turn(struct gateway *gateway)
{
    struct gw_resync *resync = &gateway->resync;

    if (resync->pending && gateway->now_ms >= resync->allowed_ms) {
        announce(gateway);
    } else if (resync->next_step_ms && gateway->now_ms >= resync->next_step_ms) {
        tell_streams(gateway);
    }
}

uint64_t gw_resync_next_ms(const struct gateway *gateway)
{
    const struct gw_resync *resync = &gateway->resync;

    if (resync->pending && (!resync->next_step_ms || resync->allowed_ms < resync->next_step_ms))
        return resync->allowed_ms;
    return resync->next_step_ms;
}
