/* SPDX-License-Identifier: Apache-2.0 */
/* What the worker_*.c files share: the worker's private state. Lies in the worker's own memory;
 * everything that others see is in its slot. */
#ifndef VIADUCT_WORKER_STATE_H
#define VIADUCT_WORKER_STATE_H

#include <time.h>

#include "common_frames.h"
#include "common_http.h"
#include "common_node.h"
#include "worker.h"
#include "worker_coding.h"

#define VD_WORKER_HEADERS_MAX_BYTES (32 * 1024) /* of a response */
#define VD_WORKER_PATTERNS_MAX      64          /* of one stream */
#define VD_WORKER_EVENT_PATIENCE    16          /* requests that may overtake a waiting event */

/* A record that arrives in several frames. */
struct vd_worker_record {
    unsigned char *bytes; /* growable, kept for the next one */
    size_t length;
    size_t capacity;
    uint64_t tag;
    uint16_t type;
    bool partial; /* more frames are to come */
};

struct vd_worker_subscription {
    uint32_t id;
    bool every_worker;
    char *pattern;
    size_t pattern_length;
};

/* A node-wide interval has its clock in the gateway, a worker's own has it here. */
struct vd_worker_interval {
    uint32_t id;
    uint32_t interval_ms;
    bool every_worker;
    uint64_t due_ms; /* own ones only */
};

enum vd_worker_answer { VD_ANSWER_NONE, VD_ANSWER_OWED, VD_ANSWER_STREAMING };

struct vd_worker {
    struct vd_node *node;
    struct vd_shared *shared;
    struct vd_worker_slot *slot;
    unsigned index;
    uint32_t generation;
    /* One page that the kernel wipes in a forked child (MADV_WIPEONFORK): 1 here, 0 there. */
    volatile uint32_t *not_forked;
    void *page; /* the same, to be unmapped */

    struct vd_ring_consumer requests;
    struct vd_ring_consumer events;
    struct vd_ring_producer to_gateway;

    /* conversation with the gateway */
    uint32_t epoch;         /* of the gateway that knows us */
    uint32_t waiting_epoch; /* for whom vd_worker_reserve waits just now */
    uint64_t publish_tag;   /* of the last publish that asked for an answer; 56 bits, unique in the
                               slot: the upper 24 are the generation's */
    uint64_t owed;          /* what of slot->owed is ours */
    bool announced;         /* it was told: subscriptions, intervals, ready */
    bool discard_pending;   /* a record was given up half-way: say so before the next one */

    /* the current event */
    bool frame_held; /* the request lies in the ring: release its frame at the next call */
    bool timer_done_owed;
    enum vd_worker_answer answer;
    uint64_t timer_done_tag;
    uint64_t request_id;
    uint64_t streamed_bytes; /* body bytes sent of the current streamed response */
    struct vd_header headers[VD_HTTP_HEADERS_MAX];
    size_t header_count;
    struct vd_worker_record request_record; /* the head of a request whose body is streamed */
    struct vd_worker_record body_record;    /* a whole body that came in pieces */
    struct vd_worker_body {
        struct vd_text inline_rest; /* what of a body in the frame was not read yet */
        size_t frame_read;          /* bytes read of the frame that is peeked */
        bool streamed, wanted, finished, broken;
    } body;

    /* compression */
    size_t code_from; /* shorter bodies are left alone; SIZE_MAX: switched off */
    struct vd_coder *coder;
    bool coding; /* the streamed response is coded */

    struct vd_worker_record event_record;

    /* whose turn it is, and its own end */
    unsigned overtaken; /* requests served since an event was looked for */
    bool timers_first;  /* own timers and the event ring take turns */
    bool retire;
    bool watches_clients;
    uint64_t requests_handled;
    uint64_t requests_limit; /* 0: none */

    struct vd_worker_subscription *subscriptions;
    size_t subscription_count;
    struct vd_worker_interval *intervals;
    size_t interval_count;
    size_t own_interval_count;
    size_t own_interval_next; /* round robin among those that are due */
};

/* worker_process.c: on caller's memory (zeroed by init). */
enum vd_err vd_worker_init(struct vd_worker *worker, struct vd_node *node, unsigned index,
                           uint32_t generation, struct vd_error *error);
void vd_worker_finish(struct vd_worker *worker);
/* SIGTERM came: retire. */
bool vd_worker_term_received(void);

static inline bool vd_worker_is_here(const struct vd_worker *worker)
{
    return *worker->not_forked != 0;
}

/* The time limit's clock; a tick (4 ms) of imprecision for a fifth of the cost. Never 0. */
static inline uint64_t vd_worker_coarse_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u + 1;
}

static inline void vd_worker_clock_start(struct vd_worker *worker)
{
    atomic_store_explicit(&worker->slot->request_started_ms, vd_worker_coarse_ms(),
                          memory_order_release);
}

static inline void vd_worker_clock_stop(struct vd_worker *worker)
{
    atomic_store_explicit(&worker->slot->request_started_ms, 0, memory_order_release);
}

/* Wind it up, if it runs: it is others who make us wait. */
static inline void vd_worker_clock_wind(struct vd_worker *worker)
{
    if (atomic_load_explicit(&worker->slot->request_started_ms, memory_order_relaxed) != 0)
        vd_worker_clock_start(worker);
}

static inline uint32_t vd_worker_gateway_epoch(const struct vd_worker *worker)
{
    return atomic_load_explicit(&worker->shared->gateway_epoch, memory_order_acquire);
}

/* Is the gateway that knows us (or gave us this request) still the one? */
static inline bool vd_worker_same_gateway(const struct vd_worker *worker)
{
    return vd_worker_gateway_epoch(worker) == worker->epoch;
}

