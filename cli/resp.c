/* SPDX-License-Identifier: Apache-2.0 */
/* RESP2, read from memory: see resp.h. Nothing is allocated whatever the server claims.
 * Source: https://redis.io/docs/latest/develop/reference/protocol-spec/ */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "resp.h"

#define LINE_MAX_BYTES 65536
#define BULK_MAX_BYTES (64L * 1024 * 1024)

/* The line at @at without its end. Bytes it takes; 0: not whole; -1: too long. */
static long take_line(const char *at, const char *end, struct resp_part *line)
{
    const char *newline = memchr(at, '\n', (size_t)(end - at));

    if (!newline)
        return end - at > LINE_MAX_BYTES ? -1 : 0;
    line->bytes = at;
    line->length = (size_t)(newline - at);
    if (line->length > 0 && newline[-1] == '\r')
        line->length--;
    return newline + 1 - at;
}

static bool read_number(const struct resp_part *line, long *number)
{
    char digits[24], *end;

    if (line->length == 0 || line->length >= sizeof(digits))
        return false;
    memcpy(digits, line->bytes, line->length);
    digits[line->length] = '\0';
    *number = strtol(digits, &end, 10);
    return *end == '\0';
}

/* Anything but an array. */
static long take_simple(const char *at, const char *end, struct resp_part *part)
{
    long head, length;

    if (at == end)
        return 0;
    if (*at == '\0' || !strchr("+-:$", *at))
        return -1;
    head = take_line(at + 1, end, part);
    if (head <= 0 || *at != '$')
        return head > 0 ? head + 1 : head;
    if (!read_number(part, &length) || length < -1 || length > BULK_MAX_BYTES)
        return -1;
    *part = (struct resp_part){at + 1 + head, length > 0 ? (size_t)length : 0};
    if (length == -1)
        return head + 1;
    if (end - part->bytes < length + 2)
        return 0;
    return memcmp(part->bytes + length, "\r\n", 2) == 0 ? head + 1 + length + 2 : -1;
}

long resp_parse(const char *bytes, size_t length, struct resp *reply)
{
    const char *at = bytes, *end = bytes + length;
    struct resp_part line;
    long taken, count = 1;

    if (length == 0)
        return 0;
    *reply = (struct resp){.type = *bytes, .count = 1};
    if (*bytes == '*') {
        taken = take_line(at + 1, end, &line);
        if (taken <= 0)
            return taken;
        if (!read_number(&line, &count) || count > RESP_PARTS)
            return -1;
        count = count < 0 ? 0 : count;
        at += 1 + taken;
        reply->count = (size_t)count;
    }
    for (long i = 0; i < count; i++) {
        taken = take_simple(at, end, &reply->parts[i]);
        if (taken <= 0)
            return taken;
        at += taken;
    }
    return at - bytes;
}
