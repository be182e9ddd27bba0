/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor's signals: blocked, and taken one by one by sigtimedwait(2).
 *
 * Whatever the caller had installed (PHP catches most of them) is put aside and restored at the
 * end; children get the mask as it was and default dispositions. A signal that comes in the very
 * last moment is swallowed: it has been obeyed already. */
#include <errno.h>
#include <time.h>

#include "supervisor_state.h"

static const int handled[] = {SIGTERM, SIGINT, SIGUSR1, SIGHUP, SIGCHLD};

#define HANDLED_COUNT (sizeof(handled) / sizeof(*handled))

_Static_assert(HANDLED_COUNT <= sizeof(((struct vd_supervisor *)0)->before) /
                                    sizeof(((struct vd_supervisor *)0)->before[0]),
               "room for every disposition");

void vd_supervisor_signals_take(struct vd_supervisor *supervisor)
{
    struct sigaction by_default = {.sa_handler = SIG_DFL};

    sigemptyset(&by_default.sa_mask);
    sigemptyset(&supervisor->handled);
    for (size_t i = 0; i < HANDLED_COUNT; i++)
        sigaddset(&supervisor->handled, handled[i]);
    sigprocmask(SIG_BLOCK, &supervisor->handled, &supervisor->mask_before);
    /* also SIGCHLD: were it ignored, the kernel would reap and we would never know */
    for (size_t i = 0; i < HANDLED_COUNT; i++)
        sigaction(handled[i], &by_default, &supervisor->before[i]);
}

int vd_supervisor_signals_wait(const struct vd_supervisor *supervisor, uint64_t timeout_ms)
{
    struct timespec timeout = {.tv_sec = (time_t)(timeout_ms / 1000),
                               .tv_nsec = (long)(timeout_ms % 1000) * 1000000};
    int signal = sigtimedwait(&supervisor->handled, NULL, &timeout);

    return signal > 0 ? signal : 0;
}

void vd_supervisor_signals_restore(struct vd_supervisor *supervisor)
{
    while (vd_supervisor_signals_wait(supervisor, 0) > 0)
        continue;
    for (size_t i = 0; i < HANDLED_COUNT; i++)
        sigaction(handled[i], &supervisor->before[i], NULL);
    sigprocmask(SIG_SETMASK, &supervisor->mask_before, NULL);
}

void vd_supervisor_signals_child(const struct vd_supervisor *supervisor)
{
    sigset_t mask = supervisor->mask_before;

    for (size_t i = 0; i < HANDLED_COUNT; i++)
        sigdelset(&mask, handled[i]);
    sigprocmask(SIG_SETMASK, &mask, NULL);
}
