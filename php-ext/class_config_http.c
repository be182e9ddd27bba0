/* SPDX-License-Identifier: Apache-2.0 */
/* Viaduct\Config: compression and CORS. Lists are joined to the form that the server takes; what is
 * wrong in them is found by the server's own checks, at once, and told by parameter. */
#include "class_config.h"

#include <zend_exceptions.h>
#include <zend_smart_str.h>

#include "class_config_values.h"
#include "common_cors.h"
#include "php_viaduct.h"

#define MIN_BYTES_MAX (1024 * 1024 * 1024)
#define MAX_AGE_MAX_S 86400

ZEND_METHOD(Viaduct_Config, withCompression)
{
    bool enabled = true;
    zend_long min_bytes = 1024;
    zend_long level = 4;
    bool streams = false;
    ZEND_PARSE_PARAMETERS_START(0, 4)
    Z_PARAM_OPTIONAL
    Z_PARAM_BOOL(enabled)
    Z_PARAM_LONG(min_bytes)
    Z_PARAM_LONG(level)
    Z_PARAM_BOOL(streams)
    ZEND_PARSE_PARAMETERS_END();
    if (!vd_php_argument_in_range(2, min_bytes, 1, MIN_BYTES_MAX) ||
        !vd_php_argument_in_range(3, level, 1, 9)) {
        RETURN_THROWS();
    }
    struct vd_server_config *server = &vd_php_config_this(ZEND_THIS)->server;
    server->compression_off = !enabled;
    server->compression_min_bytes = (size_t)min_bytes;
    server->compression_level = (uint32_t)level;
    server->compress_streams = streams;
    RETURN_THIS();
}

/* ---- CORS ----------------------------------------------------------------------------------- */

static zend_string *joined(smart_str *text)
{
    smart_str_0(text);
    return text->s ? text->s : ZSTR_EMPTY_ALLOC();
}

/* Strings with @between between them. NULL: an exception was thrown. */
static zend_string *join(uint32_t argument, HashTable *list, const char *between)
{
    smart_str text = {0};
    zval *item;
    ZEND_HASH_FOREACH_VAL(list, item)
    {
        ZVAL_DEREF(item);
        if (Z_TYPE_P(item) != IS_STRING || Z_STRLEN_P(item) == 0 ||
            strcspn(Z_STRVAL_P(item), " ,") != Z_STRLEN_P(item)) {
            zend_argument_value_error(
                argument, "must hold strings that are not empty, without NUL, space or comma");
            smart_str_free(&text);
            return NULL;
        }
        if (text.s) {
            smart_str_appends(&text, between);
        }
        smart_str_append(&text, Z_STR_P(item));
    }
    ZEND_HASH_FOREACH_END();
    return joined(&text);
}

static bool check_origins(HashTable *origins)
{
    uint32_t count = zend_hash_num_elements(origins);
    zval *item;
    if (count == 0 || count > VD_CORS_ORIGINS_MAX) {
        zend_argument_value_error(1, "must hold 1 to %d origins, %u given", VD_CORS_ORIGINS_MAX,
                                  count);
        return false;
    }
    ZEND_HASH_FOREACH_VAL(origins, item)
    {
        ZVAL_DEREF(item);
        struct vd_error error;
        if (vd_cors_check_origin(Z_STRVAL_P(item), Z_STRLEN_P(item), &error) != VD_OK) {
            zend_argument_value_error(1, "must hold origins: %s", error.text);
            return false;
        }
        if (count > 1 && Z_STRLEN_P(item) == 1) {
            zend_argument_value_error(1, "must not hold \"*\", which is every origin, and others");
            return false;
        }
    }
    ZEND_HASH_FOREACH_END();
    return true;
}

static bool check_names(uint32_t argument, const zend_string *list, const char *what)
{
    struct vd_error error;
    if (vd_cors_check_list(ZSTR_VAL(list), what, &error) == VD_OK) {
        return true;
    }
    zend_argument_value_error(argument, "must hold names: %s", error.text);
    return false;
}

static bool is_star(const zend_string *list)
{
    return zend_string_equals_literal(list, "*");
}

