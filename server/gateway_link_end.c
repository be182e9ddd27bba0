/* SPDX-License-Identifier: Apache-2.0 */
/* The end of the link: is everything handed over, and if not, is it worth waiting?
 *
 * Happy path: the gateway drains until nothing waits for the other nodes any more; what the workers
 * say while they end is handed over by gw_link_end, the last act. Failure modes: the broker takes
 * nothing - until the drain's deadline; there is no connection to it - GRACE_MS, and the end of the
 * attempt that is under way, since the next one may be half a minute away. What is left then is
 * told in the log. */
#include <viaduct/clock.h>

#include "gateway_link_state.h"

#define LAST_WORDS_MS 300  /* for the goodbye, however late it is */
#define GRACE_MS      2000 /* for a link without a connection to come up again */

static bool is_cut_off(struct gw_link *link, const struct vd_broker_status *status)
{
    uint64_t now_ms = vd_monotonic_ms();

    if (status->connected || link->cut_off_ms == 0)
        link->cut_off_ms = now_ms;
    return now_ms - link->cut_off_ms >= GRACE_MS && status->next_delay_ms > 0;
}

/* Does not wait; asks the broker to confirm, where it needs to be asked. */
bool gw_link_may_end(struct gateway *gateway)
{
    struct gw_link *link = gateway->link;
    struct vd_broker_status status;

    if (!link)
        return true;
    gw_link_describe(link, &status);
    if (is_cut_off(link, &status))
        return true;
    return link->broker ? vd_broker_flush(link->broker, 0) == VD_OK : status.outbox_messages == 0;
}

static void closed(struct vd_broker *broker, enum vd_err result, void *context)
{
    struct gw_link *link = context;

    (void)broker;
    link->ended = true;
    link->delivered = result == VD_OK;
}

/* What the workers published while they ended is still on its way. @status: what is left of it. */
static void hand_over(struct gw_link *link, uint64_t now_ms, uint64_t until_ms,
                      struct vd_broker_status *status)
{
    /* the handle gives up in time for the log to say so */
    vd_broker_close(link->broker, (uint32_t)(until_ms - now_ms) - LAST_WORDS_MS, closed, link);
    do {
        atomic_fetch_add(&link->gateway->shared->turns, 1); /* it does not hang */
        vd_broker_status(link->broker, status);             /* a closed handle knows no more */
    } while (!is_cut_off(link, status) &&
             vd_broker_poll(link->broker, LAST_WORDS_MS) != VD_ERR_CLOSED && !link->ended &&
             vd_monotonic_ms() < until_ms);
    if (link->delivered)
        status->outbox_messages = 0;
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
