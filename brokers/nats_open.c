/* SPDX-License-Identifier: Apache-2.0 */
/* The NATS driver's options: what no later attempt could mend is refused here, by a sentence that
 * names the option. Nothing is connected yet, and the client library is not touched. */
#include <stdlib.h>
#include <string.h>

#include "nats_key.h"
#include "nats_state.h"

#define DEFAULT_CHANNEL   "via.broadcast"
#define CHANNEL_MAX_BYTES 256

void vd_nats_state_free(struct nats *nats)
{
    vd_uplink_finish(&nats->up);
    vd_nats_url_finish(&nats->url);
    vd_url_wipe(nats->username);
    vd_url_wipe(nats->password);
    vd_url_wipe(nats->token);
    free(nats->seed_file);
    free(nats->creds_file);
    free(nats->channel);
    vd_tls_destroy(nats->tls);
    vd_url_wipe(nats->ca);
    vd_url_wipe(nats->certificate);
    vd_url_wipe(nats->key);
    free(nats->ca_file);
    free(nats->certificate_file);
    free(nats->key_file);
    free(nats);
}

static enum vd_err copy_text(char **copy, const char *text, struct vd_error *error)
{
    size_t size;

    if (!text)
        return VD_OK;
    size = strlen(text) + 1;
    vd_url_wipe(*copy);
    *copy = malloc(size);
    if (!*copy)
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for a broker");
    memcpy(*copy, text, size);
    return VD_OK;
}

/* https://docs.nats.io/nats-concepts/subjects: tokens with dots between them; * and > are
 * wildcards, which nobody can publish to. */
static enum vd_err take_channel(struct nats *nats, const char *channel, struct vd_error *error)
{
    const char *subject = channel ? channel : DEFAULT_CHANNEL;
    size_t length = strlen(subject);

    if (length == 0 || length > CHANNEL_MAX_BYTES) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "channel: the subject has %zu bytes; allowed are 1 to %d", length,
                            CHANNEL_MAX_BYTES);
    }
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)subject[i] <= ' ' || subject[i] == 0x7f) {
            return vd_error_set(error, VD_ERR_INVALID,
                                "channel: a subject has no spaces or control characters");
        }
    }
    if (strpbrk(subject, "*>")) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "channel: a subject to publish to has no wildcards (* or >)");
    }
    if (subject[0] == '.' || subject[length - 1] == '.' || strstr(subject, "..")) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "channel: a part of the subject between dots is empty");
    }
    return copy_text(&nats->channel, subject, error);
}

static enum vd_err check_credentials(const struct nats *nats, struct vd_error *error)
{
    char key[VD_NATS_PUBLIC_LENGTH + 1];
    unsigned kinds = (nats->token != NULL) + (nats->username || nats->password) +
                     (nats->seed_file != NULL) + (nats->creds_file != NULL);

    if (kinds > 1) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "credentials: one kind of them, please: token, user and password, "
                            "seed_file or creds_file");
    }
    if (!nats->username != !nats->password) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "credentials: a user name without a password, or a password without a "
                            "user name");
    }
    if (nats->seed_file)
        return vd_nats_seed_public("credentials.seed_file", nats->seed_file, key, error);
    if (nats->creds_file)
        return vd_nats_creds_check("credentials.creds_file", nats->creds_file, error);
    return VD_OK;
}

static enum vd_err take_credentials(struct nats *nats, const struct vd_broker_options *options,
                                    struct vd_error *error)
{
    const struct vd_broker_credentials *given = &options->credentials;
    const struct {
        char **to;
        const char *from;
    } rows[] = {{&nats->username, nats->url.username}, {&nats->password, nats->url.password},
                {&nats->token, nats->url.token},       {&nats->username, given->username},
                {&nats->password, given->password},    {&nats->token, given->token},
                {&nats->seed_file, given->seed_file},  {&nats->creds_file, given->creds_file}};
    enum vd_err code = VD_OK;

    for (size_t i = 0; !code && i < sizeof(rows) / sizeof(rows[0]); i++)
        code = copy_text(rows[i].to, rows[i].from, error);
    nats->credentials_for_attempt = options->credentials_for_attempt;
    nats->credentials_context = options->context;
    return code ? code : check_credentials(nats, error);
}

static enum vd_err read_again(char **text, const char *option, const char *file,
                              struct vd_error *error)
{
    char *fresh = NULL;
    enum vd_err code = VD_OK;

    if (file)
        code = vd_nats_read_file(option, file, &fresh, error);
    if (code)
        return code;
    vd_url_wipe(*text);
    *text = fresh;
    return VD_OK;
}

/* Our own TLS says which of the files is bad (the library would not), so it must say yes first. */
enum vd_err vd_nats_refresh_tls(struct nats *nats, struct vd_error *error)
{
    enum vd_err code = nats->tls ? vd_tls_refresh(nats->tls, error) : VD_OK;

    if (!code)
        code = read_again(&nats->ca, "tls_ca_file", nats->ca_file, error);
    if (!code) {
        code =
            read_again(&nats->certificate, "tls_certificate_file", nats->certificate_file, error);
    }
    if (!code)
        code = read_again(&nats->key, "tls_key_file", nats->key_file, error);
    return code;
}

static enum vd_err take_tls(struct nats *nats, const struct vd_broker_options *options,
                            struct vd_error *error)
{
    const char *key = options->tls_key_file ? options->tls_key_file : options->tls_certificate_file;
    bool tls = nats->url.tls || options->tls;
    enum vd_err code;

    if (!tls && (options->tls_ca_file || options->tls_certificate_file || key)) {
        return vd_error_set(error, VD_ERR_INVALID,
                            "tls: certificate files are given, but neither tls nor tls://");
    }
    if (!tls)
        return VD_OK;
    code = vd_tls_create(options, &nats->tls, error);
    if (!code)
        code = copy_text(&nats->ca_file, options->tls_ca_file, error);
    if (!code)
        code = copy_text(&nats->certificate_file, options->tls_certificate_file, error);
    if (!code)
        code = copy_text(&nats->key_file, key, error);
    return code ? code : vd_nats_refresh_tls(nats, error);
}

static enum vd_err take_options(struct nats *nats, const struct vd_broker_options *options,
                                struct vd_error *error)
{
    enum vd_err code = vd_nats_url_parse(options->url, &nats->url, error);

    if (!code)
        code = take_channel(nats, options->channel, error);
    if (!code)
        code = take_credentials(nats, options, error);
    if (!code)
        code = take_tls(nats, options, error);
    if (code)
        return code;
    nats->inbox_bytes = options->inbox_bytes;
    nats->connect_timeout_ms = options->connect_timeout_ms;
    nats->probe_interval_ms = options->probe_interval_ms;
    return VD_OK;
}

enum vd_err vd_nats_state_create(const struct vd_broker_options *options, struct vd_broker *host,
                                 struct nats **state, struct vd_error *error)
{
    struct nats *nats = calloc(1, sizeof(*nats));
    enum vd_err code;

    if (!nats)
        return vd_error_set(error, VD_ERR_NO_MEMORY, "no memory for a broker");
    code = take_options(nats, options, error);
    if (!code) {
        code = vd_uplink_init(&nats->up, options, host, options->outbox_bytes, &nats->link_token,
                              error);
    }
    if (!code)
        code = vd_node_id_draw(&nats->confirm_token, error);
    if (!code)
        code = vd_nats_shared_create(&nats->shared, error);
    if (code) {
        vd_nats_state_free(nats);
        return code;
    }
    *state = nats;
    return VD_OK;
}
