--TEST--
Hooks: before() answers or goes on, after() sees a Response for everything, streams are authorised
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../server.inc';
$server = Server::start(<<<'APP'
    $log = [];
    $app->before(function (Request $r) { header('X-First: ' . $r->method); });
    $app->before(fn(Request $r) => $r->header('authorization') ? null : 401, '/admin');
    $app->before(fn() => 'second guard is not asked', '/admin/secret');
    $app->before(fn(Request $r) => $r->method === 'OPTIONS' ? new Response('', 204, ['Allow' => 'GET']) : null);
    $app->before(fn() => ['json' => true], '/v{x}/json');
    $app->before(fn() => ['json' => true], '/{x}/json/');
    $app->before(fn() => false, '/bad');
    $app->before(function () { throw new DomainException('before failed'); }, '/throws');
    $app->before(function () { echo 'left early'; exit; }, '/exits');
    $app->after(fn(Request $r, Response $a) => $a->withHeader('X-After', "$a->status " . (is_string($a->body) ? strlen($a->body) : get_class($a->body)) . ' ' . implode(',', array_keys($a->headers))));
    $app->after(function (Request $r, Response $a) { return Response::json(['was' => $a->body]); }, '/wrapped');
    $app->after(function () { throw new DomainException('after failed'); }, '/after-throws');
    $app->after(fn() => 'text', '/after-wrong');
    $app->after(fn(Request $r, Response $a) => $a->withStatus(403)->withBody('not this one'), '/events/closed');
    $app->after(fn(Request $r, Response $a) => $a->withoutHeader('Set-Cookie'), '/cookie/none');

    $app->get('/', function () { echo 'printed '; setcookie('c', '1'); return 'body'; });
    $app->get('/null', fn() => null);
    $app->get('/int', fn() => 418);
    $app->get('/array', fn() => [1]);
    $kept = Response::text('kept', 201);
    $app->get('/kept', fn() => $kept);
    $app->get('/generator', function () { echo 'p'; yield 'a'; yield 'b'; });
    $app->get('/exit', function () { echo 'by exit'; exit; });
    $app->get('/fails', function () { throw new DomainException('handler failed'); });
    foreach (['/admin', '/admin/users', '/admin/secret/x', '/administrator', '/v1/json', '/x/json/y', '/bad', '/throws', '/exits',
              '/wrapped', '/after-throws', '/after-wrong', '/files/{name}'] as $path) {
        $app->get($path, fn() => 'page');
    }
    $app->get('/cookie/{c}', function () { setcookie('c', '1'); return 'cookie'; });
    $app->stream('/events/{room}', fn(string $room) => "room:$room");
    $app->stream('/admin/events', fn() => 'admin');
    $app->stream('/refused', fn(Request $r) => $r->get['token'] === 'good' ? 'x' : 403);
    $app->stream('/redirected', fn() => Response::redirect('/login'));
    $app->stream('/ok', fn() => 200);
APP);
$show = function (string $path, array $headers = [], string $method = 'GET') use ($server) {
    $a = $server->request($method, $path, $headers);
    $own = array_intersect_key($a->headers, array_flip(['x-first', 'x-after', 'content-type', 'set-cookie', 'allow', 'location']));
    ksort($own);
    echo "$path: $a->status [", implode('; ', array_map(fn($n, $v) => "$n: " . implode('|', $v), array_keys($own), $own)), "] $a->body", $a->whole ? '' : ' CUT', "\n";
};
foreach (['/', '/null', '/int', '/array', '/kept', '/kept', '/generator', '/exit', '/fails', '/none', '/admin', '/admin/users', '/%61dmin/users',
          '/administrator', '/admin%2Fusers', '/admin/secret/x', '/admin/nothing', '/v1/json', '/x/json/y', '/bad', '/throws', '/exits',
          '/wrapped', '/after-throws', '/after-wrong', '/cookie/some', '/cookie/none', '/broken%zz',
          '/events/closed', '/admin/events', '/refused?token=bad', '/redirected', '/ok'] as $path) {
    $show($path);
}
$show('/admin', ['Authorization' => 'x']);
$show('/admin/secret/x', ['Authorization' => 'x']);
$show('/nowhere', [], 'OPTIONS');
$stream = $server->stream('/refused?token=good');
echo $stream->status, "\n";
$socket = $server->connect();
fwrite($socket, "GET /events/open HTTP/1.1\r\nHost: x\r\n\r\n");
$head = '';
while (trim($line = (string) fgets($socket)) !== '') {
    $head .= preg_match('/^(HTTP|X-|Content-Type)/i', $line) && !preg_match('/request-id/i', $line) ? $line : '';
}
echo $head;
echo 'exit ', $server->stop(), "\n";
preg_match_all('/handler_failed: (.*)/', $server->log(), $m);
echo implode("\n", array_map(fn($l) => preg_replace('/ in \/.*| \(request [0-9a-f]{32}\)/', '', $l), $m[1])), "\n";

