/* SPDX-License-Identifier: Apache-2.0 */
/* The wire codec: by table; round trips of random messages; and texts that jansson writes in all
 * its styles, then damaged, with jansson as the judge (tests/fuzz/wire_oracle.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include <viaduct/wire.h>

#include "wire_oracle.h"

#define TEXT(literal) "" literal, sizeof(literal) - 1

static char scratch[4096];

/* ---- encode ---- */

static void expect_text(const struct vd_message *message, const char *expected)
{
    char text[4096];
    size_t length;

    assert_int_equal(vd_wire_encode(message, text, sizeof(text), &length), VD_OK);
    text[length] = '\0';
    assert_string_equal(text, expected);
    assert_int_equal(wire_oracle_check_encoding(message), VD_OK);
}

static void test_encode_table(void **state)
{
    struct vd_message message = {.scope = "room:lobby", .scope_length = 10};

    (void)state;
    expect_text(&message, "{\"scope\":\"room:lobby\"}");
    message.origin = "0123456789abcdef";
    message.origin_length = 16;
    expect_text(&message, "{\"scope\":\"room:lobby\",\"nodeId\":\"0123456789abcdef\"}");
    message.sequence = UINT64_MAX;
    message.event = "say";
    message.event_length = 3;
    message.has_data = true;
    expect_text(&message, "{\"scope\":\"room:lobby\",\"nodeId\":\"0123456789abcdef\","
                          "\"seq\":18446744073709551615,\"event\":\"say\",\"data\":\"\"}");
    message = (struct vd_message){.scope = "a\"\\b", .scope_length = 4, .sequence = 7};
    expect_text(&message, "{\"scope\":\"a\\\"\\\\b\",\"seq\":7}");
}

static void expect_data(const void *data, size_t length, const char *expected)
{
    struct vd_message message = {
        .scope = "x", .scope_length = 1, .data = data, .data_length = length, .has_data = true};
    char whole[4096];

    snprintf(whole, sizeof(whole), "{\"scope\":\"x\",%s}", expected);
    expect_text(&message, whole);
}

static void test_encode_data(void **state)
{
    (void)state;
    expect_data(TEXT("hello, this text is plain\x7f"),
                "\"data\":\"hello, this text is plain\x7f\"");
    expect_data(TEXT("one line\ntwo \x1b long enough"),
                "\"data\":\"one line\\ntwo \\u001b long enough\"");
    expect_data(TEXT("\b\t\f\r padding padding padding"),
                "\"data\":\"\\b\\t\\f\\r padding padding padding\"");
    expect_data(TEXT("a \0 byte among a lot of text"),
                "\"data\":\"a \\u0000 byte among a lot of text\"");
    expect_data(TEXT("z\xc3\xbcrich \xe2\x80\xa8 \xf0\x9f\x8f\xa0 /"),
                "\"data\":\"z\xc3\xbcrich \xe2\x80\xa8 \xf0\x9f\x8f\xa0 /\"");
    expect_data(TEXT("\xff"), "\"data64\":\"/w==\"");
    expect_data(TEXT("\xff\xfe"), "\"data64\":\"//4=\"");
    expect_data(TEXT("\xff\xfe\xfd"), "\"data64\":\"//79\"");
    expect_data(TEXT("cut short \xe2\x82"), "\"data64\":\"Y3V0IHNob3J0IOKC\"");
    expect_data(TEXT("surrogate \xed\xa0\x80"), "\"data64\":\"c3Vycm9nYXRlIO2ggA==\"");
    /* valid, but base64 is shorter than six bytes for each */
    expect_data(TEXT("\x01\x02\x03\x04"), "\"data64\":\"AQIDBA==\"");
    expect_data(TEXT("\"\"\"\"\"\"\"\"\""), "\"data64\":\"IiIiIiIiIiIi\"");
}

