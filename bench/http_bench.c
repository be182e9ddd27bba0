/* SPDX-License-Identifier: Apache-2.0 */
/* What a request head costs: nanoseconds to parse it, beside http-parser on the same bytes.
 *
 *     http_bench [--json]
 *
 * Both record where each header's name and value stand. Five rounds, the best one counts: on a
 * shared machine the others measure the neighbours. Goal: a head of about 100 bytes in well under
 * 300 ns. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <http_parser.h>

#include "common_http.h"

#define ROUNDS     5
#define ITERATIONS 200000

struct sample {
    const char *name;
    const char *bytes;
};

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Keeps the compiler from leaving out what nobody reads. */
static void consume(const void *memory)
{
    __asm__ volatile("" : : "r"(memory) : "memory");
}

static void require(bool fine, const char *what)
{
    if (!fine) {
        fprintf(stderr, "http_bench: %s\n", what);
        exit(1);
    }
}

static void parse_ours(const char *bytes, size_t length)
{
    static const struct vd_http_limits limits = {8192, 32768, VD_HTTP_HEADERS_MAX};
    struct vd_http_request request;
    struct vd_http_error error;
    size_t scanned = 0;
    require(vd_http_parse_head(bytes, length, &scanned, &limits, &request, &error) ==
                VD_HTTP_COMPLETE,
            "our parser refuses a sample");
    consume(&request);
}

struct spans {
    size_t count;
    const char *at[2 * VD_HTTP_HEADERS_MAX + 1];
    size_t length[2 * VD_HTTP_HEADERS_MAX + 1];
    bool complete;
};

static int note(http_parser *parser, const char *at, size_t length)
{
    struct spans *spans = parser->data;
    spans->at[spans->count] = at;
    spans->length[spans->count++] = length;
    return 0;
}

static int note_end(http_parser *parser)
{
    ((struct spans *)parser->data)->complete = true;
    return 0;
}

static void parse_theirs(const char *bytes, size_t length)
{
    static const http_parser_settings settings = {
        .on_url = note,
        .on_header_field = note,
        .on_header_value = note,
        .on_headers_complete = note_end,
    };
    struct spans spans;
    http_parser parser;
    spans.count = 0;
    spans.complete = false;
    http_parser_init(&parser, HTTP_REQUEST);
    parser.data = &spans;
    http_parser_execute(&parser, &settings, bytes, length);
    require(spans.complete, "http-parser refuses a sample");
    consume(&spans);
}

static double measure(void (*parse)(const char *bytes, size_t length), const char *bytes)
{
    size_t length = strlen(bytes);
    double best = 0;
    for (int round = 0; round < ROUNDS; round++) {
        double start = now_ns();
        for (int i = 0; i < ITERATIONS; i++) {
            parse(bytes, length);
        }
        double ns = (now_ns() - start) / ITERATIONS;
        best = round == 0 || ns < best ? ns : best;
    }
    return best;
}

int main(int argc, char **argv)
{
    static const struct sample samples[] = {
        {"smallest", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"curl", "GET /room/lobby HTTP/1.1\r\nHost: localhost:3000\r\nUser-Agent: curl/7.88.1\r\n"
                 "Accept: */*\r\n\r\n"},
        {"form", "POST /say HTTP/1.1\r\nHost: localhost:3000\r\nUser-Agent: curl/7.88.1\r\n"
                 "Accept: */*\r\nContent-Length: 29\r\n"
                 "Content-Type: application/x-www-form-urlencoded\r\n\r\n"},
        {"browser",
         "GET /events?room=lobby HTTP/1.1\r\nHost: chat.example.org\r\nConnection: keep-alive\r\n"
         "Cache-Control: no-cache\r\nsec-ch-ua: \"Chromium\";v=\"130\", "
         "\"Not?A_Brand\";v=\"99\"\r\n"
         "sec-ch-ua-mobile: ?0\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) "
         "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36\r\n"
         "Accept: text/event-stream\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\n"
         "Sec-Fetch-Dest: empty\r\nReferer: https://chat.example.org/?room=lobby\r\n"
         "Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-GB,en;q=0.9,de;q=0.8\r\n"
         "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\n"
         "Last-Event-ID: 5f2a91c0:18273\r\n\r\n"},
    };
    bool json = argc > 1 && strcmp(argv[1], "--json") == 0;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        double ours = measure(parse_ours, samples[i].bytes);
        double theirs = measure(parse_theirs, samples[i].bytes);
        printf(json ? "{\"bench\":\"http_head\",\"sample\":\"%s\",\"bytes\":%zu,"
                      "\"viaduct_ns\":%.1f,\"http_parser_ns\":%.1f}\n"
                    : "%-8s %4zu bytes   viaduct %6.1f ns   http-parser %6.1f ns\n",
               samples[i].name, strlen(samples[i].bytes), ours, theirs);
    }
    return 0;
}
