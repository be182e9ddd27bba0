/* SPDX-License-Identifier: Apache-2.0 */
/* A request's arrays, by PHP's own rules: a query string is taken apart by what parse_str() uses,
 * cookies and multipart bodies by the code behind $_COOKIE and $_FILES, so that a[]=, double
 * names, max_input_vars, upload_max_filesize and the rest mean what they mean everywhere in PHP.
 *
 * PHP's code writes into the globals behind the superglobals; these are put back afterwards, so
 * that one request never sees another's. The read_post callback is run_sapi.c's. */
#include "request_input.h"

#include <SAPI.h>
#include <ext/spl/spl_exceptions.h>
#include <ext/standard/url.h>
#include <php_variables.h>
#include <rfc1867.h>
#include <zend_exceptions.h>

#include <viaduct/clock.h>
#include <viaduct/log.h>

#include "php_viaduct.h"
#include "run_sapi.h"
#include "run_worker.h"

static void add_text(zval *array, const char *key, struct vd_text text)
{
    add_assoc_stringl(array, key, text.length ? text.bytes : "", text.length);
}

void vd_php_input_server(const struct vd_worker_request *request, zval *array)
{
    array_init_size(array, 16);
    add_text(array, "request_method", request->method);
    add_text(array, "request_uri", request->path);
    zval path_info;
    ZVAL_STRINGL(&path_info, request->path.bytes, request->path.length);
    Z_STRLEN(path_info) = php_raw_url_decode(Z_STRVAL(path_info), Z_STRLEN(path_info));
    add_assoc_zval(array, "path_info", &path_info);
    add_text(array, "query_string", request->query);
    double waited_s = (double)(vd_monotonic_us() - request->received_us) / 1e6;
    double received_s = (double)vd_wall_ms() / 1e3 - waited_s;
    add_assoc_long(array, "request_time", (zend_long)received_s);
    add_assoc_double(array, "request_time_float", received_s);
    add_assoc_string(array, "server_protocol", request->minor_version ? "HTTP/1.1" : "HTTP/1.0");
    add_assoc_string(array, "server_addr", request->local_address);
    add_assoc_long(array, "server_port", request->local_port);
    add_assoc_string(array, "remote_addr", request->remote_address);
    add_assoc_long(array, "remote_port", request->remote_port);
    add_assoc_string(array, "request_scheme", request->https ? "https" : "http");
    if (request->https) {
        add_assoc_string(array, "https", "on"); /* as CGI has it: isset() tells */
    }
    add_text(array, "http_host", request->host);
    add_assoc_string(array, "request_id", request->request_id);
}

static void add_header(zval *array, const struct vd_header *header)
{
    zend_string *name = zend_string_alloc(header->name.length, false);
    zend_str_tolower_copy(ZSTR_VAL(name), header->name.bytes, header->name.length);
    zval *old = zend_symtable_find(Z_ARRVAL_P(array), name);
    zval value;
    if (old) { /* RFC 9110 5.3: one list; Cookie: RFC 6265 5.4 */
        const char *separator = zend_string_equals_literal(name, "cookie") ? "; " : ", ";
        ZVAL_STR(&value, zend_string_concat3(Z_STRVAL_P(old), Z_STRLEN_P(old), separator, 2,
                                             header->value.length ? header->value.bytes : "",
                                             header->value.length));
    } else {
        ZVAL_STRINGL(&value, header->value.length ? header->value.bytes : "", header->value.length);
    }
    zend_symtable_update(Z_ARRVAL_P(array), name, &value);
    zend_string_release(name);
}

void vd_php_input_header(const struct vd_worker_request *request, zval *array)
{
    array_init_size(array, (uint32_t)request->header_count);
    for (size_t i = 0; i < request->header_count; i++) {
        add_header(array, &request->headers[i]);
    }
}

/* PHP warns of max_input_vars before the script, where no error handler of the user's is set: it is
 * for the log, and must not throw in the middle of the parser. */
