/* SPDX-License-Identifier: Apache-2.0 */
/* A ring under a killed writer and a killed reader, 1,000 times each.
 *
 * Every frame carries its number, its length follows from the number, and its bytes from both.
 * Beside the ring the victim keeps a diary in shared memory: one word before a step and one after
 * it, so that whoever survives knows within one frame how far it came. Checked after each kill:
 * nothing torn, nothing lost that was published, nothing there twice but the one frame that a
 * killed reader had acted on and not released, and that a successor gets on without help. */
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include <viaduct/ring.h>

#include "killing.h"

#define KILLS    1000u
#define CAPACITY 16384u

enum phase { PHASE_IDLE, PHASE_WRITING, PHASE_COMMITTED, PHASE_WAITING, PHASE_COUNT };

struct diary {
    _Atomic uint64_t begun; /* frames the writer was about to publish, the reader acted on */
    _Atomic uint64_t done;  /* frames it knows to be published, released */
    _Atomic uint32_t phase; /* where the kill hit: shows that the test hits everywhere */
    _Atomic uint32_t failed;
};

struct fixture {
    struct vd_ring *ring;
    struct diary *diary;
    struct vd_doorbell *reader_bell;
    struct vd_doorbell *writer_bell;
    uint64_t random;
    uint64_t die_in_us; /* the victim's timer; 0: the survivor kills it */
    uint32_t hits[PHASE_COUNT];
};

static void begin(struct fixture *f, uint64_t seed)
{
    memset(f, 0, sizeof(*f));
    f->ring = share(vd_ring_bytes(CAPACITY));
    f->diary = share(sizeof(*f->diary));
    f->reader_bell = share(sizeof(*f->reader_bell));
    f->writer_bell = share(sizeof(*f->writer_bell));
    f->random = seed;
    assert_int_equal(vd_ring_init(f->ring, CAPACITY), VD_OK);
    assert_int_equal(vd_doorbell_init(f->reader_bell, NULL), VD_OK);
    assert_int_equal(vd_doorbell_init(f->writer_bell, NULL), VD_OK);
}

static void end(struct fixture *f)
{
    vd_doorbell_finish(f->reader_bell);
    vd_doorbell_finish(f->writer_bell);
    munmap(f->ring, vd_ring_bytes(CAPACITY));
    munmap(f->diary, sizeof(*f->diary));
    munmap(f->reader_bell, sizeof(*f->reader_bell));
    munmap(f->writer_bell, sizeof(*f->writer_bell));
}

/* ---- frames ---------------------------------------------------------------------------------- */

static size_t length_of(uint64_t number)
{
    uint64_t mixed = number * 0x9e3779b97f4a7c15u;

    return mixed >> 62 ? mixed >> 32 & 0xff : mixed >> 32 & 0x1fff; /* a quarter up to 8 KiB */
}

static uint64_t clip(uint64_t length)
{
    uint64_t most = CAPACITY / 2 - sizeof(struct vd_frame);

    return length < most ? length : most;
}

static unsigned char byte_of(uint64_t number, uint64_t i)
{
    return (unsigned char)((number * 31 + i * 7) ^ (i >> 8));
}

static struct vd_frame *write_frame(struct vd_ring_producer *producer, uint64_t number)
{
    size_t length = clip(length_of(number));
    struct vd_frame *frame = vd_ring_reserve(producer, length, (uint16_t)(number % 1000 + 1),
                                             (uint16_t)(number & 0xffff), number);

    for (size_t i = 0; frame && i < length; i++)
        frame->payload[i] = byte_of(number, i);
    return frame;
}

static bool frame_is_whole(const struct vd_frame *frame)
{
    uint64_t number = frame->tag;

    if (frame->length != clip(length_of(number)) || frame->type != number % 1000 + 1 ||
        frame->flags != (number & 0xffff))
        return false;
    for (uint32_t i = 0; i < frame->length; i++) {
        if (frame->payload[i] != byte_of(number, i))
            return false;
    }
    return true;
}

/* ---- waiting as the product waits -------------------------------------------------------------
 */

static bool sleep_on(struct vd_doorbell *bell, int timeout_ms)
{
    struct pollfd item = {.fd = bell->fd, .events = POLLIN};

    return poll(&item, 1, timeout_ms) == 1;
}

static bool wait_for_room(struct fixture *f, struct vd_ring_producer *producer, uint64_t number,
                          int timeout_ms)
{
    size_t length = clip(length_of(number));

    while (!vd_ring_has_room(producer, length)) {
        bool awake = true;

        vd_doorbell_arm(f->writer_bell);
        if (!vd_ring_has_room(producer, length))
            awake = sleep_on(f->writer_bell, timeout_ms);
        vd_doorbell_disarm(f->writer_bell);
        if (!awake)
            return false;
    }
    return true;
}

