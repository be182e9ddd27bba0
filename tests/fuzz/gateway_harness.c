/* SPDX-License-Identifier: Apache-2.0 */
/* See gateway_harness.h. One gateway serves all inputs of a run, as in life: what one conversation
 * leaves behind would show in the next. */
#include "gateway_harness.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "gateway.h"
#include "worker_state.h"

#define PATIENCE_MS 60000

struct harness {
    bool started;
    struct vd_node node;
    struct gateway gateway;
    pthread_t worker;
};

/* ---- the worker --------------------------------------------------------------------------------
 */

size_t harness_line(char line[HARNESS_LINE_BYTES], const char *method, size_t method_length,
                    const char *target, size_t target_length, unsigned minor_version,
                    size_t header_count, const char *body, size_t body_length)
{
    uint64_t sum = 14695981039346656037u; /* FNV-1a */

    for (size_t i = 0; i < body_length; i++)
        sum = (sum ^ (unsigned char)body[i]) * 1099511628211u;
    int length = snprintf(line, HARNESS_LINE_BYTES, "%.*s %.*s %u %zu %zu %016llx\n",
                          (int)method_length, method, (int)target_length, target, minor_version,
                          header_count, body_length, (unsigned long long)sum);

    FUZZ_REQUIRE(length > 0 && length < HARNESS_LINE_BYTES);
    return (size_t)length;
}

static void answer(struct vd_worker *worker, const struct vd_worker_request *request)
{
    char line[HARNESS_LINE_BYTES];
    struct vd_text body;

    if (vd_worker_whole_body(worker, &body) != VD_OK) { /* it left, or sent what is no body */
        vd_worker_respond(worker, 500, NULL, 0, NULL, 0, NULL);
        return;
    }
    size_t length =
        harness_line(line, request->method.bytes, request->method.length, request->target.bytes,
                     request->target.length, request->minor_version, request->header_count,
                     body.bytes, body.length);
    vd_worker_respond(worker, 200, NULL, 0, line, length, NULL);
}

static void *work(void *context)
{
    static struct vd_worker worker;
    struct vd_worker_event event;

    FUZZ_REQUIRE(vd_worker_init(&worker, context, 0, 1, NULL) == VD_OK);
    for (;;) {
        FUZZ_REQUIRE(vd_worker_next_event(&worker, -1, &event) == VD_OK);
        if (event.kind == VD_WORKER_SHUTDOWN)
            break;
        if (event.kind == VD_WORKER_REQUEST)
            answer(&worker, &event.request);
    }
    vd_worker_finish(&worker);
    return NULL;
}

/* ---- life --------------------------------------------------------------------------------------
 */

static struct harness harness;

static void stop(void)
{
    atomic_store(&harness.node.shared->phase, VD_PHASE_STOPPING);
    vd_doorbell_force(&harness.node.slots[0].bell);
    pthread_join(harness.worker, NULL);
    gw_finish(&harness.gateway);
    vd_node_destroy(&harness.node);
}

static void start(void)
{
    struct vd_server_config config = {.max_line_bytes = HARNESS_LINE_LIMIT,
                                      .max_header_bytes = HARNESS_HEAD_LIMIT,
                                      .max_header_count = HARNESS_HEADER_LIMIT,
                                      .max_body_bytes = HARNESS_BODY_LIMIT,
                                      .pipeline_bytes = 2048,
                                      .log_level = VD_LOG_OFF};
    struct vd_node *node = &harness.node;

    FUZZ_REQUIRE(vd_server_config_check(&config, NULL) == VD_OK);
    FUZZ_REQUIRE(vd_node_create(node, &config, NULL) == VD_OK);
    atomic_store(&node->shared->supervisor_pid, getpid());
    atomic_store(&node->shared->gateway_pid, getpid());
    atomic_store(&node->shared->gateway_epoch, 1);
    atomic_store(&node->slots[0].generation, 1);
    atomic_store(&node->slots[0].state, VD_SLOT_STARTING);
    vd_logger_init(&node->logger, 2, VD_LOG_OFF, "gateway");
    FUZZ_REQUIRE(gw_start(&harness.gateway, node, 1) == VD_OK);
    FUZZ_REQUIRE(pthread_create(&harness.worker, NULL, work, node) == 0);
    harness.started = true;
    atexit(stop);
}

/* ---- a conversation ----------------------------------------------------------------------------
 */

struct client {
    int fd;
    int gateway_fd; /* the other end, while the connection lives */
    char *heard;
    size_t length, capacity;
    bool closed;
    uint64_t give_up_ms;
};

