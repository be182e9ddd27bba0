/* SPDX-License-Identifier: Apache-2.0 */
/* The listening sockets: host and port, and whatever other addresses the configuration names.
 *
 * Happy path: each address is bound and listens; the table says what became of it (the port may
 * have been the kernel's choice). The supervisor owns them, the gateway inherits them, so that a
 * gateway that dies costs no connection that was not accepted yet.
 *
 * A unix socket is a file: it has its mode from the start (the umask), a file that a dead server
 * left behind is removed when nobody answers there, and ours is removed at the end when it is still
 * ours.
 *
 * Failure modes: an address that does not exist or is taken; the error names it, and what was
 * opened before it is closed again. */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "supervisor_state.h"

#define BACKLOG 4096

/* What a person calls it. */
static const char *name_of(const struct vd_listen_address *address, char *text, size_t bytes)
{
    if (address->is_unix) {
        snprintf(text, bytes, "unix socket %s", address->host);
    } else {
        snprintf(text, bytes, strchr(address->host, ':') ? "[%s]:%u" : "%s:%u", address->host,
                 address->port);
    }
    return text;
}

static enum vd_err listen_error(const struct vd_listen_address *address, int code,
                                struct vd_error *error)
{
    char name[VD_LISTEN_HOST_BYTES + 32], buffer[128];

    name_of(address, name, sizeof(name));
    if (code == EADDRINUSE) {
        return vd_error_set(error, VD_ERR_EXISTS,
                            "%s is in use: stop the program that listens there, or choose "
                            "another %s",
                            name, address->is_unix ? "path" : "port");
    }
    if (code == EACCES && !address->is_unix) {
        return vd_error_set(error, VD_ERR_SYSTEM,
                            "%s: not allowed: a port below 1024 takes root or the capability "
                            "CAP_NET_BIND_SERVICE",
                            name);
    }
    if (code == EADDRNOTAVAIL) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "host is \"%s\", which is no address of this "
                            "machine",
                            address->host);
    }
    return vd_error_set(error, VD_ERR_SYSTEM, "cannot listen on %s: %s", name,
                        strerror_r(code, buffer, sizeof(buffer)));
}

/* ---- TCP ---------------------------------------------------------------------------------------
 */

static enum vd_err resolve(const struct vd_listen_address *address, struct addrinfo **found,
                           struct vd_error *error)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    char service[8];
    int code;

    snprintf(service, sizeof(service), "%u", address->port);
    code = getaddrinfo(address->host, service, &hints, found);
    if (code != 0) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "host is \"%s\": %s; allowed is an address of this machine, such as "
                            "127.0.0.1, 0.0.0.0 or ::",
                            address->host, gai_strerror(code));
    }
    return VD_OK;
}

/* The address as it turned out: the port may have been the kernel's choice. */
static enum vd_err note_address(struct vd_listener *listener, struct vd_error *error)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof(address);
    char service[8];

    if (getsockname(listener->fd, (struct sockaddr *)&address, &length) != 0)
        return vd_error_set_errno(error, "getsockname");
    if (getnameinfo((struct sockaddr *)&address, length, listener->host, sizeof(listener->host),
                    service, sizeof(service), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return vd_error_set(error, VD_ERR_SYSTEM, "getnameinfo failed");
    listener->port = (uint16_t)atoi(service);
    return VD_OK;
}

/* "::" takes IPv4 as well unless it is told not to, whatever the system's default. */
static void set_options(int fd, int family, const struct vd_listen_address *address)
{
    int on = 1, ipv6_only = address->ipv6_only;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (address->reuse_port)
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
    if (family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &ipv6_only, sizeof(ipv6_only));
}

static enum vd_err listen_tcp(struct vd_listener *listener, const struct vd_listen_address *address,
                              struct vd_error *error)
{
    struct addrinfo *found;
    enum vd_err result = resolve(address, &found, error);
    int fd;

    if (result != VD_OK)
        return result;
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        result = listen_error(address, errno, error);
        goto err_after_resolve;
    }
    set_options(fd, found->ai_family, address);
    if (bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        result = listen_error(address, errno, error);
        goto err_after_socket;
    }
    listener->fd = fd;
    if ((result = note_address(listener, error)) != VD_OK)
        goto err_after_socket;
    freeaddrinfo(found);
    return VD_OK;

err_after_socket:
    listener->fd = -1;
    close(fd);
err_after_resolve:
    freeaddrinfo(found);
    return result;
}

