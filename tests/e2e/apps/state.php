<?php
// SPDX-License-Identifier: Apache-2.0
// Shared state that several workers hammer on.
use Viaduct\{App, Config, Counter, Store};
use Viaduct\Broker\PipeBroker;

$app = new App((new Config())->withPort((int) getenv('PORT'))->withWorkerNum((int) getenv('WORKERS'))
    ->withBroker(new PipeBroker()));
Store::make('sums', 100, ['n' => [Store::INT]]);
Store::make('pairs', 8, ['a' => [Store::INT], 's' => [Store::STRING, 64], 'b' => [Store::INT]]);
$counter = new Counter();

$app->get('/count', function ($request) use ($counter) {
    $times = (int) $request->get['times'];
    for ($i = 0; $i < $times; $i++) {
        $key = 'k' . $i % 8;
        $n = Store::incr('sums', $key, 'n');
        $counter->increment();
        Store::set('pairs', $key, ['a' => $n, 's' => str_repeat(chr(65 + $n % 26), 1 + $n % 64), 'b' => $n]);
        if ($i % 64 === 63) {
            Store::del('pairs', $key);
        }
    }

    return new Viaduct\Response((string) $times);
});

/** Is the row as one of the writers left it? */
function is_whole(array $row): bool
{
    return $row['a'] === $row['b'] && $row['s'] === str_repeat(chr(65 + $row['a'] % 26), 1 + $row['a'] % 64);
}

$app->get('/sums', fn() => [
    'store' => array_sum(array_column(iterator_to_array(Store::iterate('sums')), 'n')),
    'counter' => $counter->get(),
    'pairs' => array_values(array_filter(iterator_to_array(Store::iterate('pairs')), fn($row) => !is_whole($row))),
]);

$app->get('/write', function ($request) {
    for ($i = 0; $i < (int) $request->get['times']; $i++) {
        $n = random_int(0, 1_000_000);
        Store::set('pairs', 'k' . $i % 4, ['a' => $n, 's' => str_repeat(chr(65 + $n % 26), 1 + $n % 64), 'b' => $n]);
    }

    return new Viaduct\Response('0');
});

$app->get('/read', function ($request) {
    $torn = 0;
    for ($i = 0; $i < (int) $request->get['times']; $i++) {
        $row = Store::get('pairs', 'k' . $i % 4);
        $torn += $row && !is_whole($row);
    }
    foreach (Store::iterate('pairs') as $row) {
        $torn += !is_whole($row);
    }

    return new Viaduct\Response((string) $torn);
});

$app->run();
