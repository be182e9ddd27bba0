/* SPDX-License-Identifier: Apache-2.0 */
/* Hello world through a worker, side by side with the floor: 64 keep-alive connections, each asks
 * again as soon as it is answered.
 *
 * A: our server (HTTP -> gateway -> ring -> worker -> ring -> gateway), the C test application, or
 * any other of ours that says "listening HOST PORT" (--server, for PHP a script that starts it). B:
 * a bare epoll loop that reads what comes and writes a response of the same size: one process. In
 * turn A B A B ...: requests per second, latency and server CPU per request, ratio pair by pair.
 *
 *     hello [--server PATH] [--connections 64] [--requests 100000] [--pairs 3] [--json] */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <viaduct/clock.h>

#include "bench.h"

#define CONNECTIONS_MAX 1024

struct options {
    const char *server;
    int connections, requests, pairs;
    bool json;
};

struct result {
    double per_second, cpu_us, p50_us, p99_us;
};

static const char request[] = "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n";

/* ---- the floor ---------------------------------------------------------------------------------
 */

static void bare_turn(int epoll, int listener, const char *response, size_t length)
{
    struct epoll_event ready[64], watch = {.events = EPOLLIN};
    char buffer[4096];
    int count = epoll_wait(epoll, ready, 64, -1);

    for (int i = 0; i < count; i++) {
        int fd = ready[i].data.fd;

        if (fd == listener) {
            watch.data.fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
            if (watch.data.fd >= 0)
                epoll_ctl(epoll, EPOLL_CTL_ADD, watch.data.fd, &watch);
        } else if (recv(fd, buffer, sizeof(buffer), 0) <= 0) {
            close(fd);
        } else if (send(fd, response, length, MSG_NOSIGNAL) < 0) {
            _exit(1);
        }
    }
}

static pid_t start_bare(const char *response, size_t length, uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct epoll_event watch = {.events = EPOLLIN, .data.fd = listener};

    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 4096))
        bench_die("listen");
    getsockname(listener, (struct sockaddr *)&address, &size);
    *port = ntohs(address.sin_port);
    pid_t pid = fork();
    if (pid == 0) {
        int epoll = epoll_create1(0);

        epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &watch);
        for (;;)
            bare_turn(epoll, listener, response, length);
    }
    close(listener);
    return pid;
}

/* ---- the load ----------------------------------------------------------------------------------
 */

struct load {
    int epoll, fds[CONNECTIONS_MAX];
    size_t pending[CONNECTIONS_MAX];
    uint64_t asked_us[CONNECTIONS_MAX];
    double *latencies;
    int answered, asked;
};

static void ask(struct load *load, int connection, size_t response_bytes)
{
    load->pending[connection] = response_bytes;
    load->asked_us[connection] = vd_monotonic_us();
    load->asked++;
    bench_send_all(load->fds[connection], request, sizeof(request) - 1);
}

static void answered(struct load *load, const struct options *options, int connection,
                     size_t response_bytes)
{
    char buffer[4096];
    ssize_t got = recv(load->fds[connection], buffer, sizeof(buffer), MSG_DONTWAIT);

    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0 || (size_t)got > load->pending[connection])
        bench_die("a wrong answer");
    load->pending[connection] -= (size_t)got;
    if (load->pending[connection])
        return;
    load->latencies[load->answered++] = (double)(vd_monotonic_us() - load->asked_us[connection]);
    if (load->asked < options->requests)
        ask(load, connection, response_bytes);
}

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return left < right ? -1 : left > right;
}

static struct result run_load(const struct options *options, pid_t pid, uint16_t port,
                              size_t response_bytes)
{
    struct load load = {.epoll = epoll_create1(EPOLL_CLOEXEC)};
    struct epoll_event ready[64];
    struct result result;

    load.latencies = malloc((size_t)options->requests * sizeof(double));
    for (int i = 0; i < options->connections; i++) {
        struct epoll_event watch = {.events = EPOLLIN, .data.u32 = (uint32_t)i};

        load.fds[i] = bench_connect_to(port);
        epoll_ctl(load.epoll, EPOLL_CTL_ADD, load.fds[i], &watch);
    }
    double cpu = bench_cpu_us_of(pid);
    uint64_t start = vd_monotonic_us();
    for (int i = 0; i < options->connections; i++)
        ask(&load, i, response_bytes);
    while (load.answered < options->requests) {
        int count = epoll_wait(load.epoll, ready, 64, 10000);

        if (count <= 0)
            bench_die("no answer");
        for (int i = 0; i < count; i++)
            answered(&load, options, (int)ready[i].data.u32, response_bytes);
    }
    result.per_second = options->requests * 1e6 / (double)(vd_monotonic_us() - start);
    result.cpu_us = (bench_cpu_us_of(pid) - cpu) / options->requests;
    qsort(load.latencies, (size_t)options->requests, sizeof(double), by_value);
    result.p50_us = load.latencies[options->requests / 2];
    result.p99_us = load.latencies[(size_t)options->requests * 99 / 100];
    for (int i = 0; i < options->connections; i++)
        close(load.fds[i]);
    close(load.epoll);
    free(load.latencies);
    return result;
}

