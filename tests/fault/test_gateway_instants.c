/* SPDX-License-Identifier: Apache-2.0 */
/* A gateway killed at every instant of publishing, and of burying the worker that has published:
 * whatever it has done by then, its successor finds each message that the worker has put into its
 * ring, numbers it once and keeps it once.
 *
 * The victim is a child that is single-stepped (ptrace) through one drain of the rings and one turn
 * of the link. Whenever it has changed the shared memory, a successor starts here, on that memory
 * as it is; then what the successor has changed is undone, and the victim goes on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>

#include "gateway.h"
#include "killing.h"

#define STEPS_MAX  2000000u
#define SHOWN      ((size_t)8192) /* of each ring: what is used */
#define AREAS      6
#define PART_BYTES 600u
#define MESSAGES   4u

static const unsigned parts_of[MESSAGES] = {1, 3, 1, 2}; /* frames of each message */

struct area {
    unsigned char *bytes, *seen;
    size_t length;
};

struct scene {
    struct vd_node node;
    struct gateway victim;
    struct area areas[AREAS];
    struct vd_ring_producer worker;
    unsigned states;
    bool worker_is_dead;
    bool nothing_done, all_done;
};

/* ---- the worker --------------------------------------------------------------------------------
 */

static void put_frame(struct scene *scene, unsigned message, unsigned part)
{
    struct vd_frame_message head = {
        .scope_length = 1, .has_data = 1, .data_length = parts_of[message] * PART_BYTES};
    size_t before = part == 0 ? sizeof(head) + 1 : 0;
    uint16_t flags = (uint16_t)((part ? VD_FRAME_CONTINUED : 0) |
                                (part + 1 < parts_of[message] ? VD_FRAME_MORE : 0));
    struct vd_frame *frame =
        vd_ring_reserve(&scene->worker, before + PART_BYTES, VD_FRAME_PUBLISH, flags, 0);

    assert_non_null(frame);
    if (part == 0) {
        memcpy(frame->payload, &head, sizeof(head));
        frame->payload[sizeof(head)] = 'a';
    }
    memset(frame->payload + before, 'A' + (int)(4 * message + part), PART_BYTES);
    vd_ring_commit(&scene->worker);
}

static void worker_publishes(struct scene *scene)
{
    atomic_store(&scene->node.slots[0].generation, 1);
    atomic_store(&scene->node.slots[0].state, VD_SLOT_READY);
    assert_int_equal(vd_ring_producer_init(&scene->worker, scene->node.to_gateway[0]), VD_OK);
    for (unsigned message = 0; message < MESSAGES; message++) {
        for (unsigned part = 0; part < parts_of[message]; part++)
            put_frame(scene, message, part);
    }
}

/* In the middle of one more. */
static void worker_dies(struct scene *scene)
{
    struct vd_worker_slot *slot = &scene->node.slots[0];

    put_frame(scene, 1, 0);
    atomic_store(&slot->state, VD_SLOT_EMPTY);
    atomic_store(&slot->died_generation, 1);
    scene->worker_is_dead = true;
}

/* ---- the successor -----------------------------------------------------------------------------
 */

static void expect_message(const struct vd_history *history, unsigned message)
{
    struct vd_history_entry entry;
    const char *data;

    assert_int_equal(vd_history_get(history, 1 + message, &entry), VD_OK);
    data = entry.message.data;
    assert_int_equal(entry.message.sequence, 1 + message);
    assert_int_equal(entry.message.data_length, parts_of[message] * PART_BYTES);
    for (unsigned part = 0; part < parts_of[message]; part++)
        assert_int_equal(data[part * PART_BYTES], 'A' + (int)(4 * message + part));
}

static void a_successor_comes(struct scene *scene)
{
    struct vd_node *node = &scene->node;
    static struct gateway successor;
    struct vd_broker_status link;

    scene->nothing_done |= vd_history_next(node->history) == 1;
    scene->all_done |= vd_history_next(node->history) == 1 + MESSAGES &&
                       vd_ring_depth_bytes(node->to_gateway[0]) == 0;
    memset(&successor, 0, sizeof(successor));
    atomic_store(&node->shared->gateway_epoch, 2);
    assert_int_equal(gw_start(&successor, node, 2), VD_OK);
    assert_false(gw_workers_turn(&successor));
    assert_int_equal(atomic_load(&node->slots[0].buried_generation), scene->worker_is_dead);
    assert_int_equal(vd_ring_depth_bytes(node->to_gateway[0]), 0);
    assert_int_equal(vd_history_next(node->history), 1 + MESSAGES);
    assert_int_equal(atomic_load(&node->shared->sequence), MESSAGES);
    for (unsigned message = 0; message < MESSAGES; message++)
        expect_message(node->history, message);
    assert_int_equal(successor.counters.dropped, 0);
    if (gw_link_status(&successor, &link)) { /* nobody else has heard of them */
        assert_int_equal(link.outbox_messages, MESSAGES);
        assert_int_equal(link.outbox_sequence, 1);
    }
    gw_finish(&successor);
}

