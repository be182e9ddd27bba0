--TEST--
Loaded by dl() in the middle of a script: classes, functions and names of other servers go away in order
--EXTENSIONS--
viaduct
--FILE--
<?php
$so = getenv('VIADUCT_SO') ?: ini_get('extension_dir') . '/viaduct.so';
$code = <<<'PHP'
    dl('viaduct.so');
    echo Viaduct\Broker\from_url('pipe:')::class, ' ', (new ReflectionFunction('Viaduct\Broker\from_url'))->getExtensionName(), "\n";
    echo function_exists('swoole_cpu_num') && swoole_cpu_num() > 0 ? 'named' : 'NOT NAMED', ' ', (new Mbolli\PhpVia\Config())::class, "\n";
    PHP;
// setpriv: not under valgrind, since PHP 8.2 itself looks at a parent class that is gone when it unloads what dl() has loaded
$process = proc_open(['setpriv', '--pdeathsig', 'KILL', PHP_BINARY, '-n', '-d', 'extension_dir=' . dirname($so), '-d', 'viaduct.aliases=php-via,zealphp,openswoole', '-r', $code],
    [['file', '/dev/null', 'r'], ['pipe', 'w'], ['redirect', 1]], $pipes);
echo stream_get_contents($pipes[1]);
echo 'exit ', proc_close($process), "\n";
?>
--EXPECT--
Viaduct\Broker\PipeBroker viaduct
named Viaduct\Config
exit 0
