/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway when memory runs out: each allocation of a busy time fails once, in turn. Somebody is
 * cut off or refused for it; nobody else is, nothing is left behind, and the next one is served.
 *
 * The gateway is turned in this process; the test plays its worker and its clients. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "gateway.h"
#include "node.h" /* allocations_fail_after */

#define CLIENTS    16
#define BODY_BYTES 100000 /* more than a frame takes */
#define MESSAGES   3

struct play {
    struct vd_node node;
    struct gateway gateway;
    uint32_t generation;
    struct vd_ring_consumer requests, events;
    struct vd_ring_producer to_gateway;
    int clients[CLIENTS];
    unsigned client_count;
};

/* ---- the worker --------------------------------------------------------------------------------
 */

static void turn(struct play *play)
{
    vd_doorbell_force(&play->node.shared->gateway_bell);
    gw_turn(&play->gateway);
}

static bool put(struct play *play, uint16_t type, uint16_t flags, uint64_t tag, const void *bytes,
                size_t length)
{
    struct vd_frame *frame = vd_ring_reserve(&play->to_gateway, length, type, flags, tag);

    if (!frame)
        return false;
    if (length)
        memcpy(frame->payload, bytes, length);
    vd_ring_commit(&play->to_gateway);
    return true;
}

static void worker_begins(struct play *play)
{
    struct vd_worker_slot *slot = &play->node.slots[0];

    atomic_store(&slot->generation, ++play->generation);
    atomic_store(&slot->state, VD_SLOT_READY);
    assert_int_equal(vd_ring_consumer_init(&play->requests, play->node.requests[0]), VD_OK);
    assert_int_equal(vd_ring_consumer_init(&play->events, play->node.events[0]), VD_OK);
    assert_int_equal(vd_ring_producer_init(&play->to_gateway, play->node.to_gateway[0]), VD_OK);
    assert_true(put(play, VD_FRAME_SUBSCRIBE, 0, 7, "a", 1));
    assert_true(put(play, VD_FRAME_WATCH_CLIENTS, 0, 0, NULL, 0));
    assert_true(put(play, VD_FRAME_READY, 0, 1, NULL, 0));
}

/* The supervisor's part; with memory enough for the burial. */
static void worker_dies(struct play *play)
{
    struct vd_worker_slot *slot = &play->node.slots[0];

    atomic_store(&slot->state, VD_SLOT_EMPTY);
    atomic_store(&slot->died_generation, play->generation);
    turn(play);
    assert_int_equal(atomic_load(&slot->buried_generation), play->generation);
}

static void answer_stream(struct play *play, uint64_t id, uint32_t coding)
{
    struct {
        struct vd_frame_stream head;
        uint16_t length;
        char pattern[1];
    } __attribute__((packed))
    frame = {.head = {.pattern_count = 1, .patterns_length = 1, .coding = coding},
             .length = 1,
             .pattern = "a"};

    put(play, VD_FRAME_RESPONSE_STREAM, 0, id, &frame, sizeof(frame));
}

/* In pieces, the last of which is more than a client takes at once. */
static void answer_long(struct play *play, uint64_t id)
{
    static const char bytes[VD_FRAME_CHUNK_BYTES];
    const struct vd_frame_response head = {.status = 200, .body_length = VD_BODY_LENGTH_UNKNOWN};

    put(play, VD_FRAME_RESPONSE_BEGIN, 0, id, &head, sizeof(head));
    for (int i = 0; i < 8; i++)
        put(play, VD_FRAME_RESPONSE_BODY, 0, id, bytes, sizeof(bytes));
    put(play, VD_FRAME_RESPONSE_END, 0, id, NULL, 0);
}

static void answer(struct play *play, const struct vd_frame *frame)
{
    const struct vd_frame_request *request = (const void *)frame->payload;
    uint64_t offered = vd_claim_word(frame->tag, VD_CLAIM_OFFERED);
    const char *target = (const char *)(request + 1) +
                         request->header_count * 2 * sizeof(struct vd_frame_span) +
                         request->target.offset;

    if (!atomic_compare_exchange_strong(&play->node.slots[0].claims[request->claim], &offered,
                                        vd_claim_word(frame->tag, VD_CLAIM_TAKEN)))
        return;
    if (request->body_streamed)
        put(play, VD_FRAME_WANT_BODY, 0, frame->tag, NULL, 0);
    if (target[1] == 'e') {
        answer_stream(play, frame->tag, target[2] == 'z' ? VD_CODING_GZIP : VD_CODING_IDENTITY);
    } else {
        answer_long(play, frame->tag);
    }
}

