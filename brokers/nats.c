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
#include <stdlib.h>
#include <string.h>

#include <viaduct/clock.h>
#include <viaduct/wire.h>

#include "nats_done.h"
#include "nats_state.h"
#include "probe.h"

#define SESSIONS_MAX     4 /* of a handle, those included that hang in the library */
#define SMALL_BYTES      2048
#define REPEAT_AFTER_MS  100
#define CONFIRM_AFTER_MS 50 /* what is in flight is followed by a probe at the latest */

static bool obey(struct nats *nats, unsigned todo);

/* ---- events of the link ------------------------------------------------------------------------
 */

/* false: leave dispatch, the handle is gone. */
static bool happened(struct nats *nats, enum vd_link_event_type type)
{
    const struct vd_link_event event = {
        .type = type, .now_ms = nats->now_ms, .random = vd_link_random(&nats->random)};

    return obey(nats, vd_link_step(&nats->link, &event));
}

static bool broke(struct nats *nats, enum vd_err code, const char *text)
{
    const struct vd_link_event event = {.type = VD_LINK_FAILED,
                                        .now_ms = nats->now_ms,
                                        .random = vd_link_random(&nats->random),
                                        .code = code,
                                        .text = text};

    return obey(nats, vd_link_step(&nats->link, &event));
}

/* ---- connect -----------------------------------------------------------------------------------
 */

static void disconnect(struct nats *nats)
{
    if (nats->session)
        nats->next_server = (nats->news.server + 1) % nats->url.count;
    vd_nats_session_release(nats->session);
    nats->session = NULL;
    nats->news = (struct vd_nats_news){0};
    nats->connected_seen = nats->lame_seen = nats->confirming = false;
    nats->wants_credentials = false;
    nats->sent = nats->confirmed = 0;
    nats->confirm_due_ms = nats->repeat_due_ms = 0;
    nats->rtt_us = 0;
    vd_outbox_take_back(&nats->outbox);
}

/* VD_ERR_EMPTY: not there yet, ask again with the next dispatch. */
static enum vd_err ask_credentials(struct nats *nats, struct vd_broker_credentials *credentials,
                                   struct vd_error *error)
{
    enum vd_err code;

    *credentials = (struct vd_broker_credentials){nats->username, nats->password, nats->token,
                                                  nats->seed_file, nats->creds_file};
    if (!nats->credentials_for_attempt)
        return VD_OK;
    *credentials = (struct vd_broker_credentials){0};
    code = nats->credentials_for_attempt(credentials, nats->credentials_context);
    if (!code || code == VD_ERR_EMPTY)
        return code;
    return vd_error_set(error, VD_ERR_AUTHENTICATION, "no credentials could be had");
}

static enum vd_err start_session(struct nats *nats, const struct vd_broker_credentials *credentials,
                                 struct vd_error *error)
{
    const struct vd_nats_plan plan = {
        .servers = nats->url.servers,
        .server_count = nats->url.count,
        .first_server = nats->next_server,
        .channel = nats->channel,
        .node_id = nats->node_id,
        .link_token = nats->link_token,
        .confirm_token = nats->confirm_token,
        .tls = nats->tls != NULL,
        .ca = nats->ca,
        .certificate = nats->certificate,
        .key = nats->key,
        .credentials = *credentials,
        .connect_timeout_ms = nats->connect_timeout_ms,
        .probe_interval_ms = nats->probe_interval_ms,
        .inbox_bytes = nats->inbox_bytes,
    };

    return vd_nats_session_start(&plan, nats->shared, &nats->session, error);
}

/* Rotated certificates are taken; what is wrong with them is no reason not to try with the old. */
static void refresh_tls(struct nats *nats)
{
    struct vd_error error;

    if (nats->tls && vd_nats_refresh_tls(nats, &error) != VD_OK) {
        vd_log_limited(vd_broker_host_logger(nats->host), nats->now_ms, VD_LOG_WARN,
                       "broker_tls_files", "nats: the new TLS files are not taken: %s", error.text);
    }
}

static bool connect_begin(struct nats *nats)
{
    struct vd_broker_credentials credentials;
    struct vd_error error;
    enum vd_err code;

    if (vd_nats_shared_alive(nats->shared) >= SESSIONS_MAX) {
        return broke(nats, VD_ERR_TIMEOUT,
                     "earlier attempts still hang in the client library: none is begun until one "
                     "of them returns");
    }
    code = ask_credentials(nats, &credentials, &error);
    nats->wants_credentials = code == VD_ERR_EMPTY;
    if (nats->wants_credentials)
        return true;
    refresh_tls(nats);
    if (!code)
        code = start_session(nats, &credentials, &error);
    return code ? broke(nats, code, error.text) : true;
}

