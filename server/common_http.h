/* SPDX-License-Identifier: Apache-2.0 */
/* Our own strict HTTP/1.1 request parser (RFC 9112, RFC 9110): the door to the street.
 *
 * Pure and incremental: the caller hands over the bytes it has from the start of the request;
 * nothing is copied, spans point into them. Anything ambiguous is an error with its status, never a
 * guess: bare LF or CR, space before the colon, obs-fold, two Hosts or none, two Content-Lengths
 * (equal ones too) or a malformed one, Content-Length with Transfer-Encoding, an unknown coding,
 * white space in the request line beyond single spaces, control characters, NUL, HTTP/0.9, any
 * version other than 1.0 and 1.1 (505), a chunk size that overflows, LF in a chunk extension, chunk
 * data not ended by CRLF. */
#ifndef VIADUCT_COMMON_HTTP_H
#define VIADUCT_COMMON_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VD_HTTP_HEADERS_MAX 100

struct vd_http_span {
    uint32_t offset;
    uint32_t length;
};

struct vd_http_field {
    struct vd_http_span name;
    struct vd_http_span value; /* without leading and trailing white space */
};

enum vd_http_method { /* those the server itself has to know */
                      VD_HTTP_OTHER,
                      VD_HTTP_GET,
                      VD_HTTP_HEAD,
                      VD_HTTP_POST,
                      VD_HTTP_PUT,
                      VD_HTTP_PATCH,
                      VD_HTTP_DELETE,
                      VD_HTTP_OPTIONS,
                      VD_HTTP_CONNECT, /* answered 501 */
                      VD_HTTP_TRACE,   /* answered 501 */
};

struct vd_http_limits {
    size_t line_bytes;   /* request line; over it 414 */
    size_t head_bytes;   /* request line and headers; over it 431 */
    size_t header_count; /* at most VD_HTTP_HEADERS_MAX; over it 431 */
};

struct vd_http_request {
    enum vd_http_method method;
    struct vd_http_span method_span;
    struct vd_http_span target; /* origin form; absolute form is reduced to its path and query; `*`
                                   only for OPTIONS */
    struct vd_http_span path;
    struct vd_http_span query; /* length 0: none */
    unsigned minor_version;    /* 0 or 1 */
    size_t header_count;
    struct vd_http_field headers[VD_HTTP_HEADERS_MAX];
    size_t head_length; /* bytes up to and with the empty line */

    bool keep_alive; /* from version and Connection */
    bool chunked;    /* Transfer-Encoding: chunked */
    bool has_content_length;
    uint64_t content_length;
    bool expect_continue;
    int host;          /* index into headers; -1: none (HTTP/1.0 only) */
    int last_event_id; /* index; -1 */
};

enum vd_http_result {
    VD_HTTP_INCOMPLETE, /* more bytes, please */
    VD_HTTP_COMPLETE,
    VD_HTTP_BAD, /* answer @error->status and close */
};

struct vd_http_error {
    unsigned status;    /* 400, 414, 431, 501, 505 */
    const char *reason; /* one sentence, static; goes to the client and the log */
};

/* Parse the head of one request. @bytes: from its first byte; up to one empty line before a request
 * line is skipped (RFC 9112 2.2), and counted in head_length. *@scanned: how far the search for the
 * end has come, opaque; 0 at first, kept by the caller between calls so that a head that arrives
 * byte by byte costs O(n). The result depends on the bytes alone, never on how they were cut into
 * calls. @request has meaning only when COMPLETE. */
enum vd_http_result vd_http_parse_head(const char *bytes, size_t length, size_t *scanned,
                                       const struct vd_http_limits *limits,
                                       struct vd_http_request *request,
                                       struct vd_http_error *error);

/* Chunked bodies (RFC 9112 7.1), decoded in place: feed bytes, get spans of data. Trailers are
 * dropped (checked for form). Zeroed memory is the start state. */
struct vd_http_chunked {
    uint32_t state;
    uint32_t line_bytes; /* framing beyond what the data excuses; over 8 KiB: 400 */
    uint64_t remaining;
};

/* Consumes from @bytes: *@consumed bytes are done with, of which @data (may be empty) is body.
 * COMPLETE: the last chunk and the trailers were read. Call again with the rest while INCOMPLETE
 * and consumed > 0. */
enum vd_http_result vd_http_chunked_feed(struct vd_http_chunked *chunked, const char *bytes,
                                         size_t length, size_t *consumed, struct vd_http_span *data,
                                         struct vd_http_error *error);

/* ---- writing -----------------------------------------------------------------------------------
 */

/* "Not Found"; "" for a status without a registered phrase (RFC 9110 15). */
const char *vd_http_reason_phrase(unsigned status);
/* May a response with this status carry a body? (not 1xx, 204, 304) */
bool vd_http_status_has_body(unsigned status);
bool vd_http_is_token(const char *bytes, size_t length);
/* A field value without CR, LF, NUL or other controls but tab. */
bool vd_http_is_field_value(const char *bytes, size_t length);
/* ASCII case-insensitive comparison with a NUL-terminated lower-case @name. */
bool vd_http_name_is(const char *bytes, size_t length, const char *name);
/* "Fri, 20 Nov 2026 12:00:00 GMT" into @text (at least 30 bytes). */
void vd_http_date(uint64_t wall_ms, char text[30]);
/* Read a date in any of the three forms of RFC 9110 5.6.7. @now_s: seconds since 1970, for years of
 * two digits. false: not a date, or one before 1970. */
bool vd_http_date_parse(const char *bytes, size_t length, uint64_t now_s, uint64_t *seconds);

#endif
