/* SPDX-License-Identifier: Apache-2.0 */
/* The conformance suite: handles, callbacks, facts, failures. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <viaduct/clock.h>

#include "node.h"
#include "suite_tests.h"

/* ---- callbacks that act ------------------------------------------------------------------------
 */

static void answer(struct vd_broker *broker, const struct vd_message *message, void *context)
{
    const struct vd_message pong = {.scope = "pong",
                                    .scope_length = 4,
                                    .data = message->data,
                                    .data_length = message->data_length,
                                    .has_data = true};

    ++*(size_t *)context;
    assert_int_equal(vd_broker_publish(broker, &pong, NULL), VD_OK);
}

static void test_a_callback_may_publish(void **state)
{
    struct suite *suite = *state;
    struct node *a = &suite->nodes[0], *b = &suite->nodes[1];
    size_t pings = 0;

    suite_open(suite, 0, NULL);
    suite_open(suite, 1, NULL);
    node_subscribe(a, "pong");
    assert_int_equal(vd_broker_subscribe(b->broker, "ping", 4, answer, &pings, NULL, NULL), VD_OK);
    for (unsigned i = 0; i < 500; i++)
        node_publish(a, "ping", NULL, "and back");
    suite_until(suite, &a->count, 500);
    assert_int_equal(pings, 500);
    assert_string_equal((char *)a->messages[499].data, "and back");
}

struct actor {
    struct vd_broker_subscription *victims[2];
    struct vd_broker_subscription *made;
    size_t calls;
    size_t made_calls;
};

static void count_call(struct vd_broker *broker, const struct vd_message *message, void *context)
{
    (void)broker;
    (void)message;
    ++*(size_t *)context;
}

static void end_others_and_itself(struct vd_broker *broker, const struct vd_message *message,
                                  void *context)
{
    struct actor *actor = context;

    (void)message;
    if (actor->calls++ > 0)
        return;
    vd_broker_unsubscribe(actor->victims[0]);
    vd_broker_unsubscribe(actor->victims[1]);
    assert_int_equal(
        vd_broker_subscribe(broker, "x", 1, count_call, &actor->made_calls, &actor->made, NULL),
        VD_OK);
}

static void test_a_callback_may_subscribe_and_unsubscribe(void **state)
{
    struct suite *suite = *state;
    struct node *a = &suite->nodes[0], *b = &suite->nodes[1];
    struct actor actor = {0};
    size_t later = 0;

    suite_open(suite, 0, NULL);
    suite_open(suite, 1, NULL);
    assert_int_equal(vd_broker_subscribe(b->broker, "x", 1, end_others_and_itself, &actor,
                                         &actor.victims[0], NULL),
                     VD_OK);
    assert_int_equal(
        vd_broker_subscribe(b->broker, "x", 1, count_call, &later, &actor.victims[1], NULL), VD_OK);
    node_publish(a, "x", NULL, NULL);
    suite_settle(suite);
    assert_int_equal(actor.calls, 1);
    assert_int_equal(later, 0);            /* ended before its turn */
    assert_int_equal(actor.made_calls, 0); /* from the next message on */
    node_publish(a, "x", NULL, NULL);
    suite_settle(suite);
    assert_int_equal(actor.calls, 1);
    assert_int_equal(later, 0);
    assert_int_equal(actor.made_calls, 1);
    vd_broker_unsubscribe(actor.made);
    node_publish(a, "x", NULL, NULL);
    suite_settle(suite);
    assert_int_equal(actor.made_calls, 1);
}

static void destroy_handle(struct vd_broker *broker, const struct vd_message *message,
                           void *context)
{
    struct node *node = context;

    (void)message;
    node->count++;
    vd_broker_destroy(broker);
    node->broker = NULL;
    assert_int_equal(vd_broker_publish(broker, message, NULL), VD_ERR_STATE);
}

static void test_a_callback_may_destroy(void **state)
{
    struct suite *suite = *state;
    struct node *a = &suite->nodes[0], *b = &suite->nodes[1];
    size_t seen = 0;

    suite_open(suite, 0, NULL);
    suite_open(suite, 1, NULL);
    assert_int_equal(vd_broker_subscribe(b->broker, "x", 1, destroy_handle, b, NULL, NULL), VD_OK);
    assert_int_equal(vd_broker_subscribe(b->broker, "x", 1, count_call, &seen, NULL, NULL), VD_OK);
    for (unsigned i = 0; i < 10; i++)
        node_publish(a, "x", NULL, "one of ten");
    suite_until(suite, &b->count, 1);
    assert_int_equal(b->count, 1); /* no other message, no other subscription */
    assert_int_equal(seen, 0);
    b->count = 0;               /* nothing was recorded */
    suite_open(suite, 1, NULL); /* its place is free */
}

