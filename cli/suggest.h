/* SPDX-License-Identifier: Apache-2.0 */
/* What somebody may have meant who mistyped a name. */
#ifndef VIADUCT_CLI_SUGGEST_H
#define VIADUCT_CLI_SUGGEST_H

#include <stdbool.h>
#include <stddef.h>

struct cli_text;

/* Is @word (of @length bytes) nearly @name: one begins as the other, or a slip or two apart? */
bool cli_is_near(const char *word, size_t length, const char *name);

/* ", perhaps --one", then " or --other": @text gets another name that may have been meant. */
void cli_suggest(struct cli_text *text, const char *dashes, const char *name);

#endif
