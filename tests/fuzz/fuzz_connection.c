/* SPDX-License-Identifier: Apache-2.0 */
/* What a client says to the gateway, in one piece and in several: requests one after the other,
 * bodies, nonsense. Three readings must agree:
 *
 *   - the gateway, the bytes cut as the input says (its first three bytes)
 *   - the gateway, in one piece: to the byte, Date aside
 *   - the parsers alone, request after request over the whole; each request that they accept
 *     http-parser must accept with the same meaning
 *
 * So a request that hides in another one, is answered twice, out of order, or after the connection
 * was given up would show. */
#include <string.h>

#include "common_http.h"
#include "fuzz.h"
#include "gateway_harness.h"
#include "http_oracle.h"

/* ---- the parsers alone -------------------------------------------------------------------------
 */

struct reader {
    const char *bytes;
    size_t length, at;
    char *body;
    size_t body_length;
    unsigned status; /* of the refusal */
};

static enum vd_http_result refused(struct reader *reader, unsigned status)
{
    reader->status = status;
    return VD_HTTP_BAD;
}

static enum vd_http_result read_chunks(struct reader *reader)
{
    struct vd_http_chunked chunked = {0};

    for (;;) {
        struct vd_http_span data;
        struct vd_http_error error;
        size_t used;
        enum vd_http_result result =
            vd_http_chunked_feed(&chunked, reader->bytes + reader->at, reader->length - reader->at,
                                 &used, &data, &error);

        if (result == VD_HTTP_BAD)
            return refused(reader, error.status);
        memcpy(reader->body + reader->body_length, reader->bytes + reader->at + data.offset,
               data.length);
        reader->body_length += data.length;
        reader->at += used;
        if (reader->body_length > HARNESS_BODY_LIMIT)
            return refused(reader, 413);
        if (result == VD_HTTP_COMPLETE || reader->at == reader->length)
            return result;
    }
}

static enum vd_http_result read_request(struct reader *reader, struct vd_http_request *head)
{
    static const struct vd_http_limits limits = {HARNESS_LINE_LIMIT, HARNESS_HEAD_LIMIT,
                                                 HARNESS_HEADER_LIMIT};
    struct vd_http_error error;
    size_t scanned = 0;
    enum vd_http_result result = vd_http_parse_head(
        reader->bytes + reader->at, reader->length - reader->at, &scanned, &limits, head, &error);

    reader->body_length = 0;
    if (result == VD_HTTP_BAD)
        return refused(reader, error.status);
    if (result != VD_HTTP_COMPLETE)
        return result;
    if (head->content_length > HARNESS_BODY_LIMIT)
        return refused(reader, 413);
    reader->at += head->head_length;
    if (head->chunked)
        return read_chunks(reader);
    if (head->content_length > reader->length - reader->at)
        return VD_HTTP_INCOMPLETE;
    memcpy(reader->body, reader->bytes + reader->at, head->content_length);
    reader->body_length = head->content_length;
    reader->at += head->content_length;
    return VD_HTTP_COMPLETE;
}

/* ---- what the client heard ---------------------------------------------------------------------
 */

struct ear {
    const char *at, *end;
};

static void complain(const char *what, const struct harness_talk *talk)
{
    fprintf(stderr, "%s; the client heard (%s):\n%.*s\n", what, talk->closed ? "closed" : "open",
            (int)talk->length, talk->output);
    abort();
}

static bool hears(struct ear *ear, const char *text, size_t length)
{
    if ((size_t)(ear->end - ear->at) < length || memcmp(ear->at, text, length) != 0)
        return false;
    ear->at += length;
    return true;
}

