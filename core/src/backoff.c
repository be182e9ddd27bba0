/* SPDX-License-Identifier: Apache-2.0 */
/* When to try again: see backoff.h for the rule and its source. Pure; nothing here can fail. */
#include <viaduct/backoff.h>

void vd_backoff_init(struct vd_backoff *backoff, uint32_t first_ms, uint32_t cap_ms,
                     uint32_t stable_ms)
{
    *backoff = (struct vd_backoff){
        .first_ms = first_ms,
        .cap_ms = cap_ms,
        .stable_ms = stable_ms,
    };
}

/* first, 2 * first, 4 * first .. cap, without overflow. */
static uint32_t step_ms(const struct vd_backoff *backoff)
{
    uint64_t step = backoff->first_ms;

    for (uint32_t i = 0; i < backoff->attempt && step < backoff->cap_ms; i++)
        step = step > 0 ? step * 2 : backoff->cap_ms;
    return step < backoff->cap_ms ? (uint32_t)step : backoff->cap_ms;
}

uint32_t vd_backoff_failed(struct vd_backoff *backoff, uint64_t now_ms, uint32_t random)
{
    uint32_t step, half;

    if (backoff->up_since_ms != 0 && now_ms >= backoff->up_since_ms &&
        now_ms - backoff->up_since_ms >= backoff->stable_ms)
        backoff->attempt = 0;
    backoff->up_since_ms = 0;
    step = step_ms(backoff);
    if (backoff->attempt < UINT32_MAX)
        backoff->attempt++;
    half = step / 2;
    return half + (uint32_t)(((uint64_t)random * ((uint64_t)step - half + 1)) >> 32);
}

void vd_backoff_up(struct vd_backoff *backoff, uint64_t now_ms)
{
    if (backoff->up_since_ms == 0)
        backoff->up_since_ms = now_ms > 0 ? now_ms : 1; /* 0 means: not up */
}
