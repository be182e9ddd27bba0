/* SPDX-License-Identifier: Apache-2.0 */
/* Viaduct\Store: changes that depend on what is there, in one atomic step: incr, decr, incrWindow,
 * compareAndSet.
 *
 * Failure modes: a sum that does not fit, a column of another type; nothing was written. */
#include <viaduct/clock.h>

#include "class_store.h"
#include "class_store_values.h"
#include "state_error.h"

#define WINDOW_MAX_S 10000000

enum { WINDOW_VALUE, WINDOW_REMAINING, WINDOW_RESET_AT };

/* ---- adding -----------------------------------------------------------------------------------
 */

struct addition {
    struct vd_php_table *table;
    uint32_t column;
    zend_string *key;
    zval by;
};

/* False after throwing. */
static zend_always_inline bool addition_read(zend_execute_data *execute_data,
                                             struct addition *addition)
{
    zend_string *name;
    zend_string *field;
    zval *by = NULL;
    ZEND_PARSE_PARAMETERS_START(3, 4)
    Z_PARAM_STR(name)
    Z_PARAM_STR(addition->key)
    Z_PARAM_STR(field)
    Z_PARAM_OPTIONAL
    Z_PARAM_NUMBER(by)
    ZEND_PARSE_PARAMETERS_END_EX(return false);
    addition->table = vd_php_store_table(name);
    if (UNEXPECTED(!addition->table)) {
        return false;
    }
    int column = vd_php_store_column(addition->table, field);
    if (UNEXPECTED(column < 0)) {
        return false;
    }
    addition->column = (uint32_t)column;
    if (by) {
        ZVAL_COPY_VALUE(&addition->by, by);
    } else {
        ZVAL_LONG(&addition->by, 1);
    }
    return true;
}

static void add_float(const struct addition *addition, double by, zval *return_value)
{
    struct vd_error error;
    double sum = 0;
    vd_php_changing(addition->table, addition->key);
    error.code = vd_table_incr_float(addition->table->table, ZSTR_VAL(addition->key),
                                     ZSTR_LEN(addition->key), addition->column, by,
                                     vd_php_table_time_ms(addition->table), &sum, &error);
    if (UNEXPECTED(error.code != VD_OK)) {
        vd_php_store_throw(&error);
        RETURN_THROWS();
    }
    vd_php_changed(addition->table, addition->key);
    RETURN_DOUBLE(sum);
}

static zend_always_inline void add(zend_execute_data *execute_data, zval *return_value, bool down)
{
    struct addition addition;
    if (UNEXPECTED(!addition_read(execute_data, &addition))) {
        RETURN_THROWS();
    }
    const struct vd_php_column *column = &addition.table->columns[addition.column];
    if (column->type == VD_COLUMN_FLOAT) {
        double by = zval_get_double(&addition.by);
        add_float(&addition, down ? -by : by, return_value);
        return;
    }
    if (UNEXPECTED(column->type != VD_COLUMN_INT || Z_TYPE(addition.by) != IS_LONG)) {
        if (column->type == VD_COLUMN_STRING) {
            zend_throw_exception_ex(vd_ce_value_type_exception, 0,
                                    "table \"%s\": column \"%s\" is a STRING: only numbers can be "
                                    "added to",
                                    ZSTR_VAL(addition.table->name.own), ZSTR_VAL(column->name.own));
        } else {
            vd_php_store_throw_type(addition.table, column, &addition.by);
        }
        RETURN_THROWS();
    }
    struct vd_error error;
    int64_t sum;
    vd_php_changing(addition.table, addition.key);
    error.code = (down ? vd_table_decr : vd_table_incr)(
        addition.table->table, ZSTR_VAL(addition.key), ZSTR_LEN(addition.key), addition.column,
        Z_LVAL(addition.by), vd_php_table_time_ms(addition.table), &sum, &error);
    if (UNEXPECTED(error.code != VD_OK)) {
        vd_php_store_throw(&error);
        RETURN_THROWS();
    }
    vd_php_changed(addition.table, addition.key);
    RETURN_LONG(sum);
}

ZEND_METHOD(Viaduct_Store, incr)
{
    add(execute_data, return_value, false);
}

ZEND_METHOD(Viaduct_Store, decr)
{
    add(execute_data, return_value, true);
}

/* ---- one step for what would otherwise be several ---------------------------------------------
 */

ZEND_METHOD(Viaduct_Window, __construct)
{
    ZEND_PARSE_PARAMETERS_NONE();
}

