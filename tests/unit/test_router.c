/* SPDX-License-Identifier: Apache-2.0 */
/* The router: each rule of worker_router.h by example, then all of them against brute force. */
#include "worker_router.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct vd_router *router;
    struct vd_error error;
    struct vd_route_match match;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->router = vd_router_create();
    *state = fixture;
    return fixture->router ? 0 : -1;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    vd_router_destroy(fixture->router);
    free(fixture);
    return 0;
}

static struct vd_text text(const char *string)
{
    return (struct vd_text){string, strlen(string)};
}

static void add(struct fixture *fixture, const char *methods, const char *pattern, uint32_t route)
{
    enum vd_err result = vd_router_add(fixture->router, methods, pattern, route, &fixture->error);
    if (result != VD_OK) {
        fail_msg("%s %s: %s", methods, pattern, fixture->error.text);
    }
}

static enum vd_err match(struct fixture *fixture, const char *method, const char *path)
{
    return vd_router_match(fixture->router, text(method), text(path), &fixture->match);
}

static void assert_route(struct fixture *fixture, const char *method, const char *path,
                         uint32_t route)
{
    enum vd_err result = match(fixture, method, path);
    if (result != VD_OK || fixture->match.route != route) {
        fail_msg("%s %s: %s, route %u, wanted %u", method, path, vd_err_name(result),
                 fixture->match.route, route);
    }
}

static void assert_parameter(struct fixture *fixture, size_t index, const char *name,
                             const char *value)
{
    assert_true(index < fixture->match.parameter_count);
    const struct vd_route_parameter *parameter = &fixture->match.parameters[index];
    assert_string_equal(parameter->name, name);
    assert_int_equal(parameter->value.length, strlen(value));
    assert_memory_equal(parameter->value.bytes, value, strlen(value));
}

static void literal_paths(void **state)
{
    struct fixture *fixture = *state;
    add(fixture, "GET", "/", 1);
    add(fixture, "GET", "/users", 2);
    add(fixture, "GET", "/users/", 3);
    add(fixture, "GET", "/users/all", 4);
    add(fixture, "GET", "/a//b", 5);
    assert_route(fixture, "GET", "/", 1);
    assert_route(fixture, "GET", "/users", 2);
    assert_route(fixture, "GET", "/users/", 3);
    assert_route(fixture, "GET", "/users/all", 4);
    assert_route(fixture, "GET", "/a//b", 5);
    assert_int_equal(match(fixture, "GET", "/Users"), VD_ERR_NOT_FOUND);
    assert_int_equal(match(fixture, "GET", "/users/all/"), VD_ERR_NOT_FOUND);
    assert_int_equal(match(fixture, "GET", "//users"), VD_ERR_NOT_FOUND);
    assert_int_equal(match(fixture, "OPTIONS", "*"), VD_ERR_NOT_FOUND);
    assert_int_equal(match(fixture, "GET", ""), VD_ERR_NOT_FOUND);
}

static void parameters_take_what_is_theirs(void **state)
{
    struct fixture *fixture = *state;
    add(fixture, "GET", "/users/{id}/posts/{post_2}", 1);
    add(fixture, "GET", "/files/{name}.json", 2);
    add(fixture, "GET", "/v{major}.{minor}-{rest}x/end", 3);
    assert_route(fixture, "GET", "/users/7/posts/hello", 1);
    assert_int_equal(fixture->match.parameter_count, 2);
    assert_parameter(fixture, 0, "id", "7");
    assert_parameter(fixture, 1, "post_2", "hello");
    assert_route(fixture, "GET", "/files/a.json.json", 2);
    assert_parameter(fixture, 0, "name", "a.json");
    assert_route(fixture, "GET", "/v1.2.3-4-5x/end", 3);
    assert_parameter(fixture, 0, "major", "1");
    assert_parameter(fixture, 1, "minor", "2.3");
    assert_parameter(fixture, 2, "rest", "4-5");
    assert_int_equal(match(fixture, "GET", "/users//posts/x"), VD_ERR_NOT_FOUND);
    assert_int_equal(match(fixture, "GET", "/users/7/posts/"), VD_ERR_NOT_FOUND);
    assert_int_equal(match(fixture, "GET", "/users/a/b/posts/x"), VD_ERR_NOT_FOUND);
    assert_int_equal(match(fixture, "GET", "/files/.json"), VD_ERR_NOT_FOUND);
    assert_int_equal(match(fixture, "GET", "/files/a.jso"), VD_ERR_NOT_FOUND);
    assert_int_equal(match(fixture, "GET", "/v1.2-x/end"), VD_ERR_NOT_FOUND);
    assert_int_equal(match(fixture, "GET", "/v.2-3x/end"), VD_ERR_NOT_FOUND);
}

