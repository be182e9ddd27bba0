/* SPDX-License-Identifier: Apache-2.0 */
/* One connection: read a request, have it answered, read the next one; or become a stream.
 *
 * Happy path: the whole request arrives in one read; it is parsed in the gateway's scratch buffer
 * and copied once, into the worker's ring. Only what is incomplete, or pipelined behind a request
 * that is still being answered, is kept in a buffer of the connection's own.
 *
 * Failure modes: bad input is answered with its status and the connection half-closed, then read
 * dry for a moment (closing at once would make the kernel reset the connection and the client might
 * never see the answer); a client that leaves has its request abandoned; everything has a deadline.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway.h"

#define LINGER_MS 1000

static void connection_readable(void *context);
static void consume(struct gw_connection *connection, const char *bytes, size_t length);

static void address_text(const struct sockaddr_storage *address, char *text, size_t capacity,
                         uint16_t *port)
{
    text[0] = '\0';
    *port = 0;
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)address;

        inet_ntop(AF_INET, &v4->sin_addr, text, (socklen_t)capacity);
        *port = ntohs(v4->sin_port);
    } else if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)address;

        /* A dual-stack listener sees IPv4 clients as ::ffff:a.b.c.d; rate limiters want a.b.c.d. */
        if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
            inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], text, (socklen_t)capacity);
        } else {
            inet_ntop(AF_INET6, &v6->sin6_addr, text, (socklen_t)capacity);
        }
        *port = ntohs(v6->sin6_port);
    } else if (address->ss_family == AF_UNIX) {
        memcpy(text, "unix:", sizeof("unix:"));
    }
}

void gw_connection_create(struct gateway *gateway, int fd, struct gw_address *client)
{
    struct gw_connection *connection = calloc(1, sizeof(*connection));
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof(address);

    if (!connection)
        goto err;
    connection->gateway = gateway;
    connection->fd = fd;
    connection->address = client;
    STAILQ_INIT(&connection->output);
    connection->readable =
        vd_watch_create(gateway->loop, fd, VD_WATCH_READ, connection_readable, connection);
    if (!connection->readable)
        goto err;
    if (getpeername(fd, (struct sockaddr *)&address, &length) == 0) {
        address_text(&address, connection->remote_address, sizeof(connection->remote_address),
                     &connection->remote_port);
    }
    length = sizeof(address);
    if (getsockname(fd, (struct sockaddr *)&address, &length) == 0) {
        address_text(&address, connection->local_address, sizeof(connection->local_address),
                     &connection->local_port);
    }
    connection->state = GW_READING_HEAD;
    connection->deadline_ms = gateway->now_ms + gateway->config->idle_timeout_ms;
    TAILQ_INSERT_TAIL(&gateway->connections, connection, link);
    gateway->connection_count++;
    vd_watch_on(connection->readable);
    /* Most clients send at once: the request is often there already. */
    connection_readable(connection);
    return;

err:
    free(connection);
    gw_address_leave(gateway, client);
    close(fd);
}

void gw_connection_close(struct gw_connection *connection)
{
    struct gateway *gateway = connection->gateway;

    if (connection->dead)
        return;
    connection->dead = true;
    gw_access_end(connection, false);
    vd_watch_destroy(connection->readable);
    vd_watch_destroy(connection->writable);
    connection->readable = connection->writable = NULL;
    close(connection->fd);
    connection->fd = -1;
    if (connection->request) {
        gw_dispatch_abandon(connection->request);
        connection->request = NULL;
    }
    gw_download_destroy(connection->download);
    connection->download = NULL;
    if (connection->stream)
        gateway->stream_count--;
    gateway->connection_count--;
    gw_address_leave(gateway, connection->address);
    connection->address = NULL;
    TAILQ_REMOVE(&gateway->connections, connection, link);
    TAILQ_INSERT_TAIL(&gateway->graveyard, connection, link);
}

void gw_connection_bury_closed(struct gateway *gateway)
{
    struct gw_connection *connection;

    if (gateway->accept_paused && !TAILQ_EMPTY(&gateway->graveyard))
        gw_listener_sweep(gateway);
    while ((connection = TAILQ_FIRST(&gateway->graveyard))) {
        TAILQ_REMOVE(&gateway->graveyard, connection, link);
        if (connection->stream)
            gw_stream_close(connection->stream);
        gw_output_drop(connection);
        gw_body_finish(connection);
        free(connection->input);
        free(connection);
    }
}

