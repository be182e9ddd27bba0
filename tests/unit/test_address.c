/* SPDX-License-Identifier: Apache-2.0 */
/* Connections of one address: /32 of IPv4, /64 of IPv6, nothing of a unix socket. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

#include "gateway.h"

struct fixture {
    struct vd_server_config config;
    struct gateway gateway;
};

static void setup(struct fixture *fixture, size_t limit)
{
    memset(fixture, 0, sizeof(*fixture));
    fixture->config.max_address_connections = limit;
    fixture->gateway.config = &fixture->config;
}

/* Is a connection from @text let in? *@address as gw_address_admit gives it. */
static bool admit(struct fixture *fixture, const char *text, struct gw_address **address)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un local;
    } from = {0};

    if (inet_pton(AF_INET, text, &from.v4.sin_addr) == 1) {
        from.any.sa_family = AF_INET;
    } else if (inet_pton(AF_INET6, text, &from.v6.sin6_addr) == 1) {
        from.any.sa_family = AF_INET6;
    } else {
        from.any.sa_family = AF_UNIX;
    }
    return gw_address_admit(&fixture->gateway, &from.any, address);
}

static void expect_same(const char *one, const char *other, bool same)
{
    struct fixture fixture;
    struct gw_address *first, *second;

    setup(&fixture, 1);
    assert_true(admit(&fixture, one, &first));
    assert_int_equal(admit(&fixture, other, &second), !same);
    gw_address_leave(&fixture.gateway, first);
    gw_address_leave(&fixture.gateway, second);
    assert_null(fixture.gateway.addresses);
}

static void what_counts_as_one_address(void **state)
{
    (void)state;
    expect_same("192.0.2.1", "192.0.2.1", true);
    expect_same("192.0.2.1", "192.0.2.2", false);
    expect_same("192.0.2.1", "::ffff:192.0.2.1", true);
    expect_same("::ffff:192.0.2.1", "::ffff:192.0.2.2", false);
    expect_same("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true);
    expect_same("2001:db8:1:2::1", "2001:db8:1:3::1", false);
    /* the same eight bytes, another family */
    expect_same("192.0.2.1", "c000:201::1", false);
}

static void a_place_is_free_again_when_one_leaves(void **state)
{
    struct fixture fixture;
    struct gw_address *held[3], *more;

    (void)state;
    setup(&fixture, 3);
    for (int i = 0; i < 3; i++)
        assert_true(admit(&fixture, "192.0.2.1", &held[i]));
    for (int i = 0; i < 100; i++) {
        assert_false(admit(&fixture, "192.0.2.1", &more));
        assert_null(more);
    }
    gw_address_leave(&fixture.gateway, held[1]);
    assert_true(admit(&fixture, "192.0.2.1", &held[1]));
    assert_false(admit(&fixture, "192.0.2.1", &more));
    for (int i = 0; i < 3; i++)
        gw_address_leave(&fixture.gateway, held[i]);
    assert_null(fixture.gateway.addresses); /* nothing is kept */
}

static void without_a_limit_or_an_address_nothing_is_counted(void **state)
{
    struct fixture fixture;
    struct gw_address *address;

    (void)state;
    setup(&fixture, 0);
    assert_true(admit(&fixture, "192.0.2.1", &address));
    assert_null(address);
    setup(&fixture, 1);
    for (int i = 0; i < 5; i++) {
        assert_true(admit(&fixture, "/a/unix/socket", &address));
        assert_null(address);
    }
    gw_address_leave(&fixture.gateway, NULL);
}

static void many_addresses(void **state)
{
    enum { COUNT = 5000 };
    static struct gw_address *held[COUNT];
    struct fixture fixture;
    struct gw_address *more;
    char text[64];

    (void)state;
    setup(&fixture, 1);
    for (unsigned i = 0; i < COUNT; i++) {
        snprintf(text, sizeof(text), i % 2 ? "10.0.%u.%u" : "2001:db8:%x:%x::1", i / 250, i % 250);
        assert_true(admit(&fixture, text, &held[i]));
        assert_false(admit(&fixture, text, &more));
    }
    for (unsigned i = 0; i < COUNT; i++)
        gw_address_leave(&fixture.gateway, held[(i * 7919u) % COUNT]);
    assert_null(fixture.gateway.addresses);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_counts_as_one_address),
        cmocka_unit_test(a_place_is_free_again_when_one_leaves),
        cmocka_unit_test(without_a_limit_or_an_address_nothing_is_counted),
        cmocka_unit_test(many_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
