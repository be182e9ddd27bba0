/* SPDX-License-Identifier: Apache-2.0 */
/* What the gateway decides about a static file before it opens one: type, path, condition, range.
 * Tables of what comes in and what must come out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common_mime.h"
#include "gateway_static.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static struct vd_text text(const char *string)
{
    return (struct vd_text){string, strlen(string)};
}

struct parsed {
    char bytes[2048];
    struct vd_http_request head;
};

/* A request with these header lines (each ended by CRLF), read by the real parser. */
static void parse(struct parsed *parsed, const char *lines)
{
    const struct vd_http_limits limits = {8192, 8192, 100};
    struct vd_http_error error = {0};
    size_t scanned = 0;
    int length = snprintf(parsed->bytes, sizeof(parsed->bytes),
                          "GET /x HTTP/1.1\r\nHost: test\r\n%s\r\n", lines);

    if (vd_http_parse_head(parsed->bytes, (size_t)length, &scanned, &limits, &parsed->head,
                           &error) != VD_HTTP_COMPLETE)
        fail_msg("%s: %s", lines, error.reason ? error.reason : "incomplete");
}

/* ---- types -------------------------------------------------------------------------------------
 */

static void types_go_by_the_extension(void **state)
{
    static const struct {
        const char *path, *type;
    } rows[] = {
        {"index.html", "text/html; charset=utf-8"},
        {"a/b.c/INDEX.HTM", "text/html; charset=utf-8"},
        {"app.js", "text/javascript; charset=utf-8"},
        {"app.mjs", "text/javascript; charset=utf-8"},
        {"style.min.css", "text/css; charset=utf-8"},
        {"data.json", "application/json"},
        {"app.js.map", "application/json"},
        {"logo.svg", "image/svg+xml"},
        {"x.png", "image/png"},
        {"x.webp", "image/webp"},
        {"x.woff2", "font/woff2"},
        {"x.wasm", "application/wasm"},
        {"x.7z", "application/x-7z-compressed"},
        {"x.zst", "application/zstd"},
        {"site.webmanifest", "application/manifest+json"},
        {"x.tar.gz", "application/gzip"},
        {"README", "application/octet-stream"},
        {"x.", "application/octet-stream"},
        {"", "application/octet-stream"},
        {"html", "application/octet-stream"},
        {"dir.html/file", "application/octet-stream"},
        {"x.averyverylongextension", "application/octet-stream"},
        {"x.ht\xc3\xa9", "application/octet-stream"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_string_equal(vd_mime_of(rows[i].path, strlen(rows[i].path))->type, rows[i].type);
    assert_true(vd_mime_of("a.css", 5)->compressible);
    assert_false(vd_mime_of("a.png", 5)->compressible);
}

/* ---- dates -------------------------------------------------------------------------------------
 */

static void dates_in_three_forms(void **state)
{
    static const char *const same[] = {"Sun, 06 Nov 1994 08:49:37 GMT",
                                       "Sunday, 06-Nov-94 08:49:37 GMT",
                                       "Sun Nov  6 08:49:37 1994"};
    static const char *const wrong[] = {"",
                                        "Sun",
                                        "Sun, 06 Nov 1994 08:49:37",
                                        "Sun, 06 Nov 1994 08:49:37 GMT ",
                                        "Sun, 06 Nov 1994 08:49:37 UTC",
                                        "Sun, 6 Nov 1994 08:49:37 GMT",
                                        "sun, 06 Nov 1994 08:49:37 GMT",
                                        "Sun, 06 nov 1994 08:49:37 GMT",
                                        "Sun, 31 Nov 1994 08:49:37 GMT",
                                        "Sun, 00 Nov 1994 08:49:37 GMT",
                                        "Sun, 29 Feb 1994 08:49:37 GMT",
                                        "Sun, 06 Nov 1994 24:49:37 GMT",
                                        "Sun, 06 Nov 1994 08:60:37 GMT",
                                        "Sun, 06 Nov 1969 08:49:37 GMT",
                                        "Sun, 06 Nov 94 08:49:37 GMT",
                                        "Sunday, 06-Nov-1994 08:49:37 GMT",
                                        "Monday, 06-Nov-94 08:49:37",
                                        "Sunday 06-Nov-94 08:49:37 GMT",
                                        "Sun Nov 6 08:49:37 1994",
                                        "1994-11-06T08:49:37Z",
                                        "784111777"};
    const uint64_t now = 1795182000; /* November 2026 */
    uint64_t seconds;
    char written[30];

    (void)state;
    for (size_t i = 0; i < COUNT(same); i++) {
        assert_true(vd_http_date_parse(same[i], strlen(same[i]), now, &seconds));
        assert_int_equal(seconds, 784111777);
    }
    for (size_t i = 0; i < COUNT(wrong); i++) {
        if (vd_http_date_parse(wrong[i], strlen(wrong[i]), now, &seconds))
            fail_msg("taken for a date: %s", wrong[i]);
    }
    assert_true(vd_http_date_parse("Thursday, 29-Feb-24 00:00:00 GMT", 32, now, &seconds));
    assert_int_equal(seconds, 1709164800);
    for (uint64_t at = 0; at < 8000000000u; at += 86399 * 37) {
        vd_http_date(at * 1000, written);
        assert_true(vd_http_date_parse(written, 29, now, &seconds));
        assert_int_equal(seconds, at);
    }
}

/* ---- paths -------------------------------------------------------------------------------------
 */

static void paths_become_names(void **state)
{
    static const struct {
        const char *path, *prefix, *relative;
    } rows[] = {
        {"/", "/", ""},
        {"/a", "/", "a"},
        {"/a/", "/", "a/"},
        {"/a/b.txt", "/", "a/b.txt"},
        {"/%61%2Etxt", "/", "a.txt"},
        {"/with%20space+plus", "/", "with space+plus"},
        {"/%C3%A9", "/", "\xc3\xa9"},
        {"/%25", "/", "%"},
        {"/%252e%252e/x", "/", "%2e%2e/x"},
        {"/a..b/c..", "/", "a..b/c.."},
        {"/a\\..\\b", "/", "a\\..\\b"},
        {"/.well-known/acme/x", "/", ".well-known/acme/x"},
        {"/%2ewell-known/x", "/", ".well-known/x"},
        {"/assets", "/assets", ""},
        {"/assets/", "/assets", ""},
        {"/assets/x", "/assets", "x"},
        {"/assets/x", "/assets/", "x"},
    };
    char relative[GW_STATIC_PATH_BYTES];

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(gw_static_path(text(rows[i].path), rows[i].prefix, relative),
                         GW_STATIC_PATH_FILE);
        assert_string_equal(relative, rows[i].relative);
    }
}

static void paths_that_lead_nowhere(void **state)
{
    static const char *const elsewhere[] = {"//",
                                            "//a",
                                            "/a//b",
                                            "/a//",
                                            "/..",
                                            "/../",
                                            "/../x",
                                            "/a/..",
                                            "/a/../b",
                                            "/.",
                                            "/./",
                                            "/a/.",
                                            "/%2e%2e/x",
                                            "/%2E./x",
                                            "/.%2e",
                                            "/a/%2e%2e/%2e%2e/etc/passwd",
                                            "/.env",
                                            "/a/.git/config",
                                            "/...",
                                            "/%2f",
                                            "/a%2fb",
                                            "/..%2f..%2fetc/passwd",
                                            "/a%2f..%2fb",
                                            "/.well-known/.x",
                                            "/a/.well-known/x",
                                            "/.well-knownx",
                                            "/%2e%2e%2fetc",
                                            "/.%2e/.%2e/"};
    static const char *const bad[] = {"/%",         "/%2",     "/a%", "/%zz", "/%2g", "/%00",
                                      "/a%00.html", "/../%00", "//%", "/%-1", "/% 1"};
    char relative[GW_STATIC_PATH_BYTES], longest[5000];

    (void)state;
    for (size_t i = 0; i < COUNT(elsewhere); i++) {
        if (gw_static_path(text(elsewhere[i]), "/", relative) != GW_STATIC_PATH_ELSEWHERE)
            fail_msg("taken for a file: %s", elsewhere[i]);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        if (gw_static_path(text(bad[i]), "/", relative) != GW_STATIC_PATH_BAD)
            fail_msg("not refused: %s", bad[i]);
    }
    assert_int_equal(gw_static_path(text("/assetsx"), "/assets", relative),
                     GW_STATIC_PATH_ELSEWHERE);
    assert_int_equal(gw_static_path(text("/%zz"), "/assets", relative), GW_STATIC_PATH_ELSEWHERE);
    assert_int_equal(gw_static_path(text("/a"), "/a/b", relative), GW_STATIC_PATH_ELSEWHERE);
    memset(longest, 'a', sizeof(longest));
    longest[0] = '/';
    assert_int_equal(gw_static_path((struct vd_text){longest, 4096}, "/", relative),
                     GW_STATIC_PATH_FILE);
    assert_int_equal(gw_static_path((struct vd_text){longest, 4097}, "/", relative),
                     GW_STATIC_PATH_ELSEWHERE);
}

/* ---- conditions --------------------------------------------------------------------------------
 */

#define THEN   "Sun, 06 Nov 1994 08:49:37 GMT"
#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define AFTER  "Sun, 06 Nov 1994 08:49:38 GMT"

static const struct gw_static_validators validators = {
    .etag = "\"1-2-3\"", .modified_s = 784111777, .now_s = 1795182000};

static void conditions_in_their_order(void **state)
{
    static const struct {
        const char *lines;
        unsigned status;
    } rows[] = {
        {"", 200},
        /* 1: If-Match, strongly */
        {"If-Match: \"1-2-3\"\r\n", 200},
        {"If-Match: \"x\", \"1-2-3\"\r\n", 200},
        {"If-Match: \"x\"\r\nIf-Match: \"1-2-3\"\r\n", 200},
        {"If-Match: *\r\n", 200},
        {"If-Match: W/\"1-2-3\"\r\n", 412},
        {"If-Match: \"x\"\r\n", 412},
        {"If-Match: \r\n", 412},
        {"If-Match: 1-2-3\r\n", 412},
        {"If-Match: \"1-2-3\" \"x\"\r\n", 412},
        /* 2: If-Unmodified-Since only without it */
        {"If-Unmodified-Since: " THEN "\r\n", 200},
        {"If-Unmodified-Since: " AFTER "\r\n", 200},
        {"If-Unmodified-Since: " BEFORE "\r\n", 412},
        {"If-Unmodified-Since: yesterday\r\n", 200},
        {"If-Unmodified-Since: " BEFORE "\r\nIf-Unmodified-Since: " BEFORE "\r\n", 200},
        {"If-Match: \"1-2-3\"\r\nIf-Unmodified-Since: " BEFORE "\r\n", 200},
        {"If-Match: \"x\"\r\nIf-Unmodified-Since: " AFTER "\r\n", 412},
        /* 3: If-None-Match, weakly */
        {"If-None-Match: \"1-2-3\"\r\n", 304},
        {"If-None-Match: W/\"1-2-3\"\r\n", 304},
        {"If-None-Match: \"a\",\"b,c\" ,\"1-2-3\"\r\n", 304},
        {"If-None-Match: ,, \"1-2-3\" ,\r\n", 304},
        {"If-None-Match: *\r\n", 304},
        {"If-None-Match: \"x\"\r\n", 200},
        {"If-None-Match: \"1-2-3\r\n", 200},
        {"If-None-Match: w/\"1-2-3\"\r\n", 200},
        {"If-Match: \"1-2-3\"\r\nIf-None-Match: \"1-2-3\"\r\n", 304},
        {"If-Match: \"x\"\r\nIf-None-Match: \"1-2-3\"\r\n", 412},
        /* 4: If-Modified-Since only without it */
        {"If-Modified-Since: " THEN "\r\n", 304},
        {"If-Modified-Since: " AFTER "\r\n", 304},
        {"If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT\r\n", 304},
        {"If-Modified-Since: " BEFORE "\r\n", 200},
        {"If-Modified-Since: never\r\n", 200},
        {"If-None-Match: \"x\"\r\nIf-Modified-Since: " AFTER "\r\n", 200},
        {"If-Unmodified-Since: " BEFORE "\r\nIf-Modified-Since: " AFTER "\r\n", 412},
    };
    static const unsigned statuses[] = {200, 304, 412};
    struct parsed parsed;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        parse(&parsed, rows[i].lines);
        unsigned status = statuses[gw_static_condition(&parsed.head, parsed.bytes, &validators)];
        if (status != rows[i].status)
            fail_msg("%s: %u, not %u", rows[i].lines, status, rows[i].status);
    }
}

