/* SPDX-License-Identifier: Apache-2.0 */
/* What is checked before a table is written to, and the sentences when it does not hold: table,
 * column, limits, and what to change. */
#include "table_shared.h"

const char *vd_column_type_name(enum vd_column_type type)
{
    static const char *const names[] = {"INT", "FLOAT", "STRING"};

    return (unsigned)type <= VD_COLUMN_STRING ? names[type] : "unknown";
}

enum vd_err table_no_column(const struct vd_table *table, uint32_t column, struct vd_error *error)
{
    return vd_error_set(error, VD_ERR_INVALID, "table \"%s\" has %u columns; there is no number %u",
                        table->schema.name, table->schema.column_count, column);
}

enum vd_err table_check_type(const struct vd_table *table, uint32_t column, unsigned type,
                             struct vd_error *error)
{
    enum vd_err result = table_check_column(table, column, error);

    if (result != VD_OK || table->schema.columns[column].type == type)
        return result;
    return vd_error_set(error, VD_ERR_INVALID,
                        "table \"%s\": column \"%s\" is %s, and this adds to a column that is %s",
                        table->schema.name, table->schema.columns[column].name,
                        vd_column_type_name(table->schema.columns[column].type),
                        vd_column_type_name(type));
}

enum vd_err table_out_of_range(const struct vd_table *table, const struct table_column *column,
                               const char *what, struct vd_error *error)
{
    return vd_error_set(error, VD_ERR_TOO_LARGE,
                        "table \"%s\": %s is out of range for column \"%s\", INT of %u bytes, "
                        "which holds %lld to %lld%s",
                        table->schema.name, what, column->name, column->bytes,
                        (long long)-table_largest(column) - 1, (long long)table_largest(column),
                        column->bytes < 8 ? "; declare it with more bytes" : "");
}

enum vd_err table_not_finite(const struct vd_table *table, const struct table_column *column,
                             struct vd_error *error)
{
    return vd_error_set(error, VD_ERR_TOO_LARGE,
                        "table \"%s\": the sum is out of range for column \"%s\", FLOAT",
                        table->schema.name, column->name);
}

static enum vd_err check_value(const struct vd_table *table, uint32_t at,
                               const struct vd_table_value *value, struct vd_error *error)
{
    const struct table_column *column = &table->schema.columns[at];

    if (column->type == VD_COLUMN_INT && !table_is_in_range(column, value->integer))
        return table_out_of_range(table, column, "the value", error);
    if (column->type == VD_COLUMN_STRING && value->string.length > column->bytes) {
        return vd_error_set(error, VD_ERR_TOO_LARGE,
                            "table \"%s\": a string of %zu bytes for column \"%s\", which holds "
                            "%u; declare it longer or store less",
                            table->schema.name, value->string.length, column->name, column->bytes);
    }
    return VD_OK;
}

enum vd_err table_check_changes(const struct vd_table *table, const struct vd_table_change *changes,
                                size_t count, struct vd_error *error)
{
    for (size_t i = 0; i < count; i++) {
        enum vd_err result = table_check_column(table, changes[i].column, error);

        if (result == VD_OK)
            result = check_value(table, changes[i].column, &changes[i].value, error);
        if (result != VD_OK)
            return result;
    }
    return VD_OK;
}
