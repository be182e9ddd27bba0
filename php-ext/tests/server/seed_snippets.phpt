--TEST--
The broker page's snippets: InMemoryBroker by name or by default, several workers with SwooleBroker
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../server.inc';
$server = Server::start(<<<'APP'
    $app = new App($config = (new Config())->withPort(0)->withBroker(new InMemoryBroker()));
    $app->get('/', fn() => 'one worker');
APP);
echo $server->get('/')->body, ' ', json_decode($server->get('/_health')->body)->broker->driver, ' ', $server->stop(), "\n";

$server = Server::start(<<<'APP'
    $config = (new Mbolli\PhpVia\Config())
        ->withWorkerNum(swoole_cpu_num())  // use all CPU cores
        ->withBroker(new Mbolli\PhpVia\Broker\SwooleBroker());
    $app = new App($config->withPort(0));
    $app->get('/', fn() => swoole_cpu_num() . ' workers');
APP, ['viaduct.aliases' => 'php-via,openswoole']);
$health = json_decode($server->get('/_health')->body);
echo $server->get('/')->body === $health->workers->configured . ' workers' ? 'all cores' : 'NOT ALL CORES', ' ', $health->broker->driver, ' ', $server->stop(), "\n";
?>
--EXPECT--
one worker InMemoryBroker 0
all cores PipeBroker 0
