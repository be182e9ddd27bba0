/* SPDX-License-Identifier: Apache-2.0 */
/* The request head: what is read, what is refused with which status, and that neither depends on
 * how the bytes arrive. Every request here is fed whole, byte by byte, and in pieces of seven. */
#include "http_feed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "common_http_chars.h"

#define HOST "Host: a\r\n"
#define GET  "GET / HTTP/1.1\r\n" HOST
#define POST "POST / HTTP/1.1\r\n" HOST

static const struct vd_http_limits limits = {8192, 32768, VD_HTTP_HEADERS_MAX};

struct bad_head {
    unsigned status;
    const char *bytes;
    size_t length;
};

#define BAD(status, text)                                                                          \
    {                                                                                              \
        status, text, sizeof(text) - 1                                                             \
    }

static void feed_limited(struct http_feed *feed, const char *bytes, size_t length,
                         const struct vd_http_limits *bounds)
{
    static const size_t steps[] = {1, 7};
    struct http_feed pieces;
    http_feed(feed, bytes, length, length, bounds);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        http_feed(&pieces, bytes, length, steps[i], bounds);
        if (!http_feed_equal(feed, &pieces)) {
            fail_msg("whole: %d %u, in pieces: %d %u: %s", feed->result, feed->error.status,
                     pieces.result, pieces.error.status, bytes);
        }
    }
}

static const struct vd_http_request *accept(struct http_feed *feed, const char *bytes)
{
    feed_limited(feed, bytes, strlen(bytes), &limits);
    if (feed->result != VD_HTTP_COMPLETE) {
        fail_msg("%d %u %s: %s", feed->result, feed->error.status,
                 feed->error.reason ? feed->error.reason : "", bytes);
    }
    return &feed->request;
}

static void refuse(const struct bad_head *heads, size_t count)
{
    struct http_feed feed;
    for (size_t i = 0; i < count; i++) {
        feed_limited(&feed, heads[i].bytes, heads[i].length, &limits);
        if (feed.result != VD_HTTP_BAD || feed.error.status != heads[i].status) {
            fail_msg("result %d status %u, wanted %u: %s", feed.result, feed.error.status,
                     heads[i].status, heads[i].bytes);
        }
        assert_non_null(feed.error.reason);
        assert_int_equal(feed.error.reason[strlen(feed.error.reason) - 1], '.');
    }
}

#define REFUSE(heads) refuse(heads, sizeof(heads) / sizeof *(heads))

static void assert_span(const char *bytes, struct vd_http_span span, const char *wanted)
{
    assert_int_equal(span.length, strlen(wanted));
    assert_memory_equal(bytes + span.offset, wanted, span.length);
}

/* ---- what is read --------------------------------------------------------------------------- */

static void a_browsers_request(void **state)
{
    (void)state;
    struct http_feed feed;
    const char *bytes = "GET /events?room=lobby&x=a?b HTTP/1.1\r\nHost: localhost:3000\r\n"
                        "User-Agent:  Mozilla/5.0 (X11)\t \r\nAccept:text/event-stream\r\n"
                        "X-Empty:\r\nX-Latin: caf\xe9\tau lait\r\nlast-event-ID: 9:7\r\n"
                        "Connection: keep-alive\r\nLast-Event-Id: 9:8\r\n\r\n";
    const struct vd_http_request *request = accept(&feed, bytes);
    assert_int_equal(request->method, VD_HTTP_GET);
    assert_span(bytes, request->method_span, "GET");
    assert_span(bytes, request->target, "/events?room=lobby&x=a?b");
    assert_span(bytes, request->path, "/events");
    assert_span(bytes, request->query, "room=lobby&x=a?b");
    assert_int_equal(request->minor_version, 1);
    assert_int_equal(request->header_count, 8);
    assert_span(bytes, request->headers[1].name, "User-Agent");
    assert_span(bytes, request->headers[1].value, "Mozilla/5.0 (X11)");
    assert_span(bytes, request->headers[2].value, "text/event-stream");
    assert_span(bytes, request->headers[3].value, "");
    assert_span(bytes, request->headers[4].value, "caf\xe9\tau lait");
    assert_int_equal(request->host, 0);
    assert_int_equal(request->last_event_id, 5);
    assert_int_equal(request->head_length, strlen(bytes));
    assert_true(request->keep_alive);
    assert_false(request->chunked || request->has_content_length || request->expect_continue);
}

