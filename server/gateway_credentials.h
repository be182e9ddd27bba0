/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials of the link that only a worker can tell: see gateway_credentials.c. */
#ifndef VIADUCT_GATEWAY_CREDENTIALS_H
#define VIADUCT_GATEWAY_CREDENTIALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <viaduct/broker.h>

struct gateway;
struct gw_worker;
struct vd_frame;

struct gw_credentials {
    bool wanted;         /* an attempt waits for them */
    bool answered;       /* and here they are */
    bool refused;        /* or: there are none */
    uint32_t question;   /* number of the last one; answers to others are too late */
    uint32_t generation; /* of the worker that was asked last; 0: nobody */
    unsigned asked;      /* its index */
    uint64_t asked_ms;
    char *bytes; /* of the answer: the texts that the driver has */
    size_t length;
    struct vd_broker_credentials texts;
};

/* vd_broker_credentials_fn for the link's handle. */
enum vd_err gw_credentials_for_attempt(struct gateway *gateway,
                                       struct vd_broker_credentials *credentials);

/* Once a turn: somebody must be asked, or somebody else. */
void gw_credentials_turn(struct gateway *gateway);

/* VD_FRAME_BROKER_CREDENTIALS came. Returns false for a frame that no sane worker sends. */
bool gw_credentials_answer(struct gateway *gateway, const struct vd_frame *frame);

void gw_credentials_finish(struct gw_credentials *credentials); /* zeroed memory is fine */

#endif
