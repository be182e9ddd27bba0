/* SPDX-License-Identifier: Apache-2.0 */
/* Publish, subscribe, intervals, and telling a new gateway about them.
 *
 * Happy path: a message that passes the checks is one frame in the ring, made in place. What a
 * worker wants to hear is kept here and announced when it is ready, and again to each new gateway,
 * which knows nothing. Failure modes: a full ring makes a publish wait for its deadline and give
 * up, counted by the caller; a gateway that dies meanwhile leaves its fate unknown
 * (VD_ERR_CLOSED). */
#include <stdlib.h>
#include <string.h>

#include <viaduct/clock.h>
#include <viaduct/scope.h>

#include "worker_state.h"

static enum vd_err not_here(struct vd_error *error)
{
    return vd_error_set(error, VD_ERR_STATE,
                        "this process was forked by a handler: only the worker itself may call");
}

/* ---- publish -----------------------------------------------------------------------------------
 */

static struct vd_frame_message message_head(const struct vd_message *message)
{
    return (struct vd_frame_message){
        .scope_length = (uint16_t)message->scope_length,
        .event_length = (uint16_t)message->event_length,
        .origin_length = 0, /* the gateway says who we are, and counts */
        .has_data = message->has_data,
        .data_length = message->has_data ? (uint32_t)message->data_length : 0,
    };
}

/* The outbox of the link fills up. Whether it has room, only the gateway can say, and waiting for
 * its word is what slows down a worker that publishes faster than the broker takes it. */
static bool needs_answer(const struct vd_worker *worker, const struct vd_message *message)
{
    return __builtin_expect(
               atomic_load_explicit(&worker->shared->link_tight, memory_order_acquire) != 0, 0) &&
           vd_scope_kind(message->scope, message->scope_length) != VD_SCOPE_TAB;
}

static enum vd_err await_answer(struct vd_worker *worker, const struct vd_worker_patience *patience,
                                struct vd_error *error)
{
    enum vd_err result = vd_worker_await_answer(worker, patience->epoch, patience->timeout_ms);

    if (result == VD_ERR_FULL) {
        return vd_error_set(error, result,
                            "the broker's outbox is full, and its policy is to fail: not "
                            "published, neither here nor to other nodes");
    }
    if (result != VD_OK) {
        return vd_error_set(error, VD_ERR_CLOSED,
                            "the gateway did not answer: not known whether it was published");
    }
    return VD_OK;
}

enum vd_err vd_worker_publish(struct vd_worker *worker, const struct vd_message *message,
                              struct vd_error *error)
{
    struct vd_frame_message head;
    struct vd_text pieces[4];
    struct vd_worker_patience patience;
    enum vd_err result;
    uint64_t total, tag = 0;

    if (!vd_worker_is_here(worker))
        return not_here(error);
    result = vd_message_check(message, worker->node->config.max_message_bytes, error);
    if (result != VD_OK)
        return result;
    patience = (struct vd_worker_patience){.epoch = vd_worker_gateway_epoch(worker),
                                           .timeout_ms = worker->node->config.publish_timeout_ms};
    head = message_head(message);
    pieces[0] = (struct vd_text){(const char *)&head, sizeof(head)};
    pieces[1] = (struct vd_text){message->scope, head.scope_length};
    pieces[2] = (struct vd_text){message->event, head.event_length};
    pieces[3] = (struct vd_text){message->data, head.data_length};
    if (needs_answer(worker, message))
        tag = ++worker->publish_tag;
    result = vd_worker_send(worker, VD_FRAME_PUBLISH, 0, tag, pieces, 4, patience);
    if (result == VD_ERR_TIMEOUT) {
        return vd_error_set(error, result, "the gateway took nothing for %u ms: not published",
                            patience.timeout_ms);
    }
    if (result != VD_OK) {
        return vd_error_set(error, result,
                            "the gateway died meanwhile: not known whether it was published");
    }
    if (tag && (result = await_answer(worker, &patience, error)) != VD_OK)
        return result;
    total = atomic_load_explicit(&worker->slot->publishes_total, memory_order_relaxed) + 1;
    atomic_store_explicit(&worker->slot->publishes_total, total, memory_order_relaxed);
    return VD_OK;
}

void vd_worker_owe(struct vd_worker *worker, size_t scope)
{
    uint64_t bit = (uint64_t)1 << scope % 64;

    if (!vd_worker_is_here(worker))
        return;
    worker->owed |= bit;
    atomic_fetch_or_explicit(&worker->slot->owed, bit, memory_order_relaxed);
}

/* What a predecessor owed is the gateway's to see. */
void vd_worker_owe_nothing(struct vd_worker *worker)
{
    if (worker->owed && vd_worker_is_here(worker))
        atomic_fetch_and_explicit(&worker->slot->owed, ~worker->owed, memory_order_relaxed);
    worker->owed = 0;
}

