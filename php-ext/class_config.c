/* SPDX-License-Identifier: Apache-2.0 */
/* Viaduct\Config: fluent, mutating settings. Each value is checked here, so that the error names
 * the parameter; what only the system can know (is the address free?) is run()'s to find out. */
#include "class_config.h"

#include <ext/spl/spl_exceptions.h>
#include <zend_exceptions.h>

#include <viaduct/log.h>

#include "class_broker_network.h"
#include "class_config_values.h"
#include "global_state.h"
#include "php_viaduct.h"

#define HOST_MAX_BYTES        63
#define HISTORY_PER_SCOPE_MAX 1000000

static zend_object_handlers config_handlers;

/* ---- life ----------------------------------------------------------------------------------- */

static zend_object *config_create(zend_class_entry *ce)
{
    struct vd_php_config *config = zend_object_alloc(sizeof(*config), ce);
    zend_object_std_init(&config->std, ce);
    object_properties_init(&config->std, ce);
    config->std.handlers = &config_handlers;
    config->server = (struct vd_server_config){.port = 3000,
                                               .workers = 1,
                                               .request_timeout_ms = 30000,
                                               .drain_timeout_ms = 10000,
                                               .max_body_bytes = 8 * 1024 * 1024,
                                               .max_header_bytes = 32 * 1024,
                                               .max_line_bytes = 8 * 1024,
                                               .max_header_count = 100,
                                               .header_timeout_ms = 10000,
                                               .body_timeout_ms = 30000,
                                               .min_rate_bytes = 500,
                                               .idle_timeout_ms = 60000,
                                               .max_queue = 4096,
                                               .pipeline_bytes = 64 * 1024,
                                               .request_buffer_bytes = 1024 * 1024,
                                               .upload_memory_bytes = 256 * 1024 * 1024,
                                               .response_memory_bytes = 256 * 1024 * 1024,
                                               .response_buffer_bytes = 1024 * 1024,
                                               .heartbeat_ms = 15000,
                                               .compression_min_bytes = 1024,
                                               .compression_level = 4,
                                               .retry_ms = 1000,
                                               .history_per_scope = 1000,
                                               .history_age_ms = 300000,
                                               .log_level = VD_LOG_INFO};
    ZVAL_UNDEF(&config->broker);
    config->global_state_rows = 1024;
    config->global_state_value_bytes = 4096;
    return &config->std;
}

static void static_release(struct vd_php_config *config)
{
    if (config->static_directory) {
        zend_string_release(config->static_directory);
    }
    if (config->static_prefix) {
        zend_string_release(config->static_prefix);
    }
}

static void config_free(zend_object *object)
{
    struct vd_php_config *config = vd_php_config_from(object);
    zend_object_std_dtor(object); /* first: a weak reference must not give out what is half freed */
    if (config->host) {
        zend_string_release(config->host);
    }
    static_release(config);
    vd_php_cors_finish(&config->cors);
    vd_php_config_edge_free(config);
    zval_ptr_dtor(&config->broker);
    vd_callable_list_finish(&config->broker_error);
}

static HashTable *config_gc(zend_object *object, zval **table, int *count)
{
    struct vd_php_config *config = vd_php_config_from(object);
    zend_get_gc_buffer *buffer = zend_get_gc_buffer_create();
    zend_get_gc_buffer_add_zval(buffer, &config->broker);
    vd_callable_list_gc(&config->broker_error, buffer);
    zend_get_gc_buffer_use(buffer, table, count);
    return zend_std_get_properties(object);
}

