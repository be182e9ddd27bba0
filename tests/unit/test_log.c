/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines, read back from a packet pipe: there, one read(2) is one write(2). */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <viaduct/log.h>

struct fixture {
    int read_end, write_end;
    struct vd_logger logger;
    char line[2 * PIPE_BUF];
};

static int setup(void **state)
{
    static struct fixture fixture;
    int ends[2];

    memset(&fixture, 0, sizeof(fixture));
    if (pipe2(ends, O_DIRECT | O_NONBLOCK | O_CLOEXEC) < 0)
        return -1;
    if (fcntl(ends[1], F_SETPIPE_SZ, 64 * PIPE_BUF) < 0) /* one page holds one packet */
        return -1;
    fixture.read_end = ends[0];
    fixture.write_end = ends[1];
    vd_logger_init(&fixture.logger, ends[1], VD_LOG_INFO, "worker 2");
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    close(fixture->read_end);
    close(fixture->write_end);
    return 0;
}

/* What one write(2) wrote; NULL when there was none. */
static const char *next_write(struct fixture *fixture)
{
    ssize_t got = read(fixture->read_end, fixture->line, sizeof(fixture->line) - 1);

    if (got < 0)
        return NULL;
    fixture->line[got] = '\0';
    return fixture->line;
}

/* Behind the "event: ". */
static const char *text_of(const char *line)
{
    const char *colon;

    assert_non_null(line);
    colon = strstr(line, "]");
    assert_non_null(colon);
    colon = strstr(colon, ": ");
    assert_non_null(colon);
    return colon + 2;
}

static void test_a_line_is_one_write_of_the_documented_form(void **state)
{
    struct fixture *fixture = *state;
    regex_t form;
    char pattern[200];

    vd_log(&fixture->logger, VD_LOG_WARN, "worker_died", "worker %d (pid %d) was killed", 2, 4713);
    snprintf(pattern, sizeof(pattern),
             "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z warn worker "
             "2\\[%ld\\] worker_died: worker 2 \\(pid 4713\\) was killed\n$",
             (long)getpid());
    assert_int_equal(regcomp(&form, pattern, REG_EXTENDED | REG_NOSUB), 0);
    assert_int_equal(regexec(&form, next_write(fixture), 0, NULL, 0), 0);
    regfree(&form);
    assert_null(next_write(fixture));
}

static void test_levels(void **state)
{
    struct fixture *fixture = *state;
    enum vd_log_level level;

    vd_log(&fixture->logger, VD_LOG_DEBUG, "quiet", "not shown");
    vd_log(&fixture->logger, VD_LOG_OFF, "quiet", "off is no level to log at");
    vd_log(NULL, VD_LOG_ERROR, "quiet", "no logger");
    vd_log_limited(NULL, 1, VD_LOG_ERROR, "quiet", "no logger");
    assert_null(next_write(fixture));
    fixture->logger.level = VD_LOG_OFF;
    vd_log(&fixture->logger, VD_LOG_ERROR, "quiet", "switched off");
    assert_null(next_write(fixture));
    for (int i = VD_LOG_DEBUG; i <= VD_LOG_OFF; i++) {
        assert_true(vd_log_level_parse(vd_log_level_name((enum vd_log_level)i), &level));
        assert_int_equal(level, i);
    }
    assert_false(vd_log_level_parse("Warn", &level));
    assert_false(vd_log_level_parse("", &level));
    assert_false(vd_log_level_parse(NULL, &level));
}

static void test_nothing_can_forge_a_line(void **state)
{
    struct fixture *fixture = *state;

    vd_log(&fixture->logger, VD_LOG_INFO, "odd", "%s",
           "a\nb\r\t\x1b[31m\x7f|\xc2\x85|\xff\xc3(|z\xc3\xbcrich \xf0\x9f\x8f\xa0 \\");
    assert_string_equal(text_of(next_write(fixture)),
                        "a\\nb\\r\\t\\x1b[31m\\x7f|\\xc2\\x85|\\xff\\xc3(|z\xc3\xbcrich "
                        "\xf0\x9f\x8f\xa0 \\\n");
    vd_logger_init(&fixture->logger, fixture->write_end, VD_LOG_INFO, "w\n1");
    vd_log(&fixture->logger, VD_LOG_INFO, "e\nv", "x");
    assert_non_null(strstr(next_write(fixture), " w\\n1["));
    assert_non_null(strstr(fixture->line, " e\\nv: x\n"));
    assert_null(next_write(fixture));
}

static void test_long_lines_are_cut_within_pipe_buf(void **state)
{
    struct fixture *fixture = *state;
    static char text[3 * PIPE_BUF];
    static const char fill[] = {'x', '\n', (char)0xff, '\0'};

    for (const char *with = fill; *with; with++) {
        for (size_t length = PIPE_BUF / 5; length < sizeof(text); length += 37) {
            size_t written;
            memset(text, *with, length);
            text[length] = '\0';
            vd_log(&fixture->logger, VD_LOG_INFO, "long", "%s", text);
            assert_non_null(next_write(fixture));
            written = strlen(fixture->line);
            assert_true(written <= PIPE_BUF);
            assert_int_equal(strcspn(fixture->line, "\n"), written - 1);
            if (length >= PIPE_BUF)
                assert_string_equal(fixture->line + written - 9, "...[cut]\n");
            assert_null(next_write(fixture));
        }
    }
}

