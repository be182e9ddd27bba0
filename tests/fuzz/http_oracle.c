/* SPDX-License-Identifier: Apache-2.0 */
/* Both parsers read the same bytes into the same record; then the records are compared.
 *
 * Where http-parser is known to differ and RFC 9110 or 9112 is on our side, the comparison looks
 * away, each time for a reason that stands beside it. */
#include "http_oracle.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <http_parser.h>

#include "common_http.h"

#define BODY_BYTES_MAX ((size_t)8 * 1024)

struct text {
    const char *bytes;
    size_t length;
};

/* What http-parser said. */
struct theirs {
    char method[32];
    struct text url;
    size_t header_count;
    struct text names[VD_HTTP_HEADERS_MAX + 1];
    struct text values[VD_HTTP_HEADERS_MAX + 1];
    bool in_value;
    bool head_complete;
    bool keep_alive;
    bool message_complete;
    bool trailer_with_meaning;
    unsigned minor;
    size_t body_length;
    char body[BODY_BYTES_MAX];
    enum http_errno error;
    size_t parsed;
};

struct ours {
    enum vd_http_result head_result;
    struct vd_http_request request;
    enum vd_http_result body_result;
    size_t body_length;
    char body[BODY_BYTES_MAX];
    size_t total; /* head and body, as far as read */
};

/* ---- theirs --------------------------------------------------------------------------------- */

static void extend(struct text *text, const char *at, size_t length)
{
    if (!text->bytes) {
        text->bytes = at;
    }
    text->length = (size_t)(at + length - text->bytes);
}

static int on_url(http_parser *parser, const char *at, size_t length)
{
    struct theirs *theirs = parser->data;
    extend(&theirs->url, at, length);
    return 0;
}

/* http-parser acts on these in trailers, where RFC 9110 6.5.1 forbids to merge them. */
static bool has_meaning(const char *name, size_t length)
{
    return vd_http_name_is(name, length, "content-length") ||
           vd_http_name_is(name, length, "transfer-encoding") ||
           vd_http_name_is(name, length, "connection") ||
           vd_http_name_is(name, length, "proxy-connection") ||
           vd_http_name_is(name, length, "upgrade");
}

static int on_field(http_parser *parser, const char *at, size_t length)
{
    struct theirs *theirs = parser->data;
    if (theirs->head_complete) {
        theirs->trailer_with_meaning |= has_meaning(at, length);
        return 0;
    }
    if (theirs->in_value) {
        theirs->header_count++;
        theirs->in_value = false;
    }
    if (theirs->header_count > VD_HTTP_HEADERS_MAX) {
        return 1;
    }
    extend(&theirs->names[theirs->header_count], at, length);
    return 0;
}

static int on_value(http_parser *parser, const char *at, size_t length)
{
    struct theirs *theirs = parser->data;
    if (!theirs->head_complete) {
        extend(&theirs->values[theirs->header_count], at, length);
        theirs->in_value = true;
    }
    return 0;
}

static int on_headers_complete(http_parser *parser)
{
    struct theirs *theirs = parser->data;
    theirs->header_count += theirs->in_value;
    theirs->head_complete = true;
    theirs->keep_alive = http_should_keep_alive(parser);
    theirs->minor = parser->http_minor;
    strncpy(theirs->method, http_method_str(parser->method), sizeof theirs->method - 1);
    return 0;
}

static int on_body(http_parser *parser, const char *at, size_t length)
{
    struct theirs *theirs = parser->data;
    if (theirs->body_length + length <= BODY_BYTES_MAX) {
        memcpy(theirs->body + theirs->body_length, at, length);
    }
    theirs->body_length += length;
    return 0;
}

static int on_message_complete(http_parser *parser)
{
    ((struct theirs *)parser->data)->message_complete = true;
    return 0;
}

static void read_theirs(struct theirs *theirs, const char *bytes, size_t length)
{
    http_parser parser;
    http_parser_settings settings;
    http_parser_settings_init(&settings);
    settings.on_url = on_url;
    settings.on_header_field = on_field;
    settings.on_header_value = on_value;
    settings.on_headers_complete = on_headers_complete;
    settings.on_body = on_body;
    settings.on_message_complete = on_message_complete;
    http_parser_init(&parser, HTTP_REQUEST);
    parser.data = theirs;
    theirs->parsed = http_parser_execute(&parser, &settings, bytes, length);
    theirs->error = HTTP_PARSER_ERRNO(&parser);
}

/* ---- ours ----------------------------------------------------------------------------------- */

