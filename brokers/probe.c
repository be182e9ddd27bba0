/* SPDX-License-Identifier: Apache-2.0 */
/* Probes of a link: see probe.h. Only the exact spelling counts: anything else is the decoder's. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "probe.h"

#define BEGIN       "{\"probe\":\""
#define NODE        ",\"node\":\""
#define LAST        "\",\"last\":"
#define TOKEN_BYTES 16
#define DIGITS_MAX  20

_Static_assert(sizeof(BEGIN NODE LAST) + TOKEN_BYTES + 2 * DIGITS_MAX + 2 * VD_ORIGIN_MAX_BYTES +
                       4 <=
                   VD_PROBE_BYTES,
               "a node id of nothing but quotes has room");

/* ---- write -------------------------------------------------------------------------------------
 */

/* The two that JSON wants escaped; control characters are in no node id. */
static size_t write_node(char *to, const char *node)
{
    size_t length = 0;

    for (; *node; node++) {
        if (*node == '"' || *node == '\\')
            to[length++] = '\\';
        to[length++] = *node;
    }
    return length;
}

size_t vd_probe_write(char text[VD_PROBE_BYTES], const char *token, uint64_t number,
                      const char *node, uint64_t last)
{
    size_t length =
        (size_t)snprintf(text, VD_PROBE_BYTES, BEGIN "%.16s-%" PRIu64 "\"", token, number);

    if (node) {
        memcpy(text + length, NODE, sizeof(NODE) - 1);
        length += sizeof(NODE) - 1;
        length += write_node(text + length, node);
        length += (size_t)snprintf(text + length, VD_PROBE_BYTES - length, LAST "%" PRIu64, last);
    }
    text[length++] = '}';
    text[length] = '\0';
    return length;
}

/* ---- read --------------------------------------------------------------------------------------
 */

struct cursor {
    const char *at, *end;
};

static bool skip(struct cursor *cursor, const char *words, size_t length)
{
    if ((size_t)(cursor->end - cursor->at) < length || memcmp(cursor->at, words, length) != 0)
        return false;
    cursor->at += length;
    return true;
}

#define SKIP(cursor, words) skip(cursor, words, sizeof(words) - 1)

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static bool read_token(struct cursor *cursor, const char **token)
{
    *token = cursor->at;
    if (cursor->end - cursor->at < TOKEN_BYTES)
        return false;
    for (unsigned i = 0; i < TOKEN_BYTES; i++) {
        if (!is_hex(*cursor->at++))
            return false;
    }
    return true;
}

/* As it is written: no leading zero, and it fits. */
static bool read_number(struct cursor *cursor, uint64_t *number)
{
    const char *begin = cursor->at;
    uint64_t value = 0;

    for (; cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9'; cursor->at++) {
        uint64_t digit = (uint64_t)(*cursor->at - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *number = value;
    return cursor->at > begin && (*begin != '0' || cursor->at == begin + 1);
}

/* Up to the quote at its end. What it may hold is checked where a message's is. */
static bool read_node(struct cursor *cursor, struct vd_probe *probe)
{
    for (; cursor->at < cursor->end && *cursor->at != '"'; cursor->at++) {
        if (*cursor->at == '\\' &&
            (++cursor->at == cursor->end || (*cursor->at != '"' && *cursor->at != '\\')))
            return false;
        if (probe->node_length == sizeof(probe->node))
            return false;
        probe->node[probe->node_length++] = *cursor->at;
    }
    return probe->node_length > 0;
}

bool vd_probe_read(const char *text, size_t length, const char *token, struct vd_probe *probe)
{
    struct cursor cursor = {text, text + length};
    const char *whose;

    if (!SKIP(&cursor, BEGIN))
        return false;
    probe->node_length = 0;
    probe->last = 0;
    if (!read_token(&cursor, &whose) || !SKIP(&cursor, "-") ||
        !read_number(&cursor, &probe->number) || !SKIP(&cursor, "\""))
        return false;
    if (SKIP(&cursor, NODE) &&
        (!read_node(&cursor, probe) || !SKIP(&cursor, LAST) || !read_number(&cursor, &probe->last)))
        return false;
    if (!SKIP(&cursor, "}") || cursor.at != cursor.end)
        return false;
    if (memcmp(whose, token, TOKEN_BYTES) != 0)
        probe->number = 0;
    return true;
}
