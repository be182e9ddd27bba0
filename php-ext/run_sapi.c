/* SPDX-License-Identifier: Apache-2.0 */
/* PHP's surroundings in a worker.
 *
 * A worker is forked from the middle of a command-line script, whose SAPI drops headers, prints to
 * the terminal and ends by running what the script registered. Here each of these is turned into
 * what a web handler expects. All of it is done in the worker only: the process that called run()
 * keeps its command-line life. */
#include "run_sapi.h"

#include <signal.h>

#include <SAPI.h>
#include <ext/random/php_random.h>
#include <ext/standard/basic_functions.h>
#include <php_output.h>
#include <php_variables.h>
#include <rfc1867.h>

#include "php_viaduct.h"
#include "run_worker.h"

/* ---- callbacks ------------------------------------------------------------------------------ */

static size_t (*terminal_write)(const char *bytes, size_t length);

static size_t capture_write(const char *bytes, size_t length)
{
    struct vd_php_run *run = VIADUCT_G(run);
    if (!run || !run->capture.on) {
        return terminal_write(bytes, length);
    }
    smart_str_appendl(&run->capture.output, bytes, length);
    return length;
}

static void capture_flush(void *server_context)
{
    (void)server_context; /* nothing is held back by us */
}

static size_t body_read_streamed(struct vd_php_run *run, char *buffer, size_t length)
{
    size_t got = 0;
    run->body_broken_off = vd_worker_read_body(run->worker, buffer, length, &got) != VD_OK;
    if (got > run->body_left) {
        run->body_too_large = true;
        got = 0; /* to the parser the body ends here */
    }
    run->body_left -= got;
    return got;
}

static size_t body_read(char *buffer, size_t length)
{
    struct vd_php_run *run = VIADUCT_G(run);
    struct vd_text *body = &run->body;
    if (run->body_streams) {
        return body_read_streamed(run, buffer, length);
    }
    size_t taken = length < body->length ? length : body->length;
    if (taken) {
        memcpy(buffer, body->bytes, taken);
        body->bytes += taken;
        body->length -= taken;
    }
    return taken;
}

void vd_php_read_post_from(struct vd_text body)
{
    VIADUCT_G(run)->body = body;
    VIADUCT_G(run)->body_streams = false;
    SG(read_post_bytes) = 0;
    SG(post_read) = 0;
}

void vd_php_read_post_streaming(void)
{
    vd_php_read_post_from((struct vd_text){NULL, 0});
    VIADUCT_G(run)->body_streams = true;
    VIADUCT_G(run)->body_left = SG(post_max_size) > 0 ? (size_t)SG(post_max_size) : SIZE_MAX;
    VIADUCT_G(run)->body_broken_off = false;
}

void vd_php_uploads_forget(void)
{
    if (SG(rfc1867_uploaded_files) && !vd_worker_is_copy(VIADUCT_G(run)->worker)) {
        destroy_uploaded_files_hash();
    }
    SG(rfc1867_uploaded_files) = NULL;
}

/* ---- after the fork ------------------------------------------------------------------------- */

/* Objects of before the fork are the caller's: their destructors run there, not in each worker.
 * First, since freeing the shutdown functions may release such objects. */
static void disown_inherited(void)
{
    zend_objects_store_mark_destructed(&EG(objects_store));
    php_free_shutdown_functions();
    php_output_discard_all();
    signal(SIGQUIT, SIG_DFL); /* those of PHP's that the server leaves alone */
    signal(SIGUSR2, SIG_DFL);
    RANDOM_G(mt19937_seeded) = false; /* or every worker draws the same numbers */
    RANDOM_G(combined_lcg_seeded) = false;
}

static void set_ini(const char *name, const char *value)
{
    zend_string *key = zend_string_init(name, strlen(name), false);
    zend_alter_ini_entry_chars(key, value, strlen(value), PHP_INI_USER, PHP_INI_STAGE_RUNTIME);
    zend_string_release(key);
}

static void restore_ini(const char *name)
{
    zend_string *key = zend_string_init(name, strlen(name), false);
    zend_restore_ini_entry(key, PHP_INI_STAGE_DEACTIVATE);
    zend_string_release(key);
}