static void listen_to(struct client *client)
{
    for (;;) {
        if (client->capacity - client->length < 65536) {
            client->capacity = client->capacity * 2 + 65536;
            client->heard = realloc(client->heard, client->capacity);
            FUZZ_REQUIRE(client->heard != NULL);
        }
        ssize_t got = recv(client->fd, client->heard + client->length,
                           client->capacity - client->length, MSG_DONTWAIT);
        if (got <= 0) {
            client->closed |= got == 0 || (errno != EAGAIN && errno != EINTR);
            return;
        }
        client->length += (size_t)got;
    }
}

static struct gw_connection *the_connection(void)
{
    return TAILQ_FIRST(&harness.gateway.connections);
}

static bool is_all_read(const struct client *client)
{
    const struct gw_connection *connection = the_connection();
    int unread = 0;

    return !connection || connection->state == GW_LINGERING ||
           (ioctl(client->gateway_fd, FIONREAD, &unread) == 0 && unread == 0);
}

/* Everything is read, and whatever was whole is answered. */
static bool is_at_rest(const struct client *client)
{
    const struct gw_connection *connection = the_connection();

    if (!connection || connection->state == GW_LINGERING)
        return true;
    if (connection->output_bytes > 0 || !is_all_read(client))
        return false;
    if (connection->state == GW_READING_HEAD || connection->state == GW_READING_BODY)
        return true;
    return connection->state == GW_WAITING && connection->body.open &&
           !gw_body_is_full(connection); /* the worker waits for the client, too */
}

static void turn_until(struct client *client, bool (*done)(const struct client *client))
{
    while (!done(client)) {
        FUZZ_REQUIRE(vd_monotonic_ms() < client->give_up_ms);
        /* A turn looks, then sleeps; what it did when it looked may be all we wait for. */
        vd_doorbell_force(&harness.gateway.shared->gateway_bell);
        gw_turn(&harness.gateway);
        sched_yield();
        listen_to(client);
    }
}

static bool is_gone(const struct client *client)
{
    (void)client;
    return !the_connection() && harness.gateway.open_requests == 0;
}

static void say(struct client *client, const char *bytes, size_t length)
{
    while (length && the_connection() && !client->closed) {
        ssize_t said = send(client->fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (said < 0) {
            FUZZ_REQUIRE(errno == EAGAIN || errno == EPIPE || errno == ECONNRESET);
            if (errno != EAGAIN)
                break;
            said = 0;
        }
        bytes += said;
        length -= (size_t)said;
        turn_until(client, is_all_read);
    }
}

/* What differs from one moment to the next is taken out: Date, X-Request-Id, and whether the body
 * was waited for (100 Continue). */
static size_t without_lines(char *text, size_t length, const char *start, const char *end)
{
    size_t start_length = strlen(start), end_length = strlen(end);
    char *at = text, *found;

    while ((found = memmem(at, length - (size_t)(at - text), start, start_length))) {
        char *line_end = memmem(found + start_length,
                                length - (size_t)(found + start_length - text), end, end_length);

        if (!line_end)
            break;
        line_end += end_length;
        memmove(found, line_end, length - (size_t)(line_end - text));
        length -= (size_t)(line_end - found);
        at = found;
    }
    return length;
}

void harness_talk(const char *bytes, size_t length, const size_t *cuts, size_t cut_count,
                  struct harness_talk *talk)
{
    struct client client = {.give_up_ms = vd_monotonic_ms() + PATIENCE_MS};
    int ends[2];
    size_t at = 0;

    if (!harness.started)
        start();
    FUZZ_REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    client.fd = ends[0];
    client.gateway_fd = ends[1];
    gw_connection_create(&harness.gateway, ends[1], NULL, false);
    for (size_t i = 0; i <= cut_count; i++) {
        size_t to = i < cut_count ? cuts[i] : length;

        if (to > at && to <= length) {
            say(&client, bytes + at, to - at);
            at = to;
        }
    }
    turn_until(&client, is_at_rest);
    listen_to(&client);
    talk->closed = !the_connection() || the_connection()->state == GW_LINGERING;
    close(client.fd);
    turn_until(&client, is_gone);
    client.length = without_lines(client.heard, client.length, "Date: ", "\r\n");
    client.length = without_lines(client.heard, client.length, "X-Request-Id: ", "\r\n");
    client.length = without_lines(client.heard, client.length, "HTTP/1.1 100 Continue\r\n", "\r\n");
    talk->output = client.heard;
    talk->length = client.length;
}
