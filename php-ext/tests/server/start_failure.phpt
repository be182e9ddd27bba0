--TEST--
onStart that throws: the reason is in the log, requests are answered all the same by the others
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../server.inc';
$server = Server::start(<<<'APP'
    $config->withWorkerNum(2)->withBroker(new PipeBroker());
    $app->onStart(function (int $id) { if ($id === 1) { throw new RuntimeException('no database'); } });
    $app->get('/', fn() => 'works');
APP);
$server->waitForLog('/onStart: RuntimeException: no database/');
echo $server->get('/')->body, "\n";
echo 'exit ', $server->stop(), "\n";
?>
--EXPECT--
works
exit 0
