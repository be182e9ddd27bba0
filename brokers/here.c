/* SPDX-License-Identifier: Apache-2.0 */
/* Forked copies: see here.h. */
#include <sys/mman.h>

#include "here.h"

void vd_here_init(struct vd_here *here)
{
    size_t bytes = (size_t)sysconf(_SC_PAGESIZE);
    uint32_t *page = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    *here = (struct vd_here){.pid = getpid()};
    if (page == MAP_FAILED)
        return;
    if (madvise(page, bytes, MADV_WIPEONFORK) < 0) {
        munmap(page, bytes);
        return;
    }
    *page = 1;
    here->page = page;
}

void vd_here_finish(struct vd_here *here)
{
    if (here->page)
        munmap(here->page, (size_t)sysconf(_SC_PAGESIZE));
    *here = (struct vd_here){0};
}
