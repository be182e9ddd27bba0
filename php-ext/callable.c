/* SPDX-License-Identifier: Apache-2.0 */
/* A PHP callable that is kept: resolved once when it is registered, so that a request does not look
 * a function up by its name. A method that exists by __call() only has a throw-away function
 * structure, and is resolved at each call. */
#include "callable.h"

void vd_callable_init(struct vd_callable *callable, const zend_fcall_info *fci,
                      const zend_fcall_info_cache *fcc)
{
    ZVAL_COPY(&callable->callable, &fci->function_name);
    callable->fcc = *fcc;
    if (fcc->function_handler &&
        (fcc->function_handler->common.fn_flags & ZEND_ACC_CALL_VIA_TRAMPOLINE)) {
        zend_release_fcall_info_cache(&callable->fcc);
        callable->fcc.function_handler = NULL;
    }
}

void vd_callable_finish(struct vd_callable *callable)
{
    zval_ptr_dtor(&callable->callable);
    ZVAL_UNDEF(&callable->callable);
}

void vd_callable_call(const struct vd_callable *callable, uint32_t argument_count, zval *arguments,
                      zval *result)
{
    zend_fcall_info_cache fcc = callable->fcc;
    zend_fcall_info fci = {
        .size = sizeof(fci),
        .retval = result,
        .params = arguments,
        .object = fcc.object,
        .param_count = argument_count,
    };
    ZVAL_COPY_VALUE(&fci.function_name, &callable->callable);
    ZVAL_UNDEF(result);
    zend_call_function(&fci, fcc.function_handler ? &fcc : NULL);
    if (UNEXPECTED(Z_ISREF_P(result))) {
        zend_unwrap_reference(result);
    }
}

void vd_callable_list_add(struct vd_callable_list *list, const zend_fcall_info *fci,
                          const zend_fcall_info_cache *fcc)
{
    list->items = safe_erealloc(list->items, list->count + 1, sizeof(*list->items), 0);
    vd_callable_init(&list->items[list->count], fci, fcc);
    list->count++;
}

void vd_callable_list_finish(struct vd_callable_list *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        vd_callable_finish(&list->items[i]);
    }
    if (list->items) {
        efree(list->items);
    }
    list->items = NULL;
    list->count = 0;
}

void vd_callable_list_gc(const struct vd_callable_list *list, zend_get_gc_buffer *buffer)
{
    for (uint32_t i = 0; i < list->count; i++) {
        zend_get_gc_buffer_add_zval(buffer, &list->items[i].callable);
    }
}
