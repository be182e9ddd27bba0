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

/* Form fields and files at once: a multipart body is read only once. */
void vd_php_input_form(const struct vd_worker_request *request, zval *post, zval *files);

#endif
