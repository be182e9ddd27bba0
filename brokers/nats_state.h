/* SPDX-License-Identifier: Apache-2.0 */
/* What the two files of the NATS driver share: nats_open.c makes it from the options, nats.c does
 * everything else. All of it belongs to the handle's thread. */
#ifndef VIADUCT_BROKERS_NATS_STATE_H
#define VIADUCT_BROKERS_NATS_STATE_H

#include <viaduct/broker_driver.h>

#include "link.h"
#include "nats_session.h"
#include "outbox.h"
#include "tls.h"

struct nats {
    struct vd_broker *host;
    struct vd_link link;
    struct vd_outbox outbox;
    uint64_t now_ms;
    uint64_t random; /* for jitter; never 0 */

    struct vd_nats_url url;
    char *channel;
    struct vd_tls *tls; /* NULL: plain. Only says whether the files are good */
    char *ca_file, *certificate_file, *key_file;
    char *ca, *certificate, *key; /* what was in the files when they were good last */
    char *username, *password, *token, *seed_file, *creds_file;
    char link_token[17], confirm_token[17]; /* of our probes, the link's and the other kind */
    char node_id[VD_ORIGIN_MAX_BYTES + 1];
    size_t max_message_bytes, inbox_bytes;
    uint32_t connect_timeout_ms, probe_interval_ms;
    vd_broker_credentials_fn *credentials_for_attempt;
    void *credentials_context;
    bool wants_credentials; /* they are not there yet */

    struct vd_nats_shared *shared;
    struct vd_nats_session *session; /* NULL: backing off */
    struct vd_nats_news news;        /* of the session, as last seen */
    bool connected_seen, lame_seen;
    size_t next_server;
    void *scratch; /* of the wire decoder */
    size_t scratch_bytes;

    uint64_t probe_sent_us, rtt_us;
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

#endif
