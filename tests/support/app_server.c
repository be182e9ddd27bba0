/* SPDX-License-Identifier: Apache-2.0 */
/* A server in C, for tests and benchmarks: everything that vd_server_run offers behind a few
 * routes.
 *
 *     app_server [--port 0] [--host 127.0.0.1] [--workers N] [--log-level warn]
 *                [--broker pipe|redis://127.0.0.1:6379] [--broker-outbox-policy fail] ..
 *                [--subscribe once:PATTERN|every:PATTERN].. [--interval node:MS|worker:MS]..
 *                [--listener unix:///run/x.sock].. (with --port none: no other address)
 *                [--farewell SCOPE] (what a worker publishes when it ends)
 *                [--boot crash|hang|exit] [--request-timeout-ms MS] [--max-requests N] ..
 *
 *     GET  /hello                   "Hello, world!\n"
 *     GET  /pid                     the worker's pid
 *     GET  /client                  "ADDRESS PORT SCHEME HOST REQUEST-ID\n"
 *     POST /echo                    the body
 *     POST /sum                     reads the body in pieces: "<bytes> <Adler-32>"
 *     POST /ignore                  answers without reading it
 *     GET  /sleep?ms=               answers after that long
 *     GET  /spin /crash /exit       hangs for ever, SIGSEGV, _exit(0): all without an answer
 *     GET  /stray                   answers with the worker's pid, then hangs for ever
 *     GET  /big?bytes=              a body streamed in pieces
 *     GET  /large?bytes=            the same as one response
 *     GET  /reply?status=&bytes=&header=A:%20b.. [&noise=1]     a body and headers of choice
 *     GET  /reply?..&pieces=N&ms=   the same, streamed in N writes, that long between them
 *     GET  /events?scope=a&scope=b  an SSE stream
 *     POST /publish?scope=X[&event=E]            the body is the data; X-Worker says who did it
 *     POST /flood?scope=X&count=N[&bytes=B]      N messages, "<pid> <n>", padded to B
 *     GET  /subs /ticks             what subscriptions and intervals saw, by worker, as JSON
 *     GET  /broker                  broker errors (count and the last ones) and gaps, as JSON
 *
 * Prints "listening HOST PORT" on stdout. Exit code: 0 after a clean drain, 1 and a sentence on
 * stderr for an error, 2 for wrong options. */
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "app_server.h"

/* ---- queries -----------------------------------------------------------------------------------
 */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static size_t decode(const char *bytes, size_t length, char *out, size_t room)
{
    size_t n = 0;

    for (size_t i = 0; i < length && n < room; i++) {
        if (bytes[i] == '%' && i + 2 < length && hex_digit(bytes[i + 1]) >= 0 &&
            hex_digit(bytes[i + 2]) >= 0) {
            out[n++] = (char)(hex_digit(bytes[i + 1]) * 16 + hex_digit(bytes[i + 2]));
            i += 2;
        } else {
            out[n] = bytes[i];
            if (out[n] == '+')
                out[n] = ' ';
            n++;
        }
    }
    return n;
}

/* The @nth value of @name, decoded into @out. Returns its length, or -1. */
static long query(const struct vd_worker_request *request, const char *name, unsigned nth,
                  char *out, size_t room)
{
    const char *at = request->query.bytes, *end = at ? at + request->query.length : at;
    size_t name_length = strlen(name);

    while (at < end) {
        const char *stop = memchr(at, '&', (size_t)(end - at));

        if (!stop)
            stop = end;
        if ((size_t)(stop - at) > name_length && at[name_length] == '=' &&
            memcmp(at, name, name_length) == 0 && nth-- == 0) {
            return (long)decode(at + name_length + 1, (size_t)(stop - at) - name_length - 1, out,
                                room);
        }
        at = stop + 1;
    }
    return -1;
}

static unsigned long query_number(const struct vd_worker_request *request, const char *name)
{
    char text[24];
    long length = query(request, name, 0, text, sizeof(text) - 1);

    if (length < 0)
        return 0;
    text[length] = '\0';
    return strtoul(text, NULL, 10);
}

/* ---- answers -----------------------------------------------------------------------------------
 */

