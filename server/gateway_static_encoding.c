/* SPDX-License-Identifier: Apache-2.0 */
/* Accept-Encoding (RFC 9110 12.5.3): which of the codings that lie ready beside a file a client
 * takes, the one it likes best first.
 *
 * A coding that is not named has the weight of `*`, and without `*` is not taken; identity, not
 * named, is taken last. Equal weights: brotli before gzip before identity, since the first is the
 * smallest. A member with a malformed weight is skipped. */
#include <string.h>

#include "gateway_static.h"

#define UNNAMED (-1)

struct weights {
    int of[GW_STATIC_ENCODINGS]; /* thousandths, or UNNAMED */
    int any;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

static struct vd_text trim(struct vd_text text)
{
    while (text.length && is_space(text.bytes[0])) {
        text.bytes++;
        text.length--;
    }
    while (text.length && is_space(text.bytes[text.length - 1]))
        text.length--;
    return text;
}

/* The part of @text before the first @mark; @text moves behind it. */
static struct vd_text cut(struct vd_text *text, char mark)
{
    const char *at = memchr(text->bytes, mark, text->length);
    struct vd_text part = {text->bytes, at ? (size_t)(at - text->bytes) : text->length};
    size_t used = at ? part.length + 1 : part.length;

    text->bytes += used;
    text->length -= used;
    return trim(part);
}

/* qvalue: 0, 1, 0.xxx, 1.000. Returns thousandths, or -1. */
static int qvalue(struct vd_text text)
{
    int value, scale = 100;

    if (text.length < 1 || text.length > 5 || text.bytes[0] < '0' || text.bytes[0] > '1' ||
        (text.length > 1 && text.bytes[1] != '.'))
        return -1;
    value = (text.bytes[0] - '0') * 1000;
    for (size_t i = 2; i < text.length; i++, scale /= 10) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9')
            return -1;
        value += (text.bytes[i] - '0') * scale;
    }
    return value <= 1000 ? value : -1;
}

/* What stands behind the coding's name. */
static int weight(struct vd_text parameters)
{
    parameters = trim(parameters);
    if (parameters.length == 0)
        return 1000;
    if (parameters.length < 3 || (parameters.bytes[0] | 0x20) != 'q' || parameters.bytes[1] != '=')
        return -1;
    return qvalue((struct vd_text){parameters.bytes + 2, parameters.length - 2});
}

static void note(struct weights *weights, struct vd_text member)
{
    struct vd_text name = cut(&member, ';');
    int q = weight(member);

    if (q < 0)
        return;
    if (vd_http_name_is(name.bytes, name.length, "br")) {
        weights->of[GW_STATIC_BROTLI] = q;
    } else if (vd_http_name_is(name.bytes, name.length, "gzip") ||
               vd_http_name_is(name.bytes, name.length, "x-gzip")) {
        weights->of[GW_STATIC_GZIP] = q;
    } else if (vd_http_name_is(name.bytes, name.length, "identity")) {
        weights->of[GW_STATIC_IDENTITY] = q;
    } else if (name.length == 1 && name.bytes[0] == '*') {
        weights->any = q;
    }
}

/* Twice the weight, so that an unnamed identity fits in below the least one. */
static int rank(const struct weights *weights, enum gw_static_encoding encoding)
{
    int q = weights->of[encoding] == UNNAMED ? weights->any : weights->of[encoding];

    if (encoding == GW_STATIC_IDENTITY)
        return q == UNNAMED || q == 0 ? 1 : 2 * q;
    return q == UNNAMED ? 0 : 2 * q;
}

unsigned gw_static_encodings(const struct vd_http_request *head, const char *bytes,
                             enum gw_static_encoding order[GW_STATIC_ENCODINGS])
{
    struct weights weights = {.of = {UNNAMED, UNNAMED, UNNAMED}, .any = UNNAMED};
    unsigned count = 0;
    struct vd_text value;
    size_t from = 0;

    while (gw_static_field(head, bytes, "accept-encoding", &from, &value)) {
        while (value.length)
            note(&weights, cut(&value, ','));
    }
    for (int encoding = GW_STATIC_ENCODINGS - 1; encoding >= 0; encoding--) {
        int mine = rank(&weights, (enum gw_static_encoding)encoding);
        unsigned at = count;

        if (mine == 0)
            continue;
        for (; at > 0 && rank(&weights, order[at - 1]) < mine; at--)
            order[at] = order[at - 1];
        order[at] = (enum gw_static_encoding)encoding;
        count++;
    }
    return count;
}
