/* SPDX-License-Identifier: Apache-2.0 */
/* Viaduct\Broker\*: which class names which driver, and the two classes that have nothing to set.
 *
 * In a server a broker object carries settings only: the link itself lives in the gateway, which
 * runs no PHP. */
#include "php_viaduct.h"

ZEND_METHOD(Viaduct_Broker_InMemoryBroker, __construct)
{
    ZEND_PARSE_PARAMETERS_NONE();
}

ZEND_METHOD(Viaduct_Broker_PipeBroker, __construct)
{
    ZEND_PARSE_PARAMETERS_NONE();
}

static const struct {
    zend_class_entry **ce;
    const char *driver;
    const char *display;
} drivers[] = {
    {&vd_ce_memory_broker, "memory", "InMemoryBroker"},
    {&vd_ce_pipe_broker, "pipe", "PipeBroker"},
    {&vd_ce_redis_broker, "redis", "RedisBroker"},
    {&vd_ce_nats_broker, "nats", "NatsBroker"},
};

bool vd_php_broker_driver(const zend_class_entry *ce, const char **driver, const char **display)
{
    for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
        if (*drivers[i].ce == ce) {
            *driver = drivers[i].driver;
            *display = drivers[i].display;
            return true;
        }
    }
    return false;
}
