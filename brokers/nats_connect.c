/* SPDX-License-Identifier: Apache-2.0 */
/* A session of the NATS client library: how it comes up, and what the library's threads bring. See
 * nats_session.h.
 *
 * The library's own reconnection is off: two equal refusals would end it for good, failed attempts
 * of it tell nobody, and it holds the connection's lock while it waits.
 *
 * It does not sign for us either: see on_nonce.
 *
 * Failure modes: a server that ends the connection: on_closed leaves a note and wakes both the
 * session's thread and the handle's. */
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <viaduct/clock.h>

#include "nats_error.h"
#include "nats_key.h"
#include "nats_session_state.h"
#include "probe.h"

/* ---- the library's threads ---------------------------------------------------------------------
 */

/* Our own probes are taken out here, so that neither a full inbox nor a slow reader delays them. */
static bool is_own_probe(struct vd_nats_session *session, const struct vd_probe *probe,
                         const char *text, size_t length)
{
    struct vd_probe confirm;

    if (probe->number > 0) {
        atomic_store(&session->link_probe_us, vd_monotonic_us());
        atomic_store(&session->link_probe, probe->number);
    } else if (vd_probe_read(text, length, session->confirm_token, &confirm) &&
               confirm.number > 0) {
        atomic_store(&session->confirm_probe, confirm.number);
    } else {
        return false;
    }
    vd_nats_session_notice(session);
    return true;
}

/* Another node's tells how far that one is, which is true where it stands among the messages. */
static void probe_came(struct vd_nats_session *session, const struct vd_probe *probe,
                       natsMsg *message, const char *text, size_t length)
{
    if (is_own_probe(session, probe, text, length) || probe->node_length == 0) {
        natsMsg_Destroy(message);
    } else if (vd_nats_inbox_push(&session->inbox, message, true)) {
        vd_nats_session_notice(session);
    }
}

/* Messages of this node come back, too. As our encoder writes them, their origin stands right after
 * the scope; whatever is spelled otherwise, an id with escapes (own_field is empty then) too, is
 * filtered after it was decoded. */
static bool is_own(const struct vd_nats_session *session, const char *text, size_t length)
{
    static const char begin[] = "{\"scope\":\"";
    const char *quote;

    if (session->own_field_length == 0 || length < sizeof(begin) ||
        memcmp(text, begin, sizeof(begin) - 1) != 0)
        return false;
    quote = memchr(text + sizeof(begin) - 1, '"', length - (sizeof(begin) - 1));
    return quote && quote[-1] != '\\' &&
           (size_t)(text + length - quote) > session->own_field_length &&
           memcmp(quote, session->own_field, session->own_field_length) == 0;
}

/* What the library itself has dropped. */
static void count_drops(struct vd_nats_session *session, natsSubscription *subscription)
{
    int64_t dropped = 0;

    if (natsSubscription_GetDropped(subscription, &dropped) == NATS_OK &&
        vd_nats_inbox_missed(&session->inbox, (uint64_t)dropped))
        vd_nats_session_notice(session);
}

static void on_message(natsConnection *connection, natsSubscription *subscription, natsMsg *message,
                       void *context)
{
    struct vd_nats_session *session = context;
    const char *text = natsMsg_GetData(message);
    size_t length = (size_t)natsMsg_GetDataLength(message);
    struct vd_probe probe;

    (void)connection;
    if (atomic_load_explicit(&session->slow, memory_order_relaxed) &&
        atomic_exchange(&session->slow, false))
        count_drops(session, subscription);
    if (vd_probe_read(text, length, session->link_token, &probe)) {
        probe_came(session, &probe, message, text, length);
    } else if (is_own(session, text, length)) {
        atomic_fetch_add_explicit(&session->own_messages, 1, memory_order_relaxed);
        vd_nats_done_add(&session->own_done, message);
    } else if (vd_nats_inbox_push(&session->inbox, message, false)) {
        vd_nats_session_notice(session);
    }
}

static void on_subscription_over(void *context)
{
    vd_nats_session_let_go(context);
}

static void on_error(natsConnection *connection, natsSubscription *subscription, natsStatus status,
                     void *context)
{
    struct vd_nats_session *session = context;
    const char *text = NULL;
    struct vd_error error;

    if (status == NATS_SLOW_CONSUMER) { /* told at the first of a row of them */
        atomic_store(&session->slow, true);
        atomic_store(&session->was_slow, true);
        count_drops(session, subscription);
    } else if (status == NATS_NOT_PERMITTED) {
        natsConnection_GetLastError(connection, &text);
        vd_nats_session_explain(session, false, status, text, &error);
        vd_nats_session_failed(session, &error);
    }
}

static void on_lame_duck(natsConnection *connection, void *context)
{
    struct vd_nats_session *session = context;

    (void)connection;
    pthread_mutex_lock(&session->lock);
    session->news.lame = true;
    pthread_mutex_unlock(&session->lock);
    vd_nats_session_notice(session);
}

