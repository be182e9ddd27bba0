/* SPDX-License-Identifier: Apache-2.0 */
/* viaduct top: a running node, looked at again and again.
 *
 * Happy path: the one node of this user is found (or --socket names it), asked every --interval and
 * drawn over the picture before, on the terminal's other screen; q, SIGINT or SIGTERM end it and
 * the terminal is as before, also while it is stopped by ^Z. Without a terminal that can move its
 * cursor the pictures follow each other.
 *
 * Failure modes: no node, or several: said, with the list. A node that ends: the last picture stays
 * away, a sentence is left. A node that does not answer (its gateway is being replaced) is asked
 * again for a while. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <viaduct/clock.h>

#include "commands.h"
#include "top.h"

#define INTERVAL_MS 1000
#define WHY_BYTES   128
#define WRITE_BYTES ((size_t)4096) /* a pipe that is ready takes so many without waiting */
#define LEAVE_MS    500            /* for the last bytes to a terminal that takes none */
#define WAIT_MOST   60000
#define PATIENCE_MS 15000 /* a gateway that hangs is replaced after 10 s */

/* Wide characters are cut at the edge: no line wraps. */
#define SCREEN_ENTER "\033[?1049h\033[?7l\033[?25l\033[H\033[2J"
#define SCREEN_LEAVE "\033[?25h\033[?7h\033[?1049l"
#define CURSOR_HOME  "\033[H"
#define LINE_REST    "\033[K"
#define SCREEN_REST  "\033[J"

struct viewer {
    const struct cli_options *options;
    const char *path;
    struct json_document before, now;
    uint32_t interval_ms;
    int signal_fd;
    bool on_screen; /* a terminal that can be drawn on */
    bool keys;      /* standard input is one, too */
    bool ended;
    bool gone;       /* standard output takes nothing any more */
    int write_error; /* errno, unless its reader has left */
    struct termios settings;
};

/* ---- the terminal ------------------------------------------------------------------------------
 */

