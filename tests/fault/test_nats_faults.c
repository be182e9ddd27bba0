/* SPDX-License-Identifier: Apache-2.0 */
/* The NATS driver: the faults that all drivers share, then those that only NATS has. No sentence
 * holds a secret; nothing accepted is lost in silence. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <viaduct/clock.h>

#include "../support/nkeys.h"
#include "broker_faults.h"

static const struct fault_driver driver = {
    .greets_in_whole_lines = true, /* cnats 3.4, now and then */
    .server = &broker_server_nats,
    .subscribe = "SUB ",
    .texts =
        {
            .refused = "refused",
            .frozen = "frozen, half-open or deaf",
            .mute = "did not answer in time",
            .ended = "closed",
            .stalled_handshake = "did not finish the TLS handshake in time",
            .wrong_authority = "not signed by an authority",
            .wrong_host = "another host name",
            .expired = "has expired",
            .wrong_purpose = "not meant for servers",
            .client_certificate = "certificate",
            .no_tls = "speak TLS",
        },
};

#define LOGINS 1000

/* ---- not let in --------------------------------------------------------------------------------
 */

#define USERS                                                                                      \
    "authorization { users: [\n"                                                                   \
    "  { user: node, password: hunter2 }\n"                                                        \
    "  { user: mute, password: hunter2, permissions: {"                                            \
    "    publish: { deny: \"via.>\" }, subscribe: \">\" } }\n"                                     \
    "  { user: deaf, password: hunter2, permissions: {"                                            \
    "    publish: \">\", subscribe: { deny: \"via.>\" } } }\n"                                     \
    "] }\n"

static void test_wrong_passwords_and_rights(void **state)
{
    const struct {
        struct vd_broker_credentials credentials;
        const char *part;
    } rows[] = {
        {{0}, "refused the credentials"},
        {{.username = "node", .password = "wrong"}, "refused the credentials"},
        {{.username = "nobody", .password = FAULT_SECRET}, "refused the credentials"},
        {{.token = FAULT_SECRET}, "refused the credentials"},
        {{.username = "mute", .password = FAULT_SECRET}, "may not publish on via.broadcast"},
        {{.username = "deaf", .password = FAULT_SECRET}, "may not subscribe on via.broadcast"},
    };
    struct fault_world *world = *state;

    world->server.config = USERS;
    fault_start(world);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fault_fails_with(world, (struct vd_broker_options){.credentials = rows[i].credentials},
                         VD_ERR_AUTHENTICATION, rows[i].part);
    }
}

static void test_a_wrong_token(void **state)
{
    struct fault_world *world = *state;

    world->server.config = "authorization { token: hunter2 }\n";
    fault_start(world);
    fault_fails_with(world, (struct vd_broker_options){.credentials.token = "wrong"},
                     VD_ERR_AUTHENTICATION, "refused the credentials");
    fault_open(world, 0, (struct vd_broker_options){.credentials.token = FAULT_SECRET});
    fault_until_connected(world, &world->nodes[0], true);
}

/* Again and again, since cnats 3.4 does not send 1 signature in 256. */
static void none_is_refused(struct fault_world *world, struct vd_broker_options options)
{
    struct fault_node *node = &world->nodes[0];

    for (unsigned i = 0; i < LOGINS; i++) {
        fault_open(world, 0, options);
        fault_until_connected(world, node, true);
        assert_int_equal(node->failures, 0);
        fault_close(node);
    }
}

/* A new key in the file, and in the server's configuration. */
static void make_nkey(const char *path, char *config, size_t capacity)
{
    struct nkey key;

    nkey_make(&key, NKEY_USER);
    nkey_write_seed(&key, path);
    snprintf(config, capacity, "authorization { users: [ { nkey: %s } ] }\n", key.public_key);
    nkey_finish(&key);
}

static void test_nkeys(void **state)
{
    struct fault_world *world = *state;
    char path[128], config[4096];

    certificate_path(path, world->server.directory, "user.nk");
    make_nkey(path, config, sizeof(config));
    world->server.config = config;
    fault_start(world);
    none_is_refused(world, (struct vd_broker_options){.credentials.seed_file = path});
}