static void methods_by_name(void **state)
{
    static const struct {
        const char *name;
        enum vd_http_method method;
    } methods[] = {
        {"GET", VD_HTTP_GET},         {"HEAD", VD_HTTP_HEAD},   {"POST", VD_HTTP_POST},
        {"PUT", VD_HTTP_PUT},         {"PATCH", VD_HTTP_PATCH}, {"DELETE", VD_HTTP_DELETE},
        {"OPTIONS", VD_HTTP_OPTIONS}, {"BREW", VD_HTTP_OTHER},  {"get", VD_HTTP_OTHER},
        {"M-SEARCH", VD_HTTP_OTHER},  {"GE", VD_HTTP_OTHER},    {"GETS", VD_HTTP_OTHER},
    };
    (void)state;
    struct http_feed feed;
    char bytes[64];
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        snprintf(bytes, sizeof bytes, "%s / HTTP/1.1\r\n" HOST "\r\n", methods[i].name);
        assert_int_equal(accept(&feed, bytes)->method, methods[i].method);
        assert_span(bytes, feed.request.method_span, methods[i].name);
    }
}

static void absolute_form(void **state)
{
    static const struct {
        const char *bytes, *target, *path, *query;
    } cases[] = {
        {"GET http://a/x/y?q=1 HTTP/1.1\r\nHost: a\r\n\r\n", "/x/y?q=1", "/x/y", "q=1"},
        {"GET HTTPS://Ex.org:81/ HTTP/1.1\r\nHost: ex.ORG:81\r\n\r\n", "/", "/", ""},
        {"GET http://a HTTP/1.1\r\nHost: a\r\n\r\n", "/", "/", ""},
        {"GET http://[::1]:8080/z HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", "/z", "/z", ""},
        {"GET http://a/?u=http://b/ HTTP/1.0\r\n\r\n", "/?u=http://b/", "/", "u=http://b/"},
    };
    static const struct bad_head bad[] = {
        BAD(400, "GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n"),
        BAD(400, "GET http://ab/ HTTP/1.1\r\nHost: a\r\n\r\n"),
        BAD(400, "GET http://a/ HTTP/1.1\r\nHost: ab\r\n\r\n"),
        BAD(400, "GET http://a:80/ HTTP/1.1\r\nHost: a\r\n\r\n"),
        BAD(400, "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n"),
        BAD(400, "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n"),
        BAD(400, "GET http://a?x HTTP/1.1\r\nHost: a\r\n\r\n"),
        BAD(400, "GET http:/a HTTP/1.1\r\nHost: a\r\n\r\n"),
        BAD(400, "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n"),
        BAD(400, "GET http://a\\b/ HTTP/1.0\r\n\r\n"),
        BAD(400, "GET a/b HTTP/1.1\r\nHost: a\r\n\r\n"),
        BAD(400, "GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n"),
    };
    (void)state;
    struct http_feed feed;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        accept(&feed, cases[i].bytes);
        assert_span(cases[i].bytes, feed.request.target, cases[i].target);
        assert_span(cases[i].bytes, feed.request.path, cases[i].path);
        assert_span(cases[i].bytes, feed.request.query, cases[i].query);
    }
    REFUSE(bad);
}

static void the_star_is_for_options(void **state)
{
    static const struct bad_head bad[] = {
        BAD(400, "GET * HTTP/1.1\r\n" HOST "\r\n"),
        BAD(400, "OPTIONS ** HTTP/1.1\r\n" HOST "\r\n"),
        BAD(400, "OPTIONS *?x HTTP/1.1\r\n" HOST "\r\n"),
    };
    (void)state;
    struct http_feed feed;
    const char *bytes = "OPTIONS * HTTP/1.1\r\n" HOST "\r\n";
    accept(&feed, bytes);
    assert_int_equal(feed.request.method, VD_HTTP_OPTIONS);
    assert_span(bytes, feed.request.target, "*");
    assert_span(bytes, feed.request.path, "*");
    REFUSE(bad);
}

