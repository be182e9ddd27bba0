/* SPDX-License-Identifier: Apache-2.0 */
/* The broker: carries messages between nodes, or between the processes of one machine.
 *
 *     struct vd_broker_options options = {.url = "memory:", .memory_hub = hub};
 *     vd_broker_open(&options, &broker, &error);           returns at once, connected or not
 *     vd_broker_subscribe(broker, "room:*", 6, on_message, context, &subscription, &error);
 *     vd_broker_publish(broker, &message, &error);
 *     while (running)
 *         vd_broker_poll(broker, -1);                      on_message is called in here
 *     vd_broker_destroy(broker);
 *
 * One handle belongs to one thread and one process. Callbacks run only inside vd_broker_dispatch
 * and vd_broker_poll, one at a time, on the caller's thread, whatever threads or loops a driver
 * keeps for itself. A callback may call every function here on any handle of its thread, also
 * publish, subscribe, unsubscribe (itself too), close and destroy; only dispatch and poll of the
 * same handle are refused there (VD_ERR_STATE).
 *
 * After fork() the child holds a dead copy: every call but vd_broker_destroy answers VD_ERR_STATE,
 * and destroy frees the copy without a word to the other side. So does a dispatch whose callback
 * has forked, in the child. Open after the fork.
 *
 * What every driver promises: messages of one origin arrive in the order in which they were
 * published, none twice, none of one's own node; what was lost is said through on_gap before the
 * next message is delivered (on a network, when none follows: within two probe intervals). Nothing
 * is lost in silence. */
#ifndef VIADUCT_BROKER_H
#define VIADUCT_BROKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <viaduct/error.h>
#include <viaduct/log.h>
#include <viaduct/message.h>

struct vd_broker;
struct vd_broker_subscription;
struct vd_memory_hub;
struct vd_pipe_hub;

/* ---- callbacks ---------------------------------------------------------------------------------
 */

/* A message whose scope overlaps the subscription's pattern. @message and all it points to are
 * borrowed until return. */
typedef void vd_broker_message_fn(struct vd_broker *broker, const struct vd_message *message,
                                  void *context);

/* The link failed, or an attempt to bring it up did: once for each drop and each attempt. Also a
 * publish that was accepted and then refused by the far side, and an outbox that overflows. */
struct vd_broker_failure {
    enum vd_err code;       /* CONNECTION, AUTHENTICATION, TLS, TIMEOUT, FULL, CLOSED, ... */
    const char *driver;     /* "redis" */
    uint32_t attempt;       /* failed attempts since the link was last up for good; 0: none yet */
    uint32_t next_delay_ms; /* until the next attempt */
    const char *text;       /* one sentence, never with a secret; borrowed until return */
};
typedef void vd_broker_error_fn(struct vd_broker *broker, const struct vd_broker_failure *failure,
                                void *context);

enum vd_broker_gap_reason {
    VD_GAP_SEQUENCE, /* an origin's numbers jumped */
    VD_GAP_OVERFLOW, /* this reader was too slow; messages for it were dropped */
    VD_GAP_RECONNECT /* the link was down: what happened meanwhile is not known */
};

/* Messages were lost (or may have been): read again what you hold, as if everything had been
 * invalidated. Called before the next message that does arrive. */
struct vd_broker_gap {
    enum vd_broker_gap_reason reason;
    const char *origin; /* whose messages; NULL: anybody's */
    size_t origin_length;
    uint64_t missed; /* how many; 0: not known */
};
typedef void vd_broker_gap_fn(struct vd_broker *broker, const struct vd_broker_gap *gap,
                              void *context);

/* The asynchronous close is complete. VD_OK: everything accepted was handed over. VD_ERR_TIMEOUT:
 * the deadline came first. VD_ERR_CLOSED: destroyed before. */
typedef void vd_broker_closed_fn(struct vd_broker *broker, enum vd_err result, void *context);

/* ---- options -----------------------------------------------------------------------------------
 */

enum vd_outbox_policy { VD_OUTBOX_DROP_OLDEST, VD_OUTBOX_FAIL };

