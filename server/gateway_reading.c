/* SPDX-License-Identifier: Apache-2.0 */
/* What a connection reads: requests and their bodies.
 *
 * Happy path: the whole request arrives in one read; it is parsed in the gateway's scratch buffer
 * and copied once, into the worker's ring. Only what is incomplete, or pipelined behind a request
 * that is still being answered, is kept in a buffer of the connection's own; a body goes its own
 * way (gateway_body.c).
 *
 * Failure modes: bad input is answered with its status, and nothing that the connection still sends
 * is believed; half a body that ends is no body; what is too slow is 408. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "gateway.h"

/* ---- input buffer ------------------------------------------------------------------------------
 */

static void input_free(struct gw_connection *connection)
{
    free(connection->input);
    connection->input = NULL;
    connection->input_length = connection->input_capacity = 0;
}

void gw_reading_discard(struct gw_connection *connection)
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

void gw_reading_refuse(struct gw_connection *connection, unsigned status, const char *reason)
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

    gateway->counters.requests += !connection->control;
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
        gw_reading_refuse(connection, 413, "the request body is larger than the limit");
        return true;
    }
    if (head->method == VD_HTTP_CONNECT || head->method == VD_HTTP_TRACE) {
        gw_reading_refuse(connection, 501, "this method is not implemented");
        return true;
    }
    if (connection->control) {
        gw_control_handle(connection, head, bytes);
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

void gw_reading_resume(struct gw_connection *connection)
{
    if (!connection->dead && connection->body.open)
        pace_reading(connection);
}

/* A body that cannot be read. Its request is nobody's any more; an answer that has begun is cut. */
void gw_reading_body_failed(struct gw_connection *connection, unsigned status, const char *reason)
{
    struct gw_request *request = connection->request;

    if (connection->state == GW_RESPONDING || connection->state == GW_STREAMING) {
        gw_connection_close(connection);
        return;
    }
    connection->request = NULL;
    if (request)
        gw_dispatch_abandon(request);
    gw_reading_refuse(connection, status, reason);
}

static size_t take_body(struct gw_connection *connection, const char *bytes, size_t length)
{
    unsigned status;
    const char *reason;
    size_t used = gw_body_take(connection, bytes, length, &status, &reason);

    if (status) {
        gw_reading_body_failed(connection, status, reason);
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
    if (!connection->control)
        gw_access_begin(connection, bytes, head);
    if (!gw_edge_begin(connection, bytes, head)) {
        gw_reading_refuse(connection, 400, "the Forwarded header is malformed");
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
            gw_reading_refuse(connection, error.status, error.reason);
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

void gw_reading_ready(void *context)
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

void gw_reading_go_on(struct gw_connection *connection)
{
    if (connection->input && !connection->reading && connection->output_bytes == 0)
        consume(connection, connection->input, connection->input_length);
}
