/* SPDX-License-Identifier: Apache-2.0 */
/* The Redis driver: PUBLISH and SUBSCRIBE on one channel, a connection for each.
 *
 * Happy path: both connections are opened (TLS), log in, the one subscribes, the other publishes a
 * probe that must come back; then the outbox flows, pipelined, and each integer reply confirms the
 * oldest message in flight. The life cycle is the link's (link.h), what waits is the outbox's.
 *
 * Failure modes: any error of either connection, any error reply, any probe that stays away ends
 * both connections; what was not confirmed goes out again afterwards (receivers know the copies by
 * their sequence numbers), and a gap is told before the first message after it.
 *
 * Needs of the ACL: +subscribe +publish &channel (and +ping, which the documented minimum has, is
 * not used). No HELLO, SELECT, CLIENT: some ACLs deny them.
 *
 * Sources: https://redis.io/docs/latest/develop/reference/protocol-spec/ and .../pubsub/ */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include <viaduct/clock.h>
#include <viaduct/wire.h>

#include "redis_state.h"

#define PROBE_SCOPE "viaduct:probe"     /* kept by every node from its subscribers */
#define FLUSH_BYTES ((size_t)64 * 1024) /* written at once, without waiting for dispatch */
#define PENDING_BYTES                                                                              \
    ((size_t)256 * 1024) /* more stays in the outbox until the socket takes it                     \
                          */
#define LENGTH_BYTES 24  /* "<digits>\r\n" */

static bool obey(struct redis *redis, unsigned todo);

/* ---- events of the link ------------------------------------------------------------------------
 */

static uint32_t random_bits(void)
{
    uint32_t bits = 0;

    if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) != (ssize_t)sizeof(bits))
        bits = (uint32_t)vd_monotonic_us() * 2654435761u;
    return bits;
}

/* false: leave dispatch, the handle is gone. */
static bool happened(struct redis *redis, enum vd_link_event_type type)
{
    const struct vd_link_event event = {
        .type = type, .now_ms = redis->now_ms, .random = random_bits()};

    return obey(redis, vd_link_step(&redis->link, &event));
}

static bool broke(struct redis *redis, enum vd_err code, const char *text)
{
    const struct vd_link_event event = {.type = VD_LINK_FAILED,
                                        .now_ms = redis->now_ms,
                                        .random = random_bits(),
                                        .code = code,
                                        .text = text};

    return obey(redis, vd_link_step(&redis->link, &event));
}

/* ---- connect -----------------------------------------------------------------------------------
 */

static void close_connection(struct connection *connection)
{
    vd_stream_close(&connection->stream);
    vd_redis_reader_finish(&connection->reader);
    connection->logged_in = connection->heard = false;
}

static void disconnect(struct redis *redis)
{
    close_connection(&redis->subscriber);
    close_connection(&redis->publisher);
    vd_resolve_release(redis->resolve);
    redis->resolve = NULL;
    redis->address = NULL;
    redis->probe_unanswered = false;
    redis->rtt_us = 0;
    vd_outbox_take_back(&redis->outbox);
}

static enum vd_err open_connection(struct redis *redis, struct connection *connection)
{
    close_connection(connection);
    if (vd_redis_reader_init(&connection->reader, redis->reply_limit_bytes) != VD_OK)
        return VD_ERR_NO_MEMORY;
    return vd_stream_open(&connection->stream, redis->address, redis->user_timeout_ms, redis->tls,
                          redis->url.host, redis->epoll_fd);
}

static bool connect_begin(struct redis *redis)
{
    struct vd_error error;
    enum vd_err code;

    if (redis->credentials_for_attempt) {
        redis->credentials = (struct vd_broker_credentials){0};
        code = redis->credentials_for_attempt(&redis->credentials, redis->credentials_context);
        if (code)
            return broke(redis, VD_ERR_AUTHENTICATION, "no credentials could be had");
    }
    code = vd_resolve_start(redis->url.host, redis->url.port, redis->notice_fd, &redis->resolve,
                            &error);
    return code ? broke(redis, code, error.text) : true;
}

