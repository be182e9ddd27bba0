/* SPDX-License-Identifier: Apache-2.0 */
/* URLs of brokers: whatever the text is, it is taken as what it says (written out again and read
 * again it is the same) or refused by a sentence that does not quote the password. */
#include <ctype.h>
#include <string.h>

#include <viaduct/broker_driver.h>

#include "fuzz.h"
#include "redis_url.h"

#define TEXT_MAX 2000

static void put_encoded(char **out, const char *text)
{
    for (; *text; text++)
        *out += sprintf(*out, "%%%02x", (unsigned char)*text);
}

static void put_server(char **out, const struct vd_redis_server *server)
{
    bool is_address = strchr(server->host, ':') != NULL;

    *out += sprintf(*out, is_address ? "[%s]:%s" : "%s:%s", server->host, server->port);
}

static char *write_out(const struct vd_redis_url *url, bool is_socket)
{
    char *text = malloc(16 + (size_t)3 * 2 * TEXT_MAX + url->count * sizeof(*url->servers)),
         *out = text;

    FUZZ_REQUIRE(text != NULL);
    out += sprintf(out, "%s://", is_socket ? "redis+unix" : url->tls ? "rediss" : "redis");
    if (url->username)
        put_encoded(&out, url->username);
    if (url->password) {
        *out++ = ':';
        put_encoded(&out, url->password);
    }
    if (url->username || url->password)
        *out++ = '@';
    if (is_socket) {
        strcpy(out, url->servers[0].host);
        return text;
    }
    for (size_t i = 0; i < url->count; i++) {
        if (i)
            *out++ = ',';
        put_server(&out, &url->servers[i]);
    }
    return text;
}

static bool same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static void check_redis(const struct vd_redis_url *url)
{
    bool is_socket = url->servers[0].host[0] == '/';
    struct vd_redis_url again;
    char *text;

    FUZZ_REQUIRE(url->count >= 1 && url->count <= VD_REDIS_SERVERS_MAX);
    for (size_t i = 0; i < url->count; i++) {
        const struct vd_redis_server *server = &url->servers[i];
        FUZZ_REQUIRE(server->host[0] != '\0');
        FUZZ_REQUIRE(is_socket || (atoi(server->port) >= 1 && atoi(server->port) <= 65535));
        if (!is_socket && strpbrk(server->host, "[]@/?#"))
            return; /* taken as it stands, for the resolver to refuse; cannot be written again */
    }
    text = write_out(url, is_socket);
    FUZZ_REQUIRE(vd_redis_url_parse(text, &again, NULL) == VD_OK);
    FUZZ_REQUIRE(again.count == url->count && again.tls == url->tls);
    FUZZ_REQUIRE(same(again.username, url->username) && same(again.password, url->password));
    for (size_t i = 0; i < url->count; i++) {
        FUZZ_REQUIRE(same(again.servers[i].host, url->servers[i].host));
        FUZZ_REQUIRE(same(again.servers[i].port, url->servers[i].port));
    }
    vd_redis_url_finish(&again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct vd_broker_driver *driver;
    struct vd_error error = {VD_OK, ""};
    char text[TEXT_MAX + 1];
    struct vd_redis_url url;

    if (size > TEXT_MAX)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    driver = vd_broker_driver_find(text, &error);
    if (!driver) {
        FUZZ_REQUIRE(error.text[0] != '\0' && !strstr(error.text, "hunter2"));
        return 0;
    }
    if (strcmp(driver->name, "redis") != 0)
        return 0;
    if (vd_redis_url_parse(text, &url, &error) == VD_OK) {
        check_redis(&url);
        vd_redis_url_finish(&url);
    } else {
        FUZZ_REQUIRE(error.code == VD_ERR_INVALID && !strstr(error.text, "hunter2"));
        FUZZ_REQUIRE(!url.servers && !url.username && !url.password);
    }
    return 0;
}
