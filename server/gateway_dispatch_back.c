/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that wait for too long: taken back from a worker that has not begun with them, refused
 * when no worker became free.
 *
 * Happy path: nothing. A worker that is offered requests in advance may turn out to be slow: those
 * behind the first, and the first as well when it is not even taken, go to the front of the queue
 * as soon as a worker has time. Failure mode: no memory to copy one back - a 503. */
#include <stdlib.h>
#include <string.h>

#include "gateway.h"
#include "gateway_dispatch.h"

void gw_dispatch_leave_worker(struct gw_request *request)
{
    struct gw_worker *worker = request->worker;

    if (!worker)
        return;
    TAILQ_REMOVE(&worker->in_flight, request, link);
    worker->in_flight_count--;
    if (worker->exclusive == request)
        worker->exclusive = NULL;
    request->worker = NULL;
}

bool gw_dispatch_revoke(struct gw_request *request)
{
    uint64_t offered = vd_claim_word(request->id, VD_CLAIM_OFFERED);

    return request->worker &&
           atomic_compare_exchange_strong(&request->worker->slot->claims[request->claim], &offered,
                                          vd_claim_word(request->id, VD_CLAIM_REVOKED));
}

/* A frame that the worker will skip stays as it is until we, the only producer, write over it. */
static bool copy_back(struct gw_request *request)
{
    if (request->record)
        return true;
    request->record = malloc(request->record_length); /* as we know it: not what the ring says */
    if (!request->record)
        return false;
    memcpy(request->record, request->frame->payload, request->record_length);
    return true;
}

bool gw_dispatch_take_back(struct gateway *gateway, struct gw_request *request)
{
    if (request->state != GW_REQUEST_OFFERED || !gw_dispatch_revoke(request))
        return false;
    bool copied = copy_back(request);

    gw_dispatch_leave_worker(request);
    if (copied) {
        /* Another name: were the same worker offered it again under the same claim, the frame that
         * it has not read yet would come to life, with other frames behind it than its own. */
        request->id = gw_dispatch_next_id(gateway);
        gw_dispatch_enqueue(gateway, request, true);
        return true;
    }
    request->connection->request = NULL;
    gw_dispatch_refuse(request->connection, "out of memory");
    gw_dispatch_free(gateway, request);
    return true;
}

/* What waits behind a slow request goes to the front of the queue, in its order; the first, too, if
 * the worker has not even begun with it. */
static void unstick(struct gateway *gateway, struct gw_worker *worker)
{
    struct gw_request *request = TAILQ_LAST(&worker->in_flight, gw_request_list), *previous;

    for (; request; request = previous) {
        previous = TAILQ_PREV(request, gw_request_list, link);
        if (gw_dispatch_take_back(gateway, request) && !previous)
            worker->passed_over = true;
    }
}

void gw_dispatch_unstick(struct gateway *gateway)
{
    struct gw_worker *free_worker = NULL;
    uint64_t now_us = 0;

    for (unsigned i = 0; i < gateway->config->workers; i++) {
        struct gw_worker *worker = &gateway->workers[i];

        if (worker->in_flight_count == 0)
            continue;
        if (now_us == 0)
            now_us = vd_monotonic_us();
        if (!gw_dispatch_is_stuck(worker, now_us))
            continue;
        if (!free_worker && !(free_worker = gw_dispatch_choose(gateway, false)))
            return;
        unstick(gateway, worker);
    }
}

/* The queue is in the order of arrival, but for those that came back from a dead worker. */
static void sweep_queue(struct gateway *gateway, const struct gw_request_list *queue)
{
    uint64_t now_us = vd_monotonic_us();
    uint64_t limit_us = (uint64_t)gateway->config->request_timeout_ms * 1000;
    struct gw_request *request = TAILQ_FIRST(queue), *next;

    for (; request; request = next) {
        struct gw_connection *connection = request->connection;
        uint64_t since = request->waiting_us;

        next = TAILQ_NEXT(request, link);
        if (connection->peer_closed) {
            gw_connection_close(connection);
        } else if (now_us > since && now_us - since > limit_us) {
            gw_dispatch_dequeue(gateway, request);
            connection->request = NULL;
            gw_dispatch_free(gateway, request);
            gw_dispatch_refuse(connection, "no worker became free in time");
        }
    }
}

static bool first_is_taken(const struct gw_worker *worker)
{
    const struct gw_request *first = TAILQ_FIRST(&worker->in_flight);

    return atomic_load_explicit(&worker->slot->claims[first->claim], memory_order_relaxed) !=
           vd_claim_word(first->id, VD_CLAIM_OFFERED);
}

void gw_dispatch_sweep(struct gateway *gateway)
{
    sweep_queue(gateway, &gateway->queue);
    sweep_queue(gateway, &gateway->uploads);
}

bool gw_dispatch_uneasy(const struct gateway *gateway)
{
    bool behind = false, idle = false, elsewhere = false;

    for (unsigned i = 0; i < gateway->config->workers; i++) {
        const struct gw_worker *worker = &gateway->workers[i];

        behind |= worker->in_flight_count >= 2 ||
                  (worker->in_flight_count == 1 && !first_is_taken(worker));
        idle |= worker->in_flight_count == 0 && worker->ready && !worker->passed_over;
        elsewhere |= worker->passed_over;
    }
    return (behind && idle) || (elsewhere && gateway->queue_length);
}
