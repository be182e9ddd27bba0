/* SPDX-License-Identifier: Apache-2.0 */
/* File bodies on their way out.
 *
 * Happy path: each time the socket takes bytes, one share goes from the page cache to the socket by
 * sendfile, without passing through this process; then the other connections have their turn.
 * Nothing is kept in memory but where it has come to.
 *
 * Failure modes: a client that does not read costs a descriptor and is cut off after the idle time;
 * a client that leaves gives it back at once; a file that became shorter cannot be sent as
 * announced, so the connection is cut and the client sees that the body is not whole. Reading from
 * a disk that is not in the cache makes the loop wait, for one share at most: network file systems
 * are no place for static files. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway.h"
#include "gateway_static.h"

#define SHARE_BYTES (128 * 1024)
#define EAGER_BYTES (2 * 1024 * 1024) /* of one turn */
#define COPY_BYTES  (32 * 1024)
#define PART_BYTES  320 /* boundary, media type and three numbers */

void gw_download_destroy(struct gw_download *download)
{
    if (!download)
        return;
    close(download->fd);
    free(download);
}

/* ---- multipart/byteranges (RFC 9110 14.6) ------------------------------------------------------
 */

static int part_head(const struct gw_download *download, const struct gw_static_range *range,
                     char text[PART_BYTES])
{
    return snprintf(text, PART_BYTES,
                    "\r\n--%s\r\nContent-Type: %s\r\nContent-Range: bytes %llu-%llu/%llu\r\n\r\n",
                    download->boundary, download->type, (unsigned long long)range->first,
                    (unsigned long long)(range->first + range->length - 1),
                    (unsigned long long)download->size);
}

static int last_line(const struct gw_download *download, char text[PART_BYTES])
{
    return snprintf(text, PART_BYTES, "\r\n--%s--\r\n", download->boundary);
}

uint64_t gw_download_multipart_bytes(const struct gw_download *download)
{
    char text[PART_BYTES];
    uint64_t bytes = (uint64_t)last_line(download, text);

    for (unsigned i = 0; i < download->ranges.count; i++) {
        bytes += (uint64_t)part_head(download, &download->ranges.at[i], text) +
                 download->ranges.at[i].length;
    }
    return bytes;
}

/* ---- sending -----------------------------------------------------------------------------------
 */

static void finish(struct gw_connection *connection)
{
    gw_download_destroy(connection->download);
    connection->download = NULL;
    if (connection->output_bytes == 0 && connection->writable)
        vd_watch_off(connection->writable);
    gw_connection_response_done(connection);
}

/* The range is out: begin the next one, or end. false: nothing more to send just now. */
static bool next_range(struct gw_connection *connection)
{
    struct gw_download *download = connection->download;
    bool last = download->next >= download->ranges.count;
    struct iovec part;
    char text[PART_BYTES];

    if (download->multipart) {
        part.iov_base = text;
        part.iov_len =
            (size_t)(last ? last_line(download, text)
                          : part_head(download, &download->ranges.at[download->next], text));
        connection->access.body_bytes += part.iov_len;
        if (!gw_output_write(connection, &part, 1))
            return false;
    }
    if (last) {
        finish(connection);
        return false;
    }
    download->offset = download->ranges.at[download->next].first;
    download->left = download->ranges.at[download->next].length;
    download->next++;
    return connection->output_bytes == 0;
}

/* For file systems that cannot do sendfile. */
static ssize_t copy(struct gw_connection *connection, const struct gw_download *download,
                    size_t length)
{
    char bytes[COPY_BYTES];
    ssize_t got = pread(download->fd, bytes, length < sizeof(bytes) ? length : sizeof(bytes),
                        (off_t)download->offset);

    return got > 0 ? send(connection->fd, bytes, (size_t)got, MSG_NOSIGNAL) : got;
}

static ssize_t send_some(struct gw_connection *connection, struct gw_download *download,
                         size_t length)
{
    off_t offset = (off_t)download->offset;
    ssize_t sent = sendfile(connection->fd, download->fd, &offset, length);

    if (sent < 0 && (errno == EINVAL || errno == ENOSYS))
        sent = copy(connection, download, length);
    if (sent <= 0)
        return sent;
    download->offset += (uint64_t)sent;
    download->left -= (uint64_t)sent;
    connection->access.body_bytes += (uint64_t)sent;
    connection->progress_ms = connection->gateway->now_ms;
    return sent;
}

void gw_download_continue(struct gw_connection *connection)
{
    struct gw_download *download = connection->download;
    size_t share = SHARE_BYTES;

    while (share) {
        if (download->left == 0) {
            if (!next_range(connection))
                return;
            continue;
        }
        size_t length = download->left < share ? (size_t)download->left : share;
        ssize_t sent = send_some(connection, download, length);
        if (sent > 0) {
            share -= (size_t)sent;
            continue;
        }
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent == 0) {
            vd_log_limited(connection->gateway->logger, connection->gateway->now_ms, VD_LOG_WARN,
                           "static_file_shrank",
                           "a file became shorter while it was sent: its download was cut");
        }
        gw_connection_close(connection);
        return;
    }
    if (download->left == 0)
        next_range(connection);
}

/* The first share goes out at once, without a round through the event loop, but only so much in one
 * turn: many files asked for in one breath would be one long turn. now_ms moves between turns. */
static bool may_begin(struct gateway *gateway)
{
    struct gw_static_root *root = &gateway->static_root;

    if (root->turn_ms != gateway->now_ms) {
        root->turn_ms = gateway->now_ms;
        root->eager_bytes = EAGER_BYTES;
    }
    if (root->eager_bytes < SHARE_BYTES)
        return false;
    root->eager_bytes -= SHARE_BYTES;
    return true;
}

void gw_download_start(struct gw_connection *connection, struct gw_download *download)
{
    connection->download = download;
    connection->state = GW_SENDING;
    connection->progress_ms = connection->gateway->now_ms;
    if (connection->output_bytes == 0 && may_begin(connection->gateway))
        gw_download_continue(connection);
    if (!connection->dead && connection->download)
        gw_output_wait(connection);
}
