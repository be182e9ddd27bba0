/* SPDX-License-Identifier: Apache-2.0 */
/* The scope grammar by table; globs by table and against a naive reference, exhaustively for short
 * patterns over a small alphabet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <viaduct/scope.h>

struct row {
    const char *scope;
    enum vd_err result;
    const char *says; /* part of the error text */
};

static void test_check_table(void **state)
{
    static const struct row rows[] = {
        {"tab", VD_OK, NULL},
        {"global", VD_OK, NULL},
        {"session:0a1b", VD_OK, NULL},
        {"session:*", VD_OK, NULL},
        {"route:/", VD_OK, NULL},
        {"route:/a/{id}", VD_OK, NULL},
        {"route:*", VD_OK, NULL},
        {"room:lobby", VD_OK, NULL},
        {"room:*", VD_OK, NULL},
        {"*", VD_OK, NULL},
        {"user@example", VD_OK, NULL},
        {"r\xc3\xa4ume:\xf0\x9f\x8f\xa0", VD_OK, NULL},
        {"session", VD_OK, NULL},
        {"\xef\xbf\xbd", VD_OK, NULL},
        {"", VD_ERR_INVALID, "empty"},
        {"session:", VD_ERR_INVALID, "id"},
        {"route:", VD_ERR_INVALID, "path"},
        {"route:x", VD_ERR_INVALID, "path"},
        {"a b", VD_ERR_INVALID, "byte 1"},
        {"ab ", VD_ERR_INVALID, "space"},
        {"a\xc2\xa0"
         "b",
         VD_ERR_INVALID, "U+00A0"},
        {"a\xe2\x80\xa8", VD_ERR_INVALID, "U+2028"},
        {"\xe3\x80\x80", VD_ERR_INVALID, "U+3000"},
        {"a\nb", VD_ERR_INVALID, "U+000A"},
        {"a\x7f", VD_ERR_INVALID, "U+007F"},
        {"a\xc2\x85", VD_ERR_INVALID, "U+0085"},
        {"a\xff", VD_ERR_INVALID, "UTF-8 at byte 1"},
        {"\xc0\xaf", VD_ERR_INVALID, "UTF-8"},
        {"\xc1\xbf", VD_ERR_INVALID, "UTF-8"},
        {"\xed\xa0\x80", VD_ERR_INVALID, "UTF-8"},
        {"\xe0\x80\x80", VD_ERR_INVALID, "UTF-8"},
        {"\xf4\x90\x80\x80", VD_ERR_INVALID, "UTF-8"},
        {"\xf0\x80\x80\x80", VD_ERR_INVALID, "UTF-8"},
        {"\xe2\x82", VD_ERR_INVALID, "UTF-8"},
        {"\x80", VD_ERR_INVALID, "UTF-8"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct vd_error error = {0};
        size_t length = strlen(rows[i].scope);
        char *exact = malloc(length + 1); /* a sanitizer sees a read past the end */
        enum vd_err code;

        memcpy(exact, rows[i].scope, length);
        code = vd_scope_check(exact, length, &error);
        free(exact);
        if (code != rows[i].result)
            fail_msg("row %zu: %s %s", i, vd_err_name(code), error.text);
        if (rows[i].says && !strstr(error.text, rows[i].says))
            fail_msg("row %zu: '%s' does not say '%s'", i, error.text, rows[i].says);
        assert_int_equal(vd_scope_check(rows[i].scope, length, NULL), rows[i].result);
    }
}

static void test_check_length(void **state)
{
    char scope[VD_SCOPE_MAX_BYTES + 1];
    struct vd_error error = {0};

    (void)state;
    memset(scope, 'x', sizeof(scope));
    assert_int_equal(vd_scope_check(scope, VD_SCOPE_MAX_BYTES, &error), VD_OK);
    assert_int_equal(vd_scope_check(scope, VD_SCOPE_MAX_BYTES + 1, &error), VD_ERR_TOO_LARGE);
    assert_non_null(strstr(error.text, "257"));
    assert_non_null(strstr(error.text, "256"));
    assert_int_equal(vd_scope_check("a\0b", 3, &error), VD_ERR_INVALID);
    assert_int_equal(vd_scope_check(NULL, 0, &error), VD_ERR_INVALID);
}

static void test_errors_never_quote_the_scope(void **state)
{
    struct vd_error error = {0};

    (void)state;
    assert_int_equal(vd_scope_check("session:s3cret x", 16, &error), VD_ERR_INVALID);
    assert_null(strstr(error.text, "s3cret"));
}

static enum vd_scope_kind kind(const char *scope)
{
    return vd_scope_kind(scope, strlen(scope));
}

static void test_kind(void **state)
{
    (void)state;
    assert_int_equal(kind("tab"), VD_SCOPE_TAB);
    assert_int_equal(kind("global"), VD_SCOPE_GLOBAL);
    assert_int_equal(kind("session:1"), VD_SCOPE_SESSION);
    assert_int_equal(kind("route:/x"), VD_SCOPE_ROUTE);
    assert_int_equal(kind("room:lobby"), VD_SCOPE_FREE);
    assert_int_equal(kind("tabs"), VD_SCOPE_FREE);
    assert_int_equal(kind("tab*"), VD_SCOPE_FREE);
    assert_int_equal(kind("globa"), VD_SCOPE_FREE);
    assert_int_equal(kind("session"), VD_SCOPE_FREE);
}

static void test_glob_parts(void **state)
{
    (void)state;
    assert_false(vd_scope_is_glob("room:a", 6));
    assert_true(vd_scope_is_glob("room:*", 6));
    assert_false(vd_scope_is_glob("room:*", 5)); /* the length counts, not the NUL */
    assert_int_equal(vd_scope_literal_prefix("room:a", 6), 6);
    assert_int_equal(vd_scope_literal_prefix("room:*x*", 8), 5);
    assert_int_equal(vd_scope_literal_prefix("*", 1), 0);
}

static bool matches(const char *pattern, const char *scope)
{
    return vd_scope_matches(pattern, strlen(pattern), scope, strlen(scope));
}

static void test_matches_table(void **state)
{
    (void)state;
    assert_true(matches("room:lobby", "room:lobby"));
    assert_false(matches("room:lobby", "room:lobby2"));
    assert_false(matches("room:lobby2", "room:lobby"));
    assert_true(matches("room:*", "room:"));
    assert_true(matches("room:*", "room:a:b/c"));
    assert_true(matches("*:lobby", "room:x:lobby"));
    assert_false(matches("*:lobby", "room:lobby!"));
    assert_true(matches("a*b*c", "aXbYbZc"));
    assert_false(matches("a*b*c", "acb"));
    assert_true(matches("***", ""));
    assert_false(matches("room:a", "room:*")); /* a glob on the right is read literally */
    assert_true(matches("room:*", "room:*"));
}

/* Exponential in a naive matcher; here it ends within the time limit of the test. */
static void test_matching_does_not_explode(void **state)
{
    char pattern[VD_SCOPE_MAX_BYTES], scope[VD_SCOPE_MAX_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof(pattern); i++)
        pattern[i] = i % 2 ? 'a' : '*';
    pattern[sizeof(pattern) - 1] = 'b';
    memset(scope, 'a', sizeof(scope));
    for (int i = 0; i < 1000; i++)
        assert_false(vd_scope_matches(pattern, sizeof(pattern), scope, sizeof(scope)));
}

/* ---- the naive reference ---- */

static bool naive_matches(const char *pattern, const char *scope)
{
    if (*pattern == '\0')
        return *scope == '\0';
    if (*pattern == '*')
        return naive_matches(pattern + 1, scope) || (*scope && naive_matches(pattern, scope + 1));
    return *pattern == *scope && naive_matches(pattern + 1, scope + 1);
}

/* Is there a string that both match? A star either ends or takes what the other side offers. */
static bool naive_overlaps(const char *a, const char *b)
{
    if (*a == '\0' && *b == '\0')
        return true;
    if (*a == '*')
        return naive_overlaps(a + 1, b) || (*b && naive_overlaps(a, b + 1));
    if (*b == '*')
        return naive_overlaps(a, b + 1) || (*a && naive_overlaps(a + 1, b));
    return *a && *a == *b && naive_overlaps(a + 1, b + 1);
}

/* The @number-th string over a, b, * in order of length: 0 is the empty one. */
static void spell(char *text, unsigned number)
{
    unsigned length = 0, of_length = 1;

    while (number >= of_length) {
        number -= of_length;
        of_length *= 3;
        length++;
    }
    text[length] = '\0';
    while (length > 0) {
        text[--length] = "ab*"[number % 3];
        number /= 3;
    }
}

#define SHORT_PATTERNS 364 /* all of up to 5 characters: 1 + 3 + 9 + 27 + 81 + 243 */

static void test_all_short_patterns_against_the_reference(void **state)
{
    char a[8], b[8];

    (void)state;
    for (unsigned i = 0; i < SHORT_PATTERNS; i++) {
        spell(a, i);
        for (unsigned j = 0; j < SHORT_PATTERNS; j++) {
            spell(b, j);
            if (matches(a, b) != naive_matches(a, b))
                fail_msg("matches('%s', '%s')", a, b);
            if (vd_scope_overlaps(a, strlen(a), b, strlen(b)) != naive_overlaps(a, b))
                fail_msg("overlaps('%s', '%s')", a, b);
        }
    }
}

static uint32_t draw(uint64_t *seed, uint32_t below)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33) % below;
}

