/* SPDX-License-Identifier: Apache-2.0 */
/* Viaduct\Broker\from_url(): a broker as one word of a configuration.
 *
 * The URL becomes named arguments of the class's constructor, which does all further checking.
 * What is wrong with the URL itself is a ValueError that never repeats it: it may hold a password.
 */
#include "php_viaduct.h"

#include <ext/standard/url.h>
#include <zend_attributes.h>

struct scheme {
    const char *name;
    zend_class_entry **ce;
    bool network, tls, token, path;
};

static const struct scheme schemes[] = {
    {"memory", &vd_ce_memory_broker, false, false, false, false},
    {"pipe", &vd_ce_pipe_broker, false, false, false, false},
    {"redis", &vd_ce_redis_broker, true, false, false, false},
    {"rediss", &vd_ce_redis_broker, true, true, false, false},
    {"redis+unix", &vd_ce_redis_broker, true, false, false, true},
    {"nats", &vd_ce_nats_broker, true, false, true, false},
    {"tls", &vd_ce_nats_broker, true, true, true, false},
};

static const struct scheme *scheme_find(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        if (strlen(schemes[i].name) == length && strncasecmp(schemes[i].name, name, length) == 0) {
            return &schemes[i];
        }
    }
    return NULL;
}

/* Takes @value over. */
static void set(HashTable *arguments, const char *name, zval *value)
{
    zend_hash_str_update(arguments, name, strlen(name), value);
}

static void set_decoded(HashTable *arguments, const char *name, const char *from, const char *to)
{
    zval value;
    if (from < to) {
        zend_string *text = zend_string_init(from, to - from, false);
        ZSTR_LEN(text) = php_raw_url_decode(ZSTR_VAL(text), ZSTR_LEN(text));
        ZVAL_STR(&value, text);
        set(arguments, name, &value);
    }
}

/* "user:password"; for NATS also a token alone. A word alone may be meant as a password: it is
 * refused rather than shown as a user's name. */
static bool take_user(HashTable *arguments, const struct scheme *scheme, const char *from,
                      const char *to)
{
    const char *colon = memchr(from, ':', to - from);
    if (colon) {
        set_decoded(arguments, "username", from, colon);
        set_decoded(arguments, "password", colon + 1, to);
    } else {
        set_decoded(arguments, "authToken", from, to);
    }
    return colon || scheme->token;
}

static bool take_port(HashTable *arguments, const char *from, const char *to)
{
    zend_long port = 0;
    zval value;
    for (const char *at = from; at < to; at++) {
        if (*at < '0' || *at > '9' || to - from > 5) {
            return false;
        }
        port = port * 10 + (*at - '0');
    }
    if (port < 1 || port > 65535) {
        return false;
    }
    ZVAL_LONG(&value, port);
    set(arguments, "port", &value);
    return true;
}

/* "host", "host:port", "[::1]:port" */
static bool take_host(HashTable *arguments, const char *from, const char *to)
{
    const char *end = to, *port = NULL;
    if (from < to && *from == '[') {
        end = memchr(from, ']', to - from);
        if (!end || (end + 1 < to && end[1] != ':')) {
            return false;
        }
        port = end + 1 < to ? end + 2 : NULL;
        from++;
    } else {
        const char *colon = memchr(from, ':', to - from);
        if (colon) {
            end = colon;
            port = colon + 1;
        }
    }
    if (from == end || (port && !take_port(arguments, port, to))) {
        return false;
    }
    set_decoded(arguments, "host", from, end);
    return true;
}

/* What follows the first host: more of them, as the constructors take them. */
static void take_servers(HashTable *arguments, const char *from, const char *to)
{
    zval servers;
    array_init(&servers);
    for (;;) {
        const char *comma = memchr(from, ',', to - from);
        const char *end = comma ? comma : to;
        add_next_index_stringl(&servers, from, end - from);
        if (!comma) {
            break;
        }
        from = comma + 1;
    }
    set(arguments, "servers", &servers);
}