/* One answer whole, to know its size; the floor then sends the same bytes. */
static size_t learn_response(uint16_t port, char *response, size_t capacity)
{
    int fd = bench_connect_to(port);
    size_t length = 0, body, head;

    bench_send_all(fd, request, sizeof(request) - 1);
    for (;;) {
        ssize_t got = recv(fd, response + length, capacity - 1 - length, 0);
        char *end, *field;

        if (got <= 0)
            bench_die("no answer");
        length += (size_t)got;
        response[length] = '\0';
        end = strstr(response, "\r\n\r\n");
        field = strstr(response, "Content-Length: ");
        if (!end || !field)
            continue;
        head = (size_t)(end + 4 - response);
        body = strtoul(field + 16, NULL, 10);
        if (length == head + body) {
            close(fd);
            return length;
        }
    }
}

/* ---- report ------------------------------------------------------------------------------------
 */

static double median_of(const struct result *results, int count, size_t member)
{
    double values[PAIRS_MAX];

    for (int i = 0; i < count; i++)
        memcpy(&values[i], (const char *)&results[i] + member, sizeof(double));
    return bench_median(values, count);
}

static void report(const struct options *options, const struct result *ours,
                   const struct result *bare)
{
    double ratio[PAIRS_MAX];
    int n = options->pairs;
#define MEDIAN(results, member) median_of(results, n, offsetof(struct result, member))

    for (int i = 0; i < n; i++)
        ratio[i] = ours[i].per_second / bare[i].per_second;
    printf(options->json
               ? "{\"connections\":%d,\"requests\":%d,\"pairs\":%d,\"viaduct_per_second\":%.0f,"
                 "\"viaduct_cpu_us\":%.2f,\"viaduct_p50_us\":%.0f,\"viaduct_p99_us\":%.0f,"
                 "\"bare_per_second\":%.0f,\"bare_cpu_us\":%.2f,\"ratio\":%.3f}\n"
               : "%d connections, %d requests, %d pairs (medians)\n"
                 "  viaduct   %9.0f requests/s, %.2f us CPU, p50 %.0f us, p99 %.0f us\n"
                 "  bare loop %9.0f requests/s, %.2f us CPU\n  ratio     %9.3f\n",
           options->connections, options->requests, n, MEDIAN(ours, per_second),
           MEDIAN(ours, cpu_us), MEDIAN(ours, p50_us), MEDIAN(ours, p99_us),
           MEDIAN(bare, per_second), MEDIAN(bare, cpu_us), bench_median(ratio, n));
}

static void parse(int argc, char **argv, struct options *options)
{
    static const struct option known[] = {{"server", 1, NULL, 's'},   {"connections", 1, NULL, 'c'},
                                          {"requests", 1, NULL, 'r'}, {"pairs", 1, NULL, 'p'},
                                          {"json", 0, NULL, 'j'},     {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option == 's') {
            options->server = optarg;
        } else if (option == 'c') {
            options->connections = atoi(optarg);
        } else if (option == 'r') {
            options->requests = atoi(optarg);
        } else if (option == 'p') {
            options->pairs = atoi(optarg);
        } else if (option == 'j') {
            options->json = true;
        } else {
            exit(2);
        }
    }
    if (options->connections < 1 || options->connections > CONNECTIONS_MAX ||
        options->requests < options->connections || options->requests > 5000000 ||
        options->pairs < 1 || options->pairs > PAIRS_MAX) {
        fprintf(stderr, "hello: connections 1-%d, requests connections-5000000, pairs 1-%d\n",
                CONNECTIONS_MAX, PAIRS_MAX);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    struct options options = {.connections = 64, .requests = 100000, .pairs = 3};
    struct result ours[PAIRS_MAX], bare[PAIRS_MAX];
    char beside[4096], response[4096];

    options.server = bench_beside(argv[0], "app_server", beside, sizeof(beside));
    parse(argc, argv, &options);
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < options.pairs; i++) {
        uint16_t port;
        pid_t pid = bench_start_server(options.server, &port);
        size_t length = learn_response(port, response, sizeof(response));

        ours[i] = run_load(&options, pid, port, length);
        bench_end_server(pid, SIGTERM);
        pid = start_bare(response, length, &port);
        bare[i] = run_load(&options, pid, port, length);
        bench_end_server(pid, SIGKILL);
    }
    report(&options, ours, bare);
    return 0;
}
