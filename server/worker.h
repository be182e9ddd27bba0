/* SPDX-License-Identifier: Apache-2.0 */
/* The worker side: "next event", and what can be said in return. No sockets here: everything goes
 * through the rings of this worker's slot. One thread, the forked worker process only; a process
 * that a handler forked is refused by pid (VD_ERR_STATE). */
#ifndef VIADUCT_WORKER_H
#define VIADUCT_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <viaduct/error.h>
#include <viaduct/message.h>

struct vd_broker_credentials;
struct vd_worker;

struct vd_text {
    const char *bytes; /* not NUL-terminated */
    size_t length;
};

struct vd_header {
    struct vd_text name;
    struct vd_text value;
};

/* One request. Borrowed until the next call of vd_worker_next_event. */
struct vd_worker_request {
    uint64_t id;
    struct vd_text method;           /* as sent: "GET"; methods are case-sensitive */
    struct vd_text target;           /* as sent, origin form: "/say?x=1" */
    struct vd_text path;             /* target up to `?`, not decoded */
    struct vd_text query;            /* after `?`, without it; length 0 when none */
    unsigned minor_version;          /* HTTP/1.minor */
    const struct vd_header *headers; /* names as sent; use vd_worker_request_header to look up */
    size_t header_count;
    struct vd_text body;     /* when body_streamed is false: all of it */
    bool body_streamed;      /* too long for a frame, or still under way: vd_worker_read_body */
    uint64_t body_length;    /* UINT64_MAX: not known before its end */
    char remote_address[46]; /* of the client, also behind trusted proxies; "unix:" for a peer on a
                                unix socket */
    uint16_t remote_port;    /* 0: not known */
    char local_address[46];
    uint16_t local_port;
    struct vd_text host;  /* what the client asked for: Host, or what a trusted proxy says of it */
    bool https;           /* the client spoke TLS to a trusted proxy */
    char request_id[65];  /* names the request in logs; X-Request-Id of the response */
    uint64_t received_us; /* monotonic: first byte of the request seen by the gateway */
};

/* First header of that name, ASCII case-insensitive; {NULL, 0} when absent. */
struct vd_text vd_worker_request_header(const struct vd_worker_request *request, const char *name);

enum vd_worker_event_kind {
    VD_WORKER_REQUEST,        /* answer it before asking for the next event */
    VD_WORKER_MESSAGE,        /* for subscription @id */
    VD_WORKER_TIMER,          /* timer @id is due */
    VD_WORKER_CLIENT_CONNECT, /* a stream opened; message.scope: none */
    VD_WORKER_CLIENT_DISCONNECT,
    VD_WORKER_BROKER_ERROR, /* the link to other nodes failed, or an attempt did; text, broker_error
                             */
    VD_WORKER_BROKER_CREDENTIALS, /* answer with vd_worker_broker_credentials and this id; only with
                                     vd_server_config.broker_credentials_by_worker */
    VD_WORKER_GAP,                /* events for this worker were lost: drop what you cached */
    VD_WORKER_IDLE,               /* the timeout passed */
    VD_WORKER_SHUTDOWN,           /* return from worker_main now */
};

/* One drop or failed attempt of the broker's link, or a publish that it could not take. */
struct vd_worker_broker_error {
    enum vd_err code;
    struct vd_text driver;  /* "RedisBroker" */
    uint32_t attempt;       /* failed ones since the link was last up for good */
    uint32_t next_delay_ms; /* until the next attempt */
};

struct vd_worker_event {
    enum vd_worker_event_kind kind;
    uint32_t id;
    struct vd_worker_request request; /* REQUEST */
    struct vd_message message;        /* MESSAGE: borrowed until the next call */
    struct vd_text text;              /* BROKER_ERROR: without secrets; CLIENT_*: the stream's id */
    struct vd_worker_broker_error broker_error; /* BROKER_ERROR */
};

/* Wait for the next event. @timeout_ms -1: for ever. The first call says "ready" to the gateway.
 * Requests come before events when both wait, but an event waits at most 16 requests.
 * Returns: VD_OK; VD_ERR_STATE (the last request was not answered; or not the worker process);
 * VD_ERR_CORRUPT. After a request that hands over to nobody, call vd_worker_respond first. */
enum vd_err vd_worker_next_event(struct vd_worker *worker, int timeout_ms,
                                 struct vd_worker_event *event);

/* ---- the body of the current request ------------------------------------------------------------
 */

/* Up to @capacity bytes more into @buffer; *@length 0: that was all. Waits for the client; the time
 * limit's clock stands still meanwhile. A streamed body can be read until the response is complete,
 * any other until the next call of vd_worker_next_event.
 * Returns: VD_OK; VD_ERR_CLOSED (the client left, or the gateway: what was read is not all of it);
 * VD_ERR_STATE (no request is open, or not the worker process); VD_ERR_CORRUPT. */
enum vd_err vd_worker_read_body(struct vd_worker *worker, void *buffer, size_t capacity,
                                size_t *length);

/* The rest of the body as one text (all of it when nothing was read yet); borrowed until the next
 * call of vd_worker_next_event. The gateway has bounded it: max_body_bytes.
 * Returns as vd_worker_read_body, and VD_ERR_NO_MEMORY. */
enum vd_err vd_worker_whole_body(struct vd_worker *worker, struct vd_text *body);

/* ---- answering the current request; exactly one of the three -----------------------------------
 */

