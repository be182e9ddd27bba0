/* SPDX-License-Identifier: Apache-2.0 */
/* Probes of a link: see probe.h. Only the exact spelling counts: anything else is the decoder's. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "probe.h"

#define BEGIN       "{\"probe\":\""
#define BEGIN_BYTES (sizeof(BEGIN) - 1)
#define TOKEN_BYTES 16
#define DIGITS_MAX  20

size_t vd_probe_write(char text[VD_PROBE_BYTES], const char *token, uint64_t number)
{
    return (size_t)snprintf(text, VD_PROBE_BYTES, BEGIN "%.16s-%" PRIu64 "\"}", token, number);
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

bool vd_probe_read(const char *text, size_t length, const char *token, uint64_t *number)
{
    const char *at, *end;
    uint64_t value = 0;

    if (length < BEGIN_BYTES + TOKEN_BYTES + 4 ||
        length > BEGIN_BYTES + TOKEN_BYTES + 1 + DIGITS_MAX + 2)
        return false;
    at = text + BEGIN_BYTES;
    end = text + length - 2;
    if (memcmp(text, BEGIN, BEGIN_BYTES) != 0 || memcmp(end, "\"}", 2) != 0)
        return false;
    for (unsigned i = 0; i < TOKEN_BYTES; i++) {
        if (!is_hex(at[i]))
            return false;
    }
    if (at[TOKEN_BYTES] != '-')
        return false;
    for (const char *digit = at + TOKEN_BYTES + 1; digit < end; digit++) {
        if (*digit < '0' || *digit > '9')
            return false;
        value = value * 10 + (uint64_t)(*digit - '0');
    }
    *number = memcmp(at, token, TOKEN_BYTES) == 0 ? value : 0;
    return true;
}
