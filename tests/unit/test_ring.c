/* SPDX-License-Identifier: Apache-2.0 */
/* The ring: limits, wrap, successors of dead sides, the room handshake, random operations against a
 * model, and damage of any word: VD_ERR_CORRUPT or valid frames, never a step outside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <viaduct/ring.h>

#define CAPACITY 4096ul

/* One ring with both its sides, and what random operations need. */
struct fixture {
    struct vd_ring *ring;
    struct vd_ring_producer producer;
    struct vd_ring_consumer consumer;
    uint64_t random;
};

static uint64_t next_random(struct fixture *f)
{
    f->random ^= f->random << 13; /* xorshift64, Marsaglia 2003 */
    f->random ^= f->random >> 7;
    f->random ^= f->random << 17;
    return f->random;
}

static void begin(struct fixture *f, size_t capacity, uint64_t seed)
{
    size_t bytes = vd_ring_bytes(capacity);

    f->ring = aligned_alloc(64, bytes); /* exact: ASan sees a byte too far */
    memset(f->ring, 0xa5, bytes);
    assert_int_equal(vd_ring_init(f->ring, capacity), VD_OK);
    assert_int_equal(vd_ring_producer_init(&f->producer, f->ring), VD_OK);
    assert_int_equal(vd_ring_consumer_init(&f->consumer, f->ring), VD_OK);
    f->random = seed * 0x9e3779b97f4a7c15u + 1;
}

static void end(struct fixture *f)
{
    free(f->ring);
}

static bool put(struct fixture *f, size_t length, uint64_t tag)
{
    struct vd_frame *frame = vd_ring_reserve(&f->producer, length, 1, 0, tag);

    if (!frame)
        return false;
    memset(frame->payload, (int)(tag & 0xff), length);
    vd_ring_commit(&f->producer);
    return true;
}

static void take(struct fixture *f, size_t length, uint64_t tag)
{
    const struct vd_frame *frame = NULL;

    assert_int_equal(vd_ring_peek(&f->consumer, &frame), VD_OK);
    assert_int_equal(frame->length, length);
    assert_int_equal(frame->tag, tag);
    for (size_t i = 0; i < length; i++)
        assert_int_equal(frame->payload[i], tag & 0xff);
    vd_ring_release(&f->consumer);
}

static void test_capacities(void **state)
{
    static const struct {
        size_t capacity;
        bool allowed;
    } rows[] = {
        {0, false},    {1, false},     {2048, false},     {4095, false},
        {4097, false}, {12288, false}, {SIZE_MAX, false}, {(SIZE_MAX >> 1) + 1, false},
        {4096, true},  {65536, true},
    };
    struct vd_ring *ring = aligned_alloc(64, vd_ring_bytes(65536));
    (void)state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool allowed = rows[i].allowed;

        assert_int_equal(vd_ring_bytes(rows[i].capacity) > rows[i].capacity, allowed);
        assert_int_equal(vd_ring_init(ring, rows[i].capacity), allowed ? VD_OK : VD_ERR_INVALID);
        if (allowed) {
            assert_int_equal(vd_ring_capacity_bytes(ring), rows[i].capacity);
        } else {
            assert_int_equal(vd_ring_bytes(rows[i].capacity), 0);
        }
    }
    assert_int_equal(vd_ring_init((struct vd_ring *)(void *)((char *)ring + 8), 4096),
                     VD_ERR_INVALID);
    free(ring);
}

