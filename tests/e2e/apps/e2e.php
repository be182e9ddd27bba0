<?php
// SPDX-License-Identifier: Apache-2.0
// The application under test: the routes of tests/support/app_server.c, in PHP, so that the same
// tests run against both.
declare(strict_types=1);

use Viaduct\{App, Config, Request, Response};
use Viaduct\Broker\{InMemoryBroker, PipeBroker};

$config = (new Config())
    ->withPort((int) getenv('PORT'))
    ->withWorkerNum((int) getenv('WORKERS'))
    ->withBroker(getenv('BROKER') === 'memory' ? new InMemoryBroker() : new PipeBroker())
    ->withRequestTimeout((int) (getenv('REQUEST_TIMEOUT_MS') ?: 30_000) / 1000)
    ->withMaxRequests((int) getenv('MAX_REQUESTS'))
    ->withHistory((int) (getenv('HISTORY_PER_SCOPE') ?: 1000));
$app = new App($config);

$worker = -1;
$app->onStart(function (int $index) use (&$worker): void {
    $worker = $index;
});
$pid = fn (): Response => Response::text(getmypid() . "\n");

$app->get('/pid', $pid);
$app->post('/echo', fn (Request $request): Response => new Response($request->body));
$app->stream('/events', function (Request $request): array {
    preg_match_all('/(?:^|&)scope=([^&]*)/', $request->query, $found);

    return array_map(urldecode(...), $found[1]);
});
$app->post('/publish', function (Request $request) use ($app, &$worker): Response {
    $app->broadcast($request->get['scope'], $request->body, $request->get['event'] ?? null);

    return new Response('', 204, ['X-Worker' => (string) $worker]);
});
$app->post('/flood', function (Request $request) use ($app, $pid): Response {
    ['scope' => $scope, 'count' => $count, 'bytes' => $bytes] = $request->get;
    try {
        for ($n = 1; $n <= (int) $count; $n++) {
            $app->broadcast($scope, str_pad(getmypid() . " $n", (int) $bytes));
        }
    } catch (Viaduct\Broker\Exception\TimeoutException $timeout) {
        fwrite(STDERR, "flood: a publish gave up\n"); // a test can see it before the answer
        return Response::text($timeout->getMessage(), 503);
    }

    return $pid();
});
$app->get('/sleep', function (Request $request) use ($pid): Response {
    usleep((int) $request->get['ms'] * 1000);

    return $pid();
});
$app->get('/spin', function (): never {
    while (true) {
        usleep(100_000);
    }
});
$app->get('/crash', function (): never {
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

$app->run();
