--TEST--
The global state in the handlers of several workers, with the size that Config says
--EXTENSIONS--
viaduct
posix
--FILE--
<?php
require __DIR__ . '/../server.inc';
$server = Server::start(<<<'APP'
    use Viaduct\GlobalState;
    $config->withWorkerNum(3)->withBroker(new PipeBroker())->withGlobalStateTableSize(8, 32);
    $app->setGlobalState('boot', ['by' => 'script']);
    $app->get('/hit', fn() => [getmypid(), GlobalState::increment('hits')]);
    $app->get('/read', fn() => [$app->globalState('hits'), $app->globalState('boot'), $app->globalState('none', 'default')]);
    $app->get('/fill', function () use ($app) {
        $texts = [];
        try {
            for ($i = 0; ; $i++) {
                $app->setGlobalState("key$i", $i);
            }
        } catch (\OverflowException $e) {
            $texts[] = $e->getMessage();
        }
        try {
            $app->setGlobalState('boot', str_repeat('x', 33));
        } catch (\OverflowException $e) {
            $texts[] = $e->getMessage();
        }
        return [GlobalState::count(), ...$texts];
    });
APP);
$pids = [];
for ($i = 0; $i < 30; $i++) {
    $pids[json_decode($server->get('/hit')->body)[0]] = true;
}
echo $server->get('/read')->body, "\n";
posix_kill(array_key_first($pids), SIGKILL);
wait_for('another worker', fn() => $server->get('/read')->status === 200);
echo $server->get('/read')->body, "\n";
echo implode("\n", json_decode($server->get('/fill')->body)), "\n";
var_dump($server->stop());
?>
--EXPECT--
[30,{"by":"script"},"default"]
[30,{"by":"script"},"default"]
8
no room for "key6": all of the 8 keys of the global state are in use; delete some, or raise maxRows by Config::withGlobalStateTableSize()
the value of "boot" takes 33 bytes, and one of the global state has at most 32: store less, or raise maxValueBytes by Config::withGlobalStateTableSize()
int(0)
