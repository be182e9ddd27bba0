/* SPDX-License-Identifier: Apache-2.0 */
/* The URL of Redis servers: what each part is taken for, and what is refused without a word of the
 * password. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "redis_url.h"

static void test_urls(void **state)
{
    static const struct {
        const char *text, *host, *port, *username, *password;
        bool tls;
    } rows[] = {
        {"redis", "127.0.0.1", "6379", NULL, NULL, false},
        {"rediss:", "127.0.0.1", "6379", NULL, NULL, true},
        {"redis://cache.internal", "cache.internal", "6379", NULL, NULL, false},
        {"rediss://cache:6380/0", "cache", "6380", NULL, NULL, true},
        {"redis://[::1]:7000/", "::1", "7000", NULL, NULL, false},
        {"redis://:p%40ss@h", "h", "6379", NULL, "p@ss", false},
        {"redis://user:a@b@h:1", "h", "1", "user", "a@b", false},
        {"redis://u%3a:%70@h:65535", "h", "65535", "u:", "p", false},
        {"redis+unix:///run/redis.sock", "/run/redis.sock", NULL, NULL, NULL, false},
        {"redis+unix://u:p@/a,b/c@d", "/a,b/c@d", NULL, "u", "p", false},
    };
    struct vd_redis_url url;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(vd_redis_url_parse(rows[i].text, &url, NULL), VD_OK);
        assert_int_equal(url.count, 1);
        assert_string_equal(url.servers[0].host, rows[i].host);
        if (rows[i].port)
            assert_string_equal(url.servers[0].port, rows[i].port);
        assert_int_equal(url.tls, rows[i].tls);
        assert_int_equal(!url.username, !rows[i].username);
        assert_int_equal(!url.password, !rows[i].password);
        if (url.username)
            assert_string_equal(url.username, rows[i].username);
        if (url.password)
            assert_string_equal(url.password, rows[i].password);
        vd_redis_url_finish(&url);
    }
}

static void test_lists(void **state)
{
    static const char *const texts[] = {
        "redis://u:p@a:1,b,[::1]:3",
        "redis://u:p@a:1,b:6379,[::1]:3/0",
        "redis://a:1/0,redis://u:p@b/,redis://[::1]:3",
    };
    static const char *const hosts[] = {"a", "b", "::1"}, *const ports[] = {"1", "6379", "3"};
    struct vd_redis_url url;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(vd_redis_url_parse(texts[i], &url, NULL), VD_OK);
        assert_int_equal(url.count, 3);
        for (size_t n = 0; n < 3; n++) {
            assert_string_equal(url.servers[n].host, hosts[n]);
            assert_string_equal(url.servers[n].port, ports[n]);
        }
        assert_string_equal(url.username, "u");
        assert_string_equal(url.password, "p");
        vd_redis_url_finish(&url);
    }
}

static void test_refused(void **state)
{
    static const struct {
        const char *text, *part;
    } rows[] = {
        {"redis:hunter2", "//"},
        {"redis://:hunter2@h:0", "port"},
        {"redis://:hunter2@h:65536", "port"},
        {"redis://h:", "port"},
        {"redis://h:1x", "port"},
        {"redis://:hunter2@h/7", "/0"},
        {"redis://:hunter2@h?x", "/0"},
        {"redis://:hunter2%@h", "hex"},
        {"redis://:hunter2%00@h", "hex"},
        {"redis://:hunter2%4", "one host"},
        {"redis://[::1", "]"},
        {"redis://[::1]x", ":port"},
        {"redis://:hunter2@:6379", "one host"},
        {"redis://a,,b", "empty"},
        {"redis://a,", "empty"},
        {"redis://a,rediss://b", "one list"},
        {"rediss://a,redis://b", "one list"},
        {"redis://u:hunter2@a,u:hunter2@b", "once"},
        {"redis+unix:run", "//"},
        {"redis+unix://", "path"},
        {"redis+unix:///", "path"},
        {"redis+unix://host/run", "path"},
    };
    struct vd_redis_url url;
    char longest[400] = "redis+unix:///";

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct vd_error error;
        if (vd_redis_url_parse(rows[i].text, &url, &error) != VD_ERR_INVALID)
            fail_msg("%s is taken", rows[i].text);
        if (!strstr(error.text, rows[i].part) || strstr(error.text, "hunter2"))
            fail_msg("%s: %s", rows[i].text, error.text);
    }
    memset(longest + strlen(longest), 'x', 110);
    assert_int_equal(vd_redis_url_parse(longest, &url, NULL), VD_ERR_INVALID);
    memset(longest, ',', 200);
    for (size_t i = 0; i < 8; i++)
        longest[i] = "redis://"[i];
    assert_int_equal(vd_redis_url_parse(longest, &url, NULL), VD_ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
