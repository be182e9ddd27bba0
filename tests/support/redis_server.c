/* SPDX-License-Identifier: Apache-2.0 */
/* A real redis-server for tests: see redis_server.h. */
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <viaduct/clock.h>

#include "redis_server.h"

#define START_MS 20000

static struct sockaddr_in loopback(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/* Not from the range of ephemeral ports: there, a connection to a port that nobody listens on may
 * meet itself, and a server that is started again may find its port taken by a client. */
static int free_port(void)
{
    for (unsigned tries = 0; tries < 1000; tries++) {
        int port = 20000 + (int)((vd_monotonic_us() * 2654435761u >> 7) % 12000);
        struct sockaddr_in address = loopback(port);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        bool bound = bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;

        close(fd);
        if (bound)
            return port;
    }
    fail_msg("no free port");
    return 0;
}

void redis_server_prepare(struct redis_server *server)
{
    server->pid = 0;
    server->port = free_port();
    strcpy(server->directory, "/tmp/viaduct-redis-XXXXXX");
    assert_non_null(mkdtemp(server->directory));
}

static _Noreturn void run(const struct redis_server *server, pid_t parent)
{
    const char *arguments[56] = {"redis-server", "--save", "", "--bind", "127.0.0.1", "--dir"};
    char port[16];
    int count = 6, null = open("/dev/null", O_RDWR);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || chdir(server->directory) < 0)
        _exit(1);
    dup2(null, 0);
    dup2(null, 1);
    snprintf(port, sizeof(port), "%d", server->port);
    arguments[count++] = server->directory;
    arguments[count++] = "--port";
    arguments[count++] = server->tls ? "0" : port;
    if (server->tls) {
        static const char *const files[] = {"--tls-ca-cert-file", "ca.pem",
                                            "--tls-cert-file",    "server.pem",
                                            "--tls-key-file",     "server.key"};
        arguments[count++] = "--tls-port";
        arguments[count++] = port;
        for (size_t i = 0; i < 6; i++)
            arguments[count++] = files[i];
    }
    for (size_t i = 0; server->options[i]; i++)
        arguments[count++] = server->options[i];
    execvp("redis-server", (char *const *)arguments);
    _exit(127);
}

static bool takes_connections(int port)
{
    struct sockaddr_in address = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool taken = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;

    close(fd);
    return taken;
}

void redis_server_start(struct redis_server *server)
{
    uint64_t deadline_ms = vd_monotonic_ms() + START_MS;
    pid_t parent = getpid();

    server->pid = fork();
    assert_true(server->pid >= 0);
    if (server->pid == 0)
        run(server, parent);
    while (!takes_connections(server->port)) {
        int result;
        if (waitpid(server->pid, &result, WNOHANG) == server->pid) {
            server->pid = 0;
            fail_msg("redis-server ended at once: %d", result);
        }
        if (vd_monotonic_ms() > deadline_ms)
            fail_msg("redis-server did not start");
        poll(NULL, 0, 5);
    }
}

void redis_server_kill(struct redis_server *server)
{
    if (server->pid <= 0)
        return;
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    server->pid = 0;
}

void redis_server_finish(struct redis_server *server)
{
    DIR *directory = opendir(server->directory);
    const struct dirent *file;

    redis_server_kill(server);
    while (directory && (file = readdir(directory)) != NULL) {
        if (file->d_name[0] != '.')
            unlinkat(dirfd(directory), file->d_name, 0);
    }
    if (directory)
        closedir(directory);
    rmdir(server->directory);
}
