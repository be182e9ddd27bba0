/* SPDX-License-Identifier: Apache-2.0 */
/* The brokers' own part of the module: their classes, exceptions and the function that makes one
 * from a URL. The generated header is included here only, since its registration functions are
 * static. */
#include <ext/spl/spl_exceptions.h>
#include <zend_attributes.h>

#include "php_viaduct.h"

#include "broker_arginfo.h"

zend_class_entry *vd_ce_broker;
zend_class_entry *vd_ce_memory_broker;
zend_class_entry *vd_ce_pipe_broker;
zend_class_entry *vd_ce_network_broker;
zend_class_entry *vd_ce_redis_broker;
zend_class_entry *vd_ce_nats_broker;
zend_class_entry *vd_ce_broker_exception;
zend_class_entry *vd_ce_connection_exception;
zend_class_entry *vd_ce_authentication_exception;
zend_class_entry *vd_ce_tls_exception;
zend_class_entry *vd_ce_timeout_exception;
zend_class_entry *vd_ce_overflow_exception;

static void register_brokers(void)
{
    vd_ce_broker = register_class_Viaduct_Broker_Broker();
    vd_ce_memory_broker = register_class_Viaduct_Broker_InMemoryBroker(vd_ce_broker);
    vd_ce_pipe_broker = register_class_Viaduct_Broker_PipeBroker(vd_ce_broker);
    vd_ce_network_broker = register_class_Viaduct_Broker_NetworkBroker(vd_ce_broker);
    vd_ce_redis_broker = register_class_Viaduct_Broker_RedisBroker(vd_ce_network_broker);
    vd_ce_nats_broker = register_class_Viaduct_Broker_NatsBroker(vd_ce_network_broker);
}

#define REGISTER(name, parent) register_class_Viaduct_Broker_Exception_##name(parent)

static void register_exceptions(void)
{
    zend_class_entry *base = REGISTER(BrokerException, spl_ce_RuntimeException);
    vd_ce_broker_exception = base;
    vd_ce_connection_exception = REGISTER(ConnectionException, base);
    vd_ce_authentication_exception = REGISTER(AuthenticationException, base);
    vd_ce_tls_exception = REGISTER(TlsException, base);
    vd_ce_timeout_exception = REGISTER(TimeoutException, base);
    vd_ce_overflow_exception = REGISTER(OverflowException, base);
}

void vd_php_broker_setup(int module_type)
{
    register_brokers();
    register_exceptions();
    zend_register_functions(NULL, ext_functions, NULL, module_type);
    vd_php_broker_network_setup();
    vd_php_broker_url_setup();
}

/* What dl() has loaded PHP unloads with its classes; functions that are not the module entry's are
 * for whoever registered them to take back. */
void vd_php_broker_shutdown(int module_type)
{
    if (module_type == MODULE_TEMPORARY) {
        zend_unregister_functions(ext_functions, -1, NULL);
    }
}
