/* SPDX-License-Identifier: Apache-2.0 */
/* The conformance suite: messages. See suite_life.c for handles, callbacks and failures. */
#include <stdio.h>
#include <string.h>

#include <viaduct/clock.h>

#include "node.h"
#include "suite_tests.h"

static void test_publish_subscribe(void **state)
{
    struct suite *suite = *state;
    struct node *a = &suite->nodes[0], *b = &suite->nodes[1], *c = &suite->nodes[2];

    suite_open(suite, 0, NULL);
    suite_open(suite, 1, NULL);
    suite_open(suite, 2, NULL);
    node_subscribe(a, "room:lobby");
    node_subscribe(b, "room:lobby");
    node_subscribe(c, "room:lobby");
    node_publish(a, "room:lobby", "say", "{\"text\":\"hi\"}");
    node_publish(a, "room:other", "say", "not for them");
    suite_settle(suite);
    assert_int_equal(a->count, 0);
    assert_int_equal(b->count, 1);
    assert_int_equal(c->count, 1);
    assert_string_equal(b->messages[0].scope, "room:lobby");
    assert_string_equal(b->messages[0].event, "say");
    assert_string_equal((char *)b->messages[0].data, "{\"text\":\"hi\"}");
    assert_string_equal(b->messages[0].origin, vd_broker_node_id(a->broker));
    assert_int_equal(b->messages[0].sequence, 1);
    assert_int_equal(b->gaps + b->failures, 0);
}

static bool has_scope(const struct node *node, const char *scope)
{
    for (size_t i = 0; i < node->count; i++) {
        if (strcmp(node->messages[i].scope, scope) == 0)
            return true;
    }
    return false;
}

static void test_patterns(void **state)
{
    struct suite *suite = *state;
    struct node *a = &suite->nodes[0], *b = &suite->nodes[1], *c = &suite->nodes[2],
                *d = &suite->nodes[3];
    unsigned by_a = 0;

    for (unsigned i = 0; i < 4; i++)
        suite_open(suite, i, NULL);
    node_subscribe(b, "room:*");
    node_subscribe(c, "*");
    node_subscribe(d, "session:42");
    node_publish(a, "room:lobby", NULL, NULL);
    node_publish(a, "session:42", NULL, NULL);
    node_publish(a, "session:4*", NULL, NULL); /* a broadcast with a glob */
    node_publish(a, "route:/raum/\xc3\xa4{id}@x", NULL, NULL);
    suite_settle(suite);
    assert_int_equal(b->count, 1);
    assert_string_equal(b->messages[0].scope, "room:lobby");
    assert_int_equal(d->count, 2);
    assert_string_equal(d->messages[1].scope, "session:4*");
    /* the settling marks overlap `*` as well, those of other nodes at any place */
    assert_true(c->count >= 4);
    for (size_t i = 0; i < c->count; i++)
        by_a += strcmp(c->messages[i].origin, vd_broker_node_id(a->broker)) == 0;
    assert_int_equal(by_a, 4);
    assert_true(has_scope(c, "room:lobby") && has_scope(c, "route:/raum/\xc3\xa4{id}@x"));
}

static void test_a_message_comes_once_a_subscription(void **state)
{
    struct suite *suite = *state;
    struct node *b = &suite->nodes[1];

    suite_open(suite, 0, NULL);
    suite_open(suite, 1, NULL);
    node_subscribe(b, "room:*");
    node_subscribe(b, "room:lobby");
    node_publish(&suite->nodes[0], "room:lobby", NULL, "x");
    suite_settle(suite);
    assert_int_equal(b->count, 2);
    assert_int_equal(b->messages[0].sequence, b->messages[1].sequence);
}

static void check_order(const struct node *node, const char *origin, unsigned wanted)
{
    uint64_t last = 0;
    unsigned count = 0;

    for (size_t i = 0; i < node->count; i++) {
        if (strcmp(node->messages[i].origin, origin) != 0)
            continue;
        assert_int_equal(node->messages[i].sequence, last + 1);
        last++;
        count++;
    }
    assert_int_equal(count, wanted);
}

