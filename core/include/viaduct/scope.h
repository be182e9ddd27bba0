/* SPDX-License-Identifier: Apache-2.0 */
/* The one scope grammar: what a message is about, and what a stream or subscription follows.
 *
 *     tab | session:<id> | route:/path | global | free text such as room:lobby
 *
 * 1 to 256 bytes of valid UTF-8 without spaces (any Unicode White_Space) or control characters.
 * `*` is a glob: it matches any run of bytes, also an empty one, and also `:` and `/`. There is no
 * escape: a literal `*` cannot be part of a scope. The grammar is checked where a message is
 * published and again where it is received, so no node accepts what another drops.
 *
 * All functions are pure: any thread, any process, no allocation. Matching never backtracks
 * exponentially: O(pattern x scope) at worst. */
#ifndef VIADUCT_SCOPE_H
#define VIADUCT_SCOPE_H

#include <stdbool.h>
#include <stddef.h>

#include <viaduct/error.h>

#define VD_SCOPE_MAX_BYTES 256

enum vd_scope_kind {
    VD_SCOPE_TAB,
    VD_SCOPE_SESSION,
    VD_SCOPE_ROUTE,
    VD_SCOPE_GLOBAL,
    VD_SCOPE_FREE
};

/* Is @scope (of @length bytes, need not end in NUL) a scope or scope pattern?
 * Returns: VD_OK, VD_ERR_INVALID or VD_ERR_TOO_LARGE, with a sentence in @error that names what is
 * wrong, where, and what is allowed. `session:` without an id and `route:` without a leading slash
 * (or the glob `route:*`) are invalid. The sentence never quotes the scope: a session id is secret.
 */
enum vd_err vd_scope_check(const char *scope, size_t length, struct vd_error *error);

enum vd_scope_kind vd_scope_kind(const char *scope, size_t length);

/* Does it contain `*`? */
bool vd_scope_is_glob(const char *scope, size_t length);

/* Bytes before the first `*`; @length when there is none. */
size_t vd_scope_literal_prefix(const char *scope, size_t length);

/* Does @pattern (with or without globs) match @scope (read literally)? */
bool vd_scope_matches(const char *pattern, size_t pattern_length, const char *scope,
                      size_t scope_length);

/* Is there any scope that both match? Both may contain globs: a broadcast to `room:*` reaches a
 * stream that follows `*:lobby`. Whether that scope would be too long is left out of account. */
bool vd_scope_overlaps(const char *a, size_t a_length, const char *b, size_t b_length);

#endif
