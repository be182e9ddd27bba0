/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to a NATS server, and its answers: see doctor_nats.h.
 *
 * Source: https://docs.nats.io/reference/reference-protocols/nats-protocol */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor_nats.h"

bool nats_read_line(struct doctor_line *line, size_t *length, size_t *whole)
{
    for (;;) {
        const char *newline =
            line->in.length ? memchr(line->in.bytes, '\n', line->in.length) : NULL;
        if (newline) {
            *whole = (size_t)(newline - line->in.bytes) + 1;
            *length = *whole - 1 - (newline > line->in.bytes && newline[-1] == '\r');
            return true;
        }
        if (!doctor_line_read(line))
            return false;
    }
}

bool nats_begins(const char *line, size_t length, const char *with)
{
    return length >= strlen(with) && strncasecmp(line, with, strlen(with)) == 0;
}

/* "MSG subject sid [reply] bytes": wait for the bytes, too. */
static bool take_message(struct nats_case *self, size_t length, size_t whole)
{
    const char *size = memrchr(self->line.in.bytes, ' ', length);
    unsigned long bytes = size ? strtoul(size + 1, NULL, 10) : 0;

    if (!size || bytes > DOCTOR_INPUT_BYTES) {
        vd_error_set(&self->line.error, VD_ERR_MALFORMED, "that is no answer of a NATS server");
        return false;
    }
    while (self->line.in.length < whole + bytes + 2) {
        if (!doctor_line_read(&self->line))
            return false;
    }
    self->payload = self->line.in.bytes + whole;
    self->payload_length = bytes;
    self->taken = whole + bytes + 2;
    return true;
}

bool nats_next(struct nats_case *self, enum nats_operation *operation)
{
    struct doctor_line *line = &self->line;
    size_t length, whole;

    doctor_line_take(line, self->taken);
    self->taken = 0;
    if (!nats_read_line(line, &length, &whole))
        return false;
    self->taken = whole;
    *operation = NATS_OTHER; /* +OK, INFO of a cluster that changes */
    if (nats_begins(line->in.bytes, length, "PONG")) {
        *operation = NATS_PONG;
    } else if (nats_begins(line->in.bytes, length, "-ERR")) {
        snprintf(self->words, sizeof(self->words), "%.*s", (int)length, line->in.bytes);
        self->repeats = doctor_repeats(line->in.bytes, length, self->credentials.password) ||
                        doctor_repeats(line->in.bytes, length, self->credentials.token);
        *operation = NATS_ERROR;
    } else if (nats_begins(line->in.bytes, length, "MSG ")) {
        *operation = NATS_MESSAGE;
        return take_message(self, length, whole);
    } else if (nats_begins(line->in.bytes, length, "PING")) {
        return doctor_line_send(line, "PONG\r\n", 6);
    }
    return true;
}

bool nats_wait_for_pong(struct nats_case *self, bool *refused)
{
    enum nats_operation operation;

    *refused = false;
    do {
        if (!nats_next(self, &operation))
            return *refused; /* some refusals close the connection */
        *refused = *refused || operation == NATS_ERROR;
    } while (operation != NATS_PONG);
    return true;
}

const char *nats_shown_words(const struct nats_case *self)
{
    return self->repeats ? "-ERR with a text that repeats the credentials" : self->words;
}

bool nats_no_answer(struct nats_case *self, const char *step)
{
    struct doctor *doctor = self->doctor;

    doctor_step(doctor, DOCTOR_FAILED, step, "%s", self->line.error.text);
    if (self->line.error.code == VD_ERR_TIMEOUT) {
        doctor_advise(doctor, "The server took the connection and says nothing. Is its process "
                              "stopped or overloaded?");
    } else if (self->secured) {
        doctor_advise(doctor, "The server closed the connection after the handshake: it may want a "
                              "client certificate (--cert and --key), or not accept the one given. "
                              "Its log says which.");
    } else {
        doctor_advise(doctor, "The server closed the connection; its log says why.");
    }
    return false;
}
