--TEST--
GlobalState within other serialization: what is kept is whole by itself, and leaves the outer one alone
--EXTENSIONS--
viaduct
--INI--
error_reporting=E_ALL & ~E_DEPRECATED
--FILE--
<?php
use Viaduct\GlobalState;
$shared = (object) ['name' => 'shared'];
// the old interface: PHP counts the objects in there on from the outer call
final class Old implements Serializable
{
    public mixed $read;
    public function serialize() { global $shared; GlobalState::set('inner', [$shared, $shared]); return 'x'; }
    public function unserialize($data) { $this->read = GlobalState::get('list'); }
}
GlobalState::set('list', ['a', ['b'], new ArrayObject([1])]);
echo serialize([$shared, new Old(), $shared, 'tail']), "\n";
$inner = GlobalState::get('inner');
var_dump($inner[0] === $inner[1], $inner[0]->name);
// R:2 is the element 0; what unserialize() reads in the middle must not be counted
[$first, $old, $again] = unserialize('a:3:{i:0;O:8:"stdClass":0:{}i:1;C:3:"Old":1:{x}i:2;r:2;}');
var_dump($first === $again, $old->read[1]);
var_dump(@unserialize('a:2:{i:0;C:3:"Old":1:{x}i:1;R:5;}')); // nothing of ours is there to be had

final class Inner
{
    public function __construct(public mixed $value) {}
    public function __serialize(): array { GlobalState::set('side', [$this->value, $this->value]); return [$this->value]; }
    public function __unserialize(array $data): void { $this->value = [$data[0], GlobalState::get('side')]; }
}
GlobalState::set('outer', [new Inner($shared), $shared]);
[$object, $alone] = GlobalState::get('outer');
var_dump($object->value[0] === $alone, $object->value[1][0] === $object->value[1][1], $object->value[1][0] === $alone);

$self = new stdClass();
$self->self = &$self;
GlobalState::set('self', $self);
$read = GlobalState::get('self');
var_dump($read->self === $read);
$cycle = [1];
$cycle['me'] = &$cycle;
GlobalState::set('cycle', $cycle);
var_dump(count(GlobalState::get('cycle')));
$remembered = GlobalState::remember('by reference', 0, function &() use (&$cycle) { return $cycle; });
$remembered[0] = 2;
var_dump($cycle[0]);
?>
--EXPECT--
a:4:{i:0;O:8:"stdClass":1:{s:4:"name";s:6:"shared";}i:1;C:3:"Old":1:{x}i:2;r:2;i:3;s:4:"tail";}
bool(true)
string(6) "shared"
bool(true)
array(1) {
  [0]=>
  string(1) "b"
}
bool(false)
bool(true)
bool(true)
bool(false)
bool(true)
int(2)
int(1)
