/* SPDX-License-Identifier: Apache-2.0 */
/* The interest index, the router and compression when memory runs out: each allocation fails once,
 * in turn. What failed has changed nothing, and the next try succeeds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gateway.h"
#include "gateway_interest.h"
#include "node.h" /* allocations_fail_after */
#include "worker_coding.h"
#include "worker_router.h"

#define COUNT(list) (sizeof(list) / sizeof *(list))

static const char *const patterns[] = {"room:lobby", "room:hall", "room:*", "room:*:x", "*"};

static void ignore(struct vd_follower *follower, void *context)
{
    (void)follower;
    (void)context;
}

static size_t found(struct vd_interest *interest, const char *scope)
{
    return vd_interest_match(interest, scope, strlen(scope), ignore, NULL);
}

/* How many of the first @count patterns match each scope, when all are there. */
static void check_index(struct vd_interest *interest, size_t count)
{
    static const size_t lobby[] = {0, 1, 1, 2, 2, 3};
    static const size_t rooms[] = {0, 1, 2, 3, 4, 5};
    assert_int_equal(vd_interest_pattern_count(interest), count);
    assert_int_equal(found(interest, "room:lobby"), lobby[count]);
    assert_int_equal(found(interest, "room:*"), rooms[count]);
}

static void following_without_memory(void **state)
{
    struct vd_follower followers[COUNT(patterns)] = {{0}};
    struct vd_interest_link links[COUNT(patterns)];
    (void)state;
    struct vd_interest *interest = vd_interest_create();
    assert_non_null(interest);
    for (size_t i = 0; i < COUNT(patterns); i++) {
        enum vd_err result = VD_ERR_NO_MEMORY;
        int successes = 0;
        while (result != VD_OK) {
            check_index(interest, i);
            allocations_fail_after(successes++);
            result = vd_interest_follow(interest, &links[i], &followers[i], patterns[i],
                                        strlen(patterns[i]));
            bool failed = allocations_fail_after(-1);
            assert_int_equal(result, failed ? VD_ERR_NO_MEMORY : VD_OK);
        }
        assert_true(successes > 1); /* at least the first failed */
    }
    check_index(interest, COUNT(patterns));
    for (size_t i = COUNT(patterns); i > 0; i--) {
        vd_interest_unfollow(interest, &links[i - 1]);
        check_index(interest, i - 1);
    }
    vd_interest_destroy(interest);
}

static void an_index_without_memory(void **state)
{
    struct vd_interest *interest = NULL;
    int successes = 0;
    (void)state;
    while (!interest) {
        allocations_fail_after(successes++);
        interest = vd_interest_create();
        assert_int_equal(allocations_fail_after(-1), interest == NULL);
    }
    assert_int_equal(successes, 4);
    vd_interest_destroy(interest);
}

/* A map that cannot grow is slower, not wrong. */
static void a_map_that_cannot_grow(void **state)
{
    enum { MANY = 1000 };
    static struct vd_follower followers[MANY];
    static struct vd_interest_link links[MANY];
    (void)state;
    struct vd_interest *interest = vd_interest_create();
    assert_non_null(interest);
    for (int i = 0; i < MANY; i++) {
        char scope[32];
        int length = snprintf(scope, sizeof scope, "room:%d", i);
        enum vd_err result = VD_ERR_NO_MEMORY;
        for (int successes = 1; result != VD_OK; successes++) { /* pattern, then tree, then map */
            allocations_fail_after(successes);
            result = vd_interest_follow(interest, &links[i], &followers[i], scope, (size_t)length);
            allocations_fail_after(-1);
        }
    }
    for (int i = 0; i < MANY; i++) {
        char scope[32];
        snprintf(scope, sizeof scope, "room:%d", i);
        assert_int_equal(found(interest, scope), 1);
    }
    for (int i = 0; i < MANY; i++) {
        vd_interest_unfollow(interest, &links[i]);
    }
    assert_int_equal(vd_interest_pattern_count(interest), 0);
    vd_interest_destroy(interest);
}

static void routing_without_memory(void **state)
{
    static const char *const routes[] = {"/", "/users/{id}", "/users/me", "/a/b/{c}/d"};
    static struct vd_route_match match;
    struct vd_error error;
    (void)state;
    struct vd_router *router = vd_router_create();
    assert_non_null(router);
    for (uint32_t i = 0; i < COUNT(routes); i++) {
        enum vd_err result = VD_ERR_NO_MEMORY;
        for (int successes = 0; result != VD_OK; successes++) {
            struct vd_text path = {routes[i], strlen(routes[i])};
            enum vd_err before = vd_router_match(router, (struct vd_text){"GET", 3}, path, &match);
            assert_true(before != VD_OK || match.route != i);
            allocations_fail_after(successes);
            result = vd_router_add(router, "GET", routes[i], i, &error);
            bool failed = allocations_fail_after(-1);
            assert_int_equal(result, failed ? VD_ERR_NO_MEMORY : VD_OK);
            const char *names[VD_ROUTE_PARAMETERS_MAX];
            assert_true(!failed || vd_router_parameter_names(router, i, names) == 0);
        }
    }
    assert_int_equal(vd_router_match(router, (struct vd_text){"GET", 3},
                                     (struct vd_text){"/a/b/7/d", 8}, &match),
                     VD_OK);
    assert_int_equal(match.route, 3);
    vd_router_destroy(router);
}

static void headers_without_memory(void **state)
{
    const struct vd_header headers[] = {{{"ETag", 4}, {"\"1\"", 3}}, {{"Vary", 4}, {"Cookie", 6}}};
    const struct vd_coding_decision decision = {
        .coding = VD_CODING_GZIP, .vary = true, .weak_etag = true};
    struct vd_coded_headers coded;
    bool made = false;
    int successes = 0;
    (void)state;
    while (!made) {
        allocations_fail_after(successes++);
        made = vd_coded_headers_make(&coded, headers, 2, decision);
        assert_int_equal(allocations_fail_after(-1), !made);
        assert_true(made || (!coded.items && !coded.text));
    }
    assert_int_equal(successes, 3);
    assert_int_equal(coded.count, 3);
    vd_coded_headers_finish(&coded);
}

static void coded_events_without_memory(void **state)
{
    struct gateway gateway = {0};
    struct gw_event *event = gw_event_text("data: x\n\n"), *coded = NULL;
    int successes = 0;
    (void)state;
    assert_non_null(event);
    while (!coded) {
        allocations_fail_after(successes++);
        coded = gw_event_coded(&gateway, event);
        assert_int_equal(allocations_fail_after(-1), coded == NULL);
    }
    assert_true(successes >= 3); /* zlib's own are not counted: it calls malloc from its library */
    gw_event_release(event);
    gw_event_coder_destroy(gateway.event_coder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_index_without_memory), cmocka_unit_test(following_without_memory),
        cmocka_unit_test(a_map_that_cannot_grow),  cmocka_unit_test(routing_without_memory),
        cmocka_unit_test(headers_without_memory),  cmocka_unit_test(coded_events_without_memory),
    };
    return cmocka_run_group_tests_name("server memory", tests, NULL, NULL);
}
