/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway from within: its structs, and what its files offer each other. One process, one
 * thread, one event loop; runs no PHP and never blocks.
 *
 *   listener -> connection -> dispatch -> [requests ring]  worker
 *                   ^                                        |
 *                   +--- response <--- worker_link <--- [to_gateway ring]
 *                                           |
 *        stream <--- interest <--- publish <+----> replay (history)
 *                                  |        +----> link (other nodes)
 *                            subscription ---> [events ring]  worker
 *
 * A turn: look at the clock, drain the rings, bury the dead, dispatch, flush link and streams, wake
 * the workers, sleep. */
#ifndef VIADUCT_GATEWAY_H
#define VIADUCT_GATEWAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <health.h>
#include <viaduct/clock.h>
#include <viaduct/message.h>
#include <viaduct/ring.h>
#include <viaduct/scope.h>

#include "common_coding.h"
#include "common_forwarded.h"
#include "common_frames.h"
#include "common_http.h"
#include "common_node.h"
#include "gateway_credentials.h"
#include "gateway_interest.h"
#include "gateway_link.h"
#include "gateway_loop.h"
#include "gateway_pace.h"
#include "gateway_static.h"
#include "worker.h"

/* ---- bytes on their way to a client ------------------------------------------------------------
 */

/* One event, encoded once, shared by all streams that wait for it. As one HTTP chunk: the chunk
 * line, the event, CRLF; a HTTP/1.0 stream sends the part between. */
struct gw_event {
    uint32_t references;
    uint32_t length;         /* whole chunk */
    uint32_t payload_offset; /* the event without the chunk framing */
    uint32_t payload_length;
    struct gw_event *coded; /* the same for streams that take gzip; NULL until one needs it */
    uint32_t plain_length, crc, crc_shift; /* of one that is coded: see gateway_event_coding.c */
    char bytes[];
};

/* What the gzip trailer of one compressed stream will say. */
struct gw_gzip {
    uint32_t crc, length; /* of the plain bytes so far */
};

/* A private piece of output: what the socket did not take at once. */
struct gw_piece {
    STAILQ_ENTRY(gw_piece) link;
    size_t length, capacity; /* what comes next is appended while it fits */
    size_t sent;
    char bytes[];
};

/* ---- requests ----------------------------------------------------------------------------------
 */

struct gw_connection;
struct gw_worker;

enum gw_request_state {
    GW_REQUEST_READING,  /* its body is still coming, nobody else knows of it */
    GW_REQUEST_QUEUED,   /* in gateway->queue, waiting for a worker */
    GW_REQUEST_OFFERED,  /* in a worker's ring; may be taken by now */
    GW_REQUEST_STREAMED, /* the response has begun */
};

/* One request between its last byte and its answer. Outlives its connection when the client leaves.
 */
struct gw_request {
    TAILQ_ENTRY(gw_request) link; /* gateway->queue, or worker->in_flight */
    uint64_t id;
    enum gw_request_state state;
    struct gw_connection *connection; /* NULL: the client left */
    struct gw_worker *worker;
    uint32_t claim;
    const struct vd_frame *frame; /* where it lies in the worker's ring; NULL: see record */
    char *record;                 /* own copy: struct vd_frame_request and what follows; or NULL */
    size_t record_length;
    uint64_t offered_us;
    uint64_t waiting_us; /* since when it waits for a worker: first queued or offered */
    uint64_t streamed;   /* bytes of the body that came from the worker so far */
    bool body_streamed;  /* the worker asks for its body */
    bool upload;         /* in gateway->uploads while it is queued */
    bool body_wanted;    /* it has asked */
    bool body_done;      /* it has all of it, or knows that there is no more */
};
TAILQ_HEAD(gw_request_list, gw_request);

/* ---- connections and streams -------------------------------------------------------------------
 */

enum gw_connection_state {
    GW_READING_HEAD,
    GW_READING_BODY,
    GW_WAITING,    /* its request is queued or at a worker */
    GW_RESPONDING, /* a streamed response is under way */
    GW_SENDING,    /* a file is under way: connection->download */
    GW_STREAMING,  /* server-sent events */
    GW_LINGERING,  /* answered and half-closed; reads what is still coming for a moment */
};

