/* SPDX-License-Identifier: Apache-2.0 */
/* Viaduct\Response: status, headers, body.
 *
 * State is the three readonly properties themselves. Names and values of headers are checked where
 * they are sent (worker_response), so that there is one rule; here only their PHP types are. */
#include "class_response.h"

#include <ext/json/php_json.h>
#include <zend_exceptions.h>
#include <zend_interfaces.h>
#include <zend_smart_str.h>

#include "class_config_values.h"
#include "php_viaduct.h"

enum { RESPONSE_STATUS, RESPONSE_HEADERS, RESPONSE_BODY };

#define STATUS_LEAST 200
#define STATUS_MOST  599

/* Also without its constructor (Reflection) a response has the defaults. */
static zend_object *response_create(zend_class_entry *ce)
{
    zend_object *object = zend_objects_new(ce);
    object_properties_init(object, ce);
    zval value;
    ZVAL_LONG(&value, STATUS_LEAST);
    vd_php_property_set(object, RESPONSE_STATUS, &value);
    ZVAL_EMPTY_ARRAY(&value);
    vd_php_property_set(object, RESPONSE_HEADERS, &value);
    ZVAL_EMPTY_STRING(&value);
    vd_php_property_set(object, RESPONSE_BODY, &value);
    return object;
}

void vd_php_response_setup(void)
{
    vd_ce_response->create_object = response_create;
}

/* ---- pieces --------------------------------------------------------------------------------- */

/* The text of json_encode()'s last error, by PHP's own function; its class by name, since PHP's
 * header does not declare it. */
static void throw_json_error(void)
{
    zend_class_entry *ce = zend_hash_str_find_ptr(CG(class_table), ZEND_STRL("jsonexception"));
    zend_long code = JSON_G(error_code);
    zval function;
    zval text;
    ZVAL_STRING(&function, "json_last_error_msg");
    ZVAL_UNDEF(&text);
    call_user_function(NULL, NULL, &function, &text, 0, NULL);
    zval_ptr_dtor(&function);
    zend_throw_exception(ce, Z_TYPE(text) == IS_STRING ? Z_STRVAL(text) : "cannot be encoded",
                         code);
    zval_ptr_dtor(&text);
}

zend_string *vd_php_json(zval *value)
{
    smart_str json = {0};
    int options = PHP_JSON_UNESCAPED_SLASHES | PHP_JSON_UNESCAPED_UNICODE;
    zend_result result = php_json_encode_ex(&json, value, options, PHP_JSON_PARSER_DEFAULT_DEPTH);
    /* NAN and INF are no failure to it: they leave an error code, and a 0 in the text */
    if (result == SUCCESS && JSON_G(error_code) == PHP_JSON_ERROR_NONE && !EG(exception)) {
        smart_str_0(&json);
        return json.s ? json.s : ZSTR_EMPTY_ALLOC();
    }
    smart_str_free(&json);
    if (!EG(exception)) {
        throw_json_error();
    }
    return NULL;
}

static bool status_check(uint32_t argument, zend_long status)
{
    return vd_php_argument_in_range(argument, status, STATUS_LEAST, STATUS_MOST);
}

/* A fresh list of strings of @value (a string or an array of strings). */
static bool header_values(uint32_t argument, zval *value, zval *list)
{
    array_init(list);
    if (Z_TYPE_P(value) == IS_STRING) {
        Z_TRY_ADDREF_P(value);
        add_next_index_zval(list, value);
        return true;
    }
    zval *item;
    if (Z_TYPE_P(value) == IS_ARRAY) {
        ZEND_HASH_FOREACH_VAL(Z_ARRVAL_P(value), item)
        {
            ZVAL_DEREF(item);
            if (Z_TYPE_P(item) != IS_STRING && Z_TYPE_P(item) != IS_LONG) {
                goto err_type;
            }
            zend_string *text = zval_get_string(item);
            add_next_index_str(list, text);
        }
        ZEND_HASH_FOREACH_END();
        return true;
    }
    if (Z_TYPE_P(value) == IS_LONG) {
        add_next_index_str(list, zval_get_string(value));
        return true;
    }
err_type:
    zval_ptr_dtor(list);
    zend_argument_type_error(argument, "must hold strings or lists of strings as header values");
    return false;
}

/* The key under which @name (in any case) is already kept, or NULL. */
static zend_string *header_find(HashTable *headers, const zend_string *name)
{
    zend_string *key;
    ZEND_HASH_FOREACH_STR_KEY(headers, key)
    {
        if (key && zend_string_equals_ci(key, name)) {
            return key;
        }
    }
    ZEND_HASH_FOREACH_END();
    return NULL;
}

