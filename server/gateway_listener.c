/* SPDX-License-Identifier: Apache-2.0 */
/* Accepting connections.
 *
 * Over the limit of connections in all, and before descriptors run out (files and the broker need
 * some, too), accepting pauses: the kernel's backlog holds who comes, and it goes on by itself.
 * Over the limit of one address the client is told at once, with a 503, and closed: waiting would
 * hold up all others. The answer may be lost when the client is just sending: nothing of it is
 * read, because reading it dry is what a flood would feed on. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway.h"

#define ACCEPTS_A_TURN     64
#define DESCRIPTOR_RESERVE 32 /* files being sent, the broker's link, a log */

/* @all: also the control socket, which no number of clients may shut. */
static void pause_accepting(struct gateway *gateway, bool all)
{
    for (unsigned i = 0; i < gateway->node->listener_count; i++) {
        if (all || !gateway->node->listeners[i].is_control)
            vd_watch_off(gateway->acceptors[i].watch);
    }
    gateway->accept_paused = true;
}

/* The kernel gives out the lowest free number: it tells how many are open. */
static bool has_descriptors(const struct gateway *gateway)
{
    int probe = fcntl(gateway->node->listeners[0].fd, F_DUPFD_CLOEXEC, 0);

    if (probe < 0)
        return false;
    close(probe);
    return probe < gateway->descriptor_limit;
}

static void descriptors_full(struct gateway *gateway, const char *what)
{
    gateway->counters.refused[VD_HEALTH_REFUSED_DESCRIPTORS]++;
    vd_log_limited(gateway->logger, gateway->now_ms, VD_LOG_ERROR, "descriptors_full",
                   "%s: accepting pauses", what);
    pause_accepting(gateway, true);
}

static void connections_full(struct gateway *gateway)
{
    gateway->counters.refused[VD_HEALTH_REFUSED_CONNECTIONS]++;
    vd_log_limited(gateway->logger, gateway->now_ms, VD_LOG_WARN, "connections_full",
                   "%zu connections are open: accepting pauses", gateway->connection_count);
    pause_accepting(gateway, false);
}

static void turn_away(struct gateway *gateway, int fd)
{
    static const char text[] = "HTTP/1.1 503 Service Unavailable\r\n"
                               "Content-Type: text/plain; charset=utf-8\r\n"
                               "Content-Length: 64\r\n"
                               "Retry-After: 1\r\n"
                               "Connection: close\r\n\r\n"
                               "503 Service Unavailable: too many connections from this address\n";

    gateway->counters.refused[VD_HEALTH_REFUSED_ADDRESS]++;
    gateway->counters.responses[5]++;
    vd_log_limited(gateway->logger, gateway->now_ms, VD_LOG_WARN, "address_full",
                   "an address has %zu connections, the limit: more are refused",
                   gateway->config->max_address_connections);
    (void)!send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    close(fd);
}

static void accepted(struct gateway *gateway, const struct vd_listener *listener, int fd,
                     const struct sockaddr *from)
{
    struct gw_address *address;

    if (listener->is_control) {
        gw_connection_create(gateway, fd, NULL, true);
        return;
    }
    gateway->counters.accepted++;
    if (!gw_address_admit(gateway, from, &address)) {
        turn_away(gateway, fd);
    } else {
        gw_connection_create(gateway, fd, address, false);
    }
}

static void connections_waiting(void *context)
{
    const struct gw_acceptor *acceptor = context;
    struct gateway *gateway = acceptor->gateway;

    bool limited = !acceptor->listener->is_control;

    if (limited && gateway->connection_count >= gateway->config->max_connections) {
        connections_full(gateway);
        return;
    }
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        struct sockaddr_storage from = {0};
        socklen_t length = sizeof(from);
        int fd = accept4(acceptor->listener->fd, (struct sockaddr *)&from, &length,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0) {
            accepted(gateway, acceptor->listener, fd, (struct sockaddr *)&from);
            if (limited && gateway->connection_count >= gateway->config->max_connections)
                return; /* called again when one more waits */
            if (fd >= gateway->descriptor_limit) {
                descriptors_full(gateway, "few descriptors are left");
                return;
            }
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            descriptors_full(gateway, errno == EMFILE ? "accept: EMFILE" : "accept: no room");
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}

/* Accepted sockets inherit both. No delay: every response leaves in one write. A low mark for bytes
 * not yet sent: what a slow client has to wait for stays here, where it is bounded and counted,
 * rather than in megabytes of kernel memory, and its progress is seen in small steps. */
static void tune(const struct vd_listener *listener)
{
    int one = 1, not_sent_bytes = 128 * 1024;

    if (listener->is_unix)
        return;
    setsockopt(listener->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    setsockopt(listener->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &not_sent_bytes,
               sizeof(not_sent_bytes));
}

static int descriptor_limit(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur > INT_MAX)
        return INT_MAX;
    return files.rlim_cur > 2 * DESCRIPTOR_RESERVE ? (int)files.rlim_cur - DESCRIPTOR_RESERVE
                                                   : (int)files.rlim_cur;
}

enum vd_err gw_listener_start(struct gateway *gateway)
{
    gateway->descriptor_limit = descriptor_limit();
    gateway->accepting = true;
    for (unsigned i = 0; i < gateway->node->listener_count; i++) {
        struct gw_acceptor *acceptor = &gateway->acceptors[i];

        acceptor->gateway = gateway;
        acceptor->listener = &gateway->node->listeners[i];
        if (acceptor->listener->fd < 0)
            continue; /* we succeed another in a node that ends */
        acceptor->watch = vd_watch_create(gateway->loop, acceptor->listener->fd, VD_WATCH_READ,
                                          connections_waiting, acceptor);
        if (!acceptor->watch)
            return VD_ERR_NO_MEMORY;
        tune(acceptor->listener);
        vd_watch_on(acceptor->watch);
    }
    return VD_OK;
}

void gw_listener_stop(struct gateway *gateway)
{
    if (!gateway->accepting)
        return;
    gateway->accepting = false;
    for (unsigned i = 0; i < gateway->node->listener_count; i++) {
        vd_watch_destroy(gateway->acceptors[i].watch);
        gateway->acceptors[i].watch = NULL;
    }
    vd_node_close_listeners(gateway->node);
}

void gw_listener_sweep(struct gateway *gateway)
{
    if (!gateway->accept_paused || !gateway->accepting ||
        gateway->connection_count >= gateway->config->max_connections || !has_descriptors(gateway))
        return;
    gateway->accept_paused = false;
    for (unsigned i = 0; i < gateway->node->listener_count; i++)
        vd_watch_on(gateway->acceptors[i].watch);
}
