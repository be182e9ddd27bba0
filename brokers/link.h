/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a broker's connection, the same for every driver with a network.
 *
 *     down -> connecting -> authenticating -> subscribing -> probing -> up
 *               ^   |              |               |            |       |
 *               |   +--------------+------- failed +------------+-------+
 *               +----- backoff <---------------------------+
 *
 * Up means: the subscription is acknowledged AND a message published here came back to here. The
 * same round trip is made again every probe interval; one that is not back within another interval
 * ends the link. So a link that is half-open, frozen or deaf (healthy connections, no deliveries)
 * is noticed within two intervals. (A tick that comes late by more than half of one was kept from
 * coming: then it is we who were away, and the deadline is put off by an interval, once.)
 *
 * Pure: time, randomness and what happened come in as an event, what is to be done goes out as
 * bits. The driver does it, and reports how it went by the next event:
 *
 *     unsigned todo = vd_link_step(&link, &(struct vd_link_event){.type = VD_LINK_TICK, ...});
 *     if (todo & VD_LINK_DO_CONNECT) ...
 *
 * Bits are to be obeyed in the order of their values. An event that does not belong to the state
 * (an old connection's echo) is ignored. */
#ifndef VIADUCT_BROKERS_LINK_H
#define VIADUCT_BROKERS_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include <viaduct/backoff.h>
#include <viaduct/broker.h>

enum vd_link_state {
    VD_LINK_DOWN, /* before the first tick */
    VD_LINK_CONNECTING,
    VD_LINK_AUTHENTICATING,
    VD_LINK_SUBSCRIBING,
    VD_LINK_PROBING,
    VD_LINK_UP,
    VD_LINK_BACKOFF
};

enum vd_link_event_type {
    VD_LINK_TICK, /* time went by; also the first event of all */
    VD_LINK_CONNECTED,
    VD_LINK_AUTHENTICATED,
    VD_LINK_SUBSCRIBED,
    VD_LINK_PROBE_BACK,
    VD_LINK_FAILED
};

/* Bits for @random of an event, from a state that is not 0 at the start. Jitter needs no better
 * ones, and a tick no system call. Xorshift: https://www.jstatsoft.org/article/view/v008i14 */
static inline uint32_t vd_link_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)(*state >> 32);
}

struct vd_link_event {
    enum vd_link_event_type type;
    uint64_t now_ms;  /* monotonic, never less than that of the event before */
    uint32_t random;  /* 32 uniformly random bits: TICK and FAILED */
    uint64_t probe;   /* PROBE_BACK: its number */
    enum vd_err code; /* FAILED: VD_ERR_CONNECTION, _AUTHENTICATION, _TLS, ... */
    const char *text; /* FAILED: one sentence without secrets; copied */
};

/* What vd_link_step asks for. */
#define VD_LINK_DO_DISCONNECT   0x01u /* close all connections; take the outbox back */
#define VD_LINK_TELL_FAILURE    0x02u /* link.failure: once a drop, once a failed attempt */
#define VD_LINK_DO_CONNECT      0x04u
#define VD_LINK_DO_AUTHENTICATE 0x08u
#define VD_LINK_DO_SUBSCRIBE    0x10u
#define VD_LINK_TELL_GAP        0x20u /* messages went by unheard: before any that comes now */
#define VD_LINK_DO_PROBE        0x40u /* publish link.probe to the own subscription */
#define VD_LINK_TELL_CONNECTED  0x80u /* up; the outbox may flow */

struct vd_link {
    enum vd_link_state state;
    uint32_t probe_interval_ms;
    uint32_t connect_timeout_ms;
    struct vd_backoff backoff;

    uint64_t deadline_ms;   /* of the attempt, the probe, or the waiting */
    uint64_t next_probe_ms; /* up only */
    uint64_t probe;         /* number of the last one sent */
    bool probe_away;        /* and not back */
    bool reprieved;         /* its deadline was put off, since we ourselves were away */
    bool missed;            /* something may have been: tell it when subscribed */

    struct vd_broker_failure failure; /* text points to failure_text */
    char failure_text[VD_ERROR_TEXT_BYTES];
};

/* @options: probe_interval_ms, connect_timeout_ms, backoff_*; complete. */
void vd_link_init(struct vd_link *link, const struct vd_broker_options *options);

unsigned vd_link_step(struct vd_link *link, const struct vd_link_event *event);

/* When it wants the next tick. 0: at once. */
uint64_t vd_link_deadline_ms(const struct vd_link *link);

/* As in struct vd_broker_status. */
enum vd_broker_state vd_link_status(const struct vd_link *link);
/* The link's share of a broker's status. */
void vd_link_describe(const struct vd_link *link, struct vd_broker_status *status);
static inline bool vd_link_is_up(const struct vd_link *link)
{
    return link->state == VD_LINK_UP;
}

#endif
