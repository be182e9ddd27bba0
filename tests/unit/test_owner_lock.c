/* SPDX-License-Identifier: Apache-2.0 */
/* Locks whose owners die: taken over from whom, and from whom not, with /proc and without it. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <viaduct/process.h>

#include "owner_lock.h"

#define PID_BITS 22

static bool proc_is_hidden;

/* The names are the linker's. NOLINTBEGIN(bugprone-reserved-identifier) */
int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);

int __wrap_open64(const char *path, int flags, ...)
{
    return proc_is_hidden && strncmp(path, "/proc/", 6) == 0 ? -1 : __real_open64(path, flags);
}

int __wrap_open(const char *path, int flags, ...)
{
    return proc_is_hidden && strncmp(path, "/proc/", 6) == 0 ? -1 : __real_open(path, flags);
}

/* NOLINTEND(bugprone-reserved-identifier) */

/* Shared with the children. */
struct shared {
    _Atomic uint64_t lock;
    _Atomic bool first_thread_ends;
};

static struct shared *shared;

static int setup(void **state)
{
    (void)state;
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    proc_is_hidden = false;
    return shared == MAP_FAILED;
}

static int teardown(void **state)
{
    (void)state;
    return munmap(shared, sizeof(*shared));
}

static pid_t fork_owner(void)
{
    pid_t parent = getpid();
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
            _exit(1);
        atomic_store(&shared->lock, vd_process_identity());
        for (;;)
            pause();
    }
    while (atomic_load(&shared->lock) == 0)
        usleep(100);
    return child;
}

static void bury(pid_t child)
{
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

/* Dead, and not reaped. */
static void make_zombie(pid_t child)
{
    siginfo_t info = {0};

    kill(child, SIGKILL);
    assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
}

static void expect_taken(void)
{
    uint64_t self = vd_process_identity();

    assert_true(owner_lock_from_dead(&shared->lock, self));
    assert_true(atomic_load(&shared->lock) == self);
    assert_false(owner_lock_from_dead(&shared->lock, self)); /* its own */
}

static void only_from_the_dead(bool hidden)
{
    siginfo_t info = {0};
    uint64_t owner;
    pid_t child;

    proc_is_hidden = hidden;
    assert_true(vd_process_has_ended(0));
    assert_false(vd_process_has_ended(vd_process_identity()));
    assert_false(owner_lock_from_dead(&shared->lock, vd_process_identity())); /* free */
    child = fork_owner();
    owner = atomic_load(&shared->lock);
    assert_int_equal(owner & (((uint64_t)1 << PID_BITS) - 1), child);
    assert_int_equal(owner >> PID_BITS == 0, hidden);
    assert_false(owner_lock_from_dead(&shared->lock, vd_process_identity())); /* lives */
    kill(child, SIGSTOP);
    assert_int_equal(waitid(P_PID, (id_t)child, &info, WSTOPPED), 0);
    assert_false(owner_lock_from_dead(&shared->lock, vd_process_identity())); /* stands still */
    make_zombie(child);
    expect_taken();
    assert_int_equal(waitpid(child, NULL, 0), child);
    atomic_store(&shared->lock, owner);
    expect_taken();
}

static void test_only_from_the_dead(void **state)
{
    (void)state;
    only_from_the_dead(false);
}

/* A chroot without /proc, or a /proc that hides the processes of others. */
static void test_without_proc(void **state)
{
    (void)state;
    only_from_the_dead(true);
}

/* The id is in use again, by a process that was started at another time. */
static void test_an_id_that_was_given_again(void **state)
{
    pid_t child = fork_owner();
    (void)state;

    atomic_fetch_add(&shared->lock, (uint64_t)1 << PID_BITS);
    expect_taken();
    bury(child);
}

static void *stay(void *argument)
{
    (void)argument;
    for (;;)
        pause();
    return NULL;
}

/* Its first thread is a zombie, and another one may be inside the lock. */
static void test_a_process_whose_first_thread_has_ended(void **state)
{
    pid_t child;
    (void)state;

    for (int hidden = 0; hidden < 2; hidden++) {
        siginfo_t info = {0};

        proc_is_hidden = hidden;
        atomic_store(&shared->first_thread_ends, false);
        child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            pthread_t thread;

            prctl(PR_SET_PDEATHSIG, SIGKILL);
            atomic_store(&shared->lock, vd_process_identity());
            if (pthread_create(&thread, NULL, stay, NULL) != 0)
                _exit(1);
            atomic_store(&shared->first_thread_ends, true);
            pthread_exit(NULL);
        }
        while (!atomic_load(&shared->first_thread_ends))
            usleep(100);
        for (int i = 0; i < 50; i++) { /* before it ends, and after */
            assert_false(owner_lock_from_dead(&shared->lock, vd_process_identity()));
            usleep(1000);
        }
        kill(child, SIGKILL);
        assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
        expect_taken();
        assert_int_equal(waitpid(child, NULL, 0), child);
        atomic_store(&shared->lock, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_only_from_the_dead, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_proc, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_id_that_was_given_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_process_whose_first_thread_has_ended, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
