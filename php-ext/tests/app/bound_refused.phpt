--TEST--
App: what cannot be bound to a scope is refused where it is written
--EXTENSIONS--
viaduct
--FILE--
<?php
use Viaduct\{App, Config, Counter, GlobalState, Store};
Store::make('rooms', 10, ['n' => [Store::INT]]);
$app = new App(new Config());
$refused = function (Closure $call): void {
    try {
        $call();
        echo "allowed\n";
    } catch (Throwable $e) {
        echo $e::class, ': ', $e->getMessage(), "\n";
    }
};
foreach (['', 'a b', "a\0", str_repeat('x', 257), 'room:{key}', str_repeat('{key}', 100)] as $scope) {
    $refused(fn() => $app->bindStore('rooms', $scope));
}
$refused(fn() => $app->bindStore('room', 'a'));
$refused(fn() => $app->bindStore('rooms', 'a', ''));
$refused(fn() => $app->bindStore('rooms', 'a', '*'));
$refused(fn() => $app->bindStore('global state', 'a'));
$refused(fn() => $app->bindCounter(new Counter(), ''));
$refused(fn() => $app->bindGlobalState('', 'a'));
$refused(fn() => $app->bindGlobalState('*', ''));
GlobalState::make(2, 8); // not made yet by what was refused
$refused(fn() => $app->bindGlobalState('*', 'a:{key}'));
// nobody listens: there is no worker
Store::set('rooms', 'lobby', ['n' => 1]);
GlobalState::set('x', 1);
unset($app);
Store::set('rooms', 'lobby', ['n' => 2]);
Store::clear('rooms');
GlobalState::set('x', 2);
echo GlobalState::get('x'), "\n";
?>
--EXPECT--
ValueError: Viaduct\App::bindStore(): Argument #2 ($scope) is no scope: the scope is empty; allowed are 1 to 256 bytes
ValueError: Viaduct\App::bindStore(): Argument #2 ($scope) is no scope: the scope holds a space (U+0020) at byte 1; allowed is UTF-8 without spaces and control characters
ValueError: Viaduct\App::bindStore(): Argument #2 ($scope) is no scope: the scope holds the control character U+0000 at byte 1; allowed is UTF-8 without spaces and control characters
ValueError: Viaduct\App::bindStore(): Argument #2 ($scope) is no scope: it is longer than 256 bytes
allowed
allowed
Viaduct\Exception\UnknownTableException: no table "room": make it with Store::make() before run() or pcntl_fork(). There are: rooms
ValueError: Viaduct\App::bindStore(): Argument #3 ($key) must not be empty: no key is; * stands for all
allowed
Viaduct\Exception\UnknownTableException: table "global state" is Viaduct's own: use GlobalState
ValueError: Viaduct\App::bindCounter(): Argument #2 ($scope) is no scope: the scope is empty; allowed are 1 to 256 bytes
ValueError: Viaduct\App::bindGlobalState(): Argument #1 ($key) must not be empty: no key is; * stands for all
ValueError: Viaduct\App::bindGlobalState(): Argument #2 ($scope) is no scope: the scope is empty; allowed are 1 to 256 bytes
allowed
2
