/* SPDX-License-Identifier: Apache-2.0 */
/* A message as one piece of memory, for the drivers that stay on one machine.
 *
 *     +------------------------+-------+-------+--------+------+
 *     | struct vd_flat_message | scope | event | origin | data |   native byte order
 *     +------------------------+-------+-------+--------+------+
 *
 * The flat form travels through rings; whole, or cut anywhere into slices that are put together
 * again. A parcel is a flat message on the heap with a count of its owners, so that one copy waits
 * for many readers. */
#ifndef VIADUCT_BROKERS_PARCEL_H
#define VIADUCT_BROKERS_PARCEL_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <viaduct/error.h>
#include <viaduct/message.h>

struct vd_flat_message {
    uint16_t scope_length;
    uint16_t event_length;
    uint16_t origin_length;
    uint16_t has_data;
    uint32_t data_length;
    uint32_t reserved;
    uint64_t sequence;
};

_Static_assert(sizeof(struct vd_flat_message) == 24, "no padding");

/* Bytes of the flat form. */
size_t vd_flat_bytes(const struct vd_message *message);

/* Write bytes [@offset, @offset + @length) of the flat form to @to. */
void vd_flat_slice(const struct vd_message *message, size_t offset, size_t length, void *to);

/* Bytes of the whole flat message whose first @length bytes (at least the header) stand at @bytes;
 * 0: it cannot be one. */
size_t vd_flat_announced_bytes(const void *bytes, size_t length);

/* The message in exactly @length bytes of flat form; its pointers point into @bytes. Nothing is
 * believed: Returns VD_OK or VD_ERR_MALFORMED. @bytes must be aligned to 8. */
enum vd_err vd_flat_read(const void *bytes, size_t length, struct vd_message *message);

struct vd_parcel {
    _Atomic uint32_t owners;
    size_t length;
    _Alignas(8) unsigned char flat[];
};

/* Room for @length bytes with one owner; NULL: out of memory. */
struct vd_parcel *vd_parcel_create(size_t length);
struct vd_parcel *vd_parcel_of(const struct vd_message *message);
struct vd_parcel *vd_parcel_hold(struct vd_parcel *parcel); /* one owner more; returns it */
void vd_parcel_release(struct vd_parcel *parcel);           /* NULL is fine */

#endif
