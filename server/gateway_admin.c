/* SPDX-License-Identifier: Apache-2.0 */
/* /_health and /metrics: gathered from what the gateway and the shared memory already know, so they
 * answer while every worker is busy, and never wait for the broker. */
#include <stdlib.h>
#include <string.h>

#include <health.h>

#include "gateway.h"

static uint32_t count_ready(const struct gateway *gateway)
{
    uint32_t ready = 0;

    for (unsigned i = 0; i < gateway->config->workers; i++)
        ready += gateway->workers[i].ready && !gateway->workers[i].broken;
    return ready;
}

static void gather_traffic(const struct gateway *gateway, struct vd_health_facts *facts)
{
    const struct gw_counters *counters = &gateway->counters;

    facts->connections_open = gateway->connection_count;
    facts->connections_accepted_total = counters->accepted;
    facts->requests_total = counters->requests;
    for (int i = 0; i < VD_HEALTH_CLASSES; i++)
        facts->responses_total[i] = counters->responses[i + 1];
    facts->queue_depth = gateway->queue_length;
    facts->access_log_dropped_total = counters->access_log_dropped;
    memcpy(facts->refused_total, counters->refused, sizeof(facts->refused_total));
    facts->sse = gateway->stream_count;
    facts->streams_opened_total = counters->streams_opened;
    facts->messages_published_total = counters->published;
    facts->messages_delivered_total = counters->delivered;
    facts->messages_replayed_total = counters->replayed;
    facts->messages_dropped_total = counters->dropped;
    facts->stream_gaps_total = counters->gaps;
    facts->history_first = vd_history_first(gateway->node->history);
    facts->history_next = vd_history_next(gateway->node->history);
}

static void gather_workers(const struct gateway *gateway, struct vd_health_facts *facts,
                           struct vd_health_worker *workers)
{
    for (unsigned i = 0; i < gateway->config->workers; i++) {
        workers[i].to_gateway_bytes = vd_ring_depth_bytes(gateway->node->to_gateway[i]);
        workers[i].requests_bytes = vd_ring_depth_bytes(gateway->node->requests[i]);
        workers[i].events_bytes = vd_ring_depth_bytes(gateway->node->events[i]);
        workers[i].events_dropped = atomic_load(&gateway->node->slots[i].events_dropped);
        facts->events_dropped_total += workers[i].events_dropped;
    }
    facts->workers = workers;
    facts->worker_count = gateway->config->workers;
    facts->workers_configured = gateway->config->workers;
    facts->workers_ready = count_ready(gateway);
    facts->workers_crash_looping = atomic_load(&gateway->shared->crash_looping);
    facts->worker_deaths_total = atomic_load(&gateway->shared->worker_deaths_total);
    facts->gateway_deaths_total = atomic_load(&gateway->shared->gateway_deaths_total);
}

void gw_admin_gather(const struct gateway *gateway, struct vd_health_facts *facts,
                     struct vd_health_worker *workers, struct vd_broker_status *broker)
{
    memset(facts, 0, sizeof(*facts));
    facts->version = gateway->config->version;
    facts->node_id = gateway->shared->node_id.text;
    facts->started_wall_ms = gateway->wall_ms - (gateway->now_ms - gateway->started_ms);
    facts->now_wall_ms = gateway->wall_ms;
    facts->draining = gateway->draining;
    facts->driver = gateway->config->broker_display;
    facts->connected = true; /* memory and pipe live within the node */
    if (gw_link_status(gateway, broker)) {
        facts->broker = broker;
        facts->connected = broker->connected;
    }
    gather_traffic(gateway, facts);
    gather_workers(gateway, facts, workers);
}

static void respond_health(struct gw_connection *connection, const struct vd_health_facts *facts)
{
    char document[VD_HEALTH_DOCUMENT_BYTES];
    size_t length = vd_health_document(facts, document, sizeof(document));

    gw_respond_text(connection, vd_health_http_status(facts), VD_HEALTH_DOCUMENT_TYPE, "", document,
                    length < sizeof(document) ? length : 0);
}

static void respond_metrics(struct gw_connection *connection, const struct vd_health_facts *facts)
{
    size_t capacity = VD_HEALTH_METRICS_BYTES(facts->worker_count);
    char *text = malloc(capacity);

    if (!text) {
        gw_respond_error(connection, 503, "out of memory");
        return;
    }
    size_t length = vd_health_metrics(facts, text, capacity);
    gw_respond_text(connection, 200, VD_HEALTH_METRICS_TYPE, "", text,
                    length < capacity ? length : 0);
    free(text);
}

static bool path_is(const struct vd_http_request *head, const char *bytes, const char *path)
{
    return head->path.length == strlen(path) &&
           memcmp(bytes + head->path.offset, path, head->path.length) == 0;
}

bool gw_admin_handle(struct gw_connection *connection, const struct vd_http_request *head,
                     const char *bytes)
{
    struct vd_health_worker workers[VD_WORKERS_MAX];
    struct vd_broker_status broker;
    struct vd_health_facts facts;
    bool health, live, metrics;

    if (head->path.length < 2 ||
        (bytes[head->path.offset + 1] != '_' && bytes[head->path.offset + 1] != 'm'))
        return false;
    health = path_is(head, bytes, "/_health") || path_is(head, bytes, "/_health/ready");
    live = path_is(head, bytes, "/_health/live");
    metrics = path_is(head, bytes, "/metrics");
    if (!health && !live && !metrics)
        return false;
    connection->cors = NULL;
    if (head->method != VD_HTTP_GET && head->method != VD_HTTP_HEAD) {
        static const char text[] = "405 Method Not Allowed: use GET or HEAD\n";

        gw_respond_text(connection, 405, "text/plain; charset=utf-8", "Allow: GET, HEAD\r\n", text,
                        sizeof(text) - 1);
        return true;
    }
    if (live) {
        gw_respond_text(connection, 200, "application/json", "", "{\"status\":\"ok\"}\n", 16);
        return true;
    }
    gw_admin_gather(connection->gateway, &facts, workers, &broker);
    if (metrics) {
        respond_metrics(connection, &facts);
    } else {
        respond_health(connection, &facts);
    }
    return true;
}
