<?php
/* SPDX-License-Identifier: Apache-2.0 */
// Run: scripts/php examples/hello/app.php, then open http://127.0.0.1:3000/ or /hello/you
$app = new Viaduct\App((new Viaduct\Config())->withPort((int) (getenv('PORT') ?: 3000)));
$app->get('/', fn() => '<h1>Hello</h1>');
$app->get('/hello/{name}', fn(string $name) => ['hello' => $name]);
$app->run();
