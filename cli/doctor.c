/* SPDX-License-Identifier: Apache-2.0 */
/* viaduct doctor: see doctor.h. This file has the order of things and the report.
 *
 * Failure modes: a step that fails ends the examination when the next ones need it; each wait has a
 * deadline, so a frozen server is a failed step. Nothing shown holds a secret; words of the server
 * are shown escaped. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <viaduct/clock.h>

#include "commands.h"
#include "doctor.h"

#define STEP_MS       5000
#define SLOW_US       100000
#define NAME_COLUMN   10
#define TEXT_COLUMN   25
#define ADVICE_COLUMN 79

static const char *const states[] = {"ok", "skipped", "warning", "failed"};

/* ---- report ------------------------------------------------------------------------------------
 */

static void close_step(struct doctor *doctor)
{
    if (doctor->step_open)
        cli_text_print(&doctor->steps, "}");
    doctor->step_open = false;
}

static void show(struct cli_text *line)
{
    cli_text_add(line, "\n", 1);
    fwrite(line->bytes, 1, line->length, stdout);
    fflush(stdout);
}

void doctor_step(struct doctor *doctor, enum doctor_state state, const char *name,
                 const char *format, ...)
{
    struct cli_text line = {0};
    char said[1024];
    va_list arguments;

    doctor->warnings += state == DOCTOR_WARNING;
    doctor->failures += state == DOCTOR_FAILED;
    va_start(arguments, format);
    vsnprintf(said, sizeof(said), format, arguments);
    va_end(arguments);
    close_step(doctor);
    doctor->step_open = true;
    cli_text_print(&doctor->steps,
                   "%s{\"step\":\"%s\",\"state\":\"%s\",\"text\":", doctor->steps.length ? "," : "",
                   name, states[state]);
    cli_text_json_string(&doctor->steps, said);
    if (doctor->server[0]) {
        cli_text_print(&doctor->steps, ",\"server\":");
        cli_text_json_string(&doctor->steps, doctor->server);
    }
    if (doctor->options->json)
        return;
    cli_text_print(&line, "%s", states[state]);
    cli_text_pad(&line, 0, NAME_COLUMN);
    cli_text_print(&line, "%s", name);
    cli_text_pad(&line, 0, TEXT_COLUMN);
    cli_text_safe(&line, said, strlen(said));
    show(&line);
    cli_text_finish(&line);
}

void doctor_begin_server(struct doctor *doctor, const char *host, const char *port)
{
    struct cli_text line = {0};

    snprintf(doctor->server, sizeof(doctor->server), strchr(host, ':') ? "[%s]:%s" : "%s:%s", host,
             port);
    if (!doctor->options->json) {
        cli_text_print(&line, "\n--- ");
        cli_text_safe(&line, doctor->server, strlen(doctor->server));
        show(&line);
    }
    cli_text_finish(&line);
}

bool doctor_repeats(const void *bytes, size_t length, const char *secret)
{
    return secret && *secret && length > 0 && memmem(bytes, length, secret, strlen(secret));
}

void doctor_value(struct doctor *doctor, const char *name, double value)
{
    if (isfinite(value)) /* JSON knows no other */
        cli_text_print(&doctor->steps, ",\"%s\":%.12g", name, value);
}

/* Wrapped below the text of its step. */
static void show_advice(const char *words)
{
    struct cli_text line = {0};
    size_t start = 0;

    cli_text_pad(&line, 0, TEXT_COLUMN);
    for (const char *first = words; *words; words += strspn(words, " ")) {
        size_t length = strcspn(words, " ");
        if (line.length - start + length + 1 > ADVICE_COLUMN) {
            cli_text_add(&line, "\n", 1);
            start = line.length;
            cli_text_pad(&line, start, TEXT_COLUMN);
        } else if (words > first) {
            cli_text_add(&line, " ", 1);
        }
        cli_text_safe(&line, words, length);
        words += length;
    }
    show(&line);
    cli_text_finish(&line);
}

void doctor_advise(struct doctor *doctor, const char *format, ...)
{
    char said[1024];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(said, sizeof(said), format, arguments);
    va_end(arguments);
    cli_text_print(&doctor->steps, ",\"advice\":");
    cli_text_json_string(&doctor->steps, said);
    if (!doctor->options->json)
        show_advice(said);
}

/* ---- what the drivers share --------------------------------------------------------------------
 */

size_t doctor_probe(char buffer[DOCTOR_PROBE_BYTES], const char *token, unsigned number)
{
    return vd_probe_write(buffer, token, number, NULL, 0);
}

static int compare(const void *a, const void *b)
{
    uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;

    return (one > other) - (one < other);
}

void doctor_round_trip(struct doctor *doctor, uint64_t *times_us, unsigned count)
{
    uint64_t median_us;

    qsort(times_us, count, sizeof(*times_us), compare);
    median_us = times_us[count / 2];
    doctor_step(doctor, median_us > SLOW_US ? DOCTOR_WARNING : DOCTOR_OK, "round-trip",
                "%u messages came back: fastest %.2f ms, median %.2f ms, slowest %.2f ms", count,
                (double)times_us[0] / 1000, (double)median_us / 1000,
                (double)times_us[count - 1] / 1000);
    doctor_value(doctor, "median_ms", (double)median_us / 1000);
    if (median_us > SLOW_US) {
        doctor_advise(doctor, "Each broadcast takes that long to reach other nodes. Is the broker "
                              "far away (another region), or its machine overloaded?");
    }
}

