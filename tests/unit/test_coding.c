/* SPDX-License-Identifier: Apache-2.0 */
/* Accept-Encoding, types worth coding, and what becomes of a handler's headers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "worker_coding.h"

#define BOTH (VD_CODING_BIT(VD_CODING_GZIP) | VD_CODING_BIT(VD_CODING_BROTLI))

static enum vd_coding choose(const char *field, unsigned offered)
{
    struct vd_coding_accept accept = {0};

    vd_coding_accept_line(&accept, field, strlen(field));
    return vd_coding_choose(&accept, offered);
}

static void accept_encoding_is_read_as_rfc_9110_says(void **state)
{
    static const struct {
        const char *field;
        enum vd_coding both, gzip_only;
    } rows[] = {
        {"", VD_CODING_IDENTITY, VD_CODING_IDENTITY},
        {"gzip, deflate, br, zstd", VD_CODING_BROTLI, VD_CODING_GZIP},
        {"gzip, deflate", VD_CODING_GZIP, VD_CODING_GZIP},
        {"GZip", VD_CODING_GZIP, VD_CODING_GZIP},
        {"x-gzip", VD_CODING_GZIP, VD_CODING_GZIP},
        {"gzipped, xbr, b", VD_CODING_IDENTITY, VD_CODING_IDENTITY},
        {"br;q=0.5, gzip;q=0.8", VD_CODING_GZIP, VD_CODING_GZIP},
        {"br ;q=0.5,gzip;q=0.5", VD_CODING_BROTLI, VD_CODING_GZIP},
        {"br;Q=1.000 , gzip ; q=0.999", VD_CODING_BROTLI, VD_CODING_GZIP},
        {"br;q=0, gzip", VD_CODING_GZIP, VD_CODING_GZIP},
        {"br;q=0.000, gzip;q=0.0", VD_CODING_IDENTITY, VD_CODING_IDENTITY},
        {"*", VD_CODING_BROTLI, VD_CODING_GZIP},
        {"*;q=0", VD_CODING_IDENTITY, VD_CODING_IDENTITY},
        {"gzip;q=0, *", VD_CODING_BROTLI, VD_CODING_IDENTITY},
        {"br;q=0, *;q=0.1", VD_CODING_GZIP, VD_CODING_GZIP},
        {"identity", VD_CODING_IDENTITY, VD_CODING_IDENTITY},
        {"identity;q=0", VD_CODING_IDENTITY, VD_CODING_IDENTITY},
        {"identity;q=0, gzip;q=0.001", VD_CODING_GZIP, VD_CODING_GZIP},
        {"gzip;q=0.5, identity", VD_CODING_IDENTITY, VD_CODING_IDENTITY},
        {"gzip, identity", VD_CODING_GZIP, VD_CODING_GZIP},
        {"gzip, gzip;q=0", VD_CODING_IDENTITY, VD_CODING_IDENTITY}, /* the lower weight holds */
        {",, gzip ,\t,", VD_CODING_GZIP, VD_CODING_GZIP},
        /* malformed members are as if they were not there */
        {"gzip;q=2", VD_CODING_IDENTITY, VD_CODING_IDENTITY},
        {"gzip;q=1.001", VD_CODING_IDENTITY, VD_CODING_IDENTITY},
        {"gzip;q=0.1234", VD_CODING_IDENTITY, VD_CODING_IDENTITY},
        {"gzip;q=", VD_CODING_IDENTITY, VD_CODING_IDENTITY},
        {"gzip;q", VD_CODING_IDENTITY, VD_CODING_IDENTITY},
        {"gzip;", VD_CODING_IDENTITY, VD_CODING_IDENTITY},
        {"gzip;q=1;q=1", VD_CODING_IDENTITY, VD_CODING_IDENTITY},
        {"gzip;level=1", VD_CODING_IDENTITY, VD_CODING_IDENTITY},
        {"gzip;q=-1, br;q=.5", VD_CODING_IDENTITY, VD_CODING_IDENTITY},
        {"gzip br", VD_CODING_IDENTITY, VD_CODING_IDENTITY},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (choose(rows[i].field, BOTH) != rows[i].both ||
            choose(rows[i].field, VD_CODING_BIT(VD_CODING_GZIP)) != rows[i].gzip_only)
            fail_msg("%s", rows[i].field);
        assert_int_equal(choose(rows[i].field, 0), VD_CODING_IDENTITY);
    }
}

static void several_lines_are_one_list(void **state)
{
    struct vd_coding_accept accept = {0};

    (void)state;
    vd_coding_accept_line(&accept, "br;q=0.1", 8);
    vd_coding_accept_line(&accept, "gzip", 4);
    assert_int_equal(vd_coding_choose(&accept, BOTH), VD_CODING_GZIP);
}

