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

#include "answer_headers.h"
#include "class_response.h"
#include "common_http.h"
#include "php_viaduct.h"

#define TYPE_HTML "text/html; charset=utf-8"
#define TYPE_TEXT "text/plain; charset=utf-8"
#define TYPE_JSON "application/json"

#define STREAM_PATTERNS_MAX 64

/* ---- sending ----------------------------------------------------------------------------------
 */

static void refused(struct vd_php_exchange *exchange, enum vd_err code,
                    const struct vd_error *error)
{
    if (code == VD_OK || code == VD_ERR_CLOSED) {
        return; /* the client left: its business */
    }
    if (code == VD_ERR_STATE) {
        exchange->run->finished = true; /* a process that the handler forked */
        return;
    }
    vd_php_answer_failure(exchange, error->text[0] ? error->text : vd_err_text(code));
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
    refused(exchange, code, &error);
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
    send_whole(exchange, status, NULL, type, body, length);
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

void vd_php_answer_failure(struct vd_php_exchange *exchange, const char *text)
{
    struct vd_php_run *run = exchange->run;
    const struct vd_worker_request *request = exchange->request;
    vd_log(run->logger, VD_LOG_ERROR, "handler_failed", "%.*s %.*s: %s",
           (int)request->method.length, request->method.bytes, (int)request->path.length,
           request->path.bytes, text);
    if (!vd_worker_request_open(run->worker)) {
        return;
    }
    if (vd_worker_response_begun(run->worker)) {
        vd_worker_respond_end(run->worker, true);
        return;
    }
    if (!run->dev_mode) {
        vd_php_answer_status(run->worker, 500, NULL);
        return;
    }
    struct vd_header header = {vd_text_of("Content-Type"), vd_text_of(TYPE_TEXT)};
    vd_worker_respond(run->worker, 500, &header, 1, text, strlen(text), NULL);
}

/* After PHP code ran on the way to the answer: did it throw or exit? True when all is well. */
static bool still_well(struct vd_php_exchange *exchange)
{
    if (!EG(exception)) {
        return true;
    }
    zend_object *exception = NULL;
    if (vd_php_outcome_take(&exception) == VD_PHP_EXITED) {
        vd_php_answer_exit(exchange);
        return false;
    }
    if (exception) {
        zend_string *text = vd_php_exception_text(exception);
        vd_php_answer_failure(exchange, ZSTR_VAL(text));
        zend_string_release(text);
        OBJ_RELEASE(exception);
    }
    return false;
}

/* ---- streamed bodies --------------------------------------------------------------------------
 */

struct chunks {
    struct vd_php_exchange *exchange;
    const HashTable *response; /* headers; NULL: none */
    unsigned status;
    bool begun;
};

static enum vd_err chunks_begin(struct chunks *chunks, struct vd_error *error)
{
    struct vd_php_headers headers;
    vd_php_headers_collect(&headers, chunks->response, TYPE_HTML);
    enum vd_err code = vd_worker_respond_begin(chunks->exchange->run->worker, chunks->status,
                                               headers.items, headers.count, error);
    vd_php_headers_finish(&headers);
    chunks->begun = code == VD_OK;
    return code;
}

/* What was printed, then @bytes. Returns false when there is no point in going on. */
static bool chunks_write(struct chunks *chunks, const char *bytes, size_t length)
{
    struct vd_php_run *run = chunks->exchange->run;
    struct vd_error error = {0};
    enum vd_err code = chunks->begun ? VD_OK : chunks_begin(chunks, &error);
    smart_str *printed = &run->capture.output;
    if (code == VD_OK && printed->s && ZSTR_LEN(printed->s)) {
        code = vd_worker_respond_write(run->worker, ZSTR_VAL(printed->s), ZSTR_LEN(printed->s));
        ZSTR_LEN(printed->s) = 0;
    }
    if (code == VD_OK && length) {
        code = vd_worker_respond_write(run->worker, bytes, length);
    }
    refused(chunks->exchange, code, &error);
    return code == VD_OK;
}

static bool chunks_from_iterator(struct chunks *chunks, zend_object_iterator *iterator)
{
    if (iterator->funcs->rewind) {
        iterator->funcs->rewind(iterator);
    }
    while (!EG(exception) && iterator->funcs->valid(iterator) == SUCCESS && !EG(exception)) {
        zval *chunk = iterator->funcs->get_current_data(iterator);
        if (EG(exception) || !chunk) {
            break;
        }
        ZVAL_DEREF(chunk);
        if (Z_TYPE_P(chunk) != IS_STRING) {
            zend_type_error("A streamed body must yield strings, %s given",
                            zend_zval_type_name(chunk));
            break;
        }
        if (!chunks_write(chunks, Z_STRVAL_P(chunk), Z_STRLEN_P(chunk))) {
            return false;
        }
        iterator->index++;
        iterator->funcs->move_forward(iterator);
    }
    return true;
}

static void answer_chunks(struct vd_php_exchange *exchange, zval *body, unsigned status,
                          const HashTable *response)
{
    struct chunks chunks = {.exchange = exchange, .response = response, .status = status};
    zend_class_entry *ce = Z_OBJCE_P(body);
    zend_object_iterator *iterator = ce->get_iterator(ce, body, 0);
    bool going = iterator && chunks_from_iterator(&chunks, iterator);
    if (iterator) {
        zend_iterator_dtor(iterator);
    }
    vd_php_sapi_output_flush();
    if (!still_well(exchange) || !going) {
        return;
    }
    if (chunks_write(&chunks, "", 0)) {
        vd_worker_respond_end(exchange->run->worker, false);
    }
}

/* ---- what a handler returned ------------------------------------------------------------------
 */

static void answer_response(struct vd_php_exchange *exchange, zend_object *response)
{
    zval *body = vd_php_response_body(response);
    unsigned status = (unsigned)vd_php_response_status(response);
    const HashTable *headers = vd_php_response_headers(response);
    if (Z_TYPE_P(body) == IS_OBJECT) {
        answer_chunks(exchange, body, status, headers);
    } else {
        send_whole(exchange, status, headers, TYPE_HTML, Z_STRVAL_P(body), Z_STRLEN_P(body));
    }
}

static void answer_json(struct vd_php_exchange *exchange)
{
    zend_string *json = vd_php_json(&exchange->result);
    if (still_well(exchange) && json) {
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
        vd_php_answer_failure(exchange, text);
        return;
    }
    SG(sapi_headers).http_response_code = (int)number;
    const smart_str *printed = &exchange->run->capture.output;
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
             exchange->route->stream
                 ? "a scope (string), an array of scopes, or to refuse an int status or a "
                   "Viaduct\\Response"
                 : "string, array, JsonSerializable, int, null, Viaduct\\Response and Traversable");
    vd_php_answer_failure(exchange, text);
}

