/* SPDX-License-Identifier: Apache-2.0 */
/* Records from the gateway: assembling those of several frames, reading their payloads.
 *
 * Happy path: a record of one frame is read where it lies in the ring, nothing is copied. Larger
 * ones grow in a private buffer that is kept for the next. Failure modes: a record whose sender
 * died stops short - the next frame that starts a record makes an end of it; the end of a record
 * whose start our predecessor read is dropped; lengths that do not add up are VD_ERR_CORRUPT and
 * never believed. */
#include <stdlib.h>
#include <string.h>

#include "worker_state.h"

static enum vd_err record_grow(struct vd_worker_record *record, size_t needed)
{
    size_t capacity = record->capacity ? record->capacity : 4096;
    unsigned char *bytes;

    while (capacity < needed)
        capacity *= 2;
    if (capacity == record->capacity)
        return VD_OK;
    bytes = realloc(record->bytes, capacity);
    if (!bytes)
        return VD_ERR_NO_MEMORY;
    record->bytes = bytes;
    record->capacity = capacity;
    return VD_OK;
}

static enum vd_err record_append(struct vd_worker_record *record, const void *bytes, size_t length)
{
    enum vd_err result = record_grow(record, record->length + length);

    if (result == VD_OK && length > 0) {
        memcpy(record->bytes + record->length, bytes, length);
        record->length += length;
    }
    return result;
}

/* Does @frame go on with what @record holds? Anything else starts anew. */
static bool record_continues(const struct vd_worker_record *record, const struct vd_frame *frame)
{
    return record->partial && (frame->flags & VD_FRAME_CONTINUED) && record->tag == frame->tag &&
           record->type == frame->type;
}

enum vd_err vd_worker_record_add(struct vd_worker_record *record, const struct vd_frame *frame,
                                 size_t maximum, const unsigned char **bytes, size_t *length,
                                 bool *in_ring)
{
    enum vd_err result;

    if (!record_continues(record, frame)) {
        record->partial = false;
        record->length = 0;
        if (frame->flags & (VD_FRAME_CONTINUED | VD_FRAME_DISCARD))
            return VD_ERR_EMPTY;
        if (!(frame->flags & VD_FRAME_MORE)) {
            *bytes = frame->payload;
            *length = frame->length;
            *in_ring = true;
            return VD_OK;
        }
    }
    record->partial = false;
    if (frame->flags & VD_FRAME_DISCARD)
        return VD_ERR_EMPTY;
    if (record->length + frame->length > maximum)
        return VD_ERR_TOO_LARGE;
    if ((result = record_append(record, frame->payload, frame->length)) != VD_OK)
        return result;
    record->partial = (frame->flags & VD_FRAME_MORE) != 0;
    record->tag = frame->tag;
    record->type = frame->type;
    *bytes = record->bytes;
    *length = record->length;
    *in_ring = false;
    return record->partial ? VD_ERR_EMPTY : VD_OK;
}

enum vd_err vd_worker_record_reserve(struct vd_worker_record *record, size_t room)
{
    return record_grow(record, record->length + room);
}

unsigned char *vd_worker_record_copy(struct vd_worker_record *record, const void *bytes,
                                     size_t length)
{
    record->partial = false;
    record->length = 0;
    if (record_append(record, bytes, length) != VD_OK)
        return NULL;
    return record->bytes;
}

void vd_worker_record_finish(struct vd_worker_record *record)
{
    free(record->bytes);
    memset(record, 0, sizeof(*record));
}

static bool span_fits(struct vd_frame_span span, size_t length)
{
    return span.offset <= length && span.length <= length - span.offset;
}

static struct vd_text span_text(const char *head, struct vd_frame_span span)
{
    return (struct vd_text){.bytes = head + span.offset, .length = span.length};
}

static void split_target(struct vd_worker_request *request)
{
    const char *mark = memchr(request->target.bytes, '?', request->target.length);

    request->path = request->target;
    request->query = (struct vd_text){.bytes = NULL, .length = 0};
    if (mark) {
        request->path.length = (size_t)(mark - request->target.bytes);
        request->query.bytes = mark + 1;
        request->query.length = request->target.length - request->path.length - 1;
    }
}

