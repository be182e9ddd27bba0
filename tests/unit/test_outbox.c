/* SPDX-License-Identifier: Apache-2.0 */
/* The outbox: limits, policies, and that whatever happens the far side sees each message that was
 * not counted as dropped, in order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "outbox.h"

static enum vd_err push(struct vd_outbox *outbox, uint32_t number, size_t length, bool down)
{
    struct vd_outbox_entry *entry = vd_outbox_entry_create(length);
    enum vd_err code;

    assert_non_null(entry);
    entry->length = length;
    entry->sequence = number + 100;
    memcpy(entry->bytes, &number, sizeof(number));
    code = vd_outbox_push(outbox, entry, down);
    if (code)
        free(entry);
    return code;
}

static uint32_t number_of(const struct vd_outbox_entry *entry)
{
    uint32_t number;

    memcpy(&number, entry->bytes, sizeof(number));
    return number;
}

static void test_the_oldest_gives_way(void **state)
{
    struct vd_outbox outbox;

    (void)state;
    vd_outbox_init(&outbox, 3, 1000, 1000, VD_OUTBOX_DROP_OLDEST, 0);
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(push(&outbox, i, 10, true), VD_OK);
    assert_int_equal(outbox.dropped, 2);
    assert_int_equal(vd_outbox_count(&outbox), 3);
    assert_int_equal(number_of(vd_outbox_next(&outbox)), 2);
    assert_int_equal(vd_outbox_sequence(&outbox), 102);
    assert_int_equal(push(&outbox, 5, 1000, true), VD_OK); /* all others for this one */
    assert_int_equal(vd_outbox_count(&outbox), 1);
    assert_int_equal(outbox.dropped, 5);
    assert_int_equal(push(&outbox, 6, 1001, true), VD_ERR_FULL); /* none for what cannot fit */
    assert_int_equal(vd_outbox_count(&outbox), 1);
    vd_outbox_finish(&outbox);
}

/* What a probe may say: nothing that waits, nothing that was not sent before it. */
static void test_how_far_it_is(void **state)
{
    struct vd_outbox outbox;
    struct vd_outbox_entry *relayed = vd_outbox_entry_create(10);

    (void)state;
    vd_outbox_init(&outbox, 3, 1000, 1000, VD_OUTBOX_DROP_OLDEST, 99);
    assert_int_equal(vd_outbox_last(&outbox, false), 99);
    assert_int_equal(vd_outbox_last(&outbox, true), 99);
    assert_non_null(relayed);
    relayed->length = 10;
    for (uint32_t i = 0; i < 4; i++) /* 100 is dropped */
        assert_int_equal(push(&outbox, i, 10, true), VD_OK);
    assert_int_equal(vd_outbox_last(&outbox, false), 99);
    assert_int_equal(vd_outbox_last(&outbox, true), 100);
    vd_outbox_sent(&outbox);
    assert_int_equal(vd_outbox_last(&outbox, false), 99);
    assert_int_equal(vd_outbox_last(&outbox, true), 101);
    assert_true(vd_outbox_confirm(&outbox));
    assert_int_equal(vd_outbox_last(&outbox, false), 101);
    vd_outbox_sent(&outbox);
    vd_outbox_sent(&outbox);
    assert_int_equal(vd_outbox_last(&outbox, true), 103);
    assert_int_equal(vd_outbox_push(&outbox, relayed, true), VD_OK); /* has no number of ours */
    assert_int_equal(vd_outbox_last(&outbox, true), 103);
    assert_int_equal(push(&outbox, 4, 10, true), VD_OK);
    assert_int_equal(vd_outbox_last(&outbox, true), 103);
    vd_outbox_take_back(&outbox);
    assert_int_equal(vd_outbox_last(&outbox, false), 101);
    assert_int_equal(vd_outbox_last(&outbox, true), 101);
    vd_outbox_finish(&outbox);
}

static void test_or_the_newest_is_refused(void **state)
{
    struct vd_outbox outbox;

    (void)state;
    vd_outbox_init(&outbox, 2, 100, 1000, VD_OUTBOX_FAIL, 0);
    assert_int_equal(push(&outbox, 0, 10, true), VD_OK);
    assert_int_equal(push(&outbox, 1, 10, true), VD_OK);
    assert_int_equal(push(&outbox, 2, 10, true), VD_ERR_FULL);
    assert_int_equal(push(&outbox, 2, 10, false), VD_OK); /* up: bytes only */
    assert_int_equal(push(&outbox, 3, 71, false), VD_ERR_FULL);
    assert_int_equal(push(&outbox, 3, 70, false), VD_OK);
    assert_int_equal(outbox.dropped, 0);
    vd_outbox_finish(&outbox);
}

