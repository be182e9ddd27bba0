/* SPDX-License-Identifier: Apache-2.0 */
/* What `viaduct top` shows: one JSON document about this node, gathered from what the gateway and
 * the shared memory know. Only through the control socket (common_control.h), so it may say more
 * than /_health: pids, and the names of tables and counters. Never keys, values of rows, addresses
 * of clients, scopes or credentials.
 *
 * Happy path: written into a buffer that is made twice as large until it fits. Failure modes: out
 * of memory is a 503. Nothing is locked and nobody is waited for; a table that is being written to
 * is counted all the same. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <viaduct/counter.h>
#include <viaduct/table.h>
#include <writer.h>

#include "common_control.h"
#include "gateway.h"

#define FIRST_BYTES  ((size_t)16 * 1024)
#define MOST_BYTES   ((size_t)16 * 1024 * 1024)
#define COUNTERS_MAX 1000

static void print_number(struct vd_writer *writer, const char *name, uint64_t number)
{
    vd_writer_print(writer, ",\"%s\":%" PRIu64, name, number);
}

static void print_text(struct vd_writer *writer, const char *name, const char *text)
{
    vd_writer_print(writer, ",\"%s\":", name);
    vd_writer_json_string(writer, text);
}

/* ---- the node ----------------------------------------------------------------------------------
 */

static void print_listeners(struct vd_writer *writer, const struct vd_node *node)
{
    const char *separator = "";
    char name[VD_LISTEN_HOST_BYTES + 16];

    vd_writer_print(writer, ",\"listeners\":[");
    for (unsigned i = 0; i < node->listener_count; i++) {
        const struct vd_listener *one = &node->listeners[i];

        if (one->is_control)
            continue;
        if (one->is_unix) {
            snprintf(name, sizeof(name), "unix:%s", one->host);
        } else {
            snprintf(name, sizeof(name), strchr(one->host, ':') ? "[%s]:%u" : "%s:%u", one->host,
                     one->port);
        }
        vd_writer_print(writer, "%s", separator);
        vd_writer_json_string(writer, name);
        separator = ",";
    }
    vd_writer_print(writer, "]");
}

static void print_node(struct vd_writer *writer, const struct gateway *gateway,
                       const struct vd_health_facts *facts)
{
    uint64_t now_ms =
        vd_monotonic_ms(); /* the turn's clock may stand since the loop went to sleep */

    vd_writer_print(writer, "{\"status\":\"%s\"",
                    facts->draining            ? "draining"
                    : vd_health_reasons(facts) ? "degraded"
                                               : "ok");
    print_text(writer, "version", facts->version);
    print_text(writer, "node", facts->node_id);
    print_number(writer, "pid", (uint64_t)atomic_load(&gateway->shared->supervisor_pid));
    print_number(writer, "uptime_ms", now_ms - gateway->started_ms);
    print_number(writer, "now_ms", now_ms);
    print_listeners(writer, gateway->node);
    vd_writer_print(writer, ",\"arena\":{\"bytes\":%zu,\"used_bytes\":%zu}",
                    vd_arena_capacity_bytes(gateway->node->arena),
                    vd_arena_used_bytes(gateway->node->arena));
}

