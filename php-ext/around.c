/* SPDX-License-Identifier: Apache-2.0 */
/* The lists behind App::before(), after() and error(), and which request a hook is for.
 *
 * A hook's path is compared as the router compares: segment by segment, percent-decoded, "%2F"
 * dividing nothing. A guard of /admin is so passed by no spelling of /admin that a route would
 * still take. */
#include "around.h"

#include <zend_exceptions.h>

/* ---- lists ----------------------------------------------------------------------------------- */

static void list_finish(struct vd_php_around_list *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        vd_callable_finish(&list->items[i].handler);
        if (list->items[i].path) {
            zend_string_release(list->items[i].path);
        }
    }
    if (list->items) {
        efree(list->items);
    }
}

void vd_php_around_finish(struct vd_php_around *around)
{
    list_finish(&around->before);
    list_finish(&around->after);
    for (uint32_t i = 0; i < around->error_count; i++) {
        vd_callable_finish(&around->errors[i].handler);
    }
    if (around->errors) {
        efree(around->errors);
    }
}

static void list_gc(const struct vd_php_around_list *list, zend_get_gc_buffer *buffer)
{
    for (uint32_t i = 0; i < list->count; i++) {
        zend_get_gc_buffer_add_zval(buffer, &list->items[i].handler.callable);
    }
}

void vd_php_around_gc(const struct vd_php_around *around, zend_get_gc_buffer *buffer)
{
    list_gc(&around->before, buffer);
    list_gc(&around->after, buffer);
    for (uint32_t i = 0; i < around->error_count; i++) {
        zend_get_gc_buffer_add_zval(buffer, &around->errors[i].handler.callable);
    }
}

/* "/admin/" is /admin; "/" is every request. */
static bool path_accept(zend_string *path, zend_string **kept)
{
    *kept = NULL;
    if (!path || ZSTR_LEN(path) == 0) {
        return true;
    }
    if (ZSTR_VAL(path)[0] != '/' || strlen(ZSTR_VAL(path)) != ZSTR_LEN(path) ||
        strpbrk(ZSTR_VAL(path), "*?%")) {
        zend_argument_value_error(2, "must be a path such as /admin, which stands for all that is "
                                     "below it, too: from a slash, decoded, without * and ?");
        return false;
    }
    size_t length = ZSTR_LEN(path);
    while (length && ZSTR_VAL(path)[length - 1] == '/') {
        length--;
    }
    if (length) {
        *kept = zend_string_init(ZSTR_VAL(path), length, false);
    }
    return true;
}

bool vd_php_around_add(struct vd_php_around_list *list, const zend_fcall_info *fci,
                       const zend_fcall_info_cache *fcc, zend_string *path)
{
    zend_string *kept;
    if (!path_accept(path, &kept)) {
        return false;
    }
    list->items = safe_erealloc(list->items, list->count + 1, sizeof(*list->items), 0);
    list->items[list->count].path = kept;
    vd_callable_init(&list->items[list->count].handler, fci, fcc);
    list->count++;
    return true;
}

static const struct vd_callable *error_page(const struct vd_php_around *around, zend_long status)
{
    for (uint32_t i = 0; i < around->error_count; i++) {
        if (around->errors[i].status == status) {
            return &around->errors[i].handler;
        }
    }
    return NULL;
}

bool vd_php_error_page_add(struct vd_php_around *around, zend_long status,
                           const zend_fcall_info *fci, const zend_fcall_info_cache *fcc)
{
    if (error_page(around, status)) {
        return false;
    }
    around->errors =
        safe_erealloc(around->errors, around->error_count + 1, sizeof(*around->errors), 0);
    around->errors[around->error_count].status = status;
    vd_callable_init(&around->errors[around->error_count].handler, fci, fcc);
    around->error_count++;
    return true;
}

const struct vd_callable *vd_php_error_page_find(const struct vd_php_around *around,
                                                 zend_long status)
{
    const struct vd_callable *own = error_page(around, status);
    return own ? own : error_page(around, 0);
}

/* ---- paths ------------------------------------------------------------------------------------
 */

/* One byte of a path that the router has found to be well encoded. */
static char decoded_byte(const char **at)
{
    char byte = *(*at)++;
    if (byte == '%') {
        char digits[3] = {(*at)[0], (*at)[1], '\0'};
        byte = (char)strtol(digits, NULL, 16);
        *at += 2;
    }
    return byte;
}

/* @segment..@segment_end decoded is @literal..@literal_end; "{name}" is any that is not empty. */
static bool segment_is(const char *literal, const char *literal_end, const char *segment,
                       const char *segment_end)
{
    if (literal < literal_end && *literal == '{' && literal_end[-1] == '}') {
        return segment < segment_end;
    }
    while (literal < literal_end && segment < segment_end) {
        if (*literal++ != decoded_byte(&segment)) {
            return false;
        }
    }
    return literal == literal_end && segment == segment_end;
}

static const char *segment_end(const char *at, const char *end)
{
    const char *slash = memchr(at, '/', (size_t)(end - at));
    return slash ? slash : end;
}

bool vd_php_around_covers(const struct vd_php_around_hook *hook, struct vd_text path)
{
    if (!hook->path) {
        return true;
    }
    const char *at = path.bytes;
    const char *end = path.bytes + path.length;
    const char *literal = ZSTR_VAL(hook->path);
    const char *literal_end = literal + ZSTR_LEN(hook->path);
    while (literal < literal_end) {
        if (at == end || *at != '/') {
            return false;
        }
        const char *until = segment_end(++at, end);
        const char *literal_until = segment_end(++literal, literal_end);
        if (!segment_is(literal, literal_until, at, until)) {
            return false;
        }
        at = until;
        literal = literal_until;
    }
    return true;
}