/* ---- input buffer ------------------------------------------------------------------------------
 */

static void input_free(struct gw_connection *connection)
{
    free(connection->input);
    connection->input = NULL;
    connection->input_length = connection->input_capacity = 0;
}

void gw_connection_discard_input(struct gw_connection *connection)
{
    input_free(connection);
    gw_body_finish(connection);
}

static bool input_reserve(struct gw_connection *connection, size_t room)
{
    size_t needed = connection->input_length + room;
    size_t capacity = connection->input_capacity ? connection->input_capacity : 1024;

    if (needed <= connection->input_capacity)
        return true;
    while (capacity < needed)
        capacity *= 2;
    char *grown = realloc(connection->input, capacity);
    if (!grown) {
        gw_connection_close(connection);
        return false;
    }
    connection->input = grown;
    connection->input_capacity = capacity;
    return true;
}

/* Keep @bytes from the front of which everything up to @used is done with. @bytes may lie in the
 * input buffer itself. */
static void input_keep(struct gw_connection *connection, const char *bytes, size_t used,
                       size_t length)
{
    size_t rest = length - used;

    if (rest == 0) {
        input_free(connection);
        return;
    }
    if (bytes == connection->input) {
        memmove(connection->input, connection->input + used, rest);
        connection->input_length = rest;
        return;
    }
    connection->input_length = 0;
    if (!input_reserve(connection, rest))
        return;
    memcpy(connection->input, bytes + used, rest);
    connection->input_length = rest;
}

/* ---- requests ----------------------------------------------------------------------------------
 */

static enum vd_health_refusal kind_of_refusal(const struct gw_connection *connection,
                                              unsigned status)
{
    switch (status) {
    case 408:
        return connection->state == GW_READING_BODY ? VD_HEALTH_REFUSED_BODY_TIMEOUT
                                                    : VD_HEALTH_REFUSED_HEADER_TIMEOUT;
    case 413:
        return VD_HEALTH_REFUSED_BODY;
    case 503:
        return VD_HEALTH_REFUSED_UPLOAD_MEMORY;
    case 414:
        return VD_HEALTH_REFUSED_LINE;
    case 431:
        return VD_HEALTH_REFUSED_HEADERS;
    default:
        return VD_HEALTH_REFUSED_MALFORMED;
    }
}

static void refuse(struct gw_connection *connection, unsigned status, const char *reason)
{
    connection->gateway->counters.refused[kind_of_refusal(connection, status)]++;
    connection->keep_alive = false;
    connection->state = GW_WAITING;
    connection->deadline_ms = 0;
    gw_respond_error(connection, status, reason);
}

static void remember_event_id(struct gw_connection *connection, const struct vd_http_request *head,
                              const char *bytes)
{
    connection->last_event_id[0] = '\0';
    if (head->last_event_id < 0)
        return;
    struct vd_http_span value = head->headers[head->last_event_id].value;
    if (value.length >= sizeof(connection->last_event_id)) {
        strcpy(connection->last_event_id, "?"); /* none of ours: it was somewhere, that is a gap */
        return;
    }
    memcpy(connection->last_event_id, bytes + value.offset, value.length);
    connection->last_event_id[value.length] = '\0';
}

static void begin_request(struct gw_connection *connection, const struct vd_http_request *head,
                          const char *bytes)
{
    struct gateway *gateway = connection->gateway;
    uint32_t most = gateway->config->max_connection_requests;

    gateway->counters.requests++;
    connection->requests_served++;
    connection->scanned = 0;
    gw_cors_note(connection, head, bytes);
    connection->minor_1 = head->minor_version == 1;
    connection->head_only = head->method == VD_HTTP_HEAD;
    connection->keep_alive = head->keep_alive && !gateway->draining && !connection->peer_closed &&
                             connection->requests_served != most; /* 0: never */
}

