/* SPDX-License-Identifier: Apache-2.0 */
/* One request: before() hooks, the route, its handler, the answer.
 *
 * The path is looked up first, since that is where a malformed one is found; no hook sees it. Then
 * the hooks that are for the path, in the order of their registration, until one has an answer.
 * They are asked for paths without a route, too: an OPTIONS request may be theirs alone. An App
 * without hooks goes straight from route to handler. */
#include "run_request.h"

#include "answer_error.h"
#include "class_app.h"
#include "class_request.h"

zval *vd_php_exchange_request(struct vd_php_exchange *exchange)
{
    if (Z_ISUNDEF(exchange->request_object)) {
        vd_php_request_create(&exchange->request_object, exchange->request);
    }
    return &exchange->request_object;
}

/* ---- calls ------------------------------------------------------------------------------------
 */

static void call_handler(struct vd_php_exchange *exchange)
{
    const struct vd_php_route *route = exchange->route;
    zval few[8];
    zval *arguments =
        route->argument_count <= 8 ? few : safe_emalloc(route->argument_count, sizeof(zval), 0);
    if (!vd_php_route_arguments(route, exchange->match, exchange->request,
                                &exchange->request_object, arguments)) {
        vd_php_answer_error(exchange, 404, NULL, NULL);
        goto done;
    }
    vd_callable_call(&route->handler, route->argument_count, arguments, &exchange->result);
    for (uint32_t i = 0; i < route->argument_count; i++) {
        zval_ptr_dtor(&arguments[i]);
    }
done:
    if (arguments != few) {
        efree(arguments);
    }
}

/* Has a before() hook the answer (or failed)? It is in @exchange->result, or EG(exception). */
static bool call_before(struct vd_php_exchange *exchange)
{
    const struct vd_php_around_list *before = &exchange->run->app->around.before;
    for (uint32_t i = 0; i < before->count; i++) {
        if (!vd_php_around_covers(&before->items[i], exchange->request->path)) {
            continue;
        }
        zval request;
        ZVAL_COPY(&request, vd_php_exchange_request(exchange));
        vd_callable_call(&before->items[i].handler, 1, &request, &exchange->result);
        zval_ptr_dtor(&request);
        if (EG(exception) || Z_TYPE(exchange->result) != IS_NULL ||
            vd_worker_is_copy(exchange->run->worker)) {
            exchange->not_of_route = true;
            return true;
        }
    }
    return false;
}

/* ---- one exchange -----------------------------------------------------------------------------
 */

static void answer(struct vd_php_exchange *exchange)
{
    zend_object *exception;
    switch (vd_php_outcome_take(&exception)) {
    case VD_PHP_RETURNED:
        if (vd_worker_request_open(exchange->run->worker)) {
            vd_php_answer_result(exchange);
        }
        break;
    case VD_PHP_EXITED:
        vd_php_answer_exit(exchange);
        break;
    case VD_PHP_THREW:
        vd_php_answer_exception(exchange, exception);
        break;
    }
}

/* In a process that a handler forked there is nothing to answer, nor anything else to be called. */
static void end_copy(const struct vd_php_exchange *exchange)
{
    zend_object *exception;
    if (vd_php_outcome_take(&exception) == VD_PHP_THREW) {
        vd_php_answer_log(exchange, exception);
    }
}

static void exchange_body(void *context)
{
    struct vd_php_exchange *exchange = context;
    bool answered =
        exchange->run->app->around.before.count && !exchange->malformed && call_before(exchange);
    if (!answered && exchange->route) {
        call_handler(exchange);
        answered = true;
    }
    if (vd_worker_is_copy(exchange->run->worker)) {
        end_copy(exchange);
    } else if (answered) {
        answer(exchange);
    } else {
        vd_php_answer_error(exchange, exchange->unrouted_status, NULL, NULL);
    }
    zval_ptr_dtor(&exchange->result);
    ZVAL_UNDEF(&exchange->result);
    if (!Z_ISUNDEF(exchange->request_object)) {
        vd_php_request_detach(Z_OBJ(exchange->request_object));
        zval_ptr_dtor(&exchange->request_object);
        ZVAL_UNDEF(&exchange->request_object);
    }
    vd_php_sapi_request_end(&exchange->run->capture);
    zend_object *exception;
    if (EG(exception) && vd_php_outcome_take(&exception) == VD_PHP_THREW) { /* of a destructor */
        vd_php_answer_exception(exchange, exception);
    }
}

static void exchange_run(struct vd_php_run *run, struct vd_php_exchange *exchange)
{
    exchange->run = run;
    ZVAL_UNDEF(&exchange->request_object);
    ZVAL_UNDEF(&exchange->result);
    run->request = exchange->request;
    run->body_too_large = false;
    vd_php_sapi_request_begin(&run->capture);
    if (!vd_php_guard(exchange_body, exchange)) {
        run->capture.on = false;
        run->fatal = true;
        vd_php_answer_fatal(exchange, vd_php_last_fatal_error());
    }
    run->request = NULL;
}

static const struct vd_php_route *route_of(const struct vd_php_run *run,
                                           const struct vd_route_match *match)
{
    const struct vd_php_route *route = &run->app->routes[match->route];
    return route->label ? route : NULL; /* refused when it was registered, somebody caught that */
}

void vd_php_request_serve(struct vd_php_run *run, const struct vd_worker_request *request)
{
    struct vd_route_match match;
    struct vd_php_exchange exchange = {.request = request, .match = &match, .unrouted_status = 404};
    switch (vd_router_match(run->app->router, request->method, request->path, &match)) {
    case VD_OK:
        exchange.route = route_of(run, &match);
        break;
    case VD_ERR_NOT_FOUND:
        break;
    case VD_ERR_STATE:
        exchange.unrouted_status = 405;
        exchange.allow = match.allow;
        break;
    default:
        exchange.unrouted_status = 400;
        exchange.malformed = true;
    }
    if (exchange.route || vd_php_around_any(&run->app->around)) {
        exchange_run(run, &exchange);
    } else {
        vd_php_answer_status(run->worker, exchange.unrouted_status, exchange.allow);
    }
}
