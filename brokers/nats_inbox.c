/* SPDX-License-Identifier: Apache-2.0 */
/* The queue of received messages: see nats_inbox.h. Two arrays that change places. */
#include <stdlib.h>

#include "nats_inbox.h"

#define FIRST_CAPACITY 64
#define COST_BYTES                                                                                 \
    64 /* counted for each message beside its data, so that empty ones are bounded                 \
        */

static size_t cost_of(const natsMsg *message)
{
    return (size_t)natsMsg_GetDataLength(message) + COST_BYTES;
}

void vd_nats_inbox_init(struct vd_nats_inbox *inbox, size_t limit_bytes)
{
    *inbox = (struct vd_nats_inbox){.limit_bytes = limit_bytes};
    pthread_mutex_init(&inbox->lock, NULL);
}

static void destroy_from(const struct vd_nats_batch *batch, size_t first)
{
    for (size_t i = first; i < batch->count; i++)
        natsMsg_Destroy(batch->arrivals[i].message);
}

void vd_nats_inbox_finish(struct vd_nats_inbox *inbox)
{
    destroy_from(&inbox->arriving, 0);
    destroy_from(&inbox->reading, inbox->next);
    free(inbox->arriving.arrivals);
    free(inbox->reading.arrivals);
    pthread_mutex_destroy(&inbox->lock);
}

static bool has_slot(struct vd_nats_batch *batch)
{
    size_t capacity = batch->capacity ? batch->capacity * 2 : FIRST_CAPACITY;
    void *larger;

    if (batch->count < batch->capacity)
        return true;
    larger = realloc(batch->arrivals, capacity * sizeof(*batch->arrivals));
    if (!larger)
        return false;
    batch->arrivals = larger;
    batch->capacity = capacity;
    return true;
}

bool vd_nats_inbox_push(struct vd_nats_inbox *inbox, natsMsg *message, bool is_probe)
{
    struct vd_nats_batch *batch = &inbox->arriving;
    size_t cost = cost_of(message);
    bool first, taken;

    pthread_mutex_lock(&inbox->lock);
    first = batch->count == 0 && batch->missed == 0;
    taken = !inbox->closed && (inbox->bytes == 0 || inbox->bytes + cost <= inbox->limit_bytes) &&
            has_slot(batch);
    if (taken) {
        batch->arrivals[batch->count++] =
            (struct vd_nats_arrival){.message = message, .missed = batch->missed};
        batch->missed = 0;
        inbox->bytes += cost;
    } else if (!is_probe) {
        batch->missed++;
    }
    pthread_mutex_unlock(&inbox->lock);
    if (!taken)
        natsMsg_Destroy(message);
    return first;
}

bool vd_nats_inbox_missed(struct vd_nats_inbox *inbox, uint64_t total)
{
    struct vd_nats_batch *batch = &inbox->arriving;
    bool first;

    pthread_mutex_lock(&inbox->lock);
    first = batch->count == 0 && batch->missed == 0 && total > inbox->lost_before;
    if (total > inbox->lost_before) {
        batch->missed += total - inbox->lost_before;
        inbox->lost_before = total;
    }
    pthread_mutex_unlock(&inbox->lock);
    return first;
}

/* The empty array goes to the writer, the full one comes from there. */
static bool take_batch(struct vd_nats_inbox *inbox)
{
    struct vd_nats_batch empty = inbox->reading;

    empty.count = empty.missed = 0;
    inbox->next = 0;
    pthread_mutex_lock(&inbox->lock);
    inbox->reading = inbox->arriving;
    inbox->arriving = empty;
    pthread_mutex_unlock(&inbox->lock);
    return inbox->reading.count > 0 || inbox->reading.missed > 0;
}

bool vd_nats_inbox_pop(struct vd_nats_inbox *inbox, struct vd_nats_arrival *arrival)
{
    struct vd_nats_batch *batch = &inbox->reading;

    if (inbox->next == batch->count && batch->missed == 0 && !take_batch(inbox))
        return false;
    if (inbox->next == batch->count) {
        *arrival = (struct vd_nats_arrival){.missed = batch->missed};
        batch->missed = 0;
        return true;
    }
    *arrival = batch->arrivals[inbox->next++];
    inbox->given_bytes += cost_of(arrival->message);
    return true;
}

void vd_nats_inbox_give_back(struct vd_nats_inbox *inbox)
{
    if (inbox->given_bytes == 0)
        return;
    pthread_mutex_lock(&inbox->lock);
    inbox->bytes -= inbox->given_bytes;
    pthread_mutex_unlock(&inbox->lock);
    inbox->given_bytes = 0;
}

void vd_nats_inbox_close(struct vd_nats_inbox *inbox)
{
    pthread_mutex_lock(&inbox->lock);
    inbox->closed = true;
    pthread_mutex_unlock(&inbox->lock);
}
