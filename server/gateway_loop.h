/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway's event loop: a thin adapter, the only gateway file that knows libevent.
 * One thread. Callbacks run inside vd_loop_turn. */
#ifndef VIADUCT_GATEWAY_LOOP_H
#define VIADUCT_GATEWAY_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct vd_loop;
struct vd_watch;

struct vd_loop *vd_loop_create(void); /* NULL: out of memory or no epoll */
void vd_loop_destroy(struct vd_loop *loop);

enum vd_watch_kind { VD_WATCH_READ, VD_WATCH_WRITE };

/* Level-triggered and persistent; starts switched off. The callback may destroy the watch. */
struct vd_watch *vd_watch_create(struct vd_loop *loop, int fd, enum vd_watch_kind kind,
                                 void (*ready)(void *context), void *context);
void vd_watch_destroy(struct vd_watch *watch); /* before the descriptor is closed; NULL is fine */
void vd_watch_on(struct vd_watch *watch);
void vd_watch_off(struct vd_watch *watch);

/* Wait until something is ready, at most @timeout_ms (0: only look), and run the callbacks. */
void vd_loop_turn(struct vd_loop *loop, uint32_t timeout_ms);

#endif
