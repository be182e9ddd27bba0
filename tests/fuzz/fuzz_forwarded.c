/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a client puts into Forwarded and X-Forwarded-For, what its proxy writes behind it
 * decides: as a line of its own always, joined by a comma unless the whole is refused. */
#include <string.h>

#include "common_forwarded.h"
#include "fuzz.h"

struct attempt {
    char *bytes;
    size_t length;
    struct vd_http_request head;
    struct vd_client client;
};

static void add_bytes(struct attempt *attempt, const void *from, size_t length)
{
    memcpy(attempt->bytes + attempt->length, from, length);
    attempt->length += length;
}

static void add(struct attempt *attempt, const char *text)
{
    add_bytes(attempt, text, strlen(text));
}

/* false: no head, or the client has ended it before the proxy could write. */
static bool finish(struct attempt *attempt)
{
    static const struct vd_http_limits limits = {4096, 65536, VD_HTTP_HEADERS_MAX};
    struct vd_http_error error;
    size_t scanned = 0;

    add(attempt, "\r\n\r\n");
    return vd_http_parse_head(attempt->bytes, attempt->length, &scanned, &limits, &attempt->head,
                              &error) == VD_HTTP_COMPLETE &&
           attempt->head.head_length == attempt->length;
}

static bool follow(struct attempt *attempt, enum vd_forwarded_headers which, const char *peer)
{
    static const struct vd_network proxies = {.address = {.kind = VD_ADDRESS_IPV4, .bytes = {10}},
                                              .prefix = 8};
    struct vd_trust trust = {&proxies, 1, which};
    struct vd_http_span host;
    bool good;

    memset(&attempt->client, 0, sizeof(attempt->client));
    vd_address_parse(peer, strlen(peer), &attempt->client.address);
    good = vd_forwarded_follow(&trust, attempt->bytes, &attempt->head, &attempt->client);
    host = attempt->client.host;
    if (good)
        FUZZ_REQUIRE((size_t)host.offset + host.length <= attempt->head.head_length);
    return good;
}

static bool came_from(const struct attempt *attempt, const char *text)
{
    struct vd_address address;

    vd_address_parse(text, strlen(text), &address);
    return vd_address_equal(&attempt->client.address, &address);
}

static void start(struct attempt *attempt, const char *name)
{
    attempt->length = 0;
    add(attempt, "GET / HTTP/1.1\r\nHost: a\r\n");
    add(attempt, name);
    add(attempt, ": ");
}

/* The client cannot begin another header, which would take what is joined to its value. */
static bool is_one_line(const uint8_t *data, size_t size)
{
    return !memchr(data, '\r', size) && !memchr(data, '\n', size);
}

static void try_forwarded(struct attempt *attempt, const uint8_t *data, size_t size)
{
    bool good;

    start(attempt, "Forwarded");
    add_bytes(attempt, data, size);
    if (!finish(attempt))
        return;
    good = follow(attempt, VD_FORWARDED_ANY, "10.0.0.1");
    FUZZ_REQUIRE(follow(attempt, VD_FORWARDED_ANY, "10.0.0.1") == good);
    FUZZ_REQUIRE(follow(attempt, VD_FORWARDED_X, "10.0.0.1"));
    FUZZ_REQUIRE(follow(attempt, VD_FORWARDED_ANY, "192.0.2.1"));
    FUZZ_REQUIRE(came_from(attempt, "192.0.2.1") && !attempt->client.https);

    start(attempt, "Forwarded");
    add_bytes(attempt, data, size);
    add(attempt, "\r\nforwarded: for=203.0.113.9;proto=https");
    if (finish(attempt)) {
        FUZZ_REQUIRE(follow(attempt, VD_FORWARDED_ANY, "10.0.0.1"));
        FUZZ_REQUIRE(came_from(attempt, "203.0.113.9") && attempt->client.https);
    }

    start(attempt, "Forwarded");
    if (!is_one_line(data, size))
        return;
    add_bytes(attempt, data, size);
    add(attempt, ", for=203.0.113.9;proto=https");
    if (finish(attempt) && follow(attempt, VD_FORWARDED_ANY, "10.0.0.1"))
        FUZZ_REQUIRE(came_from(attempt, "203.0.113.9") && attempt->client.https);
}

static void try_x(struct attempt *attempt, const uint8_t *data, size_t size)
{
    start(attempt, "X-Forwarded-For");
    add_bytes(attempt, data, size);
    if (finish(attempt)) {
        FUZZ_REQUIRE(follow(attempt, VD_FORWARDED_X, "192.0.2.1"));
        FUZZ_REQUIRE(came_from(attempt, "192.0.2.1"));
        FUZZ_REQUIRE(follow(attempt, VD_FORWARDED_X, "10.0.0.1"));
    }
    start(attempt, "X-Forwarded-For");
    if (!is_one_line(data, size))
        return;
    add_bytes(attempt, data, size);
    add(attempt, ", 203.0.113.9");
    if (finish(attempt)) {
        FUZZ_REQUIRE(follow(attempt, VD_FORWARDED_X, "10.0.0.1"));
        FUZZ_REQUIRE(came_from(attempt, "203.0.113.9"));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct attempt *attempt = malloc(sizeof(*attempt));
    char text[64];
    struct vd_network network;

    FUZZ_REQUIRE(attempt != NULL);
    attempt->bytes = malloc(size + 200);
    FUZZ_REQUIRE(attempt->bytes != NULL);
    try_forwarded(attempt, data, size);
    try_x(attempt, data, size);
    free(attempt->bytes);
    free(attempt);
    if (size < sizeof(text)) {
        memcpy(text, data, size);
        text[size] = '\0';
        if (vd_network_parse(text, &network, NULL) == VD_OK)
            FUZZ_REQUIRE(vd_network_contains(&network, &network.address));
    }
    return 0;
}
