/* SPDX-License-Identifier: Apache-2.0 */
/* Which headers an answer carries: a Response's own win over header()'s, cookies add up, the
 * framing is the gateway's. Names and values are checked where they are sent (worker_response). */
#include "answer_headers.h"

#include <SAPI.h>

#include "common_http.h"

static void headers_init(struct vd_php_headers *headers)
{
    headers->items = headers->first;
    headers->count = 0;
    headers->capacity = sizeof(headers->first) / sizeof(headers->first[0]);
}

void vd_php_headers_finish(struct vd_php_headers *headers)
{
    if (headers->items != headers->first) {
        efree(headers->items);
    }
}

static void headers_add(struct vd_php_headers *headers, struct vd_text name, struct vd_text value)
{
    if (headers->count == headers->capacity) {
        size_t capacity = headers->capacity * 2;
        struct vd_header *items = safe_emalloc(capacity, sizeof(*items), 0);
        memcpy(items, headers->items, headers->count * sizeof(*items));
        vd_php_headers_finish(headers);
        headers->items = items;
        headers->capacity = capacity;
    }
    headers->items[headers->count++] = (struct vd_header){name, value};
}

static bool text_is(struct vd_text text, const char *lower_case)
{
    return vd_http_name_is(text.bytes, text.length, lower_case);
}

static bool same_name(struct vd_text a, struct vd_text b)
{
    return a.length == b.length && strncasecmp(a.bytes, b.bytes, a.length) == 0;
}

static bool headers_have(const struct vd_php_headers *headers, size_t count, struct vd_text name)
{
    for (size_t i = 0; i < count; i++) {
        if (same_name(headers->items[i].name, name)) {
            return true;
        }
    }
    return false;
}

static void headers_of_response(struct vd_php_headers *headers, const HashTable *source)
{
    zend_ulong number;
    zend_string *name;
    zval *list;
    zval *value;
    ZEND_HASH_FOREACH_KEY_VAL((HashTable *)source, number, name, list)
    {
        (void)number;
        if (!name || Z_TYPE_P(list) != IS_ARRAY) {
            continue;
        }
        ZEND_HASH_FOREACH_VAL(Z_ARRVAL_P(list), value)
        {
            headers_add(headers, (struct vd_text){ZSTR_VAL(name), ZSTR_LEN(name)},
                        (struct vd_text){Z_STRVAL_P(value), Z_STRLEN_P(value)});
        }
        ZEND_HASH_FOREACH_END();
    }
    ZEND_HASH_FOREACH_END();
}

/* The framing is the gateway's; ordinary PHP code sets these now and then, to the same end. */
static bool is_framing(struct vd_text name)
{
    return text_is(name, "content-length") || text_is(name, "transfer-encoding") ||
           text_is(name, "connection") || text_is(name, "date");
}

/* Of header() and setcookie(). A name that the Response has itself is the Response's. */
static void headers_of_sapi(struct vd_php_headers *headers)
{
    size_t own = headers->count;
    zend_llist_position position;
    zend_llist *list = &SG(sapi_headers).headers;
    for (sapi_header_struct *header = zend_llist_get_first_ex(list, &position); header;
         header = zend_llist_get_next_ex(list, &position)) {
        const char *colon = memchr(header->header, ':', header->header_len);
        if (!colon) {
            continue;
        }
        struct vd_text name = {header->header, (size_t)(colon - header->header)};
        const char *value = colon + 1;
        const char *end = header->header + header->header_len;
        while (value < end && (*value == ' ' || *value == '\t')) {
            value++;
        }
        if (!is_framing(name) &&
            (text_is(name, "set-cookie") || !headers_have(headers, own, name))) {
            headers_add(headers, name, (struct vd_text){value, (size_t)(end - value)});
        }
    }
}

void vd_php_headers_collect(struct vd_php_headers *headers, const HashTable *response,
                            const char *type)
{
    headers_init(headers);
    if (response) {
        headers_of_response(headers, response);
    }
    if (zend_llist_count(&SG(sapi_headers).headers)) {
        headers_of_sapi(headers);
    }
    if (type && !headers_have(headers, headers->count, vd_text_of("Content-Type"))) {
        headers_add(headers, vd_text_of("Content-Type"), vd_text_of(type));
    }
}
