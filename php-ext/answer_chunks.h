/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIADUCT_PHP_ANSWER_CHUNKS_H
#define VIADUCT_PHP_ANSWER_CHUNKS_H

#include "answer.h"

/* Answer with what @body (a Traversable of strings) yields. @response: headers by name; NULL: none.
 * Runs PHP code. */
void vd_php_answer_chunks(struct vd_php_exchange *exchange, zval *body, unsigned status,
                          const HashTable *response);

#endif
