/* SPDX-License-Identifier: Apache-2.0 */
/* The interest index against brute force with vd_scope_overlaps, and what its look-ups visit. */
#include "gateway_interest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <viaduct/scope.h>

#define FOLLOWERS 64
#define LINKS     200

struct follower {
    struct vd_follower follower; /* first: the index hands it back */
    unsigned found;
};

struct link {
    struct vd_interest_link link;
    struct follower *follower;
    char pattern[VD_SCOPE_MAX_BYTES + 1];
    bool linked;
};

struct fixture {
    struct vd_interest *interest;
    struct follower followers[FOLLOWERS];
    struct link links[LINKS];
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->interest = vd_interest_create();
    *state = fixture;
    return fixture->interest ? 0 : -1;
}

static void unfollow(struct fixture *fixture, size_t link)
{
    if (fixture->links[link].linked) {
        vd_interest_unfollow(fixture->interest, &fixture->links[link].link);
        fixture->links[link].linked = false;
    }
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < LINKS; i++) {
        unfollow(fixture, i);
    }
    size_t left = vd_interest_pattern_count(fixture->interest);
    vd_interest_destroy(fixture->interest);
    free(fixture);
    return left == 0 ? 0 : -1;
}

static void follow(struct fixture *fixture, size_t link, size_t follower, const char *pattern)
{
    struct link *one = &fixture->links[link];
    char *copy = strdup(pattern); /* the index keeps no pointer into it */
    assert_false(one->linked);
    one->follower = &fixture->followers[follower];
    snprintf(one->pattern, sizeof one->pattern, "%s", pattern);
    assert_int_equal(vd_interest_follow(fixture->interest, &one->link, &one->follower->follower,
                                        copy, strlen(copy)),
                     VD_OK);
    one->linked = true;
    memset(copy, '!', strlen(copy));
    free(copy);
}

static void count_found(struct vd_follower *follower, void *context)
{
    ((struct follower *)follower)->found++;
    ++*(size_t *)context;
}

/* Look up, and hold the answer to what every link says by itself. Returns the number found. */
static size_t match(struct fixture *fixture, const char *scope)
{
    bool wanted[FOLLOWERS] = {false};
    size_t called = 0;
    for (size_t i = 0; i < LINKS; i++) {
        const struct link *link = &fixture->links[i];
        if (link->linked &&
            vd_scope_overlaps(link->pattern, strlen(link->pattern), scope, strlen(scope))) {
            wanted[link->follower - fixture->followers] = true;
        }
    }
    for (size_t i = 0; i < FOLLOWERS; i++) {
        fixture->followers[i].found = 0;
    }
    size_t found = vd_interest_match(fixture->interest, scope, strlen(scope), count_found, &called);
    assert_int_equal(found, called);
    for (size_t i = 0; i < FOLLOWERS; i++) {
        if (fixture->followers[i].found != wanted[i]) {
            fail_msg("%s: follower %zu was found %u times, wanted %d", scope, i,
                     fixture->followers[i].found, wanted[i]);
        }
    }
    return found;
}

static void an_empty_index(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(match(fixture, "room:lobby"), 0);
    assert_int_equal(match(fixture, "*"), 0);
    assert_int_equal(vd_interest_pattern_count(fixture->interest), 0);
    vd_interest_destroy(NULL);
}

static void exact_and_glob(void **state)
{
    struct fixture *fixture = *state;
    follow(fixture, 0, 0, "room:lobby");
    follow(fixture, 1, 1, "room:lobby");
    follow(fixture, 2, 2, "room:*");
    follow(fixture, 3, 3, "*:lobby");
    follow(fixture, 4, 4, "*");
    follow(fixture, 5, 5, "room:l*y");
    follow(fixture, 6, 6, "room:hall");
    follow(fixture, 7, 7, "room");
    assert_int_equal(vd_interest_pattern_count(fixture->interest), 7);
    assert_int_equal(match(fixture, "room:lobby"), 6);
    assert_int_equal(match(fixture, "room:hall"), 3);
    assert_int_equal(match(fixture, "room"), 2);
    assert_int_equal(match(fixture, "global"), 1);
    assert_int_equal(match(fixture, "room:*"), 7); /* "*:lobby" may meet it */
    assert_int_equal(match(fixture, "room*"), 8);
    assert_int_equal(match(fixture, "*"), 8);
    assert_int_equal(match(fixture, "*y"), 6);
    unfollow(fixture, 0);
    assert_int_equal(match(fixture, "room:lobby"), 5);
    unfollow(fixture, 1);
    assert_int_equal(vd_interest_pattern_count(fixture->interest), 6);
    assert_int_equal(match(fixture, "room:lobby"), 4);
}

static void several_patterns_find_a_follower_once(void **state)
{
    struct fixture *fixture = *state;
    follow(fixture, 0, 0, "room:lobby");
    follow(fixture, 1, 0, "room:*");
    follow(fixture, 2, 0, "*");
    follow(fixture, 3, 0, "room:lobby");
    assert_int_equal(match(fixture, "room:lobby"), 1);
    assert_int_equal(match(fixture, "*"), 1);
    unfollow(fixture, 0);
    assert_int_equal(match(fixture, "room:lobby"), 1);
}

