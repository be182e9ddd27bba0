/* SPDX-License-Identifier: Apache-2.0 */
/* libevent behind gateway_loop.h. libevent 2.1 has no hook before it sleeps, so the gateway turns
 * the loop itself and looks at its rings between two turns. */
#include <stdlib.h>

#include <event2/event.h>

#include "gateway_loop.h"

struct vd_loop {
    struct event_base *base;
    struct event *alarm;
};

struct vd_watch {
    void (*ready)(void *context);
    void *context;
    bool on;
    struct event *event;
};

static void alarm_rang(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what, (void)context;
}

struct vd_loop *vd_loop_create(void)
{
    struct vd_loop *loop = calloc(1, sizeof(*loop));
    struct event_config *config = event_config_new();

    if (!loop || !config)
        goto err;
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
    loop->base = event_base_new_with_config(config);
    if (!loop->base)
        goto err;
    loop->alarm = event_new(loop->base, -1, 0, alarm_rang, NULL);
    if (!loop->alarm)
        goto err_after_base;
    event_config_free(config);
    return loop;

err_after_base:
    event_base_free(loop->base);
err:
    if (config)
        event_config_free(config);
    free(loop);
    return NULL;
}

void vd_loop_destroy(struct vd_loop *loop)
{
    if (!loop)
        return;
    event_free(loop->alarm);
    event_base_free(loop->base);
    free(loop);
}

static void watch_ready(evutil_socket_t fd, short what, void *context)
{
    struct vd_watch *watch = context;

    (void)fd, (void)what;
    watch->ready(watch->context);
}

struct vd_watch *vd_watch_create(struct vd_loop *loop, int fd, enum vd_watch_kind kind,
                                 void (*ready)(void *context), void *context)
{
    struct vd_watch *watch = malloc(sizeof(*watch) + event_get_struct_event_size());

    if (!watch)
        return NULL;
    watch->ready = ready;
    watch->context = context;
    watch->on = false;
    watch->event = (struct event *)(watch + 1);
    if (event_assign(watch->event, loop->base, fd,
                     (short)((kind == VD_WATCH_READ ? EV_READ : EV_WRITE) | EV_PERSIST),
                     watch_ready, watch) != 0) {
        free(watch);
        return NULL;
    }
    return watch;
}

void vd_watch_destroy(struct vd_watch *watch)
{
    if (!watch)
        return;
    event_del(watch->event);
    free(watch);
}

void vd_watch_on(struct vd_watch *watch)
{
    if (!watch->on)
        watch->on = event_add(watch->event, NULL) == 0;
}

void vd_watch_off(struct vd_watch *watch)
{
    if (watch->on)
        event_del(watch->event);
    watch->on = false;
}

void vd_loop_turn(struct vd_loop *loop, uint32_t timeout_ms)
{
    struct timeval limit = {.tv_sec = timeout_ms / 1000,
                            .tv_usec = (suseconds_t)(timeout_ms % 1000) * 1000};

    if (timeout_ms == 0) {
        /* NONBLOCK alone goes round for as long as anything is ready: for ever, with a rung bell.
         */
        event_base_loop(loop->base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
        return;
    }
    event_add(loop->alarm, &limit);
    event_base_loop(loop->base, EVLOOP_ONCE);
}
