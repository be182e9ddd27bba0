/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor's look at NATS servers, one after the other, in the words of their protocol: what the
 * server says of itself, TLS, login, what the user may do on the subject, the way of a message.
 *
 * Happy path: INFO comes first, in clear; then TLS, CONNECT and PING, whose PONG says that the
 * login was accepted; SUB and PUB are each followed by a PING, so that a refusal (-ERR) comes
 * before its PONG. Failure modes: each has its sentence; the server's own words are shown only
 * where there is no better one.
 *
 * Source: https://docs.nats.io/reference/reference-protocols/nats-protocol */
#include <stdlib.h>
#include <string.h>

#include <viaduct/clock.h>
#include <viaduct/wire.h>

#include "doctor_nats.h"

#define SUBJECT       "via.broadcast"
#define LEAST_PAYLOAD 65536.0

/* ---- what the server says of itself ------------------------------------------------------------
 */

static bool not_nats(struct nats_case *self)
{
    struct doctor *doctor = self->doctor;
    const struct cli_text *in = &self->line.in;

    if (self->line.error.code == VD_ERR_TIMEOUT && in->length == 0) {
        doctor_step(doctor, DOCTOR_FAILED, "server", "no greeting within %.1f s",
                    doctor->step_ms / 1000.0);
        doctor_advise(
            doctor, "%s",
            doctor_speaks_tls(&self->line, self->server->host)
                ? "That port speaks TLS from the first byte: a NATS server with "
                  "\"handshake_first\", which this version does not speak to, or "
                  "another kind of server (Redis: use rediss://; a web server)."
                : "A NATS server speaks first. Is its process stopped, or is that another "
                  "kind of server (Redis: use redis://; a web server)?");
    } else if (in->length > 5 && memcmp(in->bytes, "INFO ", 5) == 0) {
        return nats_no_answer(self, "server");
    } else {
        doctor_step(doctor, DOCTOR_FAILED, "server", "%s",
                    in->length ? "that is no NATS server" : self->line.error.text);
        doctor_advise(doctor,
                      "Is the port right? 4222 is the clients', 6222 and 7422 are for other "
                      "servers, 8222 is the monitor.");
    }
    return false;
}

/* INFO {...} */
static bool read_greeting(struct doctor_line *line)
{
    size_t length, whole;

    if (!nats_read_line(line, &length, &whole))
        return false;
    doctor_line_take(line, whole);
    return true;
}

static bool take_greeting(struct nats_case *self)
{
    struct doctor_line *line = &self->line;
    size_t length, whole;

    if (!nats_read_line(line, &length, &whole) || !nats_begins(line->in.bytes, length, "INFO ") ||
        !json_parse(&self->info, line->in.bytes + 5, length - 5))
        return not_nats(self);
    doctor_line_take(line, whole);
    return true;
}

static bool check_server(struct nats_case *self)
{
    const struct json *info;
    double payload;

    self->line.deadline_ms = vd_monotonic_ms() + self->line.step_ms;
    if (!take_greeting(self))
        return false;
    info = self->info.root;
    payload = json_number(info, "max_payload");
    if (json_number(info, "ldm") != 0) {
        doctor_step(self->doctor, DOCTOR_WARNING, "server",
                    "NATS %s, about to end (lame duck mode)", json_string(info, "version"));
        doctor_advise(self->doctor, "Clients leave it one by one. List the other servers of the "
                                    "cluster in the URL, so that nodes find them.");
    } else if (payload < LEAST_PAYLOAD) {
        doctor_step(self->doctor, DOCTOR_WARNING, "server",
                    "NATS %s takes messages of at most %.0f bytes", json_string(info, "version"),
                    payload);
        doctor_advise(self->doctor,
                      "Longer ones are refused. \"max_payload\" in its configuration "
                      "raises that; Viaduct's own limit is 1 MiB of data, which takes "
                      "up to %.1f MiB there.",
                      (double)vd_wire_max_bytes(0) / 1048576);
    } else {
        doctor_step(self->doctor, DOCTOR_OK, "server", "NATS %s, takes messages of up to %.2f MiB",
                    json_string(info, "version"), payload / 1048576);
    }
    doctor_value(self->doctor, "max_payload", payload);
    return true;
}

