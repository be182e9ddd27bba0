/* SPDX-License-Identifier: Apache-2.0 */
/* From what a handler returned (or did not) to one HTTP answer. */
#ifndef VIADUCT_PHP_ANSWER_H
#define VIADUCT_PHP_ANSWER_H

#include <php.h>

#include "route.h"
#include "run_worker.h"

/* One request on its way through a handler. */
struct vd_php_exchange {
    struct vd_php_run *run;
    const struct vd_worker_request *request;
    const struct vd_php_route *route;
    const struct vd_route_match *match;
    zval request_object; /* UNDEF until a handler wants it */
    zval result;
};

/* Answer by @exchange->result. May run PHP code (generators, jsonSerialize, output callbacks): call
 * it under vd_php_guard. Whatever fails in there becomes a 500. */
void vd_php_answer_result(struct vd_php_exchange *exchange);

/* The handler called exit(): what was printed, with the status that was set. */
void vd_php_answer_exit(struct vd_php_exchange *exchange);

/* The handler failed: log @text, answer 500 (or cut what has begun). Runs no PHP code. */
void vd_php_answer_failure(struct vd_php_exchange *exchange, const char *text);

/* A status with its reason phrase as body; @allow: for 405, else NULL. */
void vd_php_answer_status(struct vd_worker *worker, unsigned status, const char *allow);

#endif