/* An overflow is news once, until it was empty; what is dropped for the far side's sake is none. */
static void test_an_overflow_is_news(void **state)
{
    struct vd_outbox outbox;

    (void)state;
    vd_outbox_init(&outbox, 2, 100, 1000, VD_OUTBOX_DROP_OLDEST, 0);
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 2; i++)
            push(&outbox, i, 10, true);
        assert_false(vd_outbox_overflow_is_news(&outbox));
        push(&outbox, 2, 10, true);
        push(&outbox, 3, 10, true);
        assert_true(vd_outbox_overflow_is_news(&outbox));
        push(&outbox, 4, 101, true); /* refused */
        assert_false(vd_outbox_overflow_is_news(&outbox));
        vd_outbox_sent(&outbox);
        assert_true(vd_outbox_confirm(&outbox));
        push(&outbox, 5, 10, true);
        push(&outbox, 6, 10, true);
        assert_false(vd_outbox_overflow_is_news(&outbox)); /* it was not empty */
        while (vd_outbox_next(&outbox))
            vd_outbox_sent(&outbox);
        while (vd_outbox_confirm(&outbox))
            ;
    }
    push(&outbox, 7, 101, true);
    assert_true(vd_outbox_overflow_is_news(&outbox));
    assert_int_equal(vd_outbox_count(&outbox), 0);
    vd_outbox_finish(&outbox);
}

static void test_the_window(void **state)
{
    struct vd_outbox outbox;

    (void)state;
    vd_outbox_init(&outbox, 100, 1000, 25, VD_OUTBOX_FAIL, 0);
    for (uint32_t i = 0; i < 4; i++)
        push(&outbox, i, i == 3 ? 30 : 10, true);
    vd_outbox_sent(&outbox);
    vd_outbox_sent(&outbox);
    assert_null(vd_outbox_next(&outbox));
    assert_true(vd_outbox_confirm(&outbox));
    assert_int_equal(number_of(vd_outbox_next(&outbox)), 2);
    vd_outbox_sent(&outbox);
    assert_null(vd_outbox_next(&outbox));
    assert_true(vd_outbox_confirm(&outbox));
    assert_true(vd_outbox_confirm(&outbox));
    assert_int_equal(number_of(vd_outbox_next(&outbox)), 3); /* alone it may be larger */
    assert_false(vd_outbox_confirm(&outbox));
    vd_outbox_sent(&outbox);
    vd_outbox_take_back(&outbox);
    assert_int_equal(number_of(vd_outbox_next(&outbox)), 3);
    vd_outbox_finish(&outbox);
    assert_int_equal(vd_outbox_bytes(&outbox), 0);
}

/* A far side that gets what is sent and sometimes dies before it can confirm. */
static void one_life(uint32_t seed)
{
    uint32_t pushed = 0, expected = 0;
    struct vd_outbox outbox;
    uint64_t arrived = 0;

    vd_outbox_init(&outbox, 8, 400, 120, VD_OUTBOX_DROP_OLDEST, 0);
    for (unsigned i = 0; i < 500; i++) {
        seed = seed * 1664525u + 1013904223u;
        switch (seed >> 29) {
        case 0:
        case 1:
        case 2:
            assert_int_equal(push(&outbox, pushed++, 4 + (seed >> 8) % 60, seed & 1024), VD_OK);
            break;
        case 3:
        case 4:
            if (vd_outbox_next(&outbox)) {
                uint32_t number = number_of(vd_outbox_next(&outbox));
                if (number >= expected) { /* else it is a copy, known by its number */
                    arrived++;
                    expected = number + 1;
                }
                vd_outbox_sent(&outbox);
            }
            break;
        case 5:
        case 6:
            vd_outbox_confirm(&outbox);
            break;
        default:
            if ((seed >> 8) % 4 == 0)
                vd_outbox_take_back(&outbox);
        }
    }
    while (vd_outbox_count(&outbox)) {
        while (vd_outbox_next(&outbox)) {
            uint32_t number = number_of(vd_outbox_next(&outbox));
            arrived += number >= expected;
            expected = number >= expected ? number + 1 : expected;
            vd_outbox_sent(&outbox);
        }
        assert_true(vd_outbox_confirm(&outbox));
    }
    assert_int_equal(expected, pushed); /* the newest is never the one that is dropped */
    assert_true(arrived <= pushed && arrived + outbox.dropped >= pushed);
    assert_int_equal(vd_outbox_bytes(&outbox), 0);
    assert_null(outbox.first);
    assert_null(outbox.last);
    vd_outbox_finish(&outbox);
}

static void test_random_lives(void **state)
{
    (void)state;
    for (uint32_t life = 0; life < 2000; life++)
        one_life(life * 2654435761u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_oldest_gives_way),
        cmocka_unit_test(test_or_the_newest_is_refused),
        cmocka_unit_test(test_how_far_it_is),
        cmocka_unit_test(test_an_overflow_is_news),
        cmocka_unit_test(test_the_window),
        cmocka_unit_test(test_random_lives),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