#define HEADER(name, value)                                                                        \
    {                                                                                              \
        {name, sizeof(name) - 1},                                                                  \
        {                                                                                          \
            value, sizeof(value) - 1                                                               \
        }                                                                                          \
    }

static const struct vd_header text_header[] = {HEADER("Content-Type", "text/plain")};
static const struct vd_header json_header[] = {HEADER("Content-Type", "application/json")};

static void answer(struct vd_worker *worker, unsigned status, const void *body, size_t length)
{
    vd_worker_respond(worker, status, text_header, 1, body, length, NULL);
}

static void answer_error(struct vd_worker *worker, enum vd_err code, const struct vd_error *error)
{
    char text[VD_ERROR_TEXT_BYTES + 32];
    int length = snprintf(text, sizeof(text), "%s: %s\n", vd_err_name(code), error->text);

    answer(worker, code == VD_ERR_TIMEOUT || code == VD_ERR_FULL ? 503 : 400, text, (size_t)length);
}

static void answer_pid(struct vd_worker *worker)
{
    char text[16];
    int length = snprintf(text, sizeof(text), "%d\n", (int)getpid());

    answer(worker, 200, text, (size_t)length);
}

static void get_hello(struct vd_worker *worker, const struct app *app,
                      const struct vd_worker_request *request)
{
    (void)app, (void)request;
    answer(worker, 200, "Hello, world!\n", 14);
}

static void get_pid(struct vd_worker *worker, const struct app *app,
                    const struct vd_worker_request *request)
{
    (void)app, (void)request;
    answer_pid(worker);
}

static void get_client(struct vd_worker *worker, const struct app *app,
                       const struct vd_worker_request *request)
{
    char text[400];
    int length = snprintf(text, sizeof(text), "%s %u %s %.*s %s\n", request->remote_address,
                          request->remote_port, request->https ? "https" : "http",
                          (int)request->host.length, request->host.bytes, request->request_id);

    (void)app;
    answer(worker, 200, text, (size_t)length);
}

static void post_echo(struct vd_worker *worker, const struct app *app,
                      const struct vd_worker_request *request)
{
    struct vd_text body;

    (void)app, (void)request;
    if (vd_worker_whole_body(worker, &body) == VD_OK)
        answer(worker, 200, body.bytes, body.length);
    else
        answer(worker, 400, NULL, 0);
}

/* Reads the body in pieces: "<bytes> <sum>", where the sum is Adler-32 (RFC 1950). A body that
 * breaks off is said on stderr, so that a test whose client has left can see it. */
static void post_sum(struct vd_worker *worker, const struct app *app,
                     const struct vd_worker_request *request)
{
    static unsigned char piece[65536];
    uint64_t total = 0, a = 1, b = 0;
    size_t length = 0;
    char text[64];

    (void)app, (void)request;
    do {
        if (vd_worker_read_body(worker, piece, sizeof(piece), &length) != VD_OK) {
            fprintf(stderr, "body broken off after %" PRIu64 " bytes\n", total);
            answer(worker, 400, NULL, 0);
            return;
        }
        total += length;
        for (size_t i = 0; i < length; i++) {
            a += piece[i];
            b += a;
            if (i % 4096 == 4095) {
                a %= 65521;
                b %= 65521;
            }
        }
        a %= 65521;
        b %= 65521;
    } while (length > 0);
    answer(worker, 200, text,
           (size_t)snprintf(text, sizeof(text), "%" PRIu64 " %" PRIu64 "\n", total, b << 16 | a));
}

/* Answers without reading the body. */
static void post_ignore(struct vd_worker *worker, const struct app *app,
                        const struct vd_worker_request *request)
{
    (void)app, (void)request;
    answer(worker, 200, "ignored\n", 8);
}

static void get_sleep(struct vd_worker *worker, const struct app *app,
                      const struct vd_worker_request *request)
{
    (void)app;
    usleep((useconds_t)query_number(request, "ms") * 1000);
    answer_pid(worker);
}

static void get_spin(struct vd_worker *worker, const struct app *app,
                     const struct vd_worker_request *request)
{
    (void)worker, (void)app, (void)request;
    for (;;)
        pause();
}

static void get_stray(struct vd_worker *worker, const struct app *app,
                      const struct vd_worker_request *request)
{
    (void)app, (void)request;
    answer_pid(worker);
    for (;;)
        pause();
}

