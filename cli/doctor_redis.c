/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor's look at a Redis server, in the words of its protocol: login, what the ACL permits,
 * the way of a message, and, where it is permitted to ask, limits and clock.
 *
 * Happy path: two connections, as the driver has them; the one subscribes, the other publishes.
 * Failure modes: each refusal (NOAUTH, WRONGPASS, NOPERM, DENIED, LOADING) has its own sentence.
 * What only an administrator may ask is skipped, not failed: INFO, CONFIG, TIME are never needed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <viaduct/clock.h>
#include <viaduct/wire.h>

#include "doctor_line.h"
#include "redis_url.h"
#include "resp.h"

#define CHANNEL        "via:broadcast"
#define TOO_MANY       "ERR max number of clients"
#define CLOCK_MS       2000
#define LIMIT_ROOM     "client-output-buffer-limit"
#define MESSAGES_BELOW 3 /* of the largest ones must fit into what a slow reader may owe */

struct redis_case {
    struct doctor *doctor;
    const char *channel;
    const char *username, *password;
    struct vd_redis_url url;
    struct vd_tls *tls;
    struct doctor_line commands, subscriber;
    struct resp reply;
    long reply_length; /* in commands.in or subscriber.in, taken by the next call */
    char token[VD_NODE_ID_CHARS + 1];
    bool may_subscribe, may_publish;
};

