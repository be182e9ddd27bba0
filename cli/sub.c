/* SPDX-License-Identifier: Apache-2.0 */
/* viaduct sub [PATTERN...]: one line a message on standard output, everything else on standard
 * error.
 *
 * Happy path: lines are collected while the handle dispatches, then written as fast as the reader
 * takes them. It ends with 0 by SIGINT or SIGTERM, when the reader is gone, after --count messages
 * or --timeout; with 3 when --timeout comes before --count.
 *
 * Failure modes: a full disk ends it with 1. A reader that does not read stops us, so the broker
 * counts us as slow: then a gap is said. A drop of the link is said, and tried again, for ever
 * unless it never was up and the login or the certificate is refused. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include <viaduct/clock.h>
#include <viaduct/scope.h>

#include "commands.h"
#include "session.h"
#include "text.h"

#define WRITE_BYTES ((size_t)4096) /* a pipe that is ready takes so many without waiting */
#define FINISH_MS   2000           /* for what is half written, after a signal */

struct listener {
    struct cli_session session;
    const struct cli_options *options;
    char **patterns;
    int pattern_count; /* 0: everything */
    struct cli_text out;
    uint64_t received;
    uint64_t deadline_ms; /* of --timeout; UINT64_MAX: none */
    uint64_t give_up_ms;  /* then a reader that does not read is not waited for any more */
    int signal_fd;
    bool ended;      /* by a signal or by the reader */
    int write_error; /* errno: standard output takes nothing, and its reader has not left */
};

/* ---- lines -------------------------------------------------------------------------------------
 */

static void add_time(struct cli_text *text, bool whole)
{
    uint64_t now_ms = vd_wall_ms();
    time_t seconds = (time_t)(now_ms / 1000);
    char formatted[32];
    struct tm parts;

    if (whole) {
        gmtime_r(&seconds, &parts);
        strftime(formatted, sizeof(formatted), "%Y-%m-%dT%H:%M:%S", &parts);
    } else {
        localtime_r(&seconds, &parts);
        strftime(formatted, sizeof(formatted), "%H:%M:%S", &parts);
    }
    cli_text_print(text, "%s.%03u%s", formatted, (unsigned)(now_ms % 1000), whole ? "Z" : "");
}

static void add_line(struct cli_text *text, const struct vd_message *message)
{
    add_time(text, false);
    cli_text_add(text, " ", 1);
    cli_text_safe(text, message->scope, message->scope_length);
    if (message->event) {
        cli_text_add(text, " [", 2);
        cli_text_safe(text, message->event, message->event_length);
        cli_text_add(text, "]", 1);
    }
    cli_text_add(text, " ", 1);
    if (message->has_data) {
        cli_text_safe(text, message->data, message->data_length);
    } else {
        cli_text_print(text, "(has changed)");
    }
    cli_text_add(text, "\n", 1);
}

/* The names of the wire format. */
static void add_json(struct cli_text *text, const struct vd_message *message)
{
    cli_text_print(text, "{\"scope\":");
    cli_text_json(text, message->scope, message->scope_length);
    if (message->event) {
        cli_text_print(text, ",\"event\":");
        cli_text_json(text, message->event, message->event_length);
    }
    if (message->has_data && cli_is_utf8(message->data, message->data_length)) {
        cli_text_print(text, ",\"data\":");
        cli_text_json(text, message->data, message->data_length);
    } else if (message->has_data) {
        cli_text_print(text, ",\"data64\":\"");
        cli_text_base64(text, message->data, message->data_length);
        cli_text_print(text, "\"");
    }
    if (message->origin) {
        cli_text_print(text, ",\"nodeId\":");
        cli_text_json(text, message->origin, message->origin_length);
    }
    if (message->sequence > 0)
        cli_text_print(text, ",\"seq\":%llu", (unsigned long long)message->sequence);
    cli_text_print(text, ",\"receivedAt\":\"");
    add_time(text, true);
    cli_text_print(text, "\"}\n");
}

static bool is_complete(const struct listener *listener)
{
    return listener->options->count > 0 && listener->received >= listener->options->count;
}

static bool is_wanted(const struct listener *listener, const struct vd_message *message)
{
    for (int i = 0; i < listener->pattern_count; i++) {
        if (vd_scope_overlaps(listener->patterns[i], strlen(listener->patterns[i]), message->scope,
                              message->scope_length))
            return true;
    }
    return listener->pattern_count == 0;
}

static void on_message(struct vd_broker *broker, const struct vd_message *message, void *context)
{
    struct listener *listener = context;

    (void)broker;
    if (is_complete(listener) || !is_wanted(listener, message))
        return;
    listener->received++;
    if (listener->options->json) {
        add_json(&listener->out, message);
    } else {
        add_line(&listener->out, message);
    }
}

/* ---- output ------------------------------------------------------------------------------------
 */

static int milliseconds_until(uint64_t when_ms)
{
    uint64_t now_ms = vd_monotonic_ms();

    if (when_ms == UINT64_MAX)
        return -1;
    if (when_ms <= now_ms)
        return 0;
    return when_ms - now_ms > 60000 ? 60000 : (int)(when_ms - now_ms);
}

