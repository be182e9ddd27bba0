/* SPDX-License-Identifier: Apache-2.0 */
/* The receiving half of the handle: subscriptions, and what drivers report.
 *
 * Happy path: a driver hands over a message; it is checked as if it came from the street, dropped
 * when it is one's own or known already, and given to each subscription whose pattern overlaps its
 * scope. Subscriptions are one list: a server has one or a few (its own index takes it from there).
 *
 * Callbacks may do anything. A delivery walks from the first to what was the last subscription when
 * it began; one that is ended meanwhile stays linked, marked, until the walk is over. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <viaduct/clock.h>
#include <viaduct/scope.h>

#include "handle.h"

/* ---- subscriptions -----------------------------------------------------------------------------
 */

enum vd_err vd_broker_subscribe(struct vd_broker *broker, const char *pattern, size_t length,
                                vd_broker_message_fn *received, void *context,
                                struct vd_broker_subscription **made, struct vd_error *error)
{
    struct vd_broker_subscription *subscription;
    enum vd_err code;

    if (!vd_broker_goes_on(broker) || broker->life == VD_LIFE_CLOSED)
        return vd_error_set(error, VD_ERR_STATE, "the broker handle is closed, or a forked copy");
    code = vd_scope_check(pattern, length, error);
    if (code)
        return code;
    subscription = calloc(1, sizeof(*subscription) + length);
    if (!subscription)
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for a subscription");
    subscription->broker = broker;
    subscription->received = received;
    subscription->context = context;
    subscription->pattern_length = length;
    memcpy(subscription->pattern, pattern, length);
    subscription->previous = broker->last;
    if (broker->last) {
        broker->last->next = subscription;
    } else {
        broker->first = subscription;
    }
    broker->last = subscription;
    if (made)
        *made = subscription;
    return VD_OK;
}

static void unlink_and_free(struct vd_broker_subscription *subscription)
{
    struct vd_broker *broker = subscription->broker;

    if (subscription->previous) {
        subscription->previous->next = subscription->next;
    } else {
        broker->first = subscription->next;
    }
    if (subscription->next) {
        subscription->next->previous = subscription->previous;
    } else {
        broker->last = subscription->previous;
    }
    free(subscription);
}

void vd_broker_unsubscribe(struct vd_broker_subscription *subscription)
{
    if (!subscription)
        return;
    if (subscription->broker->delivering) {
        subscription->ended = true;
        subscription->broker->any_ended = true;
        return;
    }
    unlink_and_free(subscription);
}

static void sweep_ended(struct vd_broker *broker)
{
    struct vd_broker_subscription *next;

    broker->any_ended = false;
    for (struct vd_broker_subscription *s = broker->first; s; s = next) {
        next = s->next;
        if (s->ended)
            unlink_and_free(s);
    }
}

void vd_broker_subscriptions_free(struct vd_broker *broker)
{
    struct vd_broker_subscription *next;

    for (struct vd_broker_subscription *s = broker->first; s; s = next) {
        next = s->next;
        free(s);
    }
    broker->first = broker->last = NULL;
}

static void deliver(struct vd_broker *broker, const struct vd_message *message)
{
    struct vd_broker_subscription *last = broker->last;
    struct vd_broker_subscription *subscription = broker->first;

    if (!subscription)
        return;
    broker->delivering++;
    for (;; subscription = subscription->next) {
        if (!subscription->ended &&
            vd_scope_overlaps(subscription->pattern, subscription->pattern_length, message->scope,
                              message->scope_length))
            subscription->received(broker, message, subscription->context);
        if (subscription == last || !vd_broker_goes_on(broker))
            break;
    }
    broker->delivering--;
    if (broker->any_ended && !broker->delivering)
        sweep_ended(broker);
}

/* ---- what drivers report -----------------------------------------------------------------------
 */

static bool is_own(const struct vd_broker *broker, const char *origin, size_t length)
{
    return length == broker->node_id_length && memcmp(origin, broker->node_id, length) == 0;
}

void vd_broker_note_seen(struct vd_broker *broker, const char *origin, size_t length,
                         uint64_t sequence)
{
    uint64_t missed;

    if (!vd_here_is(&broker->here) || length == 0 || length > VD_ORIGIN_MAX_BYTES ||
        sequence == 0 || is_own(broker, origin, length))
        return;
    vd_origins_see(&broker->origins, origin, length, sequence, &missed);
}

static void tell_gap(struct vd_broker *broker, const struct vd_broker_gap *gap)
{
    if (gap->reason == VD_GAP_RECONNECT) {
        broker->counters.resyncs++;
    } else {
        broker->counters.gaps++;
    }
    if (broker->on_gap)
        broker->on_gap(broker, gap, broker->context);
}

