/* This is a generated file, edit the .stub.php file instead.
 * Stub hash: b8b9e7599292dee6c10807f6b406a2d6ec346e71 */

ZEND_BEGIN_ARG_WITH_RETURN_OBJ_INFO_EX(arginfo_Viaduct_Broker_from_url, 0, 1, Viaduct\\Broker\\Broker, 0)
	ZEND_ARG_TYPE_INFO(0, url, IS_STRING, 0)
	ZEND_ARG_VARIADIC_TYPE_INFO(0, options, IS_MIXED, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Broker_NetworkBroker_connect, 0, 0, IS_VOID, 0)
	ZEND_ARG_TYPE_MASK(0, timeout, MAY_BE_LONG|MAY_BE_DOUBLE, "5.0")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Broker_NetworkBroker_publish, 0, 1, IS_VOID, 0)
	ZEND_ARG_TYPE_INFO(0, scope, IS_STRING, 0)
	ZEND_ARG_TYPE_MASK(0, data, MAY_BE_STRING|MAY_BE_ARRAY|MAY_BE_NULL, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, event, IS_STRING, 1, "null")
	ZEND_ARG_TYPE_MASK(0, timeout, MAY_BE_LONG|MAY_BE_DOUBLE, "5.0")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Broker_NetworkBroker_subscribe, 0, 2, IS_LONG, 0)
	ZEND_ARG_TYPE_INFO(0, pattern, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO(0, handler, IS_CALLABLE, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Broker_NetworkBroker_unsubscribe, 0, 1, IS_VOID, 0)
	ZEND_ARG_TYPE_INFO(0, subscription, IS_LONG, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Broker_NetworkBroker_poll, 0, 0, IS_LONG, 0)
	ZEND_ARG_TYPE_MASK(0, timeout, MAY_BE_LONG|MAY_BE_DOUBLE, "1.0")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Broker_NetworkBroker_isConnected, 0, 0, _IS_BOOL, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Broker_NetworkBroker_onError, 0, 1, IS_STATIC, 0)
	ZEND_ARG_TYPE_INFO(0, handler, IS_CALLABLE, 0)
ZEND_END_ARG_INFO()

#define arginfo_class_Viaduct_Broker_NetworkBroker_onGap arginfo_class_Viaduct_Broker_NetworkBroker_onError

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Broker_NetworkBroker_status, 0, 0, IS_ARRAY, 0)
ZEND_END_ARG_INFO()

#define arginfo_class_Viaduct_Broker_NetworkBroker_close arginfo_class_Viaduct_Broker_NetworkBroker_connect

ZEND_BEGIN_ARG_INFO_EX(arginfo_class_Viaduct_Broker_InMemoryBroker___construct, 0, 0, 0)
ZEND_END_ARG_INFO()

#define arginfo_class_Viaduct_Broker_PipeBroker___construct arginfo_class_Viaduct_Broker_InMemoryBroker___construct

ZEND_BEGIN_ARG_INFO_EX(arginfo_class_Viaduct_Broker_RedisBroker___construct, 0, 0, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, host, IS_STRING, 0, "\"127.0.0.1\"")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, port, IS_LONG, 0, "6379")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, password, IS_STRING, 1, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, username, IS_STRING, 1, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, channel, IS_STRING, 0, "\"via:broadcast\"")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, tls, _IS_BOOL, 0, "false")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, tlsCaFile, IS_STRING, 1, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, tlsCertFile, IS_STRING, 1, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, tlsKeyFile, IS_STRING, 1, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, servers, IS_ARRAY, 0, "[]")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, credentials, IS_CALLABLE, 1, "null")
	ZEND_ARG_TYPE_MASK(0, probeInterval, MAY_BE_LONG|MAY_BE_DOUBLE, "5.0")
	ZEND_ARG_TYPE_MASK(0, connectTimeout, MAY_BE_LONG|MAY_BE_DOUBLE, "5.0")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, outboxMessages, IS_LONG, 0, "1000")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, outboxBytes, IS_LONG, 0, "4194304")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, outboxPolicy, IS_STRING, 0, "\"drop-oldest\"")
ZEND_END_ARG_INFO()

#define arginfo_class_Viaduct_Broker_RedisBroker_connect arginfo_class_Viaduct_Broker_NetworkBroker_connect

