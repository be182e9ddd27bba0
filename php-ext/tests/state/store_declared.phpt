--TEST--
Viaduct\Store: a declaration that is malformed or another one is refused; the same one changes nothing
--EXTENSIONS--
viaduct
--FILE--
<?php
use Viaduct\Store;
function refused(callable $what): void
{
    try {
        $what();
        echo "was allowed\n";
    } catch (Viaduct\Exception\SchemaException $e) {
        echo $e->getMessage(), "\n";
    }
}
$good = ['n' => [Store::INT, 8], 's' => [Store::STRING, 16]];
Store::make('t', 10, $good, ttl: 5);
Store::set('t', 'k', ['n' => 1]);
Store::make('t', 10, $good, ttl: 5);
var_dump(Store::get('t', 'k', 'n'), Store::names());
refused(fn() => Store::make('t', 11, $good, ttl: 5));
refused(fn() => Store::make('t', 10, $good));
refused(fn() => Store::make('t', 10, array_reverse($good), ttl: 5));
refused(fn() => Store::make('t', 10, ['n' => [Store::INT, 4]] + $good, ttl: 5));
refused(fn() => Store::make('t', 10, $good + ['m' => [Store::INT, 4]], ttl: 5));
foreach (['', str_repeat('n', 41), "a\0b"] as $name) {
    refused(fn() => Store::make($name, 1, $good));
    refused(fn() => Store::make('u', 1, [$name => [Store::INT]]));
}
foreach ([0, -1, PHP_INT_MAX] as $rows) {
    refused(fn() => Store::make('u', $rows, $good));
}
foreach ([[], [[Store::INT, 8]], ['n' => Store::INT], ['n' => []], ['n' => [0, 8]], ['n' => [4, 8]], ['n' => ['INT', 8]],
    ['n' => [Store::INT, 3]], ['n' => [Store::INT, '4']], ['n' => [Store::STRING]], ['n' => [Store::STRING, 0]],
    ['n' => [Store::STRING, 1048577]], ['n' => [Store::STRING, -1]]] as $columns) {
    refused(fn() => Store::make('u', 1, $columns));
}
$many = [];
for ($i = 0; $i < 65; $i++) {
    $many["c$i"] = [Store::INT];
}
refused(fn() => Store::make('u', 1, $many));
foreach ([-1, 0.0001, 1e8, NAN] as $ttl) {
    refused(fn() => Store::make('u', 1, $good, $ttl));
}
array_pop($many);
Store::make('wide', 1, $many);
Store::set('wide', 'k', array_map(fn() => 1, $many));
var_dump(array_sum(Store::get('wide', 'k')), Store::names());
var_dump(Store::iterate('wide')::class);
var_dump(Store::iterate('t'));
?>
--EXPECT--
int(1)
array(1) {
  [0]=>
  string(1) "t"
}
table "t" is there already, declared as (n INT 8, s STRING 16; 10 rows, ttl 5 s), and now as (n INT 8, s STRING 16; 11 rows, ttl 5 s): use another name, or the same declaration
table "t" is there already, declared as (n INT 8, s STRING 16; 10 rows, ttl 5 s), and now as (n INT 8, s STRING 16; 10 rows): use another name, or the same declaration
table "t" is there already, declared as (n INT 8, s STRING 16; 10 rows, ttl 5 s), and now as (s STRING 16, n INT 8; 10 rows, ttl 5 s): use another name, or the same declaration
table "t" is there already, declared as (n INT 8, s STRING 16; 10 rows, ttl 5 s), and now as (n INT 4, s STRING 16; 10 rows, ttl 5 s): use another name, or the same declaration
table "t" is there already, declared as (n INT 8, s STRING 16; 10 rows, ttl 5 s), and now as (n INT 8, s STRING 16, m INT 4; 10 rows, ttl 5 s): use another name, or the same declaration
the name of a table must have 1 to 40 bytes
table "u": the name of column 1 must have 1 to 40 bytes
the name of a table must have 1 to 40 bytes
table "u": the name of column 1 must have 1 to 40 bytes
the name of a table has a NUL byte
table "u": column "a" has a NUL byte in its name
table "u": 0 rows; allowed are 1 to 2147483648
table "u": -1 rows; allowed are 1 to 2147483648
table "u": 9223372036854775807 rows; allowed are 1 to 2147483648
table "u": 0 columns; allowed are 1 to 64
table "u": column 1 has a number for its name; declare columns as 'name' => [Store::INT, 8]
table "u": column "n" is declared by no array; write [Store::INT, 8], [Store::FLOAT] or [Store::STRING, 64]
table "u": column "n" has an unknown type; use Store::INT, Store::FLOAT or Store::STRING
table "u": column "n" has an unknown type; use Store::INT, Store::FLOAT or Store::STRING
table "u": column "n" has an unknown type; use Store::INT, Store::FLOAT or Store::STRING
table "u": column "n" has an unknown type; use Store::INT, Store::FLOAT or Store::STRING
table "u": column "n" has type INT and 3 bytes; allowed are INT of 1, 2, 4 or 8, FLOAT of 8, STRING of 1 to 1048576
table "u": column "n" needs a size in bytes, such as [Store::STRING, 64]
table "u": column "n" needs a size in bytes, such as [Store::STRING, 64]
table "u": column "n" has type STRING and 0 bytes; allowed are INT of 1, 2, 4 or 8, FLOAT of 8, STRING of 1 to 1048576
table "u": column "n" has type STRING and 1048577 bytes; allowed are INT of 1, 2, 4 or 8, FLOAT of 8, STRING of 1 to 1048576
table "u": column "n" needs a size in bytes, such as [Store::STRING, 64]
table "u": 65 columns; allowed are 1 to 64
table "u": ttl is -1 seconds; allowed are 0.001 to 10000000, and 0 for never
table "u": ttl is 0.0001 seconds; allowed are 0.001 to 10000000, and 0 for never
table "u": ttl is 1.0e+8 seconds; allowed are 0.001 to 10000000, and 0 for never
table "u": ttl is NAN seconds; allowed are 0.001 to 10000000, and 0 for never
int(64)
array(2) {
  [0]=>
  string(1) "t"
  [1]=>
  string(4) "wide"
}
string(12) "Viaduct\Rows"
object(Viaduct\Rows)#1 (5) {
  ["table"]=>
  string(1) "t"
  ["rows"]=>
  int(1)
  ["maxRows"]=>
  int(10)
  ["ttl"]=>
  float(5)
  ["columns"]=>
  array(2) {
    ["n"]=>
    string(5) "INT 8"
    ["s"]=>
    string(9) "STRING 16"
  }
}
