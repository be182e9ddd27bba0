/* SPDX-License-Identifier: Apache-2.0 */
/* The NATS driver: an attempt to connect, from the credentials to a session on its way, and its
 * end. See nats.c for the whole. */
#include "nats_state.h"

#define SESSIONS_MAX 4 /* of a handle, those included that hang in the library */

void vd_nats_disconnect(struct nats *nats)
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
    nats->up.rtt_us = 0;
    vd_outbox_take_back(&nats->up.outbox);
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
        .node_id = vd_broker_node_id(nats->up.host),
        .link_token = nats->link_token.text,
        .confirm_token = nats->confirm_token.text,
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
        vd_log_limited(vd_broker_host_logger(nats->up.host), nats->up.now_ms, VD_LOG_WARN,
                       "broker_tls_files", "nats: the new TLS files are not taken: %s", error.text);
    }
}

bool vd_nats_begin(struct nats *nats)
{
    struct vd_broker_credentials credentials;
    struct vd_error error;
    enum vd_err code;

    if (vd_nats_shared_alive(nats->shared) >= SESSIONS_MAX) {
        return vd_nats_broke(
            nats, VD_ERR_TIMEOUT,
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
    return code ? vd_nats_broke(nats, code, error.text) : true;
}
