/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes to a client: straight to the socket while it takes them, a copy of the rest until it does.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "gateway.h"

#define SMALL_WINDOW_BYTES (64 * 1024)
#define PIECES_A_WRITE     32
#define PIECE_BYTES        2048 /* at least */

static void flushable(struct gw_connection *connection);

static void socket_writable(void *context)
{
    flushable(context);
}

static bool wait_for_room(struct gw_connection *connection)
{
    if (!connection->writable) {
        connection->writable = vd_watch_create(connection->gateway->loop, connection->fd,
                                               VD_WATCH_WRITE, socket_writable, connection);
    }
    if (!connection->writable) {
        gw_connection_close(connection);
        return false;
    }
    connection->progress_ms = connection->gateway->now_ms;
    vd_watch_on(connection->writable);
    return true;
}

/* Many small writes share a piece. */
static struct gw_piece *piece_with_room(struct gw_connection *connection, size_t room)
{
    struct gw_piece *last = NULL;
    size_t capacity = room < PIECE_BYTES ? PIECE_BYTES : room;

    if (!STAILQ_EMPTY(&connection->output)) /* its STAILQ_LAST, which glibc lacks */
        last = (void *)((char *)connection->output.stqh_last - offsetof(struct gw_piece, link));
    if (last && last->capacity - last->length >= room)
        return last;
    struct gw_piece *piece = malloc(sizeof(*piece) + capacity);
    if (!piece)
        return NULL;
    piece->capacity = capacity;
    piece->length = 0;
    piece->sent = 0;
    STAILQ_INSERT_TAIL(&connection->output, piece, link);
    return piece;
}

/* All that is kept for slow clients together is bounded as well: over it each response may be ahead
 * of its client by little only, and the workers wait. */
static void count_kept(struct gateway *gateway, ptrdiff_t change)
{
    bool was_full = gateway->kept_bytes > gateway->config->response_memory_bytes;

    gateway->kept_bytes += (size_t)change;
    bool is_full = gateway->kept_bytes > gateway->config->response_memory_bytes;
    if (is_full == was_full)
        return;
    atomic_store(&gateway->shared->response_window, is_full ? SMALL_WINDOW_BYTES : 0);
    if (is_full) {
        gateway->counters.refused[VD_HEALTH_REFUSED_RESPONSE_MEMORY]++;
        vd_log_limited(gateway->logger, gateway->now_ms, VD_LOG_WARN, "responses_full",
                       "%zu bytes wait for slow clients: workers wait, too", gateway->kept_bytes);
    }
}

static bool keep(struct gw_connection *connection, const struct iovec *parts, int count,
                 size_t skip)
{
    size_t total = 0;

    for (int i = 0; i < count; i++)
        total += parts[i].iov_len;
    total -= skip;
    struct gw_piece *piece = piece_with_room(connection, total);
    if (!piece) {
        gw_connection_close(connection);
        return false;
    }
    for (int i = 0; i < count; i++) {
        size_t from = skip < parts[i].iov_len ? skip : parts[i].iov_len;

        memcpy(piece->bytes + piece->length, (char *)parts[i].iov_base + from,
               parts[i].iov_len - from);
        piece->length += parts[i].iov_len - from;
        skip -= from;
    }
    connection->output_bytes += total;
    count_kept(connection->gateway, (ptrdiff_t)total);
    return true;
}

/* One part goes by send: cheaper than sendmsg, and most responses are one part. */
static ssize_t socket_write(int fd, const struct iovec *parts, int count)
{
    struct msghdr message = {.msg_iov = (struct iovec *)parts, .msg_iovlen = (size_t)count};

    if (count == 1)
        return send(fd, parts[0].iov_base, parts[0].iov_len, MSG_NOSIGNAL);
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}

bool gw_output_write(struct gw_connection *connection, const struct iovec *parts, int count)
{
    size_t total = 0;
    ssize_t written = 0;

    if (connection->dead)
        return false;
    for (int i = 0; i < count; i++)
        total += parts[i].iov_len;
    if (connection->output_bytes == 0) {
        do {
            written = socket_write(connection->fd, parts, count);
        } while (written < 0 && errno == EINTR);
        if (written < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
            gw_connection_close(connection);
            return false;
        }
        if (written < 0)
            written = 0;
    }
    if ((size_t)written == total)
        return true;
    if (connection->output_bytes) /* waits already: more of it is no progress of the client's */
        return keep(connection, parts, count, 0);
    return keep(connection, parts, count, (size_t)written) && wait_for_room(connection);
}

static void pieces_sent(struct gw_connection *connection, size_t bytes)
{
    connection->output_bytes -= bytes;
    count_kept(connection->gateway, -(ptrdiff_t)bytes);
    while (bytes) {
        struct gw_piece *piece = STAILQ_FIRST(&connection->output);
        size_t left = piece->length - piece->sent;

        if (bytes < left) {
            piece->sent += bytes;
            return;
        }
        bytes -= left;
        STAILQ_REMOVE_HEAD(&connection->output, link);
        free(piece);
    }
}

static bool flush_pieces(struct gw_connection *connection)
{
    while (!STAILQ_EMPTY(&connection->output)) {
        struct iovec parts[PIECES_A_WRITE];
        struct gw_piece *piece;
        int count = 0;

        STAILQ_FOREACH(piece, &connection->output, link)
        {
            if (count == PIECES_A_WRITE)
                break;
            parts[count].iov_base = piece->bytes + piece->sent;
            parts[count++].iov_len = piece->length - piece->sent;
        }
        ssize_t written = socket_write(connection->fd, parts, count);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
            gw_connection_close(connection);
            return false;
        }
        if (written <= 0)
            return false;
        connection->progress_ms = connection->gateway->now_ms;
        pieces_sent(connection, (size_t)written);
    }
    return true;
}

static void flushable(struct gw_connection *connection)
{
    if (connection->dead)
        return;
    bool empty = flush_pieces(connection);

    if (connection->dead)
        return;
    if (connection->request && connection->state == GW_RESPONDING)
        gw_respond_credit(connection->request);
    if (!empty)
        return;
    if (connection->download) {
        gw_download_continue(connection);
        return;
    }
    vd_watch_off(connection->writable);
    if (connection->stream) {
        connection->stream->blocked = false;
        gw_stream_flush(connection->stream);
    }
    if (!connection->dead)
        gw_connection_drained(connection);
}

void gw_output_wait(struct gw_connection *connection)
{
    wait_for_room(connection);
}

void gw_output_drop(struct gw_connection *connection)
{
    struct gw_piece *piece;

    while ((piece = STAILQ_FIRST(&connection->output))) {
        STAILQ_REMOVE_HEAD(&connection->output, link);
        free(piece);
    }
    count_kept(connection->gateway, -(ptrdiff_t)connection->output_bytes);
    connection->output_bytes = 0;
}