static void test_signed_users(void **state)
{
    struct fault_world *world = *state;
    char path[128], config[4096];

    certificate_path(path, world->server.directory, "user.creds");
    nkey_write_creds(path, config, sizeof(config));
    world->server.config = config;
    fault_start(world);
    none_is_refused(world, (struct vd_broker_options){.credentials.creds_file = path});
    broker_server_kill(&world->server);
    world->server.config = NULL; /* it asks nobody: there is no nonce */
    fault_start(world);
    fault_open(world, 0, (struct vd_broker_options){.credentials.creds_file = path});
    fault_until_connected(world, &world->nodes[0], true);
}

/* The server comes back with other keys, and so does the file: the next attempt reads it. */
static void test_keys_that_change(void **state)
{
    struct vd_broker_options options = {0};
    struct fault_world *world = *state;
    char path[128], config[4096];

    certificate_path(path, world->server.directory, "user.key");
    world->server.config = config;
    for (unsigned creds = 0; creds < 2; creds++) {
        for (unsigned i = 0; i < 3; i++) {
            if (creds) {
                nkey_write_creds(path, config, sizeof(config));
                options.credentials = (struct vd_broker_credentials){.creds_file = path};
            } else {
                make_nkey(path, config, sizeof(config));
                options.credentials = (struct vd_broker_credentials){.seed_file = path};
            }
            fault_start(world);
            if (i == 0)
                fault_open(world, 0, options);
            fault_until_connected(world, &world->nodes[0], true);
            broker_server_kill(&world->server);
            fault_until_connected(world, &world->nodes[0], false);
        }
    }
    world->server.config = NULL;
}

static void test_tls_is_wanted(void **state)
{
    struct fault_world *world = *state;

    fault_make_certificates(world, NULL);
    fault_start(world);
    fault_fails_with(world, (struct vd_broker_options){0}, VD_ERR_TLS, "use tls://");
}

static void test_an_address_in_the_certificate(void **state)
{
    struct vd_broker_options options;
    struct fault_world *world = *state;
    char url[64];

    fault_make_certificates(world, NULL);
    fault_start(world);
    options = fault_tls(world, (struct vd_broker_options){0});
    snprintf(url, sizeof(url), "tls://127.0.0.1:%s", world->server.port_text);
    options.url = url;
    fault_open(world, 0, options);
    fault_until_connected(world, &world->nodes[0], true);
}

static void refused_at_open(struct vd_broker_options options, const char *part)
{
    struct vd_broker *broker = NULL;
    struct vd_error error;

    assert_int_equal(vd_broker_open(&options, &broker, &error), VD_ERR_INVALID);
    assert_null(broker);
    assert_null(strstr(error.text, FAULT_SECRET));
    if (!strstr(error.text, part))
        fail_msg("%s", error.text);
}

static void test_options_that_no_attempt_could_mend(void **state)
{
    static const struct {
        const char *channel, *part;
    } channels[] = {{"", "channel"}, {"a b", "channel"}, {"a.*", "wildcards"}, {"a.>", "wildcards"},
                    {".a", "empty"}, {"a.", "empty"},    {"a..b", "empty"},    {"a\nb", "control"}};
    char longest[258];

    (void)state; /* more of URLs: unit/test_nats_url */
    for (size_t i = 0; i < sizeof(channels) / sizeof(channels[0]); i++)
        refused_at_open((struct vd_broker_options){.url = "nats:", .channel = channels[i].channel},
                        channels[i].part);
    memset(longest, 'a', 257);
    longest[257] = '\0';
    refused_at_open((struct vd_broker_options){.url = "nats:", .channel = longest}, "257 bytes");
    refused_at_open((struct vd_broker_options){.url = "nats://hunter2@h:0"}, "port");
    refused_at_open((struct vd_broker_options){.url = "nats:", .credentials.username = "u"},
                    "without a password");
    refused_at_open((struct vd_broker_options){.url = "nats://hunter2@h",
                                               .credentials = {"u", "p", NULL, NULL, NULL}},
                    "one kind");
    refused_at_open((struct vd_broker_options){.url = "nats:", .credentials.seed_file = "/none"},
                    "credentials.seed_file");
    refused_at_open((struct vd_broker_options){.url = "nats:", .credentials.creds_file = "/none"},
                    "credentials.creds_file");
    refused_at_open((struct vd_broker_options){.url = "tls:", .tls_ca_file = "/nowhere.pem"},
                    "tls_ca_file");
    refused_at_open((struct vd_broker_options){.url = "tls:", .tls_key_file = "/nowhere.pem"},
                    "tls_certificate_file");
    refused_at_open((struct vd_broker_options){.url = "nats:", .tls_ca_file = "/nowhere.pem"},
                    "tls://");
}

