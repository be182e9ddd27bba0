/* SPDX-License-Identifier: Apache-2.0 */
/* A client's connection: what it reads, what it is answered, and the bytes that wait for it. The
 * files behind it, in the order of a request's way:
 *
 *   gateway_listener.c    accepts, or does not        gateway_address.c     how many from where
 *   gateway_connection.c  its life and its deadlines  gateway_reading.c     requests, pipelining
 *   gateway_body.c        bodies to the workers       gateway_edge.c        who asks, request ids
 *   gateway_cors.c        other origins               gateway_response.c    answers, framed
 *   gateway_output.c      to the socket               gateway_access.c      the line in the log */
#ifndef VIADUCT_GATEWAY_CONNECTION_H
#define VIADUCT_GATEWAY_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "common_forwarded.h"
#include "common_frames.h"
#include "common_http.h"
#include "gateway_loop.h"
#include "gateway_pace.h"

struct gateway;
struct gw_address; /* gateway_address.c */
struct gw_download;
struct gw_request;
struct gw_stream;

/* A private piece of output: what the socket did not take at once. */
struct gw_piece {
    STAILQ_ENTRY(gw_piece) link;
    size_t length, capacity; /* what comes next is appended while it fits */
    size_t sent;
    char bytes[];
};

enum gw_connection_state {
    GW_READING_HEAD,
    GW_READING_BODY,
    GW_WAITING,    /* its request is queued or at a worker */
    GW_RESPONDING, /* a streamed response is under way */
    GW_SENDING,    /* a file is under way: connection->download */
    GW_STREAMING,  /* server-sent events */
    GW_LINGERING,  /* answered and half-closed; reads what is still coming for a moment */
};

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

#endif
