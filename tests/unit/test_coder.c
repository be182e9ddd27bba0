/* SPDX-License-Identifier: Apache-2.0 */
/* The coders against the libraries' own decoders; events compressed once, in any order, for any
 * stream. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <brotli/decode.h>
#include <zlib.h>

#include "gateway.h"
#include "worker_coding.h"

struct bytes {
    unsigned char *at;
    size_t length, capacity;
    size_t fail_after; /* emit fails once so much came; 0: never */
    size_t largest;
};

static void append(struct bytes *bytes, const void *more, size_t length)
{
    if (length == 0)
        return;
    if (bytes->length + length > bytes->capacity) {
        bytes->capacity = (bytes->length + length) * 2;
        bytes->at = realloc(bytes->at, bytes->capacity);
        assert_non_null(bytes->at);
    }
    memcpy(bytes->at + bytes->length, more, length);
    bytes->length += length;
}

static enum vd_err emit(void *context, const void *bytes, size_t length)
{
    struct bytes *to = context;

    if (length > to->largest)
        to->largest = length;
    append(to, bytes, length);
    return to->fail_after && to->length > to->fail_after ? VD_ERR_CLOSED : VD_OK;
}

/* Everything that can be read of @coded so far; *@ended: the coding came to its end, all of it. */
static struct bytes decode(enum vd_coding coding, const struct bytes *coded, bool *ended)
{
    static unsigned char out[1 << 16];
    struct bytes plain = {0};

    if (coding == VD_CODING_GZIP) {
        z_stream z = {.next_in = coded->at, .avail_in = (unsigned)coded->length};
        int result;

        assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
        do {
            z.next_out = out;
            z.avail_out = sizeof(out);
            result = inflate(&z, Z_SYNC_FLUSH);
            assert_true(result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR);
            append(&plain, out, sizeof(out) - z.avail_out);
        } while (result == Z_OK);
        *ended = result == Z_STREAM_END && z.avail_in == 0;
        inflateEnd(&z);
        return plain;
    }
    BrotliDecoderState *brotli = BrotliDecoderCreateInstance(NULL, NULL, NULL);
    const unsigned char *in = coded->at;
    size_t left = coded->length;
    BrotliDecoderResult result;
    do {
        unsigned char *to = out;
        size_t room = sizeof(out);

        result = BrotliDecoderDecompressStream(brotli, &left, &in, &room, &to, NULL);
        assert_int_not_equal(result, BROTLI_DECODER_RESULT_ERROR);
        append(&plain, out, sizeof(out) - room);
    } while (result == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT);
    *ended = result == BROTLI_DECODER_RESULT_SUCCESS && left == 0;
    BrotliDecoderDestroyInstance(brotli);
    return plain;
}

static void expect_plain(enum vd_coding coding, const struct bytes *coded, const void *plain,
                         size_t length, bool whole)
{
    bool ended;
    struct bytes got = decode(coding, coded, &ended);

    assert_int_equal(got.length, length);
    if (length)
        assert_memory_equal(got.at, plain, length);
    assert_int_equal(ended, whole);
    free(got.at);
}

/* Half text, half noise: the coders must do well with both. */
static unsigned char *make_content(size_t length)
{
    unsigned char *bytes = malloc(length + 1);
    uint32_t seed = 1;

    assert_non_null(bytes);
    for (size_t i = 0; i < length; i++) {
        seed = seed * 1103515245u + 12345u;
        bytes[i] =
            (i >> 12) & 1 ? (unsigned char)(seed >> 16) : (unsigned char)("<li>item "[i % 9]);
    }
    return bytes;
}

static void bodies_of_any_length_come_back(void **state)
{
    static const size_t lengths[] = {0, 1, 100, 1024, 16 * 1024, 65536, 1000000};
    struct vd_coder *coder = vd_coder_create();
    unsigned char *content = make_content(1000000);

    (void)state;
    for (unsigned level = 1; level <= 9; level += 4) {
        for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
            for (enum vd_coding coding = VD_CODING_GZIP; coding <= VD_CODING_BROTLI; coding++) {
                struct bytes coded = {0};

                assert_int_equal(vd_coder_begin(coder, coding, level, lengths[i]), VD_OK);
                assert_int_equal(
                    vd_coder_run(coder, content, lengths[i], VD_CODER_FINISH, emit, &coded), VD_OK);
                expect_plain(coding, &coded, content, lengths[i], true);
                assert_true(coded.largest <= 16 * 1024);
                free(coded.at);
            }
        }
    }
    free(content);
    vd_coder_destroy(coder);
    vd_coder_destroy(NULL);
}

