/* SPDX-License-Identifier: Apache-2.0 */
/* JSON into a tree: see json.h. Strings are decoded in place, in a copy of the text; there cannot
 * be more values than bytes that begin one, so they are counted first and allocated at once.
 *
 * Failure modes: anything but one whole document is refused, depth and number are bounded. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

#define DEPTH_MAX  16
#define VALUES_MAX ((size_t)200000)

struct reader {
    char *at;
    struct json *free;
    unsigned depth;
};

static bool read_value(struct reader *reader, struct json *value);

static void skip_blanks(struct reader *reader)
{
    reader->at += strspn(reader->at, " \t\r\n");
}

static bool take(struct reader *reader, char wanted)
{
    skip_blanks(reader);
    if (*reader->at != wanted)
        return false;
    reader->at++;
    return true;
}

/* ---- strings -----------------------------------------------------------------------------------
 */

static char *put_utf8(char *to, uint32_t code_point)
{
    if (code_point < 0x80) {
        *to++ = (char)code_point;
    } else if (code_point < 0x800) {
        *to++ = (char)(0xC0 | code_point >> 6);
        *to++ = (char)(0x80 | (code_point & 0x3F));
    } else {
        *to++ = (char)(0xE0 | code_point >> 12);
        *to++ = (char)(0x80 | (code_point >> 6 & 0x3F));
        *to++ = (char)(0x80 | (code_point & 0x3F));
    }
    return to;
}

/* What follows a backslash. Surrogates are not joined: our server writes none. */
static bool decode_escape(struct reader *reader, char **to)
{
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
    char digits[5] = "";
    const char *known;

    if (*reader->at == 'u') {
        if (strspn(reader->at + 1, "0123456789abcdefABCDEF") < 4)
            return false;
        memcpy(digits, reader->at + 1, 4);
        uint32_t code_point = (uint32_t)strtoul(digits, NULL, 16);
        reader->at += 5;
        *to = put_utf8(*to, code_point);
        return true;
    }
    known = *reader->at ? strchr(from, *reader->at) : NULL;
    if (!known)
        return false;
    *(*to)++ = into[known - from];
    reader->at++;
    return true;
}

static bool read_string(struct reader *reader, const char **string, size_t *length)
{
    char *start, *to;

    if (!take(reader, '"'))
        return false;
    start = to = reader->at;
    while (*reader->at != '"') {
        if ((unsigned char)*reader->at < 0x20)
            return false;
        if (*reader->at != '\\') {
            *to++ = *reader->at++;
            continue;
        }
        reader->at++;
        if (!decode_escape(reader, &to))
            return false;
    }
    reader->at++;
    *to = '\0';
    *string = start;
    *length = (size_t)(to - start);
    return true;
}

/* ---- values ------------------------------------------------------------------------------------
 */

static bool read_members(struct reader *reader, struct json *value, bool named, char end)
{
    struct json **last = &value->first;
    size_t ignored;

    reader->at++;
    if (take(reader, end))
        return true;
    if (++reader->depth > DEPTH_MAX)
        return false;
    do {
        struct json *member = reader->free++;

        if (named && (!read_string(reader, &member->name, &ignored) || !take(reader, ':')))
            return false;
        if (!read_value(reader, member))
            return false;
        *last = member;
        last = &member->next;
        value->count++;
    } while (take(reader, ','));
    reader->depth--;
    return take(reader, end);
}

static bool read_word(struct reader *reader, const char *word)
{
    size_t length = strlen(word);

    if (strncmp(reader->at, word, length) != 0)
        return false;
    reader->at += length;
    return true;
}

static bool read_number(struct reader *reader, struct json *value)
{
    char *end;

    value->type = JSON_NUMBER;
    if (!strchr("-0123456789", *reader->at))
        return false;
    value->number = strtod(reader->at, &end);
    if (end == reader->at || end > reader->at + strspn(reader->at, "+-.0123456789Ee"))
        return false; /* it also knows hexadecimal, infinity, and more */
    reader->at = end;
    return true;
}

static bool read_value(struct reader *reader, struct json *value)
{
    skip_blanks(reader);
    switch (*reader->at) {
    case '{':
        value->type = JSON_OBJECT;
        return read_members(reader, value, true, '}');
    case '[':
        value->type = JSON_ARRAY;
        return read_members(reader, value, false, ']');
    case '"':
        value->type = JSON_STRING;
        return read_string(reader, &value->string, &value->length);
    case 't':
        value->type = JSON_BOOLEAN;
        value->number = 1;
        return read_word(reader, "true");
    case 'f':
        value->type = JSON_BOOLEAN;
        return read_word(reader, "false");
    case 'n':
        return read_word(reader, "null");
    case '\0':
        return false;
    default:
        return read_number(reader, value);
    }
}

/* ---- the document ------------------------------------------------------------------------------
 */

/* Each value but the first comes after one of these. */
static size_t count_values(const char *text, size_t length)
{
    size_t count = 2;

    for (size_t i = 0; i < length; i++)
        count += text[i] == ',' || text[i] == '[' || text[i] == '{';
    return count;
}

bool json_parse(struct json_document *document, const char *text, size_t length)
{
    struct reader reader = {0};
    size_t values = count_values(text, length);

    *document = (struct json_document){0};
    if (values > VALUES_MAX)
        return false;
    *document = (struct json_document){
        .nodes = calloc(values, sizeof(struct json)),
        .text = malloc(length + 1),
    };
    if (!document->nodes || !document->text || memchr(text, '\0', length))
        goto err_after_allocation;
    memcpy(document->text, text, length);
    document->text[length] = '\0';
    reader.at = document->text;
    reader.free = document->nodes + 1;
    document->root = document->nodes;
    if (!read_value(&reader, document->root))
        goto err_after_allocation;
    skip_blanks(&reader);
    if (*reader.at == '\0')
        return true;

err_after_allocation:
    json_finish(document);
    return false;
}

void json_finish(struct json_document *document)
{
    free(document->nodes);
    free(document->text);
    *document = (struct json_document){0};
}

const struct json *json_get(const struct json *object, const char *name)
{
    if (!object || object->type != JSON_OBJECT)
        return NULL;
    for (const struct json *one = object->first; one; one = one->next) {
        if (strcmp(one->name, name) == 0)
            return one;
    }
    return NULL;
}

double json_number(const struct json *object, const char *name)
{
    const struct json *member = json_get(object, name);

    return member ? member->number : 0;
}

const char *json_string(const struct json *object, const char *name)
{
    const struct json *member = json_get(object, name);

    return member && member->type == JSON_STRING ? member->string : "";
}
