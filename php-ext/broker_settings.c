/* SPDX-License-Identifier: Apache-2.0 */
/* The arguments of RedisBroker's and NatsBroker's constructors, checked and made into
 * vd_broker_options. What no server needs to be asked for is refused here, where the stack trace
 * points to the line that is wrong. */
#include "broker_settings.h"

#include "class_config_values.h"
#include "php_viaduct.h"

#if defined(VIADUCT_REDIS) || defined(VIADUCT_NATS)
#define HAVE_TLS 1 /* OpenSSL is there */
#include "tls.h"
#endif

#define CHANNEL_MAX_BYTES  256
#define OUTBOX_MESSAGES    1000000
#define OUTBOX_BYTES_MIN   1024
#define OUTBOX_BYTES_MAX   1073741824
#define INTERVAL_DEFAULT_S 5.0
#define INTERVAL_MIN_S     0.1
#define INTERVAL_MAX_S     3600.0

/* ---- channel ----------------------------------------------------------------------------------
 */

static bool is_channel(const zend_string *channel)
{
    for (size_t i = 0; i < ZSTR_LEN(channel); i++) {
        unsigned char c = (unsigned char)ZSTR_VAL(channel)[i];
        if (c < 0x20 || c == 0x7f) {
            return false;
        }
    }
    return ZSTR_LEN(channel) >= 1 && ZSTR_LEN(channel) <= CHANNEL_MAX_BYTES;
}

/* Words joined by dots; * and > would be read as wildcards by subscribers. */
static bool is_subject(const zend_string *subject)
{
    const char *text = ZSTR_VAL(subject);
    size_t length = ZSTR_LEN(subject);

    for (size_t i = 0; i < length; i++) {
        bool word_is_empty = text[i] == '.' && (i == 0 || i + 1 == length || text[i - 1] == '.');
        if (word_is_empty || (unsigned char)text[i] <= 0x20 || text[i] == 0x7f || text[i] == '*' ||
            text[i] == '>') {
            return false;
        }
    }
    return length >= 1 && length <= CHANNEL_MAX_BYTES;
}

static bool take_channel(struct vd_php_broker_check *check)
{
    const zend_string *channel = check->arguments->texts[VD_BROKER_CHANNEL];
    uint8_t position = check->positions->texts[VD_BROKER_CHANNEL];

    if (check->is_nats && !is_subject(channel)) {
        zend_argument_value_error(position,
                                  "must be words joined by dots, without spaces and the wildcards "
                                  "* and >, 1 to %d bytes",
                                  CHANNEL_MAX_BYTES);
        return false;
    }
    if (!check->is_nats && !is_channel(channel)) {
        zend_argument_value_error(position, "must be 1 to %d bytes without control characters",
                                  CHANNEL_MAX_BYTES);
        return false;
    }
    vd_php_broker_take(check, VD_BROKER_CHANNEL);
    return true;
}

/* ---- credentials ------------------------------------------------------------------------------
 */

static bool check_text(const struct vd_php_broker_check *check, enum vd_php_broker_text which)
{
    const zend_string *text = check->arguments->texts[which];

    if (text && ZSTR_LEN(text) == 0) {
        zend_argument_value_error(check->positions->texts[which],
                                  "must not be empty: leave it out, or give null, for none");
        return false;
    }
    if (text && strlen(ZSTR_VAL(text)) != ZSTR_LEN(text)) {
        zend_argument_value_error(check->positions->texts[which], "must not hold a NUL byte");
        return false;
    }
    return true;
}

/* One way to log in; the second one given is named. */
static bool check_one_way(const struct vd_php_broker_check *check)
{
    static const struct {
        enum vd_php_broker_text which;
        const char *name;
    } ways[] = {{VD_BROKER_TOKEN, "authToken"},
                {VD_BROKER_PASSWORD, "password"},
                {VD_BROKER_SEED_FILE, "nkeySeedFile"},
                {VD_BROKER_CREDS_FILE, "credsFile"}};
    const char *first = NULL;
    uint8_t second = 0;

    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        if (vd_php_broker_given(check, ways[i].which) && first && !second) {
            second = check->positions->texts[ways[i].which];
        } else if (vd_php_broker_given(check, ways[i].which) && !first) {
            first = ways[i].name;
        }
    }
    if (first && !second && ZEND_FCI_INITIALIZED(check->arguments->credentials)) {
        second = check->positions->credentials;
    }
    if (second) {
        zend_argument_value_error(second, "must be left out when $%s is given: one way to log in",
                                  first);
    }
    return second == 0;
}

