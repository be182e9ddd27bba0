--TEST--
Scope: names and the grammar
--EXTENSIONS--
viaduct
--FILE--
<?php
use Viaduct\Scope;
var_dump(Scope::TAB, Scope::GLOBAL, Scope::session('abc'), Scope::route('/chat/{room}'), Scope::room('lobby ü' === '' ? '' : 'lobby-ü'));
var_dump(Scope::matches('room:*', 'room:lobby'), Scope::matches('room:l*y', 'room:lobby'), Scope::matches('room:lobby', 'room:Lobby'),
    Scope::matches('*', ''), Scope::matches('room:lobby', 'room:*'));
Scope::check('room:*');
$calls = [
    fn() => Scope::session(''), fn() => Scope::session('a*'), fn() => Scope::session('a b'), fn() => Scope::room(str_repeat('x', 300)),
    fn() => Scope::route('chat'), fn() => Scope::check(''), fn() => Scope::check('a b'), fn() => Scope::check("a\xff"),
    fn() => Scope::check('session:'), fn() => Scope::check(str_repeat('x', 257)), fn() => Scope::check("a\u{2003}b"),
];
foreach ($calls as $call) {
    try {
        $call();
        echo "accepted\n";
    } catch (ValueError $e) {
        echo $e->getMessage(), "\n";
    }
}
try {
    new Scope();
} catch (Error $e) {
    echo $e->getMessage(), "\n";
}
?>
--EXPECTF--
string(3) "tab"
string(6) "global"
string(11) "session:abc"
string(18) "route:/chat/{room}"
string(13) "room:lobby-ü"
bool(true)
bool(true)
bool(false)
bool(true)
bool(false)
Viaduct\Scope::session(): Argument #1 ($id) must not be empty
Viaduct\Scope::session(): Argument #1 ($id) must not contain *, which stands for any text in a scope
Viaduct\Scope::session(): Argument #1 ($id) makes no scope: %S
Viaduct\Scope::room(): Argument #1 ($name) makes no scope: %S
Viaduct\Scope::route(): Argument #1 ($path) makes no scope: %S
Viaduct\Scope::check(): Argument #1 ($scope) is no scope: %S
Viaduct\Scope::check(): Argument #1 ($scope) is no scope: %S
Viaduct\Scope::check(): Argument #1 ($scope) is no scope: %S
Viaduct\Scope::check(): Argument #1 ($scope) is no scope: %S
Viaduct\Scope::check(): Argument #1 ($scope) is no scope: %S
Viaduct\Scope::check(): Argument #1 ($scope) is no scope: %S
Call to private Viaduct\Scope::__construct() from global scope