/* ---- limits ------------------------------------------------------------------------------------
 */

static void until_text(struct fault_world *world, struct fault_node *node, enum vd_err code,
                       const char *part)
{
    uint64_t deadline_ms = vd_monotonic_ms() + FAULT_DEADLINE_MS;

    while (node->failure.code != code || !strstr(node->text, part)) {
        fault_turn(world, 50);
        if (vd_monotonic_ms() > deadline_ms)
            fail_msg("%s: %s", vd_err_name(node->failure.code), node->text);
    }
}

/* While it is up a publish over the server's limit is refused; one that was accepted before is
 * dropped, counted, told, and in nobody's way. */
static void test_a_message_over_max_payload(void **state)
{
    static char large[100000];
    struct fault_world *world = *state;
    struct vd_message message = {
        .scope = "x", .scope_length = 1, .has_data = true, .data = large, .data_length = 99999};
    struct fault_node *writer, *reader;
    struct vd_broker_status status;
    struct vd_error error;

    memset(large, 'x', sizeof(large) - 1);
    world->server.config = "max_payload: 64KB\n";
    writer = fault_open(world, 0, (struct vd_broker_options){0});
    reader = fault_open(world, 1, (struct vd_broker_options){0});
    writer->asleep = true;
    assert_int_equal(fault_publish(writer, "before"), VD_OK);
    assert_int_equal(fault_publish(writer, large), VD_OK);
    assert_int_equal(fault_publish(writer, "after"), VD_OK);
    fault_start(world);
    fault_until_connected(world, reader, true);
    writer->asleep = false;
    until_text(world, writer, VD_ERR_TOO_LARGE, "max_payload");
    fault_until_sequence(world, reader, 3);
    fault_flush(world, writer);
    assert_int_equal(reader->count, 2);
    assert_int_equal(reader->jumps, 0);
    vd_broker_status(writer->broker, &status);
    assert_true(status.connected);
    assert_int_equal(status.counters.outbox_drops, 1);
    assert_int_equal(status.counters.failures, writer->failures - 1); /* the link is as it was */
    assert_int_equal(status.last_error, VD_OK);
    assert_int_equal(vd_broker_publish(writer->broker, &message, &error), VD_ERR_TOO_LARGE);
    assert_non_null(strstr(error.text, "65536"));
    assert_int_equal(fault_publish(writer, "still here"), VD_OK);
    fault_until_sequence(world, reader, 4);
}

/* Dropped with nothing after it: the next probe says so. */
static void test_a_last_message_over_max_payload(void **state)
{
    static char large[100000];
    struct fault_world *world = *state;
    struct fault_node *writer, *reader;

    memset(large, 'x', sizeof(large) - 1);
    world->server.config = "max_payload: 64KB\n";
    writer = fault_open(world, 0, (struct vd_broker_options){.probe_interval_ms = 2000});
    reader = fault_open(world, 1, (struct vd_broker_options){.probe_interval_ms = 2000});
    writer->asleep = true;
    assert_int_equal(fault_publish(writer, "before"), VD_OK);
    assert_int_equal(fault_publish(writer, large), VD_OK);
    fault_start(world);
    fault_until_connected(world, reader, true);
    fault_turn(world, 0);
    reader->gaps = 0; /* of the attempts before */
    writer->asleep = false;
    fault_until_gaps(world, reader, 1);
    assert_int_equal(reader->count, 1);
    assert_int_equal(reader->missed, 1);
    assert_int_equal(reader->jumps, 0);
}

