/* SPDX-License-Identifier: Apache-2.0 */
/* Answers: a whole response, a streamed one, a stream that the gateway takes over.
 *
 * Happy path: the headers are checked and measured in one pass, then one frame is built where it
 * lies in the ring: no copy between, no allocation. A larger answer goes the way of a streamed one,
 * whose body keeps at most response_buffer_bytes on the way to the client: the gateway tells
 * what left (response_acknowledged), and rings.
 *
 * Failure modes: what is wrong with the caller's headers is VD_ERR_INVALID with a sentence, and
 * nothing was sent; a client or gateway that is gone is VD_ERR_CLOSED and ends the answer; a client
 * that takes nothing for as long as a request may last is cut off (VD_ERR_TIMEOUT). */
#include <string.h>

#include <viaduct/clock.h>
#include <viaduct/scope.h>

#include "worker_state.h"

#define ACKNOWLEDGED_MASK ((1ull << 48) - 1)
#define CREDIT_TICK_MS    500

/* ---- checks ------------------------------------------------------------------------------------
 */

static enum vd_err check_answer(const struct vd_worker *worker, struct vd_error *error)
{
    if (!vd_worker_is_here(worker)) {
        return vd_error_set(error, VD_ERR_STATE,
                            "this process was forked by a handler: only the worker may answer");
    }
    if (worker->answer == VD_ANSWER_NONE)
        return vd_error_set(error, VD_ERR_STATE, "no request waits for an answer");
    if (worker->answer != VD_ANSWER_OWED)
        return vd_error_set(error, VD_ERR_STATE, "the response has already begun");
    return VD_OK;
}

static enum vd_err check_status(unsigned status, size_t body_length, struct vd_error *error)
{
    if (status < 200 || status > 599)
        return vd_error_set(error, VD_ERR_INVALID, "status is %u, allowed are 200 to 599", status);
    if (body_length > 0 && (status == 204 || status == 304)) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "status %u takes no body, here are %zu bytes of it", status,
                            body_length);
    }
    return VD_OK;
}

/* The names that are the gateway's. By length first: nearly every header fails that. */
static bool is_forbidden(struct vd_text name, bool stream)
{
    switch (name.length) {
    case 4:
        return vd_http_name_is(name.bytes, name.length, "date");
    case 10:
        return vd_http_name_is(name.bytes, name.length, "connection");
    case 12:
        return stream && vd_http_name_is(name.bytes, name.length, "content-type");
    case 14:
        return vd_http_name_is(name.bytes, name.length, "content-length");
    case 17:
        return vd_http_name_is(name.bytes, name.length, "transfer-encoding");
    default:
        return false;
    }
}

static enum vd_err refuse_header(const struct vd_header *header, bool stream,
                                 struct vd_error *error)
{
    int shown = header->name.length < 64 ? (int)header->name.length : 64;

    if (!vd_http_is_token(header->name.bytes, header->name.length)) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "header name \"%.*s\" is empty or holds a character other than "
                            "letters, digits and !#$%%&'*+-.^_`|~",
                            shown, header->name.bytes);
    }
    if (is_forbidden(header->name, stream)) {
        return vd_error_set(error, VD_ERR_INVALID, "header %.*s is set by the server itself", shown,
                            header->name.bytes);
    }
    return vd_error_set(error, VD_ERR_INVALID,
                        "the value of header %.*s holds a line break or another control character",
                        shown, header->name.bytes);
}

static enum vd_err measure_headers(const struct vd_header *headers, size_t count, bool stream,
                                   size_t *length, struct vd_error *error)
{
    *length = 0;
    for (size_t i = 0; i < count; i++) {
        const struct vd_header *header = &headers[i];

        if (!vd_http_is_token(header->name.bytes, header->name.length) ||
            !vd_http_is_field_value(header->value.bytes, header->value.length) ||
            is_forbidden(header->name, stream))
            return refuse_header(header, stream, error);
        *length += header->name.length + header->value.length + 4;
        if (*length > VD_WORKER_HEADERS_MAX_BYTES) {
            return vd_error_set(error, VD_ERR_TOO_LARGE,
                                "the headers take more than %d bytes, the limit",
                                VD_WORKER_HEADERS_MAX_BYTES);
        }
    }
    return VD_OK;
}

