/* SPDX-License-Identifier: Apache-2.0 */
/* Viaduct\Broker\*: the classes that name a driver, and the exceptions of Viaduct\Broker\Exception.
 *
 * A broker object carries settings only: the link itself lives in the gateway, which runs no PHP.
 */
#include "php_viaduct.h"

#include <ext/spl/spl_exceptions.h>
#include <zend_exceptions.h>

ZEND_METHOD(Viaduct_Broker_InMemoryBroker, __construct)
{
    ZEND_PARSE_PARAMETERS_NONE();
}

ZEND_METHOD(Viaduct_Broker_PipeBroker, __construct)
{
    ZEND_PARSE_PARAMETERS_NONE();
}

bool vd_php_broker_driver(const zend_class_entry *ce, const char **driver, const char **display)
{
    if (ce == vd_ce_memory_broker) {
        *driver = "memory";
        *display = "InMemoryBroker";
        return true;
    }
    if (ce == vd_ce_pipe_broker) {
        *driver = "pipe";
        *display = "PipeBroker";
        return true;
    }
    return false;
}

zend_class_entry *vd_php_exception_class(enum vd_err code)
{
    switch (code) {
    case VD_ERR_AUTHENTICATION:
        return vd_ce_authentication_exception;
    case VD_ERR_TLS:
        return vd_ce_tls_exception;
    case VD_ERR_TIMEOUT:
        return vd_ce_timeout_exception;
    case VD_ERR_TOO_LARGE:
    case VD_ERR_FULL:
        return vd_ce_overflow_exception;
    case VD_ERR_CONNECTION:
    case VD_ERR_CLOSED:
        return vd_ce_connection_exception;
    default:
        return vd_ce_broker_exception;
    }
}

void vd_php_throw(const struct vd_error *error)
{
    const char *text = error->text[0] ? error->text : vd_err_text(error->code);
    zend_class_entry *ce = error->code == VD_ERR_INVALID || error->code == VD_ERR_MALFORMED
                               ? zend_ce_value_error
                               : vd_php_exception_class(error->code);
    zend_throw_exception(ce, text, 0);
}
