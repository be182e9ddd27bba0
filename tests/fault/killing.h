/* SPDX-License-Identifier: Apache-2.0 */
/* What the kill -9 tests share: memory that outlives a child, a child that dies with its parent, a
 * random source, and two ways to kill: by the parent at a point that it has seen, or by a timer of
 * the kernel that hits the child wherever it is, also when both share a processor. */
#ifndef VIADUCT_TESTS_FAULT_KILLING_H
#define VIADUCT_TESTS_FAULT_KILLING_H

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <viaduct/clock.h>

#include "../support/tries.h"

#define DEADLINE_MS 60000u

/* xorshift64, Marsaglia 2003; *@state is not 0. */
static inline uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static inline void *share(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_ptr_not_equal(memory, MAP_FAILED);
    return memory;
}

static inline void spin_us(uint64_t microseconds)
{
    uint64_t end = vd_monotonic_us() + microseconds;

    while (vd_monotonic_us() < end)
        ;
}

/* Run @body in a child that is killed when the test itself ends early. */
static inline pid_t start(void (*body)(void *), void *argument)
{
    pid_t parent = getpid();
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
            _exit(1);
        body(argument);
        _exit(0);
    }
    return child;
}

/* In the child: be killed after @microseconds of work. */
static inline void die_in(uint64_t microseconds)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
    struct itimerspec when = {0};
    timer_t timer;

    when.it_value.tv_sec = (time_t)(microseconds / 1000000);
    when.it_value.tv_nsec = (long)(microseconds % 1000000 * 1000) + 1;
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0 ||
        timer_settime(timer, 0, &when, NULL) != 0)
        _exit(1);
}

/* Has the child been killed by its timer? It may not end in any other way. */
static inline bool is_dead(pid_t child)
{
    int status = 0;
    pid_t reaped = waitpid(child, &status, WNOHANG);

    if (reaped == 0)
        return false;
    assert_int_equal(reaped, child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return true;
}

/* The child must still be there to be killed: one that ended by itself has failed. */
static inline void kill_and_reap(pid_t child)
{
    int status = 0;

    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

#endif
