/* SPDX-License-Identifier: Apache-2.0 */
/* Fan-out, side by side with the floor: one message to N event streams, again as soon as all have
 * it.
 *
 * A: our server (the C test application: HTTP publish -> worker -> ring -> gateway -> streams).
 * B: a bare epoll loop that sends the same bytes with one send() a stream and does nothing else.
 * In turn A B A B ..., deliveries per second and server CPU per delivery, and the ratio pair by
 * pair. The load generator (this process) shares the machine with both.
 *
 *     fanout [--server PATH] [--streams 1000] [--rounds 300] [--pairs 3] [--bytes 200] [--json] */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <viaduct/clock.h>

#include "bench.h"

struct options {
    const char *server;
    int streams, rounds, pairs, bytes;
    bool json;
};

struct result {
    double per_second;
    double cpu_us;
};

struct load {
    int epoll;
    int *streams;
    size_t *pending; /* bytes still expected of this round */
    int count;
    size_t event_bytes; /* as they come over the wire; learnt in the first round */
};

/* ---- the floor ---------------------------------------------------------------------------------
 */

static const char stream_head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                                  "Transfer-Encoding: chunked\r\n\r\n";

/* One control connection (a byte = one broadcast), any number of streams. */
static _Noreturn void bare_loop(int listener, int streams, size_t event_bytes)
{
    int *fds = calloc((size_t)streams, sizeof(int)), count = 0, control = -1;
    char *event = malloc(event_bytes), byte;

    memset(event, 'x', event_bytes);
    control = accept(listener, NULL, NULL);
    while (count < streams) {
        fds[count] = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        bench_send_all(fds[count++], stream_head, sizeof(stream_head) - 1);
    }
    int epoll = epoll_create1(0);
    struct epoll_event watch = {.events = EPOLLIN}, ready[64];
    epoll_ctl(epoll, EPOLL_CTL_ADD, control, &watch);
    for (;;) {
        if (epoll_wait(epoll, ready, 64, -1) < 1)
            continue;
        if (read(control, &byte, 1) != 1)
            _exit(0);
        for (int i = 0; i < count; i++) {
            if (send(fds[i], event, event_bytes, MSG_NOSIGNAL) < 0)
                _exit(1);
        }
    }
}

static pid_t start_bare(int streams, size_t event_bytes, uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 4096))
        bench_die("listen");
    getsockname(listener, (struct sockaddr *)&address, &length);
    *port = ntohs(address.sin_port);
    pid_t pid = fork();
    if (pid == 0)
        bare_loop(listener, streams, event_bytes);
    close(listener);
    return pid;
}

/* ---- the load ----------------------------------------------------------------------------------
 */

static size_t read_available(int fd)
{
    char buffer[65536];
    ssize_t got = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);

    if (got == 0 || (got < 0 && errno != EAGAIN))
        bench_die("a stream ended");
    return got < 0 ? 0 : (size_t)got;
}

static void open_streams(struct load *load, uint16_t port, int count, bool ours)
{
    static const char request[] = "GET /events?scope=bench HTTP/1.1\r\nHost: localhost\r\n\r\n";

    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    load->streams = calloc((size_t)count, sizeof(int));
    load->pending = calloc((size_t)count, sizeof(size_t));
    load->count = count;
    for (int i = 0; i < count; i++) {
        struct epoll_event watch = {.events = EPOLLIN, .data.u32 = (uint32_t)i};

        load->streams[i] = bench_connect_to(port);
        if (ours)
            bench_send_all(load->streams[i], request, sizeof(request) - 1);
        bench_wait_head(load->streams[i], ours ? "id: " : "\r\n\r\n");
        epoll_ctl(load->epoll, EPOLL_CTL_ADD, load->streams[i], &watch);
    }
}

static void await_round(struct load *load, size_t event_bytes)
{
    struct epoll_event ready[256];
    int left = load->count;

    for (int i = 0; i < load->count; i++)
        load->pending[i] = event_bytes;
    while (left) {
        int count = epoll_wait(load->epoll, ready, 256, 10000);

        if (count <= 0)
            bench_die("a round did not finish");
        for (int i = 0; i < count; i++) {
            uint32_t stream = ready[i].data.u32;
            size_t got = read_available(load->streams[stream]);

            if (got > load->pending[stream])
                bench_die("more than was sent");
            load->pending[stream] -= got;
            left -= got && load->pending[stream] == 0;
        }
    }
}

static void close_streams(struct load *load)
{
    for (int i = 0; i < load->count; i++)
        close(load->streams[i]);
    close(load->epoll);
    free(load->streams);
    free(load->pending);
}

static struct result summarise(const struct options *options, uint64_t us, double cpu)
{
    double deliveries = (double)options->rounds * options->streams;

    return (struct result){.per_second = deliveries * 1e6 / (double)us, .cpu_us = cpu / deliveries};
}

static size_t learn_event_bytes(struct load *load)
{
    char buffer[65536];
    size_t length = 0;

    /* One chunk: its line, the payload, CRLF. */
    for (;;) {
        ssize_t got = recv(load->streams[0], buffer + length, sizeof(buffer) - length, 0);

        if (got <= 0)
            bench_die("no event");
        length += (size_t)got;
        if (length >= 10 && length == strtoul(buffer, NULL, 16) + 12)
            return length;
    }
}

static void finish_round(struct load *load, size_t event_bytes)
{
    for (int i = 1; i < load->count; i++) {
        for (size_t got = 0; got < event_bytes;)
            got += read_available(load->streams[i]);
    }
}

