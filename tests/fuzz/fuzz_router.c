/* SPDX-License-Identifier: Apache-2.0 */
/* Lines: "+GET|POST /path/{x}" adds a route, "GET /path/7" looks one up. Whatever is added and
 * asked for, answers are whole: a route that was added, all its parameters, none of them empty. */
#include <string.h>

#include "fuzz.h"
#include "worker_router.h"

#define ROUTES_MAX 64

static struct vd_text take(struct vd_text *rest, char divider)
{
    const char *end = rest->length > 0 ? memchr(rest->bytes, divider, rest->length) : NULL;
    struct vd_text taken = {rest->bytes, end ? (size_t)(end - rest->bytes) : rest->length};
    size_t skipped = taken.length + (end ? 1 : 0);
    rest->bytes += skipped;
    rest->length -= skipped;
    return taken;
}

static char *copy_of(struct vd_text text)
{
    char *copy = strndup(text.bytes, text.length);
    FUZZ_REQUIRE(copy != NULL);
    return copy;
}

static bool add(struct vd_router *router, struct vd_text line, uint32_t route)
{
    struct vd_error error = {VD_OK, ""};
    char *methods = copy_of(take(&line, ' '));
    char *pattern = copy_of(line);
    enum vd_err result = vd_router_add(router, methods, pattern, route, &error);
    FUZZ_REQUIRE(result == VD_OK || result == VD_ERR_INVALID || result == VD_ERR_EXISTS);
    FUZZ_REQUIRE(result == VD_OK || (error.code == result && error.text[0] != '\0'));
    free(methods);
    free(pattern);
    return result == VD_OK;
}

static void check_parameters(const struct vd_router *router, const struct vd_route_match *match)
{
    const char *names[VD_ROUTE_PARAMETERS_MAX];
    FUZZ_REQUIRE(vd_router_parameter_names(router, match->route, names) == match->parameter_count);
    for (size_t i = 0; i < match->parameter_count; i++) {
        struct vd_text value = match->parameters[i].value;
        FUZZ_REQUIRE(strcmp(names[i], match->parameters[i].name) == 0);
        FUZZ_REQUIRE(value.length > 0 && value.bytes >= match->decoded);
        FUZZ_REQUIRE(value.bytes + value.length <= match->decoded + sizeof match->decoded);
        FUZZ_REQUIRE(memchr(value.bytes, '\0', value.length) == NULL);
    }
}

static void look_up(const struct vd_router *router, struct vd_text line, uint32_t routes)
{
    struct vd_route_match *match = malloc(sizeof *match);
    FUZZ_REQUIRE(match != NULL);
    struct vd_text method = take(&line, ' ');
    enum vd_err result = vd_router_match(router, method, line, match);
    FUZZ_REQUIRE(result == VD_OK || result == VD_ERR_NOT_FOUND || result == VD_ERR_STATE ||
                 result == VD_ERR_MALFORMED);
    if (result == VD_OK) {
        FUZZ_REQUIRE(match->route < routes);
        check_parameters(router, match);
    }
    FUZZ_REQUIRE((result == VD_ERR_STATE) == (match->allow[0] != '\0'));
    FUZZ_REQUIRE(memchr(match->allow, '\0', sizeof match->allow) != NULL);
    free(match);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vd_text rest = {(const char *)data, size};
    struct vd_router *router = vd_router_create();
    uint32_t routes = 0;
    FUZZ_REQUIRE(router != NULL);
    while (rest.length > 0) {
        struct vd_text line = take(&rest, '\n');
        if (line.length > 0 && line.bytes[0] == '+') {
            line.bytes++;
            line.length--;
            routes += routes < ROUTES_MAX && add(router, line, routes);
        } else {
            look_up(router, line, routes);
        }
    }
    vd_router_destroy(router);
    return 0;
}