static enum vd_err decode_headers(struct vd_worker *worker, const struct vd_frame_span *spans,
                                  size_t count, const char *head, size_t head_length)
{
    for (size_t i = 0; i < count; i++) {
        struct vd_frame_span name = spans[2 * i], value = spans[2 * i + 1];

        if (!span_fits(name, head_length) || !span_fits(value, head_length))
            return VD_ERR_CORRUPT;
        worker->headers[i].name = span_text(head, name);
        worker->headers[i].value = span_text(head, value);
    }
    return VD_OK;
}

enum vd_err vd_worker_decode_request(struct vd_worker *worker, uint64_t id,
                                     const unsigned char *bytes, size_t length,
                                     struct vd_worker_request *request, uint32_t *claim)
{
    const struct vd_frame_request *frame = (const struct vd_frame_request *)bytes;
    const struct vd_frame_span *spans = (const struct vd_frame_span *)(frame + 1);
    size_t table, rest;
    const char *head;

    if (length < sizeof(*frame) || frame->header_count > VD_HTTP_HEADERS_MAX)
        return VD_ERR_CORRUPT;
    table = frame->header_count * 2 * sizeof(*spans);
    rest = length - sizeof(*frame);
    if (table > rest || frame->head_length > rest - table || frame->claim >= VD_CLAIMS ||
        (frame->body_streamed ? 0 : frame->body_length) != rest - table - frame->head_length ||
        !span_fits(frame->method, frame->head_length) ||
        !span_fits(frame->target, frame->head_length) ||
        !span_fits(frame->host, frame->head_length) ||
        frame->request_id_length > sizeof(frame->request_id))
        return VD_ERR_CORRUPT;
    head = (const char *)spans + table;
    if (decode_headers(worker, spans, frame->header_count, head, frame->head_length) != VD_OK)
        return VD_ERR_CORRUPT;

    request->id = id;
    request->method = span_text(head, frame->method);
    request->target = span_text(head, frame->target);
    split_target(request);
    request->minor_version = frame->minor_version;
    request->headers = worker->headers;
    request->header_count = worker->header_count = frame->header_count;
    request->body = (struct vd_text){.bytes = head + frame->head_length,
                                     .length = rest - table - frame->head_length};
    request->body_streamed = frame->body_streamed != 0;
    request->body_length = frame->body_length;
    memcpy(request->remote_address, frame->remote_address, sizeof(request->remote_address));
    memcpy(request->local_address, frame->local_address, sizeof(request->local_address));
    request->remote_port = frame->remote_port;
    request->https = frame->https;
    request->host = span_text(head, frame->host);
    memcpy(request->request_id, frame->request_id, frame->request_id_length);
    request->request_id[frame->request_id_length] = '\0';
    request->local_port = frame->local_port;
    request->received_us = frame->received_us;
    *claim = frame->claim;
    return VD_OK;
}

enum vd_err vd_worker_decode_message(const unsigned char *bytes, size_t length,
                                     struct vd_message *message)
{
    const struct vd_frame_message *frame = (const struct vd_frame_message *)bytes;
    const char *at;

    if (length < sizeof(*frame) ||
        length - sizeof(*frame) != (size_t)frame->scope_length + frame->event_length +
                                       frame->origin_length + frame->data_length)
        return VD_ERR_CORRUPT;
    at = (const char *)(frame + 1);
    *message = (struct vd_message){
        .scope = at,
        .scope_length = frame->scope_length,
        .event_length = frame->event_length,
        .data_length = frame->data_length,
        .has_data = frame->has_data != 0,
        .origin_length = frame->origin_length,
        .sequence = frame->sequence,
    };
    at += frame->scope_length;
    message->event = frame->event_length ? at : NULL;
    at += frame->event_length;
    message->origin = frame->origin_length ? at : NULL;
    at += frame->origin_length;
    message->data = at;
    return VD_OK;
}

struct vd_text vd_worker_request_header(const struct vd_worker_request *request, const char *name)
{
    char lower[64];
    size_t length = 0;

    for (; name[length] && length < sizeof(lower) - 1; length++) {
        char byte = name[length];
        if (byte >= 'A' && byte <= 'Z')
            byte = (char)(byte | 0x20);
        lower[length] = byte;
    }
    lower[length] = '\0';
    for (size_t i = 0; i < request->header_count; i++) {
        const struct vd_text *candidate = &request->headers[i].name;

        if (candidate->length == length &&
            vd_http_name_is(candidate->bytes, candidate->length, lower))
            return request->headers[i].value;
    }
    return (struct vd_text){NULL, 0};
}