#define VD_BROKER_NO_WAIT UINT32_MAX

/* Asked for before each attempt to connect, so that credentials may rotate. */
struct vd_broker_credentials {
    const char *username;
    const char *password;
    const char *token;      /* NATS */
    const char *seed_file;  /* NATS: nkey seed */
    const char *creds_file; /* NATS: user JWT and seed */
};
/* Called from dispatch only, at the beginning of each attempt. Must not block: whoever has to fetch
 * them answers VD_ERR_EMPTY, fetches, and calls vd_broker_credentials_ready.
 * Ownership: what @credentials points to must live until the next call or until the handle is gone.
 * Returns:   VD_OK;
 *            VD_ERR_EMPTY: not there yet. The attempt stays in CONNECTING until its deadline
 *            (connect_timeout_ms) and asks again in each dispatch;
 *            anything else: there are none; the attempt fails (VD_ERR_AUTHENTICATION). */
typedef enum vd_err vd_broker_credentials_fn(struct vd_broker_credentials *credentials,
                                             void *context);

/* Zeroed memory is a valid start: 0 and NULL mean the default named here. Everything is copied by
 * vd_broker_open, but for the hubs, the logger and @context, which are borrowed for the life of the
 * handle. What a driver has no use for is VD_ERR_INVALID when it would be misunderstood (a password
 * for the memory driver). */
struct vd_broker_options {
    /* "memory:", "pipe:", "redis://host:6379", "rediss://", "nats://", "tls://": the scheme chooses
     * the driver. A bare driver name does as well. Several servers are separated by commas. */
    const char *url;
    const char *node_id; /* at most VD_ORIGIN_MAX_BYTES; NULL: drawn */
    /* Last sequence number that this node id has used; the handle goes on from there. Needed only
     * with a node id of one's own that outlives the handle: lower numbers than before are taken for
     * duplicates by the others. */
    uint64_t sequence;

    size_t max_message_bytes;    /* VD_MESSAGE_MAX_BYTES; data of one message, sent or received */
    size_t inbox_bytes;          /* 16 MiB; received, waiting for dispatch. Over it: dropped, gap */
    uint32_t publish_timeout_ms; /* 1,000; a driver without an outbox waits that long for room;
                                    VD_BROKER_NO_WAIT: not at all */

    /* the drivers that the machine needs */
    struct vd_memory_hub *memory_hub; /* memory; NULL: a hub of its own, with nobody else on it */
    struct vd_pipe_hub *pipe_hub;     /* pipe; required */
    unsigned pipe_endpoint;           /* pipe; 0 .. endpoints - 1 */

    /* the drivers with a network link */
    size_t outbox_messages; /* 1,000; accepted while the link is down */
    size_t outbox_bytes;    /* 4 MiB */
    enum vd_outbox_policy outbox_policy;
    uint32_t probe_interval_ms;  /* 5,000 */
    uint32_t connect_timeout_ms; /* 5,000 */
    uint32_t backoff_first_ms;   /* 1,000 */
    uint32_t backoff_cap_ms;     /* 30,000 */
    const char *channel;         /* Redis "via:broadcast", NATS "via.broadcast" */
    struct vd_broker_credentials credentials;
    vd_broker_credentials_fn *credentials_for_attempt; /* instead of the above */
    bool tls; /* also by the scheme; always with chain and host name verified */
    const char *tls_ca_file;
    const char *tls_certificate_file;
    const char *tls_key_file;

    struct vd_logger *logger;
    vd_broker_error_fn *on_error;
    vd_broker_gap_fn *on_gap;
    void *context; /* of the three callbacks above */
};

/* ---- life --------------------------------------------------------------------------------------
 */

/* Never waits: a handle whose link is not up yet is open all the same, takes publishes (outbox) and
 * keeps trying. Only what no later attempt could mend fails here.
 * Returns: VD_OK; VD_ERR_INVALID (names the option and what is allowed), VD_ERR_UNSUPPORTED (no
 * such driver in this build), VD_ERR_EXISTS (the pipe endpoint is taken by a live process),
 * VD_ERR_NO_MEMORY, VD_ERR_SYSTEM. */
