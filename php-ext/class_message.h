/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIADUCT_PHP_CLASS_MESSAGE_H
#define VIADUCT_PHP_CLASS_MESSAGE_H

#include <php.h>

#include <viaduct/message.h>

/* A Viaduct\Message with copies of @message's bytes. */
void vd_php_message_create(zval *object, const struct vd_message *message);

#endif
