/* SPDX-License-Identifier: Apache-2.0 */
/* A PHP callable that is kept, and lists of them. */
#ifndef VIADUCT_PHP_CALLABLE_H
#define VIADUCT_PHP_CALLABLE_H

#include <php.h>

struct vd_callable {
    zval callable;             /* keeps the closure or object alive */
    zend_fcall_info_cache fcc; /* function_handler NULL: resolved at each call (__call) */
};

struct vd_callable_list {
    struct vd_callable *items;
    uint32_t count;
};

/* From what Z_PARAM_FUNC gave. */
void vd_callable_init(struct vd_callable *callable, const zend_fcall_info *fci,
                      const zend_fcall_info_cache *fcc);
void vd_callable_finish(struct vd_callable *callable);

/* Call it. @result is UNDEF when it threw, and never a reference; EG(exception) is the caller's to
 * look at. */
void vd_callable_call(const struct vd_callable *callable, uint32_t argument_count, zval *arguments,
                      zval *result);

void vd_callable_list_add(struct vd_callable_list *list, const zend_fcall_info *fci,
                          const zend_fcall_info_cache *fcc);
void vd_callable_list_finish(struct vd_callable_list *list);
void vd_callable_list_gc(const struct vd_callable_list *list, zend_get_gc_buffer *buffer);

#endif
