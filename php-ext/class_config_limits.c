/* SPDX-License-Identifier: Apache-2.0 */
/* Viaduct\Config: what clients and their connections may take, in bytes, number and time. */
#include "class_config.h"

#include "class_config_values.h"
#include "php_viaduct.h"

#define CONNECTIONS_MAX 1000000
#define MEMORY_MAX      1099511627776

/* var_dump(): every setting by the name of its method's parameter. */
void vd_php_config_limits_info(zval *info, const struct vd_server_config *server)
{
    add_assoc_long(info, "maxBodySize", (zend_long)server->max_body_bytes);
    add_assoc_long(info, "lineBytes", (zend_long)server->max_line_bytes);
    add_assoc_long(info, "headerBytes", (zend_long)server->max_header_bytes);
    add_assoc_long(info, "headerCount", (zend_long)server->max_header_count);
    add_assoc_double(info, "headerTimeout", server->header_timeout_ms / 1000.0);
    add_assoc_double(info, "bodyTimeout", server->body_timeout_ms / 1000.0);
    add_assoc_long(info, "minBytesPerSecond", server->min_rate_bytes);
    add_assoc_double(info, "idleTimeout", server->idle_timeout_ms / 1000.0);
    add_assoc_long(info, "maxConnections", (zend_long)server->max_connections);
    add_assoc_long(info, "maxConnectionsPerAddress", (zend_long)server->max_address_connections);
    add_assoc_long(info, "maxConnectionRequests", server->max_connection_requests);
    add_assoc_long(info, "maxQueue", (zend_long)server->max_queue);
    add_assoc_long(info, "uploadMemory", (zend_long)server->upload_memory_bytes);
    add_assoc_long(info, "responseMemory", (zend_long)server->response_memory_bytes);
    add_assoc_long(info, "maxUploadWorkers", server->max_upload_workers);
    add_assoc_long(info, "pipelineBuffer", (zend_long)server->pipeline_bytes);
    add_assoc_long(info, "requestBuffer", (zend_long)server->request_buffer_bytes);
    add_assoc_long(info, "responseBuffer", (zend_long)server->response_buffer_bytes);
}

ZEND_METHOD(Viaduct_Config, withMaxBodySize)
{
    zend_long bytes;
    if (!vd_php_argument_whole(execute_data, 1, (zend_long)1 << 40, &bytes)) {
        RETURN_THROWS();
    }
    vd_php_config_this(ZEND_THIS)->server.max_body_bytes = (size_t)bytes;
    RETURN_THIS();
}

ZEND_METHOD(Viaduct_Config, withHeaderLimits)
{
    zend_long line_bytes = 8192;
    zend_long header_bytes = 32768;
    zend_long header_count = 100;
    ZEND_PARSE_PARAMETERS_START(0, 3)
    Z_PARAM_OPTIONAL
    Z_PARAM_LONG(line_bytes)
    Z_PARAM_LONG(header_bytes)
    Z_PARAM_LONG(header_count)
    ZEND_PARSE_PARAMETERS_END();
    if (!vd_php_argument_in_range(1, line_bytes, 64, VD_HEADER_BYTES_MOST) ||
        !vd_php_argument_in_range(2, header_bytes, 1024, VD_HEADER_BYTES_MOST) ||
        !vd_php_argument_in_range(3, header_count, 1, 100)) {
        RETURN_THROWS();
    }
    struct vd_server_config *server = &vd_php_config_this(ZEND_THIS)->server;
    server->max_line_bytes = (size_t)line_bytes;
    server->max_header_bytes = (size_t)header_bytes;
    server->max_header_count = (size_t)header_count;
    RETURN_THIS();
}

ZEND_METHOD(Viaduct_Config, withHeaderTimeout)
{
    if (!vd_php_argument_network_duration(
            execute_data, &vd_php_config_this(ZEND_THIS)->server.header_timeout_ms)) {
        RETURN_THROWS();
    }
    RETURN_THIS();
}

ZEND_METHOD(Viaduct_Config, withIdleTimeout)
{
    if (!vd_php_argument_network_duration(execute_data,
                                          &vd_php_config_this(ZEND_THIS)->server.idle_timeout_ms)) {
        RETURN_THROWS();
    }
    RETURN_THIS();
}

