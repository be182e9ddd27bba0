/* SPDX-License-Identifier: Apache-2.0 */
/* The broker's options, from the command line's: see settings.h. What the driver checks itself is
 * left to it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "settings.h"
#include "text.h"

#define SECRET_MAX_BYTES 4096

/* ---- the URL -----------------------------------------------------------------------------------
 */

static bool refuse_url(const char *why)
{
    const struct vd_broker_driver *driver;
    struct cli_text list = {0};

    for (size_t i = 0; (driver = vd_broker_driver_at(i)) != NULL; i++) {
        const char *words = driver->network ? driver->schemes : "";
        while (*words) {
            size_t length = strcspn(words, " ");
            bool path = memmem(words, length, "unix", strlen("unix")) != NULL;
            cli_text_print(&list, "%s%.*s://%s", list.length ? ", " : "", (int)length, words,
                           path ? "/PATH" : "HOST:PORT");
            words += length;
            words += strspn(words, " ");
        }
    }
    cli_say("--broker: %s; allowed are %s", why,
            list.length ? cli_text_string(&list) : "none: this build has no network driver");
    cli_text_finish(&list);
    return false;
}

/* Nothing that may be part of a password is shown: only what follows the last @. */
static void show_url(struct cli_settings *settings, const char *url)
{
    const char *rest = strstr(url, "://"), *at;
    struct cli_text text = {0};

    if (!rest) {
        cli_text_print(&text, "%s", settings->driver->name);
    } else {
        at = strrchr(rest, '@');
        cli_text_add(&text, url, (size_t)(rest + 3 - url));
        if (at && memchr(rest, ',', (size_t)(at - rest)))
            cli_text_print(&text, "...,");
        at = at ? at + 1 : rest + 3;
        cli_text_safe(&text, at, strcspn(at, "?#"));
    }
    snprintf(settings->shown, sizeof(settings->shown), "%s", cli_text_string(&text));
    cli_text_finish(&text);
}

/* What ps shows from now on: a process may run for days. @url is of argv. */
static void hide_secrets(char *url)
{
    char *first = strstr(url, "://"), *at = strrchr(url, '@');

    if (first && at && at > first + 3)
        memset(first + 3, '*', (size_t)(at - first - 3));
}

static bool take_url(struct cli_settings *settings, const struct cli_options *options)
{
    const char *url = settings->url;

    if (!url)
        return refuse_url("no broker is named, neither here nor in VIADUCT_BROKER");
    settings->driver = vd_broker_driver_find(url, NULL);
    if (!settings->driver)
        return refuse_url("it begins with nothing that this build knows");
    if (!settings->driver->network)
        return refuse_url("that one lives inside a program and cannot be reached from outside");
    settings->broker.url = url;
    show_url(settings, url);
    if (options->broker_in_arguments && strchr(url, '@') && !options->quiet) {
        cli_say("the URL holds a user or password, and ps showed it to everybody on this machine "
                "until now: VIADUCT_BROKER is the better place");
    }
    return true;
}

/* ---- secrets -----------------------------------------------------------------------------------
 */

static void wipe(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}

/* The first line. The path is not repeated in errors: somebody may have given the password. */
static bool read_first_line(const char *path, const char *option, char **line)
{
    FILE *file = fopen(path, "re");
    char *buffer;
    size_t length;

    if (!file) {
        cli_say("--%s: cannot open the file: %s", option, strerror(errno));
        return false;
    }
    setvbuf(file, NULL, _IONBF, 0); /* no copy of it is left behind */
    buffer = calloc(1, SECRET_MAX_BYTES + 1);
    length = buffer ? fread(buffer, 1, SECRET_MAX_BYTES, file) : 0;
    fclose(file);
    if (buffer)
        buffer[strcspn(buffer, "\r\n")] = '\0';
    if (length == 0 || !*buffer || strlen(buffer) == SECRET_MAX_BYTES) {
        cli_say("--%s: the first line of that file must have 1 to %d bytes", option,
                SECRET_MAX_BYTES - 1);
        wipe(buffer);
        return false;
    }
    *line = buffer;
    return true;
}

static bool take_secret(const char *value, const char *path, const char *option, char **secret)
{
    if (value && path) {
        cli_say("--%s: the variables hold both the secret and a file with it; unset one", option);
        return false;
    }
    if (path)
        return read_first_line(path, option, secret);
    *secret = value ? strdup(value) : NULL;
    return true;
}

static bool take_credentials(struct cli_settings *settings, const struct cli_options *options)
{
    if (!take_secret(options->password, options->password_file, "password-file",
                     &settings->password) ||
        !take_secret(options->token, options->token_file, "token-file", &settings->token))
        return false;
    settings->broker.credentials = (struct vd_broker_credentials){
        .username = options->username,
        .password = settings->password,
        .token = settings->token,
        .seed_file = options->nkey_file,
        .creds_file = options->creds_file,
    };
    return true;
}

/* ---- the whole ---------------------------------------------------------------------------------
 */

bool cli_settings_make(struct cli_settings *settings, const struct cli_options *options)
{
    *settings = (struct cli_settings){.url = options->broker ? strdup(options->broker) : NULL};
    if (options->broker && options->broker_in_arguments)
        hide_secrets((char *)options->broker); /* of argv, which is ours to write to */
    settings->broker.channel = options->channel;
    settings->broker.tls_ca_file = options->ca_file;
    settings->broker.tls_certificate_file = options->certificate_file;
    settings->broker.tls_key_file = options->key_file;
    settings->broker.outbox_policy = VD_OUTBOX_FAIL; /* who publishes here waits */
    if (take_url(settings, options) && take_credentials(settings, options))
        return true;
    cli_settings_finish(settings);
    return false;
}

void cli_settings_finish(struct cli_settings *settings)
{
    wipe(settings->url);
    wipe(settings->password);
    wipe(settings->token);
    settings->url = settings->password = settings->token = NULL;
}

const char *cli_settings_name(const char *text, char *buffer)
{
    static const struct {
        const char *option, *name;
    } names[] = {
        {"url: ", "--broker: "},
        {"channel: ", "--channel: "},
        {"tls_ca_file: ", "--ca: "},
        {"tls_certificate_file: ", "--cert: "},
        {"tls_key_file: ", "--key: "},
        {"tls: ", "--ca, --cert, --key: "},
        {"credentials.seed_file: ", "--nkey: "},
        {"credentials.creds_file: ", "--creds: "},
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        size_t length = strlen(names[i].option);
        if (strncmp(text, names[i].option, length) == 0) {
            snprintf(buffer, VD_ERROR_TEXT_BYTES + 32, "%s%s", names[i].name, text + length);
            return buffer;
        }
    }
    return text;
}