static void print_gateway(struct vd_writer *writer, const struct gateway *gateway,
                          const struct vd_health_facts *facts)
{
    vd_writer_print(writer, ",\"gateway\":{\"pid\":%d", (int)getpid());
    print_number(writer, "epoch", gateway->epoch);
    print_number(writer, "deaths_total", facts->gateway_deaths_total);
    print_number(writer, "turns_total", atomic_load(&gateway->shared->turns));
    print_number(writer, "connections", facts->connections_open);
    print_number(writer, "connections_max", gateway->config->max_connections);
    print_number(writer, "accepted_total", facts->connections_accepted_total);
    print_number(writer, "requests_total", facts->requests_total);
    vd_writer_print(writer, ",\"responses_total\":[");
    for (int i = 0; i < VD_HEALTH_CLASSES; i++)
        vd_writer_print(writer, "%s%" PRIu64, i ? "," : "", facts->responses_total[i]);
    vd_writer_print(writer, "]");
    print_number(writer, "queue", facts->queue_depth);
    print_number(writer, "streams", facts->sse);
    print_number(writer, "streams_total", facts->streams_opened_total);
    print_number(writer, "published_total", facts->messages_published_total);
    print_number(writer, "delivered_total", facts->messages_delivered_total);
    print_number(writer, "dropped_total", facts->messages_dropped_total);
    print_number(writer, "history_messages", facts->history_next - facts->history_first);
    print_number(writer, "upload_bytes", gateway->upload_bytes);
    print_number(writer, "response_bytes", gateway->kept_bytes);
    vd_writer_print(writer, "}");
}

/* ---- workers and their rings -------------------------------------------------------------------
 */

static void print_ring(struct vd_writer *writer, const char *name, const struct vd_ring *ring)
{
    vd_writer_print(writer, ",\"%s\":{\"bytes\":%zu,\"capacity\":%zu}", name,
                    vd_ring_depth_bytes(ring), vd_ring_capacity_bytes(ring));
}

static const char *worker_state(const struct gw_worker *worker)
{
    static const char *const words[] = {"empty", "starting", "ready", "retiring"};
    uint32_t state = atomic_load(&worker->slot->state);

    if (worker->broken)
        return "broken";
    return state < sizeof(words) / sizeof(words[0]) ? words[state] : "damaged";
}

static void print_worker(struct vd_writer *writer, const struct gateway *gateway, unsigned i)
{
    const struct gw_worker *worker = &gateway->workers[i];
    const struct vd_worker_slot *slot = worker->slot;
    uint64_t started_ms = atomic_load(&slot->request_started_ms), now_ms = vd_monotonic_ms();

    vd_writer_print(writer, "%s{\"index\":%u,\"pid\":%d,\"state\":\"%s\"", i ? "," : "", i,
                    (int)atomic_load(&slot->pid), worker_state(worker));
    print_number(writer, "busy_ms", started_ms && started_ms < now_ms ? now_ms - started_ms : 0);
    print_number(writer, "busy", started_ms != 0);
    print_number(writer, "generation", atomic_load(&slot->generation));
    print_number(writer, "requests_total", atomic_load(&slot->requests_total));
    print_number(writer, "publishes_total", atomic_load(&slot->publishes_total));
    print_number(writer, "in_flight", worker->in_flight_count);
    print_number(writer, "events_waiting", worker->lane_count);
    print_number(writer, "events_dropped", atomic_load(&slot->events_dropped));
    print_ring(writer, "requests", gateway->node->requests[i]);
    print_ring(writer, "events", gateway->node->events[i]);
    print_ring(writer, "to_gateway", gateway->node->to_gateway[i]);
    vd_writer_print(writer, "}");
}

/* ---- broker ------------------------------------------------------------------------------------
 */

static void print_broker(struct vd_writer *writer, const struct vd_health_facts *facts)
{
    static const char *const states[] = {"connecting", "connected", "waiting", "closing", "closed"};
    const struct vd_broker_status *broker = facts->broker;

    vd_writer_print(writer, ",\"broker\":{\"connected\":%s", facts->connected ? "true" : "false");
    print_text(writer, "driver", facts->driver);
    if (broker) {
        print_text(writer, "state", states[broker->state]);
        print_number(writer, "attempts", broker->attempts);
        print_number(writer, "next_delay_ms", broker->next_delay_ms);
        print_text(writer, "last_error", broker->last_error ? vd_err_text(broker->last_error) : "");
        print_number(writer, "rtt_us", broker->rtt_us);
        print_number(writer, "outbox_messages", broker->outbox_messages);
        print_number(writer, "outbox_bytes", broker->outbox_bytes);
#define PRINT_COUNTER(name, help) print_number(writer, #name "_total", broker->counters.name);
        VD_BROKER_COUNTER_MAP(PRINT_COUNTER)
#undef PRINT_COUNTER
    }
    vd_writer_print(writer, "}");
}

