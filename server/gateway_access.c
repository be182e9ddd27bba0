/* SPDX-License-Identifier: Apache-2.0 */
/* The access log, written beside the work and never in its way.
 *
 * Happy path: what a line needs of the request is copied when it begins; when it is answered (or
 * its stream closed) the line goes into a buffer, and at the end of the turn the buffer leaves in
 * one write.
 *
 * Failure modes: a pipe that nobody reads, a full disk: what was not taken stays in the buffer and
 * is tried again shortly; when the buffer is full whole lines are dropped and counted
 * (viaduct_access_log_dropped_total), and nobody waits. The file is opened again when its path
 * names another one or none (once a second it is looked at), so that renaming it is all that a
 * rotation has to do. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common_access.h"
#include "gateway.h"

#define BUFFER_BYTES (256 * 1024)
#define LOOK_MS      1000
#define RETRY_MS     20

struct gw_access_log {
    int fd; /* -1: cannot be opened just now */
    enum vd_access_way way;
    dev_t device;
    ino_t inode;
    uint64_t look_ms;  /* next look at the path */
    uint64_t retry_ms; /* it took nothing: not before */
    size_t first, length;
    bool cut; /* the first bytes are the rest of a line */
    char buffer[BUFFER_BYTES];
};

/* What is remembered of a request; the texts one after the other in `texts`. */
struct gw_access_note {
    uint64_t started_us;
    uint64_t taken_us; /* by its worker; 0: not */
    int worker;
    unsigned minor_version;
    bool has_referer, has_agent;
    size_t method_length, target_length, referer_length, agent_length;
    char texts[];
};

/* ---- the file ----------------------------------------------------------------------------------
 */

static void open_file(struct gateway *gateway)
{
    struct gw_access_log *log = gateway->access_log;
    struct stat status;

    log->fd = vd_access_open(gateway->config, &log->way);
    if (log->fd < 0) {
        /* a named pipe without a reader is no mistake, but lines are lost all the same */
        vd_log_limited(gateway->logger, gateway->now_ms, VD_LOG_ERROR, "access_log_closed",
                       "cannot be opened: %s; trying again", strerror(errno));
        return;
    }
    if (fstat(log->fd, &status) == 0) {
        log->device = status.st_dev;
        log->inode = status.st_ino;
    }
}

enum vd_err gw_access_start(struct gateway *gateway)
{
    if (gateway->config->access_log == VD_ACCESS_OFF)
        return VD_OK;
    gateway->access_log = calloc(1, sizeof(*gateway->access_log));
    if (!gateway->access_log)
        return VD_ERR_NO_MEMORY;
    open_file(gateway);
    gateway->access_log->look_ms = gateway->now_ms + LOOK_MS;
    return VD_OK;
}

/* A pipe that polls as writable takes PIPE_BUF bytes at once. */
static ssize_t write_shared(int fd, const char *from, size_t length)
{
    struct pollfd poller = {.fd = fd, .events = POLLOUT};
    size_t done = 0;

    while (done < length && poll(&poller, 1, 0) == 1 && poller.revents & POLLOUT) {
        size_t part = length - done < PIPE_BUF ? length - done : PIPE_BUF;
        ssize_t written = write(fd, from + done, part);

        if (written <= 0)
            return done ? (ssize_t)done : written;
        done += (size_t)written;
    }
    errno = EAGAIN;
    return done ? (ssize_t)done : -1;
}

