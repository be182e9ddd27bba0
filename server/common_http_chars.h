/* SPDX-License-Identifier: Apache-2.0 */
/* What each byte may be in HTTP: one table, one look-up a byte.
 *
 * Classes are those of RFC 9110 5.6.2 (tchar), 5.5 (field value: visible, obs-text, space, tab) and
 * RFC 3986 (host). A request target takes any visible ASCII but `#`: browsers send `|`, `[` or `{`
 * as they are (https://url.spec.whatwg.org/#query-percent-encode-set), and a fragment never
 * travels. Private to the HTTP files of this folder. */
#ifndef VIADUCT_COMMON_HTTP_CHARS_H
#define VIADUCT_COMMON_HTTP_CHARS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum vd_http_char {
    VD_HTTP_CHAR_TOKEN = 1,
    VD_HTTP_CHAR_VALUE = 2, /* also space and tab */
    VD_HTTP_CHAR_TARGET = 4,
    VD_HTTP_CHAR_HOST = 8, /* of a reg-name; no `,`, which joins two Hosts in a list */
};

extern const unsigned char vd_http_char_classes[256];

static inline bool vd_http_char_is(char byte, enum vd_http_char class)
{
    return vd_http_char_classes[(unsigned char)byte] & class;
}

/* Does a word of eight bytes hold a control character (below 0x20, or 0x7f)? Tab counts as one
 * here: the caller looks again byte by byte. "Determine if a word has a byte less than n",
 * https://graphics.stanford.edu/~seander/bithacks.html; false alarms are possible only beside a
 * true hit. */
static inline bool vd_http_word_has_control(const char *bytes)
{
    const uint64_t ones = 0x0101010101010101u;
    const uint64_t highs = 0x8080808080808080u;
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    uint64_t delete_bytes = word ^ (ones * 0x7f);
    uint64_t low = (word - ones * 0x20) & ~word;
    uint64_t zero = (delete_bytes - ones) & ~delete_bytes;
    return ((low | zero) & highs) != 0;
}

/* First byte from @at that cannot be part of a field value; @end when all can. */
static inline const char *vd_http_skip_value(const char *at, const char *end)
{
    for (;;) {
        while (end - at >= 8 && !vd_http_word_has_control(at)) {
            at += 8;
        }
        const char *stop = end - at >= 8 ? at + 8 : end;
        while (at < stop && vd_http_char_is(*at, VD_HTTP_CHAR_VALUE)) {
            at++;
        }
        if (at < stop || at == end) {
            return at;
        }
    }
}

static inline const char *vd_http_skip(const char *at, const char *end, enum vd_http_char class)
{
    while (at < end && vd_http_char_is(*at, class)) {
        at++;
    }
    return at;
}

#endif
