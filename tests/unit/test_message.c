/* SPDX-License-Identifier: Apache-2.0 */
/* What is fit to travel, and the node id. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <viaduct/message.h>

static struct vd_message a_message(void)
{
    return (struct vd_message){
        .scope = "room:lobby",
        .scope_length = 10,
        .event = "say",
        .event_length = 3,
        .data = "hello",
        .data_length = 5,
        .has_data = true,
        .origin = "0123456789abcdef",
        .origin_length = 16,
        .sequence = 1,
    };
}

static void expect(const struct vd_message *message, size_t limit, enum vd_err code,
                   const char *says)
{
    struct vd_error error = {0};

    assert_int_equal(vd_message_check(message, limit, &error), code);
    assert_int_equal(vd_message_check(message, limit, NULL), code);
    if (!strstr(error.text, says))
        fail_msg("'%s' does not say '%s'", error.text, says);
}

static void test_good_messages(void **state)
{
    struct vd_message message = a_message();

    (void)state;
    expect(&message, 0, VD_OK, "");
    message.data = "\xff\0\xfe"; /* any bytes */
    message.data_length = 3;
    expect(&message, 0, VD_OK, "");
    message = (struct vd_message){.scope = "room:*", .scope_length = 6};
    expect(&message, 0, VD_OK, "");
    message.has_data = true; /* empty data is data */
    expect(&message, 0, VD_OK, "");
    message.event = "two words \xc3\xa4";
    message.event_length = strlen(message.event);
    expect(&message, 0, VD_OK, "");
    message.event_length = 0; /* none */
    expect(&message, 0, VD_OK, "");
}

static void test_bad_scope(void **state)
{
    struct vd_message message = a_message();

    (void)state;
    message.scope = "room lobby";
    expect(&message, 0, VD_ERR_INVALID, "scope");
    message.scope = NULL;
    message.scope_length = 0;
    expect(&message, 0, VD_ERR_INVALID, "scope");
}

static void test_bad_event(void **state)
{
    struct vd_message message = a_message();
    char longer[VD_EVENT_MAX_BYTES + 1];

    (void)state;
    message.event = "a\nb"; /* would be a second SSE field */
    expect(&message, 0, VD_ERR_INVALID, "event name");
    message.event = "a\r:";
    expect(&message, 0, VD_ERR_INVALID, "U+000D");
    message.event = "\xff!!";
    expect(&message, 0, VD_ERR_INVALID, "UTF-8 at byte 0");
    memset(longer, 'e', sizeof(longer));
    message.event = longer;
    message.event_length = VD_EVENT_MAX_BYTES;
    expect(&message, 0, VD_OK, "");
    message.event_length++;
    expect(&message, 0, VD_ERR_TOO_LARGE, "128");
}

static void test_bad_origin(void **state)
{
    struct vd_message message = a_message();
    char longer[VD_ORIGIN_MAX_BYTES + 1];

    (void)state;
    message.origin = "0123\n56789abcdef";
    expect(&message, 0, VD_ERR_INVALID, "node id");
    memset(longer, 'n', sizeof(longer));
    message.origin = longer;
    message.origin_length = VD_ORIGIN_MAX_BYTES;
    expect(&message, 0, VD_OK, "");
    message.origin_length++;
    expect(&message, 0, VD_ERR_TOO_LARGE, "64");
}

static void test_data_limits(void **state)
{
    struct vd_message message = a_message();

    (void)state;
    expect(&message, 5, VD_OK, "");
    expect(&message, 4, VD_ERR_TOO_LARGE, "data has 5 bytes; allowed are 4");
    message.data_length = VD_MESSAGE_MAX_BYTES + 1; /* refused before anyone looks at the bytes */
    expect(&message, 0, VD_ERR_TOO_LARGE, "1048577");
    message.data_length = 5;
    message.data = NULL;
    expect(&message, 0, VD_ERR_INVALID, "data");
}

static void test_node_id_has_16_hex_digits(void **state)
{
    struct vd_node_id ids[64];

    (void)state;
    for (size_t i = 0; i < 64; i++) {
        assert_int_equal(vd_node_id_draw(&ids[i], NULL), VD_OK);
        assert_int_equal(strlen(ids[i].text), VD_NODE_ID_CHARS);
        assert_int_equal(strspn(ids[i].text, "0123456789abcdef"), VD_NODE_ID_CHARS);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(ids[i].text, ids[j].text);
    }
}

/* A generator whose state crossed the fork would give both the same. */
static void test_node_ids_differ_across_a_fork(void **state)
{
    struct vd_node_id ours, theirs;
    int ends[2], status;
    pid_t child;

    (void)state;
    assert_int_equal(vd_node_id_draw(&ours, NULL), VD_OK);
    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        vd_node_id_draw(&ours, NULL);
        _exit(write(ends[1], &ours, sizeof(ours)) == (ssize_t)sizeof(ours) ? 0 : 1);
    }
    assert_int_equal(vd_node_id_draw(&ours, NULL), VD_OK);
    assert_int_equal(read(ends[0], &theirs, sizeof(theirs)), sizeof(theirs));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_string_not_equal(ours.text, theirs.text);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_messages),
        cmocka_unit_test(test_bad_scope),
        cmocka_unit_test(test_bad_event),
        cmocka_unit_test(test_bad_origin),
        cmocka_unit_test(test_data_limits),
        cmocka_unit_test(test_node_id_has_16_hex_digits),
        cmocka_unit_test(test_node_ids_differ_across_a_fork),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
