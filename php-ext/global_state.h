/* SPDX-License-Identifier: Apache-2.0 */
/* The global state: values of any type by key, in two tables of its own.
 *
 *     "global state"          key -> kind, number, value: scalars as they are, the rest serialized
 *     "global state: leases"  key -> which process computes it now (remember), until when
 *
 * A change that depends on what is there reads a version of the row, computes, and writes if the
 * row is still that one: nothing is locked while PHP works. */
#ifndef VIADUCT_PHP_GLOBAL_STATE_H
#define VIADUCT_PHP_GLOBAL_STATE_H

#include <php.h>
#include <stdbool.h>

#include "shared_state.h"

#define VD_PHP_STATE_ROWS_MAX  16777216
#define VD_PHP_STATE_VALUE_MAX 1048576

enum vd_php_state_column {
    VD_STATE_KIND,
    VD_STATE_NUMBER, /* an int, or the bits of a float */
    VD_STATE_VALUE,  /* a string, or the serialized form */
    VD_STATE_COLUMNS,
};

enum vd_php_state_kind {
    VD_STATE_NULL = 1,
    VD_STATE_FALSE,
    VD_STATE_TRUE,
    VD_STATE_INT,
    VD_STATE_FLOAT,
    VD_STATE_STRING,
    VD_STATE_SERIALIZED,
};

/* A value as the table takes it. */
struct vd_php_encoded {
    struct vd_table_change changes[VD_STATE_COLUMNS];
    zend_string *serialized; /* owned; NULL: none */
};

/* Make it, or see that it is there with that size; @what NULL: wherever this is (run()). False
 * after throwing. */
bool vd_php_global_state_make(zend_long rows, zend_long value_bytes, const char *what);
/* What it consists of; points into itself. */
struct vd_php_state_tables {
    struct vd_column columns[VD_STATE_COLUMNS];
    struct vd_column lease_columns[1];
    struct vd_table_options values;
    struct vd_table_options leases;
};

void vd_php_global_state_declare(struct vd_php_state_tables *tables, uint64_t rows,
                                 uint32_t value_bytes);
/* Is that one of its tables? */
bool vd_php_global_state_is_name(const char *table);
/* After its tables were added to the list: from now on they are the global state. */
void vd_php_global_state_find(void);

/* It, made if need be; NULL after throwing. */
struct vd_php_table *vd_php_global_state(void);

/* @value stays the caller's and must outlive @encoded. False after throwing. May run code of the
 * user (__serialize). */
bool vd_php_global_state_encode(struct vd_php_encoded *encoded, const zval *value);
void vd_php_encoded_finish(struct vd_php_encoded *encoded);
/* May run code of the user (__unserialize, autoloading), so @values are not looked at after that.
 * False after throwing. */
bool vd_php_global_state_decode(zval *to, const struct vd_table_value *values);

/* Throw what an operation on @key returned. */
void vd_php_global_state_throw(struct vd_php_table *state, const zend_string *key,
                               const struct vd_php_encoded *encoded, struct vd_error *error);

/* Both false after throwing. *@found false: @to is untouched. */
bool vd_php_global_state_get(zend_string *key, zval *to, bool *found);
bool vd_php_global_state_set(zend_string *key, const zval *value);

/* global_state_remember.c: into @to; false after throwing. */
bool vd_php_global_state_remember(zend_string *key, uint64_t ttl_ms, zend_fcall_info *compute,
                                  zend_fcall_info_cache *cache, uint64_t lease_ms, zval *to);

#endif