static void what_is_flushed_can_be_read(void **state)
{
    struct vd_coder *coder = vd_coder_create();
    unsigned char *content = make_content(60000);

    (void)state;
    for (enum vd_coding coding = VD_CODING_GZIP; coding <= VD_CODING_BROTLI; coding++) {
        struct bytes coded = {0};
        size_t at = 0, step = 1;

        assert_int_equal(vd_coder_begin(coder, coding, 4, 0), VD_OK);
        for (; at + step <= 60000; at += step, step = step * 2 + 1) {
            assert_int_equal(vd_coder_run(coder, content + at, step, VD_CODER_FLUSH, emit, &coded),
                             VD_OK);
            expect_plain(coding, &coded, content, at + step, false);
        }
        assert_int_equal(vd_coder_run(coder, NULL, 0, VD_CODER_FINISH, emit, &coded), VD_OK);
        expect_plain(coding, &coded, content, at, true);
        free(coded.at);
    }
    free(content);
    vd_coder_destroy(coder);
}

static void a_body_that_is_given_up_leaves_nothing_behind(void **state)
{
    struct vd_coder *coder = vd_coder_create();
    unsigned char *content = make_content(300000);

    (void)state;
    for (enum vd_coding coding = VD_CODING_GZIP; coding <= VD_CODING_BROTLI; coding++) {
        struct bytes lost = {.fail_after = 30000}, coded = {0};

        assert_int_equal(vd_coder_begin(coder, coding, 4, 0), VD_OK);
        assert_int_equal(vd_coder_run(coder, content, 300000, VD_CODER_MORE, emit, &lost),
                         VD_ERR_CLOSED);
        assert_true(lost.length < 30000 + 2 * 16 * 1024);
        assert_int_equal(vd_coder_begin(coder, coding, 4, 0), VD_OK);
        assert_int_equal(vd_coder_run(coder, content, 5000, VD_CODER_FINISH, emit, &coded), VD_OK);
        expect_plain(coding, &coded, content, 5000, true);
        free(lost.at);
        free(coded.at);
    }
    free(content);
    vd_coder_destroy(coder);
}

/* ---- events ------------------------------------------------------------------------------------
 */

static void take(struct bytes *stream, const struct gw_event *event)
{
    append(stream, event->bytes + event->payload_offset, event->payload_length);
}

static void take_and_release(struct bytes *stream, struct gw_event *event)
{
    assert_non_null(event);
    take(stream, event);
    gw_event_release(event);
}

#define EVENTS 7

static void one_coded_event_fits_into_every_stream(void **state)
{
    static const size_t sizes[EVENTS] = {0, 10, 150, 200, 5000, 150000, 400000};
    struct gateway gateway = {0};
    struct gw_event *events[EVENTS];
    unsigned char *content = make_content(400000);

    (void)state;
    for (int i = 0; i < EVENTS; i++) {
        struct vd_message message = {.scope = "a",
                                     .scope_length = 1,
                                     .data = content,
                                     .data_length = sizes[i],
                                     .has_data = true};

        events[i] = gw_event_encode(&message, 1, (uint64_t)i + 1);
        assert_non_null(events[i]);
    }
    for (unsigned order = 0; order < 40; order++) {
        struct bytes stream = {0}, plain = {0};
        struct gw_gzip gzip = {0};

        take_and_release(&stream, gw_event_gzip_head());
        for (unsigned n = 0; n < order % 9; n++) {
            struct gw_event *event = events[(n * 3 + order) % EVENTS];
            struct gw_event *coded = gw_event_coded(&gateway, event);

            assert_non_null(coded);
            assert_ptr_equal(coded, gw_event_coded(&gateway, event)); /* once for all */
            gw_gzip_add(&gzip, coded);
            take(&stream, coded);
            take(&plain, event);
            expect_plain(VD_CODING_GZIP, &stream, plain.at, plain.length, false);
        }
        take_and_release(&stream, gw_event_gzip_tail(&gzip));
        expect_plain(VD_CODING_GZIP, &stream, plain.at, plain.length, true);
        free(stream.at);
        free(plain.at);
    }
    assert_true(gw_event_coded(&gateway, events[4])->payload_length < 4000);
    for (int i = 0; i < EVENTS; i++)
        gw_event_release(events[i]);
    gw_event_coder_destroy(gateway.event_coder);
    gw_event_coder_destroy(NULL);
    free(content);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_of_any_length_come_back),
        cmocka_unit_test(what_is_flushed_can_be_read),
        cmocka_unit_test(a_body_that_is_given_up_leaves_nothing_behind),
        cmocka_unit_test(one_coded_event_fits_into_every_stream),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
