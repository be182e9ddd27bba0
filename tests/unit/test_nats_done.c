/* SPDX-License-Identifier: Apache-2.0 */
/* Received messages that are destroyed together, also by a child that a callback has forked while
 * the library's threads were at work: theirs are the locks that nobody in the child gives back. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <nats/nats.h>

#include "nats_session_state.h"

#define FORKS         200
#define CHILD_LIMIT_S 60

static natsMsg *make(void)
{
    natsMsg *message = NULL;

    if (natsMsg_Create(&message, "subject", NULL, "data", 4) != NATS_OK)
        abort();
    return message;
}

static void *destroy_for_ever(void *context)
{
    _Atomic bool *over = context;

    while (!atomic_load(over))
        natsMsg_Destroy(make());
    return NULL;
}

static void add_some(struct vd_nats_done *done)
{
    for (unsigned i = 0; i < VD_NATS_DONE_MAX - 1; i++)
        vd_nats_done_add(done, make());
}

static void test_a_forked_child_waits_for_no_thread(void **state)
{
    struct vd_nats_done done = {.count = 0};
    _Atomic bool over = false;
    pthread_t thread;
    int status;

    (void)state;
    assert_int_equal(nats_Open(-1), NATS_OK);
    vd_nats_shared_enter();
    assert_int_equal(pthread_create(&thread, NULL, destroy_for_ever, (void *)&over), 0);
    for (unsigned i = 0; i < FORKS; i++) {
        add_some(&done);
        pid_t child = fork();
        if (child == 0) {
            alarm(CHILD_LIMIT_S);
            vd_nats_done_destroy(&done);
            _exit(0);
        }
        assert_true(child > 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        vd_nats_done_destroy(&done);
        assert_int_equal(done.count, 0);
    }
    atomic_store(&over, true);
    pthread_join(thread, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_forked_child_waits_for_no_thread)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