/* ---- worker_send.c: records to the gateway
 * ----------------------------------------------------- */

/* How long a record may wait for room. */
struct vd_worker_patience {
    uint32_t epoch;       /* of the gateway it is meant for: another one ends the wait */
    uint32_t timeout_ms;  /* 0: for ever */
    uint64_t deadline_ms; /* 0 until the first wait: the clock is not read before */
};

/* A frame of the to_gateway ring, for the payload to be written in place, then vd_worker_commit.
 * Returns: VD_OK, VD_ERR_TIMEOUT, VD_ERR_CLOSED. */
enum vd_err vd_worker_reserve(struct vd_worker *worker, size_t length, uint16_t type,
                              uint16_t flags, uint64_t tag, struct vd_worker_patience *patience,
                              struct vd_frame **frame);
void vd_worker_commit(struct vd_worker *worker);

/* One record out of several pieces, cut into frames as needed. When it fails in mid-way, the
 * gateway is told to forget what it has. Returns as vd_worker_reserve. */
enum vd_err vd_worker_send(struct vd_worker *worker, uint16_t type, uint16_t flags, uint64_t tag,
                           const struct vd_text *pieces, size_t piece_count,
                           struct vd_worker_patience patience);

/* The same for a record without payload. */
enum vd_err vd_worker_send_empty(struct vd_worker *worker, uint16_t type, uint64_t tag);

/* What the gateway says of the PUBLISH record with worker->publish_tag. Returns: VD_OK,
 * VD_ERR_FULL, or VD_ERR_TIMEOUT and VD_ERR_CLOSED: it is not known. */
enum vd_err vd_worker_await_answer(struct vd_worker *worker, uint32_t epoch, uint32_t timeout_ms);

/* Sleep until the bell rings, a signal comes or @timeout_ms have passed (-1: for ever), unless
 * @ready says that there is something to do. No wake-up is lost: @ready is asked after the bell was
 * armed, and the handlers of the signals that end a worker ring it. */
void vd_worker_sleep(struct vd_worker *worker, int timeout_ms,
                     bool (*ready)(struct vd_worker *worker));

/* Told to end, by whomever (supervisor, SIGTERM, own limit, the supervisor's death)? */
bool vd_worker_ending(const struct vd_worker *worker);

/* ---- worker_record.c: records from the gateway
 * ------------------------------------------------- */

/* One frame more. *@bytes and *@length are the whole record's when VD_OK: the frame's own when it
 * is alone (borrowed from the ring, *@in_ring true), else in @record.
 * Returns: VD_OK, VD_ERR_EMPTY (more is to come, or this frame was none of ours),
 * VD_ERR_NO_MEMORY, VD_ERR_TOO_LARGE. */
enum vd_err vd_worker_record_add(struct vd_worker_record *record, const struct vd_frame *frame,
                                 size_t maximum, const unsigned char **bytes, size_t *length,
                                 bool *in_ring);
/* A copy of @length bytes in @record's memory. NULL: out of memory. */
unsigned char *vd_worker_record_copy(struct vd_worker_record *record, const void *bytes,
                                     size_t length);
/* Memory for @room bytes behind those that are there. VD_OK or VD_ERR_NO_MEMORY. */
enum vd_err vd_worker_record_reserve(struct vd_worker_record *record, size_t room);
void vd_worker_record_finish(struct vd_worker_record *record);

/* worker_body.c: the body of the request that was just taken. */
void vd_worker_body_begin(struct vd_worker *worker, const struct vd_worker_request *request);

/* Read the payloads; everything points into @bytes. VD_OK or VD_ERR_CORRUPT. */
enum vd_err vd_worker_decode_request(struct vd_worker *worker, uint64_t id,
                                     const unsigned char *bytes, size_t length,
                                     struct vd_worker_request *request, uint32_t *claim);
enum vd_err vd_worker_decode_message(const unsigned char *bytes, size_t length,
                                     struct vd_message *message);

/* ---- worker_publish.c
 * -------------------------------------------------------------------------- */

/* Tell a new gateway everything it needs to know, "ready" last. */
enum vd_err vd_worker_announce(struct vd_worker *worker);

/* ---- worker_response.c: answers whose headers were checked, as they are
 * ------------------------- */

enum vd_err vd_worker_send_whole(struct vd_worker *worker, unsigned status,
                                 const struct vd_header *headers, size_t header_count,
                                 size_t headers_length, const void *body, size_t body_length,
                                 struct vd_error *error);
enum vd_err vd_worker_send_begin(struct vd_worker *worker, unsigned status,
                                 const struct vd_header *headers, size_t header_count,
                                 size_t headers_length, struct vd_error *error);
/* When it fails the answer is over, and the gateway knows. */
enum vd_err vd_worker_send_body(struct vd_worker *worker, const void *bytes, size_t length);
size_t vd_worker_headers_length(const struct vd_header *headers, size_t count);
/* The answer is over. */
void vd_worker_answered(struct vd_worker *worker);

/* ---- worker_coded.c: answers that may be compressed
 * --------------------------------------------- */

enum vd_err vd_worker_coded_whole(struct vd_worker *worker, unsigned status,
                                  const struct vd_header *headers, size_t header_count,
                                  size_t headers_length, const void *body, size_t body_length,
                                  struct vd_error *error);
enum vd_err vd_worker_coded_begin(struct vd_worker *worker, unsigned status,
                                  const struct vd_header *headers, size_t header_count,
                                  size_t headers_length, struct vd_error *error);
enum vd_err vd_worker_coded_write(struct vd_worker *worker, const void *bytes, size_t length,
                                  enum vd_coder_step step);

#endif
