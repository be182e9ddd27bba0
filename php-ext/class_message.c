/* SPDX-License-Identifier: Apache-2.0 */
/* Viaduct\Message: what a subscriber gets. Plain readonly properties, copied from the frame. And
 * the other way: what a publisher gives. */
#include "php_viaduct.h"

#include "class_message.h"

enum { MESSAGE_SCOPE, MESSAGE_EVENT, MESSAGE_DATA, MESSAGE_ORIGIN, MESSAGE_SEQUENCE };

void vd_php_message_create(zval *object, const struct vd_message *message)
{
    object_init_ex(object, vd_ce_message);
    zval value;
    ZVAL_STRINGL(&value, message->scope, message->scope_length);
    vd_php_property_set(Z_OBJ_P(object), MESSAGE_SCOPE, &value);
    if (message->event) {
        ZVAL_STRINGL(&value, message->event, message->event_length);
    } else {
        ZVAL_NULL(&value);
    }
    vd_php_property_set(Z_OBJ_P(object), MESSAGE_EVENT, &value);
    if (message->has_data) {
        ZVAL_STRINGL(&value, message->data ? message->data : "", message->data_length);
    } else {
        ZVAL_NULL(&value);
    }
    vd_php_property_set(Z_OBJ_P(object), MESSAGE_DATA, &value);
    ZVAL_STRINGL(&value, message->origin ? message->origin : "",
                 message->origin ? message->origin_length : 0);
    vd_php_property_set(Z_OBJ_P(object), MESSAGE_ORIGIN, &value);
    ZVAL_LONG(&value, (zend_long)message->sequence);
    vd_php_property_set(Z_OBJ_P(object), MESSAGE_SEQUENCE, &value);
}

struct vd_message vd_php_message_of(const zend_string *scope, const zend_string *data,
                                    const zend_string *event)
{
    return (struct vd_message){
        .scope = ZSTR_VAL(scope),
        .scope_length = ZSTR_LEN(scope),
        .event = event ? ZSTR_VAL(event) : NULL,
        .event_length = event ? ZSTR_LEN(event) : 0,
        .data = data ? ZSTR_VAL(data) : NULL,
        .data_length = data ? ZSTR_LEN(data) : 0,
        .has_data = data != NULL,
    };
}

ZEND_METHOD(Viaduct_Message, __construct)
{
    ZEND_PARSE_PARAMETERS_NONE();
}

ZEND_METHOD(Viaduct_Message, isInvalidation)
{
    ZEND_PARSE_PARAMETERS_NONE();
    const zval *data = OBJ_PROP_NUM(Z_OBJ_P(ZEND_THIS), MESSAGE_DATA);
    if (Z_TYPE_P(data) == IS_UNDEF) { /* made by Reflection */
        zend_throw_error(NULL, "The message has no data: no subscriber was given it");
        RETURN_THROWS();
    }
    RETURN_BOOL(Z_TYPE_P(data) == IS_NULL);
}
