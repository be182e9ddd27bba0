/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a broker's link: tables of events with what each must ask for, and random events
 * against what must always hold. Time and randomness are given; nothing sleeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "link.h"

#define INTERVAL 5000

static struct vd_link the_usual(void)
{
    const struct vd_broker_options options = {
        .probe_interval_ms = INTERVAL,
        .connect_timeout_ms = 3000,
        .backoff_first_ms = 1000,
        .backoff_cap_ms = 30000,
    };
    struct vd_link link;

    vd_link_init(&link, &options);
    return link;
}

struct row {
    uint64_t now_ms;
    enum vd_link_event_type type;
    unsigned todo; /* asked for in answer */
    enum vd_link_state state;
    uint64_t probe;
    enum vd_err code;
};

static void play(struct vd_link *link, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct vd_link_event event = {.type = rows[i].type,
                                            .now_ms = rows[i].now_ms,
                                            .random = UINT32_MAX,
                                            .probe = rows[i].probe,
                                            .code = rows[i].code,
                                            .text = "it broke"};
        unsigned todo = vd_link_step(link, &event);
        if (todo != rows[i].todo || link->state != rows[i].state)
            fail_msg("row %zu: todo 0x%x, state %d", i, todo, link->state);
    }
}

#define PLAY(link, rows) play(link, rows, sizeof(rows) / sizeof((rows)[0]))
#define BROKEN           (VD_LINK_DO_DISCONNECT | VD_LINK_TELL_FAILURE)

static const struct row happy[] = {
    {100, VD_LINK_TICK, VD_LINK_DO_CONNECT, VD_LINK_CONNECTING, 0, 0},
    {101, VD_LINK_TICK, 0, VD_LINK_CONNECTING, 0, 0},
    {110, VD_LINK_CONNECTED, VD_LINK_DO_AUTHENTICATE, VD_LINK_AUTHENTICATING, 0, 0},
    {120, VD_LINK_AUTHENTICATED, VD_LINK_DO_SUBSCRIBE, VD_LINK_SUBSCRIBING, 0, 0},
    {130, VD_LINK_SUBSCRIBED, VD_LINK_DO_PROBE, VD_LINK_PROBING, 0, 0},
    {140, VD_LINK_PROBE_BACK, VD_LINK_TELL_CONNECTED, VD_LINK_UP, 1, 0},
};

static void test_up_is_subscribed_and_a_round_trip(void **state)
{
    static const struct row rows[] = {
        {5129, VD_LINK_TICK, 0, VD_LINK_UP, 0, 0},
        {5130, VD_LINK_TICK, VD_LINK_DO_PROBE, VD_LINK_UP, 0, 0},
        {5140, VD_LINK_PROBE_BACK, 0, VD_LINK_UP, 1, 0}, /* the echo of an old one */
        {10129, VD_LINK_TICK, 0, VD_LINK_UP, 0, 0},
        {10129, VD_LINK_PROBE_BACK, 0, VD_LINK_UP, 2, 0},
        {10130, VD_LINK_TICK, VD_LINK_DO_PROBE, VD_LINK_UP, 0, 0},
    };
    struct vd_link link = the_usual();

    (void)state;
    assert_int_equal(vd_link_deadline_ms(&link), 0);
    assert_int_equal(vd_link_status(&link), VD_BROKER_CONNECTING);
    PLAY(&link, happy);
    assert_int_equal(vd_link_status(&link), VD_BROKER_CONNECTED);
    assert_int_equal(vd_link_deadline_ms(&link), 5130);
    PLAY(&link, rows);
}

