/* SPDX-License-Identifier: Apache-2.0 */
/* The Redis driver: the faults that all drivers share, then those that only Redis has. No sentence
 * holds a secret; nothing accepted is lost in silence. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <hiredis/hiredis.h>
#include <jansson.h>
#include <viaduct/clock.h>

#include "broker_faults.h"

static const struct fault_driver driver = {
    .server = &broker_server_redis,
    .subscribe = "SUBSCRIBE",
    .texts =
        {
            .refused = "refused",
            .frozen = "frozen, half-open or deaf",
            .mute = "subscription",
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

/* ---- not let in --------------------------------------------------------------------------------
 */

static void test_wrong_passwords_and_rights(void **state)
{
    static const char *const options[] = {
        "--user",   "default",    "off",      "--user",         "mute",           "on",
        ">hunter2", "+subscribe", "+ping",    "&via:broadcast", "--user",         "deaf",
        "on",       ">hunter2",   "+publish", "+ping",          "&via:broadcast", NULL};
    const struct {
        struct vd_broker_credentials credentials;
        const char *part;
    } rows[] = {
        {{0}, "asks for a password"},
        {{.username = "mute", .password = "wrong"}, "refused user or password (WRONGPASS)"},
        {{.password = FAULT_SECRET}, "refused user or password"},
        {{.username = "mute", .password = FAULT_SECRET},
         "+subscribe +publish +ping &via:broadcast"},
        {{.username = "deaf", .password = FAULT_SECRET}, "lacks +subscribe (NOPERM)"},
    };
    struct fault_world *world = *state;

    memcpy(world->server.options, options, sizeof(options));
    fault_start(world);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fault_fails_with(world, (struct vd_broker_options){.credentials = rows[i].credentials},
                         VD_ERR_AUTHENTICATION, rows[i].part);
    }
}

/* A plain client at a TLS port. */
static void test_no_tls_to_a_port_that_wants_it(void **state)
{
    struct fault_world *world = *state;

    fault_make_certificates(world, NULL);
    fault_start(world);
    fault_fails_with(world, (struct vd_broker_options){0}, VD_ERR_CONNECTION, "");
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
    (void)state; /* more of URLs: unit/test_redis_url */
    refused_at_open((struct vd_broker_options){.url = "redis://:hunter2@h:0"}, "port");
    refused_at_open((struct vd_broker_options){.url = "redis://user@h"}, "without a password");
    refused_at_open((struct vd_broker_options){.url = "redis+unix:///run/x", .tls = true}, "unix");
    refused_at_open((struct vd_broker_options){.url = "redis:", .channel = ""}, "channel");
    refused_at_open((struct vd_broker_options){.url = "redis:", .credentials.token = FAULT_SECRET},
                    "user name and a password");
    refused_at_open((struct vd_broker_options){.url = "rediss:", .tls_ca_file = "/nowhere.pem"},
                    "tls_ca_file");
    refused_at_open((struct vd_broker_options){.url = "rediss:", .tls_key_file = "/nowhere.pem"},
                    "tls_certificate_file");
    refused_at_open((struct vd_broker_options){.url = "redis:", .tls_ca_file = "/nowhere.pem"},
                    "rediss://");
}

static void test_a_password_that_nobody_asks_for(void **state)
{
    struct fault_world *world = *state;

    fault_start(world);
    fault_fails_with(world, (struct vd_broker_options){.credentials = {.password = FAULT_SECRET}},
                     VD_ERR_AUTHENTICATION, "default user has none");
}

static void test_a_server_with_no_room_for_clients(void **state)
{
    static const char *const options[] = {"--maxclients", "3", NULL};
    struct fault_world *world = *state;
    struct fault_node *first;

    memcpy(world->server.options, options, sizeof(options));
    fault_start(world);
    first = fault_open(world, 0, (struct vd_broker_options){0});
    fault_until_connected(world, first, true);
    fault_fails_with(world, (struct vd_broker_options){0}, VD_ERR_CONNECTION, "maxclients");
    assert_int_equal(first->failures, 0);
}