/* What the gateway answers itself, whether there is a body or not. */
static bool answer_here(struct gw_connection *connection, const char *bytes,
                        const struct vd_http_request *head)
{
    connection->state = GW_WAITING;
    connection->deadline_ms = 0;
    remember_event_id(connection, head, bytes);
    if (head->has_content_length &&
        head->content_length > connection->gateway->config->max_body_bytes) {
        refuse(connection, 413, "the request body is larger than the limit");
        return true;
    }
    if (head->method == VD_HTTP_CONNECT || head->method == VD_HTTP_TRACE) {
        refuse(connection, 501, "this method is not implemented");
        return true;
    }
    return gw_admin_handle(connection, head, bytes) || gw_cors_preflight(connection, head, bytes) ||
           gw_static_handle(connection, head, bytes);
}

static void say_continue(struct gw_connection *connection)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct iovec part = {.iov_base = (void *)text, .iov_len = sizeof(text) - 1};

    gw_output_write(connection, &part, 1);
}

/* ---- bodies ------------------------------------------------------------------------------------
 */

static bool wants_more_body(const struct gw_connection *connection)
{
    return connection->body.open && !gw_body_is_full(connection);
}

/* Read on while there is room for it; while we do not, the client is not slow, we are. */
static void pace_reading(struct gw_connection *connection)
{
    if (!connection->body.open)
        return;
    if (wants_more_body(connection)) {
        gw_pace_resume(&connection->pace, connection->gateway->now_ms);
        vd_watch_on(connection->readable);
    } else {
        gw_pace_hold(&connection->pace, connection->gateway->now_ms);
        vd_watch_off(connection->readable);
    }
}

void gw_connection_resume(struct gw_connection *connection)
{
    if (!connection->dead && connection->body.open)
        pace_reading(connection);
}

/* A body that cannot be read. Its request is nobody's any more; an answer that has begun is cut. */
static void body_failed(struct gw_connection *connection, unsigned status, const char *reason)
{
    struct gw_request *request = connection->request;

    if (connection->state == GW_RESPONDING || connection->state == GW_STREAMING) {
        gw_connection_close(connection);
        return;
    }
    connection->request = NULL;
    if (request)
        gw_dispatch_abandon(request);
    refuse(connection, status, reason);
}

static size_t take_body(struct gw_connection *connection, const char *bytes, size_t length)
{
    unsigned status;
    const char *reason;
    size_t used = gw_body_take(connection, bytes, length, &status, &reason);

    if (status) {
        body_failed(connection, status, reason);
        return length;
    }
    if (connection->state == GW_READING_BODY &&
        (!connection->body.open || gw_body_is_full(connection))) {
        connection->state = GW_WAITING;
        pace_reading(connection);
        gw_dispatch_submit(connection->request);
        return used;
    }
    pace_reading(connection);
    if (connection->request)
        gw_body_pump(connection->request);
    return used;
}

/* The body is not all here, or too long for a frame. Returns how much of @bytes is done with. */
static size_t begin_body(struct gw_connection *connection, const char *bytes, size_t length,
                         const struct vd_http_request *head)
{
    gw_body_begin(connection, head);
    gw_dispatch_begin(connection, bytes, head);
    if (!connection->request)
        return length; /* refused, and so closing */
    connection->state = GW_READING_BODY;
    gw_pace_begin(&connection->pace, connection->gateway->now_ms,
                  connection->gateway->config->body_timeout_ms);
    if (head->expect_continue && connection->minor_1 && length == head->head_length)
        say_continue(connection);
    if (connection->dead)
        return length;
    return head->head_length +
           take_body(connection, bytes + head->head_length, length - head->head_length);
}

/* Returns how much of @bytes is done with. */
static size_t take_request(struct gw_connection *connection, const char *bytes, size_t length,
                           const struct vd_http_request *head)
{
    uint64_t body_length = head->has_content_length ? head->content_length : 0;

    begin_request(connection, head, bytes);
    gw_access_begin(connection, bytes, head);
    if (!gw_edge_begin(connection, bytes, head)) {
        refuse(connection, 400, "the Forwarded header is malformed");
        return length;
    }
    /* An answer of our own must not leave the connection open for a body that nobody reads. */
    if (head->chunked || body_length > length - head->head_length)
        connection->body.open = true;
    if (answer_here(connection, bytes, head)) {
        return connection->body.open || !connection->keep_alive ? length
                                                                : head->head_length + body_length;
    }
    connection->body.open = false;
    if (!head->chunked && body_length <= length - head->head_length &&
        gw_dispatch_fits(head, body_length)) {
        gw_dispatch_request(connection, bytes, head, (size_t)body_length);
        return head->head_length + (size_t)body_length;
    }
    return begin_body(connection, bytes, length, head);
}

