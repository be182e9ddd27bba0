/* SPDX-License-Identifier: Apache-2.0 */
/* The NATS driver: what a session has brought, and what has become of it. See nats.c for the
 * whole. */
#include <viaduct/wire.h>

#include "nats_done.h"
#include "nats_state.h"

/* ---- messages ----------------------------------------------------------------------------------
 */

static bool message_came(struct nats *nats, const char *text, size_t length)
{
    struct vd_probe probe;
    enum vd_err code;

    if (vd_probe_read(text, length, nats->link_token.text, &probe)) /* ours do not come here */
        return vd_broker_host_heard(nats->up.host, probe.node, probe.node_length, probe.last);
    if (length > vd_wire_max_bytes(nats->up.max_message_bytes) * 2) {
        vd_broker_host_malformed(nats->up.host, "more bytes than any message takes");
        return true;
    }
    code = vd_uplink_take(&nats->up, text, length);
    if (code == VD_ERR_NO_MEMORY)
        return vd_nats_broke(nats, code, "no memory for a message");
    return code == VD_OK;
}

/* What has arrived, within the budget. A message may end the session. */
bool vd_nats_receive(struct nats *nats, unsigned *budget)
{
    const struct vd_nats_session *session = nats->session;
    struct vd_nats_done done = {.count = 0};
    struct vd_nats_arrival arrival;
    bool here = true;

    while (here && *budget > 0 && nats->session == session &&
           vd_nats_session_receive(nats->session, &arrival)) {
        --*budget;
        if (arrival.missed > 0)
            here = vd_broker_host_gap(nats->up.host, VD_GAP_OVERFLOW, arrival.missed);
        if (here && arrival.message) {
            here = message_came(nats, natsMsg_GetData(arrival.message),
                                (size_t)natsMsg_GetDataLength(arrival.message));
        }
        if (arrival.message)
            vd_nats_done_add(&done, arrival.message);
    }
    vd_nats_done_destroy(&done);
    if (here && nats->session && nats->session == session)
        vd_nats_session_received(nats->session);
    return here;
}

/* ---- news of the session -----------------------------------------------------------------------
 */

bool vd_nats_probes_came(struct nats *nats)
{
    const struct vd_nats_news *news = &nats->news;

    if (nats->confirming && news->confirm_probe == nats->confirm_probe) {
        nats->confirming = false;
        vd_nats_confirm_until(nats, nats->sent_at_confirm_probe);
    }
    if (!nats->up.link.probe_away || news->link_probe != nats->up.link.probe)
        return true;
    vd_nats_confirm_until(nats, nats->sent_at_link_probe);
    return vd_nats_obey(nats,
                        vd_uplink_probe_back(&nats->up, news->link_probe, news->link_probe_us));
}

/* One report. With another server to go to, go; else stay until the end that it announced. */
static bool lame_duck(struct nats *nats)
{
    static const char text[] = "the server announced that it shuts down (lame duck mode)";

    if (nats->lame_seen)
        return true;
    nats->lame_seen = true;
    if (nats->url.count > 1)
        return vd_nats_broke(nats, VD_ERR_CLOSED, text);
    return vd_uplink_tell(&nats->up, VD_ERR_CLOSED, text);
}

bool vd_nats_look(struct nats *nats)
{
    if (!nats->session)
        return true;
    vd_nats_session_look(nats->session, &nats->news);
    vd_broker_host_counters(nats->up.host)->own_filtered += nats->news.own_messages;
    if (nats->news.connected && !nats->connected_seen) {
        nats->connected_seen = true;
        if (!vd_nats_happened(nats, VD_LINK_CONNECTED))
            return false;
    }
    return true;
}

/* After all that it had received was handed out. */
bool vd_nats_session_ended(struct nats *nats)
{
    if (!nats->session)
        return true;
    if (!vd_nats_probes_came(nats))
        return false;
    if (nats->session && nats->connected_seen)
        vd_nats_repeat_probes(nats);
    if (nats->session && nats->news.failed) {
        struct vd_error error = nats->news.error;
        return vd_nats_broke(nats, error.code, error.text);
    }
    return nats->session && nats->news.lame ? lame_duck(nats) : true;
}
