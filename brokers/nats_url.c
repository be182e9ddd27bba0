/* SPDX-License-Identifier: Apache-2.0 */
/* The URL of NATS servers: see nats_url.h. */
#include <stdlib.h>
#include <string.h>

#include "nats_url.h"

static enum vd_err parse_user(const char *text, size_t length, struct vd_nats_url *url,
                              struct vd_error *error)
{
    enum vd_err code;

    if (url->username || url->password || url->token) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "url: user and password (or token) may stand there once, for all "
                            "servers");
    }
    code = vd_url_parse_user(text, length, &url->username, &url->password, error);
    if (!code && !url->password) {
        url->token = url->username;
        url->username = NULL;
    }
    if (!code && !url->token && (!url->username || !url->password)) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "url: nothing stands before the @, or half of it");
    }
    return code;
}

/* "tls://" or "nats://" before a server: @text goes behind it. */
static enum vd_err skip_scheme(const char **text, size_t *length, const struct vd_nats_url *url,
                               struct vd_error *error)
{
    const char *colon = memmem(*text, *length, "://", 3);
    bool tls;

    if (!colon)
        return VD_OK;
    tls = colon - *text == 3 && memcmp(*text, "tls", 3) == 0;
    if (!tls && (colon - *text != 4 || memcmp(*text, "nats", 4) != 0))
        return vd_error_set(error, VD_ERR_INVALID, "url: a server has another scheme");
    if (tls != url->tls) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "url: nats:// and tls:// servers stand in one list");
    }
    *length -= (size_t)(colon + 3 - *text);
    *text = colon + 3;
    return VD_OK;
}

static enum vd_err parse_server(const char *text, size_t length, struct vd_nats_url *url,
                                struct vd_error *error)
{
    struct vd_nats_server *server = &url->servers[url->count++];
    enum vd_err code = skip_scheme(&text, &length, url, error);
    const char *at, *path;

    if (code)
        return code;
    *server = (struct vd_nats_server){.host = "127.0.0.1", .port = "4222"};
    at = memrchr(text, '@', length);
    if (at) {
        code = parse_user(text, (size_t)(at - text), url, error);
        length -= (size_t)(at + 1 - text);
        text = at + 1;
    }
    if (code)
        return code;
    path = memchr(text, '/', length);
    if (path && path + 1 == text + length)
        length--;
    if (memchr(text, '/', length) || memchr(text, '?', length) || memchr(text, '#', length))
        return vd_error_set(error, VD_ERR_INVALID, "url: nothing may follow a server but a comma");
    return vd_url_parse_host(text, length, server->host, server->port, error);
}

enum vd_err vd_nats_url_parse(const char *text, struct vd_nats_url *url, struct vd_error *error)
{
    const char *colon = strchr(text, ':'), *rest = colon ? text : "";
    enum vd_err code = VD_OK;
    size_t servers = 1, length;

    *url = (struct vd_nats_url){.tls = strncmp(text, "tls", 3) == 0};
    if (colon && strcmp(colon, ":") == 0) {
        rest = "";
    } else if (colon && strncmp(colon, "://", 3) != 0) {
        return vd_error_set(error, VD_ERR_INVALID, "url: // must follow the scheme");
    }
    for (const char *comma = rest; (comma = strchr(comma, ',')) != NULL; comma++)
        servers++;
    if (servers > VD_NATS_SERVERS_MAX) {
        return vd_error_set(error, VD_ERR_INVALID, "url: %zu servers; at most %d are allowed",
                            servers, VD_NATS_SERVERS_MAX);
    }
    url->servers = calloc(servers, sizeof(*url->servers));
    if (!url->servers)
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for the URL");
    for (size_t i = 0; !code && i < servers; i++) {
        length = strcspn(rest, ",");
        if (length == 0 && servers > 1)
            code = vd_error_set(error, VD_ERR_INVALID, "url: a server in the list is empty");
        if (!code)
            code = parse_server(rest, length, url, error);
        rest += length + 1;
    }
    if (code)
        vd_nats_url_finish(url);
    return code;
}

void vd_nats_url_finish(struct vd_nats_url *url)
{
    vd_url_wipe(url->username);
    vd_url_wipe(url->password);
    vd_url_wipe(url->token);
    free(url->servers);
    *url = (struct vd_nats_url){0};
}
