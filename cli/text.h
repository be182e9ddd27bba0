/* SPDX-License-Identifier: Apache-2.0 */
/* Growing text, and the two ways in which bytes of strangers are shown: safe for a terminal, and as
 * JSON. Both leave no control character, no lone byte and no mark that turns the direction of
 * writing, so that a message can neither drive the terminal nor pass for something else.
 *
 * Out of memory ends the program: a command has nobody to hand the error to. */
#ifndef VIADUCT_CLI_TEXT_H
#define VIADUCT_CLI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cli_text {
    char *bytes; /* no NUL at the end but after cli_text_string */
    size_t length, capacity;
};

void cli_text_add(struct cli_text *text, const void *bytes, size_t length);
void cli_text_print(struct cli_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* \n, \t, \x1b for control characters and bytes that are no UTF-8, \u{202e} for marks that reorder
 * or break a line. A backslash stays one: the form is for people, JSON is for programs. */
void cli_text_safe(struct cli_text *text, const void *bytes, size_t length);

/* Between double quotes; what is no UTF-8 becomes U+FFFD. */
void cli_text_json(struct cli_text *text, const void *bytes, size_t length);
void cli_text_json_string(struct cli_text *text, const char *string);
/* A whole document as it came, in which what a terminal would act upon is written as an escape. */
void cli_text_json_document(struct cli_text *text, const void *bytes, size_t length);
void cli_text_base64(struct cli_text *text, const void *bytes, size_t length);

bool cli_is_utf8(const void *bytes, size_t length);

/* Padded with spaces to @columns, at least one. */
void cli_text_pad(struct cli_text *text, size_t from, size_t columns);

/* With a NUL behind it, the text's own. */
const char *cli_text_string(struct cli_text *text);

void cli_text_finish(struct cli_text *text); /* zeroed memory is fine, and the result */

#endif
