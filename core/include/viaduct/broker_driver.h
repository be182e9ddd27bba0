/* SPDX-License-Identifier: Apache-2.0 */
/* What a broker driver implements, and what it may call: for implementers only.
 *
 * A driver is a name and a const table of functions, in one .c file, with one row in
 * brokers/drivers.def. It only moves messages. Node ids, sequence numbers, checks, own-message and
 * duplicate filters, subscriptions, callbacks and counters are the handle's (brokers/broker.c) and
 * the same for all; reconnection is the link's (shared by those drivers that have a network).
 *
 *     handle (broker.c)                     driver
 *     vd_broker_open        ----------->    open
 *     vd_broker_publish     ----------->    publish
 *     vd_broker_dispatch    ----------->    dispatch
 *                           <-----------    vd_broker_host_message, _gap, _failure, ...
 *     vd_broker_close       ----------->    close, then unconfirmed until it is 0, destroy
 *
 * Threads: the handle calls every function below on its own thread, and never dispatch within
 * dispatch. publish, close, unconfirmed and status may come from within dispatch, because the
 * callbacks that dispatch leads to may publish and close; destroy never does. A driver that keeps
 * threads (a client library's) hands over by a queue and an eventfd; one that keeps an event loop
 * of its own (libevent) gives the descriptor of its epoll. No driver calls back from anywhere but
 * dispatch. */
#ifndef VIADUCT_BROKER_DRIVER_H
#define VIADUCT_BROKER_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <viaduct/broker.h>

struct vd_broker_driver {
    const char *name;    /* "redis": the row in drivers.def */
    const char *display; /* "RedisBroker": the class in PHP and the name in /_health */
    const char *schemes; /* "redis rediss": what may stand before the colon of a URL */
    bool network;        /* takes servers, credentials, TLS, channel; else these are refused */

    /* Make the state. @options are complete (defaults filled in) and borrowed until return, hubs
     * and logger for the life of the state. @host is the handle, for the calls below; none of them
     * may be made from here. Must not wait for anybody: a server that is away is a matter for
     * dispatch.
     * Returns: VD_OK; VD_ERR_INVALID with the name of the option; VD_ERR_EXISTS; VD_ERR_CORRUPT;
     * VD_ERR_NO_MEMORY; VD_ERR_SYSTEM. @error holds a sentence without secrets. */
    enum vd_err (*open)(const struct vd_broker_options *options, struct vd_broker *host,
                        void **state, struct vd_error *error);

    /* Free everything, at once: no goodbye that would wait, no callbacks. What cannot be had back
     * now (a thread inside a library call) is left to reap itself. */
    void (*destroy)(void *state);

    /* Instead of destroy, in a forked child: free private memory, close private descriptors, touch
     * nothing that the parent still uses, not even with a byte of goodbye. */
    void (*abandon)(void *state);

    /* Readable, level-triggered, while dispatch has something to do. Constant for the life of the
     * state; the driver's to close. */
    int (*fd)(const void *state);

    /* Send or queue one message: checked, with origin and sequence. Borrowed until return.
     * Blocks: not at all, or up to options.publish_timeout_ms where no outbox is possible.
     * Returns: as vd_broker_publish. Any error but VD_ERR_CLOSED means that nobody gets it. */
    enum vd_err (*publish)(void *state, const struct vd_message *message, struct vd_error *error);

    /* Do what is due at @now_ms (monotonic): read, write, time out, reconnect. Hand over at most
     * @budget messages; fd stays readable while more wait. Return as soon as a host call returns
     * false. */
    void (*dispatch)(void *state, uint64_t now_ms, unsigned budget);

    /* When dispatch wants to be called though nothing has become readable, monotonic; 0: never.
     * Asked after each dispatch (see vd_broker_host_wake). NULL: never. */
    uint64_t (*next_deadline_ms)(const void *state);

    /* No more publishes will come: hand over what was accepted and let the far side confirm it.
     * NULL: nothing to do. */
    void (*close)(void *state);

    /* Messages accepted and not yet confirmed by the far side; starts whatever brings the
     * confirmation (a ping) where that is needed. Asked every few milliseconds by flush and close.
     * NULL: always 0. */
    size_t (*unconfirmed)(void *state);

    /* Fill in state, connected, attempts, next_delay_ms, last_error, rtt_us and the outbox; the
     * rest is the handle's. Never waits: not for a lock that a connect may hold. */
    void (*status)(const void *state, struct vd_broker_status *status);
};

/* ---- host calls: from within dispatch only, but for wake and counters --------------------------
 * Those that run callbacks return false when a callback has destroyed the handle, or has forked and
 * this is the child: leave dispatch, touch nothing that others share. */

/* A message came. Checked, filtered, counted and handed to the subscriptions. Borrowed until
 * return. */
bool vd_broker_host_message(struct vd_broker *host, const struct vd_message *message);

/* Another node said by a probe that nothing of its up to @sequence (0: nothing at all) is still to
 * come. Unknown here, the number is kept; over the last one seen, a gap is told as for a message
 * after a jump. It must stand where it came among that node's messages. @length 0: nothing. */
bool vd_broker_host_heard(struct vd_broker *host, const char *origin, size_t length,
                          uint64_t sequence);

/* Something came that is no message. @what: what was wrong, without its content. */
void vd_broker_host_malformed(struct vd_broker *host, const char *what);

/* Messages were lost on the way to here, or may have been (any origin's). @missed 0: not known. */
bool vd_broker_host_gap(struct vd_broker *host, enum vd_broker_gap_reason reason, uint64_t missed);

/* The link failed, or an attempt did. driver is filled in by the handle. */
bool vd_broker_host_failure(struct vd_broker *host, const struct vd_broker_failure *failure);

/* Something that was accepted is lost, or is about to be, and the link is as it was: told as a
 * failure, and counted as none. */
bool vd_broker_host_trouble(struct vd_broker *host, const struct vd_broker_failure *failure);

/* The link is up (again). */
void vd_broker_host_connected(struct vd_broker *host);

/* Have dispatch called soon: for what was noticed in publish. Any time, handle's thread. */
void vd_broker_host_wake(struct vd_broker *host);

/* The number of @message if it is this node's own; 0: a relayed one. For status.outbox_sequence. */
uint64_t vd_broker_host_own_sequence(const struct vd_broker *host,
                                     const struct vd_message *message);

/* The handle's counters. published, received, own_filtered, duplicates, malformed, gaps, resyncs,
 * publish_failures, failures and reconnects are kept by the handle; inbox_drops (told by
 * vd_broker_host_gap with OVERFLOW) as well; outbox_drops is the driver's to count. */
struct vd_broker_counters *vd_broker_host_counters(struct vd_broker *host);

/* Node id, limits and logger as the handle uses them. */
struct vd_logger *vd_broker_host_logger(const struct vd_broker *host);

/* ---- registry ----------------------------------------------------------------------------------
 */

/* The driver that a URL or bare name asks for. NULL: none, and @error lists those there are (the
 * URL itself, which may hold a password, is not quoted). */
const struct vd_broker_driver *vd_broker_driver_find(const char *url, struct vd_error *error);

/* The drivers of this build in the order of drivers.def; NULL after the last. */
const struct vd_broker_driver *vd_broker_driver_at(size_t index);

#endif