static enum vd_err wait_for_frame(struct fixture *f, struct vd_ring_consumer *consumer,
                                  const struct vd_frame **frame, int timeout_ms)
{
    enum vd_err result;

    while ((result = vd_ring_peek(consumer, frame)) == VD_ERR_EMPTY) {
        bool awake = true;

        vd_doorbell_arm(f->reader_bell);
        if (vd_ring_peek(consumer, frame) == VD_ERR_EMPTY)
            awake = sleep_on(f->reader_bell, timeout_ms);
        vd_doorbell_disarm(f->reader_bell);
        if (!awake)
            return VD_ERR_TIMEOUT;
    }
    return result;
}

/* ---- the writer is the victim -----------------------------------------------------------------
 */

static void write_for_ever(void *argument)
{
    struct fixture *f = argument;
    struct vd_ring_producer producer;

    if (f->die_in_us)
        die_in(f->die_in_us);
    if (vd_ring_producer_init(&producer, f->ring) != VD_OK)
        return;
    for (uint64_t number = atomic_load(&f->diary->begun);; number++) {
        atomic_store(&f->diary->phase, PHASE_WAITING);
        wait_for_room(f, &producer, number, -1);
        atomic_store(&f->diary->phase, PHASE_WRITING);
        if (!write_frame(&producer, number))
            return; /* has_room promised it: the parent sees a child that ended by itself */
        atomic_store(&f->diary->begun, number + 1);
        vd_ring_commit(&producer);
        atomic_store(&f->diary->phase, PHASE_COMMITTED);
        atomic_store(&f->diary->done, number + 1);
        vd_doorbell_ring(f->reader_bell);
        atomic_store(&f->diary->phase, PHASE_IDLE);
    }
}

static void take_whole(struct fixture *f, struct vd_ring_consumer *consumer,
                       const struct vd_frame *frame, uint64_t *expected)
{
    assert_true(frame_is_whole(frame));
    assert_int_equal(frame->tag, *expected);
    (*expected)++;
    if (vd_ring_release(consumer))
        vd_doorbell_ring(f->writer_bell);
}

/* Kill after some frames: each successor gets on, and often dies waiting for room. */
static void read_then_kill(struct fixture *f, struct vd_ring_consumer *consumer, uint64_t *expected,
                           pid_t child)
{
    uint64_t frames = next_random(&f->random) % 40;
    const struct vd_frame *frame = NULL;

    for (uint64_t n = 0; n < frames; n++) {
        assert_int_equal(wait_for_frame(f, consumer, &frame, DEADLINE_MS), VD_OK);
        take_whole(f, consumer, frame, expected);
    }
    spin_us(next_random(&f->random) % (frames ? 50 : 1000));
    kill_and_reap(child);
}

/* Read as fast as frames come, so that the timer hits a writer at work. */
static void read_until_dead(struct fixture *f, struct vd_ring_consumer *consumer,
                            uint64_t *expected, pid_t child)
{
    const struct vd_frame *frame = NULL;

    while (!is_dead(child)) {
        enum vd_err result = wait_for_frame(f, consumer, &frame, 1);

        if (result == VD_OK) {
            take_whole(f, consumer, frame, expected);
        } else {
            assert_int_equal(result, VD_ERR_TIMEOUT);
        }
    }
}

/* What the dead writer published is all there; at most one frame more than its diary knew. */
static void drain_after_kill(struct fixture *f, struct vd_ring_consumer *consumer,
                             uint64_t *expected)
{
    const struct vd_frame *frame = NULL;
    enum vd_err result;

    while ((result = vd_ring_peek(consumer, &frame)) == VD_OK)
        take_whole(f, consumer, frame, expected);
    assert_int_equal(result, VD_ERR_EMPTY);
    assert_true(*expected >= atomic_load(&f->diary->done));
    assert_true(*expected <= atomic_load(&f->diary->begun));
    /* the successor numbers on from what was published, as a server does from its own records */
    atomic_store(&f->diary->begun, *expected);
    atomic_store(&f->diary->done, *expected);
}

static void test_killed_writer(void **state)
{
    struct fixture f;
    struct vd_ring_consumer consumer;
    uint64_t expected = 0;
    (void)state;

    begin(&f, 12345);
    assert_int_equal(vd_ring_consumer_init(&consumer, f.ring), VD_OK);
    for (uint32_t i = 0; i < KILLS; i++) {
        pid_t child;

        f.die_in_us = i % 2 ? 1 + next_random(&f.random) % 1000 : 0;
        child = start(write_for_ever, &f);
        if (f.die_in_us) {
            read_until_dead(&f, &consumer, &expected, child);
        } else {
            read_then_kill(&f, &consumer, &expected, child);
        }
        f.hits[atomic_load(&f.diary->phase)]++;
        drain_after_kill(&f, &consumer, &expected);
    }
    print_message("%llu frames; killed idle %u, writing %u, committed %u, waiting %u\n",
                  (unsigned long long)expected, f.hits[PHASE_IDLE], f.hits[PHASE_WRITING],
                  f.hits[PHASE_COMMITTED], f.hits[PHASE_WAITING]);
    assert_true(expected > KILLS);
    assert_true(f.hits[PHASE_WAITING] < KILLS); /* some hit it at work */
    end(&f);
}