static void percent_encoding(void **state)
{
    struct fixture *fixture = *state;
    add(fixture, "GET", "/room/{name}", 1);
    add(fixture, "GET",
        "/\xc3\xbc"
        "ber",
        2);
    add(fixture, "GET", "/100%", 3);
    assert_route(fixture, "GET", "/room/a%2Fb%2fc", 1);
    assert_parameter(fixture, 0, "name", "a/b/c");
    assert_route(fixture, "GET", "/r%6Fom/%e2%82%AC%20%0a+", 1);
    assert_parameter(fixture, 0, "name", "\xe2\x82\xac \n+");
    assert_route(fixture, "GET", "/%C3%BCber", 2);
    assert_route(fixture, "GET", "/100%25", 3);
    static const char *const broken[] = {"/room/%",   "/room/%2",  "/room/%2/", "/room/%zz",
                                         "/room/%2z", "/room/%00", "/%%25",     "/nowhere/%g0"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        assert_int_equal(match(fixture, "GET", broken[i]), VD_ERR_MALFORMED);
    }
    /* a span ends where its length says: "%2" followed by a digit behind the end */
    assert_int_equal(vd_router_match(fixture->router, text("GET"), (struct vd_text){"/room/%2F", 8},
                                     &fixture->match),
                     VD_ERR_MALFORMED);
}

static void the_more_literal_route_wins(void **state)
{
    struct fixture *fixture = *state;
    add(fixture, "GET", "/{a}/b/d", 1);
    add(fixture, "GET", "/a/{b}/c", 2);
    add(fixture, "GET", "/users/{id}", 3);
    add(fixture, "GET", "/users/me", 4);
    add(fixture, "GET", "/x/{all}", 5);
    add(fixture, "GET", "/x/{stem}.txt", 6);
    add(fixture, "GET", "/y/{stem}.txt/{z}", 7);
    add(fixture, "GET", "/y/{all}/b", 8);
    assert_route(fixture, "GET", "/users/me", 4);
    assert_route(fixture, "GET", "/users/you", 3);
    assert_route(fixture, "GET", "/a/b/c", 2);
    assert_route(fixture, "GET", "/a/b/d", 1);     /* the literal first segment led nowhere */
    assert_route(fixture, "GET", "/x/a.txt", 5);   /* equally literal: the earlier one */
    assert_route(fixture, "GET", "/y/q.txt/b", 8); /* the second segment decides */
    assert_route(fixture, "GET", "/y/q.txt/c", 7);
}

static void methods(void **state)
{
    struct fixture *fixture = *state;
    add(fixture, "GET|POST", "/a", 1);
    add(fixture, "PUT", "/a", 2);
    add(fixture, "*", "/any", 3);
    add(fixture, "GET", "/any", 4);
    add(fixture, "GET", "/both", 5);
    add(fixture, "HEAD", "/both", 6);
    add(fixture, "GET", "/users/me", 7);
    add(fixture, "POST", "/users/{id}", 8);
    add(fixture, "PURGE", "/users/{id}", 9);
    assert_route(fixture, "GET", "/a", 1);
    assert_route(fixture, "POST", "/a", 1);
    assert_route(fixture, "PUT", "/a", 2);
    assert_route(fixture, "HEAD", "/a", 1);
    assert_route(fixture, "BREW", "/any", 3);
    assert_route(fixture, "HEAD", "/any", 3);
    assert_route(fixture, "GET", "/any", 3); /* the earlier route over the later */
    assert_route(fixture, "HEAD", "/both", 6);
    assert_route(fixture, "POST", "/users/me", 8); /* who does not take POST does not compete */
    assert_int_equal(match(fixture, "DELETE", "/a"), VD_ERR_STATE);
    assert_string_equal(fixture->match.allow, "GET, HEAD, POST, PUT");
    assert_int_equal(match(fixture, "PUT", "/users/me"), VD_ERR_STATE);
    assert_string_equal(fixture->match.allow, "GET, HEAD, POST, PURGE");
    assert_int_equal(match(fixture, "get", "/a"), VD_ERR_STATE);
    assert_int_equal(match(fixture, "*", "/a"), VD_ERR_STATE);
    assert_int_equal(match(fixture, "DELETE", "/b"), VD_ERR_NOT_FOUND);
    assert_string_equal(fixture->match.allow, "");
}

