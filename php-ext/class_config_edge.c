/* SPDX-License-Identifier: Apache-2.0 */
/* Viaduct\Config, the settings of the edge: listeners, trusted proxies, access log, request ids.
 * The texts are kept here for as long as the Config lives; what they mean is the server's to say,
 * so its own readers check them and word the errors. */
#include "class_config.h"

#include <zend_exceptions.h>

#include "common_listen.h"
#include "common_network.h"
#include "php_viaduct.h"

static void list_clear(struct vd_php_texts *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        zend_string_release(list->strings[i]);
    }
    list->count = 0;
}

static void list_add(struct vd_php_texts *list, zend_string *text)
{
    list->strings[list->count] = zend_string_copy(text);
    list->texts[list->count++] = ZSTR_VAL(text);
}

void vd_php_config_edge_free(struct vd_php_config *config)
{
    list_clear(&config->listeners);
    list_clear(&config->trusted);
    if (config->access_log_path) {
        zend_string_release(config->access_log_path);
    }
    if (config->control_path) {
        zend_string_release(config->control_path);
    }
}

void vd_php_config_edge_server(const struct vd_php_config *config, struct vd_server_config *server)
{
    server->listeners = config->listeners.texts;
    server->listener_count = config->listeners.count;
    if (config->listeners.count > 0 && !config->host && !config->port_set) {
        server->host = NULL;
        server->port = 0;
    }
    server->trusted_proxies = config->trusted.texts;
    server->trusted_proxy_count = config->trusted.count;
    server->access_log_path = config->access_log_path ? ZSTR_VAL(config->access_log_path) : NULL;
    server->control_path = config->control_path ? ZSTR_VAL(config->control_path) : NULL;
}

/* ---- var_dump ------------------------------------------------------------------------------- */

static const char *const header_words[] = {"any", "forwarded", "x-forwarded"};
static const char *const format_words[] = {"off", "common", "json"};

static void add_list(zval *info, const char *name, const struct vd_php_texts *list)
{
    zval array;
    array_init_size(&array, list->count);
    for (uint32_t i = 0; i < list->count; i++) {
        add_next_index_str(&array, zend_string_copy(list->strings[i]));
    }
    add_assoc_zval(info, name, &array);
}

void vd_php_config_edge_info(const struct vd_php_config *config, zval *info)
{
    add_list(info, "listeners", &config->listeners);
    add_list(info, "trustedProxies", &config->trusted);
    add_assoc_string(info, "forwardedHeaders", header_words[config->server.forwarded_headers]);
    add_assoc_string(info, "accessLog", format_words[config->server.access_log]);
    if (config->access_log_path) {
        add_assoc_str(info, "accessLogTo", zend_string_copy(config->access_log_path));
    } else {
        add_assoc_long(info, "accessLogTo",
                       config->server.access_log_fd ? config->server.access_log_fd : 1);
    }
    add_assoc_bool(info, "accessLogQuery", config->server.access_log_query);
    add_assoc_bool(info, "requestIdHeader", !config->server.hide_request_id);
    if (!config->control_path) {
        add_assoc_string(info, "controlSocket", "default");
    } else if (ZSTR_LEN(config->control_path) == 0) {
        add_assoc_null(info, "controlSocket");
    } else {
        add_assoc_str(info, "controlSocket", zend_string_copy(config->control_path));
    }
}

/* ---- methods -------------------------------------------------------------------------------- */

static bool has_nul(const zend_string *text)
{
    return strlen(ZSTR_VAL(text)) != ZSTR_LEN(text);
}

static bool word_argument(uint32_t argument, const zend_string *word, const char *const words[3],
                          unsigned *number)
{
    for (unsigned i = 0; i < 3; i++) {
        if (zend_string_equals_cstr(word, words[i], strlen(words[i]))) {
            *number = i;
            return true;
        }
    }
    zend_argument_value_error(argument, "must be \"%s\", \"%s\" or \"%s\"", words[0], words[1],
                              words[2]);
    return false;
}

ZEND_METHOD(Viaduct_Config, withListener)
{
    zend_string *address;
    ZEND_PARSE_PARAMETERS_START(1, 1)
    Z_PARAM_STR(address)
    ZEND_PARSE_PARAMETERS_END();
    struct vd_php_config *config = vd_php_config_this(ZEND_THIS);
    struct vd_listen_address read;
    struct vd_error error = {0};
    if (has_nul(address)) {
        zend_argument_value_error(1, "must not contain any null bytes");
        RETURN_THROWS();
    }
    if (vd_listen_parse(ZSTR_VAL(address), &read, &error) != VD_OK) {
        zend_argument_value_error(1, "is refused: %s", error.text);
        RETURN_THROWS();
    }
    if (config->listeners.count >= VD_LISTENERS_MAX) {
        zend_argument_value_error(1, "is one too many: allowed are %d listeners", VD_LISTENERS_MAX);
        RETURN_THROWS();
    }
    list_add(&config->listeners, address);
    RETURN_THIS();
}

