/* SPDX-License-Identifier: Apache-2.0 */
/* A TCP proxy of a test's own, in a process of its own, that misbehaves on demand. */
#ifndef VIADUCT_TESTS_TCP_PROXY_H
#define VIADUCT_TESTS_TCP_PROXY_H

#include <sys/types.h>

enum tcp_proxy_mode {
    TCP_PROXY_PASS,
    TCP_PROXY_FREEZE, /* connections stay, nothing moves: a half-open link */
    TCP_PROXY_DEAFEN, /* connections that have subscribed get nothing any more, others work */
    TCP_PROXY_GAG,    /* the same of those that have not subscribed */
    TCP_PROXY_MUTE,   /* connections are taken, what they send is swallowed, nobody answers */
    TCP_PROXY_STALL,  /* the first STALL_BYTES of the server pass, then nothing: in mid-handshake */
    TCP_PROXY_HALF_CLOSE, /* towards the client all are ended; what it still sends is passed on */
    TCP_PROXY_DELAY,      /* each piece is passed on only after DELAY_MS */
    TCP_PROXY_DRIP,       /* from the server one byte at a time */
    TCP_PROXY_CUT         /* all are closed, and new ones at once */
};
#define TCP_PROXY_STALL_BYTES 600
#define TCP_PROXY_DELAY_MS    100

struct tcp_proxy_shared;

struct tcp_proxy {
    pid_t pid;
    int port; /* on 127.0.0.1 */
    int wake_fd;
    struct tcp_proxy_shared *shared;
};

/* @subscribe: the bytes by which DEAFEN knows a connection that subscribes ("SUBSCRIBE"). */
void tcp_proxy_start(struct tcp_proxy *proxy, int server_port, const char *subscribe);
void tcp_proxy_set(struct tcp_proxy *proxy, enum tcp_proxy_mode mode);
/* Close all connections there are, once, whatever the mode. */
void tcp_proxy_cut(struct tcp_proxy *proxy);
/* Where new connections go from now on. */
void tcp_proxy_aim(struct tcp_proxy *proxy, int server_port);
/* And each second one there: connections of one client end at different servers. 0: no more. */
void tcp_proxy_split(struct tcp_proxy *proxy, int other_port);
/* Connections taken so far. */
unsigned tcp_proxy_taken(const struct tcp_proxy *proxy);
void tcp_proxy_stop(struct tcp_proxy *proxy); /* not started is fine */

#endif
