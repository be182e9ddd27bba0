--TEST--
A client that leaves a streamed answer ends its generator, finally blocks and all
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../server.inc';
$server = Server::start(<<<'APP'
    $app->get('/endless', function () { try { while (true) { yield str_repeat('x', 65536); } } finally { fwrite(STDERR, "finally\n"); } });
    $app->get('/big', function () { for ($i = 0; $i < 200; $i++) { yield str_repeat(chr(97 + $i % 26), 50000); } });
    $app->get('/', fn() => 'ok');
APP);
$socket = $server->connect();
fwrite($socket, "GET /endless HTTP/1.1\r\nHost: x\r\n\r\n");
fread($socket, 1000);
fclose($socket);
$server->waitForLog('/^finally$/m');
echo $server->get('/')->body, "\n";
$big = $server->get('/big');
echo strlen($big->body), ' ', $big->whole ? 'whole' : 'cut', ' ', md5($big->body) === md5(implode(array_map(fn($i) => str_repeat(chr(97 + $i % 26), 50000), range(0, 199)))) ? 'same' : 'other', "\n";
echo 'exit ', $server->stop(), "\n";
echo implode("\n", preg_grep('/ (error|warn) (?!.*open_sockets)/', explode("\n", $server->log())));
?>
--EXPECT--
ok
10000000 whole same
exit 0
