/* SPDX-License-Identifier: Apache-2.0 */
/* The Redis driver, until it is subscribed: see redis.c for the whole.
 *
 * One attempt: credentials are asked for, a host name is looked up, both connections are opened
 * (each address in turn), shake hands, log in; one subscribes. Nothing waits: each step is taken
 * when dispatch finds it possible, and the link's deadline holds for all of them. */
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "redis_state.h"

/* ---- connect -----------------------------------------------------------------------------------
 */

static void close_connection(struct connection *connection)
{
    vd_stream_close(&connection->stream);
    vd_redis_reader_finish(&connection->reader);
    connection->logged_in = connection->heard = connection->ready = connection->unread = false;
}

void vd_redis_disconnect(struct redis *redis)
{
    close_connection(&redis->subscriber);
    close_connection(&redis->publisher);
    vd_resolve_release(redis->resolve);
    redis->resolve = NULL;
    redis->address = NULL;
    redis->wants_credentials = false;
    redis->awaited = VD_REDIS_NOTHING;
    redis->info_denied = false;
    redis->up.rtt_us = 0;
    vd_outbox_take_back(&redis->up.outbox);
}

static enum vd_err open_connection(struct redis *redis, struct connection *connection)
{
    close_connection(connection);
    if (vd_redis_reader_init(&connection->reader, redis->reply_limit_bytes) != VD_OK)
        return VD_ERR_NO_MEMORY;
    return vd_stream_open(&connection->stream, redis->address, redis->user_timeout_ms, redis->tls,
                          redis->server->host, redis->epoll_fd);
}

/* VD_ERR_EMPTY: not there yet, ask again with the next dispatch. */
static enum vd_err ask_credentials(struct redis *redis, struct vd_error *error)
{
    struct vd_broker_credentials *credentials = &redis->credentials;
    enum vd_err code;

    if (!redis->credentials_for_attempt)
        return VD_OK;
    *credentials = (struct vd_broker_credentials){0};
    code = redis->credentials_for_attempt(credentials, redis->credentials_context);
    if (code == VD_ERR_EMPTY)
        return code;
    if (code)
        return vd_error_set(error, VD_ERR_AUTHENTICATION, "no credentials could be had");
    if (credentials->username && !credentials->password) {
        return vd_error_set(error, VD_ERR_AUTHENTICATION,
                            "the credentials have a user name and no password");
    }
    return VD_OK;
}

/* Rotated certificates are taken; what is wrong with them is no reason not to try with the old. */
static void refresh_tls(struct redis *redis)
{
    struct vd_error error;

    if (redis->tls && vd_tls_refresh(redis->tls, &error) != VD_OK) {
        vd_log_limited(vd_broker_host_logger(redis->up.host), redis->up.now_ms, VD_LOG_WARN,
                       "broker_tls_files", "redis: the new TLS files are not taken: %s",
                       error.text);
    }
}

static bool begin(struct redis *redis)
{
    struct vd_error error;
    enum vd_err code = ask_credentials(redis, &error);

    redis->wants_credentials = code == VD_ERR_EMPTY;
    if (redis->wants_credentials)
        return true;
    refresh_tls(redis);
    if (!code) {
        code = vd_resolve_start(redis->server->host, redis->server->port, redis->notice_fd,
                                &redis->resolve, &error);
    }
    return code ? vd_redis_broke(redis, code, error.text) : true;
}

/* Each attempt goes on to the next server. */
bool vd_redis_connect(struct redis *redis)
{
    redis->server = &redis->url.servers[redis->attempts++ % redis->url.count];
    return begin(redis);
}

/* The one after redis->address; NULL: all have been tried. */
static const struct addrinfo *next_address(const struct redis *redis)
{
    const struct addrinfo *next =
        redis->address->ai_next ? redis->address->ai_next : redis->addresses;

    return next == redis->first_address ? NULL : next;
}