static void test_encode_refuses(void **state)
{
    char text[4096];
    size_t length = 0;
    char longer[VD_SCOPE_MAX_BYTES + 1];
    struct vd_message message = {.scope = "", .scope_length = 0};

    (void)state;
    memset(longer, 'x', sizeof(longer));
    assert_int_equal(vd_wire_encode(&message, text, sizeof(text), &length), VD_ERR_INVALID);
    message.scope = "a\xff";
    message.scope_length = 2;
    assert_int_equal(vd_wire_encode(&message, text, sizeof(text), &length), VD_ERR_INVALID);
    message.scope = longer;
    message.scope_length = sizeof(longer);
    assert_int_equal(vd_wire_encode(&message, text, sizeof(text), &length), VD_ERR_TOO_LARGE);
    message.scope_length--;
    message.event = longer;
    message.event_length = VD_EVENT_MAX_BYTES + 1;
    assert_int_equal(vd_wire_encode(&message, text, sizeof(text), &length), VD_ERR_TOO_LARGE);
    message.event_length--;
    message.origin = longer;
    message.origin_length = VD_ORIGIN_MAX_BYTES + 1;
    assert_int_equal(vd_wire_encode(&message, text, sizeof(text), &length), VD_ERR_TOO_LARGE);
    message.origin_length--;
    assert_int_equal(vd_wire_encode(&message, text, vd_wire_bound(&message) - 1, &length),
                     VD_ERR_FULL);
    assert_int_equal(length, 0);
    assert_int_equal(vd_wire_encode(&message, text, vd_wire_bound(&message), &length), VD_OK);
    message.has_data = true;
    message.data_length = 1;
    assert_int_equal(vd_wire_encode(&message, text, sizeof(text), &length), VD_ERR_INVALID);
}

/* ---- decode ---- */

static enum vd_err decode(const char *text, size_t length, struct vd_message *message)
{
    struct vd_error error = {0};
    enum vd_err code = vd_wire_decode(text, length, 0, scratch, sizeof(scratch), message, &error);

    assert_int_equal(wire_oracle_check(text, length), code);
    return code;
}

static void test_decode_what_others_send(void **state)
{
    struct vd_message message;

    (void)state;
    /* php-via 0.12 */
    assert_int_equal(decode(TEXT("{\"scope\":\"room:lobby\",\"nodeId\":\"web-1\"}"), &message),
                     VD_OK);
    assert_memory_equal(message.scope, "room:lobby", message.scope_length);
    assert_memory_equal(message.origin, "web-1", message.origin_length);
    assert_false(message.has_data);
    assert_null(message.event);
    assert_int_equal(message.sequence, 0);
    /* PHP's json_encode escapes slashes and everything over ASCII */
    assert_int_equal(
        decode(TEXT("{\"scope\":\"route:\\/caf\\u00e9\",\"data\":\"\\ud83c\\udfe0!\"}"), &message),
        VD_OK);
    assert_int_equal(message.scope_length, 12);
    assert_memory_equal(message.scope, "route:/caf\xc3\xa9", 12);
    assert_int_equal(message.data_length, 5);
    assert_memory_equal(message.data, "\xf0\x9f\x8f\xa0!", 5);
    /* ours */
    assert_int_equal(decode(TEXT("{\"scope\":\"a\",\"nodeId\":\"n\",\"seq\":9,\"event\":\"e\","
                                 "\"data\":\"d\"}"),
                            &message),
                     VD_OK);
    assert_int_equal(message.sequence, 9);
    assert_int_equal(message.event_length, 1);
    assert_int_equal(message.data_length, 1);
}

static void test_decode_borrows_where_it_can(void **state)
{
    static const char text[] = "{\"scope\":\"plain\",\"data\":\"esc\\naped\"}";
    struct vd_message message;

    (void)state;
    assert_int_equal(decode(text, sizeof(text) - 1, &message), VD_OK);
    assert_ptr_equal(message.scope, strstr(text, "plain"));
    assert_true((const char *)message.data >= scratch &&
                (const char *)message.data < scratch + sizeof(scratch));
}