static bool take_address(HashTable *arguments, const struct scheme *scheme, const char *from,
                         const char *to)
{
    const char *user_end = zend_memrchr(from, '@', to - from);
    if (user_end) {
        if (!take_user(arguments, scheme, from, user_end)) {
            return false;
        }
        from = user_end + 1;
    }
    if (scheme->path) {
        set_decoded(arguments, "host", from, to);
        return from < to && *from == '/';
    }
    if (from < to && to[-1] == '/') {
        to--;
    }
    for (const char *at = from; at < to; at++) {
        if (*at == '/' || *at == '?' || *at == '#') {
            return false;
        }
    }
    const char *comma = memchr(from, ',', to - from);
    if (!take_host(arguments, from, comma ? comma : to)) {
        return false;
    }
    if (comma) {
        take_servers(arguments, comma + 1, to);
    }
    if (scheme->tls) {
        zval yes;
        ZVAL_TRUE(&yes);
        set(arguments, "tls", &yes);
    }
    return true;
}

/* Fills @arguments; NULL: no URL of a broker. */
static const struct scheme *url_take(zend_string *url, HashTable *arguments)
{
    const char *from = ZSTR_VAL(url), *to = from + ZSTR_LEN(url);
    const char *colon = memchr(from, ':', ZSTR_LEN(url));
    const struct scheme *scheme = scheme_find(from, (colon ? colon : to) - from);
    if (!scheme) {
        return NULL;
    }
    if (!scheme->network) {
        return !colon || colon + 1 == to ? scheme : NULL;
    }
    if (!colon || to - colon < 3 || memcmp(colon, "://", 3) != 0) {
        return NULL;
    }
    return take_address(arguments, scheme, colon + 3, to) ? scheme : NULL;
}

static void create(zval *object, zend_string *url, HashTable *options)
{
    HashTable *arguments = zend_new_array(8);
    const struct scheme *scheme = url_take(url, arguments);
    if (!scheme) {
        zend_argument_value_error(1,
                                  "must be pipe:, memory:, redis://, rediss://, nats:// or tls://, "
                                  "after the slashes [USER:PASSWORD@]HOST[:PORT]; or "
                                  "redis+unix:///PATH");
    } else if (object_init_ex(object, *scheme->ce) == SUCCESS) {
        if (options) {
            zend_hash_merge(arguments, options, zval_add_ref, true);
        }
        zend_call_known_function((*scheme->ce)->constructor, Z_OBJ_P(object), *scheme->ce, NULL, 0,
                                 NULL, arguments);
    }
    zend_array_release(arguments);
    if (EG(exception)) {
        zval_ptr_dtor(object);
        ZVAL_NULL(object);
    }
}

static void from_url(zend_execute_data *execute_data, zval *return_value, HashTable *options)
{
    zend_string *url;
    zval *positional;
    uint32_t positional_count;
    HashTable *taken;

    ZEND_PARSE_PARAMETERS_START(1, -1)
    Z_PARAM_STR(url)
    Z_PARAM_VARIADIC_WITH_NAMED(positional, positional_count, taken)
    ZEND_PARSE_PARAMETERS_END();
    (void)positional;
    (void)taken; /* empty by now */
    if (positional_count > 0) {
        zend_argument_count_error("Viaduct\\Broker\\from_url() takes options by name only");
        return;
    }
    create(return_value, url, options);
}

/* The options are taken out of the frame, where a stack trace would show a password among them: PHP
 * 8.2 hides no named arguments of a variadic parameter. */
ZEND_FUNCTION(Viaduct_Broker_from_url)
{
    HashTable *options = NULL;
    if (ZEND_CALL_INFO(execute_data) & ZEND_CALL_HAS_EXTRA_NAMED_PARAMS) {
        options = execute_data->extra_named_params;
        execute_data->extra_named_params = zend_new_array(0);
    }
    from_url(execute_data, return_value, options);
    if (options) {
        zend_array_release(options);
    }
}

/* #[\SensitiveParameter]: PHP 8.2's generator has no right spelling of it for a function with a
 * namespace. */
void vd_php_broker_url_setup(void)
{
    zend_function *function =
        zend_hash_str_find_ptr(CG(function_table), ZEND_STRL("viaduct\\broker\\from_url"));
    zend_add_parameter_attribute(function, 0, ZSTR_KNOWN(ZEND_STR_SENSITIVEPARAMETER), 0);
}
