/* SPDX-License-Identifier: Apache-2.0 */
/* Defaults and limits of the server's configuration, in one table.
 *
 * Happy path: zeroed fields get their defaults, every number is checked against its row. Failure:
 * the first field that is wrong is named, with what is allowed; nothing has been started yet. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <viaduct/broker_driver.h>

#include "common_control.h"
#include "common_cors.h"
#include "common_http.h"
#include "common_node.h"

struct limit {
    const char *field;
    size_t offset;
    size_t size; /* of the field: 4 or 8 */
    uint64_t fallback;
    uint64_t minimum;
    uint64_t maximum;
};

#define KIB   1024ull
#define MIB   (1024ull * KIB)
#define GIB   (1024ull * MIB)
#define A_DAY 86400000ull

#define CONNECTIONS_MAX    1000000u
#define DESCRIPTOR_RESERVE 64u /* files, bells, the broker's link */

#define ROW(name, fallback, minimum, maximum)                                                      \
    {                                                                                              \
#name, offsetof(struct vd_server_config, name),                                            \
            sizeof(((struct vd_server_config *)NULL)->name), fallback, minimum, maximum            \
    }

/* A minimum of 0 means that 0 is a value of its own. */
static const struct limit limits[] = {
    ROW(workers, 1, 1, VD_WORKERS_MAX),
    ROW(request_timeout_ms, 30000, 10, A_DAY),
    ROW(max_requests, 0, 0, UINT32_MAX),
    ROW(drain_timeout_ms, 10000, 10, A_DAY),
    ROW(boot_timeout_ms, 30000, 10, A_DAY),
    ROW(max_body_bytes, 8 * MIB, 1, 1024 * GIB),
    ROW(request_buffer_bytes, MIB, 4096, 64 * MIB),
    ROW(max_header_bytes, 32 * KIB, KIB, VD_HEADER_BYTES_MOST),
    ROW(max_line_bytes, 8 * KIB, 64, VD_HEADER_BYTES_MOST),
    ROW(max_header_count, VD_HTTP_HEADERS_MAX, 1, VD_HTTP_HEADERS_MAX),
    ROW(max_message_bytes, VD_MESSAGE_MAX_BYTES, 1, 64 * MIB),
    ROW(max_queue, 4096, 1, 1000000),
    ROW(max_connections, 0, 0, CONNECTIONS_MAX),
    ROW(max_address_connections, 0, 0, CONNECTIONS_MAX),
    ROW(max_connection_requests, 0, 0, UINT32_MAX),
    ROW(response_memory_bytes, 256 * MIB, 64 * KIB, 1024 * GIB),
    ROW(upload_memory_bytes, 256 * MIB, 64 * KIB, 1024 * GIB),
    ROW(max_upload_workers, 0, 0, VD_WORKERS_MAX),
    ROW(pipeline_bytes, 64 * KIB, KIB, 16 * MIB),
    ROW(response_buffer_bytes, MIB, 64 * KIB, GIB),
    ROW(heartbeat_ms, 15000, 10, A_DAY),
    ROW(retry_ms, 1000, 1, A_DAY),
    ROW(idle_timeout_ms, 60000, 10, A_DAY),
    ROW(header_timeout_ms, 10000, 10, A_DAY),
    ROW(body_timeout_ms, 30000, 10, A_DAY),
    ROW(min_rate_bytes, 500, 1, 1000000000),
    ROW(stream_queue_bytes, MIB, 4 * KIB, GIB),
    ROW(history_log_bytes, 16 * MIB, 64 * KIB, 4 * GIB),
    ROW(history_per_scope, 1000, 1, 1000000),
    ROW(history_age_ms, 300000, 1, UINT32_MAX),
    ROW(publish_timeout_ms, 1000, 1, A_DAY),
    ROW(static_max_age_s, 0, 0, 31536000),
    ROW(compression_min_bytes, KIB, 1, GIB),
    ROW(compression_level, 4, 1, 9),
    ROW(cors_max_age_s, 600, 1, 86400),
};

