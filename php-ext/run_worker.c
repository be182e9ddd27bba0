/* SPDX-License-Identifier: Apache-2.0 */
/* The worker process: one loop over "next event", which calls the handlers of the App.
 *
 * Three ways a handler ends besides returning: an exception (logged; the client gets a 500), exit()
 * (the client gets what was printed; the worker retires and is replaced), a fatal error such as
 * memory exhausted (PHP unwinds by longjmp, its heap is left as it was: the client gets a 500, the
 * worker ends at once). The longjmp is caught around each handler, below the server's frames.
 *
 * A process that a handler forked comes back here, too, with its handler: it ends in silence. */
#include "run_worker.h"

#include <SAPI.h>
#include <ext/standard/basic_functions.h>
#include <zend_exceptions.h>
#include <zend_interfaces.h>

#include <viaduct/clock.h>
#include <viaduct/log.h>

#include "broker_exception.h"
#include "class_app.h"
#include "class_broker_network.h"
#include "class_config.h"
#include "class_message.h"
#include "php_viaduct.h"
#include "run_request.h"

#define EXIT_START_FAILED 1
#define EXIT_FATAL        255

/* ---- calling PHP code safely ------------------------------------------------------------------
 */

/* Newer patch releases of PHP (ZEND_HAS_OOM) let an allocation over the limit succeed once, and end
 * the script at the next chance that its virtual machine has. In our C code there is none. */
static void settle_memory(void)
{
#ifdef ZEND_HAS_OOM
    if (ZEND_HAS_OOM()) {
        zend_handle_delayed_oom();
        zend_bailout();
    }
#endif
}

/* Memory exhausted leaves marks under which PHP would call no function any more, and we still want
 * to run the shutdown functions. Nothing is released: the heap is no longer to be trusted. */
static void forget_bailout(void)
{
    EG(exception) = NULL;
#ifdef ZEND_HAS_OOM
    EG(delayed_oom).state = ZEND_OOM_STATE_NONE;
#endif
}

bool vd_php_guard(void (*body)(void *argument), void *argument)
{
    volatile bool whole = true;
    zend_try
    {
        body(argument);
        settle_memory();
    }
    zend_catch
    {
        forget_bailout();
        whole = false;
    }
    zend_end_try();
    return whole;
}

enum vd_php_outcome vd_php_outcome_take(zend_object **exception)
{
    *exception = NULL;
    if (!EG(exception)) {
        return VD_PHP_RETURNED;
    }
    if (CG(unclean_shutdown)) {
        zend_bailout(); /* a fatal error inside a fiber, dressed up as exit() */
    }
    bool exited = zend_is_unwind_exit(EG(exception)) || zend_is_graceful_exit(EG(exception));
    if (!exited) {
        *exception = EG(exception);
        GC_ADDREF(*exception);
    }
    zend_clear_exception();
    if (exited) {
        vd_worker_retire(VIADUCT_G(run)->worker);
        EG(exit_status) = 0;
        return VD_PHP_EXITED;
    }
    return VD_PHP_THREW;
}

zend_string *vd_php_exception_text(zend_object *exception)
{
    zend_string *name = exception->ce->name;
    zval text = {.value = {.lval = 0}};
    ZVAL_UNDEF(&text);
    if (exception->ce->__tostring) {
        zend_call_known_instance_method_with_0_params(exception->ce->__tostring, exception, &text);
    }
    if (EG(exception)) {
        zend_clear_exception();
    }
    if (Z_TYPE(text) == IS_STRING) {
        return Z_STR(text);
    }
    zval_ptr_dtor(&text);
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it cannot follow counted references */
    return zend_string_copy(name);
}

const char *vd_php_last_fatal_error(void)
{
    return PG(last_error_message) ? ZSTR_VAL(PG(last_error_message)) : "fatal error";
}

/* ---- one call of a handler that answers no request --------------------------------------------
 */

