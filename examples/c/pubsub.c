/* SPDX-License-Identifier: Apache-2.0 */
/* Publish and subscribe between processes of one machine, without PHP and without a server.
 *
 *     publisher --ring--> parent (the hub) --ring--> subscriber "lobby"
 *                                          --ring--> subscriber "everything"
 *
 * The parent makes the hub before it forks, then carries the messages until its children are done.
 * Each child opens its own endpoint after the fork. Run it:
 *
 *     $ bin/pubsub
 *     lobby: room:lobby say {"text":"hello"}
 *     everything: room:lobby say {"text":"hello"}
 *     ...
 *
 * To build it on its own: cc pubsub.c $(pkg-config --cflags --libs viaduct) */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <viaduct/broker.h>

#define SUBSCRIBERS 2
#define CONFIRM_MS  5000
#define WAIT_MS     100

static _Noreturn void give_up(const char *what, const struct vd_error *error)
{
    fprintf(stderr, "pubsub: %s: %s\n", what, error->text);
    _exit(1);
}

static struct vd_broker *open_endpoint(struct vd_pipe_hub *hub, unsigned number)
{
    const struct vd_broker_options options = {
        .url = "pipe:", .pipe_hub = hub, .pipe_endpoint = number};
    struct vd_broker *broker;
    struct vd_error error;

    if (vd_broker_open(&options, &broker, &error) != VD_OK)
        give_up("open", &error);
    return broker;
}

/* ---- subscribers -------------------------------------------------------------------------------
 */

struct reader {
    const char *name;
    bool done;
};

/* Runs inside vd_broker_poll. The message is borrowed: print it or copy it, do not keep it. */
static void print_message(struct vd_broker *broker, const struct vd_message *message, void *context)
{
    const struct reader *reader = context;

    (void)broker;
    printf("%s: %.*s", reader->name, (int)message->scope_length, message->scope);
    if (message->event)
        printf(" %.*s", (int)message->event_length, message->event);
    if (message->has_data) {
        printf(" %.*s", (int)message->data_length, (const char *)message->data);
    } else {
        printf(" (has changed)");
    }
    putchar('\n');
    fflush(stdout);
}

static void stop_reading(struct vd_broker *broker, const struct vd_message *message, void *context)
{
    (void)broker;
    (void)message;
    ((struct reader *)context)->done = true;
}

static void subscribe(struct vd_broker *broker, const char *pattern, vd_broker_message_fn *received,
                      struct reader *reader)
{
    struct vd_error error;

    if (vd_broker_subscribe(broker, pattern, strlen(pattern), received, reader, NULL, &error) !=
        VD_OK)
        give_up("subscribe", &error);
}

static void run_subscriber(struct vd_pipe_hub *hub, unsigned number)
{
    struct reader reader = {.name = number == 0 ? "lobby" : "everything"};
    struct vd_broker *broker = open_endpoint(hub, number);

    subscribe(broker, number == 0 ? "room:lobby" : "room:*", print_message, &reader);
    subscribe(broker, "end", stop_reading, &reader);
    while (!reader.done)
        vd_broker_poll(broker, -1);
    vd_broker_destroy(broker);
}

/* ---- publisher ---------------------------------------------------------------------------------
 */

static void publish(struct vd_broker *broker, const char *scope, const char *event,
                    const char *data)
{
    const struct vd_message message = {
        .scope = scope,
        .scope_length = strlen(scope),
        .event = event,
        .event_length = event ? strlen(event) : 0,
        .data = data,
        .data_length = data ? strlen(data) : 0,
        .has_data = data != NULL, /* without data it says: what you show of @scope is stale */
    };
    struct vd_error error;

    if (vd_broker_publish(broker, &message, &error) != VD_OK)
        give_up("publish", &error);
}

static void run_publisher(struct vd_pipe_hub *hub, unsigned number)
{
    struct vd_broker *broker = open_endpoint(hub, number);

    publish(broker, "room:lobby", "say", "{\"text\":\"hello\"}");
    publish(broker, "room:kitchen", "say", "{\"text\":\"coffee?\"}");
    publish(broker, "room:lobby", NULL, NULL);
    publish(broker, "room:*", "say", "{\"text\":\"to every room\"}");
    publish(broker, "end", NULL, NULL);
    vd_broker_flush(broker, CONFIRM_MS); /* until the hub has taken it all */
    vd_broker_destroy(broker);
}

/* ---- parent ------------------------------------------------------------------------------------
 */

static pid_t start(void (*run)(struct vd_pipe_hub *, unsigned), struct vd_pipe_hub *hub,
                   unsigned number)
{
    pid_t parent = getpid();
    pid_t child = fork();

    if (child != 0)
        return child;
    /* no child outlives a parent that is killed */
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent)
        _exit(1);
    run(hub, number);
    vd_pipe_hub_destroy(hub); /* this process's view of it */
    exit(0);
}

/* Carry messages until @children are gone. Returns how many of them failed. */
static int serve_until_done(struct vd_pipe_hub *hub, int children)
{
    int failed = 0, result;

    while (children > 0) {
        vd_pipe_hub_poll(hub, WAIT_MS);
        while (children > 0 && waitpid(-1, &result, WNOHANG) > 0) {
            children--;
            failed += result != 0;
        }
    }
    return failed;
}

int main(void)
{
    struct vd_pipe_hub_status status;
    struct vd_pipe_hub *hub;
    struct vd_error error;
    int failed;

    if (vd_pipe_hub_create(SUBSCRIBERS + 1, NULL, &hub, &error) != VD_OK ||
        vd_pipe_hub_serve(hub, &error) != VD_OK)
        give_up("hub", &error);
    for (unsigned i = 0; i < SUBSCRIBERS; i++)
        start(run_subscriber, hub, i);
    do { /* who is attached gets what is published from then on */
        vd_pipe_hub_poll(hub, WAIT_MS / 10);
        vd_pipe_hub_status(hub, &status);
        if (waitpid(-1, NULL, WNOHANG) > 0)
            return 1; /* one could not open; the other ends with us */
    } while (status.attached < SUBSCRIBERS);
    start(run_publisher, hub, SUBSCRIBERS);
    failed = serve_until_done(hub, SUBSCRIBERS + 1);
    vd_pipe_hub_destroy(hub);
    return failed ? 1 : 0;
}