/* ---- tables and counters -----------------------------------------------------------------------
 */

static void print_tables(struct vd_writer *writer, const struct vd_shared_state *state)
{
    vd_writer_print(writer, ",\"tables\":[");
    for (size_t i = 0; state && i < state->table_count; i++) {
        const struct vd_table *table = state->tables[i];

        vd_writer_print(writer, "%s{\"columns\":%zu", i ? "," : "", vd_table_column_count(table));
        print_text(writer, "name", vd_table_name(table));
        print_number(writer, "rows", vd_table_count(table));
        print_number(writer, "capacity", vd_table_capacity(table));
        vd_writer_print(writer, "}");
    }
    vd_writer_print(writer, "]");
}

static void print_counters(struct vd_writer *writer, const struct vd_shared_state *state)
{
    struct vd_counters *counters = state ? state->counters : NULL;
    size_t count = counters ? vd_counters_count(counters) : 0;
    const char *separator = "", *name = NULL;

    vd_writer_print(writer, ",\"counter_count\":%zu,\"counters\":[", count);
    for (size_t i = 0; i < count && i < COUNTERS_MAX; i++) {
        struct vd_counter *counter = vd_counters_at(counters, i, &name);

        if (!counter)
            break;
        vd_writer_print(writer, "%s{\"value\":%" PRId64, separator, vd_counter_get(counter));
        print_text(writer, "name", name);
        vd_writer_print(writer, "}");
        separator = ",";
    }
    vd_writer_print(writer, "]");
}

/* ---- the document ------------------------------------------------------------------------------
 */

static size_t write_document(const struct gateway *gateway, char *buffer, size_t capacity)
{
    struct vd_health_worker workers[VD_WORKERS_MAX];
    struct vd_broker_status broker;
    struct vd_health_facts facts;
    struct vd_writer writer;

    gw_admin_gather(gateway, &facts, workers, &broker);
    vd_writer_init(&writer, buffer, capacity);
    print_node(&writer, gateway, &facts);
    print_gateway(&writer, gateway, &facts);
    vd_writer_print(&writer, ",\"worker_deaths_total\":%" PRIu64 ",\"workers\":[",
                    facts.worker_deaths_total);
    for (unsigned i = 0; i < gateway->config->workers; i++)
        print_worker(&writer, gateway, i);
    vd_writer_print(&writer, "]");
    print_broker(&writer, &facts);
    print_tables(&writer, gateway->config->shared_state);
    print_counters(&writer, gateway->config->shared_state);
    vd_writer_print(&writer, "}\n");
    return writer.length;
}

static void respond_document(struct gw_connection *connection)
{
    for (size_t capacity = FIRST_BYTES; capacity <= MOST_BYTES; capacity *= 2) {
        char *buffer = malloc(capacity);
        size_t length = buffer ? write_document(connection->gateway, buffer, capacity) : 0;
        bool fits = length > 0 && length < capacity;

        if (fits)
            gw_respond_text(connection, 200, "application/json", "", buffer, length);
        free(buffer);
        if (fits)
            return;
        if (length == 0)
            break;
    }
    gw_respond_error(connection, 503, "out of memory");
}

void gw_control_handle(struct gw_connection *connection, const struct vd_http_request *head,
                       const char *bytes)
{
    connection->cors = NULL;
    if (head->path.length != strlen(VD_CONTROL_TARGET) ||
        memcmp(bytes + head->path.offset, VD_CONTROL_TARGET, head->path.length) != 0) {
        gw_respond_error(connection, 404, "the control socket has only " VD_CONTROL_TARGET);
    } else if (head->method != VD_HTTP_GET) {
        gw_respond_error(connection, 405, "use GET");
    } else {
        respond_document(connection);
    }
}
