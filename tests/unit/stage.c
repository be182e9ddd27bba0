/* SPDX-License-Identifier: Apache-2.0 */
/* The test around a real gateway: see stage.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <viaduct/clock.h>

#include "stage.h"
#include "supervisor_state.h"

void stage_gateway_start(struct stage *stage)
{
    uint32_t epoch = ++stage->epoch;

    atomic_store(&stage->node.shared->gateway_epoch, epoch);
    fflush(NULL);
    stage->gateway = fork();
    if (stage->gateway == 0) {
        signal(SIGSEGV, SIG_DFL); /* not the test's affair */
        signal(SIGABRT, SIG_DFL);
        _exit(vd_gateway_main(&stage->node, epoch));
    }
    assert_true(stage->gateway > 0);
    atomic_store(&stage->node.shared->gateway_pid, stage->gateway);
    STAGE_UNTIL(atomic_load(&stage->node.shared->gateway_ready_epoch) == epoch);
}

void stage_gateway_kill(struct stage *stage)
{
    kill(stage->gateway, SIGKILL);
    assert_int_equal(waitpid(stage->gateway, NULL, 0), stage->gateway);
    stage->gateway = 0;
}

void stage_start(struct stage *stage, struct vd_server_config config)
{
    struct vd_error error = {0};

    memset(stage, 0, sizeof(*stage));
    config.port_any = true;
    config.broker_driver = "pipe";
    config.log_fd = open("/dev/null", O_WRONLY | O_CLOEXEC); /* what is logged is formatted */
    assert_int_equal(vd_server_config_check(&config, &error), VD_OK);
    assert_int_equal(vd_node_create(&stage->node, &config, &error), VD_OK);
    assert_int_equal(vd_supervisor_listen(&stage->node, &error), VD_OK);
    atomic_store(&stage->node.shared->supervisor_pid, getpid());
    assert_true(config.workers <= STAGE_HANDS);
    for (unsigned i = 0; i < config.workers; i++) {
        stage->hands[i].stage = stage;
        stage->hands[i].index = i;
        stage->hands[i].slot = &stage->node.slots[i];
    }
    stage_gateway_start(stage);
}

/* The gateway ends by itself when everyone has gone: a sanitizer has its last word. */
void stage_stop(struct stage *stage)
{
    int status = 0;

    for (unsigned i = 0; i < stage->node.config.workers; i++) {
        struct hand *hand = &stage->hands[i];

        if (atomic_load(&hand->slot->state) != VD_SLOT_EMPTY)
            hand_die(hand, VD_DEATH_CLEAN);
    }
    atomic_store(&stage->node.shared->phase, VD_PHASE_STOPPING);
    vd_doorbell_force(&stage->node.shared->gateway_bell);
    kill(stage->gateway, SIGTERM);
    assert_int_equal(waitpid(stage->gateway, &status, 0), stage->gateway);
    assert_int_equal(status, 0);
    vd_supervisor_unlisten(&stage->node);
    close(stage->node.config.log_fd);
    vd_node_destroy(&stage->node);
}

/* ---- workers -----------------------------------------------------------------------------------
 */

void hand_begin(struct hand *hand)
{
    struct vd_node *node = &hand->stage->node;
    unsigned i = hand->index;

    hand->generation = atomic_load(&hand->slot->generation) + 1;
    atomic_store(&hand->slot->death_reason, VD_DEATH_NONE);
    atomic_store(&hand->slot->generation, hand->generation);
    atomic_store(&hand->slot->state, VD_SLOT_STARTING);
    assert_int_equal(vd_ring_consumer_init(&hand->requests, node->requests[i]), VD_OK);
    assert_int_equal(vd_ring_consumer_init(&hand->events, node->events[i]), VD_OK);
    assert_int_equal(vd_ring_producer_init(&hand->to_gateway, node->to_gateway[i]), VD_OK);
}

void hand_ready(struct hand *hand)
{
    atomic_store(&hand->slot->state, VD_SLOT_READY);
    assert_true(hand_send(hand, VD_FRAME_READY, hand->stage->epoch, NULL, 0, true));
}

void hand_start(struct hand *hand)
{
    hand_begin(hand);
    hand_ready(hand);
}

void hand_die(struct hand *hand, enum vd_death_reason reason)
{
    uint32_t none = VD_DEATH_NONE;

    atomic_compare_exchange_strong(&hand->slot->death_reason, &none, reason);
    atomic_store(&hand->slot->state, VD_SLOT_EMPTY);
    atomic_store(&hand->slot->request_started_ms, 0);
    atomic_store(&hand->slot->died_generation, hand->generation);
    vd_doorbell_force(&hand->stage->node.shared->gateway_bell);
}

bool hand_is_buried(const struct hand *hand)
{
    return atomic_load(&hand->slot->buried_generation) == hand->generation;
}

bool hand_send(struct hand *hand, uint16_t type, uint64_t tag, const void *bytes, size_t length,
               bool ring)
{
    struct vd_frame *frame = vd_ring_reserve(&hand->to_gateway, length, type, 0, tag);

    if (!frame)
        return false;
    if (length)
        memcpy(frame->payload, bytes, length);
    vd_ring_commit(&hand->to_gateway);
    if (ring)
        vd_doorbell_ring(&hand->stage->node.shared->gateway_bell);
    return true;
}

