/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the C test server share. */
#ifndef VIADUCT_APP_SERVER_H
#define VIADUCT_APP_SERVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server.h"
#include "worker.h"
#include "worker_router.h"

#define WATCH_MAX 8

struct watch {
    const char *text; /* pattern, or milliseconds */
    bool every_worker;
};

#define ERRORS_MAX 1024

/* One VD_WORKER_BROKER_ERROR. */
struct seen_error {
    unsigned worker;
    char code[32], driver[32], text[VD_ERROR_TEXT_BYTES];
    uint32_t attempt, next_delay_ms;
    _Atomic bool whole;
};

/* Seen by all processes: any worker can answer for the others. */
struct counts {
    _Atomic uint64_t errors;
    struct seen_error last_errors[ERRORS_MAX]; /* error n stands at n % ERRORS_MAX */
    _Atomic uint64_t gaps[VD_WORKERS_MAX];
    _Atomic uint64_t messages[WATCH_MAX][VD_WORKERS_MAX];
    _Atomic uint64_t ticks[WATCH_MAX][VD_WORKERS_MAX];
};

struct app {
    struct vd_server_config config;
    struct vd_broker_options link;
    struct watch subscriptions[WATCH_MAX];
    struct watch intervals[WATCH_MAX];
    size_t subscription_count, interval_count;
    const char *boot;
    const char *farewell;
    const char *listeners[VD_LISTENERS_MAX];
    const char *trusted[VD_TRUSTED_MAX];
    struct counts *counts;
    struct vd_router *router;
    struct vd_route_match match;
};

/* Take one option and its value; false: no such option, or a value that makes no sense. */
bool app_set_option(struct app *app, const char *option, const char *value);

#endif
