/* SPDX-License-Identifier: Apache-2.0 */
/* Exponential backoff with full jitter within the step: pure, time and randomness come in.
 *
 * Step n lies between step_n / 2 and step_n, step_n = first, 2*first, 4*first .. cap. ("Equal
 * jitter" of https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ keeps a
 * floor under the delay, so that a flapping server is never hammered.) It goes back to the first
 * step only after what it guards has been up for @stable_ms, not at the first success. */
#ifndef VIADUCT_BACKOFF_H
#define VIADUCT_BACKOFF_H

#include <stdint.h>

struct vd_backoff {
    uint32_t first_ms;
    uint32_t cap_ms;
    uint32_t stable_ms;
    uint32_t attempt;     /* failures since the last reset */
    uint64_t up_since_ms; /* 0: not up */
};

void vd_backoff_init(struct vd_backoff *backoff, uint32_t first_ms, uint32_t cap_ms,
                     uint32_t stable_ms);

/* It failed (or died) at @now_ms: how long to wait before the next attempt, in milliseconds.
 * @random: 32 uniformly random bits. */
uint32_t vd_backoff_failed(struct vd_backoff *backoff, uint64_t now_ms, uint32_t random);

/* It came up at @now_ms. */
void vd_backoff_up(struct vd_backoff *backoff, uint64_t now_ms);

#endif