/* Each address of the host in turn, within one attempt. */
static bool try_address(struct redis *redis, const struct addrinfo *address)
{
    struct vd_error error = {VD_ERR_CONNECTION, "the host name has no address"};
    const struct connection *failed;

    for (redis->address = address; redis->address; redis->address = redis->address->ai_next) {
        failed = &redis->subscriber;
        error.code = open_connection(redis, &redis->subscriber);
        if (!error.code) {
            failed = &redis->publisher;
            error.code = open_connection(redis, &redis->publisher);
        }
        if (!error.code)
            return true;
        if (failed->stream.error.code)
            error = failed->stream.error;
    }
    return broke(redis, error.code, error.text);
}

static bool advance(struct redis *redis)
{
    struct connection *both[] = {&redis->subscriber, &redis->publisher};
    const struct addrinfo *addresses;
    struct vd_error error;
    unsigned open = 0;
    enum vd_err code;

    if (!redis->address) {
        code = redis->resolve ? vd_resolve_take(redis->resolve, &addresses, &error) : VD_ERR_EMPTY;
        if (code)
            return code == VD_ERR_EMPTY ? true : broke(redis, code, error.text);
        return try_address(redis, addresses);
    }
    for (size_t i = 0; i < 2; i++) {
        struct vd_stream *stream = &both[i]->stream;
        bool connecting = stream->state == VD_STREAM_CONNECTING;
        code = vd_stream_advance(stream);
        if (code && code != VD_ERR_EMPTY && connecting && redis->address->ai_next)
            return try_address(redis, redis->address->ai_next);
        if (code && code != VD_ERR_EMPTY)
            return broke(redis, code, stream->error.text);
        open += code == VD_OK;
    }
    return open == 2 ? happened(redis, VD_LINK_CONNECTED) : true;
}

/* ---- commands ----------------------------------------------------------------------------------
 */

static bool send_command(struct redis *redis, struct connection *connection, int count,
                         const char **words)
{
    size_t lengths[3];
    char *command;
    int length;
    bool queued;

    for (int i = 0; i < count; i++)
        lengths[i] = strlen(words[i]);
    length = (int)redisFormatCommandArgv(&command, count, words, lengths);
    if (length < 0)
        return broke(redis, VD_ERR_NO_MEMORY, "no memory for a command");
    queued = vd_stream_queue(&connection->stream, command, (size_t)length);
    OPENSSL_cleanse(command, (size_t)length);
    redisFreeCommand(command);
    if (!queued)
        return broke(redis, VD_ERR_NO_MEMORY, "no memory for a command");
    vd_stream_flush(&connection->stream); /* a failure is seen when it is read */
    return true;
}

static bool log_in(struct redis *redis)
{
    const char *words[3] = {"AUTH"};
    int count = 1;

    if (redis->credentials.username)
        words[count++] = redis->credentials.username;
    if (!redis->credentials.password)
        return happened(redis, VD_LINK_AUTHENTICATED);
    words[count++] = redis->credentials.password;
    return send_command(redis, &redis->subscriber, count, words) &&
           send_command(redis, &redis->publisher, count, words);
}

static bool subscribe(struct redis *redis)
{
    const char *words[] = {"SUBSCRIBE", redis->channel};

    return send_command(redis, &redis->subscriber, 2, words);
}

/* A message as PUBLISH command: the payload is encoded in its place, and what must stand before it
 * is put right before it, so nothing is moved. */
static struct vd_outbox_entry *format_publish(struct redis *redis, const struct vd_message *message)
{
    size_t room = redis->prefix_length + LENGTH_BYTES, bound = vd_wire_bound(message), length;
    struct vd_outbox_entry *entry = vd_outbox_entry_create(room + bound + 2);
    char digits[LENGTH_BYTES];
    size_t digits_length;

