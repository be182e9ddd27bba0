/* SPDX-License-Identifier: Apache-2.0 */
/* The protocol between gateway and worker: what the frames in the rings mean.
 *
 * All integers are native (one machine). A logical record that is larger than VD_FRAME_CHUNK_BYTES
 * is cut into several frames of the same type and tag, all but the last with VD_FRAME_MORE, all but
 * the first with VD_FRAME_CONTINUED; the payload struct stands at the front of the first. A ring
 * carries one record at a time. A record whose sender died before the last frame is discarded: a
 * reader drops what it has when a frame without CONTINUED comes, and drops CONTINUED frames whose
 * start it has not seen (it is the successor of a dead reader). Readers check every length: a bad
 * frame is VD_ERR_CORRUPT. */
#ifndef VIADUCT_COMMON_FRAMES_H
#define VIADUCT_COMMON_FRAMES_H

#include <stdint.h>

#define VD_FRAME_CHUNK_BYTES (64 * 1024)

/* flags */
#define VD_FRAME_MORE      1u /* the record goes on in the next frame */
#define VD_FRAME_DISCARD   4u /* empty frame: forget the record so far */
#define VD_FRAME_CONTINUED 8u /* not the first frame of its record */

/* Request ids carry the epoch of the gateway that gave them, so that an answer (or a request frame)
 * from before a gateway's death is recognised: id = epoch << VD_REQUEST_EPOCH_SHIFT | counter. */
#define VD_REQUEST_EPOCH_SHIFT 40

/* The other id of a request, a text for people and logs (X-Request-Id). */
#define VD_REQUEST_ID_MAX 64

enum vd_frame_type {
    VD_FRAME_FILLER = 0,

    /* requests ring; tag = request id */
    VD_FRAME_REQUEST = 1, /* struct vd_frame_request, header table, head bytes, body: one frame */
    VD_FRAME_BODY = 2,    /* bytes of a streamed body, after WANT_BODY; MORE: not the last; DISCARD:
                             the client left, there is no more */

    /* events ring; tag = subscription id, timer id */
    VD_FRAME_EVENT_MESSAGE = 16, /* struct vd_frame_message, then its bytes */
    VD_FRAME_EVENT_TIMER = 17,   /* empty */
    VD_FRAME_EVENT_CONNECT = 18, /* stream id as text */
    VD_FRAME_EVENT_DISCONNECT = 19,
    VD_FRAME_EVENT_BROKER_ERROR = 20,       /* struct vd_frame_broker_error, then its bytes */
    VD_FRAME_EVENT_GAP = 21,                /* empty: events were dropped before this one */
    VD_FRAME_EVENT_BROKER_CREDENTIALS = 22, /* empty; tag = number of the question */

    /* to_gateway ring; tag = request id where it answers one */
    VD_FRAME_READY = 32,    /* empty; tag = gateway epoch: takes requests. SUBSCRIBE and INTERVAL
                               frames come before it; after a restart of the gateway all are sent
                               again, so they may come twice: same tag, same meaning */
    VD_FRAME_RESPONSE = 33, /* struct vd_frame_response, header lines, body: complete */
    VD_FRAME_RESPONSE_BEGIN =
        34, /* struct vd_frame_response, header lines: streamed body follows */
    VD_FRAME_RESPONSE_BODY =
        35, /* bytes, at most VD_FRAME_CHUNK_BYTES a frame; VD_FRAME_MORE unused */
    VD_FRAME_RESPONSE_END = 36,    /* empty */
    VD_FRAME_RESPONSE_ABORT = 37,  /* empty: cut the connection */
    VD_FRAME_RESPONSE_STREAM = 38, /* struct vd_frame_stream, patterns, header lines: becomes SSE */
    VD_FRAME_PUBLISH = 39,         /* struct vd_frame_message, then its bytes. tag != 0: the worker
                                      waits for vd_worker_slot.publish_answer */
    VD_FRAME_SUBSCRIBE = 40,       /* tag = id; flags bit 1: every worker; pattern bytes */
    VD_FRAME_INTERVAL = 41,        /* tag = id; uint32_t milliseconds; node-wide timers only */
    VD_FRAME_TIMER_DONE = 42,      /* tag = id: the node-wide timer's handler has returned */
    VD_FRAME_WANT_BODY = 44,       /* empty: begin to send the streamed body of this request */
    VD_FRAME_WATCH_CLIENTS = 43,   /* empty: wants EVENT_CONNECT and EVENT_DISCONNECT */
    VD_FRAME_BROKER_CREDENTIALS = 45, /* struct vd_frame_broker_credentials, then the texts; tag =
                                         the question's; one frame */
};

