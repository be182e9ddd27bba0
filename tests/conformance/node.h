/* SPDX-License-Identifier: Apache-2.0 */
/* A node under test: a handle, and everything that its callbacks saw. */
#ifndef VIADUCT_TESTS_CONFORMANCE_NODE_H
#define VIADUCT_TESTS_CONFORMANCE_NODE_H

#include "suite.h"

struct seen_message {
    char *scope; /* NUL-terminated copies */
    char *event; /* NULL: none */
    char *origin;
    unsigned char *data;
    size_t data_length;
    bool has_data;
    uint64_t sequence;
};

struct node {
    struct vd_broker *broker;
    struct seen_message *messages;
    size_t count, capacity;
    unsigned gaps;
    uint64_t missed;
    enum vd_broker_gap_reason gap_reason;
    char gap_origin[VD_ORIGIN_MAX_BYTES + 1];
    size_t gap_at; /* messages seen before the last gap */
    unsigned failures;
    unsigned closed; /* completions of the asynchronous close */
    enum vd_err closed_result;
};

/* One test's world and nodes; the cmocka state. */
struct suite {
    const struct suite_world *kind;
    void *world;
    bool small;
    struct node nodes[SUITE_NODES];
};

/* Open node @number, with @options or with those of the world alone (NULL). */
struct vd_broker *suite_open(struct suite *suite, unsigned number,
                             const struct vd_broker_options *options);

/* The callbacks that record; their context is the node. */
void node_received(struct vd_broker *broker, const struct vd_message *message, void *context);
void node_closed(struct vd_broker *broker, enum vd_err result, void *context);

void node_subscribe(struct node *node, const char *pattern);

/* A text message; NULL: no event, no data. Must be accepted. */
void node_publish(struct node *node, const char *scope, const char *event, const char *data);

/* Drive all open nodes until *@counter reaches @wanted; fails the test after 20 s. */
void suite_until(struct suite *suite, const size_t *counter, size_t wanted);

/* Drive all open nodes until every one has seen all that was sent before: each node's marker comes
 * back to the others. Needs no subscriptions beside its own. */
void suite_settle(struct suite *suite);

/* Dispatch each open node once; waits up to @timeout_ms for one that has something to do. */
void suite_turn(struct suite *suite, int timeout_ms);

/* Wait until all open nodes are connected. */
void suite_connected(struct suite *suite);

int suite_setup(void **state);
int suite_setup_small(void **state);
int suite_teardown(void **state);

/* Set by suite_run, read by the set-up: cmocka's set-up functions have no argument of their own. */
void suite_choose(const struct suite_world *kind);

/* alloc.c: from now on let @successes allocations of malloc, calloc and realloc pass and fail the
 * one after them; -1: never. Returns whether the one before has failed. */
bool allocations_fail_after(int successes);

#endif
