/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to a Redis server, and its answers: see doctor_redis.h. */
#include <stdio.h>
#include <string.h>

#include "doctor_redis.h"

static bool send_words(struct doctor_line *line, size_t count, const char *const *words)
{
    struct cli_text text = {0};
    bool sent;

    cli_text_print(&text, "*%zu\r\n", count);
    for (size_t i = 0; i < count; i++)
        cli_text_print(&text, "$%zu\r\n%s\r\n", strlen(words[i]), words[i]);
    sent = doctor_line_send(line, text.bytes, text.length);
    explicit_bzero(text.bytes, text.length);
    cli_text_finish(&text);
    return sent;
}

/* The next reply in self->reply; its bytes stay until the next call on the same line. */
static bool next_reply(struct redis_case *self, struct doctor_line *line, size_t *taken)
{
    doctor_line_take(line, *taken);
    *taken = 0;
    for (;;) {
        long length = resp_parse(line->in.bytes, line->in.length, &self->reply);
        if (length > 0) {
            *taken = (size_t)length;
            return true;
        }
        if (length < 0) {
            vd_error_set(&line->error, VD_ERR_MALFORMED, "that is no answer of a Redis server");
            return false;
        }
        if (!doctor_line_read(line))
            return false;
    }
}

bool redis_ask(struct redis_case *self, size_t count, const char *const *words)
{
    return send_words(&self->commands, count, words) &&
           next_reply(self, &self->commands, &self->reply_length);
}

bool redis_tell_subscriber(struct redis_case *self, size_t count, const char *const *words)
{
    return send_words(&self->subscriber, count, words) && redis_hear(self);
}

bool redis_hear(struct redis_case *self)
{
    return next_reply(self, &self->subscriber, &self->heard);
}

bool redis_refused(const struct redis_case *self, const char *code)
{
    size_t length = strlen(code);

    return self->reply.type == '-' && self->reply.parts[0].length >= length &&
           memcmp(self->reply.parts[0].bytes, code, length) == 0;
}

const char *redis_part(const struct redis_case *self, size_t index, char *buffer, size_t size)
{
    struct resp_part wanted = {"", 0};

    if (index < self->reply.count)
        wanted = self->reply.parts[index];
    snprintf(buffer, size, "%.*s", (int)(wanted.length < size ? wanted.length : size - 1),
             wanted.bytes);
    return buffer;
}

bool redis_no_answer(struct redis_case *self, const char *step, const struct doctor_line *line)
{
    const char *in = line->in.bytes;
    size_t length = line->in.length;
    bool tls = !self->url.tls && line->error.code != VD_ERR_TIMEOUT &&
               doctor_speaks_tls(line, self->server->host);

    doctor_step(self->doctor, DOCTOR_FAILED, step, "%s", line->error.text);
    if (tls) {
        doctor_advise(self->doctor, "That port speaks TLS: use rediss:// in --broker, and --ca "
                                    "unless the system knows the authority.");
    } else if (line->error.code == VD_ERR_TIMEOUT) {
        doctor_advise(self->doctor,
                      "The server took the connection and says nothing. Is its process "
                      "stopped, swapping, or busy with a long command (SLOWLOG)?");
    } else if (line->error.code == VD_ERR_MALFORMED) {
        doctor_advise(self->doctor, "%s",
                      length > 5 && memcmp(in, "INFO ", 5) == 0
                          ? "That is a NATS server: use nats://."
                      : length > 5 && memcmp(in, "HTTP/", 5) == 0
                          ? "That is a web server. Is the port right?"
                          : "Something else listens there. Is the port right?");
    } else if (self->url.tls) {
        doctor_advise(self->doctor,
                      "The server closed the connection after the handshake: it may want "
                      "a client certificate (--cert and --key), or not accept the one "
                      "given. Its log says which.");
    } else {
        doctor_advise(self->doctor, "The server closed the connection. Is that a Redis server, and "
                                    "is \"maxclients\" reached? Its log says so.");
    }
    return false;
}
