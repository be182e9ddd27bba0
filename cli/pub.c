/* SPDX-License-Identifier: Apache-2.0 */
/* viaduct pub SCOPE [DATA]: publish, and end when the broker has confirmed.
 *
 * Happy path: the message goes into the handle's outbox before anything is connected; the loop
 * turns until it is confirmed. With --lines each line is a message that goes out as it comes, so
 * that `tail -f log | viaduct pub --lines log` works.
 *
 * Failure modes: a refused login or certificate ends at once; a server that is not there is tried
 * again until nothing was confirmed for --timeout. What was sent and not confirmed may have arrived
 * all the same: the exit code says that it is not known. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <viaduct/clock.h>
#include <viaduct/scope.h>

#include "commands.h"
#include "session.h"

#define TIMEOUT_MS   10000
#define READ_BYTES   ((size_t)64 * 1024)
#define SLICE_MS     100 /* how often the deadline is looked at */
#define INPUT_LENGTH VD_MESSAGE_MAX_BYTES

struct publication {
    struct cli_session session;
    const struct cli_options *options;
    struct vd_message message; /* without data */
    uint32_t timeout_ms;       /* 0: no limit */
    uint64_t confirmed, progress_ms;
    uint64_t line;
};

/* ---- waiting -----------------------------------------------------------------------------------
 */

/* One turn of the handle. Has it failed for good, or made no progress for too long? */
static enum cli_exit turn(struct publication *work, int timeout_ms)
{
    struct vd_broker_status status;
    uint64_t confirmed;

    vd_broker_poll(work->session.broker, timeout_ms);
    cli_session_connected(&work->session);
    vd_broker_status(work->session.broker, &status);
    if (work->session.hopeless || status.counters.outbox_drops > 0) {
        cli_say("%s (%s)", work->session.last_failure, work->session.settings.shown);
        return CLI_FAILED;
    }
    confirmed = status.counters.published - status.outbox_messages;
    if (confirmed != work->confirmed || status.outbox_messages == 0) {
        work->confirmed = confirmed;
        work->progress_ms = vd_monotonic_ms();
    } else if (work->timeout_ms && vd_monotonic_ms() - work->progress_ms >= work->timeout_ms) {
        cli_say("%s has confirmed nothing for %.1f s%s%s", work->session.settings.shown,
                work->timeout_ms / 1000.0, *cli_session_why(&work->session) ? ": " : "",
                cli_session_why(&work->session));
        return CLI_TIMED_OUT;
    }
    return CLI_DONE;
}

static enum cli_exit wait_until_confirmed(struct publication *work)
{
    enum cli_exit code = CLI_DONE;

    while (!code && vd_broker_flush(work->session.broker, SLICE_MS) == VD_ERR_TIMEOUT)
        code = turn(work, 0);
    return code ? code : turn(work, 0); /* what was dropped is not unconfirmed any more */
}

/* ---- one message -------------------------------------------------------------------------------
 */

static enum cli_exit publish(struct publication *work, const void *data, size_t length)
{
    struct vd_message message = work->message;
    enum cli_exit exit_code = CLI_DONE;
    struct vd_error error;
    enum vd_err code;

    message.data = data;
    message.data_length = length;
    message.has_data = data != NULL;
    while ((code = vd_broker_publish(work->session.broker, &message, &error)) == VD_ERR_FULL &&
           !exit_code)
        exit_code = turn(work, SLICE_MS);
    if (exit_code || !code)
        return exit_code;
    if (work->line > 0) {
        cli_say("line %llu: %s", (unsigned long long)work->line, error.text);
    } else {
        cli_say("%s", error.text);
    }
    return code == VD_ERR_INVALID || code == VD_ERR_TOO_LARGE ? CLI_USAGE : CLI_FAILED;
}

/* ---- input -------------------------------------------------------------------------------------
 */

