/* SPDX-License-Identifier: Apache-2.0 */
/* The handle behind struct vd_broker, shared by broker.c (life, publish, loop) and receive.c
 * (subscriptions and what drivers report). Drivers do not include this. */
#ifndef VIADUCT_BROKERS_HANDLE_H
#define VIADUCT_BROKERS_HANDLE_H

#include <sys/types.h>

#include <viaduct/broker.h>
#include <viaduct/broker_driver.h>

#include "here.h"
#include "origins.h"

enum vd_broker_life { VD_LIFE_OPEN, VD_LIFE_CLOSING, VD_LIFE_CLOSED };

struct vd_broker_subscription {
    struct vd_broker *broker;
    struct vd_broker_subscription *next, *previous;
    vd_broker_message_fn *received;
    void *context;
    bool ended; /* unsubscribed within a delivery: freed after it */
    size_t pattern_length;
    char pattern[];
};

struct vd_broker {
    const struct vd_broker_driver *driver;
    void *state;         /* the driver's; NULL once closed */
    struct vd_here here; /* the process that opened it */
    enum vd_broker_life life;
    bool dispatching;
    bool doomed; /* destroyed within a callback: freed when dispatch returns */

    char node_id[VD_ORIGIN_MAX_BYTES + 1];
    size_t node_id_length;
    uint64_t sequence; /* last number used */
    size_t max_message_bytes;
    struct vd_logger *logger;

    vd_broker_error_fn *on_error;
    vd_broker_gap_fn *on_gap;
    void *context;

    vd_broker_closed_fn *closed;
    void *closed_context;
    uint64_t close_deadline_ms;

    int epoll_fd; /* of the next two and the driver's: what the caller polls */
    int wake_fd;
    int timer_fd;
    bool woken;
    uint64_t timer_armed_ms; /* 0: not */

    struct vd_broker_subscription *first, *last;
    unsigned delivering; /* depth: ended subscriptions stay linked meanwhile */
    bool any_ended;

    struct vd_origins origins;
    bool was_connected;
    enum vd_err last_error;
    uint64_t drops_told; /* by flush */
    struct vd_broker_counters counters;
};

/* After a callback: neither has it destroyed the handle, nor is this a child that it forked, which
 * must not touch what the parent goes on with. */
static inline bool vd_broker_goes_on(const struct vd_broker *broker)
{
    return !broker->doomed && vd_here_is(&broker->here);
}

/* receive.c */
void vd_broker_subscriptions_free(struct vd_broker *broker);

#endif
