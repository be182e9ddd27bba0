/* SPDX-License-Identifier: Apache-2.0 */
/* One request between its last byte and its answer: which worker has it, and how it ends. */
#ifndef VIADUCT_GATEWAY_REQUEST_H
#define VIADUCT_GATEWAY_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common_frames.h"
#include "common_http.h"

struct gateway;
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

#endif
