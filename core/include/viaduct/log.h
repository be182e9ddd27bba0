/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines for the people who are on call: levels, one line an event, repeats rate-limited.
 *
 *     2026-11-20T12:00:00.123Z warn gateway[4711] worker_died: worker 2 (pid 4713) was killed by
 * signal 9
 *
 * One line is one write(2), so lines of several processes never mix. Control characters in the
 * text are escaped (\n, \x1b), so a log line cannot be forged by a request. On a terminal, where a
 * developer reads stack traces, a line break stays one, and what follows it is indented. */
#ifndef VIADUCT_LOG_H
#define VIADUCT_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

enum vd_log_level { VD_LOG_DEBUG, VD_LOG_INFO, VD_LOG_WARN, VD_LOG_ERROR, VD_LOG_OFF };

#define VD_LOG_PROCESS_CHARS 15
#define VD_LOG_REPEAT_KEYS   32

/* One recent event name; the fields are the logger's own. */
struct vd_log_repeat {
    const char *event;
    uint64_t window_start_ms;
    uint32_t printed;
    uint32_t suppressed;
};

/* Caller's memory, one per process; not shared between threads. */
struct vd_logger {
    int fd;
    bool is_terminal;
    enum vd_log_level level;
    char process[VD_LOG_PROCESS_CHARS + 1]; /* "gateway", "worker 2" */
    struct vd_log_repeat repeats[VD_LOG_REPEAT_KEYS];
};

/* @fd is borrowed (usually 2). @process is copied, cut to VD_LOG_PROCESS_CHARS. */
void vd_logger_init(struct vd_logger *logger, int fd, enum vd_log_level level, const char *process);

/* Write one line. @event is a snake_case name, a string literal (it is the key of the rate limit).
 * A NULL @logger writes nothing. Keeps errno. */
void vd_log(struct vd_logger *logger, enum vd_log_level level, const char *event,
            const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The same, at most 5 lines an event and 10 s; the next line that passes says how many were left
 * out. For what bad input, a crash loop or a broken broker can repeat. @now_ms is monotonic. */
void vd_log_limited(struct vd_logger *logger, uint64_t now_ms, enum vd_log_level level,
                    const char *event, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* "debug" .. "off". Returns false for any other word. */
bool vd_log_level_parse(const char *word, enum vd_log_level *level);
const char *vd_log_level_name(enum vd_log_level level);

#endif
