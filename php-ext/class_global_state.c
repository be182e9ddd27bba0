/* SPDX-License-Identifier: Apache-2.0 */
/* Viaduct\GlobalState: arguments in, global_state.c, answers out. */
#include <math.h>

#include "global_state.h"
#include "state_error.h"

#define DURATION_MAX_S 10000000

ZEND_METHOD(Viaduct_GlobalState, __construct)
{
    ZEND_PARSE_PARAMETERS_NONE();
}

ZEND_METHOD(Viaduct_GlobalState, make)
{
    zend_long rows = 1024;
    zend_long value_bytes = 4096;
    ZEND_PARSE_PARAMETERS_START(0, 2)
    Z_PARAM_OPTIONAL
    Z_PARAM_LONG(rows)
    Z_PARAM_LONG(value_bytes)
    ZEND_PARSE_PARAMETERS_END();
    if (rows < 1 || rows > VD_PHP_STATE_ROWS_MAX) {
        zend_argument_value_error(1, "must be between 1 and %d, " ZEND_LONG_FMT " given",
                                  VD_PHP_STATE_ROWS_MAX, rows);
    } else if (value_bytes < 1 || value_bytes > VD_PHP_STATE_VALUE_MAX) {
        zend_argument_value_error(2, "must be between 1 and %d, " ZEND_LONG_FMT " given",
                                  VD_PHP_STATE_VALUE_MAX, value_bytes);
    } else {
        vd_php_global_state_make(rows, value_bytes, "GlobalState::make() is called");
    }
}

ZEND_METHOD(Viaduct_GlobalState, get)
{
    zend_string *key;
    zval *fallback = NULL;
    bool found;
    ZEND_PARSE_PARAMETERS_START(1, 2)
    Z_PARAM_STR(key)
    Z_PARAM_OPTIONAL
    Z_PARAM_ZVAL(fallback)
    ZEND_PARSE_PARAMETERS_END();
    if (UNEXPECTED(!vd_php_global_state_get(key, return_value, &found))) {
        RETURN_THROWS();
    }
    if (!found && fallback) {
        RETURN_COPY(fallback);
    }
}

ZEND_METHOD(Viaduct_GlobalState, set)
{
    zend_string *key;
    zval *value;
    ZEND_PARSE_PARAMETERS_START(2, 2)
    Z_PARAM_STR(key)
    Z_PARAM_ZVAL(value)
    ZEND_PARSE_PARAMETERS_END();
    vd_php_global_state_set(key, value);
}

/* The only argument, a key, and the state; NULL after throwing. */
static struct vd_php_table *key_argument(zend_execute_data *execute_data, zend_string **key)
{
    ZEND_PARSE_PARAMETERS_START(1, 1)
    Z_PARAM_STR(*key)
    ZEND_PARSE_PARAMETERS_END_EX(return NULL);
    return vd_php_global_state();
}

static void return_found(struct vd_php_table *state, const zend_string *key, struct vd_error *error,
                         zval *return_value)
{
    if (error->code != VD_OK && error->code != VD_ERR_NOT_FOUND) {
        vd_php_global_state_throw(state, key, NULL, error);
        RETURN_THROWS();
    }
    RETURN_BOOL(error->code == VD_OK);
}

ZEND_METHOD(Viaduct_GlobalState, has)
{
    zend_string *key;
    struct vd_php_table *state = key_argument(execute_data, &key);
    struct vd_error error;
    if (!state) {
        RETURN_THROWS();
    }
    error.code =
        vd_table_exists(state->table, ZSTR_VAL(key), ZSTR_LEN(key), vd_php_table_now_ms(), &error);
    return_found(state, key, &error, return_value);
}

ZEND_METHOD(Viaduct_GlobalState, delete)
{
    zend_string *key;
    struct vd_php_table *state = key_argument(execute_data, &key);
    struct vd_error error;
    if (!state) {
        RETURN_THROWS();
    }
    vd_php_changing(state, key);
    error.code =
        vd_table_del(state->table, ZSTR_VAL(key), ZSTR_LEN(key), vd_php_table_now_ms(), &error);
    if (error.code == VD_OK) {
        vd_php_changed(state, key);
    }
    return_found(state, key, &error, return_value);
}

/* ---- changes that depend on what is there -----------------------------------------------------
 */

