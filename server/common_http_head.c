/* SPDX-License-Identifier: Apache-2.0 */
/* The head of a request: request line and header lines (RFC 9112 2 to 5).
 *
 * Happy path: memchr finds the empty line, then one pass with table look-ups reads the head from
 * left to right and notes spans. Nothing is copied or allocated.
 *
 * What a call returns depends on the bytes so far and never on how they were cut into calls: the
 * head is judged when its end is there, or a LF without CR, or a limit is passed; the request line
 * already when its own end is there, so that who speaks another protocol learns it at once.
 *
 * Failure modes: every deviation from the grammar is refused with a status and one sentence. A
 * tolerant reader in a chain of strict ones is what request smuggling lives on. */
#include "common_http.h"

#include <string.h>

#include "common_http_chars.h"
#include "common_http_fields.h"

/* *scanned = bytes searched << 1 | was the request line judged already */
#define LINE_JUDGED ((size_t)1)

/* Every loop below runs over bytes whose last one is LF, which is in no class: it stops there. */
static const char *skip_class(const char *at, enum vd_http_char class)
{
    while (vd_http_char_is(*at, class)) {
        at++;
    }
    return at;
}

static struct vd_http_span span_of(const struct vd_http_head *head, const char *from,
                                   const char *to)
{
    return (struct vd_http_span){(uint32_t)(from - head->bytes), (uint32_t)(to - from)};
}

/* Methods are case-sensitive (RFC 9110 9.1). */
static enum vd_http_method method_of(const char *name, size_t length)
{
    static const struct {
        char name[8];
        uint8_t length;
        uint8_t method;
    } methods[] = {
        {"GET", 3, VD_HTTP_GET},         {"POST", 4, VD_HTTP_POST},
        {"HEAD", 4, VD_HTTP_HEAD},       {"PUT", 3, VD_HTTP_PUT},
        {"PATCH", 5, VD_HTTP_PATCH},     {"DELETE", 6, VD_HTTP_DELETE},
        {"OPTIONS", 7, VD_HTTP_OPTIONS}, {"CONNECT", 7, VD_HTTP_CONNECT},
        {"TRACE", 5, VD_HTTP_TRACE},
    };
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (length == methods[i].length && memcmp(name, methods[i].name, length) == 0) {
            return (enum vd_http_method)methods[i].method;
        }
    }
    return VD_HTTP_OTHER;
}

/* @at stands behind the target's space, @end behind the last byte there is. */
static bool parse_version(struct vd_http_head *head, const char *at, const char *end)
{
    if (end - at < 10 || memcmp(at, "HTTP/", 5) != 0 || at[5] < '0' || at[5] > '9' ||
        at[6] != '.' || at[7] < '0' || at[7] > '9' || at[8] != '\r' || at[9] != '\n') {
        return vd_http_head_fail(head, 400,
                                 "The request line must end in one space, HTTP/1.1 and CRLF.");
    }
    if (at[5] != '1' || at[7] > '1') {
        return vd_http_head_fail(head, 505, "The versions spoken here are HTTP/1.1 and HTTP/1.0.");
    }
    head->request->minor_version = (unsigned)(at[7] - '0');
    return true;
}

static void split_target(struct vd_http_head *head, const char *target, const char *end)
{
    const char *mark = memchr(target, '?', (size_t)(end - target));
    head->request->target = span_of(head, target, end);
    head->request->path = span_of(head, target, mark ? mark : end);
    head->request->query = mark ? span_of(head, mark + 1, end) : span_of(head, end, end);
}

/* "http://host/path": proxies may send it to any server. The host is compared with Host later. */
static bool parse_absolute_form(struct vd_http_head *head, const char *target, const char *end)
{
    const char *colon = memchr(target, ':', (size_t)(end - target));
    size_t scheme_length = colon ? (size_t)(colon - target) : 0;
    if (!colon || end - colon < 4 || colon[1] != '/' || colon[2] != '/' ||
        !(vd_http_name_is(target, scheme_length, "http") ||
          vd_http_name_is(target, scheme_length, "https"))) {
        return vd_http_head_fail(head, 400, "The request target must begin with a slash.");
    }
    const char *authority = colon + 3;
    const char *path = authority;
    while (path < end && *path != '/' && *path != '?') {
        path++;
    }
    head->authority = span_of(head, authority, path);
    if (path == authority || (path < end && *path == '?')) {
        return vd_http_head_fail(head, 400, "The request target lacks a host or a path.");
    }
    if (path == end) { /* an empty path means "/": there is one in front of the host */
        split_target(head, authority - 1, authority);
    } else {
        split_target(head, path, end);
    }
    return true;
}

