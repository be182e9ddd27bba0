/* SPDX-License-Identifier: Apache-2.0 */
/* The test as the gateway of one worker: see worker_ring.h. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <viaduct/clock.h>

#include "worker_ring.h"

void bench_fork(struct bench *bench)
{
    uint32_t generation = atomic_load(&bench->slot->generation) + 1;

    atomic_store(&bench->slot->generation, generation);
    atomic_store(&bench->slot->state, VD_SLOT_STARTING);
    fflush(NULL);
    bench->pid = fork();
    if (bench->pid == 0)
        _exit(vd_worker_process_main(&bench->node, 0, generation));
    assert_true(bench->pid > 0);
}

void bench_start(struct bench *bench, int (*worker_main)(struct vd_worker *worker, void *context),
                 struct vd_server_config config)
{
    struct vd_error error = {0};

    memset(bench, 0, sizeof(*bench));
    assert_int_equal(vd_server_config_check(&config, &error), VD_OK);
    assert_int_equal(vd_node_create(&bench->node, &config, &error), VD_OK);
    bench->node.hooks.worker_main = worker_main;
    bench->slot = &bench->node.slots[0];
    bench->epoch = 1;
    atomic_store(&bench->node.shared->supervisor_pid, getpid());
    atomic_store(&bench->node.shared->gateway_pid, getpid());
    atomic_store(&bench->node.shared->gateway_epoch, 1);
    assert_int_equal(vd_ring_producer_init(&bench->requests, bench->node.requests[0]), VD_OK);
    assert_int_equal(vd_ring_producer_init(&bench->events, bench->node.events[0]), VD_OK);
    assert_int_equal(vd_ring_consumer_init(&bench->from_worker, bench->node.to_gateway[0]), VD_OK);
    if (worker_main)
        bench_fork(bench);
}

int bench_reap(struct bench *bench)
{
    uint64_t deadline = vd_monotonic_ms() + WAIT_MS;
    int status;

    while (waitpid(bench->pid, &status, WNOHANG) == 0) {
        if (vd_monotonic_ms() > deadline) {
            kill(bench->pid, SIGKILL);
            waitpid(bench->pid, NULL, 0);
            fail_msg("the worker does not end");
        }
        poll(NULL, 0, 2);
    }
    bench->pid = 0;
    return status;
}

void bench_stop(struct bench *bench)
{
    if (bench->pid > 0) {
        atomic_store(&bench->node.shared->phase, VD_PHASE_STOPPING);
        vd_doorbell_force(&bench->slot->bell);
        assert_int_equal(bench_reap(bench), 0);
    }
    vd_node_destroy(&bench->node);
}

static void release(struct bench *bench)
{
    if (bench->holding && vd_ring_release(&bench->from_worker))
        vd_doorbell_ring(&bench->slot->bell);
    bench->holding = false;
}

static const struct vd_frame *wait_frame(struct bench *bench, unsigned ms)
{
    struct vd_doorbell *bell = &bench->node.shared->gateway_bell;
    struct pollfd poller = {.fd = bell->fd, .events = POLLIN};
    uint64_t deadline = vd_monotonic_ms() + ms;
    const struct vd_frame *frame;

    release(bench);
    for (;;) {
        uint64_t now = vd_monotonic_ms();

        vd_doorbell_arm(bell);
        if (vd_ring_peek(&bench->from_worker, &frame) == VD_OK) {
            vd_doorbell_disarm(bell);
            bench->holding = true;
            return frame;
        }
        if (now >= deadline)
            return NULL;
        poll(&poller, 1, (int)(deadline - now));
        vd_doorbell_disarm(bell);
    }
}

const struct vd_frame *bench_next(struct bench *bench)
{
    const struct vd_frame *frame = wait_frame(bench, WAIT_MS);

    assert_non_null(frame);
    return frame;
}

const struct vd_frame *bench_expect(struct bench *bench, uint16_t type)
{
    const struct vd_frame *frame = bench_next(bench);

    assert_int_equal(frame->type, type);
    return frame;
}

void bench_skip(struct bench *bench)
{
    bench_next(bench);
    release(bench);
}

void bench_expect_silence(struct bench *bench, unsigned ms)
{
    assert_null(wait_frame(bench, ms));
}

/* ---- requests ----------------------------------------------------------------------------------
 */

