/* SPDX-License-Identifier: Apache-2.0 */
/* What the gateway keeps for its workers while they, or it, are replaced: messages of several
 * frames, and what nobody wants any more. A real gateway; the test plays the workers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <viaduct/clock.h>

#include "stage.h"

#define PART_BYTES 60000u

/* The @nth of @parts frames of one message to "a". */
static void send_part(struct hand *hand, unsigned nth, unsigned parts)
{
    static const char data[PART_BYTES];
    struct vd_frame_message head = {
        .scope_length = 1, .has_data = 1, .data_length = parts * PART_BYTES};
    size_t before = nth == 0 ? sizeof(head) + 1 : 0;
    uint16_t flags =
        (uint16_t)((nth ? VD_FRAME_CONTINUED : 0) | (nth + 1 < parts ? VD_FRAME_MORE : 0));
    struct vd_frame *frame;

    STAGE_UNTIL((frame = vd_ring_reserve(&hand->to_gateway, before + PART_BYTES, VD_FRAME_PUBLISH,
                                         flags, 0)) != NULL);
    if (nth == 0) {
        memcpy(frame->payload, &head, sizeof(head));
        frame->payload[sizeof(head)] = 'a';
    }
    memcpy(frame->payload + before, data, PART_BYTES);
    vd_ring_commit(&hand->to_gateway);
    vd_doorbell_ring(&hand->stage->node.shared->gateway_bell);
}

/* Bytes of the next message that comes to this worker. */
static size_t message_bytes(struct hand *hand)
{
    const struct vd_frame *frame;
    size_t bytes = 0;
    bool more = true;

    while (more) {
        STAGE_UNTIL((frame = hand_event(hand)) != NULL);
        if (frame->type == VD_FRAME_EVENT_MESSAGE) {
            bytes += frame->length;
            more = frame->flags & VD_FRAME_MORE;
        }
        hand_release(hand, &hand->events);
    }
    return bytes;
}

static void begin(struct stage *stage)
{
    stage_start(stage, (struct vd_server_config){.workers = 1, .max_message_bytes = 2 << 20});
    hand_begin(&stage->hands[0]);
    hand_subscribe(&stage->hands[0], 7, "a");
    hand_ready(&stage->hands[0]);
}

static void next_gateway(struct stage *stage)
{
    stage_turn(stage); /* it has read what there is */
    stage_gateway_kill(stage);
    stage_gateway_start(stage);
    hand_subscribe(&stage->hands[0], 7, "a");
    hand_ready(&stage->hands[0]);
}

static void a_long_message_outlives_the_gateway_that_read_its_beginning(void **state)
{
    struct stage stage;
    struct hand *hand = &stage.hands[0];

    (void)state;
    begin(&stage);
    for (unsigned i = 0; i < 4; i++)
        send_part(hand, i, 5);
    stage_turn(&stage);
    stage_gateway_kill(&stage);
    stage_gateway_start(&stage);
    send_part(hand, 4, 5); /* it stood there before; the worker noticed nothing */
    hand_subscribe(hand, 7, "a");
    hand_ready(hand);
    STAGE_UNTIL(stage_metrics_say(&stage, "viaduct_messages_published_total 1\n"));
    assert_true(stage_metrics_say(&stage, "viaduct_messages_dropped_total 0\n"));
    for (unsigned i = 0; i < 2; i++)
        send_part(hand, i, 2);
    assert_true(message_bytes(hand) > 2 * (size_t)PART_BYTES);
    next_gateway(&stage); /* there is nothing left for that one */
    assert_true(hand_publish(hand, "a", "next", 4));
    assert_true(message_bytes(hand) < PART_BYTES);
    assert_true(stage_metrics_say(&stage, "viaduct_messages_published_total 1\n"));
    stage_stop(&stage);
}

static void a_beginning_without_an_end_is_forgotten(void **state)
{
    struct stage stage;
    struct hand *hand = &stage.hands[0];

    (void)state;
    begin(&stage);
    send_part(hand, 0, 3);
    hand_ready(hand); /* another record: the first one has no end */
    STAGE_UNTIL(vd_ring_depth_bytes(stage.node.to_gateway[0]) == 0);
    send_part(hand, 0, 3);
    next_gateway(&stage);
    struct vd_frame *discard =
        vd_ring_reserve(&hand->to_gateway, 0, VD_FRAME_PUBLISH,
                        VD_FRAME_CONTINUED | VD_FRAME_DISCARD, 0); /* the worker has noticed */
    assert_non_null(discard);
    vd_ring_commit(&hand->to_gateway);
    assert_true(hand_publish(hand, "a", "next", 4));
    assert_true(message_bytes(hand) < PART_BYTES);
    STAGE_UNTIL(vd_ring_depth_bytes(stage.node.to_gateway[0]) == 0);
    stage_stop(&stage);
}

/* Longer than the ring: its beginning is handed back before its end can come. */
static void a_message_longer_than_the_ring_passes_it(void **state)
{
    struct stage stage;

    (void)state;
    begin(&stage);
    for (unsigned i = 0; i < 30; i++)
        send_part(&stage.hands[0], i, 30);
    assert_true(message_bytes(&stage.hands[0]) > 30 * (size_t)PART_BYTES);
    stage_stop(&stage);
}

/* A worker that subscribes only at its first start has a successor that does not. */
static void what_no_worker_wants_any_more_is_forgotten(void **state)
{
    struct stage stage;
    struct hand *first = &stage.hands[0], *other = &stage.hands[1];

    (void)state;
    stage_start(&stage, (struct vd_server_config){.workers = 2});
    hand_begin(first);
    hand_subscribe(first, 7, "a");
    hand_ready(first);
    hand_start(other);
    STAGE_UNTIL(vd_ring_depth_bytes(stage.node.to_gateway[0]) == 0);
    hand_die(first, VD_DEATH_CLEAN);
    STAGE_UNTIL(hand_is_buried(first));
    for (int i = 0; i < 10; i++) /* they wait: the next one may want them */
        assert_true(hand_publish(other, "a", NULL, 0));
    hand_start(first);
    STAGE_UNTIL(vd_ring_depth_bytes(stage.node.to_gateway[0]) == 0);
    for (int i = 0; i < 2000; i++)
        STAGE_UNTIL(hand_publish(other, "a", NULL, 0));
    STAGE_UNTIL(stage_metrics_say(&stage, "viaduct_messages_published_total 2010\n"));
    assert_true(stage_metrics_say(&stage, "viaduct_messages_dropped_total 0\n"));
    stage_stop(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_long_message_outlives_the_gateway_that_read_its_beginning),
        cmocka_unit_test(a_beginning_without_an_end_is_forgotten),
        cmocka_unit_test(a_message_longer_than_the_ring_passes_it),
        cmocka_unit_test(what_no_worker_wants_any_more_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