static void test_one_frame(void **state)
{
    struct fixture f;
    struct vd_ring_consumer fork_of_it;
    struct vd_frame *frame;
    const struct vd_frame *seen = NULL;
    (void)state;

    begin(&f, CAPACITY, 1);
    assert_int_equal(vd_ring_peek(&f.consumer, &seen), VD_ERR_EMPTY);
    assert_false(vd_ring_release(&f.consumer)); /* nothing peeked */
    frame = vd_ring_reserve(&f.producer, 5, 9, 3, 77);
    assert_non_null(frame);
    assert_int_equal((uintptr_t)frame->payload % 8, 0);
    memcpy(frame->payload, "hello", 5);
    assert_int_equal(vd_ring_peek(&f.consumer, &seen), VD_ERR_EMPTY); /* not before the commit */
    vd_ring_commit(&f.producer);
    assert_int_equal(vd_ring_depth_bytes(f.ring), 24);
    assert_int_equal(vd_ring_peek(&f.consumer, &seen), VD_OK);
    assert_int_equal(vd_ring_peek(&f.consumer, &seen), VD_OK); /* the same again */
    assert_int_equal(vd_ring_position(&f.consumer), 0);
    assert_true(vd_ring_holds(&f.consumer));
    fork_of_it = f.consumer;
    assert_int_equal(seen->type, 9);
    assert_int_equal(seen->flags, 3);
    assert_int_equal(seen->tag, 77);
    assert_int_equal(seen->length, 5);
    assert_memory_equal(seen->payload, "hello", 5);
    assert_true(vd_ring_holds(&fork_of_it));
    assert_false(vd_ring_release(&f.consumer));
    assert_false(vd_ring_holds(&fork_of_it)); /* released by another process */
    assert_int_equal(vd_ring_position(&f.consumer), 24);
    assert_int_equal(vd_ring_depth_bytes(f.ring), 0);
    assert_int_equal(vd_ring_peek(&f.consumer, &seen), VD_ERR_EMPTY);
    end(&f);
}

static void test_abandon_shows_nothing(void **state)
{
    struct fixture f;
    const struct vd_frame *seen = NULL;
    (void)state;

    begin(&f, CAPACITY, 1);
    assert_non_null(vd_ring_reserve(&f.producer, 100, 1, 0, 1));
    vd_ring_abandon(&f.producer);
    assert_int_equal(vd_ring_peek(&f.consumer, &seen), VD_ERR_EMPTY);
    assert_true(put(&f, 8, 2));
    take(&f, 8, 2);
    end(&f);
}

