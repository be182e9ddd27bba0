/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor's login to a NATS server: see doctor_nats.h.
 *
 * Happy path: CONNECT with what there is (token, user and password, or a key and the server's nonce
 * signed by it) and PING, whose PONG says that it was accepted. Failure modes: each refusal has its
 * sentence; a text of the server that repeats a secret is not shown. */
#include <stdio.h>
#include <string.h>

#include <viaduct/clock.h>
#include <viaduct/viaduct.h>

#include "doctor_nats.h"
#include "doctor_nats_key.h"
#include "nats_key.h"

#define DAY_SECONDS 86400.0

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
        doctor_step(doctor, DOCTOR_FAILED, "login", "the server answered: %s",
                    nats_shown_words(self));
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

bool nats_log_in(struct nats_case *self)
{
    struct doctor *doctor = self->doctor;
    bool asked = json_number(self->info.root, "auth_required") != 0, refused;
    bool local = doctor_line_is_local(&self->line);
    char how[160];

    if (!send_connect(self) || !nats_wait_for_pong(self, &refused))
        return nats_no_answer(self, "login");
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
