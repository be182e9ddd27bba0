/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the link share; everybody else uses gateway_link.h.
 *
 *   gateway_link.c          the handle: opened, turned, what is heard by it
 *   gateway_link_journal.c  what a predecessor may not have handed over
 *   gateway_link_room.c     who may publish, who has to wait
 *   gateway_link_errors.c   who is told what went wrong
 *   gateway_link_end.c      the end */
#ifndef VIADUCT_GATEWAY_LINK_STATE_H
#define VIADUCT_GATEWAY_LINK_STATE_H

#include <viaduct/backoff.h>

#include "gateway.h"

/* That a driver puts around a message, beside the channel. */
#define GW_LINK_COMMAND_BYTES ((size_t)128)

struct gw_link {
    struct gateway *gateway;
    struct vd_broker *broker; /* NULL: it could not be opened */
    struct vd_watch *watch;
    const struct vd_broker_options *given;
    size_t outbox_messages, outbox_bytes; /* limits */
    size_t channel_bytes;
    struct vd_backoff opening;
    uint64_t open_at_ms;
    uint64_t open_failures;
    enum vd_err open_error;
    bool congested;         /* up, and half of the outbox's bytes are used */
    uint64_t held_until_ms; /* workers wait for answers until then at the latest; 0: none */
    bool dirty;             /* the handle has something to do */
    bool unheard;           /* what other nodes said before the link was up is not known */
    bool ended, delivered;  /* the asynchronous close is complete; and so was its outbox */
    uint64_t cut_off_ms;    /* at the end: since when there is no connection */
    uint64_t slips;         /* messages that came when there was no room for them */
    unsigned next_worker;
    struct gw_lane_list errors; /* no worker is there to be told just now */
    size_t error_count;
};

/* gateway_link.c: as far as a handle would know; without one, what the next one will publish. */
void gw_link_describe(const struct gw_link *link, struct vd_broker_status *status);
/* A message that the handle did not take: counted, and told. */
void gw_link_slipped(struct gw_link *link, const struct vd_error *error);

/* gateway_link_errors.c; the first is the handle's on_error. */
void gw_link_failed(struct vd_broker *broker, const struct vd_broker_failure *failure,
                    void *context);
void gw_link_errors_pass_on(struct gw_link *link);
void gw_link_errors_finish(struct gw_link *link);

/* gateway_link_journal.c. @confirmed: the broker has all numbers up to it.
 * Before the handle is opened: room for everything that the predecessor accepted. */
void gw_link_journal_measure(struct gw_link *link, uint64_t confirmed);
/* When it was: publish it again. Returns: VD_OK; VD_ERR_NO_MEMORY: throw the handle away, the
 * journal is as it was. */
enum vd_err gw_link_journal_play(struct gw_link *link, uint64_t confirmed, struct vd_error *error);
/* What the broker has (or was dropped and counted) needs no journal. */
void gw_link_journal_confirm(struct gw_link *link, const struct vd_broker_status *status);

/* gateway_link_room.c: the status has changed; publishes that were held may be answered. */
void gw_link_room_note(struct gw_link *link, const struct vd_broker_status *status);
void gw_link_room_release(struct gw_link *link);

#endif
