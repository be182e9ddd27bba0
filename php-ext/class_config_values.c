/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers and durations as arguments: each is checked where it is given, so that the error names
 * the parameter and what is allowed. */
#include "class_config_values.h"

#define DURATION_MAX_S 86400.0
#define NETWORK_MIN_MS 10

bool vd_php_argument_whole(zend_execute_data *execute_data, zend_long lowest, zend_long highest,
                           zend_long *value)
{
    ZEND_PARSE_PARAMETERS_START(1, 1)
    Z_PARAM_LONG(*value)
    ZEND_PARSE_PARAMETERS_END_EX(return false);
    if (*value < lowest || *value > highest) {
        zend_argument_value_error(
            1, "must be between " ZEND_LONG_FMT " and " ZEND_LONG_FMT ", " ZEND_LONG_FMT " given",
            lowest, highest, *value);
        return false;
    }
    return true;
}

bool vd_php_argument_seconds(uint32_t argument, const zval *number, uint32_t *milliseconds)
{
    double seconds = Z_TYPE_P(number) == IS_LONG ? (double)Z_LVAL_P(number) : Z_DVAL_P(number);
    if (!(seconds >= 0.001 && seconds <= DURATION_MAX_S)) { /* NAN, too */
        zend_argument_value_error(argument, "must be between 0.001 and 86400 seconds, %.*G given",
                                  6, seconds);
        return false;
    }
    *milliseconds = (uint32_t)(seconds * 1000.0 + 0.5);
    return true;
}

bool vd_php_argument_duration(zend_execute_data *execute_data, uint32_t *milliseconds)
{
    zval *number;
    ZEND_PARSE_PARAMETERS_START(1, 1)
    Z_PARAM_NUMBER(number)
    ZEND_PARSE_PARAMETERS_END_EX(return false);
    return vd_php_argument_seconds(1, number, milliseconds);
}

/* What is looked at now and then cannot be shorter than that. */
bool vd_php_argument_network_seconds(uint32_t argument, const zval *number, uint32_t *milliseconds)
{
    uint32_t wanted_ms;
    if (!vd_php_argument_seconds(argument, number, &wanted_ms)) {
        return false;
    }
    if (wanted_ms < NETWORK_MIN_MS) {
        zend_argument_value_error(argument, "must be between 0.01 and 86400 seconds");
        return false;
    }
    *milliseconds = wanted_ms;
    return true;
}

bool vd_php_argument_network_duration(zend_execute_data *execute_data, uint32_t *milliseconds)
{
    zval *number;
    ZEND_PARSE_PARAMETERS_START(1, 1)
    Z_PARAM_NUMBER(number)
    ZEND_PARSE_PARAMETERS_END_EX(return false);
    return vd_php_argument_network_seconds(1, number, milliseconds);
}

bool vd_php_argument_in_range(uint32_t argument, zend_long value, zend_long lowest,
                              zend_long highest)
{
    if (value >= lowest && value <= highest) {
        return true;
    }
    zend_argument_value_error(argument,
                              "must be between " ZEND_LONG_FMT " and " ZEND_LONG_FMT
                              ", " ZEND_LONG_FMT " given",
                              lowest, highest, value);
    return false;
}