static void test_frame_limits(void **state)
{
    static const struct {
        size_t capacity;
        size_t length;
        bool fits;
    } rows[] = {
        {4096, 0, true},
        {4096, 2032, true},
        {4096, 2033, false},
        {4096, SIZE_MAX, false},
        {4096, (size_t)UINT32_MAX + 1, false},
        {1048576, VD_RING_FRAME_MAX_BYTES, true},
        {1048576, VD_RING_FRAME_MAX_BYTES + 1, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fixture f;

        begin(&f, rows[i].capacity, 1);
        assert_int_equal(vd_ring_has_room(&f.producer, rows[i].length), rows[i].fits);
        assert_int_equal(put(&f, rows[i].length, 5), rows[i].fits);
        if (rows[i].fits)
            take(&f, rows[i].length, 5);
        end(&f);
    }
}

/* The largest frame fits into an empty ring wherever it stands: the rule that rules out a ring that
 * is stuck empty. */
static void test_largest_frame_fits_at_every_place(void **state)
{
    struct fixture f;
    (void)state;

    begin(&f, CAPACITY, 1);
    for (uint64_t step = 0; step < CAPACITY; step++) {
        assert_true(put(&f, step % 3 * 8, step));
        take(&f, step % 3 * 8, step);
        assert_true(vd_ring_has_room(&f.producer, 2032));
        assert_true(put(&f, 2032, step));
        take(&f, 2032, step);
    }
    end(&f);
}

/* A filler of the least size, 8 bytes: too short for a frame header. */
static void test_smallest_filler(void **state)
{
    struct fixture f;
    uint64_t used = 0;
    (void)state;

    begin(&f, CAPACITY, 1);
    while (used < CAPACITY - 8) {
        size_t length = CAPACITY - 8 - used == 24 ? 8 : 0;

        assert_true(put(&f, length, used));
        take(&f, length, used);
        used += 16 + length;
    }
    assert_int_equal(used, CAPACITY - 8);
    assert_true(put(&f, 3, 99));
    take(&f, 3, 99);
    assert_int_equal(vd_ring_position(&f.consumer), CAPACITY + 24);
    end(&f);
}

static void test_full_and_the_wish_for_room(void **state)
{
    struct fixture f;
    uint64_t tag = 0;
    uint64_t woken = 0;
    const struct vd_frame *frame;
    (void)state;

    begin(&f, CAPACITY, 1);
    while (put(&f, 48, tag))
        tag++;
    assert_int_equal(tag, CAPACITY / 64);
    assert_null(vd_ring_reserve(&f.producer, 0, 1, 0, 0));

    /* nobody asked: nobody is woken */
    take(&f, 48, 0);
    assert_true(put(&f, 48, tag++));

    /* 1,000 bytes need 16 small frames gone: exactly that release says so, once */
    assert_false(vd_ring_has_room(&f.producer, 1000));
    for (uint64_t i = 1; i <= 30; i++) {
        assert_int_equal(vd_ring_peek(&f.consumer, &frame), VD_OK);
        assert_int_equal(frame->tag, i);
        if (vd_ring_release(&f.consumer)) {
            assert_int_equal(woken, 0);
            woken = i;
            assert_true(vd_ring_has_room(&f.producer, 1000));
        }
    }
    assert_int_equal(woken, 16);
    assert_true(put(&f, 1000, 1));
    end(&f);
}

static void test_room_found_in_the_last_look_takes_the_wish_back(void **state)
{
    struct fixture f;
    (void)state;

    begin(&f, CAPACITY, 1);
    assert_true(put(&f, 2032, 1));
    assert_true(put(&f, 2032, 2));
    take(&f, 2032, 1);
    assert_true(vd_ring_has_room(&f.producer, 2032)); /* the cached tail was old */
    take(&f, 2032, 2);
    end(&f);
}

static void test_successor_of_the_producer(void **state)
{
    struct fixture f;
    const struct vd_frame *seen = NULL;
    struct vd_frame *frame;
    (void)state;

    begin(&f, CAPACITY, 1);
    assert_true(put(&f, 40, 1));
    frame = vd_ring_reserve(&f.producer, 2000, 1, 0, 2); /* half written, then killed */
    memset(frame->payload, 0xee, 1000);
    memset(&f.producer, 0xff, sizeof(f.producer));
    assert_int_equal(vd_ring_producer_init(&f.producer, f.ring), VD_OK);
    assert_true(put(&f, 16, 3));
    take(&f, 40, 1);
    take(&f, 16, 3);
    assert_int_equal(vd_ring_peek(&f.consumer, &seen), VD_ERR_EMPTY);
    end(&f);
}

static void expect_tag(struct vd_ring_consumer *consumer, uint64_t tag)
{
    const struct vd_frame *frame;

    assert_int_equal(vd_ring_peek(consumer, &frame), VD_OK);
    assert_int_equal(frame->tag, tag);
}

static void test_what_is_kept_is_there_for_a_successor(void **state)
{
    struct vd_ring_consumer successor;
    const struct vd_frame *frame;
    struct fixture f;

    (void)state;
    begin(&f, CAPACITY, 1);
    for (unsigned round = 0; round < 100; round++) { /* over the end of the ring as well */
        for (uint64_t tag = 1; tag <= 3; tag++)
            assert_true(put(&f, 1000, tag));
        expect_tag(&f.consumer, 1);
        assert_true(vd_ring_kept_bytes(&f.consumer) >= 1000);
        vd_ring_keep(&f.consumer);
        vd_ring_keep(&f.consumer); /* there is no peeked frame any more */
        expect_tag(&f.consumer, 2);
        vd_ring_keep(&f.consumer);
        assert_true(vd_ring_kept_bytes(&f.consumer) >= 2000);
        assert_true(vd_ring_has_more(&f.consumer));
        assert_int_equal(vd_ring_consumer_init(&successor, f.ring), VD_OK);
        for (uint64_t tag = 1; tag <= 3; tag++) {
            expect_tag(&successor, tag);
            vd_ring_keep(&successor);
        }
        assert_false(vd_ring_has_more(&successor));
        assert_int_equal(vd_ring_peek(&successor, &frame), VD_ERR_EMPTY);
        assert_false(put(&f, 2000, 4)); /* no room yet */
        assert_false(vd_ring_has_room(&f.producer, 2000));
        expect_tag(&f.consumer, 3);
        assert_true(vd_ring_release(&f.consumer)); /* all three: the producer is to be woken */
        assert_int_equal(vd_ring_kept_bytes(&f.consumer), 0);
        assert_int_equal(vd_ring_depth_bytes(f.ring), 0);
    }
    end(&f);
}

static void test_successor_of_the_consumer(void **state)
{
    struct fixture f;
    const struct vd_frame *seen = NULL;
    uint64_t position;
    (void)state;

    begin(&f, CAPACITY, 1);
    for (uint64_t i = 0; i < 3; i++)
        assert_true(put(&f, 40, i));
    take(&f, 40, 0);
    assert_int_equal(vd_ring_peek(&f.consumer, &seen), VD_OK);
    position = vd_ring_position(&f.consumer); /* peeked, not released, then killed */
    memset(&f.consumer, 0xff, sizeof(f.consumer));
    assert_int_equal(vd_ring_consumer_init(&f.consumer, f.ring), VD_OK);
    assert_int_equal(vd_ring_peek(&f.consumer, &seen), VD_OK);
    assert_int_equal(vd_ring_position(&f.consumer), position);
    take(&f, 40, 1);
    take(&f, 40, 2);
    end(&f);
}

/* ---- random operations against a queue of (length, tag) ---------------------------------------
 */

struct model {
    struct {
        size_t length;
        uint64_t tag;
    } frames[CAPACITY / 16];
    size_t first;
    size_t count;
    uint64_t next_tag;
};

static void model_put(struct fixture *f, struct model *m)
{
    static const size_t most[] = {16, 200, 2032};
    size_t length = next_random(f) % (most[next_random(f) % 3] + 1);
    size_t slot = (m->first + m->count) % (CAPACITY / 16);
    bool room = vd_ring_has_room(&f->producer, length);

    assert_int_equal(put(f, length, m->next_tag), room);
    if (!room) {
        assert_int_not_equal(m->count, 0); /* an empty ring takes every frame */
        return;
    }
    m->frames[slot].length = length;
    m->frames[slot].tag = m->next_tag++;
    m->count++;
}

static void model_take(struct fixture *f, struct model *m)
{
    const struct vd_frame *frame;

    if (m->count == 0) {
        assert_int_equal(vd_ring_peek(&f->consumer, &frame), VD_ERR_EMPTY);
        return;
    }
    take(f, m->frames[m->first].length, m->frames[m->first].tag);
    m->first = (m->first + 1) % (CAPACITY / 16);
    m->count--;
}

static void model_step(struct fixture *f, struct model *m)
{
    const struct vd_frame *frame;

    switch (next_random(f) % 16) {
    case 0:
        if (vd_ring_reserve(&f->producer, next_random(f) % 500, 2, 0, 0))
            vd_ring_abandon(&f->producer);
        break;
    case 1: /* killed with a reservation, half of it written */
        if (vd_ring_reserve(&f->producer, 300, 2, 0, 0))
            assert_int_equal(vd_ring_producer_init(&f->producer, f->ring), VD_OK);
        break;
    case 2: /* killed with a frame in hand */
        vd_ring_peek(&f->consumer, &frame);
        assert_int_equal(vd_ring_consumer_init(&f->consumer, f->ring), VD_OK);
        break;
    case 3:
    case 4:
    case 5:
    case 6:
    case 7:
    case 8:
        model_take(f, m);
        break;
    default:
        model_put(f, m);
    }
}

static void test_model(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct fixture f;
        struct model m = {0};

        begin(&f, CAPACITY, seed);
        for (int i = 0; i < 5000; i++)
            model_step(&f, &m);
        while (m.count)
            model_take(&f, &m);
        assert_int_equal(vd_ring_depth_bytes(f.ring), 0);
        end(&f);
    }
}

