<?php
// SPDX-License-Identifier: Apache-2.0
// What shared state costs in PHP: Viaduct beside APCu, operation by operation, in turns. Run it by bench/state.
//
// Nanoseconds an operation, without the loop around it (which is measured, too, and told). 1,000 keys,
// values of 3 columns: two integers and a string of 12 bytes. Five ways to choose the keys:
//
//     one        one process, all keys alike
//     skewed     one process, half of the operations on 1 % of the keys (Zipf, s = 1)
//     2 same     two processes, both all keys alike, pinned to a processor each
//     2 skewed   two processes, the same skewed keys
//     2 other    two processes, each with keys of its own
//
// Rounds in turns. Of one process the best slice counts: on a shared machine the others measure the
// neighbours. Of two the median of the rounds: the best ones are those in which the other stood still. APCu has no
// fields: "one field" is an entry that holds nothing else, "3 columns" an entry with an array.
// "Insert and delete" are two operations.
// OpenSwoole\Table is in no Debian package and therefore not here.

use Viaduct\Counter;
use Viaduct\GlobalState;
use Viaduct\Store;

const KEYS = 1000;
const CHOICES = 4096; // prepared choices of a key, gone through again and again

$json = in_array('--json', $argv, true);
[$rounds, $operations_a_round] = array_map('intval', array_values(array_filter($argv, 'is_numeric'))) + [5, 200_000];
define('OPERATIONS', max($operations_a_round, 10));
define('SLICE', intdiv(OPERATIONS, 10)); // of which the best one counts

Store::make('bench', 4 * KEYS, ['count' => [Store::INT, 8], 'total' => [Store::INT, 8], 'note' => [Store::STRING, 32]]);
GlobalState::make(4 * KEYS, 200);
$counters = [new Counter(), new Counter()];
[$ready, $stop] = [new Counter(), new Counter()];

// ---- what is measured: [name, what is ours, what is APCu's]; $keys has CHOICES entries --------------------

$loop = function (array $keys, int $n): void {
    for ($i = 0; $i < $n; $i++) {
        $key = $keys[$i & 4095];
    }
};

$operations = [
    ['Counter add', function (array $keys, int $n) use ($counters): void {
        $counter = $counters[$keys[0][0] === 'b' ? 1 : 0];
        for ($i = 0; $i < $n; $i++) {
            $key = $keys[$i & 4095];
            $counter->increment();
        }
    }, function (array $keys, int $n): void {
        $name = 'counter ' . $keys[0][0];
        for ($i = 0; $i < $n; $i++) {
            $key = $keys[$i & 4095];
            apcu_inc($name);
        }
    }],
    ['Store get one field', function (array $keys, int $n): void {
        for ($i = 0; $i < $n; $i++) {
            Store::get('bench', $keys[$i & 4095], 'count');
        }
    }, function (array $keys, int $n): void {
        for ($i = 0; $i < $n; $i++) {
            apcu_fetch($keys[$i & 4095]);
        }
    }],
    ['Store get a row', function (array $keys, int $n): void {
        for ($i = 0; $i < $n; $i++) {
            Store::get('bench', $keys[$i & 4095]);
        }
    }, function (array $keys, int $n): void {
        for ($i = 0; $i < $n; $i++) {
            apcu_fetch('r' . $keys[$i & 4095]);
        }
    }],
    ['Store incr', function (array $keys, int $n): void {
        for ($i = 0; $i < $n; $i++) {
            Store::incr('bench', $keys[$i & 4095], 'count');
        }
    }, function (array $keys, int $n): void {
        for ($i = 0; $i < $n; $i++) {
            apcu_inc($keys[$i & 4095]);
        }
    }],
    ['Store set 3 columns', function (array $keys, int $n): void {
        for ($i = 0; $i < $n; $i++) {
            Store::set('bench', $keys[$i & 4095], ['count' => $i, 'total' => 2, 'note' => 'a short note']);
        }
    }, function (array $keys, int $n): void {
        for ($i = 0; $i < $n; $i++) {
            apcu_store('r' . $keys[$i & 4095], ['count' => $i, 'total' => 2, 'note' => 'a short note']);
        }
    }],
    ['Store insert and delete', function (array $keys, int $n): void {
        for ($i = 0; $i < $n; $i++) {
            Store::set('bench', $keys[$i & 4095] . '-', ['count' => $i]);
            Store::del('bench', $keys[$i & 4095] . '-');
        }
    }, function (array $keys, int $n): void {
        for ($i = 0; $i < $n; $i++) {
            apcu_store($keys[$i & 4095] . '-', $i);
            apcu_delete($keys[$i & 4095] . '-');
        }
    }],
    ['GlobalState get', function (array $keys, int $n): void {
        for ($i = 0; $i < $n; $i++) {
            GlobalState::get($keys[$i & 4095]);
        }
    }, function (array $keys, int $n): void {
        for ($i = 0; $i < $n; $i++) {
            apcu_fetch($keys[$i & 4095]);
        }
    }],
    ['GlobalState increment', function (array $keys, int $n): void {
        for ($i = 0; $i < $n; $i++) {
            GlobalState::increment($keys[$i & 4095]);
        }
    }, function (array $keys, int $n): void {
        for ($i = 0; $i < $n; $i++) {
            apcu_inc($keys[$i & 4095]);
        }
    }],
    ['GlobalState set', function (array $keys, int $n): void {
        for ($i = 0; $i < $n; $i++) {
            GlobalState::set($keys[$i & 4095], $i);
        }
    }, function (array $keys, int $n): void {
        for ($i = 0; $i < $n; $i++) {
            apcu_store($keys[$i & 4095], $i);
        }
    }],
    ['GlobalState get an array', function (array $keys, int $n): void {
        for ($i = 0; $i < $n; $i++) {
            GlobalState::get('r' . $keys[$i & 4095]);
        }
    }, function (array $keys, int $n): void {
        for ($i = 0; $i < $n; $i++) {
            apcu_fetch('r' . $keys[$i & 4095]);
        }
    }],
];

