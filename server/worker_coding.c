/* SPDX-License-Identifier: Apache-2.0 */
/* May this response be coded, how, and with which headers (RFC 9110 8.4, 8.8.3, 12.5.5)?
 *
 * Happy path: one pass over the handler's headers, one over the request's. A response that could
 * have been coded says Vary: Accept-Encoding, whether it was or not: caches must not mix them up.
 * A strong ETag promises equal bytes, which a coding breaks: it becomes a weak one; and when the
 * client comes back with that weak one and the handler answers 304, the 304 names it too. */
#include "worker_coding.h"

#include <stdlib.h>
#include <string.h>

#include "common_http.h"

/* What matters of a response's headers. */
struct survey {
    bool blocked; /* Content-Encoding, no-transform, a digest */
    const struct vd_text *type, *etag;
};

static bool name_is(const struct vd_header *header, const char *name)
{
    return vd_http_name_is(header->name.bytes, header->name.length, name);
}

static bool value_has(const struct vd_header *header, const char *member)
{
    return vd_coding_list_has(header->value.bytes, header->value.length, member);
}

static struct survey look_at(const struct vd_header *headers, size_t count)
{
    struct survey found = {0};

    for (size_t i = 0; i < count; i++) {
        const struct vd_header *header = &headers[i];

        if (name_is(header, "content-type")) {
            found.type = &header->value;
        } else if (name_is(header, "etag")) {
            found.etag = &header->value;
        } else if (name_is(header, "cache-control")) {
            found.blocked |= value_has(header, "no-transform");
        } else if (name_is(header, "content-encoding") || name_is(header, "content-range") ||
                   name_is(header, "content-digest") || name_is(header, "repr-digest") ||
                   name_is(header, "digest") || name_is(header, "content-md5")) {
            found.blocked = true;
        }
    }
    return found;
}

static enum vd_coding negotiate(const struct vd_header *headers, size_t count, unsigned offered)
{
    struct vd_coding_accept accept = {0};

    for (size_t i = 0; i < count; i++) {
        if (headers[i].name.length == 15 && name_is(&headers[i], "accept-encoding"))
            vd_coding_accept_line(&accept, headers[i].value.bytes, headers[i].value.length);
    }
    return vd_coding_choose(&accept, offered);
}

/* ---- entity tags -------------------------------------------------------------------------------
 */

static bool is_strong(const struct vd_text *etag)
{
    return etag && etag->length >= 2 && etag->bytes[0] == '"';
}

/* Does If-None-Match name W/ and then @etag? */
static bool asks_for_weak(const struct vd_header *headers, size_t count, const struct vd_text *etag)
{
    for (size_t i = 0; i < count; i++) {
        const char *at = headers[i].value.bytes, *end = at + headers[i].value.length;

        if (!name_is(&headers[i], "if-none-match"))
            continue;
        for (; (size_t)(end - at) >= etag->length + 2; at++) {
            if (at[0] == 'W' && at[1] == '/' && memcmp(at + 2, etag->bytes, etag->length) == 0)
                return true;
        }
    }
    return false;
}

/* ---- decisions ---------------------------------------------------------------------------------
 */

static bool type_is_coded(const struct vd_server_config *config, const struct vd_text *type)
{
    if (!type)
        return false;
    if (vd_coding_type_is_event_stream(type->bytes, type->length))
        return config->compress_streams;
    return vd_coding_type_compresses(type->bytes, type->length);
}

struct vd_coding_decision vd_coding_decide(const struct vd_server_config *config, unsigned status,
                                           const struct vd_header *request_headers,
                                           size_t request_count, const struct vd_header *headers,
                                           size_t count)
{
    struct vd_coding_decision decision = {.coding = VD_CODING_IDENTITY};
    struct survey found;

    if (status == 205 || status == 206 || (status != 304 && !vd_http_status_has_body(status)))
        return decision;
    found = look_at(headers, count);
    if (found.blocked)
        return decision;
    if (status == 304) {
        decision.weak_etag =
            is_strong(found.etag) && asks_for_weak(request_headers, request_count, found.etag);
        decision.vary = decision.weak_etag;
        return decision;
    }
    if (!type_is_coded(config, found.type))
        return decision;
    decision.coding = negotiate(request_headers, request_count,
                                VD_CODING_BIT(VD_CODING_GZIP) | VD_CODING_BIT(VD_CODING_BROTLI));
    decision.vary = true;
    decision.weak_etag = decision.coding != VD_CODING_IDENTITY && is_strong(found.etag);
    return decision;
}

