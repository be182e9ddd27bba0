/* SPDX-License-Identifier: Apache-2.0 */
/* The global state's table, and values on the way in and out.
 *
 * Failure modes: a value that cannot be serialized, or is too long (nothing was written); what was
 * serialized by one process cannot be by another, since a class is missing or its __unserialize()
 * throws: thrown where it is read. */
#include "global_state.h"

#include <ext/standard/basic_functions.h>
#include <ext/standard/php_var.h>
#include <zend_smart_str.h>

#include "state_error.h"

#define VALUES "global state"
#define LEASES "global state: leases"

/* ---- made -------------------------------------------------------------------------------------
 */

void vd_php_global_state_declare(struct vd_php_state_tables *tables, uint64_t rows,
                                 uint32_t value_bytes)
{
    const struct vd_php_state_tables declared = {
        .columns = {[VD_STATE_KIND] = {"kind", VD_COLUMN_INT, 1},
                    [VD_STATE_NUMBER] = {"number", VD_COLUMN_INT, 8},
                    [VD_STATE_VALUE] = {"value", VD_COLUMN_STRING, value_bytes}},
        .lease_columns = {{"owner", VD_COLUMN_INT, 8}},
        .values = {VALUES, rows, NULL, VD_STATE_COLUMNS, 0},
        .leases = {LEASES, rows, NULL, 1, 0},
    };
    *tables = declared;
    tables->values.columns = tables->columns;
    tables->leases.columns = tables->lease_columns;
}

bool vd_php_global_state_is_name(const char *table)
{
    return strcmp(table, VALUES) == 0 || strcmp(table, LEASES) == 0;
}

void vd_php_global_state_find(void)
{
    struct vd_php_shared *shared = VIADUCT_G(shared);
    shared->global_leases = vd_php_shared_find(LEASES, strlen(LEASES));
    shared->global_state =
        shared->global_leases ? vd_php_shared_find(VALUES, strlen(VALUES)) : NULL;
}

static bool has_size(const struct vd_php_table *values, zend_long rows, zend_long value_bytes)
{
    return vd_table_capacity(values->table) == (uint64_t)rows &&
           values->columns[VD_STATE_VALUE].bytes == (uint64_t)value_bytes;
}

bool vd_php_global_state_make(zend_long rows, zend_long value_bytes, const char *what)
{
    struct vd_php_shared *shared = VIADUCT_G(shared);
    struct vd_php_table *values = shared->global_state;
    struct vd_php_state_tables tables;
    if (values && !has_size(values, rows, value_bytes)) {
        zend_throw_exception_ex(
            vd_ce_schema_exception, 0,
            "the global state is there already, for %" PRIu64 " keys with values of %u bytes, and "
            "now for " ZEND_LONG_FMT " of " ZEND_LONG_FMT
            ": call withGlobalStateTableSize() or GlobalState::make() before it is used",
            vd_table_capacity(values->table), values->columns[VD_STATE_VALUE].bytes, rows,
            value_bytes);
        return false;
    }
    if (values) {
        return true;
    }
    if (what && !vd_php_shared_may_make(what)) {
        return false;
    }
    vd_php_global_state_declare(&tables, (uint64_t)rows, (uint32_t)value_bytes);
    if (!vd_php_shared_make_table(&tables.values, true) ||
        !vd_php_shared_make_table(&tables.leases, true)) {
        return false;
    }
    vd_php_global_state_find();
    return true;
}

struct vd_php_table *vd_php_global_state(void)
{
    const struct vd_php_shared *shared = VIADUCT_G(shared);
    if (UNEXPECTED(!shared->global_state) &&
        !vd_php_global_state_make(shared->state_rows, shared->state_value_bytes,
                                  "The global state is made by its first use, which is")) {
        return NULL;
    }
    return shared->global_state;
}

/* ---- values in --------------------------------------------------------------------------------
 */

/* Within Serializable::serialize() and unserialize() PHP counts objects on from the outer call, so
 * that an inner one may point into it. A value of ours is whole by itself, whoever is asking. */
struct nesting {
    unsigned lock;
    __typeof__(BG(serialize)) serialize;
    __typeof__(BG(unserialize)) unserialize;
};

static struct nesting nesting_leave(void)
{
    struct nesting outer = {BG(serialize_lock), BG(serialize), BG(unserialize)};
    BG(serialize_lock) = 0;
    BG(serialize).level = 0;
    BG(unserialize).level = 0;
    return outer;
}