/* While nobody reads, a signal that ends us still does. */
static bool was_ended(struct viewer *viewer)
{
    struct signalfd_siginfo info;

    if (read(viewer->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        viewer->ended = info.ssi_signo != SIGWINCH && info.ssi_signo != SIGTSTP;
    return viewer->ended;
}

static void write_out(struct viewer *viewer, const char *bytes, size_t length)
{
    bool leaving = viewer->ended;
    struct pollfd fds[2] = {{.fd = STDOUT_FILENO, .events = POLLOUT},
                            {.fd = leaving ? -1 : viewer->signal_fd, .events = POLLIN}};

    while (length > 0 && !viewer->gone) {
        if (poll(fds, 2, leaving ? LEAVE_MS : -1) == 0)
            return;
        if (!fds[0].revents) {
            if (fds[1].revents && was_ended(viewer))
                return;
            continue;
        }
        ssize_t count = write(STDOUT_FILENO, bytes, length < WRITE_BYTES ? length : WRITE_BYTES);
        if (count > 0) {
            bytes += count;
            length -= (size_t)count;
        } else if (errno != EINTR && errno != EAGAIN) {
            viewer->gone = true;
            viewer->write_error = errno == EPIPE || errno == EIO ? 0 : errno;
        }
    }
}

static void enter_screen(struct viewer *viewer)
{
    struct termios raw = viewer->settings;

    if (!viewer->on_screen)
        return;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    if (viewer->keys)
        tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    write_out(viewer, SCREEN_ENTER, strlen(SCREEN_ENTER));
}

static void leave_screen(struct viewer *viewer)
{
    if (!viewer->on_screen)
        return;
    write_out(viewer, SCREEN_LEAVE, strlen(SCREEN_LEAVE));
    if (viewer->keys)
        tcsetattr(STDIN_FILENO, TCSANOW, &viewer->settings);
}

static void look_at_terminal(struct viewer *viewer)
{
    const char *kind = getenv("TERM");

    viewer->on_screen = isatty(STDOUT_FILENO) && kind && *kind && strcmp(kind, "dumb") != 0 &&
                        !viewer->options->json && !viewer->options->once;
    viewer->keys = viewer->on_screen && isatty(STDIN_FILENO) &&
                   tcgetattr(STDIN_FILENO, &viewer->settings) == 0;
}

/* ---- a picture ---------------------------------------------------------------------------------
 */

/* Over the one before: each line wipes what is right of it, the end what is below. */
static void show_on_screen(struct viewer *viewer, const struct cli_text *picture)
{
    struct cli_text out = {0};
    size_t start = 0;

    cli_text_print(&out, CURSOR_HOME);
    for (size_t i = 0; i < picture->length; i++) {
        if (picture->bytes[i] != '\n')
            continue;
        cli_text_add(&out, picture->bytes + start, i - start);
        cli_text_print(&out, LINE_REST "%s", i + 1 < picture->length ? "\r\n" : "");
        start = i + 1;
    }
    cli_text_print(&out, SCREEN_REST);
    write_out(viewer, out.bytes, out.length);
    cli_text_finish(&out);
}

static void show(struct viewer *viewer)
{
    struct winsize size = {0};
    struct cli_text picture = {0};

    if (viewer->on_screen)
        ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    top_draw(&picture, viewer->now.root, viewer->before.root, size.ws_col, size.ws_row);
    if (viewer->on_screen) {
        show_on_screen(viewer, &picture);
    } else {
        if (viewer->before.root)
            write_out(viewer, "\n", 1);
        write_out(viewer, picture.bytes, picture.length);
    }
    cli_text_finish(&picture);
}

/* Ask, keep the answer before for rates, show. */
static enum top_answer look(struct viewer *viewer, char *why)
{
    struct json_document fresh = {0};
    struct cli_text raw = {0};
    enum top_answer answer = top_fetch(viewer->path, &raw, &fresh, why);

    if (answer != TOP_ANSWERED) {
        cli_text_finish(&raw);
        return answer;
    }
    json_finish(&viewer->before);
    viewer->before = viewer->now;
    viewer->now = fresh;
    if (viewer->options->json) {
        write_out(viewer, raw.bytes, raw.length);
    } else {
        show(viewer);
    }
    cli_text_finish(&raw);
    return TOP_ANSWERED;
}

/* ---- signals and keys --------------------------------------------------------------------------
 */

static int watch_signals(void)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGQUIT);
    sigaddset(&signals, SIGTSTP);
    sigaddset(&signals, SIGWINCH);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void take_signal(struct viewer *viewer)
{
    struct signalfd_siginfo info;

    if (read(viewer->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
        return;
    if (info.ssi_signo == SIGTSTP) {
        leave_screen(viewer);
        raise(SIGSTOP);
        enter_screen(viewer); /* continued */
    }
    if (info.ssi_signo == SIGTSTP || info.ssi_signo == SIGWINCH) {
        if (viewer->on_screen)
            show(viewer);
        return;
    }
    viewer->ended = true;
}

static void take_key(struct viewer *viewer)
{
    char key;
    ssize_t count = read(STDIN_FILENO, &key, 1);

    if (count == 1 && (key == 'q' || key == 'Q'))
        viewer->ended = true;
    if (count <= 0)
        viewer->keys = false;
}

static void wait_until(struct viewer *viewer, uint64_t until_ms)
{
    struct pollfd fds[3] = {{.fd = viewer->signal_fd, .events = POLLIN}, {.fd = STDOUT_FILENO}};
    uint64_t now_ms;

    while (!viewer->ended && !viewer->gone && (now_ms = vd_monotonic_ms()) < until_ms) {
        fds[2] = (struct pollfd){.fd = viewer->keys ? STDIN_FILENO : -1, .events = POLLIN};
        if (poll(fds, 3, until_ms - now_ms < WAIT_MOST ? (int)(until_ms - now_ms) : WAIT_MOST) <= 0)
            continue;
        if (fds[0].revents)
            take_signal(viewer);
        if (fds[1].revents & (POLLERR | POLLHUP | POLLNVAL))
            viewer->gone = true;
        if (fds[2].revents)
            take_key(viewer);
    }
}

/* ---- which node --------------------------------------------------------------------------------
 */

static void list_nodes(const struct top_node *nodes, size_t count)
{
    cli_say("%zu nodes are running here; choose one with --socket:", count);
    for (size_t i = 0; i < count; i++) {
        const struct json *root = nodes[i].document.root;
        const struct json *listeners = json_get(root, "listeners");
        struct cli_text line = {0};

        cli_text_print(&line, "  ");
        cli_text_safe(&line, nodes[i].path, strlen(nodes[i].path));
        if (root) {
            cli_text_print(&line, "  pid %.0f", json_number(root, "pid"));
        } else {
            cli_text_print(&line, "  does not answer");
        }
        for (const struct json *one = listeners ? listeners->first : NULL; one; one = one->next) {
            cli_text_print(&line, "  ");
            cli_text_safe(&line, one->string ? one->string : "", one->length);
        }
        fprintf(stderr, "%s\n", cli_text_string(&line));
        cli_text_finish(&line);
    }
}

/* The path of the only one; "": said why there is none. */
static void find_node(char path[VD_CONTROL_PATH_BYTES])
{
    struct top_node *nodes = calloc(TOP_NODES_MAX, sizeof(*nodes));
    size_t count = nodes ? top_find(nodes) : 0;

    path[0] = '\0';
    if (count == 1) {
        strcpy(path, nodes[0].path);
    } else if (count > 1) {
        list_nodes(nodes, count);
    } else {
        char directory[VD_CONTROL_PATH_BYTES];
        vd_control_directory(directory);
        bool system = strcmp(directory, "/run/viaduct") == 0;
        cli_say("no node of this user is running here (looked in %s%s, /run/user/*/viaduct, "
                "/tmp/viaduct-*); a node with a control socket elsewhere is named by --socket",
                directory, system ? "" : ", /run/viaduct");
    }
    for (size_t i = 0; i < count; i++)
        json_finish(&nodes[i].document);
    free(nodes);
}

/* ---- the command -------------------------------------------------------------------------------
 */

/* In the first line of the picture, which is old now. */
static void show_silence(struct viewer *viewer, const char *why)
{
    struct cli_text line = {0};

    if (!viewer->on_screen)
        return;
    cli_text_print(&line, CURSOR_HOME);
    cli_text_safe(&line, viewer->path, strlen(viewer->path));
    cli_text_print(&line, ": %s; asking again" LINE_REST, why);
    write_out(viewer, line.bytes, line.length);
    cli_text_finish(&line);
}

/* Is there more to see, or a node to wait for? */
static bool goes_on(const struct viewer *viewer, enum top_answer answer, uint64_t heard_ms)
{
    if (viewer->ended || viewer->gone)
        return false;
    if (answer == TOP_SILENT)
        return vd_monotonic_ms() - heard_ms < PATIENCE_MS;
    return answer == TOP_ANSWERED && !viewer->options->once;
}

static enum cli_exit view(struct viewer *viewer)
{
    uint64_t next_ms = vd_monotonic_ms(), heard_ms = next_ms;
    char why[WHY_BYTES];
    enum top_answer answer = look(viewer, why);

    while (goes_on(viewer, answer, heard_ms)) {
        if (answer == TOP_SILENT)
            show_silence(viewer, why);
        next_ms += viewer->interval_ms;
        wait_until(viewer, next_ms);
        if (!viewer->ended && !viewer->gone)
            answer = look(viewer, why);
        if (answer == TOP_ANSWERED)
            heard_ms = vd_monotonic_ms();
        if (vd_monotonic_ms() > next_ms + viewer->interval_ms)
            next_ms = vd_monotonic_ms(); /* it was stopped, or the node was slow */
    }
    leave_screen(viewer);
    if (answer != TOP_ANSWERED && !viewer->ended)
        cli_say("%s: %s", viewer->path, why);
    if (viewer->write_error)
        cli_say("standard output cannot be written: %s", strerror(viewer->write_error));
    return (answer == TOP_ANSWERED || viewer->ended) && !viewer->write_error ? CLI_DONE
                                                                             : CLI_FAILED;
}

enum cli_exit cli_top(const struct cli_options *options)
{
    struct viewer viewer = {.options = options, .interval_ms = INTERVAL_MS};
    char path[VD_CONTROL_PATH_BYTES];
    enum cli_exit code;

    if (options->word_count > 0) {
        cli_say("top: it takes options only; a node is named by --socket");
        return CLI_USAGE;
    }
    viewer.path = options->socket;
    if (!viewer.path) {
        find_node(path);
        if (!path[0])
            return CLI_FAILED;
        viewer.path = path;
    }
    if (options->interval_ms > 0)
        viewer.interval_ms = options->interval_ms;
    viewer.signal_fd = watch_signals();
    look_at_terminal(&viewer);
    enter_screen(&viewer);
    code = view(&viewer);
    close(viewer.signal_fd);
    json_finish(&viewer.before);
    json_finish(&viewer.now);
    return code;
}
