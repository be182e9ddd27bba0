/* SPDX-License-Identifier: Apache-2.0 */
/* Content codings: reading Accept-Encoding (RFC 9110 12.4.2, 12.5.3), choosing, types worth coding.
 *
 * Happy path: "gzip, deflate, br" is walked once, no copy. Failure mode: what is malformed is taken
 * as not said, which at worst sends a response as it is: always right. */
#include "common_coding.h"

#include <string.h>

#include "common_http.h"

#define WEIGHT_ONE 1000

struct span {
    const char *at, *end;
};

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

static struct span trim(struct span text)
{
    while (text.at < text.end && is_blank(*text.at))
        text.at++;
    while (text.end > text.at && is_blank(text.end[-1]))
        text.end--;
    return text;
}

/* The part up to @mark, trimmed; *@text goes on behind it. */
static struct span cut(struct span *text, char mark)
{
    const char *stop =
        text->at < text->end ? memchr(text->at, mark, (size_t)(text->end - text->at)) : NULL;
    struct span part = {text->at, stop ? stop : text->end};

    text->at = stop ? stop + 1 : text->end;
    return trim(part);
}

static bool span_is(struct span text, const char *lower)
{
    return vd_http_name_is(text.at, (size_t)(text.end - text.at), lower);
}

/* "0", "0.5", "1.000": thousandths; -1 for anything else. */
static int read_weight(struct span text)
{
    int weight, unit = WEIGHT_ONE / 10;

    if (text.at == text.end || (*text.at != '0' && *text.at != '1'))
        return -1;
    weight = (*text.at++ - '0') * WEIGHT_ONE;
    if (text.at == text.end)
        return weight;
    if (*text.at++ != '.')
        return -1;
    for (; text.at < text.end; text.at++, unit /= 10) {
        if (*text.at < '0' || *text.at > '9' || unit == 0)
            return -1;
        weight += (*text.at - '0') * unit;
    }
    return weight <= WEIGHT_ONE ? weight : -1;
}

/* What follows the coding's name: nothing, or one "q=". */
static int read_parameters(struct span text)
{
    text = trim(text);
    if (text.end - text.at < 2 || (*text.at | 0x20) != 'q' || text.at[1] != '=')
        return -1;
    text.at += 2;
    return read_weight(text);
}

static void note(uint16_t *weight, bool *named, int value)
{
    if (!*named || value < *weight)
        *weight = (uint16_t)value;
    *named = true;
}

static void read_member(struct vd_coding_accept *accept, struct span member)
{
    const char *semicolon = memchr(member.at, ';', (size_t)(member.end - member.at));
    struct span name = cut(&member, ';');
    int weight = semicolon ? read_parameters(member) : WEIGHT_ONE;

    if (weight < 0)
        return;
    if (span_is(name, "gzip") || span_is(name, "x-gzip")) {
        note(&accept->weight[VD_CODING_GZIP], &accept->named[VD_CODING_GZIP], weight);
    } else if (span_is(name, "br")) {
        note(&accept->weight[VD_CODING_BROTLI], &accept->named[VD_CODING_BROTLI], weight);
    } else if (span_is(name, "identity")) {
        note(&accept->weight[VD_CODING_IDENTITY], &accept->named[VD_CODING_IDENTITY], weight);
    } else if (span_is(name, "*")) {
        note(&accept->rest, &accept->rest_named, weight);
    }
}

void vd_coding_accept_line(struct vd_coding_accept *accept, const char *bytes, size_t length)
{
    struct span list = {bytes, bytes + length};

    while (list.at < list.end) {
        struct span member = cut(&list, ',');

        if (member.at < member.end)
            read_member(accept, member);
    }
}

static unsigned weight_of(const struct vd_coding_accept *accept, enum vd_coding coding)
{
    if (accept->named[coding])
        return accept->weight[coding];
    return accept->rest_named ? accept->rest : 0;
}

enum vd_coding vd_coding_choose(const struct vd_coding_accept *accept, unsigned offered)
{
    static const enum vd_coding preference[] = {VD_CODING_BROTLI, VD_CODING_GZIP};
    enum vd_coding best = VD_CODING_IDENTITY;
    unsigned best_weight = 0;

    for (size_t i = 0; i < sizeof(preference) / sizeof(*preference); i++) {
        unsigned weight = weight_of(accept, preference[i]);

        if ((offered & VD_CODING_BIT(preference[i])) && weight > best_weight) {
            best = preference[i];
            best_weight = weight;
        }
    }
    /* A client that names identity with more weight wants the response as it is. */
    if (accept->named[VD_CODING_IDENTITY] && accept->weight[VD_CODING_IDENTITY] > best_weight)
        return VD_CODING_IDENTITY;
    return best;
}

const char *vd_coding_name(enum vd_coding coding)
{
    static const char *const names[VD_CODINGS] = {"identity", "gzip", "br"};

    return names[coding];
}

/* ---- types -------------------------------------------------------------------------------------
 */

static struct span essence(const char *type, size_t length)
{
    struct span text = {type, type + length};

    return cut(&text, ';');
}

static bool ends_in(struct span text, const char *lower)
{
    size_t length = strlen(lower);

    if ((size_t)(text.end - text.at) <= length)
        return false;
    text.at = text.end - length;
    return span_is(text, lower);
}

static bool is_compressible_application(struct span subtype)
{
    static const char *const names[] = {
        "json",
        "javascript",
        "ecmascript",
        "x-javascript",
        "xml",
        "wasm",
        "graphql",
        "x-ndjson",
        "jsonl",
        "json-seq",
        "yaml",
        "sql",
        "rtf",
        "vnd.ms-fontobject",
        "x-sh",
        "x-font-ttf",
        "x-yaml",
        "toml",
        "x-www-form-urlencoded",
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (span_is(subtype, names[i]))
            return true;
    }
    return false;
}

bool vd_coding_type_is_event_stream(const char *type, size_t length)
{
    return span_is(essence(type, length), "text/event-stream");
}

bool vd_coding_type_compresses(const char *type, size_t length)
{
    struct span subtype = essence(type, length), kind;
    bool has_slash = memchr(subtype.at, '/', (size_t)(subtype.end - subtype.at)) != NULL;

    kind = cut(&subtype, '/');
    if (!has_slash || subtype.at == subtype.end)
        return false;
    if (span_is(kind, "text"))
        return !span_is(subtype, "event-stream");
    if (ends_in(subtype, "+json") || ends_in(subtype, "+xml") || ends_in(subtype, "+text"))
        return true;
    if (span_is(kind, "application"))
        return is_compressible_application(subtype);
    if (span_is(kind, "image")) {
        return span_is(subtype, "bmp") || span_is(subtype, "x-icon") ||
               span_is(subtype, "vnd.microsoft.icon");
    }
    return span_is(kind, "font") && (span_is(subtype, "ttf") || span_is(subtype, "otf"));
}

bool vd_coding_list_has(const char *list, size_t length, const char *member)
{
    struct span rest = {list, list + length};

    while (rest.at < rest.end) {
        struct span one = cut(&rest, ',');

        one = cut(&one, ';');
        one = cut(&one, '=');
        if (span_is(one, member))
            return true;
    }
    return false;
}