static void dispatch_again(struct vd_broker *broker, const struct vd_message *message,
                           void *context)
{
    (void)message;
    assert_int_equal(vd_broker_dispatch(broker), VD_ERR_STATE);
    assert_int_equal(vd_broker_poll(broker, 0), VD_ERR_STATE);
    assert_int_equal(vd_broker_flush(broker, 0), VD_ERR_STATE);
    ++*(size_t *)context;
}

static void test_dispatch_is_refused_in_a_callback(void **state)
{
    struct suite *suite = *state;
    size_t seen = 0;

    suite_open(suite, 0, NULL);
    suite_open(suite, 1, NULL);
    assert_int_equal(
        vd_broker_subscribe(suite->nodes[1].broker, "x", 1, dispatch_again, &seen, NULL, NULL),
        VD_OK);
    node_publish(&suite->nodes[0], "x", NULL, NULL);
    suite_until(suite, &seen, 1);
}

/* ---- the descriptor ----------------------------------------------------------------------------
 */

static bool is_readable(const struct vd_broker *broker, int timeout_ms)
{
    struct pollfd ready = {.fd = vd_broker_fd(broker), .events = POLLIN};

    return poll(&ready, 1, timeout_ms) == 1;
}

static void test_the_descriptor_tells_the_truth(void **state)
{
    struct suite *suite = *state;
    struct node *a = &suite->nodes[0], *b = &suite->nodes[1];
    unsigned idle = 0;

    suite_open(suite, 0, NULL);
    suite_open(suite, 1, NULL);
    node_subscribe(b, "x");
    suite_settle(suite);
    for (unsigned turns = 0; turns < 100 && idle < 2;
         turns++) { /* timers may be due now and then */
        if (is_readable(b->broker, 20)) {
            vd_broker_dispatch(b->broker);
        } else {
            idle++;
        }
    }
    assert_int_equal(idle, 2);
    for (unsigned i = 0; i < 1000; i++) /* more than one dispatch hands out */
        node_publish(a, "x", NULL, "");
    assert_int_equal(vd_broker_flush(a->broker, 10000), VD_OK); /* only b has turns from here on */
    while (b->count < 1000) {
        assert_true(is_readable(b->broker, 10000));
        assert_int_equal(vd_broker_dispatch(b->broker), VD_OK);
    }
    node_publish(a, "x", NULL, "");
    assert_int_equal(vd_broker_flush(a->broker, 10000), VD_OK);
    for (unsigned turns = 0; turns < 100 && b->count < 1001; turns++)
        vd_broker_poll(b->broker, 1000);
    assert_int_equal(b->count, 1001);
}

/* ---- close -------------------------------------------------------------------------------------
 */

static void test_close_hands_over_what_was_accepted(void **state)
{
    struct suite *suite = *state;
    struct node *a = &suite->nodes[0], *b = &suite->nodes[1];
    struct vd_message message = {.scope = "x", .scope_length = 1};
    struct vd_broker_status status;
    size_t closed = 0;

    suite_open(suite, 0, NULL);
    suite_open(suite, 1, NULL);
    node_subscribe(b, "x");
    for (unsigned i = 0; i < 300; i++)
        node_publish(a, "x", NULL, "pending");
    assert_int_equal(vd_broker_close(a->broker, 10000, node_closed, a), VD_OK);
    assert_int_equal(a->closed, 0); /* completes in dispatch only */
    assert_int_equal(vd_broker_publish(a->broker, &message, NULL), VD_ERR_STATE);
    assert_int_equal(vd_broker_close(a->broker, 0, NULL, NULL), VD_ERR_STATE);
    vd_broker_status(a->broker, &status);
    assert_int_equal(status.state, VD_BROKER_CLOSING);
    while (a->closed == 0)
        vd_broker_poll(a->broker, 1000);
    assert_int_equal(a->closed_result, VD_OK);
    assert_int_equal(vd_broker_dispatch(a->broker), VD_ERR_CLOSED);
    assert_int_equal(vd_broker_poll(a->broker, 0), VD_ERR_CLOSED);
    vd_broker_status(a->broker, &status);
    assert_int_equal(status.state, VD_BROKER_CLOSED);
    assert_false(status.connected);
    closed = a->closed;
    suite_until(suite, &b->count, 300);
    assert_int_equal(a->closed, closed); /* once */
}