/* ---- send --------------------------------------------------------------------------------------
 */

static bool send_probe(struct nats *nats, const char *token, uint64_t number)
{
    char text[VD_PROBE_BYTES];
    size_t length = vd_probe_write(text, token, number, nats->node_id,
                                   vd_outbox_last(&nats->outbox, vd_link_is_up(&nats->link)));
    bool taken = vd_nats_session_send(nats->session, text, length);

    vd_nats_session_flush(nats->session);
    return taken;
}

static bool send_link_probe(struct nats *nats)
{
    nats->sent_at_link_probe = nats->sent;
    nats->probe_sent_us = vd_monotonic_us();
    if (!send_probe(nats, nats->link_token, nats->link.probe))
        return broke(nats, VD_ERR_NO_MEMORY, "no memory for a probe");
    return true;
}

/* One at a time: what is sent meanwhile is confirmed by the next. */
static void ask_for_confirmation(struct nats *nats)
{
    if (nats->confirming || nats->confirmed == nats->sent ||
        !send_probe(nats, nats->confirm_token, nats->confirm_probe + 1))
        return;
    nats->confirm_probe++;
    nats->confirming = true;
    nats->sent_at_confirm_probe = nats->sent;
    nats->confirm_due_ms = 0;
}

static void drop_too_large(struct nats *nats)
{
    vd_outbox_drop(&nats->outbox);
    vd_broker_host_counters(nats->host)->outbox_drops++;
    nats->too_large = true;
    vd_broker_host_wake(nats->host);
}

/* Hand over what the window has room for. */
static void pump(struct nats *nats)
{
    const struct vd_outbox_entry *entry;

    if (!vd_link_is_up(&nats->link))
        return;
    while ((entry = vd_outbox_next(&nats->outbox)) != NULL) {
        if (entry->length > (uint64_t)nats->news.max_payload) {
            drop_too_large(nats);
        } else if (vd_nats_session_send(nats->session, entry->bytes, entry->length)) {
            vd_outbox_sent(&nats->outbox);
            nats->sent++;
        } else { /* no memory: dispatch tries again */
            vd_broker_host_wake(nats->host);
            break;
        }
    }
    if (nats->outbox.flying_bytes >= nats->outbox.window_bytes / 4)
        ask_for_confirmation(nats);
    if (nats->sent != nats->confirmed && !nats->confirming && !nats->confirm_due_ms) {
        nats->confirm_due_ms = nats->now_ms + CONFIRM_AFTER_MS;
        vd_broker_host_wake(nats->host);
    }
}

static void confirm_until(struct nats *nats, uint64_t sent)
{
    while (nats->confirmed < sent && vd_outbox_confirm(&nats->outbox))
        nats->confirmed++;
}

/* ---- what the link asks for --------------------------------------------------------------------
 */

static bool obey(struct nats *nats, unsigned todo)
{
    if (todo & VD_LINK_DO_DISCONNECT)
        disconnect(nats);
    if ((todo & VD_LINK_TELL_FAILURE) && !vd_broker_host_failure(nats->host, &nats->link.failure))
        return false;
    if (todo & VD_LINK_DO_CONNECT)
        return connect_begin(nats);
    if (todo & VD_LINK_DO_AUTHENTICATE) /* was part of connecting */
        return happened(nats, VD_LINK_AUTHENTICATED);
    if (todo & VD_LINK_DO_SUBSCRIBE) /* sent already: the first probe shows whether it holds */
        return happened(nats, VD_LINK_SUBSCRIBED);
    if ((todo & VD_LINK_TELL_GAP) && !vd_broker_host_gap(nats->host, VD_GAP_RECONNECT, 0))
        return false;
    if (todo & VD_LINK_DO_PROBE)
        return send_link_probe(nats);
    if (todo & VD_LINK_TELL_CONNECTED) {
        vd_broker_host_connected(nats->host);
        nats->outbox.told = false;
    }
    return true;
}

/* ---- messages ----------------------------------------------------------------------------------
 */

static bool message_came(struct nats *nats, const char *text, size_t length)
{
    struct vd_probe probe;
    struct vd_message message;
    struct vd_error error;
    void *larger;

    if (vd_probe_read(text, length, nats->link_token, &probe)) /* ours do not come here */
        return vd_broker_host_heard(nats->host, probe.node, probe.node_length, probe.last);
    if (length > vd_wire_max_bytes(nats->max_message_bytes) * 2) {
        vd_broker_host_malformed(nats->host, "more bytes than any message takes");
        return true;
    }
    if (length > nats->scratch_bytes) {
        larger = realloc(nats->scratch, length);
        if (!larger)
            return broke(nats, VD_ERR_NO_MEMORY, "no memory for a message");
        nats->scratch = larger;
        nats->scratch_bytes = length;
    }
    if (vd_wire_decode(text, length, nats->max_message_bytes, nats->scratch, nats->scratch_bytes,
                       &message, &error) != VD_OK) {
        vd_broker_host_malformed(nats->host, error.text);
        return true;
    }
    return vd_broker_host_message(nats->host, &message);
}

