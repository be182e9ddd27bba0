/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the Redis driver share:
 *
 *     redis_open.c      the state, from the options
 *     redis_connect.c   an attempt to connect, up to the subscription
 *     redis_receive.c   what the server says
 *     redis.c           the link's events, publishing, the loop */
#ifndef VIADUCT_BROKERS_REDIS_STATE_H
#define VIADUCT_BROKERS_REDIS_STATE_H

#include <viaduct/broker_driver.h>

#include "redis_reply.h"
#include "redis_url.h"
#include "resolve.h"
#include "stream.h"
#include "uplink.h"

#define VD_REDIS_FEED_BYTES ((size_t)64 * 1024) /* read at once */
#define VD_REDIS_WORDS      3                   /* of a command */

/* What the publishing connection owes besides the confirmations: in this order. */
enum vd_redis_awaited {
    VD_REDIS_NOTHING,
    VD_REDIS_PROBE,       /* the integer for a probe */
    VD_REDIS_REPLICATION, /* INFO replication: is it a replica */
    VD_REDIS_CLUSTER      /* INFO cluster: where replicas pass on what is published */
};

struct connection {
    struct vd_stream stream;
    struct vd_redis_reader reader;
    bool logged_in;
    bool heard;  /* anything at all */
    bool ready;  /* to be read, says the descriptor */
    bool unread; /* and not to its end */
};

struct redis {
    struct vd_uplink up;

    struct vd_redis_url url;
    const struct vd_redis_server *server; /* of this attempt */
    size_t attempts;
    char *channel;
    char *prefix; /* "*3\r\n$7\r\nPUBLISH\r\n$13\r\nvia:broadcast\r\n$" */
    size_t prefix_length;
    size_t reply_limit_bytes;
    uint32_t user_timeout_ms;
    struct vd_tls *tls;
    vd_broker_credentials_fn *credentials_for_attempt;
    void *credentials_context;
    struct vd_broker_credentials credentials; /* of this attempt; borrowed */
    bool wants_credentials;                   /* they are not there yet */

    int epoll_fd, notice_fd;
    struct vd_resolve *resolve;
    const struct addrinfo *addresses; /* resolve's */
    const struct addrinfo *address;   /* that is tried, or used; NULL: not known yet */
    const struct addrinfo *first_address;
    struct connection subscriber, publisher;
    char *buffer; /* [VD_REDIS_FEED_BYTES] */

    struct vd_node_id token; /* of our probes */
    enum vd_redis_awaited awaited;
    size_t awaited_after; /* confirmations that come before it */
    bool info_denied;     /* on this connection: it is not asked again */
    bool is_cluster;
    unsigned strikes; /* against the oldest in flight: see strike() */
};

/* As the driver's open, but for the table of functions: @options checked and taken over. */
enum vd_err vd_redis_state_create(const struct vd_broker_options *options, struct vd_broker *host,
                                  struct redis **state, struct vd_error *error);
/* Frees the memory and closes the private descriptors; the connections and the look-up must have
 * been closed, or abandoned. */
void vd_redis_state_free(struct redis *state);

/* redis.c: tell the link. false, here and below: leave dispatch, the handle is gone. */
bool vd_redis_happened(struct redis *redis, enum vd_link_event_type type);
bool vd_redis_broke(struct redis *redis, enum vd_err code, const char *text);
bool vd_redis_probe_back(struct redis *redis, uint64_t number);

/* redis_connect.c */
bool vd_redis_connect(struct redis *redis);
bool vd_redis_advance(struct redis *redis);
bool vd_redis_send(struct redis *redis, struct connection *connection, int count,
                   const char **words);
bool vd_redis_log_in(struct redis *redis);
bool vd_redis_subscribe(struct redis *redis);
void vd_redis_disconnect(struct redis *redis);

/* redis_receive.c: read what has come; *@budget goes down with each message. */
bool vd_redis_receive(struct redis *redis, unsigned *budget);

/* There is more to read than one dispatch takes, perhaps where no descriptor shows it. */
static inline bool vd_redis_has_more(const struct redis *redis)
{
    return redis->subscriber.unread || redis->publisher.unread;
}

#endif
