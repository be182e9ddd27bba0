/* SPDX-License-Identifier: Apache-2.0 */
/* The broadcast path: number the message, remember it, deliver it to whoever follows its scope, and
 * to the other nodes.
 *
 * A message that carries data reaches streams without any PHP. It is encoded for streams once, when
 * the first stream that wants it is found. Numbers count what other nodes get to see, so that they
 * can tell what is missing: what stays here (tab) has none. */
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

bool gw_publish_remember(struct gateway *gateway, const struct vd_message *message,
                         struct vd_history_source source, uint64_t *offset)
{
    struct vd_history *history = gateway->node->history;
    enum vd_err result = vd_history_append(history, message, source, gateway->wall_ms, offset);

    /* Somebody wrote over it: every process of the node maps it. */
    if (result == VD_ERR_CORRUPT && gw_history_take_over(gateway) == VD_OK)
        result = vd_history_append(history, message, source, gateway->wall_ms, offset);
    if (result == VD_OK) {
        gw_replay_note(gateway->replay, *offset, message->scope, message->scope_length);
    } else {
        gw_replay_note_lost(gateway->replay, *offset, message->scope, message->scope_length);
    }
    return result == VD_OK;
}

/* Too large for the history, so its place in the ring is noted elsewhere. */
static void note_unkept(struct gateway *gateway, struct vd_history_source source)
{
    struct vd_worker_slot *slot;

    if (source.source == 0)
        return;
    slot = &gateway->node->slots[source.source - 1];
    atomic_store(&slot->unkept_position, source.position);
    atomic_store(&slot->unkept_generation, source.generation);
}

/* The number is given with the entry in the history and noted after it: whoever takes over between
 * the two finds it there (gw_publish_take_over). */
void gw_publish_local(struct gateway *gateway, struct vd_message *message,
                      struct vd_history_source source)
{
    _Atomic uint64_t *sequence = &gateway->shared->sequence;
    uint64_t offset = 0;
    bool crosses = vd_scope_kind(message->scope, message->scope_length) != VD_SCOPE_TAB, kept;

    message->origin = gateway->shared->node_id.text;
    message->origin_length = VD_NODE_ID_CHARS;
    message->sequence = crosses ? atomic_load_explicit(sequence, memory_order_relaxed) + 1 : 0;
    gateway->counters.published++;
    kept = gw_publish_remember(gateway, message, source, &offset);
    if (crosses)
        atomic_store_explicit(sequence, message->sequence, memory_order_release);
    if (!kept)
        note_unkept(gateway, source);
    gw_publish_deliver(gateway, message, offset);
    if (crosses)
        gw_link_publish(gateway, message);
}

void gw_publish_remote(struct gateway *gateway, const struct vd_message *message)
{
    uint64_t offset = 0;

    gateway->counters.published++;
    gw_publish_remember(gateway, message, (struct vd_history_source){0}, &offset);
    gw_publish_deliver(gateway, message, offset);
}

/* Killed in here, a successor publishes some of it again: whoever watches renders once more. */
void gw_publish_owed(struct gateway *gateway, struct vd_worker_slot *slot)
{
    const struct vd_shared_state *state = gateway->config->shared_state;
    uint64_t owed = atomic_load(&slot->owed);

    for (size_t i = 0; owed && state && i < state->scope_count; i++) {
        struct vd_message message = {.scope = state->scopes[i],
                                     .scope_length = strlen(state->scopes[i])};

        if (owed >> i % 64 & 1)
            gw_publish_local(gateway, &message, (struct vd_history_source){0});
    }
    atomic_fetch_and(&slot->owed, ~owed);
}

bool gw_publish_is_own(const struct gateway *gateway, const struct vd_message *message)
{
    return message->origin_length == VD_NODE_ID_CHARS &&
           memcmp(message->origin, gateway->shared->node_id.text, VD_NODE_ID_CHARS) == 0;
}

void gw_publish_take_over(struct gateway *gateway)
{
    const struct vd_history *history = gateway->node->history;
    uint64_t last = atomic_load(&gateway->shared->sequence);
    struct vd_history_entry entry;

    for (uint64_t at = vd_history_first(history); at < vd_history_next(history); at++) {
        if (vd_history_get(history, at, &entry) == VD_OK && entry.message.sequence > last &&
            gw_publish_is_own(gateway, &entry.message))
            last = entry.message.sequence;
    }
    atomic_store(&gateway->shared->sequence, last);
    for (unsigned i = 0; i < gateway->config->workers; i++) {
        struct vd_worker_slot *slot = &gateway->node->slots[i];
        struct vd_history_source source = {.source = i + 1,
                                           .generation = atomic_load(&slot->unkept_generation),
                                           .position = atomic_load(&slot->unkept_position)};

        if (source.generation != 0 && source.generation == atomic_load(&slot->generation) &&
            !gw_replay_has_seen(gateway->replay, source))
            gw_replay_note_source(gateway->replay, source);
    }
}
