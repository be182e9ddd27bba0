/* SPDX-License-Identifier: Apache-2.0 */
/* URLs of NATS servers: whatever the text is, it is taken as what it says (written out again and
 * read again it is the same) or refused by a sentence that does not quote the secret. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "nats_url.h"

#define TEXT_MAX 2000

static void put_encoded(char **out, const char *text)
{
    for (; text && *text; text++)
        *out += sprintf(*out, "%%%02x", (unsigned char)*text);
}

static char *write_out(const struct vd_nats_url *url)
{
    char *text = malloc(16 + (size_t)3 * TEXT_MAX + url->count * sizeof(*url->servers)),
         *out = text;

    FUZZ_REQUIRE(text != NULL);
    out += sprintf(out, url->tls ? "tls://" : "nats://");
    put_encoded(&out, url->token);
    put_encoded(&out, url->username);
    if (url->password)
        *out++ = ':';
    put_encoded(&out, url->password);
    if (url->token || url->username)
        *out++ = '@';
    for (size_t i = 0; i < url->count; i++) {
        const struct vd_nats_server *server = &url->servers[i];
        bool is_address = strchr(server->host, ':') != NULL;
        out += sprintf(out, is_address ? "%s[%s]:%s" : "%s%s:%s", i ? "," : "", server->host,
                       server->port);
    }
    return text;
}

static bool same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static void check(const struct vd_nats_url *url)
{
    struct vd_nats_url again;
    char *text;

    FUZZ_REQUIRE(url->count >= 1 && url->count <= VD_NATS_SERVERS_MAX);
    FUZZ_REQUIRE(!url->username == !url->password && (!url->token || !url->username));
    for (size_t i = 0; i < url->count; i++) {
        FUZZ_REQUIRE(url->servers[i].host[0] != '\0');
        FUZZ_REQUIRE(atoi(url->servers[i].port) >= 1 && atoi(url->servers[i].port) <= 65535);
        if (strpbrk(url->servers[i].host, "[]@/?#") || strstr(url->servers[i].host, "://"))
            return; /* taken as it stands, for the resolver to refuse; cannot be written again */
    }
    text = write_out(url);
    FUZZ_REQUIRE(vd_nats_url_parse(text, &again, NULL) == VD_OK);
    FUZZ_REQUIRE(again.count == url->count && again.tls == url->tls);
    FUZZ_REQUIRE(same(again.username, url->username) && same(again.password, url->password));
    FUZZ_REQUIRE(same(again.token, url->token));
    for (size_t i = 0; i < url->count; i++) {
        FUZZ_REQUIRE(same(again.servers[i].host, url->servers[i].host));
        FUZZ_REQUIRE(same(again.servers[i].port, url->servers[i].port));
    }
    vd_nats_url_finish(&again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vd_error error = {VD_OK, ""};
    char text[TEXT_MAX + 1];
    struct vd_nats_url url;

    if (size > TEXT_MAX)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    if (vd_nats_url_parse(text, &url, &error) == VD_OK) {
        check(&url);
        vd_nats_url_finish(&url);
    } else {
        FUZZ_REQUIRE(error.code == VD_ERR_INVALID && !strstr(error.text, "hunter2"));
        FUZZ_REQUIRE(!url.servers && !url.username && !url.password && !url.token);
    }
    return 0;
}
