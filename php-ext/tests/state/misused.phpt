--TEST--
Shared state, misused: iterators past their end, objects that nobody constructed, names of Viaduct's own, numbers that are none
--EXTENSIONS--
viaduct
--FILE--
<?php
use Viaduct\{Counter, GlobalState, Rows, Store, Window};
function tried(string $what, callable $call): void
{
    try {
        $result = $call();
        echo $what, ': ', var_export($result, true), "\n";
    } catch (Throwable $e) {
        echo $what, ': ', $e::class, ': ', $e->getMessage(), "\n";
    }
}
tried('own name', fn() => Store::make('global state', 5, ['n' => [Store::INT]]));
tried('own name', fn() => Store::make('global state: leases', 5, ['n' => [Store::INT]]));
tried('no rows', fn() => Store::make('t', -4, ['n' => [Store::INT]]));
tried('ttl', fn() => Store::make('t', 4, ['n' => [Store::INT]], NAN));
tried('ttl', fn() => Store::make('t', 4, ['n' => [Store::INT]], -INF));
Store::make('t', 4, ['n' => [Store::INT], 's' => [Store::STRING, 8], 'f' => [Store::FLOAT]]);

echo "--- iterators\n";
foreach ([0, 1, 2] as $rows) {
    if ($rows > 0) {
        Store::set('t', "row $rows", ['n' => $rows]);
    }
    $iterator = Store::iterate('t')->getIterator();
    for ($seen = 0; $iterator->valid(); $seen++) {
        $iterator->next();
    }
    $iterator->next();
    $found = [$iterator->current(), $iterator->key(), 'end'];
    echo $seen, ': ', json_encode($found), ' of ', count($found), "\n";
    $iterator->rewind();
    echo json_encode([$iterator->valid(), $iterator->key()]), "\n";
}
$pairs = 0;
foreach ($rows = Store::iterate('t') as $outer) {
    foreach ($rows as $key => $inner) {
        $pairs++;
        $inner['n'] = 100; // a copy
    }
}
echo "$pairs pairs\n";
foreach (Store::iterate('t') as $key => $row) {
    Store::del('t', $key);
    Store::set('t', 'again', ['n' => 1]);
    Store::del('t', 'again');
}
echo Store::count('t'), " left\n";
tried('by reference', function () { foreach (Store::iterate('t') as &$row) { } });
(function () { yield from Store::iterate('t'); yield 1; })()->current(); // and left in the middle

echo "--- objects\n";
foreach ([Rows::class, Counter::class] as $class) {
    tried($class, fn() => (new ReflectionClass($class))->newInstanceWithoutConstructor());
}
foreach ([Rows::class, Counter::class, Store::class, GlobalState::class] as $class) {
    tried($class, fn() => unserialize('O:' . strlen($class) . ":\"$class\":0:{}"));
}
tried('window', fn() => (new ReflectionClass(Window::class))->newInstanceWithoutConstructor()->value);
tried('clone', fn() => clone new Counter());
tried('twice', fn() => (new Counter())->__construct());
tried('property', function () { $counter = new Counter(); $counter->x = 1; });
tried('rows', fn() => (clone Store::iterate('t'))->count());
tried('equal', fn() => [new Counter() == new Counter(), new Counter(0, 'a') == new Counter(0, 'b'), new Counter(0, 'a') == new Counter(0, 'a'),
    new Counter(0, 'a') == new stdClass(), new Counter() < new Counter(), in_array(new Counter(), [new Counter()])]);
tried('counter in state', fn() => GlobalState::set('c', new Counter()));

