/* SPDX-License-Identifier: Apache-2.0 */
/* No orphans: when the supervisor dies, however it dies, its children go too.
 *
 * Happy path: PR_SET_PDEATHSIG sends us a real-time signal at the instant of the supervisor's
 * death. The handler sets a flag (whoever sits in poll wakes by EINTR and can end in good order)
 * and arms a POSIX timer whose expiry the kernel turns into SIGKILL: it needs no code of ours to
 * run, so that a handler that hangs in a system call or in a loop dies in time as well.
 *
 * Failure modes: the supervisor died before prctl(2) - getppid() is compared right after it, and
 * the same handler runs. The kernel ties the death signal to the thread that forked: the supervisor
 * has one thread only, it checks. A user program that blocks every signal delays its own death
 * until it unblocks them. */
#include <errno.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "common_node.h"

/* A signal handler gets no context, hence file scope; written once a process, before any signal
 * can come. Both are reset in a forked child by its own call of vd_orphan_guard. */
static volatile sig_atomic_t orphaned;
static volatile sig_atomic_t wake_fd = -1;
static timer_t kill_timer;
static struct itimerspec kill_after;

static void wake(int fd)
{
    const uint64_t one = 1;

    if (fd >= 0 && write(fd, &one, sizeof(one)) < 0)
        return; /* full: it is readable already */
}

static void supervisor_died(int number)
{
    int saved = errno;

    (void)number;
    orphaned = 1;
    timer_settime(kill_timer, 0, &kill_after, NULL);
    wake(wake_fd);
    errno = saved;
}

enum vd_err vd_orphan_guard(pid_t supervisor, uint32_t grace_ms, struct vd_error *error)
{
    struct sigaction action = {.sa_handler = supervisor_died};
    struct sigevent kill_me = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
    sigset_t only;

    orphaned = 0;
    wake_fd = -1;
    kill_after = (struct itimerspec){
        .it_value = {.tv_sec = grace_ms / 1000, .tv_nsec = (long)(grace_ms % 1000) * 1000000 + 1}};
    if (timer_create(CLOCK_MONOTONIC, &kill_me, &kill_timer) != 0)
        return vd_error_set_errno(error, "timer_create");
    sigemptyset(&action.sa_mask);
    sigemptyset(&only);
    sigaddset(&only, VD_ORPHAN_SIGNAL);
    if (sigaction(VD_ORPHAN_SIGNAL, &action, NULL) != 0 ||
        sigprocmask(SIG_UNBLOCK, &only, NULL) != 0)
        return vd_error_set_errno(error, "sigaction");
    if (prctl(PR_SET_PDEATHSIG, VD_ORPHAN_SIGNAL) != 0)
        return vd_error_set_errno(error, "prctl(PR_SET_PDEATHSIG)");
    if (getppid() != supervisor)
        supervisor_died(0);
    return VD_OK;
}

void vd_orphan_wakes(int fd)
{
    wake_fd = fd;
    if (orphaned)
        wake(fd);
}

int vd_orphaned(void)
{
    return orphaned;
}