enum vd_err vd_broker_open(const struct vd_broker_options *options, struct vd_broker **broker,
                           struct vd_error *error);

/* Take no more publishes, hand over what was accepted (@timeout_ms at most), say goodbye; then
 * @closed once, from dispatch. Messages still arrive until then. Does not wait. The handle stays
 * until vd_broker_destroy, which @closed may call.
 * Returns: VD_OK, VD_ERR_STATE (closing already, forked copy). @closed may be NULL. */
enum vd_err vd_broker_close(struct vd_broker *broker, uint32_t timeout_ms,
                            vd_broker_closed_fn *closed, void *context);

/* At once: whatever was not handed over is dropped; subscriptions are gone. A close under way
 * completes with VD_ERR_CLOSED first. Within a callback of this handle the memory goes when its
 * dispatch returns. Never waits for the network. NULL is fine. */
void vd_broker_destroy(struct vd_broker *broker);

/* ---- messages ----------------------------------------------------------------------------------
 */

/* Publish one message to every other node. Checked here: scope grammar, event, size. An origin of
 * NULL becomes the node id; given ones are kept (a relay). Of this node's own messages a sequence
 * of 0 becomes the next number; a given one must be greater than the last (what lies between is a
 * gap to the others), and the handle goes on from there.
 * Ownership: @message is borrowed until return.
 * Returns: VD_OK: accepted (handed to the far side, or in the outbox for it: it leaves with the
 * next dispatch or flush at the latest). VD_ERR_INVALID, VD_ERR_TOO_LARGE: @error names the part
 * and the limit. VD_ERR_FULL: no room, and waiting is switched off or the outbox policy is to fail.
 *          VD_ERR_TIMEOUT: no room within publish_timeout_ms.
 *          VD_ERR_CLOSED: the hub died in mid-publish: not known whether it arrived.
 *          VD_ERR_STATE: closing, or a forked copy.   VD_ERR_NO_MEMORY.
 * After any error but VD_ERR_CLOSED nobody has got the message and no number was used up.
 * Blocks: at most publish_timeout_ms (pipe only); never for the network. */
enum vd_err vd_broker_publish(struct vd_broker *broker, const struct vd_message *message,
                              struct vd_error *error);

/* A handle before this one had @origin's messages up to @sequence: older ones are duplicates, and
 * what is missing between it and the next is a gap. For whoever goes on in another's place, before
 * the first dispatch. The caller's own node id is left alone. */
void vd_broker_note_seen(struct vd_broker *broker, const char *origin, size_t length,
                         uint64_t sequence);

/* What credentials_for_attempt answered VD_ERR_EMPTY for is there: have dispatch ask again. Calls
 * nothing itself; any time, on the handle's thread. Nothing to ask is fine. */
void vd_broker_credentials_ready(struct vd_broker *broker);

/* Wait until the far side has confirmed everything accepted so far. Callbacks run meanwhile.
 * Returns: VD_OK, VD_ERR_TIMEOUT, VD_ERR_STATE (from a callback; forked copy).
 *          VD_ERR_CLOSED: a callback has destroyed the handle, or closed it and that is complete.
 *          VD_ERR_FULL: nothing waits any more, but some of it was dropped instead (outbox_drops;
 *          on_error has said why). Answered once for what was dropped since the last flush. */
enum vd_err vd_broker_flush(struct vd_broker *broker, uint32_t timeout_ms);

/* Call @received for each message of another node whose scope overlaps @pattern (scope.h; both may
 * contain globs). A message is delivered once to each subscription it overlaps, in the order they
 * were made; to those made or ended in a callback, from the next message on.
 * Returns: VD_OK, VD_ERR_INVALID, VD_ERR_TOO_LARGE (the pattern), VD_ERR_NO_MEMORY, VD_ERR_STATE.
 * @subscription may be NULL: it lasts as long as the handle. */
