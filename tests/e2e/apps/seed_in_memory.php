<?php
// SPDX-License-Identifier: Apache-2.0
// The InMemoryBroker snippet as its page prints it, and more workers than it can serve on demand.
use Mbolli\PhpVia\Broker\InMemoryBroker;
use Mbolli\PhpVia\{Config, Via};

// These are equivalent — InMemoryBroker is the implicit default
$config = new Config();
$config = (new Config())->withBroker(new InMemoryBroker());

$config->withPort((int) getenv('PORT'))->withWorkerNum((int) getenv('WORKERS'));
$app = new Via($config);
$app->stream('/events', fn () => 'a');
$app->post('/publish', function () use ($app): int {
    $app->broadcast('a', 'hello');

    return 204;
});
try {
    $app->run();
} catch (\RuntimeException $e) {
    fwrite(STDERR, $e->getMessage() . "\n");
    exit(9);
}
