/* SPDX-License-Identifier: Apache-2.0 */
/* What a NATS session has received and nobody has read yet: a bounded queue between one writing
 * thread and one reading thread. The reader takes all that is there at once, so that the lock, and
 * the notice that there is something, are for a batch and not for a message.
 *
 * What does not fit is dropped and counted, and the count stands at its place in the queue. */
#ifndef VIADUCT_BROKERS_NATS_INBOX_H
#define VIADUCT_BROKERS_NATS_INBOX_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nats/nats.h>

struct vd_nats_arrival {
    natsMsg *message;
    uint64_t missed; /* dropped right before it */
};

struct vd_nats_batch {
    struct vd_nats_arrival *arrivals; /* [capacity] */
    size_t count, capacity;
    uint64_t missed; /* after the last */
};

struct vd_nats_inbox {
    pthread_mutex_t lock;
    bool closed;
    struct vd_nats_batch arriving;
    uint64_t lost_before; /* total of what was told to be missed */
    size_t bytes;         /* of all that is not given back yet, arriving or being read */
    size_t limit_bytes;

    /* the reader's alone */
    struct vd_nats_batch reading;
    size_t next;        /* of reading */
    size_t given_bytes; /* handed out since room was given back last */
};

void vd_nats_inbox_init(struct vd_nats_inbox *inbox, size_t limit_bytes);
void vd_nats_inbox_finish(struct vd_nats_inbox *inbox); /* no thread may use it any more */

/* The writer's: takes @message over. true: the reader may not know yet that there is something.
 * @is_probe: another node's, which keeps its place among the messages; without room it is dropped
 * and not missed, since the next will say as much. */
bool vd_nats_inbox_push(struct vd_nats_inbox *inbox, natsMsg *message, bool is_probe);
/* So many were lost before they came here, from the beginning on. Returns as push. */
bool vd_nats_inbox_missed(struct vd_nats_inbox *inbox, uint64_t total);

/* The reader's: the oldest. Its message (NULL: only something missed after the last one) is the
 * caller's to destroy. false: empty. */
bool vd_nats_inbox_pop(struct vd_nats_inbox *inbox, struct vd_nats_arrival *arrival);
/* The messages popped so far are gone: their room is free. */
void vd_nats_inbox_give_back(struct vd_nats_inbox *inbox);
/* Nobody will read any more: from now on a push destroys what it gets. */
void vd_nats_inbox_close(struct vd_nats_inbox *inbox);

#endif
