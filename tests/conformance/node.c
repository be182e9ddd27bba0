/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes under test, and how they are driven: poll all descriptors, dispatch those that are
 * readable, as a foreign event loop does. No test waits a fixed time. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <viaduct/clock.h>

#include "node.h"

#define DEADLINE_MS 60000
#define MARK        "suite:settle"

static const struct suite_world *chosen;

void suite_choose(const struct suite_world *kind)
{
    chosen = kind;
}

static char *copy_text(const char *text, size_t length)
{
    char *copy = malloc(length + 1);

    assert_non_null(copy);
    if (length)
        memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

void node_received(struct vd_broker *broker, const struct vd_message *message, void *context)
{
    struct node *node = context;
    struct seen_message *seen;

    assert_ptr_equal(broker, node->broker);
    if (node->count == node->capacity) {
        node->capacity = node->capacity ? node->capacity * 2 : 64;
        node->messages = realloc(node->messages, node->capacity * sizeof(*node->messages));
        assert_non_null(node->messages);
    }
    seen = &node->messages[node->count++];
    seen->scope = copy_text(message->scope, message->scope_length);
    seen->event = message->event ? copy_text(message->event, message->event_length) : NULL;
    seen->origin = copy_text(message->origin, message->origin_length);
    seen->data = (unsigned char *)copy_text(message->data, message->data_length);
    seen->data_length = message->data_length;
    seen->has_data = message->has_data;
    seen->sequence = message->sequence;
}

void node_closed(struct vd_broker *broker, enum vd_err result, void *context)
{
    struct node *node = context;

    assert_ptr_equal(broker, node->broker);
    node->closed++;
    node->closed_result = result;
}

static void saw_gap(struct vd_broker *broker, const struct vd_broker_gap *gap, void *context)
{
    struct node *node = context;

    (void)broker;
    node->gaps++;
    node->missed += gap->missed;
    node->gap_reason = gap->reason;
    node->gap_at = node->count;
    memcpy(node->gap_origin, gap->origin ? gap->origin : "", gap->origin_length);
    node->gap_origin[gap->origin_length] = '\0';
}

static void saw_failure(struct vd_broker *broker, const struct vd_broker_failure *failure,
                        void *context)
{
    struct node *node = context;

    (void)broker;
    (void)failure;
    node->failures++;
}

struct vd_broker *suite_open(struct suite *suite, unsigned number,
                             const struct vd_broker_options *given)
{
    struct vd_broker_options options = given ? *given : (struct vd_broker_options){0};
    struct node *node = &suite->nodes[number];
    struct vd_error error = {0};

    suite->kind->fill_in(suite->world, number, suite->small, &options);
    options.on_gap = saw_gap;
    options.on_error = saw_failure;
    options.context = node;
    if (vd_broker_open(&options, &node->broker, &error) != VD_OK)
        fail_msg("open: %s", error.text);
    suite_connected(suite);
    return node->broker;
}

void node_subscribe(struct node *node, const char *pattern)
{
    assert_int_equal(vd_broker_subscribe(node->broker, pattern, strlen(pattern), node_received,
                                         node, NULL, NULL),
                     VD_OK);
}

void node_publish(struct node *node, const char *scope, const char *event, const char *data)
{
    struct vd_message message = {
        .scope = scope,
        .scope_length = strlen(scope),
        .event = event,
        .event_length = event ? strlen(event) : 0,
        .data = data,
        .data_length = data ? strlen(data) : 0,
        .has_data = data != NULL,
    };
    struct vd_error error = {0};

    if (vd_broker_publish(node->broker, &message, &error) != VD_OK)
        fail_msg("publish: %s", error.text);
}

void suite_turn(struct suite *suite, int timeout_ms)
{
    struct pollfd ready[SUITE_NODES];

    for (unsigned i = 0; i < SUITE_NODES; i++) {
        const struct vd_broker *broker = suite->nodes[i].broker;
        ready[i] = (struct pollfd){.fd = broker ? vd_broker_fd(broker) : -1, .events = POLLIN};
    }
    poll(ready, SUITE_NODES, timeout_ms);
    for (unsigned i = 0; i < SUITE_NODES; i++) {
        if (ready[i].fd >= 0 && ready[i].revents && suite->nodes[i].broker)
            vd_broker_dispatch(suite->nodes[i].broker);
    }
}

void suite_until(struct suite *suite, const size_t *counter, size_t wanted)
{
    uint64_t deadline_ms = vd_monotonic_ms() + DEADLINE_MS;

    while (*counter < wanted) {
        if (vd_monotonic_ms() > deadline_ms)
            fail_msg("%zu of %zu after %d ms", *counter, wanted, DEADLINE_MS);
        suite_turn(suite, 100);
    }
}

void suite_connected(struct suite *suite)
{
    uint64_t deadline_ms = vd_monotonic_ms() + DEADLINE_MS;

    for (unsigned i = 0; i < SUITE_NODES; i++) {
        struct vd_broker_status status = {.connected = !suite->nodes[i].broker};
        while (suite->nodes[i].broker) {
            vd_broker_status(suite->nodes[i].broker, &status);
            if (status.connected)
                break;
            if (vd_monotonic_ms() > deadline_ms)
                fail_msg("node %u did not connect", i);
            suite_turn(suite, 20);
        }
    }
}

/* What a node has seen of the others' marks; its own may come back, since it is in another name. */
struct marks {
    size_t *count;
    char own;
};

static void count_mark(struct vd_broker *broker, const struct vd_message *message, void *context)
{
    const struct marks *marks = context;

    (void)broker;
    if (message->origin[5] != marks->own)
        ++*marks->count;
}

void suite_settle(struct suite *suite)
{
    struct vd_broker_subscription *subscriptions[SUITE_NODES] = {0};
    struct marks marks[SUITE_NODES];
    size_t count = 0, open = 0;

    for (unsigned i = 0; i < SUITE_NODES; i++) {
        if (!suite->nodes[i].broker)
            continue;
        open++;
        marks[i] = (struct marks){&count, (char)('0' + i)};
        assert_int_equal(vd_broker_subscribe(suite->nodes[i].broker, MARK, strlen(MARK), count_mark,
                                             &marks[i], &subscriptions[i], NULL),
                         VD_OK);
    }
    for (unsigned i = 0; i < SUITE_NODES; i++) {
        struct vd_message mark = {.scope = MARK, .scope_length = strlen(MARK)};
        char origin[32] = "mark-0"; /* own ids may be equal in a test: these are not */
        if (!suite->nodes[i].broker)
            continue;
        origin[5] = (char)('0' + i);
        mark.origin = origin;
        mark.origin_length = strlen(origin);
        assert_int_equal(vd_broker_publish(suite->nodes[i].broker, &mark, NULL), VD_OK);
    }
    suite_until(suite, &count, open * (open - 1));
    for (unsigned i = 0; i < SUITE_NODES; i++)
        vd_broker_unsubscribe(subscriptions[i]);
}

static void node_clear(struct node *node)
{
    vd_broker_destroy(node->broker);
    for (size_t i = 0; i < node->count; i++) {
        free(node->messages[i].scope);
        free(node->messages[i].event);
        free(node->messages[i].origin);
        free(node->messages[i].data);
    }
    free(node->messages);
    *node = (struct node){0};
}

static int setup(void **state, bool small)
{
    struct suite *suite = calloc(1, sizeof(*suite));

    if (!suite)
        return -1;
    suite->kind = chosen;
    suite->small = small;
    suite->world = chosen->begin(small);
    *state = suite;
    return suite->world ? 0 : -1;
}

int suite_setup(void **state)
{
    return setup(state, false);
}

int suite_setup_small(void **state)
{
    return setup(state, true);
}

int suite_teardown(void **state)
{
    struct suite *suite = *state;

    allocations_fail_after(-1);
    for (unsigned i = 0; i < SUITE_NODES; i++)
        node_clear(&suite->nodes[i]);
    suite->kind->end(suite->world);
    free(suite);
    return 0;
}
