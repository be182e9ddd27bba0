/* SPDX-License-Identifier: Apache-2.0 */
/* Chunked bodies (RFC 9112 7.1): a byte machine around runs of data that are handed out in place.
 *
 *     SIZE_FIRST -> SIZE -> [EXTENSION] -> SIZE_LF -> DATA -> DATA_CR -> DATA_LF -> SIZE_FIRST
 *                                             | size 0
 *                                             v
 *                   TRAILER_FIRST -> TRAILER_NAME -> TRAILER_VALUE -> TRAILER_LF -> TRAILER_FIRST
 *                         | CR
 *                         v
 *                       END_LF -> DONE
 *
 * Happy path: a few steps a chunk; data costs nothing, whatever its size.
 *
 * Failure modes: anything beside the grammar is 400, and stays so. Extensions are skipped, their
 * bytes checked; no white space stands before one. Framing is bounded, not only in each line: a
 * body of one-byte chunks with long extensions would make a reader work for nothing
 * (CVE-2023-39326), so what a chunk's framing exceeds twice its data by is added up. */
#include "common_http.h"

#include "common_http_chars.h"

#define OVERHEAD_MAX      8192u
#define OVERHEAD_FREE     16 /* bytes of framing any chunk may cost */
#define SIZE_BEFORE_SHIFT (INT64_MAX >> 4)

enum state {
    SIZE_FIRST,
    SIZE,
    EXTENSION,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER_FIRST,
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    END_LF,
    DONE,
    FAILED,
};

static int hex_digit(char byte)
{
    if (byte >= '0' && byte <= '9') {
        return byte - '0';
    }
    char lower = (char)(byte | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The next state after a byte of a chunk's size; on FAILED *@reason says why. */
static enum state step_size(struct vd_http_chunked *chunked, char byte, const char **reason)
{
    int digit = hex_digit(byte);
    if (digit >= 0) {
        if (chunked->remaining > SIZE_BEFORE_SHIFT) {
            *reason = "A chunk size is too large.";
            return FAILED;
        }
        chunked->remaining = chunked->remaining << 4 | (unsigned)digit;
        return SIZE;
    }
    if (chunked->state == SIZE && byte == ';') {
        return EXTENSION;
    }
    if (chunked->state == SIZE && byte == '\r') {
        return SIZE_LF;
    }
    *reason = "A chunk must begin with its size in hexadecimal digits.";
    return FAILED;
}

static enum state expect(char byte, char wanted, enum state next, const char *failure,
                         const char **reason)
{
    if (byte == wanted) {
        return next;
    }
    *reason = failure;
    return FAILED;
}

/* The size line is complete: forgive what an honest chunk of that size costs. */
static enum state begin_data(struct vd_http_chunked *chunked)
{
    if (chunked->remaining == 0) {
        return TRAILER_FIRST;
    }
    uint64_t forgiven =
        OVERHEAD_FREE + 2 * (chunked->remaining < OVERHEAD_MAX ? chunked->remaining : OVERHEAD_MAX);
    chunked->line_bytes -=
        (uint32_t)(chunked->line_bytes < forgiven ? chunked->line_bytes : forgiven);
    return DATA;
}

static enum state step_trailer(const struct vd_http_chunked *chunked, char byte,
                               const char **reason)
{
    if (chunked->state == TRAILER_FIRST && byte == '\r') {
        return END_LF;
    }
    if (chunked->state == TRAILER_VALUE) {
        if (vd_http_char_is(byte, VD_HTTP_CHAR_VALUE)) {
            return TRAILER_VALUE;
        }
        return expect(byte, '\r', TRAILER_LF, "A trailer must end in CRLF.", reason);
    }
    if (vd_http_char_is(byte, VD_HTTP_CHAR_TOKEN)) {
        return TRAILER_NAME;
    }
    if (chunked->state == TRAILER_NAME && byte == ':') {
        return TRAILER_VALUE;
    }
    *reason = "A trailer must be a name, a colon and a value.";
    return FAILED;
}

/* One byte of framing. */
static enum state step(struct vd_http_chunked *chunked, char byte, const char **reason)
{
    static const char line_end[] = "A chunk's size line must end in CRLF.";
    static const char data_end[] = "Chunk data must be followed by CRLF.";
    static const char body_end[] = "A chunked body must end in CRLF.";
    switch ((enum state)chunked->state) {
    case SIZE_FIRST:
    case SIZE:
        return step_size(chunked, byte, reason);
    case EXTENSION:
        return vd_http_char_is(byte, VD_HTTP_CHAR_VALUE)
                   ? EXTENSION
                   : expect(byte, '\r', SIZE_LF, line_end, reason);
    case SIZE_LF:
        return expect(byte, '\n', begin_data(chunked), line_end, reason);
    case DATA_CR:
        return expect(byte, '\r', DATA_LF, data_end, reason);
    case DATA_LF:
        return expect(byte, '\n', SIZE_FIRST, data_end, reason);
    case TRAILER_FIRST:
    case TRAILER_NAME:
    case TRAILER_VALUE:
        return step_trailer(chunked, byte, reason);
    case TRAILER_LF:
        return expect(byte, '\n', TRAILER_FIRST, "A trailer must end in CRLF.", reason);
    case END_LF:
        return expect(byte, '\n', DONE, body_end, reason);
    case DATA:
    case DONE:
    case FAILED:
        break;
    }
    *reason = "The chunked body was refused before.";
    return FAILED;
}

/* Hand out what there is of the chunk's data. */
static size_t take_data(struct vd_http_chunked *chunked, size_t at, size_t length,
                        struct vd_http_span *data)
{
    uint64_t available = length - at;
    if (available > chunked->remaining) {
        available = chunked->remaining;
    }
    if (available > UINT32_MAX / 2) { /* a span holds 32 bits; the rest comes with the next call */
        available = UINT32_MAX / 2;
    }
    *data = (struct vd_http_span){(uint32_t)at, (uint32_t)available};
    chunked->remaining -= available;
    if (chunked->remaining == 0) {
        chunked->state = DATA_CR;
    }
    return at + (size_t)available;
}

enum vd_http_result vd_http_chunked_feed(struct vd_http_chunked *chunked, const char *bytes,
                                         size_t length, size_t *consumed, struct vd_http_span *data,
                                         struct vd_http_error *error)
{
    *data = (struct vd_http_span){0, 0};
    const char *reason = NULL;
    size_t at = 0;
    while (at < length && chunked->state != DONE) {
        if (chunked->state == DATA) {
            *consumed = take_data(chunked, at, length, data);
            return VD_HTTP_INCOMPLETE;
        }
        if (++chunked->line_bytes > OVERHEAD_MAX) {
            reason = "A chunked body has too much framing.";
            chunked->state = FAILED;
        } else {
            chunked->state = (uint32_t)step(chunked, bytes[at], &reason);
        }
        if (chunked->state == FAILED) {
            *consumed = at;
            *error = (struct vd_http_error){400, reason};
            return VD_HTTP_BAD;
        }
        at++;
    }
    *consumed = at;
    return chunked->state == DONE ? VD_HTTP_COMPLETE : VD_HTTP_INCOMPLETE;
}
