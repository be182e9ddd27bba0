--TEST--
viaduct.aliases: nothing is registered unless asked for
--EXTENSIONS--
viaduct
--FILE--
<?php
var_dump(ini_get('viaduct.aliases'), class_exists('Mbolli\PhpVia\Config'), function_exists('swoole_cpu_num'));
var_dump(@ini_set('viaduct.aliases', 'php-via'));
?>
--EXPECT--
string(0) ""
bool(false)
bool(false)
bool(false)
