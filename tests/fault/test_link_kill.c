/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway's link across the gateway's death, at instants that no signal can be aimed at: the
 * test puts the shared memory into the state in which a kill would have left it. A real gateway, a
 * real Redis; the test plays the supervisor, the workers and another node. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <viaduct/broker.h>
#include <viaduct/clock.h>

#include "broker_server.h"
#include "stage.h"

#define SEEN_MAX 64

/* Another node. */
struct observer {
    struct vd_broker *broker;
    uint64_t sequences[SEEN_MAX];
    char texts[SEEN_MAX][16];
    size_t count;
    uint64_t missed;
};

struct world {
    struct broker_server server;
    char url[64];
    struct vd_broker_options link;
    struct stage stage;
    struct observer observer;
};

static void received(struct vd_broker *broker, const struct vd_message *message, void *context)
{
    struct observer *observer = context;

    (void)broker;
    assert_true(observer->count < SEEN_MAX);
    observer->sequences[observer->count] = message->sequence;
    snprintf(observer->texts[observer->count++], 16, "%.*s", (int)message->data_length,
             (const char *)message->data);
}

static void gap(struct vd_broker *broker, const struct vd_broker_gap *gap, void *context)
{
    (void)broker;
    ((struct observer *)context)->missed += gap->missed;
}

static void observe_until(struct observer *observer, size_t wanted)
{
    uint64_t give_up_ms = vd_monotonic_ms() + STAGE_WAIT_MS;

    while (observer->count < wanted) {
        assert_true(vd_monotonic_ms() < give_up_ms);
        vd_broker_poll(observer->broker, 20);
    }
}

static struct vd_broker_counters observer_counters(const struct observer *observer)
{
    struct vd_broker_status status;

    vd_broker_status(observer->broker, &status);
    return status.counters;
}

static void open_observer(struct world *world)
{
    struct observer *observer = &world->observer;
    struct vd_broker_options options = {
        .url = world->url, .backoff_first_ms = 20, .on_gap = gap, .context = observer};
    struct vd_broker_status status;

    assert_int_equal(vd_broker_open(&options, &observer->broker, NULL), VD_OK);
    assert_int_equal(
        vd_broker_subscribe(observer->broker, "room*", 5, received, observer, NULL, NULL), VD_OK);
    do {
        vd_broker_poll(observer->broker, 20);
        vd_broker_status(observer->broker, &status);
    } while (!status.connected);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    world->server.kind = &broker_server_redis;
    broker_server_prepare(&world->server);
    broker_server_start(&world->server);
    snprintf(world->url, sizeof(world->url), "redis://127.0.0.1:%d", world->server.port);
    world->link = (struct vd_broker_options){
        .url = world->url, .backoff_first_ms = 20, .backoff_cap_ms = 100};
    open_observer(world);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    vd_broker_destroy(world->observer.broker);
    broker_server_finish(&world->server);
    free(world);
    return 0;
}

static struct hand *raise_curtain(struct world *world, struct vd_server_config config)
{
    config.broker = &world->link;
    stage_start(&world->stage, config);
    for (unsigned i = 0; i < config.workers; i++)
        hand_start(&world->stage.hands[i]);
    return &world->stage.hands[0];
}

/* Its link is up. */
static void wait_for_link(struct world *world)
{
    char answer[4096], body[2048];
    uint64_t give_up_ms = vd_monotonic_ms() + STAGE_WAIT_MS;
    unsigned status = 0;

    while (status != 200) {
        int fd = client_connect(&world->stage);

        assert_true(vd_monotonic_ms() < give_up_ms);
        answer[0] = '\0';
        client_get(fd, "/_health");
        STAGE_UNTIL((status = client_answer(answer, body, sizeof(body))) != 0 ||
                    !client_read(fd, answer, sizeof(answer)));
        close(fd);
        usleep(5000);
    }
}

static void say(struct hand *hand, const char *text)
{
    assert_true(hand_publish(hand, "room", text, strlen(text)));
}

static void restart(struct world *world)
{
    stage_gateway_start(&world->stage);
    for (unsigned i = 0; i < world->stage.node.config.workers; i++)
        hand_ready(&world->stage.hands[i]);
}

/* What a gateway would have written, had it lived that long. */
static void write_history(struct stage *stage, uint64_t sequence, const char *text)
{
    struct vd_message message = {.scope = "room",
                                 .scope_length = 4,
                                 .data = text,
                                 .data_length = strlen(text),
                                 .has_data = true,
                                 .origin = stage->node.shared->node_id.text,
                                 .origin_length = VD_NODE_ID_CHARS,
                                 .sequence = sequence};
    uint64_t offset;

    assert_int_equal(vd_history_append(stage->node.history, &message, (struct vd_history_source){0},
                                       vd_wall_ms(), &offset),
                     VD_OK);
}