static HashTable *config_debug_info(zend_object *object, int *is_temporary)
{
    struct vd_php_config *config = vd_php_config_from(object);
    struct vd_server_config server;
    vd_php_config_server(config, &server);
    zval info;
    array_init(&info);
    if (server.host) {
        add_assoc_string(&info, "host", server.host);
        add_assoc_long(&info, "port", server.port);
    } else { /* listeners only */
        add_assoc_null(&info, "host");
        add_assoc_null(&info, "port");
    }
    add_assoc_long(&info, "workers", server.workers);
    add_assoc_string(&info, "broker", server.broker_display);
    add_assoc_long(&info, "globalStateMaxRows", config->global_state_rows);
    add_assoc_long(&info, "globalStateMaxValueBytes", config->global_state_value_bytes);
    add_assoc_bool(&info, "devMode", server.dev_mode);
    add_assoc_string(&info, "logLevel", vd_log_level_name(server.log_level));
    add_assoc_double(&info, "requestTimeout", server.request_timeout_ms / 1000.0);
    add_assoc_long(&info, "maxRequests", server.max_requests);
    add_assoc_double(&info, "drainTimeout", server.drain_timeout_ms / 1000.0);
    vd_php_config_limits_info(&info, &server);
    if (server.static_directory) {
        add_assoc_string(&info, "staticDirectory", server.static_directory);
    } else {
        add_assoc_null(&info, "staticDirectory");
    }
    add_assoc_string(&info, "staticPrefix", server.static_prefix);
    add_assoc_long(&info, "staticMaxAge", server.static_max_age_s);
    vd_php_config_edge_info(config, &info);
    vd_php_config_http_info(config, &info);
    add_assoc_double(&info, "heartbeat", server.heartbeat_ms / 1000.0);
    add_assoc_double(&info, "retry", server.retry_ms / 1000.0);
    add_assoc_long(&info, "historyMessagesPerScope", (zend_long)server.history_per_scope);
    add_assoc_double(&info, "historySeconds", server.history_age_ms / 1000.0);
    *is_temporary = 1;
    return Z_ARRVAL(info);
}

void vd_php_config_setup(void)
{
    vd_ce_config->create_object = config_create;
    memcpy(&config_handlers, &std_object_handlers, sizeof(config_handlers));
    config_handlers.offset = XtOffsetOf(struct vd_php_config, std);
    config_handlers.free_obj = config_free;
    config_handlers.get_gc = config_gc;
    config_handlers.get_debug_info = config_debug_info;
    config_handlers.clone_obj = NULL;
    config_handlers.compare = zend_objects_not_comparable; /* == is === */
}

void vd_php_config_server(const struct vd_php_config *config, struct vd_server_config *server)
{
    *server = config->server;
    server->host = config->host ? ZSTR_VAL(config->host) : "127.0.0.1";
    server->static_directory = config->static_directory ? ZSTR_VAL(config->static_directory) : NULL;
    server->static_prefix = config->static_prefix ? ZSTR_VAL(config->static_prefix) : "/";
    vd_php_config_edge_server(config, server);
    server->version = VIADUCT_VERSION;
    server->log_fd = 2;
    const zend_class_entry *ce =
        Z_TYPE(config->broker) == IS_OBJECT ? Z_OBJCE(config->broker) : vd_ce_memory_broker;
    vd_php_broker_driver(ce, &server->broker_driver, &server->broker_display);
    server->broker = Z_TYPE(config->broker) == IS_OBJECT
                         ? vd_php_broker_server_options(Z_OBJ(config->broker))
                         : NULL;
    server->broker_credentials_by_worker =
        Z_TYPE(config->broker) == IS_OBJECT && vd_php_broker_asks(Z_OBJ(config->broker));
}

/* ---- methods -------------------------------------------------------------------------------- */

ZEND_METHOD(Viaduct_Config, __construct)
{
    ZEND_PARSE_PARAMETERS_NONE();
}

ZEND_METHOD(Viaduct_Config, withHost)
{
    zend_string *host;
    ZEND_PARSE_PARAMETERS_START(1, 1)
    Z_PARAM_STR(host)
    ZEND_PARSE_PARAMETERS_END();
    if (ZSTR_LEN(host) == 0 || ZSTR_LEN(host) > HOST_MAX_BYTES ||
        strlen(ZSTR_VAL(host)) != ZSTR_LEN(host)) {
        zend_argument_value_error(1, "must be an IP address of 1 to %d bytes", HOST_MAX_BYTES);
        RETURN_THROWS();
    }
    struct vd_php_config *config = vd_php_config_this(ZEND_THIS);
    if (config->host) {
        zend_string_release(config->host);
    }
    config->host = zend_string_copy(host);
    RETURN_THIS();
}

ZEND_METHOD(Viaduct_Config, withPort)
{
    zend_long port;
    if (!vd_php_argument_whole(execute_data, 0, 65535, &port)) {
        RETURN_THROWS();
    }
    vd_php_config_this(ZEND_THIS)->server.port = (uint16_t)port;
    vd_php_config_this(ZEND_THIS)->server.port_any = port == 0;
    vd_php_config_this(ZEND_THIS)->port_set = true;
    RETURN_THIS();
}

