<?php
// SPDX-License-Identifier: Apache-2.0
// The application under test: small handlers that do what the tests need, good and bad.
declare(strict_types=1);

use Viaduct\{App, Config, Message, Request};
use Viaduct\Broker\{InMemoryBroker, PipeBroker};

$broker = getenv('BROKER') === 'memory' ? new InMemoryBroker() : new PipeBroker();
$config = (new Config())
    ->withPort((int) getenv('PORT'))
    ->withWorkerNum((int) getenv('WORKERS'))
    ->withBroker($broker)
    ->withRequestTimeout((float) (getenv('REQUEST_TIMEOUT') ?: 30))
    ->withMaxRequests((int) getenv('MAX_REQUESTS'));
$app = new App($config);

$worker = -1;
$seen = 0;

$app->onStart(function (int $index) use (&$worker): void {
    $worker = $index;
    if (getenv('CRASH_WHEN') && file_exists(getenv('CRASH_WHEN'))) {
        posix_kill(getmypid(), SIGKILL);
    }
});
$app->subscribeAll('*', function (Message $message) use (&$seen): void {
    $seen++;
});

$me = function () use (&$worker, &$seen): array {
    return ['worker' => $worker, 'pid' => getmypid(), 'seen' => $seen];
};

$app->get('/who', $me);
$app->stream('/events', fn (Request $request) => explode(',', $request->get['scopes']));
$app->post('/publish', function (Request $request) use ($app, $me): array {
    $app->broadcast($request->post['scope'], $request->post['data'] ?? null, $request->post['event'] ?? null);

    return $me();
});
$app->get('/sleep/{ms}', function (int $ms) use ($me): array {
    usleep($ms * 1000);

    return $me();
});
$app->get('/hang', function (): never {
    while (true) {
        usleep(100_000);
    }
});
$app->get('/kill', function (): never {
    posix_kill(getmypid(), SIGKILL);
    exit;
});
$app->get('/exit', function (): never {
    exit(3);
});
$app->get('/memory', function (): string {
    ini_set('memory_limit', '16M');

    return str_repeat('x', 64 << 20);
});
// Publish as fast as it goes for a while; says what came of it.
$app->get('/flood/{ms}/{bytes}', function (int $ms, int $bytes) use ($app, $me): array {
    $data = str_repeat('x', $bytes);
    $end = hrtime(true) + $ms * 1_000_000;
    $sent = $failed = 0;
    while (hrtime(true) < $end) {
        try {
            $app->broadcast('flood', $data);
            $sent++;
        } catch (Viaduct\Broker\Exception\TimeoutException) {
            $failed++;
        }
    }

    return [...$me(), 'sent' => $sent, 'failed' => $failed];
});

$app->run();
