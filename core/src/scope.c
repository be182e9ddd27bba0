/* SPDX-License-Identifier: Apache-2.0 */
/* The scope grammar and its globs.
 *
 * Happy path: check once where a message enters the node, then match without checking again.
 * Matching is the greedy wildcard algorithm: when a byte differs, only the latest `*` takes one
 * more byte, since an earlier one could gain nothing (R. Cox, "Glob Matching Can Be Simple And Fast
 * Too", https://research.swtch.com/glob).
 *
 * Failure modes: check names the byte where the grammar is broken; the others cannot fail. An error
 * text never quotes the scope: `session:<id>` is a secret. */
#include <string.h>

#include <viaduct/scope.h>

#include "utf8.h"

#define SESSION_PREFIX "session:"
#define ROUTE_PREFIX   "route:"

static bool starts_with(const char *text, size_t length, const char *prefix, size_t prefix_length)
{
    return length >= prefix_length && memcmp(text, prefix, prefix_length) == 0;
}

#define STARTS_WITH(text, length, literal)                                                         \
    starts_with((text), (length), "" literal, sizeof(literal) - 1)

static bool equals(const char *text, size_t length, const char *word)
{
    return length == strlen(word) && memcmp(text, word, length) == 0;
}

/* Every character is UTF-8, no space and no control character. */
static enum vd_err check_characters(const char *scope, size_t length, struct vd_error *error)
{
    const unsigned char *bytes = (const unsigned char *)scope;
    uint32_t code_point;

    for (size_t at = 0; at < length;) {
        size_t step = vd_utf8_decode(bytes + at, length - at, &code_point);
        if (step == 0) {
            return vd_error_set(error, VD_ERR_INVALID,
                                "the scope is not valid UTF-8 at byte %zu (0x%02x)", at, bytes[at]);
        }
        if (vd_utf8_is_control(code_point)) {
            return vd_error_set(error, VD_ERR_INVALID,
                                "the scope holds the control character U+%04X at byte %zu; allowed "
                                "is UTF-8 without spaces and control characters",
                                (unsigned)code_point, at);
        }
        if (vd_utf8_is_space(code_point)) {
            return vd_error_set(error, VD_ERR_INVALID,
                                "the scope holds a space (U+%04X) at byte %zu; allowed is UTF-8 "
                                "without spaces and control characters",
                                (unsigned)code_point, at);
        }
        at += step;
    }
    return VD_OK;
}

enum vd_err vd_scope_check(const char *scope, size_t length, struct vd_error *error)
{
    enum vd_err code;

    if (!scope || length == 0) {
        return vd_error_set(error, VD_ERR_INVALID, "the scope is empty; allowed are 1 to %d bytes",
                            VD_SCOPE_MAX_BYTES);
    }
    if (length > VD_SCOPE_MAX_BYTES) {
        return vd_error_set(error, VD_ERR_TOO_LARGE, "the scope has %zu bytes; allowed are 1 to %d",
                            length, VD_SCOPE_MAX_BYTES);
    }
    code = check_characters(scope, length, error);
    if (code)
        return code;
    if (equals(scope, length, SESSION_PREFIX)) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "the scope 'session:' lacks its id; allowed is session:<id>");
    }
    if (STARTS_WITH(scope, length, ROUTE_PREFIX)) {
        size_t at = sizeof(ROUTE_PREFIX) - 1;
        if (at == length || (scope[at] != '/' && scope[at] != '*')) {
            return vd_error_set(error, VD_ERR_INVALID,
                                "the scope 'route:' lacks its path at byte %zu; allowed is "
                                "route:/path",
                                at);
        }
    }
    return VD_OK;
}

enum vd_scope_kind vd_scope_kind(const char *scope, size_t length)
{
    if (equals(scope, length, "tab"))
        return VD_SCOPE_TAB;
    if (equals(scope, length, "global"))
        return VD_SCOPE_GLOBAL;
    if (STARTS_WITH(scope, length, SESSION_PREFIX))
        return VD_SCOPE_SESSION;
    if (STARTS_WITH(scope, length, ROUTE_PREFIX))
        return VD_SCOPE_ROUTE;
    return VD_SCOPE_FREE;
}

bool vd_scope_is_glob(const char *scope, size_t length)
{
    return length > 0 && memchr(scope, '*', length) != NULL;
}

size_t vd_scope_literal_prefix(const char *scope, size_t length)
{
    const char *star = length > 0 ? memchr(scope, '*', length) : NULL;

    return star ? (size_t)(star - scope) : length;
}

static size_t literal_suffix(const char *pattern, size_t length)
{
    const char *star = memrchr(pattern, '*', length);

    return star ? length - (size_t)(star - pattern) - 1 : length;
}

bool vd_scope_matches(const char *pattern, size_t pattern_length, const char *scope,
                      size_t scope_length)
{
    size_t at = 0, in_scope = 0;
    size_t after_star = 0, star_end = 0; /* where to go on when the latest star takes one more */
    bool starred = false;

    while (in_scope < scope_length) {
        if (at < pattern_length && pattern[at] == '*') {
            starred = true;
            after_star = ++at;
            star_end = in_scope;
        } else if (at < pattern_length && pattern[at] == scope[in_scope]) {
            at++;
            in_scope++;
        } else if (starred) {
            at = after_star;
            in_scope = ++star_end;
        } else {
            return false;
        }
    }
    while (at < pattern_length && pattern[at] == '*')
        at++;
    return at == pattern_length;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Two globs overlap exactly when their ends agree. Then the longer prefix, all inner literals of
 * one, all inner literals of the other and the longer suffix, in this order, make a string that
 * both match: each one's first star skips ahead to its own inner literals, its last one the rest.
 */
static bool globs_overlap(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t prefix = smaller(vd_scope_literal_prefix(a, a_length), //
                            vd_scope_literal_prefix(b, b_length));
    size_t suffix = smaller(literal_suffix(a, a_length), literal_suffix(b, b_length));

    return memcmp(a, b, prefix) == 0 &&
           memcmp(a + a_length - suffix, b + b_length - suffix, suffix) == 0;
}

bool vd_scope_overlaps(const char *a, size_t a_length, const char *b, size_t b_length)
{
    if (!vd_scope_is_glob(b, b_length))
        return vd_scope_matches(a, a_length, b, b_length);
    if (!vd_scope_is_glob(a, a_length))
        return vd_scope_matches(b, b_length, a, a_length);
    return globs_overlap(a, a_length, b, b_length);
}
