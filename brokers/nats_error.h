/* SPDX-License-Identifier: Apache-2.0 */
/* What the NATS client library says went wrong, as a class of ours and a sentence without secrets
 * and without the server's words. Pure. */
#ifndef VIADUCT_BROKERS_NATS_ERROR_H
#define VIADUCT_BROKERS_NATS_ERROR_H

#include <stdbool.h>

#include <nats/nats.h>

#include <viaduct/error.h>

struct vd_nats_context {
    const char *channel;
    bool tls;         /* it was asked for */
    bool certificate; /* a client's certificate was given */
    bool connecting;  /* the link was not up yet */
};

/* @text: the library's, NULL or "" when there is none. Returns error->code. */
enum vd_err vd_nats_explain(natsStatus status, const char *text,
                            const struct vd_nats_context *context, struct vd_error *error);

#endif
