<?php
// SPDX-License-Identifier: Apache-2.0
// The application under test: the routes of tests/support/app_server.c, in PHP, so that the same
// tests run against both.
declare(strict_types=1);

use Viaduct\{App, Config, Request, Response};
use Viaduct\Broker\{Broker, InMemoryBroker, NatsBroker, PipeBroker, RedisBroker};
use Viaduct\Broker\Exception\{BrokerException, OverflowException};

/** BROKER: memory, pipe or the URL of a server; BROKER_..: more about that one. */
function broker(string $name): Broker
{
    if (!str_contains($name, '://')) {
        return $name === 'memory' ? new InMemoryBroker() : new PipeBroker();
    }
    $url = array_map(fn ($part) => is_string($part) ? rawurldecode($part) : $part, parse_url($name));
    $nats = in_array($url['scheme'], ['nats', 'tls']);
    $token = $nats && !isset($url['pass']) ? ['authToken' => $url['user'] ?? null]
        : ['username' => ($url['user'] ?? '') ?: null, 'password' => $url['pass'] ?? null];
    $options = [...$token, 'tls' => in_array($url['scheme'], ['rediss', 'tls']), 'tlsCaFile' => getenv('BROKER_TLS_CA_FILE') ?: null,
        'tlsCertFile' => getenv('BROKER_TLS_CERTIFICATE_FILE') ?: null, 'tlsKeyFile' => getenv('BROKER_TLS_KEY_FILE') ?: null,
        'probeInterval' => (getenv('BROKER_PROBE_INTERVAL_MS') ?: 5000) / 1000, 'connectTimeout' => (getenv('BROKER_CONNECT_TIMEOUT_MS') ?: 5000) / 1000,
        'outboxMessages' => (int) (getenv('BROKER_OUTBOX_MESSAGES') ?: 1000), 'outboxBytes' => (int) (getenv('BROKER_OUTBOX_BYTES') ?: 4 << 20),
        'outboxPolicy' => getenv('BROKER_OUTBOX_POLICY') ?: 'drop-oldest'];

    return $nats ? new NatsBroker($url['host'], $url['port'], ...$options) : new RedisBroker($url['host'], $url['port'], ...$options);
}

$config = (new Config())
    ->withPort((int) getenv('PORT'))
    ->withWorkerNum((int) getenv('WORKERS'))
    ->withBroker(broker(getenv('BROKER') ?: 'pipe'))
    ->withRequestTimeout((int) (getenv('REQUEST_TIMEOUT_MS') ?: 30_000) / 1000)
    ->withMaxRequests((int) getenv('MAX_REQUESTS'))
    ->withHistory((int) (getenv('HISTORY_PER_SCOPE') ?: 1000));
$app = new App($config);

$worker = -1;
$app->onStart(function (int $index) use (&$worker): void {
    $worker = $index;
});
// What any worker was told of the broker, one line of JSON each: any worker can answer for the others.
$told = tempnam(getenv('VIADUCT_BUILD') . '/artifacts', 'told');
$tell = fn (array $what) => file_put_contents($told, json_encode($what) . "\n", FILE_APPEND | LOCK_EX);
$config->onBrokerError(function (BrokerException $error) use ($tell, &$worker): void {
    $tell(['worker' => $worker, 'class' => $error::class, 'driver' => $error->driver, 'attempt' => $error->attempt,
        'next_delay_ms' => $error->nextDelay * 1000, 'text' => $error->getMessage()]);
});
$app->onGap(function () use ($tell, &$worker): void {
    $tell(['gap' => $worker]);
});
$app->get('/broker', function () use ($told): array {
    $lines = array_map(fn ($line) => json_decode($line, true), file($told));
    $errors = array_values(array_filter($lines, fn ($line) => isset($line['class'])));

    return ['errors' => count($errors), 'last' => $errors, 'gaps' => array_column($lines, 'gap')];
});
$pid = fn (): Response => Response::text(getmypid() . "\n");

$app->get('/pid', $pid);
$app->post('/echo', fn (Request $request): Response => new Response($request->body));
$app->stream('/events', function (Request $request): array {
    preg_match_all('/(?:^|&)scope=([^&]*)/', $request->query, $found);

    return array_map(urldecode(...), $found[1]);
});
$app->post('/publish', function (Request $request) use ($app, &$worker): Response {
    try {
        $app->broadcast($request->get['scope'], $request->body, $request->get['event'] ?? null);
    } catch (OverflowException $full) {
        return Response::text($full->getMessage(), 503);
    }

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
unlink($told);
