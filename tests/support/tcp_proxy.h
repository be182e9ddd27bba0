/* SPDX-License-Identifier: Apache-2.0 */
/* A TCP proxy of a test's own, in a process of its own, that misbehaves on demand. */
#ifndef VIADUCT_TESTS_TCP_PROXY_H
#define VIADUCT_TESTS_TCP_PROXY_H

#include <stdatomic.h>
#include <sys/types.h>

enum tcp_proxy_mode {
    TCP_PROXY_PASS,
    TCP_PROXY_FREEZE, /* connections stay, nothing moves: a half-open link */
    TCP_PROXY_DEAFEN, /* connections that have subscribed get nothing any more, the others work */
    TCP_PROXY_CUT     /* all are closed, and new ones at once */
};

struct tcp_proxy {
    pid_t pid;
    int port; /* on 127.0.0.1 */
    _Atomic int *mode;
};

void tcp_proxy_start(struct tcp_proxy *proxy, int server_port);
void tcp_proxy_set(struct tcp_proxy *proxy, enum tcp_proxy_mode mode);
void tcp_proxy_stop(struct tcp_proxy *proxy);

#endif
