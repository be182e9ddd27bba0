/* SPDX-License-Identifier: Apache-2.0 */
/* How slow a sender may be: pure, time comes in as a parameter.
 *
 * Whoever sends gets @timeout_ms in advance. Each byte that arrives buys time at @rate bytes a
 * second, but never more than @timeout_ms ahead. So nobody pauses for longer than the timeout, and
 * one byte every now and then, which no timeout of a single read would ever notice, runs out after
 * it: over any stretch longer than the timeout at least @rate bytes a second must come. */
#ifndef VIADUCT_GATEWAY_PACE_H
#define VIADUCT_GATEWAY_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gw_pace {
    uint64_t deadline_ms; /* while held: what was left of it */
    uint32_t rest;        /* bytes times 1,000 that have not made up a millisecond yet */
    bool held;
};

void gw_pace_begin(struct gw_pace *pace, uint64_t now_ms, uint32_t timeout_ms);
void gw_pace_progress(struct gw_pace *pace, uint64_t now_ms, size_t bytes, uint32_t timeout_ms,
                      uint32_t rate);
/* We read nothing ourselves for a while (backpressure): that is not the sender's fault. Both may be
 * called again and again. */
void gw_pace_hold(struct gw_pace *pace, uint64_t now_ms);
void gw_pace_resume(struct gw_pace *pace, uint64_t now_ms);
bool gw_pace_is_late(const struct gw_pace *pace, uint64_t now_ms);

#endif