/* ---- damage ------------------------------------------------------------------------------------
 * Whatever a word says, both sides stay inside the ring and end. */

static void read_all(struct fixture *f)
{
    const struct vd_frame *frame;
    const unsigned char *start = (const unsigned char *)f->ring;
    const unsigned char *stop = start + vd_ring_bytes(CAPACITY);
    unsigned sum = 0;

    for (int i = 0; i < 2000 && vd_ring_peek(&f->consumer, &frame) == VD_OK; i++) {
        assert_true((const unsigned char *)frame >= start);
        assert_true(frame->payload + frame->length <= stop);
        for (uint32_t b = 0; b < frame->length; b++)
            sum += frame->payload[b];
        vd_ring_release(&f->consumer);
    }
    (void)sum;
}

static void use_damaged(struct fixture *f)
{
    for (uint64_t i = 0; i < 20; i++) {
        size_t length = next_random(f) % 600;

        vd_ring_has_room(&f->producer, length);
        put(f, length, i);
    }
    read_all(f);
    vd_ring_depth_bytes(f->ring);
    if (vd_ring_consumer_init(&f->consumer, f->ring) == VD_OK)
        read_all(f);
    if (vd_ring_producer_init(&f->producer, f->ring) == VD_OK)
        put(f, 100, 1);
}