static void what_cannot_be_added(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *methods, *pattern, *word;
    } refused[] = {
        {"GET", "", "slash"},
        {"GET", "users", "slash"},
        {"GET", "/{id", "braces"},
        {"GET", "/{}", "braces"},
        {"GET", "/{1a}", "braces"},
        {"GET", "/{id:[0-9]+}", "braces"},
        {"GET", "/{a/b}", "braces"},
        {"GET", "/a}", "without {"},
        {"GET", "/{a}/{a}", "twice"},
        {"GET", "/{a}{b}", "between"},
        {"", "/", "methods"},
        {"GET|", "/", "methods"},
        {"|GET", "/", "methods"},
        {"GET||POST", "/", "methods"},
        {"get", "/", "methods"},
        {"GET POST", "/", "methods"},
        {"GET|*", "/", "methods"},
        {"GET,POST", "/", "methods"},
        {"GET", "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}/{j}/{k}/{l}/{m}/{n}/{o}/{p}/{q}", "16"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        enum vd_err result = vd_router_add(fixture->router, refused[i].methods, refused[i].pattern,
                                           1, &fixture->error);
        if (result != VD_ERR_INVALID || !strstr(fixture->error.text, refused[i].word)) {
            fail_msg("%s %s: %s", refused[i].methods, refused[i].pattern, fixture->error.text);
        }
    }
    char deep[2 * 65 + 1] = "";
    for (size_t i = 0; i < sizeof deep - 1; i++) {
        deep[i] = i % 2 ? 'a' : '/';
    }
    assert_int_equal(vd_router_add(fixture->router, "GET", deep, 1, &fixture->error),
                     VD_ERR_INVALID);
    assert_int_equal(match(fixture, "GET", deep), VD_ERR_NOT_FOUND);
    deep[128] = '\0';
    add(fixture, "GET", deep, 64);
    assert_route(fixture, "GET", deep, 64);
}

static void the_same_shape_twice(void **state)
{
    struct fixture *fixture = *state;
    const char *names[VD_ROUTE_PARAMETERS_MAX];
    add(fixture, "GET", "/u/{id}", 1);
    assert_int_equal(vd_router_add(fixture->router, "GET", "/u/{name}", 2, &fixture->error),
                     VD_ERR_EXISTS);
    assert_int_equal(vd_router_add(fixture->router, "PUT|GET", "/u/{name}", 2, &fixture->error),
                     VD_ERR_EXISTS);
    assert_int_equal(vd_router_parameter_names(fixture->router, 2, names), 0);
    add(fixture, "PUT", "/u/{name}", 2);
    add(fixture, "*", "/u/{name}", 3);
    assert_int_equal(vd_router_add(fixture->router, "*", "/u/{x}", 2, &fixture->error),
                     VD_ERR_EXISTS);
    assert_route(fixture, "GET", "/u/7", 1);
    assert_parameter(fixture, 0, "id", "7");
    assert_route(fixture, "PUT", "/u/7", 2);
    assert_parameter(fixture, 0, "name", "7");
    assert_int_equal(vd_router_parameter_names(fixture->router, 2, names), 1);
    assert_string_equal(names[0], "name");
    assert_int_equal(vd_router_parameter_names(fixture->router, 99, names), 0);
}

static void a_path_that_is_too_long(void **state)
{
    struct fixture *fixture = *state;
    add(fixture, "GET", "/{all}", 1);
    static char path[8194];
    memset(path, 'a', sizeof path - 1);
    path[0] = '/';
    assert_int_equal(match(fixture, "GET", path), VD_ERR_MALFORMED);
    path[8192] = '\0';
    assert_route(fixture, "GET", path, 1);
    assert_int_equal(fixture->match.parameters[0].value.length, 8191);
}

static void destroying_nothing(void **state)
{
    (void)state;
    vd_router_destroy(NULL);
}

/* ---- the model ------------------------------------------------------------------------------ */

#define MODEL_ROUTES 40

struct model_route {
    char pattern[64];
    const char *method;
};

/* Does the pattern match, by trying every length of every parameter? */
static bool brute_matches(const char *pattern, const char *path)
{
    if (*pattern == '\0' || *path == '\0') {
        return *pattern == *path;
    }
    if (*pattern != '{') {
        return *pattern == *path && brute_matches(pattern + 1, path + 1);
    }
    const char *behind = strchr(pattern, '}') + 1;
    for (size_t length = 1; path[length - 1] != '\0' && path[length - 1] != '/'; length++) {
        if (brute_matches(behind, path + length)) {
            return true;
        }
    }
    return false;
}

