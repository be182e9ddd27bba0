/* SPDX-License-Identifier: Apache-2.0 */
/* Allocation failures on order, by the linker's --wrap. */
#include <stdlib.h>

#include "node.h"

/* The names are the linker's. NOLINTBEGIN(bugprone-reserved-identifier) */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
/* NOLINTEND(bugprone-reserved-identifier) */

static _Thread_local int remaining = -1; /* the threads of a driver are spared */
static _Thread_local bool failed;

static bool passes(void)
{
    if (remaining < 0)
        return true;
    if (remaining-- > 0)
        return true;
    failed = true;
    return false;
}

bool allocations_fail_after(int successes)
{
    bool before = failed;

    remaining = successes;
    failed = false;
    return before;
}

void *__wrap_malloc(size_t size)
{
    return passes() ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return passes() ? __real_calloc(count, size) : NULL;
}

void *__wrap_realloc(void *old, size_t size)
{
    return passes() ? __real_realloc(old, size) : NULL;
}
