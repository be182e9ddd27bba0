/* SPDX-License-Identifier: Apache-2.0 */
/* The wire codec held against jansson, for the fuzzer and the unit test alike. */
#ifndef VIADUCT_TESTS_FUZZ_WIRE_ORACLE_H
#define VIADUCT_TESTS_FUZZ_WIRE_ORACLE_H

#include <stdbool.h>
#include <stddef.h>

#include <viaduct/wire.h>

/* Decode @text (any bytes) and abort, saying why, unless all of this holds:
 *  - what we accept jansson accepts, with the same meaning;
 *  - what jansson reads as an object of our form, we accept (equal keys and numbers that only one
 *    side can hold apart);
 *  - encoding what was decoded, within its bound, and decoding that gives the same message, and
 *    jansson reads it, too.
 * Returns what vd_wire_decode returned. */
enum vd_err wire_oracle_check(const char *text, size_t length);

/* Encode @message into memory of exactly its bound and check the text as above. Returns what
 * vd_wire_encode returned. */
enum vd_err wire_oracle_check_encoding(const struct vd_message *message);

bool wire_oracle_same(const struct vd_message *a, const struct vd_message *b);

#endif