$app = new Viaduct\App();
foreach ([fn() => $app->before('nothing'), fn() => $app->before(fn() => null, 'admin'), fn() => $app->after(fn() => null, '/admin/*'),
          fn() => $app->error(200, fn() => null), fn() => $app->error(404, fn() => 1)->error(404, fn() => 2)] as $wrong) {
    try {
        $wrong();
    } catch (Error $e) {
        echo $e::class, ': ', $e->getMessage(), "\n";
    }
}
?>
--EXPECT--
/: 200 [content-type: text/html; charset=utf-8; set-cookie: c=1; x-after: 200 12 X-First,Set-Cookie,Content-Type; x-first: GET] printed body
/null: 204 [x-after: 204 0 X-First; x-first: GET] 
/int: 418 [x-after: 418 0 X-First; x-first: GET] 
/array: 200 [content-type: application/json; x-after: 200 3 X-First,Content-Type; x-first: GET] [1]
/kept: 201 [content-type: text/plain; charset=utf-8; x-after: 201 4 Content-Type,X-First; x-first: GET] kept
/kept: 201 [content-type: text/plain; charset=utf-8; x-after: 201 4 Content-Type,X-First; x-first: GET] kept
/generator: 200 [content-type: text/html; charset=utf-8; x-after: 200 Generator X-First,Content-Type; x-first: GET] pab
/exit: 200 [content-type: text/html; charset=utf-8; x-after: 200 7 X-First,Content-Type; x-first: GET] by exit
/fails: 500 [content-type: text/plain; charset=utf-8; x-after: 500 21 Content-Type] Internal Server Error
/none: 404 [content-type: text/plain; charset=utf-8; x-after: 404 9 Content-Type] Not Found
/admin: 401 [content-type: text/plain; charset=utf-8; x-after: 401 12 X-First,Content-Type; x-first: GET] Unauthorized
/admin/users: 401 [content-type: text/plain; charset=utf-8; x-after: 401 12 X-First,Content-Type; x-first: GET] Unauthorized
/%61dmin/users: 401 [content-type: text/plain; charset=utf-8; x-after: 401 12 X-First,Content-Type; x-first: GET] Unauthorized
/administrator: 200 [content-type: text/html; charset=utf-8; x-after: 200 4 X-First,Content-Type; x-first: GET] page
/admin%2Fusers: 404 [content-type: text/plain; charset=utf-8; x-after: 404 9 Content-Type] Not Found
/admin/secret/x: 401 [content-type: text/plain; charset=utf-8; x-after: 401 12 X-First,Content-Type; x-first: GET] Unauthorized
/admin/nothing: 401 [content-type: text/plain; charset=utf-8; x-after: 401 12 X-First,Content-Type; x-first: GET] Unauthorized
/v1/json: 200 [content-type: application/json; x-after: 200 13 X-First,Content-Type; x-first: GET] {"json":true}
/x/json/y: 200 [content-type: application/json; x-after: 200 13 X-First,Content-Type; x-first: GET] {"json":true}
/bad: 500 [content-type: text/plain; charset=utf-8; x-after: 500 21 Content-Type] Internal Server Error
/throws: 500 [content-type: text/plain; charset=utf-8; x-after: 500 21 Content-Type] Internal Server Error
/exits: 200 [content-type: text/html; charset=utf-8; x-after: 200 10 X-First,Content-Type; x-first: GET] left early
/wrapped: 200 [content-type: application/json] {"was":"page"}
/after-throws: 500 [content-type: text/plain; charset=utf-8] Internal Server Error
/after-wrong: 500 [content-type: text/plain; charset=utf-8] Internal Server Error
/cookie/some: 200 [content-type: text/html; charset=utf-8; set-cookie: c=1; x-after: 200 6 X-First,Set-Cookie,Content-Type; x-first: GET] cookie
/cookie/none: 200 [content-type: text/html; charset=utf-8; x-after: 200 6 X-First,Set-Cookie,Content-Type; x-first: GET] cookie
/broken%zz: 400 [content-type: text/plain; charset=utf-8; x-after: 400 11 Content-Type] Bad Request
/events/closed: 403 [content-type: text/html; charset=utf-8; x-after: 200 0 X-First; x-first: GET] not this one
/admin/events: 401 [content-type: text/plain; charset=utf-8; x-after: 401 12 X-First,Content-Type; x-first: GET] Unauthorized
/refused?token=bad: 403 [content-type: text/plain; charset=utf-8; x-after: 403 9 X-First,Content-Type; x-first: GET] Forbidden
/redirected: 302 [location: /login; x-after: 302 0 Location,X-First; x-first: GET] 
/ok: 500 [content-type: text/plain; charset=utf-8; x-after: 500 21 Content-Type] Internal Server Error
/admin: 200 [content-type: text/html; charset=utf-8; x-after: 200 4 X-First,Content-Type; x-first: GET] page
/admin/secret/x: 200 [content-type: text/html; charset=utf-8; x-after: 200 25 X-First,Content-Type; x-first: GET] second guard is not asked
/nowhere: 204 [allow: GET; x-after: 204 0 Allow,X-First; x-first: OPTIONS] 
200
HTTP/1.1 200 OK
Content-Type: text/event-stream
X-Accel-Buffering: no
X-First: GET
X-After: 200 0 X-First
exit 0
GET /fails: DomainException: handler failed
GET /bad: the handler returned bool; allowed are string, array, JsonSerializable, int, null, Viaduct\Response and Traversable
GET /throws: DomainException: before failed
GET /after-throws: DomainException: after failed
GET /after-wrong: an after() hook must return a Viaduct\Response or null, it returned string
GET /ok: a stream handler refuses by 204 or a status from 300; to open the stream it returns the scopes to follow
TypeError: Viaduct\App::before(): Argument #1 ($handler) must be a valid callback, function "nothing" not found or invalid function name
ValueError: Viaduct\App::before(): Argument #2 ($path) must be a path such as /admin, which stands for all that is below it, too: from a slash, decoded, without * and ?
ValueError: Viaduct\App::after(): Argument #2 ($path) must be a path such as /admin, which stands for all that is below it, too: from a slash, decoded, without * and ?
ValueError: Viaduct\App::error(): Argument #1 ($status) must be between 400 and 599, or 0 for any, 200 given
ValueError: Viaduct\App::error(): Argument #1 ($status) is taken: 404 has a handler already
