/* SPDX-License-Identifier: Apache-2.0 */
/* See wire_oracle.h. Where jansson knows less than JSON allows (integers over 63 bits, huge reals,
 * U+0000 in keys), takes what JSON forbids (a zero byte after a number or word is swallowed) or
 * says less than we need (equal keys), no verdict is passed. */
#include <string.h>

#include <jansson.h>

#include "fuzz.h"
#include "wire_oracle.h"

#define DEPTH_OF_THE_OBJECT 1

static const char base64_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void *allocate(size_t size)
{
    void *memory = malloc(size > 0 ? size : 1); /* exact: a sanitizer sees a step outside */

    FUZZ_REQUIRE(memory != NULL);
    return memory;
}

/* Bit by bit and slow: nothing in common with the codec's. */
static void append_base64(char *out, const unsigned char *data, size_t length)
{
    size_t bits = length * 8;
    size_t written = 0;

    for (size_t at = 0; at < bits; at += 6) {
        unsigned value = 0;
        for (size_t bit = at; bit < at + 6; bit++)
            value = value << 1 | (bit < bits ? data[bit / 8] >> (7 - bit % 8) & 1u : 0);
        out[written++] = base64_alphabet[value];
    }
    while (written % 4 != 0)
        out[written++] = '=';
    out[written] = '\0';
}

static bool is_base64(const char *text, size_t length)
{
    size_t pad = 0;
    const char *last;

    if (length % 4 != 0)
        return false;
    while (pad < 2 && pad < length && text[length - 1 - pad] == '=')
        pad++;
    for (size_t i = 0; i < length - pad; i++) {
        if (!text[i] || !strchr(base64_alphabet, text[i]))
            return false;
    }
    if (pad == 0)
        return true;
    last = strchr(base64_alphabet, text[length - pad - 1]);
    return ((last - base64_alphabet) & (pad == 1 ? 3 : 15)) == 0;
}

static bool same_bytes(const void *a, size_t a_length, const void *b, size_t b_length)
{
    return a_length == b_length && (a_length == 0 || memcmp(a, b, a_length) == 0);
}

bool wire_oracle_same(const struct vd_message *a, const struct vd_message *b)
{
    return same_bytes(a->scope, a->scope_length, b->scope, b->scope_length) &&
           same_bytes(a->event, a->event ? a->event_length : 0, b->event,
                      b->event ? b->event_length : 0) &&
           same_bytes(a->origin, a->origin ? a->origin_length : 0, b->origin,
                      b->origin ? b->origin_length : 0) &&
           a->has_data == b->has_data && a->sequence == b->sequence &&
           same_bytes(a->data, a->has_data ? a->data_length : 0, b->data,
                      b->has_data ? b->data_length : 0);
}

static json_t *field(const json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);

    return json_is_null(value) ? NULL : value;
}

static void require_string(const json_t *value, const char *bytes, size_t length)
{
    if (!value) {
        FUZZ_REQUIRE(!bytes);
        return;
    }
    FUZZ_REQUIRE(json_is_string(value));
    FUZZ_REQUIRE(same_bytes(json_string_value(value), json_string_length(value), bytes, length));
}

static void require_data(const json_t *object, const struct vd_message *message)
{
    const json_t *data = field(object, "data");
    const json_t *data64 = field(object, "data64");
    char *spelled;

    FUZZ_REQUIRE(message->has_data == (data || data64));
    if (!data64) {
        require_string(data, message->data, message->data_length);
        return;
    }
    spelled = allocate(message->data_length / 3 * 4 + 8);
    append_base64(spelled, message->data, message->data_length);
    require_string(data64, spelled, strlen(spelled));
    free(spelled);
}

/* We have accepted it: jansson must have read the same. */
static void require_same_meaning(const json_t *object, const struct vd_message *message)
{
    const json_t *sequence = field(object, "seq");
    const json_t *origin = field(object, "nodeId");
    const json_t *event = field(object, "event");

    FUZZ_REQUIRE(json_is_object(object));
    require_string(field(object, "scope"), message->scope, message->scope_length);
    require_string(origin && json_string_length(origin) > 0 ? origin : NULL, message->origin,
                   message->origin_length);
    require_string(event && json_string_length(event) > 0 ? event : NULL, message->event,
                   message->event_length);
    if (json_is_integer(sequence)) {
        FUZZ_REQUIRE((uint64_t)json_integer_value(sequence) == message->sequence);
    } else if (json_is_real(sequence)) {
        FUZZ_REQUIRE(json_real_value(sequence) == (double)message->sequence);
    } else {
        FUZZ_REQUIRE(!sequence && message->sequence == 0);
    }
    require_data(object, message);
}

