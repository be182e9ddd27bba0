/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor's connections: see doctor_line.h. The same stream as the driver's, but waited for. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/un.h>
#include <unistd.h>

#include <viaduct/clock.h>

#include "doctor_line.h"

#define READ_BYTES   ((size_t)16 * 1024)
#define WAIT_MOST_MS 60000

static bool fails(struct doctor_line *line, const struct vd_error *error)
{
    line->error = *error;
    return false;
}

static bool is_late(struct doctor_line *line)
{
    if (vd_monotonic_ms() < line->deadline_ms)
        return false;
    vd_error_set(&line->error, VD_ERR_TIMEOUT, "no answer within %.1f s", line->step_ms / 1000.0);
    return true;
}

static void begin_step(struct doctor_line *line)
{
    line->deadline_ms = vd_monotonic_ms() + line->step_ms;
}

static void wait_for(int fd, uint64_t deadline_ms)
{
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    uint64_t now_ms = vd_monotonic_ms();
    uint64_t left_ms = deadline_ms > now_ms ? deadline_ms - now_ms : 0;

    poll(&waiting, 1, left_ms > WAIT_MOST_MS ? WAIT_MOST_MS : (int)left_ms);
}

/* ---- name --------------------------------------------------------------------------------------
 */

static void list_address(struct cli_text *text, const struct addrinfo *address)
{
    char shown[NI_MAXHOST];

    if (getnameinfo(address->ai_addr, address->ai_addrlen, shown, sizeof(shown), NULL, 0,
                    NI_NUMERICHOST) == 0)
        cli_text_print(text, "%s%s", text->length ? ", " : "", shown);
}

static bool look_up(struct doctor_line *line, struct doctor *doctor, const char *host,
                    const char *port)
{
    uint64_t start_us = vd_monotonic_us();
    int notice_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct cli_text list = {0};
    enum vd_err code;

    begin_step(line);
    code = vd_resolve_start(host, port, notice_fd, &line->resolve, &line->error);
    while (!code &&
           (code = vd_resolve_take(line->resolve, &line->address, &line->error)) == VD_ERR_EMPTY) {
        if (is_late(line)) {
            code = VD_ERR_TIMEOUT;
            break;
        }
        wait_for(notice_fd, line->deadline_ms);
        code = VD_OK;
    }
    close(notice_fd);
    if (code) {
        doctor_step(doctor, DOCTOR_FAILED, "name", "\"%s\": %s", host, line->error.text);
        doctor_advise(doctor,
                      "Is the name spelled right? Does \"getent hosts NAME\" find it on this "
                      "machine? In containers names come from their own network's DNS.");
        return false;
    }
    if (line->address->ai_family == AF_UNIX)
        return true; /* a path: there is no name */
    for (const struct addrinfo *one = line->address; one; one = one->ai_next)
        list_address(&list, one);
    doctor_step(doctor, DOCTOR_OK, "name", "\"%s\" is %s (%.1f ms)", host, cli_text_string(&list),
                (double)(vd_monotonic_us() - start_us) / 1000);
    cli_text_finish(&list);
    return true;
}

/* ---- TCP ---------------------------------------------------------------------------------------
 */

static bool advance(struct doctor_line *line)
{
    enum vd_err code;

    while ((code = vd_stream_advance(&line->stream)) == VD_ERR_EMPTY) {
        if (is_late(line))
            return false;
        wait_for(line->epoll_fd, line->deadline_ms);
    }
    return code ? fails(line, &line->stream.error) : true;
}

static bool dial(struct doctor_line *line, const struct addrinfo *address)
{
    begin_step(line);
    line->in.length = 0;
    if (line->epoll_fd < 0)
        line->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (vd_stream_open(&line->stream, address, line->step_ms, NULL, NULL, line->epoll_fd) != VD_OK)
        return fails(line, &line->stream.error);
    return advance(line);
}

static void advise_connection(struct doctor *doctor, const struct doctor_line *line, int family)
{
    if (family == AF_UNIX) {
        doctor_advise(doctor,
                      "Is the server running on this machine, is that its \"unixsocket\", and may "
                      "this user open it (\"unixsocketperm\")?");
    } else if (line->error.code == VD_ERR_TIMEOUT) {
        doctor_advise(doctor,
                      "Packets get no answer: a firewall or security group drops them, the address "
                      "is wrong, or the machine is off.");
    } else if (strstr(line->error.text, strerror(ECONNREFUSED))) {
        doctor_advise(doctor,
                      "The machine is there, but nothing listens on that port. Is the server "
                      "running, is the port right, and does it listen on this address (\"bind\" in "
                      "redis.conf, \"host\" in nats-server's)?");
    } else {
        doctor_advise(doctor, "Is there a route from this machine to that address (\"ip route "
                              "get ADDRESS\")?");
    }
}