static unsigned char *put(unsigned char *at, const void *bytes, size_t length)
{
    if (length > 0)
        memcpy(at, bytes, length);
    return at + length;
}

static unsigned char *write_headers(unsigned char *at, const struct vd_header *headers,
                                    size_t count)
{
    for (size_t i = 0; i < count; i++) {
        at = put(at, headers[i].name.bytes, headers[i].name.length);
        at = put(at, ": ", 2);
        at = put(at, headers[i].value.bytes, headers[i].value.length);
        at = put(at, "\r\n", 2);
    }
    return at;
}

/* ---- whole responses ---------------------------------------------------------------------------
 */

void vd_worker_answered(struct vd_worker *worker)
{
    worker->answer = VD_ANSWER_NONE;
    worker->coding = false;
    vd_worker_clock_stop(worker);
}

static enum vd_err closed(struct vd_worker *worker, enum vd_err result, struct vd_error *error)
{
    vd_worker_answered(worker);
    return vd_error_set(error, result, "%s",
                        result == VD_ERR_TIMEOUT ? "the client took nothing for too long"
                                                 : "the client or the gateway is gone");
}

/* Head and body as one frame; of a streamed answer the head alone (@body NULL). */
static enum vd_err send_frame(struct vd_worker *worker, uint16_t type,
                              const struct vd_frame_response *head, const struct vd_header *headers,
                              size_t header_count, const void *body)
{
    struct vd_worker_patience for_ever = {.epoch = worker->epoch};
    struct vd_frame *frame;
    size_t body_length = body ? (size_t)head->body_length : 0;
    unsigned char *at;
    enum vd_err result =
        vd_worker_reserve(worker, sizeof(*head) + head->headers_length + body_length, type, 0,
                          worker->request_id, &for_ever, &frame);

    if (result != VD_OK)
        return result;
    at = put(frame->payload, head, sizeof(*head));
    at = write_headers(at, headers, header_count);
    put(at, body, body_length);
    vd_worker_commit(worker);
    return VD_OK;
}

/* The credit starts at nothing: the word may still be that of a request long gone. The gateway
 * writes it only after it has read BEGIN. */
static enum vd_err begin_stream(struct vd_worker *worker, const struct vd_frame_response *head,
                                const struct vd_header *headers, size_t header_count)
{
    enum vd_err result;

    atomic_store(&worker->slot->response_acknowledged, worker->request_id << 48);
    result = send_frame(worker, VD_FRAME_RESPONSE_BEGIN, head, headers, header_count, NULL);
    if (result != VD_OK)
        return result;
    worker->answer = VD_ANSWER_STREAMING;
    worker->streamed_bytes = 0;
    return VD_OK;
}

/* The longer body takes the way of a streamed one, in windows, with its length told in advance. */
static enum vd_err send_large(struct vd_worker *worker, const struct vd_frame_response *head,
                              const struct vd_header *headers, size_t header_count,
                              const void *body)
{
    enum vd_err result = begin_stream(worker, head, headers, header_count);

    if (result == VD_OK)
        result = vd_worker_send_body(worker, body, (size_t)head->body_length);
    return result == VD_OK ? vd_worker_respond_end(worker, false) : result;
}

size_t vd_worker_headers_length(const struct vd_header *headers, size_t count)
{
    size_t length = 0;

    for (size_t i = 0; i < count; i++)
        length += headers[i].name.length + headers[i].value.length + 4;
    return length;
}

