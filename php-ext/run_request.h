/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIADUCT_PHP_RUN_REQUEST_H
#define VIADUCT_PHP_RUN_REQUEST_H

#include "answer.h"
#include "run_worker.h"

/* Answer @request: hooks, route, handler. Catches whatever PHP code does. */
void vd_php_request_serve(struct vd_php_run *run, const struct vd_worker_request *request);

/* The Request that hooks and handler share, made when it is first wanted. Borrowed. */
zval *vd_php_exchange_request(struct vd_php_exchange *exchange);

#endif
