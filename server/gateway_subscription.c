/* SPDX-License-Identifier: Apache-2.0 */
/* Subscriptions of the workers.
 *
 * A subscription that several workers announced with the same id and pattern is one: a message goes
 * to one of them (round robin), or to all when it was subscribed so, by the lane (gateway_lane.c).
 * Events that a dead worker had not read go to another one; while no worker is alive they wait,
 * bounded. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway.h"

#define WAITING_MAX       1024
#define WAITING_BYTES_MAX (4 * 1024 * 1024)
#define CLIENT_EVENTS_MAX 8192

/* ---- subscriptions -----------------------------------------------------------------------------
 */

static struct gw_subscription *find(struct gateway *gateway, uint32_t id, bool every_worker,
                                    const char *pattern, size_t length)
{
    struct gw_subscription *subscription;

    LIST_FOREACH(subscription, &gateway->subscriptions, link)
    if (subscription->id == id && subscription->every_worker == every_worker &&
        subscription->pattern_length == length &&
        memcmp(subscription->pattern, pattern, length) == 0)
        return subscription;
    return NULL;
}

static struct gw_subscription *create(struct gateway *gateway, uint32_t id, bool every_worker,
                                      const char *pattern, size_t length)
{
    struct gw_subscription *subscription = calloc(1, sizeof(*subscription) + length);

    if (!subscription)
        return NULL;
    subscription->follower.kind = GW_FOLLOWER_SUBSCRIPTION;
    subscription->id = id;
    subscription->every_worker = every_worker;
    subscription->pattern_length = (uint16_t)length;
    memcpy(subscription->pattern, pattern, length);
    STAILQ_INIT(&subscription->waiting);
    if (vd_interest_follow(gateway->interest, &subscription->interest, &subscription->follower.base,
                           pattern, length) != VD_OK) {
        free(subscription);
        return NULL;
    }
    LIST_INSERT_HEAD(&gateway->subscriptions, subscription, link);
    return subscription;
}

void gw_subscribe(struct gw_worker *worker, uint32_t id, bool every_worker, const char *pattern,
                  size_t length)
{
    struct gateway *gateway = worker->gateway;
    struct gw_subscription *subscription = find(gateway, id, every_worker, pattern, length);
    struct gw_lane_entry *entry;

    if (!subscription)
        subscription = create(gateway, id, every_worker, pattern, length);
    if (!subscription) {
        vd_log(gateway->logger, VD_LOG_ERROR, "out_of_memory", "a subscription was not taken");
        return;
    }
    gw_members_add(&subscription->members, worker->index);
    while ((entry = STAILQ_FIRST(&subscription->waiting))) {
        STAILQ_REMOVE_HEAD(&subscription->waiting, link);
        gw_lane_append(worker, entry);
    }
    subscription->waiting_count = 0;
    subscription->waiting_bytes = 0;
    gw_lane_flush(worker);
}

static struct gw_worker *next_member(struct gateway *gateway, struct gw_subscription *subscription)
{
    unsigned count = gateway->config->workers;

    for (unsigned i = 0; i < count; i++) {
        unsigned index = (subscription->next_member + i) % count;
        struct gw_worker *worker = &gateway->workers[index];

        if (gw_members_have(&subscription->members, index) && worker->generation &&
            !worker->broken) {
            subscription->next_member = (index + 1) % count;
            return worker;
        }
    }
    return NULL;
}

static void wait_for_member(struct gateway *gateway, struct gw_subscription *subscription,
                            struct gw_lane_entry *entry)
{
    if (!entry || subscription->waiting_count >= WAITING_MAX ||
        subscription->waiting_bytes + entry->length > WAITING_BYTES_MAX) {
        gateway->counters.dropped++;
        vd_log_limited(gateway->logger, gateway->now_ms, VD_LOG_WARN, "message_dropped",
                       "no worker is alive for subscription %u and its queue is full",
                       subscription->id);
        free(entry);
        return;
    }
    STAILQ_INSERT_TAIL(&subscription->waiting, entry, link);
    subscription->waiting_count++;
    subscription->waiting_bytes += entry->length;
}

static void deliver_parts(struct gateway *gateway, struct gw_subscription *subscription,
                          const struct iovec *parts, int count, bool coalesces)
{
    struct gw_worker *worker;

    if (subscription->every_worker) {
        for (unsigned i = 0; i < gateway->config->workers; i++) {
            if (gw_members_have(&subscription->members, i)) {
                gw_lane_send(&gateway->workers[i], VD_FRAME_EVENT_MESSAGE, subscription->id, parts,
                             count, coalesces);
            }
        }
        return;
    }
    worker = next_member(gateway, subscription);
    if (worker) {
        gw_lane_send(worker, VD_FRAME_EVENT_MESSAGE, subscription->id, parts, count, coalesces);
    } else {
        wait_for_member(gateway, subscription,
                        gw_lane_entry_create(VD_FRAME_EVENT_MESSAGE, subscription->id, parts, count,
                                             coalesces));
    }
}