static void test_order_per_origin(void **state)
{
    struct suite *suite = *state;
    struct node *a = &suite->nodes[0], *b = &suite->nodes[1], *c = &suite->nodes[2];
    char text[32];

    for (unsigned i = 0; i < 3; i++)
        suite_open(suite, i, NULL);
    node_subscribe(b, "order");
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(text, sizeof(text), "%u", i);
        node_publish(a, "order", NULL, text);
        node_publish(c, "order", NULL, text);
        if (i % 100 == 0)
            suite_turn(suite, 0);
    }
    suite_until(suite, &b->count, 2000);
    check_order(b, vd_broker_node_id(a->broker), 1000);
    check_order(b, vd_broker_node_id(c->broker), 1000);
    assert_int_equal(b->gaps, 0);
}

static void test_own_messages_are_filtered(void **state)
{
    struct suite *suite = *state;
    struct node *b = &suite->nodes[1];
    struct vd_broker_options same = {.node_id = "twin"};
    struct vd_broker_status status;

    suite_open(suite, 0, &same);
    suite_open(suite, 1, &same);
    suite_open(suite, 2, NULL);
    node_subscribe(b, "own");
    node_publish(&suite->nodes[0], "own", NULL, "of the same node");
    node_publish(&suite->nodes[2], "own", NULL, "of another");
    suite_until(suite, &b->count, 1);
    suite_settle(suite);
    assert_int_equal(b->count, 1);
    assert_string_equal((char *)b->messages[0].data, "of another");
    vd_broker_status(b->broker, &status);
    assert_int_equal(status.counters.own_filtered, 1);
    assert_string_equal(vd_broker_node_id(b->broker), "twin");
}

/* An id may be any text: one that looks like a piece of another node's message is not that node. */
static void test_an_id_like_a_message(void **state)
{
    struct suite *suite = *state;
    struct node *a = &suite->nodes[0], *b = &suite->nodes[1];

    suite_open(suite, 0, &(struct vd_broker_options){.node_id = "a"});
    suite_open(suite, 1, &(struct vd_broker_options){.node_id = "a\",\"seq\":1,\"event\":\"e"});
    node_subscribe(a, "x");
    node_subscribe(b, "x");
    node_publish(a, "x", "e", "to b");
    node_publish(b, "x", "e", "to a");
    suite_settle(suite);
    assert_int_equal(a->count, 1);
    assert_int_equal(b->count, 1);
}

static void relay(struct node *node, const char *origin, uint64_t sequence)
{
    struct vd_message message = {.scope = "relay",
                                 .scope_length = 5,
                                 .origin = origin,
                                 .origin_length = strlen(origin),
                                 .sequence = sequence};

    assert_int_equal(vd_broker_publish(node->broker, &message, NULL), VD_OK);
}

