/* SPDX-License-Identifier: Apache-2.0 */
/* Events as they go over the wire (the event stream format of the HTML standard), and their chunk.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gateway.h"

static struct gw_event *encode(const char *event, const char *data, size_t length)
{
    struct vd_message message = {.scope = "room:a",
                                 .scope_length = 6,
                                 .event = event,
                                 .event_length = event ? strlen(event) : 0,
                                 .data = data,
                                 .data_length = length,
                                 .has_data = data != NULL};

    return gw_event_encode(&message, 0xabc, 12);
}

static void assert_payload(struct gw_event *event, const char *expected)
{
    assert_non_null(event);
    assert_int_equal(event->payload_length, strlen(expected));
    assert_memory_equal(event->bytes + event->payload_offset, expected, strlen(expected));
    gw_event_release(event);
}

static void data_lines_are_cut_at_every_line_end(void **state)
{
    (void)state;
    assert_payload(encode(NULL, "hello", 5), "id: abc:12\ndata: hello\n\n");
    assert_payload(encode("say", "hello", 5), "id: abc:12\nevent: say\ndata: hello\n\n");
    assert_payload(encode(NULL, "", 0), "id: abc:12\ndata: \n\n");
    assert_payload(encode(NULL, "a\nb\r\nc\rd", 8),
                   "id: abc:12\ndata: a\ndata: b\ndata: c\ndata: d\n\n");
    assert_payload(encode(NULL, "a\n", 2), "id: abc:12\ndata: a\ndata: \n\n");
    assert_payload(encode(NULL, "\r", 1), "id: abc:12\ndata: \ndata: \n\n");
}

static void data_cannot_forge_a_field(void **state)
{
    static const char hostile[] = "x\n\nevent: gap\nid: 0:9\n\n";

    (void)state;
    assert_payload(encode(NULL, hostile, sizeof(hostile) - 1),
                   "id: abc:12\ndata: x\ndata: \ndata: event: gap\ndata: id: 0:9\ndata: \ndata: "
                   "\n\n");
}

static void an_invalidation_says_what_to_render(void **state)
{
    (void)state;
    assert_payload(encode(NULL, NULL, 0), "id: abc:12\nevent: invalidate\ndata: room:a\n\n");
    assert_payload(encode("refresh", NULL, 0), "id: abc:12\nevent: refresh\ndata: room:a\n\n");
}

static void a_gap_has_its_reason(void **state)
{
    (void)state;
    assert_payload(gw_event_gap(0xabc, 3, "why"),
                   "id: abc:3\nevent: gap\ndata: {\"reason\":\"why\"}\n\n");
    assert_payload(gw_event_gap(0xabc, 0, "why"), "event: gap\ndata: {\"reason\":\"why\"}\n\n");
}

static void every_event_is_one_well_formed_chunk(void **state)
{
    static const size_t sizes[] = {0, 1, 15, 16, 255, 4096, 70000, 1024 * 1024};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        char *data = malloc(sizes[i] + 1);
        /* The worst case: every byte is a line end. */
        memset(data, i % 2 ? '\n' : 'x', sizes[i]);
        struct gw_event *event = encode("e", data, sizes[i]);
        struct vd_http_chunked chunked = {0};
        struct vd_http_error error;
        struct vd_http_span span;
        size_t used = 0, payload = 0, consumed;

        assert_non_null(event);
        while (used < event->length) {
            enum vd_http_result result = vd_http_chunked_feed(
                &chunked, event->bytes + used, event->length - used, &consumed, &span, &error);
            assert_int_equal(result, VD_HTTP_INCOMPLETE);
            assert_true(consumed > 0);
            used += consumed;
            payload += span.length;
        }
        assert_int_equal(payload, event->payload_length);
        gw_event_release(event);
        free(data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_lines_are_cut_at_every_line_end),
        cmocka_unit_test(data_cannot_forge_a_field),
        cmocka_unit_test(an_invalidation_says_what_to_render),
        cmocka_unit_test(a_gap_has_its_reason),
        cmocka_unit_test(every_event_is_one_well_formed_chunk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
