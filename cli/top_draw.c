/* SPDX-License-Identifier: Apache-2.0 */
/* A node's document as text for people: see top.h. Rates come from two documents; names of tables
 * and counters, which the application chose, are shown escaped.
 *
 * Pure: documents in, text out. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "top.h"

#define NAME_COLUMNS 24
#define BAR_COLUMNS  16
#define NUMBER_MOST  1e20
#define SECONDS_MOST 1e12
#define SHOWN_MOST   1000 /* counters: each is looked for in the picture before */

struct picture {
    struct cli_text text;
    const struct json *now, *before;
    double seconds; /* between the two; 0: no rates */
};

/* ---- cells -------------------------------------------------------------------------------------
 */

/* "1,234,567" */
static void add_number(struct cli_text *text, double number)
{
    char digits[32];
    int length;

    if (number > NUMBER_MOST || number < -NUMBER_MOST) {
        cli_text_print(text, "%.3g", number); /* no number of a node's */
        return;
    }
    length = snprintf(digits, sizeof(digits), "%.0f", number < 0 ? -number : number);

    if (number < 0)
        cli_text_add(text, "-", 1);
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            cli_text_add(text, ",", 1);
        cli_text_add(text, &digits[i], 1);
    }
}

static void add_bytes(struct cli_text *text, double bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    unsigned unit = 0;

    while (bytes >= 1024 && unit < 4) {
        bytes /= 1024;
        unit++;
    }
    cli_text_print(text, unit == 0 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
}

/* Characters on the screen, roughly: UTF-8 without combining ones. */
static unsigned width(const char *bytes, size_t length)
{
    unsigned columns = 0;

    for (size_t i = 0; i < length; i++)
        columns += ((unsigned char)bytes[i] & 0xC0u) != 0x80u;
    return columns;
}

/* Moves @cell into @text, in @columns columns; negative: at their right. */
static void put(struct cli_text *text, struct cli_text *cell, int columns)
{
    unsigned wanted = (unsigned)abs(columns), used = width(cell->bytes, cell->length);

    for (; columns < 0 && used < wanted; used++)
        cli_text_add(text, " ", 1);
    cli_text_add(text, cell->bytes, cell->length);
    for (; used < wanted; used++)
        cli_text_add(text, " ", 1);
    cli_text_add(text, "  ", 2);
    cli_text_finish(cell);
}

static void put_words(struct cli_text *text, const char *words, int columns)
{
    struct cli_text cell = {0};

    cli_text_safe(&cell, words, strlen(words));
    put(text, &cell, columns);
}

static void put_number(struct cli_text *text, double number, int columns)
{
    struct cli_text cell = {0};

    add_number(&cell, number);
    put(text, &cell, columns);
}

/* A second; "-" when there is nothing to compare with. */
static void add_rate(const struct picture *picture, struct cli_text *text, const struct json *now,
                     const struct json *before, const char *name)
{
    double difference = json_number(now, name) - json_number(before, name);

    if (picture->seconds <= 0 || !before || difference < 0) {
        cli_text_print(text, "-");
    } else if (difference / picture->seconds < 10 && difference > 0) {
        cli_text_print(text, "%.1f", difference / picture->seconds);
    } else {
        add_number(text, difference / picture->seconds);
    }
}

static void put_rate(struct picture *picture, const struct json *now, const struct json *before,
                     const char *name, int columns)
{
    struct cli_text cell = {0};

    add_rate(picture, &cell, now, before, name);
    put(&picture->text, &cell, columns);
}

static void end_line(struct picture *picture)
{
    struct cli_text *text = &picture->text;

    while (text->length > 0 && text->bytes[text->length - 1] == ' ')
        text->length--;
    cli_text_add(text, "\n", 1);
}

/* The element of the earlier document that has the same value of @key. */
static const struct json *same(const struct json *list, const struct json *element, const char *key)
{
    const char *name = json_string(element, key);
    double number = json_number(element, key);

    for (const struct json *one = list ? list->first : NULL; one; one = one->next) {
        if (strcmp(json_string(one, key), name) == 0 && json_number(one, key) == number)
            return one;
    }
    return NULL;
}

/* ---- head --------------------------------------------------------------------------------------
 */

static void draw_node(struct picture *picture)
{
    struct cli_text *text = &picture->text;
    const struct json *now = picture->now, *listeners = json_get(now, "listeners");
    const struct json *arena = json_get(now, "arena");
    double seconds = json_number(now, "uptime_ms") / 1000;
    uint64_t up = seconds > 0 && seconds < SECONDS_MOST ? (uint64_t)seconds : 0;

    cli_text_print(text, "viaduct ");
    put_words(text, json_string(now, "version"), 0);
    cli_text_print(text, "node ");
    put_words(text, json_string(now, "node"), 0);
    cli_text_print(text, "pid %.0f  up ", json_number(now, "pid"));
    if (up >= 86400)
        cli_text_print(text, "%llud ", (unsigned long long)(up / 86400));
    cli_text_print(text, "%02u:%02u:%02u  ", (unsigned)(up / 3600 % 24), (unsigned)(up / 60 % 60),
                   (unsigned)(up % 60));
    put_words(text, json_string(now, "status"), 0);
    end_line(picture);
    for (const struct json *one = listeners ? listeners->first : NULL; one; one = one->next)
        put_words(text, one->string ? one->string : "", 0);
    cli_text_print(text, "shared memory ");
    add_bytes(text, json_number(arena, "used_bytes"));
    end_line(picture);
    end_line(picture);
}

static void draw_traffic(struct picture *picture)
{
    const struct json *now = json_get(picture->now, "gateway");
    const struct json *before = json_get(picture->before, "gateway");
    const struct json *responses = json_get(now, "responses_total");
    struct cli_text *text = &picture->text;
    unsigned class = 0;

    cli_text_print(text, "http      ");
    add_rate(picture, text, now, before, "requests_total");
    cli_text_print(text, " requests/s  ");
    add_number(text, json_number(now, "connections"));
    cli_text_print(text, " connections  queue ");
    add_number(text, json_number(now, "queue"));
    for (const struct json *one = responses ? responses->first : NULL; one; one = one->next) {
        class ++;
        if (class == 1)
            continue;
        cli_text_print(text, "  %uxx ", class);
        add_number(text, one->number);
    }
    end_line(picture);
    cli_text_print(text, "streams   ");
    add_number(text, json_number(now, "streams"));
    cli_text_print(text, " open  ");
    add_rate(picture, text, now, before, "published_total");
    cli_text_print(text, " published/s  ");
    add_rate(picture, text, now, before, "delivered_total");
    cli_text_print(text, " delivered/s  dropped ");
    add_number(text, json_number(now, "dropped_total"));
    cli_text_print(text, "  history ");
    add_number(text, json_number(now, "history_messages"));
    end_line(picture);
    cli_text_print(text, "gateway   pid %.0f  deaths ", json_number(now, "pid"));
    add_number(text, json_number(now, "deaths_total"));
    cli_text_print(text, "  turns/s ");
    add_rate(picture, text, now, before, "turns_total");
    cli_text_print(text, "  kept of uploads ");
    add_bytes(text, json_number(now, "upload_bytes"));
    cli_text_print(text, ", of responses ");
    add_bytes(text, json_number(now, "response_bytes"));
    end_line(picture);
}

static void draw_link(struct picture *picture, const struct json *now)
{
    const struct json *before = json_get(picture->before, "broker");
    struct cli_text *text = &picture->text;

    put_words(text, json_string(now, "state"), 0);
    if (json_number(now, "attempts") > 0) {
        const char *reason = json_string(now, "last_error");
        cli_text_print(text, "attempt %.0f, next in %.1f s (", json_number(now, "attempts"),
                       json_number(now, "next_delay_ms") / 1000);
        cli_text_safe(text, reason, strlen(reason));
        cli_text_print(text, ")  ");
    }
    cli_text_print(text, "rtt %.2f ms  outbox ", json_number(now, "rtt_us") / 1000);
    add_number(text, json_number(now, "outbox_messages"));
    cli_text_print(text, "  out ");
    add_rate(picture, text, now, before, "published_total");
    cli_text_print(text, "/s  in ");
    add_rate(picture, text, now, before, "received_total");
    cli_text_print(text, "/s");
    end_line(picture);
    cli_text_print(text, "          reconnects ");
    add_number(text, json_number(now, "reconnects_total"));
    cli_text_print(text, "  gaps ");
    add_number(text, json_number(now, "gaps_total"));
    cli_text_print(text, "  resyncs ");
    add_number(text, json_number(now, "resyncs_total"));
    cli_text_print(text, "  duplicates ");
    add_number(text, json_number(now, "duplicates_total"));
    cli_text_print(text, "  malformed ");
    add_number(text, json_number(now, "malformed_total"));
    cli_text_print(text, "  outbox drops ");
    add_number(text, json_number(now, "outbox_drops_total"));
}

static void draw_broker(struct picture *picture)
{
    const struct json *now = json_get(picture->now, "broker");

    cli_text_print(&picture->text, "broker    ");
    put_words(&picture->text, json_string(now, "driver"), 0);
    if (json_get(now, "state"))
        draw_link(picture, now);
    end_line(picture);
    end_line(picture);
}

/* ---- workers -----------------------------------------------------------------------------------
 */

static void put_ring(struct picture *picture, const struct json *worker, const char *name)
{
    const struct json *ring = json_get(worker, name);
    double capacity = json_number(ring, "capacity");
    struct cli_text cell = {0};

    cli_text_print(&cell, "%.0f %%",
                   capacity > 0 ? json_number(ring, "bytes") * 100 / capacity : 0);
    put(&picture->text, &cell, -8);
}

static void put_busy(struct picture *picture, const struct json *worker)
{
    struct cli_text cell = {0};

    if (json_number(worker, "busy") == 0) {
        cli_text_print(&cell, "idle");
    } else {
        add_number(&cell, json_number(worker, "busy_ms"));
        cli_text_print(&cell, " ms");
    }
    put(&picture->text, &cell, -9);
}

static void draw_worker(struct picture *picture, const struct json *worker)
{
    const struct json *before = same(json_get(picture->before, "workers"), worker, "pid");
    struct cli_text *text = &picture->text;

    put_number(text, json_number(worker, "index"), -6);
    cli_text_print(text, "%8.0f  ", json_number(worker, "pid"));
    put_words(text, json_string(worker, "state"), 8);
    put_busy(picture, worker);
    put_rate(picture, worker, before, "requests_total", -10);
    put_rate(picture, worker, before, "publishes_total", -10);
    put_number(text, json_number(worker, "in_flight"), -7);
    put_ring(picture, worker, "requests");
    put_ring(picture, worker, "events");
    put_ring(picture, worker, "to_gateway");
    put_number(text, json_number(worker, "events_waiting"), -7);
    put_number(text, json_number(worker, "events_dropped"), -7);
    end_line(picture);
}

static void draw_workers(struct picture *picture)
{
    static const struct {
        const char *name;
        int columns;
    } heads[] = {{"WORKER", -6},      {"PID", -8},        {"STATE", 8},    {"BUSY", -9},
                 {"REQUESTS/S", -10}, {"PUBLISH/S", -10}, {"OFFERED", -7}, {"REQUESTS", -8},
                 {"EVENTS", -8},      {"ANSWERS", -8},    {"WAITING", -7}, {"DROPPED", -7}};
    const struct json *workers = json_get(picture->now, "workers");
    double deaths = json_number(picture->now, "worker_deaths_total");

    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
        put_words(&picture->text, heads[i].name, heads[i].columns);
    end_line(picture);
    for (const struct json *one = workers ? workers->first : NULL; one; one = one->next)
        draw_worker(picture, one);
    if (deaths > 0) {
        cli_text_print(&picture->text, "        ");
        add_number(&picture->text, deaths);
        cli_text_print(&picture->text,
                       deaths == 1 ? " worker has died so far" : " workers have died so far");
        end_line(picture);
    }
}

/* ---- tables and counters -----------------------------------------------------------------------
 */

static void draw_table(struct picture *picture, const struct json *table)
{
    double rows = json_number(table, "rows"), capacity = json_number(table, "capacity");
    double filled = capacity > 0 ? rows / capacity : 0;
    struct cli_text *text = &picture->text;

    put_words(text, json_string(table, "name"), NAME_COLUMNS);
    put_number(text, rows, -14);
    put_number(text, capacity, -14);
    for (int i = 0; i < BAR_COLUMNS; i++)
        cli_text_add(text, i < filled * BAR_COLUMNS ? "#" : ".", 1);
    cli_text_print(text, " %3.0f %%", filled * 100);
    end_line(picture);
}

static void draw_tables(struct picture *picture)
{
    const struct json *tables = json_get(picture->now, "tables");

    if (!tables || tables->count == 0)
        return;
    end_line(picture);
    put_words(&picture->text, "TABLE", NAME_COLUMNS);
    put_words(&picture->text, "ROWS", -14);
    put_words(&picture->text, "CAPACITY", -14);
    put_words(&picture->text, "FILL", 0);
    end_line(picture);
    for (const struct json *one = tables->first; one; one = one->next)
        draw_table(picture, one);
}

static void draw_counters(struct picture *picture)
{
    const struct json *counters = json_get(picture->now, "counters");
    unsigned shown = 0;

    if (!counters || counters->count == 0)
        return;
    end_line(picture);
    put_words(&picture->text, "COUNTER", NAME_COLUMNS);
    put_words(&picture->text, "VALUE", -26);
    put_words(&picture->text, "/S", -10);
    end_line(picture);
    for (const struct json *one = counters->first; one && shown < SHOWN_MOST; one = one->next) {
        shown++;
        put_words(&picture->text, json_string(one, "name"), NAME_COLUMNS);
        put_number(&picture->text, json_number(one, "value"), -26);
        put_rate(picture, one, same(json_get(picture->before, "counters"), one, "name"), "value",
                 -10);
        end_line(picture);
    }
    if (json_number(picture->now, "counter_count") > shown) {
        cli_text_print(&picture->text, "and ");
        add_number(&picture->text, json_number(picture->now, "counter_count") - shown);
        cli_text_print(&picture->text, " more");
        end_line(picture);
    }
}

/* ---- the picture -------------------------------------------------------------------------------
 */

/* One line, at most @columns wide, without its end. */
static void add_cut(struct cli_text *text, const char *line, size_t length, unsigned columns)
{
    size_t end = length;

    if (columns > 0 && width(line, length) > columns) {
        unsigned used = 0;
        for (end = 0; end < length && used < columns; used++) {
            end++;
            while (end < length && ((unsigned char)line[end] & 0xC0u) == 0x80u)
                end++;
        }
    }
    cli_text_add(text, line, end);
    cli_text_add(text, "\n", 1);
}

static size_t count_lines(const struct cli_text *text)
{
    size_t count = 0;

    for (size_t i = 0; i < text->length; i++)
        count += text->bytes[i] == '\n';
    return count;
}

static void cut(struct cli_text *text, const struct cli_text *whole, unsigned columns,
                unsigned rows)
{
    const char *at = whole->bytes, *end = at + whole->length;
    size_t lines = count_lines(whole);
    size_t shown = rows > 0 && lines > rows ? rows - 1 : lines;
    char last[64];

    for (size_t i = 0; i < shown; i++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        add_cut(text, at, (size_t)(newline - at), columns);
        at = newline + 1;
    }
    if (shown < lines) {
        int length = snprintf(last, sizeof(last), "... %zu more lines (a larger window, or --once)",
                              lines - shown);
        add_cut(text, last, (size_t)length, columns);
    }
}

void top_draw(struct cli_text *text, const struct json *now, const struct json *before,
              unsigned columns, unsigned rows)
{
    struct picture picture = {.now = now, .before = before};

    if (before)
        picture.seconds = (json_number(now, "now_ms") - json_number(before, "now_ms")) / 1000;
    draw_node(&picture);
    draw_traffic(&picture);
    draw_broker(&picture);
    draw_workers(&picture);
    draw_tables(&picture);
    draw_counters(&picture);
    cut(text, &picture.text, columns, rows);
    cli_text_finish(&picture.text);
}
