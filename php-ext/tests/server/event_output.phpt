--TEST--
What handlers of events leave behind (output buffers, headers, a time limit) is in no client's answer
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../server.inc';
$server = Server::start(<<<'APP'
    $leave = function (string $what) {
        ob_start(fn($text) => strtoupper($text));
        ob_start();
        echo "secret of $what\n";
        header("X-Secret: $what");
        http_response_code(418);
        set_time_limit(100);
    };
    $app->onStart(fn() => $leave('onStart'));
    $app->subscribe('x', fn() => $leave('subscribe'));
    $n = 0;
    $app->setInterval(function () use ($leave, &$n) { if (++$n === 1) { $leave('setInterval'); fwrite(STDERR, "left\n"); } }, 20);
    $app->onClientConnect(fn() => $leave('onClientConnect'));
    $app->get('/say', function () use ($app) { $app->broadcast('x'); return 'said'; });
    $app->get('/', fn() => [ob_get_level(), headers_list(), ini_get('max_execution_time')]);
    $app->stream('/events', fn() => 'y');
APP);
$answer = $server->get('/');
echo "$answer->status $answer->body\n";
$server->get('/say');
$stream = $server->stream('/events');
$server->waitForLog('/^left/m');
foreach (['SUBSCRIBE', 'SETINTERVAL', 'ONCLIENTCONNECT'] as $what) { // they are the terminal's
    wait_for($what, fn() => str_contains($server->output(), "SECRET OF $what\n"));
}
$answer = $server->get('/');
echo "$answer->status $answer->body\n";
echo 'exit ', $server->stop(), "\n";
?>
--EXPECT--
200 [0,[],"0"]
200 [0,[],"0"]
exit 0
