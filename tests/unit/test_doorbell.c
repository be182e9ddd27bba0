/* SPDX-License-Identifier: Apache-2.0 */
/* The doorbell: rings only for a sleeper, never loses a wake-up (two threads over a ring). */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <viaduct/ring.h>

#define FRAMES      20000u
#define DEADLINE_MS 60000

static bool is_readable(const struct vd_doorbell *bell, int timeout_ms)
{
    struct pollfd item = {.fd = bell->fd, .events = POLLIN};

    return poll(&item, 1, timeout_ms) == 1;
}

static void test_rings_only_a_sleeper(void **state)
{
    struct vd_doorbell bell;
    (void)state;

    assert_int_equal(vd_doorbell_init(&bell, NULL), VD_OK);
    assert_true(bell.fd > 2);
    assert_true(fcntl(bell.fd, F_GETFD) & FD_CLOEXEC);
    assert_true(fcntl(bell.fd, F_GETFL) & O_NONBLOCK);
    vd_doorbell_ring(&bell);
    assert_false(is_readable(&bell, 0));
    vd_doorbell_arm(&bell);
    assert_false(is_readable(&bell, 0));
    vd_doorbell_ring(&bell);
    vd_doorbell_ring(&bell);
    assert_true(is_readable(&bell, 0));
    vd_doorbell_disarm(&bell); /* swallows both */
    assert_false(is_readable(&bell, 0));
    vd_doorbell_disarm(&bell); /* again: does not block */
    vd_doorbell_ring(&bell);
    assert_false(is_readable(&bell, 0));
    vd_doorbell_finish(&bell);
}

static void test_force_rings_the_waking_too(void **state)
{
    struct vd_doorbell bell;
    (void)state;

    assert_int_equal(vd_doorbell_init(&bell, NULL), VD_OK);
    vd_doorbell_force(&bell);
    assert_true(is_readable(&bell, 0));
    vd_doorbell_disarm(&bell);
    assert_false(is_readable(&bell, 0));
    vd_doorbell_finish(&bell);
}

static void test_a_full_counter_does_not_block(void **state)
{
    struct vd_doorbell bell;
    const uint64_t most = UINT64_MAX - 1;
    (void)state;

    assert_int_equal(vd_doorbell_init(&bell, NULL), VD_OK);
    assert_int_equal(write(bell.fd, &most, sizeof(most)), 8);
    vd_doorbell_force(&bell);
    assert_true(is_readable(&bell, 0));
    vd_doorbell_disarm(&bell);
    assert_false(is_readable(&bell, 0));
    vd_doorbell_finish(&bell);
}

static void test_finish_takes_nothing(void **state)
{
    struct vd_doorbell zeroed = {0};
    (void)state;

    vd_doorbell_finish(NULL);
    vd_doorbell_finish(&zeroed); /* standard input stays open */
    assert_int_not_equal(fcntl(0, F_GETFD), -1);
}

/* ---- two threads: a ring with a bell at each end ------------------------------------------------
 * Small enough to be full and empty all the time; each side sleeps without a timeout of its own, so
 * that one lost wake-up is a stuck test (the deadline of poll names it). */

struct lane {
    struct vd_doorbell reader_bell;
    struct vd_doorbell writer_bell;
    struct vd_ring *ring;
    _Atomic uint64_t writer_sleeps;
    _Atomic int failed;
};

/* Payload of frame @i: its number, then as many bytes of it as its length says. */
static size_t length_of(uint64_t i)
{
    static const size_t lengths[] = {8, 16, 100, 9, 1900, 8, 500, 64};

    return lengths[i % 8];
}

static bool wait_for_room(struct lane *lane, struct vd_ring_producer *producer, size_t length)
{
    for (;;) {
        bool room;

        if (vd_ring_has_room(producer, length))
            return true;
        vd_doorbell_arm(&lane->writer_bell);
        room = vd_ring_has_room(producer, length);
        if (!room && !is_readable(&lane->writer_bell, DEADLINE_MS))
            return false;
        vd_doorbell_disarm(&lane->writer_bell);
        if (!room)
            atomic_fetch_add(&lane->writer_sleeps, 1);
    }
}