/* ---- TLS ---------------------------------------------------------------------------------------
 */

/* The link of a nats:// URL does the same: with the system's authorities. */
static bool follow_wish(struct nats_case *self)
{
    const struct vd_broker_options options = {0};
    struct doctor *doctor = self->doctor;

    self->secured = vd_tls_create(&options, &self->wished, NULL) == VD_OK &&
                    doctor_line_secure(&self->line, self->wished, self->server->host);
    doctor_step(doctor, self->secured ? DOCTOR_WARNING : DOCTOR_FAILED, "tls",
                "the server insists on TLS");
    if (!self->secured) {
        doctor_advise(doctor, "Use tls:// in --broker, and --ca unless the system knows the "
                              "authority.");
        return false;
    }
    doctor_advise(doctor, "So that is what nodes use. Say tls://, and none will ever talk in clear "
                          "to a server that does not insist.");
    doctor_tls_tell(doctor, &self->line);
    return true;
}

static bool check_tls(struct nats_case *self)
{
    const struct json *info = self->info.root;
    bool needed = json_number(info, "tls_required") != 0;
    bool offered = needed || json_number(info, "tls_available") != 0;

    if (self->tls && !offered) {
        doctor_step(self->doctor, DOCTOR_FAILED, "tls", "the server offers no TLS");
        doctor_advise(self->doctor, "Give it a \"tls {}\" block with certificate and key, or use "
                                    "nats:// where the way is private.");
        return false;
    }
    if (!self->tls)
        return !needed || follow_wish(self);
    self->secured =
        doctor_tls(self->doctor, &self->line, self->tls, self->server->host, read_greeting);
    return self->secured;
}

/* ---- permissions -------------------------------------------------------------------------------
 */

static void tell_refusal(struct nats_case *self, const char *step)
{
    if (strcasestr(self->words, "permissions violation")) {
        doctor_step(self->doctor, DOCTOR_FAILED, step, "this user may not %s \"%s\"",
                    strcmp(step, "publish") == 0 ? "publish to" : "subscribe to", self->subject);
        doctor_advise(self->doctor, "On the server, in the user's \"permissions\": %s: \"%s\"",
                      step, self->subject);
    } else {
        doctor_step(self->doctor, DOCTOR_FAILED, step, "the server answered: %s",
                    nats_shown_words(self));
        doctor_advise(self->doctor, "See the server's log.");
    }
}

static bool publish_probe(struct nats_case *self, unsigned number, const char *then)
{
    char probe[DOCTOR_PROBE_BYTES];
    size_t length = doctor_probe(probe, self->token, number);
    struct cli_text text = {0};
    bool sent;

    cli_text_print(&text, "PUB %s %zu\r\n", self->subject, length);
    cli_text_add(&text, probe, length);
    cli_text_print(&text, "\r\n%s", then);
    sent = doctor_line_send(&self->line, text.bytes, text.length);
    cli_text_finish(&text);
    return sent;
}

static bool send_subscription(struct nats_case *self)
{
    struct cli_text text = {0};
    bool sent;

    cli_text_print(&text, "SUB %s 1\r\nPING\r\n", self->subject);
    sent = doctor_line_send(&self->line, text.bytes, text.length);
    cli_text_finish(&text);
    return sent;
}

