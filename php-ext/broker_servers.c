/* SPDX-License-Identifier: Apache-2.0 */
/* Where a broker's servers are: host, port and servers of the constructors, checked and made into
 * the URL that the library takes. Strict on purpose: what is no name or address (a URL, a user, a
 * port) would be misread there. */
#include "broker_settings.h"

#include <arpa/inet.h>
#include <zend_smart_str.h>

#include "class_config_values.h"
#include "php_viaduct.h"

#define HOST_MAX_BYTES   253
#define SOCKET_MAX_BYTES 107
#define SERVERS_MAX      15

static bool is_ipv6(const char *text, size_t length)
{
    char address[INET6_ADDRSTRLEN] = "";
    unsigned char bytes[16];
    size_t zone = 0;

    while (zone < length && text[zone] != '%') {
        zone++;
    }
    if (zone >= sizeof(address)) {
        return false;
    }
    memcpy(address, text, zone);
    for (size_t i = zone; i < length; i++) { /* "%eth0" */
        if (!isalnum((unsigned char)text[i]) && (!text[i] || !strchr("%._-", text[i]))) {
            return false;
        }
    }
    return inet_pton(AF_INET6, address, bytes) == 1;
}

static bool is_name(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (!isalnum((unsigned char)text[i]) && (!text[i] || !strchr("._-", text[i]))) {
            return false;
        }
    }
    return length > 0 && length <= HOST_MAX_BYTES;
}

static void add_server(smart_str *url, const char *host, size_t length, zend_long port)
{
    bool brackets = memchr(host, ':', length) != NULL;
    smart_str_appends(url, brackets ? "[" : "");
    smart_str_appendl(url, host, length);
    smart_str_appends(url, brackets ? "]:" : ":");
    smart_str_append_long(url, port);
}

static bool take_host(struct vd_php_broker_check *check, smart_str *url)
{
    const zend_string *host = check->arguments->texts[VD_BROKER_HOST];
    const char *text = ZSTR_VAL(host);
    size_t length = ZSTR_LEN(host);

    if (length > 2 && text[0] == '[' && text[length - 1] == ']') {
        text++;
        length -= 2;
    }
    if (!is_name(text, length) && !is_ipv6(text, length)) {
        zend_argument_value_error(check->positions->texts[VD_BROKER_HOST],
                                  "must be a host name or an IP address of 1 to %d bytes, without "
                                  "scheme, port or user",
                                  HOST_MAX_BYTES);
        return false;
    }
    check->settings->texts[VD_BROKER_HOST] = zend_string_init(text, length, 0);
    add_server(url, text, length, check->settings->port);
    return true;
}

/* Redis only: host is the path of a socket. */
static bool is_socket(const struct vd_php_broker_check *check)
{
    return !check->is_nats && ZSTR_VAL(check->arguments->texts[VD_BROKER_HOST])[0] == '/';
}

static bool take_socket(struct vd_php_broker_check *check)
{
    const zend_string *path = check->arguments->texts[VD_BROKER_HOST];
    const struct vd_php_broker_arguments *arguments = check->arguments;

    if (ZSTR_LEN(path) < 2 || ZSTR_LEN(path) > SOCKET_MAX_BYTES ||
        strlen(ZSTR_VAL(path)) != ZSTR_LEN(path)) {
        zend_argument_value_error(check->positions->texts[VD_BROKER_HOST],
                                  "must, as the path of a socket, have at most %d bytes",
                                  SOCKET_MAX_BYTES);
        return false;
    }
    if (arguments->tls) {
        zend_argument_value_error(check->positions->tls,
                                  "must be false when $host is the path of a socket");
        return false;
    }
    if (arguments->servers && zend_hash_num_elements(arguments->servers) > 0) {
        zend_argument_value_error(check->positions->servers,
                                  "must be empty when $host is the path of a socket");
        return false;
    }
    vd_php_broker_take(check, VD_BROKER_HOST);
    check->settings->texts[VD_BROKER_URL] = strpprintf(0, "redis+unix://%s", ZSTR_VAL(path));
    return true;
}

static bool parse_port(const char *text, size_t length, zend_long *port)
{
    *port = 0;
    for (size_t i = 0; i < length; i++) {
        if (!isdigit((unsigned char)text[i]) || i == 5) {
            return false;
        }
        *port = *port * 10 + (text[i] - '0');
    }
    return *port >= 1 && *port <= 65535;
}

/* "host:port", "[::1]:port", "host" */
static bool add_listed(smart_str *url, const zend_string *entry, zend_long port)
{
    const char *text = ZSTR_VAL(entry);
    const char *end = text + ZSTR_LEN(entry);
    const char *host_end =
        *text == '[' ? memchr(text, ']', ZSTR_LEN(entry)) : memchr(text, ':', ZSTR_LEN(entry));
    bool brackets = *text == '[';

    if (brackets && !host_end) {
        return false;
    }
    if (!host_end) {
        host_end = end;
    }
    const char *rest = host_end + brackets;
    text += brackets;
    size_t length = (size_t)(host_end - text);
    if (rest < end && (*rest != ':' || !parse_port(rest + 1, (size_t)(end - rest - 1), &port))) {
        return false;
    }
    if (brackets ? !is_ipv6(text, length) : !is_name(text, length)) {
        return false;
    }
    smart_str_appendc(url, ',');
    add_server(url, text, length, port);
    return true;
}

static bool take_servers(struct vd_php_broker_check *check, smart_str *url)
{
    HashTable *servers = check->arguments->servers;
    zval *entry;

    if (!servers || zend_hash_num_elements(servers) == 0) {
        return true;
    }
    if (zend_hash_num_elements(servers) > SERVERS_MAX) {
        zend_argument_value_error(check->positions->servers, "must hold at most %d servers",
                                  SERVERS_MAX);
        return false;
    }
    ZEND_HASH_FOREACH_VAL(servers, entry)
    {
        ZVAL_DEREF(entry);
        if (Z_TYPE_P(entry) != IS_STRING ||
            !add_listed(url, Z_STR_P(entry), check->settings->port)) {
            zend_argument_value_error(
                check->positions->servers,
                "must be a list of \"host\", \"host:port\" or \"[::1]:port\"");
            return false;
        }
    }
    ZEND_HASH_FOREACH_END();
    ZVAL_ARR(&check->settings->servers, zend_array_dup(servers));
    return true;
}

bool vd_php_broker_take_address(struct vd_php_broker_check *check)
{
    smart_str url = {0};

    if (!vd_php_argument_in_range(check->positions->port, check->arguments->port, 1, 65535)) {
        return false;
    }
    check->settings->port = check->arguments->port;
    if (is_socket(check)) {
        return take_socket(check);
    }
    smart_str_appends(&url, check->is_nats ? "nats://" : "redis://");
    if (!take_host(check, &url) || !take_servers(check, &url)) {
        smart_str_free(&url);
        return false;
    }
    check->settings->texts[VD_BROKER_URL] = smart_str_extract(&url);
    return true;
}
