/* SPDX-License-Identifier: Apache-2.0 */
/* Flat messages and parcels. Failure modes: a flat message from another process is checked length
 * by length before a pointer is made of it; scope grammar and limits are the handle's business. */
#include <stdlib.h>
#include <string.h>

#include "parcel.h"

static size_t data_length_of(const struct vd_message *message)
{
    return message->has_data ? message->data_length : 0;
}

size_t vd_flat_bytes(const struct vd_message *message)
{
    return sizeof(struct vd_flat_message) + message->scope_length + message->event_length +
           message->origin_length + data_length_of(message);
}

static struct vd_flat_message header_of(const struct vd_message *message)
{
    return (struct vd_flat_message){
        .scope_length = (uint16_t)message->scope_length,
        .event_length = (uint16_t)message->event_length,
        .origin_length = (uint16_t)message->origin_length,
        .has_data = message->has_data,
        .data_length = (uint32_t)data_length_of(message),
        .sequence = message->sequence,
    };
}

void vd_flat_slice(const struct vd_message *message, size_t offset, size_t length, void *to)
{
    const struct vd_flat_message header = header_of(message);
    const struct {
        const void *bytes;
        size_t length;
    } parts[] = {
        {&header, sizeof(header)},
        {message->scope, message->scope_length},
        {message->event, message->event_length},
        {message->origin, message->origin_length},
        {message->data, data_length_of(message)},
    };
    unsigned char *out = to;

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && length > 0; i++) {
        size_t take;
        if (offset >= parts[i].length) {
            offset -= parts[i].length;
            continue;
        }
        take = parts[i].length - offset < length ? parts[i].length - offset : length;
        memcpy(out, (const unsigned char *)parts[i].bytes + offset, take);
        out += take;
        length -= take;
        offset = 0;
    }
}

size_t vd_flat_announced_bytes(const void *bytes, size_t length)
{
    struct vd_flat_message header;

    if (length < sizeof(header))
        return 0;
    memcpy(&header, bytes, sizeof(header));
    if (header.has_data > 1 || (!header.has_data && header.data_length > 0))
        return 0;
    return sizeof(header) + header.scope_length + header.event_length + header.origin_length +
           (size_t)header.data_length;
}

enum vd_err vd_flat_read(const void *bytes, size_t length, struct vd_message *message)
{
    const char *at = (const char *)bytes + sizeof(struct vd_flat_message);
    struct vd_flat_message header;

    if (vd_flat_announced_bytes(bytes, length) != length || length == 0)
        return VD_ERR_MALFORMED;
    memcpy(&header, bytes, sizeof(header));
    *message = (struct vd_message){.sequence = header.sequence};
    message->scope = at;
    message->scope_length = header.scope_length;
    at += header.scope_length;
    message->event = header.event_length ? at : NULL;
    message->event_length = header.event_length;
    at += header.event_length;
    message->origin = header.origin_length ? at : NULL;
    message->origin_length = header.origin_length;
    at += header.origin_length;
    message->has_data = header.has_data != 0;
    message->data = header.data_length ? at : NULL;
    message->data_length = header.data_length;
    return VD_OK;
}

struct vd_parcel *vd_parcel_create(size_t length)
{
    struct vd_parcel *parcel = malloc(sizeof(*parcel) + length);

    if (!parcel)
        return NULL;
    atomic_init(&parcel->owners, 1);
    parcel->length = length;
    return parcel;
}

struct vd_parcel *vd_parcel_of(const struct vd_message *message)
{
    struct vd_parcel *parcel = vd_parcel_create(vd_flat_bytes(message));

    if (parcel)
        vd_flat_slice(message, 0, parcel->length, parcel->flat);
    return parcel;
}

struct vd_parcel *vd_parcel_hold(struct vd_parcel *parcel)
{
    atomic_fetch_add_explicit(&parcel->owners, 1, memory_order_relaxed);
    return parcel;
}

void vd_parcel_release(struct vd_parcel *parcel)
{
    if (!parcel)
        return;
    /* the last owner must see what the others did with it */
    if (atomic_fetch_sub_explicit(&parcel->owners, 1, memory_order_acq_rel) == 1)
        free(parcel);
}