/* The reader is told what it missed, the link stays. */
static void test_a_slow_reader(void **state)
{
    static char large[10001];
    struct fault_world *world = *state;
    struct fault_node *writer = &world->nodes[0], *reader = &world->nodes[1];
    struct vd_broker_status status;

    memset(large, 'x', sizeof(large) - 1);
    fault_start_pair(world, (struct vd_broker_options){.inbox_bytes = 1024 * 1024});
    reader->asleep = true;
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(fault_publish(writer, large), VD_OK);
        if (i % 100 == 99)
            fault_flush(world, writer); /* the outbox is not the subject */
    }
    fault_flush(world, writer);
    reader->asleep = false;
    while (reader->gaps == 0)
        fault_turn(world, 50);
    assert_int_equal(fault_publish(writer, "after"), VD_OK);
    fault_until_sequence(world, reader, 1001);
    assert_int_equal(reader->jumps + reader->failures, 0);
    vd_broker_status(reader->broker, &status);
    assert_true(status.counters.inbox_drops > 0 && reader->count < 1001);
    assert_int_equal(reader->count + status.counters.inbox_drops, 1001);
    assert_int_equal(status.counters.resyncs, 0);
}

/* ---- credentials for each attempt --------------------------------------------------------------
 */

struct vault {
    enum vd_err answer;
    struct vd_broker_credentials credentials;
    unsigned asked;
};

static enum vd_err ask_vault(struct vd_broker_credentials *credentials, void *context)
{
    struct vault *vault = ((struct fault_node *)context)->vault;

    vault->asked++;
    *credentials = vault->credentials;
    return vault->answer;
}

static void test_credentials_for_each_attempt(void **state)
{
    struct vault vault = {.answer = VD_ERR_EMPTY};
    struct fault_world *world = *state;
    struct fault_node *node;
    unsigned asked;

    world->server.config = USERS;
    fault_start(world);
    node = fault_open(world, 0,
                      (struct vd_broker_options){.credentials_for_attempt = ask_vault,
                                                 .connect_timeout_ms = 1000});
    node->vault = &vault;
    until_text(world, node, VD_ERR_AUTHENTICATION, "not there in time");
    vault.answer = VD_ERR_SYSTEM;
    until_text(world, node, VD_ERR_AUTHENTICATION, "no credentials could be had");
    vault.answer = VD_OK;
    vault.credentials.username = "node";
    vault.credentials.password = "wrong";
    until_text(world, node, VD_ERR_AUTHENTICATION, "refused the credentials");
    vault.credentials.password = FAULT_SECRET;
    fault_until_connected(world, node, true);
    asked = vault.asked;
    broker_server_kill(&world->server);
    fault_until_connected(world, node, false);
    fault_start(world);
    fault_until_connected(world, node, true);
    assert_true(vault.asked > asked);
}

/* ---- several servers ---------------------------------------------------------------------------
 */

/* One attempt tries each server in turn; the one that is lost is not tried first again. */
static void test_a_list_of_servers(void **state)
{
    struct fault_world *world = *state;
    struct fault_node *node, *other;
    char url[128];

    broker_server_prepare(&world->other);
    fault_start(world);
    broker_server_start(&world->other);
    snprintf(url, sizeof(url), "nats://127.0.0.1:1,127.0.0.1:%s,nats://127.0.0.1:%s",
             world->server.port_text, world->other.port_text);
    node = fault_open(world, 0, (struct vd_broker_options){.url = url});
    fault_until_connected(world, node, true);
    assert_int_equal(node->failures, 0);
    assert_int_equal(node->gaps, 0);
    snprintf(url, sizeof(url), "nats://127.0.0.1:%s", world->other.port_text);
    other = fault_open(world, 1, (struct vd_broker_options){.url = url});
    fault_until_connected(world, other, true);
    broker_server_kill(&world->server);
    fault_until_connected(world, node, false);
    assert_int_equal(fault_publish(node, "to the other"), VD_OK);
    fault_until_connected(world, node, true);
    assert_int_equal(node->failures, 1);
    fault_until_count(world, other, 1);
}

