--TEST--
Store and Counter: eight processes, a million increments each, on the same and on different keys: the sums are exact
--EXTENSIONS--
viaduct
posix
--FILE--
<?php
use Viaduct\{Counter, Store};
const PROCESSES = 8;
const TIMES = 1_000_000;
Store::make('sums', 16, ['n' => [Store::INT], 'other' => [Store::INT]]);
$counter = new Counter();
$pids = [];
for ($i = 0; $i < PROCESSES; $i++) {
    $pid = pcntl_fork();
    if ($pid === 0) {
        $own = "of process $i";
        for ($j = 0; $j < TIMES; $j++) {
            Store::incr('sums', 'all', 'n');
            Store::incr('sums', $own, 'n');
            $counter->increment();
        }
        posix_kill(getmypid(), SIGKILL);
    }
    $pids[] = $pid;
}
foreach ($pids as $pid) {
    pcntl_waitpid($pid, $status);
}
var_dump(Store::get('sums', 'all'), $counter->get(), array_sum(array_column(iterator_to_array(Store::iterate('sums')), 'n')));
?>
--EXPECT--
array(2) {
  ["n"]=>
  int(8000000)
  ["other"]=>
  int(0)
}
int(8000000)
int(16000000)
