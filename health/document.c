/* SPDX-License-Identifier: Apache-2.0 */
/* The health document: what a load balancer, a probe and a person with curl read.
 *
 * The first four members are those that php-via prints, in its order and layout; ours follow them.
 * "degraded" always comes with its reasons, as fixed words that an alert can match. */
#include "health.h"
#include "writer.h"

static const char *const reason_words[] = {"broker_disconnected", "no_worker_ready",
                                           "worker_crash_loop", "draining", "not_reporting"};
#define REASON_COUNT (sizeof(reason_words) / sizeof(reason_words[0]))

unsigned vd_health_reasons(const struct vd_health_facts *facts)
{
    unsigned reasons = 0;

    if (!facts->connected)
        reasons |= VD_HEALTH_BROKER_DISCONNECTED;
    if (facts->workers_configured > 0 && facts->workers_ready == 0)
        reasons |= VD_HEALTH_NO_WORKER_READY;
    if (facts->workers_crash_looping > 0)
        reasons |= VD_HEALTH_WORKER_CRASH_LOOP;
    if (facts->draining)
        reasons |= VD_HEALTH_DRAINING;
    if (facts->stale)
        reasons |= VD_HEALTH_NOT_REPORTING;
    return reasons;
}

unsigned vd_health_http_status(const struct vd_health_facts *facts)
{
    return vd_health_reasons(facts) ? 503 : 200;
}

static void print_reasons(struct vd_writer *writer, unsigned reasons)
{
    const char *separator = "";

    vd_writer_print(writer, ",\n  \"reasons\": [");
    for (unsigned i = 0; i < REASON_COUNT; i++) {
        if (!(reasons & 1u << i))
            continue;
        vd_writer_print(writer, "%s\"%s\"", separator, reason_words[i]);
        separator = ", ";
    }
    vd_writer_print(writer, "]");
}

static void print_seed_members(struct vd_writer *writer, const struct vd_health_facts *facts,
                               unsigned reasons)
{
    vd_writer_print(writer,
                    "{\n  \"status\": \"%s\",\n  \"version\": ", reasons ? "degraded" : "ok");
    vd_writer_json_string(writer, facts->version);
    vd_writer_print(writer, ",\n  \"broker\": {\n    \"driver\": ");
    vd_writer_json_string(writer, facts->driver);
    vd_writer_print(writer, ",\n    \"connected\": %s\n  },\n",
                    facts->connected ? "true" : "false");
    vd_writer_print(writer, "  \"connections\": {\n    \"contexts\": %llu,\n    \"sse\": %llu\n  }",
                    (unsigned long long)facts->contexts, (unsigned long long)facts->sse);
}

static uint64_t uptime_seconds(const struct vd_health_facts *facts)
{
    /* the wall clock may have been set back */
    if (facts->now_wall_ms < facts->started_wall_ms)
        return 0;
    return (facts->now_wall_ms - facts->started_wall_ms) / 1000;
}

size_t vd_health_document(const struct vd_health_facts *facts, char *buffer, size_t capacity)
{
    unsigned reasons = vd_health_reasons(facts);
    struct vd_writer writer;

    vd_writer_init(&writer, buffer, capacity);
    print_seed_members(&writer, facts, reasons);
    if (reasons)
        print_reasons(&writer, reasons);
    if (facts->node_id) {
        vd_writer_print(&writer, ",\n  \"node\": ");
        vd_writer_json_string(&writer, facts->node_id);
    }
    vd_writer_print(&writer,
                    ",\n  \"workers\": {\n    \"configured\": %u,\n    \"ready\": %u,\n"
                    "    \"restarts\": %llu\n  }",
                    facts->workers_configured, facts->workers_ready,
                    (unsigned long long)facts->worker_deaths_total);
    vd_writer_print(&writer, ",\n  \"uptime_seconds\": %llu\n}\n",
                    (unsigned long long)uptime_seconds(facts));
    return writer.length;
}
