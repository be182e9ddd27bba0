/* SPDX-License-Identifier: Apache-2.0 */
/* A body that is made while it is sent: what a generator yields goes out chunk by chunk, at the
 * client's pace. The head waits for the first chunk, so that code before the first yield may still
 * choose status and headers, or fail with an error page. After that a failure cuts the connection.
 */
#include "answer_chunks.h"

#include <zend_exceptions.h>
#include <zend_interfaces.h>

#include "answer_headers.h"
#include "class_response.h"

struct chunks {
    struct vd_php_exchange *exchange;
    zend_object *response; /* has headers; NULL: none */
    unsigned status;
    bool begun;
};

static enum vd_err chunks_begin(struct chunks *chunks, struct vd_error *error)
{
    struct vd_php_headers headers;
    vd_php_headers_collect(
        &headers, chunks->response ? vd_php_response_headers(chunks->response) : NULL, TYPE_HTML);
    enum vd_err code = vd_worker_respond_begin(chunks->exchange->run->worker, chunks->status,
                                               headers.items, headers.count, error);
    vd_php_headers_finish(&headers);
    chunks->begun = code == VD_OK;
    return code;
}

/* What was printed, then @bytes. Returns false when there is no point in going on. */
static bool chunks_write(struct chunks *chunks, const char *bytes, size_t length)
{
    struct vd_php_run *run = chunks->exchange->run;
    struct vd_error error = {0};
    enum vd_err code = chunks->begun ? VD_OK : chunks_begin(chunks, &error);
    smart_str *printed = &run->capture.output;
    if (code == VD_OK && printed->s && ZSTR_LEN(printed->s)) {
        code = vd_worker_respond_write(run->worker, ZSTR_VAL(printed->s), ZSTR_LEN(printed->s));
        ZSTR_LEN(printed->s) = 0;
    }
    if (code == VD_OK && length) {
        code = vd_worker_respond_write(run->worker, bytes, length);
    }
    vd_php_answer_refused(chunks->exchange, code, &error);
    return code == VD_OK;
}

static bool chunks_from_iterator(struct chunks *chunks, zend_object_iterator *iterator)
{
    if (iterator->funcs->rewind) {
        iterator->funcs->rewind(iterator);
    }
    while (!EG(exception) && iterator->funcs->valid(iterator) == SUCCESS && !EG(exception)) {
        zval *chunk = iterator->funcs->get_current_data(iterator);
        if (EG(exception) || !chunk) {
            break;
        }
        ZVAL_DEREF(chunk);
        if (Z_TYPE_P(chunk) != IS_STRING) {
            zend_type_error("A streamed body must yield strings, %s given",
                            zend_zval_type_name(chunk));
            break;
        }
        if (!chunks_write(chunks, Z_STRVAL_P(chunk), Z_STRLEN_P(chunk))) {
            return false;
        }
        iterator->index++;
        iterator->funcs->move_forward(iterator);
    }
    return true;
}

void vd_php_answer_chunks(struct vd_php_exchange *exchange, const zval *body, unsigned status,
                          zend_object *response)
{
    struct chunks chunks = {.exchange = exchange, .response = response, .status = status};
    zend_class_entry *ce = Z_OBJCE_P(body);
    zval kept; /* while it runs, it may take itself out of the Response */
    ZVAL_COPY(&kept, body);
    zend_object_iterator *iterator = ce->get_iterator(ce, &kept, 0);
    bool going = iterator && chunks_from_iterator(&chunks, iterator);
    if (iterator) {
        zend_iterator_dtor(iterator);
    }
    zval_ptr_dtor(&kept);
    vd_php_sapi_output_flush();
    if (!vd_php_answer_still_well(exchange) || !going) {
        return;
    }
    if (chunks_write(&chunks, "", 0)) {
        vd_worker_respond_end(exchange->run->worker, false);
    }
}