    if (!entry)
        return NULL;
    if (vd_wire_encode(message, (char *)entry->bytes + room, bound, &length) != VD_OK) {
        free(entry);
        return NULL;
    }
    digits_length = (size_t)snprintf(digits, sizeof(digits), "%zu\r\n", length);
    memcpy(entry->bytes + room - digits_length, digits, digits_length);
    entry->start = room - digits_length - redis->prefix_length;
    memcpy(entry->bytes + entry->start, redis->prefix, redis->prefix_length);
    memcpy(entry->bytes + room + length, "\r\n", 2);
    entry->length = room + length + 2 - entry->start;
    return entry;
}

static bool send_probe(struct redis *redis)
{
    char event[48];
    struct vd_message probe = {.scope = PROBE_SCOPE,
                               .scope_length = strlen(PROBE_SCOPE),
                               .event = event,
                               .origin = redis->node_id,
                               .origin_length = strlen(redis->node_id)};
    struct vd_outbox_entry *entry;
    bool queued;

    probe.event_length =
        (size_t)snprintf(event, sizeof(event), "%s-%" PRIu64, redis->token, redis->link.probe);
    entry = format_publish(redis, &probe);
    queued = entry &&
             vd_stream_queue(&redis->publisher.stream, entry->bytes + entry->start, entry->length);
    free(entry);
    if (!queued)
        return broke(redis, VD_ERR_NO_MEMORY, "no memory for a probe");
    redis->probe_unanswered = true;
    redis->probe_after = redis->outbox.flying_count;
    redis->probe_sent_us = vd_monotonic_us();
    vd_stream_flush(&redis->publisher.stream);
    return true;
}

/* Hand over what the socket can take. Failures are seen when it is read. */
static void pump(struct redis *redis)
{
    struct vd_stream *stream = &redis->publisher.stream;
    const struct vd_outbox_entry *entry;

    if (!vd_link_is_up(&redis->link))
        return;
    while ((entry = vd_outbox_next(&redis->outbox)) != NULL) {
        if (vd_stream_pending(stream) >= PENDING_BYTES) {
            vd_stream_flush(stream);
            if (vd_stream_pending(stream) >= PENDING_BYTES)
                break;
        }
        if (!vd_stream_queue(stream, entry->bytes + entry->start, entry->length))
            break;
        vd_outbox_sent(&redis->outbox);
    }
}

/* ---- what the link asks for --------------------------------------------------------------------
 */

static bool obey(struct redis *redis, unsigned todo)
{
    if (todo & VD_LINK_DO_DISCONNECT)
        disconnect(redis);
    if ((todo & VD_LINK_TELL_FAILURE) && !vd_broker_host_failure(redis->host, &redis->link.failure))
        return false;
    if (todo & VD_LINK_DO_CONNECT)
        return connect_begin(redis);
    if (todo & VD_LINK_DO_AUTHENTICATE)
        return log_in(redis);
    if (todo & VD_LINK_DO_SUBSCRIBE)
        return subscribe(redis);
    if ((todo & VD_LINK_TELL_GAP) && !vd_broker_host_gap(redis->host, VD_GAP_RECONNECT, 0))
        return false;
    if (todo & VD_LINK_DO_PROBE)
        return send_probe(redis);
    if (todo & VD_LINK_TELL_CONNECTED) {
        vd_broker_host_connected(redis->host);
        redis->overflow_told = false;
    }
    return true;
}

/* ---- replies -----------------------------------------------------------------------------------
 */

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* The server's own words may name users and keys: only the first one is repeated, and only when it
 * is the code that it should be. */