struct gw_stream;
struct gw_address; /* gateway_address.c */

/* Header lines, each with its CRLF. */
struct gw_cors_lines {
    char *text;
    size_t length;
};

/* The body of the request being read: what of it waits for its worker, and how much is to come. */
struct gw_body {
    bool open; /* the client has not sent all of it */
    bool is_chunked;
    struct vd_http_chunked chunked;
    uint64_t remaining; /* of a Content-Length */
    uint64_t received;
    char *bytes; /* decoded, not yet handed on: [first, first + length) */
    size_t first, length, capacity;
};

/* What the present request is called and whom it comes from. */
struct gw_edge {
    char remote_address[VD_ADDRESS_TEXT_BYTES]; /* of the client behind trusted proxies; "": the
                                                   peer */
    uint16_t remote_port;
    bool https;
    bool named;                /* the response has an X-Request-Id of the application's own */
    uint8_t request_id_length; /* 0: not drawn yet */
    struct vd_http_span host;  /* of the head: Host, or what the proxy says; length 0: none */
    char request_id[VD_REQUEST_ID_MAX + 1];
};

/* What the access log will say of the present request. */
struct gw_access {
    struct gw_access_note *note; /* gateway_access.c; NULL: no log, or not understood */
    uint64_t body_bytes;         /* of the response, handed over for sending */
    uint16_t status;             /* of the response; 0: none yet */
    bool open;                   /* a request was read and not logged yet */
};

struct gw_connection {
    TAILQ_ENTRY(gw_connection) link; /* gateway->connections */
    struct gateway *gateway;
    int fd;
    enum gw_connection_state state;
    struct vd_watch *readable;
    struct vd_watch *writable; /* made when the socket first refuses bytes */

    char *input; /* bytes not yet consumed; NULL when there are none */
    size_t input_length, input_capacity;
    size_t scanned; /* of the head, see vd_http_parse_head */

    /* the request being read or answered */
    struct gw_request *request;
    struct gw_body body;
    uint64_t received_us;
    uint32_t requests_served;
    bool head_only;   /* HEAD */
    bool keep_alive;  /* after this response */
    bool minor_1;     /* HTTP/1.1 */
    bool chunked_out; /* the streamed response is chunked */
    bool continue_sent;
    bool peer_closed; /* read EOF */
    bool closing;     /* close when the output is empty */
    bool reading;     /* inside its own read: pipelined requests are taken by the loop there */
    bool dead;
    bool control; /* came through the control socket: sees gateway_control.c, and nothing else */
    const struct gw_cors_lines *cors; /* for the next head; NULL: none */

    STAILQ_HEAD(, gw_piece) output;
    size_t output_bytes;

    struct gw_edge edge;
    struct gw_access access;
    struct gw_stream *stream;
    struct gw_download *download; /* the rest of a file, behind the output */
    uint64_t deadline_ms;         /* of the present state; 0: none */
    struct gw_pace pace;          /* of the body that is being read */
    struct gw_address *address;   /* NULL: not counted */
    uint64_t progress_ms;         /* last time the socket took bytes while output waited */
    char remote_address[46];
    char local_address[46];
    uint16_t remote_port, local_port;
    char last_event_id[48];
};
TAILQ_HEAD(gw_connection_list, gw_connection);

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
    bool coded; /* gzip */
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

/* ---- workers -----------------------------------------------------------------------------------
 */

/* An event on its way to a worker: the ring was full. */
struct gw_lane_entry {
    STAILQ_ENTRY(gw_lane_entry) link;
    struct gw_lane_entry *same_hash;
    uint16_t type;
    uint64_t tag;
    size_t length;
    size_t sent;
    bool coalesces; /* an invalidation: a second one for the same tag and scope adds nothing */
    char bytes[];
};
STAILQ_HEAD(gw_lane_list, gw_lane_entry);

