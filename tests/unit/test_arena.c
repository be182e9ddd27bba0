/* SPDX-License-Identifier: Apache-2.0 */
/* The arena: directory, limits, one address across fork and attach, refusal of what is no arena. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <viaduct/arena.h>

#define MIB ((size_t)1024 * 1024)

static struct vd_arena *make(size_t bytes)
{
    struct vd_error error = {0};
    struct vd_arena *arena;

    if (vd_arena_create(bytes, &arena, &error) != VD_OK)
        fail_msg("%s", error.text);
    return arena;
}

static void test_create_limits(void **state)
{
    static const struct {
        size_t bytes;
        enum vd_err result;
    } rows[] = {
        {0, VD_ERR_INVALID},
        {VD_ARENA_HEADER_BYTES, VD_ERR_INVALID},
        {VD_ARENA_HEADER_BYTES + 1, VD_OK},
        {MIB, VD_OK},
        {(size_t)4096 * MIB, VD_OK}, /* costs nothing until touched */
        {SIZE_MAX, VD_ERR_INVALID},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct vd_error error = {0};
        struct vd_arena *arena = NULL;

        assert_int_equal(vd_arena_create(rows[i].bytes, &arena, &error), rows[i].result);
        if (rows[i].result != VD_OK) {
            assert_null(arena);
            assert_string_not_equal(error.text, "");
            continue;
        }
        assert_true(vd_arena_capacity_bytes(arena) >= rows[i].bytes);
        assert_int_equal(vd_arena_capacity_bytes(arena) % (size_t)sysconf(_SC_PAGESIZE), 0);
        vd_arena_destroy(arena);
    }
    vd_arena_destroy(NULL);
}

static void test_regions_are_named_zeroed_aligned(void **state)
{
    struct vd_arena *arena = make(MIB);
    size_t bytes = 0;
    unsigned char *previous = NULL;
    (void)state;

    assert_null(vd_arena_find(arena, "a", NULL));
    for (size_t alignment = 1; alignment <= 4096; alignment *= 2) {
        char name[VD_ARENA_NAME_MAX + 1];
        unsigned char *region;

        snprintf(name, sizeof(name), "aligned %zu", alignment);
        region = vd_arena_allocate(arena, name, 100, alignment, NULL);
        assert_non_null(region);
        assert_int_equal((uintptr_t)region % alignment, 0);
        assert_true(!previous || region >= previous + 100);
        for (size_t i = 0; i < 100; i++)
            assert_int_equal(region[i], 0);
        memset(region, 0xff, 100);
        assert_ptr_equal(vd_arena_find(arena, name, &bytes), region);
        assert_int_equal(bytes, 100);
        previous = region;
    }
    assert_null(vd_arena_find(arena, "aligned", NULL));
    vd_arena_destroy(arena);
}

static void test_allocate_refuses(void **state)
{
    static const char long_name[] = "123456789012345678901234567890123456789012345678";
    struct vd_arena *arena = make(MIB);
    size_t used;
    static const struct {
        const char *name;
        size_t bytes;
        size_t alignment;
        enum vd_err result;
    } rows[] = {
        {"taken", 1, 1, VD_ERR_EXISTS},           {"", 1, 1, VD_ERR_INVALID},
        {long_name, 1, 1, VD_ERR_INVALID},        {"zero", 1, 0, VD_ERR_INVALID},
        {"three", 1, 3, VD_ERR_INVALID},          {"over a page", 1, 1048576, VD_ERR_INVALID},
        {"too much", MIB, 1, VD_ERR_FULL},        {"huge", SIZE_MAX, 1, VD_ERR_FULL},
        {"huge", SIZE_MAX - 64, 64, VD_ERR_FULL},
    };
    (void)state;
    assert_int_equal(sizeof(long_name) - 1, VD_ARENA_NAME_MAX + 1);
    assert_non_null(vd_arena_allocate(arena, "taken", 8, 8, NULL));
    assert_non_null(vd_arena_allocate(arena, long_name + 1, 8, 8, NULL));
    used = vd_arena_used_bytes(arena);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct vd_error error = {0};

        assert_null(
            vd_arena_allocate(arena, rows[i].name, rows[i].bytes, rows[i].alignment, &error));
        assert_int_equal(error.code, rows[i].result);
        assert_int_equal(vd_arena_used_bytes(arena), used);
    }
    assert_non_null(vd_arena_allocate(arena, "the rest", MIB - used, 1, NULL));
    assert_int_equal(vd_arena_used_bytes(arena), vd_arena_capacity_bytes(arena));
    assert_null(vd_arena_allocate(arena, "one more", 1, 1, NULL));
    vd_arena_destroy(arena);
}