enum vd_err vd_broker_subscribe(struct vd_broker *broker, const char *pattern, size_t length,
                                vd_broker_message_fn *received, void *context,
                                struct vd_broker_subscription **subscription,
                                struct vd_error *error);

/* From now on it is called no more. The subscription is gone; NULL is fine. */
void vd_broker_unsubscribe(struct vd_broker_subscription *subscription);

/* ---- the loop ----------------------------------------------------------------------------------
 */

/* Readable (level-triggered) whenever vd_broker_dispatch has something to do, timers included: put
 * it into poll, epoll, libevent, GLib. Never read it; the handle closes it. */
int vd_broker_fd(const struct vd_broker *broker);

/* Do what is due now, run the callbacks, return. Never waits; hands out at most some hundreds of
 * messages a call (the descriptor stays readable while more wait), so that a loop stays fair.
 * Returns: VD_OK; VD_ERR_STATE (from a callback of the same handle; forked copy); VD_ERR_CLOSED:
 * closed and complete (or destroyed by a callback), nothing will ever come again. */
enum vd_err vd_broker_dispatch(struct vd_broker *broker);

/* The same for programs without a loop: wait up to @timeout_ms (-1: for ever) until there is
 * something to do, then dispatch once. A signal ends the wait early.
 * Returns: as dispatch; VD_ERR_TIMEOUT: nothing was to do. */
enum vd_err vd_broker_poll(struct vd_broker *broker, int timeout_ms);

/* ---- facts -------------------------------------------------------------------------------------
 */

/* Ever-growing, per handle. One table: the struct, /metrics and the conformance suite read it. */
#define VD_BROKER_COUNTER_MAP(X)                                                                   \
    X(published, "Messages accepted for the broker")                                               \
    X(received, "Messages of other nodes that arrived and were new")                               \
    X(own_filtered, "Messages of this node that came back and were left out")                      \
    X(duplicates, "Messages that had arrived before, or after a later one, and were left out")     \
    X(malformed, "Arrivals that were no message within the limits")                                \
    X(gaps, "Times that messages were known to be lost")                                           \
    X(resyncs, "Times that messages may have been lost and all was announced as stale")            \
    X(inbox_drops, "Messages dropped because this process read too slowly")                        \
    X(outbox_drops,                                                                                \
      "Accepted messages dropped: the outbox was full, or the far side refuses them")              \
    X(publish_failures, "Publishes refused for want of room or by the far side")                   \
    X(failures, "Failed attempts to connect, and lost links")                                      \
    X(reconnects, "Times that the link came up again")

#define VD_BROKER_COUNTER_MEMBER(name, help) uint64_t name;
struct vd_broker_counters {
    VD_BROKER_COUNTER_MAP(VD_BROKER_COUNTER_MEMBER)
};
#undef VD_BROKER_COUNTER_MEMBER

enum vd_broker_state {
    VD_BROKER_CONNECTING, /* first attempt, or the one after a drop */
    VD_BROKER_CONNECTED,  /* subscribed, and a round trip came back within the probe interval */
    VD_BROKER_WAITING,    /* backing off */
    VD_BROKER_CLOSING,
    VD_BROKER_CLOSED
};

struct vd_broker_status {
    const char *driver;  /* "pipe"; static */
    const char *display; /* "PipeBroker": its name in /_health; static */
    enum vd_broker_state state;
    bool connected;
    uint32_t attempts;      /* failed ones since the link was last up for good */
    uint32_t next_delay_ms; /* 0 unless WAITING */
    enum vd_err last_error; /* of the last failure; VD_OK: none yet */
    uint64_t rtt_us;        /* last round trip; 0: not measured */
    size_t outbox_messages; /* accepted, not yet confirmed by the far side */
    size_t outbox_bytes;
    uint64_t outbox_sequence; /* of the oldest of them; 0: none, or a relayed one */
    uint64_t sequence;        /* last number used */
    struct vd_broker_counters counters;
};

/* Never waits, not even while the driver connects: fit for a health page. */
void vd_broker_status(const struct vd_broker *broker, struct vd_broker_status *status);

