/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the access log: their form, and what a client can do to it (nothing). */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <jansson.h>

#include "common_access.h"

#define TEXT(literal) ((struct vd_text){literal, sizeof(literal) - 1})

static struct vd_access_entry plain(void)
{
    return (struct vd_access_entry){.wall_ms = 1795174496789, /* 2026-11-20T11:34:56.789Z */
                                    .request_id = "abc",
                                    .remote_address = "192.0.2.1",
                                    .method = TEXT("GET"),
                                    .target = TEXT("/x"),
                                    .minor_version = 1,
                                    .status = 200,
                                    .body_bytes = 14,
                                    .referer = TEXT("https://a/"),
                                    .agent = TEXT("curl/8"),
                                    .worker = 3,
                                    .queue_us = 42,
                                    .handling_us = 1234567,
                                    .complete = true};
}

static const char *write_line(enum vd_access_log format, const struct vd_access_entry *entry)
{
    static char line[VD_ACCESS_LINE_BYTES + 1];
    size_t length = vd_access_line(format, entry, line);

    assert_true(length <= VD_ACCESS_LINE_BYTES);
    line[length] = '\0';
    assert_int_equal(strlen(line), length);
    assert_ptr_equal(strchr(line, '\n'), line + length - 1);
    return line;
}

static void combined_is_what_log_readers_know(void **state)
{
    struct vd_access_entry entry = plain();

    (void)state;
    assert_string_equal(write_line(VD_ACCESS_COMMON, &entry),
                        "192.0.2.1 - - [20/Nov/2026:11:34:56 +0000] \"GET /x HTTP/1.1\" 200 14 "
                        "\"https://a/\" \"curl/8\" id=abc worker=3 queue=0.000042 time=1.234567\n");
    entry.method.length = 0;
    entry.remote_address = "";
    entry.referer = entry.agent = (struct vd_text){NULL, 0};
    entry.worker = -1;
    entry.status = 400;
    entry.complete = false;
    assert_string_equal(
        write_line(VD_ACCESS_COMMON, &entry),
        "- - - [20/Nov/2026:11:34:56 +0000] \"-\" 400 14 \"-\" \"-\" id=abc worker=- "
        "queue=0.000042 time=1.234567 cut\n");
}

static void json_is_json(void **state)
{
    struct vd_access_entry entry = plain();
    json_t *object;

    (void)state;
    assert_string_equal(
        write_line(VD_ACCESS_JSON, &entry),
        "{\"time\":\"2026-11-20T11:34:56.789Z\",\"id\":\"abc\",\"remote\":\"192.0.2.1\",\"scheme\":"
        "\"http\",\"method\":\"GET\",\"target\":\"/x\",\"protocol\":\"HTTP/1.1\",\"status\":200,"
        "\"bytes\":14,\"referer\":\"https://a/\",\"agent\":\"curl/8\",\"worker\":3,\"queue_us\":42,"
        "\"time_us\":1234567,\"stream\":false,\"complete\":true}\n");
    entry.method = entry.target = entry.agent = entry.referer = (struct vd_text){NULL, 0};
    entry.worker = -1;
    object = json_loads(write_line(VD_ACCESS_JSON, &entry), 0, NULL);
    assert_non_null(object);
    assert_true(json_is_null(json_object_get(object, "method")));
    assert_true(json_is_null(json_object_get(object, "worker")));
    json_decref(object);
}

/* Every byte in every text, read back. */
static void no_byte_breaks_a_line(void **state)
{
    char all[256];
    struct vd_text text = {all, sizeof(all)};
    struct vd_access_entry entry = plain();
    const char *line;
    json_t *object;
    unsigned quotes = 0;

    (void)state;
    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    entry.target = entry.referer = entry.agent = text;
    entry.method = (struct vd_text){"\"\\ \n", 4};
    line = write_line(VD_ACCESS_COMMON, &entry);
    for (const char *at = line; *at; at++) {
        quotes += *at == '"';
        assert_true((*at >= 0x20 && *at < 0x7f) || !at[1]);
    }
    assert_int_equal(quotes, 6);
    assert_non_null(strstr(line, "\"\\x22\\x5c \\x0a \\x00\\x01"));

    object = json_loads(write_line(VD_ACCESS_JSON, &entry), JSON_ALLOW_NUL, NULL);
    assert_non_null(object);
    json_t *agent = json_object_get(object, "agent");
    assert_int_equal(json_string_length(agent), 128 + 2 * 128); /* Latin-1 as UTF-8 */
    assert_memory_equal(json_string_value(agent), all, 128);
    json_decref(object);
}

static void texts_are_cut(void **state)
{
    char *large = malloc(100000);
    struct vd_access_entry entry = plain();
    struct vd_text text = {large, 100000};

    (void)state;
    assert_non_null(large);
    memset(large, '\xff', 100000);
    entry.method = entry.target = entry.referer = entry.agent = text;
    entry.wall_ms = entry.body_bytes = entry.queue_us = entry.handling_us = UINT64_MAX / 2;
    entry.wall_ms = 253402300799999; /* the last of year 9999 */
    entry.status = UINT32_MAX;
    entry.request_id = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
    assert_true(strlen(write_line(VD_ACCESS_COMMON, &entry)) < VD_ACCESS_LINE_BYTES);
    assert_true(strlen(write_line(VD_ACCESS_JSON, &entry)) < VD_ACCESS_LINE_BYTES);
    free(large);
}

/* ---- descriptors -------------------------------------------------------------------------------
 */

static enum vd_access_way way_of(int fd)
{
    struct vd_server_config config = {.access_log = VD_ACCESS_COMMON, .access_log_fd = fd};
    enum vd_access_way way;
    int own = vd_access_open(&config, &way);

    assert_true(own >= 0 && own != fd);
    close(own);
    return way;
}

static void descriptors_are_written_to_without_waiting(void **state)
{
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(way_of(ends[1]), VD_ACCESS_WRITE);
    assert_int_equal(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0); /* not the one of others */
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(way_of(ends[1]), VD_ACCESS_SEND);
    close(ends[0]);
    close(ends[1]);
    struct vd_server_config config = {.access_log_fd = ends[1]};
    enum vd_access_way way;
    assert_int_equal(vd_access_open(&config, &way), -1);
    assert_int_equal(errno, EBADF);
}

/* Standard output of a container: a pipe that its user may write to, but not open. */
static void a_pipe_that_may_not_be_opened_is_shared(void **state)
{
    int ends[2], status;
    pid_t child;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(fchmod(ends[1], 0), 0);
    child = fork();
    if (child == 0) {
        if (getuid() == 0 && setuid(65534) != 0)
            _exit(2);
        prctl(PR_SET_DUMPABLE, 1); /* or /proc/self would be root's */
        _exit(way_of(ends[1]) == VD_ACCESS_SHARED ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(combined_is_what_log_readers_know),
        cmocka_unit_test(json_is_json),
        cmocka_unit_test(no_byte_breaks_a_line),
        cmocka_unit_test(texts_are_cut),
        cmocka_unit_test(descriptors_are_written_to_without_waiting),
        cmocka_unit_test(a_pipe_that_may_not_be_opened_is_shared),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
