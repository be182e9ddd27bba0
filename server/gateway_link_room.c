/* SPDX-License-Identifier: Apache-2.0 */
/* Room in the link's outbox: who may publish, and who has to wait for it.
 *
 * While the outbox fills up, shared->link_tight asks the workers to wait for our word on each
 * publish, and we keep them waiting while it is half full, though not for longer than half of what
 * a publish may take. With the policy to fail our word may be no. */
#include <viaduct/wire.h>

#include "gateway_link_state.h"

#define TIGHT_PART 4 /* of the outbox's bytes: publishes wait for our answer from there on */

bool gw_link_admits(const struct gateway *gateway, const struct vd_message *message)
{
    const struct gw_link *link = gateway->link;
    struct vd_broker_status status;

    if (!link || link->given->outbox_policy != VD_OUTBOX_FAIL ||
        vd_scope_kind(message->scope, message->scope_length) == VD_SCOPE_TAB)
        return true;
    gw_link_describe(link, &status);
    if (status.outbox_messages == 0 && status.connected)
        return true; /* it goes out at once */
    return (status.connected || status.outbox_messages < link->outbox_messages) &&
           status.outbox_bytes + vd_wire_bound(message) + link->channel_bytes +
                   GW_LINK_COMMAND_BYTES <=
               link->outbox_bytes;
}

/* Also with the policy to drop: workers that publish faster than a broker takes it are slowed down
 * by the answers. While the link is down that would help nobody. */
void gw_link_room_note(struct gw_link *link, const struct vd_broker_status *status)
{
    struct vd_shared *shared = link->gateway->shared;
    bool tight = status->connected ? status->outbox_bytes > link->outbox_bytes / TIGHT_PART
                                   : link->given->outbox_policy == VD_OUTBOX_FAIL;

    link->congested = status->connected && status->outbox_bytes > link->outbox_bytes / 2;
    if (tight != (atomic_load_explicit(&shared->link_tight, memory_order_relaxed) != 0))
        atomic_store(&shared->link_tight, tight);
}

bool gw_link_holds(struct gateway *gateway)
{
    struct gw_link *link = gateway->link;

    if (!link || !link->congested)
        return false;
    if (!link->held_until_ms)
        link->held_until_ms = gateway->now_ms + gateway->config->publish_timeout_ms / 2 + 1;
    return true;
}

/* Not for longer than a publish may take: then the policy decides. */
void gw_link_room_release(struct gw_link *link)
{
    if (link->congested && link->gateway->now_ms < link->held_until_ms)
        return;
    link->held_until_ms = 0;
    gw_workers_release(link->gateway);
}

uint64_t gw_link_next_ms(const struct gateway *gateway)
{
    return gateway->link ? gateway->link->held_until_ms : 0;
}