static void text_and_its_like_compress(void **state)
{
    static const char *const yes[] = {"text/html",        "TEXT/Plain; charset=utf-8",
                                      "application/json", "application/problem+json ;x=y",
                                      "image/svg+xml",    "application/javascript",
                                      "application/wasm", "application/x-ndjson",
                                      "font/ttf",         "image/x-icon"};
    static const char *const no[] = {"",
                                     "text",
                                     "text/",
                                     "image/png",
                                     "video/mp4",
                                     "application/zip",
                                     "font/woff2",
                                     "application/pdf",
                                     "/json",
                                     "application/octet-stream",
                                     "text/event-stream",
                                     "application/+json",
                                     "multipart/form-data; a=text/html"};

    (void)state;
    for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++) {
        if (!vd_coding_type_compresses(yes[i], strlen(yes[i])))
            fail_msg("%s", yes[i]);
    }
    for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++) {
        if (vd_coding_type_compresses(no[i], strlen(no[i])))
            fail_msg("%s", no[i]);
    }
    assert_true(vd_coding_type_is_event_stream("Text/Event-Stream;charset=utf-8", 31));
    assert_false(vd_coding_type_is_event_stream("text/html", 9));
}

static void members_of_lists_are_found(void **state)
{
    (void)state;
    assert_true(vd_coding_list_has("no-cache, No-Transform", 22, "no-transform"));
    assert_true(vd_coding_list_has("private=\"x\" ,a=1", 16, "private"));
    assert_false(vd_coding_list_has("no-transformer", 14, "no-transform"));
    assert_false(vd_coding_list_has("", 0, "no-transform"));
}

/* ---- responses ---------------------------------------------------------------------------------
 */

#define FIELD(name, value)                                                                         \
    {                                                                                              \
        {name, sizeof(name) - 1},                                                                  \
        {                                                                                          \
            value, sizeof(value) - 1                                                               \
        }                                                                                          \
    }

static const struct vd_header gzip_client[] = {FIELD("Host", "x"),
                                               FIELD("accept-Encoding", "gzip")};
static const struct vd_header html = FIELD("Content-Type", "text/html");

static struct vd_coding_decision decide(unsigned status, const struct vd_header *extra,
                                        size_t count)
{
    const struct vd_server_config config = {.compress_streams = false};
    struct vd_header headers[4] = {html};

    if (count)
        memcpy(headers + 1, extra, count * sizeof(*extra));
    return vd_coding_decide(&config, status, gzip_client, 2, headers, count + 1);
}

static void what_can_be_coded_is_and_says_vary(void **state)
{
    const struct vd_server_config config = {.compress_streams = false};
    struct vd_coding_decision decision = decide(200, NULL, 0);

    (void)state;
    assert_int_equal(decision.coding, VD_CODING_GZIP);
    assert_true(decision.vary);
    assert_false(decision.weak_etag);
    decision = decide(404, NULL, 0);
    assert_int_equal(decision.coding, VD_CODING_GZIP);
    /* another client gets it as it is, but caches must know */
    decision = vd_coding_decide(&config, 200, gzip_client, 1, &html, 1);
    assert_int_equal(decision.coding, VD_CODING_IDENTITY);
    assert_true(decision.vary);
}

static void what_must_not_be_coded_is_not(void **state)
{
    static const struct vd_header blockers[] = {FIELD("content-encoding", "br"),
                                                FIELD("Content-Encoding", "identity"),
                                                FIELD("Cache-Control", "private, no-transform"),
                                                FIELD("Content-Range", "bytes 0-1/2"),
                                                FIELD("Content-Digest", "sha-256=::"),
                                                FIELD("Repr-Digest", "sha-256=::"),
                                                FIELD("Digest", "md5=x"),
                                                FIELD("Content-MD5", "x")};
    static const unsigned statuses[] = {204, 205, 206, 304};
    const struct vd_server_config config = {.compress_streams = false};
    const struct vd_server_config with_streams = {.compress_streams = true};
    static const struct vd_header events = FIELD("Content-Type", "text/event-stream");
    static const struct vd_header image = FIELD("Content-Type", "image/png");

    (void)state;
    for (size_t i = 0; i < sizeof(blockers) / sizeof(*blockers); i++) {
        struct vd_coding_decision decision = decide(200, &blockers[i], 1);

        assert_int_equal(decision.coding, VD_CODING_IDENTITY);
        assert_false(decision.vary);
    }
    for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++)
        assert_int_equal(decide(statuses[i], NULL, 0).coding, VD_CODING_IDENTITY);
    assert_false(vd_coding_decide(&config, 200, gzip_client, 2, &image, 1).vary);
    assert_false(vd_coding_decide(&config, 200, gzip_client, 2, NULL, 0).vary);
    assert_false(vd_coding_decide(&config, 200, gzip_client, 2, &events, 1).vary);
    assert_int_equal(vd_coding_decide(&with_streams, 200, gzip_client, 2, &events, 1).coding,
                     VD_CODING_GZIP);
}

