/* SPDX-License-Identifier: Apache-2.0 */
/* Opening below a directory, by openat2 and by walking: nothing outside is ever opened, whatever
 * links there are and whoever moves them meanwhile. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "gateway_static.h"

#define OPENS 20000

struct tree {
    char base[64]; /* base/root is served, base/secret is not */
    struct gw_static_root root;
};

static const char *under(const struct tree *tree, const char *name)
{
    static char path[2][PATH_MAX];
    static unsigned turn;
    char *to = path[turn++ % 2];

    snprintf(to, PATH_MAX, "%s/%s", tree->base, name);
    return to;
}

static void put(const struct tree *tree, const char *name, const char *content)
{
    FILE *file = fopen(under(tree, name), "w");

    assert_non_null(file);
    fputs(content, file);
    assert_int_equal(fclose(file), 0);
}

static void put_socket(const struct tree *tree, const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", under(tree, name));
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    close(fd);
}

static int setup(void **state)
{
    struct tree *tree = calloc(1, sizeof(*tree));

    assert_non_null(tree);
    snprintf(tree->base, sizeof(tree->base), "/tmp/test_static_open-XXXXXX");
    assert_non_null(mkdtemp(tree->base));
    assert_int_equal(mkdir(under(tree, "root"), 0755), 0);
    assert_int_equal(mkdir(under(tree, "root/sub"), 0755), 0);
    assert_int_equal(mkdir(under(tree, "outside"), 0755), 0);
    put(tree, "secret", "secret");
    put(tree, "outside/file", "secret");
    put(tree, "root/file", "inside");
    put(tree, "root/sub/file", "inside");
    assert_int_equal(symlink("file", under(tree, "root/to_file")), 0);
    assert_int_equal(symlink("sub", under(tree, "root/to_sub")), 0);
    assert_int_equal(symlink("../secret", under(tree, "root/to_secret")), 0);
    assert_int_equal(symlink("/etc/passwd", under(tree, "root/to_absolute")), 0);
    assert_int_equal(symlink("../outside", under(tree, "root/to_outside")), 0);
    assert_int_equal(symlink("sub/../../secret", under(tree, "root/to_winding")), 0);
    assert_int_equal(symlink("loop", under(tree, "root/loop")), 0);
    assert_int_equal(symlink("nothing", under(tree, "root/broken")), 0);
    assert_int_equal(symlink("/proc/self/root/etc/passwd", under(tree, "root/to_proc")), 0);
    assert_int_equal(mkfifo(under(tree, "root/fifo"), 0644), 0);
    put_socket(tree, "root/socket");
    tree->root.fd = gw_static_root_open(under(tree, "root"));
    assert_true(tree->root.fd >= 0);
    *state = tree;
    return 0;
}

static int teardown(void **state)
{
    struct tree *tree = *state;
    char command[128];

    close(tree->root.fd);
    snprintf(command, sizeof(command), "rm -rf %s", tree->base);
    assert_int_equal(system(command), 0);
    free(tree);
    return 0;
}

static int open_one(const struct tree *tree, const char *name)
{
    struct stat status;
    int fd = gw_static_open(&tree->root, name, &status);

    if (fd < 0)
        return fd;
    close(fd);
    return S_ISREG(status.st_mode) ? 1 : 2;
}

static void same_both_ways(struct tree *tree, bool whole_tree)
{
    static const char *const refused[] = {
        "to_secret",    "to_absolute", "to_outside/file", "to_winding", "loop",   "broken",
        "to_proc",      "fifo",        "socket",          "nothing",    "file/x", "sub/nothing",
        "nothing/file", "file/"};
    char longest[300];

    tree->root.whole_tree = whole_tree;
    assert_int_equal(open_one(tree, "file"), 1);
    assert_int_equal(open_one(tree, "sub/file"), 1);
    assert_int_equal(open_one(tree, "sub"), 2);
    assert_int_equal(open_one(tree, ""), 2);
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        if (open_one(tree, refused[i]) != -ENOENT)
            fail_msg("%s: %d", refused[i], open_one(tree, refused[i]));
    }
    memset(longest, 'a', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(open_one(tree, longest), -ENOENT);
    /* Links that stay inside are followed where the kernel sees to it that they do. */
    assert_int_equal(open_one(tree, "to_file"), whole_tree ? 1 : -ENOENT);
    assert_int_equal(open_one(tree, "to_sub/file"), whole_tree ? 1 : -ENOENT);
}

static void beneath(void **state)
{
    struct tree *tree = *state;

    assert_true(gw_static_open_beneath_works(tree->root.fd));
    same_both_ways(tree, true);
}

static void walking(void **state)
{
    same_both_ways(*state, false);
}

static void out_of_descriptors_is_said(void **state)
{
    struct tree *tree = *state;
    struct rlimit before, few;
    struct stat status;

    tree->root.whole_tree = true;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = 3;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    int fd = gw_static_open(&tree->root, "file", &status);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(fd, -EMFILE);
}

/* Swaps root/moving between a directory and a link that leads out, for as long as it lives. */
static void swap_for_ever(const struct tree *tree)
{
    char moving[PATH_MAX], aside[PATH_MAX];

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    snprintf(moving, sizeof(moving), "%s", under(tree, "root/moving"));
    snprintf(aside, sizeof(aside), "%s", under(tree, "root/aside"));
    for (;;) {
        if (renameat2(AT_FDCWD, moving, AT_FDCWD, aside, 2 /* RENAME_EXCHANGE */) != 0)
            _exit(1);
    }
}

static void race(struct tree *tree, bool whole_tree)
{
    char content[16] = "";
    unsigned opened = 0;
    struct stat status;
    pid_t swapper = fork();

    if (swapper == 0)
        swap_for_ever(tree);
    tree->root.whole_tree = whole_tree;
    for (int i = 0; i < OPENS || opened == 0; i++) {
        int fd = gw_static_open(&tree->root, "moving/file", &status);

        if (fd < 0)
            continue;
        opened++;
        assert_int_equal(read(fd, content, sizeof(content)), 6);
        close(fd);
        assert_memory_equal(content, "inside", 6);
    }
    assert_int_equal(waitpid(swapper, NULL, WNOHANG), 0); /* swapping to the end */
    kill(swapper, SIGKILL);
    waitpid(swapper, NULL, 0);
}

static void nobody_wins_a_race(void **state)
{
    struct tree *tree = *state;

    assert_int_equal(mkdir(under(tree, "root/moving"), 0755), 0);
    put(tree, "root/moving/file", "inside");
    assert_int_equal(symlink("../outside", under(tree, "root/aside")), 0);
    race(tree, true);
    race(tree, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(beneath, setup, teardown),
        cmocka_unit_test_setup_teardown(walking, setup, teardown),
        cmocka_unit_test_setup_teardown(out_of_descriptors_is_said, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_wins_a_race, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
