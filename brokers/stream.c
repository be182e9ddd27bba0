/* SPDX-License-Identifier: Apache-2.0 */
/* One non-blocking connection: see stream.h.
 *
 * Not libevent's bufferevents: an event_base has no descriptor to show (2.1), so that the handle's
 * one descriptor would take a thread with queues; and a bufferevent copies what is read and what is
 * written once more. A socket in the driver's own epoll needs neither. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/err.h>

#include "stream.h"

#define OUT_KEEP_BYTES ((size_t)256 * 1024) /* larger buffers are given back when empty */

/* Level-triggered; only when it changed. */
static void arm(struct vd_stream *stream, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = stream};

    if (events == stream->armed || stream->state == VD_STREAM_CLOSED)
        return;
    epoll_ctl(stream->epoll_fd, stream->armed ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, stream->fd, &event);
    stream->armed = events;
}

static void arm_for_open(struct vd_stream *stream)
{
    bool writing = vd_stream_pending(stream) > 0 || stream->wants_write;

    arm(stream, EPOLLIN | (writing ? (uint32_t)EPOLLOUT : 0));
}

static enum vd_err failed(struct vd_stream *stream)
{
    stream->state = VD_STREAM_FAILED;
    return stream->error.code;
}

static enum vd_err failed_errno(struct vd_stream *stream, const char *what, int number)
{
    if (number == ECONNRESET || number == EPIPE) /* the same, seen from the other end of the race */
        what = "the server closed the connection";
    vd_error_set(&stream->error, VD_ERR_CONNECTION, "%s: %s", what, strerror(number));
    return failed(stream);
}

static void tune(int fd, uint32_t user_timeout_ms)
{
    const int on = 1;
    const unsigned timeout = user_timeout_ms;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof(timeout));
}

enum vd_err vd_stream_open(struct vd_stream *stream, const struct addrinfo *address,
                           uint32_t user_timeout_ms, struct vd_tls *tls, const char *host,
                           int epoll_fd)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    *stream = (struct vd_stream){.fd = fd, .epoll_fd = epoll_fd, .tls = tls, .host = host};
    if (fd < 0)
        return failed_errno(stream, "socket", errno);
    stream->state = VD_STREAM_CONNECTING;
    tune(fd, user_timeout_ms);
    if (connect(fd, address->ai_addr, address->ai_addrlen) < 0 && errno != EINPROGRESS &&
        errno != EINTR)
        return failed_errno(stream, "the server cannot be reached", errno);
    arm(stream, EPOLLOUT);
    return VD_OK;
}

static enum vd_err finish_connect(struct vd_stream *stream)
{
    struct sockaddr_storage peer;
    socklen_t length = sizeof(int);
    int number = 0;

    getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &number, &length);
    if (number)
        return failed_errno(stream, "the server cannot be reached", number);
    length = sizeof(peer);
    if (getpeername(stream->fd, (struct sockaddr *)&peer, &length) < 0)
        return VD_ERR_EMPTY;
    if (!stream->tls) {
        stream->state = VD_STREAM_OPEN;
        arm_for_open(stream);
        return VD_OK;
    }
    if (vd_tls_session_create(stream->tls, stream->host, stream->fd, &stream->session,
                              &stream->error) != VD_OK)
        return failed(stream);
    stream->state = VD_STREAM_HANDSHAKING;
    return VD_OK;
}

static void shake_hands(struct vd_stream *stream)
{
    int result, kind;

    ERR_clear_error();
    result = SSL_do_handshake(stream->session);
    if (result == 1) {
        stream->state = VD_STREAM_OPEN;
        arm_for_open(stream);
        return;
    }
    kind = SSL_get_error(stream->session, result);
    if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) {
        arm(stream, kind == SSL_ERROR_WANT_READ ? EPOLLIN : EPOLLOUT);
        return;
    }
    vd_tls_explain(stream->session, kind, &stream->error);
    failed(stream);
}

enum vd_err vd_stream_advance(struct vd_stream *stream)
{
    enum vd_err code = VD_OK;

    if (stream->state == VD_STREAM_CONNECTING)
        code = finish_connect(stream);
    if (!code && stream->state == VD_STREAM_HANDSHAKING)
        shake_hands(stream);
    if (stream->state == VD_STREAM_FAILED)
        return stream->error.code;
    return stream->state == VD_STREAM_OPEN ? VD_OK : VD_ERR_EMPTY;
}

/* ---- bytes -------------------------------------------------------------------------------------
 */

/* Wants to be called again: 0. Else failed: -1. */
static ssize_t tls_result(struct vd_stream *stream, int result)
{
    int kind = SSL_get_error(stream->session, result);

    stream->wants_write = kind == SSL_ERROR_WANT_WRITE;
    if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE)
        return 0;
    vd_tls_explain(stream->session, kind, &stream->error);
    failed(stream);
    return -1;
}

