/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker has to do with the link to other nodes: broker errors as events, and a publish that
 * waits for the gateway's word. The test plays the gateway. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include <viaduct/broker.h>
#include <viaduct/clock.h>

#include "worker_ring.h"

/* ---- the worker's side -------------------------------------------------------------------------
 */

static void say(struct vd_worker *worker, const char *text)
{
    vd_worker_respond(worker, 200, NULL, 0, text, strlen(text), NULL);
}

/* Twice: a text that is too long is refused and nothing is sent. */
static void tell_credentials(struct vd_worker *worker, uint32_t question)
{
    static char long_text[8194];
    struct vd_broker_credentials credentials = {.username = "me", .password = long_text};

    memset(long_text, 'x', sizeof(long_text) - 1);
    if (vd_worker_broker_credentials(worker, question, &credentials) == VD_ERR_TOO_LARGE) {
        credentials.password = "secret";
        vd_worker_broker_credentials(worker, question, &credentials);
    }
    vd_worker_broker_credentials(worker, question, NULL);
}

static void publish(struct vd_worker *worker, const char *scope)
{
    const struct vd_message message = {.scope = scope, .scope_length = strlen(scope)};
    struct vd_error error = {0};
    char text[VD_ERROR_TEXT_BYTES + 32];
    enum vd_err result = vd_worker_publish(worker, &message, &error);

    snprintf(text, sizeof(text), "%s %s", vd_err_name(result), result ? error.text : "");
    say(worker, text);
}

static int worker_main(struct vd_worker *worker, void *context)
{
    struct vd_worker_event event;
    char last[256] = "";
    enum vd_err result;

    (void)context;
    while ((result = vd_worker_next_event(worker, -1, &event)) == VD_OK) {
        if (event.kind == VD_WORKER_SHUTDOWN)
            return 0;
        if (event.kind == VD_WORKER_BROKER_CREDENTIALS) {
            tell_credentials(worker, event.id);
        } else if (event.kind == VD_WORKER_BROKER_ERROR) {
            const struct vd_worker_broker_error *error = &event.broker_error;

            snprintf(last, sizeof(last), "%s %.*s %u %u %.*s", vd_err_name(error->code),
                     (int)error->driver.length, error->driver.bytes, error->attempt,
                     error->next_delay_ms, (int)event.text.length, event.text.bytes);
        } else if (event.kind == VD_WORKER_REQUEST && event.request.path.length == 5) {
            say(worker, last);
        } else if (event.kind == VD_WORKER_REQUEST) {
            publish(worker, event.request.path.length == 4 ? "tab" : "room");
        }
    }
    return result == VD_ERR_CORRUPT ? 3 : 1;
}

/* ---- the gateway's side ------------------------------------------------------------------------
 */

static void begin(struct bench *bench)
{
    bench_start(bench, worker_main,
                (struct vd_server_config){.log_level = VD_LOG_OFF, .publish_timeout_ms = 200});
    bench_expect(bench, VD_FRAME_READY);
}

static void send_error(struct bench *bench, uint32_t driver_length, const char *bytes)
{
    struct vd_frame_broker_error head = {
        .code = VD_ERR_TLS, .attempt = 7, .next_delay_ms = 1500, .driver_length = driver_length};
    struct vd_frame *frame = vd_ring_reserve(&bench->events, sizeof(head) + strlen(bytes),
                                             VD_FRAME_EVENT_BROKER_ERROR, 0, 0);

    memcpy(frame->payload, &head, sizeof(head));
    memcpy(frame->payload + sizeof(head), bytes, strlen(bytes));
    vd_ring_commit(&bench->events);
    vd_doorbell_ring(&bench->slot->bell);
}

static void expect_words(struct bench *bench, const char *words)
{
    const struct vd_frame *frame = bench_expect(bench, VD_FRAME_RESPONSE);
    struct vd_text text = response_body(frame);

    if (!memmem(text.bytes, text.length, words, strlen(words)))
        fail_msg("\"%s\" is not in \"%.*s\"", words, (int)text.length, text.bytes);
}

static uint64_t expect_publish(struct bench *bench)
{
    return bench_expect(bench, VD_FRAME_PUBLISH)->tag;
}

static void reply(struct bench *bench, uint64_t tag, enum vd_err code)
{
    atomic_store(&bench->slot->publish_answer, tag << 8 | (uint64_t)code);
    vd_doorbell_ring(&bench->slot->bell);
}

static void an_error_arrives_with_all_it_says(void **state)
{
    struct bench bench;

    (void)state;
    begin(&bench);
    send_error(&bench, 11, "RedisBrokerit is expired");
    while (vd_ring_depth_bytes(bench.node.events[0]) > 0)
        poll(NULL, 0, 1);
    bench_request(&bench, "GET", "/last", NULL, 0);
    expect_words(&bench, "VD_ERR_TLS RedisBroker 7 1500 it is expired");
    bench_stop(&bench);
}