void gw_subscription_deliver(struct gateway *gateway, struct gw_subscription *subscription,
                             const struct vd_message *message)
{
    struct vd_frame_message frame = {
        .scope_length = (uint16_t)message->scope_length,
        .event_length = (uint16_t)message->event_length,
        .origin_length = (uint16_t)message->origin_length,
        .has_data = message->has_data,
        .data_length = (uint32_t)message->data_length,
        .sequence = message->sequence,
    };
    struct iovec parts[] = {
        {.iov_base = &frame, .iov_len = sizeof(frame)},
        {.iov_base = (void *)message->scope, .iov_len = message->scope_length},
        {.iov_base = (void *)message->event, .iov_len = message->event_length},
        {.iov_base = (void *)message->origin, .iov_len = message->origin_length},
        {.iov_base = (void *)message->data, .iov_len = message->data_length},
    };

    /* Two invalidations of one scope ask for the same thing; their numbers may differ. */
    if (!message->has_data)
        frame.sequence = 0;
    deliver_parts(gateway, subscription, parts, 5, !message->has_data);
}

void gw_subscriptions_worker_left(struct gw_worker *worker)
{
    struct gw_subscription *subscription;

    LIST_FOREACH(subscription, &worker->gateway->subscriptions, link)
    gw_members_drop(&subscription->members, worker->index);
}

static void destroy(struct gateway *gateway, struct gw_subscription *subscription)
{
    struct gw_lane_entry *entry;

    LIST_REMOVE(subscription, link);
    vd_interest_unfollow(gateway->interest, &subscription->interest);
    while ((entry = STAILQ_FIRST(&subscription->waiting))) {
        STAILQ_REMOVE_HEAD(&subscription->waiting, link);
        free(entry);
    }
    free(subscription);
}

static void drop_client_events(struct gateway *gateway)
{
    struct gw_lane_entry *entry;

    while ((entry = STAILQ_FIRST(&gateway->client_events))) {
        STAILQ_REMOVE_HEAD(&gateway->client_events, link);
        free(entry);
    }
    gateway->client_event_count = 0;
}

void gw_subscriptions_tidy(struct gateway *gateway)
{
    struct gw_subscription *subscription = LIST_FIRST(&gateway->subscriptions), *next;

    for (; subscription; subscription = next) {
        next = LIST_NEXT(subscription, link);
        if (gw_members_are_none(&subscription->members))
            destroy(gateway, subscription);
    }
    for (unsigned i = 0; i < gateway->config->workers; i++) {
        if (gateway->workers[i].wants_clients)
            return;
    }
    gateway->clients_wanted = false;
    drop_client_events(gateway);
}

void gw_subscriptions_finish(struct gateway *gateway)
{
    struct gw_subscription *subscription;

    while ((subscription = LIST_FIRST(&gateway->subscriptions)))
        destroy(gateway, subscription);
    drop_client_events(gateway);
}

/* ---- events of the dead ------------------------------------------------------------------------
 */

/* The same number may stand for another pattern in another worker. (The bytes lay in memory that a
 * worker could write to.) */
static bool message_is_for(const struct gw_subscription *subscription, const char *bytes,
                           size_t length)
{
    struct vd_frame_message frame;

    if (length < sizeof(frame))
        return false;
    memcpy(&frame, bytes, sizeof(frame));
    return frame.scope_length <= length - sizeof(frame) &&
           vd_scope_check(bytes + sizeof(frame), frame.scope_length, NULL) == VD_OK &&
           vd_scope_overlaps(subscription->pattern, subscription->pattern_length,
                             bytes + sizeof(frame), frame.scope_length);
}

static void pass_on(struct gateway *gateway, uint16_t type, uint64_t tag, const char *bytes,
                    size_t length)
{
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = length};
    struct gw_subscription *subscription;

    if (type == VD_FRAME_EVENT_CONNECT || type == VD_FRAME_EVENT_DISCONNECT) {
        char text[24] = {0};

        memcpy(text, bytes, length < sizeof(text) - 1 ? length : sizeof(text) - 1);
        gw_client_event(gateway, type, strtoull(text, NULL, 16));
        return;
    }
    if (type == VD_FRAME_EVENT_TIMER)
        gw_timer_again(gateway, (uint32_t)tag);
    if (type == VD_FRAME_EVENT_BROKER_ERROR)
        gw_link_error_again(gateway, bytes, length);
    if (type != VD_FRAME_EVENT_MESSAGE)
        return;
    LIST_FOREACH(subscription, &gateway->subscriptions, link)
    if (subscription->id == tag && !subscription->every_worker &&
        message_is_for(subscription, bytes, length)) {
        deliver_parts(gateway, subscription, &part, 1, false);
        return;
    }
}