#define arginfo_class_Viaduct_Broker_RedisBroker_publish arginfo_class_Viaduct_Broker_NetworkBroker_publish

#define arginfo_class_Viaduct_Broker_RedisBroker_subscribe arginfo_class_Viaduct_Broker_NetworkBroker_subscribe

#define arginfo_class_Viaduct_Broker_RedisBroker_unsubscribe arginfo_class_Viaduct_Broker_NetworkBroker_unsubscribe

#define arginfo_class_Viaduct_Broker_RedisBroker_poll arginfo_class_Viaduct_Broker_NetworkBroker_poll

#define arginfo_class_Viaduct_Broker_RedisBroker_isConnected arginfo_class_Viaduct_Broker_NetworkBroker_isConnected

#define arginfo_class_Viaduct_Broker_RedisBroker_onError arginfo_class_Viaduct_Broker_NetworkBroker_onError

#define arginfo_class_Viaduct_Broker_RedisBroker_onGap arginfo_class_Viaduct_Broker_NetworkBroker_onError

#define arginfo_class_Viaduct_Broker_RedisBroker_status arginfo_class_Viaduct_Broker_NetworkBroker_status

#define arginfo_class_Viaduct_Broker_RedisBroker_close arginfo_class_Viaduct_Broker_NetworkBroker_connect

ZEND_BEGIN_ARG_INFO_EX(arginfo_class_Viaduct_Broker_NatsBroker___construct, 0, 0, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, host, IS_STRING, 0, "\"127.0.0.1\"")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, port, IS_LONG, 0, "4222")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, authToken, IS_STRING, 1, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, subject, IS_STRING, 0, "\"via.broadcast\"")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, tls, _IS_BOOL, 0, "false")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, tlsCaFile, IS_STRING, 1, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, username, IS_STRING, 1, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, password, IS_STRING, 1, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, nkeySeedFile, IS_STRING, 1, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, credsFile, IS_STRING, 1, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, tlsCertFile, IS_STRING, 1, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, tlsKeyFile, IS_STRING, 1, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, servers, IS_ARRAY, 0, "[]")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, credentials, IS_CALLABLE, 1, "null")
	ZEND_ARG_TYPE_MASK(0, probeInterval, MAY_BE_LONG|MAY_BE_DOUBLE, "5.0")
	ZEND_ARG_TYPE_MASK(0, connectTimeout, MAY_BE_LONG|MAY_BE_DOUBLE, "5.0")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, outboxMessages, IS_LONG, 0, "1000")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, outboxBytes, IS_LONG, 0, "4194304")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, outboxPolicy, IS_STRING, 0, "\"drop-oldest\"")
ZEND_END_ARG_INFO()

#define arginfo_class_Viaduct_Broker_NatsBroker_connect arginfo_class_Viaduct_Broker_NetworkBroker_connect

#define arginfo_class_Viaduct_Broker_NatsBroker_publish arginfo_class_Viaduct_Broker_NetworkBroker_publish

#define arginfo_class_Viaduct_Broker_NatsBroker_subscribe arginfo_class_Viaduct_Broker_NetworkBroker_subscribe

#define arginfo_class_Viaduct_Broker_NatsBroker_unsubscribe arginfo_class_Viaduct_Broker_NetworkBroker_unsubscribe

#define arginfo_class_Viaduct_Broker_NatsBroker_poll arginfo_class_Viaduct_Broker_NetworkBroker_poll

#define arginfo_class_Viaduct_Broker_NatsBroker_isConnected arginfo_class_Viaduct_Broker_NetworkBroker_isConnected

#define arginfo_class_Viaduct_Broker_NatsBroker_onError arginfo_class_Viaduct_Broker_NetworkBroker_onError

#define arginfo_class_Viaduct_Broker_NatsBroker_onGap arginfo_class_Viaduct_Broker_NetworkBroker_onError

#define arginfo_class_Viaduct_Broker_NatsBroker_status arginfo_class_Viaduct_Broker_NetworkBroker_status

#define arginfo_class_Viaduct_Broker_NatsBroker_close arginfo_class_Viaduct_Broker_NetworkBroker_connect