static HashTable *headers_separate(zend_object *object)
{
    zval *headers = OBJ_PROP_NUM(object, RESPONSE_HEADERS);
    SEPARATE_ARRAY(headers);
    return Z_ARRVAL_P(headers);
}

/* Replace; takes over @list. The name goes last when it was there under another spelling. */
static void header_set(zend_object *object, zend_string *name, zval *list)
{
    HashTable *headers = headers_separate(object);
    zend_string *old = header_find(headers, name);
    if (old && !zend_string_equals(old, name)) {
        zend_hash_del(headers, old);
    }
    zend_hash_update(headers, name, list);
}

void vd_php_response_add_header(zend_object *object, zend_string *name, zend_string *value)
{
    HashTable *headers = headers_separate(object);
    zend_string *key = header_find(headers, name);
    zval *list = key ? zend_hash_find(headers, key) : NULL;
    if (!list) {
        zval fresh;
        array_init(&fresh);
        list = zend_hash_update(headers, name, &fresh);
    }
    SEPARATE_ARRAY(list);
    add_next_index_str(list, zend_string_copy(value));
}

static void response_set(zend_object *object, zval *body, zend_long status)
{
    zval value;
    ZVAL_LONG(&value, status);
    vd_php_property_set(object, RESPONSE_STATUS, &value);
    array_init(&value);
    vd_php_property_set(object, RESPONSE_HEADERS, &value);
    ZVAL_COPY(&value, body);
    vd_php_property_set(object, RESPONSE_BODY, &value);
}

void vd_php_response_assign(zend_object *object, unsigned status, const struct vd_header *headers,
                            size_t header_count, zval *body)
{
    response_set(object, body, status);
    zval_ptr_dtor(body);
    for (size_t i = 0; i < header_count; i++) {
        const struct vd_header *header = &headers[i];
        zend_string *name = zend_string_init(header->name.bytes, header->name.length, false);
        zend_string *value = zend_string_init(header->value.length ? header->value.bytes : "",
                                              header->value.length, false);
        vd_php_response_add_header(object, name, value);
        zend_string_release(name);
        zend_string_release(value);
    }
}

/* A new response with one header. */
static void response_make(zval *return_value, zend_string *body, zend_long status,
                          const char *header, const char *header_value, size_t value_length)
{
    object_init_ex(return_value, vd_ce_response);
    zval body_zval;
    ZVAL_STR(&body_zval, body);
    response_set(Z_OBJ_P(return_value), &body_zval, status);
    zval list;
    array_init(&list);
    add_next_index_stringl(&list, header_value, value_length);
    zend_string *name = zend_string_init(header, strlen(header), false);
    header_set(Z_OBJ_P(return_value), name, &list);
    zend_string_release(name);
}

/* string|Traversable */
static bool body_check(uint32_t argument, zval *body)
{
    if (Z_TYPE_P(body) == IS_STRING ||
        (Z_TYPE_P(body) == IS_OBJECT &&
         instanceof_function(Z_OBJCE_P(body), zend_ce_traversable))) {
        return true;
    }
    zend_argument_type_error(argument, "must be of type string or Traversable, %s given",
                             zend_zval_type_name(body));
    return false;
}

/* ---- construction --------------------------------------------------------------------------- */

static bool headers_from_array(zend_object *object, HashTable *headers)
{
    zend_string *name;
    zval *value;
    ZEND_HASH_FOREACH_STR_KEY_VAL(headers, name, value)
    {
        if (!name) {
            zend_argument_value_error(3, "must have header names as keys");
            return false;
        }
        zval list;
        ZVAL_DEREF(value);
        if (!header_values(3, value, &list)) {
            return false;
        }
        header_set(object, name, &list);
    }
    ZEND_HASH_FOREACH_END();
    return true;
}

ZEND_METHOD(Viaduct_Response, __construct)
{
    zval *body = NULL;
    zend_long status = STATUS_LEAST;
    HashTable *headers = NULL;
    ZEND_PARSE_PARAMETERS_START(0, 3)
    Z_PARAM_OPTIONAL
    Z_PARAM_ZVAL(body)
    Z_PARAM_LONG(status)
    Z_PARAM_ARRAY_HT(headers)
    ZEND_PARSE_PARAMETERS_END();
    zval empty;
    ZVAL_EMPTY_STRING(&empty);
    if ((body && !body_check(1, body)) || !status_check(2, status)) {
        RETURN_THROWS();
    }
    response_set(Z_OBJ_P(ZEND_THIS), body ? body : &empty, status);
    if (headers && !headers_from_array(Z_OBJ_P(ZEND_THIS), headers)) {
        RETURN_THROWS();
    }
}

