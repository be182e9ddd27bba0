/* SPDX-License-Identifier: Apache-2.0 */
/* The after() hooks: what a handler returned becomes a Response first, which they may change. */
#ifndef VIADUCT_PHP_ANSWER_AFTER_H
#define VIADUCT_PHP_ANSWER_AFTER_H

#include "answer.h"
#include "class_app.h"

/* Is there an after() hook that has not had its turn? */
static inline bool vd_php_after_wanted(const struct vd_php_exchange *exchange)
{
    return exchange->run->app->around.after.count > 0 && !exchange->after_done;
}

/* A new Response in @response from what would be sent: with what was printed before the body, and
 * the headers of header() and setcookie(), which are taken out of PHP's list.
 * @type: the Content-Type when nobody named one; NULL: none. */
void vd_php_after_response(struct vd_php_exchange *exchange, zval *response, unsigned status,
                           const char *type, const char *body, size_t length);
/* From a Response, which stays as it is. */
void vd_php_after_response_of(struct vd_php_exchange *exchange, zval *response,
                              zend_object *result);
/* From a Traversable: its head; what was printed stays for the first chunk. */
void vd_php_after_response_streamed(struct vd_php_exchange *exchange, zval *response, zval *body);

/* Let the hooks see @response, and put another into its place when one returns another. False when
 * one failed: answered then; or forked: there is nothing to answer in its child. Runs PHP code. */
bool vd_php_after_run(struct vd_php_exchange *exchange, zval *response);

#endif