static void test_a_probe_that_stays_away_ends_the_link(void **state)
{
    static const struct row rows[] = {
        {5130, VD_LINK_TICK, VD_LINK_DO_PROBE, VD_LINK_UP, 0, 0},
        {10129, VD_LINK_TICK, 0, VD_LINK_UP, 0, 0},
        {10130, VD_LINK_TICK, BROKEN, VD_LINK_BACKOFF, 0, 0},
        {10131, VD_LINK_PROBE_BACK, 0, VD_LINK_BACKOFF, 2, 0},
        {10131, VD_LINK_FAILED, 0, VD_LINK_BACKOFF, 0, VD_ERR_CLOSED}, /* told already */
        {11129, VD_LINK_TICK, 0, VD_LINK_BACKOFF, 0, 0},
        {11130, VD_LINK_TICK, VD_LINK_DO_CONNECT, VD_LINK_CONNECTING, 0, 0},
        {11140, VD_LINK_CONNECTED, VD_LINK_DO_AUTHENTICATE, VD_LINK_AUTHENTICATING, 0, 0},
        {11150, VD_LINK_AUTHENTICATED, VD_LINK_DO_SUBSCRIBE, VD_LINK_SUBSCRIBING, 0, 0},
        {11160, VD_LINK_SUBSCRIBED, VD_LINK_TELL_GAP | VD_LINK_DO_PROBE, VD_LINK_PROBING, 0, 0},
        {11170, VD_LINK_PROBE_BACK, 0, VD_LINK_PROBING, 2, 0},
        {11170, VD_LINK_PROBE_BACK, VD_LINK_TELL_CONNECTED, VD_LINK_UP, 3, 0},
    };
    struct vd_link link = the_usual();

    (void)state;
    PLAY(&link, happy);
    PLAY(&link, rows);
    assert_int_equal(link.failure.code, VD_ERR_TIMEOUT);
    assert_int_equal(link.failure.attempt, 1);
    assert_int_equal(link.failure.next_delay_ms, 1000);
    assert_non_null(strstr(link.failure.text, "did not come back"));
}

/* The process was stopped: what came meanwhile may not all be read yet. Once. */
static void test_our_own_absence_is_not_the_servers(void **state)
{
    static const struct row rows[] = {
        {5130, VD_LINK_TICK, VD_LINK_DO_PROBE, VD_LINK_UP, 0, 0},
        {60000, VD_LINK_TICK, 0, VD_LINK_UP, 0, 0},
        {64999, VD_LINK_TICK, 0, VD_LINK_UP, 0, 0},
        {64999, VD_LINK_PROBE_BACK, 0, VD_LINK_UP, 2, 0},
        {65000, VD_LINK_TICK, VD_LINK_DO_PROBE, VD_LINK_UP, 0, 0},
        {80000, VD_LINK_TICK, 0, VD_LINK_UP, 0, 0},
        {85000, VD_LINK_TICK, BROKEN, VD_LINK_BACKOFF, 0, 0},
    };
    struct vd_link link = the_usual();

    (void)state;
    PLAY(&link, happy);
    PLAY(&link, rows);
    assert_int_equal(link.failure.code, VD_ERR_TIMEOUT);
}

static void test_each_failed_attempt_is_told_with_its_number(void **state)
{
    static const uint32_t delays[] = {1000, 2000, 4000, 8000, 16000, 30000, 30000};
    struct vd_link link = the_usual();
    uint64_t now_ms = 50;

    (void)state;
    for (uint32_t i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
        const struct row rows[] = {
            {now_ms, VD_LINK_TICK, VD_LINK_DO_CONNECT, VD_LINK_CONNECTING, 0, 0},
            {now_ms, VD_LINK_FAILED, BROKEN, VD_LINK_BACKOFF, 0, VD_ERR_TLS},
        };
        PLAY(&link, rows);
        assert_int_equal(link.failure.code, VD_ERR_TLS);
        assert_int_equal(link.failure.attempt, i + 1);
        assert_int_equal(link.failure.next_delay_ms, delays[i]);
        assert_string_equal(link.failure.text, "it broke");
        assert_int_equal(vd_link_status(&link), VD_BROKER_WAITING);
        now_ms = vd_link_deadline_ms(&link);
    }
}

