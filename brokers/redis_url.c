/* SPDX-License-Identifier: Apache-2.0 */
/* The URL of Redis servers: see redis_url.h. */
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "redis_url.h"

#define SOCKET_SCHEME "redis+unix"

static bool begins(const char *text, size_t length, const char *with)
{
    return length >= strlen(with) && memcmp(text, with, strlen(with)) == 0;
}

/* "user:password@" before a server: @text goes behind it. The last @ counts: one within a password
 * is tolerated. */
static enum vd_err take_user(const char **text, size_t *length, struct vd_redis_url *url,
                             struct vd_error *error)
{
    const char *at = memrchr(*text, '@', *length);
    enum vd_err code;

    if (!at)
        return VD_OK;
    if (url->username || url->password) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "url: user and password may stand there once, for all servers (a comma "
                            "or an @ within them is written %%2C, %%40)");
    }
    code = vd_url_parse_user(*text, (size_t)(at - *text), &url->username, &url->password, error);
    *length -= (size_t)(at + 1 - *text);
    *text = at + 1;
    return code;
}

/* "redis://" before a server of the list: @text goes behind it. */
static enum vd_err skip_scheme(const char **text, size_t *length, const struct vd_redis_url *url,
                               struct vd_error *error)
{
    const char *scheme = url->tls ? "rediss://" : "redis://";

    if (begins(*text, *length, scheme)) {
        *text += strlen(scheme);
        *length -= strlen(scheme);
    } else if (begins(*text, *length, "redis://") || begins(*text, *length, "rediss://")) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "url: redis:// and rediss:// servers stand in one list");
    }
    return VD_OK;
}

static enum vd_err check_path(const char *text, size_t length, struct vd_error *error)
{
    if (length == 0 || (length == 1 && *text == '/') || (length == 2 && memcmp(text, "/0", 2) == 0))
        return VD_OK;
    return vd_error_set(error, VD_ERR_INVALID,
                        "url: nothing but /0 may follow the server (channels know no database)");
}

static enum vd_err parse_server(const char *text, size_t length, struct vd_redis_url *url,
                                struct vd_error *error)
{
    struct vd_redis_server *server = &url->servers[url->count++];
    enum vd_err code = skip_scheme(&text, &length, url, error);
    size_t authority = 0;

    *server = (struct vd_redis_server){.host = "127.0.0.1", .port = "6379"};
    if (!code) {
        while (authority < length && !strchr("/?#", text[authority]))
            authority++;
        code = check_path(text + authority, length - authority, error);
    }
    if (!code)
        code = take_user(&text, &authority, url, error);
    return code ? code : vd_url_parse_host(text, authority, server->host, server->port, error);
}

/* "redis+unix://[user:password@]/path" */
static enum vd_err parse_socket(const char *text, struct vd_redis_url *url, struct vd_error *error)
{
    struct vd_redis_server *server = &url->servers[url->count++];
    size_t length = strcspn(text, "/");
    const char *path = text + length;
    enum vd_err code = take_user(&text, &length, url, error);

    if (code)
        return code;
    if (length > 0 || strlen(path) < 2 ||
        strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path)) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "url: the absolute path of a socket is wanted, of at most 107 bytes");
    }
    memcpy(server->host, path, strlen(path) + 1);
    return VD_OK;
}

static enum vd_err parse_list(const char *text, size_t servers, struct vd_redis_url *url,
                              struct vd_error *error)
{
    enum vd_err code = VD_OK;

    for (size_t i = 0; !code && i < servers; i++) {
        size_t length = strcspn(text, ",");
        code = length == 0 && servers > 1
                   ? vd_error_set(error, VD_ERR_INVALID, "url: a server in the list is empty")
                   : parse_server(text, length, url, error);
        text += length + (text[length] == ',');
    }
    return code;
}

enum vd_err vd_redis_url_parse(const char *text, struct vd_redis_url *url, struct vd_error *error)
{
    size_t scheme = strcspn(text, ":"), servers = 1;
    bool is_socket = begins(text, scheme, SOCKET_SCHEME);
    const char *rest = text + scheme;
    enum vd_err code;

    *url = (struct vd_redis_url){.tls = begins(text, scheme, "rediss")};
    rest += begins(rest, strlen(rest), "://") ? 3 : *rest == ':';
    if (*rest != '\0' && rest < text + scheme + 3)
        return vd_error_set(error, VD_ERR_INVALID, "url: // must follow the scheme");
    for (const char *comma = rest; !is_socket && (comma = strchr(comma, ',')) != NULL; comma++)
        servers++;
    if (servers > VD_REDIS_SERVERS_MAX) {
        return vd_error_set(error, VD_ERR_INVALID, "url: %zu servers; at most %d are allowed",
                            servers, VD_REDIS_SERVERS_MAX);
    }
    url->servers = calloc(servers, sizeof(*url->servers));
    if (!url->servers)
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for the URL");
    code = is_socket ? parse_socket(rest, url, error) : parse_list(rest, servers, url, error);
    if (code)
        vd_redis_url_finish(url);
    return code;
}

void vd_redis_url_finish(struct vd_redis_url *url)
{
    vd_url_wipe(url->username);
    vd_url_wipe(url->password);
    free(url->servers);
    *url = (struct vd_redis_url){0};
}
