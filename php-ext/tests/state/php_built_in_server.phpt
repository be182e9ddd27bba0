--TEST--
Shared state in PHP's built-in web server: one process keeps it, of several none may make it
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../redis.inc'; // free_port()
$script = __DIR__ . '/php_built_in_server.script.php';
file_put_contents($script, <<<'PHP'
<?php
use Viaduct\{Counter, GlobalState, Store};
foreach ([
    function () { Store::make('rows', 2, ['n' => [Store::INT]]); return Store::incr('rows', 'a', 'n'); },
    fn() => (new Counter(0, 'visits'))->increment(),
    fn() => GlobalState::increment('visits'),
] as $call) {
    try {
        echo $call(), "\n";
    } catch (Throwable $e) {
        echo $e::class, ': ', $e->getMessage(), "\n";
    }
}
PHP);
function serve(string $script, int $workers, int $requests): void
{
    $port = free_port();
    $so = getenv('VIADUCT_SO');
    $server = proc_open(['setpriv', '--pdeathsig', 'TERM', 'timeout', '60', PHP_BINARY, '-n', '-d', "extension=$so", '-S', "127.0.0.1:$port", $script],
        [['file', '/dev/null', 'r'], ['file', '/dev/null', 'w'], ['file', '/dev/null', 'w']], $pipes, null,
        ($workers ? ['PHP_CLI_SERVER_WORKERS' => $workers] : []) + getenv());
    wait_for('the server to listen', fn() => @fsockopen('127.0.0.1', $port));
    for ($i = 0; $i < $requests; $i++) {
        echo file_get_contents("http://127.0.0.1:$port/");
    }
    proc_terminate($server); // timeout passes it on to the workers, too
    proc_close($server);
}
serve($script, 0, 2);
serve($script, 2, 6); // whichever process it is
?>
--CLEAN--
<?php
@unlink(__DIR__ . '/php_built_in_server.script.php');
?>
--EXPECT--
1
1
1
2
2
2
Viaduct\Exception\NotSharedException: Store::make() makes a table in a web server's process: the others would not see it; declare it in the file that viaduct.tables names
Viaduct\Exception\NotSharedException: The first Counter is made in a web server's process: the others would not see it; declare it in the file that viaduct.tables names
Viaduct\Exception\NotSharedException: The global state is made by its first use, which is in a web server's process: the others would not see it; declare it in the file that viaduct.tables names
Viaduct\Exception\NotSharedException: Store::make() makes a table in a web server's process: the others would not see it; declare it in the file that viaduct.tables names
Viaduct\Exception\NotSharedException: The first Counter is made in a web server's process: the others would not see it; declare it in the file that viaduct.tables names
Viaduct\Exception\NotSharedException: The global state is made by its first use, which is in a web server's process: the others would not see it; declare it in the file that viaduct.tables names
Viaduct\Exception\NotSharedException: Store::make() makes a table in a web server's process: the others would not see it; declare it in the file that viaduct.tables names
Viaduct\Exception\NotSharedException: The first Counter is made in a web server's process: the others would not see it; declare it in the file that viaduct.tables names
Viaduct\Exception\NotSharedException: The global state is made by its first use, which is in a web server's process: the others would not see it; declare it in the file that viaduct.tables names
Viaduct\Exception\NotSharedException: Store::make() makes a table in a web server's process: the others would not see it; declare it in the file that viaduct.tables names
Viaduct\Exception\NotSharedException: The first Counter is made in a web server's process: the others would not see it; declare it in the file that viaduct.tables names
Viaduct\Exception\NotSharedException: The global state is made by its first use, which is in a web server's process: the others would not see it; declare it in the file that viaduct.tables names
Viaduct\Exception\NotSharedException: Store::make() makes a table in a web server's process: the others would not see it; declare it in the file that viaduct.tables names
Viaduct\Exception\NotSharedException: The first Counter is made in a web server's process: the others would not see it; declare it in the file that viaduct.tables names
Viaduct\Exception\NotSharedException: The global state is made by its first use, which is in a web server's process: the others would not see it; declare it in the file that viaduct.tables names
Viaduct\Exception\NotSharedException: Store::make() makes a table in a web server's process: the others would not see it; declare it in the file that viaduct.tables names
Viaduct\Exception\NotSharedException: The first Counter is made in a web server's process: the others would not see it; declare it in the file that viaduct.tables names
Viaduct\Exception\NotSharedException: The global state is made by its first use, which is in a web server's process: the others would not see it; declare it in the file that viaduct.tables names
