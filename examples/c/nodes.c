/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes on different machines that talk through Redis or NATS: a chat for terminals.
 *
 *     terminal 1                             terminal 2
 *     $ bin/nodes redis://127.0.0.1:6379     $ bin/nodes redis://127.0.0.1:6379
 *     connected
 *     hello            --- Redis --->        room:lobby say hello
 *
 * Each line of standard input is published, what others publish is printed; the end of the input
 * ends the program once the broker has confirmed everything. It shows the four things that a
 * program with a broker of the network has to think of:
 *
 *  - one loop: the broker is one descriptor beside one's own (here standard input), and all
 *    callbacks run inside vd_broker_dispatch, on this thread;
 *  - connecting takes a while, and what is published meanwhile waits in the outbox;
 *  - a link may break: on_error says how it failed and when the next attempt is due;
 *  - while it was broken messages went by: on_gap says that what is shown may be stale.
 *
 * URLs: redis://, rediss:// (TLS), nats://, tls:// (NATS with TLS). Credentials come from the
 * environment, never from the command line, where everybody on the machine could read them:
 * BROKER_USERNAME, BROKER_PASSWORD, BROKER_TOKEN (NATS), BROKER_CA_FILE.
 *
 * To build it on its own: cc nodes.c $(pkg-config --cflags --libs viaduct) */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <viaduct/broker.h>

#define ROOM     "room:lobby"
#define CLOSE_MS 5000

/* ---- callbacks: inside vd_broker_dispatch; what they are given is borrowed until they return ---
 */

static void print_message(struct vd_broker *broker, const struct vd_message *message, void *context)
{
    (void)broker, (void)context;
    printf("%.*s %.*s %.*s\n", (int)message->scope_length, message->scope,
           (int)message->event_length, message->event ? message->event : "",
           (int)message->data_length, message->has_data ? (const char *)message->data : "");
    fflush(stdout);
}

static void print_failure(struct vd_broker *broker, const struct vd_broker_failure *failure,
                          void *context)
{
    (void)broker, (void)context;
    fprintf(stderr, "%s: %s (attempt %u, the next in %u ms)\n", failure->driver, failure->text,
            failure->attempt, failure->next_delay_ms);
}

static void print_gap(struct vd_broker *broker, const struct vd_broker_gap *gap, void *context)
{
    (void)broker, (void)gap, (void)context;
    /* A program with pages or caches reads everything anew here. */
    puts("(messages may be missing here)");
    fflush(stdout);
}

/* ---- the program -------------------------------------------------------------------------------
 */

static _Noreturn void give_up(const char *what, const struct vd_error *error)
{
    fprintf(stderr, "nodes: %s: %s\n", what, error->text);
    exit(1);
}

static struct vd_broker *open_broker(const char *url)
{
    const struct vd_broker_options options = {
        .url = url,
        .credentials = {.username = getenv("BROKER_USERNAME"),
                        .password = getenv("BROKER_PASSWORD"),
                        .token = getenv("BROKER_TOKEN")},
        .tls_ca_file = getenv("BROKER_CA_FILE"),
        .on_error = print_failure,
        .on_gap = print_gap,
    };
    struct vd_broker *broker;
    struct vd_error error;

    if (vd_broker_open(&options, &broker, &error) != VD_OK) /* wrong options; it does not connect */
        give_up("open", &error);
    if (vd_broker_subscribe(broker, "room:*", 6, print_message, NULL, NULL, &error) != VD_OK)
        give_up("subscribe", &error);
    return broker;
}

static void say(struct vd_broker *broker, const char *text, size_t length)
{
    const struct vd_message message = {
        .scope = ROOM,
        .scope_length = strlen(ROOM),
        .event = "say",
        .event_length = 3,
        .data = text,
        .data_length = length,
        .has_data = true,
    };
    struct vd_error error;

    /* Returns at once: handed over, or in the outbox. */
    if (vd_broker_publish(broker, &message, &error) != VD_OK)
        fprintf(stderr, "nodes: not published: %s\n", error.text);
}

/* Publishes the lines that standard input has for us; the last may lack its end. false: that was
 * it. */
static bool read_lines(struct vd_broker *broker)
{
    static char line[4096];
    static size_t length;
    ssize_t count = read(STDIN_FILENO, line + length, sizeof(line) - length);
    char *end;

    if (count <= 0) {
        if (length > 0)
            say(broker, line, length);
        return false;
    }
    length += (size_t)count;
    while ((end = memchr(line, '\n', length)) || length == sizeof(line)) {
        size_t taken = end ? (size_t)(end - line) + 1 : length;

        say(broker, line, end ? taken - 1 : taken);
        length -= taken;
        memmove(line, line + taken, length);
    }
    return true;
}

static void tell_when_connected(const struct vd_broker *broker)
{
    static bool told;
    struct vd_broker_status status;

    vd_broker_status(broker, &status);
    if (status.connected != told)
        puts(status.connected ? "connected" : "disconnected");
    told = status.connected;
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct vd_broker *broker;
    struct pollfd ready[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.events = POLLIN}};
    enum vd_err result;

    if (argc != 2) {
        fputs("usage: nodes redis://HOST[:PORT] | rediss://... | nats://... | tls://...\n", stderr);
        return 2;
    }
    broker = open_broker(argv[1]);
    ready[1].fd = vd_broker_fd(broker);
    for (;;) {
        if (poll(ready, 2, -1) < 0)
            break;
        if (ready[1].revents)
            vd_broker_dispatch(broker);
        tell_when_connected(broker);
        if (ready[0].revents && !read_lines(broker))
            break;
    }
    result = vd_broker_flush(broker, CLOSE_MS);
    if (result != VD_OK)
        fputs("nodes: the broker has not confirmed everything\n", stderr);
    vd_broker_destroy(broker);
    return result == VD_OK ? 0 : 1;
}
