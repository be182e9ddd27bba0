/* SPDX-License-Identifier: Apache-2.0 */
/* Replies of a Redis server: what pub/sub sends, cut anywhere, and what nobody should send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "redis_reply.h"

#define LIMIT 1000

static const char stream[] = "+OK\r\n"
                             "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n"
                             "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$5\r\na\r\n\0b\r\n"
                             ":7\r\n"
                             "-NOPERM no\r\n"
                             "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$0\r\n\r\n";

static void check(unsigned number, const struct vd_redis_reply *reply)
{
    static const struct {
        int type;
        const char *word;
        const char *payload;
        size_t length;
    } wanted[] = {
        {REDIS_REPLY_STATUS, "OK", NULL, 0},           {REDIS_REPLY_ARRAY, "subscribe", NULL, 0},
        {REDIS_REPLY_ARRAY, "message", "a\r\n\0b", 5}, {REDIS_REPLY_INTEGER, NULL, NULL, 0},
        {REDIS_REPLY_ERROR, "NOPERM no", NULL, 0},     {REDIS_REPLY_ARRAY, "message", "", 0},
    };

    assert_true(number < sizeof(wanted) / sizeof(wanted[0]));
    assert_int_equal(reply->type, wanted[number].type);
    if (wanted[number].word)
        assert_string_equal(reply->word, wanted[number].word);
    if (wanted[number].payload) {
        assert_int_equal(reply->payload_length, wanted[number].length);
        assert_memory_equal(reply->payload, wanted[number].payload, wanted[number].length);
    }
}

static void test_any_cut(void **state)
{
    (void)state;
    for (size_t cut = 1; cut < sizeof(stream); cut++) {
        struct vd_redis_reader reader;
        unsigned number = 0;

        assert_int_equal(vd_redis_reader_init(&reader, LIMIT), VD_OK);
        for (size_t at = 0; at < sizeof(stream) - 1; at += cut) {
            size_t rest = sizeof(stream) - 1 - at;
            assert_int_equal(vd_redis_reader_feed(&reader, stream + at, rest < cut ? rest : cut),
                             VD_OK);
            while (vd_redis_reader_next(&reader) == VD_OK)
                check(number++, &reader.reply);
        }
        assert_int_equal(number, 6);
        vd_redis_reader_finish(&reader);
    }
}

static enum vd_err read_all(const char *bytes, size_t length)
{
    struct vd_redis_reader reader;
    enum vd_err code;

    assert_int_equal(vd_redis_reader_init(&reader, LIMIT), VD_OK);
    code = vd_redis_reader_feed(&reader, bytes, length);
    while (code == VD_OK)
        code = vd_redis_reader_next(&reader);
    vd_redis_reader_finish(&reader);
    return code;
}

static void test_what_nobody_should_send(void **state)
{
    static const char *const bad[] = {"HTTP/1.1 400 Bad Request\r\n",
                                      "*100000000\r\n",
                                      "*4\r\n",
                                      "*1\r\n*1\r\n:1\r\n",
                                      "*2147483648\r\n",
                                      "$-7\r\n",
                                      "?\r\n"};
    static char large[LIMIT + 1];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (read_all(bad[i], strlen(bad[i])) != VD_ERR_MALFORMED)
            fail_msg("%s", bad[i]);
    }
    memset(large, 'x', sizeof(large));
    memcpy(large, "$999999\r\n", 9);
    assert_int_equal(read_all(large, sizeof(large)), VD_ERR_TOO_LARGE);
    assert_int_equal(read_all("*0\r\n$-1\r\n*-1\r\n", 14), VD_ERR_EMPTY);
}

/* Whatever comes, it ends: in replies, in waiting, or in an error. */
static void test_random_bytes(void **state)
{
    static const char letters[] = "*$:+-0123\r\n\r\n\r\nab";
    uint32_t seed = 1;
    char bytes[200];

    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        for (size_t i = 0; i < sizeof(bytes); i++) {
            seed = seed * 1664525u + 1013904223u;
            bytes[i] = letters[(seed >> 16) % (sizeof(letters) - 1)];
        }
        read_all(bytes, sizeof(bytes));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_cut),
        cmocka_unit_test(test_what_nobody_should_send),
        cmocka_unit_test(test_random_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
