/* SPDX-License-Identifier: Apache-2.0 */
/* The health document against the bytes it should be, the metrics against a strict reader of the
 * exposition format 0.0.4 that is written here from its specification. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "health.h"

static struct vd_health_facts healthy_facts(void)
{
    return (struct vd_health_facts){
        .version = "0.7.0",
        .started_wall_ms = 1000000,
        .now_wall_ms = 1061999,
        .driver = "RedisBroker",
        .connected = true,
        .workers_configured = 4,
        .workers_ready = 4,
        .worker_deaths_total = 2,
        .contexts = 42,
        .sse = 38,
    };
}

static void test_document_is_the_seed_first(void **state)
{
    struct vd_health_facts facts = healthy_facts();
    char text[VD_HEALTH_DOCUMENT_BYTES];

    (void)state;
    facts.node_id = "0123456789abcdef";
    size_t length = vd_health_document(&facts, text, sizeof(text));
    assert_int_equal(length, strlen(text));
    assert_string_equal(text, "{\n"
                              "  \"status\": \"ok\",\n"
                              "  \"version\": \"0.7.0\",\n"
                              "  \"broker\": {\n"
                              "    \"driver\": \"RedisBroker\",\n"
                              "    \"connected\": true\n"
                              "  },\n"
                              "  \"connections\": {\n"
                              "    \"contexts\": 42,\n"
                              "    \"sse\": 38\n"
                              "  },\n"
                              "  \"node\": \"0123456789abcdef\",\n"
                              "  \"workers\": {\n"
                              "    \"configured\": 4,\n"
                              "    \"ready\": 4,\n"
                              "    \"restarts\": 2\n"
                              "  },\n"
                              "  \"uptime_seconds\": 61\n"
                              "}\n");
    assert_int_equal(vd_health_http_status(&facts), 200);
}

static void test_degraded_names_every_reason(void **state)
{
    struct vd_health_facts facts = healthy_facts();
    char text[VD_HEALTH_DOCUMENT_BYTES];

    (void)state;
    facts.connected = false;
    vd_health_document(&facts, text, sizeof(text));
    assert_non_null(strstr(text, "\"status\": \"degraded\""));
    assert_non_null(strstr(text, "  },\n  \"reasons\": [\"broker_disconnected\"],\n"));
    assert_int_equal(vd_health_http_status(&facts), 503);

    facts.workers_ready = 0;
    facts.workers_crash_looping = 4;
    facts.draining = true;
    vd_health_document(&facts, text, sizeof(text));
    assert_non_null(strstr(text, "\"reasons\": [\"broker_disconnected\", \"no_worker_ready\", "
                                 "\"worker_crash_loop\", \"draining\"]"));

    facts = healthy_facts();
    facts.workers_ready = 3; /* one is being recycled */
    assert_int_equal(vd_health_http_status(&facts), 200);
}

static void test_document_survives_any_string(void **state)
{
    struct vd_health_facts facts = healthy_facts();
    char text[VD_HEALTH_DOCUMENT_BYTES], large[5000];

    (void)state;
    facts.version = "1\"\\\n\x7f\xff\xc3\xa4\xed\xa0\x80\xf0\x9f\x98\x80";
    facts.driver = NULL;
    vd_health_document(&facts, text, sizeof(text));
    assert_non_null(strstr(text, "\"version\": \"1\\\"\\\\\\u000a\\u007f\xef\xbf\xbd\xc3\xa4"
                                 "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xf0\x9f\x98\x80\",\n"));
    assert_non_null(strstr(text, "\"driver\": \"\","));

    memset(large, 1, sizeof(large) - 1);
    large[sizeof(large) - 1] = '\0';
    facts.version = facts.node_id = large;
    assert_true(vd_health_document(&facts, text, sizeof(text)) < sizeof(text));
    facts.now_wall_ms = 0; /* the clock was set back */
    vd_health_document(&facts, text, sizeof(text));
    assert_non_null(strstr(text, "\"uptime_seconds\": 0\n"));
}

