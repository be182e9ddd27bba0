<?php
// SPDX-License-Identifier: Apache-2.0
/*
 * A chat: rooms, names, who is here. Several workers, no service beside them; several nodes by way of
 * Redis or NATS.
 *
 * A line that somebody says is POSTed to whichever worker is free, which broadcasts it to the scope
 * "room:NAME". The gateway hands it to every open tab of that room; no PHP runs for that. New tabs
 * ask for /history: subscribeAll shows every message to every worker, so any of them can answer.
 * Who is here works the same way: each tab says so every ten seconds, in the scope "here:NAME".
 *
 * Whoever publishes {"text":"..."} to a room is shown as well: viaduct pub room:lobby '{"text":"hello"}'.
 *
 * Nothing is stored: lines live in the workers. What a node has missed while its broker was away the
 * others tell it again (a chat with a database would read it there).
 *
 *     scripts/php examples/chat/app.php      (HOST, PORT and WORKERS in the environment, and
 *                                            VIADUCT_BROKER, such as redis://127.0.0.1:6379)
 */
declare(strict_types=1);

use Viaduct\{App, Config, Message, Request, Response};

use function Viaduct\Broker\from_url;

const LINES_KEPT = 100; // of one room, in each worker
const ROOMS_KEPT = 500;
const RECALLED = 300;   // seconds: what is told again to those who may have missed it
const GONE_AFTER = 30;  // seconds without a sign of life

$app = new App((new Config())
    ->withHost(getenv('HOST') ?: '127.0.0.1')
    ->withPort((int) (getenv('PORT') === false ? 3000 : getenv('PORT')))
    ->withWorkerNum((int) (getenv('WORKERS') ?: 2))
    ->withBroker(from_url(getenv('VIADUCT_BROKER') ?: 'pipe:')));

/** The named fields of a form or query, trimmed; what is no text counts as empty. */
function fields(array $from, string ...$names): array
{
    return array_map(fn ($name) => is_string($from[$name] ?? null) ? trim($from[$name]) : '', $names);
}

/** What is wrong with what a client sent; null when nothing is. */
function problem(string $room, string $name = '-', string $text = '-', string $tab = '-'): ?Response
{
    $why = match (false) {
        (bool) preg_match('/^[\p{L}\p{N}_-]{1,40}$/u', $room) => 'room: 1 to 40 letters, digits, - or _',
        (bool) preg_match('/^[^\p{Cc}]{1,40}$/u', $name) => 'name: 1 to 40 characters',
        (bool) preg_match('/^[^\x00-\x08\x0B-\x1F\x7F]{1,2000}$/u', $text) => 'text: 1 to 2,000 characters',
        (bool) preg_match('/^[\w-]{1,40}$/', $tab) => 'tab: 1 to 40 letters, digits, - or _',
        default => null,
    };

    return $why === null ? null : Response::text("$why\n", 422);
}

/** What a message says, if it has a text in each of these fields; other programs may publish here, too. */
function said(Message $message, string ...$names): ?array
{
    $said = json_decode($message->data ?? '', true);
    $texts = array_filter(array_map(fn ($name) => $said[$name] ?? null, $names), is_string(...));

    return is_array($said) && count($texts) === count($names) ? $said : null;
}

// One set of these in each worker, filled by subscribeAll below.
$worker = 0;
$history = []; // room => id => line, the last ones
$present = []; // room => tab => [name, time of the last sign of life]

$app->onStart(function (int $index) use (&$worker): void {
    $worker = $index;
});

$app->subscribeAll('room:*', function (Message $message) use (&$history): void {
    $line = said($message, 'id', 'room', 'name', 'text', 'time');
    if ($line === null) {
        return;
    }
    ['id' => $id, 'room' => $room] = $line;
    $lines = $history[$room] ?? [];
    if (isset($lines[$id])) {
        return; // told again
    }
    $lines[$id] = $line;
    uasort($lines, fn ($one, $two) => $one['time'] <=> $two['time']);
    unset($history[$room]); // and put it last: rooms nobody speaks in are forgotten first
    $history[$room] = array_slice($lines, -LINES_KEPT, preserve_keys: true);
    $history = array_slice($history, -ROOMS_KEPT, preserve_keys: true);
});

// After a gap, one worker of this node has all nodes tell what others may have missed. Workers and pages
// know each line by its id: hearing it twice does no harm.
$app->onGap(function () use ($app, &$worker): void {
    if ($worker === 0) {
        $app->broadcast('recall');
    }
});
$app->subscribe('recall', function () use ($app, &$history): void {
    foreach (array_merge(...array_values($history)) as $line) {
        if (strtotime($line['time']) > time() - RECALLED) {
            $app->broadcast("room:{$line['room']}", $line);
        }
    }
});

$app->subscribeAll('here:*', function (Message $message) use (&$present): void {
    $sign = said($message, 'room', 'tab', 'name');
    if ($sign === null) {
        return;
    }
    ['room' => $room, 'tab' => $tab, 'name' => $name] = $sign;
    unset($present[$room][$tab]);
    if (!($sign['left'] ?? false)) {
        $present[$room][$tab] = ['tab' => $tab, 'name' => $name, 'seen' => time()];
    }
});

$app->setWorkerInterval(function () use (&$present): void {
    $alive = fn (array $tab) => $tab['seen'] > time() - GONE_AFTER;
    $present = array_filter(array_map(fn (array $tabs) => array_filter($tabs, $alive), $present));
}, 5000);

$app->post('/say', function (Request $request) use ($app, &$worker) {
    [$room, $name, $text] = fields($request->post, 'room', 'name', 'text');
    if ($problem = problem($room, $name, $text)) {
        return $problem;
    }
    $line = ['id' => bin2hex(random_bytes(8)), 'room' => $room, 'name' => $name, 'text' => $text,
        'time' => (new DateTimeImmutable())->format(DATE_RFC3339_EXTENDED), 'worker' => $worker];
    $app->broadcast("room:$room", $line);

    return 204;
});

$app->post('/here', function (Request $request) use ($app) {
    [$room, $name, $tab, $left] = fields($request->post, 'room', 'name', 'tab', 'left');
    if ($problem = problem($room, $name, tab: $tab)) {
        return $problem;
    }
    $sign = ['room' => $room, 'name' => $name, 'tab' => $tab, 'left' => $left !== ''];
    $app->broadcast("here:$room", $sign, 'here');

    return 204;
});

$app->stream('/events', function (Request $request) {
    [$room] = fields($request->get, 'room');

    return problem($room) ?? ["room:$room", "here:$room"];
});

$app->get('/history', function (Request $request) use (&$history) {
    [$room] = fields($request->get, 'room');

    return problem($room) ?? array_values($history[$room] ?? []);
});

$app->get('/here', function (Request $request) use (&$present) {
    [$room] = fields($request->get, 'room');

    return problem($room) ?? array_values($present[$room] ?? []);
});

foreach (['/' => 'index.html', '/chat.css' => 'chat.css', '/chat.js' => 'chat.js'] as $path => $file) {
    $app->get($path, fn () => new Response(file_get_contents(__DIR__ . "/$file"), 200, [
        'Content-Type' => ['html' => 'text/html', 'css' => 'text/css', 'js' => 'text/javascript'][pathinfo($file, PATHINFO_EXTENSION)] . '; charset=utf-8',
        'Content-Security-Policy' => "default-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'",
        'X-Content-Type-Options' => 'nosniff',
    ]));
}

$app->run();