static void expect(const struct observer *observer, size_t index, uint64_t sequence,
                   const char *text)
{
    assert_true(index < observer->count);
    assert_int_equal(observer->sequences[index], sequence);
    assert_string_equal(observer->texts[index], text);
}

static uint64_t confirmed(const struct world *world)
{
    return atomic_load(&world->stage.node.shared->link_confirmed);
}

/* ---- tests -------------------------------------------------------------------------------------
 */

static void between_history_and_broker(void **state)
{
    struct world *world = *state;
    struct hand *hand = raise_curtain(world, (struct vd_server_config){.workers = 1});

    say(hand, "1");
    observe_until(&world->observer, 1);
    STAGE_UNTIL(confirmed(world) == 1);
    stage_gateway_kill(&world->stage);
    write_history(&world->stage, 2, "2");
    atomic_store(&world->stage.node.shared->sequence, 2);
    write_history(&world->stage, 3, "3"); /* and its number not even noted */
    restart(world);
    say(hand, "4");
    observe_until(&world->observer, 4);
    for (unsigned i = 0; i < 4; i++)
        expect(&world->observer, i, i + 1, (const char[]){(char)('1' + i), '\0'});
    assert_int_equal(observer_counters(&world->observer).duplicates, 0);
    assert_int_equal(world->observer.missed, 0);
    assert_int_equal(atomic_load(&world->stage.node.shared->sequence), 4);
    STAGE_UNTIL(confirmed(world) == 4);
    stage_stop(&world->stage);
}

static void between_broker_and_confirmation(void **state)
{
    struct world *world = *state;
    struct hand *hand = raise_curtain(world, (struct vd_server_config){.workers = 1});

    for (unsigned i = 1; i <= 5; i++)
        say(hand, (const char[]){(char)('0' + i), '\0'});
    observe_until(&world->observer, 5);
    STAGE_UNTIL(confirmed(world) == 5);
    stage_gateway_kill(&world->stage);
    atomic_store(&world->stage.node.shared->link_confirmed, 2);
    restart(world);
    say(hand, "6");
    observe_until(&world->observer, 6);
    expect(&world->observer, 5, 6, "6");
    assert_int_equal(observer_counters(&world->observer).duplicates, 3);
    assert_int_equal(world->observer.missed, 0);
    stage_stop(&world->stage);
}

/* What nobody has any more is a gap to the others. */
static void numbers_without_messages(void **state)
{
    struct world *world = *state;
    struct hand *hand = raise_curtain(world, (struct vd_server_config){.workers = 1});

    say(hand, "1");
    observe_until(&world->observer, 1);
    stage_gateway_kill(&world->stage);
    atomic_store(&world->stage.node.shared->sequence, 4);
    restart(world);
    say(hand, "5");
    observe_until(&world->observer, 2);
    expect(&world->observer, 1, 5, "5");
    assert_int_equal(world->observer.missed, 3);
    stage_stop(&world->stage);
}

static void relay(struct observer *observer, uint64_t sequence)
{
    struct vd_message message = {.scope = "elsewhere",
                                 .scope_length = 9,
                                 .origin = "another",
                                 .origin_length = 7,
                                 .sequence = sequence};

    assert_int_equal(vd_broker_publish(observer->broker, &message, NULL), VD_OK);
    assert_int_equal(vd_broker_flush(observer->broker, STAGE_WAIT_MS), VD_OK);
}

/* Gaps are entries, too. */
static unsigned remote_entries(struct world *world)
{
    const struct vd_history *history = world->stage.node.history;
    struct vd_history_entry entry;
    unsigned count = 0;

    for (uint64_t at = vd_history_first(history); at < vd_history_next(history); at++) {
        count += vd_history_get(history, at, &entry) == VD_OK && entry.message.origin_length == 7 &&
                 memcmp(entry.message.origin, "another", 7) == 0;
    }
    return count;
}

