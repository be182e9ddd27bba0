--TEST--
Broadcasts reach the streams that follow a scope, from any worker; what is malformed is refused
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../server.inc';
$server = Server::start(<<<'APP'
    $config->withWorkerNum(2)->withBroker(new PipeBroker());
    $app->stream('/room/{room}', fn(string $room) => "room:$room");
    $app->stream('/several', fn(Request $r) => ['global', 'room:*']);
    $app->stream('/forbidden', fn() => 403);
    $app->stream('/refused', fn() => (new Response('no', 401))->withHeader('WWW-Authenticate', 'Basic'));
    $app->stream('/bad', fn() => 'a b');
    $app->stream('/none', fn() => []);
    $app->stream('/null', fn() => null);
    $app->stream('/mixed', fn() => ['room:a', 5]);
    $app->stream('/many', fn() => array_fill(0, 65, 'x'));
    $app->stream('/throws', fn() => throw new Exception('x'));
    $app->post('/say/{room}', function (Request $r, string $room) use ($app) { $app->broadcast("room:$room", $r->body, $r->get['event'] ?? null); });
    $app->post('/json', function () use ($app) { $app->broadcast('room:a', ['x' => ['ü', null]]); $app->broadcast('global', event: 'bell'); });
    $app->get('/errors', function () use ($app) {
        foreach ([fn() => $app->broadcast('a b', 'x'), fn() => $app->broadcast('room:a', 'x', "e\nv"), fn() => $app->broadcast('room:a', ["\xff"]),
                  fn() => $app->broadcast('room:a', str_repeat('x', 2 << 20)), fn() => $app->broadcast('', 'x'), fn() => $app->get('/late', fn() => 1), fn() => $app->run(), fn() => $app->onStart(fn() => 1)] as $f) {
            try { $f(); echo "accepted\n"; } catch (Throwable $e) { echo $e::class, ': ', $e->getMessage(), "\n"; }
        }
    });
APP);
$a = $server->stream('/room/a');
$all = $server->stream('/several');
echo $a->status, $all->status, "\n";
$server->post('/say/a', 'hello a');
$server->post('/say/b', "two\nlines");
$server->post('/json');
$server->post('/say/a?event=named', 'last');
foreach (['a' => $a, 'all' => $all] as $name => $stream) {
    do {
        $event = $stream->next();
        echo "$name: ", json_encode($event, JSON_UNESCAPED_UNICODE), "\n";
    } while ($event && $event[0] !== 'named');
}
foreach (['forbidden', 'refused', 'bad', 'none', 'null', 'mixed', 'many', 'throws'] as $path) {
    echo "$path ", $server->get("/$path")->status, "\n";
}
echo $server->get('/errors')->body;
echo 'exit ', $server->stop(), "\n";
?>
--EXPECTF--
200200
a: ["message","hello a"]
a: ["message","{\"x\":[\"ü\",null]}"]
a: ["named","last"]
all: ["message","hello a"]
all: ["message","two\nlines"]
all: ["message","{\"x\":[\"ü\",null]}"]
all: ["bell",%S]
all: ["named","last"]
forbidden 403
refused 401
bad 500
none 500
null 500
mixed 500
many 500
throws 500
ValueError: %S
ValueError: %S
JsonException: Malformed UTF-8 characters, possibly incorrectly encoded
Viaduct\Broker\Exception\OverflowException: %S
ValueError: %S
RuntimeException: Viaduct\App::get() must be called before run()
RuntimeException: The server runs already
RuntimeException: Viaduct\App::onStart() must be called before run()
exit 0