static void window_create(zval *object, int64_t count, uint64_t left_ms)
{
    double remaining = (double)left_ms / 1000;
    zval value;
    object_init_ex(object, vd_ce_window);
    ZVAL_LONG(&value, count);
    vd_php_property_set(Z_OBJ_P(object), WINDOW_VALUE, &value);
    ZVAL_DOUBLE(&value, remaining);
    vd_php_property_set(Z_OBJ_P(object), WINDOW_REMAINING, &value);
    ZVAL_DOUBLE(&value, (double)vd_wall_ms() / 1000 + remaining);
    vd_php_property_set(Z_OBJ_P(object), WINDOW_RESET_AT, &value);
}

ZEND_METHOD(Viaduct_Store, incrWindow)
{
    zend_string *name;
    zend_string *key;
    zend_string *field;
    zend_long by;
    zval *seconds;
    ZEND_PARSE_PARAMETERS_START(5, 5)
    Z_PARAM_STR(name)
    Z_PARAM_STR(key)
    Z_PARAM_STR(field)
    Z_PARAM_LONG(by)
    Z_PARAM_NUMBER(seconds)
    ZEND_PARSE_PARAMETERS_END();
    double length = zval_get_double(seconds);
    if (!(length >= 0.001 && length <= WINDOW_MAX_S)) {
        zend_argument_value_error(5, "must be between 0.001 and %d seconds, %g given", WINDOW_MAX_S,
                                  length);
        RETURN_THROWS();
    }
    struct vd_php_table *table = vd_php_store_table(name);
    int column = table ? vd_php_store_column(table, field) : -1;
    if (UNEXPECTED(column < 0)) {
        RETURN_THROWS();
    }
    if (table->columns[column].type != VD_COLUMN_INT) {
        zend_throw_exception_ex(vd_ce_value_type_exception, 0,
                                "table \"%s\": column \"%s\" is no INT: a window counts in an INT",
                                ZSTR_VAL(table->name.own), ZSTR_VAL(field));
        RETURN_THROWS();
    }
    if (table->windows && UNEXPECTED(atomic_load(table->windows) == 0)) {
        atomic_store(table->windows, 1);
    }
    uint64_t now_ms = vd_php_table_now_ms();
    struct vd_error error;
    int64_t sum = 0;
    uint64_t ends_ms = 0;
    vd_php_changing(table, key);
    error.code =
        vd_table_incr_window(table->table, ZSTR_VAL(key), ZSTR_LEN(key), (uint32_t)column, by,
                             (uint64_t)(length * 1000 + 0.5), now_ms, &sum, &ends_ms, &error);
    if (UNEXPECTED(error.code != VD_OK)) {
        vd_php_store_throw(&error);
        RETURN_THROWS();
    }
    vd_php_changed(table, key);
    window_create(return_value, sum, ends_ms > now_ms ? ends_ms - now_ms : 0);
}

ZEND_METHOD(Viaduct_Store, compareAndSet)
{
    zend_string *name;
    zend_string *key;
    zend_string *field;
    zval *expected;
    zval *desired;
    ZEND_PARSE_PARAMETERS_START(5, 5)
    Z_PARAM_STR(name)
    Z_PARAM_STR(key)
    Z_PARAM_STR(field)
    Z_PARAM_ZVAL(expected)
    Z_PARAM_ZVAL(desired)
    ZEND_PARSE_PARAMETERS_END();
    struct vd_php_table *table = vd_php_store_table(name);
    int column = table ? vd_php_store_column(table, field) : -1;
    struct vd_table_value before;
    struct vd_table_change change = {.column = (uint32_t)column};
    if (UNEXPECTED(column < 0) ||
        UNEXPECTED(!vd_php_store_read(table, change.column, expected, &before)) ||
        UNEXPECTED(!vd_php_store_read(table, change.column, desired, &change.value))) {
        RETURN_THROWS();
    }
    struct vd_error error;
    bool swapped = false;
    vd_php_changing(table, key);
    error.code =
        vd_table_compare_and_set(table->table, ZSTR_VAL(key), ZSTR_LEN(key), change.column, &before,
                                 &change.value, vd_php_table_time_ms(table), &swapped, &error);
    if (UNEXPECTED(error.code != VD_OK && error.code != VD_ERR_NOT_FOUND)) {
        vd_php_store_throw_set(table, &change, 1, &error);
        RETURN_THROWS();
    }
    if (swapped) {
        vd_php_changed(table, key);
    }
    RETURN_BOOL(swapped);
}
