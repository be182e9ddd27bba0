/* SPDX-License-Identifier: Apache-2.0 */
/* The Redis driver against servers that are away, killed, stopped, or not the ones they should be:
 * each has its class of error and its sentence, none of which holds a secret; nothing accepted is
 * lost in silence. */
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <viaduct/broker.h>
#include <viaduct/clock.h>

#include "../support/certificates.h"
#include "../support/redis_server.h"
#include "../support/tcp_proxy.h"

#define DEADLINE_MS 20000
#define PASSWORD    "hunter2"

struct node {
    struct vd_broker *broker;
    char url[64];
    unsigned failures, gaps;
    struct vd_broker_failure failure; /* the last; text is a copy */
    char text[VD_ERROR_TEXT_BYTES];
    size_t count;
    uint64_t last_sequence, jumps; /* of one origin */
    bool backwards;
    bool gap_since;
};

static void failed(struct vd_broker *broker, const struct vd_broker_failure *failure, void *context)
{
    struct node *node = context;

    (void)broker;
    node->failures++;
    node->failure = *failure;
    snprintf(node->text, sizeof(node->text), "%s", failure->text);
    assert_null(strstr(node->text, PASSWORD));
    assert_string_equal(failure->driver, "redis");
}

static void gap_told(struct vd_broker *broker, const struct vd_broker_gap *gap, void *context)
{
    struct node *node = context;

    (void)broker;
    (void)gap;
    node->gaps++;
    node->gap_since = true;
}

static void received(struct vd_broker *broker, const struct vd_message *message, void *context)
{
    struct node *node = context;

    (void)broker;
    if (node->last_sequence && message->sequence <= node->last_sequence)
        node->backwards = true;
    if (message->sequence != node->last_sequence + 1 && !node->gap_since)
        node->jumps++; /* something is missing and nobody said so */
    node->gap_since = false;
    node->last_sequence = message->sequence;
    node->count++;
}

static void node_open(struct node *node, const struct redis_server *server,
                      struct vd_broker_options options)
{
    struct vd_error error;

    *node = (struct node){0};
    snprintf(node->url, sizeof(node->url), "%s:%d",
             options.tls ? "redis://localhost" : "redis://127.0.0.1", server->port);
    if (!options.url)
        options.url = node->url;
    if (!options.backoff_first_ms)
        options.backoff_first_ms = 20;
    if (!options.backoff_cap_ms)
        options.backoff_cap_ms = 200;
    options.on_error = failed;
    options.on_gap = gap_told;
    options.context = node;
    if (vd_broker_open(&options, &node->broker, &error) != VD_OK)
        fail_msg("open: %s", error.text);
    assert_int_equal(vd_broker_subscribe(node->broker, "*", 1, received, node, NULL, NULL), VD_OK);
}

static void until_connected(struct node *node, bool wanted)
{
    uint64_t deadline_ms = vd_monotonic_ms() + DEADLINE_MS;
    struct vd_broker_status status;

    do {
        vd_broker_poll(node->broker, 50);
        vd_broker_status(node->broker, &status);
        if (vd_monotonic_ms() > deadline_ms)
            fail_msg("connected is %d for too long: %s", status.connected, node->text);
    } while (status.connected != wanted);
}

static void until(struct node *node, const size_t *counter, size_t wanted)
{
    uint64_t deadline_ms = vd_monotonic_ms() + DEADLINE_MS;

    while (*counter < wanted) {
        vd_broker_poll(node->broker, 50);
        if (vd_monotonic_ms() > deadline_ms)
            fail_msg("%zu of %zu: %s", *counter, wanted, node->text);
    }
}

static void until_failed(struct node *node, unsigned wanted)
{
    uint64_t deadline_ms = vd_monotonic_ms() + DEADLINE_MS;

    while (node->failures < wanted) {
        vd_broker_poll(node->broker, 50);
        if (vd_monotonic_ms() > deadline_ms)
            fail_msg("no failure");
    }
}

static enum vd_err publish(struct node *node, const char *data)
{
    const struct vd_message message = {.scope = "x",
                                       .scope_length = 1,
                                       .data = data,
                                       .data_length = strlen(data),
                                       .has_data = true};

    return vd_broker_publish(node->broker, &message, NULL);
}

/* ---- away --------------------------------------------------------------------------------------
 */