/* A complete response. @headers must not contain Content-Length, Transfer-Encoding, Connection,
 * Date (they are the gateway's): those are VD_ERR_INVALID, as are names that are no tokens and
 * values with CR, LF or NUL, a status other than 200 to 599, a body for 204 or 304. Nothing was
 * sent then, another answer may be tried. A body over 63 KiB waits for a slow client as a streamed
 * one does. Returns also: VD_ERR_TOO_LARGE (header block over 32 KiB; nothing was sent),
 * VD_ERR_CLOSED (client or gateway gone), VD_ERR_TIMEOUT (client took nothing): it is over. */
enum vd_err vd_worker_respond(struct vd_worker *worker, unsigned status,
                              const struct vd_header *headers, size_t header_count,
                              const void *body, size_t body_length, struct vd_error *error);

/* A streamed response: begin, any number of writes, end. Write waits while the client has more than
 * 1 MiB outstanding. VD_ERR_CLOSED: the client (or the gateway) is gone; stop, no end needed.
 * VD_ERR_TIMEOUT: the client took nothing for as long as a request may last and was cut off; stop,
 * no end needed. @abort: the response failed in mid-way; the connection is cut so that the client
 * can tell. */
enum vd_err vd_worker_respond_begin(struct vd_worker *worker, unsigned status,
                                    const struct vd_header *headers, size_t header_count,
                                    struct vd_error *error);
enum vd_err vd_worker_respond_write(struct vd_worker *worker, const void *bytes, size_t length);
enum vd_err vd_worker_respond_end(struct vd_worker *worker, bool abort);

/* Turn the request into an SSE stream that follows @patterns (1 to 64). The gateway owns it from
 * now on. @headers as above, Content-Type excepted. Last-Event-ID is the gateway's business. */
enum vd_err vd_worker_respond_stream(struct vd_worker *worker, const struct vd_text *patterns,
                                     size_t pattern_count, const struct vd_header *headers,
                                     size_t header_count, struct vd_error *error);

/* Is a request waiting for its answer? Has its head been sent? */
bool vd_worker_request_open(const struct vd_worker *worker);
bool vd_worker_response_begun(const struct vd_worker *worker);

/* ---- publish and subscribe ---------------------------------------------------------------------
 */

/* Hand @message to the gateway: history, streams, workers, broker. Checked here (scope grammar,
 * size). Waits for room at most the configured publish timeout. Returns: VD_OK, VD_ERR_INVALID,
 * VD_ERR_TOO_LARGE, VD_ERR_TIMEOUT (ring full that long), VD_ERR_FULL (the broker's outbox is full,
 * and its policy is to fail: delivered nowhere), VD_ERR_CLOSED (the gateway died meanwhile: not
 * known whether it was published). */
enum vd_err vd_worker_publish(struct vd_worker *worker, const struct vd_message *message,
                              struct vd_error *error);

/* This worker is about to change what others watch under @scope, a number in
 * vd_shared_state.scopes, and will publish that; vd_worker_owe_nothing: it has. If it dies in
 * between, the gateway publishes the scope in its stead, without data. Cheap enough for each
 * change. Scopes whose numbers differ by a multiple of 64 are published together. */
void vd_worker_owe(struct vd_worker *worker, size_t scope);
void vd_worker_owe_nothing(struct vd_worker *worker);

/* The answer to VD_WORKER_BROKER_CREDENTIALS, @question is the event's id. NULL: none could be had,
 * the attempt fails. Copied. Returns: VD_OK, VD_ERR_TOO_LARGE (a text over 8,192 bytes),
 * VD_ERR_TIMEOUT, VD_ERR_CLOSED, VD_ERR_STATE. */
enum vd_err vd_worker_broker_credentials(struct vd_worker *worker, uint32_t question,
                                         const struct vd_broker_credentials *credentials);

/* Messages that match @pattern come as VD_WORKER_MESSAGE with @id. every_worker false: once per
 * node, in one worker of those that subscribed the same @id and pattern. Announced again by itself
 * when the gateway was restarted. */
enum vd_err vd_worker_subscribe(struct vd_worker *worker, uint32_t id, struct vd_text pattern,
                                bool every_worker, struct vd_error *error);

/* VD_WORKER_TIMER every @interval_ms (at least 1) with @id: once per node in one live worker, or in
 * this worker. A timer that is late fires once, not once for each missed tick. */
enum vd_err vd_worker_set_interval(struct vd_worker *worker, uint32_t id, uint32_t interval_ms,
                                   bool every_worker, struct vd_error *error);

/* Streams that open and close come as VD_WORKER_CLIENT_CONNECT and _DISCONNECT, each once per node,
 * in one worker of those that asked. Announced again by itself when the gateway was restarted. */
enum vd_err vd_worker_watch_clients(struct vd_worker *worker, struct vd_error *error);

/* ---- facts -------------------------------------------------------------------------------------
 */

unsigned vd_worker_index(const struct vd_worker *worker);      /* 0 .. workers - 1 */
unsigned vd_worker_generation(const struct vd_worker *worker); /* restarts of this slot, from 1 */
bool vd_worker_is_first(const struct vd_worker *worker);       /* index 0, generation 1 */
/* A process that a handler forked: all it can do is end. */
bool vd_worker_is_copy(const struct vd_worker *worker);
/* Do the current request's texts (and a body that is not streamed) stand where they stood? In the
 * worker they do until its next event; in a copy until the worker gets there, or dies: ask before
 * reading and again after it. */
bool vd_worker_request_intact(const struct vd_worker *worker);
struct vd_logger *vd_worker_logger(struct vd_worker *worker);
/* Recycle after the current request (memory too large, code says so). */
void vd_worker_retire(struct vd_worker *worker);

#endif