static void *write_all(void *argument)
{
    struct lane *lane = argument;
    struct vd_ring_producer producer;

    if (vd_ring_producer_init(&producer, lane->ring) != VD_OK)
        goto failed;
    for (uint64_t i = 0; i < FRAMES; i++) {
        size_t length = length_of(i);
        struct vd_frame *frame;

        if (!wait_for_room(lane, &producer, length))
            goto failed;
        frame = vd_ring_reserve(&producer, length, 7, (uint16_t)(i & 0xffff), i);
        if (!frame)
            goto failed;
        memset(frame->payload, (int)(i & 0xff), length);
        memcpy(frame->payload, &i, sizeof(i));
        vd_ring_commit(&producer);
        vd_doorbell_ring(&lane->reader_bell);
    }
    return NULL;

failed:
    atomic_store(&lane->failed, 1);
    return NULL;
}

static bool wait_for_frame(struct lane *lane, struct vd_ring_consumer *consumer,
                           const struct vd_frame **frame)
{
    for (;;) {
        enum vd_err result = vd_ring_peek(consumer, frame);

        if (result != VD_ERR_EMPTY)
            return result == VD_OK;
        vd_doorbell_arm(&lane->reader_bell);
        result = vd_ring_peek(consumer, frame);
        if (result == VD_ERR_EMPTY && !is_readable(&lane->reader_bell, DEADLINE_MS))
            return false;
        vd_doorbell_disarm(&lane->reader_bell);
    }
}

static bool frame_is_whole(const struct vd_frame *frame, uint64_t i)
{
    uint64_t number;

    if (frame->length != length_of(i) || frame->type != 7 || frame->tag != i ||
        frame->flags != (i & 0xffff) || (uintptr_t)frame->payload % 8 != 0)
        return false;
    memcpy(&number, frame->payload, sizeof(number));
    for (size_t b = sizeof(number); b < frame->length; b++) {
        if (frame->payload[b] != (i & 0xff))
            return false;
    }
    return number == i;
}

static void test_two_threads_lose_no_wakeup(void **state)
{
    struct lane lane = {0};
    struct vd_ring_consumer consumer;
    pthread_t writer;
    (void)state;

    lane.ring = aligned_alloc(64, vd_ring_bytes(4096));
    assert_int_equal(vd_ring_init(lane.ring, 4096), VD_OK);
    assert_int_equal(vd_doorbell_init(&lane.reader_bell, NULL), VD_OK);
    assert_int_equal(vd_doorbell_init(&lane.writer_bell, NULL), VD_OK);
    assert_int_equal(vd_ring_consumer_init(&consumer, lane.ring), VD_OK);
    assert_int_equal(pthread_create(&writer, NULL, write_all, &lane), 0);
    for (uint64_t i = 0; i < FRAMES; i++) {
        const struct vd_frame *frame = NULL;

        assert_true(wait_for_frame(&lane, &consumer, &frame));
        assert_true(frame_is_whole(frame, i));
        if (vd_ring_release(&consumer))
            vd_doorbell_ring(&lane.writer_bell);
    }
    pthread_join(writer, NULL);
    assert_int_equal(atomic_load(&lane.failed), 0);
    assert_true(atomic_load(&lane.writer_sleeps) > 0); /* the handshake was used */
    vd_doorbell_finish(&lane.reader_bell);
    vd_doorbell_finish(&lane.writer_bell);
    free(lane.ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rings_only_a_sleeper),
        cmocka_unit_test(test_force_rings_the_waking_too),
        cmocka_unit_test(test_a_full_counter_does_not_block),
        cmocka_unit_test(test_finish_takes_nothing),
        cmocka_unit_test(test_two_threads_lose_no_wakeup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
