/* SPDX-License-Identifier: Apache-2.0 */
/* The health endpoint for C programs (viaduct/health.h): evhttp on a thread of its own.
 *
 * Happy path: a request is answered from a copy of the last report, under a lock that is held for
 * the copy only. The loop, evhttp and all connections belong to the thread; an eventfd tells it to
 * end. Failure modes: what cannot be set up is undone; a client that is slow or sends much is
 * evhttp's to cut off; a program that does not report any more is told by its silence. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>

#include <viaduct/clock.h>
#include <viaduct/health.h>

#include "health.h"

#define STALE_MS         10000u
#define IDLE_S           10
#define HEADER_BYTES_MAX 8192
#define BACKLOG          128

struct vd_health_listener {
    pthread_t thread;
    struct event_base *base;
    struct evhttp *http;
    struct event *stop;
    int stop_fd;
    uint16_t port;
    char version[64];
    uint32_t stale_ms;
    uint64_t started_wall_ms;

    pthread_mutex_t lock; /* what follows */
    uint64_t reported_ms;
    bool has_broker, draining;
    struct vd_broker_status broker;
    uint64_t contexts, streams;
};

/* ---- answers -----------------------------------------------------------------------------------
 */

/* @broker: room for the copy that @facts points to. */
static void gather(struct vd_health_listener *listener, struct vd_health_facts *facts,
                   struct vd_broker_status *broker)
{
    uint64_t now_ms = vd_monotonic_ms();

    memset(facts, 0, sizeof(*facts));
    facts->version = listener->version;
    facts->started_wall_ms = listener->started_wall_ms;
    facts->now_wall_ms = vd_wall_ms();
    facts->connected = true;
    pthread_mutex_lock(&listener->lock);
    facts->draining = listener->draining;
    facts->contexts = listener->contexts;
    facts->sse = listener->streams;
    facts->stale = listener->stale_ms != VD_HEALTH_NEVER_STALE &&
                   now_ms - listener->reported_ms > listener->stale_ms;
    if (listener->has_broker) {
        *broker = listener->broker;
        facts->broker = broker;
        facts->driver = broker->display;
        facts->connected = broker->connected;
    }
    pthread_mutex_unlock(&listener->lock);
}

/* A HEAD gets the length and nothing else; evhttp would leave the length out. */
static void reply(struct evhttp_request *request, int status, const char *type, const char *body,
                  size_t length)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    struct evbuffer *out = evbuffer_new();
    char text[24];

    snprintf(text, sizeof(text), "%zu", length);
    evhttp_add_header(headers, "Content-Type", type);
    evhttp_add_header(headers, "Content-Length", text);
    evhttp_add_header(headers, "Cache-Control", "no-store");
    if (out && evhttp_request_get_command(request) != EVHTTP_REQ_HEAD)
        evbuffer_add(out, body, length);
    evhttp_send_reply(request, status, NULL, out);
    if (out)
        evbuffer_free(out);
}

static void reply_text(struct evhttp_request *request, int status, const char *text)
{
    reply(request, status, "text/plain; charset=utf-8", text, strlen(text));
}

static void reply_health(struct evhttp_request *request, const struct vd_health_facts *facts)
{
    char document[VD_HEALTH_DOCUMENT_BYTES];
    size_t length = vd_health_document(facts, document, sizeof(document));

    reply(request, (int)vd_health_http_status(facts), VD_HEALTH_DOCUMENT_TYPE, document, length);
}

static void reply_metrics(struct evhttp_request *request, const struct vd_health_facts *facts)
{
    char text[VD_HEALTH_METRICS_BYTES(0)];
    size_t length = vd_health_metrics(facts, text, sizeof(text));

    reply(request, 200, VD_HEALTH_METRICS_TYPE, text, length < sizeof(text) ? length : 0);
}

static void reply_live(struct evhttp_request *request, const struct vd_health_facts *facts)
{
    const char *text = facts->stale ? "{\"status\":\"hangs\"}\n" : "{\"status\":\"ok\"}\n";

    reply(request, facts->stale ? 503 : 200, VD_HEALTH_DOCUMENT_TYPE, text, strlen(text));
}

static void requested(struct evhttp_request *request, void *context)
{
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    const char *path = uri ? evhttp_uri_get_path(uri) : NULL;
    enum evhttp_cmd_type method = evhttp_request_get_command(request);
    struct vd_health_facts facts;
    struct vd_broker_status broker;

    if (method != EVHTTP_REQ_GET && method != EVHTTP_REQ_HEAD) {
        evhttp_add_header(evhttp_request_get_output_headers(request), "Allow", "GET, HEAD");
        reply_text(request, 405, "405 Method Not Allowed: use GET or HEAD\n");
        return;
    }
    gather(context, &facts, &broker);
    if (path && (strcmp(path, "/_health") == 0 || strcmp(path, "/_health/ready") == 0))
        reply_health(request, &facts);
    else if (path && strcmp(path, "/_health/live") == 0)
        reply_live(request, &facts);
    else if (path && strcmp(path, "/metrics") == 0)
        reply_metrics(request, &facts);
    else
        reply_text(request, 404, "404 Not Found\n");
}

/* ---- life --------------------------------------------------------------------------------------
 */

static enum vd_err open_socket(const struct vd_health_options *options, evutil_socket_t *fd,
                               struct vd_error *error)
{
    const char *host = options->host ? options->host : "127.0.0.1";
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *address;
    enum vd_err result = VD_OK;
    char service[8];
    int on = 1;