ZEND_FUNCTION(Viaduct_Broker_from_url);
ZEND_METHOD(Viaduct_Broker_InMemoryBroker, __construct);
ZEND_METHOD(Viaduct_Broker_PipeBroker, __construct);
ZEND_METHOD(Viaduct_Broker_RedisBroker, __construct);
ZEND_METHOD(Viaduct_Broker_RedisBroker, connect);
ZEND_METHOD(Viaduct_Broker_RedisBroker, publish);
ZEND_METHOD(Viaduct_Broker_RedisBroker, subscribe);
ZEND_METHOD(Viaduct_Broker_RedisBroker, unsubscribe);
ZEND_METHOD(Viaduct_Broker_RedisBroker, poll);
ZEND_METHOD(Viaduct_Broker_RedisBroker, isConnected);
ZEND_METHOD(Viaduct_Broker_RedisBroker, onError);
ZEND_METHOD(Viaduct_Broker_RedisBroker, onGap);
ZEND_METHOD(Viaduct_Broker_RedisBroker, status);
ZEND_METHOD(Viaduct_Broker_RedisBroker, close);
ZEND_METHOD(Viaduct_Broker_NatsBroker, __construct);


static const zend_function_entry ext_functions[] = {
	ZEND_NS_FALIAS("Viaduct\\Broker", from_url, Viaduct_Broker_from_url, arginfo_Viaduct_Broker_from_url)
	ZEND_FE_END
};


static const zend_function_entry class_Viaduct_Broker_Broker_methods[] = {
	ZEND_FE_END
};


static const zend_function_entry class_Viaduct_Broker_NetworkBroker_methods[] = {
	ZEND_ABSTRACT_ME_WITH_FLAGS(Viaduct_Broker_NetworkBroker, connect, arginfo_class_Viaduct_Broker_NetworkBroker_connect, ZEND_ACC_PUBLIC|ZEND_ACC_ABSTRACT)
	ZEND_ABSTRACT_ME_WITH_FLAGS(Viaduct_Broker_NetworkBroker, publish, arginfo_class_Viaduct_Broker_NetworkBroker_publish, ZEND_ACC_PUBLIC|ZEND_ACC_ABSTRACT)
	ZEND_ABSTRACT_ME_WITH_FLAGS(Viaduct_Broker_NetworkBroker, subscribe, arginfo_class_Viaduct_Broker_NetworkBroker_subscribe, ZEND_ACC_PUBLIC|ZEND_ACC_ABSTRACT)
	ZEND_ABSTRACT_ME_WITH_FLAGS(Viaduct_Broker_NetworkBroker, unsubscribe, arginfo_class_Viaduct_Broker_NetworkBroker_unsubscribe, ZEND_ACC_PUBLIC|ZEND_ACC_ABSTRACT)
	ZEND_ABSTRACT_ME_WITH_FLAGS(Viaduct_Broker_NetworkBroker, poll, arginfo_class_Viaduct_Broker_NetworkBroker_poll, ZEND_ACC_PUBLIC|ZEND_ACC_ABSTRACT)
	ZEND_ABSTRACT_ME_WITH_FLAGS(Viaduct_Broker_NetworkBroker, isConnected, arginfo_class_Viaduct_Broker_NetworkBroker_isConnected, ZEND_ACC_PUBLIC|ZEND_ACC_ABSTRACT)
	ZEND_ABSTRACT_ME_WITH_FLAGS(Viaduct_Broker_NetworkBroker, onError, arginfo_class_Viaduct_Broker_NetworkBroker_onError, ZEND_ACC_PUBLIC|ZEND_ACC_ABSTRACT)
	ZEND_ABSTRACT_ME_WITH_FLAGS(Viaduct_Broker_NetworkBroker, onGap, arginfo_class_Viaduct_Broker_NetworkBroker_onGap, ZEND_ACC_PUBLIC|ZEND_ACC_ABSTRACT)
	ZEND_ABSTRACT_ME_WITH_FLAGS(Viaduct_Broker_NetworkBroker, status, arginfo_class_Viaduct_Broker_NetworkBroker_status, ZEND_ACC_PUBLIC|ZEND_ACC_ABSTRACT)
	ZEND_ABSTRACT_ME_WITH_FLAGS(Viaduct_Broker_NetworkBroker, close, arginfo_class_Viaduct_Broker_NetworkBroker_close, ZEND_ACC_PUBLIC|ZEND_ACC_ABSTRACT)
	ZEND_FE_END
};


