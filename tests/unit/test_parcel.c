/* SPDX-License-Identifier: Apache-2.0 */
/* Flat messages (whole, sliced, damaged) and the mailbox that bounds them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mailbox.h"

static const struct vd_message sample = {
    .scope = "room:lobby",
    .scope_length = 10,
    .event = "say",
    .event_length = 3,
    .data = "a\0b",
    .data_length = 3,
    .has_data = true,
    .origin = "0123456789abcdef",
    .origin_length = 16,
    .sequence = 0x1122334455667788,
};

static void check_same(const struct vd_message *a, const struct vd_message *b)
{
    assert_int_equal(a->scope_length, b->scope_length);
    assert_memory_equal(a->scope, b->scope, b->scope_length);
    assert_int_equal(a->event_length, b->event_length);
    if (b->event)
        assert_memory_equal(a->event, b->event, b->event_length);
    assert_int_equal(a->origin_length, b->origin_length);
    if (b->origin)
        assert_memory_equal(a->origin, b->origin, b->origin_length);
    assert_int_equal(a->has_data, b->has_data);
    assert_int_equal(a->data_length, b->data_length);
    if (b->data_length)
        assert_memory_equal(a->data, b->data, b->data_length);
    assert_int_equal(a->sequence, b->sequence);
}

static void test_slices_make_the_whole(void **state)
{
    size_t length = vd_flat_bytes(&sample);
    struct vd_parcel *whole = vd_parcel_of(&sample);
    struct vd_parcel *pieces = vd_parcel_create(length);
    struct vd_message back;

    (void)state;
    assert_non_null(whole);
    assert_non_null(pieces);
    assert_int_equal(whole->length, length);
    for (size_t cut = 1; cut <= length; cut++) {
        memset(pieces->flat, 0xee, length);
        for (size_t at = 0; at < length; at += cut)
            vd_flat_slice(&sample, at, length - at < cut ? length - at : cut, pieces->flat + at);
        assert_memory_equal(pieces->flat, whole->flat, length);
    }
    assert_int_equal(vd_flat_read(whole->flat, length, &back), VD_OK);
    check_same(&back, &sample);
    vd_parcel_release(pieces);
    vd_parcel_release(whole);
    vd_parcel_release(NULL);
}

static void test_empty_data_is_not_an_invalidation(void **state)
{
    struct vd_message message = {.scope = "x", .scope_length = 1, .has_data = true};
    struct vd_parcel *parcel = vd_parcel_of(&message);
    struct vd_message back;

    (void)state;
    assert_int_equal(vd_flat_read(parcel->flat, parcel->length, &back), VD_OK);
    check_same(&back, &message);
    assert_null(back.event);
    assert_null(back.origin);
    vd_parcel_release(parcel);
    message.has_data = false;
    parcel = vd_parcel_of(&message);
    assert_int_equal(vd_flat_read(parcel->flat, parcel->length, &back), VD_OK);
    assert_false(back.has_data);
    vd_parcel_release(parcel);
}

/* Whatever byte is changed: a message within its bytes, or MALFORMED. */
static void test_damage_is_contained(void **state)
{
    size_t length = vd_flat_bytes(&sample);
    struct vd_message back;

    (void)state;
    for (size_t cut = 0; cut < length; cut++) {
        unsigned char *shorter = malloc(cut + 1); /* exact: a sanitizer sees a byte too many */
        assert_non_null(shorter);
        vd_flat_slice(&sample, 0, cut, shorter);
        assert_int_equal(vd_flat_read(shorter, cut, &back), VD_ERR_MALFORMED);
        free(shorter);
    }
    for (size_t at = 0; at < sizeof(struct vd_flat_message); at++) {
        for (unsigned value = 0; value < 256; value++) {
            struct vd_parcel *parcel = vd_parcel_of(&sample);
            assert_non_null(parcel);
            parcel->flat[at] = (unsigned char)value;
            if (vd_flat_read(parcel->flat, length, &back) == VD_OK)
                assert_int_equal(vd_flat_bytes(&back), length);
            vd_parcel_release(parcel);
        }
    }
}

static struct vd_parcel *parcel_of_bytes(size_t length)
{
    struct vd_parcel *parcel = vd_parcel_create(length);

    assert_non_null(parcel);
    memset(parcel->flat, (int)length, length);
    return parcel;
}

static void test_mailbox_keeps_order_and_place_of_the_loss(void **state)
{
    struct vd_mailbox_entry entry;
    struct vd_mailbox mailbox;
    size_t accepted = 0;

    (void)state;
    vd_mailbox_init(&mailbox, 10000);
    for (size_t i = 1; i <= 200; i++) {
        struct vd_parcel *parcel = parcel_of_bytes(i);
        accepted += vd_mailbox_push(&mailbox, parcel);
        vd_parcel_release(parcel);
    }
    assert_true(accepted > 10 && accepted < 200);
    assert_true(mailbox.bytes <= 10000);
    for (size_t i = 1; i <= accepted; i++) {
        assert_int_equal(vd_mailbox_peek(&mailbox)->parcel->length, i);
        assert_true(vd_mailbox_pop(&mailbox, &entry));
        assert_int_equal(entry.missed, 0);
        vd_parcel_release(entry.parcel);
        if (i == 50) { /* room again: the loss stands before the next */
            struct vd_parcel *parcel = parcel_of_bytes(7);
            assert_true(vd_mailbox_push(&mailbox, parcel));
            vd_parcel_release(parcel);
        }
    }
    assert_true(vd_mailbox_pop(&mailbox, &entry));
    assert_int_equal(entry.missed, 200 - accepted);
    assert_int_equal(entry.parcel->length, 7);
    vd_parcel_release(entry.parcel);
    assert_null(vd_mailbox_peek(&mailbox));
    assert_false(vd_mailbox_pop(&mailbox, &entry));
    assert_int_equal(entry.missed, 0);
    assert_int_equal(mailbox.bytes, 0);
    vd_mailbox_finish(&mailbox);
}

static void test_mailbox_takes_one_of_any_size(void **state)
{
    struct vd_parcel *large = parcel_of_bytes(5000);
    struct vd_mailbox_entry entry;
    struct vd_mailbox mailbox;

    (void)state;
    vd_mailbox_init(&mailbox, 100);
    assert_true(vd_mailbox_push(&mailbox, large));
    assert_false(vd_mailbox_push(&mailbox, large));
    assert_true(vd_mailbox_pop(&mailbox, &entry));
    vd_parcel_release(entry.parcel);
    assert_false(vd_mailbox_pop(&mailbox, &entry)); /* what was missed at the end is told too */
    assert_int_equal(entry.missed, 1);
    assert_true(vd_mailbox_push(&mailbox, large));
    vd_mailbox_finish(&mailbox); /* its share goes as well */
    vd_parcel_release(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slices_make_the_whole),
        cmocka_unit_test(test_empty_data_is_not_an_invalidation),
        cmocka_unit_test(test_damage_is_contained),
        cmocka_unit_test(test_mailbox_keeps_order_and_place_of_the_loss),
        cmocka_unit_test(test_mailbox_takes_one_of_any_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