    snprintf(service, sizeof(service), "%u", options->port);
    if (getaddrinfo(host, service, &hints, &address) != 0) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "host is \"%.100s\", allowed is a numeric address of this machine, "
                            "such as 127.0.0.1, 0.0.0.0 or ::",
                            host);
    }
    *fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*fd >= 0)
        setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (*fd < 0 || bind(*fd, address->ai_addr, address->ai_addrlen) != 0 ||
        listen(*fd, BACKLOG) != 0) {
        int code = errno;
        char buffer[128];

        result = vd_error_set(error,
                              code == EADDRINUSE      ? VD_ERR_EXISTS
                              : code == EADDRNOTAVAIL ? VD_ERR_INVALID
                                                      : VD_ERR_SYSTEM,
                              "cannot listen on %.100s port %u: %s", host, options->port,
                              strerror_r(code, buffer, sizeof(buffer)));
        if (*fd >= 0)
            close(*fd);
    }
    freeaddrinfo(address);
    return result;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof(address);

    if (getsockname(fd, (struct sockaddr *)&address, &length) != 0)
        return 0;
    return ntohs(address.ss_family == AF_INET6
                     ? ((const struct sockaddr_in6 *)(const void *)&address)->sin6_port
                     : ((const struct sockaddr_in *)(const void *)&address)->sin_port);
}

static void told_to_stop(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    event_base_loopbreak(context);
}

/* Takes over @fd when it succeeds. */
static enum vd_err start_loop(struct vd_health_listener *listener, evutil_socket_t fd)
{
    listener->base = event_base_new();
    listener->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (!listener->base || listener->stop_fd < 0)
        return VD_ERR_NO_MEMORY;
    listener->stop =
        event_new(listener->base, listener->stop_fd, EV_READ, told_to_stop, listener->base);
    listener->http = evhttp_new(listener->base);
    if (!listener->stop || !listener->http || event_add(listener->stop, NULL) != 0)
        return VD_ERR_NO_MEMORY;
    evhttp_set_timeout(listener->http, IDLE_S);
    evhttp_set_max_headers_size(listener->http, HEADER_BYTES_MAX);
    evhttp_set_max_body_size(listener->http, 0);
    evhttp_set_allowed_methods(listener->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST |
                                                   EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE |
                                                   EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH);
    evhttp_set_gencb(listener->http, requested, listener);
    return evhttp_accept_socket(listener->http, fd) == 0 ? VD_OK : VD_ERR_NO_MEMORY;
}

static void *serve(void *context)
{
    const struct vd_health_listener *listener = context;

    event_base_dispatch(listener->base);
    return NULL;
}

/* The program's signals are the program's. */
static int start_thread(struct vd_health_listener *listener)
{
    sigset_t all, before;
    int code;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    code = pthread_create(&listener->thread, NULL, serve, listener);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

static void release(struct vd_health_listener *listener)
{
    if (listener->http)
        evhttp_free(listener->http); /* closes the socket, too */
    if (listener->stop)
        event_free(listener->stop);
    if (listener->base)
        event_base_free(listener->base);
    if (listener->stop_fd >= 0)
        close(listener->stop_fd);
    pthread_mutex_destroy(&listener->lock);
    free(listener);
}

static struct vd_health_listener *allocate(const struct vd_health_options *options)
{
    struct vd_health_listener *listener = calloc(1, sizeof(*listener));

    if (!listener)
        return NULL;
    pthread_mutex_init(&listener->lock, NULL);
    listener->stop_fd = -1;
    listener->stale_ms = options->stale_ms ? options->stale_ms : STALE_MS;
    listener->started_wall_ms = vd_wall_ms();
    listener->reported_ms = vd_monotonic_ms();
    snprintf(listener->version, sizeof(listener->version), "%s",
             options->version ? options->version : VIADUCT_VERSION);
    return listener;
}

enum vd_err vd_health_listen(const struct vd_health_options *options,
                             struct vd_health_listener **listener, struct vd_error *error)
{
    static const struct vd_health_options defaults = {0};
    struct vd_health_listener *made;
    evutil_socket_t fd = -1;
    enum vd_err result;
    int code;

    *listener = NULL;
    if (!options)
        options = &defaults;
    if ((result = open_socket(options, &fd, error)) != VD_OK)
        return result;
    made = allocate(options);
    result = made ? start_loop(made, fd) : VD_ERR_NO_MEMORY;
    if (result != VD_OK) {
        close(fd);
        vd_error_set(error, result, "out of memory or descriptors");
        goto err_after_socket;
    }
    made->port = port_of(fd);
    if ((code = start_thread(made)) != 0) {
        errno = code;
        result = vd_error_set_errno(error, "pthread_create");
        goto err_after_socket;
    }
    *listener = made;
    return VD_OK;

err_after_socket:
    if (made)
        release(made);
    return result;
}

uint16_t vd_health_port(const struct vd_health_listener *listener)
{
    return listener->port;
}

void vd_health_report(struct vd_health_listener *listener, const struct vd_health_report *report)
{
    struct vd_broker_status broker = {0};

    if (report->broker)
        vd_broker_status(report->broker, &broker);
    pthread_mutex_lock(&listener->lock);
    listener->reported_ms = vd_monotonic_ms();
    listener->has_broker = report->broker != NULL;
    listener->broker = broker;
    listener->draining = report->draining;
    listener->contexts = report->contexts;
    listener->streams = report->streams;
    pthread_mutex_unlock(&listener->lock);
}

void vd_health_close(struct vd_health_listener *listener)
{
    uint64_t one = 1;

    if (!listener)
        return;
    while (write(listener->stop_fd, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
    pthread_join(listener->thread, NULL);
    release(listener);
}
