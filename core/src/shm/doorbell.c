/* SPDX-License-Identifier: Apache-2.0 */
/* The doorbell: wakes one sleeping reader of any number of rings.
 *
 * Happy path: a writer publishes, then looks at `sleeping`; while the reader is awake that is all.
 * A reader that finds nothing arms, looks once more, and only then sleeps in poll(2).
 *
 * No wake-up is lost: the writer stores (a ring's head), fences, loads `sleeping`; the reader
 * stores `sleeping`, fences, loads the heads. With both fences sequentially consistent at least one
 * of the two sees the other's store (Dekker's pattern): the writer rings, or the reader finds the
 * frame in its last look.
 *
 * Every writer that sees a sleeper rings; nobody claims the ringing for others, because a claimer
 * that is stopped (SIGSTOP, a debugger) before its write would silence all of them. The price is a
 * few extra eventfd writes and a spurious wake-up now and then.
 *
 * Failure modes: a writer killed between publishing and ringing is made good by whoever reaps it
 * (vd_doorbell_force). The eventfd's counter cannot overflow into blocking: a full counter is
 * readable already. */
#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <viaduct/ring.h>

#include "fence.h"

enum vd_err vd_doorbell_init(struct vd_doorbell *bell, struct vd_error *error)
{
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

    if (fd < 0)
        return vd_error_set_errno(error, "eventfd of a doorbell");
    if (fd <= STDERR_FILENO) { /* a closed standard stream: later output must not ring the bell */
        int moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        int saved = errno;

        close(fd);
        errno = saved;
        if (moved < 0)
            return vd_error_set_errno(error, "moving the eventfd of a doorbell");
        fd = moved;
    }
    bell->fd = fd;
    atomic_store_explicit(&bell->sleeping, 0, memory_order_release);
    return VD_OK;
}

void vd_doorbell_finish(struct vd_doorbell *bell)
{
    if (!bell || bell->fd <= STDERR_FILENO) /* zeroed: never initialised */
        return;
    close(bell->fd);
    bell->fd = -1;
}

void vd_doorbell_arm(struct vd_doorbell *bell)
{
    atomic_store_explicit(&bell->sleeping, 1, memory_order_relaxed);
    full_fence();
}

void vd_doorbell_disarm(struct vd_doorbell *bell)
{
    uint64_t rings;

    atomic_store_explicit(&bell->sleeping, 0, memory_order_relaxed);
    /* A writer that saw us asleep may ring after this read: one spurious wake-up, never a lost one.
     */
    while (read(bell->fd, &rings, sizeof(rings)) < 0 && errno == EINTR)
        ;
}

void vd_doorbell_force(struct vd_doorbell *bell)
{
    const uint64_t one = 1;

    while (write(bell->fd, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
}

void vd_doorbell_ring(struct vd_doorbell *bell)
{
    full_fence();
    if (__builtin_expect(atomic_load_explicit(&bell->sleeping, memory_order_relaxed) != 0, 0))
        vd_doorbell_force(bell);
}
