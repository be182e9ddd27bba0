/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a path pattern, and matching one segment against its shape.
 *
 * Happy path: one copy of the pattern is rewritten in place; every segment and name points into it.
 *
 * Failure modes: a pattern that could be read in two ways is refused when it is added, with a
 * sentence that quotes it: parameters side by side, a name twice, a brace without its partner. */
#include "worker_router_pattern.h"

#include <stdlib.h>
#include <string.h>

static bool is_name_byte(char byte, bool first)
{
    char lower = (char)(byte | 0x20);
    return (lower >= 'a' && lower <= 'z') || byte == '_' || (!first && byte >= '0' && byte <= '9');
}

/* @at stands behind `{`. Returns what stands behind `}`, or NULL. */
static char *read_parameter(struct vd_route_pattern *pattern, char *at, const char *source,
                            struct vd_error *error)
{
    const char *name = at;
    while (is_name_byte(*at, at == name)) {
        at++;
    }
    if (*at != '}' || at == name) {
        vd_error_set(error, VD_ERR_INVALID,
                     "path \"%s\": a parameter is a name in braces, letters, digits and _ such as "
                     "{id}",
                     source);
        return NULL;
    }
    if (at[1] == '{') {
        vd_error_set(error, VD_ERR_INVALID,
                     "path \"%s\": two parameters need some text between them", source);
        return NULL;
    }
    *at = '\0';
    for (size_t i = 0; i < pattern->parameter_count; i++) {
        if (strcmp(pattern->parameters[i], name) == 0) {
            vd_error_set(error, VD_ERR_INVALID, "path \"%s\": parameter {%s} stands there twice",
                         source, name);
            return NULL;
        }
    }
    if (pattern->parameter_count == VD_ROUTE_PARAMETERS_MAX) {
        vd_error_set(error, VD_ERR_INVALID, "path \"%s\": at most %d parameters are allowed",
                     source, VD_ROUTE_PARAMETERS_MAX);
        return NULL;
    }
    pattern->parameters[pattern->parameter_count++] = name;
    return at + 1;
}

/* One segment, from behind its slash; its shape is written to *@shape. Returns the next slash or
 * the end, NULL when refused. */
static char *read_segment(struct vd_route_pattern *pattern, char *at, char **shape,
                          const char *source, struct vd_error *error)
{
    if (pattern->segment_count == VD_ROUTE_SEGMENTS_MAX) {
        vd_error_set(error, VD_ERR_INVALID, "path \"%s\": at most %d segments are allowed", source,
                     VD_ROUTE_SEGMENTS_MAX);
        return NULL;
    }
    struct vd_text *segment = &pattern->segments[pattern->segment_count++];
    segment->bytes = *shape;
    while (*at != '/' && *at != '\0') {
        if (*at == '}') {
            vd_error_set(error, VD_ERR_INVALID, "path \"%s\": there is a } without {", source);
            return NULL;
        }
        if (*at != '{') {
            *(*shape)++ = *at++;
            continue;
        }
        at = read_parameter(pattern, at + 1, source, error);
        if (!at) {
            return NULL;
        }
        *(*shape)++ = '\0';
    }
    segment->length = (size_t)(*shape - segment->bytes);
    return at;
}

enum vd_err vd_route_pattern_init(struct vd_route_pattern *pattern, const char *source,
                                  struct vd_error *error)
{
    *pattern = (struct vd_route_pattern){0};
    if (source[0] != '/') {
        return vd_error_set(error, VD_ERR_INVALID, "path \"%s\" must begin with a slash", source);
    }
    /* Two copies: names stay where they stand in the first, shapes are written to the second. */
    size_t length = strlen(source) + 1;
    pattern->text = malloc(2 * length);
    if (!pattern->text) {
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for path \"%s\"", source);
    }
    memcpy(pattern->text, source, length);
    char *shape = pattern->text + length;
    char *at = pattern->text;
    while (at && *at == '/') {
        at = read_segment(pattern, at + 1, &shape, source, error);
    }
    if (!at) {
        vd_route_pattern_finish(pattern);
        return VD_ERR_INVALID;
    }
    return VD_OK;
}

void vd_route_pattern_finish(struct vd_route_pattern *pattern)
{
    free(pattern->text);
    *pattern = (struct vd_route_pattern){0};
}

bool vd_route_shape_is_literal(struct vd_text shape)
{
    return memchr(shape.bytes, '\0', shape.length) == NULL;
}

/* The literal text at the front of a shape, which is moved behind it. */
static struct vd_text take_literal(struct vd_text *shape)
{
    const char *mark = memchr(shape->bytes, '\0', shape->length);
    struct vd_text literal = {shape->bytes, mark ? (size_t)(mark - shape->bytes) : shape->length};
    shape->bytes += literal.length;
    shape->length -= literal.length;
    return literal;
}

/* Where the value of a parameter ends that begins at @at and is followed by @literal; NULL:
 * nowhere. The leftmost place is right: what follows could only gain room by it. */
static const char *find_value_end(const char *at, const char *end, struct vd_text literal,
                                  bool last)
{
    if (end - at < 1 || (size_t)(end - at - 1) < literal.length) {
        return NULL;
    }
    if (!last) {
        return memmem(at + 1, (size_t)(end - at - 1), literal.bytes, literal.length);
    }
    const char *tail = end - literal.length;
    return memcmp(tail, literal.bytes, literal.length) == 0 ? tail : NULL;
}

bool vd_route_shape_matches(struct vd_text shape, struct vd_text segment, struct vd_text *values,
                            size_t *count)
{
    const char *at = segment.bytes;
    const char *end = segment.bytes + segment.length;
    struct vd_text literal = take_literal(&shape);
    if (literal.length > segment.length || memcmp(at, literal.bytes, literal.length) != 0) {
        return false;
    }
    at += literal.length;
    while (shape.length > 0) {
        shape.bytes++; /* the NUL */
        shape.length--;
        literal = take_literal(&shape);
        const char *value_end = find_value_end(at, end, literal, shape.length == 0);
        if (!value_end) {
            return false;
        }
        if (values) {
            values[(*count)++] = (struct vd_text){at, (size_t)(value_end - at)};
        }
        at = value_end + literal.length;
    }
    return at == end;
}
