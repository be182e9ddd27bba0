/* SPDX-License-Identifier: Apache-2.0 */
/* Reading JSON (RFC 8259) piece by piece; private to the wire codec.
 *
 * Each function takes what begins at `at` and leaves `at` behind it, or returns false with
 * `problem` saying what was expected there. */
#ifndef VIADUCT_SRC_WIRE_SCAN_H
#define VIADUCT_SRC_WIRE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vd_scanner {
    const unsigned char *at;
    const unsigned char *end;
    unsigned char *scratch; /* next free byte; as much room as there is text */
    const char *problem;
};

struct vd_span {
    const unsigned char *bytes; /* NULL: not there */
    size_t length;
};

static inline bool vd_scan_fail(struct vd_scanner *scanner, const char *problem)
{
    scanner->problem = problem;
    return false;
}

static inline void vd_scan_space(struct vd_scanner *scanner)
{
    while (scanner->at < scanner->end && (*scanner->at == ' ' || *scanner->at == '\n' ||
                                          *scanner->at == '\r' || *scanner->at == '\t'))
        scanner->at++;
}

/* Take @byte if it comes next. */
static inline bool vd_scan_take(struct vd_scanner *scanner, unsigned char byte)
{
    if (scanner->at == scanner->end || *scanner->at != byte)
        return false;
    scanner->at++;
    return true;
}

bool vd_scan_null(struct vd_scanner *scanner);

/* A string, quotes included: borrowed from the text, or written to the scratch when it has escapes.
 * What a string stands for is never longer than its spelling. */
bool vd_scan_string(struct vd_scanner *scanner, struct vd_span *span);

/* A number that is an integer from 0 to 2^64 - 1, however spelled. */
bool vd_scan_uint64(struct vd_scanner *scanner, uint64_t *number);

/* Any value, checked and forgotten; at most VD_WIRE_MAX_DEPTH levels. */
bool vd_scan_any(struct vd_scanner *scanner);

#endif
