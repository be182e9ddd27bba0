/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of 400 and above that no handler has written itself: paths without a route, exceptions,
 * results that are none, and the int statuses that handlers return.
 *
 * Each goes to the App's error() handler for the status, whose result is answered as any handler's.
 * An error() handler is asked once a request: when it fails in its turn, the plain page of the
 * status that it was asked for ends the matter. After a fatal error no PHP code is run. */
#include "answer_error.h"

#include <SAPI.h>

#include <viaduct/log.h>

#include "answer_headers.h"
#include "class_app.h"
#include "common_http.h"
#include "php_viaduct.h"
#include "run_request.h"

static void log_failure(const struct vd_php_exchange *exchange, enum vd_log_level level,
                        const char *event, const char *text)
{
    const struct vd_worker_request *request = exchange->request;
    vd_log(exchange->run->logger, level, event, "%.*s %.*s (request %s): %s",
           (int)request->method.length, request->method.bytes, (int)request->path.length,
           request->path.bytes, request->request_id, text);
}

/* True when the head of an answer can still be chosen; an answer that has begun is cut. */
static bool may_answer(struct vd_worker *worker)
{
    if (!vd_worker_request_open(worker)) {
        return false;
    }
    if (vd_worker_response_begun(worker)) {
        vd_worker_respond_end(worker, true);
        return false;
    }
    return true;
}

void vd_php_answer_status(struct vd_worker *worker, unsigned status, const char *allow)
{
    struct vd_header headers[2] = {{vd_text_of("Content-Type"), vd_text_of(TYPE_TEXT)}};
    size_t count = 1;
    if (allow) {
        headers[count++] = (struct vd_header){vd_text_of("Allow"), vd_text_of(allow)};
    }
    const char *phrase = vd_http_reason_phrase(status);
    vd_worker_respond(worker, status, headers, count, phrase, strlen(phrase), NULL);
}

void vd_php_answer_fatal(struct vd_php_exchange *exchange, const char *text)
{
    struct vd_php_run *run = exchange->run;
    log_failure(exchange, VD_LOG_ERROR, "handler_failed", text);
    if (!may_answer(run->worker)) {
        return;
    }
    if (!run->dev_mode) {
        vd_php_answer_status(run->worker, 500, NULL);
        return;
    }
    struct vd_header header = {vd_text_of("Content-Type"), vd_text_of(TYPE_TEXT)};
    vd_worker_respond(run->worker, 500, &header, 1, text, strlen(text), NULL);
}

/* ---- error() handlers -------------------------------------------------------------------------
 */

void vd_php_answer_log(const struct vd_php_exchange *exchange, zend_object *exception)
{
    zend_string *text = vd_php_exception_text(exception);
    log_failure(exchange, VD_LOG_ERROR, "handler_failed", ZSTR_VAL(text));
    zend_string_release(text);
    OBJ_RELEASE(exception);
}

/* What the failed handler has printed and which headers it has set is not for the error page. */
static void forget_output(struct vd_php_exchange *exchange)
{
    zend_object *exception;
    vd_php_sapi_output_discard(&exchange->run->capture);
    if (vd_php_outcome_take(&exception) == VD_PHP_THREW) { /* an output callback */
        OBJ_RELEASE(exception);
    }
    vd_php_sapi_headers_forget();
    if (exchange->allow) {
        sapi_header_line line = {0};
        char *text;
        line.line_len = (uint32_t)spprintf(&text, 0, "Allow: %s", exchange->allow);
        line.line = text;
        sapi_header_op(SAPI_HEADER_REPLACE, &line);
        efree(text);
    }
}

static void call_page(struct vd_php_exchange *exchange, const struct vd_callable *handler,
                      zend_object *exception, zval *result)
{
    zval arguments[2];
    ZVAL_COPY(&arguments[0], vd_php_exchange_request(exchange));
    if (exception) {
        ZVAL_OBJ_COPY(&arguments[1], exception);
    } else {
        ZVAL_NULL(&arguments[1]);
    }
    vd_callable_call(handler, 2, arguments, result);
    zval_ptr_dtor(&arguments[0]);
    zval_ptr_dtor(&arguments[1]);
}

/* Null and nothing printed: the handler only wanted to know. */
static bool says_nothing(const struct vd_php_exchange *exchange, const zval *result)
{
    const smart_str *printed = &exchange->run->capture.output;
    return Z_TYPE_P(result) == IS_NULL && php_output_get_level() == 0 &&
           !(printed->s && ZSTR_LEN(printed->s));
}

bool vd_php_answer_page(struct vd_php_exchange *exchange, unsigned status, zend_object *exception)
{
    const struct vd_php_around *around = &exchange->run->app->around;
    const struct vd_callable *handler =
        around->error_count ? vd_php_error_page_find(around, status) : NULL;
    if (!handler || exchange->error_status) {
        return false;
    }
    exchange->error_status = status;
    SG(sapi_headers).http_response_code = (int)status;
    zval result;
    zend_object *thrown;
    call_page(exchange, handler, exception, &result);
    switch (vd_php_outcome_take(&thrown)) {
    case VD_PHP_EXITED:
        vd_php_answer_exit(exchange);
        return true;
    case VD_PHP_THREW:
        vd_php_answer_log(exchange, thrown);
        forget_output(exchange);
        return false;
    case VD_PHP_RETURNED:
        break;
    }
    if (says_nothing(exchange, &result)) {
        return false;
    }
    zval_ptr_dtor(&exchange->result);
    ZVAL_COPY_VALUE(&exchange->result, &result);
    exchange->not_of_route = true;
    vd_php_answer_result(exchange);
    return true;
}

void vd_php_answer_error(struct vd_php_exchange *exchange, unsigned status, zend_object *exception,
                         const char *text)
{
    if (!may_answer(exchange->run->worker)) {
        return;
    }
    forget_output(exchange);
    if (exchange->error_status) {
        status = exchange->error_status;
    } else if (vd_php_answer_page(exchange, status, exception)) {
        return;
    }
    const char *body = text && exchange->run->dev_mode ? text : vd_http_reason_phrase(status);
    SG(sapi_headers).http_response_code = (int)status;
    vd_php_answer_text(exchange, body, strlen(body));
}

/* ---- what went wrong --------------------------------------------------------------------------
 */

void vd_php_answer_fault(struct vd_php_exchange *exchange, const char *text)
{
    log_failure(exchange, VD_LOG_ERROR, "handler_failed", text);
    vd_php_answer_error(exchange, 500, NULL, text);
}

/* An HttpException's code is the status. */
static unsigned status_of(zend_object *exception)
{
    if (!instanceof_function(exception->ce, vd_ce_http_exception)) {
        return 500;
    }
    zval rv;
    zend_long code = zval_get_long(
        zend_read_property_ex(exception->ce, exception, ZSTR_KNOWN(ZEND_STR_CODE), true, &rv));
    return code >= 400 && code <= 599 ? (unsigned)code : 500;
}

void vd_php_answer_exception(struct vd_php_exchange *exchange, zend_object *exception)
{
    unsigned status = status_of(exception);
    zend_string *text = vd_php_exception_text(exception);
    log_failure(exchange, status < 500 ? VD_LOG_DEBUG : VD_LOG_ERROR,
                status < 500 ? "request_refused" : "handler_failed", ZSTR_VAL(text));
    vd_php_answer_error(exchange, status, exception, ZSTR_VAL(text));
    zend_string_release(text);
    OBJ_RELEASE(exception);
}