static void test_process_names_are_cut(void **state)
{
    struct fixture *fixture = *state;

    vd_logger_init(&fixture->logger, fixture->write_end, VD_LOG_INFO, "a rather long process name");
    vd_log(&fixture->logger, VD_LOG_INFO, "x", "y");
    assert_non_null(strstr(next_write(fixture), " a rather long p["));
}

static void test_errno_is_kept(void **state)
{
    struct fixture *fixture = *state;
    struct vd_logger closed;

    vd_logger_init(&closed, -1, VD_LOG_INFO, "x");
    errno = ERANGE;
    vd_log(&closed, VD_LOG_INFO, "x", "nobody hears this");
    assert_int_equal(errno, ERANGE);
    vd_log_limited(&closed, 1, VD_LOG_INFO, "x", "nobody hears this");
    assert_int_equal(errno, ERANGE);
    vd_log(&fixture->logger, VD_LOG_INFO, "x", "%s", "heard");
    assert_int_equal(errno, ERANGE);
}

static void limited(struct fixture *fixture, uint64_t now_ms, const char *event, int number)
{
    vd_log_limited(&fixture->logger, now_ms, VD_LOG_WARN, event, "number %d", number);
}

static void test_repeats_are_limited_and_counted(void **state)
{
    struct fixture *fixture = *state;
    char expected[40];

    for (int i = 0; i < 1000; i++)
        limited(fixture, 50000 + (uint64_t)i, "storm", i);
    for (int i = 0; i < 5; i++) {
        snprintf(expected, sizeof(expected), "number %d\n", i);
        assert_string_equal(text_of(next_write(fixture)), expected);
    }
    assert_null(next_write(fixture));
    limited(fixture, 59999, "storm", 1);
    assert_null(next_write(fixture));
    limited(fixture, 60000, "storm", 2);
    assert_string_equal(text_of(next_write(fixture)), "(996 more like this left out) number 2\n");
    limited(fixture, 60001, "storm", 3);
    assert_string_equal(text_of(next_write(fixture)), "number 3\n");
}

static void test_events_are_limited_each_for_itself(void **state)
{
    struct fixture *fixture = *state;
    char same_words[] = "storm"; /* another address, the same event */

    for (int i = 0; i < 3; i++) {
        limited(fixture, 1, "storm", i);
        limited(fixture, 1, same_words, i);
        limited(fixture, 1, "other", i);
    }
    for (int i = 0; i < 8; i++)
        assert_non_null(next_write(fixture));
    assert_null(next_write(fixture));
    fixture->logger.level = VD_LOG_ERROR; /* what is not wanted does not count */
    limited(fixture, 20000, "storm", 1);
    fixture->logger.level = VD_LOG_INFO;
    limited(fixture, 20000, "storm", 2);
    assert_string_equal(text_of(next_write(fixture)), "(1 more like this left out) number 2\n");
}

static void test_more_events_than_places_lose_no_count(void **state)
{
    struct fixture *fixture = *state;
    static char names[VD_LOG_REPEAT_KEYS + 1][16];

    for (int i = 0; i <= VD_LOG_REPEAT_KEYS; i++)
        snprintf(names[i], sizeof(names[i]), "event_%d", i);
    for (int i = 0; i < 8; i++)
        limited(fixture, 1, names[0], i);
    for (int i = 1; i < VD_LOG_REPEAT_KEYS; i++)
        limited(fixture, 2, names[i], i);
    for (int i = 0; i < 5 + VD_LOG_REPEAT_KEYS - 1; i++)
        assert_non_null(next_write(fixture));
    assert_null(next_write(fixture));
    limited(fixture, 3, names[VD_LOG_REPEAT_KEYS], 0);
    assert_non_null(strstr(next_write(fixture), " event_0: 3 more like this left out\n"));
    assert_non_null(strstr(next_write(fixture), " event_32: number 0\n"));
    assert_null(next_write(fixture));
}

/* Indented, so that what a request put into a text cannot pose as a line of its own. */
static void test_on_a_terminal_line_breaks_stay(void **state)
{
    struct fixture *fixture = *state;

    assert_false(fixture->logger.is_terminal);
    fixture->logger.is_terminal = true; /* what isatty(3) says of one */
    vd_log(&fixture->logger, VD_LOG_ERROR, "handler_failed", "why\n2026 forged\x1b[2J");
    assert_string_equal(text_of(next_write(fixture)), "why\n    2026 forged\\x1b[2J\n");
}

int main(void)
{
#define WITH_PIPE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_PIPE(test_a_line_is_one_write_of_the_documented_form),
        WITH_PIPE(test_levels),
        WITH_PIPE(test_nothing_can_forge_a_line),
        WITH_PIPE(test_on_a_terminal_line_breaks_stay),
        WITH_PIPE(test_long_lines_are_cut_within_pipe_buf),
        WITH_PIPE(test_process_names_are_cut),
        WITH_PIPE(test_errno_is_kept),
        WITH_PIPE(test_repeats_are_limited_and_counted),
        WITH_PIPE(test_events_are_limited_each_for_itself),
        WITH_PIPE(test_more_events_than_places_lose_no_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