static void get_crash(struct vd_worker *worker, const struct app *app,
                      const struct vd_worker_request *request)
{
    (void)worker, (void)app, (void)request;
    signal(SIGSEGV, SIG_DFL); /* a sanitizer would make a long report of it */
    raise(SIGSEGV);
}

static void get_exit(struct vd_worker *worker, const struct app *app,
                     const struct vd_worker_request *request)
{
    (void)worker, (void)app, (void)request;
    _exit(0);
}

static void fill(char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        bytes[i] = (char)('a' + i % 26);
}

static void get_big(struct vd_worker *worker, const struct app *app,
                    const struct vd_worker_request *request)
{
    char piece[26 * 400];
    size_t left = query_number(request, "bytes");

    (void)app;
    fill(piece, sizeof(piece));
    if (vd_worker_respond_begin(worker, 200, text_header, 1, NULL) != VD_OK)
        return;
    while (left > 0) {
        size_t part = left < sizeof(piece) ? left : sizeof(piece);

        if (vd_worker_respond_write(worker, piece, part) != VD_OK)
            return;
        left -= part;
    }
    vd_worker_respond_end(worker, false);
}

static void get_large(struct vd_worker *worker, const struct app *app,
                      const struct vd_worker_request *request)
{
    size_t length = query_number(request, "bytes");
    char *body = malloc(length + 1);

    (void)app;
    if (!body) {
        answer(worker, 500, "no memory\n", 10);
        return;
    }
    fill(body, length);
    answer(worker, 200, body, length);
    free(body);
}

/* Bytes that do not compress. */
static void fill_noise(char *bytes, size_t length)
{
    uint64_t state = 88172645463325252u; /* xorshift64, https://doi.org/10.18637/jss.v008.i14 */

    for (size_t i = 0; i < length; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes[i] = (char)(state >> 32);
    }
}

static size_t query_headers(const struct vd_worker_request *request, char (*texts)[200],
                            struct vd_header *headers, size_t room)
{
    size_t count = 0;
    long length;

    while (count < room &&
           (length = query(request, "header", (unsigned)count, texts[count], 200)) > 0) {
        const char *colon = memchr(texts[count], ':', (size_t)length);
        size_t name = colon ? (size_t)(colon - texts[count]) : 0;

        if (!colon || length < (long)name + 2)
            break;
        headers[count].name = (struct vd_text){texts[count], name};
        headers[count++].value = (struct vd_text){colon + 2, (size_t)length - name - 2};
    }
    return count;
}

static void reply_in_pieces(struct vd_worker *worker, unsigned status,
                            const struct vd_header *headers, size_t count, const char *body,
                            size_t length, unsigned long pieces, unsigned long ms)
{
    size_t part = length / pieces;

    if (vd_worker_respond_begin(worker, status, headers, count, NULL) != VD_OK)
        return;
    for (unsigned long i = 0; i < pieces; i++) {
        if (i > 0)
            usleep((useconds_t)ms * 1000);
        if (vd_worker_respond_write(worker, body + i * part,
                                    i + 1 < pieces ? part : length - i * part) != VD_OK)
            return;
    }
    vd_worker_respond_end(worker, false);
}

static void get_reply(struct vd_worker *worker, const struct app *app,
                      const struct vd_worker_request *request)
{
    char texts[8][200];
    struct vd_header headers[8];
    size_t length = query_number(request, "bytes");
    size_t count = query_headers(request, texts, headers, 8);
    unsigned status = (unsigned)query_number(request, "status");
    unsigned long pieces = query_number(request, "pieces");
    char *body = malloc(length + 1);
    struct vd_error error = {0};

    (void)app;
    if (!body)
        return;
    if (query_number(request, "noise")) {
        fill_noise(body, length);
    } else {
        fill(body, length);
    }
    if (pieces) {
        reply_in_pieces(worker, status ? status : 200, headers, count, body, length, pieces,
                        query_number(request, "ms"));
    } else if (vd_worker_respond(worker, status ? status : 200, headers, count, body, length,
                                 &error) == VD_ERR_INVALID) {
        answer_error(worker, VD_ERR_INVALID, &error);
    }
    free(body);
}

/* ---- streams and messages ----------------------------------------------------------------------
 */

