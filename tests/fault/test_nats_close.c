/* SPDX-License-Identifier: Apache-2.0 */
/* A NATS session that is released while the client library itself is closing the connection.
 *
 * The library closes on a thread of its own (its timer's, when pings stay unanswered) and then
 * joins its read loop; a second natsConnection_Close comes back at once meanwhile. Nothing that the
 * read loop may still hold can be destroyed before on_closed, which is called after the join.
 *
 * Here natsConnection_Close does what the second call does, and the library's own close goes on
 * elsewhere, for long enough that a session which does not wait is seen. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>
#include <nats/nats.h>

#include <nats_session.h>
#include <viaduct/clock.h>

#include "../support/broker_server.h"

#define CLOSING_MS  200
#define DEADLINE_MS 60000

static _Atomic unsigned closed, early, destroyed;
static natsConnectionHandler close_handler;

static void sleep_ms(long ms)
{
    const struct timespec time = {.tv_nsec = ms * 1000000};

    nanosleep(&time, NULL);
}

static void note_closed(natsConnection *connection, void *context)
{
    atomic_fetch_add(&closed, 1);
    close_handler(connection, context);
}

natsStatus __real_natsOptions_SetClosedCB(natsOptions *options, natsConnectionHandler handler,
                                          void *context);
natsStatus __wrap_natsOptions_SetClosedCB(natsOptions *options, natsConnectionHandler handler,
                                          void *context);
natsStatus __wrap_natsOptions_SetClosedCB(natsOptions *options, natsConnectionHandler handler,
                                          void *context)
{
    close_handler = handler;
    return __real_natsOptions_SetClosedCB(options, note_closed, context);
}

void __real_natsConnection_Close(natsConnection *connection);
void __wrap_natsConnection_Close(natsConnection *connection);

static void *close_slowly(void *connection)
{
    sleep_ms(CLOSING_MS);
    __real_natsConnection_Close(connection);
    return NULL;
}

void __wrap_natsConnection_Close(natsConnection *connection)
{
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, close_slowly, connection), 0);
    pthread_detach(thread);
}

void __real_natsSubscription_Destroy(natsSubscription *subscription);
void __wrap_natsSubscription_Destroy(natsSubscription *subscription);
void __wrap_natsSubscription_Destroy(natsSubscription *subscription)
{
    atomic_fetch_add(&destroyed, 1);
    atomic_fetch_add(&early, atomic_load(&closed) < atomic_load(&destroyed));
    __real_natsSubscription_Destroy(subscription);
}

static bool is_connected(struct vd_nats_session *session)
{
    struct vd_nats_news news;

    vd_nats_session_look(session, &news);
    if (news.failed)
        fail_msg("%s", news.error.text);
    return news.connected;
}

static struct vd_nats_session *connect_to(const struct broker_server *server,
                                          struct vd_nats_shared *shared)
{
    struct vd_nats_server at = {.host = "127.0.0.1"};
    const struct vd_nats_plan plan = {.servers = &at,
                                      .server_count = 1,
                                      .channel = "via.broadcast",
                                      .node_id = "0123456789abcdef",
                                      .link_token = "link",
                                      .confirm_token = "confirm",
                                      .connect_timeout_ms = DEADLINE_MS,
                                      .probe_interval_ms = 5000,
                                      .inbox_bytes = 1 << 20};
    uint64_t deadline_ms = vd_monotonic_ms() + DEADLINE_MS;
    struct vd_nats_session *session;
    struct vd_error error;

    snprintf(at.port, sizeof(at.port), "%.5s", server->port_text);
    assert_int_equal(vd_nats_session_start(&plan, shared, &session, &error), VD_OK);
    while (!is_connected(session) && vd_monotonic_ms() < deadline_ms)
        sleep_ms(5);
    assert_true(is_connected(session));
    return session;
}

static void nothing_is_destroyed_before_the_library_has_closed(void **state)
{
    struct broker_server server = {.kind = &broker_server_nats};
    struct vd_nats_shared *shared = NULL;
    struct vd_error error;

    (void)state;
    broker_server_prepare(&server);
    broker_server_start(&server);
    assert_int_equal(vd_nats_shared_create(&shared, &error), VD_OK);
    for (int i = 0; i < 3; i++) {
        uint64_t deadline_ms = vd_monotonic_ms() + DEADLINE_MS;

        vd_nats_session_release(connect_to(&server, shared));
        while (vd_nats_shared_alive(shared) > 0 && vd_monotonic_ms() < deadline_ms)
            sleep_ms(5);
        assert_int_equal(vd_nats_shared_alive(shared), 0);
    }
    assert_int_equal(atomic_load(&destroyed), 3);
    assert_int_equal(atomic_load(&early), 0);
    vd_nats_shared_release(shared);
    broker_server_finish(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_destroyed_before_the_library_has_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
