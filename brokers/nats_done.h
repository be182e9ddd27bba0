/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the client library that nobody needs any more, destroyed many at once: the library
 * frees them on a thread of its own, which is woken by each that finds it idle. */
#ifndef VIADUCT_BROKERS_NATS_DONE_H
#define VIADUCT_BROKERS_NATS_DONE_H

#include <stddef.h>

#include <nats/nats.h>

#define VD_NATS_DONE_MAX       128
#define VD_NATS_DONE_MAX_BYTES ((size_t)256 * 1024) /* of data; one message may be larger */

/* All zero is empty. One thread at a time. */
struct vd_nats_done {
    natsMsg *messages[VD_NATS_DONE_MAX];
    unsigned count;
    size_t bytes;
};

/* Takes @message over; destroys all when there are many. In a forked child nothing is destroyed, as
 * the library's locks may be held there by threads that it does not have. */
void vd_nats_done_add(struct vd_nats_done *done, natsMsg *message);
void vd_nats_done_destroy(struct vd_nats_done *done);

#endif