static ssize_t write_some(struct gw_access_log *log)
{
    const char *from = log->buffer + log->first;

    if (log->way == VD_ACCESS_SEND)
        return send(log->fd, from, log->length, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (log->way == VD_ACCESS_SHARED)
        return write_shared(log->fd, from, log->length);
    return write(log->fd, from, log->length);
}

void gw_access_flush(struct gateway *gateway)
{
    struct gw_access_log *log = gateway->access_log;
    ssize_t written;

    if (!log || log->length == 0 || log->fd < 0 || gateway->now_ms < log->retry_ms)
        return;
    written = write_some(log);
    if (written <= 0) {
        log->retry_ms = gateway->now_ms + RETRY_MS;
        if (written < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
            vd_log_limited(gateway->logger, gateway->now_ms, VD_LOG_ERROR, "access_log_failed",
                           "%s; trying again", strerror(errno));
        return;
    }
    log->first += (size_t)written;
    log->length -= (size_t)written;
    log->cut = log->buffer[log->first - 1] != '\n';
    if (log->length == 0)
        log->first = 0;
    else
        log->retry_ms = gateway->now_ms + RETRY_MS;
}

/* Half a line went to a file that is gone: its other half makes no sense in the next one. */
static void drop_cut_line(struct gateway *gateway)
{
    struct gw_access_log *log = gateway->access_log;
    const char *end;

    if (!log->cut || log->length == 0)
        return;
    end = memchr(log->buffer + log->first, '\n', log->length);
    size_t dropped = end ? (size_t)(end - (log->buffer + log->first)) + 1 : log->length;

    log->first += dropped;
    log->length -= dropped;
    log->cut = false;
    gateway->counters.access_log_dropped++;
}

static bool was_renamed(const struct gateway *gateway)
{
    const struct gw_access_log *log = gateway->access_log;
    struct stat status;

    return gateway->config->access_log_path &&
           (stat(gateway->config->access_log_path, &status) != 0 || status.st_dev != log->device ||
            status.st_ino != log->inode);
}

void gw_access_sweep(struct gateway *gateway)
{
    struct gw_access_log *log = gateway->access_log;

    if (!log || gateway->now_ms < log->look_ms)
        return;
    log->look_ms = gateway->now_ms + LOOK_MS;
    if (log->fd >= 0 && !was_renamed(gateway))
        return;
    if (log->fd >= 0) {
        log->retry_ms = 0;
        gw_access_flush(gateway);
        close(log->fd);
        drop_cut_line(gateway);
    }
    log->retry_ms = 0;
    open_file(gateway);
}

void gw_access_finish(struct gateway *gateway)
{
    if (!gateway->access_log)
        return;
    gateway->access_log->retry_ms = 0;
    gw_access_flush(gateway);
    if (gateway->access_log->fd >= 0)
        close(gateway->access_log->fd);
    free(gateway->access_log);
    gateway->access_log = NULL;
}

static void append(struct gateway *gateway, const char *line, size_t length)
{
    struct gw_access_log *log = gateway->access_log;

    if (log->first + log->length + length > BUFFER_BYTES) {
        memmove(log->buffer, log->buffer + log->first, log->length);
        log->first = 0;
    }
    if (log->length + length > BUFFER_BYTES) {
        gw_access_flush(gateway); /* a turn with very many requests */
        memmove(log->buffer, log->buffer + log->first, log->length);
        log->first = 0;
    }
    if (log->length + length > BUFFER_BYTES) {
        gateway->counters.access_log_dropped++;
        vd_log_limited(gateway->logger, gateway->now_ms, VD_LOG_WARN, "access_log_full",
                       "the access log is not taken fast enough: lines are dropped");
        return;
    }
    memcpy(log->buffer + log->first + log->length, line, length);
    log->length += length;
}

/* ---- requests ----------------------------------------------------------------------------------
 */

static struct vd_text field_text(const char *bytes, const struct vd_http_request *head,
                                 const char *name)
{
    for (size_t i = 0; i < head->header_count; i++) {
        const struct vd_http_field *field = &head->headers[i];

        if (vd_http_name_is(bytes + field->name.offset, field->name.length, name))
            return (struct vd_text){bytes + field->value.offset, field->value.length};
    }
    return (struct vd_text){NULL, 0};
}

/* No line is that long: what is cut off here is not logged anyway. */
static size_t shortened(size_t length)
{
    return length < 2048 ? length : 2048;
}

static size_t note_text(struct gw_access_note *note, size_t at, struct vd_text text, size_t *length)
{
    *length = shortened(text.length);
    if (*length)
        memcpy(note->texts + at, text.bytes, *length);
    return at + *length;
}

void gw_access_begin(struct gw_connection *connection, const char *bytes,
                     const struct vd_http_request *head)
{
    const struct gateway *gateway = connection->gateway;
    bool query = gateway->config->access_log_query && head->query.length;
    struct vd_http_span target = query ? head->target : head->path;
    struct gw_access_note *note;
    size_t at = 0;

    if (!gateway->access_log)
        return;
    struct vd_text method = {bytes + head->method_span.offset, head->method_span.length};
    struct vd_text path = {bytes + target.offset, target.length};
    struct vd_text referer = field_text(bytes, head, "referer");
    struct vd_text agent = field_text(bytes, head, "user-agent");

    free(connection->access.note);
    note = malloc(sizeof(*note) + shortened(method.length) + shortened(path.length) +
                  shortened(referer.length) + shortened(agent.length));
    connection->access = (struct gw_access){.note = note, .open = true};
    if (!note)
        return;
    note->started_us = vd_monotonic_us();
    note->taken_us = 0;
    note->worker = -1;
    note->minor_version = head->minor_version;
    note->has_referer = referer.bytes;
    note->has_agent = agent.bytes;
    at = note_text(note, at, method, &note->method_length);
    at = note_text(note, at, path, &note->target_length);
    at = note_text(note, at, referer, &note->referer_length);
    note_text(note, at, agent, &note->agent_length);
}

void gw_access_worker(const struct gw_request *request)
{
    struct gw_access_note *note = request->connection ? request->connection->access.note : NULL;

    if (!note || note->taken_us || !request->worker)
        return;
    note->worker = (int)request->worker->index;
    note->taken_us = atomic_load_explicit(&request->worker->slot->taken_us[request->claim],
                                          memory_order_acquire);
}

static void add_note(struct vd_access_entry *entry, const struct gw_access_note *note)
{
    const char *at = note->texts;
    uint64_t now_us = vd_monotonic_us();
    uint64_t taken_us = note->taken_us;

    /* with a worker that never took it all was waiting, without a worker none was */
    if (taken_us == 0)
        taken_us = note->worker < 0 ? note->started_us : now_us;
    entry->minor_version = note->minor_version;
    entry->worker = note->worker;
    entry->queue_us = taken_us > note->started_us ? taken_us - note->started_us : 0;
    entry->handling_us = now_us > taken_us ? now_us - taken_us : 0;
    entry->method = (struct vd_text){at, note->method_length};
    at += note->method_length;
    entry->target = (struct vd_text){at, note->target_length};
    at += note->target_length;
    entry->referer = (struct vd_text){note->has_referer ? at : NULL, note->referer_length};
    at += note->referer_length;
    entry->agent = (struct vd_text){note->has_agent ? at : NULL, note->agent_length};
}

void gw_access_end(struct gw_connection *connection, bool complete)
{
    struct gateway *gateway = connection->gateway;
    struct gw_access *access = &connection->access;
    char line[VD_ACCESS_LINE_BYTES];

    if (access->note && connection->request)
        gw_access_worker(connection->request);
    if (gateway->access_log && (access->open || access->status)) {
        struct vd_access_entry entry = {
            .wall_ms = gateway->wall_ms,
            .request_id = gw_edge_request_id(connection),
            .remote_address = gw_edge_remote_address(connection),
            .https = connection->edge.https,
            .minor_version = connection->minor_1,
            .status = access->status ? access->status : VD_ACCESS_CLIENT_LEFT,
            .body_bytes = access->body_bytes,
            .worker = -1,
            .stream = connection->stream != NULL,
            .complete = complete || connection->stream,
        };

        if (access->note)
            add_note(&entry, access->note);
        append(gateway, line, vd_access_line(gateway->config->access_log, &entry, line));
    }
    free(access->note);
    *access = (struct gw_access){0};
}
