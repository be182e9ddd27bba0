/* SPDX-License-Identifier: Apache-2.0 */
/* The exceptions of Viaduct\Broker\Exception. Their numbers are part of the API: they do not follow
 * enum vd_err, whose order may change. */
#include "broker_exception.h"

#include <zend_exceptions.h>

#include "php_viaduct.h"

enum exception_number { /* BrokerException's constants */
                        NUMBER_NONE,
                        NUMBER_CONNECTION,
                        NUMBER_AUTHENTICATION,
                        NUMBER_TLS,
                        NUMBER_TIMEOUT,
                        NUMBER_OVERFLOW,
                        NUMBER_PROTOCOL,
                        NUMBER_STATE,
                        NUMBER_UNSUPPORTED,
};

struct kind {
    zend_class_entry *ce;
    enum exception_number number;
};

static struct kind kind_of(enum vd_err code)
{
    switch (code) {
    case VD_ERR_CONNECTION:
    case VD_ERR_CLOSED:
        return (struct kind){vd_ce_connection_exception, NUMBER_CONNECTION};
    case VD_ERR_AUTHENTICATION:
        return (struct kind){vd_ce_authentication_exception, NUMBER_AUTHENTICATION};
    case VD_ERR_TLS:
        return (struct kind){vd_ce_tls_exception, NUMBER_TLS};
    case VD_ERR_TIMEOUT:
        return (struct kind){vd_ce_timeout_exception, NUMBER_TIMEOUT};
    case VD_ERR_TOO_LARGE:
    case VD_ERR_FULL:
        return (struct kind){vd_ce_overflow_exception, NUMBER_OVERFLOW};
    case VD_ERR_MALFORMED:
        return (struct kind){vd_ce_broker_exception, NUMBER_PROTOCOL};
    case VD_ERR_STATE:
        return (struct kind){vd_ce_broker_exception, NUMBER_STATE};
    case VD_ERR_UNSUPPORTED:
        return (struct kind){vd_ce_broker_exception, NUMBER_UNSUPPORTED};
    default:
        return (struct kind){vd_ce_broker_exception, NUMBER_NONE};
    }
}

static void set(zend_object *object, const char *name, zval *value)
{
    const zend_property_info *info =
        zend_hash_str_find_ptr(&vd_ce_broker_exception->properties_info, name, strlen(name));
    zval *slot = OBJ_PROP(object, info->offset);
    zval_ptr_dtor(slot);
    ZVAL_COPY_VALUE(slot, value);
}

void vd_php_trouble_exception(zval *exception, const struct vd_php_trouble *trouble)
{
    struct kind kind = kind_of(trouble->code);
    zval value;
    object_init_ex(exception, kind.ce);
    zend_object *object = Z_OBJ_P(exception);
    ZVAL_STRINGL(&value, trouble->text, trouble->text_length);
    zend_update_property_ex(zend_ce_exception, object, ZSTR_KNOWN(ZEND_STR_MESSAGE), &value);
    zval_ptr_dtor(&value);
    ZVAL_LONG(&value, kind.number);
    zend_update_property_ex(zend_ce_exception, object, ZSTR_KNOWN(ZEND_STR_CODE), &value);
    ZVAL_STRINGL(&value, trouble->driver ? trouble->driver : "",
                 trouble->driver ? trouble->driver_length : 0);
    set(object, "driver", &value);
    ZVAL_LONG(&value, trouble->attempt);
    set(object, "attempt", &value);
    ZVAL_DOUBLE(&value, trouble->next_delay_ms / 1000.0);
    set(object, "nextDelay", &value);
    ZVAL_BOOL(&value, trouble->may_arrive);
    set(object, "mayArrive", &value);
}

void vd_php_trouble_throw(const struct vd_php_trouble *trouble)
{
    zval exception;
    vd_php_trouble_exception(&exception, trouble);
    zend_throw_exception_object(&exception);
}

void vd_php_throw(const struct vd_error *error)
{
    const char *text = error->text[0] ? error->text : vd_err_text(error->code);
    if (error->code == VD_ERR_INVALID || error->code == VD_ERR_MALFORMED) {
        zend_throw_exception(zend_ce_value_error, text, 0);
        return;
    }
    vd_php_trouble_throw(
        &(struct vd_php_trouble){.code = error->code, .text = text, .text_length = strlen(text)});
}
