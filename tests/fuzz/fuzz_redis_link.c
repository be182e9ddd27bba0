/* SPDX-License-Identifier: Apache-2.0 */
/* The whole Redis driver against a server that says whatever it likes, at whichever point: nothing
 * crashes or spins, each failure has its sentence, what was accepted is in the outbox or confirmed.
 *
 * Input: a byte for how far the link gets by itself (0: connected, 1: subscribed, 2: up), then
 * steps of an operation, a length, and that many bytes:
 *
 *     bit 0  to the publishing connection, else to the subscribing one
 *     bit 1  publish a message before      bit 2  the server closes that connection after
 *     bit 3  answer the probe, if there is one */
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <viaduct/broker.h>

#include "fuzz.h"

enum { SUBSCRIBER, PUBLISHER };

struct bench {
    int listener;
    int connections[2]; /* the server's ends */
    char url[160];
    struct vd_broker *broker;
    size_t failures, overflows, received;
    char probe[256]; /* the last that was heard; empty: none */
};

static void failed(struct vd_broker *broker, const struct vd_broker_failure *failure, void *context)
{
    struct bench *bench = context;

    (void)broker;
    FUZZ_REQUIRE(failure->code != VD_OK && failure->text[0] != '\0');
    if (failure->code == VD_ERR_FULL) {
        bench->overflows++;
    } else {
        bench->failures++;
    }
}

static void received(struct vd_broker *broker, const struct vd_message *message, void *context)
{
    (void)broker;
    FUZZ_REQUIRE(vd_message_check(message, 0, NULL) == VD_OK);
    ((struct bench *)context)->received++;
}

static void say(struct bench *bench, unsigned which, const void *bytes, size_t length)
{
    if (bench->connections[which] >= 0 &&
        send(bench->connections[which], bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
        /* it has hung up */
    }
}

/* Read what the driver has said, for its last probe. */
static void listen_in(struct bench *bench)
{
    static char heard[256 * 1024];
    ssize_t length = recv(bench->connections[PUBLISHER], heard, sizeof(heard) - 1, MSG_DONTWAIT);
    const char *at, *end;

    if (length <= 0)
        return;
    heard[length] = '\0';
    at = memmem(heard, (size_t)length, "{\"probe\":", 9);
    end = at ? strchr(at, '}') : NULL;
    if (end && (size_t)(end + 1 - at) < sizeof(bench->probe)) {
        memcpy(bench->probe, at, (size_t)(end + 1 - at));
        bench->probe[end + 1 - at] = '\0';
    }
}

static void answer_probe(struct bench *bench)
{
    static const char answers[] = "-NOPERM\r\n-NOPERM\r\n:1\r\n";
    char text[512];
    int length;

    listen_in(bench);
    if (!bench->probe[0])
        return;
    length = snprintf(text, sizeof(text),
                      "*3\r\n$7\r\nmessage\r\n$13\r\nvia:broadcast\r\n$%zu\r\n%s\r\n",
                      strlen(bench->probe), bench->probe);
    bench->probe[0] = '\0';
    say(bench, SUBSCRIBER, text, (size_t)length);
    say(bench, PUBLISHER, answers, sizeof(answers) - 1);
}

static void turn(const struct bench *bench)
{
    for (unsigned i = 0; i < 4 && vd_broker_poll(bench->broker, 0) == VD_OK; i++)
        ;
}

static void begin(struct bench *bench, unsigned stage)
{
    static const char subscribed[] = "*3\r\n$9\r\nsubscribe\r\n$13\r\nvia:broadcast\r\n:1\r\n";
    const struct vd_broker_options options = {.url = bench->url,
                                              .backoff_first_ms = 60000,
                                              .backoff_cap_ms = 60000,
                                              .outbox_messages = 8,
                                              .on_error = failed,
                                              .context = bench};

    FUZZ_REQUIRE(vd_broker_open(&options, &bench->broker, NULL) == VD_OK);
    vd_broker_subscribe(bench->broker, "*", 1, received, bench, NULL, NULL);
    turn(bench);
    for (unsigned i = 0; i < 2; i++) /* in the order of their connects */
        FUZZ_REQUIRE((bench->connections[i] = accept(bench->listener, NULL, NULL)) >= 0);
    turn(bench);
    if (stage >= 1)
        say(bench, SUBSCRIBER, subscribed, sizeof(subscribed) - 1);
    turn(bench);
    if (stage >= 2)
        answer_probe(bench);
    turn(bench);
}

static void end(struct bench *bench)
{
    struct vd_broker_status status;

    turn(bench);
    vd_broker_status(bench->broker, &status);
    FUZZ_REQUIRE(status.outbox_messages <= status.counters.published);
    FUZZ_REQUIRE(status.counters.received == bench->received);
    FUZZ_REQUIRE(status.counters.failures == bench->failures);
    FUZZ_REQUIRE(bench->failures <= 1);  /* it waits for a minute then */
    FUZZ_REQUIRE(bench->overflows <= 2); /* before the link was up, and after */
    vd_broker_destroy(bench->broker);
    for (unsigned i = 0; i < 2; i++) {
        if (bench->connections[i] >= 0)
            close(bench->connections[i]);
    }
}

static void hang_up(struct bench *bench, unsigned which)
{
    if (bench->connections[which] >= 0)
        close(bench->connections[which]);
    bench->connections[which] = -1;
}

static int listen_once(char *url, size_t capacity)
{
    static int listener = -1; /* for the life of the process */
    static struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (listener < 0) {
        snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/viaduct-fuzz-%d", getpid());
        unlink(address.sun_path);
        listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        FUZZ_REQUIRE(bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0);
        FUZZ_REQUIRE(listen(listener, 8) == 0);
    }
    snprintf(url, capacity, "redis+unix://%s", address.sun_path);
    return listener;
}

static void remove_socket(void)
{
    char path[64];

    snprintf(path, sizeof(path), "/tmp/viaduct-fuzz-%d", getpid());
    unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct vd_message message = {.scope = "x", .scope_length = 1};
    struct bench bench = {.connections = {-1, -1}};
    static bool registered;

    if (!registered)
        registered = atexit(remove_socket) == 0;
    if (size < 1 || size > 64 * 1024)
        return 0;
    bench.listener = listen_once(bench.url, sizeof(bench.url));
    begin(&bench, data[0] % 3);
    for (size_t at = 1; at + 2 <= size;) {
        unsigned operation = data[at], which = operation & 1;
        size_t length = data[at + 1] < size - at - 2 ? data[at + 1] : size - at - 2;
        if (operation & 2)
            vd_broker_publish(bench.broker, &message, NULL);
        say(&bench, which, data + at + 2, length);
        if (operation & 4)
            hang_up(&bench, which);
        turn(&bench);
        if (operation & 8 && bench.connections[PUBLISHER] >= 0)
            answer_probe(&bench);
        at += 2 + length;
    }
    end(&bench);
    return 0;
}
