/* SPDX-License-Identifier: Apache-2.0 */
/* What a request is called and whom it comes from: its id, and the client behind trusted proxies.
 *
 * Happy path: the peer is the client and the id is drawn here; one test and one draw a request.
 * With trusted proxies the headers that they write are followed (common_forwarded.h), and their
 * X-Request-Id is kept, so that one id names a request in the logs of both.
 *
 * Failure modes: an id that is too long or has other characters than ids have is not taken over: it
 * goes to logs and to a response header. A malformed Forwarded is the caller's 400. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "gateway.h"

/* xoshiro256** 1.0 (Blackman, Vigna, https://prng.di.unimi.it/): 256 bits of state from the kernel.
 * An id has to be unique, not secret. */
static uint64_t draw(uint64_t state[4])
{
    uint64_t five = state[1] * 5, result = (five << 7 | five >> 57) * 9, shifted = state[1] << 17;

    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = state[3] << 45 | state[3] >> 19;
    return result;
}

enum vd_err gw_edge_start(struct gateway *gateway)
{
    ssize_t got;

    do
        got = getrandom(gateway->random, sizeof(gateway->random), 0);
    while (got < 0 && errno == EINTR);
    gateway->trust = (struct vd_trust){.networks = gateway->node->trusted,
                                       .count = gateway->node->trusted_count,
                                       .headers = gateway->config->forwarded_headers};
    return got == (ssize_t)sizeof(gateway->random) ? VD_OK : VD_ERR_SYSTEM;
}

/* ---- ids ---------------------------------------------------------------------------------------
 */

static char *hex(char *to, uint64_t number)
{
    for (int shift = 60; shift >= 0; shift -= 4)
        *to++ = "0123456789abcdef"[number >> shift & 15];
    return to;
}

static void draw_id(struct gw_connection *connection)
{
    char *to = connection->edge.request_id;

    to = hex(to, draw(connection->gateway->random));
    to = hex(to, draw(connection->gateway->random));
    *to = '\0';
    connection->edge.request_id_length = 32;
}

const char *gw_edge_request_id(struct gw_connection *connection)
{
    if (connection->edge.request_id_length == 0)
        draw_id(connection);
    return connection->edge.request_id;
}

void gw_edge_response(struct gw_connection *connection, const char *headers, size_t length)
{
    static const char name[] = "x-request-id";
    const char *at = headers, *end = headers + length, *stop;

    connection->edge.named = false;
    for (; at < end; at = stop + 1) {
        stop = memchr(at, '\n', (size_t)(end - at));
        if (!stop)
            return;
        if ((size_t)(stop - at) > sizeof(name) && at[sizeof(name) - 1] == ':' &&
            vd_http_name_is(at, sizeof(name) - 1, name))
            connection->edge.named = true;
    }
}

static bool is_id(const char *bytes, size_t length)
{
    if (length == 0 || length > VD_REQUEST_ID_MAX)
        return false;
    for (size_t i = 0; i < length; i++) {
        char byte = bytes[i], lower = (char)(byte | 0x20);

        if (!(lower >= 'a' && lower <= 'z') && !(byte >= '0' && byte <= '9') &&
            (byte == '\0' || !strchr("._:@+/=~-", byte)))
            return false;
    }
    return true;
}

/* The proxy's, when there is exactly one and it is fit to be printed. */
static void adopt_id(struct gw_connection *connection, const char *bytes,
                     const struct vd_http_request *head)
{
    const struct vd_http_field *found = NULL;

    for (size_t i = 0; i < head->header_count; i++) {
        const struct vd_http_field *field = &head->headers[i];

        if (!vd_http_name_is(bytes + field->name.offset, field->name.length, "x-request-id"))
            continue;
        if (found)
            return;
        found = field;
    }
    if (!found || !is_id(bytes + found->value.offset, found->value.length))
        return;
    memcpy(connection->edge.request_id, bytes + found->value.offset, found->value.length);
    connection->edge.request_id[found->value.length] = '\0';
    connection->edge.request_id_length = (uint8_t)found->value.length;
}