struct gw_worker {
    struct gateway *gateway;
    unsigned index;
    struct vd_worker_slot *slot;
    uint32_t generation; /* of the process the gateway talks to; 0: none */
    bool ready;          /* takes requests */
    bool ring_bell;      /* wake it at the end of this turn */
    bool broken;         /* its ring was damaged; it was killed and is not listened to */
    bool wants_clients;
    bool passed_over; /* took nothing of what it was offered; no more until it has read that */
    struct vd_ring_producer requests, events;
    struct vd_ring_consumer from;
    struct gw_request_list in_flight; /* in the order offered */
    unsigned in_flight_count;
    struct gw_request *exclusive; /* its body is streamed: nothing else is offered meanwhile */
    uint32_t next_claim;

    uint64_t held_tag; /* of a publish whose answer waits until the link has caught up; 0: none */
    char *partial;     /* a publish of several frames */
    size_t partial_length, partial_capacity;
    uint64_t partial_position;

    struct gw_lane_list lane;
    struct gw_lane_entry **lane_table; /* those that coalesce, by hash; NULL at first */
    size_t lane_count, lane_bytes;
    bool lane_gap; /* events were dropped: say so before the next one */
};

/* A subscription of the workers: same id, pattern and mode are one, whoever announced it. */
struct gw_subscription {
    struct gw_follower follower;
    struct vd_interest_link interest;
    LIST_ENTRY(gw_subscription) link;
    uint32_t id;
    bool every_worker;
    uint64_t members[VD_WORKERS_MAX / 64];
    unsigned next_member;        /* round robin */
    struct gw_lane_list waiting; /* no member alive just now */
    size_t waiting_count, waiting_bytes;
    uint16_t pattern_length;
    char pattern[];
};

struct gw_timer {
    LIST_ENTRY(gw_timer) link;
    uint32_t id, interval_ms;
    uint64_t due_ms;
    struct gw_worker *running; /* fired there, not yet done */
    uint64_t members[VD_WORKERS_MAX / 64];
};

/* ---- the gateway -------------------------------------------------------------------------------
 */

struct gw_replay; /* gateway_replay.c: the index over the history */

struct gw_counters {
    uint64_t accepted, requests, responses[6]; /* by class, [0] unused */
    uint64_t streams_opened, published, delivered, dropped, replayed, gaps;
    uint64_t refused[VD_HEALTH_REFUSALS];
    uint64_t access_log_dropped;
};

/* One listening socket. */
struct gw_acceptor {
    struct gateway *gateway;
    const struct vd_listener *listener;
    struct vd_watch *watch;
};

struct gateway { // NOLINT(clang-analyzer-optin.performance.Padding): by topic
    struct vd_node *node;
    struct vd_shared *shared;
    const struct vd_server_config *config;
    struct vd_logger *logger;
    uint32_t epoch;
    struct vd_loop *loop;
    uint64_t now_ms, wall_ms, started_ms;
    uint64_t next_sweep_ms;
    uint32_t sweep_interval_ms;
    char date[30];
    uint64_t date_second;

    struct gw_acceptor acceptors[VD_LISTENERS_MAX + 1]; /* [node->listener_count] */
    bool accepting;
    struct vd_watch *bell;
    bool accept_paused;
    void *addresses;                  /* see gateway_address.c */
    int descriptor_limit;             /* accepting pauses at this number */
    struct gw_access_log *access_log; /* NULL: off */
    struct vd_trust trust;
    uint64_t random[4]; /* state of gateway_edge.c */
    bool draining, orphaned;
    uint64_t drain_until_ms, drain_streams_from_ms;

    struct gw_connection_list connections;
    struct gw_connection_list graveyard; /* closed in this turn, freed at its end */
    size_t connection_count, stream_count, open_requests;

    struct gw_request_list queue;
    struct gw_request_list uploads; /* those whose client has yet to send more than is kept here */
    size_t queue_length;            /* of both */
    size_t upload_bytes;            /* kept of request bodies, in all */
    size_t kept_bytes;              /* of responses that wait for their clients, in all */
    uint64_t next_request;

