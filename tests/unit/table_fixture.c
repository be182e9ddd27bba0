/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "table_fixture.h"

const struct vd_column columns[COLUMNS] = {
    [COUNT] = {"count", VD_COLUMN_INT, 8},
    [SMALL] = {"small", VD_COLUMN_INT, 1},
    [RATIO] = {"ratio", VD_COLUMN_FLOAT, 8},
    [NOTE] = {"note", VD_COLUMN_STRING, 21},
};

struct vd_table_options options_of(uint64_t rows, uint64_t ttl_ms)
{
    return (struct vd_table_options){"people", rows, columns, LEN(columns), ttl_ms};
}

void setup(struct fixture *f, uint64_t rows, uint64_t ttl_ms)
{
    struct vd_table_options options = options_of(rows, ttl_ms);
    size_t bytes = vd_table_bytes(&options, NULL);

    memset(f, 0, sizeof(*f));
    assert_true(bytes > 0 && bytes % 64 == 0);
    f->memory = aligned_alloc(64, bytes);
    assert_non_null(f->memory);
    memset(f->memory, 0xab, bytes);
    assert_int_equal(vd_table_init(f->memory, bytes, &options, &f->table, &f->error), VD_OK);
}

void teardown(struct fixture *f)
{
    vd_table_close(f->table);
    free(f->memory);
}

struct vd_table_change integer(uint32_t column, int64_t value)
{
    return (struct vd_table_change){column, {.integer = value}};
}

struct vd_table_change string(uint32_t column, const char *bytes, size_t length)
{
    return (struct vd_table_change){column, {.string = {bytes, length}}};
}

enum vd_err set_count(struct fixture *f, const char *key, int64_t value, uint64_t now_ms)
{
    struct vd_table_change change = integer(COUNT, value);

    return vd_table_set(f->table, key, strlen(key), &change, 1, now_ms, &f->error);
}

enum vd_err get(struct fixture *f, const char *key, uint64_t now_ms)
{
    return vd_table_get(f->table, key, strlen(key), now_ms, f->values, f->text, &f->error);
}
