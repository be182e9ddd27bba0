/* SPDX-License-Identifier: Apache-2.0 */
/* Who owns a lock, whether that process is dead, and how to wait for it; the rules: owner_lock.h.
 *
 * Failure modes: /proc is not there, or hides processes of other users: a pidfd (Linux 5.3) tells
 * as well that a process has ended, but not that its id was given to another one meanwhile; before
 * that only a process that is gone (reaped) is provably dead, and waiters wait that long. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "owner_lock.h"

#define PID_BITS    22 /* the kernel's PID_MAX_LIMIT */
#define SPINS       200
#define LONGEST_NS  1000000
#define SHORTEST_NS 20000

struct life {
    uint64_t started; /* clock ticks after boot */
    long threads;
    char state;
};

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

/* /proc/PID/stat; the name in parentheses may hold anything, so it is read from the last one. */
static bool read_life(pid_t pid, struct life *life)
{
    char path[32];
    char text[1024];
    unsigned long long started = 0;
    const char *end;
    ssize_t length;
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    length = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (length <= 0)
        return false;
    text[length] = '\0';
    end = strrchr(text, ')');
    if (!end || sscanf(end + 1,
                       " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %ld"
                       " %*d %llu",
                       &life->state, &life->threads, &started) != 3)
        return false;
    life->started = started;
    return true;
}

uint64_t owner_identify(void)
{
    struct life life = {0};
    pid_t pid = getpid();
    int saved = errno;
    int cancel;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    if (!read_life(pid, &life))
        life.started = 0; /* unknown */
    pthread_setcancelstate(cancel, NULL);
    errno = saved;
    return life.started << PID_BITS | (uint64_t)pid;
}

uint64_t owner_look_up(const struct owner *owner)
{
    uint64_t identity = owner_identify();

    atomic_store_explicit(owner->identity, identity, memory_order_relaxed);
    return identity;
}

/* All of its threads. */
static bool has_ended(pid_t pid)
{
    struct pollfd ended = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
    bool result;

    if (ended.fd < 0)
        return errno == ESRCH;
    result = poll(&ended, 1, 0) == 1 && (ended.revents & POLLIN);
    close(ended.fd);
    return result;
}

/* A zombie with more threads than itself is a process whose first thread has ended. */
static bool is_dead(uint64_t identity)
{
    pid_t pid = (pid_t)(identity & (((uint64_t)1 << PID_BITS) - 1));
    uint64_t started = identity >> PID_BITS;
    struct life life;

    if (kill(pid, 0) != 0 && errno == ESRCH)
        return true;
    if (!read_life(pid, &life))
        return has_ended(pid);
    if (started && life.started != started)
        return true;
    return (life.state == 'Z' || life.state == 'X') && life.threads <= 1;
}

static bool swap(_Atomic uint64_t *lock, uint64_t from, uint64_t to)
{
    return atomic_compare_exchange_strong_explicit(lock, &from, to, memory_order_acquire,
                                                   memory_order_relaxed);
}

bool owner_lock_from_dead(_Atomic uint64_t *lock, uint64_t self)
{
    uint64_t owner = atomic_load_explicit(lock, memory_order_relaxed);
    int saved = errno;
    int cancel;
    bool dead;

    if (owner == 0 || owner == self)
        return false;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    dead = is_dead(owner);
    pthread_setcancelstate(cancel, NULL);
    errno = saved;
    return dead && swap(lock, owner, self);
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
