/* SPDX-License-Identifier: Apache-2.0 */
/* The URL of NATS servers: what each part is taken for, and what is refused without a word of the
 * secret. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "nats_url.h"

static void same(const char *text, const char *wanted)
{
    assert_int_equal(!text, !wanted);
    if (text)
        assert_string_equal(text, wanted);
}

static void test_urls(void **state)
{
    static const struct {
        const char *text, *host, *port, *username, *password, *token;
        bool tls;
    } rows[] = {
        {"nats", "127.0.0.1", "4222", NULL, NULL, NULL, false},
        {"nats:", "127.0.0.1", "4222", NULL, NULL, NULL, false},
        {"tls://", "127.0.0.1", "4222", NULL, NULL, NULL, true},
        {"nats://broker.internal", "broker.internal", "4222", NULL, NULL, NULL, false},
        {"tls://broker:4443/", "broker", "4443", NULL, NULL, NULL, true},
        {"nats://[::1]:7000", "::1", "7000", NULL, NULL, NULL, false},
        {"nats://to%40ken@h", "h", "4222", NULL, NULL, "to@ken", false},
        {"nats://user:a@b@h:1", "h", "1", "user", "a@b", NULL, false},
        {"tls://u%3a:%70@h:65535", "h", "65535", "u:", "p", NULL, true},
    };
    struct vd_nats_url url;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(vd_nats_url_parse(rows[i].text, &url, NULL), VD_OK);
        assert_int_equal(url.count, 1);
        assert_string_equal(url.servers[0].host, rows[i].host);
        assert_string_equal(url.servers[0].port, rows[i].port);
        assert_int_equal(url.tls, rows[i].tls);
        same(url.username, rows[i].username);
        same(url.password, rows[i].password);
        same(url.token, rows[i].token);
        vd_nats_url_finish(&url);
    }
}

static void test_lists(void **state)
{
    static const char *const texts[] = {"nats://u:p@a:1,b,[::1]:3",
                                        "nats://a:1,nats://u:p@b/,nats://[::1]:3"};
    struct vd_nats_url url;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(vd_nats_url_parse(texts[i], &url, NULL), VD_OK);
        assert_int_equal(url.count, 3);
        assert_string_equal(url.servers[0].host, "a");
        assert_string_equal(url.servers[0].port, "1");
        assert_string_equal(url.servers[1].host, "b");
        assert_string_equal(url.servers[1].port, "4222");
        assert_string_equal(url.servers[2].host, "::1");
        assert_string_equal(url.username, "u");
        vd_nats_url_finish(&url);
    }
}

static void test_what_is_refused(void **state)
{
    static const struct {
        const char *text, *part;
    } rows[] = {
        {"nats:h", "//"},
        {"nats://h:0", "port"},
        {"nats://h:65536", "port"},
        {"nats://h:", "port"},
        {"nats://hunter2%@h", "hex"},
        {"nats://@h", "half"},
        {"nats://:hunter2@h", "half"},
        {"nats://hunter2@a,hunter2@b", "once"},
        {"nats://a,tls://b", "one list"},
        {"nats://a,redis://b", "another scheme"},
        {"nats://a,,b", "empty"},
        {"nats://a,", "empty"},
        {"nats://a/path", "nothing may follow"},
        {"nats://a?x", "nothing may follow"},
        {"nats://[::1", "]"},
        {"nats://a b", "one host"},
    };
    struct vd_nats_url url;
    struct vd_error error;
    char many[400] = "nats://a";

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(vd_nats_url_parse(rows[i].text, &url, &error), VD_ERR_INVALID);
        assert_null(strstr(error.text, "hunter2"));
        if (!strstr(error.text, rows[i].part))
            fail_msg("%s: %s", rows[i].text, error.text);
    }
    for (unsigned i = 0; i < VD_NATS_SERVERS_MAX; i++)
        strcat(many, ",a");
    assert_int_equal(vd_nats_url_parse(many, &url, &error), VD_ERR_INVALID);
    assert_non_null(strstr(error.text, "65 servers"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_what_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
