/* SPDX-License-Identifier: Apache-2.0 */
/* Viaduct\App: the object, what is called at certain moments (on...), and run(). Routes are in
 * class_app_routes.c, messages and timers in class_app_messages.c.
 *
 * run() hands the process to vd_server_run; each forked worker then comes back into run_worker.c
 * with this object as its context. */
#include "class_app.h"

#include <ext/spl/spl_exceptions.h>
#include <zend_exceptions.h>

#include "class_config.h"
#include "global_state.h"
#include "php_viaduct.h"
#include "run_worker.h"
#include "server.h"
#include "shared_state.h"

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
    zend_object_std_dtor(object); /* first: a weak reference must not give out what is half freed */
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
    vd_php_around_finish(&app->around);
    vd_php_bindings_finish(&app->bindings);
    void *lists[] = {app->routes, app->subscriptions, app->timers};
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        if (lists[i]) {
            efree(lists[i]);
        }
    }
    vd_router_destroy(app->router);
    zval_ptr_dtor(&app->config);
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
    vd_php_around_gc(&app->around, buffer);
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
    app_handlers.compare = zend_objects_not_comparable; /* == is === */
}

/* What the gateway and the other workers must know beforehand. */
bool vd_php_app_is_open(const struct vd_php_app *app)
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
    struct vd_php_app *app = vd_php_app_this(ZEND_THIS);
    if (!vd_php_app_is_open(app)) { /* the server has the first one's texts */
        RETURN_THROWS();
    }
    if (config) {
        vd_php_slot_set(&app->config, config);
    }
}

/* ---- hooks ------------------------------------------------------------------------------------
 */

static void add_hook(INTERNAL_FUNCTION_PARAMETERS, enum vd_php_hook hook)
{
    zend_fcall_info fci;
    zend_fcall_info_cache fcc;
    ZEND_PARSE_PARAMETERS_START(1, 1)
    Z_PARAM_FUNC(fci, fcc)
    ZEND_PARSE_PARAMETERS_END();
    struct vd_php_app *app = vd_php_app_this(ZEND_THIS);
    if (hook != VD_HOOK_SHUTDOWN && !vd_php_app_is_open(app)) {
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

ZEND_METHOD(Viaduct_App, onGap)
{
    add_hook(INTERNAL_FUNCTION_PARAM_PASSTHRU, VD_HOOK_GAP);
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

/* A size that nobody has asked for is as good as any that is there. */
static bool make_global_state(const struct vd_php_app *app)
{
    const struct vd_php_config *config = vd_php_config_from(Z_OBJ(app->config));
    bool is_default = config->global_state_rows == 1024 && config->global_state_value_bytes == 4096;
    return (is_default && VIADUCT_G(shared)->global_state) ||
           vd_php_global_state_make(config->global_state_rows, config->global_state_value_bytes,
                                    NULL);
}

ZEND_METHOD(Viaduct_App, run)
{
    ZEND_PARSE_PARAMETERS_NONE();
    struct vd_php_app *app = vd_php_app_this(ZEND_THIS);
    if (app->running || VIADUCT_G(run)) {
        zend_throw_exception(spl_ce_RuntimeException, "The server runs already", 0);
        RETURN_THROWS();
    }
    if (EG(active_fiber)) {
        zend_throw_exception(spl_ce_RuntimeException,
                             "run() cannot be called within a Fiber: a handler that suspends it "
                             "would go on with the script in a worker",
                             0);
        RETURN_THROWS();
    }
    struct vd_server_config config;
    vd_php_config_server(vd_php_config_from(Z_OBJ(app->config)), &config);
    if (!broker_fits(&config)) {
        RETURN_THROWS();
    }
    if (!vd_php_shared_make_counters() || !make_global_state(app)) {
        RETURN_THROWS();
    }
    struct vd_server_hooks hooks = {.worker_main = vd_php_worker_main, .context = app};
    struct vd_shared_state shared = vd_php_shared_list();
    char **scopes = vd_php_bindings_scopes(&app->bindings);
    shared.scopes = (const char *const *)scopes;
    shared.scope_count = app->bindings.count;
    config.shared_state = &shared;
    struct vd_error error = {0};
    app->running = true;
    zend_unset_timeout(); /* max_execution_time counts the script's own time, not the server's */
    enum vd_err code = vd_server_run(&config, &hooks, &error);
    zend_set_timeout(EG(timeout_seconds), false);
    app->running = false;
    vd_php_bindings_scopes_free(scopes);
    free((void *)shared.tables);
    if (code != VD_OK) {
        throw_run_error(code, &error);
        RETURN_THROWS();
    }
}
