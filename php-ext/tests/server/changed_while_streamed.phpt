--TEST--
A Response whose body changes it while it is streamed; handlers that return by reference; scopes by reference
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../server.inc';
$server = Server::start(<<<'APP'
    final class Aggregate implements IteratorAggregate
    {
        public ?Response $response = null;
        public function __construct(private string $text) { }
        public function getIterator(): Iterator
        {
            $this->response?->withBody('');
            $this->response = null;
            return new ArrayIterator(['kept ', $this->text]);
        }
    }
    $app->get('/headers', function () {
        $response = new Response('', 201, ['X-First' => '1']);
        $kept = $response->headers;
        $response->withBody((function () use ($response, &$kept) {
            $response->withHeader('X-Second', '2');
            $kept = null;
            yield 'a';
            $response->__construct('', 200, ['X-Late' => '1']);
            yield 'b';
        })());
        return $response;
    });
    $app->get('/constructed', function () {
        $response = new Response('', 201, ['X-First' => '1']);
        return $response->withBody((function () use ($response) { $response->__construct('x', 204, ['X-Second' => '2']); yield 'a'; })());
    });
    $app->get('/aggregate', function () {
        $body = new Aggregate('text');
        return $body->response = (new Response())->withBody($body);
    });
APP);
$show = function (Server $server, string ...$paths) {
    foreach ($paths as $path) {
        $a = $server->get($path);
        echo "$path: $a->status [", implode(' ', preg_grep('/^x-(first|second|late)/', array_keys($a->headers))), "] $a->body", $a->whole ? '' : ' CUT', "\n";
    }
};
$show($server, '/headers', '/constructed', '/aggregate');
echo 'exit ', $server->stop(), "\n", preg_match('/handler_failed.*/', $server->log(), $m) ? $m[0] : 'no failure', "\n";

$server = Server::start(<<<'APP'
    $null = null;
    $app->before(function &() use (&$null) { return $null; });
    $app->after(function &(Request $r, Response $a) { return $a; }, '/by-reference');
    $app->get('/by-reference', function &() { static $text = 'by reference'; return $text; });
    $app->get('/list', function &() { static $list = ['a']; return $list; });
    $app->error(404, function &() use (&$null) { return $null; });
    $scope = str_repeat('room:', 2) . 'x';
    $app->after(function () use (&$scope) { $scope = str_repeat('gone:', 2); }, '/events');
    $app->stream('/events', function () use (&$scope) { return [&$scope]; });
    $app->post('/say', function () use ($app) { $app->broadcast('room:room:x', 'heard'); return 'said'; });
APP);
$show($server, '/by-reference', '/list', '/none');
$stream = $server->stream('/events');
$server->post('/say');
echo implode(' ', $stream->next()), "\n";
echo 'exit ', $server->stop(), "\n", preg_match('/handler_failed.*/', $server->log(), $m) ? $m[0] : 'no failure', "\n";
?>
--EXPECT--
/headers: 201 [x-first x-second] ab
/constructed: 201 [x-second] a
/aggregate: 200 [] kept text
exit 0
no failure
/by-reference: 200 [] by reference
/list: 200 [] ["a"]
/none: 404 [] Not Found
message heard
exit 0
no failure