static void test_too_small_a_buffer_is_told(void **state)
{
    struct vd_health_facts facts = healthy_facts();
    char whole[VD_HEALTH_DOCUMENT_BYTES];
    size_t wanted = vd_health_document(&facts, whole, sizeof(whole));

    (void)state;
    assert_int_equal(vd_health_document(&facts, NULL, 0), wanted);
    for (size_t capacity = 1; capacity <= wanted + 1; capacity++) {
        char *exact = malloc(capacity); /* so that a sanitizer sees one byte too many */
        assert_non_null(exact);
        assert_int_equal(vd_health_document(&facts, exact, capacity), wanted);
        assert_int_equal(strlen(exact), capacity - 1);
        assert_memory_equal(exact, whole, capacity - 1);
        free(exact);
    }
}

/* ---- the strict reader -------------------------------------------------------------------------
 */

#define NAMES_MAX  256
#define SERIES_MAX 2048

struct reader {
    const char *at;
    char families[NAMES_MAX][96];
    size_t family_count;
    char type[16];
    char series[SERIES_MAX][640];
    size_t series_count;
    size_t samples_in_family;
};

static size_t read_name(const char *at)
{
    size_t length = 0;

    assert_true(isalpha((unsigned char)at[0]) || at[0] == '_');
    while (isalnum((unsigned char)at[length]) || at[length] == '_' || at[length] == ':')
        length++;
    return length;
}

static void expect(struct reader *reader, const char *text)
{
    assert_int_equal(strncmp(reader->at, text, strlen(text)), 0);
    reader->at += strlen(text);
}

/* "# HELP name text\n# TYPE name type\n" */
static void read_family(struct reader *reader)
{
    char *name = reader->families[reader->family_count];
    size_t length;

    expect(reader, "# HELP ");
    length = read_name(reader->at);
    assert_true(length < sizeof(reader->families[0]));
    memcpy(name, reader->at, length);
    name[length] = '\0';
    for (size_t i = 0; i < reader->family_count; i++)
        assert_string_not_equal(reader->families[i], name);
    reader->family_count++;
    reader->at += length;
    expect(reader, " ");
    for (; *reader->at != '\n'; reader->at++) {
        assert_int_not_equal(*reader->at, '\0');
        if (*reader->at == '\\') {
            reader->at++;
            assert_true(*reader->at == '\\' || *reader->at == 'n');
        }
    }
    expect(reader, "\n# TYPE ");
    expect(reader, name);
    expect(reader, " ");
    length = strcspn(reader->at, "\n");
    assert_true(length < sizeof(reader->type));
    memcpy(reader->type, reader->at, length);
    reader->type[length] = '\0';
    assert_true(strcmp(reader->type, "counter") == 0 || strcmp(reader->type, "gauge") == 0);
    reader->at += length;
    expect(reader, "\n");
    bool total = strlen(name) > 6 && strcmp(name + strlen(name) - 6, "_total") == 0;
    assert_int_equal(total, strcmp(reader->type, "counter") == 0);
    reader->samples_in_family = 0;
}

/* {name="value",...} with \\, \" and \n as the only escapes */
static void read_labels(struct reader *reader)
{
    if (*reader->at != '{')
        return;
    do {
        reader->at++;
        reader->at += read_name(reader->at);
        expect(reader, "=\"");
        for (; *reader->at != '"'; reader->at++) {
            assert_true(*reader->at != '\0' && *reader->at != '\n');
            if (*reader->at == '\\') {
                reader->at++;
                assert_true(*reader->at == '\\' || *reader->at == '"' || *reader->at == 'n');
            }
        }
        reader->at++;
    } while (*reader->at == ',');
    expect(reader, "}");
}

