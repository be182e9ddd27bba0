/* SPDX-License-Identifier: Apache-2.0 */
/* What a link publishes to itself, to see that what is published here comes back to here, and what
 * it says to the others by it:
 *
 *     {"probe":"0f3a5c7e9b1d2f40-17","node":"9b1d2f400f3a5c7e","last":41}
 *
 * probe: who (drawn for each handle), and the probe's number. node, last: of this node's own
 * messages none up to number 41 is still to come; so whoever knows a lower one has lost some, also
 * when nothing follows. These two may be missing
 * (older versions, `viaduct doctor`).
 *
 * It has no scope, so that it is no message: no scope can collide with it, and other readers of the
 * channel (php-via 0.12 among them) ignore it after one look. Pure. */
#ifndef VIADUCT_BROKERS_PROBE_H
#define VIADUCT_BROKERS_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <viaduct/message.h>

#define VD_PROBE_BYTES 256 /* room for one, with a NUL */

struct vd_probe {
    uint64_t number;                /* 0: another handle's */
    char node[VD_ORIGIN_MAX_BYTES]; /* not terminated */
    size_t node_length;             /* 0: it says nothing of its node */
    uint64_t last;
};

/* @token: 16 hex digits. @node: at most VD_ORIGIN_MAX_BYTES; NULL: neither node nor last. Returns
 * the length. */
size_t vd_probe_write(char text[VD_PROBE_BYTES], const char *token, uint64_t number,
                      const char *node, uint64_t last);

/* Is it a probe at all? Then *@probe is filled in; its number when it is that of @token, else 0. */
bool vd_probe_read(const char *text, size_t length, const char *token, struct vd_probe *probe);

#endif