static void get_events(struct vd_worker *worker, const struct app *app,
                       const struct vd_worker_request *request)
{
    char scopes[64][300];
    struct vd_text patterns[64];
    size_t count = 0;
    long length;
    struct vd_error error = {0};
    enum vd_err result;

    (void)app;
    while (count < 64 && (length = query(request, "scope", (unsigned)count, scopes[count],
                                         sizeof(scopes[count]))) >= 0) {
        patterns[count] = (struct vd_text){scopes[count], (size_t)length};
        count++;
    }
    result = vd_worker_respond_stream(worker, patterns, count, NULL, 0, &error);
    if (result != VD_OK && result != VD_ERR_CLOSED)
        answer_error(worker, result, &error);
}

static void post_publish(struct vd_worker *worker, const struct app *app,
                         const struct vd_worker_request *request)
{
    char scope[300], event[200];
    long scope_length = query(request, "scope", 0, scope, sizeof(scope));
    long event_length = query(request, "event", 0, event, sizeof(event));
    struct vd_message message = {
        .scope = scope,
        .scope_length = scope_length > 0 ? (size_t)scope_length : 0,
        .event = event_length > 0 ? event : NULL,
        .event_length = event_length > 0 ? (size_t)event_length : 0,
        .has_data = true,
    };
    struct vd_error error = {0};
    struct vd_text body;
    enum vd_err result = vd_worker_whole_body(worker, &body);

    message.data = body.bytes;
    message.data_length = body.length;
    if (result == VD_OK)
        result = vd_worker_publish(worker, &message, &error);

    char index[12];
    struct vd_header header = {.name = {"X-Worker", 8}, .value = {index, 0}};

    (void)app;
    header.value.length = (size_t)snprintf(index, sizeof(index), "%u", vd_worker_index(worker));
    if (result != VD_OK) {
        answer_error(worker, result, &error);
    } else {
        vd_worker_respond(worker, 204, &header, 1, NULL, 0, NULL);
    }
}

static void post_flood(struct vd_worker *worker, const struct app *app,
                       const struct vd_worker_request *request)
{
    char scope[300], *data;
    long scope_length = query(request, "scope", 0, scope, sizeof(scope));
    unsigned long count = query_number(request, "count"), bytes = query_number(request, "bytes");
    struct vd_message message = {.scope = scope,
                                 .scope_length = scope_length > 0 ? (size_t)scope_length : 0,
                                 .has_data = true};
    struct vd_error error = {0};
    enum vd_err result = VD_OK;

    (void)app;
    data = malloc(bytes + 64);
    for (unsigned long n = 1; data && n <= count && result == VD_OK; n++) {
        int length = snprintf(data, 64, "%d %lu", (int)getpid(), n);

        memset(data + length, ' ', bytes + 64 - (size_t)length);
        message.data = data;
        message.data_length = (size_t)length < bytes ? bytes : (size_t)length;
        result = vd_worker_publish(worker, &message, &error);
    }
    free(data);
    if (result != VD_OK) {
        fprintf(stderr, "flood: a publish gave up\n"); /* a test can see it before the answer */
        answer_error(worker, result, &error);
    } else {
        answer_pid(worker);
    }
}

/* {"worker": 0, "once:room:*": [12, 0], ..} */
static void answer_counts(struct vd_worker *worker, const struct app *app,
                          const struct watch *watches, size_t count,
                          _Atomic uint64_t counts[WATCH_MAX][VD_WORKERS_MAX], const char *one,
                          const char *every)
{
    char *body = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&body, &length);

    if (!out)
        return;
    fprintf(out, "{\"worker\": %u", vd_worker_index(worker));
    for (size_t i = 0; i < count; i++) {
        fprintf(out, ", \"%s:%s\": [", watches[i].every_worker ? every : one, watches[i].text);
        for (unsigned w = 0; w < app->config.workers; w++)
            fprintf(out, "%s%" PRIu64, w ? ", " : "", atomic_load(&counts[i][w]));
        fprintf(out, "]");
    }
    fprintf(out, "}\n");
    fclose(out);
    vd_worker_respond(worker, 200, json_header, 1, body, length, NULL);
    free(body);
}