static void read_sample(struct reader *reader)
{
    const char *start = reader->at;
    char *end;

    expect(reader, reader->families[reader->family_count - 1]);
    assert_true(*reader->at == '{' || *reader->at == ' ');
    read_labels(reader);
    size_t length = (size_t)(reader->at - start);
    char *series = reader->series[reader->series_count++];
    assert_true(reader->series_count < SERIES_MAX && length < sizeof(reader->series[0]));
    memcpy(series, start, length);
    series[length] = '\0';
    for (size_t i = 0; i + 1 < reader->series_count; i++)
        assert_string_not_equal(reader->series[i], series);
    expect(reader, " ");
    assert_true(isdigit((unsigned char)*reader->at)); /* no padding, sign or hex of ours */
    strtod(reader->at, &end);
    reader->at = end;
    expect(reader, "\n");
    reader->samples_in_family++;
}

/* Each family has its samples right after its two lines, and at least one. */
static size_t read_all(const char *text)
{
    static struct reader reader; /* too large for a stack under a sanitizer */

    memset(&reader, 0, sizeof(reader));
    reader.at = text;
    while (*reader.at != '\0') {
        assert_true(reader.family_count < NAMES_MAX);
        read_family(&reader);
        while (*reader.at != '#' && *reader.at != '\0')
            read_sample(&reader);
        assert_true(reader.samples_in_family > 0);
    }
    return reader.series_count;
}

static void test_metrics_are_well_formed(void **state)
{
    struct vd_health_facts facts = healthy_facts();
    struct vd_health_worker workers[2] = {{.requests_bytes = 17}, {.events_dropped = 5}};
    struct vd_broker_status broker = {.rtt_us = 1234567, .counters.gaps = 3};
    char text[VD_HEALTH_METRICS_BYTES(2)];

    (void)state;
    facts.version = "0\\1\"\n";
    facts.workers = workers;
    facts.worker_count = 2;
    facts.broker = &broker;
    facts.responses_total[4] = 9;
    assert_true(vd_health_metrics(&facts, text, sizeof(text)) < sizeof(text));
    size_t with_broker = read_all(text);
    assert_non_null(strstr(text, "viaduct_build_info{version=\"0\\\\1\\\"\\n\"} 1\n"));
    assert_non_null(strstr(text, "viaduct_start_time_seconds 1000.000\n"));
    assert_non_null(strstr(text, "viaduct_http_responses_total{class=\"5xx\"} 9\n"));
    assert_non_null(strstr(text, "viaduct_ring_depth_bytes{worker=\"0\",ring=\"requests\"} 17\n"));
    assert_non_null(strstr(text, "viaduct_worker_events_dropped_total{worker=\"1\"} 5\n"));
    assert_non_null(strstr(text, "viaduct_broker_gaps_total{driver=\"RedisBroker\"} 3\n"));
    assert_non_null(
        strstr(text, "viaduct_broker_round_trip_seconds{driver=\"RedisBroker\"} 1.234567\n"));
    assert_non_null(strstr(text, "viaduct_healthy 1\n"));

    facts.broker = NULL;
    facts.workers = NULL;
    vd_health_metrics(&facts, text, sizeof(text));
    assert_true(read_all(text) < with_broker);
}

static void test_metrics_fit_the_room_named(void **state)
{
    static struct vd_health_worker workers[256];
    static char text[VD_HEALTH_METRICS_BYTES(256)];
    static char large[400];
    struct vd_broker_status broker;
    struct vd_health_facts facts;

    (void)state;
    memset(workers, 0xff, sizeof(workers)); /* the longest numbers there are */
    memset(&broker, 0xff, sizeof(broker));
    memset(&facts, 0xff, sizeof(facts));
    memset(large, '"', sizeof(large) - 1);
    facts.version = facts.node_id = large;
    facts.driver = "PipeBroker";
    facts.draining = facts.connected = facts.stale = true;
    facts.broker = &broker;
    facts.workers = workers;
    facts.worker_count = 256;
    assert_true(vd_health_metrics(&facts, text, sizeof(text)) < sizeof(text));
    read_all(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_document_is_the_seed_first),
        cmocka_unit_test(test_degraded_names_every_reason),
        cmocka_unit_test(test_document_survives_any_string),
        cmocka_unit_test(test_too_small_a_buffer_is_told),
        cmocka_unit_test(test_metrics_are_well_formed),
        cmocka_unit_test(test_metrics_fit_the_room_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