static void an_error_longer_than_its_frame_is_corrupt(void **state)
{
    struct bench bench;
    int status;

    (void)state;
    begin(&bench);
    send_error(&bench, 12, "RedisBroker");
    status = bench_reap(&bench);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 3);
    bench_fork(&bench);
    bench_stop(&bench);
}

static void credentials_go_in_one_frame(void **state)
{
    const struct vd_frame_broker_credentials *head;
    const struct vd_frame *frame;
    struct bench bench;

    (void)state;
    begin(&bench);
    vd_ring_reserve(&bench.events, 0, VD_FRAME_EVENT_BROKER_CREDENTIALS, 0, 77);
    vd_ring_commit(&bench.events);
    vd_doorbell_ring(&bench.slot->bell);
    frame = bench_expect(&bench, VD_FRAME_BROKER_CREDENTIALS);
    head = (const void *)frame->payload;
    assert_int_equal(frame->tag, 77);
    assert_int_equal(frame->length, sizeof(*head) + 8);
    assert_int_equal(head->given, 1);
    assert_int_equal(head->lengths[0], 2);
    assert_int_equal(head->lengths[1], 6);
    assert_int_equal(head->lengths[2], VD_CREDENTIAL_NONE);
    assert_memory_equal(head + 1, "mesecret", 8);
    frame = bench_expect(&bench, VD_FRAME_BROKER_CREDENTIALS);
    head = (const void *)frame->payload;
    assert_int_equal(frame->length, sizeof(*head));
    assert_int_equal(head->given, 0);
    bench_stop(&bench);
}

static void a_publish_waits_while_the_outbox_is_tight(void **state)
{
    struct bench bench;
    uint64_t tag;

    (void)state;
    begin(&bench);
    bench_request(&bench, "GET", "/publish", NULL, 0);
    assert_int_equal(expect_publish(&bench), 0); /* nobody asks */
    expect_words(&bench, "VD_OK");

    atomic_store(&bench.node.shared->link_tight, 1);
    bench_request(&bench, "GET", "/tab", NULL, 0);
    assert_int_equal(expect_publish(&bench), 0); /* it does not leave the node */
    expect_words(&bench, "VD_OK");

    bench_request(&bench, "GET", "/publish", NULL, 0);
    tag = expect_publish(&bench);
    assert_int_not_equal(tag, 0);
    bench_expect_silence(&bench, 20);
    reply(&bench, tag, VD_OK);
    expect_words(&bench, "VD_OK");

    bench_request(&bench, "GET", "/publish", NULL, 0);
    assert_int_equal(expect_publish(&bench), tag + 1);
    reply(&bench, tag + 1, VD_ERR_FULL);
    expect_words(&bench, "VD_ERR_FULL the broker's outbox is full");
    bench_stop(&bench);
}

static void a_gateway_that_does_not_answer_leaves_it_open(void **state)
{
    struct bench bench;

    (void)state;
    begin(&bench);
    atomic_store(&bench.node.shared->link_tight, 1);
    bench_request(&bench, "GET", "/publish", NULL, 0);
    assert_int_not_equal(expect_publish(&bench), 0);
    expect_words(&bench, "VD_ERR_CLOSED the gateway did not answer"); /* its time passed */
    bench_request(&bench, "GET", "/publish", NULL, 0);
    expect_publish(&bench);
    bench_new_epoch(&bench); /* there will be no answer any more; nor is ours wanted */
    bench_expect(&bench, VD_FRAME_READY);
    bench_stop(&bench);
}

/* The gateway may hold an answer for a while: until after the death of who waits for it. */
static void a_late_answer_to_a_predecessor_is_none(void **state)
{
    struct bench bench;
    uint64_t tag;

    (void)state;
    begin(&bench);
    reply(&bench, 1, VD_ERR_FULL); /* its first publish */
    atomic_store(&bench.node.shared->link_tight, 1);
    bench_request(&bench, "GET", "/publish", NULL, 0);
    tag = expect_publish(&bench);
    bench_expect_silence(&bench, 20);
    reply(&bench, tag, VD_OK);
    expect_words(&bench, "VD_OK");
    bench_stop(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_arrives_with_all_it_says),
        cmocka_unit_test(an_error_longer_than_its_frame_is_corrupt),
        cmocka_unit_test(credentials_go_in_one_frame),
        cmocka_unit_test(a_publish_waits_while_the_outbox_is_tight),
        cmocka_unit_test(a_gateway_that_does_not_answer_leaves_it_open),
        cmocka_unit_test(a_late_answer_to_a_predecessor_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
