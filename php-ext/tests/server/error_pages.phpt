--TEST--
Errors: error() handlers write the pages of 404, 405, 500 and whatever else the app refuses
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../server.inc';
$server = Server::start(<<<'APP'
    $config->withDevMode();
    $app->error(404, fn(Request $r, ?Throwable $e) => "<h1>no $r->path</h1>" . ($e ? $e->getMessage() : ''));
    $app->error(405, fn() => ['error' => 'method']);
    $app->error(500, fn(Request $r, ?Throwable $e) => 'sorry: ' . ($e ? $e::class . ' ' . $e->getMessage() : 'nothing thrown'));
    $app->error(403, fn() => new Response('by a response', 200));
    $app->error(402, fn() => 451);
    $app->error(409, fn() => null);
    $app->error(410, function () { throw new LogicException('the page failed'); });
    $app->error(411, function () { yield 'streamed '; yield 'page'; });
    $app->error(412, fn() => fopen('php://memory', 'r'));
    $app->error(413, function () { echo 'leaving'; exit; });
    $app->error(0, fn(Request $r) => 'any: ' . http_response_code());

    $app->get('/int/{n}', function (int $n) { header('X-Kept: 1'); return $n; });
    $app->get('/printed', function () { echo 'own page'; return 404; });
    $app->get('/response', fn() => new Response('own response', 404));
    $app->get('/throw/{n}', function (int $n) { header('Content-Type: text/csv'); echo 'half'; throw new Viaduct\HttpException('thrown', $n); });
    $app->get('/fails', function () { header('X-Lost: 1'); echo 'half'; throw new DomainException('broken'); });
    $app->get('/returns', fn() => 1.5);
    $app->get('/header', fn() => new Response('x', 200, ['Content-Length' => '1']));
    $app->get('/generator', function () { throw new DomainException('early'); yield 'x'; });
    $app->get('/late', function () { yield 'x'; throw new DomainException('late'); });
    $app->get('/memory', function () { ini_set('memory_limit', '8M'); return str_repeat('x', 1 << 25); });
    $app->stream('/stream/{n}', fn(int $n) => $n);
APP);
foreach (['/none', '/int/x', '/int/404', '/int/402', '/int/403', '/int/409', '/int/410', '/int/411', '/int/412', '/int/413', '/int/429', '/int/302',
          '/printed', '/response', '/throw/404', '/throw/429', '/throw/7', '/fails', '/returns', '/header', '/generator', '/late',
          '/stream/404', '/stream/429', '/bad%zz', '/memory'] as $path) {
    $a = $server->get($path);
    $own = array_intersect_key($a->headers, array_flip(['x-kept', 'x-lost', 'content-type', 'allow']));
    echo "$path: $a->status [", implode('; ', array_map(fn($n, $v) => "$n: " . implode('|', $v), array_keys($own), $own)), '] ',
        str_contains($a->body, 'Allowed memory') ? 'memory' : $a->body, $a->whole ? '' : ' CUT', "\n";
}
$a = $server->post('/fails', 'x');
echo $a->status, ' ', $a->header('allow'), ' ', $a->body, "\n";
$server->waitForLog('/the page failed/');
echo preg_match('/handler_failed.*thrown/', $server->log()), "\n";
echo 'exit ', $server->stop(), "\n";
?>
--EXPECT--
/none: 404 [content-type: text/html; charset=utf-8] <h1>no /none</h1>
/int/x: 404 [content-type: text/html; charset=utf-8] <h1>no /int/x</h1>
/int/404: 404 [x-kept: 1; content-type: text/html; charset=utf-8] <h1>no /int/404</h1>
/int/402: 451 [x-kept: 1; content-type: text/plain; charset=utf-8] Unavailable For Legal Reasons
/int/403: 200 [x-kept: 1; content-type: text/html; charset=utf-8] by a response
/int/409: 409 [x-kept: 1; content-type: text/plain; charset=utf-8] Conflict
/int/410: 410 [content-type: text/plain; charset=utf-8] Gone
/int/411: 411 [x-kept: 1; content-type: text/html; charset=utf-8] streamed page
/int/412: 412 [content-type: text/plain; charset=utf-8] the handler returned resource; allowed are string, array, JsonSerializable, int, null, Viaduct\Response and Traversable
/int/413: 413 [x-kept: 1; content-type: text/html; charset=utf-8] leaving
/int/429: 429 [x-kept: 1; content-type: text/html; charset=utf-8] any: 429
/int/302: 302 [x-kept: 1; content-type: text/plain; charset=utf-8] Found
/printed: 404 [content-type: text/html; charset=utf-8] own page
/response: 404 [content-type: text/html; charset=utf-8] own response
/throw/404: 404 [content-type: text/html; charset=utf-8] <h1>no /throw/404</h1>thrown
/throw/429: 429 [content-type: text/html; charset=utf-8] any: 429
/throw/7: 500 [content-type: text/html; charset=utf-8] sorry: Viaduct\HttpException thrown
/fails: 500 [content-type: text/html; charset=utf-8] sorry: DomainException broken
/returns: 500 [content-type: text/html; charset=utf-8] sorry: nothing thrown
/header: 500 [content-type: text/html; charset=utf-8] sorry: nothing thrown
/generator: 500 [content-type: text/html; charset=utf-8] sorry: DomainException early
/late: 200 [content-type: text/html; charset=utf-8] x CUT
/stream/404: 404 [content-type: text/html; charset=utf-8] <h1>no /stream/404</h1>
/stream/429: 429 [content-type: text/html; charset=utf-8] any: 429
/bad%zz: 400 [content-type: text/html; charset=utf-8] any: 400
/memory: 500 [content-type: text/plain; charset=utf-8] memory
405 GET, HEAD {"error":"method"}
1
exit 0
