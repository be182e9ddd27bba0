--TEST--
A worker's memory does not grow with its requests, whatever they do
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../server.inc';
$server = Server::start(<<<'APP'
    $app->get('/memory', fn() => (string) memory_get_usage());
    $app->get('/string/{a}', fn(Request $r, string $a) => "hello $a");
    $app->get('/array', fn(Request $r) => [$r->server, $r->header, $r->get, $r->cookie, $r->method, $r->path]);
    $app->get('/response', fn() => (new Response('x', 200, ['X-A' => ['1', '2']]))->cookie('a', 'b', 86400)->withHeader('x-a', '3'));
    $app->get('/generator', function () { yield 'a'; echo 'b'; yield 'c'; });
    $app->get('/throw', function (Request $r) { $r->header; throw new Exception('x'); });
    $app->get('/chunk-bad', function () { yield 'a'; yield []; });
    $app->get('/headers', function () { header('X-A: 1'); setcookie('a', 'b'); http_response_code(201); header('Content-Type: text/x'); ob_start(); echo 'x'; ob_start(); echo 'y'; });
    $app->get('/bad-json', fn() => ["\xff"]);
    $app->get('/bad-header', fn() => new Response('x', 200, ['X' => "\n"]));
    $app->post('/form', fn(Request $r) => [$r->post, $r->files, $r->body]);
    $app->stream('/stream', fn() => ['a', 'b']);
    $app->stream('/bad-stream', fn() => 'a b');
    $app->post('/say', function () use ($app) { $app->broadcast('a', ['x' => 1], 'e'); $app->broadcast('c'); });
    $app->subscribe('c', function (Message $m) { $m->data; });
    $app->subscribe('c', function (Message $m) { throw new Exception('x'); });
APP);
$form = "--X\r\nContent-Disposition: form-data; name=\"a[]\"\r\n\r\nv\r\n--X\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\nfile\r\n--X--\r\n";
$round = function () use ($server, $form): void {
    foreach (['/string/x', '/string/%C3%BC', '/array?a[]=1&b=2', '/response', '/generator', '/throw', '/chunk-bad', '/headers', '/bad-json', '/bad-header', '/bad-stream', '/none'] as $path) {
        $server->get($path, ['Cookie' => 'a=1; b=2']);
    }
    $server->stream('/stream')->close();
    $server->post('/form', ['a' => 1, 'b' => [2]]);
    $server->post('/form', $form, ['Content-Type' => 'multipart/form-data; boundary=X']);
    $server->post('/say');
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
