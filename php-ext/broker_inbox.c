/* SPDX-License-Identifier: Apache-2.0 */
/* What a link brought and no handler has seen yet: see broker_inbox.h. No Zend in here. */
#include "broker_inbox.h"

#include <stdlib.h>
#include <string.h>

#define INBOX_BYTES    ((size_t)16 * 1024 * 1024)
#define INBOX_FAILURES 64

static struct vd_php_arrival *make(enum vd_php_arrival_kind kind, size_t bytes)
{
    struct vd_php_arrival *arrival = malloc(sizeof(*arrival) + bytes);

    if (arrival) {
        *arrival = (struct vd_php_arrival){.kind = kind, .size = sizeof(*arrival) + bytes};
    }
    return arrival;
}

static void append(struct vd_php_inbox *inbox, struct vd_php_arrival *arrival)
{
    if (inbox->last) {
        inbox->last->next = arrival;
    } else {
        inbox->first = arrival;
    }
    inbox->last = arrival;
    inbox->size += arrival->size;
}

static const char *keep(char **at, const void *bytes, size_t length)
{
    char *kept = *at;

    if (!bytes) {
        return NULL;
    }
    memcpy(kept, bytes, length);
    *at += length;
    return kept;
}

/* What was dropped is told before the next arrival, or by the last of all. */
static struct vd_php_arrival *make_overflow(struct vd_php_inbox *inbox)
{
    struct vd_php_arrival *arrival = make(VD_ARRIVED_GAP, 0);

    if (arrival) {
        arrival->gap = (struct vd_broker_gap){.reason = VD_GAP_OVERFLOW, .missed = inbox->missed};
        inbox->missed = 0;
    }
    return arrival;
}

static bool settle(struct vd_php_inbox *inbox)
{
    struct vd_php_arrival *overflow;

    if (inbox->missed == 0) {
        return true;
    }
    overflow = make_overflow(inbox);
    if (overflow) {
        append(inbox, overflow);
    }
    return overflow != NULL;
}

void vd_php_inbox_message(struct vd_php_inbox *inbox, int64_t subscription,
                          const struct vd_message *message)
{
    size_t bytes = message->scope_length + message->event_length + message->data_length +
                   message->origin_length;
    struct vd_php_arrival *arrival;
    char *at;

    if (inbox->size > 0 && inbox->size + bytes > INBOX_BYTES) {
        inbox->missed++;
        return;
    }
    arrival = settle(inbox) ? make(VD_ARRIVED_MESSAGE, bytes) : NULL;
    if (!arrival) {
        inbox->missed++;
        return;
    }
    at = arrival->bytes;
    arrival->subscription = subscription;
    arrival->message = *message;
    arrival->message.scope = keep(&at, message->scope, message->scope_length);
    arrival->message.event = keep(&at, message->event, message->event_length);
    arrival->message.data = keep(&at, message->data, message->data_length);
    arrival->message.origin = keep(&at, message->origin, message->origin_length);
    append(inbox, arrival);
}

void vd_php_inbox_gap(struct vd_php_inbox *inbox, const struct vd_broker_gap *gap)
{
    struct vd_php_arrival *arrival =
        settle(inbox) ? make(VD_ARRIVED_GAP, gap->origin_length) : NULL;
    char *at;

    if (!arrival) {
        inbox->missed++;
        return;
    }
    at = arrival->bytes;
    arrival->gap = *gap;
    arrival->gap.origin = keep(&at, gap->origin, gap->origin_length);
    append(inbox, arrival);
}

void vd_php_inbox_failure(struct vd_php_inbox *inbox, const struct vd_php_failure *failure)
{
    struct vd_php_arrival *arrival =
        inbox->failures < INBOX_FAILURES ? make(VD_ARRIVED_FAILURE, 0) : NULL;

    if (arrival) {
        arrival->failure = *failure;
        inbox->failures++;
        append(inbox, arrival);
    }
}

struct vd_php_arrival *vd_php_inbox_take(struct vd_php_inbox *inbox)
{
    struct vd_php_arrival *arrival = inbox->first;

    if (!arrival) {
        return inbox->missed > 0 ? make_overflow(inbox) : NULL;
    }
    inbox->first = arrival->next;
    if (!inbox->first) {
        inbox->last = NULL;
    }
    inbox->size -= arrival->size;
    inbox->failures -= arrival->kind == VD_ARRIVED_FAILURE;
    return arrival;
}

void vd_php_inbox_finish(struct vd_php_inbox *inbox)
{
    inbox->missed = 0;
    for (struct vd_php_arrival *arrival; (arrival = vd_php_inbox_take(inbox)) != NULL;) {
        free(arrival);
    }
}