static void long_scopes(void **state)
{
    struct fixture *fixture = *state;
    char scope[VD_SCOPE_MAX_BYTES + 1];
    memset(scope, 'x', VD_SCOPE_MAX_BYTES);
    scope[VD_SCOPE_MAX_BYTES] = '\0';
    follow(fixture, 0, 0, scope);
    scope[VD_SCOPE_MAX_BYTES - 1] = '*';
    follow(fixture, 1, 1, scope);
    assert_int_equal(match(fixture, scope), 2);
    scope[VD_SCOPE_MAX_BYTES - 1] = 'x';
    assert_int_equal(match(fixture, scope), 2);
    scope[VD_SCOPE_MAX_BYTES - 1] = '\0';
    assert_int_equal(match(fixture, scope), 1);
}

static unsigned draw(uint64_t *random, unsigned below)
{
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(*random >> 33) % below;
}

/* Short words over few letters meet often; one in @globs letters is a glob. */
static void draw_scope(uint64_t *random, unsigned globs, char scope[16])
{
    static const char letters[] = {'a', 'b', ':', '\x7e', '\xc3'}; /* bits high and low */
    unsigned length = 1 + draw(random, 8);
    for (unsigned i = 0; i < length; i++) {
        scope[i] = letters[draw(random, 5)];
        if (globs > 0 && draw(random, globs) == 0) {
            scope[i] = '*';
        }
    }
    scope[length] = '\0';
}

static void it_agrees_with_brute_force(void **state)
{
    struct fixture *fixture = *state;
    uint64_t random = 7;
    for (int round = 0; round < 20000; round++) {
        size_t link = draw(&random, LINKS);
        char scope[16];
        if (fixture->links[link].linked) {
            unfollow(fixture, link);
        } else {
            draw_scope(&random, draw(&random, 2) ? 4 : 0, scope);
            follow(fixture, link, draw(&random, FOLLOWERS), scope);
        }
        draw_scope(&random, draw(&random, 2) ? 5 : 0, scope);
        match(fixture, scope);
    }
}

/* ---- what it costs -------------------------------------------------------------------------- */

#define MANY 100000

struct many {
    struct vd_interest *interest;
    struct follower *followers;
    struct vd_interest_link *links;
};

static int setup_many(void **state)
{
    struct many *many = calloc(1, sizeof *many);
    many->interest = vd_interest_create();
    many->followers = calloc(MANY, sizeof *many->followers);
    many->links = calloc(MANY, sizeof *many->links);
    *state = many;
    for (size_t i = 0; i < MANY; i++) {
        char scope[32];
        int length = snprintf(scope, sizeof scope, "room:%05zu", i);
        if (vd_interest_follow(many->interest, &many->links[i], &many->followers[i].follower, scope,
                               (size_t)length) != VD_OK) {
            return -1;
        }
    }
    return 0;
}

static int teardown_many(void **state)
{
    struct many *many = *state;
    for (size_t i = 0; i < MANY; i++) {
        vd_interest_unfollow(many->interest, &many->links[i]);
    }
    vd_interest_destroy(many->interest);
    free(many->followers);
    free(many->links);
    free(many);
    return 0;
}

static void assert_cost(struct many *many, const char *scope, size_t found, uint64_t visited)
{
    size_t called = 0;
    uint64_t before = vd_interest_visited_total(many->interest);
    assert_int_equal(vd_interest_match(many->interest, scope, strlen(scope), count_found, &called),
                     found);
    assert_int_equal(vd_interest_visited_total(many->interest) - before, visited);
}

static void a_lookup_visits_its_audience(void **state)
{
    struct many *many = *state;
    assert_int_equal(vd_interest_pattern_count(many->interest), MANY);
    assert_cost(many, "room:12345", 1, 1);
    assert_cost(many, "room:99999x", 0, 0);
    assert_cost(many, "global", 0, 0);
    assert_cost(many, "room:1234*", 10, 10);
    assert_cost(many, "room:12*", 1000, 1000);
    assert_cost(many, "hall:*", 0, 0);
    assert_cost(many, "room:*", MANY, MANY);
    assert_cost(many, "room:12*5", 100, 1000); /* those that share its literal prefix */
}

static void other_peoples_globs_are_not_visited(void **state)
{
    enum { GLOBS = 1000 };
    struct many *many = *state;
    struct vd_interest_link *links = calloc(GLOBS, sizeof *links);
    struct follower *follower = calloc(1, sizeof *follower);
    for (size_t i = 0; i < GLOBS; i++) {
        char pattern[32];
        int length = snprintf(pattern, sizeof pattern, "user:%03zu:*", i);
        assert_int_equal(vd_interest_follow(many->interest, &links[i], &follower->follower, pattern,
                                            (size_t)length),
                         VD_OK);
    }
    assert_cost(many, "room:12345", 1, 1);
    assert_cost(many, "user:123:mail", 1, 1);
    assert_cost(many, "user:12*", 1, 10);
    assert_cost(many, "user:123:mail:*", 1, 1);
    assert_cost(many, "room:1234*", 10, 10);
    for (size_t i = 0; i < GLOBS; i++) {
        vd_interest_unfollow(many->interest, &links[i]);
    }
    free(follower);
    free(links);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_empty_index, setup, teardown),
        cmocka_unit_test_setup_teardown(exact_and_glob, setup, teardown),
        cmocka_unit_test_setup_teardown(several_patterns_find_a_follower_once, setup, teardown),
        cmocka_unit_test_setup_teardown(long_scopes, setup, teardown),
        cmocka_unit_test_setup_teardown(it_agrees_with_brute_force, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lookup_visits_its_audience, setup_many, teardown_many),
        cmocka_unit_test_setup_teardown(other_peoples_globs_are_not_visited, setup_many,
                                        teardown_many),
    };
    return cmocka_run_group_tests_name("interest", tests, NULL, NULL);
}
