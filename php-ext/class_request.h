/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIADUCT_PHP_CLASS_REQUEST_H
#define VIADUCT_PHP_CLASS_REQUEST_H

#include <php.h>

#include "worker.h"

/* A Viaduct\Request that reads from @request, which must outlive it or vd_php_request_detach. */
void vd_php_request_create(zval *object, const struct vd_worker_request *request);

/* The bytes behind @object go away: when somebody kept it, copy all that it can be asked for. */
void vd_php_request_detach(zend_object *object);

#endif
