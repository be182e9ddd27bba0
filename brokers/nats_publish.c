/* SPDX-License-Identifier: Apache-2.0 */
/* The NATS driver: publishing, and the probes that confirm it. See nats.c for the whole.
 *
 * The server's order confirms: a probe that comes back says that the server has handled all that
 * was published before it. The link's own probes do that, and one of another kind follows soon
 * after what nothing else would confirm. */
#include <stdlib.h>
#include <string.h>

#include <viaduct/clock.h>
#include <viaduct/wire.h>

#include "nats_state.h"

#define SMALL_BYTES      2048
#define REPEAT_AFTER_MS  100
#define CONFIRM_AFTER_MS 50 /* what is in flight is followed by a probe at the latest */

/* ---- probes ------------------------------------------------------------------------------------
 */

static bool send_probe(struct nats *nats, const char *token, uint64_t number)
{
    char text[VD_PROBE_BYTES];
    size_t length = vd_uplink_write_probe(&nats->up, text, token, number);
    bool taken = vd_nats_session_send(nats->session, text, length);

    vd_nats_session_flush(nats->session);
    return taken;
}

bool vd_nats_send_link_probe(struct nats *nats)
{
    nats->sent_at_link_probe = nats->sent;
    nats->up.probe_sent_us = vd_monotonic_us();
    if (!send_probe(nats, nats->link_token.text, nats->up.link.probe))
        return vd_nats_broke(nats, VD_ERR_NO_MEMORY, "no memory for a probe");
    return true;
}

/* One at a time: what is sent meanwhile is confirmed by the next. */
void vd_nats_ask_for_confirmation(struct nats *nats)
{
    if (nats->confirming || nats->confirmed == nats->sent ||
        !send_probe(nats, nats->confirm_token.text, nats->confirm_probe + 1))
        return;
    nats->confirm_probe++;
    nats->confirming = true;
    nats->sent_at_confirm_probe = nats->sent;
    nats->confirm_due_ms = 0;
}

void vd_nats_confirm_until(struct nats *nats, uint64_t sent)
{
    while (nats->confirmed < sent && vd_outbox_confirm(&nats->up.outbox))
        nats->confirmed++;
}

/* Probes that are away may have been dropped with the messages: until they are back, they go out
 * again. The same numbers: whichever copy comes back counts. */
void vd_nats_repeat_probes(struct nats *nats)
{
    if (nats->news.slow)
        nats->repeat_due_ms = nats->up.now_ms + REPEAT_AFTER_MS;
    if (!nats->repeat_due_ms || nats->up.now_ms < nats->repeat_due_ms)
        return;
    nats->repeat_due_ms = 0;
    if (nats->confirming)
        send_probe(nats, nats->confirm_token.text, nats->confirm_probe);
    if (nats->up.link.probe_away)
        send_probe(nats, nats->link_token.text, nats->up.link.probe);
    if (nats->confirming || nats->up.link.probe_away)
        nats->repeat_due_ms = nats->up.now_ms + REPEAT_AFTER_MS;
}

/* ---- messages ----------------------------------------------------------------------------------
 */

static void drop_too_large(struct nats *nats)
{
    vd_outbox_drop(&nats->up.outbox);
    vd_broker_host_counters(nats->up.host)->outbox_drops++;
    nats->too_large = true;
    vd_broker_host_wake(nats->up.host);
}

/* Hand over what the window has room for. */
void vd_nats_pump(struct nats *nats)
{
    const struct vd_outbox_entry *entry;

    if (!vd_uplink_is_up(&nats->up))
        return;
    while ((entry = vd_outbox_next(&nats->up.outbox)) != NULL) {
        if (entry->length > (uint64_t)nats->news.max_payload) {
            drop_too_large(nats);
        } else if (vd_nats_session_send(nats->session, entry->bytes, entry->length)) {
            vd_outbox_sent(&nats->up.outbox);
            nats->sent++;
        } else { /* no memory: dispatch tries again */
            vd_broker_host_wake(nats->up.host);
            break;
        }
    }
    if (nats->up.outbox.flying_bytes >= nats->up.outbox.window_bytes / 4)
        vd_nats_ask_for_confirmation(nats);
    if (nats->sent != nats->confirmed && !nats->confirming && !nats->confirm_due_ms) {
        nats->confirm_due_ms = nats->up.now_ms + CONFIRM_AFTER_MS;
        vd_broker_host_wake(nats->up.host);
    }
}

/* The bound is far more than most messages take, and what is in flight stays for a while: a small
 * one is encoded elsewhere first. */
static struct vd_outbox_entry *encode(const struct nats *nats, const struct vd_message *message)
{
    size_t bound = vd_wire_bound(message), length;
    char small[SMALL_BYTES], *text = small;
    struct vd_outbox_entry *entry = NULL;

    if (bound > sizeof(small)) {
        entry = vd_outbox_entry_create(bound);
        if (!entry)
            return NULL;
        text = (char *)entry->bytes;
    }
    if (vd_wire_encode(message, text, bound, &length) != VD_OK) {
        free(entry);
        return NULL;
    }
    if (!entry && (entry = vd_outbox_entry_create(length)) != NULL)
        memcpy(entry->bytes, small, length);
    if (entry) {
        entry->length = length;
        entry->sequence = vd_broker_host_own_sequence(nats->up.host, message);
    }
    return entry;
}

enum vd_err vd_nats_publish(void *state, const struct vd_message *message, struct vd_error *error)
{
    struct nats *nats = state;
    struct vd_outbox_entry *entry = encode(nats, message);
    enum vd_err code;

    if (!entry)
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory to send a message");
    if (vd_uplink_is_up(&nats->up) && entry->length > (uint64_t)nats->news.max_payload) {
        vd_error_set(error, VD_ERR_TOO_LARGE,
                     "the message takes %zu bytes on the wire; the server's limit (max_payload) is "
                     "%lld",
                     entry->length, (long long)nats->news.max_payload);
        free(entry);
        return VD_ERR_TOO_LARGE;
    }
    code = vd_uplink_accept(&nats->up, entry, error);
    if (code)
        return code;
    if (vd_uplink_is_up(&nats->up)) {
        vd_nats_pump(nats);
        vd_broker_host_wake(nats->up.host); /* it is flushed by dispatch */
    }
    return VD_OK;
}

size_t vd_nats_unconfirmed(void *state)
{
    struct nats *nats = state;

    vd_nats_pump(nats);
    if (vd_uplink_is_up(&nats->up)) {
        vd_nats_ask_for_confirmation(nats);
        vd_nats_session_flush(nats->session);
    }
    return vd_outbox_count(&nats->up.outbox);
}