static const zend_function_entry class_Viaduct_Broker_InMemoryBroker_methods[] = {
	ZEND_ME(Viaduct_Broker_InMemoryBroker, __construct, arginfo_class_Viaduct_Broker_InMemoryBroker___construct, ZEND_ACC_PUBLIC)
	ZEND_FE_END
};


static const zend_function_entry class_Viaduct_Broker_PipeBroker_methods[] = {
	ZEND_ME(Viaduct_Broker_PipeBroker, __construct, arginfo_class_Viaduct_Broker_PipeBroker___construct, ZEND_ACC_PUBLIC)
	ZEND_FE_END
};


static const zend_function_entry class_Viaduct_Broker_RedisBroker_methods[] = {
	ZEND_ME(Viaduct_Broker_RedisBroker, __construct, arginfo_class_Viaduct_Broker_RedisBroker___construct, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Broker_RedisBroker, connect, arginfo_class_Viaduct_Broker_RedisBroker_connect, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Broker_RedisBroker, publish, arginfo_class_Viaduct_Broker_RedisBroker_publish, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Broker_RedisBroker, subscribe, arginfo_class_Viaduct_Broker_RedisBroker_subscribe, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Broker_RedisBroker, unsubscribe, arginfo_class_Viaduct_Broker_RedisBroker_unsubscribe, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Broker_RedisBroker, poll, arginfo_class_Viaduct_Broker_RedisBroker_poll, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Broker_RedisBroker, isConnected, arginfo_class_Viaduct_Broker_RedisBroker_isConnected, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Broker_RedisBroker, onError, arginfo_class_Viaduct_Broker_RedisBroker_onError, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Broker_RedisBroker, onGap, arginfo_class_Viaduct_Broker_RedisBroker_onGap, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Broker_RedisBroker, status, arginfo_class_Viaduct_Broker_RedisBroker_status, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Broker_RedisBroker, close, arginfo_class_Viaduct_Broker_RedisBroker_close, ZEND_ACC_PUBLIC)
	ZEND_FE_END
};


static const zend_function_entry class_Viaduct_Broker_NatsBroker_methods[] = {
	ZEND_ME(Viaduct_Broker_NatsBroker, __construct, arginfo_class_Viaduct_Broker_NatsBroker___construct, ZEND_ACC_PUBLIC)
	ZEND_MALIAS(Viaduct_Broker_RedisBroker, connect, connect, arginfo_class_Viaduct_Broker_NatsBroker_connect, ZEND_ACC_PUBLIC)
	ZEND_MALIAS(Viaduct_Broker_RedisBroker, publish, publish, arginfo_class_Viaduct_Broker_NatsBroker_publish, ZEND_ACC_PUBLIC)
	ZEND_MALIAS(Viaduct_Broker_RedisBroker, subscribe, subscribe, arginfo_class_Viaduct_Broker_NatsBroker_subscribe, ZEND_ACC_PUBLIC)
	ZEND_MALIAS(Viaduct_Broker_RedisBroker, unsubscribe, unsubscribe, arginfo_class_Viaduct_Broker_NatsBroker_unsubscribe, ZEND_ACC_PUBLIC)
	ZEND_MALIAS(Viaduct_Broker_RedisBroker, poll, poll, arginfo_class_Viaduct_Broker_NatsBroker_poll, ZEND_ACC_PUBLIC)
	ZEND_MALIAS(Viaduct_Broker_RedisBroker, isConnected, isConnected, arginfo_class_Viaduct_Broker_NatsBroker_isConnected, ZEND_ACC_PUBLIC)
	ZEND_MALIAS(Viaduct_Broker_RedisBroker, onError, onError, arginfo_class_Viaduct_Broker_NatsBroker_onError, ZEND_ACC_PUBLIC)
	ZEND_MALIAS(Viaduct_Broker_RedisBroker, onGap, onGap, arginfo_class_Viaduct_Broker_NatsBroker_onGap, ZEND_ACC_PUBLIC)
	ZEND_MALIAS(Viaduct_Broker_RedisBroker, status, status, arginfo_class_Viaduct_Broker_NatsBroker_status, ZEND_ACC_PUBLIC)
	ZEND_MALIAS(Viaduct_Broker_RedisBroker, close, close, arginfo_class_Viaduct_Broker_NatsBroker_close, ZEND_ACC_PUBLIC)
	ZEND_FE_END
};


