/* SPDX-License-Identifier: Apache-2.0 */
/* A broker's connection: whatever goes in at one end comes out at the other, plain and by TLS,
 * though the sockets take little at a time and both ends speak at once; a caller that only does
 * what the epoll says never gets stuck, and is left alone when there is nothing to do. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <viaduct/clock.h>

#include "../support/certificates.h"
#include "../support/tls_peer.h"
#include "stream.h"

#define BYTES       (1024 * 1024)
#define READ_BYTES  (64 * 1024)
#define DEADLINE_MS 20000

struct world {
    char directory[64], ca[128];
    bool tls;
    struct vd_tls *context;
    int epoll_fd, listener, fd; /* fd: the server's end */
    struct tls_peer peer;
    struct sockaddr_in address;
    struct addrinfo info;
    struct vd_stream stream;
    uint32_t random;
};

/* ---- world -------------------------------------------------------------------------------------
 */

static uint32_t draw(struct world *world, uint32_t below)
{
    world->random = world->random * 1664525u + 1013904223u;
    return (world->random >> 8) % below;
}

static void make_certificates(struct world *world)
{
    const struct certificate_wish wishes[] = {
        {.directory = world->directory, .name = "ca"},
        {.directory = world->directory, .name = "server", .issuer = "ca", .hosts = "IP:127.0.0.1"}};
    struct vd_broker_options options = {0};

    strcpy(world->directory, "/tmp/viaduct-stream-XXXXXX");
    assert_non_null(mkdtemp(world->directory));
    certificate_make(&wishes[0]);
    certificate_make(&wishes[1]);
    options.tls_ca_file = certificate_path(world->ca, world->directory, "ca.pem");
    assert_int_equal(vd_tls_create(&options, &world->context, NULL), VD_OK);
}

static void listen_somewhere(struct world *world)
{
    const int little = 4096;
    socklen_t length = sizeof(world->address);

    world->address = (struct sockaddr_in){.sin_family = AF_INET};
    world->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    world->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(world->listener, SOL_SOCKET, SO_RCVBUF, &little, sizeof(little));
    setsockopt(world->listener, SOL_SOCKET, SO_SNDBUF, &little, sizeof(little));
    assert_int_equal(bind(world->listener, (struct sockaddr *)&world->address, length), 0);
    assert_int_equal(listen(world->listener, 1), 0);
    getsockname(world->listener, (struct sockaddr *)&world->address, &length);
    world->info = (struct addrinfo){.ai_family = AF_INET,
                                    .ai_addr = (struct sockaddr *)&world->address,
                                    .ai_addrlen = sizeof(world->address)};
}

static int setup(void **state, bool tls)
{
    struct world *world = calloc(1, sizeof(*world));

    world->tls = tls;
    world->fd = -1;
    world->random = 1;
    world->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (tls)
        make_certificates(world);
    listen_somewhere(world);
    *state = world;
    return 0;
}

static int setup_plain(void **state)
{
    return setup(state, false);
}

static int setup_tls(void **state)
{
    return setup(state, true);
}

static void remove_files(const struct world *world)
{
    static const char *const files[] = {"ca.pem", "ca.key", "server.pem", "server.key"};
    char path[128];

    for (size_t i = 0; i < 4; i++)
        unlink(certificate_path(path, world->directory, files[i]));
    rmdir(world->directory);
}

static int teardown(void **state)
{
    struct world *world = *state;

    vd_stream_close(&world->stream);
    tls_peer_finish(&world->peer);
    if (world->fd >= 0)
        close(world->fd);
    close(world->listener);
    close(world->epoll_fd);
    vd_tls_destroy(world->context);
    if (world->tls)
        remove_files(world);
    free(world);
    return 0;
}

/* ---- both ends ---------------------------------------------------------------------------------
 */

static bool is_ready(const struct world *world, int timeout_ms)
{
    struct epoll_event event;

    if (epoll_wait(world->epoll_fd, &event, 1, timeout_ms) != 1)
        return false;
    assert_ptr_equal(event.data.ptr, &world->stream);
    return true;
}

