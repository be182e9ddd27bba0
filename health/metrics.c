/* SPDX-License-Identifier: Apache-2.0 */
/* The metrics: Prometheus text exposition format 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). One HELP and one TYPE line a
 * family, then its samples together; counters end in _total; base units (bytes, seconds); label
 * values are few and fixed, so that the number of time series is known beforehand. */
#include <stdio.h>

#include "health.h"
#include "writer.h"

static void family(struct vd_writer *writer, const char *name, const char *type, const char *help)
{
    vd_writer_print(writer, "# HELP viaduct_%s %s.\n# TYPE viaduct_%s %s\n", name, help, name,
                    type);
}

static void single(struct vd_writer *writer, const char *name, const char *type, const char *help,
                   uint64_t value)
{
    family(writer, name, type, help);
    vd_writer_print(writer, "viaduct_%s %llu\n", name, (unsigned long long)value);
}

static void counter(struct vd_writer *writer, const char *name, const char *help, uint64_t value)
{
    single(writer, name, "counter", help, value);
}

static void gauge(struct vd_writer *writer, const char *name, const char *help, uint64_t value)
{
    single(writer, name, "gauge", help, value);
}

static void node_metrics(struct vd_writer *writer, const struct vd_health_facts *facts)
{
    family(writer, "build_info", "gauge", "Version of the server, always 1");
    vd_writer_print(writer, "viaduct_build_info{version=");
    vd_writer_label_value(writer, facts->version);
    vd_writer_print(writer, "} 1\n");
    family(writer, "start_time_seconds", "gauge", "Start of the node, Unix time");
    vd_writer_print(writer, "viaduct_start_time_seconds %llu.%03u\n",
                    (unsigned long long)(facts->started_wall_ms / 1000),
                    (unsigned)(facts->started_wall_ms % 1000));
    gauge(writer, "healthy", "1 when /_health says ok, 0 when degraded",
          vd_health_reasons(facts) == 0);
    gauge(writer, "draining", "1 while the node finishes its work to stop", facts->draining);
}

static void worker_metrics(struct vd_writer *writer, const struct vd_health_facts *facts)
{
    gauge(writer, "workers_configured", "Workers that should run", facts->workers_configured);
    gauge(writer, "workers_ready", "Workers that take requests", facts->workers_ready);
    gauge(writer, "workers_crash_looping",
          "Workers that died repeatedly and wait to be started again",
          facts->workers_crash_looping);
    counter(writer, "worker_deaths_total", "Workers that ended other than by request",
            facts->worker_deaths_total);
    counter(writer, "gateway_deaths_total", "Gateways that ended other than by request",
            facts->gateway_deaths_total);
    counter(writer, "events_dropped_total", "Events that a slow worker did not get",
            facts->events_dropped_total);
}

static void ring_metrics(struct vd_writer *writer, const struct vd_health_facts *facts)
{
    if (!facts->workers || facts->worker_count == 0)
        return;
    family(writer, "ring_depth_bytes", "gauge", "Bytes waiting in the rings of each worker");
    for (uint32_t i = 0; i < facts->worker_count; i++) {
        const struct vd_health_worker *worker = &facts->workers[i];
        vd_writer_print(writer,
                        "viaduct_ring_depth_bytes{worker=\"%u\",ring=\"to_gateway\"} %llu\n", i,
                        (unsigned long long)worker->to_gateway_bytes);
        vd_writer_print(writer, "viaduct_ring_depth_bytes{worker=\"%u\",ring=\"requests\"} %llu\n",
                        i, (unsigned long long)worker->requests_bytes);
        vd_writer_print(writer, "viaduct_ring_depth_bytes{worker=\"%u\",ring=\"events\"} %llu\n", i,
                        (unsigned long long)worker->events_bytes);
    }
    family(writer, "worker_events_dropped_total", "counter",
           "Events that this worker did not get because it was slow");
    for (uint32_t i = 0; i < facts->worker_count; i++) {
        vd_writer_print(writer, "viaduct_worker_events_dropped_total{worker=\"%u\"} %llu\n", i,
                        (unsigned long long)facts->workers[i].events_dropped);
    }
}

static void refusal_metrics(struct vd_writer *writer, const struct vd_health_facts *facts)
{
    static const char *const labels[] = {
#define LABEL_ROW(name, label) label,
        VD_HEALTH_REFUSAL_MAP(LABEL_ROW)
#undef LABEL_ROW
    };

    family(writer, "refused_total", "counter",
           "Requests and connections turned away because of a limit, by reason");
    for (unsigned i = 0; i < VD_HEALTH_REFUSALS; i++) {
        vd_writer_print(writer, "viaduct_refused_total{reason=\"%s\"} %llu\n", labels[i],
                        (unsigned long long)facts->refused_total[i]);
    }
}