static void what_a_predecessor_has_received_is_no_news(void **state)
{
    struct world *world = *state;

    raise_curtain(world, (struct vd_server_config){.workers = 1});
    wait_for_link(world);
    for (uint64_t i = 1; i <= 3; i++)
        relay(&world->observer, i);
    STAGE_UNTIL(remote_entries(world) == 3);
    stage_gateway_kill(&world->stage);
    restart(world);
    wait_for_link(world);
    relay(&world->observer, 2); /* its sender has met with the same fate */
    relay(&world->observer, 3);
    relay(&world->observer, 4);
    STAGE_UNTIL(remote_entries(world) >= 4);
    assert_int_equal(remote_entries(world), 4);
    stage_stop(&world->stage);
}

static void too_large_for_the_history_and_yet_published_once(void **state)
{
    struct world *world = *state;
    struct hand *hand = raise_curtain(
        world, (struct vd_server_config){.workers = 1, .history_log_bytes = 64 * 1024});
    struct vd_worker_slot *slot = hand->slot;
    struct vd_ring_consumer ring;
    const struct vd_frame *frame;
    char *large = calloc(1, 20000);

    memset(large, 'x', 20000);
    assert_true(hand_publish(hand, "room", large, 20000));
    observe_until(&world->observer, 1);
    assert_int_equal(atomic_load(&slot->unkept_generation), hand->generation);
    stage_gateway_kill(&world->stage);
    assert_true(hand_publish(hand, "room", large, 20000)); /* published by the dead one ... */
    assert_int_equal(vd_ring_consumer_init(&ring, world->stage.node.to_gateway[0]), VD_OK);
    assert_int_equal(vd_ring_peek(&ring, &frame), VD_OK);
    atomic_store(&slot->unkept_position, vd_ring_position(&ring));
    atomic_store(&world->stage.node.shared->sequence, 2);
    restart(world); /* ... so not by this one */
    say(hand, "3");
    observe_until(&world->observer, 2);
    expect(&world->observer, 1, 3, "3");
    assert_int_equal(world->observer.missed, 1); /* it was not: the others know */
    free(large);
    stage_stop(&world->stage);
}

/* ---- errors ------------------------------------------------------------------------------------
 */

static const struct vd_frame *next_error(struct hand *hand)
{
    const struct vd_frame *frame = hand_event(hand);

    while (frame && frame->type != VD_FRAME_EVENT_BROKER_ERROR) {
        hand_release(hand, &hand->events);
        frame = hand_event(hand);
    }
    return frame;
}

static uint32_t attempt_of(const struct vd_frame *frame)
{
    const struct vd_frame_broker_error *error = (const void *)frame->payload;
    const char *bytes = (const char *)(error + 1);

    assert_true(frame->length > sizeof(*error) + error->driver_length);
    assert_int_equal(error->code, VD_ERR_CONNECTION);
    assert_int_equal(error->driver_length, 11);
    assert_memory_equal(bytes, "RedisBroker", 11);
    assert_non_null(memmem(bytes, frame->length - sizeof(*error), "cannot be reached", 17));
    return error->attempt;
}

static void errors_wait_for_a_worker_and_outlive_one(void **state)
{
    struct world *world = *state;
    struct hand *first = &world->stage.hands[0], *second = &world->stage.hands[1];
    const struct vd_frame *frame;

    world->link.backoff_first_ms = world->link.backoff_cap_ms = 60000; /* one, and one only */
    broker_server_kill(&world->server);
    stage_start(&world->stage, (struct vd_server_config){.workers = 2, .broker = &world->link});
    usleep(50000); /* whether it has failed by now or not makes no difference */
    hand_start(first);
    STAGE_UNTIL((frame = next_error(first)) != NULL);
    assert_int_equal(attempt_of(frame), 1);
    hand_start(second);
    hand_die(first, VD_DEATH_CRASH); /* unread */
    STAGE_UNTIL((frame = next_error(second)) != NULL);
    assert_int_equal(attempt_of(frame), 1);
    hand_release(second, &second->events);
    assert_null(next_error(second));
    stage_stop(&world->stage);
}

/* ---- the policy to fail ------------------------------------------------------------------------
 */

static enum vd_err ask(struct hand *hand, uint64_t tag, const char *scope, size_t length)
{
    struct vd_frame_message head = {
        .scope_length = (uint16_t)strlen(scope), .has_data = 1, .data_length = (uint32_t)length};
    char *bytes = calloc(1, sizeof(head) + head.scope_length + length);
    struct vd_frame *frame;

