/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor's look at Redis servers, one after the other, in the words of their protocol: login,
 * what the ACL permits, the way of a message, and, where it is permitted to ask, limits and clock.
 *
 * Happy path: two connections, as the driver has them; the one subscribes, the other publishes.
 * Failure modes: each refusal (NOAUTH, WRONGPASS, NOPERM, DENIED, LOADING) has its own sentence.
 * What only an administrator may ask is skipped, not failed: INFO, CONFIG, TIME are never needed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <viaduct/clock.h>

#include "doctor_redis.h"

#define CHANNEL  "via:broadcast"
#define TOO_MANY "ERR max number of clients"

/* ---- login -------------------------------------------------------------------------------------
 */

/* What has no sentence of its own. Where AUTH was renamed, it repeats what came with it. */
static void tell_answer(struct redis_case *self, const char *step)
{
    const struct resp_part *said = &self->reply.parts[0];
    char words[160];

    redis_part(self, 0, words, sizeof(words));
    if (doctor_repeats(said->bytes, said->length, self->password)) {
        char *comma = strchr(words, ',');
        if (comma)
            *comma = '\0';
        if (!comma || doctor_repeats(words, strlen(words), self->password))
            snprintf(words, sizeof(words), "an error (ERR) that repeats the password");
    }
    doctor_step(self->doctor, DOCTOR_FAILED, step, "the server answered: %s", words);
    doctor_advise(self->doctor, "%s",
                  redis_refused(self, TOO_MANY)
                      ? "Raise \"maxclients\" there, or find who holds so many connections (CLIENT "
                        "LIST). A node needs two."
                      : "LOADING and MASTERDOWN pass by themselves; for others see the server's "
                        "log.");
}

