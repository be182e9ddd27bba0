/* SPDX-License-Identifier: Apache-2.0 */
/* What is needed to write HTTP: phrases, tokens, values, names, dates. */
#include "common_http.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static void reason_phrases(void **state)
{
    (void)state;
    assert_string_equal(vd_http_reason_phrase(200), "OK");
    assert_string_equal(vd_http_reason_phrase(404), "Not Found");
    assert_string_equal(vd_http_reason_phrase(431), "Request Header Fields Too Large");
    assert_string_equal(vd_http_reason_phrase(504), "Gateway Timeout");
    static const unsigned unknown[] = {0, 99, 199, 299, 306, 418, 499, 599, 999, 1000, ~0u};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        assert_string_equal(vd_http_reason_phrase(unknown[i]), "");
    }
    for (unsigned status = 0; status < 1000; status++) {
        const char *phrase = vd_http_reason_phrase(status);
        assert_true(vd_http_is_field_value(phrase, strlen(phrase)));
    }
}

static void bodies(void **state)
{
    (void)state;
    for (unsigned status = 100; status < 600; status++) {
        bool none = status < 200 || status == 204 || status == 304;
        assert_int_equal(vd_http_status_has_body(status), !none);
    }
}

static void tokens(void **state)
{
    (void)state;
    assert_true(vd_http_is_token("X-Request-Id", 12));
    assert_true(vd_http_is_token("!#$%&'*+-.^_`|~09azAZ", 21));
    assert_false(vd_http_is_token("", 0));
    for (int byte = 0; byte < 256; byte++) {
        char name[3] = {'a', (char)byte, 'b'};
        bool separator = byte <= ' ' || byte >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", byte);
        assert_int_equal(vd_http_is_token(name, 3), !separator);
    }
}

static void field_values(void **state)
{
    (void)state;
    assert_true(vd_http_is_field_value("", 0));
    assert_true(vd_http_is_field_value(NULL, 0));
    assert_true(vd_http_is_field_value("a\tb \xc3\xbc", 6));
    for (int byte = 0; byte < 256; byte++) {
        char value[20] = "0123456789012345678";
        value[13] = (char)byte;
        bool control = (byte < ' ' && byte != '\t') || byte == 0x7f;
        assert_int_equal(vd_http_is_field_value(value, 19), !control);
    }
    assert_false(vd_http_is_field_value("x\r\nSet-Cookie: y", 16));
    assert_false(vd_http_is_field_value("x\n", 2));
    assert_false(vd_http_is_field_value("\0", 1));
}

static void names(void **state)
{
    (void)state;
    assert_true(vd_http_name_is("Content-Length", 14, "content-length"));
    assert_true(vd_http_name_is("CONTENT-LENGTH", 14, "content-length"));
    assert_true(vd_http_name_is("", 0, ""));
    assert_false(vd_http_name_is("Content-Lengt", 13, "content-length"));
    assert_false(vd_http_name_is("Content-Lengthx", 15, "content-length"));
    assert_false(vd_http_name_is("Content\rLength", 14, "content-length")); /* 0x0d | 0x20 is - */
    assert_false(vd_http_name_is("h\0st", 4, "host"));
    assert_false(vd_http_name_is("host\0", 5, "host"));
}

static void dates(void **state)
{
    static const struct {
        uint64_t seconds;
        const char *text;
    } cases[] = {
        {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
        {784111777, "Sun, 06 Nov 1994 08:49:37 GMT"}, /* RFC 9110 5.6.7 */
        {951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},
        {1795176000, "Fri, 20 Nov 2026 12:00:00 GMT"},
        {4102444799, "Thu, 31 Dec 2099 23:59:59 GMT"},
        {253402300799, "Fri, 31 Dec 9999 23:59:59 GMT"},
        {UINT64_MAX / 1000, "Fri, 31 Dec 9999 23:59:59 GMT"},
    };
    char text[30];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memset(text, 'x', sizeof text);
        vd_http_date(cases[i].seconds * 1000 + (i % 2 ? 615 : 0), text);
        assert_string_equal(text, cases[i].text);
    }
}

/* Against the C library, once for each of some 50,000 hours. */
static void dates_agree_with_strftime(void **state)
{
    (void)state;
    setlocale(LC_ALL, "C");
    for (time_t when = 0; when < 4102444800; when += 82801) {
        char ours[30];
        char theirs[30];
        struct tm utc;
        gmtime_r(&when, &utc);
        strftime(theirs, sizeof theirs, "%a, %d %b %Y %H:%M:%S GMT", &utc);
        vd_http_date((uint64_t)when * 1000 + 999, ours);
        assert_string_equal(ours, theirs);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reason_phrases),
        cmocka_unit_test(bodies),
        cmocka_unit_test(tokens),
        cmocka_unit_test(field_values),
        cmocka_unit_test(names),
        cmocka_unit_test(dates),
        cmocka_unit_test(dates_agree_with_strftime),
    };
    return cmocka_run_group_tests_name("http write", tests, NULL, NULL);
}
