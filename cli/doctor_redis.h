/* SPDX-License-Identifier: Apache-2.0 */
/* What the doctor's files about Redis share: one examination of one server. doctor_redis.c has the
 * steps that a node needs, doctor_redis_facts.c those that only an administrator may ask for, and
 * doctor_redis_ask.c speaks to the server. */
#ifndef VIADUCT_CLI_DOCTOR_REDIS_H
#define VIADUCT_CLI_DOCTOR_REDIS_H

#include "doctor_line.h"
#include "redis_url.h"
#include "resp.h"

struct redis_case {
    struct doctor *doctor;
    const char *channel;
    const char *username, *password;
    struct vd_redis_url url;
    const struct vd_redis_server *server; /* the one of them that is examined */
    struct vd_tls *tls;
    struct doctor_line commands, subscriber;
    struct resp reply;
    size_t reply_length; /* in commands.in; taken by the next question */
    size_t heard;        /* the same in subscriber.in */
    char token[VD_NODE_ID_CHARS + 1];
    bool may_subscribe, may_publish;
};

/* Ask over the first connection; the answer is self->reply until the next call. */
#define ASK(self, ...)                                                                             \
    redis_ask(self, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *),                        \
              (const char *const[]){__VA_ARGS__})
bool redis_ask(struct redis_case *self, size_t count, const char *const *words);

/* The same over the second; and what comes there by itself. */
bool redis_tell_subscriber(struct redis_case *self, size_t count, const char *const *words);
bool redis_hear(struct redis_case *self);

/* Is the reply an error that begins so? */
bool redis_refused(const struct redis_case *self, const char *code);
/* A copy of one part of the reply; "" when it is not there. */
const char *redis_part(const struct redis_case *self, size_t index, char *buffer, size_t size);

/* The step failed because there was no answer over @line. Returns false. */
bool redis_no_answer(struct redis_case *self, const char *step, const struct doctor_line *line);

/* doctor_redis_facts.c. false: it is no use to go on. */
bool redis_ask_server(struct redis_case *self);
bool redis_ask_limits(struct redis_case *self);
bool redis_ask_clock(struct redis_case *self);

#endif
