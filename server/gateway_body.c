/* SPDX-License-Identifier: Apache-2.0 */
/* Request bodies on their way to a worker.
 *
 * A short body goes with its request. A longer one is collected here first, so that a slow client
 * does not occupy a worker, up to a bound (request_buffer_bytes); a body beyond that is streamed:
 * the request is offered, the worker asks for the body when it wants it, and from then on bytes
 * flow client -> here -> requests ring, each waiting for the next. Memory is flat whatever the
 * length.
 *
 * Failure modes: what cannot be read earns its status; a client that leaves before the end leaves
 * the worker a DISCARD, so that half an upload is never taken for a whole one. */
#include <stdlib.h>
#include <string.h>

#include "gateway.h"

static const char no_room[] = "there is no memory for more request bodies just now";

void gw_body_begin(struct gw_connection *connection, const struct vd_http_request *head)
{
    struct gw_body *body = &connection->body;

    memset(body, 0, sizeof(*body));
    body->is_chunked = head->chunked;
    body->remaining = head->has_content_length ? head->content_length : 0;
    body->open = head->chunked || body->remaining > 0;
}

void gw_body_finish(struct gw_connection *connection)
{
    connection->gateway->upload_bytes -= connection->body.capacity;
    free(connection->body.bytes);
    memset(&connection->body, 0, sizeof(connection->body));
}

bool gw_body_is_full(const struct gw_connection *connection)
{
    return connection->body.length >= connection->gateway->config->request_buffer_bytes;
}

/* All bodies together are bounded as well: many clients with a little each are as much as one. */
static bool reserve(struct gateway *gateway, struct gw_body *body, size_t room)
{
    size_t capacity = body->capacity ? body->capacity : 4096;

    if (body->first + body->length + room <= body->capacity)
        return true;
    if (body->first) {
        memmove(body->bytes, body->bytes + body->first, body->length);
        body->first = 0;
    }
    while (capacity < body->length + room)
        capacity *= 2;
    if (capacity == body->capacity)
        return true;
    size_t growth = capacity - body->capacity;
    if (gateway->upload_bytes + growth > gateway->config->upload_memory_bytes)
        return false;
    char *grown = realloc(body->bytes, capacity);
    if (!grown)
        return false;
    body->bytes = grown;
    body->capacity = capacity;
    gateway->upload_bytes += growth;
    return true;
}

static bool append(struct gw_connection *connection, const char *bytes, size_t length)
{
    struct gw_body *body = &connection->body;

    if (length == 0)
        return true;
    if (!reserve(connection->gateway, body, length))
        return false;
    memcpy(body->bytes + body->first + body->length, bytes, length);
    body->length += length;
    body->received += length;
    return true;
}

static size_t take_plain(struct gw_connection *connection, const char *bytes, size_t length,
                         unsigned *status, const char **reason)
{
    struct gw_body *body = &connection->body;
    size_t part = length < body->remaining ? length : (size_t)body->remaining;

    if (!append(connection, bytes, part)) {
        *status = 503;
        *reason = no_room;
        return 0;
    }
    body->remaining -= part;
    body->open = body->remaining > 0;
    return part;
}

static size_t take_chunked(struct gw_connection *connection, const char *bytes, size_t length,
                           unsigned *status, const char **reason)
{
    struct gw_body *body = &connection->body;
    enum vd_http_result result = VD_HTTP_INCOMPLETE;
    size_t used = 0;

    while (result == VD_HTTP_INCOMPLETE && used < length) {
        struct vd_http_span data = {0, 0};
        struct vd_http_error error = {0};
        size_t step = 0;

        result =
            vd_http_chunked_feed(&body->chunked, bytes + used, length - used, &step, &data, &error);
        if (result == VD_HTTP_BAD) {
            *status = error.status;
            *reason = error.reason;
            return used;
        }
        if (body->received + data.length > connection->gateway->config->max_body_bytes) {
            *status = 413;
            *reason = "the request body is larger than the limit";
            return used;
        }
        if (!append(connection, bytes + used + data.offset, data.length)) {
            *status = 503;
            *reason = no_room;
            return used;
        }
        used += step;
        if (step == 0)
            break;
    }
    body->open = result != VD_HTTP_COMPLETE;
    return used;
}

size_t gw_body_take(struct gw_connection *connection, const char *bytes, size_t length,
                    unsigned *status, const char **reason)
{
    *status = 0;
    if (!connection->body.open)
        return 0;
    return connection->body.is_chunked ? take_chunked(connection, bytes, length, status, reason)
                                       : take_plain(connection, bytes, length, status, reason);
}

/* ---- to the worker -----------------------------------------------------------------------------
 */

static bool send_frame(struct gw_request *request, const char *bytes, size_t length, uint16_t flags)
{
    struct gw_worker *worker = request->worker;

    if (!vd_ring_has_room(&worker->requests, length))
        return false;
    struct vd_frame *frame =
        vd_ring_reserve(&worker->requests, length, VD_FRAME_BODY, flags, request->id);
    if (!frame)
        return false;
    if (length)
        memcpy(frame->payload, bytes, length);
    vd_ring_commit(&worker->requests);
    worker->ring_bell = true;
    return true;
}

static void done(struct gw_request *request)
{
    request->body_done = true;
    request->worker->exclusive = NULL;
}

static bool pump_once(struct gw_request *request)
{
    struct gw_body *body = &request->connection->body;
    size_t part = body->length < VD_FRAME_CHUNK_BYTES ? body->length : VD_FRAME_CHUNK_BYTES;
    bool last = !body->open && part == body->length;

    if ((part == 0 && !last) ||
        !send_frame(request, body->bytes + body->first, part, last ? 0 : VD_FRAME_MORE))
        return false;
    body->length -= part;
    body->first = body->length ? body->first + part : 0;
    if (last)
        done(request);
    return !last;
}

void gw_body_pump(struct gw_request *request)
{
    if (!request->worker || !request->body_wanted || request->body_done)
        return;
    if (!request->connection) {
        if (send_frame(request, NULL, 0, VD_FRAME_DISCARD))
            done(request);
        return;
    }
    while (pump_once(request))
        ;
    gw_reading_resume(request->connection);
}