static void test_decode_accepts(void **state)
{
    static const struct {
        const char *text;
        size_t length;
        uint64_t sequence;
        const char *data; /* NULL: none */
    } rows[] = {
        {TEXT(" \t\r\n{ \"scope\" : \"x\" , \"seq\" : 5 }\n"), 5, NULL},
        {TEXT("{\"seq\":5,\"data\":\"d\",\"scope\":\"x\"}"), 5, "d"},
        {TEXT("{\"\\u0073cope\":\"x\",\"d\\u0061ta\":\"d\"}"), 0, "d"},
        {TEXT("{\"scope\":\"x\",\"seq\":0}"), 0, NULL},
        {TEXT("{\"scope\":\"x\",\"seq\":-0}"), 0, NULL},
        {TEXT("{\"scope\":\"x\",\"seq\":18446744073709551615}"), UINT64_MAX, NULL},
        {TEXT("{\"scope\":\"x\",\"seq\":1e+14}"), 100000000000000, NULL},
        {TEXT("{\"scope\":\"x\",\"seq\":7.00}"), 7, NULL},
        {TEXT("{\"scope\":\"x\",\"seq\":1.25E2}"), 125, NULL},
        {TEXT("{\"scope\":\"x\",\"seq\":500e-2}"), 5, NULL},
        {TEXT("{\"scope\":\"x\",\"seq\":null,\"data\":null,\"event\":null,\"nodeId\":null}"), 0,
         NULL},
        {TEXT("{\"scope\":\"x\",\"event\":\"\",\"nodeId\":\"\"}"), 0, NULL},
        {TEXT("{\"scope\":\"x\",\"data\":\"\"}"), 0, ""},
        {TEXT("{\"scope\":\"x\",\"data64\":\"\"}"), 0, ""},
        {TEXT("{\"scope\":\"x\",\"data64\":\"aGVsbG8=\"}"), 0, "hello"},
        {TEXT("{\"scope\":\"x\",\"data64\":\"\\u0061GVsbG8\\u003d\"}"), 0, "hello"},
        {TEXT("{\"scope\":\"x\",\"data64\":\"Pz8\\/\"}"), 0, "???"},
        {TEXT("{\"scope\":\"x\",\"data64\":\"Pz8/\",\"data\":\"lossy\"}"), 0, "???"},
        {TEXT("{\"scope\":\"x\",\"data\":\"lossy\",\"data64\":\"Pz8/\"}"), 0, "???"},
        {TEXT("{\"scope\":\"x\",\"data\":\"a\\\"\\\\\\/\\b\\f\\n\\r\\tz\"}"), 0,
         "a\"\\/\b\f\n\r\tz"},
        {TEXT("{\"scope\":\"x\",\"data\":\"\\ud800\\udc00\\udbff\\uDFFF\"}"), 0,
         "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"},
        {TEXT("{\"scope\":\"x\",\"data\":\"\\uffff\\u07ff\\u0800\\u007F\"}"), 0,
         "\xef\xbf\xbf\xdf\xbf\xe0\xa0\x80\x7f"},
        /* equal keys: the last one counts */
        {TEXT(
             "{\"scope\":\"y\",\"data\":\"1\",\"scope\":\"x\",\"data\":\"2\",\"seq\":1,\"seq\":2}"),
         2, "2"},
        {TEXT("{\"scope\":\"x\",\"data\":\"1\",\"data\":null,\"seq\":1,\"seq\":null}"), 0, NULL},
        /* unknown fields */
        {TEXT("{\"v\":2,\"scope\":\"x\"}"), 0, NULL},
        {TEXT("{\"scope\":\"x\",\"a\":[],\"b\":{},\"c\":[{}],\"d\":{\"e\":[1,2,{\"scope\":\"no\"}]}"
              "}"),
         0, NULL},
        {TEXT("{\"a\":[ true , false , null , -1.5e-3 , \"\\u00e9\" ] ,\"scope\":\"x\"}"), 0, NULL},
        {TEXT("{\"a\":1e999,\"b\":123456789012345678901234567890,\"scope\":\"x\"}"), 0, NULL},
        {TEXT("{\"\":0,\"Scope\":1,\"scop\":2,\"scopes\":3,\"data6\":4,\"scope\":\"x\"}"), 0, NULL},
        {TEXT("{\"a\\u0000\":0,\"scope\":\"x\"}"), 0, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct vd_message message;
        enum vd_err code = decode(rows[i].text, rows[i].length, &message);

        if (code != VD_OK)
            fail_msg("row %zu: %s is %s", i, rows[i].text, vd_err_name(code));
        if (message.scope_length != 1 || message.scope[0] != 'x' ||
            message.sequence != rows[i].sequence || message.has_data != (rows[i].data != NULL) ||
            message.origin || message.event ||
            (rows[i].data && (message.data_length != strlen(rows[i].data) ||
                              memcmp(message.data, rows[i].data, message.data_length) != 0)))
            fail_msg("row %zu: %s has another meaning", i, rows[i].text);
    }
}

static void test_decode_refuses(void **state)
{
    static const struct {
        const char *text;
        size_t length;
    } rows[] = {
        {TEXT("")},
        {TEXT("null")},
        {TEXT("[]")},
        {TEXT("\"scope\"")},
        {TEXT("{}")},
        {TEXT("{")},
        {TEXT("{\"scope\"")},
        {TEXT("{\"scope\":")},
        {TEXT("{\"scope\":\"x")},
        {TEXT("{\"scope\":\"x\\")},
        {TEXT("{\"scope\":\"x\"")},
        {TEXT("{\"scope\":\"x\",")},
        {TEXT("{\"scope\":\"x\",}")},
        {TEXT("{,\"scope\":\"x\"}")},
        {TEXT("{\"scope\":\"x\"\"a\":1}")},
        {TEXT("{\"scope\" \"x\"}")},
        {TEXT("{scope:\"x\"}")},
        {TEXT("{'scope':'x'}")},
        {TEXT("{\"scope\":\"x\"} x")},
        {TEXT("{\"scope\":\"x\"}\0")},
        {TEXT("{\"scope\":\"x\"}{\"scope\":\"x\"}")},
        {TEXT("\xef\xbb\xbf{\"scope\":\"x\"}")},
        {TEXT("{\"scope\":\"x\" /* no */}")},
        {TEXT("{\"scope\":null}")},
        {TEXT("{\"scope\":\"x\",\"scope\":null}")},
        {TEXT("{\"nodeId\":\"x\"}")},
        {TEXT("{\"scope\":1}")},
        {TEXT("{\"scope\":[\"x\"]}")},
        {TEXT("{\"scope\":\"x\",\"data\":1}")},
        {TEXT("{\"scope\":\"x\",\"data\":{}}")},
        {TEXT("{\"scope\":\"x\",\"nodeId\":7}")},
        {TEXT("{\"scope\":\"x\",\"event\":true}")},
        {TEXT("{\"scope\":\"x\",\"seq\":\"1\"}")},
        {TEXT("{\"scope\":\"x\",\"seq\":-1}")},
        {TEXT("{\"scope\":\"x\",\"seq\":1.5}")},
        {TEXT("{\"scope\":\"x\",\"seq\":1e-1}")},
        {TEXT("{\"scope\":\"x\",\"seq\":18446744073709551616}")},
        {TEXT("{\"scope\":\"x\",\"seq\":1e20}")},
        {TEXT("{\"scope\":\"x\",\"seq\":1e99999999999999999999999}")},
        {TEXT("{\"scope\":\"x\",\"seq\":01}")},
        {TEXT("{\"scope\":\"x\",\"seq\":+1}")},
        {TEXT("{\"scope\":\"x\",\"seq\":.5}")},
        {TEXT("{\"scope\":\"x\",\"seq\":1.}")},
        {TEXT("{\"scope\":\"x\",\"seq\":1e}")},
        {TEXT("{\"scope\":\"x\",\"seq\":1e+}")},
        {TEXT("{\"scope\":\"x\",\"seq\":-}")},
        {TEXT("{\"scope\":\"x\",\"seq\":0x1}")},
        {TEXT("{\"scope\":\"x\",\"seq\":NaN}")},
        {TEXT("{\"scope\":\"x\",\"seq\":}")},
        {TEXT("{\"scope\":\"x\",\"seq\":nul}")},
        {TEXT("{\"scope\":\"x\",\"data\":\"raw\nnewline\"}")},
        {TEXT("{\"scope\":\"x\",\"data\":\"a raw newline in a text over 16 bytes\n\"}")},
        {TEXT("{\"scope\":\"x\",\"data\":\"raw\0zero\"}")},
        {TEXT("{\"scope\":\"x\",\"data\":\"\xff\"}")},
        {TEXT("{\"scope\":\"x\",\"data\":\"\xc0\xaf\"}")},
        {TEXT("{\"scope\":\"x\",\"data\":\"\xed\xa0\x80\"}")},
        {TEXT("{\"scope\":\"x\",\"data\":\"\xe2\x82\"}")},
        {TEXT("{\"scope\":\"x\",\"data\":\"\xe2\x82")},
        {TEXT("{\"scope\":\"x\",\"data\":\"\\x41\"}")},
        {TEXT("{\"scope\":\"x\",\"data\":\"\\u12\"}")},
        {TEXT("{\"scope\":\"x\",\"data\":\"\\u12g4\"}")},
        {TEXT("{\"scope\":\"x\",\"data\":\"\\U0041\"}")},
        {TEXT("{\"scope\":\"x\",\"data\":\"\\ud800\"}")},
        {TEXT("{\"scope\":\"x\",\"data\":\"\\udc00\"}")},
        {TEXT("{\"scope\":\"x\",\"data\":\"\\ud800\\u0041\"}")},
        {TEXT("{\"scope\":\"x\",\"data\":\"\\ud800\\ud800\"}")},
        {TEXT("{\"scope\":\"x\",\"data\":\"\\ud800\\n\"}")},
        {TEXT("{\"scope\":\"x\",\"data\":\"\\ud800\\ue000\"}")},
        {TEXT("{\"scope\":\"x\",\"data\":\"\\udc00\\udc00\"}")},
        {TEXT("{\"scope\":\"x\",\"data\":\"\x1f\"}")},
        {TEXT("{\"scope\":\"x\",\"data\":\"\x1f}")},
        {TEXT("{\"scope\":\"x\",\"data\":\"\xc1\xbf\"}")},
        {TEXT("{\"scope\":\"x\",\"data64\":\"aGVsbG8\"}")},
        {TEXT("{\"scope\":\"x\",\"data64\":\"aGVsbG9=\"}")},
        {TEXT("{\"scope\":\"x\",\"data64\":\"aGVsb===\"}")},
        {TEXT("{\"scope\":\"x\",\"data64\":\"====\"}")},
        {TEXT("{\"scope\":\"x\",\"data64\":\"aG=sbG8=\"}")},
        {TEXT("{\"scope\":\"x\",\"data64\":\"aG==bG8=\"}")},
        {TEXT("{\"scope\":\"x\",\"data64\":\"aGVs\\nbG8\"}")},
        {TEXT("{\"scope\":\"x\",\"data64\":\"_-_-\"}")},
        {TEXT("{\"scope\":\"x\",\"a\":tru}")},
        {TEXT("{\"scope\":\"x\",\"a\":undefined}")},
        {TEXT("{\"scope\":\"x\",\"a\":[1,]}")},
        {TEXT("{\"scope\":\"x\",\"a\":[1 2]}")},
        {TEXT("{\"scope\":\"x\",\"a\":[1}}")},
        {TEXT("{\"scope\":\"x\",\"a\":{\"b\":1]}")},
        {TEXT("{\"scope\":\"x\",\"a\":{\"b\"}}")},
        {TEXT("{\"scope\":\"x\",\"a\":{1:2}}")},
        {TEXT("{\"scope\":\"x\",\"a\":{\"b\":1,}}")},
        {TEXT("{\"scope\":\"x\",\"a\":[\"\xff\"]}")},
        {TEXT("{\"scope\":\"x\",\"a\":[")},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct vd_message message;
        enum vd_err code = decode(rows[i].text, rows[i].length, &message);

        if (code != VD_ERR_MALFORMED)
            fail_msg("row %zu: %s is %s", i, rows[i].text, vd_err_name(code));
        assert_null(message.scope);
    }
}

static void test_decode_checks_the_message(void **state)
{
    struct vd_message message;
    struct vd_error error = {0};
    char text[512];

    (void)state;
    assert_int_equal(decode(TEXT("{\"scope\":\"a b\"}"), &message), VD_ERR_INVALID);
    assert_int_equal(decode(TEXT("{\"scope\":\"\"}"), &message), VD_ERR_INVALID);
    assert_int_equal(decode(TEXT("{\"scope\":\"a\\u0000\"}"), &message), VD_ERR_INVALID);
    assert_int_equal(decode(TEXT("{\"scope\":\"a\",\"event\":\"b\\nc\"}"), &message),
                     VD_ERR_INVALID);
    snprintf(text, sizeof(text), "{\"scope\":\"%0257d\"}", 0);
    assert_int_equal(decode(text, strlen(text), &message), VD_ERR_TOO_LARGE);
    assert_null(message.scope);
    assert_int_equal(vd_wire_decode(TEXT("{\"scope\":\"a\",\"data\":\"12345\"}"), 4, scratch,
                                    sizeof(scratch), &message, &error),
                     VD_ERR_TOO_LARGE);
    assert_non_null(strstr(error.text, "allowed are 4"));
    assert_int_equal(vd_wire_decode(TEXT("{\"scope\":\"a\"}"), 0, scratch, 12, &message, &error),
                     VD_ERR_FULL);
}

static void test_errors_say_where_and_quote_nothing(void **state)
{
    struct vd_message message;
    struct vd_error error = {0};

    (void)state;
    assert_int_equal(vd_wire_decode(TEXT("{\"scope\":\"session:s3cret\" x}"), 0, scratch,
                                    sizeof(scratch), &message, &error),
                     VD_ERR_MALFORMED);
    assert_string_equal(error.text, "malformed wire message: expected ',' or '}' at byte 26");
}

/* @depth arrays or objects within each other, as the value of an unknown field. */
static enum vd_err decode_nested(unsigned depth, const char *open, const char *close)
{
    size_t room = 64 + (size_t)depth * 8;
    char *text = malloc(room), *memory = malloc(room);
    struct vd_message message;
    enum vd_err code;
    size_t length;

    length = (size_t)snprintf(text, room, "{\"a\":");
    for (unsigned i = 0; i < depth; i++)
        length += (size_t)snprintf(text + length, room - length, "%s", open);
    text[length++] = '1';
    for (unsigned i = 0; i < depth; i++)
        length += (size_t)snprintf(text + length, room - length, "%s", close);
    length += (size_t)snprintf(text + length, room - length, ",\"scope\":\"x\"}");
    code = vd_wire_decode(text, length, 0, memory, room, &message, NULL);
    free(text);
    free(memory);
    return code;
}

static void test_depth_is_bounded(void **state)
{
    (void)state;
    for (unsigned depth = 1; depth <= VD_WIRE_MAX_DEPTH; depth++) {
        assert_int_equal(decode_nested(depth, "[", "]"), VD_OK);
        assert_int_equal(decode_nested(depth, "{\"b\":", "}"), VD_OK);
    }
    assert_int_equal(decode_nested(VD_WIRE_MAX_DEPTH + 1, "[", "]"), VD_ERR_MALFORMED);
    assert_int_equal(decode_nested(VD_WIRE_MAX_DEPTH + 1, "{\"b\":", "}"), VD_ERR_MALFORMED);
    assert_int_equal(decode_nested(1000000, "[", "]"), VD_ERR_MALFORMED); /* no stack overflow */
}

/* The bytes that are read with one hand and written with the other: the scratch cannot overflow,
 * whatever is escaped, however often a key comes again. */
static void test_scratch_is_enough(void **state)
{
    static const char text[] =
        "{\"\\u0073cope\":\"\\u0078\",\"data64\":\"\\/\\/\\/\\/AAAAAAAAAAAAAAAAAAAA\","
        "\"data64\":\"\\u0041AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\"data\":\"\\n\"}";
    size_t length = sizeof(text) - 1;
    char *exact = malloc(length);
    struct vd_message message;
    char longer[1000];

    (void)state;
    assert_int_equal(vd_wire_decode(text, length, 0, exact, length, &message, NULL), VD_OK);
    assert_int_equal(message.data_length, 29);
    for (size_t i = 0; i < message.data_length; i++)
        assert_int_equal(((const char *)message.data)[i], 0);
    free(exact);
    /* unescaped characters and decoded bytes of the same string do not both fit */
    length =
        (size_t)snprintf(longer, sizeof(longer), "{\"scope\":\"x\",\"data64\":\"\\/%0799d\"}", 0);
    exact = malloc(length);
    assert_int_equal(vd_wire_decode(longer, length, 0, exact, length, &message, NULL), VD_OK);
    assert_int_equal(message.data_length, 600);
    free(exact);
}

/* ---- properties ---- */

static uint32_t draw(uint64_t *seed, uint32_t below)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33) % below;
}