static void read_chunked(struct ours *ours, const char *bytes, size_t length)
{
    struct vd_http_chunked chunked = {0};
    while (ours->body_result == VD_HTTP_INCOMPLETE && ours->total < length) {
        struct vd_http_span data;
        struct vd_http_error error;
        size_t consumed;
        ours->body_result = vd_http_chunked_feed(&chunked, bytes + ours->total,
                                                 length - ours->total, &consumed, &data, &error);
        if (ours->body_length + data.length <= BODY_BYTES_MAX) {
            memcpy(ours->body + ours->body_length, bytes + ours->total + data.offset, data.length);
        }
        ours->body_length += data.length;
        ours->total += consumed;
    }
}

static void read_ours(struct ours *ours, const char *bytes, size_t length)
{
    static const struct vd_http_limits limits = {8192, 32768, VD_HTTP_HEADERS_MAX};
    struct vd_http_error error;
    size_t scanned = 0;
    ours->head_result =
        vd_http_parse_head(bytes, length, &scanned, &limits, &ours->request, &error);
    if (ours->head_result != VD_HTTP_COMPLETE) {
        return;
    }
    ours->total = ours->request.head_length;
    ours->body_result = VD_HTTP_INCOMPLETE;
    if (ours->request.chunked) {
        read_chunked(ours, bytes, length);
        return;
    }
    size_t rest = length - ours->total;
    bool whole = ours->request.content_length <= rest;
    ours->body_length = whole ? (size_t)ours->request.content_length : rest;
    if (ours->body_length <= BODY_BYTES_MAX) {
        memcpy(ours->body, bytes + ours->total, ours->body_length);
    }
    ours->total += ours->body_length;
    ours->body_result = whole ? VD_HTTP_COMPLETE : VD_HTTP_INCOMPLETE;
}

/* ---- the comparison ------------------------------------------------------------------------- */

static bool span_is(const char *bytes, struct vd_http_span span, struct text text)
{
    return span.length == text.length &&
           (span.length == 0 || memcmp(bytes + span.offset, text.bytes, text.length) == 0);
}

static bool method_is_known(const char *bytes, struct vd_http_span method)
{
    for (unsigned i = 0; i <= HTTP_SOURCE; i++) {
        const char *name = http_method_str((enum http_method)i);
        if (i != HTTP_SOURCE && span_is(bytes, method, (struct text){name, strlen(name)})) {
            return true; /* SOURCE is of another protocol, and not taken in its requests */
        }
    }
    return false;
}

static const char *compare_target(const char *bytes, const struct vd_http_request *request,
                                  struct text url)
{
    struct http_parser_url parts;
    if (bytes[request->target.offset] != '/' || url.bytes[0] == '/') {
        return span_is(bytes, request->target, url) ? NULL : "they read another target";
    }
    http_parser_url_init(&parts);
    if (http_parser_parse_url(url.bytes, url.length, 0, &parts) != 0) {
        /* its URL reader takes fewer bytes in a host name than RFC 3986; its request reader took
         * them */
        return NULL;
    }
    struct text path = {"/", 1};
    struct text query = {"", 0};
    if (parts.field_set & 1 << UF_PATH) {
        path =
            (struct text){url.bytes + parts.field_data[UF_PATH].off, parts.field_data[UF_PATH].len};
    }
    if (parts.field_set & 1 << UF_QUERY) {
        query = (struct text){url.bytes + parts.field_data[UF_QUERY].off,
                              parts.field_data[UF_QUERY].len};
    }
    return span_is(bytes, request->path, path) && span_is(bytes, request->query, query)
               ? NULL
               : "they read another path or query";
}

static struct text trim_end(struct text text)
{
    while (text.length > 0 &&
           (text.bytes[text.length - 1] == ' ' || text.bytes[text.length - 1] == '\t')) {
        text.length--;
    }
    return text;
}

static const char *compare_headers(const char *bytes, const struct vd_http_request *request,
                                   const struct theirs *theirs)
{
    if (request->header_count != theirs->header_count) {
        return "they count other headers";
    }
    for (size_t i = 0; i < request->header_count; i++) {
        if (!span_is(bytes, request->headers[i].name, theirs->names[i])) {
            return "they read another header name";
        }
        /* they leave white space at the end of a value */
        if (!span_is(bytes, request->headers[i].value, trim_end(theirs->values[i]))) {
            return "they read another header value";
        }
    }
    return NULL;
}

static bool is_plain_word(const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (!isalnum((unsigned char)bytes[i]) && bytes[i] != '-') {
            return false;
        }
    }
    return length > 0;
}

/* "Clos", in any case: a word of theirs that is not finished. */
static bool is_begun_option(const char *bytes, size_t length)
{
    static const char *const options[] = {"close", "keep-alive", "upgrade"};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        if (length < strlen(options[i]) && strncasecmp(bytes, options[i], length) == 0) {
            return true;
        }
    }
    return false;
}

