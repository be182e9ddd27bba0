/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of broker URLs: see url.h. */
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "url.h"

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum vd_err decode(const char *text, size_t length, char **decoded, struct vd_error *error)
{
    char *out = malloc(length + 1);
    size_t at = 0;

    if (!out)
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for the URL");
    for (size_t i = 0; i < length; i++) {
        int byte = (unsigned char)text[i];
        if (byte == '%') {
            bool whole = i + 2 < length && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0;
            byte = whole ? hex(text[i + 1]) * 16 + hex(text[i + 2]) : 0;
            i += 2;
        }
        if (byte == 0) {
            OPENSSL_cleanse(out, length);
            free(out);
            return vd_error_set(error, VD_ERR_INVALID,
                                "url: a %% in user or password is not followed by two hex digits");
        }
        out[at++] = (char)byte;
    }
    out[at] = '\0';
    *decoded = out;
    return VD_OK;
}

enum vd_err vd_url_parse_user(const char *text, size_t length, char **username, char **password,
                              struct vd_error *error)
{
    const char *colon = memchr(text, ':', length);
    size_t user_length = colon ? (size_t)(colon - text) : length;
    enum vd_err code = VD_OK;

    if (user_length > 0)
        code = decode(text, user_length, username, error);
    if (!code && colon)
        code = decode(colon + 1, length - user_length - 1, password, error);
    return code;
}

static enum vd_err parse_port(const char *text, size_t length, char port_text[VD_URL_PORT_BYTES],
                              struct vd_error *error)
{
    unsigned long port = 0;

    for (size_t i = 0; i < length && i < 6; i++)
        port =
            text[i] >= '0' && text[i] <= '9' ? port * 10 + (unsigned long)(text[i] - '0') : 99999;
    if (length == 0 || length > 5 || port < 1 || port > 65535)
        return vd_error_set(error, VD_ERR_INVALID, "url: the port must be from 1 to 65535");
    memcpy(port_text, text, length);
    port_text[length] = '\0';
    return VD_OK;
}

enum vd_err vd_url_parse_host(const char *text, size_t length, char name[VD_URL_HOST_BYTES],
                              char port[VD_URL_PORT_BYTES], struct vd_error *error)
{
    const char *end = text + length, *host = text, *host_end;

    if (length == 0)
        return VD_OK; /* the defaults */
    if (*text == '[') {
        host = text + 1;
        host_end = memchr(text, ']', length);
        if (!host_end)
            return vd_error_set(error, VD_ERR_INVALID, "url: the host begins with [ and has no ]");
        text = host_end + 1;
    } else {
        host_end = memchr(text, ':', length);
        host_end = text = host_end ? host_end : end;
    }
    if (host_end == host || host_end - host > 255 || memchr(host, ' ', (size_t)(host_end - host)) ||
        memchr(host, ',', (size_t)(host_end - host)))
        return vd_error_set(error, VD_ERR_INVALID,
                            "url: one host name or address of at most 255 bytes is wanted");
    memcpy(name, host, (size_t)(host_end - host));
    name[host_end - host] = '\0';
    if (text == end)
        return VD_OK;
    if (*text != ':')
        return vd_error_set(error, VD_ERR_INVALID, "url: only :port may follow the host");
    return parse_port(text + 1, (size_t)(end - text - 1), port, error);
}

void vd_url_wipe(char *text)
{
    if (text)
        OPENSSL_cleanse(text, strlen(text));
    free(text);
}