static void get_subs(struct vd_worker *worker, const struct app *app,
                     const struct vd_worker_request *request)
{
    (void)request;
    answer_counts(worker, app, app->subscriptions, app->subscription_count, app->counts->messages,
                  "once", "every");
}

static void get_ticks(struct vd_worker *worker, const struct app *app,
                      const struct vd_worker_request *request)
{
    (void)request;
    answer_counts(worker, app, app->intervals, app->interval_count, app->counts->ticks, "node",
                  "worker");
}

/* {"worker": 0, "errors": 2, "last": [{"worker": 1, "code": ..}, ..], "gaps": [1, 0]}; the oldest
 * first. Texts are ours: nothing in them needs escaping. */
static void get_broker(struct vd_worker *worker, const struct app *app,
                       const struct vd_worker_request *request)
{
    char *body = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&body, &length);
    uint64_t end = atomic_load(&app->counts->errors);
    const char *comma = "";

    (void)request;
    if (!out)
        return;
    fprintf(out, "{\"worker\": %u, \"errors\": %" PRIu64 ", \"last\": [", vd_worker_index(worker),
            end);
    for (uint64_t n = end > ERRORS_MAX ? end - ERRORS_MAX : 0; n < end; n++) {
        const struct seen_error *seen = &app->counts->last_errors[n % ERRORS_MAX];

        if (!atomic_load(&seen->whole))
            continue;
        fprintf(out,
                "%s{\"worker\": %u, \"code\": \"%s\", \"driver\": \"%s\", \"attempt\": %u, "
                "\"next_delay_ms\": %u, \"text\": \"%s\"}",
                comma, seen->worker, seen->code, seen->driver, seen->attempt, seen->next_delay_ms,
                seen->text);
        comma = ", ";
    }
    fprintf(out, "], \"gaps\": [");
    for (unsigned w = 0; w < app->config.workers; w++)
        fprintf(out, "%s%" PRIu64, w ? ", " : "", atomic_load(&app->counts->gaps[w]));
    fprintf(out, "]}\n");
    fclose(out);
    vd_worker_respond(worker, 200, json_header, 1, body, length, NULL);
    free(body);
}

static void note_error(const struct vd_worker *worker, const struct app *app,
                       const struct vd_worker_event *event)
{
    const struct vd_worker_broker_error *error = &event->broker_error;
    uint64_t n = atomic_fetch_add(&app->counts->errors, 1);
    struct seen_error *seen = &app->counts->last_errors[n % ERRORS_MAX];

    atomic_store(&seen->whole, false);
    seen->worker = vd_worker_index(worker);
    snprintf(seen->code, sizeof(seen->code), "%s", vd_err_name(error->code));
    snprintf(seen->driver, sizeof(seen->driver), "%.*s", (int)error->driver.length,
             error->driver.bytes);
    snprintf(seen->text, sizeof(seen->text), "%.*s", (int)event->text.length, event->text.bytes);
    seen->attempt = error->attempt;
    seen->next_delay_ms = error->next_delay_ms;
    atomic_store(&seen->whole, true);
}

/* ---- routes ------------------------------------------------------------------------------------
 */

static const struct route {
    const char *method, *path;
    void (*handler)(struct vd_worker *worker, const struct app *app,
                    const struct vd_worker_request *request);
} routes[] = {
    {"GET", "/hello", get_hello},     {"GET", "/pid", get_pid},
    {"POST", "/echo", post_echo},     {"POST", "/sum", post_sum},
    {"POST", "/ignore", post_ignore}, {"GET", "/sleep", get_sleep},
    {"GET", "/spin", get_spin},       {"GET", "/crash", get_crash},
    {"GET", "/stray", get_stray},     {"GET", "/exit", get_exit},
    {"GET", "/big", get_big},         {"GET", "/large", get_large},
    {"GET", "/reply", get_reply},     {"OPTIONS", "/reply", get_reply},
    {"GET", "/events", get_events},   {"POST", "/publish", post_publish},
    {"POST", "/flood", post_flood},   {"GET", "/subs", get_subs},
    {"GET", "/ticks", get_ticks},     {"GET", "/client", get_client},
    {"GET", "/broker", get_broker},
};

