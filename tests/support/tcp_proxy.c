/* SPDX-License-Identifier: Apache-2.0 */
/* A TCP proxy for tests: see tcp_proxy.h. One loop over poll, woken by an eventfd when
 * it is to behave differently. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <viaduct/clock.h>

#include "tcp_proxy.h"

#define PAIRS 32

struct tcp_proxy_shared {
    _Atomic int mode, server_port, other_port;
    _Atomic unsigned taken, cuts;
};

enum side { CLIENT, SERVER };

struct pair {
    int fds[2];           /* CLIENT, SERVER; -1: free */
    uint64_t waits_ms[2]; /* DELAY: since when something waits there; 0: nothing does */
    size_t from_server;   /* bytes passed on */
    bool subscribed;
    bool half_closed;
};

static struct sockaddr_in loopback(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static void end_pair(struct pair *pair)
{
    for (unsigned side = 0; side < 2; side++) {
        if (pair->fds[side] >= 0)
            close(pair->fds[side]);
    }
    *pair = (struct pair){.fds = {-1, -1}};
}

static bool send_all(int fd, const char *bytes, size_t length)
{
    ssize_t sent;

    for (size_t at = 0; at < length; at += (size_t)sent) {
        sent = send(fd, bytes + at, length - at, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
    }
    return true;
}

/* Is what comes from @from to be lost? */
static bool is_swallowed(const struct pair *pair, enum side from, int mode)
{
    switch (mode) {
    case TCP_PROXY_MUTE:
        return true;
    case TCP_PROXY_DEAFEN:
        return from == SERVER && pair->subscribed;
    case TCP_PROXY_GAG:
        return !pair->subscribed;
    case TCP_PROXY_STALL:
        return from == SERVER && pair->from_server >= TCP_PROXY_STALL_BYTES;
    default:
        return from == SERVER && pair->half_closed;
    }
}

static size_t bite(const struct pair *pair, enum side from, int mode, size_t capacity)
{
    if (from == SERVER && mode == TCP_PROXY_DRIP)
        return 1;
    if (from == SERVER && mode == TCP_PROXY_STALL && pair->from_server < TCP_PROXY_STALL_BYTES)
        return TCP_PROXY_STALL_BYTES - pair->from_server;
    return capacity;
}

/* false: the pair is at its end. */
static bool relay(struct pair *pair, enum side from, int mode, const char *subscribe)
{
    char bytes[65536];
    ssize_t count =
        recv(pair->fds[from], bytes, bite(pair, from, mode, sizeof(bytes)), MSG_DONTWAIT);

    if (count <= 0)
        return false;
    if (from == CLIENT && memmem(bytes, (size_t)count, subscribe, strlen(subscribe)))
        pair->subscribed = true;
    if (is_swallowed(pair, from, mode))
        return true;
    if (from == SERVER)
        pair->from_server += (size_t)count;
    return send_all(pair->fds[!from], bytes, (size_t)count);
}

static int target(struct tcp_proxy_shared *shared)
{
    unsigned number = atomic_fetch_add(&shared->taken, 1);
    int other_port = atomic_load(&shared->other_port);

    return other_port && number % 2 == 1 ? other_port : atomic_load(&shared->server_port);
}

static void take_client(int listener, struct tcp_proxy_shared *shared, struct pair *pairs)
{
    struct sockaddr_in address = loopback(target(shared));
    struct pair made = {
        .fds = {accept(listener, NULL, NULL), socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)}};

    for (unsigned side = 0; side < 2; side++)
        setsockopt(made.fds[side], IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (connect(made.fds[SERVER], (struct sockaddr *)&address, sizeof(address)) == 0) {
        for (unsigned i = 0; i < PAIRS; i++) {
            if (pairs[i].fds[CLIENT] < 0) {
                pairs[i] = made;
                return;
            }
        }
    }
    end_pair(&made);
}

static bool is_due(struct pair *pair, enum side from, int mode)
{
    uint64_t now_ms = vd_monotonic_ms();

    if (mode != TCP_PROXY_DELAY)
        return true;
    if (pair->waits_ms[from] == 0)
        pair->waits_ms[from] = now_ms;
    return now_ms - pair->waits_ms[from] >= TCP_PROXY_DELAY_MS;
}

static void serve_pair(struct pair *pair, const struct pollfd *ready, int mode,
                       const char *subscribe)
{
    for (unsigned side = 0; side < 2 && pair->fds[CLIENT] >= 0; side++) {
        if (!ready[side].revents || !is_due(pair, side, mode))
            continue;
        pair->waits_ms[side] = 0;
        if (!relay(pair, side, mode, subscribe))
            end_pair(pair);
    }
}

static void prepare_pair(struct pair *pair, struct pollfd *ready, int mode)
{
    if (mode == TCP_PROXY_CUT)
        end_pair(pair);
    if (mode == TCP_PROXY_HALF_CLOSE && pair->fds[CLIENT] >= 0 && !pair->half_closed) {
        shutdown(pair->fds[CLIENT], SHUT_WR);
        pair->half_closed = true;
    }
    for (unsigned side = 0; side < 2; side++) {
        ready[side] = (struct pollfd){.fd = mode == TCP_PROXY_FREEZE ? -1 : pair->fds[side],
                                      .events = POLLIN};
    }
}

static void cut_all(struct pair *pairs)
{
    for (unsigned i = 0; i < PAIRS; i++)
        end_pair(&pairs[i]);
}

static void turn(int listener, int wake_fd, struct tcp_proxy_shared *shared, struct pair *pairs,
                 const char *subscribe)
{
    struct pollfd ready[2 + 2 * PAIRS];
    int mode = atomic_load(&shared->mode);
    uint64_t woken;

    ready[0] = (struct pollfd){.fd = wake_fd, .events = POLLIN};
    ready[1] = (struct pollfd){.fd = mode == TCP_PROXY_FREEZE ? -1 : listener, .events = POLLIN};
    for (unsigned i = 0; i < PAIRS; i++)
        prepare_pair(&pairs[i], &ready[2 + 2 * i], mode);
    poll(ready, 2 + 2 * PAIRS, -1);
    if (ready[0].revents) {
        if (read(wake_fd, &woken, sizeof(woken)) < 0)
            _exit(1);
        return;
    }
    if (mode == TCP_PROXY_DELAY) /* what is not due yet stays readable */
        poll(NULL, 0, 1);
    for (unsigned i = 0; i < PAIRS; i++)
        serve_pair(&pairs[i], &ready[2 + 2 * i], mode, subscribe);
    if (ready[1].revents)
        take_client(listener, shared, pairs);
}

static _Noreturn void serve(int listener, int wake_fd, struct tcp_proxy_shared *shared,
                            const char *subscribe)
{
    struct pair pairs[PAIRS];
    unsigned cuts = 0;

    for (unsigned i = 0; i < PAIRS; i++)
        pairs[i] = (struct pair){.fds = {-1, -1}};
    for (;;) {
        if (cuts != atomic_load(&shared->cuts)) {
            cuts = atomic_load(&shared->cuts);
            cut_all(pairs);
        }
        turn(listener, wake_fd, shared, pairs, subscribe);
    }
}

void tcp_proxy_start(struct tcp_proxy *proxy, int server_port, const char *subscribe)
{
    struct sockaddr_in address = loopback(0);
    socklen_t length = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pid_t parent = getpid();

    proxy->shared = mmap(NULL, sizeof(*proxy->shared), PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(proxy->shared, MAP_FAILED);
    atomic_store(&proxy->shared->server_port, server_port);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 64), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    proxy->port = ntohs(address.sin_port);
    proxy->wake_fd = eventfd(0, EFD_CLOEXEC);
    assert_true(proxy->wake_fd >= 0);
    proxy->pid = fork();
    assert_true(proxy->pid >= 0);
    if (proxy->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(1);
        serve(listener, proxy->wake_fd, proxy->shared, subscribe);
    }
    close(listener);
}

static void wake(const struct tcp_proxy *proxy)
{
    const uint64_t one = 1;

    assert_int_equal(write(proxy->wake_fd, &one, sizeof(one)), sizeof(one));
}

void tcp_proxy_set(struct tcp_proxy *proxy, enum tcp_proxy_mode mode)
{
    atomic_store(&proxy->shared->mode, mode);
    wake(proxy);
}

void tcp_proxy_cut(struct tcp_proxy *proxy)
{
    atomic_fetch_add(&proxy->shared->cuts, 1);
    wake(proxy);
}

void tcp_proxy_aim(struct tcp_proxy *proxy, int server_port)
{
    atomic_store(&proxy->shared->server_port, server_port);
}

void tcp_proxy_split(struct tcp_proxy *proxy, int other_port)
{
    atomic_store(&proxy->shared->other_port, other_port);
}

unsigned tcp_proxy_taken(const struct tcp_proxy *proxy)
{
    return atomic_load(&proxy->shared->taken);
}

void tcp_proxy_stop(struct tcp_proxy *proxy)
{
    if (proxy->pid <= 0)
        return;
    kill(proxy->pid, SIGKILL);
    waitpid(proxy->pid, NULL, 0);
    close(proxy->wake_fd);
    munmap(proxy->shared, sizeof(*proxy->shared));
    *proxy = (struct tcp_proxy){0};
}