    struct gw_worker *workers; /* [config->workers] */
    unsigned dispatch_cursor;
    struct vd_interest *interest;
    LIST_HEAD(, gw_subscription) subscriptions;
    LIST_HEAD(, gw_timer) timers;
    bool clients_wanted;               /* some worker has asked for connects and disconnects */
    struct gw_lane_list client_events; /* no such worker is alive just now */
    size_t client_event_count;
    struct gw_replay *replay;
    struct gw_link *link; /* NULL: this node is alone */
    struct gw_credentials credentials;
    struct gw_resync resync;

    struct gw_stream *dirty;
    struct gw_event *heartbeat;
    struct gw_event *last_chunk;        /* ends a chunked stream */
    struct gw_cors *cors;               /* NULL: not configured */
    struct gw_event_coder *event_coder; /* NULL until a stream wants gzip */
    uint64_t next_stream;
    struct gw_counters counters;
    char *scratch; /* one read */
    struct gw_static_root static_root;
};

#define GW_SCRATCH_BYTES (64 * 1024)

/* gateway_main.c: the loop in its parts, for the process and for tests that drive it themselves.
 * @gateway is zeroed; gw_finish also after a start that failed. One turn sleeps until something
 * happens. */
enum vd_err gw_start(struct gateway *gateway, struct vd_node *node, uint32_t epoch);
void gw_turn(struct gateway *gateway);
void gw_finish(struct gateway *gateway);

/* gateway_listener.c */
enum vd_err gw_listener_start(struct gateway *gateway);
void gw_listener_stop(struct gateway *gateway);
void gw_listener_sweep(struct gateway *gateway); /* accept again if there is room again */

/* gateway_address.c: false: there are as many connections from there as are allowed. *@address goes
 * to gw_address_leave when the connection ends; NULL: not counted. */
bool gw_address_admit(struct gateway *gateway, const struct sockaddr *from,
                      struct gw_address **address);
void gw_address_leave(struct gateway *gateway, struct gw_address *address);

/* gateway_access.c */
enum vd_err gw_access_start(struct gateway *gateway);
void gw_access_finish(struct gateway *gateway);
void gw_access_flush(struct gateway *gateway); /* at the end of a turn */
void gw_access_sweep(struct gateway *gateway);
void gw_access_begin(struct gw_connection *connection, const char *bytes,
                     const struct vd_http_request *head);
/* Its worker has said something: who it is and when it began. */
void gw_access_worker(const struct gw_request *request);
/* Answered, or given up: the line. Call before gw_edge_end. */
void gw_access_end(struct gw_connection *connection, bool complete);

/* gateway_edge.c */
enum vd_err gw_edge_start(struct gateway *gateway);
/* A request begins. false: its Forwarded header is malformed, answer 400. */
bool gw_edge_begin(struct gw_connection *connection, const char *bytes,
                   const struct vd_http_request *head);
void gw_edge_end(struct gw_connection *connection);
const char *gw_edge_request_id(struct gw_connection *connection); /* drawn when there is none yet */
/* Look through the header lines of a response that is about to begin for an X-Request-Id. */
void gw_edge_response(struct gw_connection *connection, const char *headers, size_t length);
const char *gw_edge_remote_address(const struct gw_connection *connection);
void gw_edge_fill(const struct gw_connection *connection, struct vd_frame_request *frame);

/* gateway_connection.c */
/* @address: from gw_address_admit. */
void gw_connection_create(struct gateway *gateway, int fd, struct gw_address *address,
                          bool control);
/* Cut it now; safe at any time, freed at the end of the turn. */
void gw_connection_close(struct gw_connection *connection);
/* Its output is empty again. */
void gw_connection_drained(struct gw_connection *connection);
/* The response is complete: next request, or linger and close. */
void gw_connection_response_done(struct gw_connection *connection);
void gw_connection_sweep(struct gw_connection *connection);
void gw_connection_bury_closed(struct gateway *gateway);