static void consume_heads(struct gw_connection *connection, const char *bytes, size_t length)
{
    const struct vd_server_config *config = connection->gateway->config;
    const struct vd_http_limits limits = {.line_bytes = config->max_line_bytes,
                                          .head_bytes = config->max_header_bytes,
                                          .header_count = config->max_header_count};
    struct vd_http_request head;
    struct vd_http_error error;
    size_t used = 0;

    while (used < length && connection->state == GW_READING_HEAD && !connection->dead &&
           connection->output_bytes == 0) {
        enum vd_http_result result = vd_http_parse_head(
            bytes + used, length - used, &connection->scanned, &limits, &head, &error);

        if (result == VD_HTTP_BAD) {
            connection->minor_1 = true;
            connection->head_only = false;
            refuse(connection, error.status, error.reason);
            return;
        }
        if (result == VD_HTTP_INCOMPLETE)
            break;
        used += take_request(connection, bytes + used, length - used, &head);
    }
    if (!connection->dead && connection->state != GW_LINGERING)
        input_keep(connection, bytes, used, length);
}

static void consume(struct gw_connection *connection, const char *bytes, size_t length)
{
    connection->reading = true;
    consume_heads(connection, bytes, length);
    connection->reading = false;
    if (!connection->dead && connection->state == GW_READING_HEAD && connection->input &&
        connection->received_us == 0 && connection->output_bytes == 0) {
        connection->received_us = vd_monotonic_us();
        connection->deadline_ms =
            connection->gateway->now_ms + connection->gateway->config->header_timeout_ms;
    }
}

/* ---- reading -----------------------------------------------------------------------------------
 */

static void peer_closed(struct gw_connection *connection)
{
    if (connection->body.open) { /* half an upload */
        gw_connection_close(connection);
        return;
    }
    switch (connection->state) {
    case GW_WAITING:
    case GW_RESPONDING:
    case GW_SENDING:
        /* A half-closed client still wants its answer (RFC 9112 9.6). */
        connection->peer_closed = true;
        connection->keep_alive = false;
        vd_watch_off(connection->readable);
        break;
    default:
        if (connection->state == GW_READING_HEAD && connection->output_bytes) {
            /* The answer is complete, but part of it still waits here. */
            connection->peer_closed = connection->closing = true;
            vd_watch_off(connection->readable);
            return;
        }
        gw_connection_close(connection);
    }
}

static ssize_t receive(struct gw_connection *connection, char *to, size_t room)
{
    ssize_t got;

    do {
        got = recv(connection->fd, to, room, 0);
    } while (got < 0 && errno == EINTR);
    if (got == 0) {
        peer_closed(connection);
    } else if (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
        gw_connection_close(connection);
    }
    return got;
}

static void body_arrived(struct gw_connection *connection, size_t bytes)
{
    const struct vd_server_config *config = connection->gateway->config;

    gw_pace_progress(&connection->pace, connection->gateway->now_ms, bytes, config->body_timeout_ms,
                     config->min_rate_bytes);
}

static void read_body(struct gw_connection *connection)
{
    char *scratch = connection->gateway->scratch;
    ssize_t got = receive(connection, scratch, GW_SCRATCH_BYTES);

    if (got <= 0 || connection->dead)
        return;
    body_arrived(connection, (size_t)got);
    size_t used = take_body(connection, scratch, (size_t)got);
    if (!connection->dead && connection->state != GW_LINGERING)
        input_keep(connection, scratch, used, (size_t)got);
}

static void read_first(struct gw_connection *connection)
{
    char *scratch = connection->gateway->scratch;
    ssize_t got = receive(connection, scratch, GW_SCRATCH_BYTES);

    if (got <= 0)
        return;
    if (connection->state == GW_READING_HEAD) {
        consume(connection, scratch, (size_t)got);
    } else {
        input_keep(connection, scratch, 0, (size_t)got);
    }
}

