/* SPDX-License-Identifier: Apache-2.0 */
/* Accepting connections. When descriptors run out or the limit is reached, accepting pauses (the
 * kernel's backlog holds who comes) and goes on when a connection was closed. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway.h"

#define ACCEPTS_A_TURN 64

static void pause_accepting(struct gateway *gateway)
{
    for (unsigned i = 0; i < gateway->node->listener_count; i++)
        vd_watch_off(gateway->acceptors[i].watch);
    gateway->accept_paused = true;
    gateway->accept_resume_ms = gateway->now_ms + 100;
}

static void connections_waiting(void *context)
{
    const struct gw_acceptor *acceptor = context;
    struct gateway *gateway = acceptor->gateway;

    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        if (gateway->connection_count >= gateway->config->max_connections) {
            vd_log_limited(gateway->logger, gateway->now_ms, VD_LOG_WARN, "connections_full",
                           "%zu connections are open: accepting pauses", gateway->connection_count);
            pause_accepting(gateway);
            return;
        }
        int fd = accept4(acceptor->listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0) {
            gateway->counters.accepted++;
            gw_connection_create(gateway, fd);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            vd_log_limited(gateway->logger, gateway->now_ms, VD_LOG_ERROR, "descriptors_full",
                           "accept: %s: accepting pauses", errno == EMFILE ? "EMFILE" : "no room");
            pause_accepting(gateway);
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

enum vd_err gw_listener_start(struct gateway *gateway)
{
    gateway->accepting = true;
    for (unsigned i = 0; i < gateway->node->listener_count; i++) {
        struct gw_acceptor *acceptor = &gateway->acceptors[i];

        acceptor->gateway = gateway;
        acceptor->listener = &gateway->node->listeners[i];
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
        gateway->now_ms < gateway->accept_resume_ms ||
        gateway->connection_count >= gateway->config->max_connections)
        return;
    gateway->accept_paused = false;
    for (unsigned i = 0; i < gateway->node->listener_count; i++)
        vd_watch_on(gateway->acceptors[i].watch);
}