struct vd_coding_decision vd_coding_decide_stream(const struct vd_header *request_headers,
                                                  size_t request_count,
                                                  const struct vd_header *headers, size_t count)
{
    struct vd_coding_decision decision = {.coding = VD_CODING_IDENTITY};

    if (look_at(headers, count).blocked)
        return decision;
    decision.coding = negotiate(request_headers, request_count, VD_CODING_BIT(VD_CODING_GZIP));
    decision.vary = true;
    return decision;
}

/* ---- headers -----------------------------------------------------------------------------------
 */

static const char accept_encoding[] = "Accept-Encoding";

static bool varies_already(const struct vd_header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (headers[i].name.length == 4 && name_is(&headers[i], "vary") &&
            (value_has(&headers[i], "accept-encoding") || value_has(&headers[i], "*")))
            return true;
    }
    return false;
}

static void add(struct vd_coded_headers *coded, const char *name, const char *value)
{
    coded->items[coded->count++] =
        (struct vd_header){.name = {name, strlen(name)}, .value = {value, strlen(value)}};
}

/* @value between @before and @after, at *@at in the private text. */
static struct vd_text joined(char **at, const char *before, struct vd_text value, const char *after)
{
    struct vd_text text = {.bytes = *at};
    char *to = stpcpy(*at, before);

    if (value.length > 0)
        memcpy(to, value.bytes, value.length);
    to = stpcpy(to + value.length, after);
    text.length = (size_t)(to - text.bytes);
    *at = to;
    return text;
}

static struct vd_header *find(const struct vd_coded_headers *coded, const char *name)
{
    for (size_t i = 0; i < coded->count; i++) {
        if (name_is(&coded->items[i], name))
            return &coded->items[i];
    }
    return NULL;
}

static void rewrite(struct vd_coded_headers *coded, struct vd_header *vary, struct vd_header *etag,
                    struct vd_coding_decision decision)
{
    char *at = coded->text;

    if (vary) {
        vary->value = joined(&at, "", vary->value,
                             vary->value.length ? ", Accept-Encoding" : accept_encoding);
    } else if (decision.vary) {
        add(coded, "Vary", accept_encoding);
    }
    if (etag)
        etag->value = joined(&at, "W/", etag->value, "");
    if (decision.coding != VD_CODING_IDENTITY)
        add(coded, "Content-Encoding", vd_coding_name(decision.coding));
}

bool vd_coded_headers_make(struct vd_coded_headers *coded, const struct vd_header *headers,
                           size_t count, struct vd_coding_decision decision)
{
    struct vd_header *vary, *etag;

    decision.vary = decision.vary && !varies_already(headers, count);
    memset(coded, 0, sizeof(*coded));
    coded->items = malloc((count + 2) * sizeof(*coded->items));
    if (!coded->items)
        return false;
    if (count > 0)
        memcpy(coded->items, headers, count * sizeof(*headers));
    coded->count = count;
    vary = decision.vary ? find(coded, "vary") : NULL;
    etag = decision.weak_etag ? find(coded, "etag") : NULL;
    if (vary || etag) {
        coded->text = malloc((vary ? vary->value.length + sizeof(accept_encoding) + 2 : 0) +
                             (etag ? etag->value.length + 3 : 0));
        if (!coded->text) {
            vd_coded_headers_finish(coded);
            return false;
        }
    }
    rewrite(coded, vary, etag, decision);
    return true;
}

void vd_coded_headers_finish(struct vd_coded_headers *coded)
{
    free(coded->items);
    free(coded->text);
    memset(coded, 0, sizeof(*coded));
}