static const zend_function_entry class_Viaduct_Broker_Exception_BrokerException_methods[] = {
	ZEND_FE_END
};


static const zend_function_entry class_Viaduct_Broker_Exception_ConnectionException_methods[] = {
	ZEND_FE_END
};


static const zend_function_entry class_Viaduct_Broker_Exception_AuthenticationException_methods[] = {
	ZEND_FE_END
};


static const zend_function_entry class_Viaduct_Broker_Exception_TlsException_methods[] = {
	ZEND_FE_END
};


static const zend_function_entry class_Viaduct_Broker_Exception_TimeoutException_methods[] = {
	ZEND_FE_END
};


static const zend_function_entry class_Viaduct_Broker_Exception_OverflowException_methods[] = {
	ZEND_FE_END
};

static zend_class_entry *register_class_Viaduct_Broker_Broker(void)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Viaduct\\Broker", "Broker", class_Viaduct_Broker_Broker_methods);
	class_entry = zend_register_internal_interface(&ce);

	return class_entry;
}

static zend_class_entry *register_class_Viaduct_Broker_NetworkBroker(zend_class_entry *class_entry_Viaduct_Broker_Broker)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Viaduct\\Broker", "NetworkBroker", class_Viaduct_Broker_NetworkBroker_methods);
	class_entry = zend_register_internal_interface(&ce);
	zend_class_implements(class_entry, 1, class_entry_Viaduct_Broker_Broker);

	return class_entry;
}

static zend_class_entry *register_class_Viaduct_Broker_InMemoryBroker(zend_class_entry *class_entry_Viaduct_Broker_Broker)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Viaduct\\Broker", "InMemoryBroker", class_Viaduct_Broker_InMemoryBroker_methods);
	class_entry = zend_register_internal_class_ex(&ce, NULL);
	class_entry->ce_flags |= ZEND_ACC_FINAL|ZEND_ACC_NO_DYNAMIC_PROPERTIES|ZEND_ACC_NOT_SERIALIZABLE;
	zend_class_implements(class_entry, 1, class_entry_Viaduct_Broker_Broker);

	return class_entry;
}

static zend_class_entry *register_class_Viaduct_Broker_PipeBroker(zend_class_entry *class_entry_Viaduct_Broker_Broker)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Viaduct\\Broker", "PipeBroker", class_Viaduct_Broker_PipeBroker_methods);
	class_entry = zend_register_internal_class_ex(&ce, NULL);
	class_entry->ce_flags |= ZEND_ACC_FINAL|ZEND_ACC_NO_DYNAMIC_PROPERTIES|ZEND_ACC_NOT_SERIALIZABLE;
	zend_class_implements(class_entry, 1, class_entry_Viaduct_Broker_Broker);

	return class_entry;
}

static zend_class_entry *register_class_Viaduct_Broker_RedisBroker(zend_class_entry *class_entry_Viaduct_Broker_NetworkBroker)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Viaduct\\Broker", "RedisBroker", class_Viaduct_Broker_RedisBroker_methods);
	class_entry = zend_register_internal_class_ex(&ce, NULL);
	class_entry->ce_flags |= ZEND_ACC_FINAL|ZEND_ACC_NO_DYNAMIC_PROPERTIES|ZEND_ACC_NOT_SERIALIZABLE;
	zend_class_implements(class_entry, 1, class_entry_Viaduct_Broker_NetworkBroker);


	zend_add_parameter_attribute(zend_hash_str_find_ptr(&class_entry->function_table, "__construct", sizeof("__construct") - 1), 2, ZSTR_KNOWN(ZEND_STR_SENSITIVEPARAMETER), 0);

	return class_entry;
}

