--TEST--
Timers and subscribers that throw are logged and called again; exit() in one costs its worker only
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../server.inc';
$server = Server::start(<<<'APP'
    $n = 0;
    $app->setInterval(function () use (&$n) { if (++$n === 1) { throw new LogicException('tick one'); } if ($n === 3) { exit; } }, 20);
    $app->subscribe('x', function (Message $m) { if ($m->data === 'memory') { ini_set('memory_limit', '32M'); str_repeat('x', 64 << 20); } throw new DomainException("got $m->data"); });
    $app->post('/say', function (Request $r) use ($app) { $app->broadcast('x', $r->body); });
    $app->get('/count', fn() => [getmypid(), $n]);
APP);
[$first] = json_decode($server->get('/count')->body);
$server->post('/say', 'hello');
$server->waitForLog('/tick one/');
$server->waitForLog('/subscribe: DomainException: got hello/');
$second = wait_for('another worker', function () use ($server, $first) { [$pid] = json_decode($server->get('/count')->body); return $pid !== $first ? $pid : null; });
$server->post('/say', 'memory');
$server->waitForLog('/subscribe: Allowed memory size/');
wait_for('a third worker', fn() => !in_array(json_decode($server->get('/count')->body)[0], [$first, $second]));
echo 'exit ', $server->stop(), "\n";
?>
--EXPECT--
exit 0
