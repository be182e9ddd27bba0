/* SPDX-License-Identifier: Apache-2.0 */
/* Text that grows, and what may be shown of the bytes of others: see text.h.
 *
 * Escaped are C0, DEL and C1 (ECMA-48: a terminal takes U+009B for an escape sequence, too), line
 * and paragraph separators, and the bidirectional controls of UAX #9. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "text.h"
#include "utf8.h"

static void make_room(struct cli_text *text, size_t length)
{
    size_t wanted = text->capacity ? text->capacity : 256;

    while (wanted - text->length < length)
        wanted *= 2;
    if (wanted == text->capacity)
        return;
    text->bytes = realloc(text->bytes, wanted);
    if (!text->bytes) {
        fputs("viaduct: out of memory\n", stderr);
        _exit(1); /* as main does: threads may be running */
    }
    text->capacity = wanted;
}

void cli_text_add(struct cli_text *text, const void *bytes, size_t length)
{
    make_room(text, length + 1);
    if (length > 0)
        memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
}

void cli_text_print(struct cli_text *text, const char *format, ...)
{
    va_list arguments;
    int length;

    va_start(arguments, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.*): a false alarm of clang-tidy 14 */
    length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length <= 0)
        return;
    make_room(text, (size_t)length + 1);
    va_start(arguments, format);
    vsnprintf(text->bytes + text->length, (size_t)length + 1, format, arguments);
    va_end(arguments);
    text->length += (size_t)length;
}

/* Marks that nobody sees and that change what others look like. */
static bool misleads(uint32_t code_point)
{
    return vd_utf8_is_control(code_point) || code_point == 0x061C || code_point == 0x200E ||
           code_point == 0x200F || (code_point >= 0x2028 && code_point <= 0x202E) ||
           (code_point >= 0x2066 && code_point <= 0x2069) || code_point == 0xFEFF ||
           (code_point >= 0xE0000 && code_point <= 0xE007F);
}

void cli_text_safe(struct cli_text *text, const void *bytes, size_t length)
{
    const unsigned char *at = bytes, *end = at + length;
    uint32_t code_point = 0;

    while (at < end) {
        size_t size = vd_utf8_decode(at, (size_t)(end - at), &code_point);
        if (size == 0) {
            cli_text_print(text, "\\x%02x", *at++);
            continue;
        }
        if (!misleads(code_point)) {
            cli_text_add(text, at, size);
        } else if (code_point == '\n') {
            cli_text_add(text, "\\n", 2);
        } else if (code_point == '\r') {
            cli_text_add(text, "\\r", 2);
        } else if (code_point == '\t') {
            cli_text_add(text, "\\t", 2);
        } else if (code_point < 0x80) {
            cli_text_print(text, "\\x%02x", code_point);
        } else {
            cli_text_print(text, "\\u{%x}", code_point);
        }
        at += size;
    }
}

static void add_json_escape(struct cli_text *text, uint32_t code_point)
{
    if (code_point > 0xFFFF) {
        code_point -= 0x10000;
        cli_text_print(text, "\\u%04x\\u%04x", 0xD800 + (code_point >> 10),
                       0xDC00 + (code_point & 0x3FF));
    } else {
        cli_text_print(text, "\\u%04x", code_point);
    }
}

void cli_text_json(struct cli_text *text, const void *bytes, size_t length)
{
    const unsigned char *at = bytes, *end = at + length;
    uint32_t code_point = 0;

    cli_text_add(text, "\"", 1);
    while (at < end) {
        size_t size = vd_utf8_decode(at, (size_t)(end - at), &code_point);
        if (size == 0) {
            cli_text_add(text, "\\ufffd", 6);
            size = 1;
        } else if (code_point == '"' || code_point == '\\') {
            cli_text_print(text, "\\%c", (char)code_point);
        } else if (code_point == '\n') {
            cli_text_add(text, "\\n", 2);
        } else if (misleads(code_point)) {
            add_json_escape(text, code_point);
        } else {
            cli_text_add(text, at, size);
        }
        at += size;
    }
    cli_text_add(text, "\"", 1);
}

void cli_text_json_string(struct cli_text *text, const char *string)
{
    cli_text_json(text, string, strlen(string));
}

void cli_text_json_document(struct cli_text *text, const void *bytes, size_t length)
{
    const unsigned char *at = bytes, *end = at + length;
    uint32_t code_point = 0;

    while (at < end) {
        size_t size = vd_utf8_decode(at, (size_t)(end - at), &code_point);
        if (size == 0) {
            cli_text_add(text, "\\ufffd", 6);
            size = 1;
        } else if (misleads(code_point) && code_point != '\n') {
            add_json_escape(text, code_point);
        } else {
            cli_text_add(text, at, size);
        }
        at += size;
    }
}

void cli_text_base64(struct cli_text *text, const void *bytes, size_t length)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *at = bytes;

    for (; length > 0; at += 3) {
        size_t taken = length < 3 ? length : 3;
        uint32_t group = (uint32_t)at[0] << 16 | (taken > 1 ? (uint32_t)at[1] << 8 : 0) |
                         (taken > 2 ? at[2] : 0);
        char four[4] = {digits[group >> 18], digits[group >> 12 & 63], '=', '='};
        if (taken > 1)
            four[2] = digits[group >> 6 & 63];
        if (taken > 2)
            four[3] = digits[group & 63];
        cli_text_add(text, four, 4);
        length -= taken;
    }
}

bool cli_is_utf8(const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    uint32_t code_point;

    while (length > 0) {
        size_t size = vd_utf8_decode(at, length, &code_point);
        if (size == 0)
            return false;
        at += size;
        length -= size;
    }
    return true;
}

void cli_text_pad(struct cli_text *text, size_t from, size_t columns)
{
    do {
        cli_text_add(text, " ", 1);
    } while (text->length - from < columns);
}

const char *cli_text_string(struct cli_text *text)
{
    make_room(text, 1);
    text->bytes[text->length] = '\0';
    return text->bytes;
}

void cli_text_finish(struct cli_text *text)
{
    free(text->bytes);
    *text = (struct cli_text){0};
}