static void test_duplicates_and_gaps(void **state)
{
    static const uint64_t sent[] = {5, 6, 6, 5, 7, 11, 10, 12};
    static const uint64_t wanted[] = {5, 6, 7, 11, 12};
    struct suite *suite = *state;
    struct node *a = &suite->nodes[0], *b = &suite->nodes[1];
    struct vd_broker_status status;

    suite_open(suite, 0, NULL);
    suite_open(suite, 1, NULL);
    node_subscribe(b, "relay");
    for (size_t i = 0; i < sizeof(sent) / sizeof(sent[0]); i++)
        relay(a, "elsewhere", sent[i]);
    suite_settle(suite);
    assert_int_equal(b->count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(b->messages[i].sequence, wanted[i]);
    assert_int_equal(b->gaps, 1);
    assert_int_equal(b->gap_at, 3); /* told before the message after it */
    assert_int_equal(b->missed, 3);
    assert_int_equal(b->gap_reason, VD_GAP_SEQUENCE);
    assert_string_equal(b->gap_origin, "elsewhere");
    vd_broker_status(b->broker, &status);
    assert_int_equal(status.counters.duplicates, 3);
    assert_int_equal(status.counters.gaps, 1);

    relay(a, "elsewhere", 0); /* an origin without numbers is believed */
    relay(a, "elsewhere", 0);
    suite_until(suite, &b->count, 7);
}

/* Whoever keeps the numbers elsewhere (a server, whose gateway is replaced) gives them. */
static void test_numbers_may_be_given(void **state)
{
    struct suite *suite = *state;
    struct node *a = &suite->nodes[0], *b = &suite->nodes[1];
    struct vd_message message = {.scope = "own", .scope_length = 3, .sequence = 5};
    struct vd_broker_status status;
    struct vd_error error = {0};

    suite_open(suite, 0, &(struct vd_broker_options){.sequence = 3});
    suite_open(suite, 1, NULL);
    node_subscribe(b, "own");
    node_publish(a, "own", NULL, "4");
    assert_int_equal(vd_broker_publish(a->broker, &message, NULL), VD_OK);
    assert_int_equal(vd_broker_publish(a->broker, &message, &error), VD_ERR_INVALID);
    assert_string_equal(error.text, "sequence: it is 5, allowed are numbers over 5, the last");
    node_publish(a, "own", NULL, "6");
    message.sequence = 8;
    assert_int_equal(vd_broker_publish(a->broker, &message, NULL), VD_OK);
    suite_until(suite, &b->count, 4);
    for (uint64_t i = 0; i < 3; i++)
        assert_int_equal(b->messages[i].sequence, 4 + i);
    assert_int_equal(b->messages[3].sequence, 8);
    assert_int_equal(b->gaps, 1); /* 7 was never sent */
    vd_broker_status(a->broker, &status);
    assert_int_equal(status.sequence, 8);
}

/* What a handle before this one had seen is no news, and what is missing since is a gap. */
static void test_what_was_seen_before(void **state)
{
    struct suite *suite = *state;
    struct node *a = &suite->nodes[0], *b = &suite->nodes[1];

    suite_open(suite, 0, NULL);
    suite_open(suite, 1, NULL);
    node_subscribe(b, "relay");
    vd_broker_note_seen(b->broker, "elsewhere", 9, 6);
    vd_broker_note_seen(b->broker, vd_broker_node_id(b->broker), VD_NODE_ID_CHARS, 6);
    vd_broker_note_seen(b->broker, "", 0, 6);
    relay(a, "elsewhere", 5);
    relay(a, "elsewhere", 6);
    relay(a, "elsewhere", 7);
    relay(a, "elsewhere", 9);
    suite_until(suite, &b->count, 2);
    assert_int_equal(b->messages[0].sequence, 7);
    assert_int_equal(b->messages[1].sequence, 9);
    assert_int_equal(b->gaps, 1);
    assert_int_equal(b->missed, 1);
}

static void test_any_bytes(void **state)
{
    struct suite *suite = *state;
    struct node *a = &suite->nodes[0], *b = &suite->nodes[1];
    unsigned char bytes[256];
    struct vd_message message = {.scope = "bytes", .scope_length = 5, .has_data = true};

    for (unsigned i = 0; i < 256; i++)
        bytes[i] = (unsigned char)i;
    suite_open(suite, 0, NULL);
    suite_open(suite, 1, NULL);
    node_subscribe(b, "bytes");
    message.data = bytes;
    message.data_length = sizeof(bytes);
    assert_int_equal(vd_broker_publish(a->broker, &message, NULL), VD_OK);
    message.data_length = 0; /* empty data */
    message.data = NULL;
    assert_int_equal(vd_broker_publish(a->broker, &message, NULL), VD_OK);
    message.has_data = false; /* an invalidation */
    assert_int_equal(vd_broker_publish(a->broker, &message, NULL), VD_OK);
    suite_until(suite, &b->count, 3);
    assert_int_equal(b->messages[0].data_length, 256);
    assert_memory_equal(b->messages[0].data, bytes, 256);
    assert_true(b->messages[1].has_data);
    assert_int_equal(b->messages[1].data_length, 0);
    assert_false(b->messages[2].has_data);
}

static void test_the_size_limit(void **state)
{
    struct suite *suite = *state;
    struct node *a = &suite->nodes[0], *b = &suite->nodes[1];
    static unsigned char large[VD_MESSAGE_MAX_BYTES + 1];
    struct vd_message message = {.scope = "large", .scope_length = 5, .has_data = true};
    struct vd_error error = {0};
    struct vd_broker_status status;

    for (size_t i = 0; i <= VD_MESSAGE_MAX_BYTES; i++)
        large[i] = (unsigned char)(i * 2654435761u >> 13);
    suite_open(suite, 0, NULL);
    suite_open(suite, 1, NULL);
    node_subscribe(b, "large");
    message.data = large;
    message.data_length = VD_MESSAGE_MAX_BYTES + 1;
    assert_int_equal(vd_broker_publish(a->broker, &message, &error), VD_ERR_TOO_LARGE);
    assert_string_equal(error.text, "the data has 1048577 bytes; allowed are 1048576");
    message.data_length = VD_MESSAGE_MAX_BYTES;
    assert_int_equal(vd_broker_publish(a->broker, &message, NULL), VD_OK);
    node_publish(a, "large", NULL, "small, after it");
    suite_until(suite, &b->count, 2);
    assert_int_equal(b->messages[0].data_length, VD_MESSAGE_MAX_BYTES);
    assert_memory_equal(b->messages[0].data, large, VD_MESSAGE_MAX_BYTES);
    assert_int_equal(b->messages[0].sequence, 1); /* the refused one took no number */
    assert_int_equal(b->gaps, 0);
    vd_broker_status(a->broker, &status);
    assert_int_equal(status.counters.published, 2);
    assert_int_equal(status.sequence, 2);
}

static void test_sizes_around_the_cuts(void **state)
{
    static const size_t sizes[] = {1,     100,   4095,  4096,   65400,  65479, 65480,
                                   65481, 65536, 65537, 131000, 262144, 524289};
    struct suite *suite = *state;
    struct node *a = &suite->nodes[0], *b = &suite->nodes[1];
    static unsigned char bytes[524289];
    struct vd_message message = {.scope = "size", .scope_length = 4, .has_data = true};
    size_t count = sizeof(sizes) / sizeof(sizes[0]);

    for (size_t i = 0; i < 524289; i++)
        bytes[i] = (unsigned char)(i * 40503u >> 7);
    suite_open(suite, 0, NULL);
    suite_open(suite, 1, NULL);
    node_subscribe(b, "size");
    message.data = bytes;
    for (size_t i = 0; i < count; i++) {
        message.data_length = sizes[i];
        assert_int_equal(vd_broker_publish(a->broker, &message, NULL), VD_OK);
    }
    suite_until(suite, &b->count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(b->messages[i].data_length, sizes[i]);
        assert_memory_equal(b->messages[i].data, bytes, sizes[i]);
    }
}

static void refused(struct node *node, const char *scope, size_t length, const char *event,
                    enum vd_err code, const char *part)
{
    struct vd_message message = {.scope = scope,
                                 .scope_length = length,
                                 .event = event,
                                 .event_length = event ? strlen(event) : 0};
    struct vd_error error = {0};

    assert_int_equal(vd_broker_publish(node->broker, &message, &error), code);
    assert_non_null(strstr(error.text, part));
}

static void test_bad_messages_are_refused_with_a_sentence(void **state)
{
    struct suite *suite = *state;
    struct node *a = &suite->nodes[0];
    struct vd_error error = {0};
    char longest[300];

    memset(longest, 'x', sizeof(longest));
    suite_open(suite, 0, NULL);
    refused(a, "", 0, NULL, VD_ERR_INVALID, "scope is empty");
    refused(a, "a b", 3, NULL, VD_ERR_INVALID, "a space (U+0020) at byte 1");
    refused(a, "a\x01", 2, NULL, VD_ERR_INVALID, "control character");
    refused(a, "a\xff", 2, NULL, VD_ERR_INVALID, "UTF-8");
    refused(a, longest, sizeof(longest), NULL, VD_ERR_TOO_LARGE, "300 bytes");
    refused(a, "ok", 2, "line\nfeed", VD_ERR_INVALID, "event name");
    longest[VD_EVENT_MAX_BYTES + 1] = '\0';
    refused(a, "ok", 2, longest, VD_ERR_TOO_LARGE, "event name");
    assert_int_equal(vd_broker_subscribe(a->broker, "a b", 3, node_received, a, NULL, &error),
                     VD_ERR_INVALID);
    assert_non_null(strstr(error.text, "space"));
}

static void test_a_burst_arrives_whole(void **state)
{
    struct suite *suite = *state;
    struct node *a = &suite->nodes[0], *b = &suite->nodes[1], *c = &suite->nodes[2];
    char text[101];

    memset(text, 'x', 100);
    text[100] = '\0';
    for (unsigned i = 0; i < 3; i++)
        suite_open(suite, i, NULL);
    node_subscribe(b, "burst");
    node_subscribe(c, "*");
    for (unsigned i = 0; i < 10000; i++)
        node_publish(a, "burst", "e", text);
    suite_until(suite, &b->count, 10000);
    suite_until(suite, &c->count, 10000);
    check_order(b, vd_broker_node_id(a->broker), 10000);
    check_order(c, vd_broker_node_id(a->broker), 10000);
    assert_int_equal(b->gaps + c->gaps, 0);
}

/* What it read until then is a beginning of what was sent; then it is told. */
static void a_slow_reader_is_cut_and_told(struct suite *suite)
{
    static char text[60001];
    struct node *a = &suite->nodes[0], *b = &suite->nodes[1];
    const unsigned sent = 400; /* 24 MB: more than kernel buffers hold */
    struct vd_broker_status status;

    memset(text, 'x', 60000);
    suite_open(suite, 0, NULL);
    suite_open(suite, 1, NULL);
    node_subscribe(b, "slow");
    for (unsigned i = 0; i < sent; i++) {
        node_publish(a, "slow", NULL, text);
        assert_int_equal(vd_broker_flush(a->broker, 10000), VD_OK);
    }
    while (b->gaps == 0)
        suite_turn(suite, 1000);
    suite_connected(suite);
    suite_settle(suite);
    assert_int_equal(b->gaps, 1);
    assert_int_equal(b->failures, 1);
    assert_int_equal(b->gap_reason, VD_GAP_RECONNECT);
    assert_int_equal(b->gap_at, b->count);
    assert_true(b->count < sent);
    for (size_t i = 0; i < b->count; i++)
        assert_int_equal(b->messages[i].sequence, i + 1);
    vd_broker_status(b->broker, &status);
    assert_int_equal(status.counters.resyncs, 1);
    assert_int_equal(status.counters.reconnects, 1);
    node_publish(a, "slow", NULL, "after");
    suite_settle(suite);
    assert_string_equal((char *)b->messages[b->count - 1].data, "after");
}

static void test_a_slow_reader_is_told_what_it_missed(void **state)
{
    struct suite *suite = *state;
    struct node *a = &suite->nodes[0], *b = &suite->nodes[1];
    struct vd_broker_status status;
    unsigned sent = 2000;
    char text[201];

    if (suite->kind->slow_readers_are_cut) {
        a_slow_reader_is_cut_and_told(suite);
        return;
    }
    memset(text, 'x', 200);
    text[200] = '\0';
    suite_open(suite, 0, NULL);
    suite_open(suite, 1, NULL);
    node_subscribe(b, "slow");
    node_subscribe(b, "nudge");
    for (unsigned i = 0; i < sent; i++) /* 500 KiB, and b does not read */
        node_publish(a, "slow", NULL, text);
    assert_int_equal(vd_broker_flush(a->broker, 10000), VD_OK);
    for (size_t seen = 0; b->count + b->missed < sent; seen = b->count + b->missed) {
        uint64_t quiet_ms = vd_monotonic_ms() + 50;
        while (b->count + b->missed == seen && vd_monotonic_ms() < quiet_ms)
            suite_turn(suite, 10);
        if (b->count + b->missed == seen) {
            node_publish(a, "nudge", NULL, NULL); /* what is left waits for the next message */
            sent++;
        }
    }
    suite_settle(suite);
    assert_true(b->gaps > 0 && b->missed > 0 && b->count > 0);
    assert_int_equal(b->count + b->missed, sent);
    assert_int_equal(b->gap_reason, VD_GAP_OVERFLOW);
    vd_broker_status(b->broker, &status);
    assert_int_equal(status.counters.inbox_drops, b->missed);
    assert_int_equal(status.counters.gaps, b->gaps); /* not told again as a jump */
    /* and everything is well from here on */
    node_publish(a, "slow", NULL, "after");
    suite_settle(suite);
    assert_string_equal((char *)b->messages[b->count - 1].data, "after");
}

const struct CMUnitTest suite_message_tests[] = {
    SUITE_TEST(test_publish_subscribe),
    SUITE_TEST(test_patterns),
    SUITE_TEST(test_a_message_comes_once_a_subscription),
    SUITE_TEST(test_order_per_origin),
    SUITE_TEST(test_own_messages_are_filtered),
    SUITE_TEST(test_an_id_like_a_message),
    SUITE_TEST(test_duplicates_and_gaps),
    SUITE_TEST(test_numbers_may_be_given),
    SUITE_TEST(test_what_was_seen_before),
    SUITE_TEST(test_any_bytes),
    SUITE_TEST(test_the_size_limit),
    SUITE_TEST(test_sizes_around_the_cuts),
    SUITE_TEST(test_bad_messages_are_refused_with_a_sentence),
    SUITE_TEST(test_a_burst_arrives_whole),
    cmocka_unit_test_setup_teardown(test_a_slow_reader_is_told_what_it_missed, suite_setup_small,
                                    suite_teardown),
};
const size_t suite_message_test_count = sizeof(suite_message_tests) / sizeof(struct CMUnitTest);