/* ---- subscriptions and intervals
 * --------------------------------------------------------------- */

static enum vd_err send_subscription(struct vd_worker *worker,
                                     const struct vd_worker_subscription *subscription)
{
    struct vd_text pattern = {subscription->pattern, subscription->pattern_length};

    return vd_worker_send(worker, VD_FRAME_SUBSCRIBE,
                          subscription->every_worker ? VD_FRAME_EVERY_WORKER : 0, subscription->id,
                          &pattern, 1, (struct vd_worker_patience){.epoch = worker->epoch});
}

static enum vd_err send_interval(struct vd_worker *worker,
                                 const struct vd_worker_interval *interval)
{
    struct vd_text milliseconds = {(const char *)&interval->interval_ms,
                                   sizeof(interval->interval_ms)};

    return vd_worker_send(worker, VD_FRAME_INTERVAL, 0, interval->id, &milliseconds, 1,
                          (struct vd_worker_patience){.epoch = worker->epoch});
}

enum vd_err vd_worker_announce(struct vd_worker *worker)
{
    enum vd_err result;

    worker->announced = false;
    worker->epoch = vd_worker_gateway_epoch(worker);
    worker->event_record.partial = false;
    for (size_t i = 0; i < worker->subscription_count; i++) {
        if ((result = send_subscription(worker, &worker->subscriptions[i])) != VD_OK)
            return result;
    }
    for (size_t i = 0; i < worker->interval_count; i++) {
        if (!worker->intervals[i].every_worker &&
            (result = send_interval(worker, &worker->intervals[i])) != VD_OK)
            return result;
    }
    if (worker->watches_clients &&
        (result = vd_worker_send_empty(worker, VD_FRAME_WATCH_CLIENTS, 0)) != VD_OK)
        return result;
    atomic_store(&worker->slot->state, VD_SLOT_READY);
    result = vd_worker_send_empty(worker, VD_FRAME_READY, worker->epoch);
    worker->announced = result == VD_OK;
    return result;
}

/* Said at once to a gateway that knows us, else by the next announcement. */
static bool known(const struct vd_worker *worker)
{
    return worker->announced && vd_worker_same_gateway(worker);
}

enum vd_err vd_worker_subscribe(struct vd_worker *worker, uint32_t id, struct vd_text pattern,
                                bool every_worker, struct vd_error *error)
{
    struct vd_worker_subscription *grown, *added;
    enum vd_err result;

    if (!vd_worker_is_here(worker))
        return not_here(error);
    if ((result = vd_scope_check(pattern.bytes, pattern.length, error)) != VD_OK)
        return result;
    grown = realloc(worker->subscriptions, (worker->subscription_count + 1) * sizeof(*grown));
    if (!grown)
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for a subscription");
    worker->subscriptions = grown;
    added = &grown[worker->subscription_count];
    *added = (struct vd_worker_subscription){.id = id,
                                             .every_worker = every_worker,
                                             .pattern = strndup(pattern.bytes, pattern.length),
                                             .pattern_length = pattern.length};
    if (!added->pattern)
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for a subscription");
    worker->subscription_count++;
    if (known(worker))
        send_subscription(worker, added); /* a gateway that goes meanwhile: announced to the next */
    return VD_OK;
}

enum vd_err vd_worker_set_interval(struct vd_worker *worker, uint32_t id, uint32_t interval_ms,
                                   bool every_worker, struct vd_error *error)
{
    struct vd_worker_interval *grown, *added;

    if (!vd_worker_is_here(worker))
        return not_here(error);
    if (interval_ms == 0) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "the interval is 0 ms, allowed are 1 ms and more");
    }
    grown = realloc(worker->intervals, (worker->interval_count + 1) * sizeof(*grown));
    if (!grown)
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for an interval");
    worker->intervals = grown;
    added = &grown[worker->interval_count++];
    *added = (struct vd_worker_interval){.id = id,
                                         .interval_ms = interval_ms,
                                         .every_worker = every_worker,
                                         .due_ms = vd_monotonic_ms() + interval_ms};
    if (every_worker) {
        worker->own_interval_count++;
    } else if (known(worker)) {
        send_interval(worker, added);
    }
    return VD_OK;
}

enum vd_err vd_worker_watch_clients(struct vd_worker *worker, struct vd_error *error)
{
    if (!vd_worker_is_here(worker))
        return not_here(error);
    if (!worker->watches_clients && known(worker))
        vd_worker_send_empty(worker, VD_FRAME_WATCH_CLIENTS, 0);
    worker->watches_clients = true;
    return VD_OK;
}
