/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway from within: the one struct that holds it all, and what has no header of its own. One
 * process, one thread, one event loop; runs no PHP and never blocks.
 *
 *   listener -> connection -> dispatch -> [requests ring]  worker
 *                   ^                                        |
 *                   +--- response <--- worker_link <--- [to_gateway ring]
 *                                           |
 *        stream <--- interest <--- publish <+----> replay (history)
 *                                  |        +----> link (other nodes)
 *                            subscription ---> [events ring]  worker
 *
 * A turn: look at the clock, drain the rings, bury the dead, dispatch, flush link and streams, wake
 * the workers, sleep. */
#ifndef VIADUCT_GATEWAY_H
#define VIADUCT_GATEWAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include <health.h>
#include <viaduct/clock.h>
#include <viaduct/message.h>
#include <viaduct/ring.h>
#include <viaduct/scope.h>

#include "common_coding.h"
#include "common_forwarded.h"
#include "common_frames.h"
#include "common_http.h"
#include "common_node.h"
#include "gateway_connection.h"
#include "gateway_credentials.h"
#include "gateway_event.h"
#include "gateway_interest.h"
#include "gateway_link.h"
#include "gateway_loop.h"
#include "gateway_pace.h"
#include "gateway_replay.h"
#include "gateway_request.h"
#include "gateway_static.h"
#include "gateway_stream.h"
#include "gateway_worker.h"
#include "worker.h"

struct gw_counters {
    uint64_t accepted, requests, responses[6]; /* by class, [0] unused */
    uint64_t streams_opened, published, delivered, dropped, replayed, gaps;
    uint64_t refused[VD_HEALTH_REFUSALS];
    uint64_t access_log_dropped;
};

/* One listening socket. */
struct gw_acceptor {
    struct gateway *gateway;
    const struct vd_listener *listener;
    struct vd_watch *watch;
};

struct gateway { // NOLINT(clang-analyzer-optin.performance.Padding): by topic
    struct vd_node *node;
    struct vd_shared *shared;
    const struct vd_server_config *config;
    struct vd_logger *logger;
    uint32_t epoch;
    struct vd_loop *loop;
    uint64_t now_ms, wall_ms, started_ms;
    uint64_t next_sweep_ms;
    uint32_t sweep_interval_ms;
    char date[30];
    uint64_t date_second;

    struct gw_acceptor acceptors[VD_LISTENERS_MAX + 1]; /* [node->listener_count] */
    bool accepting;
    struct vd_watch *bell;
    bool accept_paused;
    void *addresses;                  /* see gateway_address.c */
    int descriptor_limit;             /* accepting pauses at this number */
    struct gw_access_log *access_log; /* NULL: off */
    struct vd_trust trust;
    uint64_t random[4]; /* state of gateway_edge.c */
    bool draining, orphaned;
    uint64_t drain_from_ms;

    struct gw_connection_list connections;
    struct gw_connection_list graveyard; /* closed in this turn, freed at its end */
    size_t connection_count, stream_count, open_requests;

    struct gw_request_list queue;
    struct gw_request_list uploads; /* those whose client has yet to send more than is kept here */
    size_t queue_length;            /* of both */
    size_t upload_bytes;            /* kept of request bodies, in all */
    size_t kept_bytes;              /* of responses that wait for their clients, in all */
    uint64_t next_request;

    struct gw_worker *workers; /* [config->workers] */
    unsigned dispatch_cursor;
    struct vd_interest *interest;
    LIST_HEAD(, gw_subscription) subscriptions;
    LIST_HEAD(, gw_timer) timers;
    bool clients_wanted;               /* some worker has asked for connects and disconnects */
    struct gw_lane_list client_events; /* no such worker is alive just now */
    size_t client_event_count;
    struct gw_replay *replay;
    struct gw_link *link; /* NULL: this node is alone */
    struct gw_credentials credentials;
    struct gw_resync resync;

    struct gw_stream *dirty;
    struct gw_event *heartbeat;
    struct gw_event *last_chunk;        /* ends a chunked stream */
    struct gw_cors *cors;               /* NULL: not configured */
    struct gw_event_coder *event_coder; /* NULL until a stream wants gzip */
    uint64_t next_stream;
    struct gw_counters counters;
    char *scratch; /* one read */
    struct gw_static_root static_root;
};

#define GW_SCRATCH_BYTES (64 * 1024)

/* gateway_main.c: the loop in its parts, for the process and for tests that drive it themselves.
 * @gateway is zeroed; gw_finish also after a start that failed. One turn sleeps until something
 * happens. */
enum vd_err gw_start(struct gateway *gateway, struct vd_node *node, uint32_t epoch);
void gw_turn(struct gateway *gateway);
void gw_finish(struct gateway *gateway);
/* gateway_main.c: what the history can vouch for, else a new one, and an index over it. */
enum vd_err gw_history_take_over(struct gateway *gateway);

/* gateway_publish.c */
/* A message published on this node: number it, remember it, deliver it. */
void gw_publish_local(struct gateway *gateway, struct vd_message *message,
                      struct vd_history_source source);
void gw_publish_deliver(struct gateway *gateway, const struct vd_message *message, uint64_t offset);
/* One of another node: remember it with its origin and number, deliver it here. */
void gw_publish_remote(struct gateway *gateway, const struct vd_message *message);
/* Append to the history and its index. Returns whether it was kept; *@offset is its place anyway.
 */
bool gw_publish_remember(struct gateway *gateway, const struct vd_message *message,
                         struct vd_history_source source, uint64_t *offset);
/* What a dead worker had changed and not published: vd_worker_owe. */
void gw_publish_owed(struct gateway *gateway, struct vd_worker_slot *slot);
/* Of this node, whichever of its gateways published it? */
bool gw_publish_is_own(const struct gateway *gateway, const struct vd_message *message);
/* After a predecessor's death: no number that it gave is given again. */
void gw_publish_take_over(struct gateway *gateway);

/* gateway_admin.c: answers /_health and /metrics itself; false: not one of them. */
bool gw_admin_handle(struct gw_connection *connection, const struct vd_http_request *head,
                     const char *bytes);
/* What they are made of. @workers: VD_WORKERS_MAX; @broker: room for the link's status. */
void gw_admin_gather(const struct gateway *gateway, struct vd_health_facts *facts,
                     struct vd_health_worker *workers, struct vd_broker_status *broker);

/* gateway_control.c: answers whatever comes through the control socket. */
void gw_control_handle(struct gw_connection *connection, const struct vd_http_request *head,
                       const char *bytes);

#endif