static void work(struct play *play)
{
    const struct vd_frame *frame;

    while (vd_ring_peek(&play->requests, &frame) == VD_OK) {
        if (frame->type == VD_FRAME_REQUEST)
            answer(play, frame);
        vd_ring_release(&play->requests);
    }
    while (vd_ring_peek(&play->events, &frame) == VD_OK)
        vd_ring_release(&play->events);
}

static void turns(struct play *play)
{
    for (int i = 0; i < 6; i++) {
        turn(play);
        work(play);
    }
}

/* One of @parts frames: the gateway puts it together. */
static void publish(struct play *play, unsigned parts)
{
    static char bytes[VD_FRAME_CHUNK_BYTES];
    struct vd_frame_message head = {.scope_length = 1,
                                    .has_data = 1,
                                    .data_length = parts * (uint32_t)sizeof(bytes) -
                                                   (uint32_t)sizeof(head) - 1};

    memset(bytes, 'a', sizeof(bytes));
    memcpy(bytes, &head, sizeof(head));
    for (unsigned i = 0; i < parts; i++) {
        put(play, VD_FRAME_PUBLISH,
            (uint16_t)((i ? VD_FRAME_CONTINUED : 0) | (i + 1 < parts ? VD_FRAME_MORE : 0)), 0,
            bytes, sizeof(bytes));
        memset(bytes, 'a', sizeof(head) + 1);
    }
}

static void publish_little(struct play *play)
{
    const struct {
        struct vd_frame_message head;
        char scope;
    } __attribute__((packed)) message = {.head = {.scope_length = 1}, .scope = 'a'};

    put(play, VD_FRAME_PUBLISH, 0, 0, &message, sizeof(message));
}

/* ---- clients -----------------------------------------------------------------------------------
 */