/* From redis->address on, each address of the host in turn, within one attempt. */
static bool try_addresses(struct redis *redis)
{
    struct vd_error error = {VD_ERR_CONNECTION, "the host name has no address"};
    const struct connection *failed;

    for (; redis->address; redis->address = next_address(redis)) {
        failed = &redis->subscriber;
        error.code = open_connection(redis, &redis->subscriber);
        if (!error.code) {
            failed = &redis->publisher;
            error.code = open_connection(redis, &redis->publisher);
        }
        if (!error.code)
            return true;
        if (error.code == VD_ERR_NO_MEMORY) {
            vd_error_set(&error, error.code, "no memory for a connection");
        } else {
            error = failed->stream.error;
        }
    }
    return vd_redis_broke(redis, error.code, error.text);
}

/* One that swallows every packet takes all the time of its attempt: so attempts begin with another
 * one each time round. */
static bool looked_up(struct redis *redis, const struct addrinfo *addresses)
{
    size_t round = (redis->attempts - 1) / redis->url.count, count = 0;

    for (const struct addrinfo *address = addresses; address; address = address->ai_next)
        count++;
    redis->addresses = redis->address = addresses;
    for (size_t skip = count ? round % count : 0; skip > 0; skip--)
        redis->address = redis->address->ai_next;
    redis->first_address = redis->address;
    return try_addresses(redis);
}

bool vd_redis_advance(struct redis *redis)
{
    struct connection *both[] = {&redis->subscriber, &redis->publisher};
    const struct addrinfo *addresses;
    struct vd_error error;
    unsigned open = 0;
    enum vd_err code;

    if (redis->wants_credentials && !begin(redis))
        return false;
    if (!redis->address) {
        code = redis->resolve ? vd_resolve_take(redis->resolve, &addresses, &error) : VD_ERR_EMPTY;
        if (code)
            return code == VD_ERR_EMPTY ? true : vd_redis_broke(redis, code, error.text);
        return looked_up(redis, addresses);
    }
    for (size_t i = 0; i < 2; i++) {
        struct vd_stream *stream = &both[i]->stream;
        bool connecting = stream->state == VD_STREAM_CONNECTING;
        code = vd_stream_advance(stream);
        /* Whoever got as far as TLS has reached a server: what that says is the failure. */
        connecting = connecting && !stream->session;
        if (code && code != VD_ERR_EMPTY && connecting && next_address(redis)) {
            redis->address = next_address(redis);
            return try_addresses(redis);
        }
        if (code && code != VD_ERR_EMPTY)
            return vd_redis_broke(redis, code, stream->error.text);
        open += code == VD_OK;
    }
    return open == 2 ? vd_redis_happened(redis, VD_LINK_CONNECTED) : true;
}

/* ---- commands ----------------------------------------------------------------------------------
 */

bool vd_redis_send(struct redis *redis, struct connection *connection, int count,
                   const char **words)
{
    size_t lengths[VD_REDIS_WORDS];
    char *command;
    int length;
    bool queued;

    for (int i = 0; i < count; i++)
        lengths[i] = strlen(words[i]);
    length = (int)redisFormatCommandArgv(&command, count, words, lengths);
    if (length < 0)
        return vd_redis_broke(redis, VD_ERR_NO_MEMORY, "no memory for a command");
    queued = vd_stream_queue(&connection->stream, command, (size_t)length);
    OPENSSL_cleanse(command, (size_t)length);
    redisFreeCommand(command);
    if (!queued)
        return vd_redis_broke(redis, VD_ERR_NO_MEMORY, "no memory for a command");
    vd_stream_flush(&connection->stream); /* a failure is seen when it is read */
    return true;
}

bool vd_redis_log_in(struct redis *redis)
{
    const char *words[3] = {"AUTH"};
    int count = 1;

    if (redis->credentials.username)
        words[count++] = redis->credentials.username;
    if (!redis->credentials.password)
        return vd_redis_happened(redis, VD_LINK_AUTHENTICATED);
    words[count++] = redis->credentials.password;
    return vd_redis_send(redis, &redis->subscriber, count, words) &&
           vd_redis_send(redis, &redis->publisher, count, words);
}

bool vd_redis_subscribe(struct redis *redis)
{
    const char *words[] = {"SUBSCRIBE", redis->channel};

    return vd_redis_send(redis, &redis->subscriber, 2, words);
}