ZEND_METHOD(Viaduct_Config, withWorkerNum)
{
    zend_long workers;
    if (!vd_php_argument_whole(execute_data, 1, VD_WORKERS_MAX, &workers)) {
        RETURN_THROWS();
    }
    vd_php_config_this(ZEND_THIS)->server.workers = (unsigned)workers;
    RETURN_THIS();
}

ZEND_METHOD(Viaduct_Config, withBroker)
{
    zval *broker;
    ZEND_PARSE_PARAMETERS_START(1, 1)
    Z_PARAM_OBJECT_OF_CLASS(broker, vd_ce_broker)
    ZEND_PARSE_PARAMETERS_END();
    const char *driver;
    const char *display;
    if (!vd_php_broker_driver(Z_OBJCE_P(broker), &driver, &display)) {
        zend_throw_exception_ex(
            spl_ce_InvalidArgumentException, 0,
            "%s cannot be used as broker: the broker runs in the gateway process, which runs no "
            "PHP. Use a class of Viaduct\\Broker: InMemoryBroker, PipeBroker, RedisBroker or "
            "NatsBroker",
            ZSTR_VAL(Z_OBJCE_P(broker)->name));
        RETURN_THROWS();
    }
    if (!vd_php_broker_serves(Z_OBJ_P(broker))) {
        RETURN_THROWS();
    }
    vd_php_slot_set(&vd_php_config_this(ZEND_THIS)->broker, broker);
    RETURN_THIS();
}

ZEND_METHOD(Viaduct_Config, withGlobalStateTableSize)
{
    zend_long rows = 1024;
    zend_long value_bytes = 4096;
    ZEND_PARSE_PARAMETERS_START(0, 2)
    Z_PARAM_OPTIONAL
    Z_PARAM_LONG(rows)
    Z_PARAM_LONG(value_bytes)
    ZEND_PARSE_PARAMETERS_END();
    if (!vd_php_argument_in_range(1, rows, 1, VD_PHP_STATE_ROWS_MAX) ||
        !vd_php_argument_in_range(2, value_bytes, 1, VD_PHP_STATE_VALUE_MAX)) {
        RETURN_THROWS();
    }
    VIADUCT_G(shared)->state_rows = rows;
    VIADUCT_G(shared)->state_value_bytes = value_bytes;
    vd_php_config_this(ZEND_THIS)->global_state_rows = rows;
    vd_php_config_this(ZEND_THIS)->global_state_value_bytes = value_bytes;
    RETURN_THIS();
}

ZEND_METHOD(Viaduct_Config, withDevMode)
{
    bool dev_mode = true;
    ZEND_PARSE_PARAMETERS_START(0, 1)
    Z_PARAM_OPTIONAL
    Z_PARAM_BOOL(dev_mode)
    ZEND_PARSE_PARAMETERS_END();
    vd_php_config_this(ZEND_THIS)->server.dev_mode = dev_mode;
    RETURN_THIS();
}

ZEND_METHOD(Viaduct_Config, withLogLevel)
{
    zend_string *level;
    ZEND_PARSE_PARAMETERS_START(1, 1)
    Z_PARAM_STR(level)
    ZEND_PARSE_PARAMETERS_END();
    if (strlen(ZSTR_VAL(level)) != ZSTR_LEN(level) ||
        !vd_log_level_parse(ZSTR_VAL(level), &vd_php_config_this(ZEND_THIS)->server.log_level)) {
        zend_argument_value_error(1, "must be debug, info, warn, error or off");
        RETURN_THROWS();
    }
    RETURN_THIS();
}

ZEND_METHOD(Viaduct_Config, withRequestTimeout)
{
    if (!vd_php_argument_duration(execute_data,
                                  &vd_php_config_this(ZEND_THIS)->server.request_timeout_ms)) {
        RETURN_THROWS();
    }
    RETURN_THIS();
}

ZEND_METHOD(Viaduct_Config, withMaxRequests)
{
    zend_long requests;
    if (!vd_php_argument_whole(execute_data, 0, INT32_MAX, &requests)) {
        RETURN_THROWS();
    }
    vd_php_config_this(ZEND_THIS)->server.max_requests = (uint32_t)requests;
    RETURN_THIS();
}

