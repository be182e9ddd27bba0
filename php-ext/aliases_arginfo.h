/* This is a generated file, edit the .stub.php file instead.
 * Stub hash: 9e767832705af2613e7f71ea5cdfc2320514e2da */

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_swoole_cpu_num, 0, 0, IS_LONG, 0)
ZEND_END_ARG_INFO()


ZEND_FUNCTION(swoole_cpu_num);


static const zend_function_entry ext_functions[] = {
	ZEND_FE(swoole_cpu_num, arginfo_swoole_cpu_num)
	ZEND_FE_END
};