static uint64_t read_field(const struct vd_server_config *config, const struct limit *limit)
{
    const unsigned char *at = (const unsigned char *)config + limit->offset;
    uint32_t narrow;
    uint64_t wide;

    if (limit->size == sizeof(narrow)) {
        memcpy(&narrow, at, sizeof(narrow));
        return narrow;
    }
    memcpy(&wide, at, sizeof(wide));
    return wide;
}

static void write_field(struct vd_server_config *config, const struct limit *limit, uint64_t value)
{
    unsigned char *at = (unsigned char *)config + limit->offset;
    uint32_t narrow = (uint32_t)value;

    if (limit->size == sizeof(narrow)) {
        memcpy(at, &narrow, sizeof(narrow));
    } else {
        memcpy(at, &value, sizeof(value));
    }
}

static enum vd_err check_numbers(struct vd_server_config *config, struct vd_error *error)
{
    for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
        const struct limit *limit = &limits[i];
        uint64_t value = read_field(config, limit);

        if (value == 0) {
            value = limit->fallback;
            write_field(config, limit, value);
        }
        if (value < limit->minimum || value > limit->maximum) {
            return vd_error_set(
                error, VD_ERR_INVALID,
                "%s is %llu, allowed are %llu to %llu (0: the default, %llu)", limit->field,
                (unsigned long long)value, (unsigned long long)limit->minimum,
                (unsigned long long)limit->maximum, (unsigned long long)limit->fallback);
        }
    }
    if (config->upload_memory_bytes < 2 * config->request_buffer_bytes) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "upload_memory_bytes is %zu, allowed is twice request_buffer_bytes "
                            "(%zu) or more",
                            config->upload_memory_bytes, config->request_buffer_bytes);
    }
    if (config->max_upload_workers > config->workers) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "max_upload_workers is %u, allowed are 1 to %u, the number of workers "
                            "(0: half of them)",
                            config->max_upload_workers, config->workers);
    }
    if (config->max_upload_workers == 0)
        config->max_upload_workers = config->workers > 1 ? config->workers / 2 : 1;
    if (config->history_log_bytes & (config->history_log_bytes - 1)) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "history_log_bytes is %zu, allowed are powers of two from 65536",
                            config->history_log_bytes);
    }
    return VD_OK;
}

/* The gateway raises its soft limit of descriptors to the hard one (supervisor_children.c). */
static enum vd_err check_connections(struct vd_server_config *config, struct vd_error *error)
{
    struct rlimit files;
    size_t allowed = CONNECTIONS_MAX;
    size_t reserve = DESCRIPTOR_RESERVE + config->workers;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return vd_error_set_errno(error, "getrlimit(RLIMIT_NOFILE)");
    if (files.rlim_max < allowed + reserve)
        allowed = files.rlim_max > 2 * reserve ? files.rlim_max - reserve : reserve;
    if (config->max_connections > allowed) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "max_connections is %zu, allowed are 1 to %zu (0: as many as that), "
                            "from the hard limit of open files (ulimit -Hn)",
                            config->max_connections, allowed);
    }
    if (config->max_connections == 0)
        config->max_connections = allowed;
    return VD_OK;
}

static enum vd_err check_listeners(const struct vd_server_config *config, unsigned first,
                                   struct vd_error *error)
{
    struct vd_listen_address address;

    if (config->listener_count + first > VD_LISTENERS_MAX) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "there are %u listeners, allowed are %u (host and port are one of "
                            "them)",
                            config->listener_count + first, VD_LISTENERS_MAX);
    }
    for (unsigned i = 0; i < config->listener_count; i++) {
        enum vd_err result = vd_listen_parse(config->listeners[i], &address, error);

        if (result != VD_OK)
            return result;
    }
    return VD_OK;
}

