<?php
/* SPDX-License-Identifier: Apache-2.0 */
// Ten requests per minute and client, counted over all workers, in two ways.
//
// Run: scripts/php examples/rate-limit/app.php and open http://127.0.0.1:3000/, or:
// for i in $(seq 12); do curl -s 127.0.0.1:3000/api/atomic; echo; done
// (PORT and WORKERS in the environment; behind a proxy the client's address needs Config::withTrustedProxies())
use Viaduct\{App, Config, Response, Store};
use Viaduct\Broker\PipeBroker;

$app = new App((new Config())
    ->withPort((int) (getenv('PORT') === false ? 3000 : getenv('PORT')))
    ->withWorkerNum((int) (getenv('WORKERS') ?: 2))
    ->withBroker(new PipeBroker()));

// Before run(): the workers share what is there when they are forked.
Store::make('rate', 100000, [
    'count' => [Store::INT, 4],
    'reset' => [Store::INT, 4],
]);
Store::make('windows', 100000, ['requests' => [Store::INT, 4]]);

$app->get('/', fn () => <<<'HTML'
    <!doctype html><html lang=en><meta charset=utf-8><title>Rate limit</title>
    <p>Ten a minute: <button>/api/atomic</button> <button>/api/expensive</button></p><pre id=answers></pre>
    <script>
      document.onclick = async ({target}) => {
        if (target.tagName !== 'BUTTON') return;
        const response = await fetch(target.textContent);
        answers.textContent = `${target.textContent}: ${response.status} ${await response.text()}\n` + answers.textContent;
      };
    </script>
    HTML);

// As one would write it for one process. With several there is a gap between get() and what follows: two workers
// may both see no row, or both see a count of nine, and both go on. Under load more than ten get through, and
// when the window is over, several workers may start it again and forget what the others have counted. The rows
// stay, too: once 100,000 clients have come, set() finds the table full.
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

// Count first, in one step, and decide by what came out: each request gets a number of its own, so exactly ten get
// one up to ten. The window begins with its first request; when it is over the row is free for others.
$app->route('/api/atomic', function ($request) {
    $window = Store::incrWindow('windows', $request->server['remote_addr'], 'requests', by: 1, seconds: 60);
    if ($window->value > 10) {
        return Response::json(['ok' => false], 429)->withHeader('Retry-After', (string) ceil($window->remaining));
    }

    return ['ok' => true, 'remaining' => 10 - $window->value];
});

$app->run();
