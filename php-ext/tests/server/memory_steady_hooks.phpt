--TEST--
A worker's memory does not grow with hooks, error pages, refused forms and streamed bodies either
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../server.inc';
$server = Server::start(<<<'APP'
    $app->before(function (Request $r) { header('X-A: 1'); setcookie('a', $r->path); });
    $app->before(fn(Request $r) => isset($r->header['x-refuse']) ? (int) $r->header['x-refuse'] : null);
    $app->before(fn() => ['answer' => 'array'], '/before/{x}');
    $app->before(fn() => new Response('response'), '/before-response');
    $app->before(function () { throw new Exception('before'); }, '/before-throws');
    $kept = Response::text('kept');
    $app->after(fn(Request $r, Response $a) => $a->withAddedHeader('X-A', "$a->status")->withHeader('X-B', $r->path));
    $app->after(fn(Request $r, Response $a) => new Response($a->body, 203, $a->headers), '/replaced');
    $app->after(function () { throw new Exception('after'); }, '/after-throws');
    $app->after(fn() => 'wrong', '/after-wrong');
    $app->error(404, fn(Request $r) => "no $r->path");
    $app->error(500, fn(Request $r, ?Throwable $e) => [get_debug_type($e), $e?->getMessage()]);
    $app->error(413, function () { throw new Exception('page'); });
    $app->error(409, fn() => "\xff" ? ["\xff"] : null);
    $app->error(0, function () { echo 'printed'; });
    $app->get('/memory', fn() => (string) memory_get_usage());
    $app->get('/kept', fn() => $kept);
    foreach (['/replaced', '/after-throws', '/after-wrong', '/before-throws'] as $path) {
        $app->get($path, fn() => 'x');
    }
    $app->get('/generator', function () { yield 'a'; yield 'b'; });
    $app->get('/early', function () { throw new Exception('early'); yield 'a'; });
    $app->get('/http/{n}', fn(int $n) => throw new Viaduct\HttpException('x', $n));
    $app->get('/int/{n}', fn(int $n) => $n);
    $app->post('/form', fn(Request $r) => [$r->post, $r->files]);
    $app->post('/body', fn(Request $r) => [fread($r->bodyStream(), 5), strlen($r->body), fgets($r->bodyStream())]);
    $app->post('/keep', function (Request $r) { static $stream; $stream = $r->bodyStream(); return fread($stream, 10); });
    $app->stream('/stream/{n}', fn(int $n) => $n ?: 'a');
APP, ['post_max_size' => '1K', 'max_input_vars' => '3']);
$form = fn(int $n) => "--X\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n" . str_repeat('x', $n) . "\r\n--X--\r\n";
$type = ['Content-Type' => 'multipart/form-data; boundary=X'];
$round = function () use ($server, $form, $type): void {
    foreach (['/none', '/before/x', '/before-response', '/before-throws', '/kept', '/replaced', '/after-throws', '/after-wrong', '/generator', '/early',
              '/http/404', '/http/413', '/http/409', '/http/1', '/int/404', '/int/402', '/int/201', '/stream/403', '/stream/200', '/%zz'] as $path) {
        $server->get($path);
    }
    $server->get('/kept', ['X-Refuse' => '401']);
    $server->stream('/stream/0')->close();
    $server->post('/int/404', 'x');
    $server->post('/form', $form(100), $type);
    $server->post('/form', $form(2000), $type);
    $server->post('/form', 'no boundary', ['Content-Type' => 'multipart/form-data']);
    $server->post('/form', ['a' => str_repeat('x', 2000)]);
    $server->post('/form', ['a' => 1, 'b' => 1, 'c' => 1, 'd' => 1]);
    foreach (['/body', '/keep'] as $path) {
        $server->post($path, "short\nbody");
        $server->post($path, str_repeat('long', 30_000));
    }
};
for ($i = 0; $i < 20; $i++) {
    $round();
}
$before = $server->get('/memory')->body;
for ($i = 0; $i < 60; $i++) {
    $round();
}
$grown = $server->get('/memory')->body - $before;
echo $grown < 60 * 16 ? "steady\n" : "grown by $grown bytes in 60 rounds\n";
echo 'exit ', $server->stop(), "\n";
?>
--EXPECT--
steady
exit 0
