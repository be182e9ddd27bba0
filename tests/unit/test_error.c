/* SPDX-License-Identifier: Apache-2.0 */
/* Error codes: names, texts, the sentence and its limit. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <viaduct/viaduct.h>

static void test_every_code_has_name_and_text(void **state)
{
    (void)state;
    assert_int_equal(VD_OK, 0);
    for (int code = 0; code < VD_ERR_COUNT; code++) {
        assert_int_equal(strncmp(vd_err_name((enum vd_err)code), "VD_", 3), 0);
        assert_true(strlen(vd_err_text((enum vd_err)code)) > 0);
        for (int other = 0; other < code; other++) {
            assert_string_not_equal(vd_err_name((enum vd_err)code),
                                    vd_err_name((enum vd_err)other));
        }
    }
    assert_string_equal(vd_err_name(VD_ERR_FULL), "VD_ERR_FULL");
    assert_string_equal(vd_err_text(VD_ERR_FULL), "no room left");
}

static void test_unknown_codes(void **state)
{
    (void)state;
    assert_string_equal(vd_err_name((enum vd_err)VD_ERR_COUNT), "VD_ERR_UNKNOWN");
    assert_string_equal(vd_err_name((enum vd_err) - 1), "VD_ERR_UNKNOWN");
    assert_string_equal(vd_err_text((enum vd_err)VD_ERR_COUNT), "unknown error");
}

static void test_set_returns_the_code_and_leaves_a_sentence(void **state)
{
    struct vd_error error = {0};

    (void)state;
    assert_int_equal(vd_error_set(&error, VD_ERR_INVALID, "port is %d", 70000), VD_ERR_INVALID);
    assert_int_equal(error.code, VD_ERR_INVALID);
    assert_string_equal(error.text, "port is 70000");
    assert_int_equal(vd_error_set(NULL, VD_ERR_FULL, "%s", "nobody reads this"), VD_ERR_FULL);
}

static void test_long_sentences_are_cut(void **state)
{
    struct vd_error error = {0};
    char longer[2 * VD_ERROR_TEXT_BYTES];

    (void)state;
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    vd_error_set(&error, VD_ERR_INVALID, "%s", longer);
    assert_int_equal(strlen(error.text), VD_ERROR_TEXT_BYTES - 1);
}

static void test_set_errno(void **state)
{
    struct vd_error error = {0};

    (void)state;
    errno = ENOENT;
    assert_int_equal(vd_error_set_errno(&error, "open"), VD_ERR_SYSTEM);
    assert_string_equal(error.text, "open: No such file or directory");
    errno = EACCES;
    assert_int_equal(vd_error_set_errno(NULL, "open"), VD_ERR_SYSTEM);
}

static void test_version(void **state)
{
    (void)state;
    assert_string_equal(vd_version(), VIADUCT_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_has_name_and_text),
        cmocka_unit_test(test_unknown_codes),
        cmocka_unit_test(test_set_returns_the_code_and_leaves_a_sentence),
        cmocka_unit_test(test_long_sentences_are_cut),
        cmocka_unit_test(test_set_errno),
        cmocka_unit_test(test_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
