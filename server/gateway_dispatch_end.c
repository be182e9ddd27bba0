/* SPDX-License-Identifier: Apache-2.0 */
/* How a request ends: answered, abandoned by its client, or with its worker. Each ends once. */
#include "gateway.h"
#include "gateway_dispatch.h"

struct gw_request *gw_dispatch_find(struct gw_worker *worker, uint64_t id)
{
    struct gw_request *request;

    TAILQ_FOREACH(request, &worker->in_flight, link)
    if (request->id == id)
        return request;
    return NULL;
}

void gw_dispatch_finished(struct gw_request *request)
{
    struct gateway *gateway = request->worker->gateway;

    gw_dispatch_leave_worker(request);
    gw_dispatch_free(gateway, request);
}

void gw_dispatch_abandon(struct gw_request *request)
{
    struct gateway *gateway = request->connection->gateway;

    request->connection = NULL;
    if (request->state == GW_REQUEST_READING) {
        gw_dispatch_free(gateway, request);
    } else if (request->state == GW_REQUEST_QUEUED) {
        gw_dispatch_dequeue(gateway, request);
        gw_dispatch_free(gateway, request);
    } else if (request->state == GW_REQUEST_STREAMED) {
        gw_respond_credit(request);
        gw_body_pump(request);
    } else if (gw_dispatch_revoke(request)) {
        gw_dispatch_leave_worker(request);
        gw_dispatch_free(gateway, request);
    } else {
        gw_body_pump(request);
    }
}

static void answer_for_the_dead(struct gw_worker *worker, struct gw_request *request,
                                uint32_t reason)
{
    struct gw_connection *connection = request->connection;

    gw_record_log_lost(worker, request, reason);
    gw_access_worker(request);
    if (!connection)
        return;
    connection->request = NULL;
    if (request->state == GW_REQUEST_STREAMED) {
        gw_connection_close(connection);
    } else if (reason == VD_DEATH_TIMEOUT) {
        gw_respond_error(connection, 504, "the worker took too long and was stopped");
    } else {
        gw_respond_error(connection, 502, "the worker died while it handled the request");
    }
}

void gw_dispatch_worker_died(struct gw_worker *worker, uint32_t reason)
{
    struct gateway *gateway = worker->gateway;
    struct gw_request *request, *previous;

    for (request = TAILQ_LAST(&worker->in_flight, gw_request_list); request; request = previous) {
        previous = TAILQ_PREV(request, gw_request_list, link);
        if (gw_dispatch_take_back(gateway, request))
            continue;
        answer_for_the_dead(worker, request, reason);
        gw_dispatch_leave_worker(request);
        gw_dispatch_free(gateway, request);
    }
}
