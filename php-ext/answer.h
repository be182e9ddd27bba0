/* SPDX-License-Identifier: Apache-2.0 */
/* From what a handler returned (or did not) to one HTTP answer. */
#ifndef VIADUCT_PHP_ANSWER_H
#define VIADUCT_PHP_ANSWER_H

#include <php.h>

#include "route.h"
#include "run_worker.h"

#define TYPE_HTML "text/html; charset=utf-8"
#define TYPE_TEXT "text/plain; charset=utf-8"
#define TYPE_JSON "application/json"

/* One request on its way through hooks and handler. */
struct vd_php_exchange {
    struct vd_php_run *run;
    const struct vd_worker_request *request;
    const struct vd_php_route *route; /* NULL: none fits */
    const struct vd_route_match *match;
    zval request_object; /* UNDEF until a handler wants it */
    zval result;
    unsigned unrouted_status; /* when @route is NULL: 404, 405 or 400 */
    bool malformed;           /* the path cannot be decoded */
    const char *allow;        /* for 405: the methods that would do */
    unsigned error_status;    /* an error() handler answers for it; 0: none does */
    bool not_of_route;        /* @result is a hook's or an error() handler's */
    bool after_done;          /* the after() hooks had their turn */
};

/* Answer by @exchange->result. May run PHP code (generators, jsonSerialize, output callbacks): call
 * it under vd_php_guard. Whatever fails in there becomes a 500. */
void vd_php_answer_result(struct vd_php_exchange *exchange);

/* Answer @body as plain text, with the status and headers that are set in PHP. */
void vd_php_answer_text(struct vd_php_exchange *exchange, const char *body, size_t length);

/* The handler called exit(): what was printed, with the status that was set. */
void vd_php_answer_exit(struct vd_php_exchange *exchange);

/* It threw or called exit(): answer that. Takes EG(exception). */
void vd_php_answer_outcome(struct vd_php_exchange *exchange);

/* After PHP code ran on the way to the answer: did it throw or exit? True when all is well, else it
 * has been answered. */
static inline bool vd_php_answer_still_well(struct vd_php_exchange *exchange)
{
    if (EXPECTED(!EG(exception))) {
        return true;
    }
    vd_php_answer_outcome(exchange);
    return false;
}

/* @code of a call that answers: whatever the server refused becomes a 500. */
void vd_php_answer_refused(struct vd_php_exchange *exchange, enum vd_err code,
                           const struct vd_error *error);

#endif
