/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of the C test server: one option for each field of vd_server_config and
 * of vd_broker_options. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app_server.h"

#define FIELD(option, name)                                                                        \
    {                                                                                              \
        option, offsetof(struct vd_server_config, name),                                           \
            sizeof(((struct vd_server_config *)NULL)->name)                                        \
    }

struct number {
    const char *option;
    size_t offset, size;
};

static const struct number numbers[] = {
    FIELD("--workers", workers),
    FIELD("--request-timeout-ms", request_timeout_ms),
    FIELD("--max-requests", max_requests),
    FIELD("--drain-timeout-ms", drain_timeout_ms),
    FIELD("--boot-timeout-ms", boot_timeout_ms),
    FIELD("--max-body-bytes", max_body_bytes),
    FIELD("--request-buffer-bytes", request_buffer_bytes),
    FIELD("--max-header-bytes", max_header_bytes),
    FIELD("--max-line-bytes", max_line_bytes),
    FIELD("--max-header-count", max_header_count),
    FIELD("--max-message-bytes", max_message_bytes),
    FIELD("--max-queue", max_queue),
    FIELD("--max-connections", max_connections),
    FIELD("--max-address-connections", max_address_connections),
    FIELD("--max-connection-requests", max_connection_requests),
    FIELD("--pipeline-bytes", pipeline_bytes),
    FIELD("--upload-memory-bytes", upload_memory_bytes),
    FIELD("--response-memory-bytes", response_memory_bytes),
    FIELD("--max-upload-workers", max_upload_workers),
    FIELD("--response-buffer-bytes", response_buffer_bytes),
    FIELD("--heartbeat-ms", heartbeat_ms),
    FIELD("--retry-ms", retry_ms),
    FIELD("--idle-timeout-ms", idle_timeout_ms),
    FIELD("--header-timeout-ms", header_timeout_ms),
    FIELD("--body-timeout-ms", body_timeout_ms),
    FIELD("--min-rate-bytes", min_rate_bytes),
    FIELD("--stream-queue-bytes", stream_queue_bytes),
    FIELD("--history-log-bytes", history_log_bytes),
    FIELD("--history-per-scope", history_per_scope),
    FIELD("--history-age-ms", history_age_ms),
    FIELD("--publish-timeout-ms", publish_timeout_ms),
    FIELD("--static-max-age-s", static_max_age_s),
    FIELD("--compression-min-bytes", compression_min_bytes),
    FIELD("--compression-level", compression_level),
    FIELD("--cors-max-age-s", cors_max_age_s),
};

#define LINK_FIELD(option, name)                                                                   \
    {                                                                                              \
        option, offsetof(struct vd_broker_options, name),                                          \
            sizeof(((struct vd_broker_options *)NULL)->name)                                       \
    }

static const struct number link_numbers[] = {
    LINK_FIELD("--broker-outbox-messages", outbox_messages),
    LINK_FIELD("--broker-outbox-bytes", outbox_bytes),
    LINK_FIELD("--broker-inbox-bytes", inbox_bytes),
    LINK_FIELD("--broker-probe-interval-ms", probe_interval_ms),
    LINK_FIELD("--broker-connect-timeout-ms", connect_timeout_ms),
    LINK_FIELD("--broker-backoff-first-ms", backoff_first_ms),
    LINK_FIELD("--broker-backoff-cap-ms", backoff_cap_ms),
};

static const struct {
    const char *option;
    size_t offset;
} link_texts[] = {
    {"--broker-channel", offsetof(struct vd_broker_options, channel)},
    {"--broker-username", offsetof(struct vd_broker_options, credentials.username)},
    {"--broker-password", offsetof(struct vd_broker_options, credentials.password)},
    {"--broker-token", offsetof(struct vd_broker_options, credentials.token)},
    {"--broker-seed-file", offsetof(struct vd_broker_options, credentials.seed_file)},
    {"--broker-creds-file", offsetof(struct vd_broker_options, credentials.creds_file)},
    {"--broker-tls-ca-file", offsetof(struct vd_broker_options, tls_ca_file)},
    {"--broker-tls-certificate-file", offsetof(struct vd_broker_options, tls_certificate_file)},
    {"--broker-tls-key-file", offsetof(struct vd_broker_options, tls_key_file)},
};

static bool set_number(void *to, const struct number *rows, size_t count, const char *option,
                       const char *value)
{
    for (size_t i = 0; i < count; i++) {
        unsigned char *at = (unsigned char *)to + rows[i].offset;
        uint64_t wide = strtoull(value, NULL, 10);
        uint32_t narrow = (uint32_t)wide;

        if (strcmp(option, rows[i].option) != 0)
            continue;
        if (rows[i].size == sizeof(narrow)) {
            memcpy(at, &narrow, sizeof(narrow));
        } else {
            memcpy(at, &wide, sizeof(wide));
        }
        return true;
    }
    return false;
}

/* What is said of the link to other nodes. A URL makes it one, a bare name ("pipe") is a driver
 * within this machine. */
