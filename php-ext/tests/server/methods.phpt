--TEST--
Routes: methods, any method, 405 with Allow, HEAD
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../server.inc';
$server = Server::start(<<<'APP'
    foreach (['get', 'post', 'put', 'patch', 'delete'] as $method) {
        $app->$method('/m', fn(Request $r) => "$method saw $r->method $r->body");
    }
    $app->route('/any', fn(Request $r) => $r->method);
    $app->route('/two', fn(Request $r) => $r->method, 'get', 'POST');
APP);
foreach (['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as $method) {
    $a = $server->request($method, '/m', ['Content-Length' => '0']);
    echo "$method /m: $a->status $a->body ", $a->header('allow'), "\n";
}
echo $server->request('PURGE', '/any')->body, ' ', $server->request('get', '/any')->body, "\n";
echo $server->get('/two')->body, ' ', $server->post('/two')->body, ' ', $server->request('PUT', '/two', ['Content-Length' => '0'])->header('allow'), "\n";
echo $server->request('POST', '/m', [], 'the body')->body, "\n";
$head = $server->request('HEAD', '/m');
echo $head->status, ' ', $head->header('content-length'), ' ', strlen($head->body), "\n";
echo 'exit ', $server->stop(), "\n";
?>
--EXPECT--
GET /m: 200 get saw GET  
POST /m: 200 post saw POST  
PUT /m: 200 put saw PUT  
PATCH /m: 200 patch saw PATCH  
DELETE /m: 200 delete saw DELETE  
OPTIONS /m: 405 Method Not Allowed GET, HEAD, POST, PUT, PATCH, DELETE
PURGE get
GET POST GET, HEAD, POST
post saw POST the body
200 13 0
exit 0