static void if_range_is_strict(void **state)
{
    static const struct {
        const char *lines;
        bool applies;
    } rows[] = {
        {"", true},
        {"If-Range: \"1-2-3\"\r\n", true},
        {"If-Range: " THEN "\r\n", true},
        {"If-Range: W/\"1-2-3\"\r\n", false},
        {"If-Range: \"x\"\r\n", false},
        {"If-Range: \"1-2-3\", \"x\"\r\n", false},
        {"If-Range: *\r\n", false},
        {"If-Range: \r\n", false},
        {"If-Range: " AFTER "\r\n", false},
        {"If-Range: " BEFORE "\r\n", false},
        {"If-Range: \"1-2-3\"\r\nIf-Range: \"1-2-3\"\r\n", false},
    };
    struct gw_static_validators fresh = validators;
    struct parsed parsed;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        parse(&parsed, rows[i].lines);
        if (gw_static_range_applies(&parsed.head, parsed.bytes, &validators) != rows[i].applies)
            fail_msg("%s", rows[i].lines);
    }
    /* Within the second in which it was changed, it may have been changed once more. */
    fresh.now_s = fresh.modified_s + 1;
    parse(&parsed, "If-Range: " THEN "\r\n");
    assert_false(gw_static_range_applies(&parsed.head, parsed.bytes, &fresh));
}

