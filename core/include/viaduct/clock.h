/* SPDX-License-Identifier: Apache-2.0 */
/* The two clocks. Logic takes now_ms as a parameter; only loops and adapters call these. */
#ifndef VIADUCT_CLOCK_H
#define VIADUCT_CLOCK_H

#include <stdint.h>
#include <time.h>

/* CLOCK_MONOTONIC: comparable between the processes of one machine, not across reboots. */
static inline uint64_t vd_monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

static inline uint64_t vd_monotonic_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

/* Wall clock, Unix epoch. */
static inline uint64_t vd_wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

#endif
