/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded text writer. Strings come from configuration, so they may hold anything: both string
 * forms give valid UTF-8 and are cut at VD_WRITER_STRING_MAX bytes, whole characters only, which is
 * what bounds the size of a document. */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "writer.h"

#define VD_WRITER_STRING_MAX 256

void vd_writer_init(struct vd_writer *writer, char *buffer, size_t capacity)
{
    *writer = (struct vd_writer){.buffer = buffer, .capacity = capacity};
    if (capacity > 0)
        buffer[0] = '\0';
}

static size_t room(const struct vd_writer *writer)
{
    return writer->length < writer->capacity ? writer->capacity - writer->length : 0;
}

void vd_writer_print(struct vd_writer *writer, const char *format, ...)
{
    size_t left = room(writer);
    va_list arguments;
    int wanted;

    va_start(arguments, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.*): a false alarm of clang-tidy 14 */
    wanted = vsnprintf(left ? writer->buffer + writer->length : NULL, left, format, arguments);
    va_end(arguments);
    if (wanted > 0)
        writer->length += (size_t)wanted;
}

static void append(struct vd_writer *writer, const char *bytes, size_t length)
{
    size_t left = room(writer);

    if (left > 1) {
        size_t taken = length < left - 1 ? length : left - 1;
        memcpy(writer->buffer + writer->length, bytes, taken);
        writer->buffer[writer->length + taken] = '\0';
    }
    writer->length += length;
}

/* Bytes of the UTF-8 character at @text (NUL-terminated); 0 when it is none (RFC 3629). */
static size_t character_length(const unsigned char *text)
{
    unsigned low = 0x80, high = 0xbf;
    size_t length;

    if (text[0] < 0x80)
        return 1;
    if (text[0] >= 0xc2 && text[0] <= 0xdf) {
        length = 2;
    } else if (text[0] >= 0xe0 && text[0] <= 0xef) {
        length = 3;
    } else if (text[0] >= 0xf0 && text[0] <= 0xf4) {
        length = 4;
    } else {
        return 0;
    }
    if (text[0] == 0xe0) {
        low = 0xa0; /* overlong */
    } else if (text[0] == 0xed) {
        high = 0x9f; /* surrogates */
    } else if (text[0] == 0xf0) {
        low = 0x90; /* overlong */
    } else if (text[0] == 0xf4) {
        high = 0x8f; /* over U+10FFFF */
    }
    if (text[1] < low || text[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++) {
        if (text[i] < 0x80 || text[i] > 0xbf)
            return 0;
    }
    return length;
}

static void json_character(struct vd_writer *writer, const char *bytes, size_t length)
{
    unsigned char first = (unsigned char)bytes[0];

    if (first == '"' || first == '\\') {
        vd_writer_print(writer, "\\%c", first);
    } else if (first < 0x20 || first == 0x7f) {
        vd_writer_print(writer, "\\u%04x", first);
    } else {
        append(writer, bytes, length);
    }
}

static void label_character(struct vd_writer *writer, const char *bytes, size_t length)
{
    if (bytes[0] == '"' || bytes[0] == '\\') {
        vd_writer_print(writer, "\\%c", bytes[0]);
    } else if (bytes[0] == '\n') {
        append(writer, "\\n", 2);
    } else {
        append(writer, bytes, length);
    }
}

static void quoted(struct vd_writer *writer, const char *text,
                   void (*character)(struct vd_writer *, const char *, size_t))
{
    size_t at = 0;

    append(writer, "\"", 1);
    while (text && text[at] != '\0') {
        size_t length = character_length((const unsigned char *)text + at);
        if (at + (length ? length : 1) > VD_WRITER_STRING_MAX)
            break;
        if (length) {
            character(writer, text + at, length);
        } else {
            append(writer, "\xef\xbf\xbd", 3);
        }
        at += length ? length : 1;
    }
    append(writer, "\"", 1);
}

void vd_writer_json_string(struct vd_writer *writer, const char *text)
{
    quoted(writer, text, json_character);
}

void vd_writer_label_value(struct vd_writer *writer, const char *text)
{
    quoted(writer, text, label_character);
}
