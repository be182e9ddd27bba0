/* SPDX-License-Identifier: Apache-2.0 */
/* Notices of a NATS session's threads to the handle's: however they fall together with its
 * swallowing them, none that comes after its look is lost. */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <viaduct/clock.h>

#include "nats_session_state.h"

#define ROUNDS      20000 /* or as many as there is time for */
#define TIME_MS     3000
#define DEADLINE_MS 10000 /* of one notice */

static struct {
    struct vd_nats_session session; /* no more of it than notices need */
    _Atomic unsigned told, seen;
    _Atomic bool over;
} world;

static void *look(void *unused)
{
    struct pollfd ready = {.fd = vd_nats_shared_fd(world.session.shared), .events = POLLIN};

    while (!atomic_load(&world.over)) {
        if (poll(&ready, 1, 50) != 1)
            continue;
        vd_nats_shared_swallow(world.session.shared);
        atomic_store(&world.seen, atomic_load(&world.told));
    }
    return unused;
}

static bool is_seen(unsigned told)
{
    uint64_t deadline_ms = vd_monotonic_ms() + DEADLINE_MS;

    while (atomic_load(&world.seen) != told) {
        if (vd_monotonic_ms() > deadline_ms)
            return false;
        sched_yield();
    }
    return true;
}

static void test_no_notice_is_lost(void **state)
{
    uint64_t end_ms = vd_monotonic_ms() + TIME_MS;
    struct vd_error error;
    pthread_t looker;
    bool all = true;

    (void)state;
    assert_int_equal(vd_nats_shared_create(&world.session.shared, &error), VD_OK);
    assert_int_equal(pthread_create(&looker, NULL, look, NULL), 0);
    for (unsigned round = 0; round < ROUNDS && all && vd_monotonic_ms() < end_ms; round++) {
        for (unsigned i = 0; i <= round % 40; i++) {
            atomic_fetch_add(&world.told, 1);
            vd_nats_session_notice(&world.session);
        }
        all = is_seen(atomic_load(&world.told));
    }
    atomic_store(&world.over, true);
    pthread_join(looker, NULL);
    vd_nats_shared_release(world.session.shared);
    assert_true(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_notice_is_lost)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
