/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to workers.
 *
 * Happy path: a worker has room, the request is written straight from the read buffer into its ring
 * and the worker is woken at the end of the turn. A worker is offered a few requests in advance, so
 * that one wake-up serves many; until the worker takes one (a swap of its claim word), the gateway
 * can take it back for a worker that has nothing to do: a slow request delays no other.
 *
 * Failure modes: all workers busy - the request waits in the queue, over the limit, or after the
 * time a request may take, it is a 503; a client that closed its side while it waited is taken to
 * have left; the worker dies - what it had not taken goes back to the front of the queue, what it
 * had is a 502 (504 when it was killed at the time limit), or a cut connection when the response
 * had begun; the client leaves - what is not taken is taken back, for the rest the answer is
 * dropped. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "gateway.h"
#include "gateway_dispatch.h"

#define OFFERS_MAX 8 /* per worker; at most VD_CLAIMS */
/* A request that has waited this long behind another one is given to a worker that has time. */
#define STUCK_US 2000

/* ---- choosing ----------------------------------------------------------------------------------
 */

/* A worker that handles a message or a timer, or that is stopped, has nothing in flight and looks
 * idle: it is found out when it does not take what it is offered. */
static bool is_elsewhere(struct gw_worker *worker)
{
    if (worker->passed_over &&
        vd_ring_depth_bytes(worker->gateway->node->requests[worker->index]) == 0)
        worker->passed_over = false;
    return worker->passed_over;
}

static bool takes_requests(struct gw_worker *worker)
{
    return worker->ready && !worker->broken && !worker->exclusive &&
           atomic_load_explicit(&worker->slot->state, memory_order_acquire) == VD_SLOT_READY &&
           !is_elsewhere(worker);
}

bool gw_dispatch_is_stuck(const struct gw_worker *worker, uint64_t now_us)
{
    const struct gw_request *first = TAILQ_FIRST(&worker->in_flight);

    return first && now_us - first->offered_us > STUCK_US;
}

struct gw_worker *gw_dispatch_choose(struct gateway *gateway, bool idle_only)
{
    struct gw_worker *best = NULL;
    unsigned count = gateway->config->workers;
    uint64_t now_us = 0;

    for (unsigned i = 0; i < count; i++) {
        struct gw_worker *worker = &gateway->workers[(gateway->dispatch_cursor + i) % count];

        if (!takes_requests(worker))
            continue;
        if (worker->in_flight_count == 0) {
            gateway->dispatch_cursor = (worker->index + 1) % count;
            return worker;
        }
        if (idle_only || worker->in_flight_count >= OFFERS_MAX ||
            (best && worker->in_flight_count >= best->in_flight_count))
            continue;
        if (now_us == 0)
            now_us = vd_monotonic_us();
        if (!gw_dispatch_is_stuck(worker, now_us))
            best = worker;
    }
    return best;
}

/* ---- offering ----------------------------------------------------------------------------------
 */

static uint32_t free_claim(const struct gw_worker *worker)
{
    const struct gw_request *request;
    uint32_t used = 0;

    TAILQ_FOREACH(request, &worker->in_flight, link)
    used |= 1u << request->claim;
    return (uint32_t)__builtin_ctz(~used);
}

static void offer(struct gw_worker *worker, struct gw_request *request)
{
    request->worker = worker;
    request->state = GW_REQUEST_OFFERED;
    request->offered_us = vd_monotonic_us();
    atomic_store_explicit(&worker->slot->taken_us[request->claim], 0, memory_order_relaxed);
    atomic_store_explicit(&worker->slot->claims[request->claim],
                          vd_claim_word(request->id, VD_CLAIM_OFFERED), memory_order_release);
    TAILQ_INSERT_TAIL(&worker->in_flight, request, link);
    worker->in_flight_count++;
    worker->ring_bell = true;
}

static void set_claim(void *record, uint32_t claim)
{
    ((struct vd_frame_request *)record)->claim = claim;
}

static bool put_record(struct gw_worker *worker, struct gw_request *request)
{
    assert(request->record); /* what is queued has one */
    struct vd_frame *frame = vd_ring_reserve(&worker->requests, request->record_length,
                                             VD_FRAME_REQUEST, 0, request->id);

    if (!frame)
        return false;
    request->claim = free_claim(worker);
    set_claim(request->record, request->claim);
    memcpy(frame->payload, request->record, request->record_length);
    request->frame = frame;
    offer(worker, request);
    vd_ring_commit(&worker->requests);
    return true;
}

