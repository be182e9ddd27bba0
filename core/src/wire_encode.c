/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a message as JSON.
 *
 * Happy path: one pass. Each string is copied in plain runs; what is special is escaped or checked
 * as UTF-8. The room is checked once, before the first byte, against a bound that the data keeps by
 * construction: as soon as it turns out to be no UTF-8, or larger than base64 would be, the writer
 * goes back to where it began and writes base64.
 *
 * Failure modes: too little room, or a short field that is no UTF-8 or too long; nothing of use is
 * in the buffer then. */
#include <viaduct/wire.h>

#include "utf8.h"
#include "wire_plain.h"

#define ESCAPE_MAX_BYTES ((size_t)6) /* \u001f */
/* All keys, quotes, commas and braces, and 20 digits of seq; then room to copy in blocks. */
#define FIXED_BYTES ((size_t)96 + VD_PLAIN_BLOCK)

static size_t base64_bytes(size_t length)
{
    return (length + 2) / 3 * 4;
}

static size_t bound(size_t names_bytes, size_t data_bytes)
{
    return FIXED_BYTES + ESCAPE_MAX_BYTES * names_bytes + base64_bytes(data_bytes);
}

size_t vd_wire_bound(const struct vd_message *message)
{
    size_t names = message->scope_length;

    if (message->event)
        names += message->event_length;
    if (message->origin)
        names += message->origin_length;
    return bound(names, message->has_data ? message->data_length : 0);
}

size_t vd_wire_max_bytes(size_t max_data_bytes)
{
    return bound((size_t)VD_SCOPE_MAX_BYTES + VD_EVENT_MAX_BYTES + VD_ORIGIN_MAX_BYTES,
                 max_data_bytes > 0 ? max_data_bytes : VD_MESSAGE_MAX_BYTES);
}

/* Copy until the first byte that is not plain: *@at and the return value move on together. */
static unsigned char *copy_plain(unsigned char *out, const unsigned char **at,
                                 const unsigned char *end)
{
    const unsigned char *from = *at;
    unsigned plain;

    while (end - from >= VD_PLAIN_BLOCK) {
        memcpy(out, from, VD_PLAIN_BLOCK);
        plain = vd_plain_in_block(from);
        out += plain;
        from += plain;
        if (plain < VD_PLAIN_BLOCK) {
            *at = from;
            return out;
        }
    }
    while (from < end && vd_byte_is_plain(*from))
        *out++ = *from++;
    *at = from;
    return out;
}

static unsigned char *write_escape(unsigned char *out, unsigned char byte)
{
    static const char digits[] = "0123456789abcdef";
    static const char letters[0x20] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r',
    };

    *out++ = '\\';
    if (byte >= 0x20) { /* quote, backslash */
        *out++ = byte;
    } else if (letters[byte]) {
        *out++ = (unsigned char)letters[byte];
    } else {
        *out++ = 'u';
        *out++ = '0';
        *out++ = '0';
        *out++ = (unsigned char)digits[byte >> 4];
        *out++ = (unsigned char)digits[byte & 15];
    }
    return out;
}

/* The text between the quotes, at most @limit - @out bytes of it. NULL: no UTF-8, or larger. Before
 * each step the rest would fit if it were all plain; VD_PLAIN_BLOCK bytes past the limit may be
 * overwritten. */
static unsigned char *write_text(unsigned char *out, const unsigned char *limit, const void *text,
                                 size_t length)
{
    const unsigned char *at = text;
    const unsigned char *end = at + length;
    uint32_t code_point;
    size_t step;

    for (;;) {
        out = copy_plain(out, &at, end);
        if (at == end)
            return out;
        if (*at < 0x80) {
            out = write_escape(out, *at++);
            if (limit - out < end - at)
                return NULL;
            continue;
        }
        do {
            step = vd_utf8_decode(at, (size_t)(end - at), &code_point);
            if (step == 0)
                return NULL;
            memcpy(out, at, step);
            out += step;
            at += step;
        } while (at < end && *at >= 0x80);
    }
}