enum vd_err vd_worker_send_whole(struct vd_worker *worker, unsigned status,
                                 const struct vd_header *headers, size_t header_count,
                                 size_t headers_length, const void *body, size_t body_length,
                                 struct vd_error *error)
{
    struct vd_frame_response head = {
        .status = status, .headers_length = (uint32_t)headers_length, .body_length = body_length};
    enum vd_err result;

    if (!vd_worker_same_gateway(worker))
        return closed(worker, VD_ERR_CLOSED, error);
    if (sizeof(head) + headers_length + body_length <= VD_FRAME_CHUNK_BYTES) {
        result = send_frame(worker, VD_FRAME_RESPONSE, &head, headers, header_count, body);
    } else {
        result = send_large(worker, &head, headers, header_count, body);
    }
    if (result != VD_OK)
        return closed(worker, result, error);
    vd_worker_answered(worker);
    return VD_OK;
}

enum vd_err vd_worker_respond(struct vd_worker *worker, unsigned status,
                              const struct vd_header *headers, size_t header_count,
                              const void *body, size_t body_length, struct vd_error *error)
{
    size_t headers_length;
    enum vd_err result;

    if ((result = check_answer(worker, error)) != VD_OK ||
        (result = check_status(status, body_length, error)) != VD_OK ||
        (result = measure_headers(headers, header_count, false, &headers_length, error)) != VD_OK)
        return result;
    if (body_length >= worker->code_from || (status == 304 && worker->code_from != SIZE_MAX)) {
        return vd_worker_coded_whole(worker, status, headers, header_count, headers_length, body,
                                     body_length, error);
    }
    return vd_worker_send_whole(worker, status, headers, header_count, headers_length, body,
                                body_length, error);
}

/* ---- streamed responses ------------------------------------------------------------------------
 */

enum vd_err vd_worker_send_begin(struct vd_worker *worker, unsigned status,
                                 const struct vd_header *headers, size_t header_count,
                                 size_t headers_length, struct vd_error *error)
{
    struct vd_frame_response head = {.status = status,
                                     .headers_length = (uint32_t)headers_length,
                                     .body_length = VD_BODY_LENGTH_UNKNOWN};
    enum vd_err result;

    if (!vd_worker_same_gateway(worker))
        return closed(worker, VD_ERR_CLOSED, error);
    result = begin_stream(worker, &head, headers, header_count);
    return result == VD_OK ? VD_OK : closed(worker, result, error);
}

enum vd_err vd_worker_respond_begin(struct vd_worker *worker, unsigned status,
                                    const struct vd_header *headers, size_t header_count,
                                    struct vd_error *error)
{
    size_t headers_length;
    enum vd_err result;

    if ((result = check_answer(worker, error)) != VD_OK ||
        (result = check_status(status, 0, error)) != VD_OK ||
        (result = measure_headers(headers, header_count, false, &headers_length, error)) != VD_OK)
        return result;
    if (worker->code_from != SIZE_MAX) {
        return vd_worker_coded_begin(worker, status, headers, header_count, headers_length, error);
    }
    return vd_worker_send_begin(worker, status, headers, header_count, headers_length, error);
}

/* Less than configured while all responses together fill their room in the gateway. */
static uint64_t response_window(const struct vd_worker *worker)
{
    uint64_t now = atomic_load_explicit(&worker->shared->response_window, memory_order_relaxed);

    return now ? now : worker->node->config.response_buffer_bytes;
}

/* Bytes that may be sent now; VD_ERR_CLOSED when nobody wants them any more. */
static enum vd_err credit(const struct vd_worker *worker, uint64_t *bytes)
{
    uint64_t word =
        atomic_load_explicit(&worker->slot->response_acknowledged, memory_order_acquire);
    uint64_t left_for_client = 0, window = response_window(worker);

