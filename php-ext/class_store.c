/* SPDX-License-Identifier: Apache-2.0 */
/* Viaduct\Store: declaring tables, and what concerns a table as a whole. Rows are read and written
 * in class_store_rows.c, looped over in class_store_iterator.c. */
#include "class_store.h"

#include "global_state.h"
#include "state_error.h"

#define TTL_MAX_S 10000000

enum { STORE_INT = 1, STORE_FLOAT = 2, STORE_STRING = 3 };

ZEND_METHOD(Viaduct_Store, __construct)
{
    ZEND_PARSE_PARAMETERS_NONE();
}

static bool is_ours(const struct vd_php_table *table)
{
    return table && !table->internal;
}

/* Names all others, since it is a slip of the pen or a table that was made too late. */
static ZEND_COLD void throw_unknown(zend_string *name)
{
    const struct vd_php_shared *shared = VIADUCT_G(shared);
    char all[200] = "";
    size_t used = 0;
    if (vd_php_global_state_is_name(ZSTR_VAL(name))) {
        zend_throw_exception_ex(vd_ce_unknown_table_exception, 0,
                                "table \"%s\" is Viaduct's own: use GlobalState", ZSTR_VAL(name));
        return;
    }
    for (uint32_t i = 0; i < shared->table_count; i++) {
        if (is_ours(shared->tables[i]) && used < sizeof(all)) {
            used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s", used ? ", " : "",
                                     ZSTR_VAL(shared->tables[i]->name.own));
        }
    }
    zend_throw_exception_ex(
        vd_ce_unknown_table_exception, 0,
        "no table \"%.*s\": make it with Store::make() before run() or pcntl_fork(). %s%s",
        VD_TABLE_NAME_MAX, ZSTR_VAL(name), used ? "There are: " : "There is none", all);
}

struct vd_php_table *vd_php_store_table(zend_string *name)
{
    struct vd_php_table *table = vd_php_shared_table(name);
    if (UNEXPECTED(!is_ours(table))) {
        throw_unknown(name);
        return NULL;
    }
    return table;
}

/* ---- make() -----------------------------------------------------------------------------------
 */

static bool refuse_column(const zend_string *table, const char *column, const char *why)
{
    zend_throw_exception_ex(vd_ce_schema_exception, 0, "table \"%s\": column \"%s\" %s",
                            ZSTR_VAL(table), column, why);
    return false;
}

/* [Store::INT, 4] */
static bool column_read(const zend_string *table, struct vd_column *column, zval *declared)
{
    ZVAL_DEREF(declared);
    if (Z_TYPE_P(declared) != IS_ARRAY) {
        return refuse_column(table, column->name,
                             "is declared by no array; write [Store::INT, 8], [Store::FLOAT] or "
                             "[Store::STRING, 64]");
    }
    zval *type = zend_hash_index_find_deref(Z_ARRVAL_P(declared), 0);
    zval *size = zend_hash_index_find_deref(Z_ARRVAL_P(declared), 1);
    if (!type || Z_TYPE_P(type) != IS_LONG || Z_LVAL_P(type) < STORE_INT ||
        Z_LVAL_P(type) > STORE_STRING) {
        return refuse_column(table, column->name,
                             "has an unknown type; use Store::INT, Store::FLOAT or Store::STRING");
    }
    column->type = (enum vd_column_type)(Z_LVAL_P(type) - STORE_INT);
    column->bytes = 8;
    if (!size && column->type != VD_COLUMN_STRING) {
        return true;
    }
    if (!size || Z_TYPE_P(size) != IS_LONG || Z_LVAL_P(size) < 0 || Z_LVAL_P(size) > UINT32_MAX) {
        return refuse_column(table, column->name,
                             "needs a size in bytes, such as [Store::STRING, 64]");
    }
    /* OpenSwoole ignores it */
    column->bytes = column->type == VD_COLUMN_FLOAT ? 8 : (uint32_t)Z_LVAL_P(size);
    return true;
}

/* @columns has room for VD_TABLE_COLUMNS_MAX; of more the count alone is told. */
static bool columns_read(const zend_string *table, HashTable *declared, struct vd_column *columns)
{
    zend_string *name;
    zval *value;
    uint32_t count = 0;
    ZEND_HASH_FOREACH_STR_KEY_VAL(declared, name, value)
    {
        if (count == VD_TABLE_COLUMNS_MAX) {
            return true;
        }
        if (!name) {
            zend_throw_exception_ex(
                vd_ce_schema_exception, 0,
                "table \"%s\": column %u has a number for its name; declare columns as "
                "'name' => [Store::INT, 8]",
                ZSTR_VAL(table), count + 1);
            return false;
        }
        if (memchr(ZSTR_VAL(name), 0, ZSTR_LEN(name))) {
            return refuse_column(table, ZSTR_VAL(name), "has a NUL byte in its name");
        }
        columns[count].name = ZSTR_VAL(name);
        if (!column_read(table, &columns[count++], value)) {
            return false;
        }
    }
    ZEND_HASH_FOREACH_END();
    return true;
}

