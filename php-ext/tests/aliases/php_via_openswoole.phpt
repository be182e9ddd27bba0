--TEST--
viaduct.aliases: the names of php-via and swoole_cpu_num()
--EXTENSIONS--
viaduct
--INI--
viaduct.aliases=php-via, OpenSwoole
--FILE--
<?php
use Mbolli\PhpVia\Config;
use Mbolli\PhpVia\Broker\SwooleBroker;
$config = (new Config())
    ->withWorkerNum(swoole_cpu_num())  // use all CPU cores
    ->withBroker(new SwooleBroker());
echo $config::class, "\n", (new SwooleBroker())::class, "\n";
echo (new Mbolli\PhpVia\Broker\RedisBroker())::class, ' ', (new Mbolli\PhpVia\Broker\NatsBroker())::class, "\n";
var_dump(swoole_cpu_num() >= 1, class_exists('Mbolli\PhpVia\Via'), class_exists('Mbolli\PhpVia\Broker\InMemoryBroker'));
?>
--EXPECT--
Viaduct\Config
Viaduct\Broker\PipeBroker
Viaduct\Broker\RedisBroker Viaduct\Broker\NatsBroker
bool(true)
bool(true)
bool(true)