/* The node id as sent; NUL-terminated, the handle's. */
const char *vd_broker_node_id(const struct vd_broker *broker);

/* ---- memory: the nodes of one process ----------------------------------------------------------
 * Handles opened on the same hub are each other's nodes (their node ids must differ, drawn ones
 * do). Each handle may live on a thread of its own; the hub is locked. */
enum vd_err vd_memory_hub_create(struct vd_memory_hub **hub, struct vd_error *error);
/* All handles must be gone. NULL is fine. */
void vd_memory_hub_destroy(struct vd_memory_hub *hub);

/* ---- pipe: the processes of one machine --------------------------------------------------------
 *
 *     endpoint 0  ==ring=>            ==ring=>  endpoint 0
 *     endpoint 1  ==ring=>    hub     ==ring=>  endpoint 1
 *     endpoint 2  ==ring=>            ==ring=>  endpoint 2
 *
 * Created once, before the fork. One process then serves it; each of the others opens a handle with
 * `.url = "pipe:", .pipe_hub = hub, .pipe_endpoint = n`. A serving process that dies is replaced by
 * any other that calls vd_pipe_hub_serve; an endpoint that dies, by any other that opens its
 * number. Whether an owner lives is known from a file lock that the kernel drops at its death, not
 * from a time-out. The serving process may hold an endpoint too; its publishes never wait. */
struct vd_pipe_hub_options {
    size_t ring_bytes; /* 256 KiB; power of two, each of the two rings of an endpoint */
    size_t
        backlog_bytes; /* 4 MiB; kept for an endpoint whose ring is full. Over it: dropped, gap */
    size_t max_message_bytes; /* VD_MESSAGE_MAX_BYTES */
    struct vd_logger *logger; /* borrowed; of the serving process */
};

#define VD_PIPE_ENDPOINTS_MAX 1024

/* @options NULL: defaults. Returns: VD_OK, VD_ERR_INVALID, VD_ERR_NO_MEMORY, VD_ERR_SYSTEM.
 * Processes: the one that forks. */
enum vd_err vd_pipe_hub_create(unsigned endpoints, const struct vd_pipe_hub_options *options,
                               struct vd_pipe_hub **hub, struct vd_error *error);

/* Become the process that serves. Returns: VD_OK, VD_ERR_EXISTS (a live one does already),
 * VD_ERR_SYSTEM. */
enum vd_err vd_pipe_hub_serve(struct vd_pipe_hub *hub, struct vd_error *error);

/* As vd_broker_fd and vd_broker_dispatch; serving process only. Never waits: a slow endpoint is
 * never held against the others. Returns: VD_OK, VD_ERR_STATE (does not serve). */
int vd_pipe_hub_fd(const struct vd_pipe_hub *hub);
enum vd_err vd_pipe_hub_dispatch(struct vd_pipe_hub *hub);
/* Wait up to @timeout_ms (-1: for ever), then dispatch. Returns also VD_ERR_TIMEOUT. */
enum vd_err vd_pipe_hub_poll(struct vd_pipe_hub *hub, int timeout_ms);

/* A process that held an endpoint (or the hub) has died: wake everybody once, in case it died
 * between writing and waking. Whoever reaps children calls it; any process, any time. */
void vd_pipe_hub_poke(struct vd_pipe_hub *hub);

struct vd_pipe_hub_status {
    unsigned endpoints;
    unsigned attached;         /* endpoints with a live process */
    uint64_t forwarded_total;  /* messages taken from endpoints */
    uint64_t dropped_total;    /* copies dropped for slow endpoints */
    uint64_t incomplete_total; /* messages whose sender died before their end */
    uint64_t malformed_total;  /* frames that were no message */
    size_t backlog_bytes;      /* waiting for slow endpoints, this moment */
};
void vd_pipe_hub_status(const struct vd_pipe_hub *hub, struct vd_pipe_hub_status *status);

/* Unmap and free here; the serving process stops to serve. Handles of this process must be gone.
 * NULL is fine. Processes: each. */
void vd_pipe_hub_destroy(struct vd_pipe_hub *hub);

#endif