/* ---- clients -----------------------------------------------------------------------------------
 */

static bool has_header(const char *bytes, const struct vd_http_request *head, const char *name)
{
    for (size_t i = 0; i < head->header_count; i++) {
        if (vd_http_name_is(bytes + head->headers[i].name.offset, head->headers[i].name.length,
                            name))
            return true;
    }
    return false;
}

/* One of the two may be what a client has sent and the proxy let pass. */
static void warn_of_both(struct gateway *gateway, const char *bytes,
                         const struct vd_http_request *head)
{
    if (gateway->trust.headers != VD_FORWARDED_ANY || !has_header(bytes, head, "forwarded") ||
        !has_header(bytes, head, "x-forwarded-for"))
        return;
    vd_log_limited(gateway->logger, gateway->now_ms, VD_LOG_WARN, "forwarded_twice",
                   "a trusted proxy sends Forwarded and X-Forwarded-For: Forwarded is taken; when "
                   "the proxy does not write it, a client has: choose one of the two "
                   "(withForwardedHeaders)");
}

static bool follow(struct gw_connection *connection, const char *bytes,
                   const struct vd_http_request *head)
{
    struct gateway *gateway = connection->gateway;
    struct gw_edge *edge = &connection->edge;
    const char *peer = connection->remote_address;
    struct vd_client client = {.port = connection->remote_port};
    bool is_unix = strcmp(peer, "unix:") == 0;

    if (!vd_address_parse(is_unix ? "unix" : peer, is_unix ? 4 : strlen(peer), &client.address) ||
        !vd_networks_contain(gateway->trust.networks, gateway->trust.count, &client.address))
        return true;
    adopt_id(connection, bytes, head);
    warn_of_both(gateway, bytes, head);
    if (!vd_forwarded_follow(&gateway->trust, bytes, head, &client))
        return false;
    vd_address_text(&client.address, edge->remote_address);
    edge->remote_port = client.port;
    edge->https = client.https;
    edge->host = client.host;
    return true;
}

bool gw_edge_begin(struct gw_connection *connection, const char *bytes,
                   const struct vd_http_request *head)
{
    struct gw_edge *edge = &connection->edge;

    edge->request_id_length = 0;
    edge->named = false;
    edge->remote_address[0] = '\0';
    edge->https = false;
    edge->host = head->host >= 0 ? head->headers[head->host].value : (struct vd_http_span){0, 0};
    if (connection->gateway->trust.count > 0) {
        struct vd_http_span host = edge->host;

        if (!follow(connection, bytes, head))
            return false;
        if (edge->host.length == 0)
            edge->host = host;
    }
    if (edge->request_id_length == 0)
        draw_id(connection);
    return true;
}

void gw_edge_end(struct gw_connection *connection)
{
    connection->edge.request_id_length = 0;
    connection->edge.named = false;
    connection->edge.remote_address[0] = '\0';
}

const char *gw_edge_remote_address(const struct gw_connection *connection)
{
    return connection->edge.remote_address[0] ? connection->edge.remote_address
                                              : connection->remote_address;
}

void gw_edge_fill(const struct gw_connection *connection, struct vd_frame_request *frame)
{
    const struct gw_edge *edge = &connection->edge;
    bool forwarded = edge->remote_address[0] != '\0';

    memcpy(frame->remote_address, forwarded ? edge->remote_address : connection->remote_address,
           sizeof(frame->remote_address));
    frame->remote_port = forwarded ? edge->remote_port : connection->remote_port;
    frame->https = edge->https;
    frame->host = (struct vd_frame_span){edge->host.offset, edge->host.length};
    memcpy(frame->request_id, edge->request_id, edge->request_id_length);
    frame->request_id_length = edge->request_id_length;
}
