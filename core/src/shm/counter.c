/* SPDX-License-Identifier: Apache-2.0 */
/* Counters: compare-and-swap loops, a futex for those who wait, a directory of names.
 *
 * Happy path: a change swaps the value in and looks at `waiting`, which is 0. A waiter says that it
 * waits, looks at the value once more, and sleeps on the value's lower half. Both fence in between
 * (the swap is a full one), so one of the two sees the other: Dekker's pattern, as the doorbell.
 *
 * Whoever finds `waiting` takes it down and wakes all; they say so again if they go on waiting.
 * Failure modes: killed or stopped between taking it down and waking, or a change by a multiple of
 * 2^32, which the futex cannot see: sleepers look by themselves every 100 ms. A waiter that is
 * killed leaves one wake-up too many. The directory: a name and its value are written before it is
 * counted, so a kill leaves nothing to repair; its lock is taken over from the dead. */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <viaduct/clock.h>
#include <viaduct/counter.h>

#include "owner_lock.h"

#define COUNTERS_MAGIC  0x5664436f756e7431u /* "VdCount1" */
#define COUNTERS_REGION "counters"

struct named_counter {
    struct vd_counter counter;
    alignas(64) char name[VD_COUNTER_NAME_MAX + 1];
    uint64_t length;
};

struct vd_counters {
    uint64_t magic;
    uint64_t capacity;
    alignas(64) _Atomic uint64_t lock;
    _Atomic uint64_t count;
    struct named_counter counters[];
};

_Static_assert(sizeof(struct vd_counter) == 64, "one cache line each");
_Static_assert(sizeof(struct named_counter) == 128, "the layout is shared");
_Static_assert(sizeof(struct vd_counters) == 128, "the layout is shared");

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

/* ---- the directory -----------------------------------------------------------------------------
 */

size_t vd_counters_bytes(size_t capacity)
{
    if (capacity == 0 || capacity > VD_COUNTERS_MAX)
        return 0;
    return sizeof(struct vd_counters) + capacity * sizeof(struct named_counter);
}

enum vd_err vd_counters_init(void *memory, size_t capacity, struct vd_counters **counters,
                             struct vd_error *error)
{
    struct vd_counters *made = memory;

    *counters = NULL;
    if (vd_counters_bytes(capacity) == 0 || (uintptr_t)memory % alignof(struct vd_counters) != 0) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "%zu counters; allowed are 1 to %u, in memory aligned to 64", capacity,
                            VD_COUNTERS_MAX);
    }
    memset(made, 0, sizeof(*made));
    made->capacity = capacity;
    atomic_signal_fence(memory_order_seq_cst);
    made->magic = COUNTERS_MAGIC;
    *counters = made;
    return VD_OK;
}

enum vd_err vd_counters_make(struct vd_arena *arena, size_t capacity, struct vd_counters **counters,
                             struct vd_error *error)
{
    size_t bytes = 0;
    struct vd_counters *there = vd_arena_find(arena, COUNTERS_REGION, &bytes);

    *counters = NULL;
    if (there && there->magic == COUNTERS_MAGIC) {
        if (vd_counters_bytes(there->capacity) != bytes)
            return vd_error_set(error, VD_ERR_CORRUPT, "the directory of counters is damaged");
        *counters = there;
        return VD_OK;
    }
    if (there) { /* killed while making it */
        capacity = (bytes - sizeof(*there)) / sizeof(struct named_counter);
    } else {
        struct vd_error why = {0};

        bytes = vd_counters_bytes(capacity);
        if (bytes) {
            there =
                vd_arena_allocate(arena, COUNTERS_REGION, bytes, alignof(struct vd_counters), &why);
        }
        if (bytes && !there) {
            return vd_error_set(error, why.code, "%zu counters take %zu bytes: %s", capacity, bytes,
                                why.text);
        }
    }
    return vd_counters_init(there, capacity, counters, error);
}

static struct vd_counter *find(struct vd_counters *counters, const char *name, size_t length)
{
    uint64_t count = atomic_load_explicit(&counters->count, memory_order_acquire);

    for (uint64_t i = 0; i < count; i++) {
        struct named_counter *named = &counters->counters[i];

        if (named->length == length && memcmp(named->name, name, length) == 0)
            return &named->counter;
    }
    return NULL;
}

/* NULL: full. */
static struct vd_counter *append_locked(struct vd_counters *counters, const char *name,
                                        size_t length, int64_t initial)
{
    uint64_t count = atomic_load_explicit(&counters->count, memory_order_relaxed);
    struct named_counter *named = &counters->counters[count];

    if (count >= counters->capacity)
        return NULL;
    memset(named, 0, sizeof(*named));
    memcpy(named->name, name, length);
    named->length = length;
    atomic_store_explicit(&named->counter.value, initial, memory_order_relaxed);
    atomic_store_explicit(&counters->count, count + 1, memory_order_release);
    return &named->counter;
}

enum vd_err vd_counters_get(struct vd_counters *counters, const char *name, size_t length,
                            int64_t initial, struct vd_counter **counter, struct vd_error *error)
{
    *counter = NULL;
    if (length == 0 || length > VD_COUNTER_NAME_MAX) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "the name of a counter must have 1 to %d bytes, this one has %zu",
                            VD_COUNTER_NAME_MAX, length);
    }
    *counter = find(counters, name, length);
    if (*counter)
        return VD_OK;
    owner_lock(&counters->lock, owner_identify());
    *counter = find(counters, name, length);
    if (!*counter)
        *counter = append_locked(counters, name, length, initial);
    owner_unlock(&counters->lock);
    if (!*counter) {
        return vd_error_set(error, VD_ERR_FULL,
                            "all of the %llu named counters are in use; make room for more",
                            (unsigned long long)counters->capacity);
    }
    return VD_OK;
}

size_t vd_counters_count(const struct vd_counters *counters)
{
    return atomic_load_explicit(&counters->count, memory_order_acquire);
}

struct vd_counter *vd_counters_at(struct vd_counters *counters, size_t index, const char **name)
{
    if (index >= vd_counters_count(counters))
        return NULL;
    if (name)
        *name = counters->counters[index].name;
    return &counters->counters[index].counter;
}
