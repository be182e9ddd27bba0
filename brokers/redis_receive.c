/* SPDX-License-Identifier: Apache-2.0 */
/* The Redis driver: what the server says; see redis.c for the whole.
 *
 * On the subscribing connection: the acknowledgement, then messages, our own probes among them. On
 * the publishing one: an integer for each message in flight, in order, with the answers to a probe
 * and the questions before it at their place. Whatever is not expected there ends the link. */
#include <string.h>

#include "redis_error.h"
#include "redis_state.h"

#define READ_BYTES    ((size_t)1024 * 1024) /* of one connection in one dispatch */
#define CONFIRMS      8192u                 /* publisher's replies in one dispatch */
#define STRIKES       3
#define SUSPECT_BYTES ((size_t)1024 * 1024)

static const char stranger[] = "the server answers as no Redis server does";

/* ---- replies -----------------------------------------------------------------------------------
 */

static bool refused(struct redis *redis, enum vd_redis_asked asked, const char *words)
{
    struct vd_error error;
    bool passing;

    if (redis->up.link.state == VD_LINK_AUTHENTICATING)
        asked = VD_REDIS_AUTH;
    vd_redis_explain(words, asked, redis->channel, &passing, &error);
    return vd_redis_broke(redis, error.code, error.text);
}

static bool logged_in(struct redis *redis, struct connection *connection)
{
    connection->logged_in = true;
    if (redis->subscriber.logged_in && redis->publisher.logged_in)
        return vd_redis_happened(redis, VD_LINK_AUTHENTICATED);
    return true;
}

static bool probe_came(struct redis *redis, const struct vd_probe *probe)
{
    if (probe->number > 0)
        return vd_redis_probe_back(redis, probe->number);
    return vd_broker_host_heard(redis->up.host, probe->node, probe->node_length, probe->last);
}

static bool message_came(struct redis *redis, const struct vd_redis_reply *reply)
{
    struct vd_probe probe;
    enum vd_err code;

    if (!reply->payload) { /* no message has had any yet, nor has this one */
        vd_broker_host_malformed(redis->up.host, "it is empty");
        return true;
    }
    if (vd_probe_read(reply->payload, reply->payload_length, redis->token.text, &probe))
        return probe_came(redis, &probe);
    code = vd_uplink_take(&redis->up, reply->payload, reply->payload_length);
    if (code == VD_ERR_NO_MEMORY)
        return vd_redis_broke(redis, code, "no memory for a message");
    return code == VD_OK;
}

static bool subscriber_reply(struct redis *redis, const struct vd_redis_reply *reply)
{
    if (reply->type == REDIS_REPLY_ERROR)
        return refused(redis, VD_REDIS_SUBSCRIBE, reply->word);
    if (redis->up.link.state == VD_LINK_AUTHENTICATING && reply->type == REDIS_REPLY_STATUS &&
        !redis->subscriber.logged_in)
        return logged_in(redis, &redis->subscriber);
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == VD_REDIS_PARTS) {
        if (strcmp(reply->word, "message") == 0)
            return message_came(redis, reply);
        if (strcmp(reply->word, "subscribe") == 0)
            return vd_redis_happened(redis, VD_LINK_SUBSCRIBED);
        if (strcmp(reply->word, "unsubscribe") == 0)
            return vd_redis_broke(redis, VD_ERR_CONNECTION, "the server ended the subscription");
    }
    return vd_redis_broke(redis, VD_ERR_MALFORMED, stranger);
}

/* A message that is refused, or at which the connection ends, goes out again with the next link.
 * Unless that ends so too, and it is not for the server's state: it would be in the way for ever.
 * So each refusal counts two strikes, each loss of a link by a message that servers may be
 * configured to refuse (from 1 MiB on; the refusal itself is easily lost to the reset after it)
 * counts one, and with the third it is dropped. true: it is. */
static bool strike(struct redis *redis, unsigned strikes)
{
    redis->strikes += strikes;
    if (redis->strikes < STRIKES)
        return false;
    redis->strikes = 0;
    vd_outbox_confirm(&redis->up.outbox);
    vd_broker_host_counters(redis->up.host)->outbox_drops++;
    return true;
}

static const char dropped[] = "the server refused a message again and again, and it is dropped: it "
                              "may be larger than the server's proto-max-bulk-len";

static bool message_refused(struct redis *redis, const char *words)
{
    struct vd_error error;
    bool passing;

    vd_redis_explain(words, VD_REDIS_PUBLISH, redis->channel, &passing, &error);
    if (!passing && strike(redis, 2))
        return vd_redis_broke(redis, VD_ERR_TOO_LARGE, dropped);
    return vd_redis_broke(redis, error.code, error.text);
}

/* On a replica all looks well, and nobody else hears what is published; but in a cluster it is
 * passed on. */