/* No descriptor can be had here: told, and mended by itself when there are some again. */
static void test_a_process_without_descriptors(void **state)
{
    struct fault_world *world = *state;
    struct rlimit usual, few;
    struct fault_node *node;
    int filler[128], count = 0;

    node = fault_open(world, 0, (struct vd_broker_options){0});
    fault_until_failed(world, node, 1); /* from here on it holds no connection */
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
    few = usual;
    few.rlim_cur = 128;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    while (count < 128 && (filler[count] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        count++;
    for (unsigned turns = 0; turns < 2000 && node->failure.code != VD_ERR_SYSTEM; turns++)
        fault_turn(world, 10);
    for (int i = 0; i < count; i++)
        close(filler[i]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
    assert_int_equal(node->failure.code, VD_ERR_SYSTEM);
    assert_non_null(strstr(node->text, "Too many open files"));
    fault_start(world);
    fault_until_connected(world, node, true);
}

/* A label over 63 bytes: no name server needs to be asked. */
static void test_a_host_that_does_not_exist(void **state)
{
    char url[200] = "redis://";

    memset(url + strlen(url), 'x', 70);
    strcpy(url + 78, ".example");
    fault_fails_with(*state, (struct vd_broker_options){.url = url}, VD_ERR_CONNECTION,
                     "the host name has no address");
}

/* ---- rights and states that change while it runs -----------------------------------------------
 */

/* As whoever administers the server: @format is hiredis's. */
static redisContext *admin(const struct broker_server *server)
{
    redisContext *context = redisConnect("127.0.0.1", server->port);

    assert_non_null(context);
    assert_int_equal(context->err, 0);
    return context;
}

static void order_with(const struct broker_server *server, const char *password, const char *format)
{
    redisContext *context = admin(server);
    redisReply *reply;

    if (password)
        freeReplyObject(redisCommand(context, "AUTH %s", password));
    reply = redisCommand(context, format);

    assert_non_null(reply);
    if (reply->type == REDIS_REPLY_ERROR)
        fail_msg("%s: %s", format, reply->str);
    freeReplyObject(reply);
    redisFree(context);
}

static void order(const struct broker_server *server, const char *format)
{
    order_with(server, NULL, format);
}

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

/* It says which right is missing, loses nothing, and is well again when the right is back. */
static void test_rights_revoked_while_running(void **state)
{
    static const struct {
        const char *take, *give, *part;
    } rows[] = {
        {"ACL SETUSER node resetchannels", "ACL SETUSER node &via:broadcast",
         "lacks &via:broadcast"},
        {"ACL SETUSER node -publish", "ACL SETUSER node +publish", "lacks +publish"},
        {"ACL SETUSER node off", "ACL SETUSER node on", "refused user or password"},
    };
    static const char *const options[] = {
        "--user",         "node",       "on",       ">hunter2", "resetchannels",
        "&via:broadcast", "+subscribe", "+publish", "+ping",    NULL};
    struct fault_world *world = *state;
    struct fault_node *node, *reader;

    memcpy(world->server.options, options, sizeof(options));
    fault_start(world);
    node = fault_open(
        world, 0,
        (struct vd_broker_options){.credentials = {.username = "node", .password = FAULT_SECRET}});
    reader = fault_open(world, 1, (struct vd_broker_options){0});
    fault_until_connected(world, node, true);
    fault_until_connected(world, reader, true);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned gaps = node->gaps;
        order(&world->server, rows[i].take);
        if (i == 2)
            order(&world->server, "CLIENT KILL TYPE pubsub"); /* it would stay until then */
        assert_int_equal(fault_publish(node, rows[i].part), VD_OK);
        until_text(world, node, VD_ERR_AUTHENTICATION, rows[i].part);
        assert_true(node->failure.next_delay_ms > 0);
        order(&world->server, rows[i].give);
        fault_until_connected(world, node, true);
        fault_until_connected(world, reader, true);
        fault_flush(world, node);
        assert_true(node->gaps > gaps);
    }
    assert_int_equal(fault_publish(node, "the last"), VD_OK);
    fault_until_sequence(world, reader, 4);
    assert_int_equal(reader->jumps, 0);
}

/* A script that does not end: BUSY. What was published meanwhile arrives. */
static void test_a_busy_server(void **state)
{
    static const char *const options[] = {"--lua-time-limit", "50", NULL};
    struct fault_world *world = *state;
    struct fault_node *writer = &world->nodes[0], *reader = &world->nodes[1];
    redisContext *script;

    memcpy(world->server.options, options, sizeof(options));
    fault_start_pair(world, (struct vd_broker_options){0});
    script = admin(&world->server);
    redisAppendCommand(script, "EVAL %s 0", "while true do end");
    for (int done = 0; !done;)
        assert_int_equal(redisBufferWrite(script, &done), REDIS_OK);
    assert_int_equal(fault_publish(writer, "in vain, for now"), VD_OK);
    until_text(world, writer, VD_ERR_CONNECTION, "script");
    order(&world->server, "SCRIPT KILL");
    redisFree(script);
    fault_until_connected(world, writer, true);
    fault_until_connected(world, reader, true);
    fault_flush(world, writer);
    assert_int_equal(fault_publish(writer, "after"), VD_OK);
    fault_until_sequence(world, reader, 2);
    assert_int_equal(reader->jumps, 0);
}

static void test_a_kick_for_slowness(void **state)
{
    static const char *const options[] = {
        "--client-output-buffer-limit", "pubsub", "1mb", "1mb", "0", NULL};
    static char large[100000];
    struct fault_world *world = *state;
    struct fault_node *writer = &world->nodes[0], *reader = &world->nodes[1];
    struct vd_broker_status status;

    memset(large, 'x', sizeof(large) - 1);
    memcpy(world->server.options, options, sizeof(options));
    fault_start_pair(world, (struct vd_broker_options){0});
    reader->asleep = true;
    for (unsigned i = 0; i < 300; i++) { /* 30 MB: more than the kernel's buffers take */
        assert_int_equal(fault_publish(writer, large), VD_OK);
        fault_flush(world, writer);
    }
    assert_int_equal(writer->failures, 0);
    reader->asleep = false;
    fault_until_failed(world, reader, 1);
    assert_int_equal(reader->failure.code, VD_ERR_CONNECTION);
    assert_true(reader->count < 300);
    fault_until_connected(world, reader, true);
    assert_int_equal(reader->gaps, 1);
    assert_int_equal(fault_publish(writer, "after"), VD_OK);
    fault_until_sequence(world, reader, 301);
    assert_int_equal(reader->jumps, 0);
    vd_broker_status(reader->broker, &status);
    assert_int_equal(status.counters.resyncs, 1);
}

/* One message that the server will never take must not be in the way of all others for ever. */
static void test_a_message_that_the_server_refuses(void **state)
{
    static const char *const options[] = {"--proto-max-bulk-len", "1mb", NULL};
    static char large[VD_MESSAGE_MAX_BYTES + 1];
    struct fault_world *world = *state;
    struct fault_node *writer = &world->nodes[0], *reader = &world->nodes[1];
    struct vd_broker_status status;

    memset(large, 'x', sizeof(large) - 1);
    memcpy(world->server.options, options, sizeof(options));
    fault_start_pair(world, (struct vd_broker_options){0});
    assert_int_equal(fault_publish(writer, "before"), VD_OK);
    assert_int_equal(fault_publish(writer, large), VD_OK);
    assert_int_equal(fault_publish(writer, "after"), VD_OK);
    until_text(world, writer, VD_ERR_TOO_LARGE, "proto-max-bulk-len");
    fault_until_sequence(world, reader, 3);
    assert_int_equal(vd_broker_flush(writer->broker, 10000),
                     VD_ERR_FULL); /* not all of it arrived */
    assert_int_equal(vd_broker_flush(writer->broker, 10000), VD_OK);
    assert_int_equal(reader->count, 2);
    assert_int_equal(reader->gaps, 1); /* the hole in the numbers */
    assert_int_equal(reader->jumps, 0);
    vd_broker_status(writer->broker, &status);
    assert_int_equal(status.counters.outbox_drops, 1);
}

/* A replica takes all that a node says, and passes none of it on. */
static void test_a_replica_is_not_good_enough(void **state)
{
    struct fault_world *world = *state;
    const char *replica[] = {"--replicaof", "127.0.0.1", world->other.port_text, NULL};
    struct fault_node *node;

    broker_server_prepare(&world->other);
    broker_server_start(&world->other);
    memcpy(world->server.options, replica, sizeof(replica));
    fault_start(world);
    node = fault_open(world, 0, (struct vd_broker_options){.probe_interval_ms = 200});
    until_text(world, node, VD_ERR_CONNECTION, "is a replica");
    order(&world->server, "REPLICAOF NO ONE"); /* promoted */
    fault_until_connected(world, node, true);
    order(&world->server, "REPLICAOF 127.0.0.1 1"); /* and demoted while the link is up */
    fault_until_failed(world, node, node->failures + 1);
    until_text(world, node, VD_ERR_CONNECTION, "is a replica");
}

/* The subscriber is busy all the time, and nothing gets through the publisher any more. */
static void test_a_frozen_publisher_behind_a_flood(void **state)
{
    struct fault_world *world = *state;
    redisContext *flood;
    struct fault_node *node;
    uint64_t began_ms;

    fault_start(world);
    fault_start_proxy(world);
    node = fault_open(world, 0, (struct vd_broker_options){.probe_interval_ms = 500});
    fault_until_connected(world, node, true);
    flood = admin(&world->server);
    tcp_proxy_set(&world->proxy, TCP_PROXY_GAG);
    began_ms = vd_monotonic_ms();
    while (node->failures == 0) {
        for (unsigned i = 0; i < 1000; i++)
            redisAppendCommand(flood, "PUBLISH via:broadcast {\"scope\":\"x\",\"nodeId\":\"f\"}");
        for (unsigned i = 0; i < 1000; i++) {
            void *reply;
            assert_int_equal(redisGetReply(flood, &reply), REDIS_OK);
            freeReplyObject(reply);
        }
        fault_turn(world, 0);
        assert_true(vd_monotonic_ms() - began_ms < FAULT_DEADLINE_MS);
    }
    assert_int_equal(node->failure.code, VD_ERR_TIMEOUT);
    redisFree(flood);
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
    static const char *const options[] = {"--requirepass", FAULT_SECRET, NULL};
    struct vault vault = {.answer = VD_ERR_EMPTY};
    struct fault_world *world = *state;
    struct vd_broker_status status;
    struct fault_node *node;
    unsigned asked;

    memcpy(world->server.options, options, sizeof(options));
    fault_start(world);
    node = fault_open(world, 0,
                      (struct vd_broker_options){.credentials_for_attempt = ask_vault,
                                                 .connect_timeout_ms = 300});
    node->vault = &vault;
    /* not there yet: connecting until the deadline, then told */
    fault_turn(world, 1000);
    vd_broker_status(node->broker, &status);
    assert_int_equal(status.state, VD_BROKER_CONNECTING);
    assert_true(vault.asked >= 1);
    until_text(world, node, VD_ERR_AUTHENTICATION, "not there in time");
    /* there while the attempt goes on: taken at once */
    asked = vault.asked;
    while (vault.asked == asked)
        fault_turn(world, 100);
    vault.answer = VD_OK;
    vault.credentials.password = FAULT_SECRET;
    vd_broker_credentials_ready(node->broker);
    fault_until_connected(world, node, true);
    /* rotated: the next attempt asks again */
    order_with(&world->server, FAULT_SECRET, "CONFIG SET requirepass next");
    vault.credentials.password = "next";
    asked = vault.asked;
    order_with(&world->server, "next", "CLIENT KILL TYPE pubsub");
    fault_until_connected(world, node, false);
    fault_until_connected(world, node, true);
    assert_true(vault.asked > asked);
    /* none at all; half of them */
    vault.answer = VD_ERR_SYSTEM;
    order_with(&world->server, "next", "CLIENT KILL TYPE pubsub");
    until_text(world, node, VD_ERR_AUTHENTICATION, "no credentials could be had");
    vault.answer = VD_OK;
    vault.credentials = (struct vd_broker_credentials){.username = "node"};
    until_text(world, node, VD_ERR_AUTHENTICATION, "no password");
}

/* ---- several servers ---------------------------------------------------------------------------
 */

/* A list of which each attempt goes on to the next; a replica among them is passed over, and after
 * a failover the node finds the new primary. */
static void test_a_list_of_servers(void **state)
{
    struct fault_world *world = *state;
    const char *replica[] = {"--replicaof", "127.0.0.1", world->server.port_text, NULL};
    struct fault_node *node, *other = &world->nodes[1];
    char url[128];

    broker_server_prepare(&world->other);
    memcpy(world->other.options, replica, sizeof(replica));
    fault_start(world);
    broker_server_start(&world->other);
    snprintf(url, sizeof(url), "redis://127.0.0.1:1,127.0.0.1:%s,127.0.0.1:%s",
             world->other.port_text, world->server.port_text);
    node = fault_open(world, 0, (struct vd_broker_options){.url = url, .probe_interval_ms = 300});
    fault_until_failed(world, node, 1);
    assert_int_equal(node->failure.code, VD_ERR_CONNECTION);
    assert_non_null(strstr(node->text, "refused"));
    assert_non_null(strstr(node->text, "(server 1 of 3)"));
    fault_until_failed(world, node, 2);
    assert_non_null(strstr(node->text, "is a replica"));
    assert_non_null(strstr(node->text, "(server 2 of 3)"));
    fault_until_connected(world, node, true);
    assert_int_equal(node->failures, 2);
    /* the primary dies, the replica takes its place */
    broker_server_kill(&world->server);
    order(&world->other, "REPLICAOF NO ONE");
    fault_until_connected(world, node, false);
    assert_int_equal(fault_publish(node, "to the new primary"), VD_OK);
    snprintf(url, sizeof(url), "redis://127.0.0.1:%s", world->other.port_text);
    fault_open(world, 1, (struct vd_broker_options){.url = url});
    fault_until_connected(world, other, true);
    fault_until_connected(world, node, true);
    fault_until_count(world, other, 1);
}

static void until_info(const struct broker_server *server, const char *command, const char *part)
{
    uint64_t deadline_ms = vd_monotonic_ms() + FAULT_DEADLINE_MS;
    redisContext *context = admin(server);
    redisReply *reply = redisCommand(context, command);

    while (!strstr(reply->str, part)) {
        freeReplyObject(reply);
        poll(NULL, 0, 20);
        if (vd_monotonic_ms() > deadline_ms)
            fail_msg("no %s", part);
        reply = redisCommand(context, command);
    }
    freeReplyObject(reply);
    redisFree(context);
}

/* As in the middle of a failover: what publishes is at one server, what subscribes at another. Both
 * connections are healthy, and no message would ever arrive. */
static void test_a_link_in_two_halves(void **state)
{
    struct fault_world *world = *state;
    struct fault_node *node;

    broker_server_prepare(&world->other);
    broker_server_start(&world->other);
    fault_start(world);
    fault_start_proxy(world);
    tcp_proxy_split(&world->proxy, world->other.port);
    node = fault_open(world, 0, (struct vd_broker_options){.probe_interval_ms = 300});
    fault_until_failed(world, node, 2);
    assert_int_equal(node->failure.code, VD_ERR_TIMEOUT);
    assert_non_null(strstr(node->text, "did not come back"));
    assert_int_equal(tcp_proxy_taken(&world->proxy) % 2, 0);
    tcp_proxy_split(&world->proxy, 0);
    fault_until_connected(world, node, true);
}

/* In a cluster replicas pass on what is published to them: any server of it will do. */
static void test_any_server_of_a_cluster(void **state)
{
    struct broker_server ports[2] = {{.kind = &broker_server_redis},
                                     {.kind = &broker_server_redis}};
    struct fault_world *world = *state;
    struct broker_server *both[] = {&world->server, &world->other};
    struct fault_node *a, *b;
    char command[128], url[64];
    redisContext *context;
    redisReply *id;

    broker_server_prepare(&world->other);
    for (unsigned i = 0; i < 2; i++) {
        broker_server_prepare(&ports[i]);
        const char *options[] = {"--cluster-enabled", "yes", "--cluster-port", ports[i].port_text,
                                 NULL};
        memcpy(both[i]->options, options, sizeof(options));
        broker_server_start(both[i]);
    }
    order(&world->server, "CLUSTER ADDSLOTSRANGE 0 16383");
    snprintf(command, sizeof(command), "CLUSTER MEET 127.0.0.1 %s %s", world->server.port_text,
             ports[0].port_text);
    order(&world->other, command);
    until_info(&world->other, "CLUSTER INFO", "cluster_state:ok");
    context = admin(&world->server);
    id = redisCommand(context, "CLUSTER MYID");
    snprintf(command, sizeof(command), "CLUSTER REPLICATE %s", id->str);
    freeReplyObject(id);
    redisFree(context);
    order(&world->other, command);
    until_info(&world->other, "INFO replication", "role:slave");
    a = fault_open(world, 0, (struct vd_broker_options){0});
    snprintf(url, sizeof(url), "redis://127.0.0.1:%s", world->other.port_text);
    b = fault_open(world, 1, (struct vd_broker_options){.url = url});
    fault_until_connected(world, a, true);
    fault_until_connected(world, b, true);
    assert_int_equal(fault_publish(a, "from the primary's"), VD_OK);
    assert_int_equal(fault_publish(b, "from the replica's"), VD_OK);
    fault_until_count(world, a, 1);
    fault_until_count(world, b, 1);
    assert_int_equal(a->failures + b->failures, 0);
    for (unsigned i = 0; i < 2; i++)
        broker_server_finish(&ports[i]);
}

static void test_a_unix_socket(void **state)
{
    static const char *const options[] = {"--unixsocket", "socket", "--requirepass", FAULT_SECRET,
                                          NULL};
    struct fault_world *world = *state;
    struct fault_node *node;
    char url[128];

    memcpy(world->server.options, options, sizeof(options));
    snprintf(url, sizeof(url), "redis+unix://:%s@%s/socket", FAULT_SECRET, world->server.directory);
    node = fault_open(world, 0, (struct vd_broker_options){.url = url});
    fault_until_failed(world, node, 1);
    assert_int_equal(node->failure.code, VD_ERR_CONNECTION);
    fault_start(world);
    fault_until_connected(world, node, true);
    assert_int_equal(fault_publish(node, "x"), VD_OK);
    fault_flush(world, node);
    broker_server_kill(&world->server);
    fault_until_connected(world, node, false);
    fault_start(world);
    fault_until_connected(world, node, true);
}

/* ---- probes of others --------------------------------------------------------------------------
 */

/* What they say of their node, with it or without, and nothing that only looks like one. */
static void test_probes_of_others(void **state)
{
    static const char *const none[] = {
        "{\"probe\":\"0123456789abcdef-1\",\"node\":\"x\",\"last\":-1}",
        "{\"probe\":\"0123456789abcdef-1\",\"node\":\"x\"}",
        "{\"probe\":\"0123456789abcdef-1\",\"node\":\"x\001\",\"last\":99}",
    };
    struct fault_world *world = *state;
    struct vd_broker_status status;
    struct fault_node *node;
    char words[160];

    fault_start(world);
    node = fault_open(world, 0, (struct vd_broker_options){0});
    fault_until_connected(world, node, true);
    order(&world->server, "PUBLISH via:broadcast {\"probe\":\"0123456789abcdef-1\"}");
    for (unsigned last = 3; last < 6; last += 2) {
        snprintf(words, sizeof(words),
                 "PUBLISH via:broadcast "
                 "{\"probe\":\"0123456789abcdef-2\",\"node\":\"x\",\"last\":%u}",
                 last);
        order(&world->server, words);
    }
    snprintf(words, sizeof(words),
             "PUBLISH via:broadcast "
             "{\"probe\":\"0123456789abcdef-3\",\"node\":\"%s\",\"last\":99}",
             vd_broker_node_id(node->broker)); /* one who had our name before us */
    order(&world->server, words);
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        snprintf(words, sizeof(words), "PUBLISH via:broadcast %s", none[i]);
        order(&world->server, words);
    }
    order(&world->server, "PUBLISH via:broadcast {\"scope\":\"end\",\"nodeId\":\"y\"}");
    fault_until_count(world, node, 1);
    vd_broker_status(node->broker, &status);
    assert_int_equal(node->gaps, 1);
    assert_int_equal(node->missed, 2);
    assert_int_equal(status.counters.gaps, 1);
    assert_int_equal(status.counters.received, 1);
    assert_int_equal(status.counters.malformed, 3);
}

/* ---- beside php-via ----------------------------------------------------------------------------
 */

static redisReply *hear(redisContext *context)
{
    redisReply *reply;

    assert_int_equal(redisGetReply(context, (void **)&reply), REDIS_OK);
    return reply;
}

/* What php-via 0.12 publishes is delivered, and what it would read of ours is there: a flat object
 * with the two members as strings. Our probes are none of its business. */
static void test_beside_php_via(void **state)
{
    struct fault_world *world = *state;
    struct vd_message mine = {.scope = "room:lobby", .scope_length = 10};
    struct fault_node *node;
    redisContext *php;
    redisReply *reply;
    json_t *object;

    fault_start(world);
    php = admin(&world->server);
    freeReplyObject(redisCommand(php, "SUBSCRIBE via:broadcast"));
    node = fault_open(world, 0, (struct vd_broker_options){0});
    fault_until_connected(world, node, true);
    order(&world->server,
          "PUBLISH via:broadcast {\"scope\":\"room:\\/lobby\",\"nodeId\":\"0f0f0f0f\"}");
    fault_until_count(world, node, 1);
    assert_string_equal(node->scope, "room:/lobby");
    assert_false(node->has_data);
    assert_int_equal(vd_broker_publish(node->broker, &mine, NULL), VD_OK);
    fault_flush(world, node);
    for (unsigned messages = 0; messages < 2; freeReplyObject(reply)) {
        const json_t *scope, *origin;
        reply = hear(php);
        object = json_loadb(reply->element[2]->str, reply->element[2]->len, 0, NULL);
        assert_true(json_is_object(object));
        scope = json_object_get(object, "scope");
        origin = json_object_get(object, "nodeId");
        assert_int_equal(!scope, !origin); /* php-via looks no further without both */
        if (scope && strcmp(json_string_value(origin), "0f0f0f0f") != 0) {
            assert_string_equal(json_string_value(scope), "room:lobby");
            assert_string_equal(json_string_value(origin), vd_broker_node_id(node->broker));
        }
        messages += scope != NULL;
        json_decref(object);
    }
    redisFree(php);
}

static const struct CMUnitTest own[] = {
    FAULT_TEST(test_wrong_passwords_and_rights),
    FAULT_TEST(test_no_tls_to_a_port_that_wants_it),
    FAULT_TEST(test_a_password_that_nobody_asks_for),
    FAULT_TEST(test_a_server_with_no_room_for_clients),
    FAULT_TEST(test_a_process_without_descriptors),
    FAULT_TEST(test_a_host_that_does_not_exist),
    FAULT_TEST(test_rights_revoked_while_running),
    FAULT_TEST(test_a_busy_server),
    FAULT_TEST(test_a_kick_for_slowness),
    FAULT_TEST(test_a_message_that_the_server_refuses),
    FAULT_TEST(test_a_replica_is_not_good_enough),
    FAULT_TEST(test_a_frozen_publisher_behind_a_flood),
    FAULT_TEST(test_credentials_for_each_attempt),
    FAULT_TEST(test_a_list_of_servers),
    FAULT_TEST(test_a_link_in_two_halves),
    FAULT_TEST(test_any_server_of_a_cluster),
    FAULT_TEST(test_a_unix_socket),
    FAULT_TEST(test_probes_of_others),
    FAULT_TEST(test_beside_php_via),
    cmocka_unit_test(test_options_that_no_attempt_could_mend),
};

int main(int argc, char **argv)
{
    return fault_run(&driver, argc, argv, own, sizeof(own) / sizeof(own[0]));
}
