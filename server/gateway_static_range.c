/* SPDX-License-Identifier: Apache-2.0 */
/* Range: bytes=first-last, first-, -suffix, .. (RFC 9110 14.1.2).
 *
 * Happy path: one range that begins within the file. Several that do not overlap become a
 * multipart/byteranges body; those of them that begin behind the end are left out.
 *
 * Failure modes: whatever is malformed is ignored, the answer is the whole file; so is a set that
 * would make the server work for nothing (many ranges, or the same bytes twice: CVE-2011-3192 of
 * another server). A set of which nothing lies within the file is 416. */
#include "gateway_static.h"

struct reader {
    const char *at;
    const char *end;
};

static bool more(const struct reader *reader)
{
    return reader->at < reader->end;
}

static void skip_space(struct reader *reader)
{
    while (more(reader) && (*reader->at == ' ' || *reader->at == '\t'))
        reader->at++;
}

/* 1*DIGIT; what does not fit counts as larger than any file. */
static bool number(struct reader *reader, uint64_t *value)
{
    const char *start = reader->at;

    for (*value = 0; more(reader) && *reader->at >= '0' && *reader->at <= '9'; reader->at++) {
        unsigned digit = (unsigned)(*reader->at - '0');

        *value = *value > (UINT64_MAX - digit) / 10 ? UINT64_MAX : *value * 10 + digit;
    }
    return reader->at > start;
}

/* One range-spec against a file of @size bytes; a length of 0: not satisfiable. */
static bool range(struct reader *reader, uint64_t size, struct gw_static_range *range)
{
    uint64_t first = 0, last = UINT64_MAX;
    bool from_start = number(reader, &first);

    if (!more(reader) || *reader->at++ != '-')
        return false;
    bool to = number(reader, &last);
    if (!from_start) {
        if (!to)
            return false;
        range->length = last < size ? last : size;
        range->first = size - range->length;
        return size > 0 || last == 0; /* the end of nothing: satisfiable, yet no 206 can say it */
    }
    if (to && last < first)
        return false;
    if (!to || last >= size)
        last = size - 1;
    range->first = first;
    range->length = first < size ? last - first + 1 : 0;
    return true;
}

static bool overlaps(const struct gw_static_ranges *ranges, const struct gw_static_range *range)
{
    for (unsigned i = 0; i < ranges->count; i++) {
        const struct gw_static_range *other = &ranges->at[i];

        if (range->first < other->first + other->length &&
            other->first < range->first + range->length)
            return true;
    }
    return false;
}

/* Step over white space, and commas with nothing between them (5.6.1). */
static bool next_member(struct reader *reader)
{
    skip_space(reader);
    while (more(reader) && *reader->at == ',') {
        reader->at++;
        skip_space(reader);
    }
    return more(reader);
}

/* false: the set is to be ignored. */
static bool read_set(struct reader *reader, uint64_t size, struct gw_static_ranges *ranges)
{
    struct gw_static_range one;
    unsigned asked = 0;

    while (next_member(reader)) {
        if (!range(reader, size, &one))
            return false;
        skip_space(reader);
        if ((more(reader) && *reader->at != ',') || ++asked > GW_STATIC_RANGES_MAX)
            return false;
        if (one.length == 0)
            continue;
        if (overlaps(ranges, &one))
            return false;
        ranges->at[ranges->count++] = one;
    }
    return asked > 0;
}

enum gw_static_span gw_static_range(struct vd_text value, uint64_t size,
                                    struct gw_static_ranges *ranges)
{
    struct reader reader = {.end = value.bytes + value.length};

    ranges->count = 0;
    if (value.length < 6 || !vd_http_name_is(value.bytes, 6, "bytes="))
        return GW_STATIC_WHOLE;
    reader.at = value.bytes + 6;
    if (!read_set(&reader, size, ranges)) {
        ranges->count = 0;
        return GW_STATIC_WHOLE;
    }
    return ranges->count ? GW_STATIC_PARTIAL : GW_STATIC_UNSATISFIABLE;
}
