--TEST--
Handlers: what they return becomes the answer
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../server.inc';
$server = Server::start(<<<'APP'
    $app->get('/string', fn() => '<p>hi</p>');
    $app->get('/array', fn() => ['a' => 1, 'u' => 'ü/']);
    $app->get('/json', fn() => new class implements JsonSerializable {
        public function jsonSerialize(): mixed { return ['n' => 5]; }
    });
    $app->get('/int', fn() => 429);
    $app->get('/null', fn() => null);
    $app->get('/void', function (): void { });
    $app->get('/response', fn() => (new Response('own', 201, ['X-A' => ['1', '2']]))->withHeader('Content-Type', 'text/x'));
    $app->get('/printed', function () { echo 'before '; return 'after'; });
    $app->get('/printed-only', function () { echo 'printed'; });
    $app->get('/printed-int', function () { echo 'gone for good'; return 410; });
    $app->get('/buffered', function () { ob_start(); echo 'b1 '; ob_start(fn($b) => strtoupper($b)); echo 'b2 '; return 'r'; });
    $app->get('/generator', function () { yield 'a'; echo 'p'; yield 'b'; echo 'q'; });
    $app->get('/iterator', fn() => new ArrayIterator(['x', 'y', 'z']));
    $app->get('/empty-generator', function () { if (false) yield 1; });
    $app->get('/response-generator', fn() => new Response((function () { yield 'csv'; })(), 202, ['Content-Type' => 'text/csv']));
    $app->get('/headers', function () {
        header('X-One: 1'); header('X-Many: a'); header('X-Many: b', false);
        setcookie('c', 'v w'); header('Content-Length: 7'); http_response_code(203);
        return 'h';
    });
    $app->get('/headers-after', fn() => [headers_list(), http_response_code()]);
    $app->get('/redirect', function () { header('Location: /string'); });
    $app->get('/type', function () { header('Content-Type: text/css'); return 'a{}'; });
    $app->get('/mixed', function () { header('X-A: sapi'); setcookie('s', '1'); return (new Response('m', 200, ['X-A' => 'own']))->cookie('r', '2'); });
    $app->get('/status-204', function () { http_response_code(204); return 'dropped'; });
APP);
foreach (['string', 'array', 'json', 'int', 'null', 'void', 'response', 'printed', 'printed-only', 'printed-int',
          'buffered', 'generator', 'iterator', 'empty-generator', 'response-generator', 'headers',
          'headers-after', 'redirect', 'type', 'mixed', 'status-204'] as $path) {
    $a = $server->get("/$path");
    unset($a->headers['date'], $a->headers['connection'], $a->headers['content-length'], $a->headers['transfer-encoding'],
        $a->headers['x-request-id']);
    $headers = implode(', ', array_map(fn($n, $v) => "$n=" . implode('|', $v), array_keys($a->headers), $a->headers));
    echo "$path: $a->status [$headers] ", $a->body, $a->whole ? '' : ' CUT', "\n";
}
echo $server->request('HEAD', '/string')->header('content-length'), "\n";
echo 'exit ', $server->stop(), "\n", $server->output();
?>
--EXPECT--
string: 200 [content-type=text/html; charset=utf-8] <p>hi</p>
array: 200 [content-type=application/json] {"a":1,"u":"ü/"}
json: 200 [content-type=application/json] {"n":5}
int: 429 [content-type=text/plain; charset=utf-8] Too Many Requests
null: 204 [] 
void: 204 [] 
response: 201 [x-a=1|2, content-type=text/x] own
printed: 200 [content-type=text/html; charset=utf-8] before after
printed-only: 200 [content-type=text/html; charset=utf-8] printed
printed-int: 410 [content-type=text/html; charset=utf-8] gone for good
buffered: 200 [content-type=text/html; charset=utf-8] b1 B2 r
generator: 200 [content-type=text/html; charset=utf-8, vary=Accept-Encoding] apbq
iterator: 200 [content-type=text/html; charset=utf-8, vary=Accept-Encoding] xyz
empty-generator: 200 [content-type=text/html; charset=utf-8, vary=Accept-Encoding] 
response-generator: 202 [content-type=text/csv, vary=Accept-Encoding] csv
headers: 203 [x-one=1, x-many=a|b, set-cookie=c=v%20w, content-type=text/html; charset=utf-8] h
headers-after: 200 [content-type=application/json] [[],200]
redirect: 302 [location=/string] 
type: 200 [content-type=text/css;charset=UTF-8] a{}
mixed: 200 [x-a=own, set-cookie=r=2; Path=/; HttpOnly; SameSite=Lax|s=1, content-type=text/html; charset=utf-8] m
status-204: 204 [] 
9
exit 0
after run
