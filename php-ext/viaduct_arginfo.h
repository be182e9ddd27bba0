/* This is a generated file, edit the .stub.php file instead.
 * Stub hash: 0499157636f8eed626f09543a2f0a2f3a119a2e0 */

ZEND_BEGIN_ARG_INFO_EX(arginfo_class_Viaduct_Config___construct, 0, 0, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Config_withHost, 0, 1, IS_STATIC, 0)
	ZEND_ARG_TYPE_INFO(0, host, IS_STRING, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Config_withPort, 0, 1, IS_STATIC, 0)
	ZEND_ARG_TYPE_INFO(0, port, IS_LONG, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Config_withListener, 0, 1, IS_STATIC, 0)
	ZEND_ARG_TYPE_INFO(0, address, IS_STRING, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Config_withTrustedProxies, 0, 0, IS_STATIC, 0)
	ZEND_ARG_VARIADIC_TYPE_INFO(0, cidrs, IS_STRING, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Config_withForwardedHeaders, 0, 1, IS_STATIC, 0)
	ZEND_ARG_TYPE_INFO(0, which, IS_STRING, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Config_withAccessLog, 0, 0, IS_STATIC, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, format, IS_STRING, 0, "\"common\"")
	ZEND_ARG_TYPE_MASK(0, to, MAY_BE_STRING|MAY_BE_LONG|MAY_BE_NULL, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, query, _IS_BOOL, 0, "false")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Config_withRequestIdHeader, 0, 0, IS_STATIC, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, on, _IS_BOOL, 0, "true")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Config_withControlSocket, 0, 1, IS_STATIC, 0)
	ZEND_ARG_TYPE_INFO(0, path, IS_STRING, 1)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Config_withWorkerNum, 0, 1, IS_STATIC, 0)
	ZEND_ARG_TYPE_INFO(0, workers, IS_LONG, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Config_withBroker, 0, 1, IS_STATIC, 0)
	ZEND_ARG_OBJ_INFO(0, broker, Viaduct\\Broker\\Broker, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Config_withGlobalStateTableSize, 0, 0, IS_STATIC, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, maxRows, IS_LONG, 0, "1024")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, maxValueBytes, IS_LONG, 0, "4096")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Config_withDevMode, 0, 0, IS_STATIC, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, devMode, _IS_BOOL, 0, "true")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Config_withLogLevel, 0, 1, IS_STATIC, 0)
	ZEND_ARG_TYPE_INFO(0, level, IS_STRING, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Config_withRequestTimeout, 0, 1, IS_STATIC, 0)
	ZEND_ARG_TYPE_MASK(0, seconds, MAY_BE_LONG|MAY_BE_DOUBLE, NULL)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Config_withMaxRequests, 0, 1, IS_STATIC, 0)
	ZEND_ARG_TYPE_INFO(0, requests, IS_LONG, 0)
ZEND_END_ARG_INFO()

#define arginfo_class_Viaduct_Config_withDrainTimeout arginfo_class_Viaduct_Config_withRequestTimeout

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Config_withMaxBodySize, 0, 1, IS_STATIC, 0)
	ZEND_ARG_TYPE_INFO(0, bytes, IS_LONG, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Config_withHeaderLimits, 0, 0, IS_STATIC, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, lineBytes, IS_LONG, 0, "8192")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, headerBytes, IS_LONG, 0, "32768")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, headerCount, IS_LONG, 0, "100")
ZEND_END_ARG_INFO()

#define arginfo_class_Viaduct_Config_withHeaderTimeout arginfo_class_Viaduct_Config_withRequestTimeout

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Config_withBodyTimeout, 0, 0, IS_STATIC, 0)
	ZEND_ARG_TYPE_MASK(0, seconds, MAY_BE_LONG|MAY_BE_DOUBLE, "30")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, minBytesPerSecond, IS_LONG, 0, "500")
ZEND_END_ARG_INFO()

#define arginfo_class_Viaduct_Config_withIdleTimeout arginfo_class_Viaduct_Config_withRequestTimeout

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Config_withMaxConnections, 0, 0, IS_STATIC, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, connections, IS_LONG, 0, "0")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, perAddress, IS_LONG, 0, "0")
ZEND_END_ARG_INFO()

#define arginfo_class_Viaduct_Config_withMaxConnectionRequests arginfo_class_Viaduct_Config_withMaxRequests

#define arginfo_class_Viaduct_Config_withMaxQueue arginfo_class_Viaduct_Config_withMaxRequests

#define arginfo_class_Viaduct_Config_withUploadMemory arginfo_class_Viaduct_Config_withMaxBodySize

#define arginfo_class_Viaduct_Config_withResponseMemory arginfo_class_Viaduct_Config_withMaxBodySize

#define arginfo_class_Viaduct_Config_withMaxUploadWorkers arginfo_class_Viaduct_Config_withWorkerNum

#define arginfo_class_Viaduct_Config_withPipelineBuffer arginfo_class_Viaduct_Config_withMaxBodySize

#define arginfo_class_Viaduct_Config_withRequestBuffer arginfo_class_Viaduct_Config_withMaxBodySize

