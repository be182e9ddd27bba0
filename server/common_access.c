/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the access log (common_access.h).
 *
 * The first is Apache's "combined" format (https://httpd.apache.org/docs/2.4/logs.html), which
 * every log reader knows, with what it has no place for behind it. Happy path: a line is put
 * together in a buffer that is larger than any line can be. Failure: what a client sends can
 * neither end a line nor a quoted part of it, nor make it longer than the texts are cut to. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common_access.h"

#define METHOD_BYTES 32
#define TARGET_BYTES 2048
#define FIELD_BYTES  512
/* every byte of the texts as six, and a generous rest */
_Static_assert((METHOD_BYTES + TARGET_BYTES + 2 * FIELD_BYTES) * 6 + 1024 < VD_ACCESS_LINE_BYTES,
               "any line has room");

struct line {
    char *bytes;
    size_t length;
};

static void print(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void print(struct line *line, const char *format, ...)
{
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(line->bytes + line->length, VD_ACCESS_LINE_BYTES - line->length, format,
                       arguments);
    va_end(arguments);
    if (length > 0)
        line->length += (size_t)length;
}

static void put(struct line *line, char byte)
{
    line->bytes[line->length++] = byte;
}

static void put_text(struct line *line, struct vd_text text, size_t most, bool json)
{
    for (size_t i = 0; i < text.length && i < most; i++) {
        unsigned char byte = (unsigned char)text.bytes[i];

        if (byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\')
            put(line, (char)byte);
        else if (json)
            print(line, "\\u%04x", byte);
        else
            print(line, "\\x%02x", byte);
    }
}

/* ---- combined ----------------------------------------------------------------------------------
 */

/* In English whatever the locale; in UTC. */
static void print_time(struct line *line, uint64_t wall_ms)
{
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts;

    gmtime_r(&seconds, &parts);
    print(line, "[%02d/%s/%04d:%02d:%02d:%02d +0000]", parts.tm_mday, months[parts.tm_mon % 12],
          parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

static void quote(struct line *line, struct vd_text text)
{
    print(line, " \"");
    if (text.bytes)
        put_text(line, text, FIELD_BYTES, false);
    else
        put(line, '-');
    put(line, '"');
}

static void print_seconds(struct line *line, const char *name, uint64_t us)
{
    print(line, " %s=%" PRIu64 ".%06" PRIu64, name, us / 1000000, us % 1000000);
}

static void print_combined(struct line *line, const struct vd_access_entry *entry)
{
    print(line, "%s - - ", entry->remote_address[0] ? entry->remote_address : "-");
    print_time(line, entry->wall_ms);
    print(line, " \"");
    if (entry->method.length > 0) {
        put_text(line, entry->method, METHOD_BYTES, false);
        put(line, ' ');
        put_text(line, entry->target, TARGET_BYTES, false);
        print(line, " HTTP/1.%u\"", entry->minor_version);
    } else {
        print(line, "-\"");
    }
    print(line, " %u %" PRIu64, entry->status, entry->body_bytes);
    quote(line, entry->referer);
    quote(line, entry->agent);
    print(line, " id=%s", entry->request_id);
    if (entry->worker >= 0)
        print(line, " worker=%d", entry->worker);
    else
        print(line, " worker=-");
    print_seconds(line, "queue", entry->queue_us);
    print_seconds(line, "time", entry->handling_us);
    if (!entry->complete)
        print(line, " cut");
}

/* ---- JSON --------------------------------------------------------------------------------------
 */

static void print_json_time(struct line *line, uint64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts;

    gmtime_r(&seconds, &parts);
    print(line, "{\"time\":\"%04d-%02d-%02dT%02d:%02d:%02d.%03uZ\"", parts.tm_year + 1900,
          parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
          (unsigned)(wall_ms % 1000));
}

static void member(struct line *line, const char *name, struct vd_text text, size_t most)
{
    print(line, ",\"%s\":", name);
    if (!text.bytes) {
        print(line, "null");
        return;
    }
    put(line, '"');
    put_text(line, text, most, true);
    put(line, '"');
}

static void print_json(struct line *line, const struct vd_access_entry *entry)
{
    struct vd_text method = entry->method, target = entry->target;

    if (method.length == 0)
        method.bytes = target.bytes = NULL;
    print_json_time(line, entry->wall_ms);
    print(line, ",\"id\":\"%s\",\"remote\":\"%s\",\"scheme\":\"%s\"", entry->request_id,
          entry->remote_address, entry->https ? "https" : "http");
    member(line, "method", method, METHOD_BYTES);
    member(line, "target", target, TARGET_BYTES);
    print(line, ",\"protocol\":\"HTTP/1.%u\",\"status\":%u,\"bytes\":%" PRIu64,
          entry->minor_version, entry->status, entry->body_bytes);
    member(line, "referer", entry->referer, FIELD_BYTES);
    member(line, "agent", entry->agent, FIELD_BYTES);
    if (entry->worker >= 0)
        print(line, ",\"worker\":%d", entry->worker);
    else
        print(line, ",\"worker\":null");
    print(line, ",\"queue_us\":%" PRIu64 ",\"time_us\":%" PRIu64 ",\"stream\":%s,\"complete\":%s}",
          entry->queue_us, entry->handling_us, entry->stream ? "true" : "false",
          entry->complete ? "true" : "false");
}

size_t vd_access_line(enum vd_access_log format, const struct vd_access_entry *entry,
                      char bytes[VD_ACCESS_LINE_BYTES])
{
    struct line line = {.bytes = bytes};

    if (format == VD_ACCESS_JSON)
        print_json(&line, entry);
    else
        print_combined(&line, entry);
    put(&line, '\n');
    return line.length;
}

/* ---- where it goes -----------------------------------------------------------------------------
 */

int vd_access_open(const struct vd_server_config *config, enum vd_access_way *way)
{
    const int flags = O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    struct stat status;
    char path[32];
    int fd = config->access_log_fd, own;

    *way = VD_ACCESS_WRITE;
    if (config->access_log_path)
        return open(config->access_log_path, flags | O_CREAT, 0640);
    if (fstat(fd, &status) != 0)
        return -1;
    /* a file never makes a writer wait like a pipe does; and where it does not append, only the
     * shared offset keeps us and others from writing over each other */
    if (S_ISREG(status.st_mode))
        return fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (!S_ISSOCK(status.st_mode)) {
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        own = open(path, flags);
        if (own >= 0 || (errno != EACCES && errno != ENOENT))
            return own;
    }
    /* standard output of a container is often a pipe that its user may write to, not open */
    *way = S_ISSOCK(status.st_mode) ? VD_ACCESS_SEND : VD_ACCESS_SHARED;
    return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}
