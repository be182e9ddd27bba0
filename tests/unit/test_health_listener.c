/* SPDX-License-Identifier: Apache-2.0 */
/* The health endpoint of a C program, asked over real sockets. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <viaduct/clock.h>
#include <viaduct/health.h>

#include "../support/tries.h"

#define WAIT_MS 60000

static int dial(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval limit = {.tv_sec = WAIT_MS / 1000};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/* The whole answer to a request that asks for the connection to be closed. */
static const char *ask(const struct vd_health_listener *listener, const char *method,
                       const char *path)
{
    static char answer[65536];
    char request[256];
    int fd = dial(vd_health_port(listener));
    int length = snprintf(request, sizeof(request),
                          "%s %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", method, path);
    size_t got = 0;
    ssize_t part;

    assert_int_equal(send(fd, request, (size_t)length, MSG_NOSIGNAL), length);
    while ((part = recv(fd, answer + got, sizeof(answer) - 1 - got, 0)) > 0)
        got += (size_t)part;
    answer[got] = '\0';
    close(fd);
    return answer;
}

static void expect(const struct vd_health_listener *listener, const char *path, unsigned status,
                   const char *text)
{
    const char *answer = ask(listener, "GET", path);
    char line[32];

    snprintf(line, sizeof(line), "HTTP/1.1 %u ", status);
    if (strncmp(answer, line, strlen(line)) != 0 || !strstr(answer, text))
        fail_msg("%s: not %u with %s: %s", path, status, text, answer);
}

static struct vd_health_listener *listen_with(const struct vd_health_options *options)
{
    struct vd_health_listener *listener;
    struct vd_error error = {0};

    if (vd_health_listen(options, &listener, &error) != VD_OK)
        fail_msg("%s", error.text);
    assert_true(vd_health_port(listener) > 0);
    return listener;
}

static void it_answers_with_what_was_reported(void **state)
{
    struct vd_broker_options memory = {.url = "memory:"};
    struct vd_health_options options = {.version = "7.1"};
    struct vd_health_listener *listener = listen_with(&options);
    struct vd_broker *broker;

    (void)state;
    expect(listener, "/_health", 200, "\"version\": \"7.1\"");
    assert_int_equal(vd_broker_open(&memory, &broker, NULL), VD_OK);
    vd_health_report(listener,
                     &(struct vd_health_report){.broker = broker, .contexts = 4, .streams = 5});
    expect(listener, "/_health", 200, "\"driver\": \"InMemoryBroker\"");
    expect(listener, "/_health/ready?x", 200, "\"sse\": 5");
    expect(listener, "/_health/live", 200, "ok");
    expect(listener, "/metrics", 200, "\nviaduct_contexts 4\n");
    expect(listener, "/", 404, "404");
    vd_health_report(listener, &(struct vd_health_report){.broker = broker, .draining = true});
    expect(listener, "/_health", 503, "\"draining\"");
    expect(listener, "/_health/live", 200, "ok");
    vd_broker_destroy(broker);
    vd_health_close(listener);
}

static void head_has_the_length_and_no_body(void **state)
{
    struct vd_health_listener *listener = listen_with(NULL);
    const char *answer = ask(listener, "HEAD", "/_health/live");
    const char *end = strstr(answer, "\r\n\r\n");

    (void)state;
    assert_non_null(end);
    assert_string_equal(end, "\r\n\r\n");
    assert_non_null(strstr(answer, "Content-Length: 16\r\n"));
    assert_non_null(strstr(ask(listener, "POST", "/_health"), " 405 "));
    assert_non_null(strstr(ask(listener, "POST", "/_health"), "Allow: GET, HEAD\r\n"));
    vd_health_close(listener);
}

static void silence_is_told(void **state)
{
    struct vd_health_options options = {.stale_ms = 50};
    struct vd_health_listener *listener = listen_with(&options);
    uint64_t deadline_ms = vd_monotonic_ms() + WAIT_MS;

    (void)state;
    while (!strstr(ask(listener, "GET", "/_health/live"), " 503 "))
        assert_true(vd_monotonic_ms() < deadline_ms);
    expect(listener, "/_health", 503, "\"not_reporting\"");
    expect(listener, "/metrics", 200, "viaduct_healthy 0");
    vd_health_close(listener);

    options.stale_ms = VD_HEALTH_NEVER_STALE;
    listener = listen_with(&options);
    expect(listener, "/_health/live", 200, "ok");
    vd_health_close(listener);
}

static bool a_mute_client_delays_nobody_and_closing_does_not_wait_in_time(void)
{
    struct vd_health_listener *listener = listen_with(NULL);
    int mute = dial(vd_health_port(listener));
    uint64_t begun_ms, took_ms;

    assert_int_equal(send(mute, "GET /_hea", 9, MSG_NOSIGNAL), 9);
    for (int i = 0; i < 50; i++)
        expect(listener, "/_health", 200, "ok");
    begun_ms = vd_monotonic_ms();
    vd_health_close(listener);
    took_ms = vd_monotonic_ms() - begun_ms;
    close(mute);
    vd_health_close(NULL);
    return took_ms < 3000;
}

static void a_mute_client_delays_nobody_and_closing_does_not_wait(void **state)
{
    (void)state;
    in_few_tries(a_mute_client_delays_nobody_and_closing_does_not_wait_in_time);
}

static void mistakes_are_told(void **state)
{
    struct vd_health_listener *listener = listen_with(NULL), *second;
    struct vd_health_options options = {.port = vd_health_port(listener)};
    struct vd_error error = {0};

    (void)state;
    assert_int_equal(vd_health_listen(&options, &second, &error), VD_ERR_EXISTS);
    assert_null(second);
    options = (struct vd_health_options){.host = "nowhere.invalid"};
    assert_int_equal(vd_health_listen(&options, &second, &error), VD_ERR_INVALID);
    assert_non_null(strstr(error.text, "nowhere.invalid"));
    options.host = "192.0.2.1"; /* TEST-NET-1 */
    assert_int_equal(vd_health_listen(&options, &second, &error), VD_ERR_INVALID);
    vd_health_close(listener);
}

static void ipv6_as_well(void **state)
{
    struct vd_health_options options = {.host = "::1"};
    struct vd_health_listener *listener = listen_with(&options);

    (void)state;
    vd_health_close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_answers_with_what_was_reported),
        cmocka_unit_test(head_has_the_length_and_no_body),
        cmocka_unit_test(silence_is_told),
        cmocka_unit_test(a_mute_client_delays_nobody_and_closing_does_not_wait),
        cmocka_unit_test(mistakes_are_told),
        cmocka_unit_test(ipv6_as_well),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