static void destroy_when_closed(struct vd_broker *broker, enum vd_err result, void *context)
{
    struct node *node = context;

    node_closed(broker, result, node);
    vd_broker_destroy(broker);
    node->broker = NULL;
}

static void test_the_completion_may_destroy(void **state)
{
    struct suite *suite = *state;
    struct node *a = &suite->nodes[0];
    struct vd_broker *broker = suite_open(suite, 0, NULL);

    assert_int_equal(vd_broker_close(broker, 1000, destroy_when_closed, a), VD_OK);
    while (a->closed == 0)
        vd_broker_poll(broker, 1000);
    assert_int_equal(a->closed, 1);
    suite_open(suite, 0, NULL);
}

static void test_destroy_completes_a_close(void **state)
{
    struct suite *suite = *state;
    struct node *a = &suite->nodes[0];

    suite_open(suite, 0, NULL);
    assert_int_equal(vd_broker_close(a->broker, 1000, node_closed, a), VD_OK);
    vd_broker_destroy(a->broker);
    a->broker = NULL;
    assert_int_equal(a->closed, 1);
    assert_int_equal(a->closed_result, VD_ERR_CLOSED);
    vd_broker_destroy(NULL);
    vd_broker_unsubscribe(NULL);
}

/* ---- facts -------------------------------------------------------------------------------------
 */

static void test_status(void **state)
{
    struct suite *suite = *state;
    struct node *a = &suite->nodes[0], *b = &suite->nodes[1];
    struct vd_broker_options options = {.sequence = 41};
    struct vd_broker_status status;

    suite_open(suite, 0, &options);
    suite_open(suite, 1, NULL);
    assert_int_equal(strlen(vd_broker_node_id(a->broker)), VD_NODE_ID_CHARS);
    assert_string_not_equal(vd_broker_node_id(a->broker), vd_broker_node_id(b->broker));
    node_subscribe(b, "x");
    for (unsigned i = 0; i < 3; i++)
        node_publish(a, "x", NULL, "x");
    assert_int_equal(vd_broker_flush(a->broker, 10000), VD_OK);
    suite_until(suite, &b->count, 3);
    vd_broker_status(a->broker, &status);
    assert_string_equal(status.driver, suite->kind->driver);
    assert_string_equal(status.display, suite->kind->display);
    assert_int_equal(status.state, VD_BROKER_CONNECTED);
    assert_true(status.connected);
    assert_int_equal(status.attempts, 0);
    assert_int_equal(status.next_delay_ms, 0);
    assert_int_equal(status.last_error, VD_OK);
    assert_int_equal(status.outbox_messages, 0);
    assert_int_equal(status.outbox_bytes, 0);
    assert_int_equal(status.sequence, 44);
    assert_int_equal(status.counters.published, 3);
    assert_int_equal(status.counters.received, 0);
    assert_int_equal(status.counters.publish_failures, 0);
    assert_int_equal(b->messages[0].sequence, 42);
    vd_broker_status(b->broker, &status);
    assert_int_equal(status.counters.received, 3);
    assert_int_equal(status.counters.duplicates + status.counters.malformed, 0);
}

/* ---- fork --------------------------------------------------------------------------------------
 */

static int use_forked_copy(struct vd_broker *broker)
{
    const struct vd_message message = {.scope = "x", .scope_length = 1};
    struct vd_broker_status status;

    if (vd_broker_publish(broker, &message, NULL) != VD_ERR_STATE ||
        vd_broker_subscribe(broker, "x", 1, node_received, NULL, NULL, NULL) != VD_ERR_STATE ||
        vd_broker_dispatch(broker) != VD_ERR_STATE || vd_broker_poll(broker, 0) != VD_ERR_STATE ||
        vd_broker_flush(broker, 0) != VD_ERR_STATE ||
        vd_broker_close(broker, 0, NULL, NULL) != VD_ERR_STATE)
        return 1;
    vd_broker_status(broker, &status);
    if (status.connected)
        return 2;
    vd_broker_destroy(broker);
    return 0;
}