/* What has arrived, within the budget. A message may end the session. */
static bool receive(struct nats *nats, unsigned *budget)
{
    const struct vd_nats_session *session = nats->session;
    struct vd_nats_done done = {.count = 0};
    struct vd_nats_arrival arrival;
    bool here = true;

    while (here && *budget > 0 && nats->session == session &&
           vd_nats_session_receive(nats->session, &arrival)) {
        --*budget;
        if (arrival.missed > 0)
            here = vd_broker_host_gap(nats->host, VD_GAP_OVERFLOW, arrival.missed);
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

static bool probes_came(struct nats *nats)
{
    const struct vd_nats_news *news = &nats->news;
    struct vd_link_event event = {
        .type = VD_LINK_PROBE_BACK, .now_ms = nats->now_ms, .probe = news->link_probe};

    if (nats->confirming && news->confirm_probe == nats->confirm_probe) {
        nats->confirming = false;
        confirm_until(nats, nats->sent_at_confirm_probe);
    }
    if (!nats->link.probe_away || news->link_probe != nats->link.probe)
        return true;
    nats->rtt_us =
        news->link_probe_us > nats->probe_sent_us ? news->link_probe_us - nats->probe_sent_us : 1;
    confirm_until(nats, nats->sent_at_link_probe);
    return obey(nats, vd_link_step(&nats->link, &event));
}

/* Probes that are away may have been dropped with the messages: until they are back, they go out
 * again. The same numbers: whichever copy comes back counts. */
static void repeat_probes(struct nats *nats)
{
    if (nats->news.slow)
        nats->repeat_due_ms = nats->now_ms + REPEAT_AFTER_MS;
    if (!nats->repeat_due_ms || nats->now_ms < nats->repeat_due_ms)
        return;
    nats->repeat_due_ms = 0;
    if (nats->confirming)
        send_probe(nats, nats->confirm_token, nats->confirm_probe);
    if (nats->link.probe_away)
        send_probe(nats, nats->link_token, nats->link.probe);
    if (nats->confirming || nats->link.probe_away)
        nats->repeat_due_ms = nats->now_ms + REPEAT_AFTER_MS;
}

/* One report. With another server to go to, go; else stay until the end that it announced. */
static bool lame_duck(struct nats *nats)
{
    static const char text[] = "the server announced that it shuts down (lame duck mode)";
    const struct vd_broker_failure failure = {
        .code = VD_ERR_CLOSED, .attempt = nats->link.backoff.attempt, .text = text};

    if (nats->lame_seen)
        return true;
    nats->lame_seen = true;
    if (nats->url.count > 1)
        return broke(nats, VD_ERR_CLOSED, text);
    return vd_broker_host_failure(nats->host, &failure);
}

static bool look_at_session(struct nats *nats)
{
    if (!nats->session)
        return true;
    vd_nats_session_look(nats->session, &nats->news);
    vd_broker_host_counters(nats->host)->own_filtered += nats->news.own_messages;
    if (nats->news.connected && !nats->connected_seen) {
        nats->connected_seen = true;
        if (!happened(nats, VD_LINK_CONNECTED))
            return false;
    }
    return true;
}

/* After all that it had received was handed out. */
static bool session_ended(struct nats *nats)
{
    if (!nats->session)
        return true;
    if (!probes_came(nats))
        return false;
    if (nats->session && nats->connected_seen)
        repeat_probes(nats);
    if (nats->session && nats->news.failed) {
        struct vd_error error = nats->news.error;
        return broke(nats, error.code, error.text);
    }
    return nats->session && nats->news.lame ? lame_duck(nats) : true;
}

/* ---- the loop ----------------------------------------------------------------------------------
 */

static bool tell(struct nats *nats, enum vd_err code, const char *text)
{
    const struct vd_broker_failure failure = {
        .code = code,
        .attempt = nats->link.backoff.attempt,
        .next_delay_ms = nats->link.state == VD_LINK_BACKOFF ? nats->link.failure.next_delay_ms : 0,
        .text = text,
    };

    return vd_broker_host_failure(nats->host, &failure);
}

static bool tell_drops(struct nats *nats)
{
    if (nats->too_large) {
        nats->too_large = false;
        if (!tell(nats, VD_ERR_TOO_LARGE,
                  "a message in the outbox is larger than the server takes (its max_payload): "
                  "dropped"))
            return false;
    }
    return !vd_outbox_overflow_is_news(&nats->outbox) ||
           tell(nats, VD_ERR_FULL,
                "the outbox is full: the oldest messages in it are dropped, or new ones refused");
}

/* The library keeps to its time-outs in everything but the TLS handshake (and never says so). */
static bool tick(struct nats *nats)
{
    if (nats->wants_credentials && nats->now_ms >= vd_link_deadline_ms(&nats->link))
        return broke(nats, VD_ERR_AUTHENTICATION, "the credentials were not there in time");
    if (nats->tls && nats->link.state == VD_LINK_CONNECTING && nats->news.shaking &&
        nats->now_ms >= vd_link_deadline_ms(&nats->link)) {
        return broke(nats, VD_ERR_TLS,
                     "the server did not finish the TLS handshake in time: it may be frozen, or "
                     "not speak TLS on that port");
    }
    return happened(nats, VD_LINK_TICK);
}

/* What has come is read before the clock is asked: a process that was busy, or stopped, must not
 * take its own absence for the server's. */
static bool turn(struct nats *nats, unsigned *budget)
{
    if (nats->wants_credentials && !connect_begin(nats))
        return false;
    if (!look_at_session(nats))
        return false;
    if (nats->connected_seen && !receive(nats, budget))
        return false;
    if (!(*budget > 0 ? session_ended(nats) : !nats->session || probes_came(nats)))
        return false;
    if (!tick(nats))
        return false;
    return tell_drops(nats);
}

static void dispatch(void *state, uint64_t now_ms, unsigned budget)
{
    struct nats *nats = state;

    nats->now_ms = now_ms > nats->now_ms ? now_ms : nats->now_ms;
    vd_nats_shared_swallow(nats->shared);
    if (!turn(nats, &budget))
        return;
    pump(nats);
    if (nats->confirm_due_ms && nats->now_ms >= nats->confirm_due_ms)
        ask_for_confirmation(nats);
    if (nats->session)
        vd_nats_session_flush(nats->session);
    if (budget == 0)
        vd_broker_host_wake(nats->host);
}

static uint64_t next_deadline_ms(const void *state)
{
    const struct nats *nats = state;
    uint64_t deadline_ms = vd_link_deadline_ms(&nats->link);

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

/* ---- publish -----------------------------------------------------------------------------------
 */

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
        entry->sequence = vd_broker_host_own_sequence(nats->host, message);
    }
    return entry;
}

static enum vd_err push(struct nats *nats, struct vd_outbox_entry *entry, struct vd_error *error)
{
    uint64_t dropped = nats->outbox.dropped;
    enum vd_err code = vd_outbox_push(&nats->outbox, entry, !vd_link_is_up(&nats->link));

    if (code || nats->outbox.dropped > dropped) {
        vd_broker_host_counters(nats->host)->outbox_drops += nats->outbox.dropped - dropped;
        vd_broker_host_wake(nats->host);
    }
    if (code) {
        vd_error_set(error, code, "the outbox is full (%zu messages, %zu bytes wait)",
                     vd_outbox_count(&nats->outbox), vd_outbox_bytes(&nats->outbox));
    }
    return code;
}

static enum vd_err publish(void *state, const struct vd_message *message, struct vd_error *error)
{
    struct nats *nats = state;
    struct vd_outbox_entry *entry = encode(nats, message);
    enum vd_err code;

    if (!entry)
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory to send a message");
    if (vd_link_is_up(&nats->link) && entry->length > (uint64_t)nats->news.max_payload) {
        code = vd_error_set(error, VD_ERR_TOO_LARGE,
                            "the message takes %zu bytes on the wire; the server's limit "
                            "(max_payload) is %lld",
                            entry->length, (long long)nats->news.max_payload);
    } else {
        code = push(nats, entry, error);
    }
    if (code) {
        free(entry);
        return code;
    }
    if (vd_link_is_up(&nats->link)) {
        pump(nats);
        vd_broker_host_wake(nats->host); /* it is flushed by dispatch */
    }
    return VD_OK;
}

static size_t unconfirmed(void *state)
{
    struct nats *nats = state;

    pump(nats);
    if (vd_link_is_up(&nats->link)) {
        ask_for_confirmation(nats);
        vd_nats_session_flush(nats->session);
    }
    return vd_outbox_count(&nats->outbox);
}

static void status(const void *state, struct vd_broker_status *status)
{
    const struct nats *nats = state;

    vd_link_describe(&nats->link, status);
    vd_outbox_describe(&nats->outbox, status);
    status->rtt_us = nats->rtt_us;
}

/* ---- life --------------------------------------------------------------------------------------
 */

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
    .publish = publish,
    .dispatch = dispatch,
    .next_deadline_ms = next_deadline_ms,
    .unconfirmed = unconfirmed,
    .status = status,
};
