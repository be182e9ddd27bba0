/* SPDX-License-Identifier: Apache-2.0 */
/* The record of a request: how it is laid out for the worker (common_frames.h), and what can still
 * be said of it when that worker has died. */
#include <string.h>

#include "gateway.h"
#include "gateway_dispatch.h"

_Static_assert(sizeof(struct vd_frame_request) +
                       VD_HTTP_HEADERS_MAX * 2 * sizeof(struct vd_frame_span) +
                       VD_HEADER_BYTES_MOST <=
                   VD_FRAME_CHUNK_BYTES,
               "every head fits into a frame");

size_t gw_record_bytes(const struct vd_http_request *head, size_t body_length)
{
    return sizeof(struct vd_frame_request) + head->header_count * 2 * sizeof(struct vd_frame_span) +
           head->head_length + body_length;
}

static struct vd_frame_span span(struct vd_http_span from)
{
    return (struct vd_frame_span){.offset = from.offset, .length = from.length};
}

void gw_record_fill(void *record, const struct gw_connection *connection, const char *bytes,
                    const struct vd_http_request *head, size_t body_length)
{
    struct vd_frame_request *frame = record;
    struct vd_frame_span *spans = (struct vd_frame_span *)(frame + 1);
    char *to;

    memset(frame, 0, sizeof(*frame));
    frame->header_count = (uint32_t)head->header_count;
    frame->head_length = (uint32_t)head->head_length;
    frame->minor_version = head->minor_version;
    frame->body_length = body_length;
    frame->received_us = connection->received_us ? connection->received_us : vd_monotonic_us();
    frame->method = span(head->method_span);
    frame->target = span(head->target);
    memcpy(frame->local_address, connection->local_address, sizeof(frame->local_address));
    gw_edge_fill(connection, frame);
    frame->local_port = connection->local_port;
    _Static_assert(sizeof(struct vd_http_field) == 2 * sizeof(struct vd_frame_span), "same table");
    memcpy(spans, head->headers, head->header_count * sizeof(struct vd_http_field));
    to = (char *)(spans + 2 * head->header_count);
    memcpy(to, bytes, head->head_length);
    if (body_length)
        memcpy(to + head->head_length, bytes + head->head_length, body_length);
}

static bool span_fits(struct vd_frame_span span, size_t length)
{
    return span.offset <= length && span.length <= length - span.offset;
}

/* The record lies in memory that the dead worker could write to: nothing of it is believed. */
void gw_record_log_lost(struct gw_worker *worker, const struct gw_request *request, uint32_t reason)
{
    const char *bytes = request->frame ? (const char *)request->frame->payload : request->record;
    struct vd_frame_request record;

    if (!bytes)
        return;
    memcpy(&record, bytes, sizeof(record));
    size_t left = request->record_length - sizeof(record);
    size_t table = (size_t)record.header_count * 2 * sizeof(struct vd_frame_span);

    if (table > left || !span_fits(record.method, left - table) ||
        !span_fits(record.target, left - table) ||
        record.request_id_length > sizeof(record.request_id)) {
        vd_log(worker->gateway->logger, VD_LOG_ERROR, "request_lost",
               "worker %u died, and had damaged its request", worker->index);
        return;
    }
    const char *head = bytes + sizeof(record) + table, *target = head + record.target.offset;
    const char *query = memchr(target, '?', record.target.length); /* may hold secrets */
    size_t length = query ? (size_t)(query - target) : record.target.length;

    vd_log(worker->gateway->logger, VD_LOG_ERROR, "request_lost",
           "%.*s %.*s: worker %u %s (request %.*s)",
           (int)(record.method.length < 32 ? record.method.length : 32),
           head + record.method.offset, (int)(length < 200 ? length : 200), target, worker->index,
           reason == VD_DEATH_TIMEOUT ? "was killed at the time limit" : "died",
           (int)record.request_id_length, record.request_id);
}
