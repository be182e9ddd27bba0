/* SPDX-License-Identifier: Apache-2.0 */
/* Viaduct\Store: reading and writing rows. The hot path: names are found by pointer, values are
 * checked and turned into the table's before anything is locked, and the answer is made after it.
 *
 * Failure modes: whatever does not fit is refused with its own exception; nothing was written. */
#include "class_store.h"

#include <viaduct/clock.h>

#include "state_error.h"

#define WINDOW_MAX_S 10000000

enum { WINDOW_VALUE, WINDOW_REMAINING, WINDOW_RESET_AT };

/* ---- values -----------------------------------------------------------------------------------
 */

static const char *type_name(enum vd_column_type type)
{
    return type == VD_COLUMN_INT     ? "INT, and takes an int"
           : type == VD_COLUMN_FLOAT ? "FLOAT, and takes a float or an int"
                                     : "STRING, and takes a string";
}

static ZEND_COLD void throw_type(const struct vd_php_table *table,
                                 const struct vd_php_column *column, const zval *value)
{
    zend_throw_exception_ex(vd_ce_value_type_exception, 0,
                            "table \"%s\": column \"%s\" is %s; %s given",
                            ZSTR_VAL(table->name.own), ZSTR_VAL(column->name.own),
                            type_name(column->type), zend_zval_type_name(value));
}

static ZEND_COLD void throw_column(const struct vd_php_table *table, const char *name,
                                   size_t length)
{
    struct vd_error error = {0};
    uint32_t number;
    vd_table_column(table->table, name, length, &number, &error);
    vd_php_state_throw(&error, vd_ce_unknown_column_exception);
}

static zend_always_inline int column_find(struct vd_php_table *table, zend_string *name)
{
    int column = vd_php_table_column(table, name);
    if (UNEXPECTED(column < 0)) {
        throw_column(table, ZSTR_VAL(name), ZSTR_LEN(name));
    }
    return column;
}

/* False after throwing. Never calls code of the user. */
static zend_always_inline bool value_read(const struct vd_php_table *table, uint32_t number,
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
        throw_type(table, column, from);
        return false;
    }
    return true;
}

