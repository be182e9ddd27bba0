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
#include <zend_exceptions.h>
#include <php_variables.h>
#include <rfc1867.h>

#include <viaduct/clock.h>

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

/* What parse_str() does; frees its copy itself. */
static void parse_urlencoded(struct vd_text text, zval *array)
{
    array_init(array);
    if (text.length) {
        sapi_module.treat_data(PARSE_STRING, estrndup(text.bytes, text.length), array);
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
    sapi_module.treat_data(PARSE_COOKIE, NULL, NULL);
    SG(request_info).cookie_data = saved_data;
    ZVAL_COPY_VALUE(array, global);
    ZVAL_COPY_VALUE(global, &saved);
    zend_string_release(cookies);
}

static void throw_broken_off(void)
{
    zend_throw_exception(spl_ce_RuntimeException,
                         "The client left before the whole request body had arrived", 0);
}

void vd_php_input_body(zval *body)
{
    struct vd_text text = {NULL, 0};
    enum vd_err result = vd_worker_whole_body(VIADUCT_G(run)->worker, &text);
    if (result != VD_OK && result != VD_ERR_STATE) { /* STATE: answered, and nobody has read it */
        text.length = 0;
        throw_broken_off();
    }
    ZVAL_STRINGL_FAST(body, text.length ? text.bytes : "", text.length);
}

static void parse_multipart(const struct vd_text *body, struct vd_text type, zval *post,
                            zval *files)
{
    zval saved;
    zval *global = &PG(http_globals)[TRACK_VARS_FILES];
    const char *saved_type = SG(request_info).content_type;
    char *type_copy = estrndup(type.bytes, type.length); /* the parser writes into it */
    ZVAL_COPY_VALUE(&saved, global);
    ZVAL_UNDEF(global);
    vd_php_uploads_forget();
    if (body) {
        vd_php_read_post_from(*body);
    } else {
        vd_php_read_post_streaming();
    }
    SG(request_info).content_type = type_copy;
    SG(request_info).content_length = 0; /* the gateway has checked the size */
    array_init(post);
    rfc1867_post_handler(type_copy, post);
    SG(request_info).content_type = saved_type;
    vd_php_read_post_from((struct vd_text){NULL, 0});
    if (Z_TYPE_P(global) == IS_ARRAY) {
        ZVAL_COPY_VALUE(files, global);
    } else {
        array_init(files);
    }
    ZVAL_COPY_VALUE(global, &saved);
    efree(type_copy);
    if (!body && VIADUCT_G(run)->body_broken_off) {
        throw_broken_off();
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
