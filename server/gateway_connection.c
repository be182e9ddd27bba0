/* SPDX-License-Identifier: Apache-2.0 */
/* One connection: read a request, have it answered, read the next one; or become a stream.
 *
 * What it reads is gateway_reading.c's business. After an answer it reads on, or is half-closed and
 * read dry for a moment (closing at once would make the kernel reset it, and the client might never
 * see the answer). A client that leaves has its request abandoned; everything has a deadline. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway.h"

#define LINGER_MS 1000

static void address_text(const struct sockaddr_storage *address, char *text, size_t capacity,
                         uint16_t *port)
{
    text[0] = '\0';
    *port = 0;
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)address;

        inet_ntop(AF_INET, &v4->sin_addr, text, (socklen_t)capacity);
        *port = ntohs(v4->sin_port);
    } else if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)address;

        /* A dual-stack listener sees IPv4 clients as ::ffff:a.b.c.d; rate limiters want a.b.c.d. */
        if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
            inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], text, (socklen_t)capacity);
        } else {
            inet_ntop(AF_INET6, &v6->sin6_addr, text, (socklen_t)capacity);
        }
        *port = ntohs(v6->sin6_port);
    } else if (address->ss_family == AF_UNIX) {
        memcpy(text, "unix:", sizeof("unix:"));
    }
}

void gw_connection_create(struct gateway *gateway, int fd, struct gw_address *client, bool control)
{
    struct gw_connection *connection = calloc(1, sizeof(*connection));
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof(address);

    if (!connection)
        goto err;
    connection->gateway = gateway;
    connection->fd = fd;
    connection->address = client;
    connection->control = control;
    STAILQ_INIT(&connection->output);
    connection->readable =
        vd_watch_create(gateway->loop, fd, VD_WATCH_READ, gw_reading_ready, connection);
    if (!connection->readable)
        goto err;
    if (getpeername(fd, (struct sockaddr *)&address, &length) == 0) {
        address_text(&address, connection->remote_address, sizeof(connection->remote_address),
                     &connection->remote_port);
    }
    length = sizeof(address);
    if (getsockname(fd, (struct sockaddr *)&address, &length) == 0) {
        address_text(&address, connection->local_address, sizeof(connection->local_address),
                     &connection->local_port);
    }
    connection->state = GW_READING_HEAD;
    connection->deadline_ms = gateway->now_ms + gateway->config->idle_timeout_ms;
    TAILQ_INSERT_TAIL(&gateway->connections, connection, link);
    gateway->connection_count += !control;
    vd_watch_on(connection->readable);
    /* Most clients send at once: the request is often there already. */
    gw_reading_ready(connection);
    return;

err:
    free(connection);
    gw_address_leave(gateway, client);
    close(fd);
}

void gw_connection_close(struct gw_connection *connection)
{
    struct gateway *gateway = connection->gateway;

    if (connection->dead)
        return;
    connection->dead = true;
    gw_access_end(connection, false);
    vd_watch_destroy(connection->readable);
    vd_watch_destroy(connection->writable);
    connection->readable = connection->writable = NULL;
    close(connection->fd);
    connection->fd = -1;
    if (connection->request) {
        gw_dispatch_abandon(connection->request);
        connection->request = NULL;
    }
    gw_download_destroy(connection->download);
    connection->download = NULL;
    if (connection->stream)
        gateway->stream_count--;
    gateway->connection_count -= !connection->control;
    gw_address_leave(gateway, connection->address);
    connection->address = NULL;
    TAILQ_REMOVE(&gateway->connections, connection, link);
    TAILQ_INSERT_TAIL(&gateway->graveyard, connection, link);
}

void gw_connection_bury_closed(struct gateway *gateway)
{
    struct gw_connection *connection;

    if (gateway->accept_paused && !TAILQ_EMPTY(&gateway->graveyard))
        gw_listener_sweep(gateway);
    while ((connection = TAILQ_FIRST(&gateway->graveyard))) {
        TAILQ_REMOVE(&gateway->graveyard, connection, link);
        if (connection->stream)
            gw_stream_close(connection->stream);
        gw_output_drop(connection);
        gw_body_finish(connection);
        free(connection->input);
        free(connection);
    }
}

/* ---- after the answer --------------------------------------------------------------------------
 */

static void linger(struct gw_connection *connection)
{
    gw_reading_discard(connection);
    if (connection->peer_closed) {
        gw_connection_close(connection);
        return;
    }
    shutdown(connection->fd, SHUT_WR);
    connection->state = GW_LINGERING;
    /* The turn's clock may stand where the loop went to sleep: all of this second ago. */
    connection->deadline_ms = vd_monotonic_ms() + LINGER_MS;
    vd_watch_on(connection->readable);
}

void gw_connection_response_done(struct gw_connection *connection)
{
    connection->request = NULL;
    gw_access_end(connection, true);
    gw_edge_end(connection);
    if (connection->dead)
        return;
    gw_body_finish(connection);
    if (!connection->keep_alive || connection->gateway->draining) {
        connection->closing = true;
        if (connection->output_bytes == 0)
            linger(connection);
        return;
    }
    connection->state = GW_READING_HEAD;
    connection->cors = NULL;
    connection->received_us = 0;
    connection->deadline_ms =
        connection->gateway->now_ms + connection->gateway->config->idle_timeout_ms;
    vd_watch_on(connection->readable);
    gw_reading_go_on(connection);
}

void gw_connection_drained(struct gw_connection *connection)
{
    if (connection->closing) {
        linger(connection);
        return;
    }
    if (connection->state != GW_READING_HEAD || connection->reading)
        return;
    vd_watch_on(connection->readable);
    connection->deadline_ms =
        connection->gateway->now_ms + connection->gateway->config->idle_timeout_ms;
    gw_reading_go_on(connection);
}

void gw_connection_sweep(struct gw_connection *connection)
{
    struct gateway *gateway = connection->gateway;

    if (connection->stream) {
        gw_stream_sweep(connection->stream);
        return;
    }
    if ((connection->output_bytes || connection->download) &&
        gateway->now_ms - connection->progress_ms > gateway->config->idle_timeout_ms) {
        gateway->counters.refused[VD_HEALTH_REFUSED_SLOW_READER]++;
        gw_connection_close(connection);
        return;
    }
    if (gateway->draining && connection->state == GW_READING_HEAD && !connection->input &&
        connection->output_bytes == 0) {
        gw_connection_close(connection);
        return;
    }
    bool body_late = connection->body.open && connection->state != GW_LINGERING &&
                     gw_pace_is_late(&connection->pace, gateway->now_ms);

    if (!body_late && (connection->deadline_ms == 0 || gateway->now_ms < connection->deadline_ms))
        return;
    if (body_late) {
        gw_reading_body_failed(connection, 408, "the request body took too long to arrive");
        return;
    }
    if (connection->state == GW_READING_HEAD && connection->output_bytes)
        return; /* not idle: it is still reading its answer */
    if (connection->state == GW_READING_HEAD && connection->input) {
        connection->minor_1 = true;
        connection->head_only = false;
        gw_reading_refuse(connection, 408, "the request took too long to arrive");
        return;
    }
    gw_connection_close(connection);
}
