/* SPDX-License-Identifier: Apache-2.0 */
/* A table of four columns in memory of its own, and the operations that most tests need. Include
 * after what cmocka.h wants included before it. */
#ifndef VIADUCT_TEST_TABLE_FIXTURE_H
#define VIADUCT_TEST_TABLE_FIXTURE_H

#include <viaduct/table.h>

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

enum { COUNT, SMALL, RATIO, NOTE, COLUMNS };

/* COUNT an INT of 8 bytes, SMALL of 1, RATIO a FLOAT, NOTE a STRING of 21. */
extern const struct vd_column columns[COLUMNS];

struct fixture {
    void *memory;
    struct vd_table *table;
    struct vd_error error;
    struct vd_table_value values[COLUMNS];
    char text[64];
};

/* A table "people". */
struct vd_table_options options_of(uint64_t rows, uint64_t ttl_ms);
/* In memory that is not zeroed. */
void setup(struct fixture *f, uint64_t rows, uint64_t ttl_ms);
void teardown(struct fixture *f);

struct vd_table_change integer(uint32_t column, int64_t value);
struct vd_table_change string(uint32_t column, const char *bytes, size_t length);
enum vd_err set_count(struct fixture *f, const char *key, int64_t value, uint64_t now_ms);
enum vd_err get(struct fixture *f, const char *key, uint64_t now_ms); /* into f->values, f->text */

#endif
