/* SPDX-License-Identifier: Apache-2.0 */
/* Chunked bodies: what is decoded, what is refused, whole and in pieces of every size. */
#include "common_http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct decoded {
    enum vd_http_result result;
    struct vd_http_error error;
    size_t length; /* of body */
    size_t used;   /* bytes consumed */
    char body[4096];
};

/* Feed @step bytes at a time, each piece in memory of exactly that size. */
static void decode(struct decoded *decoded, const char *bytes, size_t length, size_t step)
{
    struct vd_http_chunked chunked = {0};
    memset(decoded, 0, sizeof *decoded);
    while (decoded->result == VD_HTTP_INCOMPLETE && decoded->used < length) {
        size_t piece = length - decoded->used < step ? length - decoded->used : step;
        char *copy = malloc(piece > 0 ? piece : 1);
        assert_non_null(copy);
        memcpy(copy, bytes + decoded->used, piece);
        size_t consumed = 0;
        struct vd_http_span data;
        decoded->result =
            vd_http_chunked_feed(&chunked, copy, piece, &consumed, &data, &decoded->error);
        assert_true(consumed <= piece && data.offset + data.length <= piece);
        assert_true(consumed > 0 || decoded->result != VD_HTTP_INCOMPLETE);
        assert_true(decoded->length + data.length <= sizeof decoded->body);
        memcpy(decoded->body + decoded->length, copy + data.offset, data.length);
        decoded->length += data.length;
        decoded->used += consumed;
        free(copy);
    }
}

static void decode_all_ways(struct decoded *whole, const char *bytes, size_t length)
{
    static const size_t steps[] = {1, 2, 3, 5, 8, 13};
    struct decoded pieces;
    decode(whole, bytes, length, length);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        decode(&pieces, bytes, length, steps[i]);
        assert_int_equal(pieces.result, whole->result);
        assert_int_equal(pieces.used, whole->used);
        assert_int_equal(pieces.length, whole->length);
        assert_memory_equal(pieces.body, whole->body, whole->length);
        assert_true(pieces.error.reason == whole->error.reason);
    }
}

static void bodies(void **state)
{
    static const struct {
        const char *bytes, *body;
        size_t rest; /* bytes behind the body */
    } cases[] = {
        {"0\r\n\r\n", "", 0},
        {"5\r\nhello\r\n0\r\n\r\n", "hello", 0},
        {"5\r\nhello\r\n006\r\n world\r\n000\r\n\r\n", "hello world", 0},
        {"a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789", 0},
        {"3;name=value;q=\"a;b\"\r\nabc\r\n0;last\r\n\r\n", "abc", 0},
        {"3;\t caf\xe9\r\nabc\r\n0\r\n\r\n", "abc", 0},
        {"2\r\n\r\n\r\n0\r\n\r\n", "\r\n", 0},
        {"0\r\nX-Checksum: 1 2\r\nY:\r\n\r\n", "", 0},
        {"1\r\na\r\n0\r\n\r\nGET / HTTP/1.1\r\n", "a", 16},
        {"0\r\n\r\n0\r\n\r\n", "", 5},
    };
    (void)state;
    struct decoded decoded;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t length = strlen(cases[i].bytes);
        decode_all_ways(&decoded, cases[i].bytes, length);
        assert_int_equal(decoded.result, VD_HTTP_COMPLETE);
        assert_int_equal(decoded.used, length - cases[i].rest);
        assert_int_equal(decoded.length, strlen(cases[i].body));
        assert_memory_equal(decoded.body, cases[i].body, decoded.length);
        for (size_t cut = 1; cut < decoded.used; cut++) {
            struct decoded part;
            decode(&part, cases[i].bytes, cut, cut);
            assert_int_equal(part.result, VD_HTTP_INCOMPLETE);
        }
    }
}

static void what_is_refused(void **state)
{
    static const char *const bad[] = {
        "\r\n",
        "\n",
        " 5\r\nhello\r\n0\r\n\r\n",
        "g\r\n",
        "-1\r\n",
        "+1\r\n",
        "0x5\r\nhello",
        ";a=b\r\n",
        "5 \r\nhello",
        "5\t;a\r\nhello",
        "5,5\r\nhello",
        "5\nhello",
        "5\r\rhello",
        "5\rhello",
        "5;a\nhello\r\n",      /* LF in an extension */
        "5;a=\"\n\"\r\nhello", /* also in quotes */
        "5;a\rb\r\nhello",
        "5;a\x01\r\nhello",
        "5;a\x7f\r\nhello",
        "5\r\nhello0\r\n\r\n", /* data not ended by CRLF */
        "5\r\nhello\n0\r\n\r\n",
        "5\r\nhello\r0\r\n\r\n",
        "5\r\nhello!\r\n0\r\n\r\n",
        "5\r\nhell\r\n0\r\n\r\n",
        "8000000000000000\r\n",
        "ffffffffffffffff\r\n",
        "10000000000000000\r\n",
        "10000000000000005\r\nhello",
        "0\r\n\n",
        "0\r\n\rX",
        "0\r\nX\r\n\r\n",
        "0\r\n: 1\r\n\r\n",
        "0\r\nX : 1\r\n\r\n",
        "0\r\n X: 1\r\n\r\n",
        "0\r\nX: 1\r\n folded\r\n\r\n",
        "0\r\nX: 1\n\r\n",
        "0\r\nX: \x02\r\n\r\n",
        "0\r\nX: 1\rY: 2\r\n\r\n",
    };
    (void)state;
    struct decoded decoded;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        decode_all_ways(&decoded, bad[i], strlen(bad[i]));
        if (decoded.result != VD_HTTP_BAD || decoded.error.status != 400) {
            fail_msg("result %d: %s", decoded.result, bad[i]);
        }
        assert_non_null(decoded.error.reason);
    }
}

