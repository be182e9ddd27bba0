/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded text writer: counts on when the buffer is full, as snprintf does. */
#ifndef VIADUCT_HEALTH_WRITER_H
#define VIADUCT_HEALTH_WRITER_H

#include <stddef.h>

struct vd_writer {
    char *buffer;
    size_t capacity; /* with the NUL */
    size_t length;   /* wanted so far; over capacity - 1: cut */
};

void vd_writer_init(struct vd_writer *writer, char *buffer, size_t capacity);
void vd_writer_print(struct vd_writer *writer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* @text between double quotes as a JSON string: valid UTF-8 whatever goes in (what is not becomes
 * U+FFFD). NULL is "". */
void vd_writer_json_string(struct vd_writer *writer, const char *text);
/* @text between double quotes as the value of a metric's label: \\, \" and \n escaped. */
void vd_writer_label_value(struct vd_writer *writer, const char *text);

#endif