static ssize_t peer_read(struct world *world, void *buffer, size_t capacity)
{
    ssize_t count;

    if (world->tls)
        return tls_peer_read(&world->peer, buffer, capacity);
    count = recv(world->fd, buffer, capacity, 0);
    return count > 0 ? count : count < 0 && errno == EAGAIN ? 0 : -1;
}

static ssize_t peer_write(struct world *world, const void *bytes, size_t length)
{
    ssize_t count;

    if (world->tls)
        return tls_peer_write(&world->peer, bytes, length);
    count = send(world->fd, bytes, length, MSG_NOSIGNAL);
    return count > 0 ? count : count < 0 && errno == EAGAIN ? 0 : -1;
}

/* Until both ends are open. */
static void connect_both(struct world *world)
{
    const int little = 4096;
    uint64_t deadline_ms = vd_monotonic_ms() + DEADLINE_MS;
    bool peer_done = !world->tls;

    assert_int_equal(vd_stream_open(&world->stream, &world->info, 10000, world->context,
                                    "127.0.0.1", world->epoll_fd),
                     VD_OK);
    setsockopt(world->stream.fd, SOL_SOCKET, SO_SNDBUF, &little, sizeof(little));
    while (world->stream.state != VD_STREAM_OPEN || !peer_done || world->fd < 0) {
        if (world->fd < 0) {
            world->fd = accept4(world->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (world->fd >= 0 && world->tls)
                tls_peer_start(&world->peer, world->directory, "server", world->fd);
        } else if (!peer_done) {
            peer_done = tls_peer_advance(&world->peer);
        }
        if (is_ready(world, 1) && world->stream.state != VD_STREAM_OPEN)
            vd_stream_advance(&world->stream);
        if (world->stream.state == VD_STREAM_FAILED)
            fail_msg("%s", world->stream.error.text);
        assert_true(vd_monotonic_ms() < deadline_ms);
    }
}

/* One direction of the traffic: byte n is byte n of a pattern. */
struct flow {
    size_t sent, received;
};

static unsigned char pattern(size_t at)
{
    return (unsigned char)((at * 2654435761u) >> 13);
}

static size_t fill(unsigned char *bytes, size_t at, size_t length)
{
    length = length < BYTES - at ? length : BYTES - at;
    for (size_t i = 0; i < length; i++)
        bytes[i] = pattern(at + i);
    return length;
}

static void check(struct flow *flow, const unsigned char *bytes, ssize_t count)
{
    assert_true(count >= 0);
    for (ssize_t i = 0; i < count; i++) {
        if (bytes[i] != pattern(flow->received + (size_t)i))
            fail_msg("byte %zu is another", flow->received + (size_t)i);
    }
    flow->received += (size_t)count;
}

static void client_turn(struct world *world, struct flow *up, struct flow *down)
{
    static unsigned char bytes[READ_BYTES];
    size_t length;
    ssize_t count;

    if (up->sent < BYTES && vd_stream_pending(&world->stream) < 256 * 1024) {
        length = fill(bytes, up->sent, 1 + draw(world, draw(world, 4) ? 100 : 60000));
        assert_true(vd_stream_queue(&world->stream, bytes, length));
        up->sent += length;
        if (draw(world, 3) == 0 || up->sent == BYTES)
            assert_true(vd_stream_flush(&world->stream));
    }
    if (!is_ready(world, 0))
        return;
    do {
        count = vd_stream_read(&world->stream, bytes, sizeof(bytes));
        check(down, bytes, count);
    } while (count == sizeof(bytes));
    assert_true(vd_stream_flush(&world->stream));
}

static void peer_turn(struct world *world, struct flow *up, struct flow *down)
{
    static unsigned char bytes[READ_BYTES];
    ssize_t count;

    if (draw(world, 3))
        check(up, bytes, peer_read(world, bytes, 1 + draw(world, sizeof(bytes))));
    if (down->sent < BYTES && draw(world, 3)) {
        count = peer_write(world, bytes, fill(bytes, down->sent, 20000)); /* tries again alike */
        assert_true(count >= 0);
        down->sent += (size_t)count;
    }
    if (world->tls && draw(world, 200) == 0) /* and the other side is to do the same */
        SSL_key_update(world->peer.session, SSL_KEY_UPDATE_REQUESTED);
}

static void test_all_arrives(void **state)
{
    struct world *world = *state;
    struct flow up = {0}, down = {0};
    uint64_t deadline_ms = vd_monotonic_ms() + DEADLINE_MS;

    connect_both(world);
    while (up.received < BYTES || down.received < BYTES) {
        client_turn(world, &up, &down);
        peer_turn(world, &up, &down);
        if (vd_monotonic_ms() > deadline_ms)
            fail_msg("stuck: %zu of %zu up, %zu of %zu down", up.received, up.sent, down.received,
                     down.sent);
    }
    assert_int_equal(vd_stream_pending(&world->stream), 0);
    for (unsigned i = 0; i < 50 && is_ready(world, 20); i++) /* tickets, answers to key updates */
        client_turn(world, &up, &down);
    assert_false(is_ready(world, 20));
}

/* What came before the end is read first; with a goodbye or without. */
static void until_the_end(struct world *world, const char *part)
{
    uint64_t deadline_ms = vd_monotonic_ms() + DEADLINE_MS;
    char bytes[100];
    size_t length = 0;
    ssize_t count;

    do {
        is_ready(world, 100);
        count = vd_stream_read(&world->stream, bytes + length, sizeof(bytes) - length);
        length += count > 0 ? (size_t)count : 0;
        assert_true(vd_monotonic_ms() < deadline_ms);
    } while (count >= 0);
    assert_int_equal(length, 9);
    assert_memory_equal(bytes, "last word", 9);
    assert_int_equal(world->stream.state, VD_STREAM_FAILED);
    assert_int_equal(world->stream.error.code, VD_ERR_CONNECTION);
    if (!strstr(world->stream.error.text, part))
        fail_msg("%s", world->stream.error.text);
    assert_int_equal(vd_stream_read(&world->stream, bytes, sizeof(bytes)), -1);
    assert_false(vd_stream_flush(&world->stream));
}

static void end_with_a_last_word(void **state, bool goodbye)
{
    struct world *world = *state;

    connect_both(world);
    assert_int_equal(peer_write(world, "last word", 9), 9);
    if (goodbye && world->tls)
        SSL_shutdown(world->peer.session);
    shutdown(world->fd, SHUT_WR);
    until_the_end(world, "the server closed the connection");
}

static void test_an_end_with_a_goodbye(void **state)
{
    end_with_a_last_word(state, true);
}

static void test_an_end_without(void **state)
{
    end_with_a_last_word(state, false);
}

static void test_nobody_listens(void **state)
{
    struct world *world = *state;
    uint64_t deadline_ms = vd_monotonic_ms() + DEADLINE_MS;
    enum vd_err code;

    close(world->listener);
    world->listener = -1;
    code = vd_stream_open(&world->stream, &world->info, 1000, world->context, "127.0.0.1",
                          world->epoll_fd);
    while (!code || code == VD_ERR_EMPTY) {
        is_ready(world, 100);
        code = vd_stream_advance(&world->stream);
        assert_true(vd_monotonic_ms() < deadline_ms);
    }
    assert_int_equal(code, VD_ERR_CONNECTION);
    assert_non_null(strstr(world->stream.error.text, "cannot be reached"));
}

#define TESTS(setup)                                                                               \
    cmocka_unit_test_setup_teardown(test_all_arrives, setup, teardown),                            \
        cmocka_unit_test_setup_teardown(test_an_end_with_a_goodbye, setup, teardown),              \
        cmocka_unit_test_setup_teardown(test_an_end_without, setup, teardown),                     \
        cmocka_unit_test_setup_teardown(test_nobody_listens, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TESTS(setup_plain), TESTS(setup_tls)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