static void a_nul_is_refused_everywhere(void **state)
{
    static const char good[] = "3;e=f\r\nabc\r\n0\r\nX: 1\r\n\r\n";
    (void)state;
    struct decoded decoded;
    for (size_t at = 0; at + 1 < sizeof good; at++) {
        char bytes[sizeof good];
        memcpy(bytes, good, sizeof good);
        bytes[at] = '\0';
        decode_all_ways(&decoded, bytes, sizeof good - 1);
        bool in_data = at >= 7 && at < 10;
        assert_int_equal(decoded.result, in_data ? VD_HTTP_COMPLETE : VD_HTTP_BAD);
    }
}

static void the_largest_size(void **state)
{
    struct vd_http_chunked chunked = {0};
    struct vd_http_span data;
    struct vd_http_error error;
    size_t consumed;
    const char *bytes = "7fffffffffffffff\r\nabc";
    (void)state;
    assert_int_equal(vd_http_chunked_feed(&chunked, bytes, strlen(bytes), &consumed, &data, &error),
                     VD_HTTP_INCOMPLETE);
    assert_int_equal(data.length, 3);
    assert_true(chunked.remaining == UINT64_C(0x7fffffffffffffff) - 3);
}

static void a_failure_stays(void **state)
{
    struct vd_http_chunked chunked = {0};
    struct vd_http_span data;
    struct vd_http_error error;
    size_t consumed;
    (void)state;
    assert_int_equal(vd_http_chunked_feed(&chunked, "x", 1, &consumed, &data, &error), VD_HTTP_BAD);
    assert_int_equal(vd_http_chunked_feed(&chunked, "0\r\n\r\n", 5, &consumed, &data, &error),
                     VD_HTTP_BAD);
    assert_int_equal(consumed, 0);
}

static void the_end_stays(void **state)
{
    struct vd_http_chunked chunked = {0};
    struct vd_http_span data;
    struct vd_http_error error;
    size_t consumed;
    (void)state;
    assert_int_equal(vd_http_chunked_feed(&chunked, "0\r\n\r\nG", 6, &consumed, &data, &error),
                     VD_HTTP_COMPLETE);
    assert_int_equal(consumed, 5);
    assert_int_equal(vd_http_chunked_feed(&chunked, "G", 1, &consumed, &data, &error),
                     VD_HTTP_COMPLETE);
    assert_int_equal(consumed, 0);
}

/* @count chunks of @size bytes with @extension bytes of extension each. */
static enum vd_http_result feed_chunks(size_t count, size_t size, size_t extension)
{
    struct vd_http_chunked chunked = {0};
    enum vd_http_result result = VD_HTTP_INCOMPLETE;
    char *bytes = malloc(size + extension + 64);
    assert_non_null(bytes);
    char *extensions = calloc(1, extension + 1);
    char *data_bytes = calloc(1, size + 1);
    assert_true(extensions && data_bytes);
    memset(extensions, 'e', extension);
    memset(data_bytes, 'd', size);
    size_t length = (size_t)sprintf(bytes, "%zx;%s\r\n%s\r\n", size, extensions, data_bytes);
    free(extensions);
    free(data_bytes);
    for (size_t i = 0; i < count && result == VD_HTTP_INCOMPLETE; i++) {
        for (size_t at = 0; at < length && result == VD_HTTP_INCOMPLETE;) {
            struct vd_http_span data;
            struct vd_http_error error;
            size_t consumed;
            result =
                vd_http_chunked_feed(&chunked, bytes + at, length - at, &consumed, &data, &error);
            at += consumed;
        }
    }
    free(bytes);
    return result;
}

static void framing_is_bounded(void **state)
{
    (void)state;
    assert_int_equal(feed_chunks(1, 1, 8000), VD_HTTP_INCOMPLETE);
    assert_int_equal(feed_chunks(1, 1, 8200), VD_HTTP_BAD);
    assert_int_equal(feed_chunks(1, 100000, 8200), VD_HTTP_BAD);
    assert_int_equal(feed_chunks(100000, 1, 4), VD_HTTP_INCOMPLETE); /* honest small chunks */
    assert_int_equal(feed_chunks(2000, 1, 100), VD_HTTP_BAD);
    assert_int_equal(feed_chunks(2000, 1000, 100), VD_HTTP_INCOMPLETE);
    char zeros[9001];
    memset(zeros, '0', sizeof zeros);
    struct decoded decoded;
    decode_all_ways(&decoded, zeros, sizeof zeros);
    assert_int_equal(decoded.result, VD_HTTP_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(a_nul_is_refused_everywhere),
        cmocka_unit_test(the_largest_size),
        cmocka_unit_test(a_failure_stays),
        cmocka_unit_test(the_end_stays),
        cmocka_unit_test(framing_is_bounded),
    };
    return cmocka_run_group_tests_name("http chunked", tests, NULL, NULL);
}