/* A server that is going to end is left for another: one report, no drop from it later. */
static void test_lame_duck(void **state)
{
    struct fault_world *world = *state;
    struct fault_node *node, *alone;
    char url[128];

    /* the server ends nothing itself while the test looks */
    world->server.config = "lame_duck_duration: \"60s\"\nlame_duck_grace_period: \"50s\"\n";
    broker_server_prepare(&world->other);
    fault_start(world);
    broker_server_start(&world->other);
    snprintf(url, sizeof(url), "nats://127.0.0.1:%s,127.0.0.1:%s", world->server.port_text,
             world->other.port_text);
    node = fault_open(world, 0, (struct vd_broker_options){.url = url});
    alone = fault_open(world, 1, (struct vd_broker_options){0});
    fault_until_connected(world, node, true);
    fault_until_connected(world, alone, true);
    kill(world->server.pid, SIGUSR2);
    until_text(world, node, VD_ERR_CLOSED, "lame duck");
    until_text(world, alone, VD_ERR_CLOSED, "lame duck");
    fault_until_connected(world, node, true);
    assert_int_equal(node->failures, 1);
    assert_int_equal(node->gaps, 1);
    assert_int_equal(alone->failures, 1); /* nowhere to go: it stays to the end */
    broker_server_kill(&world->server);
    fault_until_connected(world, alone, false);
    assert_int_equal(alone->failure.code, VD_ERR_CONNECTION);
    assert_int_equal(node->failures, 1);
    assert_int_equal(fault_publish(node, "x"), VD_OK);
    fault_flush(world, node);
}

/* ---- a library that hangs ----------------------------------------------------------------------
 */

static unsigned count_threads(void)
{
    DIR *directory = opendir("/proc/self/task");
    unsigned count = 0;

    assert_non_null(directory);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

/* A TLS handshake that stalls holds its thread for as long as it stalls. They do not pile up, and
 * they go when the connections do. The handle is destroyed in the middle of it without waiting. */
static void test_stalled_handshakes_do_not_pile_up(void **state)
{
    struct fault_world *world = *state;
    struct vd_broker_options options;
    struct fault_node *node;
    unsigned threads;
    uint64_t began_ms;

    fault_make_certificates(world, NULL);
    fault_start(world);
    fault_start_proxy(world);
    options = fault_tls(world, (struct vd_broker_options){.connect_timeout_ms = 200});
    node = fault_open(world, 0, options);
    tcp_proxy_set(&world->proxy, TCP_PROXY_STALL);
    until_text(world, node, VD_ERR_TIMEOUT, "still hang");
    threads = count_threads();
    fault_until_failed(world, node, node->failures + 5);
    assert_int_equal(count_threads(), threads);
    tcp_proxy_set(&world->proxy, TCP_PROXY_PASS);
    tcp_proxy_cut(&world->proxy);
    fault_until_connected(world, node, true);
    tcp_proxy_set(&world->proxy, TCP_PROXY_STALL);
    tcp_proxy_cut(&world->proxy);
    fault_until_failed(world, node, node->failures + 3);
    began_ms = vd_monotonic_ms();
    fault_close(node);
    assert_true(vd_monotonic_ms() - began_ms < 5000); /* it stalls for ever */
}

/* The client library is the process's: a child of one that uses it is told so. */
static void test_a_forked_child_is_refused(void **state)
{
    struct fault_world *world = *state;
    struct fault_node *node;
    int result;
    pid_t child;

    fault_start(world);
    node = fault_open(world, 0, (struct vd_broker_options){0});
    fault_until_connected(world, node, true);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct vd_broker *broker;
        struct vd_error error;
        enum vd_err code =
            vd_broker_open(&(struct vd_broker_options){.url = "nats:"}, &broker, &error);
        _exit(code != VD_ERR_UNSUPPORTED || !strstr(error.text, "fork first"));
    }
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
}

static const struct CMUnitTest own[] = {
    FAULT_TEST(test_wrong_passwords_and_rights),
    FAULT_TEST(test_a_wrong_token),
    FAULT_TEST(test_nkeys),
    FAULT_TEST(test_signed_users),
    FAULT_TEST(test_keys_that_change),
    FAULT_TEST(test_tls_is_wanted),
    FAULT_TEST(test_an_address_in_the_certificate),
    FAULT_TEST(test_a_message_over_max_payload),
    FAULT_TEST(test_a_last_message_over_max_payload),
    FAULT_TEST(test_a_slow_reader),
    FAULT_TEST(test_credentials_for_each_attempt),
    FAULT_TEST(test_a_list_of_servers),
    FAULT_TEST(test_lame_duck),
    FAULT_TEST(test_stalled_handshakes_do_not_pile_up),
    FAULT_TEST(test_a_forked_child_is_refused),
    cmocka_unit_test(test_options_that_no_attempt_could_mend),
};

int main(int argc, char **argv)
{
    return fault_run(&driver, argc, argv, own, sizeof(own) / sizeof(own[0]));
}
