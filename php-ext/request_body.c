/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a request as a PHP stream, of any length in little memory.
 *
 * Happy path: each read goes to vd_worker_read_body until as much is there as was asked for, so
 * that fread($body, n) gives n bytes unless the body ends. PHP's own buffer is left out of it;
 * fgets() puts it in where it needs it.
 *
 * Failure modes: the client leaves in the middle: an exception, since half a body must not look
 * like a whole one. A stream that was kept beyond its request is at its end. */
#include "request_body.h"

#include "php_viaduct.h"
#include "request_input.h"
#include "run_worker.h"

struct body_stream {
    uint64_t request_id;
};

/* May it still be read? In the next request the worker's body is another one. */
static bool is_current(const struct body_stream *body)
{
    const struct vd_php_run *run = VIADUCT_G(run);
    return run && run->request && run->request->id == body->request_id;
}

static ssize_t body_stream_read(php_stream *stream, char *buffer, size_t capacity)
{
    size_t total = 0;
    size_t got = 1;
    enum vd_err result = VD_OK;
    if (!is_current(stream->abstract)) {
        stream->eof = 1;
        return 0;
    }
    while (total < capacity && got > 0 && result == VD_OK) {
        result =
            vd_worker_read_body(VIADUCT_G(run)->worker, buffer + total, capacity - total, &got);
        total += got;
    }
    stream->eof = total < capacity;
    if (vd_worker_is_copy(VIADUCT_G(run)->worker)) {
        vd_php_input_throw_forked();
        return -1;
    }
    if (result != VD_OK && result != VD_ERR_STATE) { /* STATE: answered, and nobody has read it */
        vd_php_input_throw_broken_off();
        return -1;
    }
    return (ssize_t)total;
}

static ssize_t body_stream_write(php_stream *stream, const char *bytes, size_t length)
{
    (void)stream;
    (void)bytes;
    (void)length;
    return -1;
}

static int body_stream_close(php_stream *stream, int close_handle)
{
    (void)close_handle;
    efree(stream->abstract);
    return 0;
}

static int body_stream_flush(php_stream *stream)
{
    (void)stream;
    return 0;
}

static const php_stream_ops body_stream_ops = {
    body_stream_write,
    body_stream_read,
    body_stream_close,
    body_stream_flush,
    "request body",
    NULL,
    NULL,
    NULL,
    NULL,
};

void vd_php_body_stream(zval *resource, const struct vd_worker_request *request)
{
    struct body_stream *body = emalloc(sizeof(*body));
    body->request_id = request->id;
    php_stream *stream = php_stream_alloc(&body_stream_ops, body, NULL, "rb");
    stream->flags |= PHP_STREAM_FLAG_NO_SEEK | PHP_STREAM_FLAG_NO_BUFFER;
    php_stream_to_zval(stream, resource);
}

void vd_php_body_stream_of(zval *resource, zend_string *body)
{
    php_stream *stream = php_stream_memory_open(TEMP_STREAM_READONLY, body);
    php_stream_to_zval(stream, resource);
}
