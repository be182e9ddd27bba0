/* SPDX-License-Identifier: Apache-2.0 */
/* A lock in shared memory whose owner may be killed.
 *
 * The word is 0, or the identity of the process inside: its id and the time it was started at,
 * which together are never given twice. Locking is one compare-and-swap, unlocking one store.
 *
 * Recovery rules:
 * - A lock is taken over only from an owner that is provably dead: its id is unknown to the kernel,
 *   belongs to a process with another start time, or to one all of whose threads have ended. Never
 * by timeout: an owner that is stopped or slow still owns it, and finds all as it left it.
 * - Taking over is a compare-and-swap from the dead identity, so that one of all waiters gets it.
 *   It is told so, and repairs what the lock protects before anything else. Killed in there, its
 *   own identity is in the word, and the next one repairs: repairs are idempotent.
 * - Whatever is protected is written in an order in which each prefix can be repaired.
 *
 * Waiters spin, then sleep in growing steps up to a millisecond and look at the owner: death costs
 * them no more than a process that is preempted inside. No kernel list, no futex: a robust mutex
 * costs four times as much when nobody waits, which is nearly always.
 *
 * A process forked inside another thread's operation is not the owner: the lock stays the parent's.
 * Threads of one process share the identity; the swap from 0 keeps them apart. */
#ifndef VIADUCT_SHM_OWNER_LOCK_H
#define VIADUCT_SHM_OWNER_LOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <viaduct/error.h>

/* Who this process is, on a page that the kernel wipes in a fork: a child looks anew. */
struct owner {
    _Atomic uint64_t *identity;
};

enum vd_err owner_init(struct owner *owner, struct vd_error *error);
void owner_finish(struct owner *owner);
uint64_t owner_look_up(const struct owner *owner);

static inline uint64_t owner_self(const struct owner *owner)
{
    uint64_t identity = atomic_load_explicit(owner->identity, memory_order_relaxed);

    return __builtin_expect(identity != 0, 1) ? identity : owner_look_up(owner);
}

bool owner_lock_wait(_Atomic uint64_t *lock, uint64_t self);

/* Returns true when it was taken over from a dead owner: repair first. */
static inline bool owner_lock(_Atomic uint64_t *lock, uint64_t self)
{
    uint64_t nobody = 0;

    if (__builtin_expect(atomic_compare_exchange_strong_explicit(
                             lock, &nobody, self, memory_order_acquire, memory_order_relaxed),
                         1))
        return false;
    return owner_lock_wait(lock, self);
}

static inline void owner_unlock(_Atomic uint64_t *lock)
{
    atomic_store_explicit(lock, 0, memory_order_release);
}

/* Lock it if its owner is dead; never waits. */
bool owner_lock_from_dead(_Atomic uint64_t *lock, uint64_t self);

/* Lock it if nobody is inside who lives; never waits. For what needs no repair: whether it was
 * taken over is not told. */
static inline bool owner_try_lock(_Atomic uint64_t *lock, uint64_t self)
{
    uint64_t nobody = 0;

    return atomic_compare_exchange_strong_explicit(lock, &nobody, self, memory_order_acquire,
                                                   memory_order_relaxed) ||
           owner_lock_from_dead(lock, self);
}

#endif
