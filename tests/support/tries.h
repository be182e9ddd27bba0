/* SPDX-License-Identifier: Apache-2.0 */
/* Claims about time. A machine that does other things is slow now and then, a program that is slow
 * is slow each time: so an attempt begins anew, a few times, until one keeps the claim. Whatever
 * else is wrong fails at once. */
#ifndef VIADUCT_TESTS_SUPPORT_TRIES_H
#define VIADUCT_TESTS_SUPPORT_TRIES_H

#include <stdbool.h>

#define TRIES 6

/* @attempt: a test; false: it took too long, and nothing else was wrong. */
static inline void in_few_tries(bool (*attempt)(void))
{
    for (unsigned tried = 1; !attempt(); tried++) {
        if (tried == TRIES)
            fail_msg("too slow in each of %d tries", TRIES);
        print_message("too slow in try %u\n", tried);
    }
}

#endif
