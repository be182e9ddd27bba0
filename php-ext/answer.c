/* SPDX-License-Identifier: Apache-2.0 */
/* What a handler returned becomes one HTTP answer.
 *
 *   string                 200 text/html            array, JsonSerializable   200 application/json
 *   int                    that status              null                      204
 *   Response               as it is                 Traversable               streamed by chunks
 *   (stream routes) string, array of strings        a stream that follows these scopes
 *
 * 200 stands for what http_response_code() says. What was printed stands before the body; headers
 * of header() and setcookie() are added, a Response's own win. Anything else, and whatever the
 * server refuses (a line break in a header value), is a 500 with a line in the log. */
#include "answer.h"

#include <SAPI.h>
#include <ext/json/php_json.h>
#include <zend_exceptions.h>
#include <zend_interfaces.h>

#include <viaduct/log.h>

#include "answer_after.h"
#include "answer_chunks.h"
#include "answer_error.h"
#include "answer_headers.h"
#include "class_response.h"
#include "common_http.h"
#include "php_viaduct.h"

#define STREAM_PATTERNS_MAX 64

/* ---- sending ----------------------------------------------------------------------------------
 */

void vd_php_answer_refused(struct vd_php_exchange *exchange, enum vd_err code,
                           const struct vd_error *error)
{
    if (code == VD_OK || code == VD_ERR_CLOSED) {
        return; /* the client left: its business */
    }
    if (code == VD_ERR_STATE) {
        exchange->run->finished = true; /* a process that the handler forked */
        return;
    }
    vd_php_answer_fault(exchange, error->text[0] ? error->text : vd_err_text(code));
}

static void send_whole(struct vd_php_exchange *exchange, unsigned status, const HashTable *response,
                       const char *type, const char *body, size_t length)
{
    smart_str *printed = &exchange->run->capture.output;
    if (printed->s && ZSTR_LEN(printed->s)) {
        smart_str_appendl(printed, body, length);
        body = ZSTR_VAL(printed->s);
        length = ZSTR_LEN(printed->s);
    }
    struct vd_php_headers headers;
    vd_php_headers_collect(&headers, response, length ? type : NULL);
    struct vd_error error = {0};
    enum vd_err code = vd_worker_respond(exchange->run->worker, status, headers.items,
                                         headers.count, body, length, &error);
    vd_php_headers_finish(&headers);
    vd_php_answer_refused(exchange, code, &error);
}

static void send_response(struct vd_php_exchange *exchange, zend_object *response);

/* @response, once the after() hooks have seen it; releases what is sent. */
static void answer_after(struct vd_php_exchange *exchange, zval *response)
{
    if (vd_php_after_run(exchange, response)) {
        send_response(exchange, Z_OBJ_P(response));
    }
    zval_ptr_dtor(response);
}

/* What a handler returned, except a Response: a body where the status can have none is dropped. */
static void send_body(struct vd_php_exchange *exchange, const char *type, const char *body,
                      size_t length)
{
    unsigned status = vd_php_sapi_status();
    if (!vd_http_status_has_body(status)) {
        vd_php_sapi_output_discard(&exchange->run->capture);
        length = 0;
    }
    if (vd_php_after_wanted(exchange)) {
        zval response;
        vd_php_after_response(exchange, &response, status, type, body, length);
        answer_after(exchange, &response);
        return;
    }
    send_whole(exchange, status, NULL, type, body, length);
}

void vd_php_answer_outcome(struct vd_php_exchange *exchange)
{
    zend_object *exception;
    if (vd_php_outcome_take(&exception) == VD_PHP_EXITED) {
        vd_php_answer_exit(exchange);
    } else {
        vd_php_answer_exception(exchange, exception);
    }
}

/* Does the handler's result name scopes? */
static bool is_stream(const struct vd_php_exchange *exchange)
{
    return exchange->route && exchange->route->stream && !exchange->not_of_route;
}

/* ---- what a handler returned ------------------------------------------------------------------
 */

static void send_response(struct vd_php_exchange *exchange, zend_object *response)
{
    zval *body = vd_php_response_body(response);
    unsigned status = (unsigned)vd_php_response_status(response);
    if (Z_TYPE_P(body) == IS_OBJECT) {
        vd_php_answer_chunks(exchange, body, status, response);
    } else {
        send_whole(exchange, status, vd_php_response_headers(response), TYPE_HTML, Z_STRVAL_P(body),
                   Z_STRLEN_P(body));
    }
}

