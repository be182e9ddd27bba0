/* SPDX-License-Identifier: Apache-2.0 */
/* A real server for tests: see broker_server.h. */
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
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <viaduct/clock.h>

#include "broker_server.h"

#define START_MS 60000

static struct sockaddr_in loopback(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/* Among all tests that run on this machine: a name that the kernel gives back when this process,
 * and the children that it forks, have ended. */
static bool claim(int port)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int length =
        snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "viaduct-test-port-%d", port);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (bind(fd, (struct sockaddr *)&name,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length)) == 0)
        return true;
    close(fd);
    return false;
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
        if (bound && claim(port))
            return port;
    }
    fail_msg("no free port");
    return 0;
}

void broker_server_prepare(struct broker_server *server)
{
    server->pid = 0;
    server->port = free_port();
    snprintf(server->port_text, sizeof(server->port_text), "%d", server->port);
    strcpy(server->directory, "/tmp/viaduct-broker-XXXXXX");
    assert_non_null(mkdtemp(server->directory));
}

static size_t redis_arguments(const struct broker_server *server, const char **arguments)
{
    static const char *const always[] = {"--save", "", "--bind", "127.0.0.1", "--dir", "."};
    static const char *const tls[] = {"--tls-ca-cert-file", "ca.pem",         "--tls-cert-file",
                                      "server.pem",         "--tls-key-file", "server.key",
                                      "--tls-auth-clients"};
    size_t count = 0;

    for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
        arguments[count++] = always[i];
    arguments[count++] = "--port";
    arguments[count++] = server->tls ? "0" : server->port_text;
    if (!server->tls)
        return count;
    arguments[count++] = "--tls-port";
    arguments[count++] = server->port_text;
    for (size_t i = 0; i < sizeof(tls) / sizeof(tls[0]); i++)
        arguments[count++] = tls[i];
    arguments[count++] = server->client_certificates ? "yes" : "no";
    return count;
}

const struct broker_server_kind broker_server_redis = {
    .program = "redis-server",
    .driver = "redis",
    .scheme = "redis",
    .tls_scheme = "rediss",
    .arguments = redis_arguments,
};

/* Its configuration has to be a file. */
static size_t nats_arguments(const struct broker_server *server, const char **arguments)
{
    char path[sizeof(server->directory) + 16];
    FILE *file;

    snprintf(path, sizeof(path), "%s/server.conf", server->directory);
    file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "listen: 127.0.0.1:%s\n", server->port_text);
    if (server->tls) {
        fprintf(file, "tls { cert_file: server.pem, key_file: server.key%s }\n",
                server->client_certificates ? ", ca_file: ca.pem, verify: true" : "");
    }
    fprintf(file, "%s\n", server->config ? server->config : "");
    fclose(file);
    arguments[0] = "-c";
    arguments[1] = "server.conf";
    return 2;
}

const struct broker_server_kind broker_server_nats = {
    .program = "nats-server",
    .driver = "nats",
    .scheme = "nats",
    .tls_scheme = "tls",
    .arguments = nats_arguments,
};

/* In the child of a process that has threads: no memory may be asked for. */
static _Noreturn void run(const struct broker_server *server, const char *const *arguments,
                          pid_t parent)
{
    int null = open("/dev/null", O_RDWR), log;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || chdir(server->directory) < 0)
        _exit(1);
    log = open("server.log", O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(null, 0);
    dup2(log, 1);
    dup2(log, 2);
    execvp(server->kind->program, (char *const *)arguments);
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

void broker_server_start(struct broker_server *server)
{
    const char *arguments[1 + BROKER_SERVER_ARGUMENTS] = {server->kind->program};
    uint64_t deadline_ms = vd_monotonic_ms() + START_MS;
    size_t count = 1 + server->kind->arguments(server, arguments + 1);
    pid_t parent = getpid();

    for (size_t i = 0; server->options[i]; i++)
        arguments[count++] = server->options[i];
    server->pid = fork();
    assert_true(server->pid >= 0);
    if (server->pid == 0)
        run(server, arguments, parent);
    while (!takes_connections(server->port)) {
        int result;
        if (waitpid(server->pid, &result, WNOHANG) == server->pid) {
            server->pid = 0;
            fail_msg("%s ended at once: %d", server->kind->program, result);
        }
        if (vd_monotonic_ms() > deadline_ms)
            fail_msg("%s did not start", server->kind->program);
        poll(NULL, 0, 5);
    }
}

void broker_server_kill(struct broker_server *server)
{
    if (server->pid <= 0)
        return;
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    server->pid = 0;
}

void broker_server_finish(struct broker_server *server)
{
    const struct dirent *file;
    DIR *directory;

    broker_server_kill(server);
    if (!server->directory[0])
        return;
    directory = opendir(server->directory);
    while (directory && (file = readdir(directory)) != NULL) {
        if (file->d_name[0] != '.')
            unlinkat(dirfd(directory), file->d_name, 0);
    }
    if (directory)
        closedir(directory);
    rmdir(server->directory);
    server->directory[0] = '\0';
}
