/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that may be compressed.
 *
 * Happy path: a whole response is coded into memory and leaves with its new length; one of more
 * than WHOLE_MAX_BYTES, or a streamed one, is coded in pieces of 16 KiB that take the way of any
 * streamed body, so that memory stays flat and the credit counts the bytes that really travel. What
 * a handler writes at once is flushed: the client can read it before the next write.
 *
 * Failure modes: no memory, or nothing gained - the response goes as it is; no memory in the middle
 * of a streamed one - it is cut, so that the client can tell. */
#include <stdlib.h>
#include <string.h>

#include "worker_state.h"

#define WHOLE_MAX_BYTES (4u * 1024 * 1024)
/* A coding that saves less than its own header is left out. */
#define GAIN_MIN_BYTES 64

/* Coded bytes of a whole response, with an end. */
struct buffer {
    char *bytes;
    size_t length, capacity;
};

static enum vd_err buffer_emit(void *context, const void *bytes, size_t length)
{
    struct buffer *buffer = context;

    if (length > buffer->capacity - buffer->length)
        return VD_ERR_FULL;
    memcpy(buffer->bytes + buffer->length, bytes, length);
    buffer->length += length;
    return VD_OK;
}

static enum vd_err body_emit(void *context, const void *bytes, size_t length)
{
    return vd_worker_send_body(context, bytes, length);
}

static bool coder_begin(struct vd_worker *worker, enum vd_coding coding, size_t length)
{
    if (!worker->coder && !(worker->coder = vd_coder_create()))
        return false;
    return vd_coder_begin(worker->coder, coding, worker->node->config.compression_level, length) ==
           VD_OK;
}

static struct vd_coding_decision decide(const struct vd_worker *worker, unsigned status,
                                        const struct vd_header *headers, size_t count)
{
    return vd_coding_decide(&worker->node->config, status, worker->headers, worker->header_count,
                            headers, count);
}

static void leave_uncoded(struct vd_coding_decision *decision)
{
    decision->coding = VD_CODING_IDENTITY;
    decision->weak_etag = false;
}

/* ---- streamed ----------------------------------------------------------------------------------
 */

enum vd_err vd_worker_coded_write(struct vd_worker *worker, const void *bytes, size_t length,
                                  enum vd_coder_step step)
{
    enum vd_err result;

    if (length == 0 && step != VD_CODER_FINISH)
        return VD_OK;
    result = vd_coder_run(worker->coder, bytes, length, step, body_emit, worker);
    if (result != VD_OK && worker->answer == VD_ANSWER_STREAMING) {
        if (vd_worker_same_gateway(worker))
            vd_worker_send_empty(worker, VD_FRAME_RESPONSE_ABORT, worker->request_id);
        vd_worker_answered(worker);
    }
    return result;
}

static enum vd_err begin(struct vd_worker *worker, unsigned status, const struct vd_header *headers,
                         size_t count, size_t headers_length, struct vd_coding_decision decision,
                         struct vd_error *error)
{
    struct vd_coded_headers coded;
    enum vd_err result;

    if (decision.coding != VD_CODING_IDENTITY && !coder_begin(worker, decision.coding, 0))
        leave_uncoded(&decision);
    if ((!decision.vary && !decision.weak_etag) ||
        !vd_coded_headers_make(&coded, headers, count, decision))
        return vd_worker_send_begin(worker, status, headers, count, headers_length, error);
    result = vd_worker_send_begin(worker, status, coded.items, coded.count,
                                  vd_worker_headers_length(coded.items, coded.count), error);
    worker->coding = result == VD_OK && decision.coding != VD_CODING_IDENTITY;
    vd_coded_headers_finish(&coded);
    return result;
}

enum vd_err vd_worker_coded_begin(struct vd_worker *worker, unsigned status,
                                  const struct vd_header *headers, size_t header_count,
                                  size_t headers_length, struct vd_error *error)
{
    return begin(worker, status, headers, header_count, headers_length,
                 decide(worker, status, headers, header_count), error);
}

/* ---- whole -------------------------------------------------------------------------------------
 */

static enum vd_err respond_in_pieces(struct vd_worker *worker, unsigned status,
                                     const struct vd_header *headers, size_t count,
                                     size_t headers_length, const char *body, size_t body_length,
                                     struct vd_coding_decision decision, struct vd_error *error)
{
    enum vd_err result = begin(worker, status, headers, count, headers_length, decision, error);

    if (result != VD_OK)
        return result;
    result = worker->coding ? vd_worker_coded_write(worker, body, body_length, VD_CODER_MORE)
                            : vd_worker_send_body(worker, body, body_length);
    if (result == VD_OK)
        result = vd_worker_respond_end(worker, false);
    return result == VD_OK ? VD_OK
                           : vd_error_set(error, result, "the answer could not be sent whole: %s",
                                          vd_err_text(result));
}

static bool code_body(struct vd_worker *worker, enum vd_coding coding, const void *body,
                      size_t length, struct buffer *buffer)
{
    if (length <= GAIN_MIN_BYTES)
        return false;
    buffer->capacity = length - GAIN_MIN_BYTES;
    buffer->bytes = malloc(buffer->capacity);
    return buffer->bytes && coder_begin(worker, coding, length) &&
           vd_coder_run(worker->coder, body, length, VD_CODER_FINISH, buffer_emit, buffer) == VD_OK;
}

enum vd_err vd_worker_coded_whole(struct vd_worker *worker, unsigned status,
                                  const struct vd_header *headers, size_t header_count,
                                  size_t headers_length, const void *body, size_t body_length,
                                  struct vd_error *error)
{
    struct vd_coding_decision decision = decide(worker, status, headers, header_count);
    struct vd_coded_headers coded;
    struct buffer buffer = {0};
    enum vd_err result;

    if (decision.coding != VD_CODING_IDENTITY && body_length > WHOLE_MAX_BYTES) {
        return respond_in_pieces(worker, status, headers, header_count, headers_length, body,
                                 body_length, decision, error);
    }
    if (decision.coding != VD_CODING_IDENTITY &&
        !code_body(worker, decision.coding, body, body_length, &buffer))
        leave_uncoded(&decision);
    if ((!decision.vary && !decision.weak_etag) ||
        !vd_coded_headers_make(&coded, headers, header_count, decision)) {
        result = vd_worker_send_whole(worker, status, headers, header_count, headers_length, body,
                                      body_length, error);
        goto done;
    }
    if (decision.coding != VD_CODING_IDENTITY) {
        body = buffer.bytes;
        body_length = buffer.length;
    }
    result = vd_worker_send_whole(worker, status, coded.items, coded.count,
                                  vd_worker_headers_length(coded.items, coded.count), body,
                                  body_length, error);
    vd_coded_headers_finish(&coded);
done:
    free(buffer.bytes);
    return result;
}