static void test_random_patterns_against_the_reference(void **state)
{
    uint64_t seed = 20261120;
    char texts[2][16];

    (void)state;
    for (int round = 0; round < 200000; round++) {
        for (int side = 0; side < 2; side++) {
            uint32_t length = draw(&seed, 13);
            for (uint32_t i = 0; i < length; i++)
                texts[side][i] = "aaabbc***"[draw(&seed, 9)];
            texts[side][length] = '\0';
        }
        if (matches(texts[0], texts[1]) != naive_matches(texts[0], texts[1]))
            fail_msg("matches('%s', '%s')", texts[0], texts[1]);
        if (vd_scope_overlaps(texts[0], strlen(texts[0]), texts[1], strlen(texts[1])) !=
            naive_overlaps(texts[0], texts[1]))
            fail_msg("overlaps('%s', '%s')", texts[0], texts[1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check_table),
        cmocka_unit_test(test_check_length),
        cmocka_unit_test(test_errors_never_quote_the_scope),
        cmocka_unit_test(test_kind),
        cmocka_unit_test(test_glob_parts),
        cmocka_unit_test(test_matches_table),
        cmocka_unit_test(test_matching_does_not_explode),
        cmocka_unit_test(test_all_short_patterns_against_the_reference),
        cmocka_unit_test(test_random_patterns_against_the_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