/* What is there, with its version, or null with the version of nothing. False after throwing. */
static bool look(struct vd_php_table *state, const zend_string *key, struct vd_table_value *values,
                 struct vd_table_version *version)
{
    struct vd_error error;
    error.code =
        vd_table_get_version(state->table, ZSTR_VAL(key), ZSTR_LEN(key), vd_php_table_now_ms(),
                             values, vd_php_table_text(state), version, &error);
    if (error.code == VD_ERR_NOT_FOUND) {
        values[VD_STATE_KIND].integer = VD_STATE_NULL;
        values[VD_STATE_NUMBER].integer = 0;
        values[VD_STATE_VALUE].string.length = 0;
    } else if (error.code != VD_OK) {
        vd_php_global_state_throw(state, key, NULL, &error);
        return false;
    }
    return true;
}

/* It keeps the time at which it ends. False after throwing. */
static bool replace(struct vd_php_table *state, const zend_string *key,
                    const struct vd_table_version *version, const struct vd_php_encoded *encoded,
                    bool *swapped)
{
    struct vd_error error;
    vd_php_changing(state, key);
    error.code = vd_table_set_version(state->table, ZSTR_VAL(key), ZSTR_LEN(key), version,
                                      encoded->changes, VD_STATE_COLUMNS, version->expiry_ms,
                                      vd_php_table_now_ms(), swapped, &error);
    if (error.code != VD_OK) {
        vd_php_global_state_throw(state, key, encoded, &error);
    } else if (*swapped) {
        vd_php_changed(state, key);
    }
    return error.code == VD_OK;
}

/* False after throwing. */
static bool add(const struct vd_table_version *version, const struct vd_table_value *values,
                const zval *by, zval *sum)
{
    int64_t kind = values[VD_STATE_KIND].integer;
    zval old;
    ZVAL_LONG(&old, 0);
    if (version->row && kind != VD_STATE_INT && kind != VD_STATE_FLOAT) {
        zend_throw_exception(vd_ce_value_type_exception,
                             "the value is no int or float: only numbers can be added to", 0);
        return false;
    }
    if (version->row) {
        vd_php_global_state_decode(&old, values);
    }
    if (Z_TYPE(old) == IS_LONG && Z_TYPE_P(by) == IS_LONG) {
        zend_long result;
        if (!__builtin_add_overflow(Z_LVAL(old), Z_LVAL_P(by), &result)) {
            ZVAL_LONG(sum, result);
            return true;
        }
    } else {
        ZVAL_DOUBLE(sum, zval_get_double(&old) + zval_get_double((zval *)by));
        if (isfinite(Z_DVAL_P(sum))) {
            return true;
        }
    }
    zend_throw_exception(vd_ce_integer_range_exception,
                         "the sum is out of range: an int has 64 bits, a float is finite", 0);
    return false;
}

/* The short way: an int to an int that is there, in one step. */
static bool add_to_int(struct vd_php_table *state, const zend_string *key, const zval *by,
                       zval *return_value)
{
    int64_t sum;
    vd_php_changing(state, key);
    if (Z_TYPE_P(by) != IS_LONG ||
        vd_table_incr_when(state->table, ZSTR_VAL(key), ZSTR_LEN(key), VD_STATE_NUMBER,
                           Z_LVAL_P(by), VD_STATE_KIND, VD_STATE_INT, vd_php_table_now_ms(), &sum,
                           NULL) != VD_OK) {
        return false;
    }
    ZVAL_LONG(return_value, sum);
    vd_php_changed(state, key);
    return true;
}

ZEND_METHOD(Viaduct_GlobalState, increment)
{
    zend_string *key;
    zval one;
    zval *by = &one;
    ZVAL_LONG(&one, 1);
    ZEND_PARSE_PARAMETERS_START(1, 2)
    Z_PARAM_STR(key)
    Z_PARAM_OPTIONAL
    Z_PARAM_NUMBER(by)
    ZEND_PARSE_PARAMETERS_END();
    struct vd_php_table *state = vd_php_global_state();
    bool swapped = state && add_to_int(state, key, by, return_value);
    while (state && !swapped) {
        struct vd_table_value values[VD_STATE_COLUMNS];
        struct vd_table_version version;
        struct vd_php_encoded encoded;
        if (!look(state, key, values, &version) || !add(&version, values, by, return_value) ||
            !vd_php_global_state_encode(&encoded, return_value) ||
            !replace(state, key, &version, &encoded, &swapped)) {
            RETURN_THROWS();
        }
    }
}

static bool is_equal(const struct vd_table_value *values, const struct vd_php_encoded *encoded)
{
    const struct vd_table_value *text = &values[VD_STATE_VALUE];
    const struct vd_table_value *other = &encoded->changes[VD_STATE_VALUE].value;
    return values[VD_STATE_KIND].integer == encoded->changes[VD_STATE_KIND].value.integer &&
           values[VD_STATE_NUMBER].integer == encoded->changes[VD_STATE_NUMBER].value.integer &&
           text->string.length == other->string.length &&
           memcmp(text->string.length ? text->string.bytes : "", other->string.bytes,
                  other->string.length) == 0;
}

