/* SPDX-License-Identifier: Apache-2.0 */
/* The arena: the shared memory that all processes of a node map.
 *
 * A sealed-size memfd mapped MAP_SHARED at one address in every process, so that pointers into it
 * are the same everywhere; forks inherit the mapping, a re-executed process attaches by descriptor
 * at the address the header names. Pages cost memory only once touched.
 *
 *     +--------------------+ base (page aligned)
 *     | struct arena_header| magic, version, base, capacity, used, directory of named regions
 *     +--------------------+
 *     | region "scoreboard"| zeroed, aligned as asked
 *     | region "ring ..."  |
 *     | ...                |
 *     +--------------------+ base + capacity
 *
 * Regions are only ever added, by one process at a time (the supervisor, before it forks): there is
 * no free. */
#ifndef VIADUCT_ARENA_H
#define VIADUCT_ARENA_H

#include <stddef.h>

#include <viaduct/error.h>

struct vd_arena;

#define VD_ARENA_NAME_MAX     47
#define VD_ARENA_HEADER_BYTES ((size_t)64 * 1024) /* of the capacity: header and directory */
#define VD_ARENA_REGIONS_MAX  1023

/* @capacity_bytes is rounded up to whole pages. The descriptor is close-on-exec.
 * Returns: VD_OK, VD_ERR_INVALID, VD_ERR_SYSTEM, VD_ERR_NO_MEMORY. */
enum vd_err vd_arena_create(size_t capacity_bytes, struct vd_arena **arena, struct vd_error *error);

/* Map the arena behind @fd (borrowed; duplicated) at its own address.
 * Returns: VD_OK, VD_ERR_CORRUPT (not an arena, other version), VD_ERR_EXISTS (address taken),
 * VD_ERR_SYSTEM, VD_ERR_NO_MEMORY. */
enum vd_err vd_arena_attach(int fd, struct vd_arena **arena, struct vd_error *error);

/* The same at any address: for memory without pointers into itself, such as tables and counters.
 * Returns: as above, but for VD_ERR_EXISTS. */
enum vd_err vd_arena_attach_anywhere(int fd, struct vd_arena **arena, struct vd_error *error);

/* Unmap here; the memory lives until the last process lets go. NULL is fine. */
void vd_arena_destroy(struct vd_arena *arena);

/* A new zeroed region; NULL with @error filled when the name is taken, empty or too long, the
 * alignment is no power of two or over a page, or the arena is full (VD_ERR_EXISTS, VD_ERR_INVALID,
 * VD_ERR_FULL). Processes: one at a time. */
void *vd_arena_allocate(struct vd_arena *arena, const char *name, size_t bytes, size_t alignment,
                        struct vd_error *error);

/* A region by name; NULL when there is none. @bytes may be NULL. */
void *vd_arena_find(const struct vd_arena *arena, const char *name, size_t *bytes);

/* The name of the @index-th region, in the order in which they were made; NULL after the last. */
const char *vd_arena_region_at(const struct vd_arena *arena, size_t index);

int vd_arena_fd(const struct vd_arena *arena);
size_t vd_arena_used_bytes(const struct vd_arena *arena);
size_t vd_arena_capacity_bytes(const struct vd_arena *arena);

#endif
