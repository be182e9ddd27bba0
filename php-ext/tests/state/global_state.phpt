--TEST--
Viaduct\GlobalState: values of any type by key
--EXTENSIONS--
viaduct
--FILE--
<?php
use Viaduct\GlobalState;
enum Suit: string { case Hearts = 'h'; }
final class Point
{
    public static int $made = 0;
    public function __construct(public int $x, protected array $more = []) {}
    public function __serialize(): array { return [$this->x]; }
    public function __unserialize(array $data): void
    {
        self::$made++;
        $this->x = $data[0];
        GlobalState::get('long'); // reads into the same room
    }
}
$values = ['null' => null, 'true' => true, 'false' => false, 'int' => PHP_INT_MIN, 'float' => -0.0, 'infinite' => INF, 'empty' => '',
    'string' => "\0binary\xff", 'long' => str_repeat('x', 4096), 'list' => [1, [2, '3']], 'map' => ['a' => null, 5 => 1.5],
    'enum' => Suit::Hearts, 'date' => new DateTimeImmutable('2026-01-02')];
foreach ($values as $key => $value) {
    GlobalState::set($key, $value);
    if (GlobalState::get($key, 'missing') != $value || gettype(GlobalState::get($key)) !== gettype($value)) {
        echo "$key is another now\n";
    }
    if (!GlobalState::has($key)) {
        echo "$key is not there\n";
    }
}
var_dump(GlobalState::count(), GlobalState::keys() === array_keys($values), GlobalState::get('enum') === Suit::Hearts);
GlobalState::set('point', new Point(5));
var_dump(GlobalState::get('point'), GlobalState::get('point') === GlobalState::get('point'), Point::$made);
var_dump(GlobalState::get('nothing'), GlobalState::get('nothing', 'default'), GlobalState::get('null', 'default'));
var_dump(GlobalState::delete('point'), GlobalState::delete('point'), GlobalState::has('point'));

var_dump(GlobalState::increment('hits'), GlobalState::increment('hits', 41), GlobalState::increment('hits', -2),
    GlobalState::increment('hits', 0.5), GlobalState::increment('hits'));
var_dump(GlobalState::compareAndSet('hits', 41, 0), GlobalState::compareAndSet('hits', 41.5, [1, 2]),
    GlobalState::compareAndSet('hits', [2, 1], 0), GlobalState::compareAndSet('hits', [1, 2], 'x'), GlobalState::get('hits'));
var_dump(GlobalState::compareAndSet('fresh', null, 1), GlobalState::compareAndSet('fresh', null, 2), GlobalState::get('fresh'));

$reference = &$values['int'];
GlobalState::set('reference', $values['int']);
$array = ['a' => &$reference];
GlobalState::set('array', $array);
var_dump(GlobalState::get('reference') === PHP_INT_MIN, GlobalState::get('array'));
GlobalState::clear();
var_dump(GlobalState::count(), GlobalState::keys());
?>
--EXPECT--
int(13)
bool(true)
bool(true)
object(Point)#3 (1) {
  ["x"]=>
  int(5)
  ["more":protected]=>
  uninitialized(array)
}
bool(false)
int(3)
NULL
string(7) "default"
NULL
bool(true)
bool(false)
bool(false)
int(1)
int(42)
int(40)
float(40.5)
float(41.5)
bool(false)
bool(true)
bool(false)
bool(true)
string(1) "x"
bool(true)
bool(false)
int(1)
bool(true)
array(1) {
  ["a"]=>
  int(-9223372036854775808)
}
int(0)
array(0) {
}
