/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the control sockets of nodes and asks them: see common_control.h.
 *
 * Happy path: GET /_top over the unix socket, read to the end. Failure modes: nobody listens (the
 * node has ended), not permitted, no answer within a few seconds (its gateway hangs, or is just
 * being replaced); whatever is no such document is refused. One that says nothing now is listed
 * all the same; a link that somebody has put into /tmp is not followed, a socket of somebody else
 * is left alone (but by root), and the search as a whole ends in time. */
#include <errno.h>
#include <glob.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <viaduct/clock.h>

#include "top.h"

#define ANSWER_MS   3000
#define ANSWER_MOST ((size_t)17 * 1024 * 1024) /* the gateway sends 16 MiB at most */
#define FIND_MS     10000
#define WHY_BYTES   128

static int dial(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd;

    if (strlen(path) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path));
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        int number = errno;
        close(fd);
        errno = number;
        return -1;
    }
    return fd;
}

/* To the end. */
static bool read_answer(int fd, struct cli_text *answer)
{
    uint64_t deadline_ms = vd_monotonic_ms() + ANSWER_MS, now_ms;
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    char buffer[16384];
    ssize_t count;

    while ((now_ms = vd_monotonic_ms()) < deadline_ms && answer->length < ANSWER_MOST) {
        if (poll(&waiting, 1, (int)(deadline_ms - now_ms)) <= 0)
            continue;
        count = read(fd, buffer, sizeof(buffer));
        if (count == 0)
            return true;
        if (count < 0 && errno != EAGAIN && errno != EINTR)
            return false;
        if (count > 0)
            cli_text_add(answer, buffer, (size_t)count);
    }
    return false;
}

/* Behind the head of an answer of 200; NULL: there is none. *@whole: all that its head announces.
 */
static const char *body_of(struct cli_text *answer, bool *whole)
{
    static const char length_is[] = "\r\nContent-Length: ";
    const char *text = cli_text_string(answer);
    const char *end = strstr(text, "\r\n\r\n"), *length = strstr(text, length_is);

    *whole = end || strncmp(text, "HTTP/1.1 ", strnlen(text, 9)) != 0;
    if (strncmp(text, "HTTP/1.1 200 ", 13) != 0 || !end)
        return NULL;
    if (length && length < end) {
        *whole = answer->length - (size_t)(end + 4 - text) >=
                 strtoul(length + sizeof(length_is) - 1, NULL, 10);
    }
    return end + 4;
}

static enum top_answer explain(enum top_answer answer, char *why, const char *text)
{
    snprintf(why, WHY_BYTES, "%s", text);
    return answer;
}

static enum top_answer no_connection(int number, char *why)
{
    if (number == EAGAIN)
        return explain(TOP_SILENT, why, "the node does not answer");
    return explain(TOP_NO_NODE, why,
                   number == ENOENT || number == ECONNREFUSED ? "no node listens there"
                                                              : strerror(number));
}

enum top_answer top_fetch(const char *path, struct cli_text *raw, struct json_document *document,
                          char *why)
{
    static const char request[] =
        "GET " VD_CONTROL_TARGET " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    enum top_answer result = TOP_ANSWERED;
    struct cli_text answer = {0};
    const char *body;
    int fd = dial(path);
    bool whole;

    if (fd < 0)
        return no_connection(errno, why);
    whole =
        send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) == (ssize_t)(sizeof(request) - 1) &&
        read_answer(fd, &answer) && answer.length > 0;
    close(fd);
    body = whole ? body_of(&answer, &whole) : NULL;
    if (!whole) {
        result = explain(TOP_SILENT, why, "the node does not answer");
    } else if (!body || !json_parse(document, body, strlen(body))) {
        result = explain(TOP_NO_NODE, why, "what listens there is no node of Viaduct");
    } else if (raw) {
        cli_text_json_document(raw, body, strlen(body));
    }
    cli_text_finish(&answer);
    return result;
}

/* ---- finding them ------------------------------------------------------------------------------
 */

/* A node there is this user's; root looks at everybody's. */
static bool may_be_node(const char *path)
{
    struct stat status;

    return lstat(path, &status) == 0 && S_ISSOCK(status.st_mode) &&
           (status.st_uid == geteuid() || geteuid() == 0);
}

static size_t find_in(const char *pattern, uint64_t deadline_ms, struct top_node *nodes,
                      size_t count)
{
    char why[WHY_BYTES];
    glob_t found;

    if (glob(pattern, 0, NULL, &found) != 0)
        return count;
    for (size_t i = 0;
         i < found.gl_pathc && count < TOP_NODES_MAX && vd_monotonic_ms() < deadline_ms; i++) {
        struct top_node *node = &nodes[count];
        bool known = !may_be_node(found.gl_pathv[i]);

        for (size_t j = 0; j < count; j++)
            known = known || strcmp(nodes[j].path, found.gl_pathv[i]) == 0;
        if (known || strlen(found.gl_pathv[i]) >= sizeof(node->path))
            continue;
        strcpy(node->path, found.gl_pathv[i]);
        count += top_fetch(node->path, NULL, &node->document, why) != TOP_NO_NODE;
    }
    globfree(&found);
    return count;
}

size_t top_find(struct top_node *nodes)
{
    static const char *const others[] = {"/run/viaduct/*" VD_CONTROL_ENDING,
                                         "/run/user/*/viaduct/*" VD_CONTROL_ENDING,
                                         "/tmp/viaduct-*/*" VD_CONTROL_ENDING};
    char directory[VD_CONTROL_PATH_BYTES], pattern[VD_CONTROL_PATH_BYTES + 16];
    uint64_t deadline_ms = vd_monotonic_ms() + FIND_MS;
    size_t count;

    vd_control_directory(directory);
    snprintf(pattern, sizeof(pattern), "%s/*" VD_CONTROL_ENDING, directory);
    count = find_in(pattern, deadline_ms, nodes, 0);
    if (count > 0)
        return count;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        count = find_in(others[i], deadline_ms, nodes, count);
    return count;
}
