/* SPDX-License-Identifier: Apache-2.0 */
/* The history: what is appended is what is kept, eviction by entries and by bytes, messages that
 * are too large, recovery after a writer's death at each store, and after damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <viaduct/history.h>

#define LOG_BYTES VD_HISTORY_LOG_MIN_BYTES
#define ENTRIES   64ul
#define EPOCH     0x1122334455667788u

/* The layout drawn in history.c, for the tests that damage it. */
#define FIRST_WORD 64u
#define NEXT_WORD  72u
#define SLOTS      128u
#define SLOT_BYTES 72u

struct fixture {
    struct vd_history *history;
    size_t bytes;
    uint64_t random;
};

static void begin(struct fixture *f, size_t log_bytes, size_t entries, uint64_t seed)
{
    f->bytes = vd_history_bytes(log_bytes, entries);
    f->history = aligned_alloc(64, (f->bytes + 63) / 64 * 64);
    f->random = seed * 0x9e3779b97f4a7c15u + 1;
    memset(f->history, 0xa5, f->bytes);
    assert_int_equal(vd_history_init(f->history, log_bytes, entries, EPOCH), VD_OK);
}

static void end(struct fixture *f)
{
    free(f->history);
}

static uint64_t next_random(struct fixture *f)
{
    f->random ^= f->random << 13; /* xorshift64, Marsaglia 2003 */
    f->random ^= f->random >> 7;
    f->random ^= f->random << 17;
    return f->random;
}

static void write_word(struct fixture *f, size_t where, uint64_t value)
{
    memcpy((unsigned char *)f->history + where, &value, sizeof(value));
}

/* Message @n: everything about it follows from its number and data length. */
static char scratch[LOG_BYTES];

static struct vd_message message_of(uint64_t n, size_t data_length, char *scope, size_t room)
{
    struct vd_message message = {.scope = scope, .sequence = n};

    message.scope_length = (size_t)snprintf(scope, room, "room:%llu", (unsigned long long)n);
    memset(scratch, (int)(n & 0x7f), data_length);
    message.data = scratch;
    message.data_length = data_length;
    message.has_data = n % 5 != 0;
    message.event = n % 3 ? "said" : NULL;
    message.event_length = n % 3 ? 4 : 0;
    message.origin = n % 4 ? "0123456789abcdef" : NULL;
    message.origin_length = n % 4 ? 16 : 0;
    return message;
}

static enum vd_err append(struct fixture *f, uint64_t n, size_t data_length, uint64_t *offset)
{
    char scope[32];
    struct vd_message message = message_of(n, data_length, scope, sizeof(scope));
    struct vd_history_source source = {(uint32_t)n, (uint32_t)n + 1, n + 2};

    return vd_history_append(f->history, &message, source, n * 10, offset);
}

static void assert_entry(struct fixture *f, uint64_t offset, uint64_t n, size_t data_length)
{
    char scope[32];
    struct vd_message want = message_of(n, data_length, scope, sizeof(scope));
    struct vd_history_entry entry;

    assert_int_equal(vd_history_get(f->history, offset, &entry), VD_OK);
    assert_int_equal(entry.offset, offset);
    assert_int_equal(entry.time_ms, n * 10);
    assert_int_equal(entry.source.source, (uint32_t)n);
    assert_int_equal(entry.source.generation, (uint32_t)n + 1);
    assert_int_equal(entry.source.position, n + 2);
    assert_int_equal(entry.message.sequence, n);
    assert_int_equal(entry.message.has_data, want.has_data);
    assert_int_equal(entry.message.scope_length, want.scope_length);
    assert_memory_equal(entry.message.scope, want.scope, want.scope_length);
    assert_int_equal(entry.message.event != NULL, want.event != NULL);
    assert_int_equal(entry.message.event_length, want.event_length);
    if (want.event)
        assert_memory_equal(entry.message.event, want.event, want.event_length);
    assert_int_equal(entry.message.origin != NULL, want.origin != NULL);
    if (want.origin)
        assert_memory_equal(entry.message.origin, want.origin, want.origin_length);
    assert_int_equal(entry.message.data_length, want.has_data ? data_length : 0);
    if (want.has_data)
        assert_memory_equal(entry.message.data, want.data, data_length);
}

