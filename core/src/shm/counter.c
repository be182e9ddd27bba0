/* SPDX-License-Identifier: Apache-2.0 */
/* A counter: compare-and-swap loops, and a futex for those who wait.
 *
 * Happy path: a change swaps the value in and looks at `waiting`, which is 0. A waiter says that it
 * waits, looks at the value once more, and sleeps on the value's lower half. Both fence in between
 * (the swap is a full one), so one of the two sees the other: Dekker's pattern, as the doorbell.
 *
 * Whoever finds `waiting` takes it down and wakes all; they say so again if they go on waiting.
 * Failure modes: killed or stopped between taking it down and waking, or a change by a multiple of
 * 2^32, which the futex cannot see: sleepers look by themselves every 100 ms. A waiter that is
 * killed leaves one wake-up too many. */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <viaduct/clock.h>
#include <viaduct/counter.h>

_Static_assert(sizeof(struct vd_counter) == 64, "one cache line each");

/* ---- one counter -------------------------------------------------------------------------------
 */

/* The half of the value that changes with every addition. */
static uint32_t *futex_of(struct vd_counter *counter)
{
    uint32_t *halves = (uint32_t *)(void *)&counter->value;

    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? halves : halves + 1;
}

static void wake_all(struct vd_counter *counter)
{
    int saved = errno;

    if (atomic_exchange_explicit(&counter->waiting, 0, memory_order_seq_cst) != 0)
        syscall(SYS_futex, futex_of(counter), FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
    errno = saved;
}

/* After a swap that succeeded. */
static inline void changed(struct vd_counter *counter)
{
    if (__builtin_expect(atomic_load_explicit(&counter->waiting, memory_order_seq_cst) != 0, 0))
        wake_all(counter);
}

static inline bool swap(struct vd_counter *counter, int64_t *old, int64_t value)
{
    return atomic_compare_exchange_weak_explicit(&counter->value, old, value, memory_order_seq_cst,
                                                 memory_order_relaxed);
}

static enum vd_err overflow(int64_t old, const char *sign, int64_t by, struct vd_error *error)
{
    return vd_error_set(error, VD_ERR_TOO_LARGE,
                        "counter: %lld %s %lld is out of range; it holds 64 bits, signed",
                        (long long)old, sign, (long long)by);
}

enum vd_err vd_counter_add(struct vd_counter *counter, int64_t by, int64_t *result,
                           struct vd_error *error)
{
    int64_t old = atomic_load_explicit(&counter->value, memory_order_relaxed);
    int64_t sum;

    do {
        if (__builtin_add_overflow(old, by, &sum))
            return overflow(old, "+", by, error);
    } while (!swap(counter, &old, sum));
    changed(counter);
    if (result)
        *result = sum;
    return VD_OK;
}

enum vd_err vd_counter_sub(struct vd_counter *counter, int64_t by, int64_t *result,
                           struct vd_error *error)
{
    int64_t old = atomic_load_explicit(&counter->value, memory_order_relaxed);
    int64_t difference;

    do {
        if (__builtin_sub_overflow(old, by, &difference))
            return overflow(old, "-", by, error);
    } while (!swap(counter, &old, difference));
    changed(counter);
    if (result)
        *result = difference;
    return VD_OK;
}

int64_t vd_counter_get(const struct vd_counter *counter)
{
    return atomic_load_explicit(&counter->value, memory_order_acquire);
}

void vd_counter_set(struct vd_counter *counter, int64_t value)
{
    atomic_store_explicit(&counter->value, value, memory_order_seq_cst);
    changed(counter);
}

bool vd_counter_compare_and_set(struct vd_counter *counter, int64_t expected, int64_t desired)
{
    if (!atomic_compare_exchange_strong_explicit(&counter->value, &expected, desired,
                                                 memory_order_seq_cst, memory_order_relaxed))
        return false;
    changed(counter);
    return true;
}

enum vd_err vd_counter_wait(struct vd_counter *counter, int64_t value, int64_t timeout_ms,
                            int64_t *now)
{
    uint64_t end_ms = timeout_ms < 0 ? UINT64_MAX : vd_monotonic_ms() + (uint64_t)timeout_ms;
    int saved = errno;
    int64_t seen;

    for (;;) {
        struct timespec slice;
        uint64_t now_ms;
        uint64_t left_ms;

        atomic_store_explicit(&counter->waiting, 1, memory_order_seq_cst);
        seen = atomic_load_explicit(&counter->value, memory_order_seq_cst);
        now_ms = vd_monotonic_ms();
        if (seen != value || now_ms >= end_ms)
            break;
        left_ms = end_ms - now_ms;
        if (left_ms > VD_COUNTER_WAIT_SLICE)
            left_ms = VD_COUNTER_WAIT_SLICE;
        slice.tv_sec = 0;
        slice.tv_nsec = (long)left_ms * 1000000;
        syscall(SYS_futex, futex_of(counter), FUTEX_WAIT, (uint32_t)(uint64_t)value, &slice, NULL,
                0);
    }
    errno = saved;
    if (now)
        *now = seen;
    return seen != value ? VD_OK : VD_ERR_TIMEOUT;
}