/* Values that find edges sooner than chance does. */
static uint64_t rubbish(struct fixture *f)
{
    switch (next_random(f) % 6) {
    case 0:
        return next_random(f);
    case 1:
        return next_random(f) % (2u * CAPACITY);
    case 2:
        return UINT64_MAX - next_random(f) % 64;
    case 3:
        return next_random(f) % 64 * 8;
    case 4:
        return (next_random(f) % 64 * 8) << 32;
    default:
        return (uint64_t)1 << next_random(f) % 64;
    }
}

static void test_damaged_words(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4000; seed++) {
        struct fixture f;
        size_t words = vd_ring_bytes(CAPACITY) / 8;
        uint64_t value;
        size_t where;

        begin(&f, CAPACITY, seed);
        for (uint64_t i = 0; i < 60; i++) {
            put(&f, next_random(&f) % 300, i);
            if (next_random(&f) % 2)
                read_all(&f);
        }
        for (uint64_t i = next_random(&f) % 4; i < 4; i++) { /* half of the hits in the header */
            where = next_random(&f) % 2 ? next_random(&f) % 32 : next_random(&f) % words;
            value = rubbish(&f);
            memcpy((unsigned char *)f.ring + where * 8, &value, sizeof(value));
        }
        use_damaged(&f);
        end(&f);
    }
}

/* The damage that a table can name must be named by the reader, too. */
static void test_damage_is_reported(void **state)
{
    static const struct {
        const char *what;
        size_t offset; /* into the memory; the layout is drawn in ring.h */
        uint64_t value;
        bool init_sees_it;
    } rows[] = {
        {"magic", 0, 1, true},
        {"capacity doubled", 8, 2 * CAPACITY, true},
        {"capacity zero", 8, 0, true},
        {"head far ahead", 64, 48 + CAPACITY + 8, true},
        {"head not a multiple of 8", 64, 49, true},
        {"head behind tail", 64, (uint64_t)-8, true},
        {"length over what is published", 256, (uint64_t)1 << 32 | 25, false},
        {"length over the limit", 256, (uint64_t)1 << 32 | 0xffffffff, false},
        {"filler where none can be", 256, 16, false},
        {"filler to the end, nothing behind it", 256, CAPACITY - 8, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fixture f;
        struct vd_ring_producer producer;
        const struct vd_frame *frame;
        enum vd_err made;

        begin(&f, CAPACITY, 1);
        assert_true(put(&f, 24, 1)); /* 40 bytes */
        memcpy((unsigned char *)f.ring + rows[i].offset, &rows[i].value, 8);
        made = vd_ring_consumer_init(&f.consumer, f.ring);
        if ((made == VD_ERR_CORRUPT) != rows[i].init_sees_it)
            fail_msg("%s: init says %s", rows[i].what, vd_err_name(made));
        if (made == VD_OK) {
            assert_int_equal(vd_ring_peek(&f.consumer, &frame), VD_ERR_CORRUPT);
        } else {
            assert_int_equal(vd_ring_producer_init(&producer, f.ring), VD_ERR_CORRUPT);
        }
        end(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_capacities),
        cmocka_unit_test(test_one_frame),
        cmocka_unit_test(test_abandon_shows_nothing),
        cmocka_unit_test(test_frame_limits),
        cmocka_unit_test(test_largest_frame_fits_at_every_place),
        cmocka_unit_test(test_smallest_filler),
        cmocka_unit_test(test_full_and_the_wish_for_room),
        cmocka_unit_test(test_room_found_in_the_last_look_takes_the_wish_back),
        cmocka_unit_test(test_successor_of_the_producer),
        cmocka_unit_test(test_successor_of_the_consumer),
        cmocka_unit_test(test_what_is_kept_is_there_for_a_successor),
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_damaged_words),
        cmocka_unit_test(test_damage_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
