/* SPDX-License-Identifier: Apache-2.0 */
/* Who answers a request: offered, taken, taken back, lost with its worker. A real gateway; the test
 * plays workers and clients and so stops at moments at which a real worker never does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <viaduct/clock.h>

#include "../support/tries.h"
#include "stage.h"

static unsigned wait_answer(int fd, char *body, size_t room)
{
    char buffer[4096] = "";
    unsigned status = 0;
    bool open = true;

    STAGE_UNTIL((status = client_answer(buffer, body, room)) != 0 || !open ||
                !(open = client_read(fd, buffer, sizeof(buffer))));
    return status ? status : client_answer(buffer, body, room);
}

static void expect_answer(int fd, unsigned status, const char *words)
{
    char body[256] = "";

    assert_int_equal(wait_answer(fd, body, sizeof(body)), status);
    assert_non_null(strstr(body, words));
}

static uint64_t take(struct hand *hand, const char *target)
{
    enum hand_found found;
    char got[64];
    uint64_t id = 0;

    for (;;) {
        STAGE_UNTIL((found = hand_take(hand, &id, got, sizeof(got))) != HAND_NOTHING);
        if (found == HAND_TAKEN)
            break;
        hand_release(hand, &hand->requests);
    }
    assert_string_equal(got, target);
    return id;
}

static size_t offered_bytes(const struct hand *hand)
{
    return vd_ring_depth_bytes(hand->stage->node.requests[hand->index]);
}

static void what_was_offered_and_not_taken_runs_elsewhere(void **state)
{
    struct stage stage;

    (void)state;
    stage_start(&stage, (struct vd_server_config){.workers = 2});
    hand_start(&stage.hands[0]);
    int first = client_connect(&stage), second = client_connect(&stage);

    client_get(first, "/1");
    uint64_t id = take(&stage.hands[0], "/1");
    client_get(second, "/2"); /* behind it */
    hand_start(&stage.hands[1]);
    uint64_t other = take(&stage.hands[1], "/2");
    assert_true(hand_answer(&stage.hands[1], other, 200, "two", true));
    expect_answer(second, 200, "two");
    assert_true(hand_answer(&stage.hands[0], id, 200, "one", true));
    expect_answer(first, 200, "one");
    close(first);
    close(second);
    stage_stop(&stage);
}

/* It handles a message or a timer, or is stopped: it has nothing in flight and so looks idle. */
static bool a_worker_that_takes_nothing_holds_up_nobody_in_time(void)
{
    struct stage stage;
    unsigned late = 0;
    int fd[6];

    stage_start(&stage, (struct vd_server_config){.workers = 2});
    hand_start(&stage.hands[0]);
    hand_start(&stage.hands[1]);
    struct hand *elsewhere = &stage.hands[0], *other = &stage.hands[1];
    fd[0] = client_connect(&stage);
    client_get(fd[0], "/0");
    STAGE_UNTIL(offered_bytes(elsewhere) > 0 || offered_bytes(other) > 0);
    if (offered_bytes(other) > 0) {
        elsewhere = &stage.hands[1];
        other = &stage.hands[0];
    }
    for (int i = 0; i < 6; i++) {
        char target[8];

        snprintf(target, sizeof(target), "/%d", i);
        if (i > 0) {
            fd[i] = client_connect(&stage);
            client_get(fd[i], target);
        }
        uint64_t began_ms = vd_monotonic_ms(), id = take(other, target);
        late += vd_monotonic_ms() - began_ms >= 500;
        hand_answer(other, id, 200, target, true);
        hand_release(other, &other->requests);
        expect_answer(fd[i], 200, target);
    }
    /* Back again it skips what was taken from it and has its share. */
    uint64_t id;
    char target[16];
    while (hand_take(elsewhere, &id, target, sizeof(target)) == HAND_NOT_MINE)
        hand_release(elsewhere, &elsewhere->requests);
    client_get(fd[0], "/a");
    client_get(fd[1], "/b");
    STAGE_UNTIL(offered_bytes(elsewhere) > 0);
    for (int i = 0; i < 6; i++)
        close(fd[i]);
    stage_stop(&stage);
    return late == 0;
}

static void a_worker_that_takes_nothing_holds_up_nobody(void **state)
{
    (void)state;
    in_few_tries(a_worker_that_takes_nothing_holds_up_nobody_in_time);
}