static unsigned char *write_base64(unsigned char *out, const void *data, size_t length)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *at = data;
    uint32_t group;

    for (; length >= 3; length -= 3, at += 3) {
        group = (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2];
        *out++ = (unsigned char)alphabet[group >> 18];
        *out++ = (unsigned char)alphabet[group >> 12 & 63];
        *out++ = (unsigned char)alphabet[group >> 6 & 63];
        *out++ = (unsigned char)alphabet[group & 63];
    }
    if (length > 0) {
        group = (uint32_t)at[0] << 16 | (length > 1 ? (uint32_t)at[1] << 8 : 0);
        *out++ = (unsigned char)alphabet[group >> 18];
        *out++ = (unsigned char)alphabet[group >> 12 & 63];
        *out++ = length > 1 ? (unsigned char)alphabet[group >> 6 & 63] : '=';
        *out++ = '=';
    }
    return out;
}

static unsigned char *write_number(unsigned char *out, uint64_t number)
{
    unsigned char digits[20];
    unsigned at = sizeof(digits);

    do {
        digits[--at] = (unsigned char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    memcpy(out, digits + at, sizeof(digits) - at);
    return out + (sizeof(digits) - at);
}

static unsigned char *write_bytes(unsigned char *out, const char *bytes, size_t length)
{
    memcpy(out, bytes, length);
    return out + length;
}

#define WRITE_LITERAL(out, literal) write_bytes((out), "" literal, sizeof(literal) - 1)

static unsigned char *write_name(unsigned char *out, const char *name, size_t length)
{
    return write_text(out, out + ESCAPE_MAX_BYTES * length, name, length);
}

static unsigned char *write_data(unsigned char *out, const void *data, size_t length)
{
    unsigned char *start = WRITE_LITERAL(out, ",\"data\":\"");
    unsigned char *end = write_text(start, start + base64_bytes(length), data, length);

    if (!end) {
        start = WRITE_LITERAL(out, ",\"data64\":\"");
        end = write_base64(start, data, length);
    }
    *end++ = '"';
    return end;
}

static enum vd_err check_lengths(const struct vd_message *message)
{
    if (!message->scope || message->scope_length == 0 ||
        (message->has_data && message->data_length > 0 && !message->data))
        return VD_ERR_INVALID;
    if (message->scope_length > VD_SCOPE_MAX_BYTES ||
        (message->event && message->event_length > VD_EVENT_MAX_BYTES) ||
        (message->origin && message->origin_length > VD_ORIGIN_MAX_BYTES))
        return VD_ERR_TOO_LARGE;
    return VD_OK;
}

enum vd_err vd_wire_encode(const struct vd_message *message, char *buffer, size_t capacity,
                           size_t *length)
{
    enum vd_err code = check_lengths(message);
    unsigned char *out = (unsigned char *)buffer;

    if (code)
        return code;
    if (capacity < vd_wire_bound(message))
        return VD_ERR_FULL;
    out = WRITE_LITERAL(out, "{\"scope\":\"");
    out = write_name(out, message->scope, message->scope_length);
    if (!out)
        return VD_ERR_INVALID;
    if (message->origin && message->origin_length > 0) {
        out = WRITE_LITERAL(out, "\",\"nodeId\":\"");
        out = write_name(out, message->origin, message->origin_length);
        if (!out)
            return VD_ERR_INVALID;
    }
    *out++ = '"';
    if (message->sequence > 0) {
        out = WRITE_LITERAL(out, ",\"seq\":");
        out = write_number(out, message->sequence);
    }
    if (message->event && message->event_length > 0) {
        out = WRITE_LITERAL(out, ",\"event\":\"");
        out = write_name(out, message->event, message->event_length);
        if (!out)
            return VD_ERR_INVALID;
        *out++ = '"';
    }
    if (message->has_data)
        out = write_data(out, message->data_length > 0 ? message->data : "", message->data_length);
    *out++ = '}';
    *length = (size_t)(out - (unsigned char *)buffer);
    return VD_OK;
}
