/* SPDX-License-Identifier: Apache-2.0 */
/* A TCP proxy for tests: see tcp_proxy.h. One loop over poll; looks at its mode every 5 ms. */
#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tcp_proxy.h"

#define PAIRS 32

struct pair {
    int client, server; /* -1: free */
    bool subscribed;
};

static struct sockaddr_in loopback(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static void end_pair(struct pair *pair)
{
    if (pair->client >= 0)
        close(pair->client);
    if (pair->server >= 0)
        close(pair->server);
    *pair = (struct pair){-1, -1, false};
}

static bool relay(struct pair *pair, int from, int to, bool drop)
{
    char bytes[65536];
    ssize_t count = recv(from, bytes, sizeof(bytes), MSG_DONTWAIT), sent;

    if (count <= 0)
        return false;
    if (from == pair->client && memmem(bytes, (size_t)count, "SUBSCRIBE", 9))
        pair->subscribed = true;
    for (ssize_t at = 0; !drop && at < count; at += sent) {
        sent = send(to, bytes + at, (size_t)(count - at), MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
    }
    return true;
}

static void take_client(int listener, int server_port, struct pair *pairs)
{
    struct sockaddr_in address = loopback(server_port);
    struct pair made = {accept(listener, NULL, NULL), socket(AF_INET, SOCK_STREAM, 0), false};

    if (connect(made.server, (struct sockaddr *)&address, sizeof(address)) == 0) {
        for (unsigned i = 0; i < PAIRS; i++) {
            if (pairs[i].client < 0) {
                pairs[i] = made;
                return;
            }
        }
    }
    end_pair(&made);
}

static void serve_pair(struct pair *pair, const struct pollfd *ready, int mode)
{
    bool deaf = mode == TCP_PROXY_DEAFEN && pair->subscribed;

    if (ready[0].revents && !relay(pair, pair->client, pair->server, false)) {
        end_pair(pair);
    } else if (ready[1].revents && !relay(pair, pair->server, pair->client, deaf)) {
        end_pair(pair);
    }
}

static _Noreturn void serve(int listener, int server_port, _Atomic int *mode_now)
{
    struct pair pairs[PAIRS];
    struct pollfd ready[1 + 2 * PAIRS];

    for (unsigned i = 0; i < PAIRS; i++)
        pairs[i] = (struct pair){-1, -1, false};
    for (;;) {
        int mode = atomic_load(mode_now);
        bool moves = mode != TCP_PROXY_FREEZE;
        ready[0] = (struct pollfd){.fd = moves ? listener : -1, .events = POLLIN};
        for (unsigned i = 0; i < PAIRS; i++) {
            if (mode == TCP_PROXY_CUT)
                end_pair(&pairs[i]);
            ready[1 + 2 * i] =
                (struct pollfd){.fd = moves ? pairs[i].client : -1, .events = POLLIN};
            ready[2 + 2 * i] =
                (struct pollfd){.fd = moves ? pairs[i].server : -1, .events = POLLIN};
        }
        poll(ready, 1 + 2 * PAIRS, 5);
        for (unsigned i = 0; i < PAIRS; i++) {
            if (pairs[i].client >= 0)
                serve_pair(&pairs[i], &ready[1 + 2 * i], mode);
        }
        if (ready[0].revents)
            take_client(listener, server_port, pairs);
    }
}

void tcp_proxy_start(struct tcp_proxy *proxy, int server_port)
{
    struct sockaddr_in address = loopback(0);
    socklen_t length = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pid_t parent = getpid();

    proxy->mode =
        mmap(NULL, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(proxy->mode, MAP_FAILED);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 64), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    proxy->port = ntohs(address.sin_port);
    proxy->pid = fork();
    assert_true(proxy->pid >= 0);
    if (proxy->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(1);
        serve(listener, server_port, proxy->mode);
    }
    close(listener);
}

void tcp_proxy_set(struct tcp_proxy *proxy, enum tcp_proxy_mode mode)
{
    atomic_store(proxy->mode, mode);
}

void tcp_proxy_stop(struct tcp_proxy *proxy)
{
    kill(proxy->pid, SIGKILL);
    waitpid(proxy->pid, NULL, 0);
    munmap(proxy->mode, sizeof(int));
}
