--TEST--
Viaduct\Store: rows with a ttl and windows end when their time is over
--EXTENSIONS--
viaduct
--FILE--
<?php
use Viaduct\Store;
function wait_until(callable $condition): void
{
    $deadline = microtime(true) + 60;
    while (!$condition() && microtime(true) < $deadline) {
        usleep(2000);
    }
}
Store::make('short', 2, ['n' => [Store::INT]], ttl: 0.05);
$start = hrtime(true);
Store::set('short', 'a', ['n' => 1]);
Store::set('short', 'b', ['n' => 1]);
wait_until(fn() => !Store::exists('short', 'a') && !Store::exists('short', 'b'));
var_dump((hrtime(true) - $start) / 1e6 >= 30, Store::get('short', 'a'), Store::count('short'));
Store::set('short', 'a', ['n' => 5]);
wait_until(fn() => !Store::exists('short', 'a'));
Store::set('short', 'c', []); // their places are free again
Store::set('short', 'd', []);
var_dump(Store::incr('short', 'c', 'n')); // begins with 0

Store::make('windows', 10, ['hits' => [Store::INT, 4], 'note' => [Store::STRING, 8]]);
$first = Store::incrWindow('windows', 'ip', 'hits', 1, 4.0);
$second = Store::incrWindow('windows', 'ip', 'hits', 2, 4.0);
Store::set('windows', 'stays', ['hits' => 1]);
var_dump($first->value, $second->value, $second->remaining <= $first->remaining, $first->remaining <= 4.0);
var_dump(abs($first->resetAt - microtime(true)) < 5, abs($first->resetAt - $second->resetAt) < 1);
wait_until(fn() => !Store::exists('windows', 'ip'));
var_dump(Store::incrWindow('windows', 'ip', 'hits', 1, 60));
var_dump(Store::exists('windows', 'stays'), Store::count('windows'));

// what is set beside it neither ends a window nor makes it last for ever
Store::set('windows', 'set before', ['note' => 'a']);
$begun = Store::incrWindow('windows', 'set before', 'hits', 1, 60);
Store::set('windows', 'set before', ['note' => 'b']);
$later = Store::incrWindow('windows', 'set before', 'hits', 1, 60);
var_dump($begun->remaining, $later->value, $later->remaining > 0 && $later->remaining <= 60, Store::get('windows', 'set before', 'note'));
?>
--EXPECTF--
bool(true)
NULL
int(0)
int(1)
int(1)
int(3)
bool(true)
bool(true)
bool(true)
bool(true)
object(Viaduct\Window)#%d (3) {
  ["value"]=>
  int(1)
  ["remaining"]=>
  float(60)
  ["resetAt"]=>
  float(%f)
}
bool(true)
int(2)
float(60)
int(2)
bool(true)
string(1) "b"