static int open_input(const struct cli_options *options)
{
    int fd = options->file ? open(options->file, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;

    if (fd < 0)
        cli_say("--file: %s: %s", options->file, strerror(errno));
    return fd;
}

/* Waits for input without leaving the link alone. Bytes read, 0 at the end, -1: *@code. */
static ssize_t read_input(struct publication *work, int fd, char *buffer, size_t capacity,
                          enum cli_exit *code)
{
    struct pollfd fds[2] = {{.fd = fd, .events = POLLIN},
                            {.fd = vd_broker_fd(work->session.broker), .events = POLLIN}};
    ssize_t count;

    for (;;) {
        if (poll(fds, 2, SLICE_MS) > 0 && fds[0].revents) {
            count = read(fd, buffer, capacity);
            if (count >= 0)
                return count;
            if (errno != EINTR && errno != EAGAIN) {
                cli_say("the input cannot be read: %s", strerror(errno));
                *code = CLI_FAILED;
                return -1;
            }
        }
        *code = turn(work, 0);
        if (*code)
            return -1;
    }
}

/* Publishes each whole line of the buffer; *@length is what is left of it. */
static enum cli_exit publish_lines(struct publication *work, char *buffer, size_t *length)
{
    enum cli_exit code = CLI_DONE;
    char *line = buffer, *end = buffer + *length, *newline;

    while (!code && (newline = memchr(line, '\n', (size_t)(end - line))) != NULL) {
        work->line++;
        code = publish(work, line, (size_t)(newline - line));
        line = newline + 1;
    }
    *length = (size_t)(end - line);
    memmove(buffer, line, *length);
    return code;
}

/* The buffer has room for one byte more than the longest message, so that publish() refuses what is
 * too long in its own words. */
static enum cli_exit publish_input(struct publication *work, int fd)
{
    size_t length = 0, capacity = INPUT_LENGTH + 1;
    char *buffer = malloc(capacity);
    enum cli_exit code = buffer ? CLI_DONE : CLI_FAILED;
    ssize_t count = 1;

    while (!code && count > 0 && length < capacity) {
        size_t room = capacity - length;
        count = read_input(work, fd, buffer + length, room < READ_BYTES ? room : READ_BYTES, &code);
        if (count > 0) {
            length += (size_t)count;
            if (work->options->lines)
                code = publish_lines(work, buffer, &length);
        }
    }
    if (!code && (!work->options->lines || length > 0)) {
        work->line += work->options->lines;
        code = publish(work, buffer, length);
    }
    free(buffer);
    return code;
}

/* ---- the command -------------------------------------------------------------------------------
 */

static bool has_dash(const struct cli_options *options)
{
    return options->word_count == 2 && strcmp(options->words[1], "-") == 0;
}

static bool takes_input(const struct cli_options *options)
{
    return options->from_stdin || options->file || options->lines || has_dash(options);
}

/* Before anybody is connected to. */
static bool check(const struct publication *work)
{
    const struct cli_options *options = work->options;
    bool word = options->word_count == 2 && !has_dash(options);
    bool standard = options->from_stdin || has_dash(options);
    struct vd_error error;

    if (options->word_count < 1 || options->word_count > 2) {
        cli_say("pub: a SCOPE and at most one DATA are wanted (quote data with spaces), %d words "
                "are there",
                options->word_count);
        return false;
    }
    if (word + standard + (options->file != NULL) > 1 || (word && options->lines)) {
        cli_say("pub: the data comes from one place: DATA, --stdin or --file");
        return false;
    }
    if (vd_message_check(&work->message, 0, &error) != VD_OK) {
        cli_say("%s", error.text);
        return false;
    }
    if (!options->quiet &&
        vd_scope_kind(work->message.scope, work->message.scope_length) == VD_SCOPE_TAB) {
        cli_say("servers leave messages about \"tab\" from elsewhere alone: that scope is of each "
                "node alone");
    }
    return true;
}

static enum cli_exit publish_all(struct publication *work)
{
    const struct cli_options *options = work->options;
    const char *data = options->word_count == 2 ? options->words[1] : NULL;
    enum cli_exit code, confirmed;
    int fd;

    if (takes_input(options)) {
        fd = open_input(options);
        if (fd < 0)
            return CLI_USAGE;
        code = publish_input(work, fd);
        if (fd != STDIN_FILENO)
            close(fd);
    } else {
        code = publish(work, data, data ? strlen(data) : 0);
    }
    if (code == CLI_TIMED_OUT || work->session.hopeless || cli_session_dropped(&work->session))
        return code;
    confirmed = wait_until_confirmed(work); /* also what came before a bad line */
    return code ? code : confirmed;
}

enum cli_exit cli_pub(const struct cli_options *options)
{
    struct publication work = {
        .options = options,
        .message = {.scope = options->word_count > 0 ? options->words[0] : "",
                    .event = options->event},
        .timeout_ms = options->timeout_given ? options->timeout_ms : TIMEOUT_MS,
        .progress_ms = vd_monotonic_ms(),
    };
    enum cli_exit code;

    work.message.scope_length = strlen(work.message.scope);
    work.message.event_length = options->event ? strlen(options->event) : 0;
    if (!check(&work) || !cli_session_open(&work.session, options))
        return CLI_USAGE;
    code = publish_all(&work);
    cli_session_close(&work.session);
    return code;
}
