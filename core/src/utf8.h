/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8, read strictly (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
 *
 * Everything that a browser, a PHP string or another node can hand us goes through here before it
 * is called text. Pure, no allocation. */
#ifndef VIADUCT_SRC_UTF8_H
#define VIADUCT_SRC_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool vd_utf8_is_continuation(unsigned char byte)
{
    return (byte & 0xC0u) == 0x80u;
}

/* The character at @text (@left bytes are there, at least 1): its length in bytes and, in
 * *@code_point, its number. Returns 0 when the bytes are no UTF-8. */
static inline size_t vd_utf8_decode(const unsigned char *text, size_t left, uint32_t *code_point)
{
    unsigned char lead = text[0];

    if (lead < 0x80) {
        *code_point = lead;
        return 1;
    }
    if (lead < 0xE0) {
        if (lead < 0xC2 || left < 2 || !vd_utf8_is_continuation(text[1]))
            return 0;
        *code_point = (uint32_t)(lead & 0x1F) << 6 | (text[1] & 0x3Fu);
        return 2;
    }
    if (lead < 0xF0) {
        if (left < 3 || !vd_utf8_is_continuation(text[1]) || !vd_utf8_is_continuation(text[2]))
            return 0;
        *code_point = (uint32_t)(lead & 0x0F) << 12 | (text[1] & 0x3Fu) << 6 | (text[2] & 0x3Fu);
        return *code_point < 0x800 || (*code_point >= 0xD800 && *code_point <= 0xDFFF) ? 0 : 3;
    }
    if (lead > 0xF4 || left < 4 || !vd_utf8_is_continuation(text[1]) ||
        !vd_utf8_is_continuation(text[2]) || !vd_utf8_is_continuation(text[3]))
        return 0;
    *code_point = (uint32_t)(lead & 0x07) << 18 | (text[1] & 0x3Fu) << 12 | (text[2] & 0x3Fu) << 6 |
                  (text[3] & 0x3Fu);
    return *code_point < 0x10000 || *code_point > 0x10FFFF ? 0 : 4;
}

/* C0, DEL and C1: what no name and no log line may carry. */
static inline bool vd_utf8_is_control(uint32_t code_point)
{
    return code_point < 0x20 || (code_point >= 0x7F && code_point <= 0x9F);
}

/* Unicode 15 White_Space (PropList.txt), without those that are control characters. */
static inline bool vd_utf8_is_space(uint32_t code_point)
{
    return code_point == 0x20 || code_point == 0xA0 || code_point == 0x1680 ||
           (code_point >= 0x2000 && code_point <= 0x200A) || code_point == 0x2028 ||
           code_point == 0x2029 || code_point == 0x202F || code_point == 0x205F ||
           code_point == 0x3000;
}

#endif