/* Both are looked at, so that both are mended at once. */
static bool check_permissions(struct nats_case *self)
{
    bool no_subscribe, no_publish;

    if (!send_subscription(self) || !nats_wait_for_pong(self, &no_subscribe))
        return nats_no_answer(self, "subscribe");
    if (no_subscribe) {
        tell_refusal(self, "subscribe");
    } else {
        doctor_step(self->doctor, DOCTOR_OK, "subscribe", "to subject \"%s\"", self->subject);
    }
    if (!publish_probe(self, 0, "PING\r\n") || !nats_wait_for_pong(self, &no_publish))
        return nats_no_answer(self, "publish");
    if (no_publish) {
        tell_refusal(self, "publish");
    } else {
        doctor_step(self->doctor, DOCTOR_OK, "publish", "to the same");
    }
    return !no_subscribe && !no_publish;
}

/* ---- round trip --------------------------------------------------------------------------------
 */

/* Others' messages pass by. */
static bool wait_for_probe(struct nats_case *self, unsigned number)
{
    char probe[DOCTOR_PROBE_BYTES];
    size_t length = doctor_probe(probe, self->token, number);
    enum nats_operation operation;

    do {
        if (!nats_next(self, &operation))
            return false;
    } while (operation != NATS_MESSAGE || self->payload_length != length ||
             memcmp(self->payload, probe, length) != 0);
    return true;
}

static bool check_round_trip(struct nats_case *self)
{
    uint64_t times_us[DOCTOR_PROBES];

    for (unsigned i = 0; i < DOCTOR_PROBES; i++) {
        times_us[i] = vd_monotonic_us();
        if (!publish_probe(self, i + 1, ""))
            return nats_no_answer(self, "round-trip");
        if (!wait_for_probe(self, i + 1)) {
            doctor_step(self->doctor, DOCTOR_FAILED, "round-trip",
                        "the server took a message and did not deliver it: %s",
                        self->line.error.text);
            doctor_advise(self->doctor, "It accepted both the subscription and the message. Does "
                                        "something between here and there swallow data, or is the "
                                        "server overloaded (\"slow consumer\" in its log)?");
            return false;
        }
        times_us[i] = vd_monotonic_us() - times_us[i];
    }
    doctor_round_trip(self->doctor, times_us, DOCTOR_PROBES);
    return true;
}

/* ---- the whole ---------------------------------------------------------------------------------
 */

static bool examine(struct nats_case *self, const struct vd_nats_server *server)
{
    bool well;

    self->server = server;
    self->taken = 0;
    self->secured = false;
    if (self->url.count > 1)
        doctor_begin_server(self->doctor, server->host, server->port);
    well = doctor_line_open(&self->line, self->doctor, server->host, server->port) &&
           check_server(self) && check_tls(self) && nats_log_in(self) && check_permissions(self) &&
           check_round_trip(self);
    doctor_line_close(&self->line);
    vd_tls_destroy(self->wished);
    self->wished = NULL;
    json_finish(&self->info);
    return well;
}

/* Those of the options win over those of the URL. */
static void choose_credentials(struct nats_case *self, const struct vd_broker_options *options)
{
    self->credentials = options->credentials;
    if (!self->credentials.username)
        self->credentials.username = self->url.username;
    if (!self->credentials.password)
        self->credentials.password = self->url.password;
    if (!self->credentials.token)
        self->credentials.token = self->url.token;
}

bool doctor_nats(struct doctor *doctor)
{
    const struct vd_broker_options *options = &doctor->settings->broker;
    struct nats_case self = {
        .doctor = doctor,
        .subject = options->channel ? options->channel : SUBJECT,
    };
    struct vd_node_id token;
    bool one_is_well = false;

    if (vd_node_id_draw(&token, NULL) == VD_OK &&
        vd_nats_url_parse(options->url, &self.url, NULL) == VD_OK &&
        (!self.url.tls || vd_tls_create(options, &self.tls, NULL) == VD_OK)) {
        memcpy(self.token, token.text, sizeof(self.token));
        choose_credentials(&self, options);
        for (size_t i = 0; i < self.url.count; i++)
            one_is_well = examine(&self, &self.url.servers[i]) || one_is_well;
    }
    vd_tls_destroy(self.tls);
    vd_nats_url_finish(&self.url);
    return one_is_well;
}