static void answer_object(struct vd_php_exchange *exchange)
{
    zend_object *object = Z_OBJ(exchange->result);
    if (object->ce == vd_ce_response) {
        answer_response(exchange, object);
    } else if (instanceof_function(object->ce, php_json_serializable_ce)) {
        answer_json(exchange);
    } else if (instanceof_function(object->ce, zend_ce_traversable)) {
        answer_chunks(exchange, &exchange->result, vd_php_sapi_status(), NULL);
    } else {
        answer_unknown(exchange);
    }
}

/* ---- stream routes ----------------------------------------------------------------------------
 */

/* The scopes in @result into @patterns; how many, -1 when it holds anything but strings. */
static int stream_patterns(const zval *result, struct vd_text *patterns)
{
    if (Z_TYPE_P(result) == IS_STRING) {
        patterns[0] = (struct vd_text){Z_STRVAL_P(result), Z_STRLEN_P(result)};
        return 1;
    }
    if (zend_hash_num_elements(Z_ARRVAL_P(result)) > STREAM_PATTERNS_MAX) {
        return -1;
    }
    int count = 0;
    zval *item;
    ZEND_HASH_FOREACH_VAL(Z_ARRVAL_P(result), item)
    {
        ZVAL_DEREF(item);
        if (Z_TYPE_P(item) != IS_STRING) {
            return -1;
        }
        patterns[count++] = (struct vd_text){Z_STRVAL_P(item), Z_STRLEN_P(item)};
    }
    ZEND_HASH_FOREACH_END();
    return count;
}

static void answer_stream(struct vd_php_exchange *exchange)
{
    struct vd_text patterns[STREAM_PATTERNS_MAX];
    int count = stream_patterns(&exchange->result, patterns);
    if (count < 1) {
        vd_php_answer_failure(exchange, "a stream handler must return one scope, or an array of 1 "
                                        "to 64 scopes (strings)");
        return;
    }
    vd_php_sapi_output_discard(&exchange->run->capture); /* there is no body to put it in */
    struct vd_php_headers headers;
    vd_php_headers_collect(&headers, NULL, NULL);
    struct vd_error error = {0};
    enum vd_err code = vd_worker_respond_stream(exchange->run->worker, patterns, (size_t)count,
                                                headers.items, headers.count, &error);
    vd_php_headers_finish(&headers);
    refused(exchange, code, &error);
}

/* ---- entry points -----------------------------------------------------------------------------
 */

void vd_php_answer_result(struct vd_php_exchange *exchange)
{
    vd_php_sapi_output_flush();
    if (!still_well(exchange)) {
        return;
    }
    zval *result = &exchange->result;
    ZVAL_DEREF(result);
    switch (Z_TYPE_P(result)) {
    case IS_STRING:
    case IS_ARRAY:
        if (exchange->route->stream) {
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
        if (exchange->route->stream) {
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
