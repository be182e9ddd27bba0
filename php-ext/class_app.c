/* SPDX-License-Identifier: Apache-2.0 */
/* Viaduct\App: what is registered before run(), run() itself, and broadcast().
 *
 * run() hands the process to vd_server_run; each forked worker then comes back into run_worker.c
 * with this object as its context. */
#include "class_app.h"

#include <ext/spl/spl_exceptions.h>
#include <zend_exceptions.h>

#include <viaduct/scope.h>

#include "class_config.h"
#include "class_response.h"
#include "php_viaduct.h"
#include "run_worker.h"
#include "server.h"

#define INTERVAL_MAX_MS 86400000

#define RETURN_THIS() RETURN_OBJ_COPY(Z_OBJ_P(ZEND_THIS))

static zend_object_handlers app_handlers;

/* ---- life -------------------------------------------------------------------------------------
 */

static zend_object *app_create(zend_class_entry *ce)
{
    struct vd_php_app *app = zend_object_alloc(sizeof(*app), ce);
    zend_object_std_init(&app->std, ce);
    object_properties_init(&app->std, ce);
    app->std.handlers = &app_handlers;
    object_init_ex(&app->config, vd_ce_config);
    app->router = vd_router_create();
    if (!app->router) {
        zend_error_noreturn(E_ERROR, "Out of memory");
    }
    return &app->std;
}

static void app_free(zend_object *object)
{
    struct vd_php_app *app = vd_php_app_from(object);
    for (uint32_t i = 0; i < app->route_count; i++) {
        vd_php_route_finish(&app->routes[i]);
    }
    for (uint32_t i = 0; i < app->subscription_count; i++) {
        zend_string_release(app->subscriptions[i].pattern);
        vd_callable_finish(&app->subscriptions[i].handler);
    }
    for (uint32_t i = 0; i < app->timer_count; i++) {
        vd_callable_finish(&app->timers[i].handler);
    }
    for (int i = 0; i < VD_HOOK_COUNT; i++) {
        vd_callable_list_finish(&app->hooks[i]);
    }
    void *lists[] = {app->routes, app->subscriptions, app->timers};
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        if (lists[i]) {
            efree(lists[i]);
        }
    }
    vd_router_destroy(app->router);
    zval_ptr_dtor(&app->config);
    zend_object_std_dtor(object);
}

/* Handlers nearly always capture the App: without this, such a cycle would never be freed. */
static HashTable *app_gc(zend_object *object, zval **table, int *count)
{
    struct vd_php_app *app = vd_php_app_from(object);
    zend_get_gc_buffer *buffer = zend_get_gc_buffer_create();
    zend_get_gc_buffer_add_zval(buffer, &app->config);
    for (uint32_t i = 0; i < app->route_count; i++) {
        zend_get_gc_buffer_add_zval(buffer, &app->routes[i].handler.callable);
    }
    for (uint32_t i = 0; i < app->subscription_count; i++) {
        zend_get_gc_buffer_add_zval(buffer, &app->subscriptions[i].handler.callable);
    }
    for (uint32_t i = 0; i < app->timer_count; i++) {
        zend_get_gc_buffer_add_zval(buffer, &app->timers[i].handler.callable);
    }
    for (int i = 0; i < VD_HOOK_COUNT; i++) {
        vd_callable_list_gc(&app->hooks[i], buffer);
    }
    zend_get_gc_buffer_use(buffer, table, count);
    return zend_std_get_properties(object);
}

void vd_php_app_setup(void)
{
    vd_ce_app->create_object = app_create;
    memcpy(&app_handlers, &std_object_handlers, sizeof(app_handlers));
    app_handlers.offset = XtOffsetOf(struct vd_php_app, std);
    app_handlers.free_obj = app_free;
    app_handlers.get_gc = app_gc;
    app_handlers.clone_obj = NULL;
}

static struct vd_php_app *app_this(zval *this_zval)
{
    return vd_php_app_from(Z_OBJ_P(this_zval));
}

/* What the gateway and the other workers must know beforehand. */
static bool app_is_open(const struct vd_php_app *app)
{
    if (app->running) {
        zend_string *name = get_active_function_or_method_name();
        zend_throw_exception_ex(spl_ce_RuntimeException, 0, "%s() must be called before run()",
                                ZSTR_VAL(name));
        zend_string_release(name);
    }
    return !app->running;
}

ZEND_METHOD(Viaduct_App, __construct)
{
    zval *config = NULL;
    ZEND_PARSE_PARAMETERS_START(0, 1)
    Z_PARAM_OPTIONAL
    Z_PARAM_OBJECT_OF_CLASS_OR_NULL(config, vd_ce_config)
    ZEND_PARSE_PARAMETERS_END();
    if (config) {
        struct vd_php_app *app = app_this(ZEND_THIS);
        zval_ptr_dtor(&app->config);
        ZVAL_COPY(&app->config, config);
    }
}

/* ---- routes -----------------------------------------------------------------------------------
 */

