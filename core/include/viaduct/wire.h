/* SPDX-License-Identifier: Apache-2.0 */
/* The wire codec: one message as one flat JSON object, as it travels between nodes.
 *
 *     {"scope":"room:lobby","nodeId":"0f3a...","seq":7,"event":"say","data":"..."}
 *
 * A superset of what php-via 0.12 sends (scope and nodeId), so that mixed clusters work. Only scope
 * is required; a field that is absent or null is not there. Data that is no UTF-8, or that would
 * grow by more than a third when escaped, travels as "data64" (RFC 4648 base64, padded).
 *
 * Written is strict JSON (RFC 8259): control characters escaped, valid UTF-8 only. Understood is
 * any valid spelling of that object: any order and white space, \u escapes with surrogate pairs,
 * also in keys, a seq such as 1e3. Unknown fields are checked and skipped, nested at most
 * VD_WIRE_MAX_DEPTH levels, without recursion. Of equal keys the last one counts, as in PHP's
 * json_decode; data64 wins over data wherever it stands. Whatever else is VD_ERR_MALFORMED: bad
 * UTF-8, lone surrogates, a known field of another type, a seq that is no integer from 0 to
 * 2^64 - 1, anything before or after the object.
 *
 * No allocation: caller's buffers. Pure: any thread, any process. */
#ifndef VIADUCT_WIRE_H
#define VIADUCT_WIRE_H

#include <stddef.h>

#include <viaduct/error.h>
#include <viaduct/message.h>
#include <viaduct/scope.h>

#define VD_WIRE_MAX_DEPTH 32 /* of arrays and objects in an unknown field */

/* Room that vd_wire_encode wants for @message: never more than a third over what its data takes,
 * plus what its short fields may take. */
size_t vd_wire_bound(const struct vd_message *message);

/* The same for any message with at most @max_data_bytes (0: VD_MESSAGE_MAX_BYTES) of data: the size
 * for a sender's buffer, and what a receiver may refuse to read beyond. About 1.4 MiB by default:
 * more than the 1 MiB that a NATS server takes unless configured otherwise. */
size_t vd_wire_max_bytes(size_t max_data_bytes);

/* Write @message into @buffer; *@length gets the bytes written (no NUL at the end).
 * Expects:  a message that passed vd_message_check. Data is not checked against a limit here.
 * Returns:  VD_OK; VD_ERR_FULL (@capacity is less than vd_wire_bound says);
 *           VD_ERR_INVALID, VD_ERR_TOO_LARGE (a scope, event or origin that vd_message_check
 *           refuses for its UTF-8 or length: nothing broken gets out even so). */
enum vd_err vd_wire_encode(const struct vd_message *message, char *buffer, size_t capacity,
                           size_t *length);

/* Read one message from @text.
 * Ownership: the message points into @text where a field stands there as it is, else into @scratch:
 *            both must live as long as the message is used. They must not overlap.
 * Expects:   @scratch_bytes >= @length, which is always enough.
 * Units:     @max_data_bytes limits the decoded data; 0 means VD_MESSAGE_MAX_BYTES.
 * Returns:   VD_OK: the message has passed vd_message_check.
 *            VD_ERR_MALFORMED (no such object; @error says what is wrong at which byte, and quotes
 *            nothing), VD_ERR_INVALID, VD_ERR_TOO_LARGE (from vd_message_check),
 *            VD_ERR_FULL (@scratch too small). On failure the message is all zero. */
enum vd_err vd_wire_decode(const char *text, size_t length, size_t max_data_bytes, void *scratch,
                           size_t scratch_bytes, struct vd_message *message,
                           struct vd_error *error);

#endif
