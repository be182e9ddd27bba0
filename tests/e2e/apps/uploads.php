<?php
// SPDX-License-Identifier: Apache-2.0
// Bodies of any length: uploads, streamed bodies, generated downloads, each answered with its checksum.
declare(strict_types=1);

use Viaduct\{App, Config, Request, Response};

$app = new App((new Config())
    ->withPort((int) getenv('PORT'))
    ->withWorkerNum((int) getenv('WORKERS'))
    ->withBroker(new Viaduct\Broker\PipeBroker())
    ->withMaxBodySize(4 << 30)
    ->withRequestTimeout(600));

$app->post('/upload', function (Request $request): array {
    $file = $request->files['file'];

    return ['size' => $file['size'], 'crc32' => hash_file('crc32b', $file['tmp_name']), 'error' => $file['error'],
        'post' => $request->post, 'temporary' => $file['tmp_name']];
});
$app->post('/stream', function (Request $request): array {
    $hash = hash_init('crc32b');
    $size = hash_update_stream($hash, $request->bodyStream());

    return ['size' => $size, 'crc32' => hash_final($hash)];
});
$app->get('/download/{mib}', function (int $mib): Response {
    $content = (function () use ($mib): Generator {
        $block = random_bytes(1 << 20);
        for ($n = 0; $n < $mib; $n++) {
            yield substr_replace($block, pack('J', $n), 0, 8); // no two are alike
        }
    })();

    return new Response($content, 200, ['Content-Type' => 'application/octet-stream', 'X-Block' => 'of a MiB']);
});
$app->run();
