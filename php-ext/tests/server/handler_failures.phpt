--TEST--
Handlers that fail cost a clear line in the log and a 500, exit() and fatal errors a worker; never the server
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../server.inc';
$server = Server::start(<<<'APP'
    $config->withWorkerNum(1);
    $app->get('/pid', fn() => Response::text((string) getmypid()));
    $app->get('/throw', function () { echo 'leak'; throw new LogicException("no\nluck"); });
    $app->get('/type', fn(int|string $x = 1) => str_repeat([], 2));
    $app->get('/float', fn() => 1.5);
    $app->get('/object', fn() => new stdClass);
    $app->get('/status-1', fn() => 1);
    $app->get('/json-bad', fn() => ["\xff"]);
    $app->get('/json-throws', fn() => new class implements JsonSerializable {
        public function jsonSerialize(): mixed { throw new DomainException('in json'); }
    });
    $app->get('/newline', fn() => (new Response('x'))->withHeader('X-A', "1\r\nX-B: 2"));
    $app->get('/bad-name', fn() => (new Response('x'))->withHeader('X A', "1"));
    $app->get('/framing', fn() => (new Response('x'))->withHeader('Content-Length', "1"));
    $app->get('/output-callback', function () { ob_start(function () { throw new RangeException('in output'); }); echo 'x'; });
    $app->get('/chunk-bad', function () { yield 'a'; yield 7; });
    $app->get('/chunk-first', function () { throw new LogicException('first'); yield 'a'; });
    $app->get('/chunk-later', function () { yield 'a'; throw new LogicException('later'); });
    $app->get('/exit', function () { header('X-A: 1'); http_response_code(403); ob_start(); echo 'captured '; exit('bye'); });
    $app->get('/exit-nothing', function () { exit(3); });
    $app->get('/exit-stream', function () { yield 'a'; echo 'b'; exit; });
    $app->get('/memory', function () { echo 'leak'; ini_set('memory_limit', '32M'); str_repeat('x', 64 << 20); });
    $app->get('/memory-later', function () { yield 'a'; ini_set('memory_limit', '32M'); str_repeat('x', 64 << 20); });
    $app->get('/memory-fiber', function () { (new Fiber(function () { ini_set('memory_limit', '32M'); str_repeat('x', 64 << 20); }))->start(); });
    $app->get('/fatal', function () { eval('class Broken implements Iterator { }'); });
    $app->get('/recursion', function () { $f = function ($f) { $f($f); }; ini_set('memory_limit', '32M'); $f($f); });
    $app->get('/time', function () { set_time_limit(1); while (true); });
APP);
function show(Server $server, string $path): void
{
    $a = $server->get($path);
    printf("%s: %d %s%s\n", $path, $a->status, $a->body, $a->whole ? '' : ' CUT');
}
$pid = $server->get('/pid')->body;
foreach (['throw', 'type', 'float', 'object', 'status-1', 'json-bad', 'json-throws', 'newline', 'bad-name',
          'framing', 'output-callback', 'chunk-bad', 'chunk-first', 'chunk-later'] as $path) {
    show($server, "/$path");
}
echo 'same worker: ', var_export($server->get('/pid')->body === $pid, true), "\n";
foreach (['exit', 'exit-nothing', 'exit-stream', 'memory', 'memory-later', 'memory-fiber', 'fatal', 'recursion', 'time'] as $path) {
    $pid = $server->get('/pid')->body;
    show($server, "/$path");
    $new = $server->get('/pid')->body;
    echo $new !== $pid && $new > 0 ? "  another worker\n" : "  SAME WORKER $new\n";
}
echo 'exit ', $server->stop(), "\n";
foreach (explode("\n", $server->log()) as $line) {
    if (preg_match('/handler_failed: ([^\\\\]*)/', $line, $m)) {
        echo preg_replace('/ in \/.*|PHP Request.*| \(request [0-9a-f]{32}\)/', '', $m[1]), "\n";
    }
}
?>
--EXPECTF--
/throw: 500 Internal Server Error
/type: 500 Internal Server Error
/float: 500 Internal Server Error
/object: 500 Internal Server Error
/status-1: 500 Internal Server Error
/json-bad: 500 Internal Server Error
/json-throws: 500 Internal Server Error
/newline: 500 Internal Server Error
/bad-name: 500 Internal Server Error
/framing: 500 Internal Server Error
/output-callback: 500 Internal Server Error
/chunk-bad: 200 a CUT
/chunk-first: 500 Internal Server Error
/chunk-later: 200 a CUT
same worker: true
/exit: 403 captured bye
  another worker
/exit-nothing: 200 
  another worker
/exit-stream: 200 ab
  another worker
/memory: 500 Internal Server Error
  another worker
/memory-later: 200 a CUT
  another worker
/memory-fiber: 500 Internal Server Error
  another worker
/fatal: 500 Internal Server Error
  another worker
/recursion: 500 Internal Server Error
  another worker
/time: 500 Internal Server Error
  another worker
exit 0
GET /throw: LogicException: no
GET /type: TypeError: str_repeat(): Argument #1 ($string) must be of type string, array given
GET /float: the handler returned float; allowed are string, array, JsonSerializable, int, null, Viaduct
GET /object: the handler returned stdClass; allowed are string, array, JsonSerializable, int, null, Viaduct
GET /status-1: the handler returned 1, which is no status from 200 to 599
GET /json-bad: JsonException: Malformed UTF-8 characters, possibly incorrectly encoded
GET /json-throws: DomainException: in json
GET /newline: %s
GET /bad-name: %s
GET /framing: %s
GET /output-callback: RangeException: in output
GET /chunk-bad: TypeError: A streamed body must yield strings, int given
GET /chunk-first: LogicException: first
GET /chunk-later: LogicException: later
GET /memory: Allowed memory size of 33554432 bytes exhausted (tried to allocate %d bytes)
GET /memory-later: Allowed memory size of 33554432 bytes exhausted (tried to allocate %d bytes)
GET /memory-fiber: Allowed memory size of 33554432 bytes exhausted (tried to allocate %d bytes)
GET /fatal: Class Broken contains 5 abstract methods%s
GET /recursion: Allowed memory size of 33554432 bytes exhausted%s
GET /time: Maximum execution time of 1 second exceeded