static bool parse_target(struct vd_http_head *head, const char *target, const char *end)
{
    if (*target == '/') {
        split_target(head, target, end);
        return true;
    }
    if (*target == '*' && end - target == 1) {
        split_target(head, target, end);
        return head->request->method == VD_HTTP_OPTIONS ||
               vd_http_head_fail(head, 400, "The target * is for OPTIONS only.");
    }
    return parse_absolute_form(head, target, end);
}

/* Method, target, version, each divided by exactly one space. *@at moves behind the CRLF. */
static bool parse_request_line(struct vd_http_head *head, const char **at, const char *end)
{
    const char *method = *at;
    const char *method_end = skip_class(method, VD_HTTP_CHAR_TOKEN);
    if (method_end == method || *method_end != ' ') {
        return vd_http_head_fail(head, 400,
                                 "The request line must begin with a method and one space.");
    }
    const char *target = method_end + 1;
    const char *target_end = skip_class(target, VD_HTTP_CHAR_TARGET);
    if (target_end == target || *target_end != ' ') {
        return vd_http_head_fail(
            head, 400, "The request line must be a method, a target and a version (HTTP/1.1).");
    }
    head->request->method_span = span_of(head, method, method_end);
    head->request->method = method_of(method, (size_t)(method_end - method));
    if (!parse_version(head, target_end + 1, end)) {
        return false;
    }
    if (head->request->method == VD_HTTP_CONNECT || head->request->method == VD_HTTP_TRACE) {
        return vd_http_head_fail(head, 501, "CONNECT and TRACE are not served here.");
    }
    *at = target_end + sizeof(" HTTP/1.1\r\n") - 1;
    return parse_target(head, target, target_end);
}

static bool refuse_field_name(struct vd_http_head *head, const char *name, const char *at)
{
    bool space = *at == ' ' || *at == '\t';
    if (space && at == name) {
        return vd_http_head_fail(head, 400, "A header must not be folded over several lines.");
    }
    if (space) {
        return vd_http_head_fail(head, 400, "There must be no space before a header's colon.");
    }
    return vd_http_head_fail(head, 400, "A header line must be a name, a colon and a value.");
}

static bool parse_field(struct vd_http_head *head, const char **at, const char *end)
{
    const char *name = *at;
    const char *name_end = skip_class(name, VD_HTTP_CHAR_TOKEN);
    if (name_end == name || *name_end != ':') {
        return refuse_field_name(head, name, name_end);
    }
    const char *value = name_end + 1;
    while (*value == ' ' || *value == '\t') {
        value++;
    }
    const char *value_end = vd_http_skip_value(value, end);
    if (value_end[0] != '\r' || value_end[1] != '\n') {
        return vd_http_head_fail(head, 400,
                                 "A header value must not hold control characters and must end "
                                 "in CRLF.");
    }
    *at = value_end + 2;
    while (value_end > value && (value_end[-1] == ' ' || value_end[-1] == '\t')) {
        value_end--;
    }
    size_t index = head->request->header_count++;
    head->request->headers[index].name = span_of(head, name, name_end);
    head->request->headers[index].value = span_of(head, value, value_end);
    return vd_http_head_note(head, index);
}

/* The head lies whole in [@at, @end), or at least up to a LF that must be refused. */
static bool parse_lines(struct vd_http_head *head, const char *at, const char *end,
                        size_t header_count_max)
{
    if (!parse_request_line(head, &at, end)) {
        return false;
    }
    while (*at != '\r') {
        if (head->request->header_count == header_count_max) {
            return vd_http_head_fail(head, 431, "There are too many headers.");
        }
        if (!parse_field(head, &at, end)) {
            return false;
        }
    }
    if (at + 2 != end || at[1] != '\n') {
        return vd_http_head_fail(head, 400, "A CR must be followed by a LF.");
    }
    head->request->head_length = (size_t)(end - head->bytes);
    return vd_http_head_conclude(head);
}