/* The worker copies the head of a streamed request out of the ring; body frames may then lie where
 * it was, so the record is kept. */
static bool offer_record(struct gw_worker *worker, struct gw_request *request)
{
    if (!put_record(worker, request))
        return false;
    if (request->body_streamed) {
        request->frame = NULL;
        worker->exclusive = request;
        return true;
    }
    free(request->record);
    request->record = NULL;
    return true;
}

static bool offer_directly(struct gw_request *request, const char *bytes,
                           const struct vd_http_request *head, size_t body_length, size_t length)
{
    struct gateway *gateway = request->connection->gateway;
    struct gw_worker *worker = gw_dispatch_choose(gateway, false);

    if (!worker)
        return false;
    struct vd_frame *frame =
        vd_ring_reserve(&worker->requests, length, VD_FRAME_REQUEST, 0, request->id);
    if (!frame)
        return false;
    gw_record_fill(frame->payload, request->connection, bytes, head, body_length);
    request->record_length = length;
    request->claim = free_claim(worker);
    set_claim(frame->payload, request->claim);
    request->frame = frame;
    offer(worker, request);
    vd_ring_commit(&worker->requests);
    return true;
}

/* A body that the client has yet to send holds its worker for as long as the client likes: such
 * requests wait in a queue of their own, and never hold more than some of the workers. */
static bool is_slow_upload(const struct gw_request *request)
{
    return request->body_streamed && request->connection && request->connection->body.open;
}

static struct gw_request_list *queue_of(struct gateway *gateway, const struct gw_request *request)
{
    return request->upload ? &gateway->uploads : &gateway->queue;
}

void gw_dispatch_dequeue(struct gateway *gateway, struct gw_request *request)
{
    TAILQ_REMOVE(queue_of(gateway, request), request, link);
    gateway->queue_length--;
}

void gw_dispatch_enqueue(struct gateway *gateway, struct gw_request *request, bool front)
{
    request->state = GW_REQUEST_QUEUED;
    request->worker = NULL;
    request->frame = NULL;
    if (request->waiting_us == 0)
        request->waiting_us = request->offered_us ? request->offered_us : vd_monotonic_us();
    request->upload = is_slow_upload(request);
    if (front) {
        TAILQ_INSERT_HEAD(queue_of(gateway, request), request, link);
    } else {
        TAILQ_INSERT_TAIL(queue_of(gateway, request), request, link);
    }
    gateway->queue_length++;
}

void gw_dispatch_free(struct gateway *gateway, struct gw_request *request)
{
    gateway->open_requests--;
    free(request->record);
    free(request);
}

void gw_dispatch_refuse(struct gw_connection *connection, const char *reason)
{
    connection->keep_alive = false;
    connection->gateway->counters.refused[VD_HEALTH_REFUSED_QUEUE]++;
    gw_respond_error(connection, 503, reason);
}

uint64_t gw_dispatch_next_id(struct gateway *gateway)
{
    return (uint64_t)gateway->epoch << VD_REQUEST_EPOCH_SHIFT | ++gateway->next_request;
}

static struct gw_request *request_create(struct gw_connection *connection)
{
    struct gateway *gateway = connection->gateway;
    struct gw_request *request;

    if (gateway->queue_length >= gateway->config->max_queue) {
        gw_dispatch_refuse(connection, "too many requests are waiting");
        return NULL;
    }
    request = calloc(1, sizeof(*request));
    if (!request) {
        gw_dispatch_refuse(connection, "out of memory");
        return NULL;
    }
    request->connection = connection;
    request->id = gw_dispatch_next_id(gateway);
    connection->request = request;
    gateway->open_requests++;
    return request;
}

static bool record_create(struct gw_request *request, const char *bytes,
                          const struct vd_http_request *head, size_t body_length)
{
    struct gw_connection *connection = request->connection;

    request->record_length = gw_record_bytes(head, body_length);
    request->record = malloc(request->record_length);
    if (request->record) {
        gw_record_fill(request->record, connection, bytes, head, body_length);
        return true;
    }
    connection->request = NULL;
    gw_dispatch_free(connection->gateway, request);
    gw_dispatch_refuse(connection, "out of memory");
    return false;
}