static bool route_enter(struct vd_php_app *app, const char *methods, const zend_string *path,
                        uint32_t number)
{
    struct vd_error error = {0};
    if (strlen(ZSTR_VAL(path)) != ZSTR_LEN(path)) {
        zend_argument_value_error(1, "must not contain NUL bytes");
        return false;
    }
    enum vd_err code = vd_router_add(app->router, methods, ZSTR_VAL(path), number, &error);
    if (code == VD_ERR_EXISTS) {
        zend_argument_value_error(1, "is taken: %s %s has a handler already", methods,
                                  ZSTR_VAL(path));
    } else if (code != VD_OK) {
        zend_argument_value_error(1, "is no route: %s", error.text);
    }
    return code == VD_OK;
}

/* The router takes a route before its handler is looked at, because the router knows the names of
 * the path's parameters; the number is only used once the handler fits, too. */
static void route_add(struct vd_php_app *app, const char *methods, zend_string *path,
                      const zend_fcall_info *fci, const zend_fcall_info_cache *fcc, bool stream)
{
    if (!app_is_open(app)) {
        return;
    }
    app->routes = safe_erealloc(app->routes, app->route_count + 1, sizeof(*app->routes), 0);
    uint32_t number = app->route_count;
    if (!route_enter(app, methods, path, number)) {
        return;
    }
    const char *names[VD_ROUTE_PARAMETERS_MAX];
    size_t name_count = vd_router_parameter_names(app->router, number, names);
    zend_string *label =
        zend_strpprintf(0, "%s %s", strcmp(methods, "*") == 0 ? "*" : methods, ZSTR_VAL(path));
    struct vd_php_route *route = &app->routes[number];
    if (vd_php_route_init(route, fci, fcc, label, names, name_count)) {
        route->stream = stream;
    }
    app->route_count++; /* an unfit one stays as a zeroed place holder */
}

static void route_method(INTERNAL_FUNCTION_PARAMETERS, const char *methods, bool stream)
{
    zend_string *path;
    zend_fcall_info fci;
    zend_fcall_info_cache fcc;
    ZEND_PARSE_PARAMETERS_START(2, 2)
    Z_PARAM_STR(path)
    Z_PARAM_FUNC(fci, fcc)
    ZEND_PARSE_PARAMETERS_END();
    route_add(app_this(ZEND_THIS), methods, path, &fci, &fcc, stream);
    if (EG(exception)) {
        RETURN_THROWS();
    }
    RETURN_THIS();
}

ZEND_METHOD(Viaduct_App, get)
{
    route_method(INTERNAL_FUNCTION_PARAM_PASSTHRU, "GET", false);
}

ZEND_METHOD(Viaduct_App, post)
{
    route_method(INTERNAL_FUNCTION_PARAM_PASSTHRU, "POST", false);
}

ZEND_METHOD(Viaduct_App, put)
{
    route_method(INTERNAL_FUNCTION_PARAM_PASSTHRU, "PUT", false);
}

ZEND_METHOD(Viaduct_App, patch)
{
    route_method(INTERNAL_FUNCTION_PARAM_PASSTHRU, "PATCH", false);
}

ZEND_METHOD(Viaduct_App, delete)
{
    route_method(INTERNAL_FUNCTION_PARAM_PASSTHRU, "DELETE", false);
}

ZEND_METHOD(Viaduct_App, stream)
{
    route_method(INTERNAL_FUNCTION_PARAM_PASSTHRU, "GET", true);
}

/* "GET|POST"; NULL after throwing. Methods are case-sensitive on the wire and upper-case in every
 * registry, so "get" can only mean "GET". */
static zend_string *methods_join(zval *methods, uint32_t count)
{
    smart_str joined = {0};
    for (uint32_t i = 0; i < count; i++) {
        if (Z_TYPE(methods[i]) != IS_STRING) {
            zend_argument_type_error(3 + i, "must be of type string, %s given",
                                     zend_zval_type_name(&methods[i]));
            smart_str_free(&joined);
            return NULL;
        }
        if (i) {
            smart_str_appendc(&joined, '|');
        }
        zend_string *upper = zend_string_toupper(Z_STR(methods[i]));
        smart_str_append(&joined, upper);
        zend_string_release(upper);
    }
    if (count == 0) {
        smart_str_appendc(&joined, '*');
    }
    return smart_str_extract(&joined);
}

ZEND_METHOD(Viaduct_App, route)
{
    zend_string *path;
    zend_fcall_info fci;
    zend_fcall_info_cache fcc;
    zval *methods = NULL;
    uint32_t method_count = 0;
    ZEND_PARSE_PARAMETERS_START(2, -1)
    Z_PARAM_STR(path)
    Z_PARAM_FUNC(fci, fcc)
    Z_PARAM_VARIADIC('*', methods, method_count)
    ZEND_PARSE_PARAMETERS_END();
    zend_string *joined = methods_join(methods, method_count);
    if (!joined) {
        RETURN_THROWS();
    }
    route_add(app_this(ZEND_THIS), ZSTR_VAL(joined), path, &fci, &fcc, false);
    zend_string_release(joined);
    if (EG(exception)) {
        RETURN_THROWS();
    }
    RETURN_THIS();
}