static void test_sizes(void **state)
{
    static const struct {
        size_t log_bytes;
        size_t entries;
        uint64_t epoch;
        bool allowed;
    } rows[] = {
        {65536, 1, 1, true},   {65536, 1024, 1, true},      {1 << 20, 64, 1, true},
        {32768, 64, 1, false}, {65537, 64, 1, false},       {65536, 0, 1, false},
        {65536, 63, 1, false}, {65536, SIZE_MAX, 1, false}, {SIZE_MAX / 2 + 1, 64, 1, false},
        {65536, 64, 0, false},
    };
    struct vd_history *history = aligned_alloc(64, 2 << 20);
    (void)state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t bytes = vd_history_bytes(rows[i].log_bytes, rows[i].entries);

        if (rows[i].allowed) {
            assert_true(bytes > rows[i].log_bytes && bytes <= 2 << 20);
        } else if (rows[i].epoch) {
            assert_int_equal(bytes, 0);
        }
        assert_int_equal(
            vd_history_init(history, rows[i].log_bytes, rows[i].entries, rows[i].epoch),
            rows[i].allowed ? VD_OK : VD_ERR_INVALID);
    }
    free(history);
}

static void test_new_history_is_empty(void **state)
{
    struct fixture f;
    struct vd_history_entry entry;
    (void)state;

    begin(&f, LOG_BYTES, ENTRIES, 1);
    assert_int_equal(vd_history_epoch(f.history), EPOCH);
    assert_int_equal(vd_history_first(f.history), 1);
    assert_int_equal(vd_history_next(f.history), 1);
    assert_int_equal(vd_history_get(f.history, 0, &entry), VD_ERR_NOT_FOUND);
    assert_int_equal(vd_history_get(f.history, 1, &entry), VD_ERR_NOT_FOUND);
    assert_int_equal(vd_history_get(f.history, UINT64_MAX, &entry), VD_ERR_NOT_FOUND);
    assert_int_equal(vd_history_recover(f.history), VD_OK);
    end(&f);
}

static void test_entries_evict_entries(void **state)
{
    struct fixture f;
    uint64_t offset = 0;
    struct vd_history_entry entry;
    (void)state;

    begin(&f, LOG_BYTES, ENTRIES, 1);
    for (uint64_t n = 1; n <= 3 * ENTRIES; n++) {
        assert_int_equal(append(&f, n, 10, &offset), VD_OK);
        assert_int_equal(offset, n);
        assert_int_equal(vd_history_next(f.history), n + 1);
        assert_int_equal(vd_history_first(f.history), n > ENTRIES ? n - ENTRIES + 1 : 1);
    }
    for (uint64_t n = 2 * ENTRIES + 1; n <= 3 * ENTRIES; n++)
        assert_entry(&f, n, n, 10);
    assert_int_equal(vd_history_get(f.history, 2 * ENTRIES, &entry), VD_ERR_NOT_FOUND);
    end(&f);
}

static void test_bytes_evict_entries(void **state)
{
    struct fixture f;
    uint64_t offset;
    (void)state;

    begin(&f, LOG_BYTES, 1024, 1);
    for (uint64_t n = 1; n <= 500; n++) {
        uint64_t kept;

        assert_int_equal(append(&f, n * 5 + 1, 1000, &offset), VD_OK);
        kept = vd_history_next(f.history) - vd_history_first(f.history);
        if (n > 100) /* each takes 1,040 bytes at most; a little is lost at the wrap */
            assert_true(kept >= LOG_BYTES / 1040 - 1 && kept <= LOG_BYTES / 1000);
        for (uint64_t o = vd_history_first(f.history); o <= n; o++)
            assert_entry(&f, o, o * 5 + 1, 1000);
    }
    end(&f);
}

static void test_too_large_is_a_gap(void **state)
{
    struct fixture f;
    uint64_t offset = 0;
    struct vd_history_entry entry;
    (void)state;

    begin(&f, LOG_BYTES, ENTRIES, 1);
    assert_int_equal(append(&f, 1, 100, &offset), VD_OK);
    assert_int_equal(append(&f, 2, LOG_BYTES / 4, &offset), VD_ERR_TOO_LARGE);
    assert_int_equal(offset, 2);
    assert_int_equal(vd_history_first(f.history), 3);
    assert_int_equal(vd_history_next(f.history), 3);
    assert_int_equal(vd_history_get(f.history, 1, &entry), VD_ERR_NOT_FOUND);
    assert_int_equal(vd_history_get(f.history, 2, &entry), VD_ERR_NOT_FOUND);
    assert_int_equal(append(&f, 3, LOG_BYTES / 4 - 100, &offset),
                     VD_OK); /* the largest but a bit */
    assert_int_equal(offset, 3);
    assert_entry(&f, 3, 3, LOG_BYTES / 4 - 100);
    assert_int_equal(vd_history_recover(f.history), VD_OK);
    assert_entry(&f, 3, 3, LOG_BYTES / 4 - 100);
    end(&f);
}

static void test_lengths_that_overflow_are_too_large(void **state)
{
    struct fixture f;
    uint64_t offset;
    struct vd_history_source source = {0};
    struct vd_message message = {.scope = "a",
                                 .scope_length = 1,
                                 .event = "b",
                                 .event_length = SIZE_MAX,
                                 .data = "c",
                                 .data_length = 2,
                                 .has_data = true};
    (void)state;

    begin(&f, LOG_BYTES, ENTRIES, 1);
    assert_int_equal(vd_history_append(f.history, &message, source, 1, &offset), VD_ERR_TOO_LARGE);
    end(&f);
}

