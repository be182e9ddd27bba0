/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines: one event, one line, one write(2).
 *
 * Happy path: format the text, escape what could forge or garble a line, put time and process
 * before it, write. A line is never longer than PIPE_BUF, because only up to there a pipe (a
 * container's stderr) keeps the writes of several processes apart; a longer one is cut and ends in
 * "...[cut]".
 *
 * Failure modes: a log that cannot be written (full disk, full non-blocking pipe, closed
 * descriptor) loses the line: logging never blocks, fails or kills its caller. Text that is no
 * UTF-8 is written as \xNN. */
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <viaduct/clock.h>
#include <viaduct/log.h>

#include "utf8.h"

#define LINE_BYTES      PIPE_BUF
#define LIMIT_LINES     5
#define LIMIT_WINDOW_MS 10000

static const char cut_mark[] = "...[cut]";

/* Room is always kept for the mark and the newline. */
struct line {
    char bytes[LINE_BYTES];
    size_t length;
    bool cut;
    bool is_terminal;
};

static const char *const level_names[] = {
    [VD_LOG_DEBUG] = "debug", [VD_LOG_INFO] = "info", [VD_LOG_WARN] = "warn",
    [VD_LOG_ERROR] = "error", [VD_LOG_OFF] = "off",
};

const char *vd_log_level_name(enum vd_log_level level)
{
    return (unsigned)level <= VD_LOG_OFF ? level_names[level] : "unknown";
}

bool vd_log_level_parse(const char *word, enum vd_log_level *level)
{
    for (unsigned i = VD_LOG_DEBUG; word && i <= VD_LOG_OFF; i++) {
        if (strcmp(word, level_names[i]) == 0) {
            *level = (enum vd_log_level)i;
            return true;
        }
    }
    return false;
}

void vd_logger_init(struct vd_logger *logger, int fd, enum vd_log_level level, const char *process)
{
    *logger = (struct vd_logger){.fd = fd, .is_terminal = isatty(fd) == 1, .level = level};
    snprintf(logger->process, sizeof(logger->process), "%s", process ? process : "");
}

static void line_append(struct line *line, const char *text, size_t length)
{
    if (line->cut)
        return;
    if (length > sizeof(line->bytes) - sizeof(cut_mark) - line->length) {
        line->cut = true;
        return;
    }
    memcpy(line->bytes + line->length, text, length);
    line->length += length;
}

static void line_append_escaped_byte(struct line *line, unsigned char byte)
{
    char escaped[8];
    int length;

    if (byte == '\n' && line->is_terminal) {
        length = snprintf(escaped, sizeof(escaped), "\n    ");
    } else if (byte == '\n') {
        length = snprintf(escaped, sizeof(escaped), "\\n");
    } else if (byte == '\r') {
        length = snprintf(escaped, sizeof(escaped), "\\r");
    } else if (byte == '\t') {
        length = snprintf(escaped, sizeof(escaped), "\\t");
    } else {
        length = snprintf(escaped, sizeof(escaped), "\\x%02x", byte);
    }
    line_append(line, escaped, (size_t)length);
}

/* Text as it is, control characters and broken UTF-8 escaped. */
static void line_append_safely(struct line *line, const char *text, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)text;
    uint32_t code_point;

    for (size_t at = 0; at < length;) {
        size_t step = vd_utf8_decode(bytes + at, length - at, &code_point);
        if (step > 0 && !vd_utf8_is_control(code_point)) {
            line_append(line, text + at, step);
            at += step;
            continue;
        }
        for (size_t end = at + (step > 0 ? step : 1); at < end; at++)
            line_append_escaped_byte(line, bytes[at]);
    }
}

static void line_begin(struct line *line, const struct vd_logger *logger, enum vd_log_level level,
                       const char *event)
{
    char head[128];
    uint64_t now_ms = vd_wall_ms();
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm utc;
    int length;

    line->length = 0;
    line->cut = false;
    line->is_terminal = logger->is_terminal;
    gmtime_r(&seconds, &utc);
    length = snprintf(head, sizeof(head), "%04d-%02d-%02dT%02d:%02d:%02d.%03uZ %s ",
                      utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
                      utc.tm_sec, (unsigned)(now_ms % 1000), vd_log_level_name(level));
    line_append(line, head, (size_t)length);
    line_append_safely(line, logger->process, strlen(logger->process));
    length = snprintf(head, sizeof(head), "[%ld] ", (long)getpid());
    line_append(line, head, (size_t)length);
    line_append_safely(line, event, strlen(event));
    line_append(line, ": ", 2);
}