#define arginfo_class_Viaduct_Config_withResponseBuffer arginfo_class_Viaduct_Config_withMaxBodySize

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Config_withCompression, 0, 0, IS_STATIC, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, enabled, _IS_BOOL, 0, "true")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, minBytes, IS_LONG, 0, "1024")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, level, IS_LONG, 0, "4")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, streams, _IS_BOOL, 0, "false")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Config_withCors, 0, 1, IS_STATIC, 0)
	ZEND_ARG_TYPE_INFO(0, origins, IS_ARRAY, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, methods, IS_ARRAY, 0, "[\'GET\', \'HEAD\', \'POST\', \'PUT\', \'PATCH\', \'DELETE\']")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, headers, IS_ARRAY, 0, "[\'Authorization\', \'Content-Type\', \'Last-Event-ID\', \'X-Requested-With\']")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, credentials, _IS_BOOL, 0, "false")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, maxAge, IS_LONG, 0, "600")
ZEND_END_ARG_INFO()

#define arginfo_class_Viaduct_Config_withHeartbeat arginfo_class_Viaduct_Config_withRequestTimeout

#define arginfo_class_Viaduct_Config_withRetry arginfo_class_Viaduct_Config_withRequestTimeout

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Config_withHistory, 0, 0, IS_STATIC, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, messagesPerScope, IS_LONG, 0, "1000")
	ZEND_ARG_TYPE_MASK(0, seconds, MAY_BE_LONG|MAY_BE_DOUBLE, "300")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Config_withStaticDir, 0, 1, IS_STATIC, 0)
	ZEND_ARG_TYPE_INFO(0, directory, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, prefix, IS_STRING, 0, "\'/\'")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, maxAge, IS_LONG, 0, "0")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Config_onBrokerError, 0, 1, IS_STATIC, 0)
	ZEND_ARG_TYPE_INFO(0, handler, IS_CALLABLE, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_INFO_EX(arginfo_class_Viaduct_App___construct, 0, 0, 0)
	ZEND_ARG_OBJ_INFO_WITH_DEFAULT_VALUE(0, config, Viaduct\\Config, 1, "null")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_App_get, 0, 2, IS_STATIC, 0)
	ZEND_ARG_TYPE_INFO(0, path, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO(0, handler, IS_CALLABLE, 0)
ZEND_END_ARG_INFO()

#define arginfo_class_Viaduct_App_post arginfo_class_Viaduct_App_get

#define arginfo_class_Viaduct_App_put arginfo_class_Viaduct_App_get

#define arginfo_class_Viaduct_App_patch arginfo_class_Viaduct_App_get

#define arginfo_class_Viaduct_App_delete arginfo_class_Viaduct_App_get

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_App_route, 0, 2, IS_STATIC, 0)
	ZEND_ARG_TYPE_INFO(0, path, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO(0, handler, IS_CALLABLE, 0)
	ZEND_ARG_VARIADIC_TYPE_INFO(0, methods, IS_STRING, 0)
ZEND_END_ARG_INFO()

#define arginfo_class_Viaduct_App_stream arginfo_class_Viaduct_App_get

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_App_before, 0, 1, IS_STATIC, 0)
	ZEND_ARG_TYPE_INFO(0, handler, IS_CALLABLE, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, path, IS_STRING, 0, "\"\"")
ZEND_END_ARG_INFO()

#define arginfo_class_Viaduct_App_after arginfo_class_Viaduct_App_before

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_App_error, 0, 2, IS_STATIC, 0)
	ZEND_ARG_TYPE_INFO(0, status, IS_LONG, 0)
	ZEND_ARG_TYPE_INFO(0, handler, IS_CALLABLE, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_App_broadcast, 0, 1, IS_VOID, 0)
	ZEND_ARG_TYPE_INFO(0, scope, IS_STRING, 0)
	ZEND_ARG_TYPE_MASK(0, data, MAY_BE_STRING|MAY_BE_ARRAY|MAY_BE_NULL, "null")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, event, IS_STRING, 1, "null")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_App_subscribe, 0, 2, IS_STATIC, 0)
	ZEND_ARG_TYPE_INFO(0, pattern, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO(0, handler, IS_CALLABLE, 0)
ZEND_END_ARG_INFO()

#define arginfo_class_Viaduct_App_subscribeAll arginfo_class_Viaduct_App_subscribe

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_App_setInterval, 0, 2, IS_STATIC, 0)
	ZEND_ARG_TYPE_INFO(0, handler, IS_CALLABLE, 0)
	ZEND_ARG_TYPE_INFO(0, milliseconds, IS_LONG, 0)
ZEND_END_ARG_INFO()

#define arginfo_class_Viaduct_App_setWorkerInterval arginfo_class_Viaduct_App_setInterval

#define arginfo_class_Viaduct_App_onStart arginfo_class_Viaduct_Config_onBrokerError

#define arginfo_class_Viaduct_App_onShutdown arginfo_class_Viaduct_Config_onBrokerError

#define arginfo_class_Viaduct_App_onClientConnect arginfo_class_Viaduct_Config_onBrokerError

#define arginfo_class_Viaduct_App_onClientDisconnect arginfo_class_Viaduct_Config_onBrokerError

#define arginfo_class_Viaduct_App_onGap arginfo_class_Viaduct_Config_onBrokerError