static struct result run_ours(const struct options *options, size_t *event_bytes)
{
    struct load load = {0};
    char request[65536 + 256];
    uint16_t port;
    pid_t pid = bench_start_server(options->server, &port);
    int control = bench_connect_to(port);
    int length = snprintf(request, sizeof(request),
                          "POST /publish?scope=bench HTTP/1.1\r\nHost: localhost\r\n"
                          "Content-Length: %d\r\n\r\n%0*d",
                          options->bytes, options->bytes, 0);

    /* The offset in the event's id has four digits from here on: every event has the same length.
     */
    for (int i = 0; i < 1000; i++) {
        bench_send_all(control, request, (size_t)length);
        bench_wait_head(control, "\r\n\r\n");
    }
    open_streams(&load, port, options->streams, true);
    bench_send_all(control, request, (size_t)length);
    bench_wait_head(control, "\r\n\r\n");
    *event_bytes = learn_event_bytes(&load);
    finish_round(&load, *event_bytes);
    double cpu = bench_cpu_us_of(pid);
    uint64_t start = vd_monotonic_us();
    for (int round = 0; round < options->rounds; round++) {
        bench_send_all(control, request, (size_t)length);
        await_round(&load, *event_bytes);
        bench_wait_head(control, "\r\n\r\n");
    }
    struct result result =
        summarise(options, vd_monotonic_us() - start, bench_cpu_us_of(pid) - cpu);
    close_streams(&load);
    close(control);
    bench_end_server(pid, SIGTERM);
    return result;
}

static struct result run_bare(const struct options *options, size_t event_bytes)
{
    struct load load = {0};
    uint16_t port;
    pid_t pid = start_bare(options->streams, event_bytes, &port);
    int control = bench_connect_to(port);

    open_streams(&load, port, options->streams, false);
    double cpu = bench_cpu_us_of(pid);
    uint64_t start = vd_monotonic_us();
    for (int round = 0; round < options->rounds; round++) {
        bench_send_all(control, "x", 1);
        await_round(&load, event_bytes);
    }
    struct result result =
        summarise(options, vd_monotonic_us() - start, bench_cpu_us_of(pid) - cpu);
    close_streams(&load);
    close(control);
    bench_end_server(pid, SIGKILL);
    return result;
}

/* ---- report ------------------------------------------------------------------------------------
 */

static void report(const struct options *options, const struct result *ours,
                   const struct result *bare, size_t event_bytes)
{
    double a[PAIRS_MAX], b[PAIRS_MAX], ratio[PAIRS_MAX], cpu_a[PAIRS_MAX], cpu_b[PAIRS_MAX],
        cpu_ratio[PAIRS_MAX];
    int n = options->pairs;

    for (int i = 0; i < n; i++) {
        a[i] = ours[i].per_second;
        b[i] = bare[i].per_second;
        ratio[i] = a[i] / b[i];
        cpu_a[i] = ours[i].cpu_us;
        cpu_b[i] = bare[i].cpu_us;
        cpu_ratio[i] = cpu_a[i] / cpu_b[i];
    }
    printf(options->json ? "{\"streams\":%d,\"rounds\":%d,\"pairs\":%d,\"event_bytes\":%zu,"
                           "\"viaduct_per_second\":%.0f,\"bare_per_second\":%.0f,\"ratio\":%.3f,"
                           "\"viaduct_cpu_us\":%.2f,\"bare_cpu_us\":%.2f,\"cpu_ratio\":%.3f}\n"
                         : "%d streams, %d rounds, %d pairs, %zu bytes an event (medians)\n"
                           "  viaduct   %9.0f deliveries/s\n  bare loop %9.0f deliveries/s\n"
                           "  ratio     %9.3f\n  viaduct   %9.2f us CPU a delivery\n"
                           "  bare loop %9.2f us CPU a delivery\n  ratio     %9.3f\n",
           options->streams, options->rounds, n, event_bytes, bench_median(a, n),
           bench_median(b, n), bench_median(ratio, n), bench_median(cpu_a, n),
           bench_median(cpu_b, n), bench_median(cpu_ratio, n));
}

static void parse(int argc, char **argv, struct options *options)
{
    static const struct option known[] = {{"server", 1, NULL, 's'}, {"streams", 1, NULL, 'n'},
                                          {"rounds", 1, NULL, 'r'}, {"pairs", 1, NULL, 'p'},
                                          {"bytes", 1, NULL, 'b'},  {"json", 0, NULL, 'j'},
                                          {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        int number = optarg ? atoi(optarg) : 0;

        if (option == 's') {
            options->server = optarg;
        } else if (option == 'n') {
            options->streams = number;
        } else if (option == 'r') {
            options->rounds = number;
        } else if (option == 'p') {
            options->pairs = number;
        } else if (option == 'b') {
            options->bytes = number;
        } else if (option == 'j') {
            options->json = true;
        } else {
            exit(2);
        }
    }
    if (options->streams < 1 || options->streams > 9000 || options->rounds < 1 ||
        options->rounds > 8000 || options->pairs < 1 || options->pairs > PAIRS_MAX ||
        options->bytes < 1 || options->bytes > 60000) {
        fprintf(stderr, "fanout: streams 1-9000, rounds 1-8000, pairs 1-%d, bytes 1-60000\n",
                PAIRS_MAX);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    struct options options = {.streams = 1000, .rounds = 300, .pairs = 3, .bytes = 200};
    struct result ours[PAIRS_MAX], bare[PAIRS_MAX];
    char beside[4096];
    size_t event_bytes = 0;

    options.server = bench_beside(argv[0], "app_server", beside, sizeof(beside));
    parse(argc, argv, &options);
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < options.pairs; i++) {
        ours[i] = run_ours(&options, &event_bytes);
        bare[i] = run_bare(&options, event_bytes);
    }
    report(&options, ours, bare, event_bytes);
    return 0;
}