static void serve(struct vd_worker *worker, struct app *app,
                  const struct vd_worker_request *request)
{
    enum vd_err result = vd_router_match(app->router, request->method, request->path, &app->match);

    if (result == VD_OK) {
        routes[app->match.route].handler(worker, app, request);
    } else if (result == VD_ERR_STATE) {
        answer(worker, 405, "method not allowed\n", 19);
    } else {
        answer(worker, 404, "not found\n", 10);
    }
}

static void boot(struct vd_worker *worker, const struct app *app)
{
    if (app->boot && strcmp(app->boot, "crash") == 0)
        abort();
    while (app->boot && strcmp(app->boot, "hang") == 0)
        pause();
    if (app->boot && strcmp(app->boot, "exit") == 0)
        _exit(0);
    for (uint32_t i = 0; i < app->subscription_count; i++) {
        const struct watch *watch = &app->subscriptions[i];
        struct vd_text pattern = {watch->text, strlen(watch->text)};

        vd_worker_subscribe(worker, i, pattern, watch->every_worker, NULL);
    }
    for (uint32_t i = 0; i < app->interval_count; i++) {
        const struct watch *watch = &app->intervals[i];

        vd_worker_set_interval(worker, i, (uint32_t)atoi(watch->text), watch->every_worker, NULL);
    }
}

static void count(_Atomic uint64_t counts[WATCH_MAX][VD_WORKERS_MAX], uint32_t id,
                  const struct vd_worker *worker)
{
    if (id < WATCH_MAX)
        atomic_fetch_add(&counts[id][vd_worker_index(worker)], 1);
}

static void say_farewell(struct vd_worker *worker, const struct app *app)
{
    const struct vd_message message = {.scope = app->farewell,
                                       .scope_length = app->farewell ? strlen(app->farewell) : 0,
                                       .data = "farewell",
                                       .data_length = 8,
                                       .has_data = true};

    if (app->farewell)
        vd_worker_publish(worker, &message, NULL);
}

static int worker_main(struct vd_worker *worker, void *context)
{
    struct app *app = context;
    struct vd_worker_event event;

    boot(worker, app);
    while (vd_worker_next_event(worker, -1, &event) == VD_OK) {
        switch (event.kind) {
        case VD_WORKER_REQUEST:
            serve(worker, app, &event.request);
            break;
        case VD_WORKER_MESSAGE:
            count(app->counts->messages, event.id, worker);
            break;
        case VD_WORKER_TIMER:
            count(app->counts->ticks, event.id, worker);
            break;
        case VD_WORKER_BROKER_ERROR:
            note_error(worker, app, &event);
            break;
        case VD_WORKER_GAP:
            atomic_fetch_add(&app->counts->gaps[vd_worker_index(worker)], 1);
            break;
        case VD_WORKER_SHUTDOWN:
            say_farewell(worker, app);
            return 0;
        default:
            break;
        }
    }
    return 1;
}

static void listening(const char *host, uint16_t port, void *context)
{
    (void)context;
    printf("listening %s %u\n", host, port);
    fflush(stdout);
}

static bool prepare(struct app *app)
{
    app->counts =
        mmap(NULL, sizeof(*app->counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    app->router = vd_router_create();
    if (app->counts == MAP_FAILED || !app->router)
        return false;
    for (uint32_t i = 0; i < sizeof(routes) / sizeof(*routes); i++) {
        if (vd_router_add(app->router, routes[i].method, routes[i].path, i, NULL) != VD_OK)
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    static struct app app = {.config = {.port_any = true, .workers = 1, .log_level = VD_LOG_INFO}};
    struct vd_server_hooks hooks = {
        .worker_main = worker_main, .listening = listening, .context = &app};
    struct vd_error error = {0};
    enum vd_err result;

    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc || !app_set_option(&app, argv[i], argv[i + 1])) {
            fprintf(stderr, "app_server: wrong option %s (see the head of app_server.c)\n",
                    argv[i]);
            return 2;
        }
    }
    app.config.listeners = app.listeners;
    app.config.trusted_proxies = app.trusted;
    if (!prepare(&app))
        return 1;
    result = vd_server_run(&app.config, &hooks, &error);
    if (result != VD_OK)
        fprintf(stderr, "%s: %s\n", vd_err_name(result), error.text);
    vd_router_destroy(app.router);
    return result == VD_OK ? 0 : 1;
}