static void name_address(const struct addrinfo *address, const char *port, char *shown, size_t size)
{
    struct cli_text text = {0};

    if (address->ai_family == AF_UNIX) {
        const struct sockaddr_un *path = (const void *)address->ai_addr;
        snprintf(shown, size, "unix socket %s", path->sun_path);
        return;
    }
    list_address(&text, address);
    snprintf(shown, size, "%s port %s", cli_text_string(&text), port);
    cli_text_finish(&text);
}

static bool connect_to_one(struct doctor_line *line, struct doctor *doctor, const char *port)
{
    int family = AF_UNSPEC;
    char shown[160];

    for (const struct addrinfo *one = line->address; one; one = one->ai_next) {
        uint64_t start_us = vd_monotonic_us();
        bool connected = dial(line, one);
        family = one->ai_family;
        name_address(one, port, shown, sizeof(shown));
        if (connected) {
            line->address = one;
            doctor_step(doctor, DOCTOR_OK, "connection", "%s (%.2f ms)", shown,
                        (double)(vd_monotonic_us() - start_us) / 1000);
            return true;
        }
        vd_stream_close(&line->stream);
        doctor_step(doctor, one->ai_next ? DOCTOR_WARNING : DOCTOR_FAILED, "connection", "%s: %s",
                    shown, line->error.text);
    }
    advise_connection(doctor, line, family);
    return false;
}

bool doctor_line_open(struct doctor_line *line, struct doctor *doctor, const char *host,
                      const char *port)
{
    *line = (struct doctor_line){.epoll_fd = -1, .step_ms = doctor->step_ms};
    if (look_up(line, doctor, host, port) && connect_to_one(line, doctor, port))
        return true;
    doctor_line_close(line);
    return false;
}

bool doctor_line_again(struct doctor_line *line, const struct doctor_line *first)
{
    *line = (struct doctor_line){.epoll_fd = -1, .step_ms = first->step_ms};
    line->address = first->address;
    if (dial(line, first->address))
        return true;
    vd_stream_close(&line->stream);
    close(line->epoll_fd);
    line->epoll_fd = -1;
    return false;
}

bool doctor_line_secure(struct doctor_line *line, struct vd_tls *tls, const char *host)
{
    struct vd_stream *stream = &line->stream;

    begin_step(line);
    stream->tls = tls;
    stream->host = host;
    if (vd_tls_session_create(tls, host, stream->fd, &stream->session, &line->error) != VD_OK)
        return false;
    stream->state = VD_STREAM_HANDSHAKING;
    return advance(line);
}

/* ---- bytes -------------------------------------------------------------------------------------
 */

bool doctor_line_send(struct doctor_line *line, const void *bytes, size_t length)
{
    begin_step(line);
    if (!vd_stream_queue(&line->stream, bytes, length)) {
        vd_error_set(&line->error, VD_ERR_NO_MEMORY, "no memory");
        return false;
    }
    while (vd_stream_flush(&line->stream)) {
        if (vd_stream_pending(&line->stream) == 0)
            return true;
        if (is_late(line))
            return false;
        wait_for(line->epoll_fd, line->deadline_ms);
    }
    return fails(line, &line->stream.error);
}

bool doctor_line_read(struct doctor_line *line)
{
    char buffer[READ_BYTES];
    ssize_t count;

    if (line->in.length > DOCTOR_INPUT_BYTES) {
        vd_error_set(&line->error, VD_ERR_TOO_LARGE, "it sends more than any answer takes");
        return false;
    }
    if (is_late(line)) /* also when it never stops talking */
        return false;
    while ((count = vd_stream_read(&line->stream, buffer, sizeof(buffer))) == 0) {
        if (is_late(line))
            return false;
        wait_for(line->epoll_fd, line->deadline_ms);
    }
    if (count < 0)
        return fails(line, &line->stream.error);
    cli_text_add(&line->in, buffer, (size_t)count);
    return true;
}

void doctor_line_take(struct doctor_line *line, size_t length)
{
    if (length == 0)
        return;
    line->in.length -= length;
    memmove(line->in.bytes, line->in.bytes + length, line->in.length);
}

bool doctor_line_is_local(const struct doctor_line *line)
{
    const struct sockaddr *address = line->address->ai_addr;

    if (address->sa_family == AF_UNIX)
        return true;
    if (address->sa_family == AF_INET) {
        return ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr) >> 24 ==
               127;
    }
    return address->sa_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
}

void doctor_line_close(struct doctor_line *line)
{
    vd_stream_close(&line->stream);
    if (line->epoll_fd > 0)
        close(line->epoll_fd);
    vd_resolve_release(line->resolve);
    cli_text_finish(&line->in);
    *line = (struct doctor_line){0};
}
