/* SPDX-License-Identifier: Apache-2.0 */
/* The outbox's journal is the node's history: what stands there with a number over
 * shared->link_confirmed is not known to have arrived, and a gateway that takes over publishes it
 * again, in order, with its old numbers. What had arrived all the same is dropped by the receivers
 * as a duplicate; numbers that the history no longer has are a jump, which they notice as a gap. */
#include <viaduct/wire.h>

#include "gateway_link_state.h"

/* Everything the predecessor accepted is kept, also when it is more than a link that is down takes
 * in: a link that was up may have had more on the way. */
void gw_link_journal_measure(struct gw_link *link, uint64_t confirmed)
{
    const struct vd_history *history = link->gateway->node->history;
    struct vd_history_entry entry;
    size_t messages = 0, bytes = 0;

    for (uint64_t at = vd_history_first(history); at < vd_history_next(history); at++) {
        if (vd_history_get(history, at, &entry) != VD_OK ||
            !gw_publish_is_own(link->gateway, &entry.message) ||
            entry.message.sequence <= confirmed)
            continue;
        messages++;
        bytes += vd_wire_bound(&entry.message) + link->channel_bytes + GW_LINK_COMMAND_BYTES;
    }
    if (messages > link->outbox_messages)
        link->outbox_messages = messages;
    if (bytes > link->outbox_bytes)
        link->outbox_bytes = bytes;
}

enum vd_err gw_link_journal_play(struct gw_link *link, uint64_t confirmed, struct vd_error *error)
{
    struct gateway *gateway = link->gateway;
    const struct vd_history *history = gateway->node->history;
    struct vd_history_entry entry;
    size_t again = 0;

    for (uint64_t at = vd_history_first(history); at < vd_history_next(history); at++) {
        if (vd_history_get(history, at, &entry) != VD_OK || entry.message.sequence == 0)
            continue;
        if (!gw_publish_is_own(gateway, &entry.message)) {
            vd_broker_note_seen(link->broker, entry.message.origin, entry.message.origin_length,
                                entry.message.sequence);
        } else if (entry.message.sequence > confirmed) {
            enum vd_err result = vd_broker_publish(link->broker, &entry.message, error);

            if (result == VD_ERR_NO_MEMORY)
                return result;
            if (result == VD_OK) {
                again++;
            } else {
                gw_link_slipped(link, error);
            }
        }
    }
    if (again) {
        vd_log(gateway->logger, VD_LOG_INFO, "broker_resumed",
               "%zu messages that were not confirmed are published again", again);
    }
    return VD_OK;
}

/* What the broker has (or was dropped and counted) needs no journal. */
void gw_link_journal_confirm(struct gw_link *link, const struct vd_broker_status *status)
{
    struct vd_shared *shared = link->gateway->shared;
    uint64_t confirmed = status->sequence;

    if (status->outbox_sequence) {
        confirmed = status->outbox_sequence - 1;
    } else if (status->outbox_messages) {
        confirmed -= status->outbox_messages;
    }
    if (confirmed > atomic_load_explicit(&shared->link_confirmed, memory_order_relaxed))
        atomic_store_explicit(&shared->link_confirmed, confirmed, memory_order_release);
}