static void read_signal(struct listener *listener, short events)
{
    struct signalfd_siginfo info;
    uint64_t soon_ms = vd_monotonic_ms() + FINISH_MS;

    if (!(events & POLLIN) || read(listener->signal_fd, &info, sizeof(info)) <= 0)
        return;
    if (!listener->ended && listener->give_up_ms > soon_ms)
        listener->give_up_ms = soon_ms;
    listener->ended = true;
}

/* All of it, also after a signal: no line ends in its middle, unless the reader is gone or does not
 * read until it is too late: false. */
static bool write_out(struct listener *listener)
{
    struct pollfd fds[2] = {{.fd = STDOUT_FILENO, .events = POLLOUT},
                            {.fd = listener->signal_fd, .events = POLLIN}};
    size_t written = 0, left;
    ssize_t count;

    while (written < listener->out.length && vd_monotonic_ms() < listener->give_up_ms) {
        if (poll(fds, 2, milliseconds_until(listener->give_up_ms)) <= 0)
            continue;
        read_signal(listener, fds[1].revents);
        if (!fds[0].revents)
            continue;
        left = listener->out.length - written;
        count = write(STDOUT_FILENO, listener->out.bytes + written,
                      left < WRITE_BYTES ? left : WRITE_BYTES);
        if (count > 0) {
            written += (size_t)count;
        } else if (errno != EINTR && errno != EAGAIN) {
            listener->ended = true;
            listener->write_error = errno == EPIPE ? 0 : errno;
            break;
        }
    }
    left = listener->out.length - written;
    listener->out.length = 0;
    return left == 0;
}

/* ---- the command -------------------------------------------------------------------------------
 */

/* By descriptor, so that they neither interrupt anything nor end it in the middle of a line. */
static int watch_signals(void)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    return signalfd(-1, &signals, SFD_CLOEXEC);
}

static void say_connected(struct listener *listener)
{
    bool before = listener->session.was_connected;
    const struct cli_settings *settings = &listener->session.settings;

    if (!before && cli_session_connected(&listener->session) && !listener->options->quiet) {
        cli_say("listening on %s%s%s", settings->shown,
                settings->broker.channel ? ", channel " : "",
                settings->broker.channel ? settings->broker.channel : "");
    }
}

static enum cli_exit time_is_up(const struct listener *listener)
{
    const struct cli_session *session = &listener->session;

    if (!session->was_connected) {
        cli_say("%s was not reached in time%s%s", session->settings.shown,
                *cli_session_why(session) ? ": " : "", cli_session_why(session));
        return CLI_TIMED_OUT;
    }
    return listener->options->count > 0 ? CLI_TIMED_OUT : CLI_DONE;
}

/* Standard output is only watched for its end (POLLERR, POLLHUP): no events are asked for. */
static enum cli_exit listen_until_end(struct listener *listener)
{
    struct pollfd fds[3] = {{.fd = vd_broker_fd(listener->session.broker), .events = POLLIN},
                            {.fd = listener->signal_fd, .events = POLLIN},
                            {.fd = STDOUT_FILENO}};
    bool whole;

    for (;;) {
        vd_broker_dispatch(listener->session.broker);
        say_connected(listener);
        whole = write_out(listener);
        if (listener->write_error) {
            cli_say("standard output cannot be written: %s", strerror(listener->write_error));
            return CLI_FAILED;
        }
        if (!whole && !listener->ended) {
            cli_say("nobody reads standard output");
            return CLI_TIMED_OUT;
        }
        if (listener->ended || is_complete(listener))
            return CLI_DONE;
        if (listener->session.hopeless) {
            cli_say("%s (%s)", listener->session.last_failure, listener->session.settings.shown);
            return CLI_FAILED;
        }
        if (vd_monotonic_ms() >= listener->deadline_ms)
            return time_is_up(listener);
        if (poll(fds, 3, milliseconds_until(listener->deadline_ms)) < 0)
            continue;
        read_signal(listener, fds[1].revents);
        if (fds[2].revents & (POLLERR | POLLHUP | POLLNVAL))
            return CLI_DONE;
    }
}

/* One subscription, whatever the number of patterns: who matches two of them is shown once. */
static bool subscribe(struct listener *listener)
{
    struct vd_error error = {0};

    for (int i = 0; i < listener->pattern_count; i++) {
        if (vd_scope_check(listener->patterns[i], strlen(listener->patterns[i]), &error) != VD_OK) {
            cli_say("pattern %d: %s", i + 1, error.text);
            return false;
        }
    }
    if (vd_broker_subscribe(listener->session.broker, "*", 1, on_message, listener, NULL, &error) ==
        VD_OK)
        return true;
    cli_say("%s", error.text);
    return false;
}

enum cli_exit cli_sub(const struct cli_options *options)
{
    struct listener listener = {
        .options = options,
        .patterns = options->words,
        .pattern_count = options->word_count,
        .deadline_ms = UINT64_MAX,
        .give_up_ms = UINT64_MAX,
    };
    enum cli_exit code = CLI_USAGE;

    if (options->timeout_ms > 0) {
        listener.deadline_ms = vd_monotonic_ms() + options->timeout_ms;
        listener.give_up_ms = listener.deadline_ms + FINISH_MS;
    }
    if (!cli_session_open(&listener.session, options))
        return CLI_USAGE;
    listener.signal_fd = watch_signals();
    if (subscribe(&listener))
        code = listen_until_end(&listener);
    close(listener.signal_fd);
    cli_session_close(&listener.session);
    cli_text_finish(&listener.out);
    return code;
}
