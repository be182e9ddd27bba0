/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a listening address: what is read, and what is refused with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common_listen.h"

static void addresses_are_read(void **state)
{
    static const struct {
        const char *text;
        struct vd_listen_address is;
    } rows[] = {
        {"tcp://0.0.0.0:3000", {.host = "0.0.0.0", .port = 3000}},
        {"tcp://localhost:0", {.host = "localhost"}},
        {"tcp://[::]:65535", {.host = "::", .port = 65535}},
        {"tcp://[::1]:80?ipv6only", {.host = "::1", .port = 80, .ipv6_only = true}},
        {"tcp://[::]:80?reuseport&ipv6only",
         {.host = "::", .port = 80, .ipv6_only = true, .reuse_port = true}},
        {"unix:///run/viaduct.sock", {.host = "/run/viaduct.sock", .is_unix = true, .mode = 0660}},
        {"unix:///a b:c?mode=0600", {.host = "/a b:c", .is_unix = true, .mode = 0600}},
        {"unix:///a?mode=777", {.host = "/a", .is_unix = true, .mode = 0777}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct vd_listen_address address;
        struct vd_error error = {0};

        if (vd_listen_parse(rows[i].text, &address, &error) != VD_OK)
            fail_msg("%s: %s", rows[i].text, error.text);
        assert_string_equal(address.host, rows[i].is.host);
        assert_int_equal(address.port, rows[i].is.port);
        assert_int_equal(address.is_unix, rows[i].is.is_unix);
        assert_int_equal(address.mode, rows[i].is.mode);
        assert_int_equal(address.ipv6_only, rows[i].is.ipv6_only);
        assert_int_equal(address.reuse_port, rows[i].is.reuse_port);
    }
}

static void others_are_refused_and_quoted(void **state)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"", "scheme"},
        {"0.0.0.0:3000", "scheme"},
        {"udp://0.0.0.0:3000", "scheme"},
        {"tcp://", "port is missing"},
        {"tcp://:80", "host is empty"},
        {"tcp://0.0.0.0", "port is missing"},
        {"tcp://0.0.0.0:", "port is no number"},
        {"tcp://0.0.0.0:65536", "port is no number"},
        {"tcp://0.0.0.0:99999999999999999999", "port is no number"},
        {"tcp://0.0.0.0:80 ", "port is no number"},
        {"tcp://0.0.0.0:-1", "port is no number"},
        {"tcp://::1:80", "brackets"},
        {"tcp://[::1", "bracket"},
        {"tcp://[::1]", "port is missing"},
        {"tcp://[]:80", "host is empty"},
        {"tcp://0.0.0.0:80?mode=0660", "option"},
        {"tcp://0.0.0.0:80?ipv6only&", NULL},
        {"tcp://0.0.0.0:80?&ipv6only", "option"},
        {"tcp://0.0.0.0:80?ipv6onlyx", "option"},
        {"unix://run/x.sock", "absolute"},
        {"unix://", "absolute"},
        {"unix:///x?mode=", "option"},
        {"unix:///x?mode=0999", "option"},
        {"unix:///x?mode=01777", "option"},
        {"unix:///x?ipv6only", "option"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct vd_listen_address address;
        struct vd_error error = {0};
        enum vd_err result = vd_listen_parse(rows[i].text, &address, &error);

        if (!rows[i].why) {
            assert_int_equal(result, VD_OK);
            continue;
        }
        assert_int_equal(result, VD_ERR_INVALID);
        assert_non_null(strstr(error.text, rows[i].text));
        if (!strstr(error.text, rows[i].why))
            fail_msg("%s: %s", rows[i].text, error.text);
    }
    assert_int_equal(vd_listen_parse(NULL, &(struct vd_listen_address){0}, NULL), VD_ERR_INVALID);
}

static void a_path_fits_or_is_refused(void **state)
{
    char text[200] = "unix:///";
    struct vd_listen_address address;

    (void)state;
    memset(text + 8, 'x', 106);
    assert_int_equal(vd_listen_parse(text, &address, NULL), VD_OK);
    assert_int_equal(strlen(address.host), 107);
    text[8 + 106] = 'x';
    assert_int_equal(vd_listen_parse(text, &address, NULL), VD_ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_read),
        cmocka_unit_test(others_are_refused_and_quoted),
        cmocka_unit_test(a_path_fits_or_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
