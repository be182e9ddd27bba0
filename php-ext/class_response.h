/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIADUCT_PHP_CLASS_RESPONSE_H
#define VIADUCT_PHP_CLASS_RESPONSE_H

#include <php.h>

#include "worker.h"

/* The three properties of a Viaduct\Response. Borrowed. */
static inline zend_long vd_php_response_status(zend_object *object)
{
    return Z_LVAL_P(OBJ_PROP_NUM(object, 0));
}

static inline HashTable *vd_php_response_headers(zend_object *object) /* name -> list */
{
    return Z_ARRVAL_P(OBJ_PROP_NUM(object, 1));
}

static inline zval *vd_php_response_body(zend_object *object)
{
    return OBJ_PROP_NUM(object, 2);
}

/* One more header of that name, in any case. */
void vd_php_response_add_header(zend_object *object, zend_string *name, zend_string *value);

/* Set all of it; copies names and values, takes over @body. */
void vd_php_response_assign(zend_object *object, unsigned status, const struct vd_header *headers,
                            size_t header_count, zval *body);

/* JSON as the server sends it: slashes and Unicode as they are. NULL after throwing JsonException
 * (or what a jsonSerialize() threw). */
zend_string *vd_php_json(zval *value);

#endif