static bool check_user(const struct vd_php_broker_check *check)
{
    if (vd_php_broker_given(check, VD_BROKER_USERNAME) &&
        !vd_php_broker_given(check, VD_BROKER_PASSWORD)) {
        zend_argument_value_error(check->positions->texts[VD_BROKER_USERNAME],
                                  "must be left out when $password is not given");
        return false;
    }
    if (check->is_nats && vd_php_broker_given(check, VD_BROKER_PASSWORD) &&
        !vd_php_broker_given(check, VD_BROKER_USERNAME)) {
        zend_argument_value_error(check->positions->texts[VD_BROKER_PASSWORD],
                                  "must be left out when $username is not given");
        return false;
    }
    return true;
}

/* ---- files ------------------------------------------------------------------------------------
 */

/* Absolute, so that a later chdir() does not matter. */
static bool take_file(struct vd_php_broker_check *check, enum vd_php_broker_text which)
{
    const zend_string *file = check->arguments->texts[which];
    zend_stat_t status;
    char *path;
    bool fine;

    if (!file) {
        return true;
    }
    if (!check_text(check, which)) {
        return false;
    }
    path = expand_filepath(ZSTR_VAL(file), NULL);
    fine = path && php_check_open_basedir_ex(path, 0) == 0 && VCWD_STAT(path, &status) == 0 &&
           S_ISREG(status.st_mode) && VCWD_ACCESS(path, R_OK) == 0;
    if (fine) {
        check->settings->texts[which] = zend_string_init(path, strlen(path), 0);
    } else {
        zend_argument_value_error(check->positions->texts[which],
                                  "must be a file that can be read, \"%s\" given", ZSTR_VAL(file));
    }
    if (path) {
        efree(path);
    }
    return fine;
}

static bool take_files(struct vd_php_broker_check *check)
{
    static const enum vd_php_broker_text files[] = {VD_BROKER_CA_FILE, VD_BROKER_CERT_FILE,
                                                    VD_BROKER_KEY_FILE, VD_BROKER_SEED_FILE,
                                                    VD_BROKER_CREDS_FILE};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        bool of_tls = files[i] != VD_BROKER_SEED_FILE && files[i] != VD_BROKER_CREDS_FILE;
        if (of_tls && vd_php_broker_given(check, files[i]) && !check->arguments->tls) {
            zend_argument_value_error(check->positions->texts[files[i]],
                                      "must be left out when $tls is false: nothing would be "
                                      "encrypted");
            return false;
        }
        if (!take_file(check, files[i])) {
            return false;
        }
    }
    if (vd_php_broker_given(check, VD_BROKER_KEY_FILE) &&
        !vd_php_broker_given(check, VD_BROKER_CERT_FILE)) {
        zend_argument_value_error(check->positions->texts[VD_BROKER_KEY_FILE],
                                  "must be left out when $tlsCertFile is not given");
        return false;
    }
    return true;
}

/* Are they what they should be? Read once here, so that a wrong file is not found out by the first
 * attempt to connect, in another process. */
static bool check_certificates(const struct vd_php_broker_check *check)
{
#ifdef HAVE_TLS
    static const struct {
        const char *option;
        enum vd_php_broker_text which;
    } rows[] = {{"tls_ca_file: ", VD_BROKER_CA_FILE},
                {"tls_certificate_file: ", VD_BROKER_CERT_FILE},
                {"tls_key_file: ", VD_BROKER_KEY_FILE}};
    const struct vd_broker_options *options = &check->settings->options;
    struct vd_tls *tls = NULL;
    struct vd_error error;

    if (!options->tls_ca_file && !options->tls_certificate_file) {
        return true;
    }
    if (vd_tls_create(options, &tls, &error) == VD_OK) {
        vd_tls_destroy(tls);
        return true;
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t length = strlen(rows[i].option);
        if (strncmp(error.text, rows[i].option, length) == 0) {
            bool key_in_certificate = rows[i].which == VD_BROKER_KEY_FILE &&
                                      !vd_php_broker_given(check, VD_BROKER_KEY_FILE);
            zend_argument_value_error(
                check->positions->texts[key_in_certificate ? VD_BROKER_CERT_FILE : rows[i].which],
                "is not usable: %s", error.text + length);
            return false;
        }
    }
    zend_argument_value_error(check->positions->tls, "is not usable: %s", error.text);
    return false;
#else
    (void)check;
    return true;
#endif
}

/* ---- numbers ----------------------------------------------------------------------------------
 */

static bool take_interval(uint8_t position, const zval *number, uint32_t *milliseconds)
{
    double seconds = number ? zval_get_double((zval *)number) : INTERVAL_DEFAULT_S;
    if (!(seconds >= INTERVAL_MIN_S && seconds <= INTERVAL_MAX_S)) { /* NAN, too */
        zend_argument_value_error(position, "must be between 0.1 and 3600 seconds, %.*G given", 6,
                                  seconds);
        return false;
    }
    *milliseconds = (uint32_t)(seconds * 1000.0 + 0.5);
    return true;
}