echo "--- values\n";
final class Loud { public function __toString(): string { throw new LogicException('asked for its text'); } }
tried('name', fn() => Store::get(new Loud(), 'k'));
tried('key', fn() => Store::set('t', new Loud(), ['n' => 1]));
tried('column', fn() => Store::get('t', 'k', new Loud()));
tried('value', fn() => Store::set('t', 'k', ['s' => new Loud()]));
tried('reference', function () { $n = 7; $values = ['n' => &$n]; Store::set('t', 'k', $values); $n = 8; return Store::get('t', 'k', 'n'); });
tried('NUL in a key', function () { Store::set('t', "a\0b", ['n' => 3]); return Store::exists('t', 'a') || Store::get('t', "a\0b", 'n') !== 3; });
tried('NUL in a column', fn() => Store::make("x", 1, ["n\0" => [Store::INT]]));
tried('NUL in a counter', fn() => (new Counter(5, "c\0b"))->get() + (new Counter(6, 'c'))->get());
tried('decr', fn() => Store::decr('t', 'new', 'n', PHP_INT_MIN));
tried('decrement', fn() => (new Counter())->decrement(PHP_INT_MIN));
tried('not written', fn() => Store::exists('t', 'new'));
tried('incr', fn() => Store::incr('t', 'k', 'f', NAN));
tried('increment', fn() => GlobalState::increment('x', -INF));
foreach ([-1, 1e300, NAN, -INF] as $seconds) {
    tried('window', fn() => Store::incrWindow('t', 'k', 'n', 1, $seconds));
    tried('wait', fn() => (new Counter())->wait(0, $seconds));
}
?>
--EXPECT--
own name: Viaduct\Exception\SchemaException: table "global state" is Viaduct's own; use another name
own name: Viaduct\Exception\SchemaException: table "global state: leases" is Viaduct's own; use another name
no rows: Viaduct\Exception\SchemaException: table "t": -4 rows; allowed are 1 to 2147483648
ttl: Viaduct\Exception\SchemaException: table "t": ttl is NAN seconds; allowed are 0.001 to 10000000, and 0 for never
ttl: Viaduct\Exception\SchemaException: table "t": ttl is -INF seconds; allowed are 0.001 to 10000000, and 0 for never
--- iterators
0: [null,null,"end"] of 3
[false,null]
1: [null,null,"end"] of 3
[true,"row 1"]
2: [null,null,"end"] of 3
[true,"row 1"]
4 pairs
0 left
by reference: Error: Rows of a table cannot be looped over by reference
--- objects
Viaduct\Rows: ReflectionException: Class Viaduct\Rows is an internal class marked as final that cannot be instantiated without invoking its constructor
Viaduct\Counter: ReflectionException: Class Viaduct\Counter is an internal class marked as final that cannot be instantiated without invoking its constructor
Viaduct\Rows: Exception: Unserialization of 'Viaduct\Rows' is not allowed
Viaduct\Counter: Exception: Unserialization of 'Viaduct\Counter' is not allowed
Viaduct\Store: Exception: Unserialization of 'Viaduct\Store' is not allowed
Viaduct\GlobalState: Exception: Unserialization of 'Viaduct\GlobalState' is not allowed
window: Error: Typed property Viaduct\Window::$value must not be accessed before initialization
clone: Error: Trying to clone an uncloneable object of class Viaduct\Counter
twice: Error: A Counter is constructed once
property: Error: Cannot create dynamic property Viaduct\Counter::$x
rows: Error: Trying to clone an uncloneable object of class Viaduct\Rows
equal: array (
  0 => false,
  1 => false,
  2 => true,
  3 => false,
  4 => false,
  5 => false,
)
counter in state: Exception: Serialization of 'Viaduct\Counter' is not allowed
--- values
name: LogicException: asked for its text
key: LogicException: asked for its text
column: LogicException: asked for its text
value: Viaduct\Exception\ValueTypeException: table "t": column "s" is STRING, and takes a string; Loud given
reference: 7
NUL in a key: false
NUL in a column: Viaduct\Exception\SchemaException: table "x": column "n" has a NUL byte in its name
NUL in a counter: 11
decr: Viaduct\Exception\IntegerRangeException: table "t": the difference is out of range for column "n", INT of 8 bytes, which holds -9223372036854775808 to 9223372036854775807
decrement: Viaduct\Exception\IntegerRangeException: counter: 0 - -9223372036854775808 is out of range; it holds 64 bits, signed
not written: false
incr: Viaduct\Exception\IntegerRangeException: table "t": the sum is out of range for column "f", FLOAT
increment: Viaduct\Exception\IntegerRangeException: the sum is out of range: an int has 64 bits, a float is finite
window: ValueError: Viaduct\Store::incrWindow(): Argument #5 ($seconds) must be between 0.001 and 10000000 seconds, -1 given
wait: ValueError: Viaduct\Counter::wait(): Argument #2 ($timeout) must be between 0 and 10000000 seconds, -1 given
window: ValueError: Viaduct\Store::incrWindow(): Argument #5 ($seconds) must be between 0.001 and 10000000 seconds, 1.0e+300 given
wait: ValueError: Viaduct\Counter::wait(): Argument #2 ($timeout) must be between 0 and 10000000 seconds, 1.0e+300 given
window: ValueError: Viaduct\Store::incrWindow(): Argument #5 ($seconds) must be between 0.001 and 10000000 seconds, NAN given
wait: ValueError: Viaduct\Counter::wait(): Argument #2 ($timeout) must be between 0 and 10000000 seconds, NAN given
window: ValueError: Viaduct\Store::incrWindow(): Argument #5 ($seconds) must be between 0.001 and 10000000 seconds, -INF given
wait: ValueError: Viaduct\Counter::wait(): Argument #2 ($timeout) must be between 0 and 10000000 seconds, -INF given
