/* SPDX-License-Identifier: Apache-2.0 */
/* One non-blocking TCP connection, plain or TLS, with a buffer of what is still to be written.
 *
 *     vd_stream_open -> vd_stream_advance until VD_OK -> vd_stream_read / _queue / _flush
 *
 * Its socket sits in the caller's epoll, armed for just what it waits for, with the stream itself
 * as data.ptr, so the caller has nothing to do but to call advance or read when the epoll says so.
 * A read that fills the buffer may have left more where no descriptor shows it (TLS): read on. */
#ifndef VIADUCT_BROKERS_STREAM_H
#define VIADUCT_BROKERS_STREAM_H

#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tls.h"

enum vd_stream_state {
    VD_STREAM_CLOSED, /* zeroed memory */
    VD_STREAM_CONNECTING,
    VD_STREAM_HANDSHAKING,
    VD_STREAM_OPEN,
    VD_STREAM_FAILED /* error says why; close it */
};

struct vd_stream {
    enum vd_stream_state state;
    int fd;
    int epoll_fd;
    uint32_t armed;
    bool wants_write; /* TLS */
    SSL *session;     /* NULL: plain, or not begun */
    struct vd_tls *tls;
    const char *host; /* borrowed */
    unsigned char *out;
    size_t out_start, out_end, out_capacity;
    struct vd_error error;
};

/* @tls NULL: plain. @host: for the certificate; lives as long as the stream.
 * Returns: VD_OK, VD_ERR_SYSTEM, VD_ERR_CONNECTION (in stream->error too). */
enum vd_err vd_stream_open(struct vd_stream *stream, const struct addrinfo *address,
                           uint32_t user_timeout_ms, struct vd_tls *tls, const char *host,
                           int epoll_fd);

/* Go on with connecting and handshake. Returns: VD_OK: open; VD_ERR_EMPTY: not yet; else failed. */
enum vd_err vd_stream_advance(struct vd_stream *stream);

/* Bytes read; 0: none there now; -1: failed or closed by the other side. */
ssize_t vd_stream_read(struct vd_stream *stream, void *buffer, size_t capacity);

/* Append to what is to be written. false: out of memory, nothing was taken. */
bool vd_stream_queue(struct vd_stream *stream, const void *bytes, size_t length);
static inline size_t vd_stream_pending(const struct vd_stream *stream)
{
    return stream->out_end - stream->out_start;
}

/* Write what the socket takes. false: failed. */
bool vd_stream_flush(struct vd_stream *stream);

/* Zeroed memory is fine, and the result. */
void vd_stream_close(struct vd_stream *stream);
/* Instead, in a forked child: the parent's connection and epoll are left alone. */
void vd_stream_abandon(struct vd_stream *stream);

#endif