static void what_browsers_leave_unencoded(void **state)
{
    (void)state;
    struct http_feed feed;
    const char *bytes = "GET /a|b[1]{x}^`\"<>\\?q=|[]{}^`%zz HTTP/1.1\r\n" HOST "\r\n";
    assert_span(bytes, accept(&feed, bytes)->path, "/a|b[1]{x}^`\"<>\\");
}

static void pipelined_rest_is_untouched(void **state)
{
    (void)state;
    struct http_feed feed;
    const char *first = "\r\nPOST /1 HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\n";
    char both[256];
    snprintf(both, sizeof both, "%s\r\n\r\nGET /2 HTTP/1.1\nrubbish", first);
    accept(&feed, both);
    assert_int_equal(feed.request.head_length, strlen(first));
    assert_int_equal(feed.request.content_length, 4);
    assert_span(both, feed.request.path, "/1");
}

static void keep_alive(void **state)
{
    static const struct {
        bool keep_alive;
        const char *bytes;
    } cases[] = {
        {true, GET "\r\n"},
        {false, GET "Connection: close\r\n\r\n"},
        {false, GET "connection: CLOSE\r\n\r\n"},
        {false, GET "Connection: keep-alive, close\r\n\r\n"},
        {false, GET "Connection: keep-alive\r\nConnection: , close ,\r\n\r\n"},
        {true, GET "Connection: upgrade, keep-alive\r\n\r\n"},
        {true, GET "Connection: closed\r\n\r\n"},
        {true, GET "Connection:\r\n\r\n"},
        {false, "GET / HTTP/1.0\r\n\r\n"},
        {true, "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"},
        {false, "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n"},
    };
    (void)state;
    struct http_feed feed;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(accept(&feed, cases[i].bytes)->keep_alive, cases[i].keep_alive);
    }
}

static void bodies(void **state)
{
    (void)state;
    struct http_feed feed;
    accept(&feed, POST "Content-Length: 0\r\n\r\n");
    assert_true(feed.request.has_content_length && feed.request.content_length == 0);
    accept(&feed, POST "Content-Length: 0042 \r\nExpect: 100-Continue\r\n\r\n");
    assert_true(feed.request.content_length == 42 && feed.request.expect_continue);
    accept(&feed, POST "Content-Length: 999999999999999999\r\n\r\n");
    assert_true(feed.request.content_length == UINT64_C(999999999999999999));
    accept(&feed, POST "transfer-encoding:  Chunked \r\nExpect: 100-continue\r\n\r\n");
    assert_true(feed.request.chunked && !feed.request.has_content_length);
    assert_true(feed.request.expect_continue);
    accept(&feed, GET "Expect: 100-continue\r\n\r\n"); /* nothing to go on with */
    assert_false(feed.request.expect_continue);
    accept(&feed, "POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n");
    assert_false(feed.request.expect_continue);
    accept(&feed, POST "Content-Length: 1\r\nExpect: 200-maybe\r\n\r\n");
    assert_false(feed.request.expect_continue);
}

/* ---- what is refused ------------------------------------------------------------------------ */

