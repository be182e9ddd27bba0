--TEST--
Store and Counter: processes forked by pcntl_fork() share what was made before; later it is refused
--EXTENSIONS--
viaduct
posix
--FILE--
<?php
use Viaduct\{Counter, Store};
Store::make('t', 100, ['n' => [Store::INT], 's' => [Store::STRING, 16]]);
$counter = new Counter();
$named = new Counter(0, 'named');
const PROCESSES = 8;
const TIMES = 5000;
$children = [];
for ($i = 0; $i < PROCESSES; $i++) {
    $pid = pcntl_fork();
    if ($pid === 0) {
        $mine = new Counter(0, "of child $i");
        for ($j = 0; $j < TIMES; $j++) {
            Store::incr('t', 'all', 'n');
            Store::incr('t', "child$i", 'n');
            $counter->increment();
            $named->increment();
            $mine->increment();
        }
        Store::set('t', "child$i", ['s' => "done $i"]);
        $refused = 0;
        foreach ([fn() => Store::make('late', 1, ['n' => [Store::INT]]), fn() => new Counter()] as $what) {
            try {
                $what();
            } catch (Viaduct\Exception\NotSharedException $e) {
                $i === 0 && Store::set('t', "text$refused", ['n' => strlen($e->getMessage())]);
                $refused++;
            }
        }
        Store::make('t', 100, ['n' => [Store::INT], 's' => [Store::STRING, 16]]); // the one that is there
        Store::incr('t', 'refused', 'n', $refused);
        posix_kill(getmypid(), SIGKILL); // nothing of it depends on an end in order
    }
    $children[] = $pid;
}
foreach ($children as $pid) {
    pcntl_waitpid($pid, $status);
}
var_dump(Store::get('t', 'all', 'n'), $counter->get(), $named->get(), Store::get('t', 'refused', 'n'));
for ($i = 0; $i < PROCESSES; $i++) {
    $row = Store::get('t', "child$i");
    if ($row !== ['n' => TIMES, 's' => "done $i"] || (new Counter(0, "of child $i"))->get() !== TIMES) {
        var_dump($i, $row);
    }
}

// one process waits for another
$go = new Counter();
$pid = pcntl_fork();
if ($pid === 0) {
    usleep(20_000);
    $go->increment();
    posix_kill(getmypid(), SIGKILL);
}
var_dump($go->wait(0, 20), $go->get());
pcntl_waitpid($pid, $status);

// signals of the script are served while it waits
pcntl_async_signals(true);
pcntl_signal(SIGALRM, fn() => $go->increment());
pcntl_alarm(1);
var_dump($go->wait(1, 20), $go->get());

$pid = pcntl_fork();
if ($pid === 0) {
    try {
        Store::make('late', 1, ['n' => [Store::INT]]);
    } catch (Viaduct\Exception\NotSharedException $e) {
        echo $e->getMessage(), "\n";
    }
    exit;
}
pcntl_waitpid($pid, $status);
?>
--EXPECT--
int(40000)
int(40000)
int(40000)
int(16)
bool(true)
int(1)
bool(true)
int(2)
Store::make() makes a table in a forked process: its parent and siblings would not see it; call it before pcntl_fork()