    if (!vd_worker_same_gateway(worker) || vd_orphaned())
        return VD_ERR_CLOSED;
    if (word >> 48 == (worker->request_id & 0xffff)) {
        left_for_client = word & ACKNOWLEDGED_MASK;
        if (left_for_client == ACKNOWLEDGED_MASK)
            return VD_ERR_CLOSED;
    }
    if (left_for_client > worker->streamed_bytes)
        left_for_client = worker->streamed_bytes;
    /* More than the window is possible: the gateway counts what waits there with its chunk lines,
     * so the credit steps back by a few bytes now and then. */
    uint64_t outstanding = worker->streamed_bytes - left_for_client;
    *bytes = outstanding < window ? window - outstanding : 0;
    return VD_OK;
}

static bool credit_or_closed(struct vd_worker *worker)
{
    uint64_t bytes;

    return credit(worker, &bytes) != VD_OK || bytes > 0;
}

/* Until there is credit. It is the client who is slow, not the handler: the clock is wound up. */
static enum vd_err wait_for_credit(struct vd_worker *worker, uint64_t *bytes)
{
    uint64_t give_up_ms = 0;
    enum vd_err result;

    while ((result = credit(worker, bytes)) == VD_OK && *bytes == 0) {
        uint64_t now = vd_monotonic_ms();

        if (give_up_ms == 0)
            give_up_ms = now + worker->node->config.request_timeout_ms;
        if (now >= give_up_ms)
            return VD_ERR_TIMEOUT;
        vd_worker_clock_wind(worker);
        vd_worker_sleep(worker, CREDIT_TICK_MS, credit_or_closed);
    }
    return result;
}

static enum vd_err write_part(struct vd_worker *worker, const char *bytes, size_t length,
                              size_t *written)
{
    struct vd_text piece = {.bytes = bytes};
    uint64_t allowed;
    enum vd_err result = wait_for_credit(worker, &allowed);

    if (result != VD_OK)
        return result;
    if (length > VD_FRAME_CHUNK_BYTES)
        length = VD_FRAME_CHUNK_BYTES;
    piece.length = length < allowed ? length : (size_t)allowed;
    result = vd_worker_send(worker, VD_FRAME_RESPONSE_BODY, 0, worker->request_id, &piece, 1,
                            (struct vd_worker_patience){.epoch = worker->epoch});
    if (result == VD_OK) {
        worker->streamed_bytes += piece.length;
        *written = piece.length;
    }
    return result;
}

enum vd_err vd_worker_send_body(struct vd_worker *worker, const void *bytes, size_t length)
{
    const char *at = bytes;
    size_t written;

    while (length > 0) {
        enum vd_err result = write_part(worker, at, length, &written);

        if (result != VD_OK) {
            /* also for a client that left: the gateway keeps the request until the worker is done
             */
            if (vd_worker_same_gateway(worker))
                vd_worker_send_empty(worker, VD_FRAME_RESPONSE_ABORT, worker->request_id);
            vd_worker_answered(worker);
            return result;
        }
        at += written;
        length -= written;
    }
    return VD_OK;
}

enum vd_err vd_worker_respond_write(struct vd_worker *worker, const void *bytes, size_t length)
{
    if (!vd_worker_is_here(worker) || worker->answer != VD_ANSWER_STREAMING)
        return VD_ERR_STATE;
    vd_worker_clock_start(worker);
    if (worker->coding)
        return vd_worker_coded_write(worker, bytes, length, VD_CODER_FLUSH);
    return vd_worker_send_body(worker, bytes, length);
}

enum vd_err vd_worker_respond_end(struct vd_worker *worker, bool abort)
{
    enum vd_err result = VD_ERR_CLOSED;

    if (!vd_worker_is_here(worker) || worker->answer != VD_ANSWER_STREAMING)
        return VD_ERR_STATE;
    if (worker->coding && !abort &&
        (result = vd_worker_coded_write(worker, NULL, 0, VD_CODER_FINISH)) != VD_OK)
        return result;
    result = VD_ERR_CLOSED;
    if (vd_worker_same_gateway(worker)) {
        result = vd_worker_send_empty(
            worker, abort ? VD_FRAME_RESPONSE_ABORT : VD_FRAME_RESPONSE_END, worker->request_id);
    }
    vd_worker_answered(worker);
    return result;
}

