<?php
// SPDX-License-Identifier: Apache-2.0
// Tables and counters for `viaduct top` to show; one of them has a name that would drive a terminal.
use Viaduct\{App, Config, Counter, Store};
use Viaduct\Broker\PipeBroker;

$app = new App((new Config())->withPort((int) getenv('PORT'))->withWorkerNum((int) getenv('WORKERS'))
    ->withBroker(new PipeBroker()));
Store::make('sessions', 8, ['user' => [Store::STRING, 16]]);
Store::make('rates', 100, ['n' => [Store::INT]]);
$hits = new Counter(40, 'hits');
new Counter(-1_234_567, "evil\e[2J\u{202e}");

$app->post('/fill', function () use ($hits) {
    for ($i = 0; $i < 6; $i++) {
        Store::set('sessions', "secret key $i", ['user' => 'secret user']);
    }
    $hits->increment();
    $hits->increment();

    return 204;
});
$app->stream('/events', fn () => ['room:secret']);
$app->run();
