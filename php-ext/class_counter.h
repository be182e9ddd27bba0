/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIADUCT_PHP_CLASS_COUNTER_H
#define VIADUCT_PHP_CLASS_COUNTER_H

#include <php.h>

#include <viaduct/counter.h>

/* Set once in MINIT, never after. */
extern zend_class_entry *vd_ce_counter;

struct vd_php_counter {
    struct vd_counter *counter; /* in shared memory; NULL: not constructed */
    zend_string *name;          /* NULL: none */
    zend_object std;
};

static inline struct vd_php_counter *vd_php_counter_from(zend_object *object)
{
    return (struct vd_php_counter *)((char *)object - XtOffsetOf(struct vd_php_counter, std));
}

/* Time limits and signal handlers of the script, which PHP would serve between two instructions:
 * for whoever sleeps in one. May throw. */
void vd_php_serve_interrupt(zend_execute_data *execute_data);

/* MINIT. */
void vd_php_counter_setup(void);

#endif
