/* SPDX-License-Identifier: Apache-2.0 */
/* The grammar of JSON: strings, numbers, and values that nobody asked for.
 *
 * Happy path: a string without escapes is borrowed where it stands, after one look at each byte.
 * The scratch cannot overflow, since every byte of the text is read once and stands for at most
 * one.
 *
 * Failure modes: the first thing that is no JSON ends the reading. Bytes that are no UTF-8 and lone
 * surrogates are no JSON to us. Unknown values are held to the same grammar, in a loop with one bit
 * a level instead of recursion. */
#include <string.h>

#include <viaduct/wire.h>

#include "utf8.h"
#include "wire_plain.h"
#include "wire_scan.h"

static bool take_word(struct vd_scanner *scanner, const char *word, size_t length)
{
    if ((size_t)(scanner->end - scanner->at) < length || memcmp(scanner->at, word, length) != 0)
        return vd_scan_fail(scanner, "expected a value");
    scanner->at += length;
    return true;
}

bool vd_scan_null(struct vd_scanner *scanner)
{
    return take_word(scanner, "null", 4);
}

/* ---- strings ---- */

static bool read_hex4(struct vd_scanner *scanner, uint32_t *unit)
{
    uint32_t value = 0;

    if (scanner->end - scanner->at < 4)
        return vd_scan_fail(scanner, "expected four hex digits");
    for (int i = 0; i < 4; i++) {
        unsigned char byte = scanner->at[i];
        unsigned digit = (unsigned)(byte - '0');
        if (digit > 9)
            digit = (unsigned)((byte | 0x20) - 'a') < 6 ? (unsigned)((byte | 0x20) - 'a') + 10 : 99;
        if (digit > 15)
            return vd_scan_fail(scanner, "expected four hex digits");
        value = value << 4 | digit;
    }
    scanner->at += 4;
    *unit = value;
    return true;
}

/* After `\u`: one code point, from one unit or from a surrogate pair. */
static bool read_unicode_escape(struct vd_scanner *scanner, uint32_t *code_point)
{
    uint32_t low;

    if (!read_hex4(scanner, code_point))
        return false;
    if (*code_point < 0xD800 || *code_point > 0xDFFF)
        return true;
    if (*code_point > 0xDBFF || !vd_scan_take(scanner, '\\') || !vd_scan_take(scanner, 'u'))
        return vd_scan_fail(scanner, "lone surrogate");
    if (!read_hex4(scanner, &low))
        return false;
    if (low < 0xDC00 || low > 0xDFFF)
        return vd_scan_fail(scanner, "lone surrogate");
    *code_point = 0x10000 + ((*code_point - 0xD800) << 10) + (low - 0xDC00);
    return true;
}

static size_t write_utf8(unsigned char *out, uint32_t code_point)
{
    if (code_point < 0x80) {
        out[0] = (unsigned char)code_point;
        return 1;
    }
    if (code_point < 0x800) {
        out[0] = (unsigned char)(0xC0 | code_point >> 6);
        out[1] = (unsigned char)(0x80 | (code_point & 0x3F));
        return 2;
    }
    if (code_point < 0x10000) {
        out[0] = (unsigned char)(0xE0 | code_point >> 12);
        out[1] = (unsigned char)(0x80 | (code_point >> 6 & 0x3F));
        out[2] = (unsigned char)(0x80 | (code_point & 0x3F));
        return 3;
    }
    out[0] = (unsigned char)(0xF0 | code_point >> 18);
    out[1] = (unsigned char)(0x80 | (code_point >> 12 & 0x3F));
    out[2] = (unsigned char)(0x80 | (code_point >> 6 & 0x3F));
    out[3] = (unsigned char)(0x80 | (code_point & 0x3F));
    return 4;
}