#define arginfo_class_Viaduct_App_onBrokerError arginfo_class_Viaduct_Config_onBrokerError

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_App_bindStore, 0, 2, IS_STATIC, 0)
	ZEND_ARG_TYPE_INFO(0, table, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO(0, scope, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, key, IS_STRING, 1, "null")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_App_bindCounter, 0, 2, IS_STATIC, 0)
	ZEND_ARG_OBJ_INFO(0, counter, Viaduct\\Counter, 0)
	ZEND_ARG_TYPE_INFO(0, scope, IS_STRING, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_App_bindGlobalState, 0, 2, IS_STATIC, 0)
	ZEND_ARG_TYPE_INFO(0, key, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO(0, scope, IS_STRING, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_App_globalState, 0, 1, IS_MIXED, 0)
	ZEND_ARG_TYPE_INFO(0, key, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, default, IS_MIXED, 0, "null")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_App_setGlobalState, 0, 2, IS_VOID, 0)
	ZEND_ARG_TYPE_INFO(0, key, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO(0, value, IS_MIXED, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_App_run, 0, 0, IS_VOID, 0)
ZEND_END_ARG_INFO()

#define arginfo_class_Viaduct_Request___construct arginfo_class_Viaduct_Config___construct

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Request_header, 0, 1, IS_STRING, 1)
	ZEND_ARG_TYPE_INFO(0, name, IS_STRING, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Request_rawContent, 0, 0, IS_STRING, 0)
ZEND_END_ARG_INFO()

#define arginfo_class_Viaduct_Request_getContent arginfo_class_Viaduct_Request_rawContent

#define arginfo_class_Viaduct_Request_bodyStream arginfo_class_Viaduct_Config___construct

ZEND_BEGIN_ARG_INFO_EX(arginfo_class_Viaduct_Response___construct, 0, 0, 0)
	ZEND_ARG_OBJ_TYPE_MASK(0, body, Traversable, MAY_BE_STRING, "\"\"")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, status, IS_LONG, 0, "200")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, headers, IS_ARRAY, 0, "[]")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_OBJ_INFO_EX(arginfo_class_Viaduct_Response_html, 0, 1, Viaduct\\Response, 0)
	ZEND_ARG_TYPE_INFO(0, body, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, status, IS_LONG, 0, "200")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_OBJ_INFO_EX(arginfo_class_Viaduct_Response_json, 0, 1, Viaduct\\Response, 0)
	ZEND_ARG_TYPE_INFO(0, data, IS_MIXED, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, status, IS_LONG, 0, "200")
ZEND_END_ARG_INFO()

#define arginfo_class_Viaduct_Response_text arginfo_class_Viaduct_Response_html

ZEND_BEGIN_ARG_WITH_RETURN_OBJ_INFO_EX(arginfo_class_Viaduct_Response_redirect, 0, 1, Viaduct\\Response, 0)
	ZEND_ARG_TYPE_INFO(0, location, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, status, IS_LONG, 0, "302")
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Response_withStatus, 0, 1, IS_STATIC, 0)
	ZEND_ARG_TYPE_INFO(0, status, IS_LONG, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Response_withHeader, 0, 2, IS_STATIC, 0)
	ZEND_ARG_TYPE_INFO(0, name, IS_STRING, 0)
	ZEND_ARG_TYPE_MASK(0, value, MAY_BE_STRING|MAY_BE_ARRAY, NULL)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Response_withAddedHeader, 0, 2, IS_STATIC, 0)
	ZEND_ARG_TYPE_INFO(0, name, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO(0, value, IS_STRING, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Response_withoutHeader, 0, 1, IS_STATIC, 0)
	ZEND_ARG_TYPE_INFO(0, name, IS_STRING, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Response_withBody, 0, 1, IS_STATIC, 0)
	ZEND_ARG_OBJ_TYPE_MASK(0, body, Traversable, MAY_BE_STRING, NULL)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Response_cookie, 0, 1, IS_STATIC, 0)
	ZEND_ARG_TYPE_INFO(0, name, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, value, IS_STRING, 0, "\"\"")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, expires, IS_LONG, 0, "0")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, path, IS_STRING, 0, "\"/\"")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, domain, IS_STRING, 0, "\"\"")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, secure, _IS_BOOL, 0, "false")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, httpOnly, _IS_BOOL, 0, "true")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, sameSite, IS_STRING, 0, "\"Lax\"")
ZEND_END_ARG_INFO()

#define arginfo_class_Viaduct_Message___construct arginfo_class_Viaduct_Config___construct

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Message_isInvalidation, 0, 0, _IS_BOOL, 0)
ZEND_END_ARG_INFO()

