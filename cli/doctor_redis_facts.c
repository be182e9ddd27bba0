/* SPDX-License-Identifier: Apache-2.0 */
/* What a Redis server says of itself, where the user may ask: version and role, limits, clock. None
 * of it is needed: what is not permitted is skipped. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <viaduct/clock.h>
#include <viaduct/wire.h>

#include "doctor_redis.h"

#define CLOCK_MS       2000
#define LIMIT_ROOM     "client-output-buffer-limit"
#define LENGTH_LIMIT   "proto-max-bulk-len"
#define MESSAGES_BELOW 3 /* of the largest ones must fit into what a slow reader may owe */

/* ---- server ------------------------------------------------------------------------------------
 */

/* "name:value" in the lines of INFO. */
static bool find_fact(const struct redis_case *self, const char *name, char *value, size_t size)
{
    const char *at = self->reply.parts[0].bytes, *end = at + self->reply.parts[0].length;
    size_t length = strlen(name);

    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *line_end = newline ? newline : end;
        if ((size_t)(line_end - at) > length && memcmp(at, name, length) == 0 &&
            at[length] == ':') {
            at += length + 1;
            length = (size_t)(line_end - at);
            snprintf(value, size, "%.*s", (int)(length < size ? length : size - 1), at);
            value[strcspn(value, "\r")] = '\0';
            return true;
        }
        at = line_end + 1;
    }
    return false;
}

bool redis_ask_server(struct redis_case *self)
{
    char version[32] = "?", role[16] = "";

    if (!ASK(self, "INFO", "server"))
        return redis_no_answer(self, "server", &self->commands);
    if (self->reply.type == '-') {
        doctor_step(self->doctor, DOCTOR_SKIPPED, "server",
                    "this user may not ask (INFO), which is fine");
        return true;
    }
    find_fact(self, "redis_version", version, sizeof(version));
    if (!ASK(self, "INFO", "replication"))
        return redis_no_answer(self, "server", &self->commands);
    find_fact(self, "role", role, sizeof(role));
    if (strcmp(role, "slave") == 0) {
        doctor_step(self->doctor, DOCTOR_FAILED, "server", "Redis %s, a replica", version);
        doctor_advise(self->doctor, "What is published there reaches its own subscribers only, so "
                                    "nodes do not use it. Name the primary, or list all servers in "
                                    "the URL: whichever is the primary is found.");
        return false;
    }
    doctor_step(self->doctor, DOCTOR_OK, "server", "Redis %s%s%s", version, *role ? ", role " : "",
                role);
    return true;
}

/* ---- limits and clock --------------------------------------------------------------------------
 */

/* A limit of 0 is none. */
static void tell_limits(struct doctor *doctor, bool tight, double hard, double soft, double seconds)
{
    char at_once[64] = "", lasting[64] = "";

    if (hard > 0)
        snprintf(at_once, sizeof(at_once), "at %.1f MiB owed", hard / 1048576);
    if (soft > 0)
        snprintf(lasting, sizeof(lasting), "%.1f MiB for %.0f s", soft / 1048576, seconds);
    doctor_step(doctor, tight ? DOCTOR_WARNING : DOCTOR_OK, "limits",
                "a node that reads too slowly is cut off %s%s%s", at_once,
                hard > 0 && soft > 0 ? ", or "
                : soft > 0           ? "at "
                                     : "",
                lasting);
}

static void judge_limits(struct redis_case *self, double hard, double soft, double seconds)
{
    double least = (double)vd_wire_max_bytes(0) * MESSAGES_BELOW;
    bool tight = (hard > 0 && hard < least) || (soft > 0 && soft < least);
    struct doctor *doctor = self->doctor;

    if (hard == 0 && soft == 0) {
        doctor_step(doctor, DOCTOR_WARNING, "limits",
                    "a subscriber that does not read may fill the server's memory");
        doctor_advise(doctor,
                      "On the server: CONFIG SET " LIMIT_ROOM " 'pubsub 32mb 8mb 60' (and in "
                      "redis.conf). A node that is cut off comes back and resynchronises.");
        return;
    }
    tell_limits(doctor, tight, hard, soft, seconds);
    if (tight) {
        doctor_advise(doctor,
                      "That is less than %d messages of the largest size: nodes will lose the "
                      "link under load. On the server: CONFIG SET " LIMIT_ROOM
                      " 'pubsub 32mb 8mb 60', the default (and in redis.conf).",
                      MESSAGES_BELOW);
    }
}

/* Said only where it is too little: hardly anybody has changed it. */
static bool ask_length(struct redis_case *self)
{
    double least = (double)vd_wire_max_bytes(0), most;
    char text[32];

    if (!ASK(self, "CONFIG", "GET", LENGTH_LIMIT))
        return redis_no_answer(self, "size", &self->commands);
    most = self->reply.count == 2 ? strtod(redis_part(self, 1, text, sizeof(text)), NULL) : 0;
    if (most > 0 && most < least) {
        doctor_step(self->doctor, DOCTOR_WARNING, "size",
                    "the server takes messages of at most %.1f MiB", most / 1048576);
        doctor_advise(self->doctor,
                      "One of Viaduct's has up to %.1f MiB there (1 MiB of data, in JSON); longer "
                      "ones are dropped. On the server: CONFIG SET " LENGTH_LIMIT
                      " 512mb, the default (and in redis.conf).",
                      least / 1048576);
    }
    return true;
}

bool redis_ask_limits(struct redis_case *self)
{
    double hard, soft, seconds;
    char text[256];
    const char *at;

    if (!ASK(self, "CONFIG", "GET", LIMIT_ROOM))
        return redis_no_answer(self, "limits", &self->commands);
    at = self->reply.count == 2 ? strstr(redis_part(self, 1, text, sizeof(text)), "pubsub ") : NULL;
    if (at && sscanf(at, "pubsub %lf %lf %lf", &hard, &soft, &seconds) == 3) {
        judge_limits(self, hard, soft, seconds);
        return ask_length(self);
    }
    doctor_step(self->doctor, DOCTOR_SKIPPED, "limits",
                "this user may not ask (CONFIG), which is fine");
    return true;
}

bool redis_ask_clock(struct redis_case *self)
{
    uint64_t before_ms = vd_wall_ms();
    char seconds[24], micros[24];
    double difference_ms;

    if (!ASK(self, "TIME"))
        return redis_no_answer(self, "clock", &self->commands);
    if (self->reply.count != 2) {
        doctor_step(self->doctor, DOCTOR_SKIPPED, "clock",
                    "this user may not ask (TIME), which is fine");
        return true;
    }
    difference_ms = strtod(redis_part(self, 0, seconds, sizeof(seconds)), NULL) * 1000 +
                    strtod(redis_part(self, 1, micros, sizeof(micros)), NULL) / 1000 -
                    ((double)before_ms + (double)vd_wall_ms()) / 2;
    if (difference_ms > CLOCK_MS || difference_ms < -CLOCK_MS) {
        doctor_step(self->doctor, DOCTOR_WARNING, "clock", "the server's clock is %.1f s %s ours",
                    (difference_ms < 0 ? -difference_ms : difference_ms) / 1000,
                    difference_ms < 0 ? "behind" : "ahead of");
        doctor_advise(self->doctor,
                      "Certificates and logs go by the clock. \"timedatectl\" on both "
                      "machines says whether it is synchronised.");
    } else {
        doctor_step(self->doctor, DOCTOR_OK, "clock", "ours and the server's differ by %.0f ms",
                    difference_ms < 0 ? -difference_ms : difference_ms);
    }
    doctor_value(self->doctor, "difference_ms", difference_ms);
    return true;
}
