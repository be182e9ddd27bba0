--TEST--
Viaduct\Store: rows are set, read, changed, looped over and deleted
--EXTENSIONS--
viaduct
--FILE--
<?php
use Viaduct\Store;
Store::make('users', 100, ['age' => [Store::INT, 2], 'score' => [Store::FLOAT], 'name' => [Store::STRING, 8]]);
Store::make('other', 1, ['n' => [Store::INT]]);
var_dump(Store::names(), Store::get('users', 'a'), Store::get('users', 'a', 'age'), Store::exists('users', 'a'));

Store::set('users', 'a', ['age' => 30, 'score' => 2, 'name' => '12345678']);
var_dump(Store::get('users', 'a'), Store::get('users', 'a', 'name'), Store::exists('users', 'a'));
Store::set('users', 'a', ['name' => "\0x"]); // the others stay
echo json_encode(Store::get('users', 'a')), "\n";
Store::set('users', 'b', []); // zeros and empty strings
echo json_encode(Store::get('users', 'b')), "\n";

var_dump(Store::incr('users', 'a', 'age'), Store::incr('users', 'a', 'age', 5), Store::decr('users', 'a', 'age', 36));
var_dump(Store::incr('users', 'new', 'age', 7), Store::incr('users', 'a', 'score', 0.5), Store::decr('users', 'a', 'score', 1));
var_dump(Store::compareAndSet('users', 'a', 'age', 0, 9), Store::compareAndSet('users', 'a', 'age', 0, 9));
var_dump(Store::compareAndSet('users', 'a', 'name', "\0x", 'y'), Store::compareAndSet('users', 'nobody', 'age', 0, 1));

foreach (Store::iterate('users') as $key => $row) {
    foreach (Store::iterate('users') as $again => $_) { // a cursor of its own
        echo "$key.$again ";
    }
}
echo "\n";
$rows = Store::iterate('users');
foreach ($rows as $key => $row) {
    Store::del('users', $key);
}
var_dump(count($rows), iterator_to_array($rows), Store::del('users', 'a'));

foreach (['1', 'dotted.key', "\0", str_repeat('k', 255)] as $key) {
    Store::set('users', $key, ['name' => 'x']);
    var_dump(Store::get('users', $key, 'name'));
}
foreach (Store::iterate('users') as $key => $row) {
    var_dump($key);
    break;
}
Store::clear('users');
var_dump(Store::count('users'));

// names need not be interned
$table = strrev('sresu');
Store::set($table, strrev('yek'), [strrev('ega') => 5]);
$value = 6;
$reference = &$value;
Store::set($table, 'key', ['age' => &$value]);
var_dump(Store::get('users', 'key', strrev('ega')));
?>
--EXPECTF--
array(2) {
  [0]=>
  string(5) "users"
  [1]=>
  string(5) "other"
}
NULL
NULL
bool(false)
array(3) {
  ["age"]=>
  int(30)
  ["score"]=>
  float(2)
  ["name"]=>
  string(8) "12345678"
}
string(8) "12345678"
bool(true)
{"age":30,"score":2,"name":"\u0000x"}
{"age":0,"score":0,"name":""}
int(31)
int(36)
int(0)
int(7)
float(2.5)
float(1.5)
bool(true)
bool(false)
bool(true)
bool(false)
a.a a.b a.new b.a b.b b.new new.a new.b new.new 
int(0)
array(0) {
}
bool(false)
string(1) "x"
string(1) "x"
string(1) "x"
string(1) "x"
string(%d) "%a"
int(0)
int(6)