static bool set_link_option(struct app *app, const char *option, const char *value)
{
    if (strcmp(option, "--broker") == 0) {
        bool url = strchr(value, ':') != NULL;

        app->config.broker = url ? &app->link : NULL;
        app->config.broker_driver = url ? NULL : value;
        app->link.url = value;
        return true;
    }
    if (strcmp(option, "--broker-tls") == 0) {
        app->link.tls = atoi(value) != 0;
        return true;
    }
    if (strcmp(option, "--broker-outbox-policy") == 0) {
        app->link.outbox_policy =
            strcmp(value, "fail") == 0 ? VD_OUTBOX_FAIL : VD_OUTBOX_DROP_OLDEST;
        return strcmp(value, "fail") == 0 || strcmp(value, "drop-oldest") == 0;
    }
    for (size_t i = 0; i < sizeof(link_texts) / sizeof(*link_texts); i++) {
        if (strcmp(option, link_texts[i].option) == 0) {
            memcpy((char *)&app->link + link_texts[i].offset, &value, sizeof(value));
            return true;
        }
    }
    return set_number(&app->link, link_numbers, sizeof(link_numbers) / sizeof(*link_numbers),
                      option, value);
}

static bool add_watch(struct watch *watches, size_t *watch_count, const char *value,
                      const char *one, const char *every)
{
    const char *colon = strchr(value, ':');
    size_t length = colon ? (size_t)(colon - value) : 0;
    bool is_one = length == strlen(one) && memcmp(value, one, length) == 0;
    bool is_every = length == strlen(every) && memcmp(value, every, length) == 0;

    if (*watch_count == WATCH_MAX || (!is_one && !is_every))
        return false;
    watches[(*watch_count)++] = (struct watch){.text = colon + 1, .every_worker = is_every};
    return true;
}

/* An option that may come several times. */
static bool add_word(const char **words, unsigned maximum, unsigned *count, const char *value)
{
    if (*count == maximum)
        return false;
    words[(*count)++] = value;
    return true;
}

bool app_set_option(struct app *app, const char *option, const char *value)
{
    if (strcmp(option, "--port") == 0) {
        app->config.port = (uint16_t)atoi(value);
        app->config.port_any = app->config.port == 0 && strcmp(value, "none") != 0;
        return true;
    }
    if (strcmp(option, "--host") == 0) {
        app->config.host = value;
    } else if (strcmp(option, "--access-log") == 0) {
        app->config.access_log = (enum vd_access_log)atoi(value);
    } else if (strcmp(option, "--access-log-path") == 0) {
        app->config.access_log_path = value;
    } else if (strcmp(option, "--control-path") == 0) {
        app->config.control_path = value;
    } else if (strcmp(option, "--access-log-fd") == 0) {
        app->config.access_log_fd = atoi(value);
    } else if (strcmp(option, "--access-log-query") == 0) {
        app->config.access_log_query = atoi(value) != 0;
    } else if (strcmp(option, "--trusted-proxy") == 0) {
        return add_word(app->trusted, VD_TRUSTED_MAX, &app->config.trusted_proxy_count, value);
    } else if (strcmp(option, "--hide-request-id") == 0) {
        app->config.hide_request_id = atoi(value) != 0;
    } else if (strcmp(option, "--forwarded-headers") == 0) {
        app->config.forwarded_headers = (enum vd_forwarded_headers)atoi(value);
    } else if (strcmp(option, "--listener") == 0) {
        return add_word(app->listeners, VD_LISTENERS_MAX, &app->config.listener_count, value);
    } else if (strncmp(option, "--broker", strlen("--broker")) == 0) {
        return set_link_option(app, option, value);
    } else if (strcmp(option, "--static-dir") == 0) {
        app->config.static_directory = value;
    } else if (strcmp(option, "--static-prefix") == 0) {
        app->config.static_prefix = value;
    } else if (strcmp(option, "--boot") == 0) {
        app->boot = value;
    } else if (strcmp(option, "--farewell") == 0) {
        app->farewell = value;
    } else if (strcmp(option, "--cors-origins") == 0) {
        app->config.cors_origins = value;
    } else if (strcmp(option, "--cors-methods") == 0) {
        app->config.cors_methods = value;
    } else if (strcmp(option, "--cors-headers") == 0) {
        app->config.cors_headers = value;
    } else if (strcmp(option, "--cors-credentials") == 0) {
        app->config.cors_credentials = atoi(value) != 0;
    } else if (strcmp(option, "--compression-off") == 0) {
        app->config.compression_off = atoi(value) != 0;
    } else if (strcmp(option, "--compress-streams") == 0) {
        app->config.compress_streams = atoi(value) != 0;
    } else if (strcmp(option, "--log-level") == 0) {
        return vd_log_level_parse(value, &app->config.log_level);
    } else if (strcmp(option, "--subscribe") == 0) {
        return add_watch(app->subscriptions, &app->subscription_count, value, "once", "every");
    } else if (strcmp(option, "--interval") == 0) {
        return add_watch(app->intervals, &app->interval_count, value, "node", "worker");
    } else {
        return set_number(&app->config, numbers, sizeof(numbers) / sizeof(*numbers), option, value);
    }
    return true;
}