ZEND_METHOD(Viaduct_Config, withBodyTimeout)
{
    zval *seconds = NULL;
    zend_long rate = 500;
    uint32_t timeout_ms = 30000;
    ZEND_PARSE_PARAMETERS_START(0, 2)
    Z_PARAM_OPTIONAL
    Z_PARAM_NUMBER(seconds)
    Z_PARAM_LONG(rate)
    ZEND_PARSE_PARAMETERS_END();
    if ((seconds && !vd_php_argument_network_seconds(1, seconds, &timeout_ms)) ||
        !vd_php_argument_in_range(2, rate, 1, 1000000000)) {
        RETURN_THROWS();
    }
    vd_php_config_this(ZEND_THIS)->server.body_timeout_ms = timeout_ms;
    vd_php_config_this(ZEND_THIS)->server.min_rate_bytes = (uint32_t)rate;
    RETURN_THIS();
}

ZEND_METHOD(Viaduct_Config, withMaxConnections)
{
    zend_long connections = 0;
    zend_long per_address = 0;
    ZEND_PARSE_PARAMETERS_START(0, 2)
    Z_PARAM_OPTIONAL
    Z_PARAM_LONG(connections)
    Z_PARAM_LONG(per_address)
    ZEND_PARSE_PARAMETERS_END();
    if (!vd_php_argument_in_range(1, connections, 0, CONNECTIONS_MAX) ||
        !vd_php_argument_in_range(2, per_address, 0, CONNECTIONS_MAX)) {
        RETURN_THROWS();
    }
    vd_php_config_this(ZEND_THIS)->server.max_connections = (size_t)connections;
    vd_php_config_this(ZEND_THIS)->server.max_address_connections = (size_t)per_address;
    RETURN_THIS();
}

ZEND_METHOD(Viaduct_Config, withMaxConnectionRequests)
{
    zend_long requests;
    if (!vd_php_argument_whole(execute_data, 0, INT32_MAX, &requests)) {
        RETURN_THROWS();
    }
    vd_php_config_this(ZEND_THIS)->server.max_connection_requests = (uint32_t)requests;
    RETURN_THIS();
}

ZEND_METHOD(Viaduct_Config, withMaxQueue)
{
    zend_long requests;
    if (!vd_php_argument_whole(execute_data, 1, CONNECTIONS_MAX, &requests)) {
        RETURN_THROWS();
    }
    vd_php_config_this(ZEND_THIS)->server.max_queue = (size_t)requests;
    RETURN_THIS();
}

ZEND_METHOD(Viaduct_Config, withUploadMemory)
{
    zend_long bytes;
    if (!vd_php_argument_whole(execute_data, 64 * 1024, MEMORY_MAX, &bytes)) {
        RETURN_THROWS();
    }
    vd_php_config_this(ZEND_THIS)->server.upload_memory_bytes = (size_t)bytes;
    RETURN_THIS();
}

ZEND_METHOD(Viaduct_Config, withResponseMemory)
{
    zend_long bytes;
    if (!vd_php_argument_whole(execute_data, 64 * 1024, MEMORY_MAX, &bytes)) {
        RETURN_THROWS();
    }
    vd_php_config_this(ZEND_THIS)->server.response_memory_bytes = (size_t)bytes;
    RETURN_THIS();
}

ZEND_METHOD(Viaduct_Config, withMaxUploadWorkers)
{
    zend_long workers;
    if (!vd_php_argument_whole(execute_data, 0, VD_WORKERS_MAX, &workers)) {
        RETURN_THROWS();
    }
    vd_php_config_this(ZEND_THIS)->server.max_upload_workers = (uint32_t)workers;
    RETURN_THIS();
}

ZEND_METHOD(Viaduct_Config, withPipelineBuffer)
{
    zend_long bytes;
    if (!vd_php_argument_whole(execute_data, 1024, 16 * 1024 * 1024, &bytes)) {
        RETURN_THROWS();
    }
    vd_php_config_this(ZEND_THIS)->server.pipeline_bytes = (size_t)bytes;
    RETURN_THIS();
}

ZEND_METHOD(Viaduct_Config, withResponseBuffer)
{
    zend_long bytes;
    if (!vd_php_argument_whole(execute_data, 64 * 1024, 1024 * 1024 * 1024, &bytes)) {
        RETURN_THROWS();
    }
    vd_php_config_this(ZEND_THIS)->server.response_buffer_bytes = (size_t)bytes;
    RETURN_THIS();
}

ZEND_METHOD(Viaduct_Config, withRequestBuffer)
{
    zend_long bytes;
    if (!vd_php_argument_whole(execute_data, 4096, 64 * 1024 * 1024, &bytes)) {
        RETURN_THROWS();
    }
    vd_php_config_this(ZEND_THIS)->server.request_buffer_bytes = (size_t)bytes;
    RETURN_THIS();
}
