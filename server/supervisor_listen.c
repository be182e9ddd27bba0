/* SPDX-License-Identifier: Apache-2.0 */
/* What the supervisor does before it starts anything: is this process fit to fork, and the
 * listening socket.
 *
 * Failure modes: a second thread (its locks would be copied in whatever state they are), an address
 * that does not exist or is taken. Open sockets are legal, but each child shares them: a warning.
 */
#include <dirent.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor_state.h"

#define BACKLOG 4096

/* TSan runs a thread of its own in every process. */
#ifdef __SANITIZE_THREAD__
#define THREADS_ALLOWED 2u
#else
#define THREADS_ALLOWED 1u
#endif

enum vd_err vd_supervisor_check_threads(struct vd_error *error)
{
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *entry;
    unsigned count = 0;

    if (!tasks)
        return vd_error_set_errno(error, "/proc/self/task");
    while ((entry = readdir(tasks)))
        count += entry->d_name[0] != '.';
    closedir(tasks);
    if (count > THREADS_ALLOWED) {
        return vd_error_set(error, VD_ERR_STATE,
                            "this process has %u threads, allowed is one: start threads (and "
                            "libraries that start them) in the workers, not before the server runs",
                            count);
    }
    return VD_OK;
}

static bool is_socket(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode);
}

void vd_supervisor_warn_of_sockets(struct vd_node *node)
{
    DIR *descriptors = opendir("/proc/self/fd");
    struct dirent *entry;
    unsigned count = 0;

    if (!descriptors)
        return;
    while ((entry = readdir(descriptors))) {
        int fd = atoi(entry->d_name);

        /* standard streams may well be sockets (inetd, a journal) */
        if (fd > 2 && fd != node->config.log_fd && is_socket(fd))
            count++;
    }
    closedir(descriptors);
    if (count > 0) {
        vd_log(&node->logger, VD_LOG_WARN, "open_sockets",
               "%u sockets were open before the server ran: all workers share them, and what one "
               "of them reads the others miss; open connections in the workers (onStart)",
               count);
    }
}

static enum vd_err resolve(const struct vd_server_config *config, struct addrinfo **address,
                           struct vd_error *error)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    char service[8];
    int code;

    snprintf(service, sizeof(service), "%u", config->port);
    code = getaddrinfo(config->host, service, &hints, address);
    if (code != 0) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "host is \"%s\": %s; allowed is an address of this machine, such as "
                            "127.0.0.1, 0.0.0.0 or ::",
                            config->host, gai_strerror(code));
    }
    return VD_OK;
}

static enum vd_err bind_error(const struct vd_server_config *config, struct vd_error *error)
{
    char buffer[128];

    if (errno == EADDRINUSE) {
        return vd_error_set(error, VD_ERR_EXISTS,
                            "%s:%u is in use: another program listens there, or choose another "
                            "port",
                            config->host, config->port);
    }
    if (errno == EADDRNOTAVAIL) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "host is \"%s\", which is no address of this machine", config->host);
    }
    return vd_error_set(error, VD_ERR_SYSTEM, "cannot listen on %s:%u: %s", config->host,
                        config->port, strerror_r(errno, buffer, sizeof(buffer)));
}

/* The address as it turned out: the port may have been the kernel's choice. */
static enum vd_err note_address(struct vd_node *node, struct vd_error *error)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof(address);
    char service[8];

    if (getsockname(node->listen_fd, (struct sockaddr *)&address, &length) != 0)
        return vd_error_set_errno(error, "getsockname");
    if (getnameinfo((struct sockaddr *)&address, length, node->listen_host,
                    sizeof(node->listen_host), service, sizeof(service),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return vd_error_set(error, VD_ERR_SYSTEM, "getnameinfo failed");
    node->listen_port = (uint16_t)atoi(service);
    return VD_OK;
}

enum vd_err vd_supervisor_listen(struct vd_node *node, struct vd_error *error)
{
    struct addrinfo *address;
    int on = 1, off = 0, fd;
    enum vd_err result = resolve(&node->config, &address, error);

    if (result != VD_OK)
        return result;
    fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        result = vd_error_set_errno(error, "socket");
        goto err_after_resolve;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (address->ai_family == AF_INET6) /* "::" takes IPv4 as well, whatever the system's default */
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (bind(fd, address->ai_addr, address->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        result = bind_error(&node->config, error);
        goto err_after_socket;
    }
    node->listen_fd = fd;
    if ((result = note_address(node, error)) != VD_OK) {
        node->listen_fd = -1;
        goto err_after_socket;
    }
    freeaddrinfo(address);
    return VD_OK;

err_after_socket:
    close(fd);
err_after_resolve:
    freeaddrinfo(address);
    return result;
}