#define VD_FRAME_EVERY_WORKER 2u /* flags of SUBSCRIBE */

struct vd_frame_span {
    uint32_t offset; /* from the start of the head bytes */
    uint32_t length;
};

/* Followed by header_count x { span name, span value }, then head_length bytes (the request head as
 * received), then body_length bytes of body. */
struct vd_frame_request {
    uint32_t claim; /* index into vd_worker_slot.claims */
    uint32_t header_count;
    uint32_t head_length;
    uint32_t minor_version;
    uint64_t
        body_length; /* in this frame; of a streamed body all of it, or VD_BODY_LENGTH_UNKNOWN */
    uint64_t received_us;
    struct vd_frame_span method;
    struct vd_frame_span target;
    char remote_address[46];
    uint16_t remote_port;
    char local_address[46];
    uint16_t local_port;
    uint32_t body_streamed; /* 1: none of it is here, WANT_BODY asks for it */
    uint8_t https;
    uint8_t request_id_length;
    uint8_t reserved[2];
    struct vd_frame_span host;          /* of the head bytes; length 0: none */
    char request_id[VD_REQUEST_ID_MAX]; /* not terminated */
};

#define VD_BODY_LENGTH_UNKNOWN UINT64_MAX

/* A RESPONSE is one frame; a larger body whose length is known goes as BEGIN with that length, BODY
 * frames, END, so that its credit and backpressure are those of a streamed one.
 * Followed by headers_length bytes of "Name: value\r\n" lines (checked by the worker), then
 * body_length bytes. */
struct vd_frame_response {
    uint32_t status;
    uint32_t headers_length;
    uint64_t body_length; /* RESPONSE_BEGIN: VD_BODY_LENGTH_UNKNOWN when it is not known yet */
};

/* Followed by pattern_count x uint16_t lengths, patterns, headers_length bytes of header lines. */
struct vd_frame_stream {
    uint32_t pattern_count;
    uint32_t patterns_length; /* bytes of all patterns together */
    uint32_t headers_length;
    uint32_t coding; /* enum vd_coding: identity or gzip; the header lines say so already */
};

/* Followed by scope, event, origin, data. */
struct vd_frame_message {
    uint16_t scope_length;
    uint16_t event_length;
    uint16_t origin_length;
    uint16_t has_data;
    uint32_t data_length;
    uint32_t reserved;
    uint64_t sequence;
};

/* Followed by the driver's display name, then a sentence up to the end. */
struct vd_frame_broker_error {
    uint32_t code; /* enum vd_err */
    uint32_t attempt;
    uint32_t next_delay_ms;
    uint32_t driver_length;
};

/* user name, password, token, seed file, creds file: in this order, without NULs. */
#define VD_CREDENTIAL_TEXTS     5
#define VD_CREDENTIAL_BYTES_MAX 8192u
#define VD_CREDENTIAL_NONE      UINT32_MAX

struct vd_frame_broker_credentials {
    uint32_t given; /* 0: none could be had */
    uint32_t lengths[VD_CREDENTIAL_TEXTS];
};

_Static_assert(sizeof(struct vd_frame_request) % 8 == 0, "spans follow it");
_Static_assert(sizeof(struct vd_frame_message) == 24, "no padding");

#endif