static bool replication_told(struct redis *redis, const char *text)
{
    bool is_replica = strstr(text, "role:slave") || strstr(text, "role:replica");

    if (redis->is_cluster || !is_replica)
        return true;
    return vd_redis_broke(redis, VD_ERR_CONNECTION,
                          "the server is a replica: what is published there reaches no other "
                          "server; name the primary, or list all servers in the URL");
}

/* What came is an answer to a question before the probe, or to the probe itself. */
static bool awaited_reply(struct redis *redis, const struct vd_redis_reply *reply)
{
    enum vd_redis_awaited awaited = redis->awaited--;
    bool is_text = reply->type == REDIS_REPLY_STRING;

    if (awaited == VD_REDIS_PROBE) {
        if (reply->type == REDIS_REPLY_ERROR)
            return refused(redis, VD_REDIS_PUBLISH, reply->word);
        return reply->type == REDIS_REPLY_INTEGER
                   ? true
                   : vd_redis_broke(redis, VD_ERR_MALFORMED, stranger);
    }
    if (reply->type == REDIS_REPLY_ERROR) /* no right to ask, and none is needed */
        redis->info_denied = true;
    if (awaited == VD_REDIS_CLUSTER)
        redis->is_cluster = is_text && strstr(reply->word, "cluster_enabled:1");
    if (awaited == VD_REDIS_REPLICATION && is_text)
        return replication_told(redis, reply->word);
    return true;
}

static bool publisher_reply(struct redis *redis, const struct vd_redis_reply *reply)
{
    if (redis->up.link.state == VD_LINK_AUTHENTICATING && reply->type == REDIS_REPLY_STATUS &&
        !redis->publisher.logged_in)
        return logged_in(redis, &redis->publisher);
    if (redis->awaited && redis->awaited_after == 0)
        return awaited_reply(redis, reply);
    if (reply->type == REDIS_REPLY_ERROR) {
        return redis->up.outbox.flying_count > 0 ? message_refused(redis, reply->word)
                                                 : refused(redis, VD_REDIS_PUBLISH, reply->word);
    }
    if (reply->type != REDIS_REPLY_INTEGER || !vd_outbox_confirm(&redis->up.outbox))
        return vd_redis_broke(redis, VD_ERR_MALFORMED, stranger);
    redis->strikes = 0;
    if (redis->awaited)
        redis->awaited_after--;
    return true;
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
        return vd_redis_broke(redis, code, stranger);
    return true;
}

/* In TLS 1.3 the server looks at the client's certificate when for the client the handshake is
 * over, and its alert may be lost to the reset that follows it. */
static bool connection_ended(struct redis *redis, const struct connection *connection)
{
    struct vd_error error = connection->stream.error;

    if (error.code == VD_ERR_CONNECTION && connection->stream.session && !connection->heard) {
        vd_error_set(&error, VD_ERR_TLS,
                     "the server closed the connection right after the TLS handshake: it may want "
                     "a client certificate");
    }
    if (connection == &redis->publisher && vd_uplink_is_up(&redis->up) &&
        redis->up.outbox.flying_count > 0 && redis->up.outbox.first->length >= SUSPECT_BYTES &&
        strike(redis, 1))
        vd_error_set(&error, VD_ERR_TOO_LARGE, "%s", dropped);
    return vd_redis_broke(redis, error.code, error.text);
}

static bool read_connection(struct redis *redis, struct connection *connection, reply_fn *take,
                            unsigned *budget)
{
    size_t room = READ_BYTES;
    enum vd_err code;
    ssize_t count;

    if (!connection->ready && !connection->unread && connection->stream.state != VD_STREAM_FAILED)
        return true;
    connection->ready = connection->unread = false;
    for (bool drained = false;;) {
        if (!take_replies(redis, connection, take, budget))
            return false;
        if (connection->stream.state == VD_STREAM_CLOSED)
            return true;
        if (*budget == 0 || room < VD_REDIS_FEED_BYTES) {
            connection->unread = true;
            return true;
        }
        if (drained)
            return true;
        count = vd_stream_read(&connection->stream, redis->buffer, VD_REDIS_FEED_BYTES);
        if (count == 0)
            return true;
        if (count < 0)
            return connection_ended(redis, connection);
        drained = (size_t)count < VD_REDIS_FEED_BYTES;
        room -= (size_t)count;
        connection->heard = true;
        code = vd_redis_reader_feed(&connection->reader, redis->buffer, (size_t)count);
        if (code) {
            return vd_redis_broke(redis, code,
                                  "the server sent more at once than any message takes");
        }
    }
}

bool vd_redis_receive(struct redis *redis, unsigned *budget)
{
    unsigned confirms = CONFIRMS;

    return read_connection(redis, &redis->publisher, publisher_reply, &confirms) &&
           read_connection(redis, &redis->subscriber, subscriber_reply, budget);
}