struct plain_call {
    struct vd_php_run *run;
    const struct vd_callable *handler;
    const char *what; /* "setInterval" */
    zval arguments[2];
    uint32_t argument_count;
    bool failed; /* threw */
};

/* What a handler threw goes to the log. */
static bool threw(const struct vd_php_run *run, const char *what)
{
    zend_object *exception;
    if (vd_php_outcome_take(&exception) != VD_PHP_THREW) {
        return false;
    }
    zend_string *text = vd_php_exception_text(exception);
    vd_log(run->logger, VD_LOG_ERROR, "handler_failed", "%s: %s", what, ZSTR_VAL(text));
    zend_string_release(text);
    OBJ_RELEASE(exception);
    return true;
}

static void plain_call_body(void *context)
{
    struct plain_call *call = context;
    zval result;
    vd_callable_call(call->handler, call->argument_count, call->arguments, &result);
    zval_ptr_dtor(&result);
    vd_php_sapi_call_end();
    call->failed = threw(call->run, call->what);
}

/* Call @call->handler; its arguments are released. Returns false when it threw or was fatal. */
static bool plain_call(struct plain_call *call)
{
    struct vd_php_run *run = call->run;
    if (!vd_php_guard(plain_call_body, call)) {
        vd_log(run->logger, VD_LOG_ERROR, "handler_failed", "%s: %s", call->what,
               vd_php_last_fatal_error());
        run->fatal = true;
        return false;
    }
    for (uint32_t i = 0; i < call->argument_count; i++) {
        zval_ptr_dtor(&call->arguments[i]);
    }
    return !call->failed;
}

/* Is nothing more to be called? After a fatal error, and in a process that a handler forked. */
static bool has_ended(const struct vd_php_run *run)
{
    return run->fatal || vd_worker_is_copy(run->worker);
}

/* Each handler of a list in turn. @arguments are shared; the caller releases them. */
static bool call_list(struct vd_php_run *run, const struct vd_callable_list *list, const char *what,
                      const zval *arguments, uint32_t argument_count)
{
    bool all = true;
    for (uint32_t i = 0; i < list->count && !has_ended(run); i++) {
        struct plain_call call = {
            .run = run, .handler = &list->items[i], .what = what, .argument_count = argument_count};
        for (uint32_t j = 0; j < argument_count; j++) {
            ZVAL_COPY(&call.arguments[j], &arguments[j]);
        }
        all = plain_call(&call) && all;
    }
    return all;
}

/* ---- other events -----------------------------------------------------------------------------
 */

static void handle_message(struct vd_php_run *run, const struct vd_worker_event *event)
{
    if (event->id >= run->app->subscription_count) {
        return;
    }
    struct plain_call call = {.run = run,
                              .handler = &run->app->subscriptions[event->id].handler,
                              .what = "subscribe",
                              .argument_count = 1};
    vd_php_message_create(&call.arguments[0], &event->message);
    plain_call(&call);
}

static void handle_timer(struct vd_php_run *run, const struct vd_worker_event *event)
{
    if (event->id >= run->app->timer_count) {
        return;
    }
    struct plain_call call = {
        .run = run, .handler = &run->app->timers[event->id].handler, .what = "setInterval"};
    plain_call(&call);
}

static void handle_client(struct vd_php_run *run, const struct vd_worker_event *event)
{
    bool connect = event->kind == VD_WORKER_CLIENT_CONNECT;
    const struct vd_callable_list *list =
        &run->app->hooks[connect ? VD_HOOK_CLIENT_CONNECT : VD_HOOK_CLIENT_DISCONNECT];
    if (list->count == 0) {
        return;
    }
    zval id;
    ZVAL_STRINGL(&id, event->text.bytes, event->text.length);
    call_list(run, list, connect ? "onClientConnect" : "onClientDisconnect", &id, 1);
    zval_ptr_dtor(&id);
}

