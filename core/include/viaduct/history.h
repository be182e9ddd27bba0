/* SPDX-License-Identifier: Apache-2.0 */
/* The node's history: the last messages, in shared memory, for replay to streams that reconnect.
 *
 * A log: one byte ring for the messages and one index ring (offset -> place), both of fixed size.
 * Offsets count from 1, one sequence for the whole node. The oldest entries make room for the
 * newest. One writer (the gateway); a crash at any instant leaves the log as it was before or after
 * the append, never between: bytes and index first, then one release store of `next`. Before old
 * bytes are overwritten, `first` moves past them.
 *
 * A successor of a dead writer goes on from the same epoch. Each entry carries its source (which
 * ring, which position), so that a frame that was appended but not yet released from its ring is
 * recognised and not appended twice. */
#ifndef VIADUCT_HISTORY_H
#define VIADUCT_HISTORY_H

#include <stddef.h>
#include <stdint.h>

#include <viaduct/error.h>
#include <viaduct/message.h>

struct vd_history;

#define VD_HISTORY_LOG_MIN_BYTES ((size_t)64 * 1024)

/* Shared memory for @log_bytes of messages (power of two, at least 64 KiB) and at most
 * @max_entries entries (power of two); 0 when these are not allowed. Alignment 64. */
size_t vd_history_bytes(size_t log_bytes, size_t max_entries);
/* @epoch names this history in event ids; not 0. Returns: VD_OK, VD_ERR_INVALID. */
enum vd_err vd_history_init(struct vd_history *history, size_t log_bytes, size_t max_entries,
                            uint64_t epoch);

/* Where an entry came from. source 0: not from a ring (a broker, the gateway itself). */
struct vd_history_source {
    uint32_t source;
    uint32_t generation;
    uint64_t position;
};

/* Append; evicts the oldest as needed. Wall-clock @now_ms. *@offset gets the new offset.
 * Returns: VD_OK, VD_ERR_TOO_LARGE (scope, event, origin and data together over a quarter of the
 * log: not kept; an offset is used up all the same and first moves past it, so that a replay across
 * it is a gap), VD_ERR_CORRUPT (recover, or init anew). Ownership: @message is borrowed until
 * return and must not point into this history. Processes: the writer. */
enum vd_err vd_history_append(struct vd_history *history, const struct vd_message *message,
                              struct vd_history_source source, uint64_t now_ms, uint64_t *offset);

struct vd_history_entry {
    uint64_t offset;
    uint64_t time_ms;
    struct vd_history_source source;
    struct vd_message message; /* points into the history: valid until the next append */
};

/* Returns: VD_OK, VD_ERR_NOT_FOUND (evicted, or not yet there), VD_ERR_CORRUPT. Processes: the
 * writer. */
enum vd_err vd_history_get(const struct vd_history *history, uint64_t offset,
                           struct vd_history_entry *entry);

uint64_t vd_history_epoch(const struct vd_history *history);
uint64_t vd_history_first(const struct vd_history *history); /* oldest offset kept */
uint64_t vd_history_next(const struct vd_history *history);  /* offset of the next append */

/* After a crash of the writer: check the whole log, cut what cannot be vouched for (from the
 * front). Returns: VD_OK, VD_ERR_CORRUPT when nothing could be saved (then init it anew with
 * another epoch). */
enum vd_err vd_history_recover(struct vd_history *history);

#endif
