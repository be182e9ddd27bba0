/* SPDX-License-Identifier: Apache-2.0 */
/* The Redis driver's options: what no later attempt could mend is refused here, by a sentence that
 * names the option. Nothing is connected yet, nobody is asked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <viaduct/wire.h>

#include "redis_state.h"

#define DEFAULT_CHANNEL   "via:broadcast"
#define CHANNEL_MAX_BYTES 256

/* In flight. */
#define WINDOW_BYTES ((size_t)4 * 1024 * 1024)

/* Read whole, and then refused as malformed, rather than ending the link: what a node with larger
 * limits may send. */
#define REPLY_LIMIT_BYTES ((size_t)8 * 1024 * 1024)

void vd_redis_state_free(struct redis *redis)
{
    if (redis->epoll_fd >= 0)
        close(redis->epoll_fd);
    if (redis->notice_fd >= 0)
        close(redis->notice_fd);
    vd_redis_reader_finish(&redis->subscriber.reader);
    vd_redis_reader_finish(&redis->publisher.reader);
    vd_uplink_finish(&redis->up);
    vd_tls_destroy(redis->tls);
    vd_redis_url_finish(&redis->url);
    free(redis->channel);
    free(redis->prefix);
    free(redis->buffer);
    free(redis);
}

static enum vd_err copy_text(char **copy, const char *text, struct vd_error *error)
{
    size_t length = strlen(text);

    vd_url_wipe(*copy);
    *copy = malloc(length + 1);
    if (!*copy)
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for a broker");
    memcpy(*copy, text, length + 1);
    return VD_OK;
}

static enum vd_err take_channel(struct redis *redis, const char *channel, struct vd_error *error)
{
    enum vd_err code = copy_text(&redis->channel, channel ? channel : DEFAULT_CHANNEL, error);
    size_t length, capacity;

    if (code)
        return code;
    length = strlen(redis->channel);
    if (length == 0 || length > CHANNEL_MAX_BYTES) {
        return vd_error_set(error, VD_ERR_INVALID, "channel: it has %zu bytes; allowed are 1 to %d",
                            length, CHANNEL_MAX_BYTES);
    }
    capacity = length + 64;
    redis->prefix = malloc(capacity);
    if (!redis->prefix)
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for a broker");
    redis->prefix_length = (size_t)snprintf(
        redis->prefix, capacity, "*3\r\n$7\r\nPUBLISH\r\n$%zu\r\n%s\r\n$", length, redis->channel);
    return VD_OK;
}

static enum vd_err take_credentials(struct redis *redis, const struct vd_broker_options *options,
                                    struct vd_error *error)
{
    const struct vd_broker_credentials *given = &options->credentials;
    enum vd_err code = VD_OK;

    if (given->token || given->seed_file || given->creds_file) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "credentials: Redis knows a user name and a password only");
    }
    redis->credentials_for_attempt = options->credentials_for_attempt;
    redis->credentials_context = options->context;
    if (given->username)
        code = copy_text(&redis->url.username, given->username, error);
    if (!code && given->password)
        code = copy_text(&redis->url.password, given->password, error);
    if (code)
        return code;
    if (redis->url.username && !redis->url.password)
        return vd_error_set(error, VD_ERR_INVALID, "credentials: a user name without a password");
    redis->credentials.username = redis->url.username;
    redis->credentials.password = redis->url.password;
    return VD_OK;
}

static enum vd_err take_tls(struct redis *redis, const struct vd_broker_options *options,
                            struct vd_error *error)
{
    bool is_socket = redis->url.servers[0].host[0] == '/';

    if (is_socket && options->tls)
        return vd_error_set(error, VD_ERR_INVALID, "tls: there is none over a unix socket");
    if (redis->url.tls || options->tls)
        return vd_tls_create(options, &redis->tls, error);
    if (options->tls_ca_file || options->tls_certificate_file || options->tls_key_file) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "tls: certificate files are given, but neither tls nor rediss://");
    }
    return VD_OK;
}

static enum vd_err open_descriptors(struct redis *redis, struct vd_error *error)
{
    struct epoll_event event = {.events = EPOLLIN};

    redis->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    redis->notice_fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC); /* have dispatch called: connect */
    if (redis->epoll_fd < 0 || redis->notice_fd < 0 ||
        epoll_ctl(redis->epoll_fd, EPOLL_CTL_ADD, redis->notice_fd, &event) < 0)
        return vd_error_set_errno(error, "descriptors of a broker");
    return VD_OK;
}

static enum vd_err take_options(struct redis *redis, const struct vd_broker_options *options,
                                struct vd_error *error)
{
    enum vd_err code = vd_redis_url_parse(options->url, &redis->url, error);

    if (!code)
        code = take_channel(redis, options->channel, error);
    if (!code)
        code = take_credentials(redis, options, error);
    if (!code)
        code = take_tls(redis, options, error);
    if (code)
        return code;
    redis->reply_limit_bytes =
        vd_wire_max_bytes(options->max_message_bytes) * 2 + VD_REDIS_FEED_BYTES;
    if (redis->reply_limit_bytes < REPLY_LIMIT_BYTES)
        redis->reply_limit_bytes = REPLY_LIMIT_BYTES;
    redis->user_timeout_ms =
        options->probe_interval_ms < INT32_MAX / 2 ? options->probe_interval_ms * 2 : INT32_MAX;
    redis->buffer = malloc(VD_REDIS_FEED_BYTES);
    if (!redis->buffer)
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for a broker");
    return VD_OK;
}

enum vd_err vd_redis_state_create(const struct vd_broker_options *options, struct vd_broker *host,
                                  struct redis **state, struct vd_error *error)
{
    struct redis *redis = calloc(1, sizeof(*redis));
    size_t window = options->outbox_bytes < WINDOW_BYTES ? options->outbox_bytes : WINDOW_BYTES;
    enum vd_err code;

    if (!redis)
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for a broker");
    redis->epoll_fd = redis->notice_fd = -1;
    code = take_options(redis, options, error);
    if (!code)
        code = vd_uplink_init(&redis->up, options, host, window, &redis->token, error);
    if (!code)
        code = open_descriptors(redis, error);
    if (code) {
        vd_redis_state_free(redis);
        return code;
    }
    *state = redis;
    return VD_OK;
}