/* Behind bytes that are kept already. */
static void read_on(struct gw_connection *connection)
{
    bool waits = connection->state != GW_READING_HEAD || connection->output_bytes > 0;

    if (waits && connection->input_length >= connection->gateway->config->pipeline_bytes) {
        vd_watch_off(connection->readable); /* on again when the answer is out */
        return;
    }
    if (!input_reserve(connection, 16 * 1024))
        return;
    ssize_t got = receive(connection, connection->input + connection->input_length, 16 * 1024);
    if (got <= 0 || connection->dead)
        return;
    connection->input_length += (size_t)got;
    if (connection->state == GW_READING_HEAD)
        consume(connection, connection->input, connection->input_length);
}

static void connection_readable(void *context)
{
    struct gw_connection *connection = context;

    if (connection->dead)
        return;
    if (connection->state == GW_STREAMING || connection->state == GW_LINGERING) {
        receive(connection, connection->gateway->scratch, GW_SCRATCH_BYTES);
    } else if (connection->body.open) {
        read_body(connection);
    } else if (!connection->input) {
        read_first(connection);
    } else {
        read_on(connection);
    }
}

/* ---- after the answer --------------------------------------------------------------------------
 */

static void linger(struct gw_connection *connection)
{
    gw_connection_discard_input(connection);
    if (connection->peer_closed) {
        gw_connection_close(connection);
        return;
    }
    shutdown(connection->fd, SHUT_WR);
    connection->state = GW_LINGERING;
    /* The turn's clock may stand where the loop went to sleep: all of this second ago. */
    connection->deadline_ms = vd_monotonic_ms() + LINGER_MS;
    vd_watch_on(connection->readable);
}

void gw_connection_response_done(struct gw_connection *connection)
{
    connection->request = NULL;
    gw_access_end(connection, true);
    gw_edge_end(connection);
    if (connection->dead)
        return;
    gw_body_finish(connection);
    if (!connection->keep_alive || connection->gateway->draining) {
        connection->closing = true;
        if (connection->output_bytes == 0)
            linger(connection);
        return;
    }
    connection->state = GW_READING_HEAD;
    connection->cors = NULL;
    connection->received_us = 0;
    connection->deadline_ms =
        connection->gateway->now_ms + connection->gateway->config->idle_timeout_ms;
    vd_watch_on(connection->readable);
    if (connection->input && !connection->reading && connection->output_bytes == 0)
        consume(connection, connection->input, connection->input_length);
}

void gw_connection_drained(struct gw_connection *connection)
{
    if (connection->closing) {
        linger(connection);
        return;
    }
    if (connection->state != GW_READING_HEAD || connection->reading)
        return;
    vd_watch_on(connection->readable);
    connection->deadline_ms =
        connection->gateway->now_ms + connection->gateway->config->idle_timeout_ms;
    if (connection->input)
        consume(connection, connection->input, connection->input_length);
}

void gw_connection_sweep(struct gw_connection *connection)
{
    struct gateway *gateway = connection->gateway;

    if (connection->stream) {
        gw_stream_sweep(connection->stream);
        return;
    }
    if ((connection->output_bytes || connection->download) &&
        gateway->now_ms - connection->progress_ms > gateway->config->idle_timeout_ms) {
        gateway->counters.refused[VD_HEALTH_REFUSED_SLOW_READER]++;
        gw_connection_close(connection);
        return;
    }
    if (gateway->draining && connection->state == GW_READING_HEAD && !connection->input &&
        connection->output_bytes == 0) {
        gw_connection_close(connection);
        return;
    }
    bool body_late = connection->body.open && connection->state != GW_LINGERING &&
                     gw_pace_is_late(&connection->pace, gateway->now_ms);

    if (!body_late && (connection->deadline_ms == 0 || gateway->now_ms < connection->deadline_ms))
        return;
    if (body_late) {
        body_failed(connection, 408, "the request body took too long to arrive");
        return;
    }
    if (connection->state == GW_READING_HEAD && connection->output_bytes)
        return; /* not idle: it is still reading its answer */
    if (connection->state == GW_READING_HEAD && connection->input) {
        connection->minor_1 = true;
        connection->head_only = false;
        refuse(connection, 408, "the request took too long to arrive");
        return;
    }
    gw_connection_close(connection);
}
