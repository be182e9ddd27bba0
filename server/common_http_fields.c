/* SPDX-License-Identifier: Apache-2.0 */
/* Host, Content-Length, Transfer-Encoding, Connection, Expect, Last-Event-ID.
 *
 * Happy path: each header line is offered once (vd_http_head_note); a switch over the name's length
 * leaves nearly all of them at once. After the last one the parts are judged together.
 *
 * Failure modes: whatever two servers in a row could read differently is refused (RFC 9112 6.3 and
 * 11.2, request smuggling): two lengths even when equal, a length and a coding, a coding before
 * HTTP/1.1, `chunked` that is not the last coding, a list where one number belongs, two hosts, a
 * tab around a length or coding (allowed, but there are readers that take it for a part of it). */
#include "common_http_fields.h"

#include <string.h>

#include "common_http_chars.h"

#define LENGTH_DIGITS_MAX 18 /* below 10^18 nothing overflows, here or in whoever adds to it */
#define PORT_DIGITS_MAX   5

struct element {
    const char *bytes;
    size_t length;
};

bool vd_http_head_fail(struct vd_http_head *head, unsigned status, const char *reason)
{
    head->error->status = status;
    head->error->reason = reason;
    return false;
}

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t';
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* The next element of a comma-separated list (RFC 9110 5.6.1: empty ones are skipped). */
static bool next_element(const char **at, const char *end, struct element *element)
{
    while (*at < end && (is_space(**at) || **at == ',')) {
        (*at)++;
    }
    if (*at == end) {
        return false;
    }
    element->bytes = *at;
    while (*at < end && **at != ',') {
        (*at)++;
    }
    element->length = (size_t)(*at - element->bytes);
    while (is_space(element->bytes[element->length - 1])) {
        element->length--;
    }
    return true;
}

/* Only spaces may surround the value; behind it comes CRLF, at which the search ends. */
static bool refuse_tab(struct vd_http_head *head, const struct vd_http_field *field)
{
    const char *at = head->bytes + field->name.offset + field->name.length + 1;
    const char *value = head->bytes + field->value.offset;
    bool tab = memchr(at, '\t', (size_t)(value - at)) != NULL;
    for (at = value + field->value.length; *at != '\r'; at++) {
        tab = tab || *at == '\t';
    }
    return !tab ||
           vd_http_head_fail(head, 400, "There must be no tab beside a Content-Length or coding.");
}

static bool note_content_length(struct vd_http_head *head, const char *value, size_t length)
{
    struct vd_http_request *request = head->request;
    if (request->has_content_length) {
        return vd_http_head_fail(head, 400, "There must not be two Content-Length headers.");
    }
    if (length == 0 || length > LENGTH_DIGITS_MAX) {
        return vd_http_head_fail(head, 400, "Content-Length must be a number of 1 to 18 digits.");
    }
    uint64_t number = 0;
    for (size_t i = 0; i < length; i++) {
        if (!is_digit(value[i])) {
            return vd_http_head_fail(head, 400, "Content-Length must consist of digits only.");
        }
        number = number * 10 + (uint64_t)(value[i] - '0');
    }
    request->has_content_length = true;
    request->content_length = number;
    return true;
}

/* RFC 9112 6.3: without `chunked` at the end the body has no known length: 400, not 501. */
static bool note_transfer_encoding(struct vd_http_head *head, const char *value, size_t length)
{
    if (head->transfer_encoding) {
        return vd_http_head_fail(head, 400, "There must not be two Transfer-Encoding headers.");
    }
    head->transfer_encoding = true;
    if (vd_http_name_is(value, length, "chunked")) {
        head->request->chunked = true;
        return true;
    }
    struct element coding;
    bool other = false;
    bool last_is_chunked = false;
    for (const char *at = value; next_element(&at, value + length, &coding);) {
        if (last_is_chunked || !vd_http_is_token(coding.bytes, coding.length)) {
            return vd_http_head_fail(head, 400, "Transfer-Encoding is malformed.");
        }
        last_is_chunked = vd_http_name_is(coding.bytes, coding.length, "chunked");
        other = other || !last_is_chunked;
    }
    if (!last_is_chunked || !other) {
        return vd_http_head_fail(head, 400, "Transfer-Encoding must be \"chunked\".");
    }
    return vd_http_head_fail(head, 501, "The only transfer coding understood here is \"chunked\".");
}

static bool note_connection(struct vd_http_head *head, const char *value, size_t length)
{
    struct element option;
    for (const char *at = value; next_element(&at, value + length, &option);) {
        if (!vd_http_is_token(option.bytes, option.length)) {
            return vd_http_head_fail(head, 400, "Connection must be a list of tokens.");
        }
        if (vd_http_name_is(option.bytes, option.length, "close")) {
            head->wants_close = true;
        } else if (vd_http_name_is(option.bytes, option.length, "keep-alive")) {
            head->wants_keep_alive = true;
        }
    }
    return true;
}