// ---- measuring --------------------------------------------------------------------------------------------

/** CHOICES keys of KEYS, all alike or skewed. */
function choices(string $prefix, bool $skewed): array
{
    mt_srand(7);
    $weights = [];
    for ($sum = 0.0, $i = 1; $i <= KEYS; $i++) {
        $weights[] = $sum += $skewed ? 1 / $i : 1;
    }
    for ($keys = [], $i = 0; $i < CHOICES; $i++) {
        $drawn = mt_rand() / mt_getrandmax() * $sum;
        for ($low = 0, $high = KEYS - 1; $low < $high;) {
            $middle = ($low + $high) >> 1;
            $weights[$middle] < $drawn ? $low = $middle + 1 : $high = $middle;
        }
        $keys[] = "$prefix:client:$low";
    }
    return $keys;
}

function fill(string $prefix): void
{
    for ($i = 0; $i < KEYS; $i++) {
        Store::set('bench', "$prefix:client:$i", ['count' => 0, 'total' => 2, 'note' => 'a short note']);
        GlobalState::set("$prefix:client:$i", 0);
        GlobalState::set("r$prefix:client:$i", ['count' => 0, 'total' => 2, 'note' => 'a short note']);
        apcu_store("$prefix:client:$i", 0);
        apcu_store("r$prefix:client:$i", ['count' => 0, 'total' => 2, 'note' => 'a short note']);
    }
    apcu_store("counter $prefix", 0);
}

function pin(int $index): void
{
    static $processors = null;
    $processors ??= array_merge(...array_map(
        fn(string $range): array => range(...array_map('intval', explode('-', "$range-$range"))),
        explode(',', trim(explode(':', exec('taskset -cp ' . getmypid()))[1]))
    ));
    exec(sprintf('taskset -cp %d %d', $processors[$index % count($processors)], getmypid()));
}

function nanoseconds(Closure $operation, array $keys, int $operations): float
{
    $start = hrtime(true);
    $operation($keys, $operations);
    return (hrtime(true) - $start) / $operations;
}

function alone(Closure $operation, array $keys): float
{
    for ($best = INF, $i = 0; $i < OPERATIONS; $i += SLICE) {
        $best = min($best, nanoseconds($operation, $keys, SLICE));
    }
    return $best;
}

function median(array $numbers): float
{
    sort($numbers);
    return $numbers[intdiv(count($numbers), 2)];
}

/** Beside another process that does the same with $theirs until it is told to stop: killed in APCu, it might hang us. */
function beside(Closure $operation, array $ours, array $theirs): float
{
    global $ready, $stop;
    $ready->set(0);
    $stop->set(0);
    $child = pcntl_fork();
    if ($child === 0) {
        pin(1);
        $ready->set(1);
        while ($stop->get() === 0) {
            $operation($theirs, 1000);
        }
        posix_kill(getmypid(), SIGKILL); // no destructors, no output
    }
    $ready->wait(0, 10);
    $result = nanoseconds($operation, $ours, OPERATIONS);
    $stop->set(1);
    pcntl_waitpid($child, $status);
    return $result;
}

fill('a');
fill('b');
pin(0);
[$a, $b, $skewed] = [choices('a', false), choices('b', false), choices('a', true)];
$ways = [
    'one' => fn(Closure $operation): float => alone($operation, $a),
    'skewed' => fn(Closure $operation): float => alone($operation, $skewed),
    '2 same' => fn(Closure $operation): float => beside($operation, $a, array_reverse($a)),
    '2 skewed' => fn(Closure $operation): float => beside($operation, $skewed, array_reverse($skewed)),
    '2 other' => fn(Closure $operation): float => beside($operation, $a, $b),
];

$empty = min(array_map(fn(): float => alone($loop, $a), range(1, $rounds)));
$results = [];
foreach ($operations as [$name, $ours, $apcus]) {
    foreach ($ways as $way => $measure) {
        for ($found = [[], []], $round = 0; $round < $rounds; $round++) {
            $found[0][] = $measure($ours);
            $found[1][] = $measure($apcus);
        }
        $results[$name][$way] = array_map(
            fn(array $list): float => max(($way[0] === '2' ? median($list) : min($list)) - $empty, 0.1),
            $found
        );
    }
}

// ---- telling ----------------------------------------------------------------------------------------------

$limits = json_decode(getenv('LIMITS') ?: '{"operations":[]}', true)['operations'];
if ($json) {
    echo json_encode(['loop_ns' => $empty, 'limits' => $limits, 'operations' => $results]), "\n";
    exit;
}
printf("The loop around each, taken off: %.1f ns. PHP %s, APCu %s.\n\n", $empty, PHP_VERSION, phpversion('apcu'));
printf("%-34s %10s %21s %21s\n", 'ns in C', 'one', '2 same keys', '2 other keys');
foreach ($limits as $limit) {
    printf("%-34s %10.1f %21.1f %21.1f\n", $limit['name'], $limit['one_process_ns'], $limit['two_same_ns'], $limit['two_other_ns']);
}
printf("\n%-24s", 'ns in PHP: Viaduct, APCu');
foreach (array_keys($ways) as $way) {
    printf(' %20s', $way);
}
echo "\n";
foreach ($results as $name => $row) {
    printf('%-24s', $name);
    foreach ($row as [$ours, $apcus]) {
        printf(' %6.0f %6.0f %5.1fx', $ours, $apcus, $apcus / $ours);
    }
    echo "\n";
}
