/* SPDX-License-Identifier: Apache-2.0 */
/* Events compressed once for all the streams that take gzip (RFC 1951, 1952).
 *
 * A stream's body is one gzip member that goes on as long as the stream does: a header of its own,
 * then one run of deflate blocks an event, at its end a trailer. An event's blocks are coded with
 * an empty window and end on a byte (sync flush), so they refer to nothing before them and fit
 * behind whatever a stream got earlier. The trailer's checksum is kept per stream out of the
 * events' own (crc32_combine): nobody reads the bytes again. Members, one an event, would be
 * simpler; browsers read the first member only.
 *
 * What it costs: an event finds matches only in itself. Below PLAIN_BYTES, where that gains
 * nothing, and above LARGE_BYTES, where the loop would be held up, it goes into stored blocks: a
 * copy. Failure mode: no memory - the stream is cut, as for any event. */
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "gateway.h"

#define PLAIN_BYTES       192u
#define LARGE_BYTES       (256u * 1024)
#define STORED_BYTES_MAX  65535u
#define STORED_HEAD_BYTES 5u
#define LEVEL             1
#define RAW_WINDOW_BITS   (-15)
#define MEMORY            7 /* a hash of 32 KiB: it is wiped for every event */

struct gw_event_coder {
    z_stream deflate;
};

static struct gw_event_coder *coder_create(void)
{
    struct gw_event_coder *coder = calloc(1, sizeof(*coder));

    if (coder && deflateInit2(&coder->deflate, LEVEL, Z_DEFLATED, RAW_WINDOW_BITS, MEMORY,
                              Z_DEFAULT_STRATEGY) != Z_OK) {
        free(coder);
        return NULL;
    }
    return coder;
}

void gw_event_coder_destroy(struct gw_event_coder *coder)
{
    if (!coder)
        return;
    deflateEnd(&coder->deflate);
    free(coder);
}

static size_t stored_bytes(size_t length)
{
    return length + (length / STORED_BYTES_MAX + 1) * STORED_HEAD_BYTES;
}

static char *put_stored(char *to, const char *bytes, size_t length)
{
    while (length > 0) {
        uint16_t part = length < STORED_BYTES_MAX ? (uint16_t)length : STORED_BYTES_MAX;

        *to++ = 0; /* not the last block; type 00; the rest of the byte is skipped */
        *to++ = (char)(part & 0xff);
        *to++ = (char)(part >> 8);
        *to++ = (char)(~part & 0xff);
        *to++ = (char)((~part >> 8) & 0xff);
        memcpy(to, bytes, part);
        to += part;
        bytes += part;
        length -= part;
    }
    return to;
}

/* NULL: it would not be shorter than stored. */
static char *put_deflated(struct gw_event_coder *coder, char *to, size_t room, const char *bytes,
                          size_t length)
{
    z_stream *deflater = &coder->deflate;

    if (length < PLAIN_BYTES || length > LARGE_BYTES || deflateReset(deflater) != Z_OK)
        return NULL;
    deflater->next_in = (unsigned char *)bytes;
    deflater->avail_in = (unsigned)length;
    deflater->next_out = (unsigned char *)to;
    deflater->avail_out = (unsigned)room;
    if (deflate(deflater, Z_SYNC_FLUSH) != Z_OK || deflater->avail_in > 0 ||
        deflater->avail_out == 0)
        return NULL;
    return to + (room - deflater->avail_out);
}

static struct gw_event *code(struct gw_event_coder *coder, const struct gw_event *event)
{
    const char *payload = event->bytes + event->payload_offset;
    size_t length = event->payload_length, room = stored_bytes(length);
    struct gw_event *coded = gw_event_new(room);
    char *start, *end;

    if (!coded)
        return NULL;
    start = coded->bytes + coded->payload_offset;
    end = put_deflated(coder, start, room, payload, length);
    if (!end)
        end = put_stored(start, payload, length);
    gw_event_seal(coded, end);
    coded->plain_length = event->payload_length;
    coded->crc = (uint32_t)crc32(0, (const unsigned char *)payload, event->payload_length);
    coded->crc_shift = (uint32_t)crc32_combine_gen(event->payload_length);
    return coded;
}

struct gw_event *gw_event_coded(struct gateway *gateway, struct gw_event *event)
{
    if (event->coded)
        return event->coded;
    if (!gateway->event_coder && !(gateway->event_coder = coder_create()))
        return NULL;
    event->coded = code(gateway->event_coder, event);
    return event->coded;
}

void gw_gzip_add(struct gw_gzip *gzip, const struct gw_event *coded)
{
    gzip->crc = (uint32_t)crc32_combine_op(gzip->crc, coded->crc, coded->crc_shift);
    gzip->length += coded->plain_length;
}

struct gw_event *gw_event_gzip_head(void)
{
    /* no name, no time, system unknown */
    static const char head[] = "\x1f\x8b\x08\0\0\0\0\0\0\xff";
    struct gw_event *event = gw_event_new(sizeof(head) - 1);

    if (event) {
        memcpy(event->bytes + event->payload_offset, head, sizeof(head) - 1);
        gw_event_seal(event, event->bytes + event->payload_offset + sizeof(head) - 1);
    }
    return event;
}

static char *put_32(char *to, uint32_t value)
{
    for (int shift = 0; shift < 32; shift += 8)
        *to++ = (char)(value >> shift & 0xff);
    return to;
}

struct gw_event *gw_event_gzip_tail(const struct gw_gzip *gzip)
{
    struct gw_event *event = gw_event_new(10);
    char *to;

    if (!event)
        return NULL;
    to = event->bytes + event->payload_offset;
    *to++ = 3; /* an empty last block of fixed codes */
    *to++ = 0;
    to = put_32(put_32(to, gzip->crc), gzip->length);
    return gw_event_seal(event, to);
}