static void test_absent_at_start(void **state)
{
    struct redis_server server = {0};
    struct vd_broker_status status;
    struct node node;

    (void)state;
    redis_server_prepare(&server);
    node_open(&node, &server, (struct vd_broker_options){0});
    until_failed(&node, 1);
    assert_int_equal(node.failure.code, VD_ERR_CONNECTION);
    assert_int_equal(node.failure.attempt, 1);
    assert_true(node.failure.next_delay_ms >= 10 && node.failure.next_delay_ms <= 20);
    assert_non_null(strstr(node.text, "refused"));
    until_failed(&node, 3);
    assert_int_equal(node.failure.attempt, 3);
    assert_int_equal(publish(&node, "early"), VD_OK);
    vd_broker_status(node.broker, &status);
    assert_int_equal(status.outbox_messages, 1);
    assert_int_equal(status.last_error, VD_ERR_CONNECTION);
    redis_server_start(&server);
    until_connected(&node, true);
    assert_int_equal(node.gaps, 1); /* what others published meanwhile is not known */
    assert_int_equal(vd_broker_flush(node.broker, 10000), VD_OK);
    vd_broker_status(node.broker, &status);
    assert_int_equal(status.outbox_messages, 0);
    assert_true(status.rtt_us > 0);
    vd_broker_destroy(node.broker);
    redis_server_finish(&server);
}

/* The outbox comes whole and in order, to a reader that was back before. */
static void test_what_was_accepted_meanwhile_arrives(void **state)
{
    struct redis_server server = {0};
    struct node writer, reader;
    char text[16];

    (void)state;
    redis_server_prepare(&server);
    redis_server_start(&server);
    node_open(&writer, &server, (struct vd_broker_options){0});
    node_open(&reader, &server, (struct vd_broker_options){0});
    until_connected(&writer, true);
    until_connected(&reader, true);
    assert_int_equal(publish(&writer, "before"), VD_OK);
    assert_int_equal(vd_broker_flush(writer.broker, 10000), VD_OK);
    until(&reader, &reader.count, 1);
    redis_server_kill(&server);
    until_connected(&writer, false);
    until_connected(&reader, false);
    for (unsigned i = 0; i < 900; i++) {
        snprintf(text, sizeof(text), "%u", i);
        assert_int_equal(publish(&writer, text), VD_OK);
    }
    redis_server_start(&server);
    until_connected(&reader, true);
    assert_int_equal(reader.gaps, 1);
    until_connected(&writer, true);
    assert_int_equal(vd_broker_flush(writer.broker, 10000), VD_OK);
    until(&reader, &reader.count, 901);
    assert_int_equal(reader.last_sequence, 901);
    assert_false(reader.backwards);
    assert_int_equal(reader.jumps, 0);
    vd_broker_destroy(writer.broker);
    vd_broker_destroy(reader.broker);
    redis_server_finish(&server);
}

static void test_a_full_outbox(void **state)
{
    struct redis_server server = {0};
    struct vd_broker_status status;
    struct node drops, refuses;

    (void)state;
    redis_server_prepare(&server);
    node_open(&drops, &server, (struct vd_broker_options){.outbox_messages = 5});
    node_open(&refuses, &server,
              (struct vd_broker_options){.outbox_messages = 5, .outbox_policy = VD_OUTBOX_FAIL});
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(publish(&drops, "x"), VD_OK);
        assert_int_equal(publish(&refuses, "x"), i < 5 ? VD_OK : VD_ERR_FULL);
    }
    vd_broker_status(drops.broker, &status);
    assert_int_equal(status.outbox_messages, 5);
    assert_int_equal(status.counters.outbox_drops, 3);
    vd_broker_status(refuses.broker, &status);
    assert_int_equal(status.counters.publish_failures, 3);
    for (unsigned turns = 0; turns < 1000 && drops.failure.code != VD_ERR_FULL; turns++) {
        vd_broker_poll(drops.broker, 10); /* told once, among the failed attempts */
    }
    assert_int_equal(drops.failure.code, VD_ERR_FULL);
    vd_broker_destroy(drops.broker);
    vd_broker_destroy(refuses.broker);
    redis_server_finish(&server);
}

/* Killed and started again while one node writes: in order, none twice, and what is missing was
 * announced. */
