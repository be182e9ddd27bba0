/* SPDX-License-Identifier: Apache-2.0 */
/* Server-sent event streams.
 *
 * A broadcast appends one pointer to each follower's queue and puts it on the dirty list; at the
 * end of the turn each dirty stream is flushed: everything that waits for it leaves in one write. A
 * stream whose socket is full is left alone until it drains; when more than the configured bytes
 * wait, the connection is cut: the browser comes back with Last-Event-ID and is brought up to date
 * from the history, nobody else has waited. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "gateway.h"

#define EVENTS_A_WRITE    64
#define DRAIN_PATIENCE_MS 1000 /* with a client that takes nothing, while the node ends */

/* ---- queue -------------------------------------------------------------------------------------
 */

static bool queue_grow(struct gw_stream *stream)
{
    uint32_t capacity = stream->queue_capacity * 2;
    struct gw_event **grown = malloc(capacity * sizeof(*grown));

    if (!grown)
        return false;
    for (uint32_t i = 0; i < stream->queue_count; i++)
        grown[i] = stream->queue[(stream->queue_first + i) & (stream->queue_capacity - 1)];
    if (stream->queue != stream->inline_queue)
        free(stream->queue);
    stream->queue = grown;
    stream->queue_capacity = capacity;
    stream->queue_first = 0;
    return true;
}

static void queue_shrink(struct gw_stream *stream)
{
    if (stream->queue == stream->inline_queue)
        return;
    free(stream->queue);
    stream->queue = stream->inline_queue;
    stream->queue_capacity = GW_STREAM_INLINE;
    stream->queue_first = 0;
}

static uint32_t wire_length(const struct gw_stream *stream, const struct gw_event *event)
{
    return stream->raw ? event->payload_length : event->length;
}

static const char *wire_bytes(const struct gw_stream *stream, const struct gw_event *event)
{
    return event->bytes + (stream->raw ? event->payload_offset : 0);
}

static bool queue_push(struct gw_stream *stream, struct gw_event *event)
{
    if (stream->queue_count == stream->queue_capacity && !queue_grow(stream))
        return false;
    stream->queue[(stream->queue_first + stream->queue_count++) & (stream->queue_capacity - 1)] =
        event;
    stream->queue_bytes += event->length;
    event->references++;
    return true;
}

/* The event as a compressed stream takes it. */
static struct gw_event *coded_for(struct gw_stream *stream, struct gw_event *event)
{
    struct gw_event *coded = gw_event_coded(stream->connection->gateway, event);

    if (coded) {
        gw_gzip_add(&stream->gzip, coded);
    } else {
        gw_connection_close(stream->connection);
    }
    return coded;
}

/* The event that is being sent does not wait: one of the largest that may be published cuts nobody.
 */
static bool queue_is_full(const struct gw_stream *stream)
{
    size_t limit = stream->connection->gateway->config->stream_queue_bytes + stream->replay_bytes;

    return __builtin_expect(stream->queue_bytes > limit, 0) &&
           stream->queue_bytes - stream->queue[stream->queue_first]->length > limit;
}

/* One turn may bring more than may wait, and the socket has not been asked yet: only a reader that
 * does not take it is slow. */
static bool makes_room(struct gw_stream *stream)
{
    gw_stream_flush(stream);
    return !stream->connection->dead && !queue_is_full(stream);
}

void gw_stream_enqueue(struct gw_stream *stream, struct gw_event *event)
{
    struct gateway *gateway = stream->connection->gateway;

    if (__builtin_expect(stream->ending, 0))
        return;
    if (__builtin_expect(stream->gaps_seen != gateway->resync.count, 0))
        gw_resync_tell(stream); /* before the message */
    if (stream->connection->dead)
        return;
    if (__builtin_expect(stream->coded, 0) && !(event = coded_for(stream, event)))
        return;
    if ((queue_is_full(stream) && !makes_room(stream)) || !queue_push(stream, event)) {
        if (stream->connection->dead)
            return;
        gateway->counters.refused[VD_HEALTH_REFUSED_SLOW_READER]++;
        gateway->counters.dropped += stream->queue_count;
        gw_connection_close(stream->connection);
        return;
    }
    if (!stream->dirty && !stream->blocked) {
        stream->dirty = true;
        stream->next_dirty = gateway->dirty;
        gateway->dirty = stream;
    }
}

void gw_stream_push(struct gw_stream *stream, struct gw_event *event)
{
    if (!event || !queue_push(stream, event))
        gw_connection_close(stream->connection);
    gw_event_release(event);
}

void gw_stream_give(struct gw_stream *stream, struct gw_event *event)
{
    if (!event) {
        gw_connection_close(stream->connection);
        return;
    }
    gw_stream_enqueue(stream, event);
    gw_event_release(event);
}

/* ---- flush -------------------------------------------------------------------------------------
 */

static void queue_sent(struct gw_stream *stream, size_t bytes)
{
    while (bytes) {
        struct gw_event *event = stream->queue[stream->queue_first];
        uint32_t left = wire_length(stream, event) - stream->sent_of_first;

        if (bytes < left) {
            stream->sent_of_first += (uint32_t)bytes;
            return;
        }
        bytes -= left;
        stream->sent_of_first = 0;
        stream->queue_bytes -= event->length;
        stream->queue_first = (stream->queue_first + 1) & (stream->queue_capacity - 1);
        stream->queue_count--;
        gw_event_release(event);
    }
}

