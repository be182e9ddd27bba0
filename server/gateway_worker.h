/* SPDX-License-Identifier: Apache-2.0 */
/* The workers as the gateway sees them: their rings, what waits for them, what they have asked
 * for. */
#ifndef VIADUCT_GATEWAY_WORKER_H
#define VIADUCT_GATEWAY_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/uio.h>

#include <viaduct/message.h>
#include <viaduct/ring.h>

#include "common_node.h"
#include "gateway_interest.h"
#include "gateway_request.h"
#include "gateway_stream.h"

struct gateway;

/* An event on its way to a worker: the ring was full. */
struct gw_lane_entry {
    STAILQ_ENTRY(gw_lane_entry) link;
    struct gw_lane_entry *same_hash;
    uint16_t type;
    uint64_t tag;
    size_t length;
    size_t sent;
    bool coalesces; /* an invalidation: a second one for the same tag and scope adds nothing */
    char bytes[];
};
STAILQ_HEAD(gw_lane_list, gw_lane_entry);

struct gw_worker {
    struct gateway *gateway;
    unsigned index;
    struct vd_worker_slot *slot;
    uint32_t generation; /* of the process the gateway talks to; 0: none */
    bool ready;          /* takes requests */
    bool ring_bell;      /* wake it at the end of this turn */
    bool broken;         /* its ring was damaged; it was killed and is not listened to */
    bool wants_clients;
    bool passed_over; /* took nothing of what it was offered; no more until it has read that */
    struct vd_ring_producer requests, events;
    struct vd_ring_consumer from;
    struct gw_request_list in_flight; /* in the order offered */
    unsigned in_flight_count;
    struct gw_request *exclusive; /* its body is streamed: nothing else is offered meanwhile */

    uint64_t held_tag; /* of a publish whose answer waits until the link has caught up; 0: none */
    char *partial;     /* a publish of several frames */
    size_t partial_length, partial_capacity;
    uint64_t partial_position;

    struct gw_lane_list lane;
    struct gw_lane_entry **lane_table; /* those that coalesce, by hash; NULL at first */
    size_t lane_count, lane_bytes;
    bool lane_gap; /* events were dropped: say so before the next one */
};

/* A set of workers. */
struct gw_members {
    uint64_t words[VD_WORKERS_MAX / 64];
};

static inline void gw_members_add(struct gw_members *members, unsigned index)
{
    members->words[index / 64] |= UINT64_C(1) << (index % 64);
}

static inline void gw_members_drop(struct gw_members *members, unsigned index)
{
    members->words[index / 64] &= ~(UINT64_C(1) << (index % 64));
}

static inline bool gw_members_have(const struct gw_members *members, unsigned index)
{
    return members->words[index / 64] >> (index % 64) & 1;
}

static inline bool gw_members_are_none(const struct gw_members *members)
{
    uint64_t any = 0;

    for (size_t i = 0; i < VD_WORKERS_MAX / 64; i++)
        any |= members->words[i];
    return any == 0;
}

/* A subscription of the workers: same id, pattern and mode are one, whoever announced it. */
struct gw_subscription {
    struct gw_follower follower;
    struct vd_interest_link interest;
    LIST_ENTRY(gw_subscription) link;
    uint32_t id;
    bool every_worker;
    struct gw_members members;
    unsigned next_member;        /* round robin */
    struct gw_lane_list waiting; /* no member alive just now */
    size_t waiting_count, waiting_bytes;
    uint16_t pattern_length;
    char pattern[];
};

struct gw_timer {
    LIST_ENTRY(gw_timer) link;
    uint32_t id, interval_ms;
    uint64_t due_ms;
    struct gw_worker *running; /* fired there, not yet done */
    struct gw_members members;
};

/* gateway_worker.c */
enum vd_err gw_workers_start(struct gateway *gateway);
void gw_workers_finish(struct gateway *gateway);
/* Drain a bounded share of every ring and look for deaths; true when more is waiting. */
bool gw_workers_turn(struct gateway *gateway);
void gw_workers_wake(struct gateway *gateway);
bool gw_workers_waiting(struct gateway *gateway);

/* gateway_worker_publish.c: a frame of VD_FRAME_PUBLISH came. Returns false for one that no sane
 * worker sends. */
bool gw_worker_publish(struct gw_worker *worker, const struct vd_frame *frame);
/* May what there is of a message (worker->partial) stay in the ring until its end comes? */
bool gw_worker_keeps(const struct gw_worker *worker);
/* There will be no rest of the message that has begun. */
void gw_worker_forget_partial(struct gw_worker *worker);
/* Answer the publishes that were held. */
void gw_workers_release(struct gateway *gateway);

/* gateway_subscription.c */
void gw_subscribe(struct gw_worker *worker, uint32_t id, bool every_worker, const char *pattern,
                  size_t length);
void gw_subscription_deliver(struct gateway *gateway, struct gw_subscription *subscription,
                             const struct vd_message *message);
void gw_subscriptions_worker_left(struct gw_worker *worker);
/* All workers have said what they want: forget what none of them does. */
void gw_subscriptions_tidy(struct gateway *gateway);
void gw_subscriptions_finish(struct gateway *gateway);
/* Events that the dead worker had not read go to others. */
void gw_lane_salvage(struct gw_worker *worker);
void gw_client_event(struct gateway *gateway, uint16_t type, uint64_t stream);
/* This worker wants them; also those that nobody was alive to be told of. */
void gw_clients_watch(struct gw_worker *worker);

/* gateway_lane.c */
/* false: dropped, and counted. */
bool gw_lane_send(struct gw_worker *worker, uint16_t type, uint64_t tag, const struct iovec *parts,
                  int count, bool coalesces);
/* The same with an entry that exists; takes it over. */
bool gw_lane_append(struct gw_worker *worker, struct gw_lane_entry *entry);
struct gw_lane_entry *gw_lane_entry_create(uint16_t type, uint64_t tag, const struct iovec *parts,
                                           int count, bool coalesces); /* NULL: no memory */
struct gw_lane_entry *gw_lane_pop(struct gw_worker *worker); /* the first, the caller's; or NULL */
void gw_lane_flush(struct gw_worker *worker);
void gw_lane_clear(struct gw_worker *worker);

/* gateway_timer.c */
void gw_timer_set(struct gw_worker *worker, uint32_t id, uint32_t interval_ms);
void gw_timer_done(struct gw_worker *worker, uint32_t id);
void gw_timers_worker_left(struct gw_worker *worker);
void gw_timers_tidy(struct gateway *gateway); /* as gw_subscriptions_tidy */
/* The worker that it was given to died before it had read that. */
void gw_timer_again(struct gateway *gateway, uint32_t id);
void gw_timers_turn(struct gateway *gateway);
uint64_t gw_timers_next_ms(const struct gateway *gateway); /* 0: none */
void gw_timers_finish(struct gateway *gateway);

#endif
