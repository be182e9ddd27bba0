/* SPDX-License-Identifier: Apache-2.0 */
/* Error replies of a Redis server, each with its class, its sentence, and whether sending the same
 * again may go well. The server's words with names in them are not repeated. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "redis_error.h"

static void test_meanings(void **state)
{
    static const struct {
        const char *words;
        enum vd_redis_asked asked;
        enum vd_err code;
        bool passing;
        const char *part;
    } rows[] = {
        {"NOAUTH Authentication required.", VD_REDIS_SUBSCRIBE, VD_ERR_AUTHENTICATION, true,
         "asks for a password"},
        {"WRONGPASS invalid username-password pair or user is disabled.", VD_REDIS_AUTH,
         VD_ERR_AUTHENTICATION, true, "refused user or password (WRONGPASS)"},
        {"ERR AUTH <password> called without any password configured for the default user.",
         VD_REDIS_AUTH, VD_ERR_AUTHENTICATION, true, "default user has none"},
        {"ERR Client sent AUTH, but no password is set", VD_REDIS_AUTH, VD_ERR_AUTHENTICATION, true,
         "the server has none"},
        {"ERR wrong number of arguments for 'auth' command", VD_REDIS_AUTH, VD_ERR_AUTHENTICATION,
         true, "older than Redis 6"},
        {"NOPERM User u has no permissions to run the 'publish' command", VD_REDIS_PUBLISH,
         VD_ERR_AUTHENTICATION, true, "lacks +publish (NOPERM)"},
        {"NOPERM this user has no permissions to run the 'subscribe' command or its subcommand",
         VD_REDIS_SUBSCRIBE, VD_ERR_AUTHENTICATION, true, "lacks +subscribe (NOPERM)"},
        {"NOPERM No permissions to access a channel", VD_REDIS_SUBSCRIBE, VD_ERR_AUTHENTICATION,
         true, "lacks &via:broadcast (NOPERM)"},
        {"NOPERM whatever comes in ten years", VD_REDIS_PUBLISH, VD_ERR_AUTHENTICATION, true,
         "+subscribe +publish +ping &via:broadcast"},
        {"ERR max number of clients reached", VD_REDIS_AUTH, VD_ERR_CONNECTION, true, "maxclients"},
        {"DENIED Redis is running in protected mode", VD_REDIS_SUBSCRIBE, VD_ERR_CONNECTION, true,
         "protected mode"},
        {"LOADING Redis is loading the dataset in memory", VD_REDIS_AUTH, VD_ERR_CONNECTION, true,
         "loading"},
        {"BUSY Redis is busy running a script.", VD_REDIS_PUBLISH, VD_ERR_CONNECTION, true,
         "script"},
        {"OOM command not allowed when used memory > 'maxmemory'.", VD_REDIS_PUBLISH,
         VD_ERR_CONNECTION, true, "maxmemory"},
        {"READONLY You can't write against a read only replica.", VD_REDIS_PUBLISH,
         VD_ERR_CONNECTION, true, "replica"},
        {"MASTERDOWN Link with MASTER is down", VD_REDIS_PUBLISH, VD_ERR_CONNECTION, true,
         "without its primary"},
        {"MISCONF Redis is configured to save RDB snapshots", VD_REDIS_PUBLISH, VD_ERR_CONNECTION,
         true, "disk"},
        {"CLUSTERDOWN The cluster is down", VD_REDIS_PUBLISH, VD_ERR_CONNECTION, true, "cluster"},
        {"ERR unknown command 'PUBLISH'", VD_REDIS_PUBLISH, VD_ERR_CONNECTION, true, "renamed"},
        {"ERR Protocol error: invalid bulk length", VD_REDIS_PUBLISH, VD_ERR_CONNECTION, false,
         "an error (ERR)"},
        {"secret words", VD_REDIS_PUBLISH, VD_ERR_CONNECTION, false, "an error ()"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct vd_error error = {0};
        bool passing = !rows[i].passing;
        enum vd_err code =
            vd_redis_explain(rows[i].words, rows[i].asked, "via:broadcast", &passing, &error);
        if (code != rows[i].code || passing != rows[i].passing || !strstr(error.text, rows[i].part))
            fail_msg("%s: %s, %d: %s", rows[i].words, vd_err_name(code), passing, error.text);
        assert_int_equal(error.code, code);
        assert_null(strstr(error.text, "User u"));
        assert_null(strstr(error.text, "secret"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_meanings)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