static bool refused_login(struct redis_case *self)
{
    struct doctor *doctor = self->doctor;

    if (redis_refused(self, "WRONGPASS")) {
        doctor_step(doctor, DOCTOR_FAILED, "login", "the server refused user or password");
        doctor_advise(doctor,
                      "Check the password, and the user%s%s%s: on the server \"ACL LIST\" shows "
                      "which users there are and whether they are \"on\".",
                      self->username ? " \"" : "", self->username ? self->username : "",
                      self->username ? "\"" : " (none is given, so it is \"default\")");
    } else if (redis_refused(self, "NOAUTH")) {
        doctor_step(doctor, DOCTOR_FAILED, "login", "the server asks for a password");
        doctor_advise(doctor,
                      "Set VIADUCT_PASSWORD, or give --password-file; with an ACL user also "
                      "--username.");
    } else if (redis_refused(self, "DENIED")) {
        doctor_step(doctor, DOCTOR_FAILED, "login", "the server is in protected mode");
        doctor_advise(doctor, "It has no password and takes connections from its own machine only. "
                              "Give it a password (\"requirepass\" or an ACL user).");
    } else if (redis_refused(self, "ERR AUTH") || redis_refused(self, "ERR Client sent AUTH")) {
        doctor_step(doctor, DOCTOR_FAILED, "login", "a password is given, but the server has none");
        doctor_advise(doctor,
                      "Is that the right server? Take the password away, give the ACL user's "
                      "name with --username, or set \"requirepass\" there.");
    } else if (redis_refused(self, "ERR wrong number")) {
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
        return redis_no_answer(self, "login", &self->commands);
    if (self->reply.type == '-' && (self->password || !redis_refused(self, "NOPERM")))
        return refused_login(self);
    if (self->password) {
        doctor_step(doctor, DOCTOR_OK, "login", "as user \"%s\"",
                    self->username ? self->username : "default");
    } else if (doctor_line_is_local(&self->commands)) {
        doctor_step(doctor, DOCTOR_OK, "login", "no password is asked for");
    } else {
        doctor_step(doctor, DOCTOR_WARNING, "login", "no password is asked for");
        doctor_advise(
            doctor,
            "Whoever reaches that port can read and publish all messages. On the server: ACL "
            "SETUSER viaduct on '>PASSWORD' resetchannels '&%s' +subscribe +publish "
            "+ping, and, when nobody needs it any more, ACL SETUSER default off.",
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

/* ---- permissions -------------------------------------------------------------------------------
 */

/* Redis says either that the command is missing or that the channel is. */
static void advise_permission(struct redis_case *self, const char *command)
{
    char words[160];
    const char *user = self->username ? self->username : "default";

    if (!redis_refused(self, "NOPERM")) {
        tell_answer(self, command);
        return;
    }
    redis_part(self, 0, words, sizeof(words));
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
static bool open_subscriber(struct redis_case *self)
{
    struct doctor_line *line = &self->subscriber;
    const char *const words[] = {"AUTH", self->username, self->password};
    const char *const without_name[] = {"AUTH", self->password};

    if (!doctor_line_again(line, &self->commands))
        return false;
    if (self->tls && !doctor_line_secure(line, self->tls, self->server->host))
        return false;
    if (!self->password)
        return true;
    return redis_tell_subscriber(self, self->username ? 3 : 2,
                                 self->username ? words : without_name);
}

static bool check_subscribe(struct redis_case *self)
{
    const char *const words[] = {"SUBSCRIBE", self->channel};

    if (!open_subscriber(self)) {
        doctor_step(self->doctor, DOCTOR_FAILED, "subscribe", "a second connection: %s",
                    self->subscriber.error.text);
        doctor_advise(self->doctor, "A node needs two. Is \"maxclients\" reached?");
        return false;
    }
    if (!redis_tell_subscriber(self, 2, words))
        return redis_no_answer(self, "subscribe", &self->subscriber);
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
        return redis_no_answer(self, "publish", &self->commands);
    if (self->reply.type == '-') {
        advise_permission(self, "publish");
        return true;
    }
    self->may_publish = true;
    others = strtol(redis_part(self, 0, count, sizeof(count)), NULL, 10) - self->may_subscribe;
    doctor_step(self->doctor, DOCTOR_OK, "publish", "%ld other subscriber%s listen%s there",
                others > 0 ? others : 0, others == 1 ? "" : "s", others == 1 ? "s" : "");
    doctor_value(self->doctor, "subscribers", (double)(others > 0 ? others : 0));
    return true;
}

/* ---- round trip --------------------------------------------------------------------------------
 */

/* Others' messages pass by. */
static bool wait_for_probe(struct redis_case *self, unsigned number)
{
    char probe[DOCTOR_PROBE_BYTES];
    size_t length = doctor_probe(probe, self->token, number);

    do {
        if (!redis_hear(self))
            return false;
    } while (self->reply.count != 3 || self->reply.parts[2].length != length ||
             memcmp(self->reply.parts[2].bytes, probe, length) != 0);
    return true;
}

static bool check_round_trip(struct redis_case *self)
{
    uint64_t times_us[DOCTOR_PROBES];

    for (unsigned i = 0; i < DOCTOR_PROBES; i++) {
        times_us[i] = vd_monotonic_us();
        self->subscriber.deadline_ms = vd_monotonic_ms() + self->subscriber.step_ms;
        if (!publish_probe(self, i + 1))
            return redis_no_answer(self, "round-trip", &self->commands);
        if (!wait_for_probe(self, i + 1)) {
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

/* ---- the whole ---------------------------------------------------------------------------------
 */

static bool take_steps(struct redis_case *self)
{
    const struct vd_redis_server *server = self->server;
    struct doctor *doctor = self->doctor;

    if (!doctor_line_open(&self->commands, doctor, server->host, server->port))
        return false;
    if (self->tls && !doctor_tls(doctor, &self->commands, self->tls, server->host, NULL))
        return false;
    if (!log_in(self) || !redis_ask_server(self) || !check_subscribe(self) || !check_publish(self))
        return false;
    if (!self->may_subscribe || !self->may_publish)
        return false;
    return check_round_trip(self) && redis_ask_limits(self) && redis_ask_clock(self);
}

static bool examine(struct redis_case *self, const struct vd_redis_server *server)
{
    bool well;

    self->server = server;
    self->may_subscribe = self->may_publish = false;
    self->reply_length = self->heard = 0;
    if (self->url.count > 1)
        doctor_begin_server(self->doctor, server->host, server->port);
    well = take_steps(self);
    doctor_line_close(&self->subscriber);
    doctor_line_close(&self->commands);
    return well;
}

bool doctor_redis(struct doctor *doctor)
{
    const struct vd_broker_options *options = &doctor->settings->broker;
    struct redis_case self = {
        .doctor = doctor,
        .channel = options->channel ? options->channel : CHANNEL,
    };
    struct vd_node_id token;
    bool one_is_well = false;

    if (vd_node_id_draw(&token, NULL) == VD_OK &&
        vd_redis_url_parse(options->url, &self.url, NULL) == VD_OK &&
        (!self.url.tls || vd_tls_create(options, &self.tls, NULL) == VD_OK)) {
        memcpy(self.token, token.text, sizeof(self.token));
        self.username =
            options->credentials.username ? options->credentials.username : self.url.username;
        self.password =
            options->credentials.password ? options->credentials.password : self.url.password;
        for (size_t i = 0; i < self.url.count; i++)
            one_is_well = examine(&self, &self.url.servers[i]) || one_is_well;
    }
    vd_tls_destroy(self.tls);
    vd_redis_url_finish(&self.url);
    return one_is_well;
}
