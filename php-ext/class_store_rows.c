/* SPDX-License-Identifier: Apache-2.0 */
/* Viaduct\Store: reading, setting and deleting rows. Names are found by pointer, values are checked
 * and turned into the table's before anything is locked, and the answer is made after it.
 *
 * Failure modes: whatever does not fit is refused with its own exception; nothing was written. */
#include "class_store.h"
#include "class_store_values.h"

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
        vd_php_store_throw(&error);
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
    int column = vd_php_store_column(table, field);
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
        vd_php_store_throw(&error);
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
        vd_php_store_throw(error);
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
    vd_php_changing(table, key);
    enum vd_err code = vd_table_del(table->table, ZSTR_VAL(key), ZSTR_LEN(key),
                                    vd_php_table_time_ms(table), &error);
    if (code == VD_OK) {
        vd_php_changed(table, key);
    }
    return_found(code, &error, return_value);
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
            vd_php_store_throw_column(
                table, text, (size_t)snprintf(text, sizeof(text), ZEND_LONG_FMT, (zend_long)index));
            return -1;
        }
        /* most arrays name the columns in their order */
        int column = count;
        if ((uint32_t)count >= table->column_count || table->columns[count].name.seen != name) {
            column = vd_php_store_column(table, name);
        }
        ZVAL_DEREF(value);
        if (UNEXPECTED(column < 0) ||
            UNEXPECTED(!vd_php_store_read(table, (uint32_t)column, value, &changes[count].value))) {
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
    vd_php_changing(table, key);
    error.code = vd_table_set(table->table, ZSTR_VAL(key), ZSTR_LEN(key), changes, (size_t)count,
                              vd_php_table_time_ms(table), &error);
    if (UNEXPECTED(error.code != VD_OK)) {
        vd_php_store_throw_set(table, changes, (size_t)count, &error);
        RETURN_THROWS();
    }
    vd_php_changed(table, key);
}