/* gateway_reading.c */
void gw_reading_ready(void *context); /* its socket is readable */
/* Requests that were kept while an answer went out. */
void gw_reading_go_on(struct gw_connection *connection);
/* Its body can take more again. */
void gw_reading_resume(struct gw_connection *connection);
/* Bytes that the client sends from now on do not matter: drop input, keep watching for EOF. */
void gw_reading_discard(struct gw_connection *connection);
/* Answer what it has sent with @status, and read no more. */
void gw_reading_refuse(struct gw_connection *connection, unsigned status, const char *reason);
/* Its body cannot be read. The request is nobody's any more; an answer that has begun is cut. */
void gw_reading_body_failed(struct gw_connection *connection, unsigned status, const char *reason);

/* gateway_body.c */
/* A body follows @head (or a Content-Length of 0 does not: then it is complete at once). */
void gw_body_begin(struct gw_connection *connection, const struct vd_http_request *head);
/* Take in what of @bytes belongs to the body. Returns how many; *@status 0, or the status that the
 * client has earned, with *@reason. */
size_t gw_body_take(struct gw_connection *connection, const char *bytes, size_t length,
                    unsigned *status, const char **reason);
/* Is so much waiting that the client must? */
bool gw_body_is_full(const struct gw_connection *connection);
/* Hand on what the worker has asked for, as far as its ring takes it. */
void gw_body_pump(struct gw_request *request);
void gw_body_finish(struct gw_connection *connection);

/* gateway_output.c: in order, as much as the socket takes at once, a copy of the rest. Returns
 * false when the connection was lost. */
bool gw_output_write(struct gw_connection *connection, const struct iovec *parts, int count);
void gw_output_drop(struct gw_connection *connection);
/* Go on writing as soon as the socket takes bytes again. */
void gw_output_wait(struct gw_connection *connection);

/* gateway_response.c */
void gw_respond_text(struct gw_connection *connection, unsigned status, const char *type,
                     const char *extra_headers, const char *body, size_t length);
/* A plain error page; @reason is one sentence. */
void gw_respond_error(struct gw_connection *connection, unsigned status, const char *reason);
void gw_respond_worker(struct gw_request *request, const struct vd_frame_response *response,
                       const char *headers, const char *body);
void gw_respond_begin(struct gw_request *request, const struct vd_frame_response *response,
                      const char *headers);
void gw_respond_body(struct gw_request *request, const char *bytes, size_t length);
void gw_respond_end(struct gw_request *request, bool abort);
/* The output of a streamed response moved on: credit for the worker. */
void gw_respond_credit(struct gw_request *request);
#define GW_HEAD_BYTES 1024 /* for gw_response_head and a Content-Length */
size_t gw_response_head(struct gw_connection *connection, char *head, size_t capacity,
                        unsigned status);
/* No body, and no header but @headers and those of every answer. */
void gw_respond_empty(struct gw_connection *connection, unsigned status, const char *headers,
                      size_t length);

/* gateway_dispatch.c */
/* A request that is all there. Refuses it itself when it must. */
void gw_dispatch_request(struct gw_connection *connection, const char *bytes,
                         const struct vd_http_request *head, size_t body_length);
/* The same for one whose body is to come: begin gives it to the connection (or refuses), submit
 * sends it on its way, when the body is complete or more of it waits than is kept here. */
void gw_dispatch_begin(struct gw_connection *connection, const char *bytes,
                       const struct vd_http_request *head);
void gw_dispatch_submit(struct gw_request *request);
/* The worker asks for the body of a streamed request. */
void gw_dispatch_want_body(struct gw_worker *worker, uint64_t id);
/* Would it fit into one frame? */
bool gw_dispatch_fits(const struct vd_http_request *head, uint64_t body_length);
void gw_dispatch_pump(struct gateway *gateway);
/* A worker finished with it: answered, or given up. Frees the request. */
void gw_dispatch_finished(struct gw_request *request);
/* The client left. */
void gw_dispatch_abandon(struct gw_request *request);
/* Its worker died. */
void gw_dispatch_worker_died(struct gw_worker *worker, uint32_t reason);
/* Refuse what has waited too long, forget what nobody waits for. */
void gw_dispatch_sweep(struct gateway *gateway);
/* A request waits behind another one while a worker is idle: look again soon. */
bool gw_dispatch_uneasy(const struct gateway *gateway);
struct gw_request *gw_dispatch_find(struct gw_worker *worker, uint64_t id);

