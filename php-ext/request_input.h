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

/* The whole body; throws when the client left before its end (then it is empty). */
void vd_php_input_body(zval *body);

/* Is the form one whose parts go to files as they come (multipart/form-data)? */
bool vd_php_input_is_multipart(const struct vd_worker_request *request);

/* Form fields and files at once, from @body, or (NULL, multipart only) from the client as it sends
 * them. Throws when the client left before the end. */
void vd_php_input_form(const struct vd_worker_request *request, const struct vd_text *body,
                       zval *post, zval *files);

#endif