/* ---- ranges ------------------------------------------------------------------------------------
 */

static void print_ranges(char *out, size_t room, struct vd_text value, uint64_t size)
{
    struct gw_static_ranges ranges;
    enum gw_static_span span = gw_static_range(value, size, &ranges);
    size_t used = 0;

    snprintf(out, room, "%s", span == GW_STATIC_WHOLE ? "whole" : "416");
    if (span != GW_STATIC_PARTIAL)
        return;
    for (unsigned i = 0; i < ranges.count; i++) {
        used += (size_t)snprintf(out + used, room - used, "%s%llu+%llu", i ? " " : "",
                                 (unsigned long long)ranges.at[i].first,
                                 (unsigned long long)ranges.at[i].length);
    }
}

static void ranges_of_a_hundred_bytes(void **state)
{
    static const struct {
        const char *value, *result;
    } rows[] = {
        {"bytes=0-0", "0+1"},
        {"bytes=0-", "0+100"},
        {"bytes=10-19", "10+10"},
        {"bytes=99-", "99+1"},
        {"bytes=99-1000", "99+1"},
        {"bytes=-1", "99+1"},
        {"bytes=-100", "0+100"},
        {"bytes=-5000", "0+100"},
        {"BYTES=5-6", "5+2"},
        {"bytes= 5-6 ", "5+2"},
        {"bytes=0-99999999999999999999999", "0+100"},
        {"bytes=0-9,20-29", "0+10 20+10"},
        {"bytes=50-59 ,\t0-9", "50+10 0+10"},
        {"bytes=0-9,-10", "0+10 90+10"},
        {"bytes=0-9,200-", "0+10"},
        {"bytes=,0-9,,", "0+10"},
        {"bytes=0-1,2-3,4-5,6-7,8-9,10-11,12-13,14-15,16-17,18-19,20-21,22-23,24-25,26-27,28-29,"
         "30-31",
         "0+2 2+2 4+2 6+2 8+2 10+2 12+2 14+2 16+2 18+2 20+2 22+2 24+2 26+2 28+2 30+2"},
        /* nothing of it is there */
        {"bytes=100-", "416"},
        {"bytes=100-200,300-", "416"},
        {"bytes=-0", "416"},
        {"bytes=99999999999999999999999-", "416"},
        /* ignored: overlapping, too many */
        {"bytes=0-9,9-20", "whole"},
        {"bytes=0-,0-,0-", "whole"},
        {"bytes=0-,-1", "whole"},
        {"bytes=0-1,2-3,4-5,6-7,8-9,10-11,12-13,14-15,16-17,18-19,20-21,22-23,24-25,26-27,28-29,"
         "30-31,32-33",
         "whole"},
        /* malformed, another unit */
        {"", "whole"},
        {"bytes", "whole"},
        {"bytes=", "whole"},
        {"bytes=,", "whole"},
        {"bytes=-", "whole"},
        {"bytes=5", "whole"},
        {"bytes=9-5", "whole"},
        {"bytes=200-150", "whole"},
        {"bytes=a-b", "whole"},
        {"bytes=1-2x", "whole"},
        {"bytes=1 -2", "whole"},
        {"bytes=1- 2", "whole"},
        {"bytes=0-1 2-3", "whole"},
        {"bytes=0-1,x", "whole"},
        {"bytes=200-,x", "whole"},
        {"bytes=+1-2", "whole"},
        {"bytes =0-1", "whole"},
        {"lines=0-1", "whole"},
        {"bytes=--1", "whole"},
    };
    char got[400];

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        print_ranges(got, sizeof(got), text(rows[i].value), 100);
        if (strcmp(got, rows[i].result) != 0)
            fail_msg("%s: %s, not %s", rows[i].value, got, rows[i].result);
    }
}

static void ranges_at_the_edges(void **state)
{
    char got[400];

    (void)state;
    print_ranges(got, sizeof(got), text("bytes=0-"), 0);
    assert_string_equal(got, "416");
    print_ranges(got, sizeof(got), text("bytes=-5"), 0);
    assert_string_equal(got, "whole");
    print_ranges(got, sizeof(got), text("bytes=-0"), 0);
    assert_string_equal(got, "416");
    print_ranges(got, sizeof(got), text("bytes=9223372036854775806-"), INT64_MAX);
    assert_string_equal(got, "9223372036854775806+1");
    print_ranges(got, sizeof(got), text("bytes=0-18446744073709551614"), INT64_MAX);
    assert_string_equal(got, "0+9223372036854775807");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_go_by_the_extension), cmocka_unit_test(dates_in_three_forms),
        cmocka_unit_test(paths_become_names),        cmocka_unit_test(paths_that_lead_nowhere),
        cmocka_unit_test(conditions_in_their_order), cmocka_unit_test(if_range_is_strict),
        cmocka_unit_test(ranges_of_a_hundred_bytes), cmocka_unit_test(ranges_at_the_edges),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
