/* SPDX-License-Identifier: Apache-2.0 */
/* What waits for poll() in PHP: order, bounds, and the place where something was dropped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "broker_inbox.h"

static void put(struct vd_php_inbox *inbox, int64_t subscription, const char *data, size_t length)
{
    const struct vd_message message = {.scope = "room",
                                       .scope_length = 4,
                                       .data = data,
                                       .data_length = length,
                                       .has_data = true,
                                       .origin = "node",
                                       .origin_length = 4,
                                       .sequence = 7};

    vd_php_inbox_message(inbox, subscription, &message);
}

static struct vd_php_arrival *next(struct vd_php_inbox *inbox, enum vd_php_arrival_kind kind)
{
    struct vd_php_arrival *arrival = vd_php_inbox_take(inbox);

    assert_non_null(arrival);
    assert_int_equal(arrival->kind, kind);
    return arrival;
}

static void arrivals_keep_their_order_and_their_bytes(void **state)
{
    const struct vd_php_failure failure = {.code = VD_ERR_TLS, .attempt = 3, .text = "expired"};
    const struct vd_broker_gap gap = {VD_GAP_SEQUENCE, "other", 5, 12};
    struct vd_php_inbox inbox = {0};
    struct vd_php_arrival *arrival;
    char data[] = "abc";

    (void)state;
    put(&inbox, 1, data, 3);
    memset(data, 'x', 3); /* copied */
    vd_php_inbox_gap(&inbox, &gap);
    vd_php_inbox_failure(&inbox, &failure);
    put(&inbox, 2, data, 0);
    arrival = next(&inbox, VD_ARRIVED_MESSAGE);
    assert_int_equal(arrival->subscription, 1);
    assert_memory_equal(arrival->message.data, "abc", 3);
    assert_memory_equal(arrival->message.origin, "node", 4);
    assert_null(arrival->message.event);
    assert_int_equal(arrival->message.sequence, 7);
    free(arrival);
    arrival = next(&inbox, VD_ARRIVED_GAP);
    assert_int_equal(arrival->gap.missed, 12);
    assert_memory_equal(arrival->gap.origin, "other", 5);
    free(arrival);
    arrival = next(&inbox, VD_ARRIVED_FAILURE);
    assert_string_equal(arrival->failure.text, "expired");
    free(arrival);
    arrival = next(&inbox, VD_ARRIVED_MESSAGE);
    assert_true(arrival->message.has_data && arrival->message.data_length == 0);
    free(arrival);
    assert_null(vd_php_inbox_take(&inbox));
    put(&inbox, 1, data, 3);
    vd_php_inbox_finish(&inbox);
    vd_php_inbox_finish(&inbox);
}

static void what_is_over_the_limit_is_a_gap_at_its_place(void **state)
{
    const size_t length = (size_t)1024 * 1024;
    struct vd_php_inbox inbox = {0};
    struct vd_php_arrival *arrival;
    char *data = calloc(1, length);

    (void)state;
    assert_non_null(data);
    for (int i = 0; i < 20; i++)
        put(&inbox, i, data, length);
    for (int i = 0; i < 15; i++) {
        arrival = next(&inbox, VD_ARRIVED_MESSAGE);
        assert_int_equal(arrival->subscription, i);
        free(arrival);
    }
    put(&inbox, 20, data, length); /* there is room again */
    arrival = next(&inbox, VD_ARRIVED_GAP);
    assert_int_equal(arrival->gap.reason, VD_GAP_OVERFLOW);
    assert_int_equal(arrival->gap.missed, 5);
    free(arrival);
    free(next(&inbox, VD_ARRIVED_MESSAGE));
    assert_null(vd_php_inbox_take(&inbox));

    for (int i = 0; i < 20; i++) /* nothing comes after it: the last one tells */
        put(&inbox, i, data, length);
    for (int i = 0; i < 15; i++)
        free(next(&inbox, VD_ARRIVED_MESSAGE));
    free(next(&inbox, VD_ARRIVED_GAP));
    assert_null(vd_php_inbox_take(&inbox));
    free(data);
}

static void failures_that_nobody_reads_are_bounded(void **state)
{
    struct vd_php_failure failure = {.code = VD_ERR_CONNECTION};
    struct vd_php_inbox inbox = {0};
    unsigned count = 0;

    (void)state;
    for (failure.attempt = 1; failure.attempt <= 1000; failure.attempt++)
        vd_php_inbox_failure(&inbox, &failure);
    for (struct vd_php_arrival *arrival; (arrival = vd_php_inbox_take(&inbox)); count++) {
        assert_int_equal(arrival->failure.attempt, count + 1);
        free(arrival);
    }
    assert_int_equal(count, 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrivals_keep_their_order_and_their_bytes),
        cmocka_unit_test(what_is_over_the_limit_is_a_gap_at_its_place),
        cmocka_unit_test(failures_that_nobody_reads_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
