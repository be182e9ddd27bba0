/* SPDX-License-Identifier: Apache-2.0 */
/* A health endpoint for C programs: /_health, /_health/live, /_health/ready and /metrics as the
 * server has them, on a port and a thread of its own.
 *
 *     struct vd_health_options options = {.port = 9090, .version = "1.2"};
 *     vd_health_listen(&options, &listener, &error);
 *     while (running) {
 *         vd_broker_poll(broker, 1000);
 *         vd_health_report(listener, &(struct vd_health_report){.broker = broker});
 *     }
 *     vd_health_close(listener);
 *
 * The thread answers with what was reported last, also while the program is busy. A program that
 * has not reported for stale_ms hangs, as far as anybody can tell: it is degraded with the reason
 * "not_reporting", and /_health/live is 503, so that whoever watches it starts it again.
 *
 * Made for probes in one's own network, not for the street: evhttp behind it bounds sizes and
 * times, not the number of connections. */
#ifndef VIADUCT_HEALTH_LISTENER_H
#define VIADUCT_HEALTH_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

#include <viaduct/broker.h>
#include <viaduct/error.h>

struct vd_health_listener;

#define VD_HEALTH_NEVER_STALE UINT32_MAX

/* Zeroed memory is valid: 0 and NULL mean the default named here. Copied. */
struct vd_health_options {
    const char *host;    /* "127.0.0.1"; a numeric address, "0.0.0.0" or "::" for all */
    uint16_t port;       /* 0: the kernel chooses, see vd_health_port */
    const char *version; /* of the program; NULL: of the library */
    uint32_t stale_ms;   /* 10,000; VD_HEALTH_NEVER_STALE: reports do not age */
};

/* What the program says of itself. Zeroed memory is "all is well". */
struct vd_health_report {
    const struct vd_broker
        *broker;       /* its status is read here, in the caller's thread; NULL: none */
    bool draining;     /* about to end: degraded, so that balancers look elsewhere */
    uint64_t contexts; /* what the program counts under these names */
    uint64_t streams;
};

/* Listen and start the thread, which takes no signals.
 * Returns: VD_OK; VD_ERR_INVALID (@error says why), VD_ERR_EXISTS (address in use), VD_ERR_SYSTEM,
 * VD_ERR_NO_MEMORY. Processes: the one that reports, after its fork; a child has no thread. */
enum vd_err vd_health_listen(const struct vd_health_options *options,
                             struct vd_health_listener **listener, struct vd_error *error);

/* The port as it turned out. */
uint16_t vd_health_port(const struct vd_health_listener *listener);

/* Threads: any, when @report has no broker; else the broker's. Does not block. */
void vd_health_report(struct vd_health_listener *listener, const struct vd_health_report *report);

/* Stop the thread and close the port; what is being answered is cut. NULL is fine. */
void vd_health_close(struct vd_health_listener *listener);

#endif
