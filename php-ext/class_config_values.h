/* SPDX-License-Identifier: Apache-2.0 */
/* Checked arguments of Config's methods. All return false after throwing a ValueError. */
#ifndef VIADUCT_PHP_CLASS_CONFIG_VALUES_H
#define VIADUCT_PHP_CLASS_CONFIG_VALUES_H

#include <php.h>
#include <stdbool.h>

/* The only argument: an int from @lowest to @highest. */
bool vd_php_argument_whole(zend_execute_data *execute_data, zend_long lowest, zend_long highest,
                           zend_long *value);
/* The only argument: seconds, 0.001 to 86,400. */
bool vd_php_argument_duration(zend_execute_data *execute_data, uint32_t *milliseconds);
/* The same of what is looked at now and then, from 0.01. */
bool vd_php_argument_network_duration(zend_execute_data *execute_data, uint32_t *milliseconds);

/* Argument @argument of several. */
bool vd_php_argument_seconds(uint32_t argument, const zval *number, uint32_t *milliseconds);
bool vd_php_argument_network_seconds(uint32_t argument, const zval *number, uint32_t *milliseconds);
bool vd_php_argument_in_range(uint32_t argument, zend_long value, zend_long lowest,
                              zend_long highest);

#endif
