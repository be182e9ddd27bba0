/* SPDX-License-Identifier: Apache-2.0 */
/* Viaduct\Store: values on their way out of a table, and what is thrown when one does not fit. */
#include "class_store_values.h"

#include "state_error.h"

static const char *type_name(enum vd_column_type type)
{
    return type == VD_COLUMN_INT     ? "INT, and takes an int"
           : type == VD_COLUMN_FLOAT ? "FLOAT, and takes a float or an int"
                                     : "STRING, and takes a string";
}

ZEND_COLD void vd_php_store_throw_type(const struct vd_php_table *table,
                                       const struct vd_php_column *column, const zval *value)
{
    zend_throw_exception_ex(vd_ce_value_type_exception, 0,
                            "table \"%s\": column \"%s\" is %s; %s given",
                            ZSTR_VAL(table->name.own), ZSTR_VAL(column->name.own),
                            type_name(column->type), zend_zval_type_name(value));
}

ZEND_COLD void vd_php_store_throw_column(const struct vd_php_table *table, const char *name,
                                         size_t length)
{
    struct vd_error error = {0};
    uint32_t number;
    vd_table_column(table->table, name, length, &number, &error);
    vd_php_state_throw(&error, vd_ce_unknown_column_exception);
}

void vd_php_store_row(zval *to, const struct vd_php_table *table,
                      const struct vd_table_value *values)
{
    array_init_size(to, table->column_count);
    zend_hash_real_init_mixed(Z_ARRVAL_P(to));
    for (uint32_t i = 0; i < table->column_count; i++) {
        zval value;
        vd_php_store_value(&value, &table->columns[i], &values[i]);
        _zend_hash_append(Z_ARRVAL_P(to), table->columns[i].name.own, &value);
    }
}

ZEND_COLD void vd_php_store_throw(const struct vd_error *error)
{
    vd_php_state_throw_operation(error, vd_ce_integer_range_exception);
}

static bool fits(const struct vd_php_column *column, int64_t value)
{
    int64_t largest = (int64_t)(UINT64_MAX >> (65 - column->bytes * 8));
    return value <= largest && value >= -largest - 1;
}

/* What was too large: a string, or a number? */
ZEND_COLD void vd_php_store_throw_set(const struct vd_php_table *table,
                                      const struct vd_table_change *changes, size_t count,
                                      const struct vd_error *error)
{
    zend_class_entry *too_large = vd_ce_integer_range_exception;
    for (size_t i = count; i-- > 0;) { /* the first one was told */
        const struct vd_php_column *column = &table->columns[changes[i].column];
        bool is_string = column->type == VD_COLUMN_STRING;
        if (is_string && changes[i].value.string.length > column->bytes) {
            too_large = vd_ce_value_too_long_exception;
        } else if (column->type == VD_COLUMN_INT && !fits(column, changes[i].value.integer)) {
            too_large = vd_ce_integer_range_exception;
        }
    }
    vd_php_state_throw_operation(error, too_large);
}
