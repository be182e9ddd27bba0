/* SPDX-License-Identifier: Apache-2.0 */
/* What every broker driver must do: one suite, instantiated once a driver.
 *
 * A driver's test program describes the world its nodes live in (a hub, a forked process, a real
 * server) and calls suite_run. Each test begins with a fresh world and opens its nodes with
 * suite_open; nodes act on one thread, by turns, as a foreign event loop would drive them. */
#ifndef VIADUCT_TESTS_CONFORMANCE_SUITE_H
#define VIADUCT_TESTS_CONFORMANCE_SUITE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <viaduct/broker.h>

#define SUITE_NODES 4

struct suite_world {
    const char *driver; /* the name that status must tell */
    const char *display;
    /* Make what the nodes share. @small: what waits for a slow node is bounded to about 64 KiB. */
    void *(*begin)(bool small);
    void (*end)(void *world);
    /* Set in @options what node @number (below SUITE_NODES) needs; the rest is the test's. */
    void (*fill_in)(void *world, unsigned number, bool small, struct vd_broker_options *options);
    /* The far side ends the link of a slow reader instead of dropping messages for it; with @small
     * from about 1 MiB beyond what the kernel's buffers take. */
    bool slow_readers_are_cut;
};

/* All tests; returns main's exit code. */
int suite_run(const struct suite_world *world);

#endif
