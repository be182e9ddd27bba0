/* SPDX-License-Identifier: Apache-2.0 */
/* Threads for what may hang in somebody else's code (a name look-up, a client library): they are
 * never joined, and whoever started one shares what it works on by a count of owners. */
#ifndef VIADUCT_BROKERS_DETACHED_H
#define VIADUCT_BROKERS_DETACHED_H

#include <stdbool.h>

/* Signals are for the program's own threads: this one, and those it starts, block all of them.
 * false: there is none. */
bool vd_detached_start(void *(*run)(void *context), void *context);

#endif
