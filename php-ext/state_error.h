/* SPDX-License-Identifier: Apache-2.0 */
/* Viaduct\Exception\*: what goes wrong with Store, Counter and GlobalState. */
#ifndef VIADUCT_PHP_STATE_ERROR_H
#define VIADUCT_PHP_STATE_ERROR_H

#include <php.h>
#include <zend_exceptions.h>

#include <viaduct/error.h>

/* Set once in MINIT, never after. */
extern zend_class_entry *vd_ce_unknown_table_exception;
extern zend_class_entry *vd_ce_unknown_column_exception;
extern zend_class_entry *vd_ce_value_type_exception;
extern zend_class_entry *vd_ce_integer_range_exception;
extern zend_class_entry *vd_ce_value_too_long_exception;
extern zend_class_entry *vd_ce_capacity_exception;
extern zend_class_entry *vd_ce_key_length_exception;
extern zend_class_entry *vd_ce_schema_exception;
extern zend_class_entry *vd_ce_not_shared_exception;
extern zend_class_entry *vd_ce_busy_exception;
extern zend_class_entry *vd_ce_shared_memory_exception;

/* Throw @error's text as @ce. */
void vd_php_state_throw(const struct vd_error *error, zend_class_entry *ce);

/* The same as the class that its code stands for where columns and types are known to be right:
 * then VD_ERR_INVALID is the key, VD_ERR_TOO_LARGE is @too_large. */
void vd_php_state_throw_operation(const struct vd_error *error, zend_class_entry *too_large);

#endif
