--TEST--
Viaduct\Counter: atomic whole numbers, with and without a name
--EXTENSIONS--
viaduct
--FILE--
<?php
use Viaduct\Counter;
$visits = new Counter(0); // initial value
var_dump($visits->increment(), $visits->decrement(2), $visits->get(), $visits->set(1000), $visits->compareAndSet(1000, 0),
    $visits->compareAndSet(1000, 0), $visits->increment(-5));
$other = new Counter();
var_dump($other->get(), $visits, new Counter(7, 'jobs'));
$same = new Counter(100, 'jobs');
$same->increment();
var_dump((new Counter(name: 'jobs'))->get());

function refused(callable $what): void
{
    try {
        $what();
        echo "was allowed\n";
    } catch (Throwable $e) {
        echo $e::class, ': ', $e->getMessage(), "\n";
    }
}
$visits->set(PHP_INT_MAX);
refused(fn() => $visits->increment());
refused(fn() => $visits->decrement(-1));
$visits->set(PHP_INT_MIN);
refused(fn() => $visits->decrement());
var_dump($visits->get() === PHP_INT_MIN);
refused(fn() => new Counter(0, ''));
refused(fn() => new Counter(0, str_repeat('n', 48)));
refused(fn() => clone $visits);
refused(fn() => serialize($visits));
refused(fn() => $visits->__construct(5));
refused(fn() => (new ReflectionClass(Counter::class))->newInstanceWithoutConstructor()->get());
refused(fn() => $visits->wait(0, -1));
refused(fn() => $visits->wait(0, NAN));
var_dump($visits->wait(5), $visits->wait(PHP_INT_MIN, 0), $visits->wait(PHP_INT_MIN, 0.02));
?>
--EXPECT--
int(1)
int(-1)
int(-1)
NULL
bool(true)
bool(false)
int(-5)
int(0)
object(Viaduct\Counter)#1 (1) {
  ["value"]=>
  int(-5)
}
object(Viaduct\Counter)#3 (2) {
  ["name"]=>
  string(4) "jobs"
  ["value"]=>
  int(7)
}
int(8)
Viaduct\Exception\IntegerRangeException: counter: 9223372036854775807 + 1 is out of range; it holds 64 bits, signed
Viaduct\Exception\IntegerRangeException: counter: 9223372036854775807 - -1 is out of range; it holds 64 bits, signed
Viaduct\Exception\IntegerRangeException: counter: -9223372036854775808 - 1 is out of range; it holds 64 bits, signed
bool(true)
Viaduct\Exception\KeyLengthException: the name of a counter must have 1 to 47 bytes, this one has 0
Viaduct\Exception\KeyLengthException: the name of a counter must have 1 to 47 bytes, this one has 48
Error: Trying to clone an uncloneable object of class Viaduct\Counter
Exception: Serialization of 'Viaduct\Counter' is not allowed
Error: A Counter is constructed once
ReflectionException: Class Viaduct\Counter is an internal class marked as final that cannot be instantiated without invoking its constructor
ValueError: Viaduct\Counter::wait(): Argument #2 ($timeout) must be between 0 and 10000000 seconds, -1 given
ValueError: Viaduct\Counter::wait(): Argument #2 ($timeout) must be between 0 and 10000000 seconds, NAN given
bool(true)
bool(false)
bool(false)
