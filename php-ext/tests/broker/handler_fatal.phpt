--TEST--
A broker without a server: a fatal error in a handler, or in the credentials callable, unwinds no frame of the library
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../redis.inc';
$redis = Redis::start();
$which = ['handler', 'credentials'];
foreach ($which as $one) {
    $code = <<<'CODE'
        $fatal = fn() => eval('function strlen() {}'); // memory_limit is not there under valgrind
        $broker = new Viaduct\Broker\RedisBroker('127.0.0.1', (int) $argv[1], credentials: $argv[2] === 'credentials' ? $fatal : null);
        $broker->subscribe('n', $fatal);
        register_shutdown_function(fn() => print("shutdown, " . $broker->status()['driver'] . "\n"));
        $broker->connect(30);
        (new Viaduct\Broker\RedisBroker('127.0.0.1', (int) $argv[1]))->publish('n', timeout: 30);
        while (true) $broker->poll(1);
        CODE;
    $so = getenv('VIADUCT_SO') ?: 'viaduct';
    exec(escapeshellarg(PHP_BINARY) . " -n -d extension=$so -d display_errors=1 -d html_errors=0 -r " . escapeshellarg($code) . " -- $redis->port $one", $lines, $status);
    echo "$one: $status\n", preg_replace('/^Fatal.*/', 'Fatal error', implode("\n", array_filter($lines))), "\n";
    $lines = [];
}
?>
--EXPECT--
handler: 255
Fatal error
shutdown, RedisBroker
credentials: 255
Fatal error
shutdown, RedisBroker
