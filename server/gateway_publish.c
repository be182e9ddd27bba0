/* SPDX-License-Identifier: Apache-2.0 */
/* The broadcast path: number the message, remember it, deliver it to whoever follows its scope.
 *
 * A message that carries data reaches streams without any PHP. It is encoded for streams once, when
 * the first stream that wants it is found. (Other nodes: the broker link joins here.) */
#include <string.h>

#include "gateway.h"

struct delivery {
    struct gateway *gateway;
    const struct vd_message *message;
    struct gw_event *event;
    uint64_t offset;
};

static void deliver_one(struct vd_follower *base, void *context)
{
    struct delivery *delivery = context;
    struct gw_follower *follower = (struct gw_follower *)base;

    if (follower->kind == GW_FOLLOWER_SUBSCRIPTION) {
        gw_subscription_deliver(delivery->gateway, (struct gw_subscription *)follower,
                                delivery->message);
        return;
    }
    if (!delivery->event) {
        delivery->event =
            gw_event_encode(delivery->message, vd_history_epoch(delivery->gateway->node->history),
                            delivery->offset);
    }
    if (delivery->event) {
        gw_stream_enqueue((struct gw_stream *)follower, delivery->event);
        delivery->gateway->counters.delivered++;
    } else {
        gw_connection_close(((struct gw_stream *)follower)->connection);
    }
}

void gw_publish_deliver(struct gateway *gateway, const struct vd_message *message, uint64_t offset)
{
    struct delivery delivery = {.gateway = gateway, .message = message, .offset = offset};

    vd_interest_match(gateway->interest, message->scope, message->scope_length, deliver_one,
                      &delivery);
    gw_event_release(delivery.event);
}

void gw_publish_local(struct gateway *gateway, struct vd_message *message,
                      struct vd_history_source source)
{
    struct vd_history *history = gateway->node->history;
    uint64_t offset = 0;
    enum vd_err result;

    message->origin = gateway->shared->node_id.text;
    message->origin_length = VD_NODE_ID_CHARS;
    message->sequence = atomic_fetch_add(&gateway->shared->sequence, 1) + 1;
    gateway->counters.published++;
    result = vd_history_append(history, message, source, gateway->wall_ms, &offset);
    /* Somebody wrote over it: every process of the node maps it. */
    if (result == VD_ERR_CORRUPT && gw_history_take_over(gateway) == VD_OK)
        result = vd_history_append(history, message, source, gateway->wall_ms, &offset);
    if (result == VD_OK) {
        gw_replay_note(gateway->replay, offset, message->scope, message->scope_length);
    } else {
        gw_replay_note_lost(gateway->replay, offset, message->scope, message->scope_length);
    }
    gw_publish_deliver(gateway, message, offset);
}