static void head_init(struct vd_http_head *head, const char *bytes, struct vd_http_request *request,
                      struct vd_http_error *error)
{
    *head = (struct vd_http_head){.bytes = bytes, .request = request, .error = error};
    request->header_count = 0;
    request->chunked = false;
    request->has_content_length = false;
    request->content_length = 0;
    request->host = -1;
    request->last_event_id = -1;
}

/* RFC 9112 2.2: one empty line before the request line is forgiven. */
static enum vd_http_result skip_empty_line(struct vd_http_head *head, size_t length, size_t *start)
{
    *start = 0;
    if (length == 0 || head->bytes[0] != '\r') {
        return length == 0 ? VD_HTTP_INCOMPLETE : VD_HTTP_COMPLETE;
    }
    if (length == 1) {
        return VD_HTTP_INCOMPLETE;
    }
    if (head->bytes[1] != '\n') {
        vd_http_head_fail(head, 400, "A CR must be followed by a LF.");
        return VD_HTTP_BAD;
    }
    *start = 2;
    return VD_HTTP_COMPLETE;
}

/* How far the search for the head's end has come. */
struct search {
    size_t start;  /* of the request line */
    size_t window; /* bytes that may be looked at */
    size_t at;     /* bytes searched */
    size_t line;   /* behind the LF of the request line; 0: not seen in this call */
    bool judged;   /* the request line was seen in an earlier call */
};

/* Look for the LF that ends the head, or one that no head may hold: behind it, or 0. */
static size_t search_end(struct search *search, const char *bytes)
{
    while (search->at < search->window) {
        const char *lf = memchr(bytes + search->at, '\n', search->window - search->at);
        if (!lf) {
            search->at = search->window;
            return 0;
        }
        search->at = (size_t)(lf - bytes) + 1;
        if (!search->judged && search->line == 0) {
            search->line = search->at;
        }
        size_t line_bytes = search->at - search->start;
        if (line_bytes < 2 || lf[-1] != '\r' || line_bytes == 2 || lf[-2] == '\n') {
            return search->at;
        }
    }
    return 0;
}

/* Is the request line, or what there is of it, longer than allowed? */
static bool line_is_too_long(const struct search *search, const struct vd_http_limits *limits)
{
    if (search->judged) {
        return false;
    }
    if (search->line == 0) {
        return search->window - search->start >= limits->line_bytes + 2 ||
               search->window >= limits->head_bytes;
    }
    return search->line - search->start > limits->line_bytes + 2;
}

enum vd_http_result vd_http_parse_head(const char *bytes, size_t length, size_t *scanned,
                                       const struct vd_http_limits *limits,
                                       struct vd_http_request *request, struct vd_http_error *error)
{
    struct vd_http_head head;
    head_init(&head, bytes, request, error);
    struct search search = {.judged = *scanned & LINE_JUDGED, .at = *scanned >> 1};
    enum vd_http_result skipped = skip_empty_line(&head, length, &search.start);
    if (skipped != VD_HTTP_COMPLETE) {
        return skipped;
    }
    search.window = length < limits->head_bytes ? length : limits->head_bytes;
    if (search.window < search.start) {
        search.window = search.start;
    }
    if (search.at < search.start) {
        search.at = search.start;
    }
    size_t end = search_end(&search, bytes);
    *scanned = search.at << 1 | (search.judged || search.line > 0 ? LINE_JUDGED : 0);

    if (line_is_too_long(&search, limits)) {
        vd_http_head_fail(&head, 414, "The request line is too long.");
        return VD_HTTP_BAD;
    }
    if (end > 0) {
        size_t count_max =
            limits->header_count < VD_HTTP_HEADERS_MAX ? limits->header_count : VD_HTTP_HEADERS_MAX;
        bool fine = parse_lines(&head, bytes + search.start, bytes + end, count_max);
        return fine ? VD_HTTP_COMPLETE : VD_HTTP_BAD;
    }
    const char *line = bytes + search.start;
    if (search.line > 0 && !parse_request_line(&head, &line, bytes + search.line)) {
        return VD_HTTP_BAD;
    }
    if (length >= limits->head_bytes) {
        vd_http_head_fail(&head, 431, "The headers are too large.");
        return VD_HTTP_BAD;
    }
    return VD_HTTP_INCOMPLETE;
}
