--TEST--
onGap(): each worker that may have lost messages is told: it was busy for too long, or the gateway was restarted
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../server.inc';
$flag = tempnam(sys_get_temp_dir(), 'viaduct-flag-');
$server = Server::start("\$flag = '$flag';" . <<<'APP'
    $config->withWorkerNum(2)->withBroker(new PipeBroker());
    $me = -1;
    $seen = 0;
    $app->onStart(function (int $worker) use (&$me) { $me = $worker; });
    $app->onGap(function () use (&$me, &$seen) { error_log("gap in $me after " . ($seen < 200 ? 'less' : 'all')); });
    $app->onGap(fn() => throw new DomainException('one that fails'));
    $app->onGap(function () use (&$me) { error_log("second hook in $me"); });
    $app->subscribeAll('flood', function (Message $m) use (&$me, &$seen, $flag) {
        $seen++;
        while ($me === 0 && file_exists($flag)) {
            usleep(5_000);
        }
    });
    $app->subscribeAll('last', function () use (&$me, &$seen) { error_log("last in $me"); });
    $app->post('/flood', function () use ($app) {
        for ($i = 0; $i < 200; $i++) {
            $app->broadcast('flood', str_repeat('x', 60_000));
        }
        return 204;
    });
    $app->post('/last', function () use ($app) { $app->broadcast('last', ''); return 204; });
APP);
$gaps = fn(int $worker) => substr_count($server->log(), "gap in $worker");
echo $server->post('/flood')->status, "\n"; // the worker that sends does not read meanwhile
unlink($flag);
wait_for('both to be told', fn() => $gaps(0) > 0 && $gaps(1) > 0);
echo $server->post('/last')->status, "\n";
$server->waitForLog('/last in 0/');
$server->waitForLog('/last in 1/');
preg_match_all('/gap in .*|second hook in .*|onGap: DomainException: one that fails/', $server->log(), $m);
$lines = array_unique($m[0]);
sort($lines);
echo implode("\n", $lines), "\n";

$before = [$gaps(0), $gaps(1)];
foreach (glob('/proc/[0-9]*/comm') as $file) {
    [$name, $status] = [(string) @file_get_contents($file), (string) @file_get_contents(dirname($file) . '/status')];
    if (trim($name) === 'viaduct-gateway' && preg_match("/PPid:\s+$server->pid\\b/", $status)) {
        exec('kill -9 ' . basename(dirname($file)));
    }
}
wait_for('both to be told again', fn() => $gaps(0) > $before[0] && $gaps(1) > $before[1]);
echo 'exit ', $server->stop(), "\n";
?>
--EXPECT--
204
204
gap in 0 after less
gap in 1 after less
onGap: DomainException: one that fails
second hook in 0
second hook in 1
exit 0
