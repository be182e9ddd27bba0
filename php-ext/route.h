/* SPDX-License-Identifier: Apache-2.0 */
/* A route: its handler, and which argument of the handler gets what. */
#ifndef VIADUCT_PHP_ROUTE_H
#define VIADUCT_PHP_ROUTE_H

#include <php.h>

#include "callable.h"
#include "worker.h"
#include "worker_router.h"

enum vd_argument_source { VD_ARGUMENT_DEFAULT, VD_ARGUMENT_REQUEST, VD_ARGUMENT_PATH };

struct vd_argument {
    uint8_t source; /* enum vd_argument_source */
    uint8_t number; /* of the path parameter */
    uint8_t type;   /* IS_STRING, IS_LONG, IS_DOUBLE */
};

struct vd_php_route {
    struct vd_callable handler;
    zend_string *label; /* "GET /user/{id}" */
    bool stream;
    uint32_t argument_count;
    struct vd_argument *arguments;
};

/* Match the handler's parameters with the path's, in order of the rules in the stub (App::get).
 * Returns false after throwing InvalidArgumentException. */
bool vd_php_route_init(struct vd_php_route *route, const zend_fcall_info *fci,
                       const zend_fcall_info_cache *fcc, zend_string *label,
                       const char *const *names, size_t name_count);
void vd_php_route_finish(struct vd_php_route *route);

/* Fill @arguments[route->argument_count]. @request_object is made when it is wanted (UNDEF before).
 * Returns false when a path parameter is not of its argument's type (404); nothing to free then. */
bool vd_php_route_arguments(const struct vd_php_route *route, const struct vd_route_match *match,
                            const struct vd_worker_request *request, zval *request_object,
                            zval *arguments);

#endif