/* Random text of at most @max bytes, of a kind drawn at random: plain, with escapes, of any
 * planes, any bytes. */
static size_t draw_text(uint64_t *seed, char *out, size_t max, uint32_t kinds)
{
    static const char *const pieces[] = {"\"",   "\\",       "\n",           "\x1f",
                                         "/",    "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x8f\xa0",
                                         "\x7f", "u0041"};
    uint32_t kind = draw(seed, kinds);
    size_t target = draw(seed, (uint32_t)max + 1), length = 0;

    while (length < target) {
        if (kind == 2 || (kind == 1 && draw(seed, 20) == 0)) {
            const char *piece = pieces[draw(seed, 10)];
            size_t piece_length = strlen(piece);
            if (length + piece_length > target)
                break;
            for (size_t i = 0; i < piece_length; i++)
                out[length++] = piece[i];
        } else {
            out[length++] = (char)(kind == 3 ? draw(seed, 256) : 'a' + draw(seed, 26));
        }
    }
    return length;
}

static void test_round_trip_of_random_messages(void **state)
{
    static char scope[VD_SCOPE_MAX_BYTES], event[VD_EVENT_MAX_BYTES], origin[VD_ORIGIN_MAX_BYTES];
    static char data[2000];
    uint64_t seed = 42;
    unsigned good = 0;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        struct vd_message message = {.scope = scope, .data = data};
        message.scope_length = draw_text(&seed, scope, sizeof(scope), 2);
        message.event_length = draw_text(&seed, event, sizeof(event), 2);
        message.event = draw(&seed, 2) ? event : NULL;
        message.origin_length = draw_text(&seed, origin, sizeof(origin), 2);
        message.origin = draw(&seed, 2) ? origin : NULL;
        message.has_data = draw(&seed, 4) > 0;
        message.data_length = draw_text(&seed, data, draw(&seed, 2) ? 40 : sizeof(data), 4);
        message.sequence = (uint64_t)draw(&seed, 1u << 31) << draw(&seed, 32);
        if (wire_oracle_check_encoding(&message) == VD_OK &&
            vd_message_check(&message, 0, NULL) == VD_OK)
            good++;
    }
    assert_true(good > 5000); /* not all sorted out by the grammar */
}

