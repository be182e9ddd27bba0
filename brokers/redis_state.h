/* SPDX-License-Identifier: Apache-2.0 */
/* What the two files of the Redis driver share: redis_open.c makes it from the options, redis.c
 * does everything else. */
#ifndef VIADUCT_BROKERS_REDIS_STATE_H
#define VIADUCT_BROKERS_REDIS_STATE_H

#include <viaduct/broker_driver.h>

#include "link.h"
#include "outbox.h"
#include "redis_reply.h"
#include "redis_url.h"
#include "resolve.h"
#include "stream.h"

#define VD_REDIS_FEED_BYTES ((size_t)64 * 1024) /* read at once */

struct connection {
    struct vd_stream stream;
    struct vd_redis_reader reader;
    bool logged_in;
    bool heard; /* anything at all */
};

struct redis {
    struct vd_broker *host;
    struct vd_link link;
    struct vd_outbox outbox;
    uint64_t now_ms;
    unsigned budget;

    struct vd_redis_url url;
    char *channel;
    char *prefix; /* "*3\r\n$7\r\nPUBLISH\r\n$13\r\nvia:broadcast\r\n$" */
    size_t prefix_length;
    char node_id[VD_ORIGIN_MAX_BYTES + 1];
    size_t max_message_bytes, reply_limit_bytes;
    uint32_t user_timeout_ms;
    struct vd_tls *tls;
    vd_broker_credentials_fn *credentials_for_attempt;
    void *credentials_context;
    struct vd_broker_credentials credentials; /* of this attempt; borrowed */

    int epoll_fd, notice_fd;
    struct vd_resolve *resolve;
    const struct addrinfo *address;
    struct connection subscriber, publisher;
    char *buffer;  /* [VD_REDIS_FEED_BYTES] */
    void *scratch; /* of the wire decoder */
    size_t scratch_bytes;

    char token[17]; /* tells our probes from those of other nodes */
    bool probe_unanswered;
    size_t probe_after; /* replies for messages that come before the probe's */
    uint64_t probe_sent_us, rtt_us;
    bool overflowed, overflow_told;
};

/* As the driver's open, but for the table of functions: @options checked and taken over. */
enum vd_err vd_redis_state_create(const struct vd_broker_options *options, struct vd_broker *host,
                                  struct redis **state, struct vd_error *error);
/* Frees the memory and closes the private descriptors; the connections and the look-up must have
 * been closed, or abandoned. */
void vd_redis_state_free(struct redis *state);

#endif
