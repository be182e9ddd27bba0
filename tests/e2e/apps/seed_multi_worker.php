<?php
// SPDX-License-Identifier: Apache-2.0
// The multi-worker snippet as its page prints it; runs with viaduct.aliases=php-via,openswoole.
use Mbolli\PhpVia\Broker\SwooleBroker;
use Mbolli\PhpVia\{Config, Via};

$config = new Config();
$config = (new Config())
    ->withWorkerNum(swoole_cpu_num())  // use all CPU cores
    ->withBroker(new SwooleBroker());

$config->withPort((int) getenv('PORT'));
$app = new Via($config);
$app->stream('/events', fn () => 'a');
$app->post('/publish', function () use ($app): int {
    $app->broadcast('a', 'hello');

    return 204;
});
$app->run();
