--TEST--
Response: construction, helpers, changes
--EXTENSIONS--
viaduct
--FILE--
<?php
use Viaduct\Response;
function show(Response $r): void
{
    echo $r->status, ' ', json_encode($r->headers), ' ', is_string($r->body) ? $r->body : $r->body::class, "\n";
}
show(new Response());
show(new Response('b', 201, ['X-A' => '1', 'X-B' => ['2', 3]]));
show(new Response(new ArrayIterator(['a'])));
show(Response::html('<p>'));
show(Response::text('t', 404));
show(Response::json(['a/b' => 'ü', 'f' => 1.0]));
show(Response::json(null, 202));
show(Response::redirect('/x?y'));
show(Response::redirect('https://example.com/', 308));
$r = new Response('x', headers: ['Content-Type' => 'a/b']);
var_dump($r === $r->withHeader('content-type', 'c/d')->withAddedHeader('X-List', '1')->withAddedHeader('x-list', '2'));
show($r);
show($r->withHeader('CONTENT-TYPE', ['e/f', 'g/h'])->withoutHeader('X-LIST')->withoutHeader('none')->withStatus(500)->withBody('y'));
$copy = clone $r;
$copy->withStatus(201)->withHeader('Only', 'copy');
show($r);
show($copy);
try {
    $r->status = 5;
} catch (Error $e) {
    echo $e->getMessage(), "\n";
}
?>
--EXPECT--
200 [] 
201 {"X-A":["1"],"X-B":["2","3"]} b
200 [] ArrayIterator
200 {"Content-Type":["text\/html; charset=utf-8"]} <p>
404 {"Content-Type":["text\/plain; charset=utf-8"]} t
200 {"Content-Type":["application\/json"]} {"a/b":"ü","f":1}
202 {"Content-Type":["application\/json"]} null
302 {"Location":["\/x?y"]} 
308 {"Location":["https:\/\/example.com\/"]} 
bool(true)
200 {"content-type":["c\/d"],"X-List":["1","2"]} x
500 {"CONTENT-TYPE":["e\/f","g\/h"]} y
500 {"CONTENT-TYPE":["e\/f","g\/h"]} y
201 {"CONTENT-TYPE":["e\/f","g\/h"],"Only":["copy"]} y
Cannot modify readonly property Viaduct\Response::$status