static void user_errors_off(zval *handler)
{
    ZVAL_COPY_VALUE(handler, &EG(user_error_handler));
    ZVAL_UNDEF(&EG(user_error_handler));
}

static void user_errors_on(zval *handler)
{
    ZVAL_COPY_VALUE(&EG(user_error_handler), handler);
}

/* What parse_str() does; frees its copy itself. */
static void parse_urlencoded(struct vd_text text, zval *array)
{
    array_init(array);
    if (text.length) {
        zval handler;
        user_errors_off(&handler);
        sapi_module.treat_data(PARSE_STRING, estrndup(text.bytes, text.length), array);
        user_errors_on(&handler);
    }
}

void vd_php_input_get(const struct vd_worker_request *request, zval *array)
{
    parse_urlencoded(request->query, array);
}

static zend_string *joined_cookies(const struct vd_worker_request *request)
{
    zval headers;
    array_init(&headers);
    for (size_t i = 0; i < request->header_count; i++) {
        const struct vd_text name = request->headers[i].name;
        if (name.length == 6 && strncasecmp(name.bytes, "cookie", 6) == 0) {
            add_header(&headers, &request->headers[i]);
        }
    }
    zval *line = zend_hash_str_find(Z_ARRVAL(headers), ZEND_STRL("cookie"));
    zend_string *cookies = line ? zend_string_copy(Z_STR_P(line)) : NULL;
    zval_ptr_dtor(&headers);
    return cookies;
}

void vd_php_input_cookie(const struct vd_worker_request *request, zval *array)
{
    zend_string *cookies = joined_cookies(request);
    if (!cookies) {
        array_init(array);
        return;
    }
    zval saved;
    zval *global = &PG(http_globals)[TRACK_VARS_COOKIE];
    char *saved_data = SG(request_info).cookie_data;
    ZVAL_COPY_VALUE(&saved, global);
    ZVAL_UNDEF(global);
    SG(request_info).cookie_data = ZSTR_VAL(cookies);
    zval handler;
    user_errors_off(&handler);
    sapi_module.treat_data(PARSE_COOKIE, NULL, NULL);
    user_errors_on(&handler);
    SG(request_info).cookie_data = saved_data;
    ZVAL_COPY_VALUE(array, global);
    ZVAL_COPY_VALUE(global, &saved);
    zend_string_release(cookies);
}

void vd_php_input_throw_broken_off(void)
{
    zend_throw_exception(spl_ce_RuntimeException,
                         "The client left before the whole request body had arrived", 0);
}

void vd_php_input_throw_forked(void)
{
    zend_throw_exception(spl_ce_RuntimeException,
                         "A handler forked this process: what it needs of the request must be read "
                         "before the fork",
                         0);
}

void vd_php_input_body(zval *body)
{
    struct vd_text text = {NULL, 0};
    enum vd_err result = vd_worker_whole_body(VIADUCT_G(run)->worker, &text);
    if (result != VD_OK && result != VD_ERR_STATE) { /* STATE: answered, and nobody has read it */
        text.length = 0;
        vd_php_input_throw_broken_off();
    }
    ZVAL_STRINGL_FAST(body, text.length ? text.bytes : "", text.length);
}

static void log_form(const char *text)
{
    const struct vd_php_run *run = VIADUCT_G(run);
    const struct vd_worker_request *request = run->request;
    if (request) {
        vd_log_limited(run->logger, vd_monotonic_ms(), VD_LOG_WARN, "form_limited", "%.*s %.*s: %s",
                       (int)request->method.length, request->method.bytes,
                       (int)request->path.length, request->path.bytes, text);
    }
}

/* What PHP's form parser says while it leaves something out. */
static ZEND_COLD void form_complaint(int type, const char *format, ...)
{
    char text[256];
    va_list arguments;
    (void)type;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    log_form(text);
}

static void throw_too_large(void)
{
    char text[128];
    snprintf(text, sizeof(text),
             "the form is larger than php.ini's post_max_size (" ZEND_LONG_FMT " bytes)",
             SG(post_max_size));
    log_form(text);
    zend_throw_exception(vd_ce_http_exception, text, 413);
}