bool vd_broker_host_gap(struct vd_broker *broker, enum vd_broker_gap_reason reason, uint64_t missed)
{
    const struct vd_broker_gap gap = {.reason = reason, .missed = missed};

    assert(broker->dispatching);
    if (!vd_broker_goes_on(broker))
        return false;
    vd_origins_forgive(&broker->origins);
    if (reason == VD_GAP_OVERFLOW)
        broker->counters.inbox_drops += missed;
    tell_gap(broker, &gap);
    return vd_broker_goes_on(broker);
}

void vd_broker_host_malformed(struct vd_broker *broker, const char *what)
{
    broker->counters.malformed++;
    vd_log_limited(broker->logger, vd_monotonic_ms(), VD_LOG_WARN, "broker_malformed",
                   "%s: something arrived that is no message: %s", broker->driver->name, what);
}

/* Is it news? Tells a gap before it when there is one. */
static bool is_news(struct vd_broker *broker, const struct vd_message *message)
{
    struct vd_broker_gap gap = {.reason = VD_GAP_SEQUENCE};

    if (!message->origin || message->origin_length == 0)
        return true;
    if (is_own(broker, message->origin, message->origin_length)) {
        broker->counters.own_filtered++;
        return false;
    }
    if (message->sequence == 0)
        return true;
    switch (vd_origins_see(&broker->origins, message->origin, message->origin_length,
                           message->sequence, &gap.missed)) {
    case VD_ORIGIN_NEW:
        return true;
    case VD_ORIGIN_DUPLICATE:
        broker->counters.duplicates++;
        return false;
    case VD_ORIGIN_AFTER_GAP:
        gap.origin = message->origin;
        gap.origin_length = message->origin_length;
        tell_gap(broker, &gap);
        return true;
    }
    return true;
}

bool vd_broker_host_message(struct vd_broker *broker, const struct vd_message *message)
{
    struct vd_error error;

    assert(broker->dispatching);
    if (!vd_broker_goes_on(broker))
        return false;
    if (vd_message_check(message, broker->max_message_bytes, &error) != VD_OK) {
        vd_broker_host_malformed(broker, error.text);
        return true;
    }
    if (!is_news(broker, message) || !vd_broker_goes_on(broker))
        return vd_broker_goes_on(broker);
    broker->counters.received++;
    deliver(broker, message);
    return vd_broker_goes_on(broker);
}

bool vd_broker_host_heard(struct vd_broker *broker, const char *origin, size_t length,
                          uint64_t sequence)
{
    const struct vd_message said = {
        .scope = "*", .scope_length = 1, .origin = origin, .origin_length = length};
    struct vd_broker_gap gap = {
        .reason = VD_GAP_SEQUENCE, .origin = origin, .origin_length = length};
    struct vd_error error;

    assert(broker->dispatching);
    if (!vd_broker_goes_on(broker))
        return false;
    if (length == 0 || is_own(broker, origin, length))
        return true;
    if (vd_message_check(&said, 0, &error) != VD_OK) {
        vd_broker_host_malformed(broker, error.text);
        return true;
    }
    if (vd_origins_hear(&broker->origins, origin, length, sequence, &gap.missed))
        tell_gap(broker, &gap);
    return vd_broker_goes_on(broker);
}

bool vd_broker_host_trouble(struct vd_broker *broker, const struct vd_broker_failure *given)
{
    struct vd_broker_failure failure = *given;

    assert(broker->dispatching);
    if (!vd_broker_goes_on(broker))
        return false;
    failure.driver = broker->driver->name;
    vd_log_limited(broker->logger, vd_monotonic_ms(), VD_LOG_WARN, "broker_failed",
                   "%s: %s (attempt %u, next in %u ms)", failure.driver, failure.text,
                   failure.attempt, failure.next_delay_ms);
    if (broker->on_error)
        broker->on_error(broker, &failure, broker->context);
    return vd_broker_goes_on(broker);
}

bool vd_broker_host_failure(struct vd_broker *broker, const struct vd_broker_failure *failure)
{
    if (vd_broker_goes_on(broker)) {
        broker->counters.failures++;
        broker->last_error = failure->code;
    }
    return vd_broker_host_trouble(broker, failure);
}

void vd_broker_host_connected(struct vd_broker *broker)
{
    if (broker->was_connected)
        broker->counters.reconnects++;
    broker->was_connected = true;
}

struct vd_broker_counters *vd_broker_host_counters(struct vd_broker *broker)
{
    return &broker->counters;
}

struct vd_logger *vd_broker_host_logger(const struct vd_broker *broker)
{
    return broker->logger;
}
