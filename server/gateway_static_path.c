/* SPDX-License-Identifier: Apache-2.0 */
/* A request's path as a file name.
 *
 * Happy path: behind the prefix each segment is percent-decoded once and copied.
 *
 * Failure modes: `%` without two hex digits and `%00` are 400, since no two readers agree on them.
 * Everything that no file of ours can be called is left to the workers: an encoded slash (it would
 * make two segments of one), an empty segment, `.`, `..` and every name with a leading dot, encoded
 * or not (RFC 3986 6.2.2.3 has clients remove dot segments; those that arrive are attacks or
 * mistakes), but for /.well-known/ (RFC 8615). */
#include <string.h>

#include "gateway_static.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool strip_prefix(struct vd_text *path, const char *prefix)
{
    size_t length = strlen(prefix);

    while (length > 0 && prefix[length - 1] == '/')
        length--;
    if (path->length < length || memcmp(path->bytes, prefix, length) != 0)
        return false;
    path->bytes += length;
    path->length -= length;
    if (path->length == 0) /* the directory's own name */
        return true;
    if (path->bytes[0] != '/')
        return false;
    path->bytes++;
    path->length--;
    return true;
}

/* The bytes before it are in @relative: its segment may begin here, but not be this. */
static bool segment_ok(const char *relative, const char *segment, size_t length, bool last)
{
    if (length == 0)
        return last;
    if (segment[0] != '.')
        return true;
    return segment == relative && length == 11 && memcmp(segment, ".well-known", 11) == 0;
}

enum gw_static_path gw_static_path(struct vd_text path, const char *prefix,
                                   char relative[GW_STATIC_PATH_BYTES])
{
    enum gw_static_path result = GW_STATIC_PATH_FILE;
    size_t used = 0, segment = 0;

    if (!strip_prefix(&path, prefix))
        return GW_STATIC_PATH_ELSEWHERE;
    /* To the end in any case: a path is bad or not wherever it would have led. */
    for (size_t i = 0; i < path.length; i++) {
        char c = path.bytes[i];
        bool decoded = c == '%';

        if (decoded) {
            int high = i + 2 < path.length ? hex_digit(path.bytes[i + 1]) : -1;
            int low = i + 2 < path.length ? hex_digit(path.bytes[i + 2]) : -1;

            if (high < 0 || low < 0 || high + low == 0)
                return GW_STATIC_PATH_BAD;
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (used + 1 == GW_STATIC_PATH_BYTES || (decoded && c == '/') ||
            (c == '/' && !segment_ok(relative, relative + segment, used - segment, false))) {
            result = GW_STATIC_PATH_ELSEWHERE;
            used = segment = 0;
            continue;
        }
        relative[used++] = c;
        if (c == '/')
            segment = used;
    }
    if (!segment_ok(relative, relative + segment, used - segment, true))
        result = GW_STATIC_PATH_ELSEWHERE;
    relative[used] = '\0';
    return result;
}