static void a_dead_workers_requests_are_told_apart(void **state)
{
    struct stage stage;
    int fd[3];

    (void)state;
    stage_start(&stage, (struct vd_server_config){.workers = 2});
    struct hand *dying = &stage.hands[0], *other = &stage.hands[1];

    hand_start(dying);
    for (int i = 0; i < 3; i++) {
        char target[8];

        snprintf(target, sizeof(target), "/%d", i);
        fd[i] = client_connect(&stage);
        client_get(fd[i], target);
        if (i == 0)
            STAGE_UNTIL(offered_bytes(dying) > 0);
    }
    uint64_t answered = take(dying, "/0");
    assert_true(hand_answer(dying, answered, 200, "in time", false)); /* dies before it rings */
    hand_release(dying, &dying->requests);
    take(dying, "/1");
    hand_die(dying, VD_DEATH_CRASH);
    STAGE_UNTIL(hand_is_buried(dying));
    hand_start(other);
    uint64_t moved = take(other, "/2");
    hand_answer(other, moved, 200, "elsewhere", true);
    expect_answer(fd[0], 200, "in time");
    expect_answer(fd[1], 502, "died");
    expect_answer(fd[2], 200, "elsewhere");
    for (int i = 0; i < 3; i++)
        close(fd[i]);
    stage_stop(&stage);
}

/* ---- at random ---------------------------------------------------------------------------------
 */

#define REQUESTS 6000
#define CLIENTS  24
#define WORKERS  4
#define EPOCHS   16
#define OFFERS   65536

struct player {
    struct hand *hand;
    bool alive, holds;
    unsigned number; /* of the request taken and not answered; 0: none */
    uint64_t id;
    uint64_t until_us; /* works until then */
};

struct client {
    int fd;
    unsigned number; /* of the request that waits; 0: none */
    char buffer[1024];
};

struct torture {
    struct stage stage;
    struct player players[WORKERS];
    struct client clients[CLIENTS];
    unsigned next, answered, lost, given_up, deaths, gateways;
    unsigned char offered[EPOCHS][OFFERS]; /* by id: each offer has a name of its own */
    unsigned char taken[REQUESTS + 1], died[REQUESTS + 1], cut[REQUESTS + 1];
    uint64_t random;
};

static unsigned pick(struct torture *t, unsigned below)
{
    t->random ^= t->random << 13;
    t->random ^= t->random >> 7;
    t->random ^= t->random << 17;
    return (unsigned)(t->random >> 20) % below;
}

static void player_dies(struct torture *t, struct player *player)
{
    if (player->number)
        t->died[player->number] = 1;
    player->number = 0;
    player->alive = player->holds = false;
    t->deaths++;
    if (pick(t, 3) == 0) /* it had retired: takes no new ones */
        atomic_store(&player->hand->slot->state, VD_SLOT_RETIRING);
    hand_die(player->hand, VD_DEATH_CRASH);
}

static void player_takes(struct torture *t, struct player *player)
{
    char target[64];
    enum hand_found found = hand_take(player->hand, &player->id, target, sizeof(target));

    if (found == HAND_NOTHING)
        return;
    /* A frame that was taken back and the one that is offered in its place must not be mistaken for
     * each other: a worker that takes the older one would read on in the wrong place. */
    uint64_t offer = player->id & (((uint64_t)1 << VD_REQUEST_EPOCH_SHIFT) - 1);
    assert_true(offer < OFFERS);
    assert_int_equal(t->offered[player->id >> VD_REQUEST_EPOCH_SHIFT][offer], 0);
    t->offered[player->id >> VD_REQUEST_EPOCH_SHIFT][offer] = 1;
    if (found == HAND_NOT_MINE) {
        hand_release(player->hand, &player->hand->requests);
        return;
    }
    player->holds = true;
    player->number = (unsigned)strtoul(target + 1, NULL, 10);
    assert_in_range(player->number, 1, REQUESTS);
    assert_int_equal(t->taken[player->number]++, 0); /* by one worker, once */
    player->until_us = vd_monotonic_us() + (pick(t, 10) == 0 ? pick(t, 12000) : pick(t, 60));
}

static void player_answers(struct torture *t, struct player *player)
{
    char body[16];

    snprintf(body, sizeof(body), "%u", player->number);
    if (!hand_answer(player->hand, player->id, 200, body, pick(t, 50) != 0)) {
        return;
    }
    player->number = 0;
    if (pick(t, 400) == 0)
        player_dies(t, player); /* answered, its frame not released */
}

static void player_step(struct torture *t, struct player *player)
{
    if (!player->alive) {
        if (player->hand->generation && !hand_is_buried(player->hand))
            return;
        hand_start(player->hand);
        player->alive = true;
    } else if (pick(t, 1500) == 0) {
        player_dies(t, player);
    } else if (player->number) {
        if (vd_monotonic_us() >= player->until_us)
            player_answers(t, player);
    } else if (player->holds) {
        player->holds = false;
        hand_release(player->hand, &player->hand->requests);
    } else if (pick(t, 3) != 0) {
        player_takes(t, player);
    }
}

