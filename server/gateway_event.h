/* SPDX-License-Identifier: Apache-2.0 */
/* Server-sent events, encoded once and shared by all streams that wait for them; and the same,
 * compressed, for those that take gzip. */
#ifndef VIADUCT_GATEWAY_EVENT_H
#define VIADUCT_GATEWAY_EVENT_H

#include <stddef.h>
#include <stdint.h>

#include <viaduct/message.h>

struct gateway;
struct gw_event_coder;

/* One event, encoded once, shared by all streams that wait for it. As one HTTP chunk: the chunk
 * line, the event, CRLF; a HTTP/1.0 stream sends the part between. */
struct gw_event {
    uint32_t references;
    uint32_t length;         /* whole chunk */
    uint32_t payload_offset; /* the event without the chunk framing */
    uint32_t payload_length;
    struct gw_event *coded; /* the same for streams that take gzip; NULL until one needs it */
    uint32_t plain_length, crc, crc_shift; /* of one that is coded: see gateway_event_coding.c */
    char bytes[];
};

/* What the gzip trailer of one compressed stream will say. */
struct gw_gzip {
    uint32_t crc, length; /* of the plain bytes so far */
};

/* gateway_event.c */
/* @offset 0: without an id. NULL: out of memory. One reference is the caller's. */
struct gw_event *gw_event_encode(const struct vd_message *message, uint64_t epoch, uint64_t offset);
struct gw_event *gw_event_text(const char *text); /* raw lines, for comments and retry */
struct gw_event *gw_event_last_chunk(void);       /* ends a chunked body */
struct gw_event *gw_event_gap(uint64_t epoch, uint64_t offset, const char *reason);
void gw_event_release(struct gw_event *event);
/* To be filled from bytes + payload_offset on, then sealed at its end. */
struct gw_event *gw_event_new(size_t payload_capacity);
struct gw_event *gw_event_seal(struct gw_event *event, const char *end);

/* gateway_event_coding.c */
void gw_event_coder_destroy(struct gw_event_coder *coder);
/* @event for streams that take gzip; it belongs to @event. NULL: out of memory. */
struct gw_event *gw_event_coded(struct gateway *gateway, struct gw_event *event);
void gw_gzip_add(struct gw_gzip *gzip, const struct gw_event *coded);
struct gw_event *gw_event_gzip_head(void);
struct gw_event *gw_event_gzip_tail(const struct gw_gzip *gzip);

#endif
