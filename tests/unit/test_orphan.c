/* SPDX-License-Identifier: Apache-2.0 */
/* When the supervisor is killed, its children are gone in time: those that hang in a system call,
 * those that hang in a loop, and those that were forked while it was dying. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <viaduct/clock.h>

#include "../support/tries.h"
#include "common_node.h"

#define GRACE_MS 300

/* What the orphan does; it says 'r' when its guard stands, and holds @out open while it lives. */
typedef void (*life)(int out);

static void sleep_without_looking(int out)
{
    (void)out;
    for (;;)
        usleep(10000000); /* interrupted, sleeps on: a handler that restarts its system call */
}

static void spin(int out)
{
    (void)out;
    for (volatile unsigned n = 0;; n++) {
#ifdef __SANITIZE_THREAD__
        usleep(0); /* TSan holds signals back until the next call that it intercepts */
#endif
    }
}

static void end_in_good_order(int out)
{
    while (!vd_orphaned())
        poll(NULL, 0, 10000);
    if (write(out, "e", 1) != 1)
        _exit(1);
    _exit(0);
}

/* A "supervisor" with one guarded child. Returns its pid; the pipe's end reads 'r'. */
static pid_t family(life live, int pipes[2])
{
    pid_t supervisor;

    assert_int_equal(pipe(pipes), 0);
    supervisor = fork();
    if (supervisor == 0) {
        pid_t self = getpid();

        if (fork() == 0) {
            if (vd_orphan_guard(self, GRACE_MS, NULL) != VD_OK || write(pipes[1], "r", 1) != 1)
                _exit(1);
            live(pipes[1]);
        }
        for (;;)
            pause();
    }
    close(pipes[1]);
    return supervisor;
}

static char read_byte(int fd)
{
    char byte = 0;

    if (read(fd, &byte, 1) != 1)
        byte = 0;
    return byte;
}

/* Milliseconds from the kill to the end of the last process that held the pipe. */
static uint64_t orphan_lives_ms(life live, char *last)
{
    int pipes[2];
    pid_t supervisor = family(live, pipes);
    uint64_t start;
    char byte;

    assert_int_equal(read_byte(pipes[0]), 'r');
    start = vd_monotonic_ms();
    kill(supervisor, SIGKILL);
    *last = 0;
    while ((byte = read_byte(pipes[0])))
        *last = byte;
    close(pipes[0]);
    waitpid(supervisor, NULL, 0);
    return vd_monotonic_ms() - start;
}

static bool a_blocked_child_dies_after_the_grace_in_time(void)
{
    char last;
    uint64_t lived = orphan_lives_ms(sleep_without_looking, &last);

    assert_true(lived >= GRACE_MS - 20);
    return lived <= GRACE_MS + 1500;
}

static void a_blocked_child_dies_after_the_grace(void **state)
{
    (void)state;
    in_few_tries(a_blocked_child_dies_after_the_grace_in_time);
}

static bool a_spinning_child_dies_after_the_grace_in_time(void)
{
    char last;
    uint64_t lived = orphan_lives_ms(spin, &last);

    assert_true(lived >= GRACE_MS - 20);
    return lived <= GRACE_MS + 1500;
}

static void a_spinning_child_dies_after_the_grace(void **state)
{
    (void)state;
    in_few_tries(a_spinning_child_dies_after_the_grace_in_time);
}

static bool a_polling_child_is_told_at_once_in_time(void)
{
    char last;
    uint64_t lived = orphan_lives_ms(end_in_good_order, &last);

    return last == 'e' && lived < GRACE_MS;
}

static void a_polling_child_is_told_at_once(void **state)
{
    (void)state;
    in_few_tries(a_polling_child_is_told_at_once_in_time);
}

/* The parent is gone before the guard is set: nobody will send a signal any more. */
static bool a_child_forked_too_late_dies_as_well_in_time(void)
{
    int pipes[2];
    pid_t supervisor;
    uint64_t start = vd_monotonic_ms(), lived;

    assert_int_equal(pipe(pipes), 0);
    supervisor = fork();
    if (supervisor == 0) {
        pid_t self = getpid();

        if (fork() == 0) {
            while (getppid() == self)
                usleep(1000);
            if (vd_orphan_guard(self, GRACE_MS, NULL) != VD_OK)
                _exit(1);
            spin(0);
        }
        _exit(0);
    }
    waitpid(supervisor, NULL, 0);
    close(pipes[1]);
    assert_int_equal(read_byte(pipes[0]), 0);
    close(pipes[0]);
    lived = vd_monotonic_ms() - start;
    assert_true(lived >= GRACE_MS - 20);
    return lived <= GRACE_MS + 1500;
}

static void a_child_forked_too_late_dies_as_well(void **state)
{
    (void)state;
    in_few_tries(a_child_forked_too_late_dies_as_well_in_time);
}

static void a_living_supervisor_changes_nothing(void **state)
{
    pid_t self = getpid(), child = fork();
    int status;

    (void)state;
    if (child == 0) {
        if (vd_orphan_guard(self, 10, NULL) != VD_OK)
            _exit(1);
        poll(NULL, 0, 100);
        _exit(vd_orphaned() ? 2 : 0);
    }
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_blocked_child_dies_after_the_grace),
        cmocka_unit_test(a_spinning_child_dies_after_the_grace),
        cmocka_unit_test(a_polling_child_is_told_at_once),
        cmocka_unit_test(a_child_forked_too_late_dies_as_well),
        cmocka_unit_test(a_living_supervisor_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