static zend_class_entry *register_class_Viaduct_Broker_NatsBroker(zend_class_entry *class_entry_Viaduct_Broker_NetworkBroker)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Viaduct\\Broker", "NatsBroker", class_Viaduct_Broker_NatsBroker_methods);
	class_entry = zend_register_internal_class_ex(&ce, NULL);
	class_entry->ce_flags |= ZEND_ACC_FINAL|ZEND_ACC_NO_DYNAMIC_PROPERTIES|ZEND_ACC_NOT_SERIALIZABLE;
	zend_class_implements(class_entry, 1, class_entry_Viaduct_Broker_NetworkBroker);


	zend_add_parameter_attribute(zend_hash_str_find_ptr(&class_entry->function_table, "__construct", sizeof("__construct") - 1), 2, ZSTR_KNOWN(ZEND_STR_SENSITIVEPARAMETER), 0);

	zend_add_parameter_attribute(zend_hash_str_find_ptr(&class_entry->function_table, "__construct", sizeof("__construct") - 1), 7, ZSTR_KNOWN(ZEND_STR_SENSITIVEPARAMETER), 0);

	return class_entry;
}

static zend_class_entry *register_class_Viaduct_Broker_Exception_BrokerException(zend_class_entry *class_entry_RuntimeException)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Viaduct\\Broker\\Exception", "BrokerException", class_Viaduct_Broker_Exception_BrokerException_methods);
	class_entry = zend_register_internal_class_ex(&ce, class_entry_RuntimeException);

	zval const_CONNECTION_value;
	ZVAL_LONG(&const_CONNECTION_value, 1);
	zend_string *const_CONNECTION_name = zend_string_init_interned("CONNECTION", sizeof("CONNECTION") - 1, 1);
	zend_declare_class_constant_ex(class_entry, const_CONNECTION_name, &const_CONNECTION_value, ZEND_ACC_PUBLIC, NULL);
	zend_string_release(const_CONNECTION_name);

	zval const_AUTHENTICATION_value;
	ZVAL_LONG(&const_AUTHENTICATION_value, 2);
	zend_string *const_AUTHENTICATION_name = zend_string_init_interned("AUTHENTICATION", sizeof("AUTHENTICATION") - 1, 1);
	zend_declare_class_constant_ex(class_entry, const_AUTHENTICATION_name, &const_AUTHENTICATION_value, ZEND_ACC_PUBLIC, NULL);
	zend_string_release(const_AUTHENTICATION_name);

	zval const_TLS_value;
	ZVAL_LONG(&const_TLS_value, 3);
	zend_string *const_TLS_name = zend_string_init_interned("TLS", sizeof("TLS") - 1, 1);
	zend_declare_class_constant_ex(class_entry, const_TLS_name, &const_TLS_value, ZEND_ACC_PUBLIC, NULL);
	zend_string_release(const_TLS_name);

	zval const_TIMEOUT_value;
	ZVAL_LONG(&const_TIMEOUT_value, 4);
	zend_string *const_TIMEOUT_name = zend_string_init_interned("TIMEOUT", sizeof("TIMEOUT") - 1, 1);
	zend_declare_class_constant_ex(class_entry, const_TIMEOUT_name, &const_TIMEOUT_value, ZEND_ACC_PUBLIC, NULL);
	zend_string_release(const_TIMEOUT_name);

	zval const_OVERFLOW_value;
	ZVAL_LONG(&const_OVERFLOW_value, 5);
	zend_string *const_OVERFLOW_name = zend_string_init_interned("OVERFLOW", sizeof("OVERFLOW") - 1, 1);
	zend_declare_class_constant_ex(class_entry, const_OVERFLOW_name, &const_OVERFLOW_value, ZEND_ACC_PUBLIC, NULL);
	zend_string_release(const_OVERFLOW_name);

	zval const_PROTOCOL_value;
	ZVAL_LONG(&const_PROTOCOL_value, 6);
	zend_string *const_PROTOCOL_name = zend_string_init_interned("PROTOCOL", sizeof("PROTOCOL") - 1, 1);
	zend_declare_class_constant_ex(class_entry, const_PROTOCOL_name, &const_PROTOCOL_value, ZEND_ACC_PUBLIC, NULL);
	zend_string_release(const_PROTOCOL_name);

	zval const_STATE_value;
	ZVAL_LONG(&const_STATE_value, 7);
	zend_string *const_STATE_name = zend_string_init_interned("STATE", sizeof("STATE") - 1, 1);
	zend_declare_class_constant_ex(class_entry, const_STATE_name, &const_STATE_value, ZEND_ACC_PUBLIC, NULL);
	zend_string_release(const_STATE_name);

	zval const_UNSUPPORTED_value;
	ZVAL_LONG(&const_UNSUPPORTED_value, 8);
	zend_string *const_UNSUPPORTED_name = zend_string_init_interned("UNSUPPORTED", sizeof("UNSUPPORTED") - 1, 1);
	zend_declare_class_constant_ex(class_entry, const_UNSUPPORTED_name, &const_UNSUPPORTED_value, ZEND_ACC_PUBLIC, NULL);
	zend_string_release(const_UNSUPPORTED_name);

	zval property_driver_default_value;
	ZVAL_EMPTY_STRING(&property_driver_default_value);
	zend_string *property_driver_name = zend_string_init("driver", sizeof("driver") - 1, 1);
	zend_declare_typed_property(class_entry, property_driver_name, &property_driver_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_STRING));
	zend_string_release(property_driver_name);

	zval property_attempt_default_value;
	ZVAL_LONG(&property_attempt_default_value, 0);
	zend_string *property_attempt_name = zend_string_init("attempt", sizeof("attempt") - 1, 1);
	zend_declare_typed_property(class_entry, property_attempt_name, &property_attempt_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_LONG));
	zend_string_release(property_attempt_name);

	zval property_nextDelay_default_value;
	ZVAL_DOUBLE(&property_nextDelay_default_value, 0);
	zend_string *property_nextDelay_name = zend_string_init("nextDelay", sizeof("nextDelay") - 1, 1);
	zend_declare_typed_property(class_entry, property_nextDelay_name, &property_nextDelay_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_DOUBLE));
	zend_string_release(property_nextDelay_name);

	zval property_mayArrive_default_value;
	ZVAL_FALSE(&property_mayArrive_default_value);
	zend_string *property_mayArrive_name = zend_string_init("mayArrive", sizeof("mayArrive") - 1, 1);
	zend_declare_typed_property(class_entry, property_mayArrive_name, &property_mayArrive_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_BOOL));
	zend_string_release(property_mayArrive_name);

	return class_entry;
}

