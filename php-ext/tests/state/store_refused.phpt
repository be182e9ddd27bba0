--TEST--
Viaduct\Store: what does not fit is an exception of its own that says what does, and nothing is written
--EXTENSIONS--
viaduct
--FILE--
<?php
use Viaduct\Store;
Store::make('t', 3, ['i1' => [Store::INT, 1], 'i2' => [Store::INT, 2], 'i4' => [Store::INT, 4], 'i8' => [Store::INT, 8],
    'f' => [Store::FLOAT], 's' => [Store::STRING, 4]]);
Store::set('t', 'k', ['i1' => 127, 'i2' => -32768, 'i4' => 2147483647, 'i8' => PHP_INT_MAX, 'f' => 1.5, 's' => 'four']);
$before = Store::get('t', 'k');
function refused(callable $what): void
{
    try {
        $what();
        echo "was allowed\n";
    } catch (Viaduct\Exception\StateException $e) {
        $parent = get_parent_class($e);
        echo substr(strrchr($e::class, '\\'), 1), " ($parent): {$e->getMessage()}\n";
    }
}
foreach (['i1' => 128, 'i2' => -32769, 'i4' => 2147483648] as $column => $value) {
    refused(fn() => Store::set('t', 'k', ['f' => 2.5, $column => $value]));
    refused(fn() => Store::compareAndSet('t', 'k', $column, $before[$column], $value));
}
refused(fn() => Store::incr('t', 'k', 'i1'));
refused(fn() => Store::decr('t', 'k', 'i2'));
refused(fn() => Store::incr('t', 'k', 'i8'));
refused(fn() => Store::incr('t', 'k', 'f', INF));
refused(fn() => Store::set('t', 'k', ['f' => 2.5, 's' => 'fives']));
refused(fn() => Store::compareAndSet('t', 'k', 's', 'four', 'fives'));
foreach (['i8' => ['5', 5.0, true, null, [], 'x'], 'f' => ['5', true, null], 's' => [5, null, new ArrayObject()]] as $column => $values) {
    foreach ($values as $value) {
        refused(fn() => Store::set('t', 'k', ['i1' => 1, $column => $value]));
    }
}
refused(fn() => Store::incr('t', 'k', 'i8', 1.5));
refused(fn() => Store::incr('t', 'k', 's'));
refused(fn() => Store::incrWindow('t', 'k', 'f', 1, 60));
refused(fn() => Store::compareAndSet('t', 'k', 'i8', '1', 1));
refused(fn() => Store::set('t', 'k', ['i1' => 1, 'nope' => 1]));
refused(fn() => Store::set('t', 'k', [7 => 1]));
refused(fn() => Store::get('t', 'k', 'nope'));
refused(fn() => Store::incr('t', 'k', 'nope'));
foreach (['', str_repeat('k', 256)] as $key) {
    refused(fn() => Store::set('t', $key, []));
    refused(fn() => Store::get('t', $key));
    refused(fn() => Store::del('t', $key));
}
refused(fn() => Store::get('nope', 'k'));
refused(fn() => Store::count(str_repeat('n', 1000)));
Store::set('t', 'l', []);
Store::set('t', 'm', []);
refused(fn() => Store::set('t', 'n', []));
refused(fn() => Store::incr('t', 'n', 'i1'));
Store::set('t', 'm', ['i1' => 1]); // one that is there
var_dump(Store::get('t', 'k') === $before, Store::count('t'), Store::exists('t', 'n'));
foreach ([0, -1, 1e8, NAN] as $seconds) {
    try {
        Store::incrWindow('t', 'k', 'i1', 1, $seconds);
    } catch (ValueError $e) {
        echo $e->getMessage(), "\n";
    }
}
?>
--EXPECT--
IntegerRangeException (OverflowException): table "t": the value is out of range for column "i1", INT of 1 bytes, which holds -128 to 127; declare it with more bytes
IntegerRangeException (OverflowException): table "t": the value is out of range for column "i1", INT of 1 bytes, which holds -128 to 127; declare it with more bytes
IntegerRangeException (OverflowException): table "t": the value is out of range for column "i2", INT of 2 bytes, which holds -32768 to 32767; declare it with more bytes
IntegerRangeException (OverflowException): table "t": the value is out of range for column "i2", INT of 2 bytes, which holds -32768 to 32767; declare it with more bytes
IntegerRangeException (OverflowException): table "t": the value is out of range for column "i4", INT of 4 bytes, which holds -2147483648 to 2147483647; declare it with more bytes
IntegerRangeException (OverflowException): table "t": the value is out of range for column "i4", INT of 4 bytes, which holds -2147483648 to 2147483647; declare it with more bytes
IntegerRangeException (OverflowException): table "t": the sum is out of range for column "i1", INT of 1 bytes, which holds -128 to 127; declare it with more bytes
IntegerRangeException (OverflowException): table "t": the difference is out of range for column "i2", INT of 2 bytes, which holds -32768 to 32767; declare it with more bytes
IntegerRangeException (OverflowException): table "t": the sum is out of range for column "i8", INT of 8 bytes, which holds -9223372036854775808 to 9223372036854775807
IntegerRangeException (OverflowException): table "t": the sum is out of range for column "f", FLOAT
ValueTooLongException (OverflowException): table "t": a string of 5 bytes for column "s", which holds 4; declare it longer or store less
ValueTooLongException (OverflowException): table "t": a string of 5 bytes for column "s", which holds 4; declare it longer or store less
ValueTypeException (InvalidArgumentException): table "t": column "i8" is INT, and takes an int; string given
ValueTypeException (InvalidArgumentException): table "t": column "i8" is INT, and takes an int; float given
ValueTypeException (InvalidArgumentException): table "t": column "i8" is INT, and takes an int; bool given
ValueTypeException (InvalidArgumentException): table "t": column "i8" is INT, and takes an int; null given
ValueTypeException (InvalidArgumentException): table "t": column "i8" is INT, and takes an int; array given
ValueTypeException (InvalidArgumentException): table "t": column "i8" is INT, and takes an int; string given
ValueTypeException (InvalidArgumentException): table "t": column "f" is FLOAT, and takes a float or an int; string given
ValueTypeException (InvalidArgumentException): table "t": column "f" is FLOAT, and takes a float or an int; bool given
ValueTypeException (InvalidArgumentException): table "t": column "f" is FLOAT, and takes a float or an int; null given
ValueTypeException (InvalidArgumentException): table "t": column "s" is STRING, and takes a string; int given
ValueTypeException (InvalidArgumentException): table "t": column "s" is STRING, and takes a string; null given
ValueTypeException (InvalidArgumentException): table "t": column "s" is STRING, and takes a string; ArrayObject given
ValueTypeException (InvalidArgumentException): table "t": column "i8" is INT, and takes an int; float given
ValueTypeException (InvalidArgumentException): table "t": column "s" is a STRING: only numbers can be added to
ValueTypeException (InvalidArgumentException): table "t": column "f" is no INT: a window counts in an INT
ValueTypeException (InvalidArgumentException): table "t": column "i8" is INT, and takes an int; string given
UnknownColumnException (OutOfBoundsException): table "t" has no column "nope"; it has i1, i2, i4, i8, f, s
UnknownColumnException (OutOfBoundsException): table "t" has no column "7"; it has i1, i2, i4, i8, f, s
UnknownColumnException (OutOfBoundsException): table "t" has no column "nope"; it has i1, i2, i4, i8, f, s
UnknownColumnException (OutOfBoundsException): table "t" has no column "nope"; it has i1, i2, i4, i8, f, s
KeyLengthException (LengthException): table "t": a key has 1 to 255 bytes, this one has 0
KeyLengthException (LengthException): table "t": a key has 1 to 255 bytes, this one has 0
KeyLengthException (LengthException): table "t": a key has 1 to 255 bytes, this one has 0
KeyLengthException (LengthException): table "t": a key has 1 to 255 bytes, this one has 256; use a hash of it as the key
KeyLengthException (LengthException): table "t": a key has 1 to 255 bytes, this one has 256; use a hash of it as the key
KeyLengthException (LengthException): table "t": a key has 1 to 255 bytes, this one has 256; use a hash of it as the key
UnknownTableException (OutOfBoundsException): no table "nope": make it with Store::make() before run() or pcntl_fork(). There are: t
UnknownTableException (OutOfBoundsException): no table "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn": make it with Store::make() before run() or pcntl_fork(). There are: t
CapacityException (OverflowException): table "t" is full: all of its 3 rows are in use; declare more rows, delete some, or give them a ttl
CapacityException (OverflowException): table "t" is full: all of its 3 rows are in use; declare more rows, delete some, or give them a ttl
bool(true)
int(3)
bool(false)
Viaduct\Store::incrWindow(): Argument #5 ($seconds) must be between 0.001 and 10000000 seconds, 0 given
Viaduct\Store::incrWindow(): Argument #5 ($seconds) must be between 0.001 and 10000000 seconds, -1 given
Viaduct\Store::incrWindow(): Argument #5 ($seconds) must be between 0.001 and 10000000 seconds, 1.0e+8 given
Viaduct\Store::incrWindow(): Argument #5 ($seconds) must be between 0.001 and 10000000 seconds, NAN given