static bool check_cors(HashTable *origins, const struct vd_php_cors *cors, bool credentials,
                       zend_long max_age)
{
    if (!check_origins(origins) || !check_names(2, cors->methods, "methods") ||
        !check_names(3, cors->headers, "headers")) {
        return false;
    }
    if (credentials &&
        (is_star(cors->origins) || is_star(cors->methods) || is_star(cors->headers))) {
        zend_argument_value_error(4,
                                  "must be false with \"*\" as origin, method or header: browsers "
                                  "refuse it, and any site could act for your users");
        return false;
    }
    if (max_age < 1 || max_age > MAX_AGE_MAX_S) {
        zend_argument_value_error(5, "must be between 1 and %d seconds, " ZEND_LONG_FMT " given",
                                  MAX_AGE_MAX_S, max_age);
        return false;
    }
    return true;
}

void vd_php_cors_finish(struct vd_php_cors *cors)
{
    if (cors->origins) {
        zend_string_release(cors->origins);
    }
    if (cors->methods) {
        zend_string_release(cors->methods);
    }
    if (cors->headers) {
        zend_string_release(cors->headers);
    }
    memset(cors, 0, sizeof(*cors));
}

static zend_string *join_or(uint32_t argument, HashTable *list, const char *fallback)
{
    return list && zend_hash_num_elements(list) > 0
               ? join(argument, list, ", ")
               : zend_string_init(fallback, strlen(fallback), false);
}

ZEND_METHOD(Viaduct_Config, withCors)
{
    HashTable *origins;
    HashTable *methods = NULL;
    HashTable *headers = NULL;
    bool credentials = false;
    zend_long max_age = 600;
    ZEND_PARSE_PARAMETERS_START(1, 5)
    Z_PARAM_ARRAY_HT(origins)
    Z_PARAM_OPTIONAL
    Z_PARAM_ARRAY_HT(methods)
    Z_PARAM_ARRAY_HT(headers)
    Z_PARAM_BOOL(credentials)
    Z_PARAM_LONG(max_age)
    ZEND_PARSE_PARAMETERS_END();
    if (methods && zend_hash_num_elements(methods) == 0) {
        zend_argument_value_error(2, "must not be empty");
        RETURN_THROWS();
    }
    struct vd_php_cors cors = {0};
    if (!(cors.origins = join(1, origins, " ")) ||
        !(cors.methods = join_or(2, methods, VD_CORS_METHODS)) ||
        !(cors.headers = join_or(3, headers, headers ? "-" : VD_CORS_HEADERS)) ||
        !check_cors(origins, &cors, credentials, max_age)) {
        vd_php_cors_finish(&cors);
        RETURN_THROWS();
    }
    struct vd_php_config *config = vd_php_config_this(ZEND_THIS);
    vd_php_cors_finish(&config->cors);
    config->cors = cors;
    config->server.cors_origins = ZSTR_VAL(cors.origins);
    config->server.cors_methods = ZSTR_VAL(cors.methods);
    config->server.cors_headers = ZSTR_VAL(cors.headers);
    config->server.cors_credentials = credentials;
    config->server.cors_max_age_s = (uint32_t)max_age;
    RETURN_THIS();
}

void vd_php_config_http_info(const struct vd_php_config *config, zval *info)
{
    const struct vd_server_config *server = &config->server;
    add_assoc_bool(info, "compression", !server->compression_off);
    add_assoc_long(info, "compressionMinBytes", (zend_long)server->compression_min_bytes);
    add_assoc_long(info, "compressionLevel", server->compression_level);
    add_assoc_bool(info, "compressStreams", server->compress_streams);
    if (!config->cors.origins) {
        add_assoc_null(info, "cors");
        return;
    }
    zval cors;
    array_init(&cors);
    add_assoc_string(&cors, "origins", ZSTR_VAL(config->cors.origins));
    add_assoc_string(&cors, "methods", ZSTR_VAL(config->cors.methods));
    add_assoc_string(&cors, "headers", ZSTR_VAL(config->cors.headers));
    add_assoc_bool(&cors, "credentials", server->cors_credentials);
    add_assoc_long(&cors, "maxAge", server->cors_max_age_s);
    add_assoc_zval(info, "cors", &cors);
}