static int gather(const struct gw_stream *stream, struct iovec *parts, size_t *total)
{
    int count = 0;

    *total = 0;
    for (uint32_t i = 0; i < stream->queue_count && count < EVENTS_A_WRITE; i++) {
        struct gw_event *event =
            stream->queue[(stream->queue_first + i) & (stream->queue_capacity - 1)];
        uint32_t skip = i == 0 ? stream->sent_of_first : 0;

        parts[count].iov_base = (void *)(wire_bytes(stream, event) + skip);
        parts[count].iov_len = wire_length(stream, event) - skip;
        *total += parts[count++].iov_len;
    }
    return count;
}

/* The usual case: one event waits, one send. */
static ssize_t write_some(struct gw_stream *stream, size_t *total)
{
    struct iovec parts[EVENTS_A_WRITE];
    int count;

    if (stream->queue_count == 1) {
        struct gw_event *event = stream->queue[stream->queue_first];

        *total = wire_length(stream, event) - stream->sent_of_first;
        return send(stream->connection->fd, wire_bytes(stream, event) + stream->sent_of_first,
                    *total, MSG_NOSIGNAL);
    }
    count = gather(stream, parts, total);
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)count};
    return sendmsg(stream->connection->fd, &message, MSG_NOSIGNAL);
}

static void stream_ended(struct gw_stream *stream)
{
    struct gw_connection *connection = stream->connection;

    connection->closing = true;
    if (connection->output_bytes == 0)
        gw_connection_close(connection);
}

void gw_stream_flush(struct gw_stream *stream)
{
    struct gw_connection *connection = stream->connection;

    if (connection->dead || connection->output_bytes) {
        stream->blocked = !connection->dead;
        return;
    }
    while (stream->queue_count) {
        size_t total;
        ssize_t written = write_some(stream, &total);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
            gw_connection_close(connection);
            return;
        }
        if (written > 0) {
            connection->access.body_bytes += (size_t)written;
            queue_sent(stream, (size_t)written);
        }
        if (written < 0 || (size_t)written < total) {
            stream->blocked = true;
            gw_output_wait(connection);
            return;
        }
    }
    stream->replay_bytes = 0;
    stream->last_write_ms = connection->gateway->now_ms;
    queue_shrink(stream);
    if (stream->ending)
        stream_ended(stream);
}

void gw_streams_flush(struct gateway *gateway)
{
    while (gateway->dirty) {
        struct gw_stream *stream = gateway->dirty;

        gateway->dirty = stream->next_dirty;
        stream->dirty = false;
        gw_stream_flush(stream);
    }
}

/* ---- the end -----------------------------------------------------------------------------------
 */

void gw_stream_close(struct gw_stream *stream)
{
    struct gateway *gateway = stream->connection->gateway;

    for (uint32_t i = 0; i < stream->link_count; i++)
        vd_interest_unfollow(gateway->interest, &stream->links[i]);
    while (stream->queue_count) {
        gw_event_release(stream->queue[stream->queue_first]);
        stream->queue_first = (stream->queue_first + 1) & (stream->queue_capacity - 1);
        stream->queue_count--;
    }
    queue_shrink(stream);
    if (stream->announced)
        gw_client_event(gateway, VD_FRAME_EVENT_DISCONNECT, stream->id);
    stream->connection->stream = NULL;
    free(stream);
}

/* Not all browsers at once: each gets a reconnect time of its own. */
void gw_stream_end(struct gw_stream *stream)
{
    struct gateway *gateway = stream->connection->gateway;
    char text[64];

    snprintf(text, sizeof(text), "retry: %" PRIu32 "\n\n",
             gateway->config->retry_ms + (uint32_t)((stream->id * 2654435761u) % 2000u));
    gw_stream_give(stream, gw_event_text(text));
    if (stream->connection->dead)
        return;
    stream->ending = true; /* nothing may follow the last chunk */
    if (stream->coded)
        gw_stream_push(stream, gw_event_gzip_tail(&stream->gzip));
    if (!stream->raw && queue_push(stream, gateway->last_chunk) == false)
        gw_connection_close(stream->connection);
}

/* Since when does its client take nothing? What came before the node began to end does not count.
 */
static bool takes_nothing(const struct gw_stream *stream)
{
    const struct gateway *gateway = stream->connection->gateway;
    uint64_t since_ms = stream->connection->progress_ms;

    if (!gateway->draining)
        return gateway->now_ms - since_ms > gateway->config->idle_timeout_ms;
    if (since_ms < gateway->drain_from_ms)
        since_ms = gateway->drain_from_ms;
    return gateway->now_ms - since_ms > DRAIN_PATIENCE_MS;
}

void gw_stream_sweep(struct gw_stream *stream)
{
    struct gateway *gateway = stream->connection->gateway;

    if (stream->blocked) {
        if (takes_nothing(stream)) {
            gateway->counters.refused[VD_HEALTH_REFUSED_SLOW_READER]++;
            gw_connection_close(stream->connection);
        }
        return;
    }
    if (gateway->now_ms - stream->last_write_ms >= gateway->config->heartbeat_ms)
        gw_stream_enqueue(stream, gateway->heartbeat);
}
