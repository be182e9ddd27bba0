<?php
/* SPDX-License-Identifier: Apache-2.0 */
// Run: scripts/php examples/hello/app.php, then open http://127.0.0.1:3000/ or /hello/you
// (PORT, WORKERS and VIADUCT_BROKER in the environment)
use Viaduct\{App, Config};

use function Viaduct\Broker\from_url;

$app = new App((new Config())
    ->withPort((int) (getenv('PORT') ?: 3000))
    ->withWorkerNum((int) (getenv('WORKERS') ?: 1))
    ->withBroker(from_url(getenv('VIADUCT_BROKER') ?: 'pipe:')));
$app->get('/', fn() => '<h1>Hello</h1>');
$app->get('/hello/{name}', fn(string $name) => ['hello' => $name]);
$app->run();