/* ---- unix sockets ------------------------------------------------------------------------------
 */

/* A socket file at which nobody listens: refused, without waiting. */
bool vd_supervisor_socket_is_stale(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat status;
    bool refused;
    int fd;

    if (strlen(path) >= sizeof(address.sun_path) || lstat(path, &status) != 0 ||
        !S_ISSOCK(status.st_mode))
        return false;
    memcpy(address.sun_path, path, strlen(path));
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    refused = connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 &&
              errno == ECONNREFUSED;
    close(fd);
    return refused;
}

static int bind_unix(int fd, const struct sockaddr_un *path)
{
    if (bind(fd, (const struct sockaddr *)path, sizeof(*path)) == 0)
        return 0;
    if (errno != EADDRINUSE)
        return -1;
    if (!vd_supervisor_socket_is_stale(path->sun_path) || unlink(path->sun_path) != 0) {
        errno = EADDRINUSE;
        return -1;
    }
    return bind(fd, (const struct sockaddr *)path, sizeof(*path));
}

enum vd_err vd_supervisor_listen_unix(struct vd_listener *listener,
                                      const struct vd_listen_address *address,
                                      struct vd_error *error)
{
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    struct stat status;
    mode_t mask;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), bound, code;

    if (fd < 0)
        return listen_error(address, errno, error);
    memcpy(path.sun_path, address->host, strlen(address->host));
    /* no moment in which the file is more open than it should be; one thread, so nobody is misled
     */
    mask = umask(0777 & ~address->mode);
    bound = bind_unix(fd, &path);
    code = errno;
    umask(mask);
    if (bound != 0 || listen(fd, BACKLOG) != 0 || lstat(path.sun_path, &status) != 0) {
        if (bound == 0) {
            code = errno;
            unlink(path.sun_path);
        }
        close(fd);
        return listen_error(address, code, error);
    }
    listener->fd = fd;
    listener->is_unix = true;
    listener->device = status.st_dev;
    listener->inode = status.st_ino;
    memcpy(listener->host, address->host, sizeof(listener->host));
    return VD_OK;
}

static void unlink_own(const struct vd_listener *listener)
{
    struct stat status;

    if (listener->is_unix && lstat(listener->host, &status) == 0 && S_ISSOCK(status.st_mode) &&
        status.st_dev == listener->device && status.st_ino == listener->inode)
        unlink(listener->host);
}

/* ---- all of them -------------------------------------------------------------------------------
 */

static enum vd_err listen_one(struct vd_node *node, const struct vd_listen_address *address,
                              struct vd_error *error)
{
    struct vd_listener *listener = &node->listeners[node->listener_count];
    enum vd_err result = address->is_unix ? vd_supervisor_listen_unix(listener, address, error)
                                          : listen_tcp(listener, address, error);

    if (result == VD_OK)
        node->listener_count++;
    return result;
}

enum vd_err vd_supervisor_listen(struct vd_node *node, struct vd_error *error)
{
    const struct vd_server_config *config = &node->config;
    struct vd_listen_address address = {.port = config->port};
    enum vd_err result = VD_OK;

    if (config->host) {
        snprintf(address.host, sizeof(address.host), "%s", config->host);
        result = listen_one(node, &address, error);
    }
    for (unsigned i = 0; result == VD_OK && i < config->listener_count; i++) {
        result = vd_listen_parse(config->listeners[i], &address, error);
        if (result == VD_OK)
            result = listen_one(node, &address, error);
    }
    if (result == VD_OK)
        result = vd_supervisor_listen_control(node, error);
    if (result != VD_OK)
        vd_supervisor_unlisten(node);
    return result;
}

void vd_supervisor_unlisten(struct vd_node *node)
{
    for (unsigned i = 0; i < node->listener_count; i++) {
        if (node->listeners[i].fd >= 0)
            unlink_own(&node->listeners[i]);
    }
    vd_node_close_listeners(node);
}