static bool refused(struct redis *redis, const char *words)
{
    struct vd_error error;
    int code_length = (int)strspn(words, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

    if (begins(words, "NOAUTH")) {
        vd_error_set(&error, VD_ERR_AUTHENTICATION, "the server asks for a password (NOAUTH)");
    } else if (begins(words, "NOPERM")) {
        vd_error_set(&error, VD_ERR_AUTHENTICATION,
                     "the ACL user may not do it (NOPERM): it needs +subscribe +publish +ping &%s",
                     redis->channel);
    } else if (redis->link.state == VD_LINK_AUTHENTICATING) {
        vd_error_set(&error, VD_ERR_AUTHENTICATION, "the server refused user or password (%.*s)",
                     code_length, words);
    } else {
        vd_error_set(&error, VD_ERR_CONNECTION, "the server answered with an error (%.*s)",
                     code_length, words);
    }
    return broke(redis, error.code, error.text);
}

static bool logged_in(struct redis *redis, struct connection *connection)
{
    connection->logged_in = true;
    if (redis->subscriber.logged_in && redis->publisher.logged_in)
        return happened(redis, VD_LINK_AUTHENTICATED);
    return true;
}

static bool probe_came(struct redis *redis, const struct vd_message *probe)
{
    struct vd_link_event event = {.type = VD_LINK_PROBE_BACK, .now_ms = redis->now_ms};
    char text[64];
    size_t token_length = strlen(redis->token);

    if (probe->event_length <= token_length + 1 || probe->event_length >= sizeof(text) ||
        memcmp(probe->event, redis->token, token_length) != 0)
        return true; /* another node's */
    memcpy(text, probe->event, probe->event_length);
    text[probe->event_length] = '\0';
    event.probe = strtoull(text + token_length + 1, NULL, 10);
    if (event.probe == redis->link.probe)
        redis->rtt_us = vd_monotonic_us() - redis->probe_sent_us + 1;
    return obey(redis, vd_link_step(&redis->link, &event));
}

static bool message_came(struct redis *redis, const struct vd_redis_reply *reply)
{
    struct vd_message message;
    struct vd_error error;
    void *larger;

    if (reply->payload_length > redis->scratch_bytes) {
        larger = realloc(redis->scratch, reply->payload_length);
        if (!larger)
            return broke(redis, VD_ERR_NO_MEMORY, "no memory for a message");
        redis->scratch = larger;
        redis->scratch_bytes = reply->payload_length;
    }
    if (vd_wire_decode(reply->payload, reply->payload_length, redis->max_message_bytes,
                       redis->scratch, redis->scratch_bytes, &message, &error) != VD_OK) {
        vd_broker_host_malformed(redis->host, error.text);
        return true;
    }
    if (message.scope_length == strlen(PROBE_SCOPE) &&
        memcmp(message.scope, PROBE_SCOPE, message.scope_length) == 0)
        return probe_came(redis, &message);
    return vd_broker_host_message(redis->host, &message);
}

static bool subscriber_reply(struct redis *redis, const struct vd_redis_reply *reply)
{
    if (reply->type == REDIS_REPLY_ERROR)
        return refused(redis, reply->word);
    if (redis->link.state == VD_LINK_AUTHENTICATING && reply->type == REDIS_REPLY_STATUS)
        return logged_in(redis, &redis->subscriber);
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == VD_REDIS_PARTS) {
        if (strcmp(reply->word, "message") == 0)
            return message_came(redis, reply);
        if (strcmp(reply->word, "subscribe") == 0)
            return happened(redis, VD_LINK_SUBSCRIBED);
        if (strcmp(reply->word, "unsubscribe") == 0)
            return broke(redis, VD_ERR_CONNECTION, "the server ended the subscription");
    }
    return broke(redis, VD_ERR_MALFORMED, "the server answers as no Redis server does");
}

static bool publisher_reply(struct redis *redis, const struct vd_redis_reply *reply)
{
    if (reply->type == REDIS_REPLY_ERROR)
        return refused(redis, reply->word);
    if (redis->link.state == VD_LINK_AUTHENTICATING && reply->type == REDIS_REPLY_STATUS)
        return logged_in(redis, &redis->publisher);
    if (reply->type == REDIS_REPLY_INTEGER) {
        if (redis->probe_unanswered && redis->probe_after-- == 0) {
            redis->probe_unanswered = false;
            return true;
        }
        if (vd_outbox_confirm(&redis->outbox))
            return true;
    }
    return broke(redis, VD_ERR_MALFORMED, "the server answers as no Redis server does");
}

typedef bool reply_fn(struct redis *redis, const struct vd_redis_reply *reply);

