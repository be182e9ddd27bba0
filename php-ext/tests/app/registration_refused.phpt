--TEST--
App: what cannot be registered, and the errors that say so
--EXTENSIONS--
viaduct
--FILE--
<?php
use Viaduct\{App, Request};
$app = new App();
$app->get('/taken', fn() => 1);
class Magic { public function __call($name, $arguments) { } }
$calls = [
    fn() => $app->get('no-slash', fn() => 1), fn() => $app->get('/{open', fn() => 1), fn() => $app->get('/{a}/{a}', fn() => 1),
    fn() => $app->get('/taken', fn() => 1), fn() => $app->get("/nul\0", fn() => 1), fn() => $app->get('/x', 'nope'),
    fn() => $app->route('/x', fn() => 1, 'GET', 'B AD'), fn() => $app->route('/x', fn() => 1, 5),
    fn() => $app->get('/user/{id}', function (Request $r, string $id, $wanted) { }),
    fn() => $app->get('/user2/{id}', fn(string $a, string $b) => 1),
    fn() => $app->subscribe('a b', fn() => 1), fn() => $app->subscribeAll('', fn() => 1),
    fn() => $app->setInterval(fn() => 1, 0), fn() => $app->setWorkerInterval(fn() => 1, 86400001),
    fn() => $app->broadcast('room:x'),
    fn() => clone $app,
];
foreach ($calls as $call) {
    try {
        $call();
        echo "accepted\n";
    } catch (Throwable $e) {
        echo $e::class, ': ', $e->getMessage(), "\n";
    }
}
// and what can
var_dump($app === $app->get('/magic/{a}', [new Magic(), 'anything'])->post('/taken/{text}', 'strlen')
    ->route('/any', fn(...$all) => 1)->route('/two', fn() => 1, 'get', 'POST')
    ->put('/p', fn($r) => 1)->patch('/p', fn(mixed $r) => 1)->delete('/p', fn(object $r, $x = 1) => 1)
    ->stream('/s/{room}', fn(string $room, Request $r) => 'room:x')
    ->onStart(fn() => 1)->onShutdown(fn() => 1)->onClientConnect(fn() => 1)->onClientDisconnect(fn() => 1)
    ->onBrokerError(fn() => 1)->subscribe('room:*', fn() => 1)->setInterval(fn() => 1, 1));
?>
--EXPECTF--
ValueError: Viaduct\App::get(): Argument #1 ($path) is no route: %S
ValueError: Viaduct\App::get(): Argument #1 ($path) is no route: %S
ValueError: Viaduct\App::get(): Argument #1 ($path) is no route: %S
ValueError: Viaduct\App::get(): Argument #1 ($path) is taken: GET /taken has a handler already
ValueError: Viaduct\App::get(): Argument #1 ($path) must not contain NUL bytes
TypeError: Viaduct\App::get(): Argument #2 ($handler) must be a valid callback, function "nope" not found or invalid function name
ValueError: Viaduct\App::route(): Argument #1 ($path) is no route: %S
TypeError: Viaduct\App::route(): Argument #3 must be of type string, int given
InvalidArgumentException: GET /user/{id}: the handler requires parameter $wanted, which is neither the Request nor one of the path's {parameters}
InvalidArgumentException: GET /user2/{id}: the handler requires parameter $b, which is neither the Request nor one of the path's {parameters}
ValueError: Viaduct\App::subscribe(): Argument #1 ($pattern) is no scope: %S
ValueError: Viaduct\App::subscribeAll(): Argument #1 ($pattern) is no scope: %S
ValueError: Viaduct\App::setInterval(): Argument #2 ($milliseconds) must be between 1 and 86400000, 0 given
ValueError: Viaduct\App::setWorkerInterval(): Argument #2 ($milliseconds) must be between 1 and 86400000, 86400001 given
RuntimeException: Viaduct\App::broadcast() works in a worker only: in a handler, or in what onStart(), subscribe() or setInterval() calls
Error: Trying to clone an uncloneable object of class Viaduct\App
bool(true)
