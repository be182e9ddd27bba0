--TEST--
Viaduct\GlobalState::remember(): one process computes, the others wait; leases of the dead and the slow end
--EXTENSIONS--
viaduct
posix
--FILE--
<?php
use Viaduct\{Counter, GlobalState};
GlobalState::make();
$computed = new Counter();
$agreed = new Counter();
$started = new Counter();

function children(int $count, callable $what): array
{
    $pids = [];
    for ($i = 0; $i < $count; $i++) {
        $pid = pcntl_fork();
        if ($pid === 0) {
            $what($i);
            posix_kill(getmypid(), SIGKILL);
        }
        $pids[] = $pid;
    }
    return $pids;
}
function await(array $pids): void
{
    foreach ($pids as $pid) {
        pcntl_waitpid($pid, $status);
    }
}

// a stampede
await(children(8, function () use ($computed, $agreed) {
    $value = GlobalState::remember('page', 60, function () use ($computed) {
        usleep(100_000);
        return 'computed ' . $computed->increment();
    });
    $agreed->increment($value === 'computed 1' ? 1 : 0);
}));
var_dump($computed->get(), $agreed->get(), GlobalState::get('page'));

// whoever computes is killed: another takes over long before the lease ends
$computed->set(0);
$victim = children(1, fn() => GlobalState::remember('killed', 0, function () use ($started) {
    $started->increment();
    sleep(60);
}, 3600));
$started->wait(0, 20);
$others = children(3, fn() => $agreed->increment(GlobalState::remember('killed', 0, fn() => $computed->increment())));
posix_kill($victim[0], SIGKILL);
await([...$victim, ...$others]);
var_dump($computed->get(), GlobalState::get('killed'));

// it need not have been reaped
$started->set(0);
$zombie = children(1, fn() => GlobalState::remember('zombie', 0, function () use ($started) {
    $started->increment();
    posix_kill(getmypid(), SIGKILL);
}, 3600));
$started->wait(0, 20);
var_dump(GlobalState::remember('zombie', 0, fn() => 'taken over'));
await($zombie);

// whoever computes is slow: when the lease has ended another computes, and what was stored first stays
$started->set(0);
$go = new Counter();
$slow = children(1, function () use ($started, $go, $agreed) {
    $value = GlobalState::remember('slow', 0, function () use ($started, $go) {
        $started->increment();
        $go->wait(0, 20);
        return 'late';
    }, 0.05);
    $agreed->set($value === 'late' ? 1 : 0); // it has its own value, which is as good
});
$started->wait(0, 20);
var_dump(GlobalState::remember('slow', 0, fn() => 'in time'));
$go->increment();
await($slow);
var_dump($agreed->get(), GlobalState::get('slow'));

// what was set meanwhile stays
var_dump(GlobalState::remember('set', 0, function () {
    GlobalState::set('set', 'by another');
    return 'computed';
}), GlobalState::get('set'));

// an exception gives the right to compute back
try {
    GlobalState::remember('fails', 0, fn() => throw new DomainException('no'));
} catch (DomainException $e) {
    echo $e->getMessage(), "\n";
}
var_dump(GlobalState::has('fails'), GlobalState::remember('fails', 0, fn() => null), GlobalState::has('fails'));
var_dump(GlobalState::remember('fails', 0, fn() => 'null is a value')); 

// one inside of another, the same key, too
var_dump(GlobalState::remember('outer', 0, fn() => GlobalState::remember('inner', 0, fn() => GlobalState::remember('outer', 0, fn() => 5)) + 1));
var_dump(GlobalState::get('outer'), GlobalState::get('inner'));

// a value ends
var_dump(GlobalState::remember('short', 0.03, fn() => 1));
$deadline = microtime(true) + 10;
while (GlobalState::has('short') && microtime(true) < $deadline) {
    usleep(2000);
}
var_dump(GlobalState::remember('short', 60, fn() => 2), GlobalState::remember('short', 60, fn() => 3), GlobalState::increment('short'));
var_dump(GlobalState::remember('by reference', 0, function &() { static $x = [1]; return $x; }));
?>
--EXPECT--
int(1)
int(8)
string(10) "computed 1"
int(1)
int(1)
string(10) "taken over"
string(7) "in time"
int(1)
string(7) "in time"
string(8) "computed"
string(10) "by another"
no
bool(false)
NULL
bool(true)
NULL
int(6)
int(5)
int(5)
int(1)
int(2)
int(2)
int(3)
array(1) {
  [0]=>
  int(1)
}