static void client_asks(struct torture *t, struct client *client)
{
    char target[16];

    if (t->next > REQUESTS)
        return;
    if (client->fd < 0)
        client->fd = client_connect(&t->stage);
    client->number = t->next++;
    snprintf(target, sizeof(target), "/%u", client->number);
    client_get(client->fd, target);
}

static void client_leaves(struct client *client)
{
    close(client->fd);
    client->fd = -1;
    client->number = 0;
    client->buffer[0] = '\0';
}

static void client_step(struct torture *t, struct client *client)
{
    char body[256], expected[16];
    unsigned status;

    if (!client->number) {
        client_asks(t, client);
        return;
    }
    if (pick(t, 3000) == 0) {
        t->given_up++;
        client_leaves(client);
        return;
    }
    if (!client_read(client->fd, client->buffer, sizeof(client->buffer))) {
        assert_true(t->cut[client->number]); /* only a dead gateway cuts anyone */
        t->lost++;
        client_leaves(client);
        return;
    }
    status = client_answer(client->buffer, body, sizeof(body));
    if (status == 0)
        return;
    assert_string_equal(client->buffer, ""); /* one answer, not two */
    if (status == 200) {
        snprintf(expected, sizeof(expected), "%u", client->number);
        assert_string_equal(body, expected);
        assert_false(t->died[client->number]);
        t->answered++;
    } else {
        assert_int_equal(status, 502);
        assert_true(t->died[client->number]);
        t->lost++;
    }
    if (t->cut[client->number])
        client_leaves(client); /* the dead gateway's last word to it */
    client->number = 0;
}

/* The workers of a dead gateway announce themselves to the next one; what they hold goes on. */
static void gateway_dies(struct torture *t)
{
    stage_gateway_kill(&t->stage);
    t->gateways++;
    for (unsigned i = 0; i < CLIENTS; i++) {
        if (t->clients[i].number) {
            t->cut[t->clients[i].number] = 1;
        } else if (t->clients[i].fd >= 0) {
            client_leaves(&t->clients[i]);
        }
    }
    stage_gateway_start(&t->stage);
    for (unsigned i = 0; i < WORKERS; i++) {
        if (t->players[i].alive)
            hand_ready(t->players[i].hand);
    }
}

static bool all_done(const struct torture *t)
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        if (t->clients[i].number)
            return false;
    }
    return t->next > REQUESTS;
}

static void torture(uint64_t seed, unsigned gateway_deaths)
{
    struct torture *t = calloc(1, sizeof(*t));
    uint64_t give_up_ms = vd_monotonic_ms() + 2 * STAGE_WAIT_MS;

    t->random = seed;
    t->next = 1;
    stage_start(&t->stage, (struct vd_server_config){.workers = WORKERS});
    for (unsigned i = 0; i < WORKERS; i++)
        t->players[i].hand = &t->stage.hands[i];
    for (unsigned i = 0; i < CLIENTS; i++)
        t->clients[i].fd = -1;
    while (!all_done(t)) {
        assert_true(vd_monotonic_ms() < give_up_ms);
        for (unsigned i = 0; i < WORKERS; i++)
            player_step(t, &t->players[i]);
        for (unsigned i = 0; i < CLIENTS / 4; i++)
            client_step(t, &t->clients[pick(t, CLIENTS)]);
        if (t->gateways < gateway_deaths && t->next > REQUESTS * (t->gateways + 1) / 10)
            gateway_dies(t);
        if (pick(t, 16) == 0)
            usleep(pick(t, 100)); /* so that the gateway gets on in between, on one core too */
    }
    print_message("seed %llu: %u answered, %u lost, %u gave up, %u deaths of workers, %u of the "
                  "gateway\n",
                  (unsigned long long)seed, t->answered, t->lost, t->given_up, t->deaths,
                  t->gateways);
    assert_int_equal(t->answered + t->lost + t->given_up, REQUESTS);
    assert_true(t->answered > REQUESTS / 2 && t->deaths > 10);
    for (unsigned i = 0; i < CLIENTS; i++) {
        if (t->clients[i].fd >= 0)
            close(t->clients[i].fd);
    }
    stage_stop(&t->stage);
    free(t);
}

static void every_request_is_answered_exactly_once(void **state)
{
    (void)state;
    torture(20260731, 0);
    torture(vd_monotonic_us() | 1, 0);
}

static void no_request_runs_twice_when_the_gateway_dies(void **state)
{
    (void)state;
    torture(vd_monotonic_us() | 1, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_offered_and_not_taken_runs_elsewhere),
        cmocka_unit_test(a_worker_that_takes_nothing_holds_up_nobody),
        cmocka_unit_test(a_dead_workers_requests_are_told_apart),
        cmocka_unit_test(every_request_is_answered_exactly_once),
        cmocka_unit_test(no_request_runs_twice_when_the_gateway_dies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
