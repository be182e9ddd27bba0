/* SPDX-License-Identifier: Apache-2.0 */
/* The NATS driver: one subject, one connection, on the client library of NATS (cnats).
 *
 * Happy path: a session (nats_session.h) connects and subscribes on a thread of its own; a probe
 * published through it must come back; then the outbox flows. The server's order confirms: a probe
 * that comes back says that the server has handled all that was published before it. The life cycle
 * is the link's (link.h), what waits is the outbox's; nothing here waits for anybody.
 *
 * Failure modes: whatever ends a session ends the link; what was not confirmed goes out again in
 * the next one (receivers know the copies by their sequence numbers), and a gap is told before the
 * first message after it. A session that hangs in the library is left to itself; when too many of
 * them do, attempts fail at once until one returns. A server that announces its end (lame duck) is
 * left for another one of the list.
 *
 * Source: https://docs.nats.io/reference/reference-protocols/nats-protocol */
#include <viaduct/clock.h>

#include "nats_state.h"

/* ---- events of the link ------------------------------------------------------------------------
 */

bool vd_nats_obey(struct nats *nats, unsigned todo)
{
    if (todo & VD_LINK_DO_DISCONNECT)
        vd_nats_disconnect(nats);
    if ((todo & VD_LINK_TELL_FAILURE) &&
        !vd_broker_host_failure(nats->up.host, &nats->up.link.failure))
        return false;
    if (todo & VD_LINK_DO_CONNECT)
        return vd_nats_begin(nats);
    if (todo & VD_LINK_DO_AUTHENTICATE) /* was part of connecting */
        return vd_nats_happened(nats, VD_LINK_AUTHENTICATED);
    if (todo & VD_LINK_DO_SUBSCRIBE) /* was, too: the first probe shows whether it holds */
        return vd_nats_happened(nats, VD_LINK_SUBSCRIBED);
    if ((todo & VD_LINK_TELL_GAP) && !vd_broker_host_gap(nats->up.host, VD_GAP_RECONNECT, 0))
        return false;
    if (todo & VD_LINK_DO_PROBE)
        return vd_nats_send_link_probe(nats);
    if (todo & VD_LINK_TELL_CONNECTED)
        vd_uplink_tell_connected(&nats->up);
    return true;
}

bool vd_nats_happened(struct nats *nats, enum vd_link_event_type type)
{
    return vd_nats_obey(nats, vd_uplink_happened(&nats->up, type));
}

bool vd_nats_broke(struct nats *nats, enum vd_err code, const char *text)
{
    return vd_nats_obey(nats, vd_uplink_failed(&nats->up, code, text));
}

/* ---- the loop ----------------------------------------------------------------------------------
 */

static bool tell_drops(struct nats *nats)
{
    bool too_large = nats->too_large;

    nats->too_large = false;
    if (too_large && !vd_uplink_tell(&nats->up, VD_ERR_TOO_LARGE,
                                     "a message in the outbox is larger than the server takes (its "
                                     "max_payload): dropped"))
        return false;
    return vd_uplink_tell_overflow(&nats->up);
}

/* The library keeps to its time-outs in everything but the TLS handshake (and never says so). */
static bool tick(struct nats *nats)
{
    if (nats->wants_credentials && nats->up.now_ms >= vd_link_deadline_ms(&nats->up.link))
        return vd_nats_broke(nats, VD_ERR_AUTHENTICATION, "the credentials were not there in time");
    if (nats->tls && nats->up.link.state == VD_LINK_CONNECTING && nats->news.shaking &&
        nats->up.now_ms >= vd_link_deadline_ms(&nats->up.link)) {
        return vd_nats_broke(
            nats, VD_ERR_TLS,
            "the server did not finish the TLS handshake in time: it may be frozen, or "
            "not speak TLS on that port");
    }
    return vd_nats_happened(nats, VD_LINK_TICK);
}

/* What has come is read before the clock is asked: a process that was busy, or stopped, must not
 * take its own absence for the server's. */
static bool turn(struct nats *nats, unsigned *budget)
{
    if (nats->wants_credentials && !vd_nats_begin(nats))
        return false;
    if (!vd_nats_look(nats))
        return false;
    if (nats->connected_seen && !vd_nats_receive(nats, budget))
        return false;
    if (!(*budget > 0 ? vd_nats_session_ended(nats) : !nats->session || vd_nats_probes_came(nats)))
        return false;
    if (!tick(nats))
        return false;
    return tell_drops(nats);
}

static void dispatch(void *state, uint64_t now_ms, unsigned budget)
{
    struct nats *nats = state;

    vd_uplink_set_time(&nats->up, now_ms);
    vd_nats_shared_swallow(nats->shared);
    if (!turn(nats, &budget))
        return;
    vd_nats_pump(nats);
    if (nats->confirm_due_ms && nats->up.now_ms >= nats->confirm_due_ms)
        vd_nats_ask_for_confirmation(nats);
    if (nats->session)
        vd_nats_session_flush(nats->session);
    if (budget == 0)
        vd_broker_host_wake(nats->up.host);
}

static uint64_t next_deadline_ms(const void *state)
{
    const struct nats *nats = state;
    uint64_t deadline_ms = vd_link_deadline_ms(&nats->up.link);

    if (nats->confirm_due_ms && nats->confirm_due_ms < deadline_ms)
        deadline_ms = nats->confirm_due_ms;
    if (nats->repeat_due_ms && nats->repeat_due_ms < deadline_ms)
        deadline_ms = nats->repeat_due_ms;
    return deadline_ms;
}

static int descriptor(const void *state)
{
    return vd_nats_shared_fd(((const struct nats *)state)->shared);
}

/* ---- life --------------------------------------------------------------------------------------
 */

static void status(const void *state, struct vd_broker_status *status)
{
    vd_uplink_describe(&((const struct nats *)state)->up, status);
}

static enum vd_err open_state(const struct vd_broker_options *options, struct vd_broker *host,
                              void **state, struct vd_error *error)
{
    struct nats *nats = NULL;
    enum vd_err code = vd_nats_state_create(options, host, &nats, error);

    if (!code)
        *state = nats;
    return code;
}

static void destroy(void *state)
{
    struct nats *nats = state;

    vd_nats_session_release(nats->session);
    vd_nats_shared_release(nats->shared);
    vd_nats_state_free(nats);
}

static void abandon(void *state)
{
    struct nats *nats = state;

    vd_nats_session_abandon(nats->session);
    vd_nats_shared_abandon(nats->shared);
    vd_nats_state_free(nats);
}

const struct vd_broker_driver vd_broker_driver_nats = {
    .name = "nats",
    .display = "NatsBroker",
    .schemes = "nats tls",
    .network = true,
    .open = open_state,
    .destroy = destroy,
    .abandon = abandon,
    .fd = descriptor,
    .publish = vd_nats_publish,
    .dispatch = dispatch,
    .next_deadline_ms = next_deadline_ms,
    .unconfirmed = vd_nats_unconfirmed,
    .status = status,
};