/* PHP's parser, with its globals put aside: fields into @post, files into @files. */
static void run_multipart_parser(struct vd_text type, zval *post, zval *files)
{
    zval saved;
    zval handler;
    zval *global = &PG(http_globals)[TRACK_VARS_FILES];
    const char *saved_type = SG(request_info).content_type;
    char *type_copy = estrndup(type.bytes, type.length); /* the parser writes into it */
    ZVAL_COPY_VALUE(&saved, global);
    ZVAL_UNDEF(global);
    SG(request_info).content_type = type_copy;
    SG(request_info).content_length = 0; /* its size is looked at here, and while it is read */
    array_init(post);
    user_errors_off(&handler);
    void (*complain)(int, const char *, ...) = sapi_module.sapi_error;
    sapi_module.sapi_error = form_complaint;
    rfc1867_post_handler(type_copy, post);
    sapi_module.sapi_error = complain;
    user_errors_on(&handler);
    SG(request_info).content_type = saved_type;
    if (Z_TYPE_P(global) == IS_ARRAY) {
        ZVAL_COPY_VALUE(files, global);
    } else {
        array_init(files);
    }
    ZVAL_COPY_VALUE(global, &saved);
    efree(type_copy);
}

static void form_empty(zval *post, zval *files)
{
    zval_ptr_dtor(post);
    zval_ptr_dtor(files);
    ZVAL_EMPTY_ARRAY(post);
    ZVAL_EMPTY_ARRAY(files);
    vd_php_uploads_forget();
}

static void parse_multipart(const struct vd_text *body, struct vd_text type, zval *post,
                            zval *files)
{
    const struct vd_php_run *run = VIADUCT_G(run);
    vd_php_uploads_forget();
    if (body) {
        vd_php_read_post_from(*body);
    } else {
        vd_php_read_post_streaming();
    }
    run_multipart_parser(type, post, files);
    bool streamed = run->body_streams;
    vd_php_read_post_from((struct vd_text){NULL, 0});
    if (streamed && run->body_too_large) {
        form_empty(post, files);
        throw_too_large();
    } else if (streamed && run->body_broken_off) {
        form_empty(post, files);
        vd_php_input_throw_broken_off();
    }
}

static bool media_type_is(struct vd_text value, const char *type)
{
    size_t length = strlen(type);
    return value.length >= length && strncasecmp(value.bytes, type, length) == 0 &&
           (value.length == length || strchr("; \t,", value.bytes[length]));
}

bool vd_php_input_is_multipart(const struct vd_worker_request *request)
{
    return media_type_is(vd_worker_request_header(request, "content-type"), "multipart/form-data");
}

static bool is_form(const struct vd_worker_request *request)
{
    struct vd_text type = vd_worker_request_header(request, "content-type");
    return media_type_is(type, "multipart/form-data") ||
           media_type_is(type, "application/x-www-form-urlencoded");
}

bool vd_php_input_form_too_large(const struct vd_worker_request *request,
                                 const struct vd_text *body)
{
    uint64_t length = body ? body->length : request->body_length;
    if (SG(post_max_size) <= 0 || !is_form(request)) {
        return false;
    }
    bool known = body || length != UINT64_MAX;
    if (VIADUCT_G(run)->body_too_large || (known && length > (uint64_t)SG(post_max_size))) {
        throw_too_large();
        return true;
    }
    return false;
}

void vd_php_input_form(const struct vd_worker_request *request, const struct vd_text *body,
                       zval *post, zval *files)
{
    struct vd_text type = vd_worker_request_header(request, "content-type");
    if (media_type_is(type, "multipart/form-data")) {
        parse_multipart(body, type, post, files);
        return;
    }
    array_init(files);
    if (media_type_is(type, "application/x-www-form-urlencoded")) {
        parse_urlencoded(*body, post);
    } else {
        array_init(post);
    }
}
