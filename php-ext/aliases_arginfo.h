/* This is a generated file, edit the .stub.php file instead.
 * Stub hash: b55aa3c72692a39b58ada76d8c9b8bbff0db0b1f */

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_swoole_cpu_num, 0, 0, IS_LONG, 0)
ZEND_END_ARG_INFO()


ZEND_FUNCTION(swoole_cpu_num);


static const zend_function_entry ext_functions[] = {
	ZEND_FE(swoole_cpu_num, arginfo_swoole_cpu_num)
	ZEND_FE_END
};