static void client_says(struct play *play, const char *text)
{
    int ends[2], small = 4096;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    assert_int_equal(send(ends[0], text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
    play->clients[play->client_count++] = ends[0];
    gw_connection_create(&play->gateway, ends[1], NULL, false);
}

static void client_goes_on(struct play *play, unsigned client, size_t length)
{
    static const char bytes[BODY_BYTES];

    for (size_t sent = 0; sent < length;) {
        ssize_t part = send(play->clients[client], bytes, length - sent, MSG_NOSIGNAL);

        turns(play);
        if (part < 0)
            return; /* cut off */
        sent += (size_t)part;
    }
}

static size_t clients_read(struct play *play, char *buffer, size_t room)
{
    size_t length = 0;
    ssize_t got;

    for (unsigned i = 0; i < play->client_count; i++) {
        while ((got = recv(play->clients[i], buffer, room - 1, 0)) > 0) {
            buffer[got] = '\0';
            length += (size_t)got;
        }
    }
    return length;
}

static void clients_leave(struct play *play)
{
    while (play->client_count)
        close(play->clients[--play->client_count]);
    turns(play);
}

static void clients_leave_unheard(struct play *play, unsigned count)
{
    while (count--)
        close(play->clients[--play->client_count]);
    turn(play);
}

/* ---- the busy time -----------------------------------------------------------------------------
 */

static void busy_time(struct play *play)
{
    char text[256], buffer[65536];

    client_says(play, "GET /ez HTTP/1.1\r\nHost: a\r\nLast-Event-ID: 1:0\r\n\r\n");
    snprintf(text, sizeof(text), "GET /e HTTP/1.1\r\nHost: a\r\nLast-Event-ID: %llx:%llu\r\n\r\n",
             (unsigned long long)vd_history_epoch(play->node.history),
             (unsigned long long)vd_history_first(play->node.history));
    client_says(play, text);
    turns(play);
    publish(play, 1);
    publish(play, 3);
    turns(play);
    snprintf(text, sizeof(text), "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n",
             BODY_BYTES);
    client_says(play, text);
    client_goes_on(play, 2, BODY_BYTES);
    client_says(play, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\nGET /g HTTP/1.1\r\nHost: a\r\n\r\n");
    turns(play);
    clients_read(play, buffer, sizeof(buffer));
    gw_resync(&play->gateway, "a test");
    turns(play);
    clients_read(play, buffer, sizeof(buffer));
    turns(play);
    clients_leave(play);
}

/* The worker does nothing, then dies: requests queue, events wait, and all is given to the next. */
static void idle_time(struct play *play)
{
    const uint32_t interval_ms = 1;

    put(play, VD_FRAME_INTERVAL, 0, 3, &interval_ms, sizeof(interval_ms));
    for (int i = 0; i < 12; i++) {
        client_says(play, "GET /g HTTP/1.1\r\nHost: a\r\nUser-Agent: b\r\n\r\n");
        publish(play, 1);
        turn(play);
    }
    clients_leave_unheard(play, 3);
    atomic_store(&play->node.slots[0].state, VD_SLOT_EMPTY);
    atomic_store(&play->node.slots[0].died_generation, play->generation);
    turn(play);
    gw_client_event(&play->gateway, VD_FRAME_EVENT_DISCONNECT, 1);
    turn(play);
}

/* Files, and what the gateway answers itself. */
static void quiet_time(struct play *play)
{
    char buffer[65536];

    client_says(play, "GET /static/file HTTP/1.1\r\nHost: a\r\nOrigin: https://a.example\r\n\r\n");
    client_says(play, "GET /static/file HTTP/1.1\r\nHost: a\r\nRange: bytes=0-9,20-29\r\n\r\n"
                      "GET /static/none HTTP/1.1\r\nHost: a\r\n\r\n");
    client_says(play, "HEAD /_health HTTP/1.1\r\nHost: a\r\nForwarded: for=10.0.0.1\r\n\r\n"
                      "OPTIONS / HTTP/1.1\r\nHost: a\r\nOrigin: https://a.example\r\n"
                      "Access-Control-Request-Method: PUT\r\n\r\n"
                      "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
    for (int i = 0; i < 20; i++) {
        turns(play);
        clients_read(play, buffer, sizeof(buffer));
    }
    clients_leave(play);
}

static void nothing_is_left(const struct gateway *gateway)
{
    assert_true(TAILQ_EMPTY(&gateway->connections) && TAILQ_EMPTY(&gateway->graveyard));
    assert_int_equal(gateway->connection_count, 0);
    assert_int_equal(gateway->stream_count, 0);
    assert_int_equal(gateway->open_requests, 0);
    assert_int_equal(gateway->queue_length, 0);
    assert_int_equal(gateway->upload_bytes, 0);
    assert_int_equal(gateway->kept_bytes, 0);
    assert_null(gateway->dirty);
}

static void it_serves(struct play *play)
{
    static char buffer[65536];

    client_says(play, "GET /e HTTP/1.1\r\nHost: a\r\n\r\n");
    turns(play);
    assert_int_equal(play->gateway.stream_count, 1);
    assert_true(clients_read(play, buffer, sizeof(buffer)) > 0);
    assert_non_null(strstr(buffer, "text/event-stream"));
    clients_leave(play);
    nothing_is_left(&play->gateway);
}

static void make_file(char directory[])
{
    static const char bytes[300000];
    char path[64];
    FILE *file;

    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/file", directory);
    assert_non_null(file = fopen(path, "w"));
    assert_int_equal(fwrite(bytes, sizeof(bytes), 1, file), 1);
    assert_int_equal(fclose(file), 0);
}

static void remove_file(const char *directory)
{
    char path[64];

    snprintf(path, sizeof(path), "%s/file", directory);
    unlink(path);
    rmdir(directory);
}

static void begin(struct play *play, const char *directory)
{
    struct vd_server_config config = {
        .workers = 1,
        .port_any = true,
        .log_level = VD_LOG_OFF,
        .history_log_bytes = 1 << 20,
        .cors_origins = "https://a.example",
        .access_log = VD_ACCESS_JSON,
        .access_log_path = "/dev/null",
        .static_directory = directory,
        .static_prefix = "/static",
    };

    memset(play, 0, sizeof(*play));
    assert_int_equal(vd_server_config_check(&config, NULL), VD_OK);
    assert_int_equal(vd_node_create(&play->node, &config, NULL), VD_OK);
    atomic_store(&play->node.shared->supervisor_pid, getpid());
    atomic_store(&play->node.shared->gateway_epoch, 1);
    vd_logger_init(&play->node.logger, 2, VD_LOG_OFF, "gateway");
    assert_int_equal(gw_start(&play->gateway, &play->node, 1), VD_OK);
    worker_begins(play);
    publish(play, 1);
    publish(play, 1);
    turns(play);
}

static void end(struct play *play)
{
    gw_finish(&play->gateway);
    vd_node_destroy(&play->node);
}

static int each_fails_once(void (*time)(struct play *play))
{
    static struct play play;
    char directory[] = "/tmp/viaduct-memory-XXXXXX";
    bool failed = true;
    int successes = 0;

    make_file(directory);
    begin(&play, directory);
    it_serves(&play);
    while (failed) {
        allocations_fail_after(successes++);
        time(&play);
        failed = allocations_fail_after(-1);
        assert_false(play.gateway.workers[0].broken); /* it is not the worker's fault */
        worker_dies(&play);
        worker_begins(&play);
        turns(&play);
        clients_leave(&play);
        nothing_is_left(&play.gateway);
        it_serves(&play);
    }
    end(&play);
    remove_file(directory);
    return successes;
}

static void each_allocation_of_a_busy_time(void **state)
{
    (void)state;
    assert_true(each_fails_once(busy_time) > 60);
}

static void each_allocation_of_a_time_without_workers(void **state)
{
    (void)state;
    assert_true(each_fails_once(quiet_time) > 10);
}

static void each_allocation_while_the_worker_is_lost(void **state)
{
    (void)state;
    assert_true(each_fails_once(idle_time) > 60);
}

static void a_start_without_memory_is_an_error(void **state)
{
    struct vd_server_config config = {.workers = 1,
                                      .port_any = true,
                                      .log_level = VD_LOG_OFF,
                                      .history_log_bytes = 1 << 20,
                                      .cors_origins = "https://a.example https://b.example",
                                      .access_log = VD_ACCESS_JSON};
    static struct gateway gateway;
    struct vd_node node;
    enum vd_err result = VD_ERR_NO_MEMORY;

    (void)state;
    config.access_log_path = "/dev/null";
    assert_int_equal(vd_server_config_check(&config, NULL), VD_OK);
    assert_int_equal(vd_node_create(&node, &config, NULL), VD_OK);
    vd_logger_init(&node.logger, 2, VD_LOG_OFF, "gateway");
    for (int successes = 0; result != VD_OK; successes++) {
        memset(&gateway, 0, sizeof(gateway));
        allocations_fail_after(successes);
        result = gw_start(&gateway, &node, 1);
        bool failed = allocations_fail_after(-1);

        assert_int_equal(result != VD_OK, failed);
        gw_finish(&gateway);
    }
    vd_node_destroy(&node);
}

/* What its predecessor had not handed over is in the history: it may come late for want of memory,
 * but it comes. Nobody listens at the broker's port. */
static void a_successor_without_memory_finds_the_journal_later(void **state)
{
    static const struct vd_broker_options broker = {
        .url = "redis://127.0.0.1:1", .backoff_first_ms = 1, .backoff_cap_ms = 1};
    struct vd_server_config config = {.workers = 1,
                                      .port_any = true,
                                      .log_level = VD_LOG_OFF,
                                      .history_log_bytes = 1 << 20,
                                      .broker = &broker};
    static struct play play;
    struct vd_broker_status status;
    uint32_t epoch = 0;
    bool failed = true;

    (void)state;
    memset(&play, 0, sizeof(play));
    assert_int_equal(vd_server_config_check(&config, NULL), VD_OK);
    assert_int_equal(vd_node_create(&play.node, &config, NULL), VD_OK);
    atomic_store(&play.node.shared->supervisor_pid, getpid());
    vd_logger_init(&play.node.logger, 2, VD_LOG_OFF, "gateway");
    while (failed) {
        atomic_store(&play.node.shared->gateway_epoch, ++epoch);
        memset(&play.gateway, 0, sizeof(play.gateway));
        allocations_fail_after((int)epoch - 2); /* the first one has what it needs */
        enum vd_err result = gw_start(&play.gateway, &play.node, epoch);
        if (epoch == 1) {
            worker_begins(&play);
            for (int i = 0; i < MESSAGES; i++)
                publish_little(&play);
        }
        if (result == VD_OK)
            turns(&play);
        failed = allocations_fail_after(-1) || epoch == 1;
        for (bool open = result != VD_OK; !open; open = status.counters.published > 0) {
            turn(&play);
            assert_true(gw_link_status(&play.gateway, &status));
        }
        assert_true(result != VD_OK || status.outbox_messages == MESSAGES);
        gw_finish(&play.gateway);
    }
    assert_true(epoch > 20);
    assert_int_equal(atomic_load(&play.node.shared->link_confirmed), 0);
    vd_node_destroy(&play.node);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_start_without_memory_is_an_error),
        cmocka_unit_test(each_allocation_of_a_busy_time),
        cmocka_unit_test(each_allocation_of_a_time_without_workers),
        cmocka_unit_test(each_allocation_while_the_worker_is_lost),
        cmocka_unit_test(a_successor_without_memory_finds_the_journal_later),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