    memcpy(bytes, &head, sizeof(head));
    memcpy(bytes + sizeof(head), scope, head.scope_length);
    frame = vd_ring_reserve(&hand->to_gateway, sizeof(head) + head.scope_length + length,
                            VD_FRAME_PUBLISH, 0, tag);
    assert_non_null(frame);
    memcpy(frame->payload, bytes, sizeof(head) + head.scope_length + length);
    free(bytes);
    vd_ring_commit(&hand->to_gateway);
    vd_doorbell_ring(&hand->stage->node.shared->gateway_bell);
    STAGE_UNTIL(atomic_load(&hand->slot->publish_answer) >> 8 == tag);
    return (enum vd_err)(atomic_load(&hand->slot->publish_answer) & 0xff);
}

static void what_has_no_room_is_refused(void **state)
{
    struct world *world = *state;
    struct vd_shared *shared;
    struct hand *hand;
    uint64_t next;

    world->link.outbox_policy = VD_OUTBOX_FAIL;
    world->link.outbox_messages = 3;
    world->link.outbox_bytes = 4096;
    hand = raise_curtain(world, (struct vd_server_config){.workers = 1});
    shared = world->stage.node.shared;
    STAGE_UNTIL(!atomic_load(&shared->link_tight));
    assert_int_equal(ask(hand, 1, "room", 60000), VD_OK); /* a link that is up takes it at once */
    observe_until(&world->observer, 1);
    STAGE_UNTIL(confirmed(world) == 1 && !atomic_load(&shared->link_tight));
    broker_server_kill(&world->server);
    STAGE_UNTIL(atomic_load(&shared->link_tight)); /* the death is noticed */
    next = vd_history_next(world->stage.node.history);
    assert_int_equal(ask(hand, 2, "room", 10000), VD_ERR_FULL); /* bytes */
    assert_int_equal(ask(hand, 3, "room", 10), VD_OK);
    assert_int_equal(ask(hand, 4, "room", 10), VD_OK);
    assert_int_equal(ask(hand, 5, "room", 10), VD_OK);
    assert_int_equal(ask(hand, 6, "room", 10), VD_ERR_FULL); /* messages */
    assert_int_equal(ask(hand, 7, "tab", 10), VD_OK);        /* does not leave the node */
    assert_int_equal(vd_history_next(world->stage.node.history), next + 4);
    assert_int_equal(atomic_load(&shared->sequence), 4);
    stage_gateway_kill(&world->stage);
    restart(world);
    assert_int_equal(ask(hand, 8, "room", 10), VD_ERR_FULL); /* so it is after a restart */
    broker_server_start(&world->server);
    wait_for_link(world);
    assert_int_equal(ask(hand, 9, "room", 10), VD_OK);
    stage_stop(&world->stage);
}

/* Killed between its answer and the release of the frame: the publisher was told that nobody got
 * it, so nobody does, though there is room now. */
static void what_was_refused_is_not_published_by_a_successor(void **state)
{
    struct world *world = *state;
    struct vd_frame_message head = {.scope_length = 4, .has_data = 1, .data_length = 7};
    struct hand *hand;
    uint64_t next;

    world->link.outbox_policy = VD_OUTBOX_FAIL;
    hand = raise_curtain(world, (struct vd_server_config){.workers = 1});
    wait_for_link(world);
    stage_gateway_kill(&world->stage);
    next = vd_history_next(world->stage.node.history);
    struct vd_frame *frame =
        vd_ring_reserve(&hand->to_gateway, sizeof(head) + 11, VD_FRAME_PUBLISH, 0, 5);
    assert_non_null(frame);
    memcpy(frame->payload, &head, sizeof(head));
    memcpy(frame->payload + sizeof(head), "roomrefused", 11);
    vd_ring_commit(&hand->to_gateway);
    atomic_store(&hand->slot->publish_answer, (uint64_t)5 << 8 | VD_ERR_FULL);
    restart(world);
    wait_for_link(world);
    assert_int_equal(ask(hand, 6, "room", 10), VD_OK);
    observe_until(&world->observer, 1);
    assert_int_equal(world->observer.sequences[0], 1);
    assert_int_equal(atomic_load(&world->stage.node.shared->sequence), 1);
    assert_true(vd_history_next(world->stage.node.history) <= next + 2); /* it, and a gap */
    assert_int_equal(atomic_load(&hand->slot->publish_answer), (uint64_t)6 << 8 | VD_OK);
    stage_stop(&world->stage);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(between_history_and_broker),
        TEST(between_broker_and_confirmation),
        TEST(numbers_without_messages),
        TEST(what_a_predecessor_has_received_is_no_news),
        TEST(too_large_for_the_history_and_yet_published_once),
        TEST(errors_wait_for_a_worker_and_outlive_one),
        TEST(what_has_no_room_is_refused),
        TEST(what_was_refused_is_not_published_by_a_successor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
