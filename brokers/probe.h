/* SPDX-License-Identifier: Apache-2.0 */
/* What a link publishes to itself, to see that what is published here comes back to here:
 *
 *     {"probe":"0f3a5c7e9b1d2f40-17"}       who (drawn for each handle), and the probe's number
 *
 * It has no scope, so that it is no message: no scope can collide with it, and other readers of the
 * channel (php-via 0.12 among them) ignore it after one look. Pure. */
#ifndef VIADUCT_BROKERS_PROBE_H
#define VIADUCT_BROKERS_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VD_PROBE_BYTES 64 /* room for one, with a NUL */

/* @token: 16 hex digits. Returns the length. */
size_t vd_probe_write(char text[VD_PROBE_BYTES], const char *token, uint64_t number);

/* Is it a probe at all? *@number: its number when it is that of @token, else 0. */
bool vd_probe_read(const char *text, size_t length, const char *token, uint64_t *number);

#endif
