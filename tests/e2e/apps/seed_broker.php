<?php
// SPDX-License-Identifier: Apache-2.0
// A server around one of the broker page's snippets, which SNIPPET names; runs with
// viaduct.aliases=php-via and variables_order=EGPCS.
use Mbolli\PhpVia\Broker\{NatsBroker, RedisBroker};
use Mbolli\PhpVia\{Config, Via};

$metrics = new class {
    public function increment(string $name): void
    {
        error_log("metric: $name");
    }
};
$config = new Config();
require getenv('SNIPPET');
$app = new Via($config->withPort((int) getenv('PORT'))->withWorkerNum(2));
$app->stream('/events', fn () => 'a');
$app->post('/publish', function () use ($app): int {
    $app->broadcast('a', 'hello');

    return 204;
});
$app->run();
