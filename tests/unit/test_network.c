/* SPDX-License-Identifier: Apache-2.0 */
/* Networks in CIDR notation: what is read, what contains what, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common_network.h"

static bool contains(const char *network_text, const char *address_text)
{
    struct vd_network network;
    struct vd_address address;
    struct vd_error error = {0};

    if (vd_network_parse(network_text, &network, &error) != VD_OK)
        fail_msg("%s: %s", network_text, error.text);
    if (!vd_address_parse(address_text, strlen(address_text), &address))
        fail_msg("%s is no address", address_text);
    return vd_network_contains(&network, &address);
}

static void networks_contain(void **state)
{
    static const struct {
        const char *network, *address;
        bool is;
    } rows[] = {
        {"10.0.0.0/8", "10.255.255.255", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.0.0.0/8", "::ffff:10.1.2.3", true},
        {"10.0.0.0/8", "::10.1.2.3", false},
        {"0.0.0.0/0", "255.1.2.3", true},
        {"0.0.0.0/0", "::1", false},
        {"192.168.4.0/22", "192.168.7.255", true},
        {"192.168.4.0/22", "192.168.8.0", false},
        {"127.0.0.1", "127.0.0.1", true},
        {"127.0.0.1/32", "127.0.0.2", false},
        {"::1", "::1", true},
        {"::/0", "fe80::1", true},
        {"::/0", "1.2.3.4", false},
        {"2001:db8::/33", "2001:db8:7fff::1", true},
        {"2001:db8::/33", "2001:db8:8000::1", false},
        {"::ffff:10.0.0.0/104", "10.200.0.1", true},
        {"::ffff:127.0.0.1", "127.0.0.1", true},
        {"unix", "unix", true},
        {"unix", "127.0.0.1", false},
        {"0.0.0.0/0", "unix", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (contains(rows[i].network, rows[i].address) != rows[i].is)
            fail_msg("%s contains %s: not %d", rows[i].network, rows[i].address, rows[i].is);
    }
}

/* Bit by bit, the slow way. */
static bool contains_slowly(const struct vd_network *network, const struct vd_address *address)
{
    for (unsigned i = 0; i < network->prefix; i++) {
        if ((network->address.bytes[i / 8] ^ address->bytes[i / 8]) >> (7 - i % 8) & 1)
            return false;
    }
    return true;
}

static void every_prefix_and_every_bit(void **state)
{
    (void)state;
    for (unsigned prefix = 0; prefix <= 128; prefix++) {
        struct vd_network network = {.address = {.kind = VD_ADDRESS_IPV6}, .prefix = prefix};

        for (unsigned flip = 0; flip < 128; flip++) {
            struct vd_address address = network.address;

            address.bytes[flip / 8] ^= (unsigned char)(0x80 >> flip % 8);
            assert_int_equal(vd_network_contains(&network, &address), flip >= prefix);
            assert_int_equal(vd_network_contains(&network, &address),
                             contains_slowly(&network, &address));
        }
    }
}

static void others_are_refused_and_quoted(void **state)
{
    static const char *const rows[] = {
        "",
        "localhost",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "10.0.0.0/8 ",
        "10.0.0.0/08",
        "10.0.0.1/8",
        "10.0.0/8",
        "10.0.0.0/8/8",
        "[::1]",
        "::1%lo",
        "::/129",
        "::1/64",
        "::ffff:0:0/95",
        "::ffff:10.0.0.1/97",
        "unix/1",
        "unix:",
        "1.2.3.4:80",
        "/8",
        " 10.0.0.0/8",
        "10.0.0.0/8888888888888",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct vd_network network;
        struct vd_error error = {0};

        if (vd_network_parse(rows[i], &network, &error) != VD_ERR_INVALID)
            fail_msg("accepted: %s", rows[i]);
        assert_non_null(strstr(error.text, rows[i]));
    }
    assert_int_equal(vd_network_parse(NULL, &(struct vd_network){0}, NULL), VD_ERR_INVALID);
}

static void text_is_canonical(void **state)
{
    static const char *const rows[][2] = {{"1.2.3.4", "1.2.3.4"},
                                          {"::ffff:1.2.3.4", "1.2.3.4"},
                                          {"2001:DB8:0:0::1", "2001:db8::1"},
                                          {"unix", "unix:"}};
    char text[VD_ADDRESS_TEXT_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct vd_address address;

        assert_true(vd_address_parse(rows[i][0], strlen(rows[i][0]), &address));
        vd_address_text(&address, text);
        assert_string_equal(text, rows[i][1]);
    }
    vd_address_text(&(struct vd_address){0}, text);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_contain),
        cmocka_unit_test(every_prefix_and_every_bit),
        cmocka_unit_test(others_are_refused_and_quoted),
        cmocka_unit_test(text_is_canonical),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
