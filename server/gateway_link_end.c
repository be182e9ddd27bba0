/* SPDX-License-Identifier: Apache-2.0 */
/* The end of the link: is everything handed over, and if not, for how long is it worth waiting? */
#include <viaduct/clock.h>

#include "gateway_link_state.h"

#define LAST_WORDS_MS 300 /* for the goodbye, however late it is */

bool gw_link_is_flushed(const struct gateway *gateway)
{
    /* does not wait; asks the broker to confirm, where it needs to be asked */
    struct vd_broker_status status;

    if (!gateway->link)
        return true;
    if (gateway->link->broker)
        return vd_broker_flush(gateway->link->broker, 0) == VD_OK;
    gw_link_describe(gateway->link, &status);
    return status.outbox_messages == 0;
}

static void closed(struct vd_broker *broker, enum vd_err result, void *context)
{
    (void)broker, (void)result;
    ((struct gw_link *)context)->ended = true;
}

/* What the workers published while they ended is still on its way. @status: what is left of it. */
static void hand_over(struct gw_link *link, uint64_t now_ms, uint64_t until_ms,
                      struct vd_broker_status *status)
{
    /* the handle gives up in time for the log to say so */
    vd_broker_close(link->broker, (uint32_t)(until_ms - now_ms) - LAST_WORDS_MS, closed, link);
    do {
        atomic_fetch_add(&link->gateway->shared->turns, 1); /* it does not hang */
        vd_broker_status(link->broker, status);
    } while (!link->ended && vd_broker_poll(link->broker, LAST_WORDS_MS) != VD_ERR_CLOSED &&
             vd_monotonic_ms() < until_ms);
}

void gw_link_end(struct gateway *gateway)
{
    struct gw_link *link = gateway->link;
    uint64_t until_ms = atomic_load(&gateway->shared->end_deadline_ms);
    uint64_t now_ms = vd_monotonic_ms();
    struct vd_broker_status status;

    if (!link)
        return;
    if (until_ms < now_ms + 2 * LAST_WORDS_MS || vd_orphaned())
        until_ms = now_ms + 2 * LAST_WORDS_MS;
    gw_link_describe(link, &status);
    if (link->broker)
        hand_over(link, now_ms, until_ms, &status);
    if (status.outbox_messages) {
        vd_log(gateway->logger, VD_LOG_WARN, "broker_undelivered",
               "%zu messages for other nodes (%zu bytes) could not be delivered in time",
               status.outbox_messages, status.outbox_bytes);
    }
}
