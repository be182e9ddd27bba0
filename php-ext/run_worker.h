/* SPDX-License-Identifier: Apache-2.0 */
/* The worker process: one loop over "next event". */
#ifndef VIADUCT_PHP_RUN_WORKER_H
#define VIADUCT_PHP_RUN_WORKER_H

#include <php.h>
#include <stdbool.h>

#include "notice.h"
#include "run_sapi.h"
#include "server.h"
#include "worker.h"

struct vd_php_app;

/* All that a worker process knows; VIADUCT_G(run) points to it. */
struct vd_php_run {
    struct vd_php_app *app;
    struct vd_worker *worker;
    zval broker; /* that the server was started with, whatever handlers do to the Config */
    struct vd_logger *logger;
    struct vd_php_capture capture;
    const struct vd_worker_request *request; /* that is being answered; NULL: none */
    struct vd_text body;                     /* what read_post has still to give */
    bool body_streams;                       /* or: it comes from the client as it is read */
    size_t body_left;                        /* then: as much of it as post_max_size allows still */
    bool body_broken_off;                    /* the client left before its end */
    bool body_too_large;                     /* there is more of it than post_max_size allows */
    struct vd_php_notices notices;
    bool dev_mode;
    bool fatal;    /* PHP bailed out: its heap is not to be trusted, end at once */
    bool finished; /* the loop shall end */
};

/* vd_server_hooks.worker_main; @context is the struct vd_php_app. */
int vd_php_worker_main(struct vd_worker *worker, void *context);

/* Call @body(@argument) so that a PHP bailout (a fatal error, memory exhausted) comes back here and
 * never unwinds the server's frames. Returns false after a bailout. */
bool vd_php_guard(void (*body)(void *argument), void *argument);

/* What vd_php_guard caught. */
const char *vd_php_last_fatal_error(void);

/* After a handler came back: take EG(exception) away. */
enum vd_php_outcome { VD_PHP_RETURNED, VD_PHP_EXITED, VD_PHP_THREW };
/* *@exception: for VD_PHP_THREW the exception, the caller's to release. */
enum vd_php_outcome vd_php_outcome_take(zend_object **exception);

/* Class, message, place and trace of an exception as one text; the caller's to release. */
zend_string *vd_php_exception_text(zend_object *exception);

#endif
