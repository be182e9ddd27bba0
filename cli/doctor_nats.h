/* SPDX-License-Identifier: Apache-2.0 */
/* What the doctor's files about NATS share: one examination of one server. doctor_nats.c has its
 * steps, doctor_nats_login.c the one that proves who we are, doctor_nats_ask.c speaks to the
 * server, and doctor_nats_key.c knows keys and JWTs. */
#ifndef VIADUCT_CLI_DOCTOR_NATS_H
#define VIADUCT_CLI_DOCTOR_NATS_H

#include "doctor_line.h"
#include "json.h"
#include "nats_url.h"

#define NATS_WORDS_BYTES 256

enum nats_operation { NATS_PONG, NATS_ERROR, NATS_MESSAGE, NATS_OTHER };

struct nats_case {
    struct doctor *doctor;
    const char *subject;
    struct vd_broker_credentials credentials;
    struct vd_nats_url url;
    const struct vd_nats_server *server; /* the one of them that is examined */
    struct vd_tls *tls;                  /* of tls:// */
    struct vd_tls *wished;               /* the server's wish, where the URL says nats:// */
    bool secured;                        /* the line is */
    struct doctor_line line;
    struct json_document info;
    char token[VD_NODE_ID_CHARS + 1];
    char words[NATS_WORDS_BYTES]; /* of the last -ERR */
    bool repeats;                 /* it holds our password or token */
    const char *payload;          /* of the last message, in line.in until the next call */
    size_t payload_length, taken;
};

/* A whole line of line->in, without its end; its bytes stay. @whole: with it. */
bool nats_read_line(struct doctor_line *line, size_t *length, size_t *whole);
bool nats_begins(const char *line, size_t length, const char *with); /* in any case of letters */

/* The next thing that the server says; PINGs are answered. */
bool nats_next(struct nats_case *self, enum nats_operation *operation);
/* Until the PONG of the PING that was sent last. *@refused: an -ERR came before, in self->words. */
bool nats_wait_for_pong(struct nats_case *self, bool *refused);
/* The last -ERR, for the report. */
const char *nats_shown_words(const struct nats_case *self);

/* The step failed because there was no answer. Returns false. */
bool nats_no_answer(struct nats_case *self, const char *step);

/* doctor_nats_login.c: the step "login", and what it knows beside it. */
bool nats_log_in(struct nats_case *self);

#endif
