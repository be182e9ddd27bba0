/* SPDX-License-Identifier: Apache-2.0 */
/* Request::bodyStream(): the body as a PHP stream. */
#ifndef VIADUCT_PHP_REQUEST_BODY_H
#define VIADUCT_PHP_REQUEST_BODY_H

#include <php.h>

#include "worker.h"

/* The body of @request, as it comes from the client, into @resource. */
void vd_php_body_stream(zval *resource, const struct vd_worker_request *request);

/* A body that was read before. */
void vd_php_body_stream_of(zval *resource, zend_string *body);

#endif
