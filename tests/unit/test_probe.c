/* SPDX-License-Identifier: Apache-2.0 */
/* Probes: what is written is read; nothing but the exact spelling is one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "probe.h"

#define OURS   "0123456789abcdef"
#define THEIRS "fedcba9876543210"

static void test_there_and_back(void **state)
{
    static const uint64_t numbers[] = {1, 9, 10, 4711, UINT64_MAX};
    char text[VD_PROBE_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        size_t length = vd_probe_write(text, OURS, numbers[i]);
        uint64_t number = 7;
        assert_int_equal(length, strlen(text));
        assert_true(vd_probe_read(text, length, OURS, &number));
        assert_true(number == numbers[i]);
        assert_true(vd_probe_read(text, length, THEIRS, &number));
        assert_int_equal(number, 0);
    }
}

/* For others it is an object of JSON without the fields of a message. */
static void test_it_is_json_and_no_message(void **state)
{
    char text[VD_PROBE_BYTES];
    json_t *object;

    (void)state;
    vd_probe_write(text, OURS, UINT64_MAX);
    object = json_loads(text, 0, NULL);
    assert_true(json_is_object(object));
    assert_int_equal(json_object_size(object), 1);
    assert_null(json_object_get(object, "scope"));
    json_decref(object);
}

static void test_anything_else_is_none(void **state)
{
    static const char *const texts[] = {
        "",
        "{\"probe\":\"",
        "{\"probe\":\"" OURS "-\"}",
        "{\"probe\":\"" OURS "1\"}",
        "{\"probe\":\"" OURS "-1x\"}",
        "{\"probe\":\"" OURS "-1\" }",
        "{\"probe\":\"" OURS "-123456789012345678901\"}",
        "{\"probe\":\"0123456789ABCDEF-1\"}",
        "{\"probe\":\"" OURS "-1\",\"scope\":\"x\"}",
        "{\"scope\":\"x\",\"nodeId\":\"" OURS "\"}",
    };
    uint64_t number = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_false(vd_probe_read(texts[i], strlen(texts[i]), OURS, &number));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_it_is_json_and_no_message),
        cmocka_unit_test(test_anything_else_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
