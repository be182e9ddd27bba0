/* SPDX-License-Identifier: Apache-2.0 */
/* The full fence of Dekker's pattern: store mine, fence, look at yours. */
#ifndef VIADUCT_SHM_FENCE_H
#define VIADUCT_SHM_FENCE_H

#include <stdatomic.h>

/* A real fence under every build. gcc warns that TSan does not model it; nothing here relies on
 * TSan seeing an order through the fence: whatever is read behind it is atomic. */
static inline void full_fence(void)
{
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wtsan"
#endif
    atomic_thread_fence(memory_order_seq_cst);
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
}

#endif
