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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <viaduct/clock.h>
#include <viaduct/viaduct.h>
#include <viaduct/wire.h>

#include "doctor_line.h"
#include "doctor_nats_key.h"
#include "json.h"
#include "nats_key.h"
#include "nats_url.h"

#define SUBJECT       "via.broadcast"
#define WORDS_BYTES   256
#define LEAST_PAYLOAD 65536.0
#define DAY_SECONDS   86400.0

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
    char words[WORDS_BYTES]; /* of the last -ERR */
    bool repeats;            /* it holds our password or token */
    const char *payload;     /* of the last message, in line.in until the next call */
    size_t payload_length, taken;
};

/* ---- ask and answer ----------------------------------------------------------------------------
 */

/* A whole line of line->in, without its end; its bytes stay. */
static bool read_line(struct doctor_line *line, size_t *length, size_t *whole)
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

static bool begins(const char *line, size_t length, const char *with)
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

static bool next_operation(struct nats_case *self, enum nats_operation *operation)
{
    struct doctor_line *line = &self->line;
    size_t length, whole;

    doctor_line_take(line, self->taken);
    self->taken = 0;
    if (!read_line(line, &length, &whole))
        return false;
    self->taken = whole;
    *operation = NATS_OTHER; /* +OK, INFO of a cluster that changes */
    if (begins(line->in.bytes, length, "PONG")) {
        *operation = NATS_PONG;
    } else if (begins(line->in.bytes, length, "-ERR")) {
        snprintf(self->words, sizeof(self->words), "%.*s", (int)length, line->in.bytes);
        self->repeats = doctor_repeats(line->in.bytes, length, self->credentials.password) ||
                        doctor_repeats(line->in.bytes, length, self->credentials.token);
        *operation = NATS_ERROR;
    } else if (begins(line->in.bytes, length, "MSG ")) {
        *operation = NATS_MESSAGE;
        return take_message(self, length, whole);
    } else if (begins(line->in.bytes, length, "PING")) {
        return doctor_line_send(line, "PONG\r\n", 6);
    }
    return true;
}

/* Until the PONG of the PING that was sent last. *@refused: an -ERR came before, in self->words. */
static bool wait_for_pong(struct nats_case *self, bool *refused)
{
    enum nats_operation operation;

    *refused = false;
    do {
        if (!next_operation(self, &operation))
            return *refused; /* some refusals close the connection */
        *refused = *refused || operation == NATS_ERROR;
    } while (operation != NATS_PONG);
    return true;
}

/* The last -ERR, for the report. */
static const char *shown_words(const struct nats_case *self)
{
    return self->repeats ? "-ERR with a text that repeats the credentials" : self->words;
}

static bool no_answer(struct nats_case *self, const char *step)
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
        return no_answer(self, "server");
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

    if (!read_line(line, &length, &whole))
        return false;
    doctor_line_take(line, whole);
    return true;
}