/* gateway_worker.c */
enum vd_err gw_workers_start(struct gateway *gateway);
void gw_workers_finish(struct gateway *gateway);
/* Drain a bounded share of every ring and look for deaths; true when more is waiting. */
bool gw_workers_turn(struct gateway *gateway);
void gw_workers_wake(struct gateway *gateway);
/* Answer the publishes that were held. */
void gw_workers_release(struct gateway *gateway);
bool gw_workers_waiting(struct gateway *gateway);

/* gateway_event.c */
/* @id_text may be empty. NULL: out of memory. One reference is the caller's. */
struct gw_event *gw_event_encode(const struct vd_message *message, uint64_t epoch, uint64_t offset);
struct gw_event *gw_event_text(const char *text); /* raw lines, for comments and retry */
struct gw_event *gw_event_last_chunk(void);       /* ends a chunked body */
struct gw_event *gw_event_gap(uint64_t epoch, uint64_t offset, const char *reason);
void gw_event_release(struct gw_event *event);
/* To be filled from bytes + payload_offset on, then sealed at its end. */
struct gw_event *gw_event_new(size_t payload_capacity);
struct gw_event *gw_event_seal(struct gw_event *event, const char *end);

/* gateway_event_coding.c */
struct gw_event_coder;
void gw_event_coder_destroy(struct gw_event_coder *coder);
/* @event for streams that take gzip; it belongs to @event. NULL: out of memory. */
struct gw_event *gw_event_coded(struct gateway *gateway, struct gw_event *event);
void gw_gzip_add(struct gw_gzip *gzip, const struct gw_event *coded);
struct gw_event *gw_event_gzip_head(void);
struct gw_event *gw_event_gzip_tail(const struct gw_gzip *gzip);

/* gateway_stream.c */
void gw_stream_open(struct gw_request *request, const struct vd_frame_stream *frame,
                    const unsigned char *payload, size_t length);
void gw_stream_enqueue(struct gw_stream *stream, struct gw_event *event); /* takes a reference */
void gw_streams_flush(struct gateway *gateway);
void gw_stream_flush(struct gw_stream *stream);
void gw_stream_close(struct gw_stream *stream); /* part of closing its connection */
void gw_stream_end(struct gw_stream *stream);   /* tell the client, then close */
void gw_stream_sweep(struct gw_stream *stream);

/* gateway_main.c: what the history can vouch for, else a new one, and an index over it. */
enum vd_err gw_history_take_over(struct gateway *gateway);

/* gateway_publish.c */
/* A message published on this node: number it, remember it, deliver it. */
void gw_publish_local(struct gateway *gateway, struct vd_message *message,
                      struct vd_history_source source);
void gw_publish_deliver(struct gateway *gateway, const struct vd_message *message, uint64_t offset);
/* One of another node: remember it with its origin and number, deliver it here. */
void gw_publish_remote(struct gateway *gateway, const struct vd_message *message);
/* Append to the history and its index. Returns whether it was kept; *@offset is its place anyway.
 */
bool gw_publish_remember(struct gateway *gateway, const struct vd_message *message,
                         struct vd_history_source source, uint64_t *offset);
/* After a predecessor's death: no number that it gave is given again. */
void gw_publish_take_over(struct gateway *gateway);

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

/* gateway_replay.c */
struct gw_replay *gw_replay_create(struct vd_history *history, size_t per_scope, uint32_t age_ms);
void gw_replay_destroy(struct gw_replay *replay);
void gw_replay_note(struct gw_replay *replay, uint64_t offset, const char *scope, size_t length);
/* The entry at @offset did not fit: whoever replays across it has a gap. */
void gw_replay_note_lost(struct gw_replay *replay, uint64_t offset, const char *scope,
                         size_t length);
