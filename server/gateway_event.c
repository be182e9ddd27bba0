/* SPDX-License-Identifier: Apache-2.0 */
/* Server-sent events on the wire (https://html.spec.whatwg.org/multipage/server-sent-events.html):
 * encoded once, as one HTTP chunk, shared by reference by every stream that waits for them.
 *
 * The data is cut at CR, LF and CRLF into `data:` lines, so nothing in it can forge a field. A
 * message without data becomes `event: invalidate` (or its own event name) with its scope as data;
 * a gap becomes `event: gap`. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway.h"

#define CHUNK_LINE_BYTES 10 /* eight hex digits and CRLF: fixed, leading zeros are legal */

static size_t count_lines(const char *data, size_t length)
{
    size_t lines = 1;

    for (size_t i = 0; i < length; i++) {
        if (data[i] == '\n' || (data[i] == '\r' && (i + 1 == length || data[i + 1] != '\n')))
            lines++;
    }
    return lines;
}

static char *put(char *to, const void *bytes, size_t length)
{
    if (length)
        memcpy(to, bytes, length);
    return to + length;
}

static char *put_data(char *to, const char *data, size_t length)
{
    size_t i = 0;

    for (;;) {
        size_t start = i;

        while (i < length && data[i] != '\n' && data[i] != '\r')
            i++;
        to = put(to, "data: ", 6);
        to = put(to, data + start, i - start);
        *to++ = '\n';
        if (i == length)
            return to;
        i += data[i] == '\r' && i + 1 < length && data[i + 1] == '\n' ? 2 : 1;
    }
}

struct gw_event *gw_event_new(size_t payload_capacity)
{
    struct gw_event *event = malloc(sizeof(*event) + CHUNK_LINE_BYTES + payload_capacity + 2);

    if (event) {
        event->references = 1;
        event->coded = NULL;
        event->plain_length = event->crc = event->crc_shift = 0;
        event->payload_offset = CHUNK_LINE_BYTES;
    }
    return event;
}

struct gw_event *gw_event_seal(struct gw_event *event, const char *end)
{
    char line[CHUNK_LINE_BYTES + 1];

    event->payload_length = (uint32_t)(end - (event->bytes + CHUNK_LINE_BYTES));
    snprintf(line, sizeof(line), "%08" PRIx32 "\r\n", event->payload_length);
    memcpy(event->bytes, line, CHUNK_LINE_BYTES);
    memcpy(event->bytes + CHUNK_LINE_BYTES + event->payload_length, "\r\n", 2);
    event->length = CHUNK_LINE_BYTES + event->payload_length + 2;
    return event;
}

static char *put_id(char *to, uint64_t epoch, uint64_t offset)
{
    return offset ? to + sprintf(to, "id: %" PRIx64 ":%" PRIu64 "\n", epoch, offset) : to;
}

static struct gw_event *encode(const char *name, size_t name_length, const char *data,
                               size_t data_length, uint64_t epoch, uint64_t offset)
{
    size_t lines = count_lines(data, data_length);
    struct gw_event *event = gw_event_new(64 + name_length + 10 + data_length + lines * 7 + 1);

    if (!event)
        return NULL;
    char *to = put_id(event->bytes + CHUNK_LINE_BYTES, epoch, offset);
    if (name_length) {
        to = put(to, "event: ", 7);
        to = put(to, name, name_length);
        *to++ = '\n';
    }
    to = put_data(to, data, data_length);
    *to++ = '\n';
    return gw_event_seal(event, to);
}

struct gw_event *gw_event_encode(const struct vd_message *message, uint64_t epoch, uint64_t offset)
{
    if (message->has_data) {
        return encode(message->event, message->event_length, message->data, message->data_length,
                      epoch, offset);
    }
    if (message->event_length) {
        return encode(message->event, message->event_length, message->scope, message->scope_length,
                      epoch, offset);
    }
    return encode("invalidate", 10, message->scope, message->scope_length, epoch, offset);
}

struct gw_event *gw_event_gap(uint64_t epoch, uint64_t offset, const char *reason)
{
    char data[64];
    int length = snprintf(data, sizeof(data), "{\"reason\":\"%s\"}", reason);

    return encode("gap", 3, data, (size_t)length, epoch, offset);
}

struct gw_event *gw_event_text(const char *text)
{
    size_t length = strlen(text);
    struct gw_event *event = gw_event_new(length);

    return event ? gw_event_seal(event, put(event->bytes + CHUNK_LINE_BYTES, text, length)) : NULL;
}

struct gw_event *gw_event_last_chunk(void)
{
    struct gw_event *event = gw_event_new(0);

    if (event) {
        memcpy(event->bytes, "0\r\n\r\n", 5);
        event->length = 5;
        event->payload_length = 0;
    }
    return event;
}

void gw_event_release(struct gw_event *event)
{
    if (event && --event->references == 0) {
        gw_event_release(event->coded);
        free(event);
    }
}