#define arginfo_class_Viaduct_Scope___construct arginfo_class_Viaduct_Config___construct

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Scope_session, 0, 1, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO(0, id, IS_STRING, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Scope_route, 0, 1, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO(0, path, IS_STRING, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Scope_room, 0, 1, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO(0, name, IS_STRING, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Scope_matches, 0, 2, _IS_BOOL, 0)
	ZEND_ARG_TYPE_INFO(0, pattern, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO(0, scope, IS_STRING, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_class_Viaduct_Scope_check, 0, 1, IS_VOID, 0)
	ZEND_ARG_TYPE_INFO(0, scope, IS_STRING, 0)
ZEND_END_ARG_INFO()


ZEND_METHOD(Viaduct_Config, __construct);
ZEND_METHOD(Viaduct_Config, withHost);
ZEND_METHOD(Viaduct_Config, withPort);
ZEND_METHOD(Viaduct_Config, withListener);
ZEND_METHOD(Viaduct_Config, withTrustedProxies);
ZEND_METHOD(Viaduct_Config, withForwardedHeaders);
ZEND_METHOD(Viaduct_Config, withAccessLog);
ZEND_METHOD(Viaduct_Config, withRequestIdHeader);
ZEND_METHOD(Viaduct_Config, withControlSocket);
ZEND_METHOD(Viaduct_Config, withWorkerNum);
ZEND_METHOD(Viaduct_Config, withBroker);
ZEND_METHOD(Viaduct_Config, withGlobalStateTableSize);
ZEND_METHOD(Viaduct_Config, withDevMode);
ZEND_METHOD(Viaduct_Config, withLogLevel);
ZEND_METHOD(Viaduct_Config, withRequestTimeout);
ZEND_METHOD(Viaduct_Config, withMaxRequests);
ZEND_METHOD(Viaduct_Config, withDrainTimeout);
ZEND_METHOD(Viaduct_Config, withMaxBodySize);
ZEND_METHOD(Viaduct_Config, withHeaderLimits);
ZEND_METHOD(Viaduct_Config, withHeaderTimeout);
ZEND_METHOD(Viaduct_Config, withBodyTimeout);
ZEND_METHOD(Viaduct_Config, withIdleTimeout);
ZEND_METHOD(Viaduct_Config, withMaxConnections);
ZEND_METHOD(Viaduct_Config, withMaxConnectionRequests);
ZEND_METHOD(Viaduct_Config, withMaxQueue);
ZEND_METHOD(Viaduct_Config, withUploadMemory);
ZEND_METHOD(Viaduct_Config, withResponseMemory);
ZEND_METHOD(Viaduct_Config, withMaxUploadWorkers);
ZEND_METHOD(Viaduct_Config, withPipelineBuffer);
ZEND_METHOD(Viaduct_Config, withRequestBuffer);
ZEND_METHOD(Viaduct_Config, withResponseBuffer);
ZEND_METHOD(Viaduct_Config, withCompression);
ZEND_METHOD(Viaduct_Config, withCors);
ZEND_METHOD(Viaduct_Config, withHeartbeat);
ZEND_METHOD(Viaduct_Config, withRetry);
ZEND_METHOD(Viaduct_Config, withHistory);
ZEND_METHOD(Viaduct_Config, withStaticDir);
ZEND_METHOD(Viaduct_Config, onBrokerError);
ZEND_METHOD(Viaduct_App, __construct);
ZEND_METHOD(Viaduct_App, get);
ZEND_METHOD(Viaduct_App, post);
ZEND_METHOD(Viaduct_App, put);
ZEND_METHOD(Viaduct_App, patch);
ZEND_METHOD(Viaduct_App, delete);
ZEND_METHOD(Viaduct_App, route);
ZEND_METHOD(Viaduct_App, stream);
ZEND_METHOD(Viaduct_App, before);
ZEND_METHOD(Viaduct_App, after);
ZEND_METHOD(Viaduct_App, error);
ZEND_METHOD(Viaduct_App, broadcast);
ZEND_METHOD(Viaduct_App, subscribe);
ZEND_METHOD(Viaduct_App, subscribeAll);
ZEND_METHOD(Viaduct_App, setInterval);
ZEND_METHOD(Viaduct_App, setWorkerInterval);
ZEND_METHOD(Viaduct_App, onStart);
ZEND_METHOD(Viaduct_App, onShutdown);
ZEND_METHOD(Viaduct_App, onClientConnect);
ZEND_METHOD(Viaduct_App, onClientDisconnect);
ZEND_METHOD(Viaduct_App, onGap);
ZEND_METHOD(Viaduct_App, onBrokerError);
ZEND_METHOD(Viaduct_App, bindStore);
ZEND_METHOD(Viaduct_App, bindCounter);
ZEND_METHOD(Viaduct_App, bindGlobalState);
ZEND_METHOD(Viaduct_GlobalState, get);
ZEND_METHOD(Viaduct_GlobalState, set);
ZEND_METHOD(Viaduct_App, run);
ZEND_METHOD(Viaduct_Request, __construct);
ZEND_METHOD(Viaduct_Request, header);
ZEND_METHOD(Viaduct_Request, rawContent);
ZEND_METHOD(Viaduct_Request, getContent);
ZEND_METHOD(Viaduct_Request, bodyStream);
ZEND_METHOD(Viaduct_Response, __construct);
ZEND_METHOD(Viaduct_Response, html);
ZEND_METHOD(Viaduct_Response, json);
ZEND_METHOD(Viaduct_Response, text);
ZEND_METHOD(Viaduct_Response, redirect);
ZEND_METHOD(Viaduct_Response, withStatus);
ZEND_METHOD(Viaduct_Response, withHeader);
ZEND_METHOD(Viaduct_Response, withAddedHeader);
ZEND_METHOD(Viaduct_Response, withoutHeader);
ZEND_METHOD(Viaduct_Response, withBody);
ZEND_METHOD(Viaduct_Response, cookie);
ZEND_METHOD(Viaduct_Message, __construct);
ZEND_METHOD(Viaduct_Message, isInvalidation);
ZEND_METHOD(Viaduct_Scope, __construct);
ZEND_METHOD(Viaduct_Scope, session);
ZEND_METHOD(Viaduct_Scope, route);
ZEND_METHOD(Viaduct_Scope, room);
ZEND_METHOD(Viaduct_Scope, matches);
ZEND_METHOD(Viaduct_Scope, check);


static const zend_function_entry class_Viaduct_Config_methods[] = {
	ZEND_ME(Viaduct_Config, __construct, arginfo_class_Viaduct_Config___construct, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Config, withHost, arginfo_class_Viaduct_Config_withHost, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Config, withPort, arginfo_class_Viaduct_Config_withPort, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Config, withListener, arginfo_class_Viaduct_Config_withListener, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Config, withTrustedProxies, arginfo_class_Viaduct_Config_withTrustedProxies, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Config, withForwardedHeaders, arginfo_class_Viaduct_Config_withForwardedHeaders, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Config, withAccessLog, arginfo_class_Viaduct_Config_withAccessLog, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Config, withRequestIdHeader, arginfo_class_Viaduct_Config_withRequestIdHeader, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Config, withControlSocket, arginfo_class_Viaduct_Config_withControlSocket, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Config, withWorkerNum, arginfo_class_Viaduct_Config_withWorkerNum, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Config, withBroker, arginfo_class_Viaduct_Config_withBroker, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Config, withGlobalStateTableSize, arginfo_class_Viaduct_Config_withGlobalStateTableSize, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Config, withDevMode, arginfo_class_Viaduct_Config_withDevMode, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Config, withLogLevel, arginfo_class_Viaduct_Config_withLogLevel, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Config, withRequestTimeout, arginfo_class_Viaduct_Config_withRequestTimeout, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Config, withMaxRequests, arginfo_class_Viaduct_Config_withMaxRequests, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Config, withDrainTimeout, arginfo_class_Viaduct_Config_withDrainTimeout, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Config, withMaxBodySize, arginfo_class_Viaduct_Config_withMaxBodySize, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Config, withHeaderLimits, arginfo_class_Viaduct_Config_withHeaderLimits, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Config, withHeaderTimeout, arginfo_class_Viaduct_Config_withHeaderTimeout, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Config, withBodyTimeout, arginfo_class_Viaduct_Config_withBodyTimeout, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Config, withIdleTimeout, arginfo_class_Viaduct_Config_withIdleTimeout, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Config, withMaxConnections, arginfo_class_Viaduct_Config_withMaxConnections, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Config, withMaxConnectionRequests, arginfo_class_Viaduct_Config_withMaxConnectionRequests, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Config, withMaxQueue, arginfo_class_Viaduct_Config_withMaxQueue, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Config, withUploadMemory, arginfo_class_Viaduct_Config_withUploadMemory, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Config, withResponseMemory, arginfo_class_Viaduct_Config_withResponseMemory, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Config, withMaxUploadWorkers, arginfo_class_Viaduct_Config_withMaxUploadWorkers, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Config, withPipelineBuffer, arginfo_class_Viaduct_Config_withPipelineBuffer, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Config, withRequestBuffer, arginfo_class_Viaduct_Config_withRequestBuffer, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Config, withResponseBuffer, arginfo_class_Viaduct_Config_withResponseBuffer, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Config, withCompression, arginfo_class_Viaduct_Config_withCompression, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Config, withCors, arginfo_class_Viaduct_Config_withCors, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Config, withHeartbeat, arginfo_class_Viaduct_Config_withHeartbeat, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Config, withRetry, arginfo_class_Viaduct_Config_withRetry, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Config, withHistory, arginfo_class_Viaduct_Config_withHistory, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Config, withStaticDir, arginfo_class_Viaduct_Config_withStaticDir, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Config, onBrokerError, arginfo_class_Viaduct_Config_onBrokerError, ZEND_ACC_PUBLIC)
	ZEND_FE_END
};


static const zend_function_entry class_Viaduct_App_methods[] = {
	ZEND_ME(Viaduct_App, __construct, arginfo_class_Viaduct_App___construct, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_App, get, arginfo_class_Viaduct_App_get, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_App, post, arginfo_class_Viaduct_App_post, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_App, put, arginfo_class_Viaduct_App_put, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_App, patch, arginfo_class_Viaduct_App_patch, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_App, delete, arginfo_class_Viaduct_App_delete, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_App, route, arginfo_class_Viaduct_App_route, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_App, stream, arginfo_class_Viaduct_App_stream, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_App, before, arginfo_class_Viaduct_App_before, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_App, after, arginfo_class_Viaduct_App_after, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_App, error, arginfo_class_Viaduct_App_error, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_App, broadcast, arginfo_class_Viaduct_App_broadcast, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_App, subscribe, arginfo_class_Viaduct_App_subscribe, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_App, subscribeAll, arginfo_class_Viaduct_App_subscribeAll, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_App, setInterval, arginfo_class_Viaduct_App_setInterval, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_App, setWorkerInterval, arginfo_class_Viaduct_App_setWorkerInterval, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_App, onStart, arginfo_class_Viaduct_App_onStart, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_App, onShutdown, arginfo_class_Viaduct_App_onShutdown, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_App, onClientConnect, arginfo_class_Viaduct_App_onClientConnect, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_App, onClientDisconnect, arginfo_class_Viaduct_App_onClientDisconnect, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_App, onGap, arginfo_class_Viaduct_App_onGap, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_App, onBrokerError, arginfo_class_Viaduct_App_onBrokerError, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_App, bindStore, arginfo_class_Viaduct_App_bindStore, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_App, bindCounter, arginfo_class_Viaduct_App_bindCounter, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_App, bindGlobalState, arginfo_class_Viaduct_App_bindGlobalState, ZEND_ACC_PUBLIC)
	ZEND_MALIAS(Viaduct_GlobalState, globalState, get, arginfo_class_Viaduct_App_globalState, ZEND_ACC_PUBLIC)
	ZEND_MALIAS(Viaduct_GlobalState, setGlobalState, set, arginfo_class_Viaduct_App_setGlobalState, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_App, run, arginfo_class_Viaduct_App_run, ZEND_ACC_PUBLIC)
	ZEND_FE_END
};


static const zend_function_entry class_Viaduct_Request_methods[] = {
	ZEND_ME(Viaduct_Request, __construct, arginfo_class_Viaduct_Request___construct, ZEND_ACC_PRIVATE)
	ZEND_ME(Viaduct_Request, header, arginfo_class_Viaduct_Request_header, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Request, rawContent, arginfo_class_Viaduct_Request_rawContent, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Request, getContent, arginfo_class_Viaduct_Request_getContent, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Request, bodyStream, arginfo_class_Viaduct_Request_bodyStream, ZEND_ACC_PUBLIC)
	ZEND_FE_END
};


static const zend_function_entry class_Viaduct_Response_methods[] = {
	ZEND_ME(Viaduct_Response, __construct, arginfo_class_Viaduct_Response___construct, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Response, html, arginfo_class_Viaduct_Response_html, ZEND_ACC_PUBLIC|ZEND_ACC_STATIC)
	ZEND_ME(Viaduct_Response, json, arginfo_class_Viaduct_Response_json, ZEND_ACC_PUBLIC|ZEND_ACC_STATIC)
	ZEND_ME(Viaduct_Response, text, arginfo_class_Viaduct_Response_text, ZEND_ACC_PUBLIC|ZEND_ACC_STATIC)
	ZEND_ME(Viaduct_Response, redirect, arginfo_class_Viaduct_Response_redirect, ZEND_ACC_PUBLIC|ZEND_ACC_STATIC)
	ZEND_ME(Viaduct_Response, withStatus, arginfo_class_Viaduct_Response_withStatus, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Response, withHeader, arginfo_class_Viaduct_Response_withHeader, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Response, withAddedHeader, arginfo_class_Viaduct_Response_withAddedHeader, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Response, withoutHeader, arginfo_class_Viaduct_Response_withoutHeader, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Response, withBody, arginfo_class_Viaduct_Response_withBody, ZEND_ACC_PUBLIC)
	ZEND_ME(Viaduct_Response, cookie, arginfo_class_Viaduct_Response_cookie, ZEND_ACC_PUBLIC)
	ZEND_FE_END
};


static const zend_function_entry class_Viaduct_HttpException_methods[] = {
	ZEND_FE_END
};


static const zend_function_entry class_Viaduct_Message_methods[] = {
	ZEND_ME(Viaduct_Message, __construct, arginfo_class_Viaduct_Message___construct, ZEND_ACC_PRIVATE)
	ZEND_ME(Viaduct_Message, isInvalidation, arginfo_class_Viaduct_Message_isInvalidation, ZEND_ACC_PUBLIC)
	ZEND_FE_END
};


static const zend_function_entry class_Viaduct_Scope_methods[] = {
	ZEND_ME(Viaduct_Scope, __construct, arginfo_class_Viaduct_Scope___construct, ZEND_ACC_PRIVATE)
	ZEND_ME(Viaduct_Scope, session, arginfo_class_Viaduct_Scope_session, ZEND_ACC_PUBLIC|ZEND_ACC_STATIC)
	ZEND_ME(Viaduct_Scope, route, arginfo_class_Viaduct_Scope_route, ZEND_ACC_PUBLIC|ZEND_ACC_STATIC)
	ZEND_ME(Viaduct_Scope, room, arginfo_class_Viaduct_Scope_room, ZEND_ACC_PUBLIC|ZEND_ACC_STATIC)
	ZEND_ME(Viaduct_Scope, matches, arginfo_class_Viaduct_Scope_matches, ZEND_ACC_PUBLIC|ZEND_ACC_STATIC)
	ZEND_ME(Viaduct_Scope, check, arginfo_class_Viaduct_Scope_check, ZEND_ACC_PUBLIC|ZEND_ACC_STATIC)
	ZEND_FE_END
};

static zend_class_entry *register_class_Viaduct_Config(void)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Viaduct", "Config", class_Viaduct_Config_methods);
	class_entry = zend_register_internal_class_ex(&ce, NULL);
	class_entry->ce_flags |= ZEND_ACC_FINAL|ZEND_ACC_NO_DYNAMIC_PROPERTIES|ZEND_ACC_NOT_SERIALIZABLE;

	return class_entry;
}

static zend_class_entry *register_class_Viaduct_App(void)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Viaduct", "App", class_Viaduct_App_methods);
	class_entry = zend_register_internal_class_ex(&ce, NULL);
	class_entry->ce_flags |= ZEND_ACC_FINAL|ZEND_ACC_NO_DYNAMIC_PROPERTIES|ZEND_ACC_NOT_SERIALIZABLE;

	return class_entry;
}

static zend_class_entry *register_class_Viaduct_Request(void)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Viaduct", "Request", class_Viaduct_Request_methods);
	class_entry = zend_register_internal_class_ex(&ce, NULL);
	class_entry->ce_flags |= ZEND_ACC_FINAL|ZEND_ACC_NO_DYNAMIC_PROPERTIES|ZEND_ACC_NOT_SERIALIZABLE;

	zval property_method_default_value;
	ZVAL_UNDEF(&property_method_default_value);
	zend_string *property_method_name = zend_string_init("method", sizeof("method") - 1, 1);
	zend_declare_typed_property(class_entry, property_method_name, &property_method_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_STRING));
	zend_string_release(property_method_name);

	zval property_path_default_value;
	ZVAL_UNDEF(&property_path_default_value);
	zend_string *property_path_name = zend_string_init("path", sizeof("path") - 1, 1);
	zend_declare_typed_property(class_entry, property_path_name, &property_path_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_STRING));
	zend_string_release(property_path_name);

	zval property_query_default_value;
	ZVAL_UNDEF(&property_query_default_value);
	zend_string *property_query_name = zend_string_init("query", sizeof("query") - 1, 1);
	zend_declare_typed_property(class_entry, property_query_name, &property_query_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_STRING));
	zend_string_release(property_query_name);

	zval property_body_default_value;
	ZVAL_UNDEF(&property_body_default_value);
	zend_string *property_body_name = zend_string_init("body", sizeof("body") - 1, 1);
	zend_declare_typed_property(class_entry, property_body_name, &property_body_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_STRING));
	zend_string_release(property_body_name);

	zval property_server_default_value;
	ZVAL_UNDEF(&property_server_default_value);
	zend_string *property_server_name = zend_string_init("server", sizeof("server") - 1, 1);
	zend_declare_typed_property(class_entry, property_server_name, &property_server_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_ARRAY));
	zend_string_release(property_server_name);

	zval property_header_default_value;
	ZVAL_UNDEF(&property_header_default_value);
	zend_string *property_header_name = zend_string_init("header", sizeof("header") - 1, 1);
	zend_declare_typed_property(class_entry, property_header_name, &property_header_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_ARRAY));
	zend_string_release(property_header_name);

	zval property_get_default_value;
	ZVAL_UNDEF(&property_get_default_value);
	zend_string *property_get_name = zend_string_init("get", sizeof("get") - 1, 1);
	zend_declare_typed_property(class_entry, property_get_name, &property_get_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_ARRAY));
	zend_string_release(property_get_name);

	zval property_post_default_value;
	ZVAL_UNDEF(&property_post_default_value);
	zend_string *property_post_name = zend_string_init("post", sizeof("post") - 1, 1);
	zend_declare_typed_property(class_entry, property_post_name, &property_post_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_ARRAY));
	zend_string_release(property_post_name);

	zval property_cookie_default_value;
	ZVAL_UNDEF(&property_cookie_default_value);
	zend_string *property_cookie_name = zend_string_init("cookie", sizeof("cookie") - 1, 1);
	zend_declare_typed_property(class_entry, property_cookie_name, &property_cookie_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_ARRAY));
	zend_string_release(property_cookie_name);

	zval property_files_default_value;
	ZVAL_UNDEF(&property_files_default_value);
	zend_string *property_files_name = zend_string_init("files", sizeof("files") - 1, 1);
	zend_declare_typed_property(class_entry, property_files_name, &property_files_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_ARRAY));
	zend_string_release(property_files_name);

	zval property_scheme_default_value;
	ZVAL_UNDEF(&property_scheme_default_value);
	zend_string *property_scheme_name = zend_string_init("scheme", sizeof("scheme") - 1, 1);
	zend_declare_typed_property(class_entry, property_scheme_name, &property_scheme_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_STRING));
	zend_string_release(property_scheme_name);

	zval property_requestId_default_value;
	ZVAL_UNDEF(&property_requestId_default_value);
	zend_string *property_requestId_name = zend_string_init("requestId", sizeof("requestId") - 1, 1);
	zend_declare_typed_property(class_entry, property_requestId_name, &property_requestId_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_STRING));
	zend_string_release(property_requestId_name);

	return class_entry;
}

