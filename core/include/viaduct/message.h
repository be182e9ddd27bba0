/* SPDX-License-Identifier: Apache-2.0 */
/* The message: what travels between tabs, workers and nodes.
 *
 * Plain borrowed memory: whoever fills in the pointers keeps them alive for the call. A message
 * without data (has_data false) is an invalidation: whoever shows its scope renders again. */
#ifndef VIADUCT_MESSAGE_H
#define VIADUCT_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <viaduct/error.h>

#define VD_EVENT_MAX_BYTES  128 /* event name */
#define VD_ORIGIN_MAX_BYTES 64  /* node id on the wire; ours has 16 hex digits */
#define VD_MESSAGE_MAX_BYTES                                                                       \
    ((size_t)1024 * 1024) /* default limit of the data, publish and receipt */

struct vd_message {
    const char *scope;
    size_t scope_length;
    const char *event; /* NULL: none */
    size_t event_length;
    const void *data; /* any bytes; may be NULL when data_length is 0 */
    size_t data_length;
    bool has_data;      /* false: an invalidation. true with length 0: empty data */
    const char *origin; /* node id of the publisher; NULL: not known */
    size_t origin_length;
    uint64_t sequence; /* per origin, from 1; 0: the origin sends none */
};

/* The node id: drawn in the gateway after the fork (getrandom), kept in the arena. */
#define VD_NODE_ID_CHARS 16
struct vd_node_id {
    char text[VD_NODE_ID_CHARS + 1]; /* lower-case hex, NUL at the end */
};
enum vd_err vd_node_id_draw(struct vd_node_id *id, struct vd_error *error);

/* Check scope, event name and origin (UTF-8, no control characters, at most VD_EVENT_MAX_BYTES and
 * VD_ORIGIN_MAX_BYTES; an empty event name is none) and size.
 * @max_data_bytes 0 means VD_MESSAGE_MAX_BYTES.
 * Returns: VD_OK, VD_ERR_INVALID, VD_ERR_TOO_LARGE; @error names the part and the limit. */
enum vd_err vd_message_check(const struct vd_message *message, size_t max_data_bytes,
                             struct vd_error *error);

#endif
