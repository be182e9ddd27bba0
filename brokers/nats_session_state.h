/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of a NATS session share: nats_connect.c brings it up and takes what the client
 * library calls back with, nats_shared.c has what it has in common with others, nats_session.c does
 * everything else.
 *
 * Owners of a session: the handle, the thread, and each callback of the library that may still
 * come (one for the connection's end, one for the subscription's). The last one frees it. */
#ifndef VIADUCT_BROKERS_NATS_SESSION_STATE_H
#define VIADUCT_BROKERS_NATS_SESSION_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include <nats/nats.h>

#include "nats_done.h"
#include "nats_session.h"

struct vd_nats_chunk;

struct vd_nats_session {
    _Atomic unsigned owners;
    struct vd_nats_shared *shared;
    struct vd_nats_inbox inbox;

    /* the plan: read only */
    struct vd_nats_server *servers;
    size_t server_count, first_server;
    char *channel, *own_field;
    size_t own_field_length;
    char link_token[17], confirm_token[17];
    bool tls;
    char *ca, *certificate, *key;
    char *username, *password, *token, *seed_file, *creds_file;
    uint32_t connect_timeout_ms, probe_interval_ms;
    int library_inbox_bytes;

    struct vd_nats_done own_done; /* the library's thread's that delivers, until there is none */
    _Atomic bool slow; /* the library drops messages: count them before the next that comes */

    /* told to the handle's thread */
    _Atomic bool was_slow;
    _Atomic uint64_t link_probe, link_probe_us, confirm_probe, own_messages;

    pthread_mutex_t lock; /* of all below */
    pthread_cond_t work;
    struct vd_nats_news news;
    bool released;
    bool over; /* on_closed was called: the connection is gone */
    struct vd_nats_chunk *first, *last;
    struct vd_nats_chunk *spare;

    struct vd_nats_chunk *open;     /* the handle's thread's alone: being filled */
    natsConnection *connection;     /* the session's thread's alone */
    natsSubscription *subscription; /* the session's thread's alone */
};

/* nats_shared.c, any thread: have the handle look. */
void vd_nats_shared_notice(struct vd_nats_shared *shared);
/* A session begins: it counts, and owns a share. */
void vd_nats_shared_join(struct vd_nats_shared *shared);
/* It is about to call the library: from here on no child of this process may. */
void vd_nats_shared_enter(void);
/* Not by a process of which this is a forked copy. */
bool vd_nats_shared_entered_here(void);
/* It is gone. */
void vd_nats_shared_leave(struct vd_nats_shared *shared);

/* One more owner, one less. */
void vd_nats_session_hold(struct vd_nats_session *session);
void vd_nats_session_let_go(struct vd_nats_session *session);

/* Any thread: have the handle look. */
void vd_nats_session_notice(struct vd_nats_session *session);
/* Any thread: it is over, for the first reason that is given. */
void vd_nats_session_failed(struct vd_nats_session *session, const struct vd_error *error);
/* Why a call of the library failed. @text: its own, or NULL. */
void vd_nats_session_explain(const struct vd_nats_session *session, bool connecting,
                             natsStatus status, const char *text, struct vd_error *error);

/* The session's thread: connect to one of the servers and subscribe. What was begun stays in
 * session->connection and session->subscription also when it fails. */
bool vd_nats_session_connect(struct vd_nats_session *session, struct vd_error *error);

#endif