static void test_every_stage_has_a_deadline(void **state)
{
    (void)state;
    for (size_t stage = 1; stage < sizeof(happy) / sizeof(happy[0]); stage++) {
        struct vd_link link = the_usual();
        play(&link, happy, stage);
        const struct row rows[] = {
            {vd_link_deadline_ms(&link), VD_LINK_TICK, BROKEN, VD_LINK_BACKOFF, 0, 0}};
        assert_true(vd_link_deadline_ms(&link) <= 100 + 3000 + INTERVAL);
        PLAY(&link, rows);
        assert_int_equal(link.failure.code, VD_ERR_TIMEOUT);
    }
}

static void test_late_first_connect_tells_a_gap(void **state)
{
    static const struct row rows[] = {
        {0, VD_LINK_TICK, VD_LINK_DO_CONNECT, VD_LINK_CONNECTING, 0, 0},
        {0, VD_LINK_FAILED, BROKEN, VD_LINK_BACKOFF, 0, VD_ERR_CONNECTION},
        {1000, VD_LINK_TICK, VD_LINK_DO_CONNECT, VD_LINK_CONNECTING, 0, 0},
        {1000, VD_LINK_CONNECTED, VD_LINK_DO_AUTHENTICATE, VD_LINK_AUTHENTICATING, 0, 0},
        {1000, VD_LINK_AUTHENTICATED, VD_LINK_DO_SUBSCRIBE, VD_LINK_SUBSCRIBING, 0, 0},
        {1000, VD_LINK_SUBSCRIBED, VD_LINK_TELL_GAP | VD_LINK_DO_PROBE, VD_LINK_PROBING, 0, 0},
    };
    struct vd_link link = the_usual();

    (void)state;
    PLAY(&link, rows);
}

/* A link that came up and dropped at once goes on backing off; one that stayed up begins anew. */
static void test_the_backoff_is_reset_by_staying_up(void **state)
{
    static const struct row drop[] = {
        {150, VD_LINK_FAILED, BROKEN, VD_LINK_BACKOFF, 0, VD_ERR_CLOSED},
        {1150, VD_LINK_TICK, VD_LINK_DO_CONNECT, VD_LINK_CONNECTING, 0, 0},
        {1150, VD_LINK_CONNECTED, VD_LINK_DO_AUTHENTICATE, VD_LINK_AUTHENTICATING, 0, 0},
        {1150, VD_LINK_AUTHENTICATED, VD_LINK_DO_SUBSCRIBE, VD_LINK_SUBSCRIBING, 0, 0},
        {1150, VD_LINK_SUBSCRIBED, VD_LINK_TELL_GAP | VD_LINK_DO_PROBE, VD_LINK_PROBING, 0, 0},
        {1150, VD_LINK_PROBE_BACK, VD_LINK_TELL_CONNECTED, VD_LINK_UP, 2, 0},
        {6150, VD_LINK_TICK, VD_LINK_DO_PROBE, VD_LINK_UP, 0, 0},
        {6150, VD_LINK_PROBE_BACK, 0, VD_LINK_UP, 3, 0},
    };
    static const struct row stay[] = {
        {11150, VD_LINK_TICK, VD_LINK_DO_PROBE, VD_LINK_UP, 0, 0},
        {11150, VD_LINK_PROBE_BACK, 0, VD_LINK_UP, 4, 0},
    };
    static const struct row again[] = {
        {11151, VD_LINK_FAILED, BROKEN, VD_LINK_BACKOFF, 0, VD_ERR_CLOSED},
    };
    struct vd_link link = the_usual();

    (void)state;
    PLAY(&link, happy);
    PLAY(&link, drop);
    assert_int_equal(link.backoff.attempt, 1);
    PLAY(&link, stay);
    assert_int_equal(link.backoff.attempt, 0);
    PLAY(&link, again);
    assert_int_equal(link.failure.attempt, 1);
    assert_int_equal(link.failure.next_delay_ms, 1000);
}

/* ---- whatever happens --------------------------------------------------------------------------
 */

