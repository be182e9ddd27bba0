<?php
// SPDX-License-Identifier: Apache-2.0
// What a worker of php-fpm does with tables that viaduct.tables declares; one request, one JSON value.

use Viaduct\Counter;
use Viaduct\GlobalState;
use Viaduct\Store;

function run(string $what, array $query): mixed
{
    return match ($what) {
        'hit' => [Store::incr('visits', $query['key'], 'count'), (new Counter(0, 'hits'))->increment()],
        'get' => Store::get('visits', $query['key']),
        'set' => Store::set($query['table'] ?? 'visits', $query['key'], ['count' => (int) $query['count']]),
        'count' => Store::count($query['table']),
        'names' => Store::names(),
        'counter' => (new Counter(0, $query['name']))->get(),
        'who' => ['pid' => getmypid(), 'uid' => fileowner('/proc/self')],
        'make' => Store::make('visits', (int) $query['rows'], ['count' => [Store::INT, 4], 'note' => [Store::STRING, 40]]),
        'state' => GlobalState::get($query['key']),
        'put' => GlobalState::set($query['key'], json_decode($query['json'], true)),
        'remember' => GlobalState::remember($query['key'], 60, fn(): array => ['by' => getmypid()]),
        'inherited' => [shell_exec('ls -l /proc/self/fd'), getenv('VIADUCT_DECLARED')],
        'work' => work(),
    };
}

/** Until it is killed. The counter says how many increments were seen done. */
function work(): never
{
    $done = new Counter(0, 'done');
    (new Counter(0, 'worker'))->set(getmypid());
    for (;;) {
        Store::incr('visits', 'worked', 'count');
        $done->increment();
        Store::set('visits', 'more', ['count' => 1]);
        Store::del('visits', 'more');
    }
}

header('Content-Type: application/json');
try {
    $answer = ['value' => run($_GET['do'], $_GET)];
} catch (\Throwable $error) {
    $answer = ['error' => get_class($error), 'text' => $error->getMessage()];
}
echo json_encode($answer);
