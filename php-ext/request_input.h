/* SPDX-License-Identifier: Apache-2.0 */
/* The arrays of a request, each built on demand. All write a new array into @array. */
#ifndef VIADUCT_PHP_REQUEST_INPUT_H
#define VIADUCT_PHP_REQUEST_INPUT_H

#include <php.h>

#include "worker.h"

void vd_php_input_server(const struct vd_worker_request *request, zval *array);
void vd_php_input_header(const struct vd_worker_request *request, zval *array);
void vd_php_input_get(const struct vd_worker_request *request, zval *array);
void vd_php_input_cookie(const struct vd_worker_request *request, zval *array);

/* The whole body; throws when the client left before its end (@body is empty then). */
void vd_php_input_body(zval *body);

/* Is the form one whose parts go to files as they come (multipart/form-data)? */
bool vd_php_input_is_multipart(const struct vd_worker_request *request);

/* Is it a form that is larger than post_max_size allows, as far as is known before it is read? True
 * after throwing HttpException 413. */
bool vd_php_input_form_too_large(const struct vd_worker_request *request,
                                 const struct vd_text *body);

/* Form fields and files at once, from @body, or (NULL, multipart only) from the client as it sends
 * them. Throws when the client left before the end, and HttpException 413 when it turns out to be
 * larger than post_max_size (both arrays are empty then). */
void vd_php_input_form(const struct vd_worker_request *request, const struct vd_text *body,
                       zval *post, zval *files);

/* RuntimeException: the client left before the end of its body. */
void vd_php_input_throw_broken_off(void);
/* RuntimeException: what this forked process asks for is only in the worker. */
void vd_php_input_throw_forked(void);

#endif