/* A record of several frames, put together again. */
struct salvaged {
    char *bytes;
    size_t length, capacity;
    bool open; /* begun, and its end is to come */
};

static void salvaged_append(struct salvaged *record, const struct vd_frame *frame)
{
    size_t needed = record->length + frame->length;

    if (needed > record->capacity) {
        size_t capacity = 2 * needed;
        char *grown = realloc(record->bytes, capacity);

        if (!grown) {
            record->open = false;
            return;
        }
        record->bytes = grown;
        record->capacity = capacity;
    }
    if (frame->length)
        memcpy(record->bytes + record->length, frame->payload, frame->length);
    record->length = needed;
}

/* Returns false for a frame of a record whose beginning the worker had read, or that cannot be
 * kept. */
static bool salvage_part(struct gateway *gateway, struct salvaged *record,
                         const struct vd_frame *frame)
{
    if (!(frame->flags & VD_FRAME_CONTINUED)) {
        record->open = true;
        record->length = 0;
    }
    if (!record->open)
        return false;
    salvaged_append(record, frame);
    if (!record->open || frame->flags & VD_FRAME_MORE)
        return record->open;
    record->open = false;
    if (!record->bytes)
        return false; /* several frames and not a byte: damaged */
    pass_on(gateway, frame->type, frame->tag, record->bytes, record->length);
    return true;
}

/* Whole records only: of one that the worker had begun to read, the beginning is gone; of one whose
 * end is not here, all of it is in the lane. */
static void salvage_ring(struct gw_worker *worker)
{
    struct gateway *gateway = worker->gateway;
    struct salvaged record = {0};
    struct vd_ring_consumer unread;
    const struct vd_frame *frame;

    if (vd_ring_consumer_init(&unread, gateway->node->events[worker->index]) != VD_OK)
        return;
    while (vd_ring_peek(&unread, &frame) == VD_OK) {
        if (!(frame->flags & (VD_FRAME_MORE | VD_FRAME_CONTINUED))) {
            pass_on(gateway, frame->type, frame->tag, (const char *)frame->payload, frame->length);
        } else if (!salvage_part(gateway, &record, frame) && !(frame->flags & VD_FRAME_MORE)) {
            gateway->counters.dropped++;
        }
        vd_ring_release(&unread);
    }
    free(record.bytes);
}

void gw_lane_salvage(struct gw_worker *worker)
{
    struct gw_lane_entry *entry;
    uint32_t generation = worker->generation;

    worker->generation = 0; /* nothing is passed on to itself */
    salvage_ring(worker);
    while ((entry = gw_lane_pop(worker))) {
        pass_on(worker->gateway, entry->type, entry->tag, entry->bytes, entry->length);
        free(entry);
    }
    gw_lane_clear(worker);
    worker->generation = generation;
}

/* ---- clients that come and go ------------------------------------------------------------------
 */

static void wait_for_watcher(struct gateway *gateway, uint16_t type, const struct iovec *part)
{
    struct gw_lane_entry *entry = NULL;

    if (!gateway->clients_wanted)
        return;
    if (gateway->client_event_count < CLIENT_EVENTS_MAX)
        entry = gw_lane_entry_create(type, 0, part, 1, false);
    if (!entry) {
        gateway->counters.dropped++;
        vd_log_limited(gateway->logger, gateway->now_ms, VD_LOG_WARN, "client_event_dropped",
                       "no worker is alive to be told of clients that come and go");
        return;
    }
    STAILQ_INSERT_TAIL(&gateway->client_events, entry, link);
    gateway->client_event_count++;
}

void gw_clients_watch(struct gw_worker *worker)
{
    struct gateway *gateway = worker->gateway;
    struct gw_lane_entry *entry;

    worker->wants_clients = gateway->clients_wanted = true;
    while ((entry = STAILQ_FIRST(&gateway->client_events))) {
        STAILQ_REMOVE_HEAD(&gateway->client_events, link);
        gw_lane_append(worker, entry);
    }
    gateway->client_event_count = 0;
    gw_lane_flush(worker);
}

/* A stream opened or closed: told to one worker of those that asked. */
void gw_client_event(struct gateway *gateway, uint16_t type, uint64_t stream)
{
    struct gw_worker *best = NULL;
    char text[24];

    for (unsigned i = 0; i < gateway->config->workers; i++) {
        struct gw_worker *worker = &gateway->workers[i];

        if (worker->wants_clients && worker->generation && !worker->broken &&
            (!best || worker->in_flight_count < best->in_flight_count))
            best = worker;
    }
    int length = snprintf(text, sizeof(text), "%" PRIx64, stream);
    struct iovec part = {.iov_base = text, .iov_len = (size_t)length};
    if (best) {
        gw_lane_send(best, type, 0, &part, 1, false);
    } else {
        wait_for_watcher(gateway, type, &part);
    }
}