/* One string of length n with one special byte at each place: block edges. */
static void test_every_length_and_place(void **state)
{
    static const char specials[] = {'"', '\\', '\n', 'x', (char)0x80};
    char data[80];

    (void)state;
    for (size_t length = 0; length < sizeof(data); length++) {
        for (size_t place = 0; place < length; place++) {
            for (size_t special = 0; special < sizeof(specials); special++) {
                struct vd_message message = {.scope = "x", .scope_length = 1, .has_data = true};
                memset(data, 'a', length);
                data[place] = specials[special];
                message.data = data;
                message.data_length = length;
                assert_int_equal(wire_oracle_check_encoding(&message), VD_OK);
            }
        }
    }
}

static json_t *draw_value(uint64_t *seed, unsigned depth)
{
    char text[64];
    json_t *value;

    switch (draw(seed, depth > 4 ? 5 : 7)) {
    case 0:
        return json_integer((json_int_t)draw(seed, UINT32_MAX) - INT32_MAX);
    case 1:
        return json_real((double)draw(seed, 1000) / 7);
    case 2:
        return json_null();
    case 3:
        return json_boolean(draw(seed, 2));
    case 4:
        return json_stringn(text, draw_text(seed, text, sizeof(text), 3));
    case 5:
        value = json_array();
        for (uint32_t i = draw(seed, 4); i > 0; i--)
            json_array_append_new(value, draw_value(seed, depth + 1));
        return value;
    default:
        value = json_object();
        for (uint32_t i = draw(seed, 4); i > 0; i--) {
            snprintf(text, sizeof(text), "k%u", draw(seed, 100));
            json_object_set_new(value, text, draw_value(seed, depth + 1));
        }
        return value;
    }
}