/* ---- messages ---------------------------------------------------------------------------------
 */

static void publish(struct vd_php_app *app, const zend_string *scope, const zend_string *data,
                    const zend_string *event)
{
    struct vd_message message = {
        .scope = ZSTR_VAL(scope),
        .scope_length = ZSTR_LEN(scope),
        .event = event ? ZSTR_VAL(event) : NULL,
        .event_length = event ? ZSTR_LEN(event) : 0,
        .data = data ? ZSTR_VAL(data) : NULL,
        .data_length = data ? ZSTR_LEN(data) : 0,
        .has_data = data != NULL,
    };
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
    struct vd_php_app *app = app_this(ZEND_THIS);
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
    struct vd_php_app *app = app_this(ZEND_THIS);
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

/* ---- timers and hooks -------------------------------------------------------------------------
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
    if (milliseconds < 1 || milliseconds > INTERVAL_MAX_MS) {
        zend_argument_value_error(2, "must be between 1 and %d, " ZEND_LONG_FMT " given",
                                  INTERVAL_MAX_MS, milliseconds);
        RETURN_THROWS();
    }
    struct vd_php_app *app = app_this(ZEND_THIS);
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

static void add_hook(INTERNAL_FUNCTION_PARAMETERS, enum vd_php_hook hook)
{
    zend_fcall_info fci;
    zend_fcall_info_cache fcc;
    ZEND_PARSE_PARAMETERS_START(1, 1)
    Z_PARAM_FUNC(fci, fcc)
    ZEND_PARSE_PARAMETERS_END();
    struct vd_php_app *app = app_this(ZEND_THIS);
    if (hook != VD_HOOK_SHUTDOWN && !app_is_open(app)) {
        RETURN_THROWS();
    }
    vd_callable_list_add(&app->hooks[hook], &fci, &fcc);
    RETURN_THIS();
}

ZEND_METHOD(Viaduct_App, onStart)
{
    add_hook(INTERNAL_FUNCTION_PARAM_PASSTHRU, VD_HOOK_START);
}

ZEND_METHOD(Viaduct_App, onShutdown)
{
    add_hook(INTERNAL_FUNCTION_PARAM_PASSTHRU, VD_HOOK_SHUTDOWN);
}

ZEND_METHOD(Viaduct_App, onClientConnect)
{
    add_hook(INTERNAL_FUNCTION_PARAM_PASSTHRU, VD_HOOK_CLIENT_CONNECT);
}

ZEND_METHOD(Viaduct_App, onClientDisconnect)
{
    add_hook(INTERNAL_FUNCTION_PARAM_PASSTHRU, VD_HOOK_CLIENT_DISCONNECT);
}

ZEND_METHOD(Viaduct_App, onBrokerError)
{
    add_hook(INTERNAL_FUNCTION_PARAM_PASSTHRU, VD_HOOK_BROKER_ERROR);
}

/* ---- run() ------------------------------------------------------------------------------------
 */

static bool broker_fits(const struct vd_server_config *config)
{
    if (config->workers < 2 || strcmp(config->broker_driver, "memory") != 0) {
        return true;
    }
    zend_throw_exception_ex(
        spl_ce_RuntimeException, 0,
        "InMemoryBroker serves one worker only, and withWorkerNum(%u) asks for %u: use "
        "withBroker(new Viaduct\\Broker\\PipeBroker()), which carries broadcasts between the "
        "workers of this machine, or withWorkerNum(1)",
        config->workers, config->workers);
    return false;
}

static void throw_run_error(enum vd_err code, struct vd_error *error)
{
    error->code = code;
    const char *text = error->text[0] ? error->text : vd_err_text(code);
    zend_throw_exception(code == VD_ERR_INVALID ? zend_ce_value_error : spl_ce_RuntimeException,
                         text, 0);
}

ZEND_METHOD(Viaduct_App, run)
{
    ZEND_PARSE_PARAMETERS_NONE();
    struct vd_php_app *app = app_this(ZEND_THIS);
    if (app->running || VIADUCT_G(run)) {
        zend_throw_exception(spl_ce_RuntimeException, "The server runs already", 0);
        RETURN_THROWS();
    }
    struct vd_server_config config;
    vd_php_config_server(vd_php_config_from(Z_OBJ(app->config)), &config);
    if (!broker_fits(&config)) {
        RETURN_THROWS();
    }
    struct vd_server_hooks hooks = {.worker_main = vd_php_worker_main, .context = app};
    struct vd_error error = {0};
    app->running = true;
    enum vd_err code = vd_server_run(&config, &hooks, &error);
    app->running = false;
    if (code != VD_OK) {
        throw_run_error(code, &error);
        RETURN_THROWS();
    }
}
