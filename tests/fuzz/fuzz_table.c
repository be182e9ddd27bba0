/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that claims to hold a table, after a flip, or from another program: it is refused, or what
 * is read through the handle stays inside it and inside the limits. A reader that walks the places
 * is the one that believes most of it; chains are a writer's business, who is as trusted as we are.
 */
#include <string.h>

#include <viaduct/table.h>

#include "fuzz.h"

#define MEMORY_MAX ((size_t)256 * 1024)

static void check_schema(const struct vd_table *table)
{
    size_t columns = vd_table_column_count(table);
    size_t text_bytes = 0;
    uint32_t found = 0;

    FUZZ_REQUIRE(strlen(vd_table_name(table)) <= VD_TABLE_NAME_MAX);
    FUZZ_REQUIRE(vd_table_capacity(table) >= 1 && vd_table_capacity(table) <= VD_TABLE_ROWS_MAX);
    FUZZ_REQUIRE(columns >= 1 && columns <= VD_TABLE_COLUMNS_MAX);
    for (uint32_t i = 0; i < columns; i++) {
        const struct vd_column *column = vd_table_column_at(table, i);

        FUZZ_REQUIRE(column->type <= VD_COLUMN_STRING && column->bytes >= 1);
        FUZZ_REQUIRE(column->bytes <= VD_TABLE_STRING_MAX);
        text_bytes += column->type == VD_COLUMN_STRING ? column->bytes : 0;
        FUZZ_REQUIRE(vd_table_column(table, column->name, strlen(column->name), &found, NULL) ==
                     VD_OK);
        FUZZ_REQUIRE(found <= i);
    }
    FUZZ_REQUIRE(vd_table_text_bytes(table) == text_bytes);
}

static void walk(struct vd_table *table)
{
    struct vd_table_value *values = calloc(vd_table_column_count(table), sizeof(*values));
    char *text = malloc(vd_table_text_bytes(table) + 1);
    struct vd_table_cursor cursor = {0};
    char key[VD_TABLE_KEY_MAX];
    uint64_t seen = 0;
    size_t length = 0;

    FUZZ_REQUIRE(values && text);
    while (vd_table_next(table, &cursor, 5, key, &length, values, text, NULL) == VD_OK) {
        FUZZ_REQUIRE(length <= VD_TABLE_KEY_MAX);
        seen++;
    }
    FUZZ_REQUIRE(seen <= vd_table_capacity(table));
    FUZZ_REQUIRE(vd_table_count_live(table, 5) <= vd_table_capacity(table));
    vd_table_count(table);
    free(text);
    free(values);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t rounded = (size + 63) / 64 * 64;
    struct vd_table *table = NULL;
    struct vd_error error = {VD_OK, ""};
    unsigned char *memory;

    if (size == 0 || size > MEMORY_MAX)
        return 0;
    memory = aligned_alloc(64, rounded);
    FUZZ_REQUIRE(memory);
    memset(memory, 0, rounded);
    memcpy(memory, data, size);
    if (vd_table_attach(memory, rounded, &table, &error) == VD_OK) {
        check_schema(table);
        walk(table);
    } else {
        FUZZ_REQUIRE(error.code == VD_ERR_CORRUPT && error.text[0]);
    }
    vd_table_close(table);
    free(memory);
    return 0;
}
