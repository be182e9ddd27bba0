/* SPDX-License-Identifier: Apache-2.0 */
/* The server as its callers see it: one call that turns this process into a supervisor with a
 * gateway and workers. The PHP extension calls it from App::run(); a C program can as well.
 * Knows no PHP. */
#ifndef VIADUCT_SERVER_H
#define VIADUCT_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <viaduct/broker.h>
#include <viaduct/error.h>
#include <viaduct/log.h>

struct vd_counters;
struct vd_table;
struct vd_worker; /* worker.h */

enum vd_forwarded_headers {
    VD_FORWARDED_ANY,      /* Forwarded, and where it is absent X-Forwarded-* */
    VD_FORWARDED_STANDARD, /* Forwarded only */
    VD_FORWARDED_X,        /* X-Forwarded-* only */
};

/* Tables and counters of this node, made before it runs. The server shows them, and puts right what
 * a child leaves that was killed. Lists and what they name lie where every process of the node sees
 * them, and outlive the server. */
struct vd_shared_state {
    struct vd_table *const *tables; /* <viaduct/table.h>; each has its name */
    size_t table_count;
    struct vd_counters *counters; /* <viaduct/counter.h>: those that have names; NULL: none */
    const char *const *scopes;    /* told when some of it changes: vd_worker_owe (worker.h) */
    size_t scope_count;
};

#define VD_WORKERS_MAX 256
/* The head of a request travels to its worker in one frame. */
#define VD_HEADER_BYTES_MOST (60 * 1024)
#define VD_LISTENERS_MAX     16
#define VD_TRUSTED_MAX       64

enum vd_access_log {
    VD_ACCESS_OFF,
    VD_ACCESS_COMMON, /* combined log format and a little more, see common_access.h */
    VD_ACCESS_JSON,   /* one object a line */
};