/* The gateway has put it into the log. */
static void handle_broker_error(struct vd_php_run *run, const struct vd_worker_event *event)
{
    const struct vd_callable_list *of_app = &run->app->hooks[VD_HOOK_BROKER_ERROR];
    const struct vd_callable_list *of_config =
        &vd_php_config_from(Z_OBJ(run->app->config))->broker_error;
    zval error;
    vd_php_trouble_exception(
        &error, &(struct vd_php_trouble){.code = event->broker_error.code,
                                         .driver = event->broker_error.driver.bytes,
                                         .driver_length = event->broker_error.driver.length,
                                         .attempt = event->broker_error.attempt,
                                         .next_delay_ms = event->broker_error.next_delay_ms,
                                         .text = event->text.bytes,
                                         .text_length = event->text.length});
    call_list(run, of_config, "onBrokerError", &error, 1);
    call_list(run, of_app, "onBrokerError", &error, 1);
    if (!run->fatal) {
        zval_ptr_dtor(&error);
    }
}

struct credentials_call {
    struct vd_php_run *run;
    uint32_t question;
};

static void credentials_call(void *context)
{
    struct credentials_call *call = context;
    struct vd_php_run *run = call->run;
    struct vd_broker_credentials credentials = {0};
    zval kept;
    bool fine =
        vd_php_broker_credentials(vd_php_broker_from(Z_OBJ(run->broker)), &kept, &credentials);
    vd_php_sapi_call_end();
    threw(run, "credentials");
    enum vd_err code =
        vd_worker_broker_credentials(run->worker, call->question, fine ? &credentials : NULL);
    if (code == VD_ERR_TOO_LARGE) {
        vd_log(run->logger, VD_LOG_ERROR, "handler_failed",
               "credentials: a text is longer than 8192 bytes");
        vd_worker_broker_credentials(run->worker, call->question, NULL);
    }
    zval_ptr_dtor(&kept);
}

static void handle_credentials(struct vd_php_run *run, const struct vd_worker_event *event)
{
    struct credentials_call call = {run, event->id};
    if (!vd_php_guard(credentials_call, &call)) {
        vd_log(run->logger, VD_LOG_ERROR, "handler_failed", "credentials: %s",
               vd_php_last_fatal_error());
        run->fatal = true;
    }
}

static void handle_event(struct vd_php_run *run, const struct vd_worker_event *event)
{
    switch (event->kind) {
    case VD_WORKER_REQUEST:
        vd_php_request_serve(run, &event->request);
        return;
    case VD_WORKER_MESSAGE:
        handle_message(run, event);
        return;
    case VD_WORKER_TIMER:
        handle_timer(run, event);
        return;
    case VD_WORKER_CLIENT_CONNECT:
    case VD_WORKER_CLIENT_DISCONNECT:
        handle_client(run, event);
        return;
    case VD_WORKER_BROKER_ERROR:
        handle_broker_error(run, event);
        return;
    case VD_WORKER_BROKER_CREDENTIALS:
        handle_credentials(run, event);
        return;
    case VD_WORKER_GAP:
        vd_log_limited(
            run->logger, vd_monotonic_ms(), VD_LOG_INFO, "events_lost",
            "messages for subscriptions may be lost: this worker was too slow, the gateway was "
            "restarted, or the link to other nodes was down or has only just come up");
        call_list(run, &run->app->hooks[VD_HOOK_GAP], "onGap", NULL, 0);
        return;
    case VD_WORKER_SHUTDOWN:
        run->finished = true;
        return;
    case VD_WORKER_IDLE:
        return;
    }
}

/* ---- life -------------------------------------------------------------------------------------
 */