ZEND_METHOD(Viaduct_GlobalState, compareAndSet)
{
    zend_string *key;
    zval *expected;
    zval *value;
    ZEND_PARSE_PARAMETERS_START(3, 3)
    Z_PARAM_STR(key)
    Z_PARAM_ZVAL(expected)
    Z_PARAM_ZVAL(value)
    ZEND_PARSE_PARAMETERS_END();
    struct vd_php_table *state = vd_php_global_state();
    struct vd_php_encoded before;
    struct vd_php_encoded after;
    bool swapped = false;
    bool done = false;
    if (!state || !vd_php_global_state_encode(&before, expected)) {
        RETURN_THROWS();
    }
    if (!vd_php_global_state_encode(&after, value)) {
        goto finish_before;
    }
    for (done = true; done && !swapped;) { /* again, when somebody has set it to the same */
        struct vd_table_value values[VD_STATE_COLUMNS];
        struct vd_table_version version;
        done = look(state, key, values, &version);
        if (!done || !is_equal(values, &before)) {
            break;
        }
        done = replace(state, key, &version, &after, &swapped);
    }
    vd_php_encoded_finish(&after);
finish_before:
    vd_php_encoded_finish(&before);
    if (!done) {
        RETURN_THROWS();
    }
    RETURN_BOOL(swapped);
}

/* ---- all of it --------------------------------------------------------------------------------
 */

ZEND_METHOD(Viaduct_GlobalState, keys)
{
    ZEND_PARSE_PARAMETERS_NONE();
    struct vd_php_table *state = vd_php_global_state();
    struct vd_table_cursor cursor = {0};
    struct vd_error error;
    char key[VD_TABLE_KEY_MAX];
    size_t length;
    if (!state) {
        RETURN_THROWS();
    }
    array_init(return_value);
    while ((error.code = vd_table_next(state->table, &cursor, vd_php_table_now_ms(), key, &length,
                                       NULL, NULL, &error)) == VD_OK) {
        add_next_index_stringl(return_value, key, length);
    }
    if (error.code != VD_ERR_EMPTY) {
        vd_php_state_throw_operation(&error, vd_ce_value_too_long_exception);
        RETURN_THROWS();
    }
}

ZEND_METHOD(Viaduct_GlobalState, count)
{
    ZEND_PARSE_PARAMETERS_NONE();
    struct vd_php_table *state = vd_php_global_state();
    if (!state) {
        RETURN_THROWS();
    }
    RETURN_LONG((zend_long)vd_table_count_live(state->table, vd_php_table_now_ms()));
}

ZEND_METHOD(Viaduct_GlobalState, clear)
{
    ZEND_PARSE_PARAMETERS_NONE();
    struct vd_php_table *state = vd_php_global_state();
    if (!state) {
        RETURN_THROWS();
    }
    vd_php_changing(state, NULL);
    vd_table_clear(state->table);
    vd_php_changed(state, NULL);
}

/* Seconds of an argument in milliseconds; false after throwing. */
static bool duration(uint32_t argument, const zval *number, bool may_be_zero,
                     uint64_t *milliseconds)
{
    double seconds = zval_get_double((zval *)number);
    if (!(may_be_zero && seconds == 0) && !(seconds >= 0.001 && seconds <= DURATION_MAX_S)) {
        zend_argument_value_error(argument, "must be %sbetween 0.001 and %d seconds, %g given",
                                  may_be_zero ? "0 or " : "", DURATION_MAX_S, seconds);
        return false;
    }
    *milliseconds = (uint64_t)(seconds * 1000 + 0.5);
    return true;
}

ZEND_METHOD(Viaduct_GlobalState, remember)
{
    zend_string *key;
    zval *ttl;
    zend_fcall_info compute;
    zend_fcall_info_cache cache;
    zval ten;
    zval *lease = &ten;
    uint64_t ttl_ms;
    uint64_t lease_ms;
    ZVAL_LONG(&ten, 10);
    ZEND_PARSE_PARAMETERS_START(3, 4)
    Z_PARAM_STR(key)
    Z_PARAM_NUMBER(ttl)
    Z_PARAM_FUNC(compute, cache)
    Z_PARAM_OPTIONAL
    Z_PARAM_NUMBER(lease)
    ZEND_PARSE_PARAMETERS_END();
    if (!duration(2, ttl, true, &ttl_ms) || !duration(4, lease, false, &lease_ms)) {
        RETURN_THROWS();
    }
    if (!vd_php_global_state_remember(key, ttl_ms, &compute, &cache, lease_ms, return_value)) {
        RETURN_THROWS();
    }
}