static bool expect_answer(struct ear *ear, const char *bytes, const struct vd_http_request *head,
                          const struct reader *reader)
{
    static const char ok[] = "HTTP/1.1 200 OK\r\n";
    char line[HARNESS_LINE_BYTES];
    size_t length =
        harness_line(line, bytes + head->method_span.offset, head->method_span.length,
                     bytes + head->target.offset, head->target.length, head->minor_version,
                     head->header_count, reader->body, reader->body_length);
    const char *head_end;

    if (!hears(ear, ok, sizeof(ok) - 1))
        return false;
    head_end = memmem(ear->at - 2, (size_t)(ear->end - ear->at) + 2, "\r\n\r\n", 4);
    if (!head_end)
        return false;
    bool says_close =
        memmem(ear->at, (size_t)(head_end - ear->at) + 2, "Connection: close\r\n", 19) != NULL;

    ear->at = head_end + 4;
    return says_close == !head->keep_alive &&
           (head->method == VD_HTTP_HEAD || hears(ear, line, length));
}

static void check_against_parsers(const char *bytes, size_t length, const struct harness_talk *talk)
{
    struct reader reader = {.bytes = bytes, .length = length, .body = malloc(length + 1)};
    struct ear ear = {talk->output, talk->output + talk->length};
    struct vd_http_request head = {.keep_alive = true};
    enum vd_http_result result = VD_HTTP_COMPLETE;
    bool open = true;

    FUZZ_REQUIRE(reader.body != NULL);
    while (open && reader.at < length) {
        size_t from = reader.at;
        bool accepted;
        const char *where = http_oracle_disagreement(bytes + from, length - from, &accepted);

        if (where)
            complain(where, talk);
        result = read_request(&reader, &head);
        if (result != VD_HTTP_COMPLETE)
            break;
        if (!expect_answer(&ear, bytes + from, &head, &reader))
            complain("a request was answered in another way than it reads", talk);
        open = head.keep_alive;
    }
    free(reader.body);
    if (open && result == VD_HTTP_BAD) {
        char status[32];
        int status_length = snprintf(status, sizeof(status), "HTTP/1.1 %u ", reader.status);

        if (!hears(&ear, status, (size_t)status_length))
            complain("what should be refused was not, or with another status", talk);
        if (memmem(ear.at, (size_t)(ear.end - ear.at), "\nHTTP/1.1 ", 10))
            complain("something was answered behind a refusal", talk);
        open = false;
    } else if (ear.at != ear.end) {
        complain("more was answered than asked", talk);
    }
    if (talk->closed == open)
        complain(open ? "closed without a reason" : "not closed", talk);
}

/* ---- cuts --------------------------------------------------------------------------------------
 */

static size_t choose_cuts(const uint8_t *data, size_t length, size_t cuts[HARNESS_CUTS_MAX])
{
    size_t step = 1, count = 0;

    if (data[0] % 4 < 2) { /* anywhere, twice */
        size_t a = ((size_t)data[1] << 8 | data[2]) % (length + 1);
        size_t b = ((size_t)data[2] << 8 | data[1]) % (length + 1);

        cuts[0] = a < b ? a : b;
        cuts[1] = a < b ? b : a;
        return 2;
    }
    if (data[0] % 4 == 2) /* pieces of one size; else byte by byte */
        step += data[1];
    while (count < HARNESS_CUTS_MAX && (count + 1) * step < length) {
        cuts[count] = (count + 1) * step;
        count++;
    }
    return count;
}

/* The gateway's own pages are not the worker's to describe. */
static bool names_own_page(const char *bytes, size_t length)
{
    return memmem(bytes, length, "/_health", 8) || memmem(bytes, length, "/metrics", 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t cuts[HARNESS_CUTS_MAX];
    struct harness_talk whole, cut;

    if (size < 4 || names_own_page((const char *)data + 3, size - 3))
        return 0;
    const char *bytes = (const char *)data + 3;
    size_t length = size - 3, count = choose_cuts(data, length, cuts);

    harness_talk(bytes, length, NULL, 0, &whole);
    check_against_parsers(bytes, length, &whole);
    harness_talk(bytes, length, cuts, count, &cut);
    if (whole.length != cut.length || whole.closed != cut.closed ||
        memcmp(whole.output, cut.output, whole.length) != 0) {
        fprintf(stderr, "in one piece:\n%.*s\n", (int)whole.length, whole.output);
        complain("in pieces it is answered in another way", &cut);
    }
    free(whole.output);
    free(cut.output);
    return 0;
}