/* All replies that are whole, within the budget. A reply may end the link, and the reader. */
static bool take_replies(struct redis *redis, struct connection *connection, reply_fn *take,
                         unsigned *budget)
{
    enum vd_err code = VD_OK;

    while (*budget > 0 && connection->reader.reader) {
        code = vd_redis_reader_next(&connection->reader);
        if (code)
            break;
        --*budget;
        if (!take(redis, &connection->reader.reply))
            return false;
    }
    if (code == VD_ERR_MALFORMED)
        return broke(redis, code, "the server answers as no Redis server does");
    return true;
}

/* In TLS 1.3 the server looks at the client's certificate when for the client the handshake is
 * over, and its alert may be lost to the reset that follows it. */
static bool connection_ended(struct redis *redis, const struct connection *connection)
{
    struct vd_error error = connection->stream.error;

    if (error.code == VD_ERR_CONNECTION && connection->stream.session && !connection->heard)
        vd_error_set(&error, VD_ERR_TLS,
                     "the server closed the connection right after the TLS handshake: it may want "
                     "a client certificate");
    return broke(redis, error.code, error.text);
}

static bool read_connection(struct redis *redis, struct connection *connection, reply_fn *take,
                            unsigned *budget)
{
    enum vd_err code;
    ssize_t count;

    for (;;) {
        if (!take_replies(redis, connection, take, budget))
            return false;
        if (*budget == 0 || connection->stream.state == VD_STREAM_CLOSED)
            return true;
        count = vd_stream_read(&connection->stream, redis->buffer, VD_REDIS_FEED_BYTES);
        if (count == 0)
            return true;
        if (count < 0)
            return connection_ended(redis, connection);
        connection->heard = true;
        code = vd_redis_reader_feed(&connection->reader, redis->buffer, (size_t)count);
        if (code)
            return broke(redis, code, "the server sent more at once than any message takes");
    }
}

/* ---- the loop ----------------------------------------------------------------------------------
 */

static void swallow_notice(struct redis *redis)
{
    uint64_t count;

    while (read(redis->notice_fd, &count, sizeof(count)) > 0)
        ;
}

static bool tell_overflow(struct redis *redis)
{
    const struct vd_broker_failure failure = {
        .code = VD_ERR_FULL,
        .attempt = redis->link.backoff.attempt,
        .next_delay_ms =
            redis->link.state == VD_LINK_BACKOFF ? redis->link.failure.next_delay_ms : 0,
        .text = "the outbox is full: the oldest messages in it are dropped, or new ones refused",
    };

    if (!redis->overflowed || redis->overflow_told)
        return true;
    redis->overflow_told = true;
    redis->overflowed = false;
    return vd_broker_host_failure(redis->host, &failure);
}

static bool tick(struct redis *redis)
{
    bool shaking = redis->subscriber.stream.state == VD_STREAM_HANDSHAKING ||
                   redis->publisher.stream.state == VD_STREAM_HANDSHAKING;

    if (shaking && redis->now_ms >= vd_link_deadline_ms(&redis->link))
        return broke(redis, VD_ERR_TLS,
                     "the server did not finish the TLS handshake in time: it may be frozen, or "
                     "not speak TLS on that port");
    return happened(redis, VD_LINK_TICK);
}

/* What has come is read before the clock is asked: a process that was busy, or stopped, must not
 * take its own absence for the server's. While there is more to read than the budget allows, the
 * link is anything but deaf. */
static bool turn(struct redis *redis, unsigned *budget)
{
    unsigned replies = UINT32_MAX;

    if (redis->link.state == VD_LINK_CONNECTING && !advance(redis))
        return false;
    if (!read_connection(redis, &redis->publisher, publisher_reply, &replies) ||
        !read_connection(redis, &redis->subscriber, subscriber_reply, budget))
        return false;
    if (*budget > 0 && !tick(redis))
        return false;
    if (redis->link.state == VD_LINK_CONNECTING && !redis->address && !advance(redis))
        return false;
    return tell_overflow(redis);
}

