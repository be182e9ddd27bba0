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
        size_t length = vd_probe_write(text, OURS, numbers[i], NULL, 0);
        struct vd_probe probe = {.node_length = 7};
        assert_int_equal(length, strlen(text));
        assert_true(vd_probe_read(text, length, OURS, &probe));
        assert_true(probe.number == numbers[i]);
        assert_int_equal(probe.node_length, 0);
        assert_true(vd_probe_read(text, length, THEIRS, &probe));
        assert_int_equal(probe.number, 0);
    }
}

/* How far the node is. Any node id is spelled so that it comes back. */
static void test_the_node(void **state)
{
    static const char *const nodes[] = {
        "n", "0123456789abcdef", "a \"quoted\" \\ one", "N\xc3\xb6tli",
        "\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\""
        "\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\"};
    static const uint64_t lasts[] = {0, 1, 42, UINT64_MAX};
    char text[VD_PROBE_BYTES];

    (void)state;
    assert_int_equal(strlen(nodes[4]), VD_ORIGIN_MAX_BYTES);
    for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
        for (size_t k = 0; k < sizeof(lasts) / sizeof(lasts[0]); k++) {
            size_t length = vd_probe_write(text, THEIRS, UINT64_MAX, nodes[i], lasts[k]);
            struct vd_probe probe;
            json_t *object = json_loads(text, JSON_DECODE_INT_AS_REAL, NULL);
            assert_int_equal(length, strlen(text));
            assert_string_equal(json_string_value(json_object_get(object, "node")), nodes[i]);
            json_decref(object);
            assert_true(vd_probe_read(text, length, OURS, &probe));
            assert_int_equal(probe.number, 0);
            assert_int_equal(probe.node_length, strlen(nodes[i]));
            assert_memory_equal(probe.node, nodes[i], probe.node_length);
            assert_true(probe.last == lasts[k]);
        }
    }
}

/* For others it is an object of JSON without the fields of a message. */
static void test_it_is_json_and_no_message(void **state)
{
    char text[VD_PROBE_BYTES];
    json_t *object;

    (void)state;
    vd_probe_write(text, OURS, 1, "n", 2);
    assert_string_equal(text, "{\"probe\":\"" OURS "-1\",\"node\":\"n\",\"last\":2}");
    object = json_loads(text, 0, NULL);
    assert_int_equal(json_object_size(object), 3);
    assert_null(json_object_get(object, "scope"));
    assert_null(json_object_get(object, "nodeId"));
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
        "{\"probe\":\"" OURS "-18446744073709551616\"}",
        "{\"probe\":\"" OURS "-01\"}",
        "{\"probe\":\"" OURS "-1\",\"scope\":\"x\"}",
        "{\"probe\":\"" OURS "-1\",\"node\":\"n\"}",
        "{\"probe\":\"" OURS "-1\",\"node\":\"n",
        "{\"probe\":\"" OURS "-1\",\"node\":\"n\\",
        "{\"probe\":\"" OURS "-1\",\"node\":\"n\\u0041\",\"last\":1}",
        "{\"probe\":\"" OURS "-1\",\"node\":\"\",\"last\":1}",
        "{\"probe\":\"" OURS "-1\",\"node\":\"n\",\"last\":}",
        "{\"probe\":\"" OURS "-1\",\"node\":\"n\",\"last\":-1}",
        "{\"probe\":\"" OURS "-1\",\"node\":\"n\",\"last\":01}",
        "{\"probe\":\"" OURS "-1\",\"node\":\"n\",\"last\":18446744073709551616}",
        "{\"probe\":\"" OURS "-1\",\"node\":\"n\",\"last\":1",
        "{\"probe\":\"" OURS "-1\",\"node\":\"n\",\"last\":1} ",
        "{\"probe\":\"" OURS "-1\",\"last\":1}",
        "{\"probe\":\"" OURS "-1\",\"node\":\"" OURS OURS OURS OURS "x\",\"last\":1}",
        "{\"scope\":\"x\",\"nodeId\":\"" OURS "\"}",
    };
    struct vd_probe probe;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_false(vd_probe_read(texts[i], strlen(texts[i]), OURS, &probe));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_the_node),
        cmocka_unit_test(test_it_is_json_and_no_message),
        cmocka_unit_test(test_anything_else_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
