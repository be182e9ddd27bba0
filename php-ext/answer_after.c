/* SPDX-License-Identifier: Apache-2.0 */
/* The after() hooks, once a request, on whatever is about to be answered: a handler's result, an
 * error page, the head of a stream.
 *
 * The Response that they get is a new one: a handler may return the same object every time, and
 * what a hook adds must not add up. It holds everything that would have been sent, so that a hook
 * sees (and can take away) what header() and setcookie() have set. */
#include "answer_after.h"

#include <zend_smart_str.h>

#include "answer_error.h"
#include "answer_headers.h"
#include "class_response.h"
#include "php_viaduct.h"
#include "run_request.h"

/* Takes over @body. */
static void assemble(zval *response, unsigned status, const HashTable *own, const char *type,
                     zval *body)
{
    struct vd_php_headers headers;
    vd_php_headers_collect(&headers, own, type);
    object_init_ex(response, vd_ce_response);
    vd_php_response_assign(Z_OBJ_P(response), status, headers.items, headers.count, body);
    vd_php_headers_finish(&headers);
    vd_php_sapi_headers_forget();
}

/* What was printed, then @bytes. */
static void whole_body(struct vd_php_exchange *exchange, const char *bytes, size_t length,
                       zval *body)
{
    smart_str *printed = &exchange->run->capture.output;
    if (printed->s && ZSTR_LEN(printed->s)) {
        ZVAL_STR(body,
                 zend_string_concat2(ZSTR_VAL(printed->s), ZSTR_LEN(printed->s), bytes, length));
        ZSTR_LEN(printed->s) = 0;
    } else {
        ZVAL_STRINGL(body, bytes, length);
    }
}

void vd_php_after_response(struct vd_php_exchange *exchange, zval *response, unsigned status,
                           const char *type, const char *body, size_t length)
{
    zval whole;
    whole_body(exchange, body, length, &whole);
    assemble(response, status, NULL, Z_STRLEN(whole) ? type : NULL, &whole);
}

void vd_php_after_response_of(struct vd_php_exchange *exchange, zval *response, zend_object *result)
{
    zval *body = vd_php_response_body(result);
    zval whole;
    if (Z_TYPE_P(body) == IS_STRING) {
        whole_body(exchange, Z_STRVAL_P(body), Z_STRLEN_P(body), &whole);
    } else {
        ZVAL_COPY(&whole, body);
    }
    assemble(response, (unsigned)vd_php_response_status(result), vd_php_response_headers(result),
             NULL, &whole);
}

void vd_php_after_response_streamed(struct vd_php_exchange *exchange, zval *response, zval *body)
{
    zval copy;
    (void)exchange;
    ZVAL_COPY(&copy, body);
    assemble(response, vd_php_sapi_status(), NULL, TYPE_HTML, &copy);
}

/* ---- the hooks --------------------------------------------------------------------------------
 */

/* @result in the place of @response, unless it is null. */
static bool take_result(struct vd_php_exchange *exchange, zval *result, zval *response)
{
    if (Z_TYPE_P(result) == IS_OBJECT && Z_OBJCE_P(result) == vd_ce_response) {
        zval_ptr_dtor(response);
        ZVAL_COPY_VALUE(response, result);
        return true;
    }
    if (Z_TYPE_P(result) == IS_NULL) {
        return true;
    }
    char text[256];
    snprintf(text, sizeof(text),
             "an after() hook must return a Viaduct\\Response or null, it returned %s",
             zend_zval_type_name(result));
    zval_ptr_dtor(result);
    vd_php_answer_fault(exchange, text);
    return false;
}

static bool call_hook(struct vd_php_exchange *exchange, const struct vd_callable *handler,
                      zval *response)
{
    zval arguments[2];
    zval result;
    ZVAL_COPY(&arguments[0], vd_php_exchange_request(exchange));
    ZVAL_COPY(&arguments[1], response);
    vd_callable_call(handler, 2, arguments, &result);
    zval_ptr_dtor(&arguments[0]);
    zval_ptr_dtor(&arguments[1]);
    return vd_php_answer_still_well(exchange) && take_result(exchange, &result, response);
}

bool vd_php_after_run(struct vd_php_exchange *exchange, zval *response)
{
    const struct vd_php_around_list *after = &exchange->run->app->around.after;
    exchange->after_done = true;
    for (uint32_t i = 0; i < after->count; i++) {
        if (vd_php_around_covers(&after->items[i], exchange->request->path) &&
            !call_hook(exchange, &after->items[i].handler, response)) {
            return false;
        }
        if (vd_worker_is_copy(exchange->run->worker)) { /* the hook forked it */
            return false;
        }
    }
    return true;
}
