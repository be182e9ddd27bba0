/* SPDX-License-Identifier: Apache-2.0 */
/* Our request parser beside http-parser: a corpus, then a million mutations of it that
 * are the same in every run. */
#include "http_oracle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MUTATIONS   1000000
#define BYTES_MAX   2048
#define COUNT(list) (sizeof(list) / sizeof *(list))

static const char *const corpus[] = {
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /events?room=lobby HTTP/1.1\r\nHost: localhost:3000\r\nAccept: text/event-stream\r\n"
    "Cache-Control: no-cache\r\nLast-Event-ID: 1f:22\r\n\r\n",
    "POST /say HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    "Content-Length: 16\r\n\r\nroom=a&text=b%20c",
    "POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n",
    "POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    "A\r\n0123456789\r\n0\r\n\r\nGET / HTTP/1.1\r\n",
    "HEAD /_health HTTP/1.0\r\n\r\n",
    "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade, close\r\nUpgrade: x\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET http://a.example:80/x/y?z=1 HTTP/1.1\r\nHost: a.example:80\r\n\r\n",
    "GET http://[::1] HTTP/1.1\r\nHost: [::1]\r\n\r\n",
    "DELETE /a/b/c HTTP/1.1\r\nHost: a\r\nX-Empty:\r\nX-Spaces:   a  b \t \r\nContent-Length: 0\r\n"
    "\r\n",
    "PUT /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 0003\r\n\r\nabc",
    "\r\nM-SEARCH /x?a=?b HTTP/1.1\r\nhOST: a\r\nX: caf\xe9\r\n\r\n",
    "PATCH /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabc",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:   chunked  \r\n\r\n0\r\n\r\n",
};

static const char *const pieces[] = {
    "\r\n",
    "\n",
    "\r",
    " ",
    "\t",
    ":",
    ",",
    ";",
    "\x7f",
    "\xff",
    "0",
    "9",
    "a",
    "/",
    "?",
    "*",
    "close",
    "keep-alive",
    "chunked",
    "Connection: close\r\n",
    "Content-Length: 1\r\n",
    "Content-Length",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding",
    "identity",
    "Host: b\r\n",
    "HTTP/1.0",
    "HTTP/1.1",
    "http://",
    "1\r\nz\r\n",
    "0\r\n\r\n",
    "Upgrade: h2c\r\n",
    "Proxy-Connection: close\r\n",
    "GET ",
    "POST ",
    "Trailer: X\r\n",
    "\r\n ",
    "+",
    "0x",
    "ffff",
};

static uint32_t draw(uint64_t *random, size_t below)
{
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((*random >> 33) % below);
}

static void print_bytes(const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        if (byte >= ' ' && byte < 0x7f) {
            fputc(byte, stderr);
        } else {
            fprintf(stderr, "\\x%02x", byte);
        }
    }
    fputc('\n', stderr);
}

static bool check(const char *bytes, size_t length)
{
    bool accepted;
    const char *where = http_oracle_disagreement(bytes, length, &accepted);
    if (where) {
        print_bytes(bytes, length);
        fail_msg("%s", where);
    }
    return accepted;
}

static void they_agree_on_the_corpus(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(corpus); i++) {
        assert_true(check(corpus[i], strlen(corpus[i])));
    }
}

/* Replace @removed bytes at @at by the @length bytes of @insert. Returns the new length. */
static size_t splice(char bytes[BYTES_MAX], size_t used, size_t at, size_t removed,
                     const char *insert, size_t length)
{
    if (removed > used - at) {
        removed = used - at;
    }
    if (used - removed + length > BYTES_MAX) {
        return used;
    }
    memmove(bytes + at + length, bytes + at + removed, used - at - removed);
    memcpy(bytes + at, insert, length);
    return used - removed + length;
}

static size_t mutate(uint64_t *random, char bytes[BYTES_MAX], size_t used)
{
    size_t at = draw(random, used + 1);
    const char *other = corpus[draw(random, COUNT(corpus))];
    const char *piece = pieces[draw(random, COUNT(pieces))];
    char byte = (char)draw(random, 256);
    switch (draw(random, 6)) {
    case 0:
        return splice(bytes, used, at, 1, &byte, 1);
    case 1:
        return splice(bytes, used, at, 1 + draw(random, 3), "", 0);
    case 2:
        return splice(bytes, used, at, 0, piece, strlen(piece));
    case 3:
        return splice(bytes, used, at, strlen(piece), piece, strlen(piece));
    case 4: /* one head, another one's tail */
        other += draw(random, strlen(other));
        return splice(bytes, used, at, used, other, strlen(other));
    default: /* a line of another one, at the beginning of a line */
        while (at > 0 && bytes[at - 1] != '\n') {
            at--;
        }
        other = strstr(other, "\r\n") + 2;
        return splice(bytes, used, at, 0, other, strcspn(other, "\n") + 1);
    }
}

static void they_agree_on_mutations(void **state)
{
    uint64_t random = 20261120;
    size_t accepted = 0;
    (void)state;
    for (size_t i = 0; i < MUTATIONS; i++) {
        char bytes[BYTES_MAX];
        size_t used = (size_t)snprintf(bytes, sizeof bytes, "%s", corpus[i % COUNT(corpus)]);
        for (unsigned steps = 1 + draw(&random, 4); steps > 0; steps--) {
            used = mutate(&random, bytes, used);
        }
        accepted += check(bytes, used);
    }
    /* The comparison must have had something to compare. */
    if (accepted < MUTATIONS / 10) {
        fail_msg("only %zu of %d mutations were accepted", accepted, MUTATIONS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_agree_on_the_corpus),
        cmocka_unit_test(they_agree_on_mutations),
    };
    return cmocka_run_group_tests_name("http oracle", tests, NULL, NULL);
}