/* ---- ask and answer ----------------------------------------------------------------------------
 */

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
static bool next_reply(struct redis_case *self, struct doctor_line *line, long *taken)
{
    doctor_line_take(line, (size_t)*taken);
    *taken = 0;
    for (;;) {
        long length = resp_parse(line->in.bytes, line->in.length, &self->reply);
        if (length > 0) {
            *taken = length;
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

#define ASK(self, ...)                                                                             \
    ask(self, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *),                              \
        (const char *const[]){__VA_ARGS__})

static bool ask(struct redis_case *self, size_t count, const char *const *words)
{
    doctor_line_take(&self->commands, (size_t)self->reply_length);
    self->reply_length = 0;
    return send_words(&self->commands, count, words) &&
           next_reply(self, &self->commands, &self->reply_length);
}

static bool is_error(const struct redis_case *self, const char *code)
{
    size_t length = strlen(code);

    return self->reply.type == '-' && self->reply.parts[0].length >= length &&
           memcmp(self->reply.parts[0].bytes, code, length) == 0;
}

/* A copy of one part of the reply; "" when it is not there. */
static const char *part(const struct redis_case *self, size_t index, char *buffer, size_t size)
{
    struct resp_part wanted = {"", 0};

    if (index < self->reply.count)
        wanted = self->reply.parts[index];
    snprintf(buffer, size, "%.*s", (int)(wanted.length < size ? wanted.length : size - 1),
             wanted.bytes);
    return buffer;
}

/* ---- login -------------------------------------------------------------------------------------
 */

static bool no_answer(struct redis_case *self, const char *step, const struct doctor_line *line)
{
    const char *in = line->in.bytes;
    size_t length = line->in.length;

    doctor_step(self->doctor, DOCTOR_FAILED, step, "%s", line->error.text);
    if (line->error.code == VD_ERR_TIMEOUT) {
        doctor_advise(self->doctor,
                      "The server took the connection and says nothing. Is its process "
                      "stopped, swapping, or busy with a long command (SLOWLOG)?");
    } else if (line->error.code == VD_ERR_MALFORMED) {
        doctor_advise(
            self->doctor, "%s",
            length > 5 && memcmp(in, "INFO ", 5) == 0 ? "That is a NATS server: use nats://."
            : length > 5 && memcmp(in, "HTTP/", 5) == 0
                ? "That is a web server. Is the port right?"
                : "Something else listens there, or it is a port with TLS: use rediss://.");
    } else if (self->url.tls) {
        doctor_advise(self->doctor,
                      "The server closed the connection after the handshake: it may want "
                      "a client certificate (--cert and --key), or not accept the one "
                      "given. Its log says which.");
    } else {
        doctor_advise(self->doctor,
                      "The server closed the connection. Is it a port with TLS (use "
                      "rediss://), or is \"maxclients\" reached? Its log says which.");
    }
    return false;
}

/* What has no sentence of its own. */
static void tell_answer(struct redis_case *self, const char *step)
{
    char words[160];

    doctor_step(self->doctor, DOCTOR_FAILED, step, "the server answered: %s",
                part(self, 0, words, sizeof(words)));
    doctor_advise(self->doctor, "%s",
                  is_error(self, TOO_MANY)
                      ? "Raise \"maxclients\" there, or find who holds so many connections (CLIENT "
                        "LIST). A node needs two."
                      : "LOADING and MASTERDOWN pass by themselves; for others see the server's "
                        "log.");
}

static bool refused_login(struct redis_case *self)
{
    struct doctor *doctor = self->doctor;

    if (is_error(self, "WRONGPASS")) {
        doctor_step(doctor, DOCTOR_FAILED, "login", "the server refused user or password");
        doctor_advise(doctor,
                      "Check the password, and the user%s%s%s: on the server \"ACL LIST\" shows "
                      "which users there are and whether they are \"on\".",
                      self->username ? " \"" : "", self->username ? self->username : "",
                      self->username ? "\"" : " (none is given, so it is \"default\")");
    } else if (is_error(self, "NOAUTH")) {
        doctor_step(doctor, DOCTOR_FAILED, "login", "the server asks for a password");
        doctor_advise(doctor,
                      "Set VIADUCT_PASSWORD, or give --password-file; with an ACL user also "
                      "--username.");
    } else if (is_error(self, "DENIED")) {
        doctor_step(doctor, DOCTOR_FAILED, "login", "the server is in protected mode");
        doctor_advise(doctor, "It has no password and takes connections from its own machine only. "
                              "Give it a password (\"requirepass\" or an ACL user).");
    } else if (is_error(self, "ERR AUTH") || is_error(self, "ERR Client sent AUTH")) {
        doctor_step(doctor, DOCTOR_FAILED, "login", "a password is given, but the server has none");
        doctor_advise(doctor,
                      "Is that the right server? Take the password away, give the ACL user's "
                      "name with --username, or set \"requirepass\" there.");
    } else if (is_error(self, "ERR wrong number")) {
        doctor_step(doctor, DOCTOR_FAILED, "login", "the server knows no user names");
        doctor_advise(doctor, "ACL users came with Redis 6; older servers know only one password.");
    } else {
        tell_answer(self, "login");
    }
    return false;
}

static bool log_in(struct redis_case *self)
{
    struct doctor *doctor = self->doctor;
    bool answered;

    if (self->password) {
        answered = self->username ? ASK(self, "AUTH", self->username, self->password)
                                  : ASK(self, "AUTH", self->password);
    } else {
        answered = ASK(self, "PING");
    }
    if (!answered)
        return no_answer(self, "login", &self->commands);
    if (self->reply.type == '-' && (self->password || !is_error(self, "NOPERM")))
        return refused_login(self);
    if (self->password) {
        doctor_step(doctor, DOCTOR_OK, "login", "as user \"%s\"",
                    self->username ? self->username : "default");
    } else if (doctor_line_is_local(&self->commands)) {
        doctor_step(doctor, DOCTOR_OK, "login", "no password is asked for");
    } else {
        doctor_step(doctor, DOCTOR_WARNING, "login", "no password is asked for");
        doctor_advise(doctor,
                      "Whoever reaches that port can read and publish all messages. Make an "
                      "ACL user: ACL SETUSER viaduct on '>PASSWORD' resetchannels '&%s' "
                      "+subscribe +publish +ping",
                      self->channel);
    }
    if (self->password && !self->url.tls && !doctor_line_is_local(&self->commands)) {
        doctor_step(doctor, DOCTOR_WARNING, "privacy",
                    "the password and all messages go over the "
                    "network in clear");
        doctor_advise(doctor, "Within a private network that may be meant so; else use rediss://.");
    }
    return true;
}

/* ---- server ------------------------------------------------------------------------------------
 */

/* "name:value" in the lines of INFO. */
static bool find_fact(const struct redis_case *self, const char *name, char *value, size_t size)
{
    const char *at = self->reply.parts[0].bytes, *end = at + self->reply.parts[0].length;
    size_t length = strlen(name);

    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *line_end = newline ? newline : end;
        if ((size_t)(line_end - at) > length && memcmp(at, name, length) == 0 &&
            at[length] == ':') {
            at += length + 1;
            snprintf(value, size, "%.*s", (int)strcspn(at, "\r\n"), at);
            return true;
        }
        at = line_end + 1;
    }
    return false;
}

static bool ask_server(struct redis_case *self)
{
    char version[32] = "?", role[16] = "";

    if (!ASK(self, "INFO", "server"))
        return no_answer(self, "server", &self->commands);
    if (self->reply.type == '-') {
        doctor_step(self->doctor, DOCTOR_SKIPPED, "server",
                    "this user may not ask (INFO), which is "
                    "fine");
        return true;
    }
    find_fact(self, "redis_version", version, sizeof(version));
    if (!ASK(self, "INFO", "replication"))
        return no_answer(self, "server", &self->commands);
    find_fact(self, "role", role, sizeof(role));
    if (strcmp(role, "slave") == 0) {
        doctor_step(self->doctor, DOCTOR_WARNING, "server", "Redis %s, a replica", version);
        doctor_advise(self->doctor, "What is published here reaches this replica's own subscribers "
                                    "only. All nodes must use the same server, best the primary.");
    } else {
        doctor_step(self->doctor, DOCTOR_OK, "server", "Redis %s%s%s", version,
                    *role ? ", role " : "", role);
    }
    return true;
}

/* ---- permissions -------------------------------------------------------------------------------
 */

/* Redis says either that the command is missing or that the channel is. */
static void advise_permission(struct redis_case *self, const char *command)
{
    char words[160];
    const char *user = self->username ? self->username : "default";

    if (!is_error(self, "NOPERM")) {
        tell_answer(self, command);
        return;
    }
    part(self, 0, words, sizeof(words));
    if (strstr(words, "channel")) {
        doctor_step(self->doctor, DOCTOR_FAILED, command,
                    "user \"%s\" may not use the channel \"%s\"", user, self->channel);
        doctor_advise(self->doctor, "On the server: ACL SETUSER %s '&%s'", user, self->channel);
    } else {
        doctor_step(self->doctor, DOCTOR_FAILED, command, "user \"%s\" may not use %s", user,
                    strcmp(command, "subscribe") == 0 ? "SUBSCRIBE" : "PUBLISH");
        doctor_advise(self->doctor, "On the server: ACL SETUSER %s +%s", user, command);
    }
}

/* The second connection, silently as far as it is as the first. */
static bool open_subscriber(struct redis_case *self, long *taken)
{
    struct doctor_line *line = &self->subscriber;
    const char *const with_name[] = {"AUTH", self->username, self->password};
    const char *const without[] = {"AUTH", self->password};

    if (!doctor_line_again(line, &self->commands))
        return false;
    if (self->tls && !doctor_line_secure(line, self->tls, self->url.servers[0].host))
        return false;
    if (!self->password)
        return true;
    return (self->username ? send_words(line, 3, with_name) : send_words(line, 2, without)) &&
           next_reply(self, line, taken);
}

static bool check_subscribe(struct redis_case *self, long *taken)
{
    const char *const words[] = {"SUBSCRIBE", self->channel};
    struct doctor_line *line = &self->subscriber;

    if (!open_subscriber(self, taken)) {
        doctor_step(self->doctor, DOCTOR_FAILED, "subscribe", "a second connection: %s",
                    line->error.text);
        doctor_advise(self->doctor, "A node needs two. Is \"maxclients\" reached?");
        return false;
    }
    doctor_line_take(line, (size_t)*taken);
    *taken = 0;
    if (!send_words(line, 2, words) || !next_reply(self, line, taken))
        return no_answer(self, "subscribe", line);
    if (self->reply.type == '-') {
        advise_permission(self, "subscribe");
        return true;
    }
    self->may_subscribe = true;
    doctor_step(self->doctor, DOCTOR_OK, "subscribe", "to channel \"%s\"", self->channel);
    return true;
}

static bool publish_probe(struct redis_case *self, unsigned number)
{
    char probe[DOCTOR_PROBE_BYTES + 1];

    probe[doctor_probe(probe, self->token, number)] = '\0';
    return ASK(self, "PUBLISH", self->channel, probe);
}

static bool check_publish(struct redis_case *self)
{
    char count[24];
    long others;

    if (!publish_probe(self, 0))
        return no_answer(self, "publish", &self->commands);
    if (self->reply.type == '-') {
        advise_permission(self, "publish");
        return true;
    }
    self->may_publish = true;
    others = strtol(part(self, 0, count, sizeof(count)), NULL, 10) - self->may_subscribe;
    doctor_step(self->doctor, DOCTOR_OK, "publish", "%ld other subscriber%s listen%s there",
                others > 0 ? others : 0, others == 1 ? "" : "s", others == 1 ? "s" : "");
    doctor_value(self->doctor, "subscribers", (double)(others > 0 ? others : 0));
    return true;
}

/* ---- round trip --------------------------------------------------------------------------------
 */

/* Others' messages pass by. */
static bool wait_for_probe(struct redis_case *self, long *taken, unsigned number)
{
    char probe[DOCTOR_PROBE_BYTES];
    size_t length = doctor_probe(probe, self->token, number);

    do {
        if (!next_reply(self, &self->subscriber, taken))
            return false;
    } while (self->reply.count != 3 || self->reply.parts[2].length != length ||
             memcmp(self->reply.parts[2].bytes, probe, length) != 0);
    return true;
}

static bool check_round_trip(struct redis_case *self, long *taken)
{
    uint64_t times_us[DOCTOR_PROBES];

    for (unsigned i = 0; i < DOCTOR_PROBES; i++) {
        times_us[i] = vd_monotonic_us();
        self->subscriber.deadline_ms = vd_monotonic_ms() + self->subscriber.step_ms;
        if (!publish_probe(self, i + 1))
            return no_answer(self, "round-trip", &self->commands);
        if (!wait_for_probe(self, taken, i + 1)) {
            doctor_step(self->doctor, DOCTOR_FAILED, "round-trip",
                        "the server took a message and did not deliver it: %s",
                        self->subscriber.error.text);
            doctor_advise(self->doctor,
                          "Do both connections meet the same server? A load balancer or "
                          "two addresses behind that name would do this; so does a "
                          "fail-over that moved only one of them.");
            return false;
        }
        times_us[i] = vd_monotonic_us() - times_us[i];
    }
    doctor_round_trip(self->doctor, times_us, DOCTOR_PROBES);
    return true;
}

/* ---- limits and clock --------------------------------------------------------------------------
 */

static void judge_limits(struct redis_case *self, double hard, double soft, double seconds)
{
    double least = (double)vd_wire_max_bytes(0) * MESSAGES_BELOW;
    struct doctor *doctor = self->doctor;

    if (hard == 0 && soft == 0) {
        doctor_step(doctor, DOCTOR_WARNING, "limits",
                    "a subscriber that does not read may fill the "
                    "server's memory");
        doctor_advise(doctor,
                      "On the server: CONFIG SET " LIMIT_ROOM " 'pubsub 32mb 8mb 60' (and in "
                      "redis.conf). A node that is cut off comes back and resynchronises.");
        return;
    }
    doctor_step(doctor, hard > 0 && hard < least ? DOCTOR_WARNING : DOCTOR_OK, "limits",
                "a node that reads too slowly is cut off at %.1f MiB owed, or %.1f MiB for %.0f s",
                hard / 1048576, soft / 1048576, seconds);
    if (hard > 0 && hard < least)
        doctor_advise(doctor,
                      "That is less than %d messages of the largest size: nodes will lose the "
                      "link under load. The default is 32mb 8mb 60 (" LIMIT_ROOM " pubsub).",
                      MESSAGES_BELOW);
}

static bool check_limits(struct redis_case *self)
{
    double hard, soft, seconds;
    char text[256];
    const char *at;

    if (!ASK(self, "CONFIG", "GET", LIMIT_ROOM))
        return no_answer(self, "limits", &self->commands);
    at = self->reply.count == 2 ? strstr(part(self, 1, text, sizeof(text)), "pubsub ") : NULL;
    if (at && sscanf(at, "pubsub %lf %lf %lf", &hard, &soft, &seconds) == 3) {
        judge_limits(self, hard, soft, seconds);
    } else {
        doctor_step(self->doctor, DOCTOR_SKIPPED, "limits",
                    "this user may not ask (CONFIG), which is "
                    "fine");
    }
    return true;
}

static bool check_clock(struct redis_case *self)
{
    uint64_t before_ms = vd_wall_ms();
    char seconds[24], micros[24];
    double difference_ms;

    if (!ASK(self, "TIME"))
        return no_answer(self, "clock", &self->commands);
    if (self->reply.count != 2) {
        doctor_step(self->doctor, DOCTOR_SKIPPED, "clock",
                    "this user may not ask (TIME), which is "
                    "fine");
        return true;
    }
    difference_ms = strtod(part(self, 0, seconds, sizeof(seconds)), NULL) * 1000 +
                    strtod(part(self, 1, micros, sizeof(micros)), NULL) / 1000 -
                    ((double)before_ms + (double)vd_wall_ms()) / 2;
    if (difference_ms > CLOCK_MS || difference_ms < -CLOCK_MS) {
        doctor_step(self->doctor, DOCTOR_WARNING, "clock", "the server's clock is %.1f s %s ours",
                    (difference_ms < 0 ? -difference_ms : difference_ms) / 1000,
                    difference_ms < 0 ? "behind" : "ahead of");
        doctor_advise(self->doctor,
                      "Certificates and logs go by the clock. \"timedatectl\" on both "
                      "machines says whether it is synchronised.");
    } else {
        doctor_step(self->doctor, DOCTOR_OK, "clock", "ours and the server's differ by %.0f ms",
                    difference_ms < 0 ? -difference_ms : difference_ms);
    }
    doctor_value(self->doctor, "difference_ms", difference_ms);
    return true;
}

/* ---- the whole ---------------------------------------------------------------------------------
 */

static bool examine(struct redis_case *self)
{
    struct doctor *doctor = self->doctor;
    long taken = 0;

    if (!doctor_line_open(&self->commands, doctor, self->url.servers[0].host,
                          self->url.servers[0].port))
        return false;
    if (self->tls &&
        !doctor_tls(doctor, &self->commands, self->tls, self->url.servers[0].host, NULL))
        return false;
    if (!log_in(self) || !ask_server(self) || !check_subscribe(self, &taken) ||
        !check_publish(self))
        return false;
    if (!self->may_subscribe || !self->may_publish)
        return false;
    return check_round_trip(self, &taken) && check_limits(self) && check_clock(self);
}

bool doctor_redis(struct doctor *doctor)
{
    const struct vd_broker_options *options = &doctor->settings->broker;
    struct redis_case self = {
        .doctor = doctor,
        .channel = options->channel ? options->channel : CHANNEL,
    };
    struct vd_node_id token;
    bool examined = false;

    if (vd_node_id_draw(&token, NULL) == VD_OK &&
        vd_redis_url_parse(options->url, &self.url, NULL) == VD_OK &&
        (!self.url.tls || vd_tls_create(options, &self.tls, NULL) == VD_OK)) {
        memcpy(self.token, token.text, sizeof(self.token));
        self.username =
            options->credentials.username ? options->credentials.username : self.url.username;
        self.password =
            options->credentials.password ? options->credentials.password : self.url.password;
        examined = examine(&self);
    }
    doctor_line_close(&self.subscriber);
    doctor_line_close(&self.commands);
    vd_tls_destroy(self.tls);
    vd_redis_url_finish(&self.url);
    return examined;
}
