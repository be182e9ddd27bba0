/* SPDX-License-Identifier: Apache-2.0 */
/* A real gateway process on a stage: the test plays the supervisor, every worker (by hand, over the
 * real rings) and the clients (over real sockets). For what happens between processes at moments
 * that a real worker does not stop at. */
#ifndef VIADUCT_TEST_STAGE_H
#define VIADUCT_TEST_STAGE_H

#include "common_frames.h"
#include "common_node.h"

#define STAGE_WAIT_MS 60000 /* before a test gives up */
#define STAGE_HANDS   8

struct stage;

/* A worker, played by hand. */
struct hand {
    struct stage *stage;
    struct vd_worker_slot *slot;
    unsigned index;
    uint32_t generation;
    struct vd_ring_consumer requests, events;
    struct vd_ring_producer to_gateway;
};

struct stage {
    struct vd_node node;
    pid_t gateway;
    uint32_t epoch;
    struct hand hands[STAGE_HANDS];
};

/* config.workers hands, none of them alive yet; any free port of 127.0.0.1. */
void stage_start(struct stage *stage, struct vd_server_config config);
void stage_stop(struct stage *stage);
void stage_gateway_start(struct stage *stage); /* (again) with the next epoch */
void stage_gateway_kill(struct stage *stage);
/* Does /metrics hold this line? */
bool stage_metrics_say(const struct stage *stage, const char *line);
/* The gateway has looked at its rings since. */
void stage_turn(struct stage *stage);
/* Wait for @condition, a C expression. */
#define STAGE_UNTIL(condition)                                                                     \
    do {                                                                                           \
        uint64_t give_up_ms_ = vd_monotonic_ms() + STAGE_WAIT_MS;                                  \
        while (!(condition)) {                                                                     \
            assert_true(vd_monotonic_ms() < give_up_ms_);                                          \
            usleep(200);                                                                           \
        }                                                                                          \
    } while (0)

/* ---- workers -----------------------------------------------------------------------------------
 */

void hand_begin(struct hand *hand); /* a process comes up in the slot, says nothing yet */
void hand_ready(struct hand *hand); /* tells the gateway, which may not have seen it when this
                                       returns */
void hand_start(struct hand *hand); /* both */
/* What the supervisor says of a dead worker; does not wait for the burial. */
void hand_die(struct hand *hand, enum vd_death_reason reason);
bool hand_is_buried(const struct hand *hand);
/* A frame to the gateway; false: no room. Without @ring the bell stays silent. */
bool hand_send(struct hand *hand, uint16_t type, uint64_t tag, const void *bytes, size_t length,
               bool ring);
bool hand_answer(struct hand *hand, uint64_t id, unsigned status, const char *body, bool ring);
bool hand_publish(struct hand *hand, const char *scope, const char *data, size_t data_length);
void hand_subscribe(struct hand *hand, uint32_t id, const char *pattern);

enum hand_found { HAND_NOTHING, HAND_NOT_MINE, HAND_TAKEN };
/* Look at the next request. TAKEN: its claim was won; @target gets up to @room bytes of it and a
 * NUL. Release it (hand_release) after each but NOTHING. */
enum hand_found hand_take(struct hand *hand, uint64_t *id, char *target, size_t room);
void hand_release(struct hand *hand, struct vd_ring_consumer *ring);
/* The next frame of the events ring; NULL: none now. */
const struct vd_frame *hand_event(struct hand *hand);

/* ---- clients -----------------------------------------------------------------------------------
 */

int client_connect(const struct stage *stage); /* non-blocking from then on */
void client_send(int fd, const char *text);
void client_get(int fd, const char *target);
/* Appends what has come to @buffer (NUL-terminated). Returns false at the end of the connection. */
bool client_read(int fd, char *buffer, size_t room);
/* Is one response with a Content-Length there? Its status (and body, cut to @room), taken off the
 * front; else 0. */
unsigned client_answer(char *buffer, char *body, size_t room);

#endif