void vd_php_store_value(zval *to, const struct vd_php_column *column,
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

static ZEND_COLD void throw_operation(const struct vd_error *error)
{
    vd_php_state_throw_operation(error, vd_ce_integer_range_exception);
}

/* ---- reading ----------------------------------------------------------------------------------
 */

static void get_row(struct vd_php_table *table, const zend_string *key, zval *return_value)
{
    struct vd_table_value values[VD_TABLE_COLUMNS_MAX];
    struct vd_error error;
    enum vd_err code =
        vd_table_get(table->table, ZSTR_VAL(key), ZSTR_LEN(key), vd_php_table_time_ms(table),
                     values, vd_php_table_text(table), &error);
    if (EXPECTED(code == VD_OK)) {
        vd_php_store_row(return_value, table, values);
    } else if (UNEXPECTED(code != VD_ERR_NOT_FOUND)) {
        throw_operation(&error);
    }
}

ZEND_METHOD(Viaduct_Store, get)
{
    zend_string *name;
    zend_string *key;
    zend_string *field = NULL;
    ZEND_PARSE_PARAMETERS_START(2, 3)
    Z_PARAM_STR(name)
    Z_PARAM_STR(key)
    Z_PARAM_OPTIONAL
    Z_PARAM_STR_OR_NULL(field)
    ZEND_PARSE_PARAMETERS_END();
    struct vd_php_table *table = vd_php_store_table(name);
    if (UNEXPECTED(!table)) {
        RETURN_THROWS();
    }
    if (!field) {
        get_row(table, key, return_value);
        return;
    }
    int column = column_find(table, field);
    if (UNEXPECTED(column < 0)) {
        RETURN_THROWS();
    }
    bool is_string = table->columns[column].type == VD_COLUMN_STRING;
    struct vd_table_value value;
    struct vd_error error;
    enum vd_err code = vd_table_get_field(table->table, ZSTR_VAL(key), ZSTR_LEN(key),
                                          (uint32_t)column, vd_php_table_time_ms(table), &value,
                                          is_string ? vd_php_table_text(table) : NULL, &error);
    if (EXPECTED(code == VD_OK)) {
        vd_php_store_value(return_value, &table->columns[column], &value);
    } else if (UNEXPECTED(code != VD_ERR_NOT_FOUND)) {
        throw_operation(&error);
    }
}

/* Two arguments: table and key. */
static struct vd_php_table *row_arguments(zend_execute_data *execute_data, zend_string **key)
{
    zend_string *name;
    ZEND_PARSE_PARAMETERS_START(2, 2)
    Z_PARAM_STR(name)
    Z_PARAM_STR(*key)
    ZEND_PARSE_PARAMETERS_END_EX(return NULL);
    return vd_php_store_table(name);
}

static void return_found(enum vd_err code, const struct vd_error *error, zval *return_value)
{
    if (UNEXPECTED(code != VD_OK && code != VD_ERR_NOT_FOUND)) {
        throw_operation(error);
        RETURN_THROWS();
    }
    RETURN_BOOL(code == VD_OK);
}

ZEND_METHOD(Viaduct_Store, exists)
{
    zend_string *key;
    struct vd_php_table *table = row_arguments(execute_data, &key);
    if (UNEXPECTED(!table)) {
        RETURN_THROWS();
    }
    struct vd_error error;
    return_found(vd_table_exists(table->table, ZSTR_VAL(key), ZSTR_LEN(key),
                                 vd_php_table_time_ms(table), &error),
                 &error, return_value);
}

/* ---- writing ----------------------------------------------------------------------------------
 */

ZEND_METHOD(Viaduct_Store, del)
{
    zend_string *key;
    struct vd_php_table *table = row_arguments(execute_data, &key);
    if (UNEXPECTED(!table)) {
        RETURN_THROWS();
    }
    struct vd_error error;
    enum vd_err code = vd_table_del(table->table, ZSTR_VAL(key), ZSTR_LEN(key),
                                    vd_php_table_time_ms(table), &error);
    if (code == VD_OK) {
        vd_php_changed(table, key);
    }
    return_found(code, &error, return_value);
}

static bool fits(const struct vd_php_column *column, int64_t value)
{
    int64_t largest = (int64_t)(UINT64_MAX >> (65 - column->bytes * 8));
    return value <= largest && value >= -largest - 1;
}

/* What was too large: a string, or a number? */
static ZEND_COLD void throw_set(const struct vd_php_table *table,
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

/* An array has each name once, so there are never more changes than columns. */
static int changes_read(struct vd_php_table *table, HashTable *array,
                        struct vd_table_change *changes)
{
    zend_ulong index;
    zend_string *name;
    zval *value;
    int count = 0;
    ZEND_HASH_FOREACH_KEY_VAL(array, index, name, value)
    {
        if (UNEXPECTED(!name)) {
            char text[24];
            throw_column(table, text,
                         (size_t)snprintf(text, sizeof(text), ZEND_LONG_FMT, (zend_long)index));
            return -1;
        }
        /* most arrays name the columns in their order */
        int column = count;
        if ((uint32_t)count >= table->column_count || table->columns[count].name.seen != name) {
            column = column_find(table, name);
        }
        ZVAL_DEREF(value);
        if (UNEXPECTED(column < 0) ||
            UNEXPECTED(!value_read(table, (uint32_t)column, value, &changes[count].value))) {
            return -1;
        }
        changes[count++].column = (uint32_t)column;
    }
    ZEND_HASH_FOREACH_END();
    return count;
}

ZEND_METHOD(Viaduct_Store, set)
{
    zend_string *name;
    zend_string *key;
    HashTable *values;
    ZEND_PARSE_PARAMETERS_START(3, 3)
    Z_PARAM_STR(name)
    Z_PARAM_STR(key)
    Z_PARAM_ARRAY_HT(values)
    ZEND_PARSE_PARAMETERS_END();
    struct vd_php_table *table = vd_php_store_table(name);
    if (UNEXPECTED(!table)) {
        RETURN_THROWS();
    }
    struct vd_table_change changes[VD_TABLE_COLUMNS_MAX];
    int count = changes_read(table, values, changes);
    if (UNEXPECTED(count < 0)) {
        RETURN_THROWS();
    }
    struct vd_error error;
    error.code = vd_table_set(table->table, ZSTR_VAL(key), ZSTR_LEN(key), changes, (size_t)count,
                              vd_php_table_time_ms(table), &error);
    if (UNEXPECTED(error.code != VD_OK)) {
        throw_set(table, changes, (size_t)count, &error);
        RETURN_THROWS();
    }
    vd_php_changed(table, key);
}

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
    int column = column_find(addition->table, field);
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
    error.code = vd_table_incr_float(addition->table->table, ZSTR_VAL(addition->key),
                                     ZSTR_LEN(addition->key), addition->column, by,
                                     vd_php_table_time_ms(addition->table), &sum, &error);
    if (UNEXPECTED(error.code != VD_OK)) {
        throw_operation(&error);
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
            throw_type(addition.table, column, &addition.by);
        }
        RETURN_THROWS();
    }
    struct vd_error error;
    int64_t sum;
    error.code = (down ? vd_table_decr : vd_table_incr)(
        addition.table->table, ZSTR_VAL(addition.key), ZSTR_LEN(addition.key), addition.column,
        Z_LVAL(addition.by), vd_php_table_time_ms(addition.table), &sum, &error);
    if (UNEXPECTED(error.code != VD_OK)) {
        throw_operation(&error);
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
    int column = table ? column_find(table, field) : -1;
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
    error.code =
        vd_table_incr_window(table->table, ZSTR_VAL(key), ZSTR_LEN(key), (uint32_t)column, by,
                             (uint64_t)(length * 1000 + 0.5), now_ms, &sum, &ends_ms, &error);
    if (UNEXPECTED(error.code != VD_OK)) {
        throw_operation(&error);
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
    int column = table ? column_find(table, field) : -1;
    struct vd_table_value before;
    struct vd_table_change change = {.column = (uint32_t)column};
    if (UNEXPECTED(column < 0) ||
        UNEXPECTED(!value_read(table, change.column, expected, &before)) ||
        UNEXPECTED(!value_read(table, change.column, desired, &change.value))) {
        RETURN_THROWS();
    }
    struct vd_error error;
    bool swapped = false;
    error.code =
        vd_table_compare_and_set(table->table, ZSTR_VAL(key), ZSTR_LEN(key), change.column, &before,
                                 &change.value, vd_php_table_time_ms(table), &swapped, &error);
    if (UNEXPECTED(error.code != VD_OK && error.code != VD_ERR_NOT_FOUND)) {
        throw_set(table, &change, 1, &error);
        RETURN_THROWS();
    }
    if (swapped) {
        vd_php_changed(table, key);
    }
    RETURN_BOOL(swapped);
}
