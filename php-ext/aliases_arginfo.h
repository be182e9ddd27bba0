/* This is a generated file, edit the .stub.php file instead.
 * Stub hash: 8164f7d78e279b121a79d9861dafbdefedea9809 */

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_swoole_cpu_num, 0, 0, IS_LONG, 0)
ZEND_END_ARG_INFO()
