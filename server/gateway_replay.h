/* SPDX-License-Identifier: Apache-2.0 */
/* An index over the node's history, for streams that come back: see gateway_replay.c. */
#ifndef VIADUCT_GATEWAY_REPLAY_H
#define VIADUCT_GATEWAY_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <viaduct/history.h>

#include "worker.h"

struct gw_event;
struct gw_replay;

struct gw_replay *gw_replay_create(struct vd_history *history, size_t per_scope, uint32_t age_ms);
void gw_replay_destroy(struct gw_replay *replay);
void gw_replay_note(struct gw_replay *replay, uint64_t offset, const char *scope, size_t length);
/* The entry at @offset did not fit: whoever replays across it has a gap. */
void gw_replay_note_lost(struct gw_replay *replay, uint64_t offset, const char *scope,
                         size_t length);
/* All frames of this ring up to this position were published. */
void gw_replay_note_source(struct gw_replay *replay, struct vd_history_source source);
/* Was a frame of this ring and position put into the history by a gateway that died before it could
 * release the frame? */
bool gw_replay_has_seen(const struct gw_replay *replay, struct vd_history_source source);

/* The event of an entry, encoded; one reference is the caller's. NULL: gone, or out of memory. */
struct gw_event *gw_replay_event(struct gw_replay *replay, uint64_t offset);

/* Offsets after @last of all entries that any of @patterns overlaps, ascending. *@gap: some that
 * matched are gone. *@offsets is malloc'd (NULL when none). Returns their number. */
size_t gw_replay_collect(struct gw_replay *replay, const struct vd_text *patterns,
                         size_t pattern_count, uint64_t last, uint64_t wall_ms, uint64_t **offsets,
                         bool *gap);

#endif