void vd_php_sapi_headers_forget(void)
{
    if (zend_llist_count(&SG(sapi_headers).headers)) {
        zend_llist_clean(&SG(sapi_headers).headers);
    }
}

static void headers_reset(void)
{
    if (zend_llist_count(&SG(sapi_headers).headers)) {
        vd_php_sapi_headers_forget();
    }
    if (SG(sapi_headers).mimetype) {
        efree(SG(sapi_headers).mimetype);
        SG(sapi_headers).mimetype = NULL;
    }
    if (SG(sapi_headers).http_status_line) {
        efree(SG(sapi_headers).http_status_line);
        SG(sapi_headers).http_status_line = NULL;
    }
    SG(sapi_headers).http_response_code = 200;
    SG(sapi_headers).send_default_content_type = 1;
    SG(headers_sent) = 0;
}

void vd_php_sapi_enter_worker(bool dev_mode)
{
    disown_inherited();
    terminal_write = sapi_module.ub_write;
    sapi_module.ub_write = capture_write;
    sapi_module.flush = capture_flush;
    sapi_module.header_handler = NULL; /* the command line's keeps none */
    sapi_module.read_post = body_read;
    /* filter's keeps every value it saw for filter_input(), across requests */
    sapi_module.input_filter = php_default_input_filter;
    SG(request_info).no_headers = 1; /* header() stays possible after output */
    headers_reset();
    if (!dev_mode) {
        set_ini("display_errors", "0"); /* a warning is the log's, not the client's */
    }
    set_ini("max_execution_time", "0"); /* the supervisor keeps the time, per request */
}

/* ---- around a request ----------------------------------------------------------------------- */

void vd_php_sapi_request_begin(struct vd_php_capture *capture)
{
    headers_reset();
    capture->on = true;
}

void vd_php_sapi_output_flush(void)
{
    if (php_output_get_level() > 0) {
        php_output_end_all();
    }
}

void vd_php_sapi_output_discard(struct vd_php_capture *capture)
{
    if (php_output_get_level() > 0) {
        php_output_discard_all();
    }
    if (capture->output.s) {
        ZSTR_LEN(capture->output.s) = 0;
    }
}

/* A buffer that one large page has grown is given back; a small one serves the next request. */
#define CAPTURE_KEEP_BYTES (64 * 1024)

/* The handler may have called session_start(): PHP ends a session with the request, and so that no
 * visitor gets another one's, here it does as well. */
static void session_end(void)
{
    if (EXPECTED(!zend_hash_str_exists(&EG(symbol_table), ZEND_STRL("_SESSION"))) ||
        vd_worker_is_copy(VIADUCT_G(run)->worker)) {
        return;
    }
    zend_module_entry *session = zend_hash_str_find_ptr(&module_registry, ZEND_STRL("session"));
    if (session && session->request_shutdown_func && session->request_startup_func) {
        session->request_shutdown_func(session->type, session->module_number);
        restore_ini("session.save_handler"); /* a handler's own is gone */
        session->request_startup_func(session->type, session->module_number);
    }
    zend_hash_str_del(&EG(symbol_table), ZEND_STRL("_SESSION"));
}

/* What a handler has begun and not ended, besides its output. Runs PHP code: session handlers. */
static void loose_ends(void)
{
    session_end();
    if (EG(timeout_seconds)) { /* it called set_time_limit() */
        set_ini("max_execution_time", "0");
    }
}

void vd_php_sapi_request_end(struct vd_php_capture *capture)
{
    vd_php_sapi_output_discard(capture);
    if (capture->output.a > CAPTURE_KEEP_BYTES) {
        smart_str_free(&capture->output);
    }
    loose_ends();
    capture->on = false;
    vd_php_uploads_forget();
}

void vd_php_sapi_call_end(void)
{
    vd_php_sapi_output_flush();
    loose_ends();
}

unsigned vd_php_sapi_status(void)
{
    int status = SG(sapi_headers).http_response_code;
    return status >= 200 && status <= 599 ? (unsigned)status : 200;
}
