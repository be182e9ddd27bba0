--TEST--
App::run(): several workers need a broker that connects them, and the address must be free
--EXTENSIONS--
viaduct
--FILE--
<?php
use Viaduct\{App, Config};
use Viaduct\Broker\InMemoryBroker;
foreach ([(new Config())->withWorkerNum(4), (new Config())->withBroker(new InMemoryBroker())->withWorkerNum(2)] as $config) {
    try {
        (new App($config))->run();
    } catch (RuntimeException $e) {
        echo $e::class, ': ', $e->getMessage(), "\n";
    }
}
$taken = stream_socket_server('tcp://127.0.0.1:0');
$port = (int) substr(strrchr(stream_socket_get_name($taken, false), ':'), 1);
try {
    (new App((new Config())->withPort($port)->withLogLevel('off')))->run();
} catch (RuntimeException $e) {
    echo $e::class, ': ', str_replace($port, 'PORT', $e->getMessage()), "\n";
}
try {
    (new App((new Config())->withHost('not-an-address')->withLogLevel('off')))->run();
} catch (Throwable $e) {
    echo $e::class, ': ', $e->getMessage(), "\n";
}
try {
    (new Fiber(fn() => (new App((new Config())->withHost('not-an-address')->withLogLevel('off')))->run()))->start();
} catch (Throwable $e) {
    echo $e::class, ': ', $e->getMessage(), "\n";
}
?>
--EXPECTF--
RuntimeException: InMemoryBroker serves one worker only, and withWorkerNum(4) asks for 4: use withBroker(new Viaduct\Broker\PipeBroker()), which carries broadcasts between the workers of this machine, or withWorkerNum(1)
RuntimeException: InMemoryBroker serves one worker only, and withWorkerNum(2) asks for 2: use withBroker(new Viaduct\Broker\PipeBroker()), which carries broadcasts between the workers of this machine, or withWorkerNum(1)
RuntimeException: %S
ValueError: %S
RuntimeException: run() cannot be called within a Fiber: a handler that suspends it would go on with the script in a worker
