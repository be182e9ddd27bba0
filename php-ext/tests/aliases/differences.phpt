--TEST--
viaduct.aliases: what docs/upgrading.md says behaves differently
--EXTENSIONS--
viaduct
--INI--
viaduct.aliases=php-via,zealphp,openswoole
--FILE--
<?php
use Mbolli\PhpVia\Broker\{NatsBroker, RedisBroker};
use OpenSwoole\Table;
use ZealPHP\{Counter, Store};
Store::make('t', 2, ['n' => [Table::TYPE_INT, 1], 's' => [Table::TYPE_STRING, 3]]);
var_dump(Store::get('t', 'nobody'));
foreach ([
    'a number that does not fit' => fn () => Store::set('t', 'a', ['n' => 300]),
    'a string that is too long' => fn () => Store::set('t', 'a', ['s' => 'abcd']),
    'no such column' => fn () => Store::set('t', 'a', ['z' => 1]),
    'another type' => fn () => Store::set('t', 'a', ['n' => '1']),
    'a long key' => fn () => Store::set('t', str_repeat('k', 256), ['n' => 1]),
    'one row too many' => fn () => [Store::set('t', 'a', ['n' => 1]), Store::set('t', 'b', ['n' => 1]), Store::set('t', 'c', ['n' => 1])],
    'one more than 64 bits' => fn () => (new Counter(PHP_INT_MAX))->increment(),
    'no port' => fn () => new RedisBroker(port: 0),
    'a subject with a space' => fn () => new NatsBroker(subject: 'a b'),
] as $what => $call) {
    try {
        $call();
        echo "$what: nothing\n";
    } catch (Throwable $e) {
        echo "$what: ", $e::class, "\n";
    }
}
foreach (Store::iterate('t') as $outer => $row) {
    foreach (Store::iterate('t') as $inner => $row) {
        $pairs[] = $outer . $inner;
    }
}
sort($pairs);
echo implode(' ', $pairs), "\n";
?>
--EXPECT--
NULL
a number that does not fit: Viaduct\Exception\IntegerRangeException
a string that is too long: Viaduct\Exception\ValueTooLongException
no such column: Viaduct\Exception\UnknownColumnException
another type: Viaduct\Exception\ValueTypeException
a long key: Viaduct\Exception\KeyLengthException
one row too many: Viaduct\Exception\CapacityException
one more than 64 bits: Viaduct\Exception\IntegerRangeException
no port: ValueError
a subject with a space: ValueError
aa ab ba bb
