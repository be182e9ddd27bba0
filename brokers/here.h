/* SPDX-License-Identifier: Apache-2.0 */
/* Is this still the process that made it, or a forked copy? One load from memory, for what is asked
 * with each message: a page that the kernel wipes in a child (MADV_WIPEONFORK, Linux 4.14). Where
 * that is not to be had, by pid. */
#ifndef VIADUCT_BROKERS_HERE_H
#define VIADUCT_BROKERS_HERE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <unistd.h>

struct vd_here {
    uint32_t *page; /* NULL: by pid */
    pid_t pid;
};

void vd_here_init(struct vd_here *here);
void vd_here_finish(struct vd_here *here); /* zeroed memory is fine; a copy's too */

static inline bool vd_here_is(const struct vd_here *here)
{
    return here->page ? *here->page != 0 : here->pid == getpid();
}

#endif