static void test_restarts_under_load(void **state)
{
    struct redis_server server = {0};
    struct node writer, reader;
    uint64_t deadline_ms;

    (void)state;
    redis_server_prepare(&server);
    redis_server_start(&server);
    node_open(&writer, &server, (struct vd_broker_options){0});
    node_open(&reader, &server, (struct vd_broker_options){0});
    until_connected(&writer, true);
    until_connected(&reader, true);
    for (unsigned restart = 0; restart < 10; restart++) {
        for (unsigned i = 0; i < 300; i++) {
            assert_int_equal(publish(&writer, "under load"), VD_OK);
            if (i == 150)
                redis_server_kill(&server);
            if (i % 10 == 0) {
                vd_broker_poll(writer.broker, 0);
                vd_broker_poll(reader.broker, 0);
            }
        }
        redis_server_start(&server);
        until_connected(&writer, false);
        until_connected(&reader, false);
        until_connected(&reader, true);
        until_connected(&writer, true);
    }
    assert_int_equal(vd_broker_flush(writer.broker, 10000), VD_OK);
    for (deadline_ms = vd_monotonic_ms() + DEADLINE_MS; reader.last_sequence < 3000;) {
        vd_broker_poll(reader.broker, 50);
        assert_true(vd_monotonic_ms() < deadline_ms);
    }
    assert_int_equal(reader.last_sequence, 3000);
    assert_false(reader.backwards);
    assert_int_equal(reader.jumps, 0);
    assert_true(reader.gaps >= 10);
    vd_broker_destroy(writer.broker);
    vd_broker_destroy(reader.broker);
    redis_server_finish(&server);
}

static void test_a_stopped_server_is_noticed(void **state)
{
    struct redis_server server = {0};
    uint64_t began_ms, took_ms;
    struct node node;

    (void)state;
    redis_server_prepare(&server);
    redis_server_start(&server);
    node_open(&node, &server,
              (struct vd_broker_options){.probe_interval_ms = 500, .connect_timeout_ms = 500});
    until_connected(&node, true);
    kill(server.pid, SIGSTOP);
    began_ms = vd_monotonic_ms();
    until_connected(&node, false);
    took_ms = vd_monotonic_ms() - began_ms;
    assert_true(took_ms >= 400 && took_ms < 2 * 500 + 2000); /* two busy cores */
    assert_int_equal(node.failure.code, VD_ERR_TIMEOUT);
    assert_non_null(strstr(node.text, "frozen"));
    until_failed(&node, 2); /* the kernel still takes connections: the subscription stays away */
    assert_int_equal(node.failure.code, VD_ERR_TIMEOUT);
    assert_non_null(strstr(node.text, "subscription"));
    kill(server.pid, SIGCONT);
    until_connected(&node, true);
    vd_broker_destroy(node.broker);
    redis_server_finish(&server);
}

/* Through a proxy: connections that look healthy and are not. Each is noticed within two probe
 * intervals (and told as what it is), and the node comes back by itself. */
static void test_half_open_and_deaf_links_are_noticed(void **state)
{
    static const enum tcp_proxy_mode modes[] = {TCP_PROXY_FREEZE, TCP_PROXY_DEAFEN};
    struct redis_server server = {0};
    struct tcp_proxy proxy;
    struct node node;

    (void)state;
    redis_server_prepare(&server);
    redis_server_start(&server);
    tcp_proxy_start(&proxy, server.port);
    const struct redis_server through = {.port = proxy.port};
    node_open(&node, &through,
              (struct vd_broker_options){.probe_interval_ms = 500, .connect_timeout_ms = 500});
    until_connected(&node, true);
    for (unsigned i = 0; i < 2; i++) {
        uint64_t began_ms = vd_monotonic_ms();
        unsigned gaps = node.gaps, failures = node.failures;
        tcp_proxy_set(&proxy, modes[i]);
        until_failed(&node, failures + 1);
        assert_true(vd_monotonic_ms() - began_ms < 2 * 500 + 2000);
        assert_int_equal(node.failure.code, VD_ERR_TIMEOUT);
        assert_non_null(strstr(node.text, "half-open or deaf"));
        tcp_proxy_set(&proxy, TCP_PROXY_PASS);
        until_connected(&node, true);
        assert_true(node.gaps > gaps);
    }
    tcp_proxy_set(&proxy, TCP_PROXY_CUT);
    until_connected(&node, false);
    assert_int_equal(node.failure.code, VD_ERR_CONNECTION);
    tcp_proxy_set(&proxy, TCP_PROXY_PASS);
    until_connected(&node, true);
    vd_broker_destroy(node.broker);
    tcp_proxy_stop(&proxy);
    redis_server_finish(&server);
}

