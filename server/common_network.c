/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses and networks (common_network.h), in CIDR notation (RFC 4632, RFC 4291 2.3).
 *
 * An IPv4 address that comes through a dual-stack socket as ::ffff:a.b.c.d is that IPv4 address, so
 * that "10.0.0.0/8" means the same on every listener. Failure: a network with bits beyond its
 * prefix is refused rather than rounded: it is a slip of the pen in a list that decides whom to
 * believe. */
#include <arpa/inet.h>
#include <string.h>

#include "common_network.h"

#define ALLOWED "allowed are networks such as 10.0.0.0/8 or fd00::/8, addresses, and \"unix\""

static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

static bool normalise(struct vd_address *address)
{
    if (address->kind != VD_ADDRESS_IPV6 || memcmp(address->bytes, mapped, sizeof(mapped)) != 0)
        return false;
    address->kind = VD_ADDRESS_IPV4;
    memmove(address->bytes, address->bytes + sizeof(mapped), 4);
    memset(address->bytes + 4, 0, sizeof(address->bytes) - 4);
    return true;
}

/* *@was_mapped: it was written as IPv6. */
static bool parse(const char *text, size_t length, struct vd_address *address, bool *was_mapped)
{
    char copy[VD_ADDRESS_TEXT_BYTES];

    memset(address, 0, sizeof(*address));
    *was_mapped = false;
    if (length == 0 || length >= sizeof(copy) || memchr(text, '\0', length))
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    if (strcmp(copy, "unix") == 0) {
        address->kind = VD_ADDRESS_UNIX;
    } else if (inet_pton(AF_INET, copy, address->bytes) == 1) {
        address->kind = VD_ADDRESS_IPV4;
    } else if (inet_pton(AF_INET6, copy, address->bytes) == 1) {
        address->kind = VD_ADDRESS_IPV6;
        *was_mapped = normalise(address);
    }
    return address->kind != VD_ADDRESS_NONE;
}

bool vd_address_parse(const char *text, size_t length, struct vd_address *address)
{
    bool was_mapped;

    return parse(text, length, address, &was_mapped);
}

void vd_address_text(const struct vd_address *address, char text[VD_ADDRESS_TEXT_BYTES])
{
    text[0] = '\0';
    if (address->kind == VD_ADDRESS_UNIX)
        memcpy(text, "unix:", 6);
    else if (address->kind == VD_ADDRESS_IPV4)
        inet_ntop(AF_INET, address->bytes, text, VD_ADDRESS_TEXT_BYTES);
    else if (address->kind == VD_ADDRESS_IPV6)
        inet_ntop(AF_INET6, address->bytes, text, VD_ADDRESS_TEXT_BYTES);
}

bool vd_address_equal(const struct vd_address *a, const struct vd_address *b)
{
    return a->kind == b->kind && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static enum vd_err refuse(const char *text, const char *why, struct vd_error *error)
{
    return vd_error_set(error, VD_ERR_INVALID, "trusted proxy \"%.100s\": %s; " ALLOWED, text, why);
}

static bool read_prefix(const char *text, unsigned *prefix)
{
    size_t length = strlen(text);

    if (length == 0 || length > 3 || (text[0] == '0' && length > 1) ||
        strspn(text, "0123456789") != length)
        return false;
    *prefix = 0;
    for (; *text; text++)
        *prefix = *prefix * 10 + (unsigned)(*text - '0');
    return true;
}

static unsigned address_bits(const struct vd_address *address)
{
    return address->kind == VD_ADDRESS_IPV4 ? 32 : address->kind == VD_ADDRESS_IPV6 ? 128 : 0;
}

static bool bit(const struct vd_address *address, unsigned at)
{
    return address->bytes[at / 8] >> (7 - at % 8) & 1;
}

enum vd_err vd_network_parse(const char *text, struct vd_network *network, struct vd_error *error)
{
    const char *slash = text ? strchr(text, '/') : NULL;
    size_t length = !text ? 0 : slash ? (size_t)(slash - text) : strlen(text);
    unsigned bits;
    bool was_mapped;

    if (!text || !parse(text, length, &network->address, &was_mapped))
        return refuse(text ? text : "", "it does not begin with an address", error);
    bits = network->prefix = address_bits(&network->address);
    if (!slash)
        return VD_OK;
    if (bits == 0 || !read_prefix(slash + 1, &network->prefix))
        return refuse(text, "what follows the slash is no number of bits", error);
    if (was_mapped) {
        if (network->prefix < 96)
            return refuse(text, "it reaches beyond the IPv4 addresses", error);
        network->prefix -= 96;
    }
    if (network->prefix > bits)
        return refuse(text, "the prefix is longer than the address", error);
    for (unsigned i = network->prefix; i < bits; i++) {
        if (bit(&network->address, i))
            return refuse(text, "it has bits beyond its prefix", error);
    }
    return VD_OK;
}

bool vd_network_contains(const struct vd_network *network, const struct vd_address *address)
{
    unsigned whole = network->prefix / 8, rest = network->prefix % 8;

    if (network->address.kind != address->kind || address->kind == VD_ADDRESS_NONE ||
        memcmp(network->address.bytes, address->bytes, whole) != 0)
        return false;
    return rest == 0 || (network->address.bytes[whole] ^ address->bytes[whole]) >> (8 - rest) == 0;
}

bool vd_networks_contain(const struct vd_network *networks, size_t count,
                         const struct vd_address *address)
{
    for (size_t i = 0; i < count; i++) {
        if (vd_network_contains(&networks[i], address))
            return true;
    }
    return false;
}