struct witness { /* of a random life */
    bool connections;
    bool subscribed;
    bool gap_owed;
    uint64_t probe_sent, probe_seen_ms;
    uint32_t attempts_told;
};

static uint32_t draw(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void check(struct witness *seen, const struct vd_link *link,
                  const struct vd_link_event *event, unsigned todo)
{
    if (todo & VD_LINK_DO_DISCONNECT) {
        assert_true(seen->connections && (todo & VD_LINK_TELL_FAILURE));
        assert_int_equal(todo, BROKEN);
        assert_true(link->failure.attempt > 0 && link->failure.next_delay_ms <= 30000);
        *seen = (struct witness){.gap_owed = true};
    }
    if (todo & VD_LINK_DO_CONNECT) {
        assert_false(seen->connections);
        seen->connections = true;
    }
    if (todo & VD_LINK_TELL_GAP) {
        assert_true(seen->gap_owed);
        seen->gap_owed = false;
    }
    if (todo & VD_LINK_DO_PROBE) {
        assert_true(event->type == VD_LINK_SUBSCRIBED || seen->subscribed);
        seen->subscribed = true;
        seen->probe_sent = link->probe;
    }
    if (event->type == VD_LINK_PROBE_BACK && seen->probe_sent && event->probe == seen->probe_sent)
        seen->probe_seen_ms = event->now_ms;
    if (vd_link_is_up(link)) {
        assert_true(seen->subscribed && !seen->gap_owed && seen->probe_seen_ms);
        if (event->type == VD_LINK_TICK)
            assert_true(event->now_ms - seen->probe_seen_ms < 2 * INTERVAL);
    }
    assert_true(vd_link_deadline_ms(link) <= event->now_ms + 30000);
}

static void test_random_lives(void **state)
{
    uint64_t total_ups = 0;

    (void)state;
    for (uint32_t life = 1; life <= 2000; life++) {
        struct vd_link link = the_usual();
        struct witness seen = {0};
        uint32_t seed = life * 2654435761u, ups = 0;
        uint64_t now_ms = 1;

        for (unsigned i = 0; i < 200; i++) {
            struct vd_link_event event = {.type = draw(&seed) % 6, .random = seed};
            if (event.type == VD_LINK_FAILED && draw(&seed) % 4)
                event.type = VD_LINK_TICK;
            if (draw(&seed) % 2) /* most lives get somewhere */
                event.type = link.state < VD_LINK_UP ? (enum vd_link_event_type)link.state
                                                     : VD_LINK_PROBE_BACK;
            now_ms += event.type == VD_LINK_TICK ? draw(&seed) % 3000 : draw(&seed) % 50;
            if (link.state != VD_LINK_DOWN && vd_link_deadline_ms(&link) <= now_ms) {
                now_ms = vd_link_deadline_ms(&link); /* the loop is punctual */
                event.type = VD_LINK_TICK;
            }
            event.now_ms = now_ms;
            event.probe = link.probe - (draw(&seed) % 8 == 0);
            event.code = VD_ERR_CONNECTION;
            check(&seen, &link, &event, vd_link_step(&link, &event));
            ups += vd_link_is_up(&link);
            assert_true(link.state == VD_LINK_DOWN || vd_link_deadline_ms(&link) > now_ms ||
                        link.failure.next_delay_ms == 0);
        }
        total_ups += ups;
    }
    assert_true(total_ups > 10000); /* or nothing was tested */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_up_is_subscribed_and_a_round_trip),
        cmocka_unit_test(test_a_probe_that_stays_away_ends_the_link),
        cmocka_unit_test(test_our_own_absence_is_not_the_servers),
        cmocka_unit_test(test_each_failed_attempt_is_told_with_its_number),
        cmocka_unit_test(test_every_stage_has_a_deadline),
        cmocka_unit_test(test_late_first_connect_tells_a_gap),
        cmocka_unit_test(test_the_backoff_is_reset_by_staying_up),
        cmocka_unit_test(test_random_lives),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
