/* SPDX-License-Identifier: Apache-2.0 */
/* What every driver with a network keeps, whatever its protocol: the link's life, the outbox, the
 * time of the dispatch under way, and how these are told to the handle.
 *
 * The driver obeys what the link asks for: the functions that return `todo` give the bits of
 * link.h. Those that return bool and run callbacks give false when the handle is gone: leave
 * dispatch. */
#ifndef VIADUCT_BROKERS_UPLINK_H
#define VIADUCT_BROKERS_UPLINK_H

#include <viaduct/broker_driver.h>

#include "link.h"
#include "outbox.h"
#include "probe.h"

struct vd_uplink {
    struct vd_broker *host;
    struct vd_link link;
    struct vd_outbox outbox;
    uint64_t now_ms; /* of the dispatch under way, or of the last one */
    uint64_t random; /* for jitter; never 0 */

    uint64_t probe_sent_us;
    uint64_t rtt_us; /* 0: not measured on this connection */

    size_t max_message_bytes;
    void *scratch; /* of the wire decoder */
    size_t scratch_bytes;
};

/* @options: complete. @window_bytes: what may be in flight. @token tells our probes from those of
 * other nodes: it is drawn here. Returns: VD_OK, VD_ERR_SYSTEM. */
enum vd_err vd_uplink_init(struct vd_uplink *uplink, const struct vd_broker_options *options,
                           struct vd_broker *host, size_t window_bytes, struct vd_node_id *token,
                           struct vd_error *error);
void vd_uplink_finish(struct vd_uplink *uplink); /* zeroed memory is fine */

static inline bool vd_uplink_is_up(const struct vd_uplink *uplink)
{
    return vd_link_is_up(&uplink->link);
}

/* ---- events of the link ------------------------------------------------------------------------
 */

/* Time never goes back: not between two dispatches either. */
void vd_uplink_set_time(struct vd_uplink *uplink, uint64_t now_ms);
unsigned vd_uplink_happened(struct vd_uplink *uplink, enum vd_link_event_type type);
unsigned vd_uplink_failed(struct vd_uplink *uplink, enum vd_err code, const char *text);
/* A probe of the link was seen at @seen_us: measured, if it is the one that is away. */
unsigned vd_uplink_probe_back(struct vd_uplink *uplink, uint64_t number, uint64_t seen_us);

/* ---- probes, messages --------------------------------------------------------------------------
 */

/* As it is to be sent now. Returns its length. */
size_t vd_uplink_write_probe(const struct vd_uplink *uplink, char text[VD_PROBE_BYTES],
                             const char *token, uint64_t number);

/* What came, and is no probe: decoded and handed over; what is no message is counted.
 * Returns: VD_OK, VD_ERR_CLOSED (the handle is gone), VD_ERR_NO_MEMORY (end the link). */
enum vd_err vd_uplink_take(struct vd_uplink *uplink, const char *text, size_t length);

/* Into the outbox, which owns @entry from here on; freed when there is no room. What is dropped for
 * it is counted, and told with the next dispatch.
 * Returns: VD_OK, VD_ERR_FULL. */
enum vd_err vd_uplink_accept(struct vd_uplink *uplink, struct vd_outbox_entry *entry,
                             struct vd_error *error);

/* ---- telling -----------------------------------------------------------------------------------
 */

/* Something went wrong, and the link is as it was. */
bool vd_uplink_tell(struct vd_uplink *uplink, enum vd_err code, const char *text);
/* That the outbox has overflowed, if it is news. */
bool vd_uplink_tell_overflow(struct vd_uplink *uplink);
/* The link is up (again). */
void vd_uplink_tell_connected(struct vd_uplink *uplink);
/* The whole of a driver's status. */
void vd_uplink_describe(const struct vd_uplink *uplink, struct vd_broker_status *status);

#endif