static bool ttl_read(const zend_string *table, const zval *seconds, uint64_t *ttl_ms)
{
    double value = seconds ? zval_get_double((zval *)seconds) : 0;
    if (value == 0) {
        *ttl_ms = 0;
        return true;
    }
    if (!(value >= 0.001 && value <= TTL_MAX_S)) {
        zend_throw_exception_ex(
            vd_ce_schema_exception, 0,
            "table \"%s\": ttl is %g seconds; allowed are 0.001 to %d, and 0 for never",
            ZSTR_VAL(table), value, TTL_MAX_S);
        return false;
    }
    *ttl_ms = (uint64_t)(value * 1000 + 0.5);
    return true;
}

ZEND_METHOD(Viaduct_Store, make)
{
    zend_string *name;
    zend_long rows;
    HashTable *declared;
    zval *ttl = NULL;
    struct vd_column columns[VD_TABLE_COLUMNS_MAX];
    ZEND_PARSE_PARAMETERS_START(3, 4)
    Z_PARAM_STR(name)
    Z_PARAM_LONG(rows)
    Z_PARAM_ARRAY_HT(declared)
    Z_PARAM_OPTIONAL
    Z_PARAM_NUMBER(ttl)
    ZEND_PARSE_PARAMETERS_END();
    struct vd_table_options options = {.name = ZSTR_VAL(name),
                                       .rows = (uint64_t)rows,
                                       .columns = columns,
                                       .column_count = zend_hash_num_elements(declared)};
    if (memchr(ZSTR_VAL(name), 0, ZSTR_LEN(name))) {
        zend_throw_exception(vd_ce_schema_exception, "the name of a table has a NUL byte", 0);
        RETURN_THROWS();
    }
    if (vd_php_global_state_is_name(ZSTR_VAL(name))) {
        zend_throw_exception_ex(vd_ce_schema_exception, 0,
                                "table \"%s\" is Viaduct's own; use another name", ZSTR_VAL(name));
        RETURN_THROWS();
    }
    if (rows < 1) {
        zend_throw_exception_ex(vd_ce_schema_exception, 0,
                                "table \"%s\": " ZEND_LONG_FMT " rows; allowed are 1 to %llu",
                                ZSTR_VAL(name), rows, (unsigned long long)VD_TABLE_ROWS_MAX);
        RETURN_THROWS();
    }
    if (!columns_read(name, declared, columns) || !ttl_read(name, ttl, &options.ttl_ms)) {
        RETURN_THROWS();
    }
    if (!vd_php_shared_make_table(&options, false)) {
        RETURN_THROWS();
    }
}

/* ---- a table as a whole -----------------------------------------------------------------------
 */

zend_long vd_php_store_count(struct vd_php_table *table)
{
    if (table->ttl_ms == 0 && table->windows && atomic_load(table->windows) == 0) {
        return (zend_long)vd_table_count(table->table);
    }
    return (zend_long)vd_table_count_live(table->table, vd_php_table_now_ms());
}

/* The only argument: a table's name. */
static struct vd_php_table *table_argument(zend_execute_data *execute_data)
{
    zend_string *name;
    ZEND_PARSE_PARAMETERS_START(1, 1)
    Z_PARAM_STR(name)
    ZEND_PARSE_PARAMETERS_END_EX(return NULL);
    return vd_php_store_table(name);
}

ZEND_METHOD(Viaduct_Store, count)
{
    struct vd_php_table *table = table_argument(execute_data);
    if (!table) {
        RETURN_THROWS();
    }
    RETURN_LONG(vd_php_store_count(table));
}

ZEND_METHOD(Viaduct_Store, clear)
{
    struct vd_php_table *table = table_argument(execute_data);
    if (!table) {
        RETURN_THROWS();
    }
    vd_php_changing(table, NULL);
    vd_table_clear(table->table);
    vd_php_changed(table, NULL);
}

ZEND_METHOD(Viaduct_Store, iterate)
{
    struct vd_php_table *table = table_argument(execute_data);
    if (!table) {
        RETURN_THROWS();
    }
    vd_php_rows_create(return_value, table);
}

ZEND_METHOD(Viaduct_Store, names)
{
    ZEND_PARSE_PARAMETERS_NONE();
    const struct vd_php_shared *shared = VIADUCT_G(shared);
    array_init(return_value);
    for (uint32_t i = 0; i < shared->table_count; i++) {
        if (is_ours(shared->tables[i])) {
            add_next_index_str(return_value, shared->tables[i]->name.own);
        }
    }
}