/* Everything is fixed before the fork. 0 or NULL means the default named here. */
struct vd_server_config {         // NOLINT(clang-analyzer-optin.performance.Padding): by topic
    const char *host;             /* "127.0.0.1"; address to listen on, "::" or "0.0.0.0" for all */
    uint16_t port;                /* 3000; with port_any: the kernel chooses */
    bool port_any;                /* port 0 on purpose */
    const char *const *listeners; /* NULL; more addresses: "tcp://[::]:3000?ipv6only&reuseport",
                                     "unix:///run/viaduct.sock?mode=0660" (common_listen.h). When
                                     there are some and neither host nor port was set, they are all
                                     there is. Host, port and these: at most VD_LISTENERS_MAX */
    unsigned listener_count;
    unsigned workers;            /* 1; at most VD_WORKERS_MAX */
    uint32_t request_timeout_ms; /* 30,000; then kill -9 of the worker and 504. Handlers of
                                    messages and timers have the same limit, and so has what
                                    a worker does between an answer and its next event */
    uint32_t max_requests;       /* 0: never recycle */
    uint32_t drain_timeout_ms;   /* 10,000; SIGTERM to the end */
    uint32_t boot_timeout_ms;    /* 30,000; fork of a worker to its first next_event */
    size_t max_body_bytes;       /* 8 MiB; request body */
    size_t request_buffer_bytes; /* 1 MiB; of a body before a worker is given the request, and
                                    waiting for it afterwards */
    size_t max_header_bytes;     /* 32 KiB; request line and headers, over it 431 */
    size_t max_message_bytes;    /* 1 MiB; data of one message */
    size_t max_queue;            /* 4,096; requests waiting for a worker, over it 503 */
    size_t max_connections;      /* 0: what RLIMIT_NOFILE allows less a reserve; over it accepting
                                    pauses: who comes waits in the kernel's backlog */
    size_t
        upload_memory_bytes; /* 256 MiB; all request bodies that are kept at a time, over it 503 */
    size_t response_memory_bytes; /* 256 MiB; all responses that wait for slow clients, over it each
                                     may be ahead of its client by 64 KiB only */
    uint32_t max_upload_workers; /* 0: half of them, at least one; workers that may wait for clients
                                    to send long bodies at a time: further ones wait in the queue */
    /* Limits of one client. What is over one of them is counted (viaduct_refused_total). */
    size_t max_line_bytes;    /* 8 KiB; request line, over it 414 */
    size_t max_header_count;  /* 100, which is also the most; over it 431 */
    uint32_t body_timeout_ms; /* 30,000; longest pause in a request body, over it 408 */
    uint32_t min_rate_bytes; /* 500 a second; a body that falls behind it by body_timeout_ms: 408 */
    size_t max_address_connections; /* 0: no limit; of one IPv4 address or IPv6 /64, over it 503 and
                                       closed; unix sockets are not counted */
    uint32_t max_connection_requests; /* 0: no limit; the last is answered with Connection: close */
    size_t pipeline_bytes; /* 64 KiB; requests kept behind the one that is being answered, over
                              it reading pauses */
    size_t response_buffer_bytes; /* 1 MiB; of a streamed response for a slow client, over it the
                                     worker waits */
    /* Proxies that are believed (common_forwarded.h): networks such as "10.0.0.0/8", "fd00::/8",
     * addresses, or "unix" for whoever comes through a unix socket. Their Forwarded or
     * X-Forwarded-* say who the client is, their X-Request-Id is kept. NULL: nobody is */
    const char *const *trusted_proxies;
    unsigned trusted_proxy_count;                /* at most VD_TRUSTED_MAX */
    enum vd_forwarded_headers forwarded_headers; /* any; which of the two kinds is looked at */
    bool hide_request_id;                        /* X-Request-Id is not sent to clients */
    enum vd_access_log access_log;               /* off */
    const char *access_log_path; /* NULL: access_log_fd. Opened again when it was renamed */
    int access_log_fd;           /* 1 */
    bool access_log_query;       /* query strings are logged, with whatever is secret in them */
    uint32_t heartbeat_ms;       /* 15,000; comment on an idle stream */
    uint32_t retry_ms;           /* 1,000; reconnect time told to browsers */
    uint32_t idle_timeout_ms;    /* 60,000; keep-alive connection without a request */
    uint32_t header_timeout_ms; /* 10,000; first byte of a request to the end of its headers: 408 */
    size_t stream_queue_bytes;  /* 1 MiB; waiting events of one stream, over it: disconnect */
    size_t history_log_bytes;   /* 16 MiB; power of two */
    size_t history_per_scope;   /* 1,000; messages replayed at most for one scope */
    uint32_t history_age_ms;    /* 300,000 */
    uint32_t publish_timeout_ms;  /* 1,000; a worker's publish into a full ring waits this long */
    bool compression_off;         /* responses of workers go out as they are */
    bool compress_streams;        /* event streams, too: gzip for those that accept it */
    size_t compression_min_bytes; /* 1,024; shorter bodies are not compressed */
    uint32_t compression_level;   /* 4; 1 (fast) to 9 (small), gzip's and brotli's */
    const char *cors_origins;     /* NULL: no CORS. "*", or origins with spaces between */
    const char *cors_methods;     /* "GET, HEAD, POST, PUT, PATCH, DELETE"; or "*" */
    const char *cors_headers;     /* "Authorization, Content-Type, Last-Event-ID,
                                     X-Requested-With"; "*", or "-" for none */
    bool cors_credentials;        /* cookies and the like; not with any "*" */
    uint32_t cors_max_age_s;      /* 600; how long a browser remembers the answer */
    /* The link to other nodes, over Redis or NATS: url, channel, credentials, TLS files, outbox,
     * intervals. One for the whole node, opened by the gateway; the workers talk through the rings,
     * whatever their number. NULL: this node is alone. node_id, sequence, max_message_bytes, hubs,
     * logger and callbacks are the server's own and ignored here, but for credentials_for_attempt,
     * which the gateway process calls with this context. Borrowed until vd_server_run returns. */
    const struct vd_broker_options *broker;
    /* Before each attempt to connect one worker gets VD_WORKER_BROKER_CREDENTIALS (worker.h) and
     * says what to log in with, instead of broker->credentials. */
    bool broker_credentials_by_worker;
    const char *broker_driver; /* "memory" for one worker, else "pipe"; with a broker: its driver */
    const char
        *broker_display; /* the name in /_health: "PipeBroker"; with a broker: its driver's */
    const char *version; /* the version in /_health */
    const char *static_directory; /* NULL: none; its files answer GET and HEAD before the workers */
    const char *static_prefix;    /* "/"; path under which they are seen, such as /assets */
    uint32_t static_max_age_s;    /* 0: caches must ask each time; at most 31,536,000 */
    bool dev_mode;                /* errors are shown to clients */
    enum vd_log_level log_level;  /* no default: 0 is VD_LOG_DEBUG */
    int log_fd;                   /* 2 */
    const struct vd_shared_state *shared_state; /* NULL: none */
    const char *control_path; /* NULL: in the user's runtime directory (common_control.h); "": none;
                                 else the absolute path of a unix socket, for `viaduct top` */
};

/* May this be a static_prefix? */
bool vd_server_is_prefix(const char *prefix);

/* Called in each forked worker; returns its exit code: 0 for a clean end. Must loop on
 * vd_worker_next_event until VD_WORKER_SHUTDOWN. The process ends with _exit after it returned. */
struct vd_server_hooks {
    int (*worker_main)(struct vd_worker *worker, void *context);
    /* Supervisor, when all sockets listen and before the first fork, once for each; @host: numeric,
     * or the path of a unix socket (@port is 0 then). May be NULL. */
    void (*listening)(const char *host, uint16_t port, void *context);
    void *context;
};

/* Serve until SIGTERM or SIGINT. Blocks. Signal dispositions are restored before it returns.
 * Returns: VD_OK after a clean drain; VD_ERR_INVALID (@error names the field and what is allowed),
 * VD_ERR_STATE (this process has more than one thread), VD_ERR_UNSUPPORTED (the memory broker with
 * several workers), VD_ERR_EXISTS (address in use), VD_ERR_SYSTEM, VD_ERR_TIMEOUT (had to kill).
 * Processes: returns in the supervisor only. */
enum vd_err vd_server_run(const struct vd_server_config *config,
                          const struct vd_server_hooks *hooks, struct vd_error *error);

#endif
