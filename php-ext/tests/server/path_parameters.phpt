--TEST--
Path parameters: by name, by position, converted, and the Request wherever it is wanted
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../server.inc';
$server = Server::start(<<<'APP'
    class Magic { public function __call($name, $a) { return [$name, $a[0]::class, ...array_slice($a, 1)]; } }
    class Own { public function __invoke(string $id) { return "invoked $id"; } static function make(Request $q, $id) { return "$q->path $id"; } }
    $app->get('/none/{a}', fn() => 'no parameter wanted');
    $app->get('/name/{a}/{b}', fn($b, $a) => "a=$a b=$b");
    $app->get('/request/{a}', fn(Request $r, string $a) => "$r->path a=$a");
    $app->get('/request-last/{a}', fn(string $a, ?Request $r) => "$r->path a=$a");
    $app->get('/untyped/{a}', fn($r, $a) => "$r->path a=$a");
    $app->get('/untyped-only', fn($request) => $request->server['remote_addr']);
    $app->get('/position/{a}/{b}', fn(Request $r, $x, $y) => "x=$x y=$y");
    $app->get('/both/{a}/{b}', fn(Request $r, $b, $x) => "b=$b x=$x");
    $app->get('/optional/{a}', fn(Request $r, $q = 'Q', $a = 'A', $z = 'Z') => "q=$q a=$a z=$z");
    $app->get('/variadic/{a}/{b}', fn(Request $r, ...$rest) => implode('+', $rest));
    $app->get('/all/{a}', fn(...$all) => [$all[0]::class, $all[1]]);
    $app->get('/int/{n}', fn(int $n) => ['n' => $n]);
    $app->get('/float/{n}', fn(float $n) => ['n' => $n + 0.5]);
    $app->get('/either/{n}', fn(int|string $n) => ['n' => $n]);
    $app->get('/magic/{a}', [new Magic(), 'thing']);
    $app->get('/magic-closure/{a}', (new Magic())->thing(...));
    $app->get('/own/{id}', new Own());
    $app->get('/static/{id}', 'Own::make');
    $app->get('/internal/{s}', 'strrev');
    $app->get('/file/{name}.json', fn($r, $name) => $name);
    $app->get('/nine/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}', fn(Request $r, $i, $h, $g, $f, $e, $d, $c, $b, $a) => "$a$b$c$d$e$f$g$h$i");
    try { $app->get('/refused/{a}', fn($r, $a, $zzz) => 1); } catch (InvalidArgumentException) { }
APP);
foreach (['/none/1', '/name/1/2', '/request/x%20y', '/request/a%2Fb', '/request-last/1', '/untyped/1', '/untyped-only',
          '/position/1/2', '/both/1/2', '/optional/1', '/variadic/1/2', '/all/1', '/int/42', '/int/-7', '/int/x', '/int/4.5',
          '/int/%2042', '/int/99999999999999999999', '/float/1', '/float/1.25', '/float/one', '/either/42', '/magic/1', '/magic-closure/1',
          '/own/5', '/static/6', '/internal/abc', '/file/data.json', '/nine/1/2/3/4/5/6/7/8/9', '/refused/1', '/none', '/none/', '/none/1/', '/none/%zz'] as $path) {
    $a = $server->get($path);
    echo "$path: $a->status $a->body\n";
}
echo 'exit ', $server->stop(), "\n";
?>
--EXPECT--
/none/1: 200 no parameter wanted
/name/1/2: 200 a=1 b=2
/request/x%20y: 200 /request/x%20y a=x y
/request/a%2Fb: 200 /request/a%2Fb a=a/b
/request-last/1: 200 /request-last/1 a=1
/untyped/1: 200 /untyped/1 a=1
/untyped-only: 200 127.0.0.1
/position/1/2: 200 x=1 y=2
/both/1/2: 200 b=2 x=1
/optional/1: 200 q=Q a=1 z=Z
/variadic/1/2: 200 1+2
/all/1: 200 ["Viaduct\\Request","1"]
/int/42: 200 {"n":42}
/int/-7: 200 {"n":-7}
/int/x: 404 Not Found
/int/4.5: 404 Not Found
/int/%2042: 404 Not Found
/int/99999999999999999999: 404 Not Found
/float/1: 200 {"n":1.5}
/float/1.25: 200 {"n":1.75}
/float/one: 404 Not Found
/either/42: 200 {"n":"42"}
/magic/1: 200 ["thing","Viaduct\\Request","1"]
/magic-closure/1: 200 ["thing","Viaduct\\Request","1"]
/own/5: 200 invoked 5
/static/6: 200 /static/6 6
/internal/abc: 200 cba
/file/data.json: 200 data
/nine/1/2/3/4/5/6/7/8/9: 200 123456789
/refused/1: 404 Not Found
/none: 404 Not Found
/none/: 404 Not Found
/none/1/: 404 Not Found
/none/%zz: 400 Bad Request
exit 0
