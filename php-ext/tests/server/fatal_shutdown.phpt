--TEST--
After a fatal error the worker's shutdown functions still run and can see it
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../server.inc';
$server = Server::start(<<<'APP'
    $app->onStart(function () {
        register_shutdown_function(function () {
            fwrite(STDERR, 'shutdown: ' . (error_get_last()['message'] ?? 'in order') . "\n");
        });
    });
    $app->get('/memory', function () { ini_set('memory_limit', '32M'); str_repeat('x', 64 << 20); });
    $app->get('/json', function () { ini_set('memory_limit', '24M'); return [str_repeat("\1", 4 << 20)]; });
    $app->get('/', fn() => 'fine');
APP);
echo $server->get('/memory')->status, "\n";
$server->waitForLog('/^shutdown: Allowed memory size/m');
echo $server->get('/')->body, "\n";
// memory exhausted on the way from the handler's result to the answer
echo in_array($server->get('/json')->status, [200, 500], true) ? "answered\n" : "NOT ANSWERED\n";
wait_for('the second', fn() => preg_match_all('/^shutdown: Allowed memory size of 25165824/m', $server->log()) === 1);
echo $server->get('/')->body, "\n";
echo 'exit ', $server->stop(), "\n";
echo preg_match('/^shutdown: in order/m', $server->log()), "\n";
?>
--EXPECT--
500
fine
answered
fine
exit 0
1
