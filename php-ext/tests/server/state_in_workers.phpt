--TEST--
Store and Counter in the handlers of several workers
--EXTENSIONS--
viaduct
posix
--FILE--
<?php
require __DIR__ . '/../server.inc';
$server = Server::start(<<<'APP'
    use Viaduct\{Counter, Store};
    $config->withWorkerNum(3)->withBroker(new PipeBroker());
    Store::make('hits', 10, ['n' => [Store::INT, 4]]);
    $visits = new Counter(100);
    $app->get('/hit', fn() => [getmypid(), Store::incr('hits', 'all', 'n'), $visits->increment(),
        (new Counter(0, 'made in a worker'))->increment()]);
    $app->get('/sum', fn() => [Store::get('hits', 'all', 'n'), $visits->get(), (new Counter(0, 'made in a worker'))->get()]);
    $app->get('/late', function () {
        Store::make('hits', 10, ['n' => [Store::INT, 4]]); // is there
        $texts = [];
        foreach ([fn() => Store::make('late', 1, ['n' => [Store::INT]]), fn() => new Counter()] as $what) {
            try {
                $what();
            } catch (Viaduct\Exception\NotSharedException $e) {
                $texts[] = $e->getMessage();
            }
        }
        return $texts;
    });
APP);
$pids = [];
$sockets = [];
for ($i = 0; $i < 60; $i++) {
    $pids[json_decode($server->get('/hit')->body)[0]] = true;
}
echo $server->get('/sum')->body, "\n";
foreach (json_decode($server->get('/late')->body) as $text) {
    echo $text, "\n";
}
posix_kill(array_key_first($pids), SIGKILL); // state is not a worker's
wait_for('another worker', fn() => $server->get('/sum')->status === 200);
echo $server->get('/sum')->body, "\n";
var_dump($server->stop());
?>
--EXPECT--
[60,160,60]
Store::make() makes a table in a worker: the other workers would not see it; call it before run()
A Counter without a name is made in a worker: the other workers would not see it; call it before run()
[60,160,60]
int(0)