ZEND_METHOD(Viaduct_Config, withDrainTimeout)
{
    if (!vd_php_argument_duration(execute_data,
                                  &vd_php_config_this(ZEND_THIS)->server.drain_timeout_ms)) {
        RETURN_THROWS();
    }
    RETURN_THIS();
}

ZEND_METHOD(Viaduct_Config, withHeartbeat)
{
    if (!vd_php_argument_duration(execute_data,
                                  &vd_php_config_this(ZEND_THIS)->server.heartbeat_ms)) {
        RETURN_THROWS();
    }
    RETURN_THIS();
}

ZEND_METHOD(Viaduct_Config, withRetry)
{
    if (!vd_php_argument_duration(execute_data, &vd_php_config_this(ZEND_THIS)->server.retry_ms)) {
        RETURN_THROWS();
    }
    RETURN_THIS();
}

ZEND_METHOD(Viaduct_Config, withHistory)
{
    zend_long messages = 1000;
    zval *seconds = NULL;
    ZEND_PARSE_PARAMETERS_START(0, 2)
    Z_PARAM_OPTIONAL
    Z_PARAM_LONG(messages)
    Z_PARAM_NUMBER(seconds)
    ZEND_PARSE_PARAMETERS_END();
    uint32_t age_ms = 300000;
    if (!vd_php_argument_in_range(1, messages, 1, HISTORY_PER_SCOPE_MAX) ||
        (seconds && !vd_php_argument_seconds(2, seconds, &age_ms))) {
        RETURN_THROWS();
    }
    vd_php_config_this(ZEND_THIS)->server.history_per_scope = (size_t)messages;
    vd_php_config_this(ZEND_THIS)->server.history_age_ms = age_ms;
    RETURN_THIS();
}

/* Absolute, so that a later chdir() does not matter; links are left as they are, since a deployment
 * may move them. NULL: the value error is thrown. */
static zend_string *directory_argument(const char *directory)
{
    char *expanded = expand_filepath(directory, NULL);
    zend_stat_t status;
    zend_string *result = NULL;

    if (expanded && VCWD_STAT(expanded, &status) == 0 && S_ISDIR(status.st_mode)) {
        result = zend_string_init(expanded, strlen(expanded), 0);
    } else {
        zend_argument_value_error(1, "must be a directory that exists, \"%s\" given", directory);
    }
    if (expanded) {
        efree(expanded);
    }
    return result;
}

ZEND_METHOD(Viaduct_Config, withStaticDir)
{
    char *directory;
    size_t directory_length;
    char *prefix = (char *)"/"; /* the parser's own type: nothing writes to it */
    size_t prefix_length = 1;
    zend_long max_age = 0;
    ZEND_PARSE_PARAMETERS_START(1, 3)
    Z_PARAM_PATH(directory, directory_length)
    Z_PARAM_OPTIONAL
    Z_PARAM_PATH(prefix, prefix_length)
    Z_PARAM_LONG(max_age)
    ZEND_PARSE_PARAMETERS_END();
    if (!vd_server_is_prefix(prefix)) {
        zend_argument_value_error(2, "must be a path such as /assets, of letters, digits and "
                                     "-._~!$&'()*+,;=:@ between single slashes");
        RETURN_THROWS();
    }
    if (max_age < 0 || max_age > 31536000) {
        zend_argument_value_error(
            3, "must be between 0 and 31536000 seconds, " ZEND_LONG_FMT " given", max_age);
        RETURN_THROWS();
    }
    zend_string *absolute = directory_argument(directory_length ? directory : "");
    if (!absolute) {
        RETURN_THROWS();
    }
    struct vd_php_config *config = vd_php_config_this(ZEND_THIS);
    static_release(config);
    config->static_directory = absolute;
    config->static_prefix = zend_string_init(prefix, prefix_length, 0);
    config->server.static_max_age_s = (uint32_t)max_age;
    RETURN_THIS();
}

ZEND_METHOD(Viaduct_Config, onBrokerError)
{
    zend_fcall_info fci;
    zend_fcall_info_cache fcc;
    ZEND_PARSE_PARAMETERS_START(1, 1)
    Z_PARAM_FUNC(fci, fcc)
    ZEND_PARSE_PARAMETERS_END();
    vd_callable_list_add(&vd_php_config_this(ZEND_THIS)->broker_error, &fci, &fcc);
    RETURN_THIS();
}
