<?php
// SPDX-License-Identifier: Apache-2.0
// The snippets of the page about Store and Counter as it prints them; runs with viaduct.aliases=zealphp,openswoole.
use Viaduct\{App, Config};
use Viaduct\Broker\PipeBroker;

$app = new App((new Config())->withPort((int) getenv('PORT'))->withWorkerNum((int) getenv('WORKERS'))
    ->withBroker(new PipeBroker()));

// In app.php, BEFORE $app->run():
use ZealPHP\Store;

Store::make('rate_limits', 10000, [
    'count' => [\OpenSwoole\Table::TYPE_INT,    4],
    'reset' => [\OpenSwoole\Table::TYPE_INT,    4],
    'note'  => [\OpenSwoole\Table::TYPE_STRING, 64],
]);

$app->get('/limits', function ($request) {
    $userIp = $request->server['remote_addr'];

    // In a route handler — this works from any worker:
    Store::set('rate_limits', $userIp, [
        'count' => 1,
        'reset' => time() + 60,
        'note'  => 'api',
    ]);

    $row = Store::get('rate_limits', $userIp);          // read whole row
    $count = Store::get('rate_limits', $userIp, 'count'); // read one field
    $now  = Store::incr('rate_limits', $userIp, 'count'); // atomic +1
    $gone = Store::del('rate_limits', $userIp);
    $how_many = Store::count('rate_limits');

    return [$row['count'], $row['note'], $count, $now, $gone, $how_many];
});

use ZealPHP\Counter;

// In app.php, before run():
$visits = new Counter(0); // initial value

$app->get('/visits', function () use ($visits) {
    // In a handler (or any worker):
    $first = $visits->increment();           // atomic +1, returns new value
    $second = $visits->decrement(2);          // atomic -2
    $third = $visits->get();                 // read current value
    $visits->set(1000);             // overwrite
    $ok = $visits->compareAndSet(1000, 0); // atomic CAS — reset only if value is exactly 1000

    return [$first, $second, $third, $ok, $visits->get()];
});

$app->get('/late', function () {
    Store::make('cache', 100, ['value' => [\OpenSwoole\Table::TYPE_STRING, 64]]);
});

// app.php
Store::make('rate', 100000, [
    'count' => [\OpenSwoole\Table::TYPE_INT, 4],
    'reset' => [\OpenSwoole\Table::TYPE_INT, 4],
]);

$app->route('/api/expensive', function ($request) {
    $ip   = $request->server['remote_addr'];
    $now  = time();
    $row  = Store::get('rate', $ip);

    if (!$row || $row['reset'] < $now) {
        Store::set('rate', $ip, ['count' => 1, 'reset' => $now + 60]);
        return ['ok' => true, 'remaining' => 9];
    }
    if ($row['count'] >= 10) return 429;
    $new = Store::incr('rate', $ip, 'count');
    return ['ok' => true, 'remaining' => 10 - $new];
});

$app->run();
