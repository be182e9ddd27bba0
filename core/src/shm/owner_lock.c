/* SPDX-License-Identifier: Apache-2.0 */
/* Who owns a lock, and how to wait for it; the rules: owner_lock.h. Whether a process is dead says
 * viaduct/process.h. */
#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <viaduct/process.h>

#include "owner_lock.h"

#define SPINS       200
#define LONGEST_NS  1000000
#define SHORTEST_NS 20000

enum vd_err owner_init(struct owner *owner, struct vd_error *error)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *memory = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    owner->identity = NULL;
    if (memory == MAP_FAILED)
        return vd_error_set_errno(error, "a page for the owner of locks");
    if (madvise(memory, page, MADV_WIPEONFORK) != 0) {
        vd_error_set_errno(error, "MADV_WIPEONFORK (Linux 4.14) for the owner of locks");
        munmap(memory, page);
        return VD_ERR_SYSTEM;
    }
    owner->identity = memory;
    return VD_OK;
}

void owner_finish(struct owner *owner)
{
    if (owner->identity)
        munmap(owner->identity, (size_t)sysconf(_SC_PAGESIZE));
    owner->identity = NULL;
}

uint64_t owner_look_up(const struct owner *owner)
{
    uint64_t identity = vd_process_identity();

    atomic_store_explicit(owner->identity, identity, memory_order_relaxed);
    return identity;
}

static bool swap(_Atomic uint64_t *lock, uint64_t from, uint64_t to)
{
    return atomic_compare_exchange_strong_explicit(lock, &from, to, memory_order_acquire,
                                                   memory_order_relaxed);
}

bool owner_lock_from_dead(_Atomic uint64_t *lock, uint64_t self)
{
    uint64_t owner = atomic_load_explicit(lock, memory_order_relaxed);

    return owner != 0 && owner != self && vd_process_has_ended(owner) && swap(lock, owner, self);
}

static bool spin(_Atomic uint64_t *lock, uint64_t self)
{
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(lock, memory_order_relaxed) == 0 && swap(lock, 0, self))
            return true;
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#endif
    }
    return false;
}

/* Sleeping is no cancellation point here: the caller may hold another lock. */
bool owner_lock_wait(_Atomic uint64_t *lock, uint64_t self)
{
    struct timespec pause = {.tv_nsec = SHORTEST_NS};
    int saved = errno;
    bool taken_over = false;
    int cancel;

    if (spin(lock, self))
        return false;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    while (!spin(lock, self)) {
        taken_over = owner_lock_from_dead(lock, self);
        if (taken_over)
            break;
        nanosleep(&pause, NULL);
        if (pause.tv_nsec < LONGEST_NS)
            pause.tv_nsec *= 2;
    }
    pthread_setcancelstate(cancel, NULL);
    errno = saved;
    return taken_over;
}
