/* SPDX-License-Identifier: Apache-2.0 */
/* Connections counted by client address: /32 of IPv4 (mapped into IPv6 or not), /64 of IPv6, since
 * whoever has one IPv6 address has 2^64. Connections of other families (unix sockets) are not
 * counted.
 *
 * Happy path: one look-up at accept, none at close. A balanced tree (tsearch) rather than a hash
 * table: who connects chooses the keys. Nothing is kept of an address without a connection.
 * Failure: out of memory lets the connection in uncounted, which is kinder than refusing all. */
#include <netinet/in.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "gateway.h"

struct gw_address {
    unsigned char prefix[8]; /* IPv4: four bytes and four zeros, with family telling them apart */
    uint32_t family;
    uint32_t connections;
};

static int compare(const void *left, const void *right)
{
    const struct gw_address *a = left, *b = right;

    if (a->family != b->family)
        return a->family < b->family ? -1 : 1;
    return memcmp(a->prefix, b->prefix, sizeof(a->prefix));
}

static bool key_of(const struct sockaddr *from, struct gw_address *key)
{
    memset(key, 0, sizeof(*key));
    if (from->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)from;

        memcpy(key->prefix, &v4->sin_addr, 4);
        key->family = AF_INET;
        return true;
    }
    if (from->sa_family != AF_INET6)
        return false;
    const struct sockaddr_in6 *v6 = (const void *)from;

    if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
        memcpy(key->prefix, &v6->sin6_addr.s6_addr[12], 4);
        key->family = AF_INET;
    } else {
        memcpy(key->prefix, v6->sin6_addr.s6_addr, 8);
        key->family = AF_INET6;
    }
    return true;
}

bool gw_address_admit(struct gateway *gateway, const struct sockaddr *from,
                      struct gw_address **address)
{
    size_t limit = gateway->config->max_address_connections;
    struct gw_address key, *fresh;

    *address = NULL;
    if (limit == 0 || !key_of(from, &key))
        return true;
    struct gw_address **found = tfind(&key, &gateway->addresses, compare);

    if (found && (*found)->connections >= limit)
        return false;
    if (!found) {
        fresh = malloc(sizeof(*fresh));
        if (!fresh)
            return true;
        *fresh = key;
        found = tsearch(fresh, &gateway->addresses, compare);
        if (!found) {
            free(fresh);
            return true;
        }
    }
    (*found)->connections++;
    *address = *found;
    return true;
}

void gw_address_leave(struct gateway *gateway, struct gw_address *address)
{
    if (!address || --address->connections > 0)
        return;
    tdelete(address, &gateway->addresses, compare);
    free(address);
}
