/* SPDX-License-Identifier: Apache-2.0 */
/* The Redis driver: PUBLISH and SUBSCRIBE on one channel, a connection for each.
 *
 * Happy path: both connections are opened (TLS), log in, the one subscribes, the other publishes a
 * probe that must come back; then the outbox flows, pipelined, and each integer reply confirms the
 * oldest message in flight. The life cycle is the link's (link.h), what waits is the outbox's.
 *
 * Failure modes: any error of either connection, any error reply, any probe that stays away ends
 * both; what was not confirmed goes out again afterwards (receivers know the copies by
 * their sequence numbers), and a gap is told before the first message after it.
 *
 * Needs of the ACL: +subscribe +publish &channel (+ping, which the documented minimum has, is not
 * used). INFO is asked and may be denied: it shows a replica, where publishing is in vain. No
 * HELLO, SELECT, CLIENT: some ACLs deny them, and nothing depends on them.
 *
 * Sources: https://redis.io/docs/latest/develop/reference/protocol-spec/ and .../pubsub/ */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <viaduct/clock.h>
#include <viaduct/wire.h>

#include "redis_state.h"

#define FLUSH_BYTES ((size_t)64 * 1024) /* written at once, without waiting for dispatch */
#define PENDING_BYTES                                                                              \
    ((size_t)256 * 1024) /* more stays in the outbox until the socket takes it                     \
                          */
#define LENGTH_BYTES 24  /* "<digits>\r\n" */

static bool obey(struct redis *redis, unsigned todo);

/* ---- events of the link ------------------------------------------------------------------------
 */

/* false: leave dispatch, the handle is gone. */
bool vd_redis_happened(struct redis *redis, enum vd_link_event_type type)
{
    return obey(redis, vd_uplink_happened(&redis->up, type));
}

bool vd_redis_broke(struct redis *redis, enum vd_err code, const char *text)
{
    return obey(redis, vd_uplink_failed(&redis->up, code, text));
}

bool vd_redis_probe_back(struct redis *redis, uint64_t number)
{
    return obey(redis, vd_uplink_probe_back(&redis->up, number, vd_monotonic_us()));
}

/* ---- publish -----------------------------------------------------------------------------------
 */

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
    entry->sequence = vd_broker_host_own_sequence(redis->up.host, message);
    return entry;
}

/* Where it is allowed, the server is asked before each probe whether it is a replica. */
static bool ask_role(struct redis *redis)
{
    const char *cluster[] = {"INFO", "cluster"}, *replication[] = {"INFO", "replication"};

    redis->awaited = VD_REDIS_PROBE;
    redis->awaited_after = redis->up.outbox.flying_count;
    if (redis->info_denied)
        return true;
    redis->awaited = VD_REDIS_CLUSTER;
    return vd_redis_send(redis, &redis->publisher, 2, cluster) &&
           vd_redis_send(redis, &redis->publisher, 2, replication);
}

static bool send_probe(struct redis *redis)
{
    const char *words[VD_REDIS_WORDS] = {"PUBLISH", redis->channel};
    char text[VD_PROBE_BYTES];

    if (redis->awaited) {
        return vd_redis_broke(
            redis, VD_ERR_TIMEOUT,
            "the publishing connection did not answer in time: the link is frozen, "
            "half-open or deaf");
    }
    vd_uplink_write_probe(&redis->up, text, redis->token.text, redis->up.link.probe);
    words[2] = text;
    redis->up.probe_sent_us = vd_monotonic_us();
    return ask_role(redis) && vd_redis_send(redis, &redis->publisher, 3, words);
}

/* Hand over what the socket can take. Failures are seen when it is read. */
static void pump(struct redis *redis)
{
    struct vd_stream *stream = &redis->publisher.stream;
    const struct vd_outbox_entry *entry;

    if (!vd_uplink_is_up(&redis->up))
        return;
    while ((entry = vd_outbox_next(&redis->up.outbox)) != NULL) {
        if (vd_stream_pending(stream) >= PENDING_BYTES) {
            vd_stream_flush(stream);
            if (vd_stream_pending(stream) >= PENDING_BYTES)
                break;
        }
        if (!vd_stream_queue(stream, entry->bytes + entry->start, entry->length))
            break;
        vd_outbox_sent(&redis->up.outbox);
    }
}

/* ---- what the link asks for --------------------------------------------------------------------
 */

static bool tell_failure(struct redis *redis)
{
    struct vd_broker_failure failure = redis->up.link.failure;
    char text[VD_ERROR_TEXT_BYTES];

    if (redis->url.count > 1) {
        snprintf(text, sizeof(text), "%.200s (server %zu of %zu)", failure.text,
                 (size_t)(redis->server - redis->url.servers) + 1, redis->url.count);
        failure.text = text;
    }
    return vd_broker_host_failure(redis->up.host, &failure);
}

