/* SPDX-License-Identifier: Apache-2.0 */
/* Errors of the link, to one worker each.
 *
 * Happy path: each goes to the next worker that is ready, in turn.
 *
 * Failure modes: without a ready worker up to ERRORS_MAX wait for one; when the worker dies before
 * it has read it, another is told (gw_link_error_again). What is over the limit, or finds no
 * memory, is in the log all the same: the handle has put it there. */
#include <stdlib.h>
#include <string.h>

#include "gateway_link_state.h"

#define ERRORS_MAX 32

static struct gw_worker *next_ready(struct gw_link *link)
{
    unsigned count = link->gateway->config->workers;

    for (unsigned i = 0; i < count; i++) {
        struct gw_worker *worker = &link->gateway->workers[(link->next_worker + i) % count];

        if (worker->ready && worker->generation && !worker->broken) {
            link->next_worker = (worker->index + 1) % count;
            return worker;
        }
    }
    return NULL;
}

/* The handle has put it into the log already. */
static void keep_error(struct gw_link *link, const struct iovec *parts, int count)
{
    struct gw_lane_entry *entry;

    if (link->error_count >= ERRORS_MAX)
        return;
    entry = gw_lane_entry_create(VD_FRAME_EVENT_BROKER_ERROR, 0, parts, count, false);
    if (entry) {
        STAILQ_INSERT_TAIL(&link->errors, entry, link);
        link->error_count++;
    }
}

void gw_link_errors_pass_on(struct gw_link *link)
{
    struct gw_lane_entry *entry;
    struct gw_worker *worker;

    while ((entry = STAILQ_FIRST(&link->errors)) && (worker = next_ready(link))) {
        STAILQ_REMOVE_HEAD(&link->errors, link);
        link->error_count--;
        gw_lane_append(worker, entry);
        gw_lane_flush(worker);
    }
}

void gw_link_failed(struct vd_broker *broker, const struct vd_broker_failure *failure,
                    void *context)
{
    struct gw_link *link = context;
    const char *driver = link->gateway->config->broker_display;
    struct vd_frame_broker_error frame = {
        .code = (uint32_t)failure->code,
        .attempt = failure->attempt,
        .next_delay_ms = failure->next_delay_ms,
        .driver_length = (uint32_t)strlen(driver),
    };
    struct iovec parts[] = {
        {.iov_base = &frame, .iov_len = sizeof(frame)},
        {.iov_base = (void *)driver, .iov_len = strlen(driver)},
        {.iov_base = (void *)failure->text, .iov_len = strlen(failure->text)},
    };

    (void)broker;
    keep_error(link, parts, 3);
    gw_link_errors_pass_on(link);
}

void gw_link_error_again(struct gateway *gateway, const char *bytes, size_t length)
{
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = length};

    if (gateway->link)
        keep_error(gateway->link, &part, 1);
}

void gw_link_errors_finish(struct gw_link *link)
{
    struct gw_lane_entry *entry;

    while ((entry = STAILQ_FIRST(&link->errors))) {
        STAILQ_REMOVE_HEAD(&link->errors, link);
        free(entry);
    }
}
