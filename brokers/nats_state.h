/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the NATS driver share; all of it belongs to the handle's thread:
 *
 *     nats_open.c       the state, from the options
 *     nats_attempt.c    an attempt to connect: a session (nats_session.h) is begun
 *     nats_receive.c    what a session has brought, and what has become of it
 *     nats_publish.c    publishing, and the probes that confirm it
 *     nats.c            the link's events, the loop */
#ifndef VIADUCT_BROKERS_NATS_STATE_H
#define VIADUCT_BROKERS_NATS_STATE_H

#include <viaduct/broker_driver.h>

#include "nats_session.h"
#include "tls.h"
#include "uplink.h"

struct nats {
    struct vd_uplink up;

    struct vd_nats_url url;
    char *channel;
    struct vd_tls *tls; /* NULL: plain. Only says whether the files are good */
    char *ca_file, *certificate_file, *key_file;
    char *ca, *certificate, *key; /* what was in the files when they were good last */
    char *username, *password, *token, *seed_file, *creds_file;
    struct vd_node_id link_token, confirm_token; /* of our probes, the link's and the other kind */
    size_t inbox_bytes;
    uint32_t connect_timeout_ms, probe_interval_ms;
    vd_broker_credentials_fn *credentials_for_attempt;
    void *credentials_context;
    bool wants_credentials; /* they are not there yet */

    struct vd_nats_shared *shared;
    struct vd_nats_session *session; /* NULL: backing off */
    struct vd_nats_news news;        /* of the session, as last seen */
    bool connected_seen, lame_seen;
    size_t next_server;

    /* of the outbox: numbers of messages since the session began */
    uint64_t sent, confirmed;
    uint64_t sent_at_link_probe;
    bool confirming; /* a probe of the other kind is away */
    uint64_t confirm_probe, sent_at_confirm_probe;
    uint64_t repeat_due_ms;  /* 0: no probe can have been dropped */
    uint64_t confirm_due_ms; /* 0: nothing is in flight that no probe follows */

    bool too_large; /* one was dropped for the server's limit, and it is not told yet */
};

/* As the driver's open, but for the table of functions: @options checked and taken over. */
enum vd_err vd_nats_state_create(const struct vd_broker_options *options, struct vd_broker *host,
                                 struct nats **state, struct vd_error *error);
/* Before an attempt: what is in the files of certificates now, if they are good. VD_ERR_INVALID:
 * they are not, and nothing has changed. */
enum vd_err vd_nats_refresh_tls(struct nats *state, struct vd_error *error);
/* Frees the memory; session and shared must have been released, or abandoned. */
void vd_nats_state_free(struct nats *state);

/* nats.c: tell the link, and do what it asks for. false, here and below: leave dispatch, the handle
 * is gone. */
bool vd_nats_obey(struct nats *nats, unsigned todo);
bool vd_nats_happened(struct nats *nats, enum vd_link_event_type type);
bool vd_nats_broke(struct nats *nats, enum vd_err code, const char *text);

/* nats_attempt.c: begin, or go on with asking for credentials. */
bool vd_nats_begin(struct nats *nats);
void vd_nats_disconnect(struct nats *nats);

/* nats_receive.c: in this order. */
bool vd_nats_look(struct nats *nats);
bool vd_nats_receive(struct nats *nats, unsigned *budget); /* goes down with each message */
bool vd_nats_probes_came(struct nats *nats);
bool vd_nats_session_ended(struct nats *nats); /* all of the above must have been taken */

/* nats_publish.c */
bool vd_nats_send_link_probe(struct nats *nats);
void vd_nats_ask_for_confirmation(struct nats *nats);
void vd_nats_confirm_until(struct nats *nats, uint64_t sent);
void vd_nats_repeat_probes(struct nats *nats);
void vd_nats_pump(struct nats *nats); /* hand over what the window has room for */
/* Of the table of functions. */
enum vd_err vd_nats_publish(void *state, const struct vd_message *message, struct vd_error *error);
size_t vd_nats_unconfirmed(void *state);

#endif