static void nesting_enter(const struct nesting *outer)
{
    BG(serialize_lock) = outer->lock;
    BG(serialize) = outer->serialize;
    BG(unserialize) = outer->unserialize;
}

static bool encode_serialized(struct vd_php_encoded *encoded, const zval *value)
{
    smart_str text = {0};
    php_serialize_data_t data;
    if (Z_TYPE_P(value) == IS_RESOURCE) {
        zend_throw_exception(vd_ce_value_type_exception,
                             "the global state holds no resources: they are this process's own", 0);
        return false;
    }
    struct nesting outer = nesting_leave();
    PHP_VAR_SERIALIZE_INIT(data);
    php_var_serialize(&text, (zval *)value, &data);
    PHP_VAR_SERIALIZE_DESTROY(data);
    nesting_enter(&outer);
    if (EG(exception)) {
        smart_str_free(&text);
        return false;
    }
    smart_str_0(&text);
    encoded->serialized = text.s;
    return true;
}

static void encode_number(struct vd_php_encoded *encoded, enum vd_php_state_kind kind,
                          int64_t number)
{
    encoded->changes[VD_STATE_KIND].value.integer = kind;
    encoded->changes[VD_STATE_NUMBER].value.integer = number;
}

static void encode_text(struct vd_php_encoded *encoded, enum vd_php_state_kind kind,
                        const zend_string *text)
{
    encoded->changes[VD_STATE_KIND].value.integer = kind;
    encoded->changes[VD_STATE_VALUE].value.string.bytes = ZSTR_VAL(text);
    encoded->changes[VD_STATE_VALUE].value.string.length = ZSTR_LEN(text);
}

bool vd_php_global_state_encode(struct vd_php_encoded *encoded, const zval *value)
{
    int64_t bits;
    ZVAL_DEREF(value);
    memset(encoded, 0, sizeof(*encoded));
    for (uint32_t i = 0; i < VD_STATE_COLUMNS; i++) {
        encoded->changes[i].column = i;
    }
    encoded->changes[VD_STATE_VALUE].value.string.bytes = "";
    switch (Z_TYPE_P(value)) {
    case IS_NULL:
    case IS_FALSE:
    case IS_TRUE:
        encode_number(encoded, (enum vd_php_state_kind)(Z_TYPE_P(value) - IS_NULL + VD_STATE_NULL),
                      0);
        return true;
    case IS_LONG:
        encode_number(encoded, VD_STATE_INT, Z_LVAL_P(value));
        return true;
    case IS_DOUBLE:
        memcpy(&bits, &Z_DVAL_P(value), sizeof(bits));
        encode_number(encoded, VD_STATE_FLOAT, bits);
        return true;
    case IS_STRING:
        encode_text(encoded, VD_STATE_STRING, Z_STR_P(value));
        return true;
    default:
        break;
    }
    if (!encode_serialized(encoded, value)) {
        return false;
    }
    encode_text(encoded, VD_STATE_SERIALIZED, encoded->serialized);
    return true;
}

void vd_php_encoded_finish(struct vd_php_encoded *encoded)
{
    if (encoded->serialized) {
        zend_string_release(encoded->serialized);
    }
}

/* ---- values out -------------------------------------------------------------------------------
 */

/* From a copy: code of the user may read other values into the same room meanwhile. */
static bool decode_serialized(zval *to, const char *bytes, size_t length)
{
    zend_string *copy = zend_string_init(bytes, length, 0);
    const unsigned char *at = (const unsigned char *)ZSTR_VAL(copy);
    php_unserialize_data_t data;
    ZVAL_NULL(to);
    struct nesting outer = nesting_leave();
    PHP_VAR_UNSERIALIZE_INIT(data);
    bool whole = php_var_unserialize(to, &at, at + length, &data);
    PHP_VAR_UNSERIALIZE_DESTROY(data); /* runs __wakeup() and __unserialize() */
    nesting_enter(&outer);
    if (Z_ISREF_P(to)) { /* a value that refers to itself */
        zend_unwrap_reference(to);
    }
    zend_string_release(copy);
    if (whole && !EG(exception)) {
        return true;
    }
    if (!EG(exception)) {
        zend_throw_exception(vd_ce_shared_memory_exception,
                             "a value of the global state cannot be unserialized", 0);
    }
    zval_ptr_dtor(to);
    ZVAL_NULL(to);
    return false;
}