bool hand_answer(struct hand *hand, uint64_t id, unsigned status, const char *body, bool ring)
{
    char bytes[512];
    struct vd_frame_response head = {.status = status, .body_length = strlen(body)};

    memcpy(bytes, &head, sizeof(head));
    memcpy(bytes + sizeof(head), body, head.body_length);
    return hand_send(hand, VD_FRAME_RESPONSE, id, bytes, sizeof(head) + head.body_length, ring);
}

bool hand_publish(struct hand *hand, const char *scope, const char *data, size_t data_length)
{
    struct vd_frame_message head = {.scope_length = (uint16_t)strlen(scope),
                                    .has_data = data != NULL,
                                    .data_length = (uint32_t)data_length};
    struct vd_frame *frame = vd_ring_reserve(
        &hand->to_gateway, sizeof(head) + head.scope_length + data_length, VD_FRAME_PUBLISH, 0, 0);

    if (!frame)
        return false;
    memcpy(frame->payload, &head, sizeof(head));
    memcpy(frame->payload + sizeof(head), scope, head.scope_length);
    if (data)
        memcpy(frame->payload + sizeof(head) + head.scope_length, data, data_length);
    vd_ring_commit(&hand->to_gateway);
    vd_doorbell_ring(&hand->stage->node.shared->gateway_bell);
    return true;
}

void hand_subscribe(struct hand *hand, uint32_t id, const char *pattern)
{
    assert_true(hand_send(hand, VD_FRAME_SUBSCRIBE, id, pattern, strlen(pattern), true));
}

enum hand_found hand_take(struct hand *hand, uint64_t *id, char *target, size_t room)
{
    const struct vd_frame *frame;
    enum vd_err result = vd_ring_peek(&hand->requests, &frame);

    if (result == VD_ERR_EMPTY)
        return HAND_NOTHING;
    assert_int_equal(result, VD_OK);
    assert_int_equal(frame->type, VD_FRAME_REQUEST);
    const struct vd_frame_request *request = (const void *)frame->payload;
    uint64_t expected = vd_claim_word(frame->tag, VD_CLAIM_OFFERED);
    const char *head =
        (const char *)(request + 1) + request->header_count * 2 * sizeof(struct vd_frame_span);

    *id = frame->tag;
    if (!atomic_compare_exchange_strong(&hand->slot->claims[request->claim], &expected,
                                        vd_claim_word(frame->tag, VD_CLAIM_TAKEN)))
        return HAND_NOT_MINE;
    snprintf(target, room, "%.*s", (int)request->target.length, head + request->target.offset);
    return HAND_TAKEN;
}

void hand_release(struct hand *hand, struct vd_ring_consumer *ring)
{
    if (vd_ring_release(ring))
        vd_doorbell_ring(&hand->stage->node.shared->gateway_bell);
}

const struct vd_frame *hand_event(struct hand *hand)
{
    const struct vd_frame *frame;

    return vd_ring_peek(&hand->events, &frame) == VD_OK ? frame : NULL;
}

/* ---- clients -----------------------------------------------------------------------------------
 */

int client_connect(const struct stage *stage)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(stage->node.listeners[0].port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

void client_send(int fd, const char *text)
{
    /* A gateway that was killed shows at the next read. */
    ssize_t sent = send(fd, text, strlen(text), MSG_NOSIGNAL);

    assert_true(sent == (ssize_t)strlen(text) || errno == EPIPE || errno == ECONNRESET);
}

void client_get(int fd, const char *target)
{
    char text[256];

    snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: here\r\n\r\n", target);
    client_send(fd, text);
}

bool client_read(int fd, char *buffer, size_t room)
{
    size_t length = strlen(buffer);
    ssize_t got = recv(fd, buffer + length, room - length - 1, 0);

    if (got < 0)
        return errno == EAGAIN || errno == EINTR;
    buffer[length + (size_t)got] = '\0';
    return got > 0;
}

unsigned client_answer(char *buffer, char *body, size_t room)
{
    char *end = strstr(buffer, "\r\n\r\n"), *length_line = strstr(buffer, "Content-Length: ");
    unsigned status;

    if (!end || sscanf(buffer, "HTTP/1.1 %u", &status) != 1)
        return 0;
    size_t length = length_line && length_line < end ? strtoul(length_line + 16, NULL, 10) : 0;
    if (strlen(end + 4) < length)
        return 0;
    snprintf(body, room, "%.*s", (int)length, end + 4);
    memmove(buffer, end + 4 + length, strlen(end + 4 + length) + 1);
    return status;
}

bool stage_metrics_say(const struct stage *stage, const char *line)
{
    static char buffer[256 * 1024];
    int fd = client_connect(stage);

    buffer[0] = '\0';
    client_send(fd, "GET /metrics HTTP/1.0\r\nHost: a\r\n\r\n");
    STAGE_UNTIL(!client_read(fd, buffer, sizeof(buffer)));
    close(fd);
    return strstr(buffer, line) != NULL;
}

void stage_turn(struct stage *stage)
{
    struct vd_shared *shared = stage->node.shared;

    for (int i = 0; i < 2; i++) { /* the first may have begun before */
        uint64_t turns = atomic_load(&shared->turns);

        vd_doorbell_force(&shared->gateway_bell);
        STAGE_UNTIL(atomic_load(&shared->turns) > turns);
    }
}
