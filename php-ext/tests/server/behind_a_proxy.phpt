--TEST--
Request behind a trusted proxy: address, scheme, host and id are the client's; a failure is logged with the id
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../server.inc';
$app = <<<'APP'
    %s
    $app->get('/who', function (Request $r) {
        $s = $r->server;
        return [$s['remote_addr'], $s['remote_port'] > 0, $r->scheme, $s['request_scheme'], $s['https'] ?? null, $s['http_host'],
            $r->requestId === $s['request_id'], strlen($r->requestId)];
    });
    $app->get('/id', fn(Request $r) => $r->requestId);
    $app->get('/own', fn() => new Response('x', 200, ['X-Request-Id' => 'own']));
    $app->get('/fails', fn() => throw new Exception('oops'));
APP;
$forwarded = ['Forwarded' => 'for="[2001:db8::9]:5";proto=https;host=shop.example', 'X-Request-Id' => 'proxy-7'];
$server = Server::start(sprintf($app, '$config->withTrustedProxies("127.0.0.1")->withAccessLog("json", 2);'));
echo $server->get('/who', $forwarded)->body, "\n";
echo $server->get('/who', ['X-Forwarded-For' => '192.0.2.1'])->body, "\n";
echo $server->get('/who')->body, "\n";
$answer = $server->get('/id', $forwarded);
echo $answer->body, ' ', implode(',', $answer->headers['x-request-id']), "\n";
echo implode(',', $server->get('/own', $forwarded)->headers['x-request-id']), "\n";
echo $server->get('/fails', $forwarded)->status, "\n";
wait_for('the log', fn() => preg_match('/"target":"\/fails".*"status":500/', $server->log()));
preg_match('/GET \/fails \(request proxy-7\): \S+/', $server->log(), $m);
echo $m[0] ?? 'not logged', "\n";
echo preg_match_all('/^\{"time":.*"id":"proxy-7","remote":"2001:db8::9","scheme":"https"/m', $server->log()), "\n";
echo 'exit ', $server->stop(), "\n";

$server = Server::start(sprintf($app, '$config->withRequestIdHeader(false);'));
echo $server->get('/who', $forwarded)->body, "\n";
var_dump($server->get('/id', $forwarded)->header('x-request-id'));
echo 'exit ', $server->stop(), "\n";
?>
--EXPECT--
["2001:db8::9",true,"https","https","on","shop.example",true,7]
["192.0.2.1",false,"http","http",null,"test",true,32]
["127.0.0.1",true,"http","http",null,"test",true,32]
proxy-7 proxy-7
own
500
GET /fails (request proxy-7): Exception:
4
exit 0
["127.0.0.1",true,"http","http",null,"test",true,32]
NULL
exit 0