/* ---- random operations against a table of what was appended -----------------------------------
 */

#define MODEL_STEPS 3000

struct model {
    struct {
        bool kept;
        size_t length;
    } sent[MODEL_STEPS + 1];
    uint64_t next;
};

static void model_check(struct fixture *f, const struct model *m)
{
    uint64_t first = vd_history_first(f->history);

    assert_int_equal(vd_history_next(f->history), m->next);
    for (uint64_t o = first; o < m->next; o++) {
        assert_true(m->sent[o].kept);
        assert_entry(f, o, o, m->sent[o].length);
    }
}

static void model_run(uint64_t seed, size_t entries)
{
    static const size_t most[] = {50, 2000, LOG_BYTES / 4 - 60, LOG_BYTES / 4 + 60};
    struct fixture f;
    struct model *m = calloc(1, sizeof(*m));
    uint64_t offset = 0;
    uint64_t first = 1;

    begin(&f, LOG_BYTES, entries, seed);
    for (m->next = 1; m->next <= MODEL_STEPS;) {
        size_t length = next_random(&f) % most[next_random(&f) % 20 ? next_random(&f) % 2 : 3];
        enum vd_err result = append(&f, m->next, length, &offset);

        assert_int_equal(offset, m->next);
        m->sent[m->next].kept = result == VD_OK;
        m->sent[m->next++].length = length;
        assert_true(result == VD_OK || result == VD_ERR_TOO_LARGE);
        assert_true(vd_history_first(f.history) >= first);
        first = vd_history_first(f.history);
        if (result == VD_OK) {
            assert_true(first < m->next);
        } else {
            assert_int_equal(first, m->next);
        }
        if (next_random(&f) % 8 == 0) {
            assert_int_equal(vd_history_recover(f.history), VD_OK);
            assert_int_equal(vd_history_first(f.history), first); /* a sound log loses nothing */
        }
        if (next_random(&f) % 16 == 0)
            model_check(&f, m);
    }
    model_check(&f, m);
    end(&f);
    free(m);
}

static void test_model(void **state)
{
    static const size_t entries[] = {1, 2, 16, 1024};
    (void)state;

    for (uint64_t seed = 1; seed <= 8; seed++)
        model_run(seed, entries[seed % 4]);
}

/* ---- recovery ---------------------------------------------------------------------------------
 */

/* Killed right before `next` is stored: bytes and slot are there, the entry is not. */
static void test_unpublished_entry_is_not_there(void **state)
{
    struct fixture f;
    uint64_t offset;
    struct vd_history_entry entry;
    (void)state;

    begin(&f, LOG_BYTES, ENTRIES, 1);
    for (uint64_t n = 1; n <= 200; n++) {
        assert_int_equal(append(&f, n, n % 7 * 100, &offset), VD_OK);
        write_word(&f, NEXT_WORD, n); /* as if the store had not happened */
        assert_int_equal(vd_history_recover(f.history), VD_OK);
        assert_int_equal(vd_history_get(f.history, n, &entry), VD_ERR_NOT_FOUND);
        for (uint64_t o = vd_history_first(f.history); o < n; o++)
            assert_entry(&f, o, o, o % 7 * 100);
        assert_int_equal(append(&f, n, n % 7 * 100, &offset), VD_OK);
        assert_int_equal(offset, n);
    }
    end(&f);
}

/* Killed while a message that is too large used up its offset: after `next`, before `first`. */
static void test_half_done_tombstone(void **state)
{
    struct fixture f;
    uint64_t offset;
    (void)state;

    begin(&f, LOG_BYTES, ENTRIES, 1);
    for (uint64_t n = 1; n <= 5; n++)
        assert_int_equal(append(&f, n, 10, &offset), VD_OK);
    assert_int_equal(append(&f, 6, LOG_BYTES, &offset), VD_ERR_TOO_LARGE);
    write_word(&f, FIRST_WORD, 1);
    assert_int_equal(vd_history_recover(f.history), VD_OK);
    assert_int_equal(vd_history_first(f.history), 7);
    assert_int_equal(vd_history_next(f.history), 7);
    assert_int_equal(append(&f, 7, 10, &offset), VD_OK);
    assert_entry(&f, 7, 7, 10);
    end(&f);
}

