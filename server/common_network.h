/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses and networks: who is trusted. Pure. */
#ifndef VIADUCT_COMMON_NETWORK_H
#define VIADUCT_COMMON_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <viaduct/error.h>

#define VD_ADDRESS_TEXT_BYTES 46 /* INET6_ADDRSTRLEN */

enum vd_address_kind {
    VD_ADDRESS_NONE,
    VD_ADDRESS_IPV4, /* also what came as ::ffff:a.b.c.d */
    VD_ADDRESS_IPV6,
    VD_ADDRESS_UNIX, /* a unix socket: has no bytes */
};

struct vd_address {
    enum vd_address_kind kind;
    unsigned char bytes[16];
};

struct vd_network {
    struct vd_address address;
    unsigned prefix; /* bits */
};

/* A numeric address, IPv6 without brackets and zone; "unix". */
bool vd_address_parse(const char *text, size_t length, struct vd_address *address);
/* The one way to write it; "unix:" for a unix socket, "" for none. */
void vd_address_text(const struct vd_address *address, char text[VD_ADDRESS_TEXT_BYTES]);
bool vd_address_equal(const struct vd_address *a, const struct vd_address *b);

/* "10.0.0.0/8", "2001:db8::/32", one address, or "unix". Returns: VD_OK; VD_ERR_INVALID, @error
 * quotes the text and says what is allowed. */
enum vd_err vd_network_parse(const char *text, struct vd_network *network, struct vd_error *error);
bool vd_network_contains(const struct vd_network *network, const struct vd_address *address);
bool vd_networks_contain(const struct vd_network *networks, size_t count,
                         const struct vd_address *address);

#endif
