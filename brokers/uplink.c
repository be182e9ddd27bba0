/* SPDX-License-Identifier: Apache-2.0 */
/* What drivers with a network share: see uplink.h. No I/O, no protocol. */
#include <stdlib.h>

#include <viaduct/wire.h>

#include "uplink.h"

enum vd_err vd_uplink_init(struct vd_uplink *uplink, const struct vd_broker_options *options,
                           struct vd_broker *host, size_t window_bytes, struct vd_node_id *token,
                           struct vd_error *error)
{
    enum vd_err code = vd_node_id_draw(token, error);

    if (code)
        return code;
    uplink->host = host;
    uplink->random = strtoull(token->text, NULL, 16) | 1;
    uplink->max_message_bytes = options->max_message_bytes;
    vd_link_init(&uplink->link, options);
    vd_outbox_init(&uplink->outbox, options->outbox_messages, options->outbox_bytes, window_bytes,
                   options->outbox_policy, options->sequence);
    return VD_OK;
}

void vd_uplink_finish(struct vd_uplink *uplink)
{
    vd_outbox_finish(&uplink->outbox);
    free(uplink->scratch);
    uplink->scratch = NULL;
    uplink->scratch_bytes = 0;
}

/* ---- events of the link ------------------------------------------------------------------------
 */

void vd_uplink_set_time(struct vd_uplink *uplink, uint64_t now_ms)
{
    uplink->now_ms = now_ms > uplink->now_ms ? now_ms : uplink->now_ms;
}

unsigned vd_uplink_happened(struct vd_uplink *uplink, enum vd_link_event_type type)
{
    const struct vd_link_event event = {
        .type = type, .now_ms = uplink->now_ms, .random = vd_link_random(&uplink->random)};

    return vd_link_step(&uplink->link, &event);
}

unsigned vd_uplink_failed(struct vd_uplink *uplink, enum vd_err code, const char *text)
{
    const struct vd_link_event event = {.type = VD_LINK_FAILED,
                                        .now_ms = uplink->now_ms,
                                        .random = vd_link_random(&uplink->random),
                                        .code = code,
                                        .text = text};

    return vd_link_step(&uplink->link, &event);
}

unsigned vd_uplink_probe_back(struct vd_uplink *uplink, uint64_t number, uint64_t seen_us)
{
    const struct vd_link_event event = {
        .type = VD_LINK_PROBE_BACK, .now_ms = uplink->now_ms, .probe = number};

    if (uplink->link.probe_away && number == uplink->link.probe)
        uplink->rtt_us = seen_us > uplink->probe_sent_us ? seen_us - uplink->probe_sent_us : 1;
    return vd_link_step(&uplink->link, &event);
}

/* ---- probes, messages --------------------------------------------------------------------------
 */

size_t vd_uplink_write_probe(const struct vd_uplink *uplink, char text[VD_PROBE_BYTES],
                             const char *token, uint64_t number)
{
    return vd_probe_write(text, token, number, vd_broker_node_id(uplink->host),
                          vd_outbox_last(&uplink->outbox, vd_uplink_is_up(uplink)));
}

enum vd_err vd_uplink_take(struct vd_uplink *uplink, const char *text, size_t length)
{
    struct vd_message message;
    struct vd_error error;
    void *larger;

    if (length > uplink->scratch_bytes) {
        larger = realloc(uplink->scratch, length);
        if (!larger)
            return VD_ERR_NO_MEMORY;
        uplink->scratch = larger;
        uplink->scratch_bytes = length;
    }
    if (vd_wire_decode(text, length, uplink->max_message_bytes, uplink->scratch,
                       uplink->scratch_bytes, &message, &error) != VD_OK) {
        vd_broker_host_malformed(uplink->host, error.text);
        return VD_OK;
    }
    return vd_broker_host_message(uplink->host, &message) ? VD_OK : VD_ERR_CLOSED;
}

enum vd_err vd_uplink_accept(struct vd_uplink *uplink, struct vd_outbox_entry *entry,
                             struct vd_error *error)
{
    struct vd_outbox *outbox = &uplink->outbox;
    uint64_t dropped = outbox->dropped;
    enum vd_err code = vd_outbox_push(outbox, entry, !vd_uplink_is_up(uplink));

    if (code || outbox->dropped > dropped) {
        vd_broker_host_counters(uplink->host)->outbox_drops += outbox->dropped - dropped;
        vd_broker_host_wake(uplink->host);
    }
    if (code) {
        free(entry);
        vd_error_set(error, code, "the outbox is full (%zu messages, %zu bytes wait)",
                     vd_outbox_count(outbox), vd_outbox_bytes(outbox));
    }
    return code;
}

/* ---- telling -----------------------------------------------------------------------------------
 */

bool vd_uplink_tell(struct vd_uplink *uplink, enum vd_err code, const char *text)
{
    const struct vd_link *link = &uplink->link;
    const struct vd_broker_failure failure = {
        .code = code,
        .attempt = link->backoff.attempt,
        .next_delay_ms = link->state == VD_LINK_BACKOFF ? link->failure.next_delay_ms : 0,
        .text = text,
    };

    return vd_broker_host_trouble(uplink->host, &failure);
}

bool vd_uplink_tell_overflow(struct vd_uplink *uplink)
{
    return !vd_outbox_overflow_is_news(&uplink->outbox) ||
           vd_uplink_tell(uplink, VD_ERR_FULL,
                          "the outbox is full: the oldest messages in it are dropped, or new ones "
                          "refused");
}

void vd_uplink_tell_connected(struct vd_uplink *uplink)
{
    vd_broker_host_connected(uplink->host);
    uplink->outbox.told = false;
}

void vd_uplink_describe(const struct vd_uplink *uplink, struct vd_broker_status *status)
{
    vd_link_describe(&uplink->link, status);
    vd_outbox_describe(&uplink->outbox, status);
    status->rtt_us = uplink->rtt_us;
}