/* The last callback of a connection. */
static void on_closed(natsConnection *connection, void *context)
{
    struct vd_nats_session *session = context;
    const char *text = NULL;
    struct vd_error error;
    natsStatus status = natsConnection_GetLastError(connection, &text);

    vd_nats_session_explain(session, false, status, text, &error);
    pthread_mutex_lock(&session->lock);
    session->over = true;
    pthread_cond_signal(&session->work);
    pthread_mutex_unlock(&session->lock);
    vd_nats_session_failed(session, &error);
    vd_nats_session_let_go(session);
}

/* ---- the session's thread: connect -------------------------------------------------------------
 */

/* AEAD suites are of TLS 1.2 or later, so no older version can be agreed on. */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20"

static natsStatus all_of(const natsStatus *results, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (results[i] != NATS_OK)
            return results[i];
    }
    return NATS_OK;
}
#define ALL_OF(results) all_of(results, sizeof(results) / sizeof((results)[0]))

static natsStatus set_behaviour(natsOptions *options, struct vd_nats_session *session,
                                const char *url)
{
    const int64_t ping_ms = session->probe_interval_ms < 1000 ? 1000 : session->probe_interval_ms;
    const natsStatus results[] = {
        natsOptions_SetURL(options, url),
        natsOptions_SetAllowReconnect(options, false),
        natsOptions_SetPingInterval(options, ping_ms),
        natsOptions_SetMaxPingsOut(options, 2),
        natsOptions_SetWriteDeadline(options, 2 * ping_ms),
        natsOptions_SetIgnoreDiscoveredServers(options, true),
        natsOptions_SetErrorHandler(options, on_error, session),
        natsOptions_SetClosedCB(options, on_closed, session),
        natsOptions_SetLameDuckModeCB(options, on_lame_duck, session),
        natsOptions_SetName(options, "viaduct"),
    };

    return ALL_OF(results);
}

static natsStatus set_tls(natsOptions *options, const struct vd_nats_session *session,
                          const char *host)
{
    natsStatus results[] = {natsOptions_SetSecure(options, true),
                            natsOptions_SetExpectedHostname(options, host),
                            natsOptions_SetCiphers(options, CIPHERS), NATS_OK, NATS_OK};

    if (session->ca)
        results[3] = natsOptions_SetCATrustedCertificates(options, session->ca);
    if (session->certificate)
        results[4] = natsOptions_SetCertificatesChain(options, session->certificate, session->key);
    return ALL_OF(results);
}

/* Who we are in one attempt. The library asks for it within natsConnection_Connect only, since it
 * does not reconnect. */
struct login {
    struct vd_nats_identity identity;
    unsigned unsent; /* signatures that it could not have sent */
    bool again;      /* the last one was such */
};
#define UNSENT_MAX 8 /* in a row: 1 attempt in 256^8 */

/* What is returned is the library's, which frees it. */
static natsStatus on_jwt_wanted(char **jwt, char **text, void *context)
{
    const struct login *login = context;

    (void)text;
    *jwt = strdup(login->identity.jwt);
    return *jwt ? NATS_OK : NATS_NO_MEMORY;
}

/* Version 3.4 of the library takes a signature whose first byte is 0 for an empty text and sends
 * none at all, which the server refuses: 1 attempt in 256 (mended in 2024:
 * https://github.com/nats-io/nats.c/pull/705). A new connection brings another nonce. */
static natsStatus on_nonce(char **text, unsigned char **signature, int *length, const char *nonce,
                           void *context)
{
    struct login *login = context;
    unsigned char *bytes = malloc(VD_NATS_SIGNATURE_BYTES);

    (void)text;
    nonce = nonce ? nonce : ""; /* a server that asks nobody who he is */
    if (!bytes || !vd_nats_sign(login->identity.seed, nonce, strlen(nonce), bytes)) {
        free(bytes);
        return NATS_NO_MEMORY;
    }
    login->again = bytes[0] == 0 && *nonce && login->unsent++ < UNSENT_MAX;
    if (login->again) {
        free(bytes);
        return NATS_ERR;
    }
    *signature = bytes;
    *length = VD_NATS_SIGNATURE_BYTES;
    return NATS_OK;
}

static natsStatus set_credentials(natsOptions *options, const struct vd_nats_session *session,
                                  struct login *login, struct vd_error *error)
{
    struct vd_nats_identity *identity = &login->identity;

    if (session->creds_file) {
        if (vd_nats_identity_read("credentials.creds_file", session->creds_file, true, identity,
                                  error) != VD_OK)
            return NATS_INVALID_ARG;
        return natsOptions_SetUserCredentialsCallbacks(options, on_jwt_wanted, login, on_nonce,
                                                       login);
    }
    if (session->seed_file) {
        if (vd_nats_identity_read("credentials.seed_file", session->seed_file, false, identity,
                                  error) != VD_OK)
            return NATS_INVALID_ARG;
        return natsOptions_SetNKey(options, identity->key, on_nonce, login);
    }
    if (session->token)
        return natsOptions_SetToken(options, session->token);
    if (session->username || session->password)
        return natsOptions_SetUserInfo(options, session->username, session->password);
    return NATS_OK;
}

