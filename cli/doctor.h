/* SPDX-License-Identifier: Apache-2.0 */
/* viaduct doctor: what its files share. doctor.c keeps the report, doctor_line.c connects,
 * doctor_tls.c looks at certificates, and there is a file for each driver's protocol.
 *
 * Each probe is our own, a step at a time, so that the first step that fails is named; the driver's
 * link, which tries all of it at once, is only the last one. */
#ifndef VIADUCT_CLI_DOCTOR_H
#define VIADUCT_CLI_DOCTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "probe.h"
#include "settings.h"
#include "text.h"

enum doctor_state { DOCTOR_OK, DOCTOR_SKIPPED, DOCTOR_WARNING, DOCTOR_FAILED };

struct doctor {
    const struct cli_options *options;
    const struct cli_settings *settings;
    uint32_t step_ms; /* for each step */
    unsigned warnings, failures;
    struct cli_text steps; /* JSON */
    bool step_open;
    char server[320]; /* of several, the one that is examined; "": there is only one */
};

/* The steps from now on are of this one of several servers. */
void doctor_begin_server(struct doctor *doctor, const char *host, const char *port);

/* One line of the report: "ok  login  as user \"node\"". @name: one word, a key in JSON. */
void doctor_step(struct doctor *doctor, enum doctor_state state, const char *name,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Does what a server says hold the @secret (NULL: none)? Then it is not for the report. */
bool doctor_repeats(const void *bytes, size_t length, const char *secret);

/* To the last step: a figure for programs, and what to do about it. */
void doctor_value(struct doctor *doctor, const char *name, double value);
void doctor_advise(struct doctor *doctor, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#define DOCTOR_PROBES       5
#define DOCTOR_PROBE_BYTES  VD_PROBE_BYTES
#define DOCTOR_EXPIRES_DAYS 21

/* A probe as links send them, which nobody takes for a message, into @buffer; returns its length.
 * @token: 16 hex digits. @number tells them apart. */
size_t doctor_probe(char buffer[DOCTOR_PROBE_BYTES], const char *token, unsigned number);

/* @times_us of @count probes that came back. */
void doctor_round_trip(struct doctor *doctor, uint64_t *times_us, unsigned count);

/* The drivers' parts. The configuration was found good. true: at least one server is well. */
bool doctor_redis(struct doctor *doctor);
bool doctor_nats(struct doctor *doctor);

#endif