static enum vd_err check_address(struct vd_server_config *config, struct vd_error *error)
{
    size_t length;

    if (config->listener_count > 0 && !config->host && !config->port && !config->port_any)
        return check_listeners(config, 0, error);
    if (!config->host)
        config->host = "127.0.0.1";
    length = strlen(config->host);
    if (length == 0 || length >= 64) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "host has %zu bytes, allowed are 1 to %zu: an address such as "
                            "127.0.0.1, 0.0.0.0 or ::",
                            length, (size_t)63);
    }
    if (config->port_any && config->port != 0) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "port is %u and port_any is set, allowed is one of the two",
                            config->port);
    }
    if (config->port == 0 && !config->port_any)
        config->port = 3000;
    return check_listeners(config, 1, error);
}

bool vd_server_is_prefix(const char *prefix)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                  "-._~!$&'()*+,;=:@/";

    return prefix[0] == '/' && strlen(prefix) <= 255 && strspn(prefix, allowed) == strlen(prefix) &&
           !strstr(prefix, "//");
}

static enum vd_err check_static(struct vd_server_config *config, struct vd_error *error)
{
    struct stat status;

    if (!config->static_prefix)
        config->static_prefix = "/";
    if (!vd_server_is_prefix(config->static_prefix)) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "static_prefix is not a path, allowed are up to 255 bytes such as "
                            "/assets: letters, digits and -._~!$&'()*+,;=:@ between single "
                            "slashes");
    }
    if (!config->static_directory)
        return VD_OK;
    if (stat(config->static_directory, &status) != 0 || !S_ISDIR(status.st_mode) ||
        access(config->static_directory, X_OK) != 0) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "static_directory is %.200s, allowed is a directory that this user "
                            "may enter",
                            config->static_directory);
    }
    return VD_OK;
}

static enum vd_err check_access_log(struct vd_server_config *config, struct vd_error *error)
{
    if ((unsigned)config->access_log > VD_ACCESS_JSON) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "access_log is %d, allowed are VD_ACCESS_OFF to VD_ACCESS_JSON",
                            (int)config->access_log);
    }
    if (config->access_log_path && config->access_log_path[0] == '\0') {
        return vd_error_set(error, VD_ERR_INVALID,
                            "access_log_path is empty, allowed is the path of a file or pipe");
    }
    if (config->access_log_fd < 0) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "access_log_fd is %d, allowed is an open descriptor (0: standard "
                            "output)",
                            config->access_log_fd);
    }
    if (config->access_log_fd == 0)
        config->access_log_fd = 1;
    return VD_OK;
}

static enum vd_err check_control(const struct vd_server_config *config, struct vd_error *error)
{
    const char *path = config->control_path;

    if (!path || !path[0] || (path[0] == '/' && strlen(path) < VD_CONTROL_PATH_BYTES))
        return VD_OK;
    return vd_error_set(error, VD_ERR_INVALID,
                        "control_path is \"%.200s\", allowed is an absolute path of at most %d "
                        "bytes (\"\": no control socket)",
                        path, VD_CONTROL_PATH_BYTES - 1);
}

static enum vd_err check_trust(const struct vd_server_config *config, struct vd_error *error)
{
    struct vd_network network;

    if (config->trusted_proxy_count > VD_TRUSTED_MAX) {
        return vd_error_set(error, VD_ERR_INVALID, "there are %u trusted_proxies, allowed are %u",
                            config->trusted_proxy_count, VD_TRUSTED_MAX);
    }
    for (unsigned i = 0; i < config->trusted_proxy_count; i++) {
        enum vd_err result = vd_network_parse(config->trusted_proxies[i], &network, error);

        if (result != VD_OK)
            return result;
    }
    if ((unsigned)config->forwarded_headers > VD_FORWARDED_X) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "forwarded_headers is %d, allowed are VD_FORWARDED_ANY to "
                            "VD_FORWARDED_X",
                            (int)config->forwarded_headers);
    }
    return VD_OK;
}

