/* SPDX-License-Identifier: Apache-2.0 */
/* A worker process with the test in the place of its gateway: the fixture of the tests that drive
 * the rings by hand. */
#ifndef VIADUCT_TEST_WORKER_RING_H
#define VIADUCT_TEST_WORKER_RING_H

#include "common_frames.h"
#include "common_node.h"
#include "worker.h"

#define WAIT_MS 60000 /* before a test gives up */

struct bench {
    struct vd_node node;
    struct vd_worker_slot *slot;
    pid_t pid;
    uint32_t epoch;
    uint64_t counter;
    unsigned next_claim;
    struct vd_ring_producer requests;
    struct vd_ring_producer events;
    struct vd_ring_consumer from_worker;
    bool holding; /* a frame is peeked */
};

/* A node with one worker that runs @worker_main (NULL: none is forked, the test plays it as well);
 * the gateway's epoch is 1. */
void bench_start(struct bench *bench, int (*worker_main)(struct vd_worker *worker, void *context),
                 struct vd_server_config config);
void bench_fork(struct bench *bench); /* (again) with the next generation */
/* Shut down, expect exit code 0, tear down. */
void bench_stop(struct bench *bench);
int bench_reap(struct bench *bench); /* waits; returns the status of waitpid(2) */

/* The next frame from the worker, of any type; released by the next call. */
const struct vd_frame *bench_next(struct bench *bench);
/* The same, of @type. */
const struct vd_frame *bench_expect(struct bench *bench, uint16_t type);
void bench_skip(struct bench *bench); /* read one frame and release it */
/* Nothing comes within @ms. */
void bench_expect_silence(struct bench *bench, unsigned ms);

/* Offer a request; returns its id. */
uint64_t bench_request(struct bench *bench, const char *method, const char *target,
                       const void *body, size_t body_length);
/* One whose body of @body_length bytes (UINT64_MAX: not known) is streamed: send it by bench_body
 * after WANT_BODY. */
uint64_t bench_request_streamed(struct bench *bench, const char *target, uint64_t body_length);
void bench_body(struct bench *bench, uint64_t id, const void *bytes, size_t length, uint16_t flags);
/* One that was taken back before the worker could see it. */
uint64_t bench_request_revoked(struct bench *bench, const char *target);
uint32_t bench_claim_state(const struct bench *bench, uint64_t id);
void bench_message(struct bench *bench, uint32_t id, const char *scope, const char *data);
void bench_new_epoch(struct bench *bench);
void bench_acknowledge(struct bench *bench, uint64_t id, uint64_t bytes);

/* Status and body of a RESPONSE frame. */
unsigned response_status(const struct vd_frame *frame);
struct vd_text response_body(const struct vd_frame *frame);
struct vd_text response_headers(const struct vd_frame *frame);

#endif
