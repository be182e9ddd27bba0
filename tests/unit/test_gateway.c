/* SPDX-License-Identifier: Apache-2.0 */
/* What the gateway makes of a worker's frames and of its death, apart from who answers a request
 * (test_dispatch.c). A real gateway; the test plays workers and clients. */
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

#include "stage.h"

static uint64_t take(struct hand *hand)
{
    char target[64];
    uint64_t id = 0;

    STAGE_UNTIL(hand_take(hand, &id, target, sizeof(target)) == HAND_TAKEN);
    return id;
}

static void a_streamed_answer_without_a_body_has_none(void **state)
{
    static const unsigned statuses[] = {204, 304};
    struct stage stage;

    (void)state;
    stage_start(&stage, (struct vd_server_config){.workers = 1});
    struct hand *hand = &stage.hands[0];

    hand_start(hand);
    for (int i = 0; i < 2; i++) {
        struct vd_frame_response head = {.status = statuses[i],
                                         .body_length = VD_BODY_LENGTH_UNKNOWN};
        char buffer[1024] = "";
        int fd = client_connect(&stage);

        client_get(fd, "/");
        uint64_t id = take(hand);
        hand_send(hand, VD_FRAME_RESPONSE_BEGIN, id, &head, sizeof(head), true);
        hand_send(hand, VD_FRAME_RESPONSE_BODY, id, "body", 4, true);
        hand_send(hand, VD_FRAME_RESPONSE_END, id, NULL, 0, true);
        hand_release(hand, &hand->requests);
        client_get(fd, "/next");
        hand_answer(hand, take(hand), 200, "next", true);
        hand_release(hand, &hand->requests);
        STAGE_UNTIL(strstr(buffer, "next") || !client_read(fd, buffer, sizeof(buffer)));
        assert_null(strstr(buffer, "Transfer-Encoding"));
        assert_memory_equal(strstr(buffer, "\r\n\r\n"), "\r\n\r\nHTTP/1.1 200 OK\r\n", 21);
        close(fd);
    }
    stage_stop(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_streamed_answer_without_a_body_has_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
