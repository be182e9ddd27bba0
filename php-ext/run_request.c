/* SPDX-License-Identifier: Apache-2.0 */
/* One request: the route, the handler, the answer. */
#include "run_request.h"

#include "answer.h"
#include "class_app.h"
#include "class_request.h"

static void exchange_call(struct vd_php_exchange *exchange)
{
    const struct vd_php_route *route = exchange->route;
    zval few[8];
    zval *arguments =
        route->argument_count <= 8 ? few : safe_emalloc(route->argument_count, sizeof(zval), 0);
    if (!vd_php_route_arguments(route, exchange->match, exchange->request,
                                &exchange->request_object, arguments)) {
        vd_php_answer_status(exchange->run->worker, 404, NULL);
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

static void exchange_fail(struct vd_php_exchange *exchange, zend_object *exception)
{
    zend_string *text = vd_php_exception_text(exception);
    vd_php_answer_failure(exchange, ZSTR_VAL(text));
    zend_string_release(text);
    OBJ_RELEASE(exception);
}

static void exchange_body(void *context)
{
    struct vd_php_exchange *exchange = context;
    zend_object *exception;
    exchange_call(exchange);
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
        exchange_fail(exchange, exception);
        break;
    }
    zval_ptr_dtor(&exchange->result);
    if (!Z_ISUNDEF(exchange->request_object)) {
        vd_php_request_detach(Z_OBJ(exchange->request_object));
        zval_ptr_dtor(&exchange->request_object);
    }
    vd_php_sapi_request_end(&exchange->run->capture);
    if (EG(exception)) { /* of a destructor */
        if (vd_php_outcome_take(&exception) == VD_PHP_THREW) {
            exchange_fail(exchange, exception);
        }
    }
}

static void exchange_run(struct vd_php_run *run, const struct vd_worker_request *request,
                         const struct vd_route_match *match)
{
    struct vd_php_exchange exchange = {
        .run = run,
        .request = request,
        .route = &run->app->routes[match->route],
        .match = match,
    };
    ZVAL_UNDEF(&exchange.request_object);
    ZVAL_UNDEF(&exchange.result);
    vd_php_sapi_request_begin(&run->capture);
    if (!vd_php_guard(exchange_body, &exchange)) {
        run->capture.on = false;
        run->fatal = true;
        vd_php_answer_failure(&exchange, vd_php_last_fatal_error());
    }
}

void vd_php_request_serve(struct vd_php_run *run, const struct vd_worker_request *request)
{
    struct vd_route_match match;
    switch (vd_router_match(run->app->router, request->method, request->path, &match)) {
    case VD_OK:
        if (run->app->routes[match.route].label) {
            exchange_run(run, request, &match);
        } else { /* its handler was refused when it was registered, and somebody caught that */
            vd_php_answer_status(run->worker, 404, NULL);
        }
        return;
    case VD_ERR_NOT_FOUND:
        vd_php_answer_status(run->worker, 404, NULL);
        return;
    case VD_ERR_STATE:
        vd_php_answer_status(run->worker, 405, match.allow);
        return;
    default:
        vd_php_answer_status(run->worker, 400, NULL);
    }
}
