/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of 400 and above that no handler has written itself. */
#ifndef VIADUCT_PHP_ANSWER_ERROR_H
#define VIADUCT_PHP_ANSWER_ERROR_H

#include "answer.h"

/* Answer @status by its error() handler, else by a plain page with the reason phrase, or in dev
 * mode @text (NULL: none). @exception: what went wrong, borrowed; NULL: nothing was thrown. Cuts an
 * answer that has begun. Runs PHP code. */
void vd_php_answer_error(struct vd_php_exchange *exchange, unsigned status, zend_object *exception,
                         const char *text);

/* The error() handler's part of that, headers left as they are. False when there is none for
 * @status, or it failed, or had nothing to say: nothing is answered then. */
bool vd_php_answer_page(struct vd_php_exchange *exchange, unsigned status, zend_object *exception);

/* A handler did what it must not: log @text, answer 500. Runs PHP code. */
void vd_php_answer_fault(struct vd_php_exchange *exchange, const char *text);

/* A handler threw: log it, answer 500 or what an HttpException says. Takes over @exception. */
void vd_php_answer_exception(struct vd_php_exchange *exchange, zend_object *exception);

/* Log what a handler threw, answer nothing. Takes over @exception. */
void vd_php_answer_log(const struct vd_php_exchange *exchange, zend_object *exception);

/* PHP bailed out: log @text, answer 500 (or cut what has begun). Runs no PHP code. */
void vd_php_answer_fatal(struct vd_php_exchange *exchange, const char *text);

/* A status with its reason phrase as body; @allow: for 405, else NULL. Runs no PHP code. */
void vd_php_answer_status(struct vd_worker *worker, unsigned status, const char *allow);

#endif