static bool announce(struct vd_php_run *run)
{
    const struct vd_php_app *app = run->app;
    struct vd_error error = {0};
    enum vd_err code = VD_OK;
    for (uint32_t i = 0; i < app->subscription_count && code == VD_OK; i++) {
        const struct vd_php_subscription *subscription = &app->subscriptions[i];
        struct vd_text pattern = {ZSTR_VAL(subscription->pattern), ZSTR_LEN(subscription->pattern)};
        code = vd_worker_subscribe(run->worker, i, pattern, subscription->every_worker, &error);
    }
    if (app->hooks[VD_HOOK_CLIENT_CONNECT].count + app->hooks[VD_HOOK_CLIENT_DISCONNECT].count >
            0 &&
        code == VD_OK) {
        code = vd_worker_watch_clients(run->worker, &error);
    }
    for (uint32_t i = 0; i < app->timer_count && code == VD_OK; i++) {
        code = vd_worker_set_interval(run->worker, i, app->timers[i].interval_ms,
                                      app->timers[i].every_worker, &error);
    }
    if (code != VD_OK) {
        vd_log(run->logger, VD_LOG_ERROR, "start_failed", "subscriptions and timers: %s",
               error.text);
    }
    return code == VD_OK;
}

static bool start(struct vd_php_run *run)
{
    zval arguments[2];
    ZVAL_LONG(&arguments[0], vd_worker_index(run->worker));
    ZVAL_BOOL(&arguments[1], vd_worker_is_first(run->worker));
    return announce(run) &&
           call_list(run, &run->app->hooks[VD_HOOK_START], "onStart", arguments, 2);
}

static int serve(struct vd_php_run *run)
{
    struct vd_worker_event event;
    while (!run->finished && !has_ended(run)) {
        enum vd_err code = vd_worker_next_event(run->worker, vd_php_notices_timeout(run), &event);
        if (code != VD_OK) {
            vd_log(run->logger, VD_LOG_ERROR, "worker_ends", "%s", vd_err_text(code));
            return EXIT_START_FAILED;
        }
        handle_event(run, &event);
        vd_php_notices_flush(run, false);
    }
    return run->fatal ? EXIT_FATAL : 0;
}

static void end_of_php(void *context)
{
    struct vd_php_run *run = context;
    vd_php_uploads_forget(); /* of a request that ended fatally */
    php_call_shutdown_functions();
    if (EG(exception)) {
        zend_clear_exception();
    }
    vd_php_sapi_output_flush();
    if (!run->fatal) { /* connections and files of this worker's own objects are closed in order */
        zend_objects_store_call_destructors(&EG(objects_store));
    }
}

static void finish(struct vd_php_run *run)
{
    if (!has_ended(run)) {
        zval id;
        ZVAL_LONG(&id, vd_worker_index(run->worker));
        call_list(run, &run->app->hooks[VD_HOOK_SHUTDOWN], "onShutdown", &id, 1);
    }
    vd_php_guard(end_of_php, run);
    vd_php_notices_finish(run);
    run->app->worker = NULL;
}

struct worker_life {
    struct vd_php_run *run;
    int exit_code;
};

static void worker_life(void *context)
{
    struct worker_life *life = context;
    struct vd_php_run *run = life->run;
    vd_php_sapi_enter_worker(run->dev_mode);
    run->app->worker = run->worker;
    life->exit_code = start(run) ? serve(run) : (run->fatal ? EXIT_FATAL : EXIT_START_FAILED);
    finish(run);
}

int vd_php_worker_main(struct vd_worker *worker, void *context)
{
    struct vd_php_app *app = context;
    const struct vd_php_config *config = vd_php_config_from(Z_OBJ(app->config));
    struct vd_php_run run = {
        .app = app,
        .worker = worker,
        .logger = vd_worker_logger(worker),
        .dev_mode = config->server.dev_mode,
    };
    struct worker_life life = {&run, EXIT_FATAL};
    ZVAL_COPY(&run.broker, &config->broker);
    VIADUCT_G(run) = &run;
    vd_php_guard(worker_life, &life);
    VIADUCT_G(run) = NULL;
    return life.exit_code;
}