/* A list that they are known to read in another way: they know no tab in it (RFC 9110 5.6.3 does),
 * and after an empty element (5.6.1.2), an unfinished option or some bytes of a token they skip the
 * next one. */
static bool list_is_peculiar(const char *at, const char *end)
{
    if (memchr(at, '\t', (size_t)(end - at))) {
        return true;
    }
    while (at < end) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma ? comma : end;
        while (at < stop && *at == ' ') {
            at++;
        }
        size_t length = trim_end((struct text){at, (size_t)(stop - at)}).length;
        if (!is_plain_word(at, length) || is_begun_option(at, length)) {
            return true;
        }
        at = comma ? comma + 1 : end;
    }
    return false;
}

/* They also take Proxy-Connection for Connection. */
static bool connection_is_peculiar(const char *bytes, const struct vd_http_request *request)
{
    for (size_t i = 0; i < request->header_count; i++) {
        struct vd_http_span name = request->headers[i].name;
        const char *value = bytes + name.offset + name.length + 1; /* with its white space */
        if (vd_http_name_is(bytes + name.offset, name.length, "proxy-connection")) {
            return true;
        }
        if (vd_http_name_is(bytes + name.offset, name.length, "connection") &&
            list_is_peculiar(value, strchr(value, '\r'))) {
            return true;
        }
    }
    return false;
}

static const char *compare_keep_alive(const char *bytes, const struct vd_http_request *request,
                                      const struct theirs *theirs)
{
    if (request->keep_alive == theirs->keep_alive || connection_is_peculiar(bytes, request)) {
        return NULL;
    }
    /* of "keep-alive, close" in HTTP/1.0 they hear the first word; RFC 9112 9.3 asks for `close`
     * first */
    if (!request->keep_alive && request->minor_version == 0) {
        return NULL;
    }
    return "they disagree whether the connection stays";
}

/* They take a name that only begins with Transfer-Encoding for one, in part, and miss a length
 * beside it. */
static bool has_longer_coding_name(const char *bytes, const struct vd_http_request *request)
{
    static const char coding[] = "transfer-encoding";
    for (size_t i = 0; i < request->header_count; i++) {
        struct vd_http_span name = request->headers[i].name;
        if (name.length >= sizeof coding &&
            vd_http_name_is(bytes + name.offset, sizeof coding - 1, coding)) {
            return true;
        }
    }
    return false;
}

static const char *compare_body(const struct ours *ours, const struct theirs *theirs)
{
    if (ours->body_length > BODY_BYTES_MAX || theirs->trailer_with_meaning) {
        return NULL;
    }
    if (theirs->error != HPE_OK) {
        return "they refuse the body";
    }
    if ((ours->body_result == VD_HTTP_COMPLETE) != theirs->message_complete) {
        return "they see the end of the body elsewhere";
    }
    if (ours->body_length != theirs->body_length ||
        memcmp(ours->body, theirs->body, ours->body_length) != 0) {
        return "they read another body";
    }
    return NULL;
}

static const char *compare(const char *bytes, const struct ours *ours, const struct theirs *theirs)
{
    const struct vd_http_request *request = &ours->request;
    if (!method_is_known(bytes, request->method_span) || has_longer_coding_name(bytes, request)) {
        return NULL; /* they take a fixed list of methods */
    }
    if (!theirs->head_complete) {
        return "they refuse the head";
    }
    if (!span_is(bytes, request->method_span,
                 (struct text){theirs->method, strlen(theirs->method)})) {
        return "they read another method";
    }
    if (request->minor_version != theirs->minor) {
        return "they read another version";
    }
    const char *where = compare_target(bytes, request, theirs->url);
    where = where ? where : compare_headers(bytes, request, theirs);
    where = where ? where : compare_keep_alive(bytes, request, theirs);
    return where || ours->body_result == VD_HTTP_BAD ? where : compare_body(ours, theirs);
}

const char *http_oracle_disagreement(const char *bytes, size_t length, bool *accepted)
{
    struct ours *ours = calloc(1, sizeof *ours);
    struct theirs *theirs = calloc(1, sizeof *theirs);
    if (!ours || !theirs) {
        abort();
    }
    const char *where = NULL;
    read_ours(ours, bytes, length);
    *accepted = ours->head_result == VD_HTTP_COMPLETE;
    if (*accepted) {
        read_theirs(theirs, bytes, ours->total);
        where = compare(bytes, ours, theirs);
    }
    free(theirs);
    free(ours);
    return where;
}