static bool take_greeting(struct nats_case *self)
{
    struct doctor_line *line = &self->line;
    size_t length, whole;

    if (!read_line(line, &length, &whole) || !begins(line->in.bytes, length, "INFO ") ||
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

/* ---- login -------------------------------------------------------------------------------------
 */

static void add_member(struct cli_text *text, const char *name, const char *value)
{
    cli_text_print(text, ",\"%s\":", name);
    cli_text_json_string(text, value);
}

/* The proof that the key is ours: the server's nonce, signed. */
static bool add_key(struct nats_case *self, struct cli_text *text)
{
    const struct vd_broker_credentials *credentials = &self->credentials;
    const char *file = credentials->creds_file ? credentials->creds_file : credentials->seed_file;
    const char *nonce = json_string(self->info.root, "nonce");
    char key[VD_NATS_PUBLIC_LENGTH + 1];
    struct cli_text jwt = {0}, signature = {0};
    bool made;

    if (!file || !*nonce)
        return true;
    made = nats_key_sign(file, nonce, &signature);
    if (credentials->creds_file) {
        made = made && nats_key_jwt(file, &jwt);
        if (made)
            add_member(text, "jwt", cli_text_string(&jwt));
    } else {
        made = made && vd_nats_seed_public("--nkey", file, key, NULL) == VD_OK;
        if (made)
            add_member(text, "nkey", key);
    }
    if (made)
        add_member(text, "sig", cli_text_string(&signature));
    cli_text_finish(&jwt);
    cli_text_finish(&signature);
    return made;
}

static bool send_connect(struct nats_case *self)
{
    const struct vd_broker_credentials *credentials = &self->credentials;
    struct cli_text text = {0};
    bool sent = false;

    cli_text_print(&text,
                   "CONNECT {\"verbose\":false,\"pedantic\":false,\"protocol\":1,\"lang\":\"c\","
                   "\"name\":\"viaduct doctor\",\"version\":\"%s\",\"tls_required\":%s",
                   vd_version(), self->secured ? "true" : "false");
    if (credentials->token)
        add_member(&text, "auth_token", credentials->token);
    if (credentials->username)
        add_member(&text, "user", credentials->username);
    if (credentials->password)
        add_member(&text, "pass", credentials->password);
    if (add_key(self, &text)) {
        cli_text_print(&text, "}\r\nPING\r\n");
        sent = doctor_line_send(&self->line, text.bytes, text.length);
    } else {
        vd_error_set(&self->line.error, VD_ERR_INVALID, "the key's file cannot be read any more");
    }
    explicit_bzero(text.bytes, text.length);
    cli_text_finish(&text);
    return sent;
}

static bool has_credentials(const struct nats_case *self)
{
    const struct vd_broker_credentials *given = &self->credentials;

    return given->token || given->username || given->seed_file || given->creds_file;
}

static void describe_login(const struct nats_case *self, char *text, size_t size)
{
    const struct vd_broker_credentials *given = &self->credentials;

    if (given->creds_file) {
        snprintf(text, size, "by credentials file");
    } else if (given->seed_file) {
        snprintf(text, size, "by nkey");
    } else if (given->token) {
        snprintf(text, size, "by token");
    } else {
        snprintf(text, size, "as user \"%s\"", given->username ? given->username : "");
    }
}

static bool refused_login(struct nats_case *self)
{
    struct doctor *doctor = self->doctor;

    if (strcasestr(self->words, "maximum connections")) {
        doctor_step(doctor, DOCTOR_FAILED, "login", "the server takes no more connections");
        doctor_advise(doctor, "Raise \"max_connections\" there, or find who holds so many.");
    } else if (strcasestr(self->words, "expired")) {
        doctor_step(doctor, DOCTOR_FAILED, "login", "the user's credentials have expired");
        doctor_advise(doctor, "Have new ones made: \"nsc generate creds\".");
    } else if (!strcasestr(self->words, "authori") && !strcasestr(self->words, "authentic")) {
        doctor_step(doctor, DOCTOR_FAILED, "login", "the server answered: %s", shown_words(self));
        doctor_advise(doctor, "See the server's log.");
    } else if (has_credentials(self)) {
        doctor_step(doctor, DOCTOR_FAILED, "login", "the server refused the credentials");
        doctor_advise(doctor,
                      "Do they belong to this server, and is the kind the right one (token, user "
                      "and password, --nkey, --creds)? Its log names the user that was refused.");
    } else {
        doctor_step(doctor, DOCTOR_FAILED, "login", "the server asks for credentials");
        doctor_advise(doctor,
                      "Set VIADUCT_TOKEN, or VIADUCT_USERNAME and VIADUCT_PASSWORD, or give "
                      "--nkey or --creds, whichever its \"authorization\" names.");
    }
    return false;
}

/* A JWT has an end of its own. */
static void tell_expiry(struct nats_case *self)
{
    struct cli_text jwt = {0};
    double expires = 0, days;

    if (self->credentials.creds_file && nats_key_jwt(self->credentials.creds_file, &jwt))
        expires = nats_key_expires(cli_text_string(&jwt));
    cli_text_finish(&jwt);
    if (expires <= 0)
        return;
    days = (expires - (double)vd_wall_ms() / 1000) / DAY_SECONDS;
    doctor_step(self->doctor, days < DOCTOR_EXPIRES_DAYS ? DOCTOR_WARNING : DOCTOR_OK,
                "credentials", "the user's JWT is good for %.1f days", days);
    doctor_value(self->doctor, "days", days);
    if (days < DOCTOR_EXPIRES_DAYS)
        doctor_advise(self->doctor, "Have a new one made in time: all nodes lose the broker then.");
}

static bool log_in(struct nats_case *self)
{
    struct doctor *doctor = self->doctor;
    bool asked = json_number(self->info.root, "auth_required") != 0, refused;
    bool local = doctor_line_is_local(&self->line);
    char how[160];

    if (!send_connect(self) || !wait_for_pong(self, &refused))
        return no_answer(self, "login");
    if (refused)
        return refused_login(self);
    describe_login(self, how, sizeof(how));
    if (asked && has_credentials(self)) {
        doctor_step(doctor, DOCTOR_OK, "login", "%s", how);
    } else if (local || asked) { /* asked, and none given: by certificate, or a default user */
        doctor_step(doctor, DOCTOR_OK, "login", "no credentials are asked for%s",
                    has_credentials(self) ? ": those that are given do not count" : "");
    } else {
        doctor_step(doctor, DOCTOR_WARNING, "login", "no credentials are asked for");
        doctor_advise(doctor,
                      "Whoever reaches that port can read and publish all messages. Give it "
                      "an \"authorization\" block with a user for the nodes.");
    }
    tell_expiry(self);
    if (asked && !self->secured && !local) {
        doctor_step(
            doctor, DOCTOR_WARNING, "privacy", "all messages%s go over the network in clear",
            self->credentials.seed_file || self->credentials.creds_file ? "" : " and the password");
        doctor_advise(doctor, "Within a private network that may be meant so; else use tls://.");
    }
    return true;
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
                    shown_words(self));
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

    if (!send_subscription(self) || !wait_for_pong(self, &no_subscribe))
        return no_answer(self, "subscribe");
    if (no_subscribe) {
        tell_refusal(self, "subscribe");
    } else {
        doctor_step(self->doctor, DOCTOR_OK, "subscribe", "to subject \"%s\"", self->subject);
    }
    if (!publish_probe(self, 0, "PING\r\n") || !wait_for_pong(self, &no_publish))
        return no_answer(self, "publish");
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
        if (!next_operation(self, &operation))
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
            return no_answer(self, "round-trip");
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
           check_server(self) && check_tls(self) && log_in(self) && check_permissions(self) &&
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
