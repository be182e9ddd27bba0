/* SPDX-License-Identifier: Apache-2.0 */
/* The exceptions of Viaduct\Broker\Exception: which class and number stand for an error of the
 * library, and what they tell besides. */
#ifndef VIADUCT_PHP_BROKER_EXCEPTION_H
#define VIADUCT_PHP_BROKER_EXCEPTION_H

#include <php.h>
#include <stdbool.h>
#include <stdint.h>

#include <viaduct/error.h>

struct vd_php_trouble {
    enum vd_err code;
    const char *driver; /* "RedisBroker"; NULL: none is concerned */
    size_t driver_length;
    uint32_t attempt;
    uint32_t next_delay_ms;
    bool may_arrive;
    const char *text; /* without secrets */
    size_t text_length;
};

void vd_php_trouble_exception(zval *exception, const struct vd_php_trouble *trouble);
void vd_php_trouble_throw(const struct vd_php_trouble *trouble);

/* Throw @error: malformed arguments as ValueError, the rest as a BrokerException. */
void vd_php_throw(const struct vd_error *error);

#endif
