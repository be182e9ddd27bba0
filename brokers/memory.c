/* SPDX-License-Identifier: Apache-2.0 */
/* The memory driver: the handles of one process, on a hub that they share.
 *
 * Happy path: publish makes one parcel and puts a share of it into the mailbox of every other
 * member; the first into an empty mailbox makes its eventfd readable. dispatch takes a batch out
 * under the lock and hands it over without it, so that callbacks may publish.
 *
 * Failure modes: a member that reads too slowly (its mailbox is over inbox_bytes) misses messages
 * and is told where. The hub's lock is held for pointer work only, never over a callback. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <viaduct/broker_driver.h>

#include "mailbox.h"

#define BATCH 64

struct vd_memory_hub {
    pthread_mutex_t lock;
    struct memory_member *first;
};

struct memory_member {
    struct vd_memory_hub *hub;
    struct vd_memory_hub *own_hub; /* made here because none was given */
    struct vd_broker *host;
    struct memory_member *next, *previous;
    struct vd_mailbox mailbox; /* hub's lock */
    bool signalled;            /* hub's lock: the eventfd is readable */
    int fd;
};

/* ---- hub ---------------------------------------------------------------------------------------
 */

enum vd_err vd_memory_hub_create(struct vd_memory_hub **made, struct vd_error *error)
{
    struct vd_memory_hub *hub = calloc(1, sizeof(*hub));

    if (!hub)
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for a memory hub");
    pthread_mutex_init(&hub->lock, NULL); /* cannot fail for a default mutex on Linux */
    *made = hub;
    return VD_OK;
}

void vd_memory_hub_destroy(struct vd_memory_hub *hub)
{
    if (!hub)
        return;
    pthread_mutex_destroy(&hub->lock);
    free(hub);
}

static void join_locked(struct vd_memory_hub *hub, struct memory_member *member)
{
    member->next = hub->first;
    if (hub->first)
        hub->first->previous = member;
    hub->first = member;
}

static void leave_locked(struct vd_memory_hub *hub, struct memory_member *member)
{
    if (member->previous) {
        member->previous->next = member->next;
    } else {
        hub->first = member->next;
    }
    if (member->next)
        member->next->previous = member->previous;
}

/* ---- life --------------------------------------------------------------------------------------
 */

static enum vd_err memory_open(const struct vd_broker_options *options, struct vd_broker *host,
                               void **state, struct vd_error *error)
{
    struct memory_member *member = calloc(1, sizeof(*member));
    enum vd_err code = VD_OK;

    if (!member)
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for a memory broker");
    member->host = host;
    member->hub = options->memory_hub;
    if (!member->hub) {
        code = vd_memory_hub_create(&member->own_hub, error);
        member->hub = member->own_hub;
    }
    if (code)
        goto err_after_calloc;
    member->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (member->fd < 0) {
        code = vd_error_set_errno(error, "eventfd of a memory broker");
        goto err_after_hub;
    }
    vd_mailbox_init(&member->mailbox, options->inbox_bytes);
    pthread_mutex_lock(&member->hub->lock);
    join_locked(member->hub, member);
    pthread_mutex_unlock(&member->hub->lock);
    *state = member;
    return VD_OK;

err_after_hub:
    vd_memory_hub_destroy(member->own_hub);
err_after_calloc:
    free(member);
    return code;
}

static void memory_destroy(void *state)
{
    struct memory_member *member = state;

    pthread_mutex_lock(&member->hub->lock);
    leave_locked(member->hub, member);
    pthread_mutex_unlock(&member->hub->lock);
    vd_mailbox_finish(&member->mailbox);
    close(member->fd);
    vd_memory_hub_destroy(member->own_hub);
    free(member);
}

/* Another thread of the parent may have held the lock when it forked: the copy of the hub is left
 * alone, with this member in it; no handle of the copy will look. */
static void memory_abandon(void *state)
{
    struct memory_member *member = state;

    close(member->fd);
    if (member->own_hub) {
        vd_mailbox_finish(&member->mailbox);
        free(member->own_hub);
        free(member);
    }
}

static int memory_fd(const void *state)
{
    return ((const struct memory_member *)state)->fd;
}

/* ---- messages ----------------------------------------------------------------------------------
 */

static void signal_locked(struct memory_member *member)
{
    const uint64_t one = 1;

    if (member->signalled)
        return;
    member->signalled = true;
    while (write(member->fd, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
}

static void unsignal_locked(struct memory_member *member)
{
    uint64_t count;

    if (!member->signalled)
        return;
    member->signalled = false;
    while (read(member->fd, &count, sizeof(count)) < 0 && errno == EINTR)
        ;
}

static enum vd_err memory_publish(void *state, const struct vd_message *message,
                                  struct vd_error *error)
{
    struct memory_member *self = state;
    struct vd_parcel *parcel = vd_parcel_of(message);

    if (!parcel)
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for a message");
    pthread_mutex_lock(&self->hub->lock);
    for (struct memory_member *member = self->hub->first; member; member = member->next) {
        if (member == self)
            continue;
        vd_mailbox_push(&member->mailbox, parcel);
        signal_locked(member); /* for a gap as well */
    }
    pthread_mutex_unlock(&self->hub->lock);
    vd_parcel_release(parcel);
    return VD_OK;
}

static bool hand_over(struct memory_member *self, const struct vd_mailbox_entry *entry)
{
    struct vd_message message;

    if (entry->missed > 0 && !vd_broker_host_gap(self->host, VD_GAP_OVERFLOW, entry->missed))
        return false;
    if (!entry->parcel ||
        vd_flat_read(entry->parcel->flat, entry->parcel->length, &message) != VD_OK)
        return true;
    return vd_broker_host_message(self->host, &message);
}

/* Take out up to @wanted; the last may be a gap without a parcel. */
static unsigned take(struct memory_member *self, struct vd_mailbox_entry *batch, unsigned wanted)
{
    unsigned count = 0;

    pthread_mutex_lock(&self->hub->lock);
    while (count < wanted) {
        if (vd_mailbox_pop(&self->mailbox, &batch[count])) {
            count++;
            continue;
        }
        if (batch[count].missed > 0)
            count++;
        unsignal_locked(self);
        break;
    }
    pthread_mutex_unlock(&self->hub->lock);
    return count;
}

static void memory_dispatch(void *state, uint64_t now_ms, unsigned budget)
{
    struct memory_member *self = state;
    struct vd_mailbox_entry batch[BATCH];
    bool go_on = true;

    (void)now_ms;
    while (go_on && budget > 0) {
        unsigned count = take(self, batch, budget < BATCH ? budget : BATCH);
        if (count == 0)
            return;
        for (unsigned i = 0; i < count; i++) {
            go_on = go_on && hand_over(self, &batch[i]);
            vd_parcel_release(batch[i].parcel);
        }
        budget -= count;
    }
}

static void memory_status(const void *state, struct vd_broker_status *status)
{
    (void)state;
    status->state = VD_BROKER_CONNECTED;
    status->connected = true;
}

extern const struct vd_broker_driver vd_broker_driver_memory;
const struct vd_broker_driver vd_broker_driver_memory = {
    .name = "memory",
    .display = "InMemoryBroker",
    .schemes = "memory",
    .open = memory_open,
    .destroy = memory_destroy,
    .abandon = memory_abandon,
    .fd = memory_fd,
    .publish = memory_publish,
    .dispatch = memory_dispatch,
    .status = memory_status,
};
