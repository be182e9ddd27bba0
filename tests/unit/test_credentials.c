/* SPDX-License-Identifier: Apache-2.0 */
/* What the gateway makes of a worker's answer to "what do I log in with?". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gateway.h"

struct room {
    struct vd_server_config config;
    struct gateway gateway;
};

/* A gateway without a link, and without workers that could be asked. */
static int enter(void **state)
{
    struct room *room = calloc(1, sizeof(*room));

    assert_non_null(room);
    room->gateway.config = &room->config;
    *state = room;
    return 0;
}

static int leave(void **state)
{
    struct room *room = *state;

    gw_credentials_finish(&room->gateway.credentials);
    gw_credentials_finish(&room->gateway.credentials);
    free(room);
    return 0;
}

static struct vd_frame *frame_of(uint64_t tag, const struct vd_frame_broker_credentials *head,
                                 const char *bytes, size_t length)
{
    struct vd_frame *frame = calloc(1, sizeof(*frame) + sizeof(*head) + length + 1);

    assert_non_null(frame);
    frame->type = VD_FRAME_BROKER_CREDENTIALS;
    frame->tag = tag;
    frame->length = (uint32_t)(sizeof(*head) + length);
    memcpy(frame->payload, head, sizeof(*head));
    memcpy(frame->payload + sizeof(*head), bytes, length);
    return frame;
}

static bool take(struct room *room, uint64_t tag, struct vd_frame_broker_credentials head,
                 const char *bytes, size_t length)
{
    struct vd_frame *frame = frame_of(tag, &head, bytes, length);
    bool sane = gw_credentials_answer(&room->gateway, frame);

    free(frame);
    return sane;
}

#define NONE VD_CREDENTIAL_NONE

static void an_answer_serves_one_attempt(void **state)
{
    struct room *room = *state;
    struct vd_broker_credentials got = {0};

    assert_int_equal(gw_credentials_for_attempt(&room->gateway, &got), VD_ERR_EMPTY);
    assert_int_equal(gw_credentials_for_attempt(&room->gateway, &got), VD_ERR_EMPTY);
    assert_int_equal(room->gateway.credentials.question, 1); /* asked once */
    assert_true(take(room, 1, (struct vd_frame_broker_credentials){1, {2, 6, NONE, 0, NONE}},
                     "mesecret", 8));
    assert_true(take(room, 1, (struct vd_frame_broker_credentials){1, {NONE, 5, NONE, NONE, NONE}},
                     "later", 5)); /* of another worker: the first counts */
    assert_int_equal(gw_credentials_for_attempt(&room->gateway, &got), VD_OK);
    assert_string_equal(got.username, "me");
    assert_string_equal(got.password, "secret");
    assert_null(got.token);
    assert_string_equal(got.seed_file, "");
    assert_null(got.creds_file);
    assert_int_equal(gw_credentials_for_attempt(&room->gateway, &got), VD_ERR_EMPTY);
    assert_int_equal(room->gateway.credentials.question, 2);
    assert_true(take(room, 1, (struct vd_frame_broker_credentials){1, {NONE, 3, NONE, NONE, NONE}},
                     "old", 3)); /* to a question of before */
    assert_int_equal(gw_credentials_for_attempt(&room->gateway, &got), VD_ERR_EMPTY);
    assert_true(take(
        room, 2, (struct vd_frame_broker_credentials){0, {NONE, NONE, NONE, NONE, NONE}}, "", 0));
    assert_int_equal(gw_credentials_for_attempt(&room->gateway, &got), VD_ERR_NOT_FOUND);
}

static void lengths_that_lie_are_refused(void **state)
{
    const struct vd_frame_broker_credentials lies[] = {
        {1, {1, NONE, NONE, NONE, NONE}},
        {1, {9, NONE, NONE, NONE, NONE}},
        {1, {NONE, NONE, NONE, NONE, NONE}},
        {1, {4, 5, NONE, NONE, NONE}},
        {1, {NONE - 1, 9, 1, NONE, NONE}},
        {1, {VD_CREDENTIAL_BYTES_MAX + 1, NONE, NONE, NONE, NONE}},
    };
    struct room *room = *state;
    struct vd_broker_credentials got;
    struct vd_frame *frame;

    gw_credentials_for_attempt(&room->gateway, &got);
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
        assert_false(take(room, 1, lies[i], "12345678", 8));
    frame = frame_of(1, &lies[0], "", 0);
    frame->length = sizeof(lies[0]) - 1;
    assert_false(gw_credentials_answer(&room->gateway, frame));
    free(frame);
    assert_int_equal(gw_credentials_for_attempt(&room->gateway, &got), VD_ERR_EMPTY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_answer_serves_one_attempt, enter, leave),
        cmocka_unit_test_setup_teardown(lengths_that_lie_are_refused, enter, leave),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
