/* SPDX-License-Identifier: Apache-2.0 */
/* Viaduct\App: broadcast(), subscriptions and timers. What is registered before run() is announced
 * by each worker when it starts (run_worker.c); later, at once. */
#include "class_app.h"

#include <ext/spl/spl_exceptions.h>
#include <zend_exceptions.h>

#include <viaduct/scope.h>

#include "broker_exception.h"
#include "class_config_values.h"
#include "class_message.h"
#include "class_response.h"
#include "php_viaduct.h"
#include "worker.h"

#define INTERVAL_MAX_MS 86400000

/* ---- messages ---------------------------------------------------------------------------------
 */

static void publish(struct vd_php_app *app, const zend_string *scope, const zend_string *data,
                    const zend_string *event)
{
    const struct vd_message message = vd_php_message_of(scope, data, event);
    struct vd_error error = {0};
    error.code = vd_worker_publish(app->worker, &message, &error);
    if (error.code != VD_OK) {
        vd_php_throw(&error);
    }
}

ZEND_METHOD(Viaduct_App, broadcast)
{
    zend_string *scope;
    zend_string *data = NULL;
    HashTable *array = NULL;
    zend_string *event = NULL;
    ZEND_PARSE_PARAMETERS_START(1, 3)
    Z_PARAM_STR(scope)
    Z_PARAM_OPTIONAL
    Z_PARAM_ARRAY_HT_OR_STR_OR_NULL(array, data)
    Z_PARAM_STR_OR_NULL(event)
    ZEND_PARSE_PARAMETERS_END();
    struct vd_php_app *app = vd_php_app_this(ZEND_THIS);
    if (!app->worker) {
        zend_throw_exception(
            spl_ce_RuntimeException,
            "Viaduct\\App::broadcast() works in a worker only: in a handler, or in "
            "what onStart(), subscribe() or setInterval() calls",
            0);
        RETURN_THROWS();
    }
    if (!array) {
        publish(app, scope, data, event);
        return;
    }
    zval value;
    ZVAL_ARR(&value, array);
    zend_string *json = vd_php_json(&value);
    if (json) {
        publish(app, scope, json, event);
        zend_string_release(json);
    }
}

/* In a worker (say, in onStart) it counts at once; before run(), each worker announces it. */
static void announce_subscription(const struct vd_php_app *app, uint32_t number)
{
    const struct vd_php_subscription *subscription = &app->subscriptions[number];
    struct vd_text pattern = {ZSTR_VAL(subscription->pattern), ZSTR_LEN(subscription->pattern)};
    struct vd_error error = {0};
    error.code =
        vd_worker_subscribe(app->worker, number, pattern, subscription->every_worker, &error);
    if (error.code != VD_OK) {
        vd_php_throw(&error);
    }
}

static void subscribe(INTERNAL_FUNCTION_PARAMETERS, bool every_worker)
{
    zend_string *pattern;
    zend_fcall_info fci;
    zend_fcall_info_cache fcc;
    ZEND_PARSE_PARAMETERS_START(2, 2)
    Z_PARAM_STR(pattern)
    Z_PARAM_FUNC(fci, fcc)
    ZEND_PARSE_PARAMETERS_END();
    struct vd_php_app *app = vd_php_app_this(ZEND_THIS);
    struct vd_error error;
    if (vd_scope_check(ZSTR_VAL(pattern), ZSTR_LEN(pattern), &error) != VD_OK) {
        zend_argument_value_error(1, "is no scope: %s", error.text);
        RETURN_THROWS();
    }
    uint32_t number = app->subscription_count;
    app->subscriptions =
        safe_erealloc(app->subscriptions, number + 1, sizeof(*app->subscriptions), 0);
    app->subscriptions[number].pattern = zend_string_copy(pattern);
    app->subscriptions[number].every_worker = every_worker;
    vd_callable_init(&app->subscriptions[number].handler, &fci, &fcc);
    app->subscription_count++;
    if (app->worker) {
        announce_subscription(app, number);
    }
    if (EG(exception)) {
        RETURN_THROWS();
    }
    RETURN_THIS();
}

ZEND_METHOD(Viaduct_App, subscribe)
{
    subscribe(INTERNAL_FUNCTION_PARAM_PASSTHRU, false);
}

ZEND_METHOD(Viaduct_App, subscribeAll)
{
    subscribe(INTERNAL_FUNCTION_PARAM_PASSTHRU, true);
}

/* ---- timers -----------------------------------------------------------------------------------
 */

static void announce_timer(const struct vd_php_app *app, uint32_t number)
{
    struct vd_error error = {0};
    error.code = vd_worker_set_interval(app->worker, number, app->timers[number].interval_ms,
                                        app->timers[number].every_worker, &error);
    if (error.code != VD_OK) {
        vd_php_throw(&error);
    }
}

static void set_interval(INTERNAL_FUNCTION_PARAMETERS, bool every_worker)
{
    zend_fcall_info fci;
    zend_fcall_info_cache fcc;
    zend_long milliseconds;
    ZEND_PARSE_PARAMETERS_START(2, 2)
    Z_PARAM_FUNC(fci, fcc)
    Z_PARAM_LONG(milliseconds)
    ZEND_PARSE_PARAMETERS_END();
    if (!vd_php_argument_in_range(2, milliseconds, 1, INTERVAL_MAX_MS)) {
        RETURN_THROWS();
    }
    struct vd_php_app *app = vd_php_app_this(ZEND_THIS);
    uint32_t number = app->timer_count;
    app->timers = safe_erealloc(app->timers, number + 1, sizeof(*app->timers), 0);
    app->timers[number].interval_ms = (uint32_t)milliseconds;
    app->timers[number].every_worker = every_worker;
    vd_callable_init(&app->timers[number].handler, &fci, &fcc);
    app->timer_count++;
    if (app->worker) {
        announce_timer(app, number);
    }
    if (EG(exception)) {
        RETURN_THROWS();
    }
    RETURN_THIS();
}

ZEND_METHOD(Viaduct_App, setInterval)
{
    set_interval(INTERNAL_FUNCTION_PARAM_PASSTHRU, false);
}

ZEND_METHOD(Viaduct_App, setWorkerInterval)
{
    set_interval(INTERNAL_FUNCTION_PARAM_PASSTHRU, true);
}
