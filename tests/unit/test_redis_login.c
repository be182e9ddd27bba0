/* SPDX-License-Identifier: Apache-2.0 */
/* A login that is longer than what the sockets take at once, at a server that reads slowly: all of
 * it arrives on both connections, and nobody spins meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>
#include <viaduct/broker.h>
#include <viaduct/clock.h>

#define PASSWORD_BYTES ((size_t)4 * 1024 * 1024)
#define DEADLINE_MS    20000

static int listen_at(struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(address->sun_path, sizeof(address->sun_path), "/tmp/viaduct-login-%d", getpid());
    unlink(address->sun_path);
    assert_int_equal(bind(fd, (struct sockaddr *)address, sizeof(*address)), 0);
    assert_int_equal(listen(fd, 2), 0);
    return fd;
}

static void test_a_long_login(void **state)
{
    char url[sizeof(((struct sockaddr_un *)0)->sun_path) + 16], *password;
    struct vd_broker_options options = {.url = url, .connect_timeout_ms = 2 * DEADLINE_MS};
    uint64_t deadline_ms = vd_monotonic_ms() + DEADLINE_MS;
    static char bytes[64 * 1024];
    size_t arrived[2] = {0};
    struct sockaddr_un address;
    struct vd_broker *broker;
    int listener = listen_at(&address), fds[2] = {-1, -1};

    (void)state;
    password = malloc(PASSWORD_BYTES + 1);
    memset(password, 'x', PASSWORD_BYTES);
    password[PASSWORD_BYTES] = '\0';
    options.credentials.password = password;
    snprintf(url, sizeof(url), "redis+unix://%s", address.sun_path);
    assert_int_equal(vd_broker_open(&options, &broker, NULL), VD_OK);
    for (unsigned i = 0; i < 2;) {
        vd_broker_poll(broker, 10);
        fds[i] = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        i += fds[i] >= 0;
        assert_true(vd_monotonic_ms() < deadline_ms);
    }
    for (unsigned turns = 0; turns < 50 && vd_broker_poll(broker, 50) == VD_OK; turns++)
        assert_true(turns < 20); /* nobody reads: there is nothing to do */
    while (arrived[0] < PASSWORD_BYTES || arrived[1] < PASSWORD_BYTES) {
        for (unsigned i = 0; i < 2; i++) {
            ssize_t count = recv(fds[i], bytes, sizeof(bytes), 0);
            arrived[i] += count > 0 ? (size_t)count : 0;
        }
        vd_broker_poll(broker, 1);
        if (vd_monotonic_ms() > deadline_ms)
            fail_msg("%zu and %zu of %zu bytes", arrived[0], arrived[1], PASSWORD_BYTES);
    }
    vd_broker_destroy(broker);
    close(fds[0]);
    close(fds[1]);
    close(listener);
    unlink(address.sun_path);
    free(password);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_long_login)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