/* All frames of this ring up to this position were published. */
void gw_replay_note_source(struct gw_replay *replay, struct vd_history_source source);
/* Was a frame of this ring and position put into the history by a gateway that died before it could
 * release the frame? */
bool gw_replay_has_seen(const struct gw_replay *replay, struct vd_history_source source);
/* Offsets after @last of all entries that any of @patterns overlaps, ascending. *@gap: some that
 * matched are gone. *@offsets is malloc'd (NULL when none). Returns their number. */
/* The event of an entry, encoded; one reference is the caller's. NULL: gone, or out of memory. */
struct gw_event *gw_replay_event(struct gw_replay *replay, uint64_t offset);
size_t gw_replay_collect(struct gw_replay *replay, const struct vd_text *patterns,
                         size_t pattern_count, uint64_t last, uint64_t wall_ms, uint64_t **offsets,
                         bool *gap);

/* gateway_subscription.c */
void gw_subscribe(struct gw_worker *worker, uint32_t id, bool every_worker, const char *pattern,
                  size_t length);
void gw_subscription_deliver(struct gateway *gateway, struct gw_subscription *subscription,
                             const struct vd_message *message);
void gw_subscriptions_worker_left(struct gw_worker *worker);
void gw_subscriptions_finish(struct gateway *gateway);
/* Events that the dead worker had not read go to others. */
void gw_lane_salvage(struct gw_worker *worker);
void gw_client_event(struct gateway *gateway, uint16_t type, uint64_t stream);
/* This worker wants them; also those that nobody was alive to be told of. */
void gw_clients_watch(struct gw_worker *worker);

/* gateway_lane.c */
/* false: dropped, and counted. */
bool gw_lane_send(struct gw_worker *worker, uint16_t type, uint64_t tag, const struct iovec *parts,
                  int count, bool coalesces);
/* The same with an entry that exists; takes it over. */
bool gw_lane_append(struct gw_worker *worker, struct gw_lane_entry *entry);
struct gw_lane_entry *gw_lane_entry_create(uint16_t type, uint64_t tag, const struct iovec *parts,
                                           int count, bool coalesces); /* NULL: no memory */
struct gw_lane_entry *gw_lane_pop(struct gw_worker *worker); /* the first, the caller's; or NULL */
void gw_lane_flush(struct gw_worker *worker);
void gw_lane_clear(struct gw_worker *worker);

/* gateway_timer.c */
void gw_timer_set(struct gw_worker *worker, uint32_t id, uint32_t interval_ms);
void gw_timer_done(struct gw_worker *worker, uint32_t id);
void gw_timers_worker_left(struct gw_worker *worker);
/* The worker that it was given to died before it had read that. */
void gw_timer_again(struct gateway *gateway, uint32_t id);
void gw_timers_turn(struct gateway *gateway);
uint64_t gw_timers_next_ms(const struct gateway *gateway); /* 0: none */
void gw_timers_finish(struct gateway *gateway);

/* gateway_cors.c */
enum vd_err gw_cors_start(struct gateway *gateway);
void gw_cors_finish(struct gateway *gateway);
/* Whose lines the answer to this request will have. */
void gw_cors_note(struct gw_connection *connection, const struct vd_http_request *head,
                  const char *bytes);
/* Answers a preflight; false: it is none. */
bool gw_cors_preflight(struct gw_connection *connection, const struct vd_http_request *head,
                       const char *bytes);
/* None of ours when @headers of the handler have their own. */
void gw_cors_yield(struct gw_connection *connection, const char *headers, size_t length);

/* gateway_admin.c: answers /_health and /metrics itself; false: not one of them. */
bool gw_admin_handle(struct gw_connection *connection, const struct vd_http_request *head,
                     const char *bytes);
/* What they are made of. @workers: VD_WORKERS_MAX; @broker: room for the link's status. */
void gw_admin_gather(const struct gateway *gateway, struct vd_health_facts *facts,
                     struct vd_health_worker *workers, struct vd_broker_status *broker);

/* gateway_control.c: answers whatever comes through the control socket. */
void gw_control_handle(struct gw_connection *connection, const struct vd_http_request *head,
                       const char *bytes);

#endif