/* Our object with some fields, mostly of the right type, and strange company. */
static char *draw_json(uint64_t *seed)
{
    static const char *const names[] = {"nodeId", "event", "data", "data64", "seq", "more", "v"};
    static const size_t styles[] = {JSON_COMPACT,
                                    0,
                                    JSON_INDENT(2),
                                    JSON_ENSURE_ASCII,
                                    JSON_ESCAPE_SLASH | JSON_ENSURE_ASCII,
                                    JSON_SORT_KEYS | JSON_COMPACT};
    char text[300];
    json_t *object = json_object();
    char *dump;

    json_object_set_new(object, "scope",
                        json_stringn(text, draw_text(seed, text, sizeof(text), 2)));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (draw(seed, 3) == 0)
            continue;
        if (i < 3 && draw(seed, 20) > 0) {
            json_object_set_new(object, names[i], json_stringn(text, draw_text(seed, text, 90, 3)));
        } else if (i == 4 && draw(seed, 10) > 0) {
            json_object_set_new(object, names[i], json_integer(draw(seed, 1u << 31)));
        } else if (i >= 5 || draw(seed, 10) == 0) {
            json_object_set_new(object, names[i], draw_value(seed, 0));
        }
    }
    dump = json_dumps(object, styles[draw(seed, 6)]);
    json_decref(object);
    return dump;
}

