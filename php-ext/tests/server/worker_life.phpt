--TEST--
A worker's life: what belongs to the caller of run() stays there, what belongs to the worker ends with it
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../server.inc';
$server = Server::start(<<<'APP'
    $config->withWorkerNum(2)->withBroker(new PipeBroker());
    class Noisy {
        public function __construct(public string $name, private int $pid = 0) { $this->pid = getmypid(); }
        public function __destruct() { fwrite(STDERR, "destruct $this->name " . (getmypid() === $this->pid ? 'own' : 'FOREIGN') . "\n"); }
    }
    mt_srand(1); mt_rand(); // seeded before the fork
    $before = new Noisy('before');
    register_shutdown_function(function () { fwrite(STDERR, 'shutdown function of the caller ' . (getmypid() === $GLOBALS['main'] ? 'there' : 'ELSEWHERE') . "\n"); });
    $main = getmypid();
    ob_start();
    echo 'buffered before run ';
    $app->onStart(function (int $id) use (&$mine) {
        if ($id === 0) {
            $mine = new Noisy('worker');
            register_shutdown_function(fn() => fwrite(STDERR, "shutdown function of the worker\n"));
            echo "printed in onStart\n";
        }
    });
    $app->onShutdown(fn(int $id) => fwrite(STDERR, "onShutdown $id\n"));
    $app->get('/rand', fn() => [getmypid(), mt_rand(), mt_rand()]);
    $app->get('/limits', fn() => [ini_get('max_execution_time'), ini_get('display_errors'), headers_sent(), ob_get_level()]);
    $app->get('/set-limit', function () { set_time_limit(100); return ini_get('max_execution_time'); });
    $app->get('/warn', function () { trigger_error('a warning', E_USER_WARNING); return 'clean'; });
APP, ['max_execution_time' => 30, 'display_errors' => 1]);
$seen = wait_for('both workers', function () use ($server, &$all) {
    [$pid, $a, $b] = json_decode($server->get('/rand')->body);
    $all[$pid] ??= "$a $b";
    return count($all) === 2 ? $all : null;
});
echo count(array_unique($seen)) === 2 ? "different numbers\n" : "THE SAME NUMBERS\n";
echo $server->get('/set-limit')->body, ' ';
echo $server->get('/limits')->body, "\n";
echo $server->get('/warn')->body, "\n";
echo 'exit ', $server->stop(), "\n", $server->output();
echo str_contains($server->log(), 'a warning') ? "warning logged\n" : "warning lost\n";
$lines = preg_grep('/^(destruct|shutdown|onShutdown)/', explode("\n", $server->log()));
sort($lines);
echo implode("\n", $lines), "\n";
?>
--EXPECT--
different numbers
100 ["0","0",false,0]
clean
exit 0
printed in onStart
buffered before run after run
warning logged
destruct before own
destruct worker own
onShutdown 0
onShutdown 1
shutdown function of the caller there
shutdown function of the worker