static struct vd_frame_span span_of(const char *head, const char *part, size_t length)
{
    return (struct vd_frame_span){(uint32_t)(part - head), (uint32_t)length};
}

/* method SP target SP HTTP/1.1, Host, X-Test. */
static size_t build(unsigned char *record, const char *method, const char *target, const void *body,
                    size_t body_length, uint32_t claim)
{
    char head[4096];
    struct vd_frame_request *request = (struct vd_frame_request *)record;
    struct vd_frame_span *spans = (struct vd_frame_span *)(request + 1);
    int head_length = snprintf(head, sizeof(head),
                               "%s %s HTTP/1.1\r\nHost: here\r\nX-Test: 1\r\n\r\n", method, target);
    unsigned char *at = (unsigned char *)(spans + 4);

    memset(request, 0, sizeof(*request));
    request->claim = claim;
    request->header_count = 2;
    request->head_length = (uint32_t)head_length;
    request->minor_version = 1;
    request->body_length = body_length;
    request->received_us = 42;
    request->method = span_of(head, head, strlen(method));
    request->target = span_of(head, head + strlen(method) + 1, strlen(target));
    snprintf(request->remote_address, sizeof(request->remote_address), "192.0.2.1");
    request->remote_port = 4711;
    request->https = 1;
    request->host = span_of(head, strstr(head, "here"), 4);
    memset(request->request_id, 'i', sizeof(request->request_id)); /* the longest, not terminated */
    request->request_id_length = sizeof(request->request_id);
    spans[0] = span_of(head, strstr(head, "Host"), 4);
    spans[1] = span_of(head, strstr(head, "here"), 4);
    spans[2] = span_of(head, strstr(head, "X-Test"), 6);
    spans[3] = span_of(head, strstr(head, "X-Test") + 8, 1);
    memcpy(at, head, (size_t)head_length);
    if (body_length)
        memcpy(at + head_length, body, body_length);
    return (size_t)(at - record) + (size_t)head_length + body_length;
}

static void ring_frame(struct bench *bench, uint16_t type, const void *bytes, size_t length,
                       uint16_t flags, uint64_t id)
{
    uint64_t deadline = vd_monotonic_ms() + WAIT_MS;
    struct vd_frame *frame;

    while (!(frame = vd_ring_reserve(&bench->requests, length, type, flags, id))) {
        assert_true(vd_monotonic_ms() < deadline);
        poll(NULL, 0, 1);
    }
    if (length)
        memcpy(frame->payload, bytes, length);
    vd_ring_commit(&bench->requests);
    vd_doorbell_ring(&bench->slot->bell);
}

static uint64_t offer(struct bench *bench, const char *method, const char *target, const void *body,
                      uint64_t body_length, bool streamed, enum vd_claim_state state)
{
    unsigned char *record = malloc(8192 + (streamed ? 0 : body_length));
    uint64_t id = (uint64_t)bench->epoch << VD_REQUEST_EPOCH_SHIFT | ++bench->counter;
    uint32_t claim = bench->next_claim++ % VD_CLAIMS;
    size_t length = build(record, method, target, body, streamed ? 0 : body_length, claim);
    struct vd_frame_request *request = (struct vd_frame_request *)record;

    request->body_length = body_length;
    request->body_streamed = streamed;
    atomic_store(&bench->slot->claims[claim], vd_claim_word(id, state));
    ring_frame(bench, VD_FRAME_REQUEST, record, length, 0, id);
    free(record);
    return id;
}