static void answer_response(struct vd_php_exchange *exchange, zval *result)
{
    if (vd_php_after_wanted(exchange)) {
        zval response;
        vd_php_after_response_of(exchange, &response, Z_OBJ_P(result));
        answer_after(exchange, &response);
    } else {
        send_response(exchange, Z_OBJ_P(result));
    }
}

static void answer_traversable(struct vd_php_exchange *exchange)
{
    if (vd_php_after_wanted(exchange)) {
        zval response;
        vd_php_after_response_streamed(exchange, &response, &exchange->result);
        answer_after(exchange, &response);
    } else {
        vd_php_answer_chunks(exchange, &exchange->result, vd_php_sapi_status(), NULL);
    }
}

static void answer_json(struct vd_php_exchange *exchange)
{
    zend_string *json = vd_php_json(&exchange->result);
    if (vd_php_answer_still_well(exchange) && json) {
        send_body(exchange, TYPE_JSON, ZSTR_VAL(json), ZSTR_LEN(json));
    }
    if (json) {
        zend_string_release(json);
    }
}

/* An int: what was printed is the body; without it, the reason phrase. */
static void answer_number(struct vd_php_exchange *exchange, zend_long number)
{
    if (number < 200 || number > 599) {
        char text[96];
        snprintf(text, sizeof(text),
                 "the handler returned " ZEND_LONG_FMT ", which is no status from 200 to 599",
                 number);
        vd_php_answer_fault(exchange, text);
        return;
    }
    if (is_stream(exchange) && number < 300 && number != 204) {
        vd_php_answer_fault(exchange,
                            "a stream handler refuses by 204 or a status from 300; to open "
                            "the stream it returns the scopes to follow");
        return;
    }
    SG(sapi_headers).http_response_code = (int)number;
    const smart_str *printed = &exchange->run->capture.output;
    if (!(printed->s && ZSTR_LEN(printed->s)) && number >= 400 &&
        vd_php_answer_page(exchange, (unsigned)number, NULL)) {
        return;
    }
    if (printed->s && ZSTR_LEN(printed->s)) {
        send_body(exchange, TYPE_HTML, "", 0);
        return;
    }
    const char *phrase = vd_http_reason_phrase((unsigned)number);
    send_body(exchange, TYPE_TEXT, phrase, strlen(phrase));
}

/* Nothing: what was printed; when nothing was, 204 (or a redirect by header()). */
static void answer_nothing(struct vd_php_exchange *exchange)
{
    const smart_str *printed = &exchange->run->capture.output;
    if (vd_php_sapi_status() == 200 && !(printed->s && ZSTR_LEN(printed->s))) {
        SG(sapi_headers).http_response_code = 204;
    }
    send_body(exchange, TYPE_HTML, "", 0);
}

static void answer_unknown(struct vd_php_exchange *exchange)
{
    char text[256];
    snprintf(text, sizeof(text), "the handler returned %s; allowed are %s",
             Z_TYPE(exchange->result) == IS_OBJECT ? ZSTR_VAL(Z_OBJCE(exchange->result)->name)
                                                   : zend_zval_type_name(&exchange->result),
             is_stream(exchange)
                 ? "a scope (string), an array of scopes, or to refuse an int status or a "
                   "Viaduct\\Response"
                 : "string, array, JsonSerializable, int, null, Viaduct\\Response and Traversable");
    vd_php_answer_fault(exchange, text);
}

static void answer_object(struct vd_php_exchange *exchange)
{
    zend_object *object = Z_OBJ(exchange->result);
    if (object->ce == vd_ce_response) {
        answer_response(exchange, &exchange->result);
    } else if (instanceof_function(object->ce, php_json_serializable_ce)) {
        answer_json(exchange);
    } else if (instanceof_function(object->ce, zend_ce_traversable)) {
        answer_traversable(exchange);
    } else {
        answer_unknown(exchange);
    }
}

/* ---- stream routes ----------------------------------------------------------------------------
 */

/* What a stream follows, kept: the handler's array may hold references, and hooks run before it is
 * used. */
struct patterns {
    zend_string *strings[STREAM_PATTERNS_MAX];
    size_t count;
};

static bool pattern_add(struct patterns *patterns, const zval *item)
{
    if (Z_TYPE_P(item) != IS_STRING || patterns->count == STREAM_PATTERNS_MAX) {
        return false;
    }
    patterns->strings[patterns->count++] = zend_string_copy(Z_STR_P(item));
    return true;
}

/* False when @result (a string or an array) is empty, too long, or holds anything but strings. */
static bool patterns_take(struct patterns *patterns, const zval *result)
{
    zval *item;
    patterns->count = 0;
    if (Z_TYPE_P(result) != IS_ARRAY) {
        return pattern_add(patterns, result);
    }
    ZEND_HASH_FOREACH_VAL(Z_ARRVAL_P(result), item)
    {
        ZVAL_DEREF(item);
        if (!pattern_add(patterns, item)) {
            return false;
        }
    }
    ZEND_HASH_FOREACH_END();
    return patterns->count > 0;
}