static zend_class_entry *register_class_Viaduct_Response(void)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Viaduct", "Response", class_Viaduct_Response_methods);
	class_entry = zend_register_internal_class_ex(&ce, NULL);
	class_entry->ce_flags |= ZEND_ACC_FINAL|ZEND_ACC_NO_DYNAMIC_PROPERTIES|ZEND_ACC_NOT_SERIALIZABLE;

	zval property_status_default_value;
	ZVAL_UNDEF(&property_status_default_value);
	zend_string *property_status_name = zend_string_init("status", sizeof("status") - 1, 1);
	zend_declare_typed_property(class_entry, property_status_name, &property_status_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_LONG));
	zend_string_release(property_status_name);

	zval property_headers_default_value;
	ZVAL_UNDEF(&property_headers_default_value);
	zend_string *property_headers_name = zend_string_init("headers", sizeof("headers") - 1, 1);
	zend_declare_typed_property(class_entry, property_headers_name, &property_headers_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_ARRAY));
	zend_string_release(property_headers_name);

	zend_string *property_body_class_Traversable = zend_string_init("Traversable", sizeof("Traversable")-1, 1);
	zval property_body_default_value;
	ZVAL_UNDEF(&property_body_default_value);
	zend_string *property_body_name = zend_string_init("body", sizeof("body") - 1, 1);
	zend_declare_typed_property(class_entry, property_body_name, &property_body_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_CLASS(property_body_class_Traversable, 0, MAY_BE_STRING));
	zend_string_release(property_body_name);

	return class_entry;
}