static void make_text(INTERNAL_FUNCTION_PARAMETERS, const char *content_type)
{
    zend_string *body;
    zend_long status = STATUS_LEAST;
    ZEND_PARSE_PARAMETERS_START(1, 2)
    Z_PARAM_STR(body)
    Z_PARAM_OPTIONAL
    Z_PARAM_LONG(status)
    ZEND_PARSE_PARAMETERS_END();
    if (!status_check(2, status)) {
        RETURN_THROWS();
    }
    response_make(return_value, body, status, "Content-Type", content_type, strlen(content_type));
}

ZEND_METHOD(Viaduct_Response, html)
{
    make_text(INTERNAL_FUNCTION_PARAM_PASSTHRU, "text/html; charset=utf-8");
}

ZEND_METHOD(Viaduct_Response, text)
{
    make_text(INTERNAL_FUNCTION_PARAM_PASSTHRU, "text/plain; charset=utf-8");
}

ZEND_METHOD(Viaduct_Response, json)
{
    zval *data;
    zend_long status = STATUS_LEAST;
    ZEND_PARSE_PARAMETERS_START(1, 2)
    Z_PARAM_ZVAL(data)
    Z_PARAM_OPTIONAL
    Z_PARAM_LONG(status)
    ZEND_PARSE_PARAMETERS_END();
    if (!status_check(2, status)) {
        RETURN_THROWS();
    }
    zend_string *json = vd_php_json(data);
    if (!json) {
        RETURN_THROWS();
    }
    response_make(return_value, json, status, "Content-Type", ZEND_STRL("application/json"));
    zend_string_release(json);
}

ZEND_METHOD(Viaduct_Response, redirect)
{
    zend_string *location;
    zend_long status = 302;
    ZEND_PARSE_PARAMETERS_START(1, 2)
    Z_PARAM_STR(location)
    Z_PARAM_OPTIONAL
    Z_PARAM_LONG(status)
    ZEND_PARSE_PARAMETERS_END();
    if (!(status >= 301 && status <= 303) && status != 307 && status != 308) {
        zend_argument_value_error(2, "must be 301, 302, 303, 307 or 308, " ZEND_LONG_FMT " given",
                                  status);
        RETURN_THROWS();
    }
    response_make(return_value, ZSTR_EMPTY_ALLOC(), status, "Location", ZSTR_VAL(location),
                  ZSTR_LEN(location));
}

/* ---- changes -------------------------------------------------------------------------------- */

ZEND_METHOD(Viaduct_Response, withStatus)
{
    zend_long status;
    ZEND_PARSE_PARAMETERS_START(1, 1)
    Z_PARAM_LONG(status)
    ZEND_PARSE_PARAMETERS_END();
    if (!status_check(1, status)) {
        RETURN_THROWS();
    }
    zval value;
    ZVAL_LONG(&value, status);
    vd_php_property_set(Z_OBJ_P(ZEND_THIS), RESPONSE_STATUS, &value);
    RETURN_THIS();
}

ZEND_METHOD(Viaduct_Response, withHeader)
{
    zend_string *name;
    zval *value;
    ZEND_PARSE_PARAMETERS_START(2, 2)
    Z_PARAM_STR(name)
    Z_PARAM_ZVAL(value)
    ZEND_PARSE_PARAMETERS_END();
    zval list;
    if (!header_values(2, value, &list)) {
        RETURN_THROWS();
    }
    header_set(Z_OBJ_P(ZEND_THIS), name, &list);
    RETURN_THIS();
}

ZEND_METHOD(Viaduct_Response, withAddedHeader)
{
    zend_string *name;
    zend_string *value;
    ZEND_PARSE_PARAMETERS_START(2, 2)
    Z_PARAM_STR(name)
    Z_PARAM_STR(value)
    ZEND_PARSE_PARAMETERS_END();
    vd_php_response_add_header(Z_OBJ_P(ZEND_THIS), name, value);
    RETURN_THIS();
}

ZEND_METHOD(Viaduct_Response, withoutHeader)
{
    zend_string *name;
    ZEND_PARSE_PARAMETERS_START(1, 1)
    Z_PARAM_STR(name)
    ZEND_PARSE_PARAMETERS_END();
    HashTable *headers = headers_separate(Z_OBJ_P(ZEND_THIS));
    zend_string *key = header_find(headers, name);
    if (key) {
        zend_hash_del(headers, key);
    }
    RETURN_THIS();
}

ZEND_METHOD(Viaduct_Response, withBody)
{
    zval *body;
    ZEND_PARSE_PARAMETERS_START(1, 1)
    Z_PARAM_ZVAL(body)
    ZEND_PARSE_PARAMETERS_END();
    if (!body_check(1, body)) {
        RETURN_THROWS();
    }
    zval value;
    ZVAL_COPY(&value, body);
    vd_php_property_set(Z_OBJ_P(ZEND_THIS), RESPONSE_BODY, &value);
    RETURN_THIS();
}