void bench_body(struct bench *bench, uint64_t id, const void *bytes, size_t length, uint16_t flags)
{
    ring_frame(bench, VD_FRAME_BODY, bytes, length, flags, id);
}

uint64_t bench_request(struct bench *bench, const char *method, const char *target,
                       const void *body, size_t body_length)
{
    bool streamed = body_length > VD_FRAME_CHUNK_BYTES - 8192;
    uint64_t id = offer(bench, method, target, body, body_length, streamed, VD_CLAIM_OFFERED);

    if (!streamed)
        return id;
    assert_int_equal(bench_expect(bench, VD_FRAME_WANT_BODY)->tag, id);
    for (size_t at = 0; at < body_length;) {
        size_t left = body_length - at;
        size_t part = left < VD_FRAME_CHUNK_BYTES ? left : VD_FRAME_CHUNK_BYTES;

        bench_body(bench, id, (const char *)body + at, part, part < left ? VD_FRAME_MORE : 0);
        at += part;
    }
    return id;
}

uint64_t bench_request_streamed(struct bench *bench, const char *target, uint64_t body_length)
{
    return offer(bench, "POST", target, NULL, body_length, true, VD_CLAIM_OFFERED);
}

uint64_t bench_request_revoked(struct bench *bench, const char *target)
{
    return offer(bench, "POST", target, NULL, 0, false, VD_CLAIM_REVOKED);
}

uint32_t bench_claim_state(const struct bench *bench, uint64_t id)
{
    for (unsigned i = 0; i < VD_CLAIMS; i++) {
        uint64_t word = atomic_load(&bench->slot->claims[i]);

        if (word >> 2 == (id & (UINT64_MAX >> 2)))
            return (uint32_t)(word & 3);
    }
    return VD_CLAIM_FREE;
}

/* ---- the rest ----------------------------------------------------------------------------------
 */

void bench_message(struct bench *bench, uint32_t id, const char *scope, const char *data)
{
    struct vd_frame_message head = {.scope_length = (uint16_t)strlen(scope),
                                    .has_data = 1,
                                    .data_length = (uint32_t)strlen(data)};
    struct vd_frame *frame =
        vd_ring_reserve(&bench->events, sizeof(head) + head.scope_length + head.data_length,
                        VD_FRAME_EVENT_MESSAGE, 0, id);

    assert_non_null(frame);
    memcpy(frame->payload, &head, sizeof(head));
    memcpy(frame->payload + sizeof(head), scope, head.scope_length);
    memcpy(frame->payload + sizeof(head) + head.scope_length, data, head.data_length);
    vd_ring_commit(&bench->events);
    vd_doorbell_ring(&bench->slot->bell);
}

void bench_new_epoch(struct bench *bench)
{
    bench->epoch++;
    atomic_store(&bench->node.shared->gateway_epoch, bench->epoch);
    vd_doorbell_force(&bench->slot->bell);
}

void bench_acknowledge(struct bench *bench, uint64_t id, uint64_t bytes)
{
    atomic_store(&bench->slot->response_acknowledged, id << 48 | bytes);
    vd_doorbell_ring(&bench->slot->bell);
}

unsigned response_status(const struct vd_frame *frame)
{
    const struct vd_frame_response *response = (const struct vd_frame_response *)frame->payload;

    return response->status;
}

struct vd_text response_headers(const struct vd_frame *frame)
{
    const struct vd_frame_response *response = (const struct vd_frame_response *)frame->payload;

    return (struct vd_text){(const char *)(response + 1), response->headers_length};
}

struct vd_text response_body(const struct vd_frame *frame)
{
    const struct vd_frame_response *response = (const struct vd_frame_response *)frame->payload;

    assert_int_equal(frame->length,
                     sizeof(*response) + response->headers_length + response->body_length);
    return (struct vd_text){(const char *)(response + 1) + response->headers_length,
                            (size_t)response->body_length};
}
