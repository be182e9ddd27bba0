/* SPDX-License-Identifier: Apache-2.0 */
/* What an App has around its handlers: before(), after() and error(). */
#ifndef VIADUCT_PHP_AROUND_H
#define VIADUCT_PHP_AROUND_H

#include <php.h>

#include "callable.h"
#include "worker.h"

struct vd_php_around_hook {
    struct vd_callable handler;
    zend_string *path; /* for this path and what is below it; NULL: for every request */
};

struct vd_php_around_list {
    struct vd_php_around_hook *items;
    uint32_t count;
};

struct vd_php_error_page {
    zend_long status; /* 0: any that has none of its own */
    struct vd_callable handler;
};

struct vd_php_around {
    struct vd_php_around_list before;
    struct vd_php_around_list after;
    struct vd_php_error_page *errors;
    uint32_t error_count;
};

static inline bool vd_php_around_any(const struct vd_php_around *around)
{
    return around->before.count || around->after.count || around->error_count;
}

void vd_php_around_finish(struct vd_php_around *around);
void vd_php_around_gc(const struct vd_php_around *around, zend_get_gc_buffer *buffer);

/* @path: NULL or empty: every request. False after throwing: it is no such path. */
bool vd_php_around_add(struct vd_php_around_list *list, const zend_fcall_info *fci,
                       const zend_fcall_info_cache *fcc, zend_string *path);

/* Is the request's @path, as sent, one that @hook is for? */
bool vd_php_around_covers(const struct vd_php_around_hook *hook, struct vd_text path);

/* False when @status has a handler already. */
bool vd_php_error_page_add(struct vd_php_around *around, zend_long status,
                           const zend_fcall_info *fci, const zend_fcall_info_cache *fcc);
/* Its handler, else that for any status, else NULL. */
const struct vd_callable *vd_php_error_page_find(const struct vd_php_around *around,
                                                 zend_long status);

#endif