static void http_metrics(struct vd_writer *writer, const struct vd_health_facts *facts)
{
    gauge(writer, "http_connections_open", "Open client connections", facts->connections_open);
    counter(writer, "http_connections_accepted_total", "Client connections accepted",
            facts->connections_accepted_total);
    counter(writer, "http_requests_total", "Requests received", facts->requests_total);
    family(writer, "http_responses_total", "counter", "Responses by class of their status");
    for (unsigned i = 0; i < VD_HEALTH_CLASSES; i++) {
        vd_writer_print(writer, "viaduct_http_responses_total{class=\"%uxx\"} %llu\n", i + 1,
                        (unsigned long long)facts->responses_total[i]);
    }
    gauge(writer, "http_queue_depth", "Requests that wait for a worker", facts->queue_depth);
    refusal_metrics(writer, facts);
    counter(writer, "access_log_dropped_total",
            "Lines of the access log that were dropped because it was not taken fast enough",
            facts->access_log_dropped_total);
}

static void message_metrics(struct vd_writer *writer, const struct vd_health_facts *facts)
{
    gauge(writer, "contexts", "Open contexts (a page in a tab)", facts->contexts);
    gauge(writer, "sse_streams_open", "Open event streams", facts->sse);
    counter(writer, "sse_streams_opened_total", "Event streams opened",
            facts->streams_opened_total);
    counter(writer, "messages_published_total", "Messages taken from workers and the broker",
            facts->messages_published_total);
    counter(writer, "messages_delivered_total", "Copies of messages handed to streams",
            facts->messages_delivered_total);
    counter(writer, "messages_replayed_total",
            "Copies of messages handed to streams that came back", facts->messages_replayed_total);
    counter(
        writer, "messages_dropped_total",
        "Messages and copies of them that were given up: the stream was slow, no worker came for "
        "them, or a restart cut them off",
        facts->messages_dropped_total);
    counter(writer, "sse_gaps_total", "Times that a stream was told that messages may be missing",
            facts->stream_gaps_total);
    gauge(writer, "history_first_offset", "Oldest message kept for replay", facts->history_first);
    gauge(writer, "history_next_offset", "Offset of the next message", facts->history_next);
}

static void broker_sample(struct vd_writer *writer, const struct vd_health_facts *facts,
                          const char *name, const char *type, const char *help, uint64_t value)
{
    family(writer, name, type, help);
    vd_writer_print(writer, "viaduct_%s{driver=", name);
    vd_writer_label_value(writer, facts->driver);
    vd_writer_print(writer, "} %llu\n", (unsigned long long)value);
}

static void broker_metrics(struct vd_writer *writer, const struct vd_health_facts *facts)
{
    const struct vd_broker_status *broker = facts->broker;

    broker_sample(writer, facts, "broker_connected", "gauge",
                  "1 when messages can pass to and from other nodes", facts->connected);
    if (!broker)
        return;
#define COUNTER_ROW(member, help)                                                                  \
    broker_sample(writer, facts, "broker_" #member "_total", "counter", help,                      \
                  broker->counters.member);
    VD_BROKER_COUNTER_MAP(COUNTER_ROW)
#undef COUNTER_ROW
    broker_sample(writer, facts, "broker_outbox_messages", "gauge",
                  "Messages accepted and not yet handed over", broker->outbox_messages);
    broker_sample(writer, facts, "broker_outbox_bytes", "gauge", "Bytes of those messages",
                  broker->outbox_bytes);
    broker_sample(writer, facts, "broker_failed_attempts", "gauge",
                  "Failed attempts since the link was last up for good", broker->attempts);
    family(writer, "broker_round_trip_seconds", "gauge", "Last round trip to the broker");
    vd_writer_print(writer, "viaduct_broker_round_trip_seconds{driver=");
    vd_writer_label_value(writer, facts->driver);
    vd_writer_print(writer, "} %llu.%06u\n", (unsigned long long)(broker->rtt_us / 1000000),
                    (unsigned)(broker->rtt_us % 1000000));
}

size_t vd_health_metrics(const struct vd_health_facts *facts, char *buffer, size_t capacity)
{
    struct vd_writer writer;

    vd_writer_init(&writer, buffer, capacity);
    node_metrics(&writer, facts);
    worker_metrics(&writer, facts);
    ring_metrics(&writer, facts);
    http_metrics(&writer, facts);
    message_metrics(&writer, facts);
    broker_metrics(&writer, facts);
    return writer.length;
}
