--TEST--
Viaduct\GlobalState: what does not fit is refused, and what was there stays
--EXTENSIONS--
viaduct
--FILE--
<?php
use Viaduct\{App, Config, GlobalState, Store};
function refused(callable $what): void
{
    try {
        $what();
        echo "was allowed\n";
    } catch (Throwable $e) {
        echo $e::class, ': ', $e->getMessage(), "\n";
    }
}
refused(fn() => GlobalState::make(0));
refused(fn() => GlobalState::make(16777217));
refused(fn() => GlobalState::make(1, 0));
refused(fn() => GlobalState::make(1, 1048577));
GlobalState::make(3, 64);
GlobalState::make(3, 64);
refused(fn() => GlobalState::make(4, 64));
refused(fn() => (new App((new Config())->withGlobalStateTableSize(3, 65)))->run());
var_dump(Store::names()); // not one of them
refused(fn() => Store::get('global state', 'k'));
refused(fn() => Store::make('global state', 1, ['n' => [Store::INT]]));

GlobalState::set('k', 'before');
GlobalState::set('k', str_repeat('x', 64));
GlobalState::set('k', 'before');
refused(fn() => GlobalState::set('k', str_repeat('x', 65)));
refused(fn() => GlobalState::set('k', [str_repeat('x', 60)]));
try {
    GlobalState::set("line\nbreak" . str_repeat('!', 100), str_repeat('x', 65));
} catch (\OverflowException $e) {
    echo $e->getMessage(), "\n";
}
refused(fn() => GlobalState::set('k', fn() => 1));
refused(fn() => GlobalState::set('k', STDIN));
refused(fn() => GlobalState::set('k', new class { public function __serialize(): array { throw new DomainException('not me'); } }));
refused(fn() => GlobalState::compareAndSet('k', 'before', fn() => 1));
refused(fn() => GlobalState::compareAndSet('k', fn() => 1, 1));
refused(fn() => GlobalState::compareAndSet('k', 'before', str_repeat('x', 65)));
foreach (['', str_repeat('k', 256)] as $key) {
    refused(fn() => GlobalState::set($key, 1));
    refused(fn() => GlobalState::get($key));
    refused(fn() => GlobalState::increment($key));
    refused(fn() => GlobalState::remember($key, 1, fn() => 1));
}
refused(fn() => GlobalState::increment('k'));
var_dump(GlobalState::get('k'));
GlobalState::set('n', PHP_INT_MAX);
refused(fn() => GlobalState::increment('n'));
refused(fn() => GlobalState::increment('n', INF));
var_dump(GlobalState::get('n') === PHP_INT_MAX);

GlobalState::set('third', 1);
refused(fn() => GlobalState::set('fourth', 1));
refused(fn() => GlobalState::increment('fourth'));
refused(fn() => GlobalState::compareAndSet('fourth', null, 1));
refused(fn() => GlobalState::remember('fourth', 1, fn() => 1));
GlobalState::set('third', 2);
var_dump(GlobalState::count(), GlobalState::has('fourth'));
GlobalState::delete('third');
GlobalState::set('fourth', 1);