/* 'l' or 'p' for each segment: literal before parameter also in strcmp. */
static void classes_of(const char *pattern, char classes[64])
{
    size_t count = 0;
    for (const char *at = pattern; *at == '/';) {
        size_t length = strcspn(at + 1, "/");
        classes[count++] = memchr(at + 1, '{', length) ? 'p' : 'l';
        at += 1 + length;
    }
    classes[count] = '\0';
}

static int brute_find(const struct model_route *routes, size_t count, const char *method,
                      const char *path, bool *known)
{
    int best = -1;
    char best_classes[64] = "";
    *known = false;
    for (size_t i = 0; i < count; i++) {
        if (!brute_matches(routes[i].pattern, path)) {
            continue;
        }
        *known = true;
        bool takes = strcmp(routes[i].method, method) == 0 || strcmp(routes[i].method, "*") == 0;
        char classes[64];
        classes_of(routes[i].pattern, classes);
        if (takes && (best < 0 || strcmp(classes, best_classes) < 0)) {
            best = (int)i;
            memcpy(best_classes, classes, sizeof classes);
        }
    }
    return best;
}

static unsigned draw(uint64_t *random, unsigned below)
{
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(*random >> 33) % below;
}

static void draw_pattern(uint64_t *random, char pattern[64])
{
    static const char *const segments[] = {"a", "b", "", "{%c}", "a{%c}", "{%c}b", "{%c}-a-{%c}"};
    unsigned count = 1 + draw(random, 3);
    char name = 'p';
    size_t used = 0;
    for (unsigned i = 0; i < count; i++) {
        char segment[24];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(segment, sizeof segment, segments[draw(random, 7)], name, name + 1);
#pragma GCC diagnostic pop
        name = (char)(name + 2);
        used += (size_t)snprintf(pattern + used, 64 - used, "/%s", segment);
    }
}

static void draw_path(uint64_t *random, char path[64])
{
    static const char *const segments[] = {"a", "b",   "",    "ab",    "aab",
                                           "c", "x-a", "a-b", "b-a-b", "a-a-a-a-a"};
    unsigned count = 1 + draw(random, 3);
    size_t used = 0;
    for (unsigned i = 0; i < count; i++) {
        used += (size_t)snprintf(path + used, 64 - used, "/%s", segments[draw(random, 10)]);
    }
}

static void it_agrees_with_brute_force(void **state)
{
    static const char *const methods[] = {"GET", "POST", "*"};
    struct fixture *fixture = *state;
    uint64_t random = 1;
    for (int round = 0; round < 200; round++) {
        struct model_route routes[MODEL_ROUTES];
        size_t count = 0;
        vd_router_destroy(fixture->router);
        fixture->router = vd_router_create();
        for (int i = 0; i < MODEL_ROUTES; i++) {
            draw_pattern(&random, routes[count].pattern);
            routes[count].method = methods[draw(&random, 3)];
            enum vd_err result = vd_router_add(fixture->router, routes[count].method,
                                               routes[count].pattern, (uint32_t)count, NULL);
            assert_true(result == VD_OK || result == VD_ERR_EXISTS);
            count += result == VD_OK;
        }
        for (int i = 0; i < 200; i++) {
            char path[64];
            draw_path(&random, path);
            const char *method = methods[draw(&random, 2)];
            bool known;
            int best = brute_find(routes, count, method, path, &known);
            enum vd_err result = match(fixture, method, path);
            assert_int_equal(result, best >= 0 ? VD_OK : known ? VD_ERR_STATE : VD_ERR_NOT_FOUND);
            if (best >= 0) {
                assert_int_equal(fixture->match.route, best);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(literal_paths, setup, teardown),
        cmocka_unit_test_setup_teardown(parameters_take_what_is_theirs, setup, teardown),
        cmocka_unit_test_setup_teardown(percent_encoding, setup, teardown),
        cmocka_unit_test_setup_teardown(the_more_literal_route_wins, setup, teardown),
        cmocka_unit_test_setup_teardown(methods, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_added, setup, teardown),
        cmocka_unit_test_setup_teardown(the_same_shape_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(a_path_that_is_too_long, setup, teardown),
        cmocka_unit_test(destroying_nothing),
        cmocka_unit_test_setup_teardown(it_agrees_with_brute_force, setup, teardown),
    };
    return cmocka_run_group_tests_name("router", tests, NULL, NULL);
}