/* What was asked for is not quoted: it may be a URL with a password. */
static enum vd_err refuse_broker(struct vd_error *error)
{
    const struct vd_broker_driver *driver;
    char names[128] = "";
    size_t length = 0;

    for (size_t i = 0; (driver = vd_broker_driver_at(i)) && length < sizeof(names); i++) {
        if (!driver->network) {
            length += (size_t)snprintf(names + length, sizeof(names) - length, "%s%s",
                                       length ? ", " : "", driver->name);
        }
    }
    return vd_error_set(error, VD_ERR_INVALID,
                        "broker_driver: there is no such driver within one machine, allowed are %s "
                        "(a server on the network: its URL as broker)",
                        names);
}

/* The link to other nodes. Only what can be told without opening it: that is the gateway's. */
static enum vd_err check_link(struct vd_server_config *config, struct vd_error *error)
{
    const struct vd_broker_options *options = config->broker;
    const struct vd_broker_driver *driver = vd_broker_driver_find(options->url, error);

    if (!driver)
        return options->url && options->url[0] ? VD_ERR_UNSUPPORTED : VD_ERR_INVALID;
    if (!driver->network) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "broker: the %s driver does not leave this machine; name it as "
                            "broker_driver, or give the URL of a server",
                            driver->name);
    }
    if ((unsigned)options->outbox_policy > VD_OUTBOX_FAIL) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "broker: outbox_policy is %d, allowed are VD_OUTBOX_DROP_OLDEST and "
                            "VD_OUTBOX_FAIL",
                            (int)options->outbox_policy);
    }
    config->broker_driver = driver->name;
    config->broker_display = driver->display;
    return VD_OK;
}

/* Whoever chose no broker gets the one that fits the number of workers; a choice that cannot work
 * is refused with the way out. */
static enum vd_err check_broker(struct vd_server_config *config, struct vd_error *error)
{
    const struct vd_broker_driver *driver;

    if (config->broker)
        return check_link(config, error);
    if (!config->broker_driver)
        config->broker_driver = config->workers > 1 ? "pipe" : "memory";
    driver = vd_broker_driver_find(config->broker_driver, NULL);
    if (!driver || driver->network)
        return refuse_broker(error);
    if (strcmp(driver->name, "memory") == 0 && config->workers > 1) {
        return vd_error_set(error, VD_ERR_UNSUPPORTED,
                            "the in-memory broker lives in one process, it cannot connect %u "
                            "workers: use PipeBroker (withBroker(new PipeBroker())) or "
                            "withWorkerNum(1)",
                            config->workers);
    }
    if (!config->broker_display)
        config->broker_display = driver->display;
    return VD_OK;
}

enum vd_err vd_server_config_check(struct vd_server_config *config, struct vd_error *error)
{
    enum vd_err result;

    if ((result = check_numbers(config, error)) != VD_OK ||
        (result = check_connections(config, error)) != VD_OK ||
        (result = check_address(config, error)) != VD_OK ||
        (result = check_static(config, error)) != VD_OK ||
        (result = check_trust(config, error)) != VD_OK ||
        (result = check_access_log(config, error)) != VD_OK ||
        (result = check_control(config, error)) != VD_OK ||
        (result = check_broker(config, error)) != VD_OK ||
        (result = vd_cors_config_check(config, error)) != VD_OK)
        return result;
    if ((unsigned)config->log_level > VD_LOG_OFF) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "log_level is %d, allowed are VD_LOG_DEBUG to VD_LOG_OFF",
                            (int)config->log_level);
    }
    if (config->log_fd < 0) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "log_fd is %d, allowed is an open descriptor (0: standard error)",
                            config->log_fd);
    }
    if (config->log_fd == 0)
        config->log_fd = 2;
    if (!config->version)
        config->version = VIADUCT_VERSION;
    return VD_OK;
}
