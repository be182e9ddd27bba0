/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that check a broker's settings share. */
#ifndef VIADUCT_PHP_BROKER_SETTINGS_H
#define VIADUCT_PHP_BROKER_SETTINGS_H

#include "class_broker_network.h"

struct vd_php_broker_check {
    struct vd_php_broker_settings *settings; /* in the making */
    const struct vd_php_broker_arguments *arguments;
    const struct vd_php_broker_positions *positions;
    bool is_nats;
};

static inline bool vd_php_broker_given(const struct vd_php_broker_check *check,
                                       enum vd_php_broker_text which)
{
    return check->arguments->texts[which] != NULL;
}

static inline void vd_php_broker_take(const struct vd_php_broker_check *check,
                                      enum vd_php_broker_text which)
{
    if (vd_php_broker_given(check, which)) {
        check->settings->texts[which] = zend_string_copy(check->arguments->texts[which]);
    }
}

/* broker_servers.c: host, port and servers, as a URL. Returns false after throwing. */
bool vd_php_broker_take_address(struct vd_php_broker_check *check);

#endif
