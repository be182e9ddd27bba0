/* SPDX-License-Identifier: Apache-2.0 */
/* The two halves of the suite, for suite_run. */
#ifndef VIADUCT_TESTS_CONFORMANCE_SUITE_TESTS_H
#define VIADUCT_TESTS_CONFORMANCE_SUITE_TESTS_H

#include "node.h"

#define SUITE_TEST(function) cmocka_unit_test_setup_teardown(function, suite_setup, suite_teardown)

extern const struct CMUnitTest suite_message_tests[];
extern const size_t suite_message_test_count;
extern const struct CMUnitTest suite_life_tests[];
extern const size_t suite_life_test_count;

#endif