static bool check_networks(zval *arguments, uint32_t count)
{
    struct vd_network network;
    struct vd_error error = {0};
    if (count > VD_TRUSTED_MAX) {
        zend_argument_value_error(VD_TRUSTED_MAX + 1, "is one too many: allowed are %d networks",
                                  VD_TRUSTED_MAX);
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (Z_TYPE(arguments[i]) != IS_STRING) {
            zend_argument_type_error(i + 1, "must be of type string, %s given",
                                     zend_zval_type_name(&arguments[i]));
            return false;
        }
        if (has_nul(Z_STR(arguments[i]))) {
            zend_argument_value_error(i + 1, "must not contain any null bytes");
            return false;
        }
        if (vd_network_parse(Z_STRVAL(arguments[i]), &network, &error) != VD_OK) {
            zend_argument_value_error(i + 1, "is refused: %s", error.text);
            return false;
        }
    }
    return true;
}

ZEND_METHOD(Viaduct_Config, withTrustedProxies)
{
    zval *arguments;
    uint32_t count;
    ZEND_PARSE_PARAMETERS_START(0, -1)
    Z_PARAM_VARIADIC('*', arguments, count)
    ZEND_PARSE_PARAMETERS_END();
    struct vd_php_config *config = vd_php_config_this(ZEND_THIS);
    if (!check_networks(arguments, count)) {
        RETURN_THROWS();
    }
    list_clear(&config->trusted);
    for (uint32_t i = 0; i < count; i++) {
        list_add(&config->trusted, Z_STR(arguments[i]));
    }
    RETURN_THIS();
}

ZEND_METHOD(Viaduct_Config, withForwardedHeaders)
{
    zend_string *which;
    unsigned number;
    ZEND_PARSE_PARAMETERS_START(1, 1)
    Z_PARAM_STR(which)
    ZEND_PARSE_PARAMETERS_END();
    if (!word_argument(1, which, header_words, &number)) {
        RETURN_THROWS();
    }
    vd_php_config_this(ZEND_THIS)->server.forwarded_headers = (enum vd_forwarded_headers)number;
    RETURN_THIS();
}

/* Absolute, so that a later chdir() does not matter. NULL: the error is thrown. */
static zend_string *path_argument(uint32_t argument, const zend_string *path, const char *what)
{
    char *expanded;
    zend_string *absolute;
    if (ZSTR_LEN(path) == 0 || has_nul(path) ||
        !(expanded = expand_filepath(ZSTR_VAL(path), NULL))) {
        zend_argument_value_error(argument, "must be %s", what);
        return NULL;
    }
    absolute = zend_string_init(expanded, strlen(expanded), 0);
    efree(expanded);
    return absolute;
}

ZEND_METHOD(Viaduct_Config, withAccessLog)
{
    zend_string *format = NULL;
    zend_string *path = NULL;
    zend_long descriptor = 1;
    bool descriptor_is_null = true;
    bool query = false;
    unsigned number = VD_ACCESS_COMMON;
    ZEND_PARSE_PARAMETERS_START(0, 3)
    Z_PARAM_OPTIONAL
    Z_PARAM_STR(format)
    Z_PARAM_STR_OR_LONG_OR_NULL(path, descriptor, descriptor_is_null)
    Z_PARAM_BOOL(query)
    ZEND_PARSE_PARAMETERS_END();
    struct vd_php_config *config = vd_php_config_this(ZEND_THIS);
    if (format && !word_argument(1, format, format_words, &number)) {
        RETURN_THROWS();
    }
    if (!path && !descriptor_is_null && (descriptor < 1 || descriptor > INT_MAX)) {
        zend_argument_value_error(2, "must be a descriptor from 1");
        RETURN_THROWS();
    }
    if (path && !(path = path_argument(2, path, "the path of a file or pipe, or a descriptor"))) {
        RETURN_THROWS();
    }
    if (config->access_log_path) {
        zend_string_release(config->access_log_path);
    }
    config->access_log_path = path;
    config->server.access_log = (enum vd_access_log)number;
    config->server.access_log_fd = descriptor_is_null ? 1 : (int)descriptor;
    config->server.access_log_query = query;
    RETURN_THIS();
}

ZEND_METHOD(Viaduct_Config, withRequestIdHeader)
{
    bool on = true;
    ZEND_PARSE_PARAMETERS_START(0, 1)
    Z_PARAM_OPTIONAL
    Z_PARAM_BOOL(on)
    ZEND_PARSE_PARAMETERS_END();
    vd_php_config_this(ZEND_THIS)->server.hide_request_id = !on;
    RETURN_THIS();
}

/* sun_path has room for so many bytes; the server says the same. */
#define CONTROL_PATH_MAX 107

ZEND_METHOD(Viaduct_Config, withControlSocket)
{
    zend_string *path = NULL;
    ZEND_PARSE_PARAMETERS_START(1, 1)
    Z_PARAM_STR_OR_NULL(path)
    ZEND_PARSE_PARAMETERS_END();
    struct vd_php_config *config = vd_php_config_this(ZEND_THIS);
    if (path) {
        path = path_argument(1, path, "the path of a socket, or null for none");
        if (!path) {
            RETURN_THROWS();
        }
        if (ZSTR_LEN(path) > CONTROL_PATH_MAX) {
            zend_string_release(path);
            zend_argument_value_error(1, "must have at most %d bytes as an absolute path",
                                      CONTROL_PATH_MAX);
            RETURN_THROWS();
        }
    }
    if (config->control_path) {
        zend_string_release(config->control_path);
    }
    config->control_path = path ? path : ZSTR_EMPTY_ALLOC();
    RETURN_THIS();
}