bool gw_dispatch_fits(const struct vd_http_request *head, uint64_t body_length)
{
    return body_length <= VD_FRAME_CHUNK_BYTES &&
           gw_record_bytes(head, (size_t)body_length) <= VD_FRAME_CHUNK_BYTES;
}

void gw_dispatch_request(struct gw_connection *connection, const char *bytes,
                         const struct vd_http_request *head, size_t body_length)
{
    struct gateway *gateway = connection->gateway;
    struct gw_request *request = request_create(connection);

    if (!request ||
        (TAILQ_EMPTY(&gateway->queue) &&
         offer_directly(request, bytes, head, body_length, gw_record_bytes(head, body_length))))
        return;
    if (record_create(request, bytes, head, body_length))
        gw_dispatch_enqueue(gateway, request, false);
}

void gw_dispatch_begin(struct gw_connection *connection, const char *bytes,
                       const struct vd_http_request *head)
{
    struct gw_request *request = request_create(connection);

    if (request && record_create(request, bytes, head, 0))
        request->state = GW_REQUEST_READING;
}

/* A short body that came in pieces goes with the request after all. */
static bool put_body_inside(struct gw_request *request)
{
    struct gw_body *body = &request->connection->body;
    size_t length = request->record_length + body->length;
    char *grown;

    if (body->open || length > VD_FRAME_CHUNK_BYTES || !(grown = realloc(request->record, length)))
        return false;
    request->record = grown;
    if (body->length)
        memcpy(grown + request->record_length, body->bytes + body->first, body->length);
    request->record_length = length;
    ((struct vd_frame_request *)grown)->body_length = body->length;
    gw_body_finish(request->connection);
    return true;
}

void gw_dispatch_submit(struct gw_request *request)
{
    struct gw_connection *connection = request->connection;
    struct gw_body *body = &connection->body;
    struct vd_frame_request *frame;

    if (!put_body_inside(request)) {
        frame = (struct vd_frame_request *)request->record;
        frame->body_streamed = 1;
        frame->body_length = body->open && body->is_chunked ? VD_BODY_LENGTH_UNKNOWN
                                                            : body->received + body->remaining;
        request->body_streamed = true;
    }
    gw_dispatch_enqueue(connection->gateway, request, false);
}

void gw_dispatch_want_body(struct gw_worker *worker, uint64_t id)
{
    struct gw_request *request = gw_dispatch_find(worker, id);

    if (!request || !request->body_streamed)
        return;
    request->body_wanted = true;
    gw_body_pump(request);
}

/* ---- the queue ---------------------------------------------------------------------------------
 */

static bool upload_has_place(const struct gateway *gateway)
{
    unsigned running = 0;

    for (unsigned i = 0; i < gateway->config->workers; i++) {
        const struct gw_request *exclusive = gateway->workers[i].exclusive;

        running += exclusive && is_slow_upload(exclusive);
    }
    return running < gateway->config->max_upload_workers;
}

/* The one that has waited longest, of those that may be given to a worker now. */
static struct gw_request *next_in_queue(struct gateway *gateway)
{
    struct gw_request *first = TAILQ_FIRST(&gateway->queue);
    struct gw_request *upload = TAILQ_FIRST(&gateway->uploads);

    if (!upload || (first && first->waiting_us <= upload->waiting_us) || !upload_has_place(gateway))
        return first;
    return upload;
}

void gw_dispatch_pump(struct gateway *gateway)
{
    struct gw_request *request;

    for (unsigned i = 0; i < gateway->config->workers; i++) {
        if (gateway->workers[i].exclusive)
            gw_body_pump(gateway->workers[i].exclusive);
    }
    gw_dispatch_unstick(gateway);
    while ((request = next_in_queue(gateway))) {
        struct gw_worker *worker =
            gw_dispatch_choose(gateway, request->record_length > VD_FRAME_CHUNK_BYTES);

        if (!worker)
            return;
        gw_dispatch_dequeue(gateway, request);
        if (!offer_record(worker, request)) {
            gw_dispatch_enqueue(gateway, request, true);
            return;
        }
    }
}
