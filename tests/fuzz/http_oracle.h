/* SPDX-License-Identifier: Apache-2.0 */
/* http-parser (https://github.com/nodejs/http-parser) as the oracle of our own request parser: a
 * request that we accept it must accept with the same meaning. The other way round does not hold:
 * ours is the strict one. */
#ifndef VIADUCT_TESTS_HTTP_ORACLE_H
#define VIADUCT_TESTS_HTTP_ORACLE_H

#include <stdbool.h>
#include <stddef.h>

/* Read the first request in @bytes, body and all, with both. Returns NULL when they agree, or when
 * ours refuses or awaits more of the head; else a sentence that says where they part. *@accepted:
 * did ours accept the head? */
const char *http_oracle_disagreement(const char *bytes, size_t length, bool *accepted);

#endif
