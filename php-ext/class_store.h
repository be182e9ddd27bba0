/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIADUCT_PHP_CLASS_STORE_H
#define VIADUCT_PHP_CLASS_STORE_H

#include <php.h>

#include "shared_state.h"

/* Set once in MINIT, never after. */
extern zend_class_entry *vd_ce_store;
extern zend_class_entry *vd_ce_rows;
extern zend_class_entry *vd_ce_window;

/* MINIT. */
void vd_php_rows_setup(void);

/* The rows of @table, as an object for foreach. */
void vd_php_rows_create(zval *object, struct vd_php_table *table);

/* The table of that name; NULL after throwing. */
struct vd_php_table *vd_php_store_table(zend_string *name);
/* Rows that are there, without those whose time is over. */
zend_long vd_php_store_count(struct vd_php_table *table);

#endif
