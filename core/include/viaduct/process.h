/* SPDX-License-Identifier: Apache-2.0 */
/* Who a process is, for whatever in shared memory belongs to one: its id and the time it was
 * started at, which together are never given twice on one machine. */
#ifndef VIADUCT_PROCESS_H
#define VIADUCT_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

/* Of this process; never 0, and at most 63 bits. Asks the kernel: not for hot paths, and anew after
 * a fork. */
uint64_t vd_process_identity(void);

/* Has that process ended, all of its threads, whether its parent has reaped it or not? A stopped
 * one has not; 0, which is nobody, has. Within one pid namespace, with /proc (without it, and
 * before Linux 5.3: only once it is reaped). Keeps errno, is no cancellation point. */
bool vd_process_has_ended(uint64_t identity);

#endif
