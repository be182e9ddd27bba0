<?php
// SPDX-License-Identifier: Apache-2.0
// A PHP process that works on shared state is killed at a random instant, again and again; before and after
// each kill its parent writes to all rows and takes the time, then it looks at every row. JSON says what it found.
//
//     state_kill.php set|incr|set-del|iterate|global KILLS

use Viaduct\Counter;
use Viaduct\Exception\CapacityException;
use Viaduct\GlobalState;
use Viaduct\Store;

const KEYS = ['one', 'two', 'three', 'four', 'five', 'six'];
const CAPACITY = 8;

/** Everything in it follows from $n. */
function row(int $n): array
{
    return ['a' => $n, 'b' => $n % 1000, 'note' => str_repeat(chr(97 + $n % 26), $n % 53)];
}

function is_whole(array $row): bool
{
    unset($row['sum']);
    return $row === row($row['a']);
}

abstract class Scenario
{
    public array $wrong = [];

    /** In the victim, for ever. */
    abstract public function work(string $key, int $round): void;

    /** In its parent: write to all rows, without changing what check() looks at. */
    public function touch(): void
    {
        foreach (KEYS as $key) {
            Store::compareAndSet('t', $key, 'sum', -1, -1);
        }
    }

    public function check(): void
    {
        $rows = iterator_to_array(Store::iterate('t'));
        foreach ($rows as $key => $row) {
            $this->must(is_whole($row), "row $key is whole");
        }
        $this->must(Store::count('t') === count($rows), 'as many rows as are counted');
        for ($i = count($rows); $i < CAPACITY; $i++) {
            Store::set('t', "fill $i", []);
        }
        try {
            Store::set('t', 'more', []);
            $this->must(false, 'the table is full');
        } catch (CapacityException) {
        }
        for ($i = count($rows); $i < CAPACITY; $i++) {
            Store::del('t', "fill $i");
        }
    }

    protected function must(bool $condition, string $what): void
    {
        if (!$condition) {
            $this->wrong[] = $what;
        }
    }
}

class Set extends Scenario
{
    public function work(string $key, int $round): void
    {
        Store::set('t', $key, row($round));
    }
}

class SetDel extends Scenario
{
    public function work(string $key, int $round): void
    {
        Store::set('t', $key, row($round));
        Store::del('t', KEYS[($round * 5 + 3) % count(KEYS)]);
    }
}

class Iterate extends Scenario
{
    public function work(string $key, int $round): void
    {
        foreach (Store::iterate('t') as $row) {
            is_whole($row) || exit(3);
        }
        Store::set('t', $key, row($round));
    }
}

class Incr extends Scenario
{
    private array $done; // increments that the victim has seen done

    public function __construct()
    {
        $this->done = array_combine(KEYS, array_map(fn(): Counter => new Counter(), KEYS));
    }

    public function work(string $key, int $round): void
    {
        $this->done[$key]->set(Store::incr('t', $key, 'sum'));
    }

    public function check(): void
    {
        foreach ($this->done as $key => $done) {
            $sum = Store::get('t', $key, 'sum') ?? 0;
            $this->must($sum === $done->get() || $sum === $done->get() + 1, "no increment of $key is lost");
            $done->set($sum);
        }
    }
}

class State extends Scenario
{
    public function work(string $key, int $round): void
    {
        GlobalState::set($key, row($round));
        GlobalState::increment('number');
        GlobalState::compareAndSet($key, row($round), row($round + 1));
        GlobalState::delete('number');
    }

    public function touch(): void
    {
        foreach (KEYS as $key) {
            GlobalState::compareAndSet($key, 'other', 'other');
        }
        GlobalState::set('mine', 1);
    }

    public function check(): void
    {
        foreach (KEYS as $key) {
            $value = GlobalState::get($key);
            $this->must($value === null || is_whole($value), "value $key is whole");
        }
        $this->must(GlobalState::count() === count(GlobalState::keys()), 'as many keys as are counted');
    }
}

[, $what, $kills] = $argv;
Store::make('t', CAPACITY, ['a' => [Store::INT, 8], 'b' => [Store::INT, 4], 'sum' => [Store::INT, 8], 'note' => [Store::STRING, 60]]);
GlobalState::make(CAPACITY, 300);
$scenario = new (['set' => Set::class, 'set-del' => SetDel::class, 'iterate' => Iterate::class, 'incr' => Incr::class,
    'global' => State::class][$what])();
$started = new Counter();
$rounds = new Counter();
$times = ['before' => [], 'after' => []];

/** Microseconds for a write to each row. */
$timed = function () use ($scenario): float {
    $start = hrtime(true);
    $scenario->touch();
    return (hrtime(true) - $start) / 1000;
};

mt_srand(4711);
for ($i = 0; $i < $kills; $i++) {
    $first = mt_rand(0, 1000);
    $times['before'][] = $timed();
    $child = pcntl_fork();
    if ($child === 0) {
        $started->increment();
        for ($round = $first;; $round++) {
            $scenario->work(KEYS[$round % count(KEYS)], $round);
            $rounds->increment();
        }
    }
    $started->wait($i);
    usleep(mt_rand(0, 800));
    posix_kill($child, SIGKILL);
    $times['after'][] = $timed(); // dying, or dead and not reaped
    pcntl_waitpid($child, $status);
    pcntl_wifsignaled($status) || $scenario->wrong[] = 'the victim lived until it was killed';
    $scenario->check();
}
array_walk($times, fn(array &$list) => sort($list));
echo json_encode(['wrong' => array_count_values($scenario->wrong), 'rounds' => $rounds->get(), 'times' => $times]);