static zend_class_entry *register_class_Viaduct_HttpException(zend_class_entry *class_entry_RuntimeException)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Viaduct", "HttpException", class_Viaduct_HttpException_methods);
	class_entry = zend_register_internal_class_ex(&ce, class_entry_RuntimeException);

	return class_entry;
}

static zend_class_entry *register_class_Viaduct_Message(void)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Viaduct", "Message", class_Viaduct_Message_methods);
	class_entry = zend_register_internal_class_ex(&ce, NULL);
	class_entry->ce_flags |= ZEND_ACC_FINAL|ZEND_ACC_NO_DYNAMIC_PROPERTIES|ZEND_ACC_NOT_SERIALIZABLE;

	zval property_scope_default_value;
	ZVAL_UNDEF(&property_scope_default_value);
	zend_string *property_scope_name = zend_string_init("scope", sizeof("scope") - 1, 1);
	zend_declare_typed_property(class_entry, property_scope_name, &property_scope_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_STRING));
	zend_string_release(property_scope_name);

	zval property_event_default_value;
	ZVAL_UNDEF(&property_event_default_value);
	zend_string *property_event_name = zend_string_init("event", sizeof("event") - 1, 1);
	zend_declare_typed_property(class_entry, property_event_name, &property_event_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_STRING|MAY_BE_NULL));
	zend_string_release(property_event_name);

	zval property_data_default_value;
	ZVAL_UNDEF(&property_data_default_value);
	zend_string *property_data_name = zend_string_init("data", sizeof("data") - 1, 1);
	zend_declare_typed_property(class_entry, property_data_name, &property_data_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_STRING|MAY_BE_NULL));
	zend_string_release(property_data_name);

	zval property_origin_default_value;
	ZVAL_UNDEF(&property_origin_default_value);
	zend_string *property_origin_name = zend_string_init("origin", sizeof("origin") - 1, 1);
	zend_declare_typed_property(class_entry, property_origin_name, &property_origin_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_STRING));
	zend_string_release(property_origin_name);

	zval property_sequence_default_value;
	ZVAL_UNDEF(&property_sequence_default_value);
	zend_string *property_sequence_name = zend_string_init("sequence", sizeof("sequence") - 1, 1);
	zend_declare_typed_property(class_entry, property_sequence_name, &property_sequence_default_value, ZEND_ACC_PUBLIC|ZEND_ACC_READONLY, NULL, (zend_type) ZEND_TYPE_INIT_MASK(MAY_BE_LONG));
	zend_string_release(property_sequence_name);

	return class_entry;
}

