/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a JSON document of a node's (RFC 8259) into a tree. Only for documents that our own server
 * writes; whatever else comes is refused, not guessed at. */
#ifndef VIADUCT_CLI_JSON_H
#define VIADUCT_CLI_JSON_H

#include <stdbool.h>
#include <stddef.h>

enum json_type { JSON_NULL, JSON_BOOLEAN, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
    enum json_type type;
    const char *name;   /* of a member; NULL: of an array, or the whole */
    const char *string; /* decoded; NUL-terminated */
    size_t length;
    double number; /* a boolean: 0 or 1 */
    size_t count;  /* of members or elements */
    struct json *first, *next;
};

struct json_document {
    struct json *root;
    struct json *nodes;
    char *text;
};

/* Returns: false: no such document, or no memory. */
bool json_parse(struct json_document *document, const char *text, size_t length);
void json_finish(struct json_document *document); /* zeroed memory is fine, and the result */

/* A member; NULL when @object is none, or has none of that name. */
const struct json *json_get(const struct json *object, const char *name);
double json_number(const struct json *object, const char *name);      /* 0 unless it is there */
const char *json_string(const struct json *object, const char *name); /* "" unless it is there */

#endif