static void the_request_line(void **state)
{
    static const struct bad_head bad[] = {
        BAD(400, "\r\n\r\nGET / HTTP/1.1\r\n"), /* one empty line is forgiven, not two */
        BAD(400, "\n" GET "\r\n"),
        BAD(400, "\r" GET "\r\n"),
        BAD(400, "\r\n\n" GET "\r\n"),
        BAD(400, " GET / HTTP/1.1\r\n" HOST "\r\n"),
        BAD(400, " / HTTP/1.1\r\n" HOST "\r\n"),
        BAD(400, "GET  / HTTP/1.1\r\n" HOST "\r\n"),
        BAD(400, "GET /  HTTP/1.1\r\n" HOST "\r\n"),
        BAD(400, "GET / HTTP/1.1 \r\n" HOST "\r\n"),
        BAD(400, "GET\t/ HTTP/1.1\r\n" HOST "\r\n"),
        BAD(400, "GET /\tHTTP/1.1\r\n" HOST "\r\n"),
        BAD(400, "GET /\x0bHTTP/1.1\r\n" HOST "\r\n"),
        BAD(400, "GET / a HTTP/1.1\r\n" HOST "\r\n"),
        BAD(400, "GET /\x7f HTTP/1.1\r\n" HOST "\r\n"),
        BAD(400, "GET /\x01 HTTP/1.1\r\n" HOST "\r\n"),
        BAD(400, "GET /\xc3\xbc HTTP/1.1\r\n" HOST "\r\n"),
        BAD(400, "GET /#top HTTP/1.1\r\n" HOST "\r\n"),
        BAD(400, "GET /\0x HTTP/1.1\r\n" HOST "\r\n"),
        BAD(400, "GE\0T / HTTP/1.1\r\n"),
        BAD(400, "G(T / HTTP/1.1\r\n" HOST "\r\n"),
        BAD(400, "GET: / HTTP/1.1\r\n" HOST "\r\n"),
        BAD(400, "GET / HTTP/1.1\n" HOST "\r\n"),
        BAD(400, "GET / HTTP/1.1\r" HOST "\r\n"),
        BAD(400, "GET / HTTP/1.1\r\r\n" HOST "\r\n"),
        BAD(400, "GET / http/1.1\r\n" HOST "\r\n"),
        BAD(400, "GET / HTTP/1\r\n" HOST "\r\n"),
        BAD(400, "GET / HTTP/1.\r\n" HOST "\r\n"),
        BAD(400, "GET / HTTP/1.10\r\n" HOST "\r\n"),
        BAD(400, "GET / HTTP/01.1\r\n" HOST "\r\n"),
        BAD(400, "GET / HTTP/1,1\r\n" HOST "\r\n"),
        BAD(400, "GET / HTTP /1.1\r\n" HOST "\r\n"),
        BAD(400, "GET / HTTPS/1.1\r\n" HOST "\r\n"),
        BAD(400, "GET / ICY/1.1\r\n" HOST "\r\n"),
        BAD(400, "GET /\r\n"), /* HTTP/0.9 */
        BAD(400, "GET / \r\n"),
        BAD(400, "GET\r\n"),
        BAD(400, "/ HTTP/1.1\r\n"),
        BAD(400, "\x16\x03\x01\x02\r\n"), /* TLS */
        BAD(505, "GET / HTTP/0.9\r\n" HOST "\r\n"),
        BAD(505, "GET / HTTP/9.9\r\n" HOST "\r\n"),
        BAD(505, "GET / HTTP/1.2\r\n" HOST "\r\n"),
        BAD(505, "GET / HTTP/2.0\r\n" HOST "\r\n"),
        BAD(505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        BAD(501, "CONNECT a:443 HTTP/1.1\r\n" HOST "\r\n"),
        BAD(501, "TRACE / HTTP/1.1\r\n" HOST "\r\n"),
    };
    (void)state;
    REFUSE(bad);
}

static void header_lines(void **state)
{
    static const struct bad_head bad[] = {
        BAD(400, GET "X : y\r\n\r\n"),
        BAD(400, GET "X\t: y\r\n\r\n"),
        BAD(400, GET " X: y\r\n\r\n"),
        BAD(400, GET "X: y\r\n z\r\n\r\n"), /* obs-fold */
        BAD(400, GET "X: y\r\n\tz\r\n\r\n"),
        BAD(400, "GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
        BAD(400, GET ": y\r\n\r\n"),
        BAD(400, GET "X\r\n\r\n"),
        BAD(400, GET "X y\r\n\r\n"),
        BAD(400, GET "X(: y\r\n\r\n"),
        BAD(400, GET "\"X\": y\r\n\r\n"),
        BAD(400, GET "X\xe9: y\r\n\r\n"),
        BAD(400, GET "X: y\n\r\n"),
        BAD(400, GET "X: y\r\n\n"),
        BAD(400, GET "X: y\r\r\n\r\n"),
        BAD(400, GET "X: y\rZ: 1\r\n\r\n"),
        BAD(400, GET "X: y\r\n\rZ: 1\r\n\r\n"),
        BAD(400, GET "X: y\nZ: 1\r\n\r\n"),
        BAD(400, GET "X: \x01\r\n\r\n"),
        BAD(400, GET "X: 12345678\x1f"
                     "9012345678\r\n\r\n"),
        BAD(400, GET "X: 12345678901234\x7f\r\n\r\n"),
        BAD(400, GET "X: y\x0b\r\n\r\n"),
        BAD(400, GET "X: a\0b\r\n\r\n"),
        BAD(400, GET "X\0: a\r\n\r\n"),
    };
    (void)state;
    REFUSE(bad);
}

static void hosts(void **state)
{
    static const struct bad_head bad[] = {
        BAD(400, "GET / HTTP/1.1\r\n\r\n"),
        BAD(400, "GET / HTTP/1.1\r\nHosts: a\r\n\r\n"),
        BAD(400, GET "Host: a\r\n\r\n"),
        BAD(400, GET "host: b\r\n\r\n"),
        BAD(400, "GET / HTTP/1.0\r\nHost: a\r\nHOST: a\r\n\r\n"),
        BAD(400, "GET / HTTP/1.1\r\nHost:\r\n\r\n"),
        BAD(400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
        BAD(400, "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n"),
        BAD(400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
        BAD(400, "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"),
        BAD(400, "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n"),
        BAD(400, "GET / HTTP/1.1\r\nHost: a:123456\r\n\r\n"),
        BAD(400, "GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n"),
        BAD(400, "GET / HTTP/1.1\r\nHost: :80\r\n\r\n"),
        BAD(400, "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"),
        BAD(400, "GET / HTTP/1.1\r\nHost: []\r\n\r\n"),
        BAD(400, "GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n"),
        BAD(400, "GET / HTTP/1.1\r\nHost: [g::1]\r\n\r\n"),
        BAD(400, "GET / HTTP/1.1\r\nHost: a\xe9\r\n\r\n"),
    };
    static const char *const good[] = {
        "GET / HTTP/1.1\r\nHost: a.example:65535\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a:\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: [2001:db8::192.0.2.1]\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: my_service\r\n\r\n",
        "GET / HTTP/1.1\r\nX: 1\r\nhOST:127.0.0.1\r\n\r\n",
    };
    (void)state;
    struct http_feed feed;
    REFUSE(bad);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        accept(&feed, good[i]);
        assert_int_equal(feed.request.host, feed.request.header_count - 1);
    }
    assert_int_equal(accept(&feed, "GET / HTTP/1.0\r\n\r\n")->host, -1);
}

/* Each row is a request that some server somewhere reads as another length than its neighbour. */
static void smuggling(void **state)
{
    static const struct bad_head bad[] = {
        /* CL.TE, TE.CL */
        BAD(400, POST "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX"),
        BAD(400, POST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n8\r\n"),
        BAD(400, POST "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n"),
        /* TE.TE: one of the two does not see it */
        BAD(400, POST "Transfer-Encoding: xchunked\r\n\r\n"),
        BAD(400, POST "Transfer-Encoding : chunked\r\n\r\n"),
        BAD(400, POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n"),
        BAD(400, POST "Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n\r\n"),
        BAD(400, POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
        BAD(400, POST " Transfer-Encoding: chunked\r\n\r\n"),
        BAD(400, POST "X: X\nTransfer-Encoding: chunked\r\n\r\n"),
        BAD(400, POST "X: X\rTransfer-Encoding: chunked\r\n\r\n"),
        BAD(400, POST "Transfer-Encoding\r\n : chunked\r\n\r\n"),
        BAD(400, POST "Transfer-Encoding:\r\n chunked\r\n\r\n"),
        BAD(400, POST "Transfer-Encoding: \x0b"
                      "chunked\r\n\r\n"),
        BAD(400, POST "Transfer-Encoding: \"chunked\"\r\n\r\n"),
        BAD(400, POST "Transfer-Encoding: 'chunked'\r\n\r\n"),
        BAD(400, POST "Transfer-Encoding: chunked;q=1\r\n\r\n"),
        BAD(400, POST "Transfer-Encoding: chunked, chunked\r\n\r\n"),
        BAD(400, POST "Transfer-Encoding: chunked, identity\r\n\r\n"),
        BAD(400, POST "Transfer-Encoding: chunked, gzip, chunked\r\n\r\n"),
        BAD(400, POST "Transfer-Encoding: chunked,\r\n\r\n"),
        BAD(400, POST "Transfer-Encoding: , chunked\r\n\r\n"),
        BAD(400, POST "Transfer-Encoding:\tchunked\r\n\r\n"),
        BAD(400, POST "Transfer-Encoding: chunked \t\r\n\r\n"),
        BAD(400, POST "Content-Length: \t5\r\n\r\n"),
        BAD(400, POST "Content-Length: 5\t \r\n\r\n"),
        BAD(400, POST "Transfer-Encoding: chun ked\r\n\r\n"),
        BAD(400, POST "Transfer-Encoding:\r\n\r\n"),
        BAD(400, POST "Transfer-Encoding: identity\r\n\r\n"),
        BAD(400, POST "Transfer-Encoding: gzip\r\n\r\n"),
        BAD(501, POST "Transfer-Encoding: gzip, chunked\r\n\r\n"),
        BAD(501, POST "Transfer-Encoding: identity, chunked\r\n\r\n"),
        BAD(400, POST "Transfer-Encoding: chunked\0\r\n\r\n"),
        BAD(400, POST "Transfer-Encoding: chunked\xa0\r\n\r\n"),
        BAD(400, POST "Transfer-Encod\xc4\xb0ng: chunked\r\n\r\n"),
        BAD(400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
        /* CL.CL and what is not quite a number */
        BAD(400, POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n"),
        BAD(400, POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"),
        BAD(400, POST "Content-Length: 5\r\ncontent-length: 0\r\n\r\n"),
        BAD(400, POST "Content-Length: 5, 5\r\n\r\n"),
        BAD(400, POST "Content-Length: 5,6\r\n\r\n"),
        BAD(400, POST "Content-Length: 5 6\r\n\r\n"),
        BAD(400, POST "Content-Length: 5;\r\n\r\n"),
        BAD(400, POST "Content-Length: +5\r\n\r\n"),
        BAD(400, POST "Content-Length: -5\r\n\r\n"),
        BAD(400, POST "Content-Length: 0x5\r\n\r\n"),
        BAD(400, POST "Content-Length: 5.0\r\n\r\n"),
        BAD(400, POST "Content-Length: 1e3\r\n\r\n"),
        BAD(400, POST "Content-Length: \"5\"\r\n\r\n"),
        BAD(400, POST "Content-Length: \xd9\xa5\r\n\r\n"),
        BAD(400, POST "Content-Length:\r\n\r\n"),
        BAD(400, POST "Content-Length: 5\r\n 6\r\n\r\n"),
        BAD(400, POST "Content-Length : 5\r\n\r\n"),
        BAD(400, POST "Content-Length\t: 5\r\n\r\n"),
        BAD(400, POST "Content-Length: 18446744073709551616\r\n\r\n"),
        BAD(400, POST "Content-Length: 18446744073709551621\r\n\r\n"),
        BAD(400, POST "Content-Length: 9223372036854775808\r\n\r\n"),
        BAD(400, POST "Content-Length: 1000000000000000000\r\n\r\n"),
        BAD(400, POST "Content-Length: 4294967296000000000000000005\r\n\r\n"),
        /* Connection */
        BAD(400, POST "Connection: close foo\r\n\r\n"),
        BAD(400, POST "Connection: \"close\"\r\n\r\n"),
        BAD(400, POST "Connection: close; q=1\r\n\r\n"),
    };
    static const char *const other_fields[] = {
        POST "X-Content-Length: 5\r\nContent-Lengt: 5\r\n\r\n",
        POST "Content_Length: 5\r\nTransfer_Encoding: chunked\r\n\r\n",
    };
    (void)state;
    struct http_feed feed;
    REFUSE(bad);
    for (size_t i = 0; i < sizeof other_fields / sizeof *other_fields; i++) {
        accept(&feed, other_fields[i]);
        assert_false(feed.request.has_content_length || feed.request.chunked);
    }
}

/* ---- limits --------------------------------------------------------------------------------- */

static void assert_limited(const char *bytes, const struct vd_http_limits *bounds, unsigned status)
{
    struct http_feed feed;
    feed_limited(&feed, bytes, strlen(bytes), bounds);
    if (feed.error.status != status) {
        fail_msg("result %d status %u, wanted %u: %s", feed.result, feed.error.status, status,
                 bytes);
    }
    assert_int_equal(feed.result, status == 0 ? VD_HTTP_COMPLETE : VD_HTTP_BAD);
}

static void the_line_limit(void **state)
{
    static const struct vd_http_limits line = {20, 1000, 10};
    (void)state;
    assert_limited("GET /123456 HTTP/1.1\r\n" HOST "\r\n", &line, 0); /* 20 bytes without CRLF */
    assert_limited("GET /1234567 HTTP/1.1\r\n" HOST "\r\n", &line, 414);
    assert_limited("\r\nGET /123456 HTTP/1.1\r\n" HOST "\r\n", &line, 0);
    assert_limited("\r\nGET /1234567 HTTP/1.1\r\n" HOST "\r\n", &line, 414);
    assert_limited("GET /12345678901234567890", &line, 414); /* without waiting for its end */
    assert_limited("GET /1234567 HTTP/1.1\r", &line, 414);   /* at the first byte too many */
    assert_limited("G\tT /1234567 HTTP/1.1\r\n" HOST "\r\n", &line, 414);
    assert_limited("GET / HTTP/1.1\r\nHost: a\r\nX: 12345678901234567890123\r\n\r\n", &line, 0);
}

static void the_head_limit(void **state)
{
    const char *fits = GET "X: 1\r\n\r\n";
    const struct vd_http_limits head = {100, strlen(fits), 10};
    char more[256];
    (void)state;
    assert_limited(fits, &head, 0);
    snprintf(more, sizeof more, "%sbody, which does not count", fits);
    assert_limited(more, &head, 0);
    assert_limited(GET "X: 12\r\n\r\n", &head, 431);
    assert_limited(GET "X: 123456789", &head, 431);
    assert_limited(GET "X: 1\r\nY:", &head, 431); /* full, and no end: what follows cannot fit */
    assert_limited(GET "X: 1234\n678\r\n\r\n", &head, 400); /* what comes first counts */
    assert_limited("GET  / HTTP/1.1\r\nX: 123456789012345678\r\n\r\n", &head, 400);
    assert_limited("GET /12345678901234567890123456789012 HTTP/1.1\r\n" HOST "\r\n", &head, 414);
}

static void the_count_limit(void **state)
{
    static const struct vd_http_limits three = {100, 1000, 3};
    static const struct vd_http_limits many = {100, 10000, 1000};
    char bytes[4096] = "GET / HTTP/1.1\r\n" HOST;
    (void)state;
    assert_limited(GET "A: 1\r\nB: 2\r\n\r\n", &three, 0);
    assert_limited(GET "A: 1\r\nB: 2\r\nC: 3\r\n\r\n", &three, 431);
    size_t length = strlen(bytes);
    for (int i = 1; i < VD_HTTP_HEADERS_MAX; i++) {
        length += (size_t)snprintf(bytes + length, sizeof bytes - length, "X: 1\r\n");
    }
    snprintf(bytes + length, sizeof bytes - length, "\r\n");
    assert_limited(bytes, &many, 0);
    snprintf(bytes + length, sizeof bytes - length, "X: 1\r\n\r\n");
    assert_limited(bytes, &many, 431);
}

static void an_incomplete_head_waits(void **state)
{
    (void)state;
    struct http_feed feed;
    const char *bytes = "\r\n" GET "X: 1\r\nContent-Length: 3\r\n\r\n";
    for (size_t length = 1; length < strlen(bytes); length++) {
        http_feed(&feed, bytes, length, length, &limits);
        assert_int_equal(feed.result, VD_HTTP_INCOMPLETE);
    }
}

/* Another protocol is told at its first line's end, not when a timer runs out. */
static void a_bad_request_line_is_not_waited_with(void **state)
{
    (void)state;
    struct http_feed feed;
    const char *bytes = "HELO mail.example\r\nMAIL FROM";
    http_feed(&feed, bytes, strlen(bytes), 1, &limits);
    assert_int_equal(feed.result, VD_HTTP_BAD);
    assert_int_equal(feed.fed, strlen("HELO mail.example\r\n"));
}

/* A megabyte, byte by byte: each call goes on where the last one stopped. */
static void a_slow_head_costs_its_length(void **state)
{
    enum { LENGTH = 1 << 20 };
    static const struct vd_http_limits wide = {LENGTH + 100, LENGTH + 100, 100};
    struct vd_http_request request;
    struct vd_http_error error;
    size_t scanned = 0;
    char *bytes = malloc(LENGTH);
    (void)state;
    assert_non_null(bytes);
    memset(bytes, 'a', LENGTH);
    bytes[sprintf(bytes, "GET /")] = 'a';
    for (size_t length = 1; length <= LENGTH; length++) {
        size_t before = scanned;
        assert_int_equal(vd_http_parse_head(bytes, length, &scanned, &wide, &request, &error),
                         VD_HTTP_INCOMPLETE);
        assert_true(scanned > before);
    }
    free(bytes);
}

/* ---- the table ------------------------------------------------------------------------------ */

static bool is_alnum(int byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= 'a' && byte <= 'z');
}

static void every_byte_has_its_classes(void **state)
{
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        bool visible = byte > 0x20 && byte < 0x7f;
        bool token = is_alnum(byte) || (byte != 0 && strchr("!#$%&'*+-.^_`|~", byte));
        bool host = is_alnum(byte) || (byte != 0 && strchr("-._~%!$&'()*+;=", byte));
        bool value = visible || byte == ' ' || byte == '\t' || byte >= 0x80;
        assert_int_equal(vd_http_char_is((char)byte, VD_HTTP_CHAR_TOKEN), token);
        assert_int_equal(vd_http_char_is((char)byte, VD_HTTP_CHAR_HOST), host);
        assert_int_equal(vd_http_char_is((char)byte, VD_HTTP_CHAR_VALUE), value);
        assert_int_equal(vd_http_char_is((char)byte, VD_HTTP_CHAR_TARGET), visible && byte != '#');
    }
}

static void values_are_skipped_by_words_as_by_bytes(void **state)
{
    char bytes[24];
    (void)state;
    for (size_t length = 0; length <= sizeof bytes; length++) {
        for (size_t at = 0; at < length; at++) {
            for (int byte = 0; byte < 256; byte++) {
                memset(bytes, at % 2 ? 0xff : 'v', sizeof bytes);
                bytes[at] = (char)byte;
                bool fine = vd_http_char_is((char)byte, VD_HTTP_CHAR_VALUE);
                assert_ptr_equal(vd_http_skip_value(bytes, bytes + length),
                                 bytes + (fine ? length : at));
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_browsers_request),
        cmocka_unit_test(methods_by_name),
        cmocka_unit_test(absolute_form),
        cmocka_unit_test(the_star_is_for_options),
        cmocka_unit_test(what_browsers_leave_unencoded),
        cmocka_unit_test(pipelined_rest_is_untouched),
        cmocka_unit_test(keep_alive),
        cmocka_unit_test(bodies),
        cmocka_unit_test(the_request_line),
        cmocka_unit_test(header_lines),
        cmocka_unit_test(hosts),
        cmocka_unit_test(smuggling),
        cmocka_unit_test(the_line_limit),
        cmocka_unit_test(the_head_limit),
        cmocka_unit_test(the_count_limit),
        cmocka_unit_test(an_incomplete_head_waits),
        cmocka_unit_test(a_bad_request_line_is_not_waited_with),
        cmocka_unit_test(a_slow_head_costs_its_length),
        cmocka_unit_test(every_byte_has_its_classes),
        cmocka_unit_test(values_are_skipped_by_words_as_by_bytes),
    };
    return cmocka_run_group_tests_name("http head", tests, NULL, NULL);
}
