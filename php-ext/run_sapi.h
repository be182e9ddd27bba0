/* SPDX-License-Identifier: Apache-2.0 */
/* What PHP's own functions mean in a worker: echo, header(), setcookie(), uploads. */
#ifndef VIADUCT_PHP_RUN_SAPI_H
#define VIADUCT_PHP_RUN_SAPI_H

#include <stdbool.h>
#include <zend_smart_str.h>

#include "worker.h"

struct vd_php_capture {
    bool on;
    smart_str output; /* what was printed since the request began, or was taken */
};

/* Once, right after the fork: forget what this process inherited from the script that called run(),
 * and take over PHP's output. From here on VIADUCT_G(run) must be set. */
void vd_php_sapi_enter_worker(bool dev_mode);

/* Around each request: headers and status as at the start, output captured. */
void vd_php_sapi_request_begin(struct vd_php_capture *capture);
/* Close the output buffers that the handler left open; what they hold is captured, too. Runs the
 * user's output callbacks: may leave EG(exception). */
void vd_php_sapi_output_flush(void);
/* The same without a word of what was printed. */
void vd_php_sapi_output_discard(struct vd_php_capture *capture);
void vd_php_sapi_request_end(struct vd_php_capture *capture);
/* After a handler that answers no request: what it left in output buffers is printed, so that it is
 * in no client's answer. Runs the user's output callbacks: may leave EG(exception). */
void vd_php_sapi_call_end(void);

/* Drop what header() and setcookie() have set. */
void vd_php_sapi_headers_forget(void);

/* The status set by http_response_code() or header(); 200 when none was. */
unsigned vd_php_sapi_status(void);

/* What PHP's body reader reads; borrowed. */
void vd_php_read_post_from(struct vd_text body);
/* The same, with the body of the current request, as it comes from the client. */
void vd_php_read_post_streaming(void);
/* Delete the temporary files of uploads that nobody moved away; in a process that a handler forked
 * they are left to the worker. */
void vd_php_uploads_forget(void);

#endif