static void streams_take_gzip_only(void **state)
{
    static const struct vd_header any = FIELD("Accept-Encoding", "br, *;q=0.3");
    static const struct vd_header brotli = FIELD("Accept-Encoding", "br");
    static const struct vd_header fixed = FIELD("Cache-Control", "no-transform");

    (void)state;
    assert_int_equal(vd_coding_decide_stream(&any, 1, NULL, 0).coding, VD_CODING_GZIP);
    assert_int_equal(vd_coding_decide_stream(&brotli, 1, NULL, 0).coding, VD_CODING_IDENTITY);
    assert_true(vd_coding_decide_stream(&brotli, 1, NULL, 0).vary);
    assert_false(vd_coding_decide_stream(&any, 1, &fixed, 1).vary);
}

static void a_304_names_the_weak_tag_that_the_client_has(void **state)
{
    const struct vd_server_config config = {0};
    static const struct vd_header tag = FIELD("ETag", "\"v1\"");
    static const struct vd_header weak = FIELD("ETag", "W/\"v1\"");
    static const struct vd_header has_weak = FIELD("If-None-Match", "\"v0\", W/\"v1\"");
    static const struct vd_header has_strong = FIELD("If-None-Match", "\"v1\"");
    static const struct vd_header has_other = FIELD("If-None-Match", "W/\"v11\"");

    (void)state;
    assert_true(vd_coding_decide(&config, 304, &has_weak, 1, &tag, 1).weak_etag);
    assert_true(vd_coding_decide(&config, 304, &has_weak, 1, &tag, 1).vary);
    assert_false(vd_coding_decide(&config, 304, &has_weak, 1, &weak, 1).weak_etag);
    assert_false(vd_coding_decide(&config, 304, &has_strong, 1, &tag, 1).weak_etag);
    assert_false(vd_coding_decide(&config, 304, &has_other, 1, &tag, 1).weak_etag);
    assert_false(vd_coding_decide(&config, 304, NULL, 0, &tag, 1).vary);
}

/* ---- headers -----------------------------------------------------------------------------------
 */

static void expect_headers(const struct vd_header *headers, size_t count,
                           struct vd_coding_decision decision, const char *expected)
{
    struct vd_coded_headers coded;
    char text[512] = "";

    assert_true(vd_coded_headers_make(&coded, headers, count, decision));
    for (size_t i = 0; i < coded.count; i++) {
        strncat(text, coded.items[i].name.bytes, coded.items[i].name.length);
        strcat(text, ": ");
        strncat(text, coded.items[i].value.bytes, coded.items[i].value.length);
        strcat(text, "\n");
    }
    assert_string_equal(text, expected);
    vd_coded_headers_finish(&coded);
}

static void headers_say_what_was_done(void **state)
{
    const struct vd_coding_decision gzip = {
        .coding = VD_CODING_GZIP, .vary = true, .weak_etag = true};
    const struct vd_coding_decision plain = {.vary = true};
    static const struct vd_header origin[] = {FIELD("ETag", "\"1\""), FIELD("vary", "Origin"),
                                              FIELD("X", "y")};
    static const struct vd_header empty[] = {FIELD("Vary", "")};
    static const struct vd_header named[] = {FIELD("Vary", "Cookie"),
                                             FIELD("Vary", "ACCEPT-encoding")};
    static const struct vd_header star[] = {FIELD("Vary", "*")};

    (void)state;
    expect_headers(NULL, 0, gzip, "Vary: Accept-Encoding\nContent-Encoding: gzip\n");
    expect_headers(NULL, 0, plain, "Vary: Accept-Encoding\n");
    expect_headers(origin, 3, gzip,
                   "ETag: W/\"1\"\nvary: Origin, Accept-Encoding\nX: y\nContent-Encoding: gzip\n");
    expect_headers(origin, 3, plain, "ETag: \"1\"\nvary: Origin, Accept-Encoding\nX: y\n");
    expect_headers(empty, 1, plain, "Vary: Accept-Encoding\n");
    expect_headers(named, 2, plain, "Vary: Cookie\nVary: ACCEPT-encoding\n");
    expect_headers(star, 1, gzip, "Vary: *\nContent-Encoding: gzip\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accept_encoding_is_read_as_rfc_9110_says),
        cmocka_unit_test(several_lines_are_one_list),
        cmocka_unit_test(text_and_its_like_compress),
        cmocka_unit_test(members_of_lists_are_found),
        cmocka_unit_test(what_can_be_coded_is_and_says_vary),
        cmocka_unit_test(what_must_not_be_coded_is_not),
        cmocka_unit_test(streams_take_gzip_only),
        cmocka_unit_test(a_304_names_the_weak_tag_that_the_client_has),
        cmocka_unit_test(headers_say_what_was_done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