/* At least the shortest that the library knows. */
static int64_t ms_until(uint64_t deadline_ms)
{
    uint64_t now_ms = vd_monotonic_ms();

    return deadline_ms > now_ms ? (int64_t)(deadline_ms - now_ms) : 1;
}

static natsStatus connect_in_time(struct vd_nats_session *session, natsOptions *options,
                                  struct login *login, uint64_t deadline_ms)
{
    natsStatus status;

    do {
        if (login->again && vd_monotonic_ms() >= deadline_ms)
            return NATS_TIMEOUT;
        login->again = false;
        status = natsOptions_SetTimeout(options, ms_until(deadline_ms));
        if (status == NATS_OK)
            status = natsConnection_Connect(&session->connection, options);
    } while (login->again);
    return status;
}

static bool look_up(const struct vd_nats_server *server, struct vd_error *error)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *addresses = NULL;
    int result = getaddrinfo(server->host, server->port, &hints, &addresses);

    if (result) {
        vd_error_set(error, VD_ERR_CONNECTION, "the host name has no address: %s",
                     gai_strerror(result));
        return false;
    }
    freeaddrinfo(addresses);
    return true;
}

static bool dial(struct vd_nats_session *session, const struct vd_nats_server *server,
                 uint64_t deadline_ms, struct vd_error *error)
{
    bool six = strchr(server->host, ':') != NULL;
    natsOptions *options = NULL;
    struct login login = {0};
    char url[300];
    natsStatus status = natsOptions_Create(&options);

    snprintf(url, sizeof(url), "nats://%s%s%s:%s", six ? "[" : "", server->host, six ? "]" : "",
             server->port);
    *error = (struct vd_error){0};
    if (status == NATS_OK)
        status = set_behaviour(options, session, url);
    if (status == NATS_OK)
        status = set_credentials(options, session, &login, error);
    if (status == NATS_OK && session->tls)
        status = set_tls(options, session, server->host);
    if (status != NATS_OK && !error->code) {
        vd_error_set(error, VD_ERR_INVALID, "the keys or certificates cannot be used");
    } else if (status == NATS_OK) {
        vd_nats_session_hold(session); /* on_closed */
        status = connect_in_time(session, options, &login, deadline_ms);
        if (status != NATS_OK) {
            vd_nats_session_explain(session, true, status, nats_GetLastError(NULL), error);
            vd_nats_session_let_go(session);
        }
    }
    natsOptions_Destroy(options);
    vd_nats_identity_finish(&login.identity);
    return status == NATS_OK;
}

/* Until the server has taken the subscription, which shows by its answer to a ping after it: a gap
 * is told when this returns, and what others publish from then on must come here. */
static bool subscribe(struct vd_nats_session *session, uint64_t deadline_ms, struct vd_error *error)
{
    natsStatus status = natsConnection_Subscribe(&session->subscription, session->connection,
                                                 session->channel, on_message, session);

    if (status == NATS_OK) {
        vd_nats_session_hold(session); /* on_subscription_over */
        status =
            natsSubscription_SetOnCompleteCB(session->subscription, on_subscription_over, session);
        if (status != NATS_OK)
            vd_nats_session_let_go(session);
    }
    if (status == NATS_OK) {
        status = natsSubscription_SetPendingLimits(session->subscription, -1,
                                                   session->library_inbox_bytes);
    }
    if (status == NATS_OK)
        status = natsConnection_FlushTimeout(session->connection, ms_until(deadline_ms));
    if (status != NATS_OK)
        vd_nats_session_explain(session, true, status, nats_GetLastError(NULL), error);
    return status == NATS_OK;
}

static bool is_released(struct vd_nats_session *session)
{
    bool released;

    pthread_mutex_lock(&session->lock);
    released = session->released;
    pthread_mutex_unlock(&session->lock);
    return released;
}

static void trying(struct vd_nats_session *session, size_t server, bool shaking)
{
    pthread_mutex_lock(&session->lock);
    session->news.server = server;
    session->news.shaking = shaking;
    pthread_mutex_unlock(&session->lock);
}

/* Each server in turn; those that are left share what is left of the time, but for a reserve, so
 * that the last one's own answer comes before the link's deadline. */
bool vd_nats_session_connect(struct vd_nats_session *session, struct vd_error *error)
{
    uint64_t began_ms = vd_monotonic_ms(), timeout_ms = session->connect_timeout_ms;
    uint64_t deadline_ms = began_ms + timeout_ms * 3 / 4;

    for (size_t i = 0; i < session->server_count && !is_released(session); i++) {
        size_t at = (session->first_server + i) % session->server_count;
        uint64_t share_ms = (uint64_t)ms_until(deadline_ms) / (session->server_count - i);
        trying(session, at, false);
        if (!look_up(&session->servers[at], error))
            continue;
        trying(session, at, true);
        if (dial(session, &session->servers[at], vd_monotonic_ms() + share_ms, error))
            return subscribe(session, began_ms + timeout_ms, error);
    }
    return false;
}
