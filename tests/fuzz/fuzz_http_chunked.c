/* SPDX-License-Identifier: Apache-2.0 */
/* A chunked body in pieces whose length the first byte says: the same as in one piece, and what
 * http-parser reads of it behind a request head. */
#include <string.h>

#include "common_http.h"
#include "fuzz.h"
#include "http_oracle.h"

#define HEAD "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

struct decoded {
    enum vd_http_result result;
    const char *reason;
    size_t used;
    size_t length;
    char *body;
};

static void decode(struct decoded *decoded, const char *bytes, size_t length, size_t step)
{
    struct vd_http_chunked chunked = {0};
    memset(decoded, 0, sizeof *decoded);
    decoded->body = malloc(length + 1);
    FUZZ_REQUIRE(decoded->body != NULL);
    while (decoded->result == VD_HTTP_INCOMPLETE && decoded->used < length) {
        struct vd_http_span data;
        struct vd_http_error error = {0, NULL};
        size_t piece = length - decoded->used < step ? length - decoded->used : step;
        size_t consumed;
        decoded->result =
            vd_http_chunked_feed(&chunked, bytes + decoded->used, piece, &consumed, &data, &error);
        FUZZ_REQUIRE(consumed <= piece && (size_t)data.offset + data.length <= consumed);
        FUZZ_REQUIRE(consumed > 0 || decoded->result != VD_HTTP_INCOMPLETE);
        FUZZ_REQUIRE((decoded->result == VD_HTTP_BAD) == (error.status == 400));
        memcpy(decoded->body + decoded->length, bytes + decoded->used + data.offset, data.length);
        decoded->length += data.length;
        decoded->used += consumed;
        decoded->reason = error.reason;
    }
}

static void compare_with_oracle(const char *bytes, size_t length)
{
    size_t head = sizeof HEAD - 1;
    char *request = malloc(head + length);
    FUZZ_REQUIRE(request != NULL);
    memcpy(request, HEAD, head);
    memcpy(request + head, bytes, length);
    bool accepted;
    const char *where = http_oracle_disagreement(request, head + length, &accepted);
    free(request);
    FUZZ_REQUIRE(accepted);
    if (where) {
        fprintf(stderr, "%s\n", where);
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct decoded whole;
    struct decoded pieces;
    if (size < 2) {
        return 0;
    }
    const char *bytes = (const char *)data + 1;
    size_t length = size - 1;
    decode(&whole, bytes, length, length);
    decode(&pieces, bytes, length, 1 + (size_t)data[0] % 32);
    FUZZ_REQUIRE(whole.result == pieces.result && whole.reason == pieces.reason);
    FUZZ_REQUIRE(whole.used == pieces.used && whole.length == pieces.length);
    FUZZ_REQUIRE(memcmp(whole.body, pieces.body, whole.length) == 0);
    free(whole.body);
    free(pieces.body);
    compare_with_oracle(bytes, length);
    return 0;
}