static void damage(uint64_t *seed, char *text, size_t length)
{
    static const char bytes[] = "\"\\{}[]:,u0e-. \n\x80\xff";

    for (uint32_t i = draw(seed, 3); length > 0 && i > 0; i--)
        text[draw(seed, (uint32_t)length)] = bytes[draw(seed, sizeof(bytes) - 1)];
}

static void test_jansson_agrees(void **state)
{
    uint64_t seed = 7;
    unsigned counts[VD_ERR_COUNT] = {0};

    (void)state;
    for (int round = 0; round < 30000; round++) {
        char *text = draw_json(&seed);
        size_t length = strlen(text);

        assert_non_null(text);
        damage(&seed, text, length);
        counts[wire_oracle_check(text,
                                 draw(&seed, 20) ? length : draw(&seed, (uint32_t)length + 1))]++;
        free(text);
    }
    assert_true(counts[VD_OK] > 3000 && counts[VD_ERR_MALFORMED] > 3000);
}

static void test_a_mebibyte_of_anything_stays_within_the_bound(void **state)
{
    static const unsigned char fills[] = {'a', 0, '"', 0xff, 0xc3};
    struct vd_message message = {
        .scope = "x", .scope_length = 1, .has_data = true, .data_length = VD_MESSAGE_MAX_BYTES};
    unsigned char *data = malloc(VD_MESSAGE_MAX_BYTES);

    (void)state;
    message.data = data;
    for (size_t i = 0; i < sizeof(fills); i++) {
        memset(data, fills[i], VD_MESSAGE_MAX_BYTES);
        assert_true(vd_wire_bound(&message) <= vd_wire_max_bytes(0));
        assert_int_equal(wire_oracle_check_encoding(&message), VD_OK);
    }
    assert_in_range(vd_wire_max_bytes(0), VD_MESSAGE_MAX_BYTES, VD_MESSAGE_MAX_BYTES * 7 / 5);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encode_table),
        cmocka_unit_test(test_encode_data),
        cmocka_unit_test(test_encode_refuses),
        cmocka_unit_test(test_decode_what_others_send),
        cmocka_unit_test(test_decode_borrows_where_it_can),
        cmocka_unit_test(test_decode_accepts),
        cmocka_unit_test(test_decode_refuses),
        cmocka_unit_test(test_decode_checks_the_message),
        cmocka_unit_test(test_errors_say_where_and_quote_nothing),
        cmocka_unit_test(test_depth_is_bounded),
        cmocka_unit_test(test_scratch_is_enough),
        cmocka_unit_test(test_round_trip_of_random_messages),
        cmocka_unit_test(test_every_length_and_place),
        cmocka_unit_test(test_jansson_agrees),
        cmocka_unit_test(test_a_mebibyte_of_anything_stays_within_the_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
