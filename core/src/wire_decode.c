/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a message from JSON, for this one flat object.
 *
 * Happy path: one pass from `{` to `}` (the grammar is wire_scan.c's), then base64 if there is any,
 * then the checks that every message passes.
 *
 * Failure modes: the first thing that is no JSON, or a known field of another type, ends the
 * reading; the error says what was expected at which byte and quotes nothing of the text. */
#include <string.h>

#include <viaduct/wire.h>

#include "wire_scan.h"

enum field {
    FIELD_SCOPE,
    FIELD_ORIGIN,
    FIELD_EVENT,
    FIELD_DATA,
    FIELD_DATA64,
    FIELD_SEQUENCE,
    FIELD_UNKNOWN
};

#define STRING_FIELDS FIELD_SEQUENCE /* those before it */

struct fields {
    struct vd_span strings[STRING_FIELDS];
    uint64_t sequence;
};

static enum field field_of(const struct vd_span *key)
{
    static const struct {
        char name[7];
        unsigned char length;
        unsigned char field;
    } known[] = {
        {"scope", 5, FIELD_SCOPE}, {"nodeId", 6, FIELD_ORIGIN}, {"seq", 3, FIELD_SEQUENCE},
        {"event", 5, FIELD_EVENT}, {"data", 4, FIELD_DATA},     {"data64", 6, FIELD_DATA64},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (key->length == known[i].length &&
            memcmp(key->bytes, known[i].name, known[i].length) == 0)
            return (enum field)known[i].field;
    }
    return FIELD_UNKNOWN;
}

/* The value of one field; null takes back what an equal key before it said. */
static bool read_value(struct vd_scanner *scanner, enum field field, struct fields *fields)
{
    bool is_null = scanner->at < scanner->end && *scanner->at == 'n';

    if (field == FIELD_UNKNOWN)
        return vd_scan_any(scanner);
    if (field == FIELD_SEQUENCE) {
        fields->sequence = 0;
        return is_null ? vd_scan_null(scanner) : vd_scan_uint64(scanner, &fields->sequence);
    }
    fields->strings[field].bytes = NULL;
    return is_null ? vd_scan_null(scanner) : vd_scan_string(scanner, &fields->strings[field]);
}

static bool read_member(struct vd_scanner *scanner, struct fields *fields)
{
    struct vd_span key;

    vd_scan_space(scanner);
    if (!vd_scan_string(scanner, &key))
        return false;
    vd_scan_space(scanner);
    if (!vd_scan_take(scanner, ':'))
        return vd_scan_fail(scanner, "expected ':'");
    vd_scan_space(scanner);
    return read_value(scanner, field_of(&key), fields);
}

static bool read_object(struct vd_scanner *scanner, struct fields *fields)
{
    vd_scan_space(scanner);
    if (!vd_scan_take(scanner, '{'))
        return vd_scan_fail(scanner, "expected '{'");
    vd_scan_space(scanner);
    if (!vd_scan_take(scanner, '}')) {
        do {
            if (!read_member(scanner, fields))
                return false;
            vd_scan_space(scanner);
        } while (vd_scan_take(scanner, ','));
        if (!vd_scan_take(scanner, '}'))
            return vd_scan_fail(scanner, "expected ',' or '}'");
    }
    vd_scan_space(scanner);
    if (scanner->at < scanner->end)
        return vd_scan_fail(scanner, "expected nothing after the object");
    return fields->strings[FIELD_SCOPE].bytes || vd_scan_fail(scanner, "the object has no scope");
}

/* 0 to 63; above: not in the alphabet. */
static unsigned base64_value(unsigned char byte)
{
    static const unsigned char values_plus_1[256] = {
        ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,
        ['H'] = 8,  ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14,
        ['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21,
        ['V'] = 22, ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28,
        ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35,
        ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42,
        ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49,
        ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
        ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63,
        ['/'] = 64};

    return values_plus_1[byte] - 1u;
}

/* Four characters to *@out; @kept (1 to 3) bytes of it count. The bits of the others must be 0, so
 * that every datum has one spelling. */
static bool read_base64_group(const unsigned char *at, unsigned kept, unsigned char out[3])
{
    uint32_t group = 0;

    for (unsigned i = 0; i < 4; i++) {
        unsigned value = i <= kept ? base64_value(at[i]) : at[i] == '=' ? 0 : 64;
        if (value > 63)
            return false;
        group = group << 6 | value;
    }
    for (unsigned i = 0; i < 3; i++)
        out[i] = (unsigned char)(group >> (16 - 8 * i));
    return (kept > 2 || out[2] == 0) && (kept > 1 || out[1] == 0);
}

/* To the scratch; in place when the characters are there already because they had escapes, as PHP
 * writes them (`\/`): there would not be room for both. */
static bool decode_base64(struct vd_scanner *scanner, const unsigned char *scratch_start,
                          struct vd_span *span)
{
    const unsigned char *at = span->bytes;
    bool in_scratch = at >= scratch_start && at < scanner->scratch;
    unsigned char *start = scanner->scratch - (in_scratch ? scanner->scratch - at : 0);
    unsigned char *out = start;
    unsigned char group[3];
    size_t left = span->length;

    if (left % 4 != 0)
        return vd_scan_fail(scanner, "data64 is no padded base64");
    span->bytes = start;
    for (; left > 0; left -= 4, at += 4) {
        unsigned kept = left > 4 || at[3] != '=' ? 3 : at[2] != '=' ? 2 : 1;
        if (!read_base64_group(at, kept, group))
            return vd_scan_fail(scanner, "data64 is no padded base64");
        memcpy(out, group, kept);
        out += kept;
    }
    span->length = (size_t)(out - start);
    return true;
}

static void fill_in(struct vd_message *message, const struct fields *fields)
{
    const struct vd_span *scope = &fields->strings[FIELD_SCOPE];
    const struct vd_span *origin = &fields->strings[FIELD_ORIGIN];
    const struct vd_span *event = &fields->strings[FIELD_EVENT];
    const struct vd_span *data = &fields->strings[FIELD_DATA];

    if (fields->strings[FIELD_DATA64].bytes)
        data = &fields->strings[FIELD_DATA64];
    message->scope = (const char *)scope->bytes;
    message->scope_length = scope->length;
    if (origin->bytes && origin->length > 0) {
        message->origin = (const char *)origin->bytes;
        message->origin_length = origin->length;
    }
    if (event->bytes && event->length > 0) {
        message->event = (const char *)event->bytes;
        message->event_length = event->length;
    }
    if (data->bytes) {
        message->has_data = true;
        message->data = data->bytes;
        message->data_length = data->length;
    }
    message->sequence = fields->sequence;
}

enum vd_err vd_wire_decode(const char *text, size_t length, size_t max_data_bytes, void *scratch,
                           size_t scratch_bytes, struct vd_message *message, struct vd_error *error)
{
    const unsigned char *start = (const unsigned char *)text;
    struct vd_scanner scanner = {.at = start, .end = start + length, .scratch = scratch};
    struct fields fields = {0};
    enum vd_err code;

    memset(message, 0, sizeof(*message));
    if (scratch_bytes < length) {
        return vd_error_set(error, VD_ERR_FULL, "a wire message of %zu bytes needs as much scratch",
                            length);
    }
    if (!read_object(&scanner, &fields) ||
        (fields.strings[FIELD_DATA64].bytes &&
         !decode_base64(&scanner, scratch, &fields.strings[FIELD_DATA64]))) {
        return vd_error_set(error, VD_ERR_MALFORMED, "malformed wire message: %s at byte %zu",
                            scanner.problem, (size_t)(scanner.at - start));
    }
    fill_in(message, &fields);
    code = vd_message_check(message, max_data_bytes, error);
    if (code)
        memset(message, 0, sizeof(*message));
    return code;
}
