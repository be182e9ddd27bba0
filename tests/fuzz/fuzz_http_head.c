/* SPDX-License-Identifier: Apache-2.0 */
/* A request head in two pieces: the first two bytes say where it is cut. However it is cut the
 * answer is the same, spans lie in the head, and http-parser agrees with what is accepted. */
#include "fuzz.h"
#include "http_feed.h"
#include "http_oracle.h"

static const struct vd_http_limits limits = {300, 600, 12};

static void feed_cut(struct http_feed *feed, const char *bytes, size_t length, size_t cut)
{
    size_t scanned = 0;
    memset(feed, 0, sizeof *feed);
    feed->result = VD_HTTP_INCOMPLETE;
    if (cut > 0) {
        char *front = malloc(cut);
        FUZZ_REQUIRE(front != NULL);
        memcpy(front, bytes, cut);
        feed->result =
            vd_http_parse_head(front, cut, &scanned, &limits, &feed->request, &feed->error);
        free(front);
    }
    if (feed->result == VD_HTTP_INCOMPLETE && cut < length) {
        feed->result =
            vd_http_parse_head(bytes, length, &scanned, &limits, &feed->request, &feed->error);
    }
}

static void check_spans(const struct vd_http_request *request, const char *bytes, size_t length)
{
    FUZZ_REQUIRE(request->head_length <= length && request->head_length <= limits.head_bytes);
    FUZZ_REQUIRE(memcmp(bytes + request->head_length - 4, "\r\n\r\n", 4) == 0);
    FUZZ_REQUIRE(request->header_count <= limits.header_count);
    for (size_t i = 0; i < request->header_count; i++) {
        struct vd_http_span name = request->headers[i].name;
        struct vd_http_span value = request->headers[i].value;
        FUZZ_REQUIRE(vd_http_is_token(bytes + name.offset, name.length));
        FUZZ_REQUIRE(name.offset + name.length < value.offset);
        FUZZ_REQUIRE(value.offset + value.length < request->head_length);
        FUZZ_REQUIRE(vd_http_is_field_value(bytes + value.offset, value.length));
    }
    FUZZ_REQUIRE(request->target.length > 0 && request->path.length > 0);
    FUZZ_REQUIRE(request->path.offset == request->target.offset);
    FUZZ_REQUIRE(request->query.offset + request->query.length ==
                 request->target.offset + request->target.length);
    FUZZ_REQUIRE(request->host < (int)request->header_count);
    FUZZ_REQUIRE(!(request->chunked && request->has_content_length));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_feed whole;
    struct http_feed cut;
    if (size < 3) {
        return 0;
    }
    const char *bytes = (const char *)data + 2;
    size_t length = size - 2;
    size_t at = ((size_t)data[0] << 8 | data[1]) % (length + 1);
    feed_cut(&whole, bytes, length, 0);
    feed_cut(&cut, bytes, length, at);
    FUZZ_REQUIRE(http_feed_equal(&whole, &cut));
    if (whole.result == VD_HTTP_COMPLETE) {
        check_spans(&whole.request, bytes, length);
    }
    if (whole.result == VD_HTTP_BAD) {
        FUZZ_REQUIRE(whole.error.status >= 400 && whole.error.status <= 505 &&
                     whole.error.reason != NULL);
    }
    bool accepted;
    const char *where = http_oracle_disagreement(bytes, length, &accepted);
    if (where) {
        fprintf(stderr, "%s\n", where);
        abort();
    }
    return 0;
}
