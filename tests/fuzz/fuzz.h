/* SPDX-License-Identifier: Apache-2.0 */
/* What a fuzzer defines, for libFuzzer and for replay_main.c alike, and its way to say no. */
#ifndef VIADUCT_TESTS_FUZZ_H
#define VIADUCT_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* assert() that also holds in a release build. */
#define FUZZ_REQUIRE(condition)                                                                    \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);         \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#endif
