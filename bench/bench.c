/* SPDX-License-Identifier: Apache-2.0 */
/* What the benchmarks of a whole server share: start it, connect, its CPU time, medians. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

_Noreturn void bench_die(const char *what)
{
    fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
    exit(1);
}

int bench_connect_to(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        bench_die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

void bench_send_all(int fd, const char *bytes, size_t length)
{
    while (length) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);

        if (sent < 0)
            bench_die("send");
        bytes += sent;
        length -= (size_t)sent;
    }
}

void bench_wait_head(int fd, const char *until)
{
    char buffer[4096];
    size_t length = 0;

    while (length < sizeof(buffer) - 1) {
        ssize_t got = recv(fd, buffer + length, sizeof(buffer) - 1 - length, 0);

        if (got <= 0)
            bench_die("no answer");
        length += (size_t)got;
        buffer[length] = '\0';
        if (strstr(buffer, until))
            return;
    }
}

/* ---- ours --------------------------------------------------------------------------------------
 */

pid_t bench_start_server(const char *path, uint16_t *port)
{
    int out[2];
    char line[256] = {0};

    if (pipe(out) != 0)
        bench_die("pipe");
    pid_t pid = fork();
    if (pid == 0) {
        dup2(out[1], 1);
        close(out[0]);
        execl(path, path, "--port", "0", "--workers", "2", "--broker", "pipe", (char *)NULL);
        bench_die(path);
    }
    close(out[1]);
    FILE *file = fdopen(out[0], "r");
    char host[64];
    unsigned number;
    if (!fgets(line, sizeof(line), file) || sscanf(line, "listening %63s %u", host, &number) != 2) {
        fprintf(stderr, "bench: %s did not say where it listens: %s\n", path, line);
        exit(1);
    }
    *port = (uint16_t)number;
    return pid;
}

/* ---- CPU of a process and its children ---------------------------------------------------------
 */

static double ticks_of(pid_t pid)
{
    char path[64], text[1024], *fields;
    unsigned long user, system;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    if (!(file = fopen(path, "r")))
        return 0;
    size_t got = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[got] = '\0';
    fields = strrchr(text, ')');
    if (!fields || sscanf(fields + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
                          &system) != 2)
        return 0;
    return (double)(user + system);
}

double bench_cpu_us_of(pid_t pid)
{
    char path[96];
    double ticks = ticks_of(pid);
    int child;

    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
    FILE *file = fopen(path, "r");
    while (file && fscanf(file, "%d", &child) == 1)
        ticks += ticks_of(child);
    if (file)
        fclose(file);
    return ticks * 1e6 / (double)sysconf(_SC_CLK_TCK);
}

void bench_end_server(pid_t pid, int signal_number)
{
    int status;

    kill(pid, signal_number);
    waitpid(pid, &status, 0);
}

/* ---- report */

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return left < right ? -1 : left > right;
}

double bench_median(const double *values, int count)
{
    double sorted[PAIRS_MAX];

    memcpy(sorted, values, (size_t)count * sizeof(double));
    qsort(sorted, (size_t)count, sizeof(double), by_value);
    return count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

const char *bench_beside(const char *program, const char *name, char *path, size_t capacity)
{
    const char *slash = strrchr(program, '/');

    snprintf(path, capacity, "%.*s/%s", slash ? (int)(slash - program) : 1, slash ? program : ".",
             name);
    return path;
}
