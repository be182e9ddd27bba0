/* SPDX-License-Identifier: Apache-2.0 */
/* Values and names between PHP and a table: for the methods of Viaduct\Store, which are called
 * millions of times a second, so that what nearly always happens is inline. */
#ifndef VIADUCT_PHP_CLASS_STORE_VALUES_H
#define VIADUCT_PHP_CLASS_STORE_VALUES_H

#include <php.h>

#include "shared_state.h"

/* Throw: a value of another type than the column's; no such column; what an operation returned,
 * where only a number can be too large; the same where it may be a string. */
ZEND_COLD void vd_php_store_throw_type(const struct vd_php_table *table,
                                       const struct vd_php_column *column, const zval *value);
ZEND_COLD void vd_php_store_throw_column(const struct vd_php_table *table, const char *name,
                                         size_t length);
ZEND_COLD void vd_php_store_throw(const struct vd_error *error);
ZEND_COLD void vd_php_store_throw_set(const struct vd_php_table *table,
                                      const struct vd_table_change *changes, size_t count,
                                      const struct vd_error *error);

/* All columns, by name. */
void vd_php_store_row(zval *to, const struct vd_php_table *table,
                      const struct vd_table_value *values);

/* @value as PHP knows it. */
static zend_always_inline void vd_php_store_value(zval *to, const struct vd_php_column *column,
                                                  const struct vd_table_value *value)
{
    if (column->type == VD_COLUMN_INT) {
        ZVAL_LONG(to, value->integer);
    } else if (column->type == VD_COLUMN_FLOAT) {
        ZVAL_DOUBLE(to, value->number);
    } else {
        ZVAL_STRINGL_FAST(to, value->string.bytes, value->string.length);
    }
}

/* The column's number; -1 after throwing. */
static zend_always_inline int vd_php_store_column(struct vd_php_table *table, zend_string *name)
{
    int column = vd_php_table_column(table, name);
    if (UNEXPECTED(column < 0)) {
        vd_php_store_throw_column(table, ZSTR_VAL(name), ZSTR_LEN(name));
    }
    return column;
}

/* False after throwing. Never calls code of the user. */
static zend_always_inline bool vd_php_store_read(const struct vd_php_table *table, uint32_t number,
                                                 const zval *from, struct vd_table_value *value)
{
    const struct vd_php_column *column = &table->columns[number];
    if (column->type == VD_COLUMN_INT && EXPECTED(Z_TYPE_P(from) == IS_LONG)) {
        value->integer = Z_LVAL_P(from);
    } else if (column->type == VD_COLUMN_STRING && EXPECTED(Z_TYPE_P(from) == IS_STRING)) {
        value->string.bytes = Z_STRVAL_P(from);
        value->string.length = Z_STRLEN_P(from);
    } else if (column->type == VD_COLUMN_FLOAT && Z_TYPE_P(from) == IS_DOUBLE) {
        value->number = Z_DVAL_P(from);
    } else if (column->type == VD_COLUMN_FLOAT && Z_TYPE_P(from) == IS_LONG) {
        value->number = (double)Z_LVAL_P(from);
    } else {
        vd_php_store_throw_type(table, column, from);
        return false;
    }
    return true;
}

#endif
