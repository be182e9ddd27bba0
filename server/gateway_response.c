/* SPDX-License-Identifier: Apache-2.0 */
/* Responses: what the worker (or the gateway itself) says, framed for this client (RFC 9112 6).
 *
 * The gateway owns Date, Connection, Content-Length and Transfer-Encoding; the worker has checked
 * that its header lines contain none of them and no line break. A response to HEAD carries the
 * length it would have had. A streamed body is chunked for HTTP/1.1, ended by the close for
 * HTTP/1.0. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "gateway.h"

#define SMALL_RESPONSE_BYTES 4096
#define LENGTH_LINE_BYTES    64 /* the Content-Length that may follow */
/* All ones in the byte part of the credit word: the client is gone. */
#define CREDIT_BITS 48
#define CREDIT_GONE ((UINT64_C(1) << CREDIT_BITS) - 1)

static const char *date_now(struct gateway *gateway)
{
    if (gateway->date_second != gateway->wall_ms / 1000) {
        gateway->date_second = gateway->wall_ms / 1000;
        vd_http_date(gateway->wall_ms, gateway->date);
    }
    return gateway->date;
}

static char *append(char *to, const char *text, size_t length)
{
    memcpy(to, text, length);
    return to + length;
}

#define APPEND_LITERAL(to, text) append(to, text, sizeof(text) - 1)

static char *append_number(char *to, uint64_t number)
{
    char digits[20];
    int count = 0;

    do {
        digits[count++] = (char)('0' + number % 10);
    } while ((number /= 10));
    while (count)
        *to++ = digits[--count];
    return to;
}

/* Status line, Date, Connection, CORS; @capacity at least GW_HEAD_BYTES - 64. */
size_t gw_response_head(struct gw_connection *connection, char *head, size_t capacity,
                        unsigned status)
{
    const char *phrase = vd_http_reason_phrase(status);
    char *to = APPEND_LITERAL(head, "HTTP/1.1 ");

    connection->access.status = (uint16_t)status;
    /* What the client still sends of its body would be taken for the next request. */
    if (connection->body.open)
        connection->keep_alive = false;
    if (status < 6 * 100 && !connection->control)
        connection->gateway->counters.responses[status / 100]++;
    to = append_number(to, status);
    *to++ = ' ';
    to = append(to, phrase, strlen(phrase));
    to = APPEND_LITERAL(to, "\r\nDate: ");
    to = append(to, date_now(connection->gateway), 29);
    if (!connection->gateway->config->hide_request_id && !connection->edge.named) {
        const char *id = gw_edge_request_id(connection);

        to = APPEND_LITERAL(to, "\r\nX-Request-Id: ");
        to = append(to, id, connection->edge.request_id_length);
    }
    if (!connection->keep_alive) {
        to = APPEND_LITERAL(to, "\r\nConnection: close\r\n");
    } else if (!connection->minor_1) {
        to = APPEND_LITERAL(to, "\r\nConnection: keep-alive\r\n");
    } else {
        to = APPEND_LITERAL(to, "\r\n");
    }
    if (connection->cors &&
        connection->cors->length + (size_t)(to - head) + LENGTH_LINE_BYTES <= capacity)
        to = append(to, connection->cors->text, connection->cors->length);
    return (size_t)(to - head);
}

static size_t with_length(char *head, size_t used, unsigned status, uint64_t body_length)
{
    char *to = head + used;

    if (!vd_http_status_has_body(status))
        return used;
    to = APPEND_LITERAL(to, "Content-Length: ");
    to = append_number(to, body_length);
    to = APPEND_LITERAL(to, "\r\n");
    return (size_t)(to - head);
}

/* Small answers leave as one part: one copy is cheaper than a vectored write. */
static void write_whole(struct gw_connection *connection, const struct iovec *parts, int count)
{
    char small[SMALL_RESPONSE_BYTES];
    struct iovec one = {.iov_base = small, .iov_len = 0};
    size_t total = 0;

    for (int i = 0; i < count; i++)
        total += parts[i].iov_len;
    if (total > sizeof(small)) {
        gw_output_write(connection, parts, count);
        return;
    }
    for (int i = 0; i < count; i++) {
        if (parts[i].iov_len)
            memcpy(small + one.iov_len, parts[i].iov_base, parts[i].iov_len);
        one.iov_len += parts[i].iov_len;
    }
    gw_output_write(connection, &one, 1);
}

static void respond_whole(struct gw_connection *connection, unsigned status, const char *headers,
                          size_t headers_length, const char *body, size_t body_length)
{
    char head[GW_HEAD_BYTES];
    size_t used;

    gw_edge_response(connection, headers, headers_length);
    used = gw_response_head(connection, head, sizeof(head), status);
    used = with_length(head, used, status, body_length);
    if (connection->head_only || !vd_http_status_has_body(status))
        body_length = 0;
    connection->access.body_bytes = body_length;
    struct iovec parts[] = {
        {.iov_base = head, .iov_len = used},
        {.iov_base = (void *)headers, .iov_len = headers_length},
        {.iov_base = (void *)"\r\n", .iov_len = 2},
        {.iov_base = (void *)body, .iov_len = body_length},
    };
    write_whole(connection, parts, body_length ? 4 : 3);
    gw_connection_response_done(connection);
}

