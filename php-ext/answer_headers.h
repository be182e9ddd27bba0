/* SPDX-License-Identifier: Apache-2.0 */
/* The headers of one answer, from all who have a say. */
#ifndef VIADUCT_PHP_ANSWER_HEADERS_H
#define VIADUCT_PHP_ANSWER_HEADERS_H

#include <php.h>

#include "worker.h"

struct vd_php_headers {
    struct vd_header *items;
    size_t count;
    size_t capacity;
    struct vd_header first[12]; /* enough for nearly every answer */
};

static inline struct vd_text vd_text_of(const char *text)
{
    return (struct vd_text){text, strlen(text)};
}

/* Those of @response (name -> list of values; NULL: none), then those of header() and setcookie()
 * that it does not name itself, then @type when nobody named a Content-Type (NULL: none).
 * Ownership: names and values are borrowed from @response and PHP's header list. */
void vd_php_headers_collect(struct vd_php_headers *headers, const HashTable *response,
                            const char *type);
void vd_php_headers_finish(struct vd_php_headers *headers);

#endif