/* ---- first and last step -----------------------------------------------------------------------
 */

/* The driver's own checks; opening connects nobody. */
static bool check_configuration(struct doctor *doctor)
{
    char buffer[VD_ERROR_TEXT_BYTES + 32];
    struct vd_broker *broker;
    struct vd_error error;

    if (vd_broker_open(&doctor->settings->broker, &broker, &error) != VD_OK) {
        cli_say("%s", cli_settings_name(error.text, buffer));
        return false;
    }
    vd_broker_destroy(broker);
    return true;
}

struct link_failure {
    bool told;
    char text[VD_ERROR_TEXT_BYTES];
};

static void on_error(struct vd_broker *broker, const struct vd_broker_failure *failure,
                     void *context)
{
    struct link_failure *seen = context;

    (void)broker;
    seen->told = true;
    snprintf(seen->text, sizeof(seen->text), "%s", failure->text);
}

static void check_link(struct doctor *doctor)
{
    struct vd_broker_options options = doctor->settings->broker;
    uint64_t start_us = vd_monotonic_us(), limit_us = (uint64_t)doctor->step_ms * 1000;
    struct link_failure failure = {.text = "it did not come up in time"};
    struct vd_broker_status status = {0};
    struct vd_broker *broker;

    options.on_error = on_error;
    options.context = &failure;
    if (vd_broker_open(&options, &broker, NULL) != VD_OK)
        return;
    while (!status.connected && !failure.told && vd_monotonic_us() - start_us < limit_us) {
        vd_broker_poll(broker, 50);
        vd_broker_status(broker, &status);
    }
    if (status.connected) {
        doctor_step(doctor, DOCTOR_OK, "link", "Viaduct's own link came up in %.1f ms",
                    (double)(vd_monotonic_us() - start_us) / 1000);
    } else {
        doctor_step(doctor, DOCTOR_FAILED, "link", "Viaduct's own link: %s", failure.text);
        doctor_advise(doctor, "A server would keep trying and say this in its log and in /_health. "
                              "What the steps above found is the likely reason.");
    }
    vd_broker_destroy(broker);
}

/* ---- the command -------------------------------------------------------------------------------
 */

static bool examine(struct doctor *doctor)
{
    (void)doctor; /* a build without any network driver */
#ifdef VIADUCT_REDIS
    if (strcmp(doctor->settings->driver->name, "redis") == 0)
        return doctor_redis(doctor);
#endif
#ifdef VIADUCT_NATS
    if (strcmp(doctor->settings->driver->name, "nats") == 0)
        return doctor_nats(doctor);
#endif
    return true;
}

static void show_json(struct doctor *doctor)
{
    struct cli_text text = {0};

    close_step(doctor);
    cli_text_print(&text, "{\"broker\":");
    cli_text_json_string(&text, doctor->settings->shown);
    cli_text_print(&text, ",\"status\":\"%s\",\"failures\":%u,\"warnings\":%u,\"steps\":[",
                   states[doctor->failures   ? DOCTOR_FAILED
                          : doctor->warnings ? DOCTOR_WARNING
                                             : DOCTOR_OK],
                   doctor->failures, doctor->warnings);
    cli_text_add(&text, doctor->steps.bytes, doctor->steps.length);
    cli_text_print(&text, "]}");
    show(&text);
    cli_text_finish(&text);
}

static void show_end(const struct doctor *doctor)
{
    const char *plural = doctor->warnings == 1 ? "" : "s";

    if (doctor->failures) {
        printf("\nIt does not work: %u failed, %u warning%s.\n", doctor->failures, doctor->warnings,
               plural);
    } else if (doctor->warnings) {
        printf("\nIt works, with %u warning%s.\n", doctor->warnings, plural);
    } else {
        printf("\nAll is well.\n");
    }
    fflush(stdout);
}

enum cli_exit cli_doctor(const struct cli_options *options)
{
    struct cli_settings settings;
    struct doctor doctor = {.options = options, .settings = &settings};

    if (options->word_count > 0) {
        cli_say("doctor: it takes options only; the broker is named by --broker");
        return CLI_USAGE;
    }
    doctor.step_ms = options->timeout_ms ? options->timeout_ms : STEP_MS;
    if (!cli_settings_make(&settings, options))
        return CLI_USAGE;
    if (!check_configuration(&doctor)) {
        cli_settings_finish(&settings);
        return CLI_USAGE;
    }
    if (!options->json)
        printf("%s\n\n", settings.shown);
    if (examine(&doctor)) {
        doctor.server[0] = '\0';
        check_link(&doctor);
    }
    if (options->json) {
        show_json(&doctor);
    } else {
        show_end(&doctor);
    }
    cli_text_finish(&doctor.steps);
    cli_settings_finish(&settings);
    return doctor.failures || (options->strict && doctor.warnings) ? CLI_FAILED : CLI_DONE;
}
