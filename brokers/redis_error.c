/* SPDX-License-Identifier: Apache-2.0 */
/* Error replies of a Redis server: see redis_error.h. Sentences as of Redis 4 to 7.
 *
 * Source: the replies in https://github.com/redis/redis (src/server.c, src/acl.c), seen against a
 * running server where tests can bring it to say them. */
#include <stddef.h>
#include <string.h>

#include "redis_error.h"

struct meaning {
    const char *begins;
    enum vd_err code;
    const char *text;
};

/* Any command may be answered so. The longer beginning stands first. */
static const struct meaning states[] = {
    {"NOAUTH", VD_ERR_AUTHENTICATION, "the server asks for a password (NOAUTH)"},
    {"DENIED", VD_ERR_CONNECTION,
     "the server is in protected mode and serves its own machine only (DENIED): give it a "
     "password, "
     "or set protected-mode no"},
    {"ERR max number of clients", VD_ERR_CONNECTION,
     "the server takes no more connections: its maxclients is reached"},
    {"LOADING", VD_ERR_CONNECTION, "the server is still loading its data (LOADING)"},
    {"BUSY", VD_ERR_CONNECTION,
     "the server is busy with a script that does not end (BUSY): wait, or SCRIPT KILL"},
    {"OOM", VD_ERR_CONNECTION, "the server is over its maxmemory (OOM)"},
    {"READONLY", VD_ERR_CONNECTION,
     "the server is a replica (READONLY): what is published there reaches no other server"},
    {"MASTERDOWN", VD_ERR_CONNECTION, "the server is a replica without its primary (MASTERDOWN)"},
    {"MISCONF", VD_ERR_CONNECTION, "the server cannot save to its disk and refuses (MISCONF)"},
    {"CLUSTERDOWN", VD_ERR_CONNECTION, "the server's cluster is down (CLUSTERDOWN)"},
    {"ERR unknown command", VD_ERR_CONNECTION,
     "the server does not know a command that is needed (AUTH, SUBSCRIBE, PUBLISH): it may be "
     "renamed there, or be a proxy"},
};

static const struct meaning logins[] = {
    {"ERR AUTH", VD_ERR_AUTHENTICATION,
     "a password was given and the server's default user has none: give a user name too, or none"},
    {"ERR Client sent AUTH", VD_ERR_AUTHENTICATION, "a password was given and the server has none"},
    {"ERR wrong number of arguments for 'auth'", VD_ERR_AUTHENTICATION,
     "a user name was given and the server knows none: it is older than Redis 6"},
};

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static const struct meaning *look_up(const struct meaning *rows, size_t count, const char *words)
{
    for (size_t i = 0; i < count; i++) {
        if (begins(words, rows[i].begins))
            return &rows[i];
    }
    return NULL;
}

/* "... no permissions to run the 'publish' command", "... to access one of the channels ..." */
static enum vd_err explain_rights(const char *words, enum vd_redis_asked asked, const char *channel,
                                  struct vd_error *error)
{
    const char *command = asked == VD_REDIS_PUBLISH ? "publish" : "subscribe";
    bool is_command = strstr(words, "to run the") != NULL;
    bool is_channel = !is_command && strstr(words, "channel") != NULL;

    return vd_error_set(error, VD_ERR_AUTHENTICATION,
                        "the ACL user lacks %s%s (NOPERM): in all it needs +subscribe +publish "
                        "+ping &%s",
                        is_command   ? "+"
                        : is_channel ? "&"
                                     : "a right",
                        is_command   ? command
                        : is_channel ? channel
                                     : "",
                        channel);
}

enum vd_err vd_redis_explain(const char *words, enum vd_redis_asked asked, const char *channel,
                             bool *passing, struct vd_error *error)
{
    const struct meaning *meaning = NULL;
    int code_length = (int)strspn(words, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

    *passing = true;
    if (begins(words, "NOPERM"))
        return explain_rights(words, asked, channel, error);
    if (asked == VD_REDIS_AUTH)
        meaning = look_up(logins, sizeof(logins) / sizeof(logins[0]), words);
    if (!meaning)
        meaning = look_up(states, sizeof(states) / sizeof(states[0]), words);
    if (meaning)
        return vd_error_set(error, meaning->code, "%s", meaning->text);
    if (asked == VD_REDIS_AUTH) {
        return vd_error_set(error, VD_ERR_AUTHENTICATION,
                            "the server refused user or password (%.*s)", code_length, words);
    }
    *passing = false;
    return vd_error_set(error, VD_ERR_CONNECTION, "the server answered with an error (%.*s)",
                        code_length, words);
}
