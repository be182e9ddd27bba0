--TEST--
Request: method, path, query, headers, cookies, forms, body, the arrays OpenSwoole users expect
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../server.inc';
$server = Server::start(<<<'APP'
    $app->route('/echo', fn(Request $r) => ['method' => $r->method, 'path' => $r->path, 'query' => $r->query, 'get' => $r->get,
        'post' => $r->post, 'cookie' => $r->cookie, 'files' => $r->files, 'body' => $r->body]);
    $app->get('/server%20x', fn() => 'unreachable');
    $app->get('/server x', function (Request $r) {
        $s = $r->server;
        $checks = [is_int($s['request_time']), abs($s['request_time_float'] - microtime(true)) < 5, $s['server_port'] > 0, $s['remote_port'] > 0];
        unset($s['request_id'], $s['request_time'], $s['request_time_float'], $s['server_port'], $s['remote_port']);
        return [$s, $checks];
    });
    $app->get('/header', fn(Request $r) => [$r->header, $r->header('X-ONE'), $r->header('x-none'), $r->header('5')]);
    $app->get('/readonly', function (Request $r) {
        $errors = [];
        foreach ([fn() => $r->get = [], fn() => $r->get['a'] = 1, fn() => $r->nope = 1, fn() => $r->method = 'X',
                  fn() => clone $r, fn() => serialize($r), fn() => new Request()] as $change) {
            try { $change(); $errors[] = 'accepted'; } catch (Throwable $e) { $errors[] = str_replace('indirectly ', '', $e->getMessage()); }
        }
        return [$errors, $r->get, isset($r->get['a']), isset($r->get['b']), isset($r->post), $r->get['b'] ?? 'default', empty($r->cookie), @$r->nope];
    });
    $app->get('/dump', function (Request $r) { return implode(' ', array_keys((array) $r)) . ' ' . count(get_object_vars($r)) . ' ' . strlen(print_r($r, true) > 300); });
    $kept = null;
    $app->post('/keep', function (Request $r) use (&$kept) { $kept = $r; return 204; });
    $app->get('/kept', function () use (&$kept) { return [$kept->method, $kept->body, $kept->post, $kept->get, $kept->header('x-k'), $kept->rawContent(), $kept->getContent()]; });
    $app->get('/leak', fn() => [filter_input(INPUT_COOKIE, 'c'), $_COOKIE, $_GET, $_FILES]);
APP);
echo $server->get('/echo')->body, "\n";
echo $server->get('/echo?a=1&b[]=2&b[]=3&c[x][y]=4&d=%C3%BC+x&e', ['Cookie' => 'a=1; b[x]=2; c=%20; a=twice'])->body, "\n";
echo $server->post('/echo?q=1', ['f' => 'v', 'l' => ['x', 'y'], 'u' => "ü&=\n"])->body, "\n";
echo $server->post('/echo', '{"json":true}', ['Content-Type' => 'application/json'])->body, "\n";
echo $server->get('/server%20x?k=v')->body, "\n";
echo $server->get('/header', ['X-One' => 'eins', 'x-ONE' => 'zwei', '5' => 'five', 'X-Empty' => ''])->body, "\n";
echo str_replace('","', "\",\n  \"", $server->get('/readonly?a=1')->body), "\n";
echo $server->get('/dump')->body, "\n";
$server->post('/keep?z=1', ['k' => 'v'], ['X-K' => 'header']);
$server->post('/echo', ['another' => 'request']);
echo $server->get('/kept')->body, "\n";
$server->get('/echo', ['Cookie' => 'c=secret']);
echo $server->get('/leak')->body, "\n";
echo 'exit ', $server->stop(), "\n";
?>
--EXPECT--
{"method":"GET","path":"/echo","query":"","get":[],"post":[],"cookie":[],"files":[],"body":""}
{"method":"GET","path":"/echo","query":"a=1&b[]=2&b[]=3&c[x][y]=4&d=%C3%BC+x&e","get":{"a":"1","b":["2","3"],"c":{"x":{"y":"4"}},"d":"ü x","e":""},"post":[],"cookie":{"a":"1","b":{"x":"2"},"c":" "},"files":[],"body":""}
{"method":"POST","path":"/echo","query":"q=1","get":{"q":"1"},"post":{"f":"v","l":["x","y"],"u":"ü&=\n"},"cookie":[],"files":[],"body":"f=v&l%5B0%5D=x&l%5B1%5D=y&u=%C3%BC%26%3D%0A"}
{"method":"POST","path":"/echo","query":"","get":[],"post":[],"cookie":[],"files":[],"body":"{\"json\":true}"}
[{"request_method":"GET","request_uri":"/server%20x","path_info":"/server x","query_string":"k=v","server_protocol":"HTTP/1.1","server_addr":"127.0.0.1","remote_addr":"127.0.0.1","request_scheme":"http","http_host":"test"},[true,true,true,true]]
[{"host":"test","connection":"close","x-one":"eins, zwei","5":"five","x-empty":""},"eins, zwei",null,"five"]
[["Cannot modify readonly property Viaduct\\Request::$get",
  "Cannot modify readonly property Viaduct\\Request::$get",
  "Cannot create dynamic property Viaduct\\Request::$nope",
  "Cannot modify readonly property Viaduct\\Request::$method",
  "Trying to clone an uncloneable object of class Viaduct\\Request",
  "Serialization of 'Viaduct\\Request' is not allowed",
  "Call to private Viaduct\\Request::__construct() from global scope"],{"a":"1"},true,false,true,"default",true,null]
method path query body server header get post cookie files scheme requestId 12 1
["POST","k=v",{"k":"v"},{"z":"1"},"header","k=v","k=v"]
[null,[],[],[]]
exit 0
