/* SPDX-License-Identifier: Apache-2.0 */
/* Node-wide intervals: the clock is the gateway's, the handler runs in one live worker. A timer
 * that is still running when it is due again is not started twice. One whose worker died in its
 * handler is started when it is due again, not at once: it may be what killed the worker; one that
 * the worker had not even read is given to another at once. */
#include <stdlib.h>

#include "gateway.h"

#define RETRY_MS 50 /* no worker is alive just now: one will be soon */

static struct gw_timer *find(struct gateway *gateway, uint32_t id)
{
    struct gw_timer *timer;

    LIST_FOREACH(timer, &gateway->timers, link)
    if (timer->id == id)
        return timer;
    return NULL;
}

void gw_timer_set(struct gw_worker *worker, uint32_t id, uint32_t interval_ms)
{
    struct gateway *gateway = worker->gateway;
    struct gw_timer *timer = find(gateway, id);

    if (!timer) {
        timer = calloc(1, sizeof(*timer));
        if (!timer)
            return;
        timer->id = id;
        timer->due_ms = gateway->now_ms + interval_ms;
        LIST_INSERT_HEAD(&gateway->timers, timer, link);
    }
    timer->interval_ms = interval_ms;
    gw_members_add(&timer->members, worker->index);
}

void gw_timer_done(struct gw_worker *worker, uint32_t id)
{
    struct gw_timer *timer = find(worker->gateway, id);

    if (timer && timer->running == worker)
        timer->running = NULL;
}

void gw_timers_worker_left(struct gw_worker *worker)
{
    struct gw_timer *timer;

    LIST_FOREACH(timer, &worker->gateway->timers, link)
    {
        gw_members_drop(&timer->members, worker->index);
        if (timer->running == worker)
            timer->running = NULL;
    }
}

void gw_timer_again(struct gateway *gateway, uint32_t id)
{
    struct gw_timer *timer = find(gateway, id);

    if (timer && !timer->running)
        timer->due_ms = gateway->now_ms;
}

/* The least busy one, so that the timer does not wait behind a slow request. */
static struct gw_worker *choose(struct gateway *gateway, const struct gw_timer *timer)
{
    struct gw_worker *best = NULL;

    for (unsigned i = 0; i < gateway->config->workers; i++) {
        struct gw_worker *worker = &gateway->workers[i];

        if (worker->ready && !worker->broken && gw_members_have(&timer->members, i) &&
            atomic_load_explicit(&worker->slot->state, memory_order_relaxed) == VD_SLOT_READY &&
            (!best || worker->in_flight_count < best->in_flight_count))
            best = worker;
    }
    return best;
}

static void fire(struct gateway *gateway, struct gw_timer *timer)
{
    struct gw_worker *worker = timer->running ? NULL : choose(gateway, timer);

    if (worker && gw_lane_send(worker, VD_FRAME_EVENT_TIMER, timer->id, NULL, 0, false))
        timer->running = worker;
    if (!worker && !timer->running && timer->interval_ms > RETRY_MS) {
        timer->due_ms = gateway->now_ms + RETRY_MS;
        return;
    }
    timer->due_ms += timer->interval_ms;
    if (timer->due_ms <= gateway->now_ms)
        timer->due_ms = gateway->now_ms + timer->interval_ms;
}

void gw_timers_turn(struct gateway *gateway)
{
    struct gw_timer *timer;

    if (gateway->draining)
        return;
    LIST_FOREACH(timer, &gateway->timers, link)
    if (timer->due_ms <= gateway->now_ms)
        fire(gateway, timer);
}

uint64_t gw_timers_next_ms(const struct gateway *gateway)
{
    const struct gw_timer *timer;
    uint64_t next = 0;

    LIST_FOREACH(timer, &gateway->timers, link)
    if (next == 0 || timer->due_ms < next)
        next = timer->due_ms;
    return gateway->draining ? 0 : next;
}

void gw_timers_tidy(struct gateway *gateway)
{
    struct gw_timer *timer = LIST_FIRST(&gateway->timers), *next;

    for (; timer; timer = next) {
        next = LIST_NEXT(timer, link);
        if (!gw_members_are_none(&timer->members))
            continue;
        LIST_REMOVE(timer, link);
        free(timer);
    }
}

void gw_timers_finish(struct gateway *gateway)
{
    struct gw_timer *timer;

    while ((timer = LIST_FIRST(&gateway->timers))) {
        LIST_REMOVE(timer, link);
        free(timer);
    }
}