static bool obey(struct redis *redis, unsigned todo)
{
    if (todo & VD_LINK_DO_DISCONNECT)
        vd_redis_disconnect(redis);
    if ((todo & VD_LINK_TELL_FAILURE) && !tell_failure(redis))
        return false;
    if (todo & VD_LINK_DO_CONNECT)
        return vd_redis_connect(redis);
    if (todo & VD_LINK_DO_AUTHENTICATE)
        return vd_redis_log_in(redis);
    if (todo & VD_LINK_DO_SUBSCRIBE)
        return vd_redis_subscribe(redis);
    if ((todo & VD_LINK_TELL_GAP) && !vd_broker_host_gap(redis->up.host, VD_GAP_RECONNECT, 0))
        return false;
    if (todo & VD_LINK_DO_PROBE)
        return send_probe(redis);
    if (todo & VD_LINK_TELL_CONNECTED)
        vd_uplink_tell_connected(&redis->up);
    return true;
}

/* ---- the loop ----------------------------------------------------------------------------------
 */

static void swallow_notice(struct redis *redis)
{
    uint64_t count;

    while (read(redis->notice_fd, &count, sizeof(count)) > 0)
        ;
}

/* Which of the three descriptors has something: one call instead of one in vain for each. */
static void look(struct redis *redis)
{
    struct epoll_event ready[3];
    int count = epoll_wait(redis->epoll_fd, ready, 3, 0);

    for (int i = 0; i < count; i++) {
        if (ready[i].data.ptr == &redis->subscriber.stream) {
            redis->subscriber.ready = true;
        } else if (ready[i].data.ptr == &redis->publisher.stream) {
            redis->publisher.ready = true;
        } else {
            swallow_notice(redis);
        }
    }
}

/* What is said when the deadline of an attempt comes in a state that the link does not know. */
static const char *late_text(const struct redis *redis, enum vd_err *code)
{
    bool shaking = redis->subscriber.stream.state == VD_STREAM_HANDSHAKING ||
                   redis->publisher.stream.state == VD_STREAM_HANDSHAKING;

    *code = shaking ? VD_ERR_TLS : VD_ERR_AUTHENTICATION;
    if (shaking) {
        return "the server did not finish the TLS handshake in time: it may be frozen, or not "
               "speak TLS on that port";
    }
    return redis->wants_credentials ? "the credentials were not there in time" : NULL;
}

/* What is unread may hold the answer to a probe: the publisher's part of it in what the publisher
 * sent, its message in what the subscriber did. */
static bool may_be_unread(const struct redis *redis)
{
    if (!redis->up.link.probe_away)
        return false;
    return redis->awaited ? redis->publisher.unread : redis->subscriber.unread;
}

static bool tick(struct redis *redis)
{
    enum vd_err code;
    const char *text = late_text(redis, &code);

    if (may_be_unread(redis))
        return true;
    if (text && redis->up.now_ms >= vd_link_deadline_ms(&redis->up.link))
        return vd_redis_broke(redis, code, text);
    return vd_redis_happened(redis, VD_LINK_TICK);
}

/* What has come is read before the clock is asked: a process that was busy, or stopped, must not
 * take its own absence for the server's. */
static bool turn(struct redis *redis, unsigned budget)
{
    if (redis->up.link.state == VD_LINK_CONNECTING && !vd_redis_advance(redis))
        return false;
    if (!vd_redis_receive(redis, &budget) || !tick(redis))
        return false;
    if (redis->up.link.state == VD_LINK_CONNECTING && redis->resolve && !redis->address &&
        !vd_redis_advance(redis))
        return false;
    return vd_uplink_tell_overflow(&redis->up);
}

static void dispatch(void *state, uint64_t now_ms, unsigned budget)
{
    struct redis *redis = state;

    vd_uplink_set_time(&redis->up, now_ms);
    look(redis);
    if (!turn(redis, budget))
        return;
    pump(redis);
    vd_stream_flush(&redis->publisher.stream);
    vd_stream_flush(&redis->subscriber.stream); /* a long login */
    if (vd_redis_has_more(redis) || redis->publisher.stream.state == VD_STREAM_FAILED ||
        redis->subscriber.stream.state == VD_STREAM_FAILED)
        vd_broker_host_wake(redis->up.host);
}

static uint64_t next_deadline_ms(const void *state)
{
    const struct redis *redis = state;

    return vd_link_deadline_ms(&redis->up.link);
}

static int descriptor(const void *state)
{
    return ((const struct redis *)state)->epoll_fd;
}

static enum vd_err publish(void *state, const struct vd_message *message, struct vd_error *error)
{
    struct redis *redis = state;
    struct vd_outbox_entry *entry = format_publish(redis, message);
    enum vd_err code;

    if (!entry)
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory to send a message");
    code = vd_uplink_accept(&redis->up, entry, error);
    if (code)
        return code;
    if (vd_uplink_is_up(&redis->up)) {
        pump(redis);
        if (vd_stream_pending(&redis->publisher.stream) >= FLUSH_BYTES)
            vd_stream_flush(&redis->publisher.stream);
        vd_broker_host_wake(redis->up.host);
    }
    return VD_OK;
}

static size_t unconfirmed(void *state)
{
    struct redis *redis = state;

    pump(redis);
    vd_stream_flush(&redis->publisher.stream);
    return vd_outbox_count(&redis->up.outbox);
}

static void status(const void *state, struct vd_broker_status *status)
{
    vd_uplink_describe(&((const struct redis *)state)->up, status);
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

    vd_redis_disconnect(redis);
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
    .schemes = "redis rediss redis+unix",
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
