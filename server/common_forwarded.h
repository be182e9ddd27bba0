/* SPDX-License-Identifier: Apache-2.0 */
/* Who the client is when proxies stand between: Forwarded (RFC 7239) and X-Forwarded-For, -Proto,
 * -Host. Pure.
 *
 * A header is believed as far as it was written by somebody who is trusted. The peer of the
 * connection is known; when it is trusted, the last element of the header is its word about whom it
 * serves; when that address is trusted too, the one before is, and so on from right to left until
 * an address that is not trusted: the client. What stands left of it the client may have invented.
 *
 * Forwarded wins over X-Forwarded-*, which are not looked at when it is there: two accounts of one
 * way cannot be reconciled. So a proxy that only knows X-Forwarded-For must remove Forwarded, or
 * clients could speak through it: choose the one that your proxy writes
 * (VD_FORWARDED_STANDARD, VD_FORWARDED_X). */
#ifndef VIADUCT_COMMON_FORWARDED_H
#define VIADUCT_COMMON_FORWARDED_H

#include "common_http.h"
#include "common_network.h"
#include "server.h"

struct vd_trust {
    const struct vd_network *networks;
    size_t count;
    enum vd_forwarded_headers headers;
};

/* What is known of the client. */
struct vd_client {
    struct vd_address address; /* in: the peer */
    uint16_t port;             /* in: of the peer; 0: not known */
    bool https;
    struct vd_http_span
        host; /* of the head's bytes: what the client asked for; length 0: see Host */
};

/* Follow the headers of @head (whose bytes are @bytes) from the peer in *@client to the client.
 * An element that names no address ("unknown", "_hidden") ends the way: the address stays that of
 * the proxy that said so. Returns false when a Forwarded header that is needed is malformed: an
 * unclosed quote, say, would let a client swallow what the proxy wrote behind it, so this is a 400,
 * never a guess; *@client has no meaning then. */
bool vd_forwarded_follow(const struct vd_trust *trust, const char *bytes,
                         const struct vd_http_request *head, struct vd_client *client);

#endif
