/* SPDX-License-Identifier: Apache-2.0 */
/* Event streams: their queues, what they missed, and the gaps of the link that all of them are
 * told. */
#ifndef VIADUCT_GATEWAY_STREAM_H
#define VIADUCT_GATEWAY_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common_frames.h"
#include "gateway_event.h"
#include "gateway_interest.h"

struct gateway;
struct gw_connection;
struct gw_request;

/* What a match in the interest index leads to. */
enum gw_follower_kind { GW_FOLLOWER_STREAM, GW_FOLLOWER_SUBSCRIPTION };
struct gw_follower {
    struct vd_follower base;
    enum gw_follower_kind kind;
};

#define GW_STREAM_INLINE       4
#define GW_STREAM_PATTERNS_MAX 64
struct gw_stream {
    struct gw_follower follower;
    struct gw_connection *connection;
    struct gw_stream *next_dirty;
    struct gw_event **queue; /* ring of waiting events; inline_queue until it grows */
    uint32_t queue_capacity; /* power of two */
    uint32_t queue_first, queue_count;
    uint32_t sent_of_first; /* bytes of the first event that are out already */
    size_t queue_bytes;
    size_t replay_bytes; /* of them from the history: they do not count against the limit */
    struct gw_event *inline_queue[GW_STREAM_INLINE];
    uint64_t id;
    uint64_t last_write_ms;
    bool dirty;
    bool ending; /* close when the queue is empty */
    bool raw;    /* HTTP/1.0: no chunk framing */
    bool blocked;
    bool coded;     /* gzip */
    bool announced; /* a worker was told that it is there */
    struct gw_gzip gzip;
    uint32_t gaps_seen; /* of gateway->resync.count */
    uint32_t link_count;
    struct vd_interest_link links[];
};

/* gateway_resync.c: gaps of the broker's link. */
struct gw_resync {
    uint32_t count;         /* told so far */
    struct gw_event *event; /* the last one */
    const char *reason;     /* static */
    bool pending;           /* one more, not before allowed_ms */
    uint64_t allowed_ms;
    uint64_t next_step_ms; /* the next portion of the streams; 0: all are told */
};

/* gateway_stream_open.c: @payload: the patterns' lengths, the patterns, header lines. */
void gw_stream_open(struct gw_request *request, const struct vd_frame_stream *frame,
                    const unsigned char *payload, size_t length);

/* gateway_stream.c */
void gw_stream_enqueue(struct gw_stream *stream, struct gw_event *event); /* takes a reference */
/* Both take over the caller's reference; NULL, or no memory: the stream is cut. give: as enqueue;
 * push: behind what waits already, coded or not as it is. */
void gw_stream_give(struct gw_stream *stream, struct gw_event *event);
void gw_stream_push(struct gw_stream *stream, struct gw_event *event);
void gw_streams_flush(struct gateway *gateway);
void gw_stream_flush(struct gw_stream *stream);
void gw_stream_close(struct gw_stream *stream); /* part of closing its connection */
void gw_stream_end(struct gw_stream *stream);   /* tell the client, then close */
void gw_stream_sweep(struct gw_stream *stream);

/* gateway_resync.c */
/* Messages of other nodes are lost, or may be. @reason: static, becomes part of an event. */
void gw_resync(struct gateway *gateway, const char *reason);
/* The workers alone, when there has been no stream yet. */
void gw_resync_workers(struct gateway *gateway);
/* The same as gw_resync for what may happen often: once a second at most. */
void gw_resync_soon(struct gateway *gateway, const char *reason);
void gw_resync_turn(struct gateway *gateway);
uint64_t gw_resync_next_ms(const struct gateway *gateway); /* 0: nothing to do */
/* This stream, now. */
void gw_resync_tell(struct gw_stream *stream);

#endif
