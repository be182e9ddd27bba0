--TEST--
Config's limits are those of the server: sizes, times, requests and connections
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../server.inc';

function say(Server $server, string ...$pieces): string
{
    $socket = $server->connect();
    foreach ($pieces as $piece) {
        fwrite($socket, $piece);
    }
    $heard = (string) stream_get_contents($socket); // until it closes
    fclose($socket);
    preg_match_all('~^HTTP/1\.1 (\d+)|\nHTTP/1\.1 (\d+)|^(Connection: close)~m', $heard, $found);
    return trim(implode(' ', array_map(trim(...), str_replace('HTTP/1.1 ', '', $found[0]))));
}

$server = Server::start(<<<'APP'
    $config->withHeaderLimits(lineBytes: 100, headerBytes: 1024, headerCount: 5)->withMaxBodySize(10)
        ->withHeaderTimeout(0.3)->withBodyTimeout(0.3)->withIdleTimeout(0.3)
        ->withMaxConnectionRequests(3);
    $app->route('/', fn(Request $r) => $r->body);
APP);
$get = "GET / HTTP/1.1\r\nHost: a\r\n";
$post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ";
echo 'line: ', say($server, 'GET /' . str_repeat('x', 100) . " HTTP/1.1\r\nHost: a\r\n\r\n"), "\n";
echo 'headers: ', say($server, $get . 'X: ' . str_repeat('y', 1024) . "\r\n\r\n"), "\n";
echo 'header count: ', say($server, $get . str_repeat("X: y\r\n", 5) . "\r\n"), "\n";
echo 'body: ', say($server, "{$post}11\r\n\r\n"), "\n";
echo 'header timeout: ', say($server, $get), "\n";
echo 'body timeout: ', say($server, "{$post}10\r\n\r\n", 'x'), "\n";
echo 'idle: ', say($server, "$get\r\n"), "\n";
echo 'requests: ', say($server, str_repeat("$get\r\n", 5)), "\n";
echo 'exit ', $server->stop(), "\n";
$server = Server::start('$config->withMaxConnections(perAddress: 2);');
$held = [$server->connect(), $server->connect()];
echo 'connections: ', say($server), "\n";
echo 'exit ', $server->stop(), "\n";
?>
--EXPECT--
line: 414 Connection: close
headers: 431 Connection: close
header count: 431 Connection: close
body: 413 Connection: close
header timeout: 408 Connection: close
body timeout: 408 Connection: close
idle: 200
requests: 200 200 200 Connection: close
exit 0
connections: 503 Connection: close
exit 0
