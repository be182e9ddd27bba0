/* SPDX-License-Identifier: Apache-2.0 */
/* The appender of the history is killed at random instants, 500 times; its successor recovers.
 *
 * Everything about the message at an offset follows from the offset, so that whoever survives can
 * check all of the log: every entry below `next` is whole, none that the dead appender knew to be
 * appended is missing, and no more was evicted than room was needed for. */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <viaduct/history.h>

#include "killing.h"

#define KILLS     500ul
#define LOG_BYTES VD_HISTORY_LOG_MIN_BYTES
#define ENTRIES   256u
#define DATA_MAX  2047u
#define TOO_LARGE 97u /* each message whose offset divides by it */

struct diary {
    _Atomic uint64_t appended; /* next offset, as the appender knew it */
    _Atomic uint32_t failed;
};

struct fixture {
    struct vd_history *history;
    struct diary *diary;
    uint64_t random;
    uint64_t die_in_us; /* the appender's timer */
    uint64_t inside;    /* kills between `next` and the diary's word */
};

static unsigned char byte_of(uint64_t offset, uint64_t i)
{
    return (unsigned char)((offset * 31 + i * 7) ^ (i >> 8));
}

static size_t length_of(uint64_t offset)
{
    if (offset % TOO_LARGE == 0)
        return LOG_BYTES / 4;
    return offset * 0x9e3779b97f4a7c15u >> 32 & (offset % 3 ? 63 : DATA_MAX);
}

static enum vd_err append(struct vd_history *history, uint64_t expected, uint64_t *offset)
{
    static unsigned char data[LOG_BYTES / 4]; /* of the child alone */
    char scope[32];
    struct vd_history_source source = {(uint32_t)expected, 7, expected};
    struct vd_message message = {.scope = scope,
                                 .event = "said",
                                 .event_length = 4,
                                 .data = data,
                                 .data_length = length_of(expected),
                                 .has_data = true,
                                 .sequence = expected};

    message.scope_length =
        (size_t)snprintf(scope, sizeof(scope), "room:%llu", (unsigned long long)expected);
    for (size_t i = 0; i < message.data_length; i++)
        data[i] = byte_of(expected, i);
    return vd_history_append(history, &message, source, expected, offset);
}

static void append_for_ever(void *argument)
{
    struct fixture *f = argument;

    die_in(f->die_in_us);
    if (vd_history_recover(f->history) != VD_OK)
        return;
    for (;;) {
        uint64_t expected = vd_history_next(f->history);
        uint64_t offset = 0;
        enum vd_err want = expected % TOO_LARGE ? VD_OK : VD_ERR_TOO_LARGE;

        if (append(f->history, expected, &offset) != want || offset != expected) {
            atomic_store(&f->diary->failed, 1);
            return;
        }
        atomic_store(&f->diary->appended, offset + 1);
    }
}

static void assert_entry(const struct vd_history *history, uint64_t offset)
{
    struct vd_history_entry entry;
    const unsigned char *data;
    char scope[32];

    assert_int_equal(vd_history_get(history, offset, &entry), VD_OK);
    snprintf(scope, sizeof(scope), "room:%llu", (unsigned long long)offset);
    assert_int_equal(entry.offset, offset);
    assert_int_equal(entry.time_ms, offset);
    assert_int_equal(entry.source.position, offset);
    assert_int_equal(entry.message.sequence, offset);
    assert_int_equal(entry.message.scope_length, strlen(scope));
    assert_memory_equal(entry.message.scope, scope, strlen(scope));
    assert_memory_equal(entry.message.event, "said", 4);
    assert_int_equal(entry.message.data_length, length_of(offset));
    data = entry.message.data;
    for (size_t i = 0; i < entry.message.data_length; i++) {
        if (data[i] != byte_of(offset, i))
            fail_msg("byte %zu of offset %llu is torn", i, (unsigned long long)offset);
    }
}

static void check_after_kill(struct fixture *f)
{
    const uint64_t least = LOG_BYTES / (DATA_MAX + 100) - 2; /* that many fit whatever they are */
    uint64_t appended = atomic_load(&f->diary->appended);
    uint64_t gap_end;
    uint64_t first;
    uint64_t next;

    assert_int_equal(atomic_load(&f->diary->failed), 0);
    assert_int_equal(vd_history_recover(f->history), VD_OK);
    first = vd_history_first(f->history);
    next = vd_history_next(f->history);
    assert_true(next == appended || next == appended + 1);
    f->inside += next - appended;
    gap_end = (next - 1) / TOO_LARGE * TOO_LARGE + 1; /* a message that was too large is a gap */
    assert_true(first >= gap_end);
    assert_true(first <= gap_end || next - first >= least);
    for (uint64_t offset = first; offset < next; offset++)
        assert_entry(f->history, offset);
    atomic_store(&f->diary->appended, next);
}

static void test_killed_appender(void **state)
{
    size_t bytes = vd_history_bytes(LOG_BYTES, ENTRIES);
    struct fixture f = {.random = 999};
    (void)state;

    f.history = share(bytes);
    f.diary = share(sizeof(*f.diary));
    assert_int_equal(vd_history_init(f.history, LOG_BYTES, ENTRIES, 1), VD_OK);
    atomic_store(&f.diary->appended, 1);
    for (uint32_t i = 0; i < KILLS; i++) {
        uint64_t deadline = vd_monotonic_ms() + DEADLINE_MS;
        pid_t child;

        f.die_in_us = 1 + next_random(&f.random) % 2000;
        child = start(append_for_ever, &f);
        while (!is_dead(child))
            assert_true(vd_monotonic_ms() < deadline);
        check_after_kill(&f);
    }
    print_message("%llu messages; %llu kills hit between the append and the diary\n",
                  (unsigned long long)vd_history_next(f.history) - 1, (unsigned long long)f.inside);
    assert_true(vd_history_next(f.history) > KILLS * 10);
    munmap(f.history, bytes);
    munmap(f.diary, sizeof(*f.diary));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_appender),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