static zend_class_entry *register_class_Viaduct_Broker_Exception_ConnectionException(zend_class_entry *class_entry_Viaduct_Broker_Exception_BrokerException)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Viaduct\\Broker\\Exception", "ConnectionException", class_Viaduct_Broker_Exception_ConnectionException_methods);
	class_entry = zend_register_internal_class_ex(&ce, class_entry_Viaduct_Broker_Exception_BrokerException);

	return class_entry;
}

static zend_class_entry *register_class_Viaduct_Broker_Exception_AuthenticationException(zend_class_entry *class_entry_Viaduct_Broker_Exception_BrokerException)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Viaduct\\Broker\\Exception", "AuthenticationException", class_Viaduct_Broker_Exception_AuthenticationException_methods);
	class_entry = zend_register_internal_class_ex(&ce, class_entry_Viaduct_Broker_Exception_BrokerException);

	return class_entry;
}

static zend_class_entry *register_class_Viaduct_Broker_Exception_TlsException(zend_class_entry *class_entry_Viaduct_Broker_Exception_BrokerException)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Viaduct\\Broker\\Exception", "TlsException", class_Viaduct_Broker_Exception_TlsException_methods);
	class_entry = zend_register_internal_class_ex(&ce, class_entry_Viaduct_Broker_Exception_BrokerException);

	return class_entry;
}

static zend_class_entry *register_class_Viaduct_Broker_Exception_TimeoutException(zend_class_entry *class_entry_Viaduct_Broker_Exception_BrokerException)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Viaduct\\Broker\\Exception", "TimeoutException", class_Viaduct_Broker_Exception_TimeoutException_methods);
	class_entry = zend_register_internal_class_ex(&ce, class_entry_Viaduct_Broker_Exception_BrokerException);

	return class_entry;
}

static zend_class_entry *register_class_Viaduct_Broker_Exception_OverflowException(zend_class_entry *class_entry_Viaduct_Broker_Exception_BrokerException)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Viaduct\\Broker\\Exception", "OverflowException", class_Viaduct_Broker_Exception_OverflowException_methods);
	class_entry = zend_register_internal_class_ex(&ce, class_entry_Viaduct_Broker_Exception_BrokerException);

	return class_entry;
}
