--TEST--
Dev mode shows errors with their traces to the client
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../server.inc';
$server = Server::start(<<<'APP'
    $config->withDevMode();
    $app->get('/throw', function () { (function ($deep) { throw new LogicException('<b>why</b>'); })(1); });
    $app->get('/memory', function () { ini_set('memory_limit', '32M'); str_repeat('x', 64 << 20); });
APP);
$a = $server->get('/throw');
echo $a->status, ' ', $a->header('content-type'), "\n", preg_replace('~/\S*viaduct-app-\w+~', 'app', $a->body), "\n";
echo $server->get('/memory')->body, "\n";
echo 'exit ', $server->stop(), "\n";
?>
--EXPECTF--
500 text/plain; charset=utf-8
LogicException: <b>why</b> in app:6
Stack trace:
#0 app(6): {closure%S}(%S)
#1 [internal function]: {closure%S}(%S)
#2 app(8): Viaduct\App->run()
#3 {main}
Allowed memory size of 33554432 bytes exhausted (tried to allocate %d bytes)
exit 0
