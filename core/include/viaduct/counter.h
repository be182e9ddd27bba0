/* SPDX-License-Identifier: Apache-2.0 */
/* Counters in shared memory: 64 bits, signed, one cache line each, shared by name.
 *
 *     struct vd_counters   magic, capacity, lock, how many           (two cache lines)
 *     +-- [capacity] ----+ counter | name                            (two cache lines each)
 *     +-- slots ---------+ [2 * capacity, a power of two], which counter has a name
 *
 * Counters are only ever added to a directory, never removed: a pointer to one stays good for as
 * long as the memory is mapped. A counter may also stand anywhere else in shared memory, without a
 * name, zeroed and aligned to 64.
 *
 * Each operation is one atomic instruction that happens or does not: there is nothing that a kill
 * could leave half done. A sum over 64 bits is an error and leaves the counter as it was.
 *
 * Threads and processes: any; also from signal handlers, but for vd_counters_get. */
#ifndef VIADUCT_COUNTER_H
#define VIADUCT_COUNTER_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <viaduct/arena.h>
#include <viaduct/error.h>

#define VD_COUNTER_NAME_MAX   47
#define VD_COUNTERS_MAX       65536u
#define VD_COUNTER_WAIT_SLICE 100 /* ms */

struct vd_counter {
    alignas(64) _Atomic int64_t value;
    _Atomic uint32_t waiting; /* somebody sleeps until it changes */
};

struct vd_counters;

/* Shared memory for @capacity named counters (1 to VD_COUNTERS_MAX), alignment 64; 0 when that is
 * not allowed. */
size_t vd_counters_bytes(size_t capacity);
/* @memory need not be zeroed. Returns: VD_OK, VD_ERR_INVALID. Processes: one. */
enum vd_err vd_counters_init(void *memory, size_t capacity, struct vd_counters **counters,
                             struct vd_error *error);
/* The directory of @arena, made with @capacity when it is not there yet (then it keeps its own).
 * Returns: also VD_ERR_FULL, VD_ERR_CORRUPT. Processes: one at a time. */
enum vd_err vd_counters_make(struct vd_arena *arena, size_t capacity, struct vd_counters **counters,
                             struct vd_error *error);

/* The counter of that name (1 to VD_COUNTER_NAME_MAX bytes, any), added with @initial when it is
 * not there yet. Returns: VD_OK, VD_ERR_INVALID, VD_ERR_FULL. */
enum vd_err vd_counters_get(struct vd_counters *counters, const char *name, size_t length,
                            int64_t initial, struct vd_counter **counter, struct vd_error *error);
/* Put right what a dead process has left in the middle of adding one; the next that adds would do
 * it. */
void vd_counters_recover(struct vd_counters *counters);
size_t vd_counters_count(const struct vd_counters *counters);
/* The @index-th, in the order in which they were added; NULL after the last. Static name. */
struct vd_counter *vd_counters_at(struct vd_counters *counters, size_t index, const char **name);

/* *@result (NULL: not wanted) is the new value. Returns: VD_OK, VD_ERR_TOO_LARGE. */
enum vd_err vd_counter_add(struct vd_counter *counter, int64_t by, int64_t *result,
                           struct vd_error *error);
enum vd_err vd_counter_sub(struct vd_counter *counter, int64_t by, int64_t *result,
                           struct vd_error *error);
int64_t vd_counter_get(const struct vd_counter *counter);
void vd_counter_set(struct vd_counter *counter, int64_t value);
bool vd_counter_compare_and_set(struct vd_counter *counter, int64_t expected, int64_t desired);

/* Sleep until the value is another one than @value, which may be at once; *@now (NULL: not wanted)
 * is what it is. Returns: VD_OK, VD_ERR_TIMEOUT. Blocks: up to @timeout_ms; -1: for ever.
 * A process that is killed after changing the value and before waking costs a sleeper at most
 * VD_COUNTER_WAIT_SLICE ms. A value that has changed and changed back may not be noticed. */
enum vd_err vd_counter_wait(struct vd_counter *counter, int64_t value, int64_t timeout_ms,
                            int64_t *now);

#endif
