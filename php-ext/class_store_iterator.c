/* SPDX-License-Identifier: Apache-2.0 */
/* Viaduct\Rows: the rows of a table for foreach. Every loop has a cursor of its own, which holds
 * nothing in the table: it may be left at any time.
 *
 * Failure mode: a row that others change without pause makes a step throw a BusyException. */
#include "class_store.h"
#include "class_store_values.h"

#include <zend_interfaces.h>

#include "state_error.h"

struct vd_php_rows {
    struct vd_php_table *table;
    zend_object std;
};

struct rows_iterator {
    zend_object_iterator std; /* data: the Rows */
    struct vd_php_table *table;
    struct vd_table_cursor cursor;
    zval row; /* undefined: at the end */
    size_t key_length;
    char key[VD_TABLE_KEY_MAX];
};

static zend_object_handlers rows_handlers;

static inline struct vd_php_rows *rows_from(zend_object *object)
{
    return (struct vd_php_rows *)((char *)object - XtOffsetOf(struct vd_php_rows, std));
}

/* ---- the loop ---------------------------------------------------------------------------------
 */

static void drop_row(zend_object_iterator *iterator)
{
    struct rows_iterator *loop = (struct rows_iterator *)iterator;
    zval_ptr_dtor(&loop->row);
    ZVAL_UNDEF(&loop->row);
}

static void loop_free(zend_object_iterator *iterator)
{
    drop_row(iterator);
    zval_ptr_dtor(&iterator->data);
}

static zend_result loop_valid(zend_object_iterator *iterator)
{
    return Z_ISUNDEF(((struct rows_iterator *)iterator)->row) ? FAILURE : SUCCESS;
}

/* At the end: nothing, since an Iterator may be asked all the same. */
static zval *loop_row(zend_object_iterator *iterator)
{
    struct rows_iterator *loop = (struct rows_iterator *)iterator;
    return Z_ISUNDEF(loop->row) ? NULL : &loop->row;
}

static void loop_key(zend_object_iterator *iterator, zval *key)
{
    struct rows_iterator *loop = (struct rows_iterator *)iterator;
    if (Z_ISUNDEF(loop->row)) {
        ZVAL_NULL(key);
    } else {
        ZVAL_STRINGL(key, loop->key, loop->key_length);
    }
}

static void loop_next(zend_object_iterator *iterator)
{
    struct rows_iterator *loop = (struct rows_iterator *)iterator;
    struct vd_table_value values[VD_TABLE_COLUMNS_MAX];
    struct vd_error error;
    drop_row(iterator);
    error.code = vd_table_next(loop->table->table, &loop->cursor, vd_php_table_now_ms(), loop->key,
                               &loop->key_length, values, vd_php_table_text(loop->table), &error);
    if (error.code == VD_OK) {
        vd_php_store_row(&loop->row, loop->table, values);
    } else if (error.code != VD_ERR_EMPTY) {
        vd_php_state_throw_operation(&error, vd_ce_integer_range_exception);
    }
}

static void loop_rewind(zend_object_iterator *iterator)
{
    struct rows_iterator *loop = (struct rows_iterator *)iterator;
    loop->cursor = (struct vd_table_cursor){0};
    loop_next(iterator);
}

static const zend_object_iterator_funcs loop_funcs = {
    .dtor = loop_free,
    .valid = loop_valid,
    .get_current_data = loop_row,
    .get_current_key = loop_key,
    .move_forward = loop_next,
    .rewind = loop_rewind,
    .invalidate_current = drop_row,
};

static zend_object_iterator *rows_iterator(zend_class_entry *ce, zval *object, int by_reference)
{
    (void)ce;
    if (by_reference) {
        zend_throw_error(NULL, "Rows of a table cannot be looped over by reference");
        return NULL;
    }
    struct rows_iterator *loop = emalloc(sizeof(*loop));
    zend_iterator_init(&loop->std);
    ZVAL_OBJ_COPY(&loop->std.data, Z_OBJ_P(object));
    loop->std.funcs = &loop_funcs;
    loop->table = rows_from(Z_OBJ_P(object))->table;
    loop->cursor = (struct vd_table_cursor){0};
    ZVAL_UNDEF(&loop->row);
    return &loop->std;
}

/* ---- the object -------------------------------------------------------------------------------
 */

static zend_object *rows_create(zend_class_entry *ce)
{
    struct vd_php_rows *rows = zend_object_alloc(sizeof(*rows), ce);
    zend_object_std_init(&rows->std, ce);
    object_properties_init(&rows->std, ce);
    rows->std.handlers = &rows_handlers;
    return &rows->std;
}

/* var_dump(): the declaration, not the rows, of which there may be millions. */
static HashTable *rows_debug_info(zend_object *object, int *is_temporary)
{
    struct vd_php_table *table = rows_from(object)->table;
    zval info;
    zval columns;
    array_init(&info);
    *is_temporary = 1;
    if (!table) {
        return Z_ARRVAL(info);
    }
    array_init(&columns);
    for (uint32_t i = 0; i < table->column_count; i++) {
        const struct vd_php_column *column = &table->columns[i];
        zval type;
        ZVAL_STR(&type,
                 zend_strpprintf(0, "%s %u", vd_column_type_name(column->type), column->bytes));
        zend_hash_add_new(Z_ARRVAL(columns), column->name.own, &type);
    }
    add_assoc_str(&info, "table", table->name.own);
    add_assoc_long(&info, "rows", vd_php_store_count(table));
    add_assoc_long(&info, "maxRows", (zend_long)vd_table_capacity(table->table));
    add_assoc_double(&info, "ttl", (double)table->ttl_ms / 1000);
    add_assoc_zval(&info, "columns", &columns);
    return Z_ARRVAL(info);
}

void vd_php_rows_setup(void)
{
    vd_ce_rows->create_object = rows_create;
    vd_ce_rows->get_iterator = rows_iterator;
    memcpy(&rows_handlers, &std_object_handlers, sizeof(rows_handlers));
    rows_handlers.offset = XtOffsetOf(struct vd_php_rows, std);
    rows_handlers.get_debug_info = rows_debug_info;
    rows_handlers.clone_obj = NULL;
}

void vd_php_rows_create(zval *object, struct vd_php_table *table)
{
    object_init_ex(object, vd_ce_rows);
    rows_from(Z_OBJ_P(object))->table = table;
}

ZEND_METHOD(Viaduct_Rows, __construct)
{
    ZEND_PARSE_PARAMETERS_NONE();
}

ZEND_METHOD(Viaduct_Rows, getIterator)
{
    ZEND_PARSE_PARAMETERS_NONE();
    zend_create_internal_iterator_zval(return_value, ZEND_THIS);
}

ZEND_METHOD(Viaduct_Rows, count)
{
    ZEND_PARSE_PARAMETERS_NONE();
    RETURN_LONG(vd_php_store_count(rows_from(Z_OBJ_P(ZEND_THIS))->table));
}