static zend_class_entry *register_class_Viaduct_Scope(void)
{
	zend_class_entry ce, *class_entry;

	INIT_NS_CLASS_ENTRY(ce, "Viaduct", "Scope", class_Viaduct_Scope_methods);
	class_entry = zend_register_internal_class_ex(&ce, NULL);
	class_entry->ce_flags |= ZEND_ACC_FINAL|ZEND_ACC_NO_DYNAMIC_PROPERTIES|ZEND_ACC_NOT_SERIALIZABLE;

	zval const_TAB_value;
	zend_string *const_TAB_value_str = zend_string_init("tab", strlen("tab"), 1);
	ZVAL_STR(&const_TAB_value, const_TAB_value_str);
	zend_string *const_TAB_name = zend_string_init_interned("TAB", sizeof("TAB") - 1, 1);
	zend_declare_class_constant_ex(class_entry, const_TAB_name, &const_TAB_value, ZEND_ACC_PUBLIC, NULL);
	zend_string_release(const_TAB_name);

	zval const_GLOBAL_value;
	zend_string *const_GLOBAL_value_str = zend_string_init("global", strlen("global"), 1);
	ZVAL_STR(&const_GLOBAL_value, const_GLOBAL_value_str);
	zend_string *const_GLOBAL_name = zend_string_init_interned("GLOBAL", sizeof("GLOBAL") - 1, 1);
	zend_declare_class_constant_ex(class_entry, const_GLOBAL_name, &const_GLOBAL_value, ZEND_ACC_PUBLIC, NULL);
	zend_string_release(const_GLOBAL_name);

	return class_entry;
}
