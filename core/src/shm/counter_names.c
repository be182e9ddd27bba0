/* SPDX-License-Identifier: Apache-2.0 */
/* The directory of counters: names, found by an open-addressed index of twice as many slots.
 *
 * Happy path: hash the name, follow the slots until one has it: nobody is locked out, nothing is
 * written. A new name is added under the lock: name and value, then the count, then the slot.
 *
 * Failure modes: full (VD_ERR_FULL). Killed before it is counted: nothing was added. Killed between
 * the count and the slot: the counter is there and cannot be found by name, until whoever takes the
 * lock over gives the last one its slot. There is nothing else to repair, as nothing is removed.
 *
 * The hash is FNV-1a (Fowler, Noll, Vo), without a secret: names are a program's, not its users',
 * and the directory is small; long runs of slots cost time only. */
#include <string.h>

#include <viaduct/counter.h>
#include <viaduct/process.h>

#include "owner_lock.h"

#define COUNTERS_MAGIC  0x5664436f756e7432u /* "VdCount2" */
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
    struct named_counter counters[]; /* behind them the slots: counter + 1, 0 is free */
};

_Static_assert(sizeof(struct named_counter) == 128, "the layout is shared");
_Static_assert(sizeof(struct vd_counters) == 128, "the layout is shared");

/* ---- layout ------------------------------------------------------------------------------------
 */

static uint64_t slots_of(uint64_t capacity)
{
    uint64_t slots = 2;

    while (slots < 2 * capacity)
        slots *= 2;
    return slots;
}

size_t vd_counters_bytes(size_t capacity)
{
    if (capacity == 0 || capacity > VD_COUNTERS_MAX)
        return 0;
    return sizeof(struct vd_counters) + capacity * sizeof(struct named_counter) +
           slots_of(capacity) * sizeof(uint32_t);
}

static _Atomic uint32_t *slots_in(struct vd_counters *counters)
{
    return (_Atomic uint32_t *)(void *)&counters->counters[counters->capacity];
}

enum vd_err vd_counters_init(void *memory, size_t capacity, struct vd_counters **counters,
                             struct vd_error *error)
{
    struct vd_counters *made = memory;

    *counters = NULL;
    if (!memory || vd_counters_bytes(capacity) == 0 ||
        (uintptr_t)memory % alignof(struct vd_counters) != 0) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "%zu counters; allowed are 1 to %u, in memory aligned to 64", capacity,
                            VD_COUNTERS_MAX);
    }
    memset(made, 0, sizeof(*made));
    made->capacity = capacity;
    memset((void *)slots_in(made), 0, slots_of(capacity) * sizeof(uint32_t));
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
    struct vd_error why = {0};

    *counters = NULL;
    if (there && there->magic == COUNTERS_MAGIC) {
        if (vd_counters_bytes(there->capacity) == 0 || vd_counters_bytes(there->capacity) > bytes)
            return vd_error_set(error, VD_ERR_CORRUPT, "the directory of counters is damaged");
        *counters = there;
        return VD_OK;
    }
    while (there && capacity > 1 &&
           vd_counters_bytes(capacity) > bytes) /* killed while making it */
        capacity--;
    if (!there && vd_counters_bytes(capacity)) {
        bytes = vd_counters_bytes(capacity);
        there = vd_arena_allocate(arena, COUNTERS_REGION, bytes, alignof(struct vd_counters), &why);
        if (!there) {
            return vd_error_set(error, why.code, "%zu counters take %zu bytes: %s", capacity, bytes,
                                why.text);
        }
    }
    return vd_counters_init(there, capacity, counters, error);
}

/* ---- names -------------------------------------------------------------------------------------
 */

static uint64_t hash_of(const char *name, size_t length)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)name[i]) * 0x100000001b3u;
    return hash ^ (hash >> 32);
}

static bool has_name(const struct named_counter *named, const char *name, size_t length)
{
    return named->length == length && memcmp(named->name, name, length) == 0;
}

/* The slot that has the name, or the free one where it belongs: half of them are free. */
static _Atomic uint32_t *slot_of(struct vd_counters *counters, const char *name, size_t length)
{
    uint64_t mask = slots_of(counters->capacity) - 1;
    _Atomic uint32_t *slots = slots_in(counters);

    for (uint64_t at = hash_of(name, length);; at++) {
        _Atomic uint32_t *slot = &slots[at & mask];
        uint32_t number = atomic_load_explicit(slot, memory_order_acquire);

        if (number == 0 || has_name(&counters->counters[number - 1], name, length))
            return slot;
    }
}

/* Its number from 1 on; 0: no such counter. */
static uint32_t find(struct vd_counters *counters, const char *name, size_t length)
{
    return atomic_load_explicit(slot_of(counters, name, length), memory_order_acquire);
}

static void give_slot_locked(struct vd_counters *counters, uint64_t index)
{
    const struct named_counter *named = &counters->counters[index];

    atomic_store_explicit(slot_of(counters, named->name, named->length), (uint32_t)index + 1,
                          memory_order_release);
}

static void repair_locked(struct vd_counters *counters)
{
    uint64_t count = atomic_load_explicit(&counters->count, memory_order_relaxed);

    if (count)
        give_slot_locked(counters, count - 1);
}

void vd_counters_recover(struct vd_counters *counters)
{
    if (owner_lock_from_dead(&counters->lock, vd_process_identity())) {
        repair_locked(counters);
        owner_unlock(&counters->lock);
    }
}

/* Its number; 0: full. */
static uint32_t append_locked(struct vd_counters *counters, const char *name, size_t length,
                              int64_t initial)
{
    uint64_t count = atomic_load_explicit(&counters->count, memory_order_relaxed);
    struct named_counter *named = &counters->counters[count];

    if (count >= counters->capacity)
        return 0;
    memset(named, 0, sizeof(*named));
    memcpy(named->name, name, length);
    named->length = length;
    atomic_store_explicit(&named->counter.value, initial, memory_order_relaxed);
    atomic_store_explicit(&counters->count, count + 1, memory_order_release);
    give_slot_locked(counters, count);
    return (uint32_t)count + 1;
}

static uint32_t find_or_append(struct vd_counters *counters, const char *name, size_t length,
                               int64_t initial)
{
    uint32_t number;

    if (owner_lock(&counters->lock, vd_process_identity()))
        repair_locked(counters);
    number = find(counters, name, length);
    if (number == 0)
        number = append_locked(counters, name, length, initial);
    owner_unlock(&counters->lock);
    return number;
}

enum vd_err vd_counters_get(struct vd_counters *counters, const char *name, size_t length,
                            int64_t initial, struct vd_counter **counter, struct vd_error *error)
{
    uint32_t number;

    *counter = NULL;
    if (length == 0 || length > VD_COUNTER_NAME_MAX) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "the name of a counter must have 1 to %d bytes, this one has %zu",
                            VD_COUNTER_NAME_MAX, length);
    }
    number = find(counters, name, length);
    if (number == 0)
        number = find_or_append(counters, name, length, initial);
    if (number == 0) {
        return vd_error_set(error, VD_ERR_FULL,
                            "all of the %llu named counters are in use; make room for more",
                            (unsigned long long)counters->capacity);
    }
    *counter = &counters->counters[number - 1].counter;
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
