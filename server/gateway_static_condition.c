/* SPDX-License-Identifier: Apache-2.0 */
/* Conditional requests, in the order of RFC 9110 13.2.2.
 *
 * Happy path of a cache: If-None-Match names the file's tag, the answer is 304.
 *
 * Failure modes: a date that is none, or comes twice, is as good as absent (13.1.3, 13.1.4); a list
 * of tags is read up to its first mistake. What cannot be understood never makes a 304 and never
 * lets an If-Match pass. */
#include <string.h>

#include "gateway_static.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* etagc (8.8.3): visible but for the quote, or obs-text. */
static bool is_tag_byte(unsigned char c)
{
    return c == 0x21 || (c >= 0x23 && c != 0x7f);
}

struct tag {
    bool weak;
    struct vd_text opaque; /* with its quotes */
};

/* The next entity tag of a list; @list moves behind it. */
static bool next_tag(struct vd_text *list, struct tag *tag)
{
    const char *at = list->bytes, *end = at + list->length, *start;

    while (at < end && (is_space(*at) || *at == ','))
        at++;
    tag->weak = end - at >= 2 && at[0] == 'W' && at[1] == '/';
    if (tag->weak)
        at += 2;
    start = at;
    if (at == end || *at++ != '"')
        return false;
    while (at < end && is_tag_byte((unsigned char)*at))
        at++;
    if (at == end || *at++ != '"')
        return false;
    tag->opaque = (struct vd_text){start, (size_t)(at - start)};
    while (at < end && is_space(*at))
        at++;
    if (at < end && *at != ',')
        return false;
    *list = (struct vd_text){at, (size_t)(end - at)};
    return true;
}

static bool tag_is(const struct tag *tag, const char *etag)
{
    return tag->opaque.length == strlen(etag) &&
           memcmp(tag->opaque.bytes, etag, tag->opaque.length) == 0;
}

/* Does the header's list, over all its lines, name the tag? `*` stands for any. */
static bool list_names(const struct vd_http_request *head, const char *bytes, const char *name,
                       const char *etag, bool weakly)
{
    struct vd_text value;
    struct tag tag;
    size_t from = 0;

    while (gw_static_field(head, bytes, name, &from, &value)) {
        if (value.length == 1 && value.bytes[0] == '*')
            return true;
        while (next_tag(&value, &tag)) {
            if ((weakly || !tag.weak) && tag_is(&tag, etag))
                return true;
        }
    }
    return false;
}

static bool has(const struct vd_http_request *head, const char *bytes, const char *name)
{
    struct vd_text value;
    size_t from = 0;

    return gw_static_field(head, bytes, name, &from, &value);
}

/* The only line of that name, and a date. */
static bool only_date(const struct vd_http_request *head, const char *bytes, const char *name,
                      uint64_t now_s, uint64_t *seconds)
{
    struct vd_text value, second;
    size_t from = 0;

    return gw_static_field(head, bytes, name, &from, &value) &&
           !gw_static_field(head, bytes, name, &from, &second) &&
           vd_http_date_parse(value.bytes, value.length, now_s, seconds);
}

enum gw_static_condition gw_static_condition(const struct vd_http_request *head, const char *bytes,
                                             const struct gw_static_validators *validators)
{
    uint64_t date;

    if (has(head, bytes, "if-match")) {
        if (!list_names(head, bytes, "if-match", validators->etag, false))
            return GW_STATIC_FAILED;
    } else if (only_date(head, bytes, "if-unmodified-since", validators->now_s, &date) &&
               validators->modified_s > date) {
        return GW_STATIC_FAILED;
    }
    if (has(head, bytes, "if-none-match")) {
        return list_names(head, bytes, "if-none-match", validators->etag, true)
                   ? GW_STATIC_NOT_MODIFIED
                   : GW_STATIC_PROCEED;
    }
    if (only_date(head, bytes, "if-modified-since", validators->now_s, &date) &&
        validators->modified_s <= date)
        return GW_STATIC_NOT_MODIFIED;
    return GW_STATIC_PROCEED;
}

/* A date is a strong validator only when the file cannot have changed again within its second
 * (8.8.2.2). */
bool gw_static_range_applies(const struct vd_http_request *head, const char *bytes,
                             const struct gw_static_validators *validators)
{
    struct vd_text value, second;
    struct tag tag;
    size_t from = 0;
    uint64_t date;

    if (!gw_static_field(head, bytes, "if-range", &from, &value))
        return true;
    if (gw_static_field(head, bytes, "if-range", &from, &second))
        return false;
    if (value.length && (value.bytes[0] == '"' || value.bytes[0] == 'W') && next_tag(&value, &tag))
        return value.length == 0 && !tag.weak && tag_is(&tag, validators->etag);
    return vd_http_date_parse(value.bytes, value.length, validators->now_s, &date) &&
           date == validators->modified_s && validators->now_s > validators->modified_s + 1;
}
