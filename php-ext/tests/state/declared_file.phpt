--TEST--
viaduct.tables: tables, counters and the global state of a file, inherited by forks
--EXTENSIONS--
viaduct
posix
--INI--
viaduct.tables={PWD}/declared_file.ini
--FILE--
<?php
use Viaduct\{Counter, GlobalState, Store};

var_dump(Store::names());
Store::make('rate', 3, ['count' => [Store::INT, 2], 'ratio' => [Store::FLOAT], 'note' => [Store::STRING, 12]]);
try {
    Store::set('rate', 'x', ['note' => 'thirteen long']);
} catch (OverflowException $error) {
    echo $error->getMessage(), "\n";
}
if (pcntl_fork() === 0) {
    Store::set('rate', 'x', ['count' => 32767, 'ratio' => 1.5, 'note' => 'of the child']);
    (new Counter(0, 'visits'))->increment();
    (new Counter(0, 'more'))->increment();
    GlobalState::set('answer', [42]);
    posix_kill(getmypid(), SIGKILL);
}
pcntl_wait($status);
var_dump(Store::get('rate', 'x'), (new Counter(0, 'visits'))->get(), (new Counter(0, 'more'))->get());
var_dump(GlobalState::get('answer'), getenv('VIADUCT_DECLARED'));
$nameless = new Counter(7);
var_dump($nameless->increment());
Store::set('short', 'x', ['n' => 1]);
while (Store::exists('short', 'x')) {
    usleep(10_000);
}
echo "gone\n";
?>
--EXPECTF--
array(2) {
  [0]=>
  string(4) "rate"
  [1]=>
  string(5) "short"
}
table "rate": a string of 13 bytes for column "note", which holds 12; declare it longer or store less
array(3) {
  ["count"]=>
  int(32767)
  ["ratio"]=>
  float(1.5)
  ["note"]=>
  string(12) "of the child"
}
int(-4)
int(1)
array(1) {
  [0]=>
  int(42)
}
bool(false)
int(8)
gone