static void test_damaged_entry_cuts_what_is_older(void **state)
{
    struct fixture f;
    uint64_t offset;
    (void)state;

    for (uint64_t bad = 1; bad <= 20; bad++) {
        begin(&f, LOG_BYTES, ENTRIES, 1);
        for (uint64_t n = 1; n <= 20; n++)
            assert_int_equal(append(&f, n, 10, &offset), VD_OK);
        write_word(&f, SLOTS + bad % ENTRIES * SLOT_BYTES + 8, 12345); /* position */
        if (bad == 20) { /* the newest: nothing can be saved */
            assert_int_equal(vd_history_recover(f.history), VD_ERR_CORRUPT);
        } else {
            assert_int_equal(vd_history_recover(f.history), VD_OK);
            assert_int_equal(vd_history_first(f.history), bad + 1);
            for (uint64_t o = bad + 1; o <= 20; o++)
                assert_entry(&f, o, o, 10);
            assert_int_equal(append(&f, 21, 10, &offset), VD_OK);
            assert_int_equal(offset, 21);
        }
        end(&f);
    }
}

static void test_damaged_header_is_corrupt(void **state)
{
    static const struct {
        size_t where;
        uint64_t value;
    } rows[] = {
        {0, 0},
        {8, 2 * LOG_BYTES},
        {8, 0},
        {16, 2 * ENTRIES},
        {24, 1},
        {32, 0},
        {FIRST_WORD, 0},
        {FIRST_WORD, 99},
        {NEXT_WORD, 0},
        {NEXT_WORD, UINT64_MAX},
        {NEXT_WORD, ENTRIES + 2},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fixture f;
        struct vd_history_entry entry;
        uint64_t offset;

        begin(&f, LOG_BYTES, ENTRIES, 1);
        assert_int_equal(append(&f, 1, 10, &offset), VD_OK);
        write_word(&f, rows[i].where, rows[i].value);
        assert_int_equal(vd_history_recover(f.history), VD_ERR_CORRUPT);
        assert_int_equal(vd_history_get(f.history, 1, &entry), VD_ERR_CORRUPT);
        assert_int_equal(append(&f, 2, 10, &offset), VD_ERR_CORRUPT);
        assert_int_equal(vd_history_init(f.history, LOG_BYTES, ENTRIES, EPOCH + 1), VD_OK);
        assert_int_equal(append(&f, 2, 10, &offset), VD_OK);
        end(&f);
    }
}

static void touch_all(struct fixture *f)
{
    const unsigned char *start = (const unsigned char *)f->history;
    struct vd_history_entry entry;
    unsigned sum = 0;

    for (uint64_t o = vd_history_first(f->history); o < vd_history_next(f->history); o++) {
        const unsigned char *bytes;

        assert_int_equal(vd_history_get(f->history, o, &entry), VD_OK);
        bytes = (const unsigned char *)entry.message.scope;
        assert_true(bytes >= start && bytes + entry.message.scope_length <= start + f->bytes);
        bytes = entry.message.data;
        for (size_t i = 0; bytes && i < entry.message.data_length; i++)
            sum += bytes[i];
    }
    (void)sum;
}

/* Any words set to rubbish: recover says corrupt, or what is left can be read and appended to. */
static void test_random_damage(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 2000; seed++) {
        struct fixture f;
        uint64_t offset;
        uint64_t count;

        begin(&f, LOG_BYTES, ENTRIES, seed);
        count = next_random(&f) % 100;
        for (uint64_t n = 1; n <= count; n++)
            append(&f, n, next_random(&f) % 3000, &offset);
        for (uint64_t hits = next_random(&f) % 4; hits < 4; hits++) {
            size_t words = next_random(&f) % 3 ? (SLOTS + ENTRIES * SLOT_BYTES) / 8 : SLOTS / 8;
            uint64_t value = next_random(&f) >> next_random(&f) % 64;

            write_word(&f, next_random(&f) % words * 8, value);
        }
        if (seed % 2) { /* used before anyone recovers: refuses or works, no step outside */
            struct vd_history_entry entry;

            append(&f, 1, 100, &offset);
            for (uint64_t o = 0; o < 110; o++)
                vd_history_get(f.history, o, &entry);
        }
        if (vd_history_recover(f.history) == VD_OK) {
            touch_all(&f);
            for (uint64_t n = 1; n <= 200; n++)
                assert_int_equal(append(&f, n, next_random(&f) % 3000, &offset), VD_OK);
            touch_all(&f);
        }
        end(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_new_history_is_empty),
        cmocka_unit_test(test_entries_evict_entries),
        cmocka_unit_test(test_bytes_evict_entries),
        cmocka_unit_test(test_too_large_is_a_gap),
        cmocka_unit_test(test_lengths_that_overflow_are_too_large),
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_unpublished_entry_is_not_there),
        cmocka_unit_test(test_half_done_tombstone),
        cmocka_unit_test(test_damaged_entry_cuts_what_is_older),
        cmocka_unit_test(test_damaged_header_is_corrupt),
        cmocka_unit_test(test_random_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