static void test_a_forked_copy_is_dead_and_harmless(void **state)
{
    struct suite *suite = *state;
    struct node *a = &suite->nodes[0], *b = &suite->nodes[1];
    int result;
    pid_t child;

    suite_open(suite, 0, NULL);
    suite_open(suite, 1, NULL);
    node_subscribe(b, "x");
    node_publish(a, "x", NULL, "before");
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(use_forked_copy(a->broker) + 10 * use_forked_copy(b->broker));
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    node_publish(a, "x", NULL, "after");
    suite_until(suite, &b->count, 2);
    suite_settle(suite);
    assert_int_equal(b->count, 2);
    assert_int_equal(a->failures + b->failures, 0);
}

struct forker {
    pid_t parent, child;
    bool destroys;
    unsigned calls; /* in this process */
};

/* The child does as the parent does: it returns, into a dispatch that is not its own. */
static void fork_at_the_first(struct vd_broker *broker, const struct vd_message *message,
                              void *context)
{
    struct forker *forker = context;

    (void)message;
    if (getpid() != forker->parent || forker->calls++ > 0) {
        forker->calls += getpid() != forker->parent;
        return;
    }
    forker->child = fork();
    if (forker->child == 0) {
        forker->calls = 0;
        if (forker->destroys)
            vd_broker_destroy(broker);
    }
}

static void a_callback_forks(struct suite *suite, bool destroys)
{
    struct node *a = &suite->nodes[0], *b = &suite->nodes[1];
    struct forker forker = {.parent = getpid(), .destroys = destroys};
    enum vd_err code = VD_OK;
    int result;

    suite_open(suite, 0, NULL);
    suite_open(suite, 1, NULL);
    node_subscribe(b, "x");
    assert_int_equal(vd_broker_subscribe(b->broker, "x", 1, fork_at_the_first, &forker, NULL, NULL),
                     VD_OK);
    for (unsigned i = 0; i < 300; i++)
        node_publish(a, "x", NULL, "one of many");
    assert_int_equal(vd_broker_flush(a->broker, 10000), VD_OK);
    while (getpid() == forker.parent && forker.child == 0)
        code = vd_broker_poll(b->broker, 100);
    if (getpid() != forker.parent) {
        if (!destroys)
            code = vd_broker_poll(b->broker, 0) == VD_ERR_STATE ? code : VD_OK;
        _exit(forker.calls + (code != (destroys ? VD_ERR_CLOSED : VD_ERR_STATE)));
    }
    assert_int_equal(waitpid(forker.child, &result, 0), forker.child);
    assert_int_equal(result, 0);
    suite_until(suite, &b->count, 300);
    suite_settle(suite);
    assert_int_equal(b->count, 300);
    for (size_t i = 0; i < 300; i++)
        assert_int_equal(b->messages[i].sequence, i + 1);
    assert_int_equal(forker.calls, 300);
    assert_int_equal(a->failures + b->failures + b->gaps, 0);
}

static void test_a_callback_may_fork(void **state)
{
    a_callback_forks(*state, false);
}

static void test_and_its_child_may_destroy(void **state)
{
    a_callback_forks(*state, true);
}

/* ---- failures ----------------------------------------------------------------------------------
 */

static void cannot_open(struct suite *suite, struct vd_broker_options options, enum vd_err code,
                        const char *part)
{
    struct vd_broker *broker = NULL;
    struct vd_error error = {0};
    const char *url = options.url;

    suite->kind->fill_in(suite->world, 0, false, &options);
    if (url)
        options.url = url;
    assert_int_equal(vd_broker_open(&options, &broker, &error), code);
    assert_null(broker);
    if (!strstr(error.text, part))
        fail_msg("\"%s\" is not in \"%s\"", part, error.text);
    assert_null(strstr(error.text, "hunter2")); /* the password */
}