static unsigned depth_of(const json_t *value)
{
    unsigned deepest = 0;
    size_t index;
    const char *key;
    json_t *member;

    if (json_is_array(value)) {
        json_array_foreach(value, index, member)
        {
            unsigned depth = depth_of(member);
            deepest = depth > deepest ? depth : deepest;
        }
        return deepest + 1;
    }
    if (json_is_object(value)) {
        json_object_foreach((json_t *)value, key, member)
        {
            unsigned depth = depth_of(member);
            deepest = depth > deepest ? depth : deepest;
        }
        return deepest + 1;
    }
    return 0;
}

static bool is_string_or_absent(const json_t *object, const char *name)
{
    const json_t *value = field(object, name);

    return !value || json_is_string(value);
}

/* Is it of our form as far as types go? Reals are left open: few of them are integers. */
static bool has_our_form(const json_t *object)
{
    const json_t *sequence = field(object, "seq");
    const json_t *data64 = field(object, "data64");

    return json_is_object(object) && json_is_string(field(object, "scope")) &&
           is_string_or_absent(object, "nodeId") && is_string_or_absent(object, "event") &&
           is_string_or_absent(object, "data") && is_string_or_absent(object, "data64") &&
           (!data64 || is_base64(json_string_value(data64), json_string_length(data64))) &&
           (!sequence || (json_is_integer(sequence) && json_integer_value(sequence) >= 0)) &&
           depth_of(object) <= DEPTH_OF_THE_OBJECT + VD_WIRE_MAX_DEPTH;
}

static void require_agreement(enum vd_err code, const struct vd_message *message, const char *text,
                              size_t length)
{
    json_error_t error;
    json_t *root = json_loadb(text, length, JSON_ALLOW_NUL, &error);
    json_t *unique;

    if (!root) {
        enum json_error_code why = json_error_code(&error);
        FUZZ_REQUIRE(code != VD_OK || why == json_error_numeric_overflow ||
                     why == json_error_null_byte_in_key);
        return;
    }
    if (code == VD_OK)
        require_same_meaning(root, message);
    if (memchr(text, '\0', length)) {
        json_decref(root);
        return;
    }
    unique = json_loadb(text, length, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
    if (unique && has_our_form(unique)) {
        FUZZ_REQUIRE(code == VD_OK || code == VD_ERR_INVALID || code == VD_ERR_TOO_LARGE);
    } else if (unique && !json_is_real(json_object_get(unique, "seq"))) {
        FUZZ_REQUIRE(code == VD_ERR_MALFORMED);
    }
    json_decref(unique);
    json_decref(root);
}

enum vd_err wire_oracle_check_encoding(const struct vd_message *message)
{
    size_t bound = vd_wire_bound(message);
    char *text = allocate(bound);
    char *scratch;
    struct vd_message again;
    size_t length = 0;
    enum vd_err code = vd_wire_encode(message, text, bound, &length);

    if (code) {
        FUZZ_REQUIRE(vd_message_check(message, SIZE_MAX, NULL) != VD_OK);
        free(text);
        return code;
    }
    FUZZ_REQUIRE(length <= bound);
    FUZZ_REQUIRE(vd_wire_encode(message, text, bound - 1, &length) == VD_ERR_FULL);
    scratch = allocate(length);
    code = vd_wire_decode(text, length, SIZE_MAX, scratch, length, &again, NULL);
    require_agreement(code, &again, text, length);
    FUZZ_REQUIRE(code == vd_message_check(message, SIZE_MAX, NULL));
    FUZZ_REQUIRE(code || wire_oracle_same(message, &again));
    free(scratch);
    free(text);
    return VD_OK;
}

enum vd_err wire_oracle_check(const char *text, size_t length)
{
    char *scratch = allocate(length);
    struct vd_message message;
    struct vd_error error = {VD_OK, ""};
    enum vd_err code = vd_wire_decode(text, length, 0, scratch, length, &message, &error);

    require_agreement(code, &message, text, length);
    if (code) {
        static const struct vd_message nothing;
        FUZZ_REQUIRE(error.code == code && error.text[0] != '\0');
        FUZZ_REQUIRE(wire_oracle_same(&message, &nothing));
    } else {
        FUZZ_REQUIRE(vd_message_check(&message, 0, NULL) == VD_OK);
        FUZZ_REQUIRE(wire_oracle_check_encoding(&message) == VD_OK);
    }
    free(scratch);
    return code;
}