static bool is_ip_literal_byte(char byte)
{
    char lower = (char)(byte | 0x20);
    return is_digit(byte) || byte == ':' || byte == '.' || (lower >= 'a' && lower <= 'f');
}

/* uri-host [ ":" port ], RFC 3986 3.2.2; an http URI has a host that is not empty. */
bool vd_http_is_authority(const char *at, const char *end)
{
    if (at < end && *at == '[') {
        const char *first = ++at;
        while (at < end && is_ip_literal_byte(*at)) {
            at++;
        }
        if (at == first || at == end || *at++ != ']') {
            return false;
        }
    } else {
        const char *first = at;
        at = vd_http_skip(at, end, VD_HTTP_CHAR_HOST);
        if (at == first) {
            return false;
        }
    }
    if (at == end) {
        return true;
    }
    if (*at++ != ':' || end - at > PORT_DIGITS_MAX) {
        return false;
    }
    while (at < end && is_digit(*at)) {
        at++;
    }
    return at == end;
}

static bool note_host(struct vd_http_head *head, size_t index, const char *value, size_t length)
{
    if (head->request->host >= 0) {
        return vd_http_head_fail(head, 400, "There must not be two Host headers.");
    }
    if (!vd_http_is_authority(value, value + length)) {
        return vd_http_head_fail(head, 400, "Host must be a host name or address.");
    }
    head->request->host = (int)index;
    return true;
}

bool vd_http_head_note(struct vd_http_head *head, size_t index)
{
    const struct vd_http_field *field = &head->request->headers[index];
    const char *name = head->bytes + field->name.offset;
    const char *value = head->bytes + field->value.offset;
    switch (field->name.length) {
    case 4:
        return !vd_http_name_is(name, 4, "host") ||
               note_host(head, index, value, field->value.length);
    case 6:
        if (vd_http_name_is(name, 6, "expect") &&
            vd_http_name_is(value, field->value.length, "100-continue")) {
            head->expects_continue = true;
        }
        return true;
    case 10:
        return !vd_http_name_is(name, 10, "connection") ||
               note_connection(head, value, field->value.length);
    case 13:
        if (head->request->last_event_id < 0 && vd_http_name_is(name, 13, "last-event-id")) {
            head->request->last_event_id = (int)index;
        }
        return true;
    case 14:
        return !vd_http_name_is(name, 14, "content-length") ||
               (refuse_tab(head, field) && note_content_length(head, value, field->value.length));
    case 17:
        return !vd_http_name_is(name, 17, "transfer-encoding") ||
               (refuse_tab(head, field) &&
                note_transfer_encoding(head, value, field->value.length));
    default:
        return true;
    }
}

static int lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte;
}

/* An absolute-form target names the host a second time; the two must agree (RFC 9112 3.2.2). */
static bool authority_agrees(const struct vd_http_head *head)
{
    const char *authority = head->bytes + head->authority.offset;
    size_t length = head->authority.length;
    if (!vd_http_is_authority(authority, authority + length)) {
        return false;
    }
    if (head->request->host < 0) {
        return true;
    }
    struct vd_http_span host = head->request->headers[head->request->host].value;
    if (host.length != length) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (lower(authority[i]) != lower(head->bytes[host.offset + i])) {
            return false;
        }
    }
    return true;
}

bool vd_http_head_conclude(struct vd_http_head *head)
{
    struct vd_http_request *request = head->request;
    if (request->host < 0 && request->minor_version >= 1) {
        return vd_http_head_fail(head, 400, "A request of HTTP/1.1 needs a Host header.");
    }
    if (head->authority.length > 0 && !authority_agrees(head)) {
        return vd_http_head_fail(head, 400, "The request target and Host name different hosts.");
    }
    if (head->transfer_encoding && request->has_content_length) {
        return vd_http_head_fail(
            head, 400, "Content-Length and Transfer-Encoding must not stand in one request.");
    }
    if (head->transfer_encoding && request->minor_version == 0) {
        return vd_http_head_fail(head, 400, "HTTP/1.0 has no Transfer-Encoding.");
    }
    request->keep_alive =
        !head->wants_close && (request->minor_version >= 1 || head->wants_keep_alive);
    /* RFC 9110 10.1.1: ignored in HTTP/1.0, and pointless without a body. */
    request->expect_continue = head->expects_continue && request->minor_version >= 1 &&
                               (request->chunked || request->content_length > 0);
    return true;
}