/* ---- SSE streams -------------------------------------------------------------------------------
 */

static enum vd_err check_patterns(const struct vd_text *patterns, size_t count,
                                  struct vd_frame_stream *head, uint16_t *lengths,
                                  struct vd_error *error)
{
    if (count == 0 || count > VD_WORKER_PATTERNS_MAX) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "a stream follows %zu scopes, allowed are 1 to %d", count,
                            VD_WORKER_PATTERNS_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        enum vd_err result = vd_scope_check(patterns[i].bytes, patterns[i].length, error);

        if (result != VD_OK)
            return result;
        lengths[i] = (uint16_t)patterns[i].length;
        head->patterns_length += (uint32_t)patterns[i].length;
    }
    head->pattern_count = (uint32_t)count;
    return VD_OK;
}

/* The gateway codes; what the headers say of it is written here, beside the request. */
static uint32_t code_stream(const struct vd_worker *worker, const struct vd_header *headers,
                            size_t count, struct vd_coded_headers *coded)
{
    struct vd_coding_decision decision =
        vd_coding_decide_stream(worker->headers, worker->header_count, headers, count);

    if (!decision.vary || !vd_coded_headers_make(coded, headers, count, decision))
        return VD_CODING_IDENTITY;
    return decision.coding;
}

enum vd_err vd_worker_respond_stream(struct vd_worker *worker, const struct vd_text *patterns,
                                     size_t pattern_count, const struct vd_header *headers,
                                     size_t header_count, struct vd_error *error)
{
    struct vd_worker_patience for_ever = {.epoch = worker->epoch};
    struct vd_frame_stream head = {0};
    struct vd_coded_headers coded = {0};
    uint16_t lengths[VD_WORKER_PATTERNS_MAX];
    size_t headers_length;
    struct vd_frame *frame;
    unsigned char *at;
    enum vd_err result;

    if ((result = check_answer(worker, error)) != VD_OK ||
        (result = check_patterns(patterns, pattern_count, &head, lengths, error)) != VD_OK ||
        (result = measure_headers(headers, header_count, true, &headers_length, error)) != VD_OK)
        return result;
    if (!vd_worker_same_gateway(worker))
        return closed(worker, VD_ERR_CLOSED, error);
    if (worker->code_from != SIZE_MAX && worker->node->config.compress_streams) {
        head.coding = code_stream(worker, headers, header_count, &coded);
        if (coded.items) {
            headers = coded.items;
            header_count = coded.count;
            headers_length = vd_worker_headers_length(headers, header_count);
        }
    }
    head.headers_length = (uint32_t)headers_length;
    /* at most 49 KiB: always one frame */
    result = vd_worker_reserve(worker,
                               sizeof(head) + pattern_count * sizeof(*lengths) +
                                   head.patterns_length + headers_length,
                               VD_FRAME_RESPONSE_STREAM, 0, worker->request_id, &for_ever, &frame);
    if (result != VD_OK) {
        vd_coded_headers_finish(&coded);
        return closed(worker, result, error);
    }
    at = put(frame->payload, &head, sizeof(head));
    at = put(at, lengths, pattern_count * sizeof(*lengths));
    for (size_t i = 0; i < pattern_count; i++)
        at = put(at, patterns[i].bytes, patterns[i].length);
    write_headers(at, headers, header_count);
    vd_worker_commit(worker);
    vd_coded_headers_finish(&coded);
    vd_worker_answered(worker);
    return VD_OK;
}

bool vd_worker_request_open(const struct vd_worker *worker)
{
    return worker->answer != VD_ANSWER_NONE;
}

bool vd_worker_response_begun(const struct vd_worker *worker)
{
    return worker->answer == VD_ANSWER_STREAMING;
}