static void test_directory_holds_what_it_says(void **state)
{
    struct vd_arena *arena = make(MIB);
    char name[VD_ARENA_NAME_MAX + 1];
    struct vd_error error = {0};
    (void)state;

    for (int i = 0; i < VD_ARENA_REGIONS_MAX; i++) {
        snprintf(name, sizeof(name), "region %d", i);
        assert_non_null(vd_arena_allocate(arena, name, 8, 8, NULL));
    }
    assert_null(vd_arena_allocate(arena, "one more", 8, 8, &error));
    assert_int_equal(error.code, VD_ERR_FULL);
    for (int i = 0; i < VD_ARENA_REGIONS_MAX; i++) {
        snprintf(name, sizeof(name), "region %d", i);
        assert_non_null(vd_arena_find(arena, name, NULL));
    }
    vd_arena_destroy(arena);
}

static void test_size_is_sealed_and_descriptor_is_private(void **state)
{
    struct vd_arena *arena = make(MIB);
    int fd = vd_arena_fd(arena);
    (void)state;

    assert_int_equal(ftruncate(fd, 4096), -1);
    assert_int_equal(ftruncate(fd, (off_t)MIB * 4), -1);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    vd_arena_destroy(arena);
}

static void test_fork_shares(void **state)
{
    struct vd_arena *arena = make(MIB);
    uint64_t *word = vd_arena_allocate(arena, "word", sizeof(*word), 8, NULL);
    int status;
    pid_t child;
    (void)state;

    child = fork();
    if (child == 0) {
        uint64_t *found = vd_arena_find(arena, "word", NULL);

        if (found != word)
            _exit(1);
        *found = 42;
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(*word, 42);
    vd_arena_destroy(arena);
}

static void test_attach_is_at_the_same_address(void **state)
{
    struct vd_arena *arena = make(MIB);
    struct vd_arena *again = NULL;
    struct vd_error error = {0};
    void *place = vd_arena_allocate(arena, "text", 16, 8, NULL);
    int fd = fcntl(vd_arena_fd(arena), F_DUPFD_CLOEXEC, 3);
    size_t bytes = 0;
    (void)state;

    memcpy(place, "still here", 11);
    assert_int_equal(vd_arena_attach(fd, &again, &error), VD_ERR_EXISTS); /* mapped here already */
    assert_null(again);
    vd_arena_destroy(arena);

    assert_int_equal(vd_arena_attach(fd, &again, &error), VD_OK);
    assert_int_not_equal(vd_arena_fd(again), fd);
    close(fd);
    assert_ptr_equal(vd_arena_find(again, "text", &bytes), place);
    assert_int_equal(bytes, 16);
    assert_string_equal(place, "still here");
    assert_non_null(vd_arena_allocate(again, "more", 8, 8, NULL));
    assert_true((unsigned char *)vd_arena_find(again, "more", NULL) >= (unsigned char *)place + 16);
    vd_arena_destroy(again);
}

static void test_attach_anywhere(void **state)
{
    struct vd_arena *arena = make(MIB);
    struct vd_arena *again = NULL;
    char *place = vd_arena_allocate(arena, "text", 16, 8, NULL);
    char *same;
    (void)state;

    assert_non_null(vd_arena_allocate(arena, "more", 8, 8, NULL));
    assert_int_equal(vd_arena_attach_anywhere(vd_arena_fd(arena), &again, NULL), VD_OK);
    same = vd_arena_find(again, "text", NULL);
    assert_non_null(same);
    assert_ptr_not_equal(same, place);
    memcpy(place, "here and there", 15);
    assert_string_equal(same, "here and there");
    assert_string_equal(vd_arena_region_at(again, 0), "text");
    assert_string_equal(vd_arena_region_at(again, 1), "more");
    assert_null(vd_arena_region_at(again, 2));
    vd_arena_destroy(again);
    vd_arena_destroy(arena);
    assert_int_equal(vd_arena_attach_anywhere(-1, &again, NULL), VD_ERR_CORRUPT);
}

static void test_attach_refuses_what_is_no_arena(void **state)
{
    struct vd_arena *arena = NULL;
    struct vd_error error = {0};
    int pipes[2];
    int memory = memfd_create("other", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    (void)state;

    assert_int_equal(vd_arena_attach(-1, &arena, &error), VD_ERR_CORRUPT);
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(vd_arena_attach(pipes[0], &arena, &error), VD_ERR_CORRUPT);
    assert_int_equal(vd_arena_attach(memory, &arena, &error), VD_ERR_CORRUPT);
    assert_int_equal(ftruncate(memory, MIB), 0);
    assert_int_equal(fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
    assert_int_equal(vd_arena_attach(memory, &arena, &error), VD_ERR_CORRUPT);
    assert_null(arena);
    close(memory);
    close(pipes[0]);
    close(pipes[1]);
}

/* Any word of the header set to rubbish: refused or a usable arena, never a crash. The used size
 * and the region count live at the offsets that the layout comment of arena.c gives. */
static void test_attach_survives_a_damaged_header(void **state)
{
    (void)state;
    for (size_t word = 0; word < 24; word++) {
        struct vd_arena *arena = make(MIB);
        struct vd_arena *again = NULL;
        int fd = fcntl(vd_arena_fd(arena), F_DUPFD_CLOEXEC, 3);
        uint64_t rubbish = 0xfedcba9876543210u;

        assert_non_null(vd_arena_allocate(arena, "a", 100, 8, NULL));
        assert_non_null(vd_arena_allocate(arena, "b", 100, 8, NULL));
        vd_arena_destroy(arena);
        assert_int_equal(pwrite(fd, &rubbish, sizeof(rubbish), (off_t)(word * 8)), 8);
        if (vd_arena_attach(fd, &again, NULL) == VD_OK) {
            size_t bytes = 0;
            unsigned char *region = vd_arena_find(again, "b", &bytes);

            for (size_t i = 0; region && i < bytes; i++)
                region[i] = 1;
            vd_arena_allocate(again, "c", 100, 8, NULL);
        }
        vd_arena_destroy(again);
        close(fd);
    }
}

static void test_many_at_once(void **state)
{
    struct vd_arena *arenas[12];
    (void)state;

    for (size_t i = 0; i < 12; i++) /* more than there are fixed addresses */
        arenas[i] = make(MIB);
    for (size_t i = 0; i < 12; i++) {
        assert_non_null(vd_arena_allocate(arenas[i], "x", 8, 8, NULL));
        vd_arena_destroy(arenas[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create_limits),
        cmocka_unit_test(test_regions_are_named_zeroed_aligned),
        cmocka_unit_test(test_allocate_refuses),
        cmocka_unit_test(test_directory_holds_what_it_says),
        cmocka_unit_test(test_size_is_sealed_and_descriptor_is_private),
        cmocka_unit_test(test_fork_shares),
        cmocka_unit_test(test_attach_is_at_the_same_address),
        cmocka_unit_test(test_attach_anywhere),
        cmocka_unit_test(test_attach_refuses_what_is_no_arena),
        cmocka_unit_test(test_attach_survives_a_damaged_header),
        cmocka_unit_test(test_many_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