final class Picky
{
    public function __serialize(): array { return []; }
    public function __unserialize(array $data): void { throw new DomainException('not here'); }
}
GlobalState::set('fourth', [new Picky()]);
refused(fn() => GlobalState::get('fourth'));
refused(fn() => GlobalState::remember('fourth', 1, fn() => 1));
refused(fn() => GlobalState::remember('x', -1, fn() => 1));
refused(fn() => GlobalState::remember('x', 1, fn() => 1, 0));
refused(fn() => GlobalState::remember('x', NAN, fn() => 1));
?>
--EXPECT--
ValueError: Viaduct\GlobalState::make(): Argument #1 ($maxRows) must be between 1 and 16777216, 0 given
ValueError: Viaduct\GlobalState::make(): Argument #1 ($maxRows) must be between 1 and 16777216, 16777217 given
ValueError: Viaduct\GlobalState::make(): Argument #2 ($maxValueBytes) must be between 1 and 1048576, 0 given
ValueError: Viaduct\GlobalState::make(): Argument #2 ($maxValueBytes) must be between 1 and 1048576, 1048577 given
Viaduct\Exception\SchemaException: the global state is there already, for 3 keys with values of 64 bytes, and now for 4 of 64: call withGlobalStateTableSize() or GlobalState::make() before it is used
Viaduct\Exception\SchemaException: the global state is there already, for 3 keys with values of 64 bytes, and now for 3 of 65: call withGlobalStateTableSize() or GlobalState::make() before it is used
array(0) {
}
Viaduct\Exception\UnknownTableException: table "global state" is Viaduct's own: use GlobalState
Viaduct\Exception\SchemaException: table "global state" is Viaduct's own; use another name
Viaduct\Exception\ValueTooLongException: the value of "k" takes 65 bytes, and one of the global state has at most 64: store less, or raise maxValueBytes by Config::withGlobalStateTableSize()
Viaduct\Exception\ValueTooLongException: the value of "k" takes 78 bytes, and one of the global state has at most 64: store less, or raise maxValueBytes by Config::withGlobalStateTableSize()
the value of "line?break!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!..." takes 65 bytes, and one of the global state has at most 64: store less, or raise maxValueBytes by Config::withGlobalStateTableSize()
Exception: Serialization of 'Closure' is not allowed
Viaduct\Exception\ValueTypeException: the global state holds no resources: they are this process's own
Exception: Serialization of 'class@anonymous' is not allowed
Exception: Serialization of 'Closure' is not allowed
Exception: Serialization of 'Closure' is not allowed
Viaduct\Exception\ValueTooLongException: the value of "k" takes 65 bytes, and one of the global state has at most 64: store less, or raise maxValueBytes by Config::withGlobalStateTableSize()
Viaduct\Exception\KeyLengthException: table "global state": a key has 1 to 255 bytes, this one has 0
Viaduct\Exception\KeyLengthException: table "global state": a key has 1 to 255 bytes, this one has 0
Viaduct\Exception\KeyLengthException: table "global state": a key has 1 to 255 bytes, this one has 0
Viaduct\Exception\KeyLengthException: table "global state": a key has 1 to 255 bytes, this one has 0
Viaduct\Exception\KeyLengthException: table "global state": a key has 1 to 255 bytes, this one has 256; use a hash of it as the key
Viaduct\Exception\KeyLengthException: table "global state": a key has 1 to 255 bytes, this one has 256; use a hash of it as the key
Viaduct\Exception\KeyLengthException: table "global state": a key has 1 to 255 bytes, this one has 256; use a hash of it as the key
Viaduct\Exception\KeyLengthException: table "global state": a key has 1 to 255 bytes, this one has 256; use a hash of it as the key
Viaduct\Exception\ValueTypeException: the value is no int or float: only numbers can be added to
string(6) "before"
Viaduct\Exception\IntegerRangeException: the sum is out of range: an int has 64 bits, a float is finite
Viaduct\Exception\IntegerRangeException: the sum is out of range: an int has 64 bits, a float is finite
bool(true)
Viaduct\Exception\CapacityException: no room for "fourth": all of the 3 keys of the global state are in use; delete some, or raise maxRows by Config::withGlobalStateTableSize()
Viaduct\Exception\CapacityException: no room for "fourth": all of the 3 keys of the global state are in use; delete some, or raise maxRows by Config::withGlobalStateTableSize()
Viaduct\Exception\CapacityException: no room for "fourth": all of the 3 keys of the global state are in use; delete some, or raise maxRows by Config::withGlobalStateTableSize()
Viaduct\Exception\CapacityException: no room for "fourth": all of the 3 keys of the global state are in use; delete some, or raise maxRows by Config::withGlobalStateTableSize()
int(3)
bool(false)
DomainException: not here
DomainException: not here
ValueError: Viaduct\GlobalState::remember(): Argument #2 ($ttl) must be 0 or between 0.001 and 10000000 seconds, -1 given
ValueError: Viaduct\GlobalState::remember(): Argument #4 ($lease) must be between 0.001 and 10000000 seconds, 0 given
ValueError: Viaduct\GlobalState::remember(): Argument #2 ($ttl) must be 0 or between 0.001 and 10000000 seconds, NAN given
