<?php
/* SPDX-License-Identifier: Apache-2.0 */
// A poll that everybody watches: votes are counted in shared memory, whichever worker takes them, and every open
// page shows them at once.
//
// Run: scripts/php examples/poll/app.php, then open http://127.0.0.1:3000/ in two windows (PORT and WORKERS in the
// environment). The votes live as long as the server, through any worker's death.
use Viaduct\{App, Config, Store};
use Viaduct\Broker\PipeBroker;

const CHOICES = ['tea', 'coffee', 'water'];

$app = new App((new Config())
    ->withPort((int) (getenv('PORT') === false ? 3000 : getenv('PORT')))
    ->withWorkerNum((int) (getenv('WORKERS') ?: 2))
    ->withBroker(new PipeBroker()));

Store::make('votes', count(CHOICES), ['count' => [Store::INT, 8]]);
foreach (CHOICES as $choice) {
    Store::set('votes', $choice, []);
}

// A vote is an invalidation of the scope "votes": pages that show it ask anew. However many there are, each worker
// tells at most every 20 ms.
$app->bindStore('votes', 'votes');

$app->get('/votes', fn () => array_map(fn ($row) => $row['count'], iterator_to_array(Store::iterate('votes'))));
$app->stream('/events', fn () => 'votes');
$app->post('/vote/{choice}', function (string $choice): int {
    if (!in_array($choice, CHOICES, true)) {
        return 404;
    }
    Store::incr('votes', $choice, 'count');

    return 204;
});
$app->get('/', fn () => <<<'HTML'
    <!doctype html><html lang=en><meta charset=utf-8><title>Poll</title>
    <style>body { font: 1.2em system-ui; max-width: 20em; margin: 3em auto } button { width: 100%; margin: .3em 0; padding: .5em; font: inherit }</style>
    <div id=poll></div>
    <script>
      const show = async () => {
        const votes = Object.entries(await (await fetch('/votes')).json());
        poll.replaceChildren(...votes.map(([choice, count]) => Object.assign(document.createElement('button'),
          {textContent: `${choice}: ${count}`, onclick: () => fetch(`/vote/${choice}`, {method: 'POST'})})));
      };
      const events = new EventSource('/events');
      for (const name of ['open', 'invalidate', 'gap']) events.addEventListener(name, show);
    </script>
    HTML);
$app->run();
