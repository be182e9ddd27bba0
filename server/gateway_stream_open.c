/* SPDX-License-Identifier: Apache-2.0 */
/* A request becomes a stream.
 *
 * Happy path: its head leaves, it follows its scopes, and is brought up to date: what came after
 * the Last-Event-ID that the browser names is in its queue before anything new. Failure modes:
 * scopes that are none are a 500; an id that the history cannot answer for is a gap; without memory
 * the connection is cut. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway.h"

static size_t read_patterns(const struct vd_frame_stream *frame, const unsigned char *payload,
                            size_t length, struct vd_text *patterns)
{
    const unsigned char *bytes = payload + frame->pattern_count * sizeof(uint16_t);
    size_t used = 0;

    if (frame->pattern_count == 0 || frame->pattern_count > GW_STREAM_PATTERNS_MAX ||
        frame->pattern_count * sizeof(uint16_t) + (size_t)frame->patterns_length +
                frame->headers_length !=
            length)
        return 0;
    for (uint32_t i = 0; i < frame->pattern_count; i++) {
        uint16_t one;

        memcpy(&one, payload + i * sizeof(one), sizeof(one));
        if (used + one > frame->patterns_length ||
            vd_scope_check((const char *)bytes + used, one, NULL) != VD_OK)
            return 0;
        patterns[i].bytes = (const char *)bytes + used;
        patterns[i].length = one;
        used += one;
    }
    return frame->pattern_count;
}

static void write_head(struct gw_connection *connection, const char *headers, size_t headers_length)
{
    static const char fixed[] = "Content-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
                                "X-Accel-Buffering: no\r\n";
    static const char chunked[] = "Transfer-Encoding: chunked\r\n\r\n";
    char head[GW_HEAD_BYTES];
    bool raw = !connection->minor_1;

    connection->keep_alive = connection->minor_1;
    gw_edge_response(connection, headers, headers_length);
    gw_cors_yield(connection, headers, headers_length);
    size_t used = gw_response_head(connection, head, sizeof(head), 200);
    struct iovec parts[] = {
        {.iov_base = head, .iov_len = used},
        {.iov_base = (void *)fixed, .iov_len = sizeof(fixed) - 1},
        {.iov_base = (void *)headers, .iov_len = headers_length},
        {.iov_base = (void *)(raw ? "\r\n" : chunked), .iov_len = raw ? 2 : sizeof(chunked) - 1},
    };
    gw_output_write(connection, parts, 4);
}

/* What a browser missed since the id it names, or a gap where that cannot be told. */
static void catch_up(struct gw_stream *stream, const struct vd_text *patterns, size_t count)
{
    struct gw_connection *connection = stream->connection;
    struct gateway *gateway = connection->gateway;
    uint64_t epoch = vd_history_epoch(gateway->node->history), last, seen_epoch;
    uint64_t next = vd_history_next(gateway->node->history), *offsets = NULL;
    bool gap = false;
    int end = 0;

    if (sscanf(connection->last_event_id, "%" SCNx64 ":%" SCNu64 "%n", &seen_epoch, &last, &end) !=
            2 ||
        connection->last_event_id[end] != '\0' || seen_epoch != epoch || last >= next) {
        gateway->counters.gaps++;
        gw_stream_give(stream, gw_event_gap(epoch, next - 1, "unknown event id"));
        return;
    }
    size_t found =
        gw_replay_collect(gateway->replay, patterns, count, last, gateway->wall_ms, &offsets, &gap);
    if (gap) {
        gateway->counters.gaps++;
        /* With an id: a stream that breaks off behind the gap has not missed the same again. */
        gw_stream_give(stream, gw_event_gap(epoch, (found ? offsets[0] : next) - 1,
                                            "history does not reach back"));
    }
    for (size_t i = 0; i < found && !connection->dead; i++) {
        struct gw_event *event = gw_replay_event(gateway->replay, offsets[i]);

        if (event)
            stream->replay_bytes += event->length;
        gw_stream_give(stream, event);
    }
    gateway->counters.replayed += found;
    free(offsets);
}

static void greet(struct gw_stream *stream)
{
    struct gateway *gateway = stream->connection->gateway;
    char text[96];

    snprintf(text, sizeof(text), "retry: %" PRIu32 "\nid: %" PRIx64 ":%" PRIu64 "\n\n",
             gateway->config->retry_ms, vd_history_epoch(gateway->node->history),
             vd_history_next(gateway->node->history) - 1);
    gw_stream_give(stream, gw_event_text(text));
}

static bool follow_all(struct gw_stream *stream, const struct vd_text *patterns, size_t count)
{
    struct gateway *gateway = stream->connection->gateway;

    for (size_t i = 0; i < count; i++) {
        if (vd_interest_follow(gateway->interest, &stream->links[i], &stream->follower.base,
                               patterns[i].bytes, patterns[i].length) != VD_OK)
            return false;
        stream->link_count++;
    }
    return true;
}

static struct gw_stream *stream_create(struct gw_connection *connection, size_t count)
{
    struct gw_stream *stream = calloc(1, sizeof(*stream) + count * sizeof(struct vd_interest_link));

    if (!stream)
        return NULL;
    stream->follower.kind = GW_FOLLOWER_STREAM;
    stream->connection = connection;
    stream->queue = stream->inline_queue;
    stream->queue_capacity = GW_STREAM_INLINE;
    stream->raw = !connection->minor_1;
    stream->gaps_seen = connection->gateway->resync.count;
    /* A worker may remember the streams of a gateway that died. */
    stream->id = (uint64_t)connection->gateway->epoch << 40 | ++connection->gateway->next_stream;
    return stream;
}

/* A browser never sees HEAD of a stream; answer it like any other. */
static void respond_head_only(struct gw_connection *connection)
{
    gw_respond_text(connection, 200, "text/event-stream", "", "", 0);
}

void gw_stream_open(struct gw_request *request, const struct vd_frame_stream *frame,
                    const unsigned char *payload, size_t length)
{
    struct gw_connection *connection = request->connection;
    struct vd_text patterns[GW_STREAM_PATTERNS_MAX];
    size_t count = read_patterns(frame, payload, length, patterns);

    if (!connection)
        return;
    connection->request = NULL;
    if (count == 0) {
        gw_respond_error(connection, 500, "the stream names no valid scope");
        return;
    }
    if (connection->head_only) {
        respond_head_only(connection);
        return;
    }
    struct gateway *gateway = connection->gateway;
    struct gw_stream *stream = stream_create(connection, count);
    if (!stream) {
        gw_connection_close(connection);
        return;
    }
    connection->stream = stream;
    connection->state = GW_STREAMING;
    connection->deadline_ms = 0;
    gw_reading_discard(connection);
    gateway->stream_count++;
    gateway->counters.streams_opened++;
    write_head(connection, (const char *)payload + length - frame->headers_length,
               frame->headers_length);
    stream->coded = frame->coding == VD_CODING_GZIP;
    if (stream->coded && !connection->dead)
        gw_stream_push(stream, gw_event_gzip_head());
    if (!connection->dead && !follow_all(stream, patterns, count))
        gw_connection_close(connection);
    if (connection->dead)
        return;
    if (connection->last_event_id[0] == '\0') {
        greet(stream);
    } else {
        catch_up(stream, patterns, count);
    }
    if (connection->dead)
        return;
    vd_watch_on(connection->readable);
    stream->announced = true;
    gw_client_event(gateway, VD_FRAME_EVENT_CONNECT, stream->id);
    if (gateway->draining)
        gw_stream_end(stream);
}