static void dispatch(void *state, uint64_t now_ms, unsigned budget)
{
    struct redis *redis = state;

    redis->now_ms = now_ms > redis->now_ms ? now_ms : redis->now_ms;
    swallow_notice(redis);
    if (!turn(redis, &budget))
        return;
    pump(redis);
    vd_stream_flush(&redis->publisher.stream);
    if (budget == 0)
        vd_broker_host_wake(redis->host);
}

static uint64_t next_deadline_ms(const void *state)
{
    const struct redis *redis = state;

    return vd_link_deadline_ms(&redis->link);
}

static int descriptor(const void *state)
{
    return ((const struct redis *)state)->epoll_fd;
}

static enum vd_err publish(void *state, const struct vd_message *message, struct vd_error *error)
{
    struct redis *redis = state;
    struct vd_outbox_entry *entry = format_publish(redis, message);
    uint64_t dropped = redis->outbox.dropped;
    enum vd_err code;

    if (!entry)
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory to send a message");
    entry->sequence = vd_broker_host_own_sequence(redis->host, message);
    code = vd_outbox_push(&redis->outbox, entry, !vd_link_is_up(&redis->link));
    if (code)
        free(entry);
    if (code || redis->outbox.dropped > dropped) {
        vd_broker_host_counters(redis->host)->outbox_drops += redis->outbox.dropped - dropped;
        redis->overflowed = true;
        vd_broker_host_wake(redis->host);
    }
    if (code)
        return vd_error_set(error, code, "the outbox is full (%zu messages, %zu bytes wait)",
                            vd_outbox_count(&redis->outbox), vd_outbox_bytes(&redis->outbox));
    if (vd_link_is_up(&redis->link)) {
        pump(redis);
        if (vd_stream_pending(&redis->publisher.stream) >= FLUSH_BYTES)
            vd_stream_flush(&redis->publisher.stream);
        vd_broker_host_wake(redis->host);
    }
    return VD_OK;
}

static size_t unconfirmed(void *state)
{
    struct redis *redis = state;

    pump(redis);
    vd_stream_flush(&redis->publisher.stream);
    return vd_outbox_count(&redis->outbox);
}

static void status(const void *state, struct vd_broker_status *status)
{
    const struct redis *redis = state;

    status->state = vd_link_status(&redis->link);
    status->connected = vd_link_is_up(&redis->link);
    status->attempts = redis->link.backoff.attempt;
    status->next_delay_ms =
        redis->link.state == VD_LINK_BACKOFF ? redis->link.failure.next_delay_ms : 0;
    status->rtt_us = redis->rtt_us;
    status->outbox_messages = vd_outbox_count(&redis->outbox);
    status->outbox_bytes = vd_outbox_bytes(&redis->outbox);
    status->outbox_sequence = vd_outbox_sequence(&redis->outbox);
}

/* ---- life --------------------------------------------------------------------------------------
 */

static enum vd_err open_state(const struct vd_broker_options *options, struct vd_broker *host,
                              void **state, struct vd_error *error)
{
    struct redis *redis = NULL;
    enum vd_err code = vd_redis_state_create(options, host, &redis, error);

    if (!code)
        *state = redis;
    return code;
}

static void destroy(void *state)
{
    struct redis *redis = state;

    disconnect(redis);
    vd_redis_state_free(redis);
}

static void abandon(void *state)
{
    struct redis *redis = state;

    vd_stream_abandon(&redis->subscriber.stream);
    vd_stream_abandon(&redis->publisher.stream);
    vd_resolve_abandon(redis->resolve);
    vd_redis_state_free(redis);
}

const struct vd_broker_driver vd_broker_driver_redis = {
    .name = "redis",
    .display = "RedisBroker",
    .schemes = "redis rediss",
    .network = true,
    .open = open_state,
    .destroy = destroy,
    .abandon = abandon,
    .fd = descriptor,
    .publish = publish,
    .dispatch = dispatch,
    .next_deadline_ms = next_deadline_ms,
    .unconfirmed = unconfirmed,
    .status = status,
};
