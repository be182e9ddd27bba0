/* SPDX-License-Identifier: Apache-2.0 */
/* Two scopes (or patterns), parted by the first newline: what must hold between check, match and
 * overlap whatever the bytes are. */
#include <string.h>

#include <viaduct/scope.h>

#include "fuzz.h"

static void check_one(const char *scope, size_t length)
{
    struct vd_error error = {VD_OK, ""};
    enum vd_err code = vd_scope_check(scope, length, &error);

    FUZZ_REQUIRE(code == VD_OK || (error.code == code && error.text[0] != '\0'));
    FUZZ_REQUIRE(code != VD_OK || (length >= 1 && length <= VD_SCOPE_MAX_BYTES));
    FUZZ_REQUIRE((vd_scope_literal_prefix(scope, length) < length) ==
                 vd_scope_is_glob(scope, length));
    FUZZ_REQUIRE(vd_scope_kind(scope, length) <= VD_SCOPE_FREE);
    FUZZ_REQUIRE(vd_scope_matches(scope, length, scope, length));
    FUZZ_REQUIRE(vd_scope_overlaps(scope, length, scope, length));
    FUZZ_REQUIRE(vd_scope_matches("*", 1, scope, length));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *newline = size > 0 ? memchr(text, '\n', size) : NULL;
    size_t length = newline ? (size_t)(newline - text) : size;
    const char *other = text + length + (newline ? 1 : 0);
    size_t other_length = size - length - (newline ? 1 : 0);
    bool overlap;

    if (length > (size_t)2 * VD_SCOPE_MAX_BYTES || other_length > (size_t)2 * VD_SCOPE_MAX_BYTES)
        return 0; /* quadratic, and never matched unchecked */
    check_one(text, length);
    check_one(other, other_length);
    overlap = vd_scope_overlaps(text, length, other, other_length);
    FUZZ_REQUIRE(overlap == vd_scope_overlaps(other, other_length, text, length));
    FUZZ_REQUIRE(overlap || !vd_scope_matches(text, length, other, other_length));
    return 0;
}
