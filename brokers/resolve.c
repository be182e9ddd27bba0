/* SPDX-License-Identifier: Apache-2.0 */
/* Host names on a thread: see resolve.h. The answer's box has two owners, the caller and the
 * thread; the last one frees it, so nobody waits for a name server that does not answer. */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include <fcntl.h>

#include "detached.h"
#include "resolve.h"

struct vd_resolve {
    _Atomic uint32_t owners;
    _Atomic bool done;
    int notice_fd;
    int result; /* of getaddrinfo */
    struct addrinfo *addresses;
    struct addrinfo local; /* addresses points here: a unix socket */
    struct sockaddr_un socket;
    char port[8];
    char host[];
};

static void look_up(struct vd_resolve *resolve, int flags)
{
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV};

    resolve->result = getaddrinfo(resolve->host, resolve->port, &hints, &resolve->addresses);
}

static void look_up_socket(struct vd_resolve *resolve)
{
    resolve->socket.sun_family = AF_UNIX;
    strncpy(resolve->socket.sun_path, resolve->host, sizeof(resolve->socket.sun_path) - 1);
    resolve->local = (struct addrinfo){.ai_family = AF_UNIX,
                                       .ai_socktype = SOCK_STREAM,
                                       .ai_addr = (struct sockaddr *)&resolve->socket,
                                       .ai_addrlen = sizeof(resolve->socket)};
    resolve->addresses = &resolve->local;
}

static void tell(struct vd_resolve *resolve)
{
    const uint64_t one = 1;

    atomic_store(&resolve->done, true);
    if (write(resolve->notice_fd, &one, sizeof(one)) < 0) {
        /* full: then it is readable anyway */
    }
}

static void *run(void *context)
{
    struct vd_resolve *resolve = context;

    look_up(resolve, AI_ADDRCONFIG);
    tell(resolve);
    vd_resolve_release(resolve);
    return NULL;
}

enum vd_err vd_resolve_start(const char *host, const char *port, int notice_fd,
                             struct vd_resolve **made, struct vd_error *error)
{
    struct vd_resolve *resolve = calloc(1, sizeof(*resolve) + strlen(host) + 1);

    if (!resolve)
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory to look up a host name");
    strcpy(resolve->host, host);
    strncpy(resolve->port, port, sizeof(resolve->port) - 1);
    atomic_init(&resolve->owners, 1);
    resolve->notice_fd = fcntl(notice_fd, F_DUPFD_CLOEXEC, 0);
    if (resolve->notice_fd < 0) {
        vd_error_set_errno(error, "a descriptor to look up a host name");
        vd_resolve_release(resolve);
        return VD_ERR_SYSTEM;
    }
    if (*host == '/') {
        look_up_socket(resolve);
    } else {
        look_up(resolve, AI_NUMERICHOST);
    }
    if (resolve->result == 0) {
        tell(resolve);
    } else {
        atomic_store(&resolve->owners, 2);
        if (!vd_detached_start(run, resolve)) {
            atomic_store(&resolve->owners, 1);
            vd_resolve_release(resolve);
            return vd_error_set(error, VD_ERR_SYSTEM, "no thread to look up a host name");
        }
    }
    *made = resolve;
    return VD_OK;
}

enum vd_err vd_resolve_take(struct vd_resolve *resolve, const struct addrinfo **addresses,
                            struct vd_error *error)
{
    if (!atomic_load(&resolve->done))
        return VD_ERR_EMPTY;
    if (resolve->result) {
        return vd_error_set(error, VD_ERR_CONNECTION, "the host name has no address: %s",
                            gai_strerror(resolve->result));
    }
    *addresses = resolve->addresses;
    return VD_OK;
}

static void free_box(struct vd_resolve *resolve)
{
    if (resolve->notice_fd >= 0)
        close(resolve->notice_fd);
    free(resolve);
}

void vd_resolve_release(struct vd_resolve *resolve)
{
    if (!resolve || atomic_fetch_sub(&resolve->owners, 1) > 1)
        return;
    if (resolve->addresses && resolve->addresses != &resolve->local)
        freeaddrinfo(resolve->addresses);
    free_box(resolve);
}

void vd_resolve_abandon(struct vd_resolve *resolve)
{
    if (resolve && atomic_load(&resolve->owners) > 1) {
        free_box(
            resolve); /* the thread was not forked; its addresses may be half made: they stay */
    } else {
        vd_resolve_release(resolve);
    }
}
