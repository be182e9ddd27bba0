--TEST--
Four workers do not send four mails: who is called how often
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../server.inc';
$log = tempnam(sys_get_temp_dir(), 'viaduct-calls-');
$server = Server::start("\$log = '$log';" . <<<'APP'
    $config->withWorkerNum(4)->withBroker(new PipeBroker());
    $note = fn(string $what) => file_put_contents($log, "$what\n", FILE_APPEND | LOCK_EX);
    $app->onStart(fn(int $id, bool $first) => $note("start $id " . ($first ? 'first' : 'other')));
    $app->onShutdown(fn(int $id) => $note("shutdown $id"));
    $app->subscribe('mail:*', fn(Message $m) => $note("once $m->scope $m->data $m->event " . strlen($m->origin) . ($m->sequence > 0 ? ' numbered' : '') . ($m->isInvalidation() ? ' invalidation' : '')));
    $app->subscribeAll('mail:*', fn(Message $m) => $note("all $m->scope " . getmypid()));
    $app->setInterval(fn() => $note('node tick'), 100);
    $app->setWorkerInterval(fn() => $note('worker tick ' . getmypid()), 100);
    $app->onClientConnect(fn(string $id) => $note('connect ' . ($id !== '')));
    $app->onClientDisconnect(fn(string $id) => $note('disconnect'));
    $app->stream('/s', fn() => 'mail:x');
    $app->post('/mail', function () use ($app) { $app->broadcast('mail:x', 'dear', 'sent'); $app->broadcast('mail:y'); });
APP);
$lines = fn(string $prefix) => array_values(preg_grep("/^$prefix/", file($log, FILE_IGNORE_NEW_LINES)));
wait_for('four workers', fn() => count($lines('start')) === 4);
$stream = $server->stream('/s');
wait_for('connect', fn() => $lines('connect'));
$server->post('/mail');
wait_for('subscribers', fn() => count($lines('all')) >= 8 && count($lines('once')) >= 2);
$stream->close();
wait_for('disconnect', fn() => $lines('disconnect'));
$ticks = count($lines('node tick'));
$since = microtime(true);
wait_for('ticks', fn() => count($lines('node tick')) >= $ticks + 5 && count(array_unique($lines('worker tick'))) === 4);
$ticks = count($lines('node tick')) - $ticks;
$rate = $ticks / ((microtime(true) - $since) / 0.1);
echo 'node ticks ', $rate < 2 ? 'once per node' : "too often: $rate", "\n";
$starts = $lines('start');
sort($starts);
$once = $lines('once'); // of two workers, perhaps
sort($once);
echo implode("\n", $starts), "\n", implode("\n", $once), "\n";
echo count($lines('all mail:x')), ' ', count(array_unique($lines('all mail:x'))), "\n";
echo count($lines('connect')), count($lines('disconnect')), "\n";
echo 'exit ', $server->stop(), "\n";
$ends = $lines('shutdown');
sort($ends);
echo implode("\n", $ends), "\n";
unlink($log);
?>
--EXPECT--
node ticks once per node
start 0 first
start 1 other
start 2 other
start 3 other
once mail:x dear sent 16 numbered
once mail:y   16 invalidation
4 4
11
exit 0
shutdown 0
shutdown 1
shutdown 2
shutdown 3