static void test_bad_options(void **state)
{
    struct suite *suite = *state;
    char longest[100] = {0};

    memset(longest, 'n', sizeof(longest) - 1);
    cannot_open(suite, (struct vd_broker_options){.url = "amqp://u:hunter2@host"},
                VD_ERR_UNSUPPORTED, "no driver for its scheme");
    cannot_open(suite, (struct vd_broker_options){.url = ""}, VD_ERR_INVALID, "missing");
    cannot_open(suite, (struct vd_broker_options){.node_id = ""}, VD_ERR_INVALID, "node_id");
    cannot_open(suite, (struct vd_broker_options){.node_id = "a\nb"}, VD_ERR_INVALID, "node id");
    cannot_open(suite, (struct vd_broker_options){.node_id = longest}, VD_ERR_TOO_LARGE, "node id");
}

/* Every allocation of open, subscribe, publish and dispatch fails once: an error, nothing leaked,
 * nothing broken, and the next attempt goes well. */
static void test_out_of_memory(void **state)
{
    struct suite *suite = *state;
    struct vd_broker_options options = {0};
    struct vd_broker_subscription *subscription;
    struct vd_broker *broker = NULL;
    struct vd_error error;
    enum vd_err code = VD_ERR_NO_MEMORY;

    suite->kind->fill_in(suite->world, 0, false, &options);
    for (int n = 0; code != VD_OK; n++) {
        assert_true(n < 100);
        allocations_fail_after(n);
        code = vd_broker_open(&options, &broker, &error);
        assert_int_equal(allocations_fail_after(-1), code != VD_OK);
        assert_true(code == VD_OK || code == VD_ERR_NO_MEMORY);
    }
    suite->nodes[0].broker = broker;
    allocations_fail_after(0);
    code =
        vd_broker_subscribe(broker, "x", 1, node_received, &suite->nodes[0], &subscription, &error);
    assert_int_equal(code, VD_ERR_NO_MEMORY);
    allocations_fail_after(-1);
}

/* What memory could not be had for is a gap or an error, and never silence. */
static void test_out_of_memory_on_the_way(void **state)
{
    static unsigned char bytes[200000];
    struct suite *suite = *state;
    struct node *a = &suite->nodes[0], *b = &suite->nodes[1];
    struct vd_message message = {.scope = "x",
                                 .scope_length = 1,
                                 .has_data = true,
                                 .data = bytes,
                                 .data_length = sizeof(bytes)};
    size_t accepted = 0;

    suite_open(suite, 0, NULL);
    suite_open(suite, 1, NULL);
    node_subscribe(b, "x");
    for (int n = 0; n < 4; n++) {
        allocations_fail_after(n);
        accepted += vd_broker_publish(a->broker, &message, NULL) == VD_OK;
        allocations_fail_after(-1);
    }
    suite_settle(suite);
    assert_int_equal(b->count + b->missed, accepted);
    node_publish(a, "x", NULL, "well again");
    suite_settle(suite);
    assert_string_equal((char *)b->messages[b->count - 1].data, "well again");
}

const struct CMUnitTest suite_life_tests[] = {
    SUITE_TEST(test_a_callback_may_publish),
    SUITE_TEST(test_a_callback_may_subscribe_and_unsubscribe),
    SUITE_TEST(test_a_callback_may_destroy),
    SUITE_TEST(test_dispatch_is_refused_in_a_callback),
    SUITE_TEST(test_the_descriptor_tells_the_truth),
    SUITE_TEST(test_close_hands_over_what_was_accepted),
    SUITE_TEST(test_the_completion_may_destroy),
    SUITE_TEST(test_destroy_completes_a_close),
    SUITE_TEST(test_status),
    SUITE_TEST(test_a_forked_copy_is_dead_and_harmless),
    SUITE_TEST(test_a_callback_may_fork),
    SUITE_TEST(test_and_its_child_may_destroy),
    SUITE_TEST(test_bad_options),
    SUITE_TEST(test_out_of_memory),
    SUITE_TEST(test_out_of_memory_on_the_way),
};
const size_t suite_life_test_count = sizeof(suite_life_tests) / sizeof(struct CMUnitTest);

int suite_run(const struct suite_world *world)
{
    struct CMUnitTest *all = calloc(suite_message_test_count + suite_life_test_count, sizeof(*all));
    int failed;

    if (!all)
        return 1;
    suite_choose(world);
    memcpy(all, suite_message_tests, suite_message_test_count * sizeof(*all));
    memcpy(all + suite_message_test_count, suite_life_tests, suite_life_test_count * sizeof(*all));
    failed = _cmocka_run_group_tests(world->driver, all,
                                     suite_message_test_count + suite_life_test_count, NULL, NULL);
    free(all);
    return failed;
}
