/* SPDX-License-Identifier: Apache-2.0 */
/* What makes a message fit to travel, and the name of the node it comes from.
 *
 * Checked where a message is published and again where one is received, so that nothing later has
 * to ask. Failure modes: check names the part and the limit; draw fails only when the kernel has no
 * random numbers to give (ENOSYS, or a signal before the pool is ready). */
#include <errno.h>
#include <sys/random.h>

#include <viaduct/message.h>
#include <viaduct/scope.h>

#include "utf8.h"

enum vd_err vd_node_id_draw(struct vd_node_id *id, struct vd_error *error)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char random[VD_NODE_ID_CHARS / 2];
    ssize_t got;

    do {
        got = getrandom(random, sizeof(random), 0);
    } while (got < 0 && errno == EINTR);
    if (got != (ssize_t)sizeof(random)) /* up to 256 bytes come whole, or not at all */
        return vd_error_set_errno(error, "could not draw a node id");
    for (size_t i = 0; i < sizeof(random); i++) {
        id->text[2 * i] = digits[random[i] >> 4];
        id->text[2 * i + 1] = digits[random[i] & 15];
    }
    id->text[VD_NODE_ID_CHARS] = '\0';
    return VD_OK;
}

/* A short name that may become an SSE field: UTF-8 without control characters. */
static enum vd_err check_name(const char *what, const char *name, size_t length, size_t limit,
                              struct vd_error *error)
{
    const unsigned char *bytes = (const unsigned char *)name;
    uint32_t code_point;

    if (length > limit) {
        return vd_error_set(error, VD_ERR_TOO_LARGE, "the %s has %zu bytes; allowed are %zu", what,
                            length, limit);
    }
    for (size_t at = 0; at < length;) {
        size_t step = vd_utf8_decode(bytes + at, length - at, &code_point);
        if (step == 0) {
            return vd_error_set(error, VD_ERR_INVALID,
                                "the %s is not valid UTF-8 at byte %zu (0x%02x)", what, at,
                                bytes[at]);
        }
        if (vd_utf8_is_control(code_point)) {
            return vd_error_set(error, VD_ERR_INVALID,
                                "the %s holds the control character U+%04X at byte %zu", what,
                                (unsigned)code_point, at);
        }
        at += step;
    }
    return VD_OK;
}

enum vd_err vd_message_check(const struct vd_message *message, size_t max_data_bytes,
                             struct vd_error *error)
{
    enum vd_err code;

    if (max_data_bytes == 0)
        max_data_bytes = VD_MESSAGE_MAX_BYTES;
    code = vd_scope_check(message->scope, message->scope_length, error);
    if (!code && message->event) {
        code = check_name("event name", message->event, message->event_length, VD_EVENT_MAX_BYTES,
                          error);
    }
    if (!code && message->origin) {
        code = check_name("node id", message->origin, message->origin_length, VD_ORIGIN_MAX_BYTES,
                          error);
    }
    if (code)
        return code;
    if (message->has_data && message->data_length > max_data_bytes) {
        return vd_error_set(error, VD_ERR_TOO_LARGE, "the data has %zu bytes; allowed are %zu",
                            message->data_length, max_data_bytes);
    }
    if (message->has_data && message->data_length > 0 && !message->data) {
        return vd_error_set(error, VD_ERR_INVALID, "the data has %zu bytes but no address",
                            message->data_length);
    }
    return VD_OK;
}