static ssize_t plain_result(struct vd_stream *stream)
{
    if (errno == EAGAIN || errno == EINTR)
        return 0;
    failed_errno(stream, "the connection broke", errno);
    return -1;
}

static ssize_t read_tls(struct vd_stream *stream, unsigned char *buffer, size_t capacity)
{
    size_t length = 0, count;
    ssize_t result;
    int code;

    while (length < capacity) { /* it reads a record at a time */
        ERR_clear_error();
        code = SSL_read_ex(stream->session, buffer + length, capacity - length, &count);
        if (code != 1) {
            result = tls_result(stream, code);
            return result < 0 && length == 0 ? result : (ssize_t)length;
        }
        length += count;
    }
    return (ssize_t)length;
}

ssize_t vd_stream_read(struct vd_stream *stream, void *buffer, size_t capacity)
{
    ssize_t count;

    if (stream->state != VD_STREAM_OPEN)
        return stream->state == VD_STREAM_FAILED ? -1 : 0;
    if (stream->session) {
        count = read_tls(stream, buffer, capacity);
        arm_for_open(stream);
        return count;
    }
    count = recv(stream->fd, buffer, capacity, 0);
    if (count < 0)
        return plain_result(stream);
    if (count == 0) {
        vd_error_set(&stream->error, VD_ERR_CONNECTION, "the server closed the connection");
        failed(stream);
        return -1;
    }
    return count;
}

static bool make_room(struct vd_stream *stream, size_t length)
{
    size_t pending = vd_stream_pending(stream);
    size_t wanted = stream->out_capacity ? stream->out_capacity : 4096;
    unsigned char *larger;

    if (stream->out_end + length <= stream->out_capacity)
        return true;
    if (stream->out_start > 0) {
        memmove(stream->out, stream->out + stream->out_start, pending);
        stream->out_start = 0;
        stream->out_end = pending;
    }
    while (wanted < pending + length)
        wanted *= 2;
    if (wanted == stream->out_capacity)
        return true;
    larger = realloc(stream->out, wanted);
    if (!larger)
        return false;
    stream->out = larger;
    stream->out_capacity = wanted;
    return true;
}

bool vd_stream_queue(struct vd_stream *stream, const void *bytes, size_t length)
{
    if (!make_room(stream, length))
        return false;
    memcpy(stream->out + stream->out_end, bytes, length);
    stream->out_end += length;
    return true;
}

static ssize_t write_some(struct vd_stream *stream)
{
    const unsigned char *bytes = stream->out + stream->out_start;
    size_t length = vd_stream_pending(stream), count;
    ssize_t result;
    int code;

    if (!stream->session) {
        result = send(stream->fd, bytes, length, MSG_NOSIGNAL);
        return result < 0 ? plain_result(stream) : result;
    }
    ERR_clear_error();
    code = SSL_write_ex(stream->session, bytes, length, &count);
    if (code != 1)
        return tls_result(stream, code);
    stream->wants_write = false;
    return (ssize_t)count;
}

bool vd_stream_flush(struct vd_stream *stream)
{
    ssize_t count;

    if (stream->state != VD_STREAM_OPEN)
        return stream->state != VD_STREAM_FAILED;
    while (vd_stream_pending(stream) > 0) {
        count = write_some(stream);
        if (count < 0)
            return false;
        if (count == 0)
            break;
        stream->out_start += (size_t)count;
    }
    if (vd_stream_pending(stream) == 0) {
        stream->out_start = stream->out_end = 0;
        if (stream->out_capacity > OUT_KEEP_BYTES) {
            free(stream->out);
            stream->out = NULL;
            stream->out_capacity = 0;
        }
    }
    arm_for_open(stream);
    return true;
}

/* ---- end ---------------------------------------------------------------------------------------
 */

void vd_stream_abandon(struct vd_stream *stream)
{
    SSL_free(stream->session); /* says no goodbye */
    if (stream->state != VD_STREAM_CLOSED && stream->fd >= 0)
        close(stream->fd);
    OPENSSL_clear_free(stream->out, stream->out_capacity); /* the login went through it */
    *stream = (struct vd_stream){0};
}

void vd_stream_close(struct vd_stream *stream)
{
    /* a child that was forked meanwhile may hold the socket: close alone would end nothing */
    if (stream->state != VD_STREAM_CLOSED && stream->fd >= 0) {
        if (stream->state == VD_STREAM_OPEN && stream->session) {
            ERR_clear_error();
            SSL_shutdown(stream->session); /* close_notify, if the socket takes it */
            ERR_clear_error();
        }
        if (stream->armed)
            epoll_ctl(stream->epoll_fd, EPOLL_CTL_DEL, stream->fd, NULL);
        shutdown(stream->fd, SHUT_RDWR);
    }
    vd_stream_abandon(stream);
}
