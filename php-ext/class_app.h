/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIADUCT_PHP_CLASS_APP_H
#define VIADUCT_PHP_CLASS_APP_H

#include <php.h>

#include "around.h"
#include "callable.h"
#include "notice.h"
#include "route.h"
#include "worker_router.h"

enum vd_php_hook {
    VD_HOOK_START,
    VD_HOOK_SHUTDOWN,
    VD_HOOK_CLIENT_CONNECT,
    VD_HOOK_CLIENT_DISCONNECT,
    VD_HOOK_BROKER_ERROR,
    VD_HOOK_GAP,
    VD_HOOK_COUNT,
};

/* Ids of subscriptions and timers are their places in these lists: the same in every worker. */
struct vd_php_subscription {
    zend_string *pattern;
    struct vd_callable handler;
    bool every_worker;
};

struct vd_php_timer {
    struct vd_callable handler;
    uint32_t interval_ms;
    bool every_worker;
};

struct vd_php_app {
    zval config; /* a Viaduct\Config */
    struct vd_router *router;
    struct vd_php_route *routes;
    uint32_t route_count;
    struct vd_php_subscription *subscriptions;
    uint32_t subscription_count;
    struct vd_php_timer *timers;
    uint32_t timer_count;
    struct vd_callable_list hooks[VD_HOOK_COUNT];
    struct vd_php_around around;
    struct vd_php_bindings bindings;
    struct vd_worker *worker; /* in a worker, while it serves */
    bool running;
    zend_object std;
};

static inline struct vd_php_app *vd_php_app_from(zend_object *object)
{
    return (struct vd_php_app *)((char *)object - XtOffsetOf(struct vd_php_app, std));
}

static inline struct vd_php_app *vd_php_app_this(zval *this_zval)
{
    return vd_php_app_from(Z_OBJ_P(this_zval));
}

/* May it still be registered? False after throwing: once the server runs, it is too late for what
 * the gateway and the other workers must know beforehand. */
bool vd_php_app_is_open(const struct vd_php_app *app);

#endif