static bool take_policy(const struct vd_php_broker_check *check)
{
    const zend_string *policy = check->arguments->policy;

    if (!policy || zend_string_equals_literal(policy, "drop-oldest")) {
        check->settings->options.outbox_policy = VD_OUTBOX_DROP_OLDEST;
    } else if (zend_string_equals_literal(policy, "fail")) {
        check->settings->options.outbox_policy = VD_OUTBOX_FAIL;
    } else {
        zend_argument_value_error(check->positions->policy, "must be \"drop-oldest\" or \"fail\"");
        return false;
    }
    return true;
}

static bool take_numbers(const struct vd_php_broker_check *check)
{
    const struct vd_php_broker_arguments *arguments = check->arguments;
    const struct vd_php_broker_positions *positions = check->positions;
    struct vd_broker_options *options = &check->settings->options;

    if (!take_interval(positions->probe_interval, arguments->probe_interval,
                       &options->probe_interval_ms) ||
        !take_interval(positions->connect_timeout, arguments->connect_timeout,
                       &options->connect_timeout_ms) ||
        !vd_php_argument_in_range(positions->outbox_messages, arguments->outbox_messages, 1,
                                  OUTBOX_MESSAGES) ||
        !vd_php_argument_in_range(positions->outbox_bytes, arguments->outbox_bytes,
                                  OUTBOX_BYTES_MIN, OUTBOX_BYTES_MAX) ||
        !take_policy(check)) {
        return false;
    }
    options->outbox_messages = (size_t)arguments->outbox_messages;
    options->outbox_bytes = (size_t)arguments->outbox_bytes;
    return true;
}

/* ---- all of them ------------------------------------------------------------------------------
 */

static const char *text_of(const struct vd_php_broker_settings *settings,
                           enum vd_php_broker_text which)
{
    return settings->texts[which] ? ZSTR_VAL(settings->texts[which]) : NULL;
}

static void point_options(struct vd_php_broker_settings *settings, bool tls)
{
    settings->options.url = text_of(settings, VD_BROKER_URL);
    settings->options.channel = text_of(settings, VD_BROKER_CHANNEL);
    settings->options.tls = tls;
    settings->options.tls_ca_file = text_of(settings, VD_BROKER_CA_FILE);
    settings->options.tls_certificate_file = text_of(settings, VD_BROKER_CERT_FILE);
    settings->options.tls_key_file = text_of(settings, VD_BROKER_KEY_FILE);
    settings->options.credentials = (struct vd_broker_credentials){
        .username = text_of(settings, VD_BROKER_USERNAME),
        .password = text_of(settings, VD_BROKER_PASSWORD),
        .token = text_of(settings, VD_BROKER_TOKEN),
        .seed_file = text_of(settings, VD_BROKER_SEED_FILE),
        .creds_file = text_of(settings, VD_BROKER_CREDS_FILE),
    };
}

static bool take_all(struct vd_php_broker_check *check, bool tls)
{
    if (!vd_php_broker_take_address(check) || !take_channel(check) ||
        !check_text(check, VD_BROKER_PASSWORD) || !check_text(check, VD_BROKER_USERNAME) ||
        !check_text(check, VD_BROKER_TOKEN) || !check_one_way(check) || !check_user(check) ||
        !take_files(check) || !take_numbers(check)) {
        return false;
    }
    vd_php_broker_take(check, VD_BROKER_PASSWORD);
    vd_php_broker_take(check, VD_BROKER_USERNAME);
    vd_php_broker_take(check, VD_BROKER_TOKEN);
    point_options(check->settings, tls);
    return check_certificates(check);
}

bool vd_php_broker_settings_take(struct vd_php_broker_settings *settings,
                                 const struct vd_php_broker_arguments *arguments,
                                 const struct vd_php_broker_positions *positions, bool is_nats)
{
    struct vd_php_broker_settings made = {0};
    struct vd_php_broker_check check = {&made, arguments, positions, is_nats};

    ZVAL_UNDEF(&made.servers);
    ZVAL_UNDEF(&made.credentials.callable);
    if (!take_all(&check, arguments->tls)) {
        vd_php_broker_settings_finish(&made);
        return false;
    }
    if (ZEND_FCI_INITIALIZED(arguments->credentials)) {
        vd_callable_init(&made.credentials, &arguments->credentials, &arguments->credentials_cache);
    }
    *settings = made;
    return true;
}

void vd_php_broker_settings_finish(struct vd_php_broker_settings *settings)
{
    for (size_t i = 0; i < VD_BROKER_TEXTS; i++) {
        if (settings->texts[i]) {
            zend_string_release(settings->texts[i]);
        }
    }
    zval_ptr_dtor(&settings->servers);
    zval_ptr_dtor(&settings->credentials.callable);
}
