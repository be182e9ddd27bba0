/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIADUCT_PHP_ANSWER_CHUNKS_H
#define VIADUCT_PHP_ANSWER_CHUNKS_H

#include "answer.h"

/* Answer with what @body (a Traversable of strings) yields. @response: a Viaduct\Response, which
 * the caller keeps, for its headers as they are when the head is sent; NULL: none. Runs PHP code.
 */
void vd_php_answer_chunks(struct vd_php_exchange *exchange, const zval *body, unsigned status,
                          zend_object *response);

#endif
