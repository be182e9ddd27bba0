/* SPDX-License-Identifier: Apache-2.0 */
/* One connection of the NATS client library, from the attempt to its end, on threads of its own.
 *
 *     handle's thread                          session's thread            the library's threads
 *     vd_nats_session_start    ---------->     connect, subscribe
 *     vd_nats_session_look     <--notice--     connected | failed
 *     vd_nats_session_send     --chunks-->     natsConnection_Publish
 *     vd_nats_session_receive  <--notice--------------------------------   messages, probes, end
 *     vd_nats_session_release  ---------->     close, and free all
 *
 * The library waits for the network, and for locks that it holds while it waits, in nearly all of
 * its calls; so all of them are made on the session's thread. Nothing here waits for that thread: a
 * session that was released ends when its call returns, however long that takes. Sessions that are
 * not gone yet are counted (vd_nats_shared), so that they cannot pile up. */
#ifndef VIADUCT_BROKERS_NATS_SESSION_H
#define VIADUCT_BROKERS_NATS_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <viaduct/broker.h>

#include "nats_inbox.h"
#include "nats_url.h"

struct vd_nats_session;

/* ---- what the sessions of a handle share -------------------------------------------------------
 */

struct vd_nats_shared;

/* Returns: VD_OK, VD_ERR_NO_MEMORY, VD_ERR_SYSTEM. */
enum vd_err vd_nats_shared_create(struct vd_nats_shared **shared, struct vd_error *error);
/* The handle's share; the last session's end frees it. NULL is fine. */
void vd_nats_shared_release(struct vd_nats_shared *shared);
/* Instead, in a forked child. */
void vd_nats_shared_abandon(struct vd_nats_shared *shared);

int vd_nats_shared_fd(const struct vd_nats_shared *shared); /* readable: look at the session */
void vd_nats_shared_swallow(struct vd_nats_shared *shared); /* before looking */
unsigned vd_nats_shared_alive(const struct vd_nats_shared *shared); /* sessions not gone yet */

/* ---- a session ---------------------------------------------------------------------------------
 */

/* All is copied by start. */
struct vd_nats_plan {
    const struct vd_nats_server *servers;
    size_t server_count;
    size_t first_server; /* tried first; the others follow in turn */
    const char *channel;
    const char *node_id;
    const char *link_token, *confirm_token; /* of our probes (probe.h), told apart by them */
    bool tls;
    const char *ca, *certificate, *key; /* PEM texts; NULL: the system's, none, none */
    struct vd_broker_credentials credentials;
    uint32_t connect_timeout_ms; /* for all servers together */
    uint32_t probe_interval_ms;
    size_t inbox_bytes;
};

/* Returns: VD_OK, VD_ERR_NO_MEMORY, VD_ERR_SYSTEM (no thread). */
enum vd_err vd_nats_session_start(const struct vd_nats_plan *plan, struct vd_nats_shared *shared,
                                  struct vd_nats_session **session, struct vd_error *error);

/* Never waits. NULL is fine. */
void vd_nats_session_release(struct vd_nats_session *session);
/* Instead, in a forked child: what the threads held stays as it is. */
void vd_nats_session_abandon(struct vd_nats_session *session);

struct vd_nats_news {
    bool connected; /* and subscribed, as far as can be known before a probe is back */
    bool failed;    /* it is over: error */
    bool slow;      /* messages were dropped since the last look: probes may be among them */
    bool lame;      /* the server has announced that it will end */
    bool shaking;   /* not connected, and past the look-up of the host name */
    size_t server;  /* the one connected to, or tried last */
    int64_t max_payload;
    uint64_t link_probe, link_probe_us; /* last number that came back, and when; 0: none yet */
    uint64_t confirm_probe;             /* the same for the other kind */
    uint64_t own_messages;              /* that came back since the last look */
    struct vd_error error;
};
void vd_nats_session_look(struct vd_nats_session *session, struct vd_nats_news *news);

/* Copy @bytes to the messages that go out next. false: no memory, nothing was taken. */
bool vd_nats_session_send(struct vd_nats_session *session, const void *bytes, size_t length);
/* Hand over what was taken so far. */
void vd_nats_session_flush(struct vd_nats_session *session);

/* As vd_nats_inbox_pop and _give_back. */
bool vd_nats_session_receive(struct vd_nats_session *session, struct vd_nats_arrival *arrival);
void vd_nats_session_received(struct vd_nats_session *session);

#endif