bool vd_php_global_state_decode(zval *to, const struct vd_table_value *values)
{
    const struct vd_table_value *value = &values[VD_STATE_VALUE];
    double number;
    switch (values[VD_STATE_KIND].integer) {
    case VD_STATE_FALSE:
        ZVAL_FALSE(to);
        return true;
    case VD_STATE_TRUE:
        ZVAL_TRUE(to);
        return true;
    case VD_STATE_INT:
        ZVAL_LONG(to, values[VD_STATE_NUMBER].integer);
        return true;
    case VD_STATE_FLOAT:
        memcpy(&number, &values[VD_STATE_NUMBER].integer, sizeof(number));
        ZVAL_DOUBLE(to, number);
        return true;
    case VD_STATE_STRING:
        ZVAL_STRINGL_FAST(to, value->string.bytes, value->string.length);
        return true;
    case VD_STATE_SERIALIZED:
        return decode_serialized(to, value->string.bytes, value->string.length);
    default:
        ZVAL_NULL(to);
        return true;
    }
}

/* ---- errors -----------------------------------------------------------------------------------
 */

/* The key is shown as far as it is plain text, so that one can tell which it is. */
static void show_key(char shown[48], const zend_string *key)
{
    size_t length = ZSTR_LEN(key) < 40 ? ZSTR_LEN(key) : 40;
    for (size_t i = 0; i < length; i++) {
        char byte = ZSTR_VAL(key)[i];
        shown[i] = (char)(byte < ' ' || byte > '~' ? '?' : byte);
    }
    strcpy(shown + length, length < ZSTR_LEN(key) ? "..." : "");
}

void vd_php_global_state_throw(struct vd_php_table *state, const zend_string *key,
                               const struct vd_php_encoded *encoded, struct vd_error *error)
{
    char shown[48];
    show_key(shown, key);
    if (error->code == VD_ERR_TOO_LARGE && encoded) {
        zend_throw_exception_ex(
            vd_ce_value_too_long_exception, 0,
            "the value of \"%s\" takes %zu bytes, and one of the global state has at most %u: "
            "store less, or raise maxValueBytes by Config::withGlobalStateTableSize()",
            shown, encoded->changes[VD_STATE_VALUE].value.string.length,
            state->columns[VD_STATE_VALUE].bytes);
        return;
    }
    if (error->code == VD_ERR_FULL) {
        zend_throw_exception_ex(
            vd_ce_capacity_exception, 0,
            "no room for \"%s\": all of the %" PRIu64 " keys of the global state are in use; "
            "delete some, or raise maxRows by Config::withGlobalStateTableSize()",
            shown, vd_table_capacity(state->table));
        return;
    }
    vd_php_state_throw_operation(error, vd_ce_value_too_long_exception);
}

/* ---- get and set ------------------------------------------------------------------------------
 */

bool vd_php_global_state_get(zend_string *key, zval *to, bool *found)
{
    struct vd_php_table *state = vd_php_global_state();
    struct vd_table_value values[VD_STATE_COLUMNS];
    struct vd_error error;
    *found = false;
    if (UNEXPECTED(!state)) {
        return false;
    }
    error.code = vd_table_get(state->table, ZSTR_VAL(key), ZSTR_LEN(key), vd_php_table_now_ms(),
                              values, vd_php_table_text(state), &error);
    if (error.code == VD_ERR_NOT_FOUND) {
        return true;
    }
    if (UNEXPECTED(error.code != VD_OK)) {
        vd_php_global_state_throw(state, key, NULL, &error);
        return false;
    }
    *found = true;
    return vd_php_global_state_decode(to, values);
}

bool vd_php_global_state_set(zend_string *key, const zval *value)
{
    struct vd_php_table *state = vd_php_global_state();
    struct vd_php_encoded encoded;
    struct vd_error error;
    bool done;
    if (UNEXPECTED(!state) || !vd_php_global_state_encode(&encoded, value)) {
        return false;
    }
    vd_php_changing(state, key);
    error.code =
        vd_table_set_version(state->table, ZSTR_VAL(key), ZSTR_LEN(key), NULL, encoded.changes,
                             VD_STATE_COLUMNS, 0, vd_php_table_now_ms(), &done, &error);
    if (UNEXPECTED(error.code != VD_OK)) {
        vd_php_global_state_throw(state, key, &encoded, &error);
    }
    vd_php_encoded_finish(&encoded);
    if (error.code == VD_OK) {
        vd_php_changed(state, key);
    }
    return error.code == VD_OK;
}
