/* SPDX-License-Identifier: Apache-2.0 */
/* Forwarded and X-Forwarded-*: who the client is, and what is not believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common_forwarded.h"

/* Trusted are 10.0.0.0/8, fd00::/8 and unix sockets; the peer is 10.0.0.1 unless a row says so. */
struct row {
    const char *headers; /* lines with CRLF */
    const char *address; /* NULL: malformed */
    uint16_t port;
    bool https;
    const char *host;
    const char *peer;
};

static bool follow(const struct row *row, enum vd_forwarded_headers which, char *bytes,
                   size_t capacity, struct vd_client *client)
{
    static const struct vd_http_limits limits = {4096, 32768, VD_HTTP_HEADERS_MAX};
    static const char *const names[] = {"10.0.0.0/8", "fd00::/8", "unix"};
    struct vd_network networks[3];
    struct vd_trust trust = {networks, 3, which};
    struct vd_http_request *head = malloc(sizeof(*head));
    struct vd_http_error error = {0};
    const char *peer = row->peer ? row->peer : "10.0.0.1";
    size_t scanned = 0;
    bool result;

    assert_non_null(head);
    for (int i = 0; i < 3; i++)
        assert_int_equal(vd_network_parse(names[i], &networks[i], NULL), VD_OK);
    snprintf(bytes, capacity, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", row->headers);
    if (vd_http_parse_head(bytes, strlen(bytes), &scanned, &limits, head, &error) !=
        VD_HTTP_COMPLETE)
        fail_msg("%s: %s", row->headers, error.reason);
    memset(client, 0, sizeof(*client));
    assert_true(vd_address_parse(peer, strlen(peer), &client->address));
    client->port = 1;
    result = vd_forwarded_follow(&trust, bytes, head, client);
    free(head);
    return result;
}

static void check(const struct row *rows, size_t count, enum vd_forwarded_headers which)
{
    char bytes[8192], text[VD_ADDRESS_TEXT_BYTES];
    struct vd_client client;

    for (size_t i = 0; i < count; i++) {
        const struct row *row = &rows[i];
        const char *host = row->host ? row->host : "";

        if (!follow(row, which, bytes, sizeof(bytes), &client)) {
            if (row->address)
                fail_msg("%srefused", row->headers);
            continue;
        }
        if (!row->address)
            fail_msg("%saccepted", row->headers);
        vd_address_text(&client.address, text);
        if (strcmp(text, row->address) != 0 || client.port != row->port ||
            client.https != row->https || client.host.length != strlen(host) ||
            memcmp(bytes + client.host.offset, host, client.host.length) != 0) {
            fail_msg("%s-> %s port %u https %d host %.*s", row->headers, text, client.port,
                     client.https, (int)client.host.length, bytes + client.host.offset);
        }
    }
}

#define COUNT(rows) (sizeof(rows) / sizeof(*(rows)))

static void nobody_speaks_for_an_untrusted_peer(void **state)
{
    static const struct row rows[] = {
        {.headers = "Forwarded: for=1.2.3.4;proto=https;host=x\r\n",
         "192.0.2.1",
         1,
         .peer = "192.0.2.1"},
        {.headers = "X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\n",
         "::1",
         1,
         .peer = "::1"},
        {.headers = "Forwarded: \"\r\n", "192.0.2.1", 1, .peer = "192.0.2.1"},
        {.headers = "", "10.0.0.1", 1},
        {.headers = "Forwarded: for=1.2.3.4\r\n", "1.2.3.4", .peer = "unix"},
        {.headers = "Forwarded: for=1.2.3.4\r\n", "1.2.3.4", .peer = "fd00::1"},
        {.headers = "Forwarded: for=1.2.3.4\r\n", "1.2.3.4", .peer = "::ffff:10.2.2.2"},
    };

    (void)state;
    check(rows, COUNT(rows), VD_FORWARDED_ANY);
}

static void forwarded_is_read(void **state)
{
    static const struct row rows[] = {
        {.headers = "Forwarded: for=192.0.2.60;proto=http;by=203.0.113.43\r\n", "192.0.2.60"},
        {.headers = "Forwarded: For=\"[2001:db8:cafe::17]:4711\"\r\n", "2001:db8:cafe::17", 4711},
        {.headers = "Forwarded: for=\"[2001:db8:cafe::17]\"\r\n", "2001:db8:cafe::17"},
        {.headers = "Forwarded: for=\"192.0.2.43:47011\"\r\n", "192.0.2.43", 47011},
        {.headers = "Forwarded: PROTO=HTTPS;For=192.0.2.60\r\n", "192.0.2.60", .https = true},
        {.headers = "Forwarded: for=192.0.2.60;host=example.org\r\n",
         "192.0.2.60",
         .host = "example.org"},
        {.headers = "Forwarded: for=192.0.2.60;host=\"example.org:8443\"\r\n",
         "192.0.2.60",
         .host = "example.org:8443"},
        {.headers = "Forwarded: for=192.0.2.60; proto=https ; host=a.b\r\n",
         "192.0.2.60",
         .https = true,
         .host = "a.b"},
        {.headers = "Forwarded: for=192.0.2.60;secret=\"a,b;c=\\\"d\"\r\n", "192.0.2.60"},
        {.headers = "Forwarded: , for=192.0.2.60 ,\r\n", "192.0.2.60"},
        {.headers = "Forwarded: for=192.0.2.60;;\r\n", "192.0.2.60"},
        {.headers = "Forwarded: \r\n", "10.0.0.1", 1},
        {.headers = "Forwarded: for=\"[::ffff:192.0.2.1]\"\r\n", "192.0.2.1"},
        /* the way goes through trusted hops, and no further */
        {.headers = "Forwarded: for=1.1.1.1, for=192.0.2.60, for=10.3.3.3\r\n", "192.0.2.60"},
        {.headers = "Forwarded: for=1.1.1.1\r\nForwarded: for=192.0.2.60, for=10.3.3.3\r\n",
         "192.0.2.60"},
        {.headers =
             "Forwarded: for=192.0.2.60;proto=https\r\nForwarded: for=\"[fd00::9]\";proto=http\r\n",
         "192.0.2.60",
         .https = true},
        {.headers = "Forwarded: for=10.9.9.9\r\n", "10.9.9.9"},
        {.headers = "Forwarded: for=192.0.2.60;proto=https, for=10.3.3.3\r\n",
         "192.0.2.60",
         .https = true},
        {.headers = "Forwarded: for=192.0.2.60, for=10.3.3.3;proto=https\r\n",
         "192.0.2.60",
         .https = true},
        /* no address: the way ends at the proxy that said so */
        {.headers = "Forwarded: for=1.1.1.1, for=unknown;proto=https\r\n",
         "10.0.0.1",
         1,
         .https = true},
        {.headers = "Forwarded: for=1.1.1.1, for=_hidden\r\n", "10.0.0.1", 1},
        {.headers = "Forwarded: for=\"_SEVKISEK:_x.y-z\"\r\n", "10.0.0.1", 1},
        {.headers = "Forwarded: for=1.1.1.1, proto=https\r\n", "10.0.0.1", 1, .https = true},
        {.headers = "Forwarded: for=\"192.0.2.1:_port\"\r\n", "10.0.0.1", 1},
    };

    (void)state;
    check(rows, COUNT(rows), VD_FORWARDED_ANY);
    check(rows, COUNT(rows), VD_FORWARDED_STANDARD);
}

static void a_malformed_forwarded_is_refused(void **state)
{
    static const char *const values[] = {
        "for",
        "for=",
        "for =1.2.3.4",
        "for= 1.2.3.4",
        "=1.2.3.4",
        "for=1.2.3.4 proto=http",
        "for=1.2.3.4:80",
        "for=[::1]",
        "for=\"::1\"",
        "for=\"[::1]x\"",
        "for=\"[::1]:\"",
        "for=\"[::1]:65536\"",
        "for=\"[::1]:123456\"",
        "for=\"[1.2.3.4]\"",
        "for=\"[::1",
        "for=\"\"",
        "for=\"1.2.3.4",
        "for=\"1.2.3.4\\\"",
        "for=\"1.2.3.4\"x",
        "for=1.2.3",
        "for=1.2.3.256",
        "for=hidden",
        "for=_",
        "for=\"_a b\"",
        "for=unix",
        "for=1.2.3.4;for=1.2.3.5",
        "proto=http;proto=https",
        "for=1.2.3.4;proto=\"ht tp\"",
        "for=1.2.3.4;proto=1http",
        "for=1.2.3.4;host=\"a b\"",
        "for=1.2.3.4;host=\"\"",
        "for=1.2.3.4;host=\"a,b\"",
        "for=1.2.3.4;by=nonsense",
        "for=1.2.3.4 5.6.7.8",
        "\"for=1.2.3.4\"",
    };
    char line[200];

    (void)state;
    for (size_t i = 0; i < COUNT(values); i++) {
        snprintf(line, sizeof(line), "Forwarded: %s\r\n", values[i]);
        check(&(struct row){.headers = line}, 1, VD_FORWARDED_ANY);
    }
    /* only what is needed is read: the client's own line is not */
    check(
        &(struct row){.headers = "Forwarded: for=\"\r\nForwarded: for=192.0.2.7\r\n", "192.0.2.7"},
        1, VD_FORWARDED_ANY);
    check(&(struct row){.headers = "Forwarded: for=\"\r\nForwarded: for=10.0.0.7\r\n", NULL}, 1,
          VD_FORWARDED_ANY);
}

static void x_forwarded_is_read(void **state)
{
    static const struct row rows[] = {
        {.headers = "X-Forwarded-For: 192.0.2.60\r\n", "192.0.2.60"},
        {.headers = "x-forwarded-for:  192.0.2.60:1234 \r\n", "192.0.2.60", 1234},
        {.headers = "X-Forwarded-For: 2001:db8::1\r\n", "2001:db8::1"},
        {.headers = "X-Forwarded-For: [2001:db8::1]:99\r\n", "2001:db8::1", 99},
        {.headers = "X-Forwarded-For: 1.1.1.1, 192.0.2.60\r\n", "192.0.2.60"},
        {.headers = "X-Forwarded-For: 1.1.1.1,192.0.2.60,10.4.4.4\r\n", "192.0.2.60"},
        {.headers = "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 192.0.2.60\r\n", "192.0.2.60"},
        {.headers = "X-Forwarded-For: 192.0.2.60\r\nX-Forwarded-For: 10.4.4.4\r\n", "192.0.2.60"},
        {.headers = "X-Forwarded-For: 1.1.1.1, unknown\r\n", "10.0.0.1", 1},
        {.headers = "X-Forwarded-For: 1.1.1.1, <script>\r\n", "10.0.0.1", 1},
        {.headers = "X-Forwarded-For: 1.1.1.1,\r\n", "10.0.0.1", 1},
        {.headers = "X-Forwarded-For: \r\n", "10.0.0.1", 1},
        {.headers = "X-Forwarded-For: unix\r\n", "10.0.0.1", 1},
        {.headers = "X-Forwarded-Proto: HTTPS\r\n", "10.0.0.1", 1, .https = true},
        {.headers = "X-Forwarded-Proto: gopher\r\n", "10.0.0.1", 1},
        {.headers = "X-Forwarded-For: 192.0.2.60\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: "
                    "a.b:1\r\n",
         "192.0.2.60",
         .https = true,
         .host = "a.b:1"},
        {.headers = "X-Forwarded-For: 192.0.2.60\r\nX-Forwarded-Host: a b\r\n", "192.0.2.60"},
        /* one scheme a hop, or one for all */
        {.headers = "X-Forwarded-For: 192.0.2.60, 10.1.1.1\r\nX-Forwarded-Proto: https, http\r\n",
         "192.0.2.60",
         .https = true},
        {.headers = "X-Forwarded-For: 192.0.2.60, 10.1.1.1\r\nX-Forwarded-Proto: https\r\n",
         "192.0.2.60",
         .https = true},
        {.headers = "X-Forwarded-For: 1.1.1.1, 192.0.2.60\r\nX-Forwarded-Proto: https, http\r\n",
         "192.0.2.60"},
        /* two accounts: the standard one */
        {.headers = "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Proto: https\r\nForwarded: "
                    "for=192.0.2.60\r\n",
         "192.0.2.60"},
    };

    (void)state;
    check(rows, COUNT(rows), VD_FORWARDED_ANY);
    check(rows, COUNT(rows) - 1, VD_FORWARDED_X);
}

static void only_the_chosen_headers_are_read(void **state)
{
    static const char both[] = "X-Forwarded-For: 192.0.2.1\r\nForwarded: for=192.0.2.2\r\n";

    (void)state;
    check(&(struct row){.headers = both, "192.0.2.2"}, 1, VD_FORWARDED_ANY);
    check(&(struct row){.headers = both, "192.0.2.2"}, 1, VD_FORWARDED_STANDARD);
    check(&(struct row){.headers = both, "192.0.2.1"}, 1, VD_FORWARDED_X);
    check(&(struct row){.headers = "X-Forwarded-For: 192.0.2.1\r\n", "10.0.0.1", 1}, 1,
          VD_FORWARDED_STANDARD);
    check(&(struct row){.headers = "Forwarded: for=\"\r\n", "10.0.0.1", 1}, 1, VD_FORWARDED_X);
}

static void more_hops_than_anyone_has(void **state)
{
    char line[4096] = "Forwarded: for=192.0.2.1";
    struct row row = {.headers = line, "10.2.2.2"};

    (void)state;
    for (int i = 0; i < 40; i++)
        strcat(line, ", for=10.2.2.2");
    strcat(line, "\r\n");
    check(&row, 1, VD_FORWARDED_ANY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_speaks_for_an_untrusted_peer),
        cmocka_unit_test(forwarded_is_read),
        cmocka_unit_test(a_malformed_forwarded_is_refused),
        cmocka_unit_test(x_forwarded_is_read),
        cmocka_unit_test(only_the_chosen_headers_are_read),
        cmocka_unit_test(more_hops_than_anyone_has),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
