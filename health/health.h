/* SPDX-License-Identifier: Apache-2.0 */
/* What the server says about itself: /_health as JSON, /metrics as Prometheus text.
 *
 * Pure: a struct of facts in, a bounded buffer out; no allocation, no clock, no socket. Whoever
 * gathers the facts (the gateway) must be able to do so without waiting for anybody. Neither
 * document holds an IP address, a credential or anything of a user. */
#ifndef VIADUCT_HEALTH_H
#define VIADUCT_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <viaduct/broker.h>

/* One worker's place; the index in the array is the worker's number. */
struct vd_health_worker {
    uint64_t to_gateway_bytes; /* ring depth: published, not yet consumed */
    uint64_t requests_bytes;
    uint64_t events_bytes;
    uint64_t events_dropped; /* of this worker, since the node started */
};

/* Index = class of the status: 1xx is 0, 5xx is 4. */
#define VD_HEALTH_CLASSES 5

/* What was turned away, and why: index into refused_total, and the label of the metric. The numbers
 * are the statuses that the client sees. */
#define VD_HEALTH_REFUSAL_MAP(X)                                                                   \
    X(MALFORMED, "malformed")             /* 400, 501, 505: not HTTP as it is spoken here */       \
    X(LINE, "request_line")               /* 414 */                                                \
    X(HEADERS, "headers")                 /* 431: too large, or too many */                        \
    X(BODY, "body")                       /* 413 */                                                \
    X(UPLOAD_MEMORY, "upload_memory")     /* 503: the bodies kept here fill their room */          \
    X(HEADER_TIMEOUT, "header_timeout")   /* 408 */                                                \
    X(BODY_TIMEOUT, "body_timeout")       /* 408 */                                                \
    X(QUEUE, "queue")                     /* 503: no worker has time */                            \
    X(ADDRESS, "address_connections")     /* 503 at accept: too many from one address */           \
    X(CONNECTIONS, "connections")         /* accepting paused: max_connections are open */         \
    X(DESCRIPTORS, "descriptors")         /* accepting paused: descriptors run out */              \
    X(RESPONSE_MEMORY, "response_memory") /* buffers of responses shrank: they fill their room */  \
    X(SLOW_READER, "slow_reader")         /* cut off: took too little of its response or stream */

enum vd_health_refusal {
#define ENUM_ROW(name, label) VD_HEALTH_REFUSED_##name,
    VD_HEALTH_REFUSAL_MAP(ENUM_ROW)
#undef ENUM_ROW
        VD_HEALTH_REFUSALS
};

/* Zeroed memory is valid; strings are borrowed for the call and may be NULL. */
struct vd_health_facts {
    /* the node */
    const char *version;
    const char *node_id; /* NULL: left out */
    uint64_t started_wall_ms;
    uint64_t now_wall_ms;
    bool draining; /* SIGTERM has come: degraded, so that balancers look elsewhere */
    bool stale;    /* of a program with a listener of its own: it does not report any more */

    /* the broker */
    const char *driver; /* display name: "PipeBroker" */
    bool connected;
    const struct vd_broker_status *broker; /* NULL: no handle; its metrics are left out */

    /* workers */
    uint32_t workers_configured;
    uint32_t workers_ready;
    uint32_t workers_crash_looping; /* waiting out a backoff of 1 s or more */
    uint64_t worker_deaths_total;
    uint64_t gateway_deaths_total;
    const struct vd_health_worker *workers; /* [worker_count]; may be NULL */
    uint32_t worker_count;

    /* HTTP */
    uint64_t connections_open;
    uint64_t connections_accepted_total;
    uint64_t requests_total;
    uint64_t responses_total[VD_HEALTH_CLASSES];
    uint64_t queue_depth; /* requests waiting for a worker */
    uint64_t refused_total[VD_HEALTH_REFUSALS];
    uint64_t access_log_dropped_total; /* lines that the log did not take fast enough */

    /* streams and contexts */
    uint64_t contexts;
    uint64_t sse; /* open streams */
    uint64_t streams_opened_total;

    /* messages */
    uint64_t messages_published_total; /* taken from workers and the broker */
    uint64_t messages_delivered_total; /* copies handed to streams */
    uint64_t messages_replayed_total;  /* copies handed to streams that came back */
    uint64_t messages_dropped_total;   /* given up: slow stream, no worker, cut off by a restart */
    uint64_t stream_gaps_total;        /* gap events handed to streams */
    uint64_t events_dropped_total;     /* events that a slow worker did not get */
    uint64_t history_first;            /* oldest offset kept */
    uint64_t history_next;             /* offset of the next message */
};

/* Why a node is degraded: fixed words, in this order. */
enum vd_health_reason {
    VD_HEALTH_BROKER_DISCONNECTED = 1u << 0, /* "broker_disconnected" */
    VD_HEALTH_NO_WORKER_READY = 1u << 1,     /* "no_worker_ready" */
    VD_HEALTH_WORKER_CRASH_LOOP = 1u << 2,   /* "worker_crash_loop" */
    VD_HEALTH_DRAINING = 1u << 3,            /* "draining" */
    VD_HEALTH_NOT_REPORTING = 1u << 4,       /* "not_reporting" */
};

/* The reasons that hold, or-ed; 0: ok. */
unsigned vd_health_reasons(const struct vd_health_facts *facts);

/* 200 when ok, 503 when degraded. */
unsigned vd_health_http_status(const struct vd_health_facts *facts);

/* Content types for the two. */
#define VD_HEALTH_DOCUMENT_TYPE "application/json"
#define VD_HEALTH_METRICS_TYPE  "text/plain; version=0.0.4; charset=utf-8"

/* Room that is always enough for the document (strings over 256 bytes are cut in it). */
#define VD_HEALTH_DOCUMENT_BYTES 4096
/* Room that is always enough for the metrics of @workers workers. */
#define VD_HEALTH_METRICS_BYTES(workers) (16384u + 512u * (size_t)(workers))

/* Write the document. Returns its length, not counting the NUL at the end, as snprintf does: when
 * that is not less than @capacity, what stands in @buffer is cut and must not be sent. */
size_t vd_health_document(const struct vd_health_facts *facts, char *buffer, size_t capacity);
size_t vd_health_metrics(const struct vd_health_facts *facts, char *buffer, size_t capacity);

#endif