void gw_respond_text(struct gw_connection *connection, unsigned status, const char *type,
                     const char *extra_headers, const char *body, size_t length)
{
    char headers[256];
    int used = snprintf(headers, sizeof(headers),
                        "Content-Type: %s\r\nCache-Control: no-store\r\n%s", type, extra_headers);

    respond_whole(connection, status, headers, (size_t)used, body, length);
}

void gw_respond_empty(struct gw_connection *connection, unsigned status, const char *headers,
                      size_t length)
{
    respond_whole(connection, status, headers, length, "", 0);
}

void gw_respond_error(struct gw_connection *connection, unsigned status, const char *reason)
{
    char body[256];
    int length =
        snprintf(body, sizeof(body), "%u %s: %s\n", status, vd_http_reason_phrase(status), reason);

    gw_respond_text(connection, status, "text/plain; charset=utf-8",
                    status == 503 ? "Retry-After: 1\r\n" : "", body, (size_t)length);
}

void gw_respond_worker(struct gw_request *request, const struct vd_frame_response *response,
                       const char *headers, const char *body)
{
    struct gw_connection *connection = request->connection;

    if (!connection)
        return;
    connection->request = NULL;
    gw_cors_yield(connection, headers, response->headers_length);
    respond_whole(connection, response->status, headers, response->headers_length, body,
                  response->body_length);
}

/* ---- streamed ----------------------------------------------------------------------------------
 */

static void give_credit(struct gw_request *request, uint64_t bytes)
{
    struct gw_worker *worker = request->worker;

    atomic_store_explicit(&worker->slot->response_acknowledged,
                          (request->id & 0xffff) << CREDIT_BITS | bytes, memory_order_release);
    worker->ring_bell = true;
}

void gw_respond_credit(struct gw_request *request)
{
    struct gw_connection *connection = request->connection;

    if (!connection) {
        give_credit(request, CREDIT_GONE);
        return;
    }
    /* What still waits here includes a little framing: that only makes the credit later, not
     * larger. */
    give_credit(request, request->streamed > connection->output_bytes
                             ? request->streamed - connection->output_bytes
                             : 0);
}

void gw_respond_begin(struct gw_request *request, const struct vd_frame_response *response,
                      const char *headers)
{
    struct gw_connection *connection = request->connection;
    bool known = response->body_length != VD_BODY_LENGTH_UNKNOWN;
    char head[GW_HEAD_BYTES];

    request->state = GW_REQUEST_STREAMED;
    if (!connection) {
        gw_respond_credit(request);
        return;
    }
    connection->state = GW_RESPONDING;
    if (!vd_http_status_has_body(response->status)) {
        known = true; /* nothing: neither framing nor bytes (RFC 9112 6.3) */
        connection->head_only = true;
    }
    connection->chunked_out = !known && connection->minor_1;
    if (!known && !connection->minor_1)
        connection->keep_alive = false;
    gw_edge_response(connection, headers, response->headers_length);
    gw_cors_yield(connection, headers, response->headers_length);
    size_t used = gw_response_head(connection, head, sizeof(head), response->status);
    if (known)
        used = with_length(head, used, response->status, response->body_length);
    struct iovec parts[] = {
        {.iov_base = head, .iov_len = used},
        {.iov_base = (void *)headers, .iov_len = response->headers_length},
        {.iov_base =
             (void *)(connection->chunked_out ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n"),
         .iov_len = connection->chunked_out ? 30 : 2},
    };
    gw_output_write(connection, parts, 3);
    gw_respond_credit(request);
}

void gw_respond_body(struct gw_request *request, const char *bytes, size_t length)
{
    struct gw_connection *connection = request->connection;
    char line[16];

    request->streamed += length;
    if (!connection || length == 0 || connection->head_only) {
        gw_respond_credit(request);
        return;
    }
    connection->access.body_bytes += length;
    if (connection->chunked_out) {
        int used = snprintf(line, sizeof(line), "%zx\r\n", length);
        struct iovec parts[] = {{.iov_base = line, .iov_len = (size_t)used},
                                {.iov_base = (void *)bytes, .iov_len = length},
                                {.iov_base = (void *)"\r\n", .iov_len = 2}};

        gw_output_write(connection, parts, 3);
    } else {
        struct iovec part = {.iov_base = (void *)bytes, .iov_len = length};

        gw_output_write(connection, &part, 1);
    }
    gw_respond_credit(request);
}

void gw_respond_end(struct gw_request *request, bool abort)
{
    struct gw_connection *connection = request->connection;

    if (!connection)
        return;
    if (abort) {
        gw_connection_close(connection);
        return;
    }
    if (connection->chunked_out && !connection->head_only) {
        struct iovec part = {.iov_base = (void *)"0\r\n\r\n", .iov_len = 5};

        gw_output_write(connection, &part, 1);
    }
    connection->request = NULL;
    gw_connection_response_done(connection);
}