/* ---- the reader is the victim -----------------------------------------------------------------
 */

/* 0: all is well; else what went wrong. */
static uint32_t check_taken(const struct fixture *f, const struct vd_frame *frame, bool is_first,
                            uint64_t acted)
{
    if (!frame_is_whole(frame))
        return 1;
    if (!is_first)
        return frame->tag == acted ? 0 : 2;
    /* the predecessor's last frame may come again, if it had not released it */
    if (frame->tag != acted && frame->tag + 1 != acted)
        return 3;
    return frame->tag >= atomic_load(&f->diary->done) ? 0 : 4;
}

static void read_for_ever(void *argument)
{
    struct fixture *f = argument;
    struct vd_ring_consumer consumer;
    uint64_t acted = atomic_load(&f->diary->begun);
    bool is_first = true;

    if (f->die_in_us)
        die_in(f->die_in_us);
    if (vd_ring_consumer_init(&consumer, f->ring) != VD_OK)
        return;
    for (;;) {
        const struct vd_frame *frame = NULL;
        uint32_t failed;

        atomic_store(&f->diary->phase, PHASE_WAITING);
        if (wait_for_frame(f, &consumer, &frame, -1) != VD_OK)
            return;
        atomic_store(&f->diary->phase, PHASE_WRITING);
        failed = check_taken(f, frame, is_first, acted);
        if (failed) {
            atomic_store(&f->diary->failed, failed);
            return;
        }
        is_first = false;
        acted = frame->tag + 1;
        atomic_store(&f->diary->begun, acted);
        if (vd_ring_release(&consumer))
            vd_doorbell_ring(f->writer_bell);
        atomic_store(&f->diary->phase, PHASE_COMMITTED);
        atomic_store(&f->diary->done, acted);
        atomic_store(&f->diary->phase, PHASE_IDLE);
    }
}

/* @timeout_ms: while the reader lives, a lost wake-up is a stuck writer; the deadline names it. */
static bool feed_one(struct fixture *f, struct vd_ring_producer *producer, uint64_t *number,
                     int timeout_ms)
{
    if (!wait_for_room(f, producer, *number, timeout_ms))
        return false;
    assert_non_null(write_frame(producer, *number));
    vd_ring_commit(producer);
    (*number)++;
    vd_doorbell_ring(f->reader_bell);
    return true;
}

static void feed_then_kill(struct fixture *f, struct vd_ring_producer *producer, uint64_t *number,
                           pid_t child)
{
    uint64_t frames = next_random(&f->random) % 40;
    uint64_t target = atomic_load(&f->diary->begun) + frames;

    while (atomic_load(&f->diary->begun) < target && atomic_load(&f->diary->failed) == 0)
        assert_true(feed_one(f, producer, number, DEADLINE_MS));
    spin_us(next_random(&f->random) % (frames ? 50 : 1000));
    kill_and_reap(child);
}

static void feed_until_dead(struct fixture *f, struct vd_ring_producer *producer, uint64_t *number,
                            pid_t child)
{
    while (!is_dead(child))
        feed_one(f, producer, number, 1);
}

static void test_killed_reader(void **state)
{
    struct fixture f;
    struct vd_ring_producer producer;
    uint64_t number = 0;
    (void)state;

    begin(&f, 54321);
    assert_int_equal(vd_ring_producer_init(&producer, f.ring), VD_OK);
    for (uint32_t i = 0; i < KILLS; i++) {
        pid_t child;

        f.die_in_us = i % 2 ? 1 + next_random(&f.random) % 1000 : 0;
        child = start(read_for_ever, &f);
        if (f.die_in_us) {
            feed_until_dead(&f, &producer, &number, child);
        } else {
            feed_then_kill(&f, &producer, &number, child);
        }
        f.hits[atomic_load(&f.diary->phase)]++;
        assert_int_equal(atomic_load(&f.diary->failed), 0);
        vd_doorbell_force(f.writer_bell); /* as whoever reaps it does */
    }
    print_message("%llu frames; killed idle %u, reading %u, released %u, waiting %u\n",
                  (unsigned long long)number, f.hits[PHASE_IDLE], f.hits[PHASE_WRITING],
                  f.hits[PHASE_COMMITTED], f.hits[PHASE_WAITING]);
    assert_true(number > KILLS);
    assert_true(f.hits[PHASE_WAITING] < KILLS);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_writer),
        cmocka_unit_test(test_killed_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