static void patterns_release(struct patterns *patterns)
{
    for (size_t i = 0; i < patterns->count; i++) {
        zend_string_release(patterns->strings[i]);
    }
}

static void open_stream(struct vd_php_exchange *exchange, const struct patterns *patterns,
                        const HashTable *response)
{
    vd_php_sapi_output_discard(&exchange->run->capture); /* there is no body to put it in */
    struct vd_text texts[STREAM_PATTERNS_MAX];
    for (size_t i = 0; i < patterns->count; i++) {
        texts[i] = (struct vd_text){ZSTR_VAL(patterns->strings[i]), ZSTR_LEN(patterns->strings[i])};
    }
    struct vd_php_headers headers;
    vd_php_headers_collect(&headers, response, NULL);
    struct vd_error error = {0};
    enum vd_err code = vd_worker_respond_stream(exchange->run->worker, texts, patterns->count,
                                                headers.items, headers.count, &error);
    vd_php_headers_finish(&headers);
    vd_php_answer_refused(exchange, code, &error);
}

/* The hooks see the head of a stream that opens; whoever makes another answer of it refuses it. */
static void open_stream_after(struct vd_php_exchange *exchange, const struct patterns *patterns)
{
    zval response;
    vd_php_after_response(exchange, &response, 200, NULL, "", 0);
    if (vd_php_after_run(exchange, &response)) {
        zend_object *object = Z_OBJ(response);
        zval *body = vd_php_response_body(object);
        if (vd_php_response_status(object) == 200 && Z_TYPE_P(body) == IS_STRING &&
            Z_STRLEN_P(body) == 0) {
            open_stream(exchange, patterns, vd_php_response_headers(object));
        } else {
            send_response(exchange, object);
        }
    }
    zval_ptr_dtor(&response);
}

static void answer_stream(struct vd_php_exchange *exchange)
{
    struct patterns patterns;
    if (!patterns_take(&patterns, &exchange->result)) {
        vd_php_answer_fault(exchange, "a stream handler must return one scope, or an array of 1 "
                                      "to 64 scopes (strings)");
    } else if (vd_php_after_wanted(exchange)) {
        vd_php_sapi_output_discard(&exchange->run->capture);
        open_stream_after(exchange, &patterns);
    } else {
        open_stream(exchange, &patterns, NULL);
    }
    patterns_release(&patterns);
}

/* ---- entry points -----------------------------------------------------------------------------
 */

void vd_php_answer_result(struct vd_php_exchange *exchange)
{
    vd_php_sapi_output_flush();
    if (!vd_php_answer_still_well(exchange)) {
        return;
    }
    const zval *result = &exchange->result;
    switch (Z_TYPE_P(result)) {
    case IS_STRING:
    case IS_ARRAY:
        if (is_stream(exchange)) {
            answer_stream(exchange);
        } else if (Z_TYPE_P(result) == IS_STRING) {
            send_body(exchange, TYPE_HTML, Z_STRVAL_P(result), Z_STRLEN_P(result));
        } else {
            answer_json(exchange);
        }
        return;
    case IS_LONG:
        answer_number(exchange, Z_LVAL_P(result));
        return;
    case IS_NULL:
        if (is_stream(exchange)) {
            answer_unknown(exchange);
        } else {
            answer_nothing(exchange);
        }
        return;
    case IS_OBJECT:
        answer_object(exchange);
        return;
    default:
        answer_unknown(exchange);
    }
}

void vd_php_answer_text(struct vd_php_exchange *exchange, const char *body, size_t length)
{
    send_body(exchange, TYPE_TEXT, body, length);
}

void vd_php_answer_exit(struct vd_php_exchange *exchange)
{
    struct vd_worker *worker = exchange->run->worker;
    vd_php_sapi_output_flush();
    if (EG(exception)) {
        zend_clear_exception();
    }
    if (!vd_worker_request_open(worker)) {
        return;
    }
    if (!vd_worker_response_begun(worker)) {
        send_body(exchange, TYPE_HTML, "", 0);
        return;
    }
    const smart_str *printed = &exchange->run->capture.output;
    if (printed->s && ZSTR_LEN(printed->s)) {
        vd_worker_respond_write(worker, ZSTR_VAL(printed->s), ZSTR_LEN(printed->s));
    }
    vd_worker_respond_end(worker, false);
}