/* ---- step by step ------------------------------------------------------------------------------
 */

static bool has_changed(const struct scene *scene)
{
    for (unsigned i = 0; i < AREAS; i++) {
        if (memcmp(scene->areas[i].bytes, scene->areas[i].seen, scene->areas[i].length) != 0)
            return true;
    }
    return false;
}

static void remember(struct scene *scene)
{
    for (unsigned i = 0; i < AREAS; i++)
        memcpy(scene->areas[i].seen, scene->areas[i].bytes, scene->areas[i].length);
}

static void undo(struct scene *scene)
{
    for (unsigned i = 0; i < AREAS; i++)
        memcpy(scene->areas[i].bytes, scene->areas[i].seen, scene->areas[i].length);
}

static void drain_traced(void *argument)
{
    struct scene *scene = argument;

    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
        _exit(1);
    if (gw_start(&scene->victim, &scene->node, 1) != VD_OK)
        _exit(2);
    raise(SIGSTOP);
    gw_workers_turn(&scene->victim);
    gw_link_turn(&scene->victim);
    raise(SIGSTOP); /* the end of what is stepped */
}

static int stopped_by(pid_t child)
{
    int status = 0;

    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFSTOPPED(status))
        fail_msg("the traced child ended early (status %x); is ptrace allowed here?", status);
    return WSTOPSIG(status);
}

static unsigned step_through(struct scene *scene, pid_t child)
{
    for (unsigned steps = 0; steps < STEPS_MAX; steps++) {
        if (steps == 0 || has_changed(scene)) {
            remember(scene);
            scene->states++;
            a_successor_comes(scene);
            undo(scene);
        }
        assert_int_equal(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
        if (stopped_by(child) == SIGSTOP)
            return steps;
    }
    fail_msg("more than %u instructions", STEPS_MAX);
    return 0;
}

static void set_area(struct scene *scene, unsigned which, void *bytes, size_t length)
{
    scene->areas[which] = (struct area){.bytes = bytes, .seen = malloc(length), .length = length};
    assert_non_null(scene->areas[which].seen);
}

/* @url: of the link, at which nobody answers; NULL: the node is alone. */
static void set_scene(struct scene *scene, const char *url)
{
    static struct vd_broker_options broker;
    struct vd_server_config config = {.workers = 1,
                                      .port_any = true,
                                      .log_level = VD_LOG_OFF,
                                      .history_log_bytes = VD_HISTORY_LOG_MIN_BYTES};
    struct vd_node *node = &scene->node;

    memset(scene, 0, sizeof(*scene));
    broker.url = url;
    config.broker = url ? &broker : NULL;
    assert_int_equal(vd_server_config_check(&config, NULL), VD_OK);
    assert_int_equal(vd_node_create(node, &config, NULL), VD_OK);
    atomic_store(&node->shared->supervisor_pid, getpid());
    atomic_store(&node->shared->gateway_epoch, 1);
    vd_logger_init(&node->logger, 2, VD_LOG_OFF, "gateway");
    set_area(scene, 0, node->shared, sizeof(*node->shared));
    set_area(scene, 1, node->slots, sizeof(*node->slots));
    set_area(scene, 2, node->history,
             vd_history_bytes(config.history_log_bytes, vd_history_entries(&config)));
    set_area(scene, 3, node->to_gateway[0], SHOWN);
    set_area(scene, 4, node->requests[0], SHOWN);
    set_area(scene, 5, node->events[0], SHOWN);
}

static void kill_at_every_instant(bool worker_is_dead, const char *url)
{
    static struct scene scene;
    unsigned steps;
    pid_t child;

    set_scene(&scene, url);
    worker_publishes(&scene);
    if (worker_is_dead)
        worker_dies(&scene);
    child = start(drain_traced, &scene);
    assert_int_equal(stopped_by(child), SIGSTOP);
    steps = step_through(&scene, child);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    print_message("%u instructions, %u states\n", steps, scene.states);
    assert_true(scene.states > 10 * MESSAGES && scene.nothing_done && scene.all_done);
    for (unsigned i = 0; i < AREAS; i++)
        free(scene.areas[i].seen);
    vd_node_destroy(&scene.node);
}

static void a_gateway_is_killed_while_it_publishes(void **state)
{
    (void)state;
    kill_at_every_instant(false, NULL);
}

static void a_gateway_is_killed_while_it_buries_a_worker(void **state)
{
    (void)state;
    kill_at_every_instant(true, NULL);
}

static void a_gateway_is_killed_while_it_publishes_to_other_nodes(void **state)
{
    (void)state;
    kill_at_every_instant(false, "redis://127.0.0.1:1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gateway_is_killed_while_it_publishes),
        cmocka_unit_test(a_gateway_is_killed_while_it_buries_a_worker),
        cmocka_unit_test(a_gateway_is_killed_while_it_publishes_to_other_nodes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
