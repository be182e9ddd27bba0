/* SPDX-License-Identifier: Apache-2.0 */
/* Reads "tcp://[::]:3000?ipv6only" and "unix:///run/viaduct.sock?mode=0660" (common_listen.h).
 *
 * Happy path: scheme, host and port or path, options. Failure: one sentence with the address as it
 * was given, so that of several listeners the wrong one is found. */
#include <string.h>

#include "common_listen.h"

#define UNIX_MODE 0660u

#define ALLOWED                                                                                    \
    "allowed are tcp://HOST:PORT, tcp://[IPV6]:PORT (with ?ipv6only, ?reuseport) and "             \
    "unix:///PATH (with ?mode=0660)"

static enum vd_err refuse(const char *text, const char *why, struct vd_error *error)
{
    return vd_error_set(error, VD_ERR_INVALID, "listener \"%.200s\": %s; " ALLOWED, text, why);
}

static bool copy_host(struct vd_listen_address *address, const char *from, size_t length)
{
    if (length == 0 || length >= sizeof(address->host))
        return false;
    memcpy(address->host, from, length);
    address->host[length] = '\0';
    return true;
}

/* Digits only, at most @maximum; the whole of [from, end). */
static bool read_number(const char *from, const char *end, uint32_t base, uint32_t maximum,
                        uint32_t *number)
{
    uint32_t value = 0;

    if (from == end)
        return false;
    for (; from < end; from++) {
        uint32_t digit = (uint32_t)(unsigned char)*from - '0';

        if (digit >= base || (value = value * base + digit) > maximum)
            return false;
    }
    *number = value;
    return true;
}

static const char *read_tcp(const char *at, const char *end, struct vd_listen_address *address)
{
    const char *host = at, *host_end, *colon;
    uint32_t port;

    if (at < end && *at == '[') {
        host = at + 1;
        host_end = memchr(host, ']', (size_t)(end - host));
        if (!host_end)
            return "the bracket is not closed";
        colon = host_end + 1;
    } else {
        host_end = colon = memchr(at, ':', (size_t)(end - at));
        if (colon && memchr(colon + 1, ':', (size_t)(end - colon - 1)))
            return "an IPv6 address stands in brackets";
    }
    if (!colon || colon >= end || *colon != ':')
        return "the port is missing";
    if (!copy_host(address, host, (size_t)(host_end - host)))
        return "the host is empty or too long";
    if (!read_number(colon + 1, end, 10, UINT16_MAX, &port))
        return "the port is no number from 0 to 65535";
    address->port = (uint16_t)port;
    return NULL;
}

static const char *read_unix(const char *at, const char *end, struct vd_listen_address *address)
{
    address->is_unix = true;
    address->mode = UNIX_MODE;
    if (at == end || *at != '/')
        return "the path is not absolute";
    return copy_host(address, at, (size_t)(end - at)) ? NULL : "the path is longer than 107 bytes";
}

static bool is(const char *at, const char *end, const char *word)
{
    return (size_t)(end - at) == strlen(word) && memcmp(at, word, strlen(word)) == 0;
}

static bool read_option(const char *at, const char *end, struct vd_listen_address *address)
{
    if (address->is_unix) {
        return end - at > 5 && memcmp(at, "mode=", 5) == 0 &&
               read_number(at + 5, end, 8, 0777, &address->mode);
    }
    if (is(at, end, "ipv6only"))
        return address->ipv6_only = true;
    if (is(at, end, "reuseport"))
        return address->reuse_port = true;
    return false;
}

static const char *read_options(const char *at, struct vd_listen_address *address)
{
    while (*at) {
        const char *end = at + strcspn(at, "&");

        if (!read_option(at, end, address))
            return "there is an option that is not known here";
        at = *end ? end + 1 : end;
    }
    return NULL;
}

enum vd_err vd_listen_parse(const char *text, struct vd_listen_address *address,
                            struct vd_error *error)
{
    const char *why, *options;

    memset(address, 0, sizeof(*address));
    if (!text)
        return refuse("", "it is NULL", error);
    options = text + strcspn(text, "?");
    if (strncmp(text, "tcp://", 6) == 0) {
        why = read_tcp(text + 6, options, address);
    } else if (strncmp(text, "unix://", 7) == 0) {
        why = read_unix(text + 7, options, address);
    } else {
        why = "the scheme is not known";
    }
    if (!why && *options == '?')
        why = read_options(options + 1, address);
    return why ? refuse(text, why, error) : VD_OK;
}
