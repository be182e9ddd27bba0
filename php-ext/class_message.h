/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIADUCT_PHP_CLASS_MESSAGE_H
#define VIADUCT_PHP_CLASS_MESSAGE_H

#include <php.h>

#include <viaduct/message.h>

/* A Viaduct\Message with copies of @message's bytes. */
void vd_php_message_create(zval *object, const struct vd_message *message);

/* What is to be published; points into the strings. @data NULL: an invalidation. */
struct vd_message vd_php_message_of(const zend_string *scope, const zend_string *data,
                                    const zend_string *event);

#endif