/* After the backslash: what it stands for goes to the scratch. */
static bool read_escape(struct vd_scanner *scanner)
{
    static const char meaning[256] = {
        ['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
        ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t',
    };
    uint32_t code_point;

    if (scanner->at == scanner->end)
        return vd_scan_fail(scanner, "expected an escape");
    if (meaning[*scanner->at]) {
        *scanner->scratch++ = (unsigned char)meaning[*scanner->at++];
        return true;
    }
    if (!vd_scan_take(scanner, 'u'))
        return vd_scan_fail(scanner, "expected an escape");
    if (!read_unicode_escape(scanner, &code_point))
        return false;
    scanner->scratch += write_utf8(scanner->scratch, code_point);
    return true;
}

/* Characters that stand for themselves, up to a quote or backslash. */
static bool skip_characters(struct vd_scanner *scanner)
{
    uint32_t code_point;
    size_t step;

    for (;;) {
        scanner->at = vd_plain_skip(scanner->at, scanner->end);
        if (scanner->at == scanner->end)
            return vd_scan_fail(scanner, "the string does not end");
        if (*scanner->at < 0x20)
            return vd_scan_fail(scanner, "control character in a string");
        if (*scanner->at < 0x80)
            return true;
        do {
            step = vd_utf8_decode(scanner->at, (size_t)(scanner->end - scanner->at), &code_point);
            if (step == 0)
                return vd_scan_fail(scanner, "no valid UTF-8");
            scanner->at += step;
        } while (scanner->at < scanner->end && *scanner->at >= 0x80);
    }
}

/* The rest of a string with escapes, from the first backslash on. */
static bool read_escaped_string(struct vd_scanner *scanner, const unsigned char *start,
                                struct vd_span *span)
{
    unsigned char *written = scanner->scratch;

    for (;;) {
        memcpy(scanner->scratch, start, (size_t)(scanner->at - start));
        scanner->scratch += scanner->at - start;
        if (vd_scan_take(scanner, '"'))
            break;
        scanner->at++; /* the backslash */
        if (!read_escape(scanner))
            return false;
        start = scanner->at;
        if (!skip_characters(scanner))
            return false;
    }
    span->bytes = written;
    span->length = (size_t)(scanner->scratch - written);
    return true;
}

bool vd_scan_string(struct vd_scanner *scanner, struct vd_span *span)
{
    const unsigned char *start;

    if (!vd_scan_take(scanner, '"'))
        return vd_scan_fail(scanner, "expected a string");
    start = scanner->at;
    if (!skip_characters(scanner))
        return false;
    if (*scanner->at == '\\')
        return read_escaped_string(scanner, start, span);
    span->bytes = start;
    span->length = (size_t)(scanner->at++ - start);
    return true;
}

/* ---- numbers ---- */

/* A number as it is spelled: mantissa x 10 ^ exponent. */
struct number {
    bool negative;
    bool overflow; /* more than 64 bits of digits, or an exponent out of all bounds */
    uint64_t mantissa;
    int exponent;
};

#define EXPONENT_MAX 100000

static bool read_digits(struct vd_scanner *scanner, struct number *number, int exponent_step)
{
    const unsigned char *start = scanner->at;

    while (scanner->at < scanner->end && *scanner->at >= '0' && *scanner->at <= '9') {
        uint64_t digit = (uint64_t)(*scanner->at++ - '0');
        if (__builtin_mul_overflow(number->mantissa, 10u, &number->mantissa) ||
            __builtin_add_overflow(number->mantissa, digit, &number->mantissa) ||
            number->exponent < -EXPONENT_MAX) {
            number->overflow = true;
        } else {
            number->exponent += exponent_step;
        }
    }
    return scanner->at > start || vd_scan_fail(scanner, "expected a digit");
}

static bool read_exponent(struct vd_scanner *scanner, struct number *number)
{
    struct number exponent = {0};

    if (!vd_scan_take(scanner, '+'))
        exponent.negative = vd_scan_take(scanner, '-');
    if (!read_digits(scanner, &exponent, 0))
        return false;
    if (exponent.overflow || exponent.mantissa > EXPONENT_MAX) {
        number->overflow = true;
    } else {
        number->exponent += exponent.negative ? -(int)exponent.mantissa : (int)exponent.mantissa;
    }
    return true;
}

static bool read_number(struct vd_scanner *scanner, struct number *number)
{
    *number = (struct number){.negative = vd_scan_take(scanner, '-')};
    if (!vd_scan_take(scanner, '0') && !read_digits(scanner, number, 0))
        return false;
    if (vd_scan_take(scanner, '.') && !read_digits(scanner, number, -1))
        return false;
    if (vd_scan_take(scanner, 'e') || vd_scan_take(scanner, 'E'))
        return read_exponent(scanner, number);
    return true;
}

/* Some encoders write 1e+14 or 7.0 for what is an integer. */
static bool number_to_integer(const struct number *number, uint64_t *integer)
{
    int exponent = number->exponent;

    *integer = number->mantissa;
    if (number->overflow)
        return false;
    if (number->mantissa == 0)
        return true;
    for (; exponent < 0; exponent++) {
        if (*integer % 10 != 0)
            return false;
        *integer /= 10;
    }
    for (; exponent > 0; exponent--) {
        if (__builtin_mul_overflow(*integer, 10u, integer))
            return false;
    }
    return !number->negative;
}

bool vd_scan_uint64(struct vd_scanner *scanner, uint64_t *integer)
{
    struct number number;

    if (!read_number(scanner, &number))
        return false;
    return number_to_integer(&number, integer) ||
           vd_scan_fail(scanner, "expected an integer from 0 to 2^64 - 1");
}

/* ---- values that nobody asked for ---- */

/* The arrays and objects that are open: bit 0 is the innermost, 1 an object. */
struct nesting {
    uint32_t objects;
    unsigned depth;
};

_Static_assert(VD_WIRE_MAX_DEPTH <= 32, "one bit a level");

static bool skip_key(struct vd_scanner *scanner)
{
    struct vd_span ignored;

    vd_scan_space(scanner);
    if (!vd_scan_string(scanner, &ignored))
        return false;
    vd_scan_space(scanner);
    return vd_scan_take(scanner, ':') || vd_scan_fail(scanner, "expected ':'");
}

static bool skip_scalar(struct vd_scanner *scanner)
{
    struct vd_span string;
    struct number number;

    switch (*scanner->at) {
    case '"':
        return vd_scan_string(scanner, &string);
    case 't':
        return take_word(scanner, "true", 4);
    case 'f':
        return take_word(scanner, "false", 5);
    case 'n':
        return take_word(scanner, "null", 4);
    default:
        return read_number(scanner, &number);
    }
}

/* Go into the array or object that begins here. *@ended: it is empty and over already. */
static bool nesting_open(struct nesting *nesting, struct vd_scanner *scanner, bool *ended)
{
    bool is_object = *scanner->at++ == '{';

    if (nesting->depth == VD_WIRE_MAX_DEPTH)
        return vd_scan_fail(scanner, "nested too deep");
    vd_scan_space(scanner);
    *ended = vd_scan_take(scanner, is_object ? '}' : ']');
    if (*ended)
        return true;
    nesting->depth++;
    nesting->objects = nesting->objects << 1 | is_object;
    return !is_object || skip_key(scanner);
}

/* After a value: leave what ends here, up to the next value. *@more: there is one. */
static bool nesting_next(struct nesting *nesting, struct vd_scanner *scanner, bool *more)
{
    *more = false;
    while (nesting->depth > 0) {
        bool is_object = nesting->objects & 1;
        vd_scan_space(scanner);
        if (vd_scan_take(scanner, ',')) {
            *more = true;
            return !is_object || skip_key(scanner);
        }
        if (!vd_scan_take(scanner, is_object ? '}' : ']'))
            return vd_scan_fail(scanner, "expected ',' or the end of a nested value");
        nesting->depth--;
        nesting->objects >>= 1;
    }
    return true;
}

bool vd_scan_any(struct vd_scanner *scanner)
{
    struct nesting nesting = {0};
    bool more = true;

    while (more) {
        bool ended = true;
        vd_scan_space(scanner);
        if (scanner->at == scanner->end)
            return vd_scan_fail(scanner, "expected a value");
        if (*scanner->at == '{' || *scanner->at == '[') {
            if (!nesting_open(&nesting, scanner, &ended))
                return false;
        } else if (!skip_scalar(scanner)) {
            return false;
        }
        if (ended && !nesting_next(&nesting, scanner, &more))
            return false;
    }
    return true;
}