static void line_write(struct line *line, int fd)
{
    if (line->cut) {
        memcpy(line->bytes + line->length, cut_mark, sizeof(cut_mark) - 1);
        line->length += sizeof(cut_mark) - 1;
    }
    line->bytes[line->length++] = '\n';
    while (write(fd, line->bytes, line->length) < 0 && errno == EINTR)
        continue;
}

/* @left_out: lines of this event that the rate limit has swallowed before this one. */
__attribute__((format(printf, 5, 0))) static void write_event(const struct vd_logger *logger,
                                                              enum vd_log_level level,
                                                              const char *event, uint32_t left_out,
                                                              const char *format, va_list arguments)
{
    struct line line;
    char text[LINE_BYTES];
    int length;

    /* the analyzer of clang 14 loses sight of a va_list that is passed on */
    length = vsnprintf(text, sizeof(text), format, arguments); /* NOLINT(clang-analyzer-valist.*) */
    if (length < 0)
        length = 0;
    line_begin(&line, logger, level, event);
    if (left_out > 0) {
        char note[64];
        int note_length =
            snprintf(note, sizeof(note), "(%u more like this left out) ", (unsigned)left_out);
        line_append(&line, note, (size_t)note_length);
    }
    if ((size_t)length >= sizeof(text)) {
        line_append_safely(&line, text, sizeof(text) - 1);
        line.cut = true;
    } else {
        line_append_safely(&line, text, (size_t)length);
    }
    line_write(&line, logger->fd);
}

static bool is_wanted(const struct vd_logger *logger, enum vd_log_level level)
{
    return logger && level >= logger->level && level < VD_LOG_OFF;
}

void vd_log(struct vd_logger *logger, enum vd_log_level level, const char *event,
            const char *format, ...)
{
    int saved = errno;
    va_list arguments;

    if (!is_wanted(logger, level))
        return;
    va_start(arguments, format);
    write_event(logger, level, event, 0, format, arguments);
    va_end(arguments);
    errno = saved;
}

/* Also a place that another event has lost: what was left out of that one is told, not forgotten.
 */
static void repeat_take(struct vd_logger *logger, struct vd_log_repeat *repeat, const char *event,
                        uint64_t now_ms)
{
    if (repeat->suppressed > 0) {
        vd_log(logger, VD_LOG_WARN, repeat->event, "%u more like this left out",
               (unsigned)repeat->suppressed);
    }
    *repeat = (struct vd_log_repeat){.event = event, .window_start_ms = now_ms};
}

/* The event's place; the one with the oldest window when it has none yet and all are taken. */
static struct vd_log_repeat *repeat_find(struct vd_logger *logger, const char *event,
                                         uint64_t now_ms)
{
    struct vd_log_repeat *oldest = &logger->repeats[0];

    for (size_t i = 0; i < VD_LOG_REPEAT_KEYS; i++) {
        struct vd_log_repeat *repeat = &logger->repeats[i];
        if (!repeat->event) {
            oldest = repeat;
            break;
        }
        /* one literal in two source files has two addresses */
        if (repeat->event == event || strcmp(repeat->event, event) == 0)
            return repeat;
        if (repeat->window_start_ms < oldest->window_start_ms)
            oldest = repeat;
    }
    repeat_take(logger, oldest, event, now_ms);
    return oldest;
}

void vd_log_limited(struct vd_logger *logger, uint64_t now_ms, enum vd_log_level level,
                    const char *event, const char *format, ...)
{
    int saved = errno;
    struct vd_log_repeat *repeat;
    uint32_t left_out = 0;
    va_list arguments;

    if (!is_wanted(logger, level))
        return;
    repeat = repeat_find(logger, event, now_ms);
    if (now_ms - repeat->window_start_ms >= LIMIT_WINDOW_MS) {
        left_out = repeat->suppressed;
        repeat->suppressed = 0;
        repeat->printed = 0;
        repeat->window_start_ms = now_ms;
    }
    if (repeat->printed < LIMIT_LINES) {
        repeat->printed++;
        va_start(arguments, format);
        write_event(logger, level, event, left_out, format, arguments);
        va_end(arguments);
    } else if (repeat->suppressed < UINT32_MAX) {
        repeat->suppressed++;
    }
    errno = saved;
}
