--TEST--
Compression and CORS as Config says, of what PHP handlers return
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../server.inc';
$server = Server::start(<<<'APP'
    $config->withCompression(minBytes: 200, streams: true)->withCors(['https://app.example'], headers: ['X-Mine']);
    $text = str_repeat('<li>item</li>', 100);
    $app->get('/page', fn() => $text);
    $app->get('/json', fn() => ['text' => $text]);
    $app->get('/pieces', function () use ($text) { yield $text; echo $text; yield $text; });
    $app->get('/mine', fn() => new Response(gzencode($text), 200, ['Content-Encoding' => 'gzip', 'Content-Type' => 'text/html']));
    $app->get('/fixed', fn() => new Response($text, 200, ['Cache-Control' => 'no-transform', 'Content-Type' => 'text/html']));
    $app->get('/short', fn() => 'short');
    $app->get('/tagged', fn() => new Response($text, 200, ['ETag' => '"1"', 'Vary' => 'Cookie', 'Content-Type' => 'text/html']));
APP);
$text = str_repeat('<li>item</li>', 100);
foreach (['/page', '/json', '/pieces', '/mine', '/fixed', '/short', '/tagged'] as $path) {
    $a = $server->get($path, ['Accept-Encoding' => 'gzip', 'Origin' => 'https://app.example']);
    $body = $a->header('content-encoding') === 'gzip' ? gzdecode($a->body) : $a->body;
    echo $path, ' ', $a->header('content-encoding') ?? '-', ' ', strlen($a->body) < strlen($body) / 5 ? 'small' : 'plain', ' ',
        substr_count($body, 'item'), ' ', implode(' + ', $a->headers['vary']), ' ', $a->header('etag'), ' ',
        $a->header('access-control-allow-origin'), "\n";
}
$a = $server->request('OPTIONS', '/page', ['Origin' => 'https://app.example', 'Access-Control-Request-Method' => 'PUT']);
echo $a->status, ' ', $a->header('access-control-allow-methods'), ' ', $a->header('access-control-allow-headers'), ' ',
    $a->header('access-control-max-age'), "\n";
echo $server->request('OPTIONS', '/page', ['Origin' => 'https://other', 'Access-Control-Request-Method' => 'PUT'])->status, "\n";
echo 'exit ', $server->stop(), "\n";
?>
--EXPECT--
/page gzip small 100 Origin + Accept-Encoding  https://app.example
/json gzip small 100 Origin + Accept-Encoding  https://app.example
/pieces gzip small 300 Origin + Accept-Encoding  https://app.example
/mine gzip small 100 Origin  https://app.example
/fixed - plain 100 Origin  https://app.example
/short - plain 0 Origin  https://app.example
/tagged gzip small 100 Origin + Cookie, Accept-Encoding W/"1" https://app.example
204 GET, HEAD, POST, PUT, PATCH, DELETE X-Mine 600
403
exit 0