static unsigned count_entries(const char *path)
{
    DIR *directory = opendir(path);
    unsigned count = 0;

    assert_non_null(directory);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

/* Neither descriptors nor threads grow. (Memory: the same test under the address sanitizer.) */
static void test_many_reconnects_leave_nothing(void **state)
{
    struct redis_server server = {0};
    unsigned descriptors = 0, threads = 0;
    struct vd_broker_status status;
    struct tcp_proxy proxy;
    struct node node;

    (void)state;
    redis_server_prepare(&server);
    redis_server_start(&server);
    tcp_proxy_start(&proxy, server.port);
    const struct redis_server through = {.port = proxy.port};
    node_open(&node, &through,
              (struct vd_broker_options){.backoff_first_ms = 1, .backoff_cap_ms = 4});
    until_connected(&node, true);
    for (unsigned i = 0; i < 100; i++) {
        tcp_proxy_set(&proxy, TCP_PROXY_CUT);
        until_connected(&node, false);
        tcp_proxy_set(&proxy, TCP_PROXY_PASS);
        until_connected(&node, true);
        if (i == 0) {
            descriptors = count_entries("/proc/self/fd");
            threads = count_entries("/proc/self/task");
        }
    }
    assert_int_equal(count_entries("/proc/self/fd"), descriptors);
    assert_int_equal(count_entries("/proc/self/task"), threads);
    vd_broker_status(node.broker, &status);
    assert_true(status.counters.reconnects >= 100);
    assert_true(node.gaps >= 100 && node.failures >= 100);
    vd_broker_destroy(node.broker);
    tcp_proxy_stop(&proxy);
    redis_server_finish(&server);
}

static void test_a_burst_of_100000(void **state)
{
    struct redis_server server = {0};
    struct node writer, reader;

    (void)state;
    redis_server_prepare(&server);
    redis_server_start(&server);
    node_open(&writer, &server, (struct vd_broker_options){0});
    node_open(&reader, &server, (struct vd_broker_options){0});
    until_connected(&writer, true);
    until_connected(&reader, true);
    for (unsigned i = 0; i < 100000; i++) {
        assert_int_equal(publish(&writer, "one of very many"), VD_OK);
        if (i % 1000 == 0) {
            vd_broker_poll(writer.broker, 0);
            vd_broker_poll(reader.broker, 0);
        }
    }
    assert_int_equal(vd_broker_flush(writer.broker, DEADLINE_MS), VD_OK);
    until(&reader, &reader.count, 100000);
    assert_int_equal(reader.last_sequence, 100000);
    assert_int_equal(reader.gaps + reader.failures + reader.jumps, 0);
    assert_int_equal(writer.gaps + writer.failures, 0);
    vd_broker_destroy(writer.broker);
    vd_broker_destroy(reader.broker);
    redis_server_finish(&server);
}

/* ---- not let in --------------------------------------------------------------------------------
 */

static void fails_with(const struct redis_server *server, struct vd_broker_options options,
                       enum vd_err code, const char *part)
{
    struct node node;

    node_open(&node, server, options);
    until_failed(&node, 2);
    if (node.failure.code != code || !strstr(node.text, part))
        fail_msg("%s: %s", vd_err_name(node.failure.code), node.text);
    assert_int_equal(node.failure.attempt, 2);
    vd_broker_destroy(node.broker);
}

static void test_wrong_passwords_and_rights(void **state)
{
    static const char *const options[] = {
        "--user",   "default",    "off",      "--user",         "mute",           "on",
        ">hunter2", "+subscribe", "+ping",    "&via:broadcast", "--user",         "deaf",
        "on",       ">hunter2",   "+publish", "+ping",          "&via:broadcast", NULL};
    struct redis_server server = {0};

    (void)state;
    memcpy(server.options, options, sizeof(options));
    redis_server_prepare(&server);
    redis_server_start(&server);
    fails_with(&server, (struct vd_broker_options){0}, VD_ERR_AUTHENTICATION,
               "asks for a password");
    fails_with(&server,
               (struct vd_broker_options){.credentials = {.username = "mute", .password = "wrong"}},
               VD_ERR_AUTHENTICATION, "refused user or password (WRONGPASS)");
    fails_with(&server, (struct vd_broker_options){.credentials = {.password = PASSWORD}},
               VD_ERR_AUTHENTICATION, "refused user or password");
    fails_with(
        &server,
        (struct vd_broker_options){.credentials = {.username = "mute", .password = PASSWORD}},
        VD_ERR_AUTHENTICATION, "+subscribe +publish +ping &via:broadcast");
    fails_with(
        &server,
        (struct vd_broker_options){.credentials = {.username = "deaf", .password = PASSWORD}},
        VD_ERR_AUTHENTICATION, "NOPERM");
    redis_server_finish(&server);
}

static void test_wrong_certificates(void **state)
{
    struct redis_server server = {.tls = true};
    char ca[128], other[128], client[128], key[128];

    (void)state;
    redis_server_prepare(&server);
    const char *at = server.directory;
    const struct certificate_wish wishes[] = {
        {.directory = at, .name = "ca"},
        {.directory = at, .name = "other"},
        {.directory = at, .name = "server", .issuer = "ca", .hosts = "DNS:elsewhere.example"},
        {.directory = at, .name = "client", .issuer = "ca"},
    };
    for (size_t i = 0; i < 4; i++)
        certificate_make(&wishes[i]);
    const struct vd_broker_options good = {.tls = true,
                                           .tls_ca_file = certificate_path(ca, at, "ca.pem"),
                                           .tls_certificate_file =
                                               certificate_path(client, at, "client.pem"),
                                           .tls_key_file = certificate_path(key, at, "client.key")};
    struct vd_broker_options wrong = good;

    redis_server_start(&server);
    wrong.tls_ca_file = certificate_path(other, at, "other.pem");
    fails_with(&server, wrong, VD_ERR_TLS, "not signed by an authority");
    fails_with(&server, good, VD_ERR_TLS, "another host name");
    redis_server_kill(&server);

    certificate_make(&(struct certificate_wish){at, "server", "ca", "DNS:localhost", -7200, -60});
    redis_server_start(&server);
    fails_with(&server, good, VD_ERR_TLS, "has expired");
    redis_server_kill(&server);

    certificate_make(&(struct certificate_wish){at, "server", "ca", "DNS:localhost", 0, 0});
    redis_server_start(&server);
    wrong = good;
    wrong.tls_certificate_file = wrong.tls_key_file = NULL;
    fails_with(&server, wrong, VD_ERR_TLS, "certificate");
    fails_with(&server, (struct vd_broker_options){0}, VD_ERR_CONNECTION, ""); /* no TLS at all */
    redis_server_kill(&server);

    server.tls = false;
    redis_server_start(&server);
    wrong = good;
    wrong.connect_timeout_ms = 500; /* it waits for the end of what it takes for a command */
    fails_with(&server, wrong, VD_ERR_TLS, "speak TLS");
    redis_server_finish(&server);
}

static void refused_at_open(struct vd_broker_options options, const char *part)
{
    struct vd_broker *broker = NULL;
    struct vd_error error;

    assert_int_equal(vd_broker_open(&options, &broker, &error), VD_ERR_INVALID);
    assert_null(broker);
    assert_null(strstr(error.text, PASSWORD));
    if (!strstr(error.text, part))
        fail_msg("%s", error.text);
}

static void test_options_that_no_attempt_could_mend(void **state)
{
    static const struct {
        const char *url, *part;
    } urls[] = {
        {"redis://:hunter2@h:0", "port"},
        {"redis://:hunter2@h:65536", "port"},
        {"redis://h:", "port"},
        {"redis://h:1x", "port"},
        {"redis://:hunter2@h/7", "/0"},
        {"redis://:hunter2%@h", "hex"},
        {"redis://:hunter2%4", "one host"},
        {"redis://[::1", "]"},
        {"redis://[::1]x", ":port"},
        {"redis://a,b", "one host"},
        {"redis://:hunter2@:6379", "one host"},
        {"redis://user@h", "without a password"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
        refused_at_open((struct vd_broker_options){.url = urls[i].url}, urls[i].part);
    refused_at_open((struct vd_broker_options){.url = "redis:", .channel = ""}, "channel");
    refused_at_open((struct vd_broker_options){.url = "redis:", .credentials.token = PASSWORD},
                    "user name and a password");
    refused_at_open((struct vd_broker_options){.url = "rediss:", .tls_ca_file = "/nowhere.pem"},
                    "tls_ca_file");
    refused_at_open((struct vd_broker_options){.url = "rediss:", .tls_key_file = "/nowhere.pem"},
                    "tls_certificate_file");
    refused_at_open((struct vd_broker_options){.url = "redis:", .tls_ca_file = "/nowhere.pem"},
                    "rediss://");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_absent_at_start),
        cmocka_unit_test(test_what_was_accepted_meanwhile_arrives),
        cmocka_unit_test(test_a_full_outbox),
        cmocka_unit_test(test_restarts_under_load),
        cmocka_unit_test(test_a_stopped_server_is_noticed),
        cmocka_unit_test(test_half_open_and_deaf_links_are_noticed),
        cmocka_unit_test(test_many_reconnects_leave_nothing),
        cmocka_unit_test(test_a_burst_of_100000),
        cmocka_unit_test(test_wrong_passwords_and_rights),
        cmocka_unit_test(test_wrong_certificates),
        cmocka_unit_test(test_options_that_no_attempt_could_mend),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
