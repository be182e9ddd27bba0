--TEST--
Static files and routes live side by side; workers see only what no file answers
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../server.inc';
$dir = sys_get_temp_dir() . '/viaduct-files-' . getmypid();
mkdir("$dir/docs", recursive: true);
file_put_contents("$dir/app.css", 'body {}');
file_put_contents("$dir/page.html", '<p>file</p>');
file_put_contents("$dir/docs/index.html", '<p>docs</p>');
file_put_contents("$dir/.env", 'SECRET=1');
$server = Server::start(<<<APP
    \$config->withStaticDir('$dir', maxAge: 60);
    \$app->get('/', fn() => 'route');
    \$app->get('/page.html', fn() => 'never');
    \$app->post('/page.html', fn() => 'posted');
    \$app->get('/docs/api', fn() => 'api');
APP);
foreach (['/', '/app.css', '/page.html', '/docs', '/docs/', '/docs/api', '/.env', '/nothing.html'] as $path) {
    $a = $server->get($path);
    printf("%-14s %d %s %s %s\n", $path, $a->status, $a->header('content-type'), $a->header('cache-control'),
        $a->header('location') ?? trim(strtok($a->body, "\n")));
}
echo $server->request('POST', '/page.html')->body, "\n";
$etag = $server->get('/app.css')->header('etag');
echo $server->get('/app.css', ['If-None-Match' => $etag])->status, "\n";
$part = $server->get('/app.css', ['Range' => 'bytes=5-']);
echo $part->status, ' ', $part->header('content-range'), ' ', $part->body, "\n";
echo 'exit ', $server->stop(), "\n";
array_map('unlink', ["$dir/app.css", "$dir/page.html", "$dir/docs/index.html", "$dir/.env"]);
array_map('rmdir', ["$dir/docs", $dir]);
?>
--EXPECT--
/              200 text/html; charset=utf-8  route
/app.css       200 text/css; charset=utf-8 max-age=60 body {}
/page.html     200 text/html; charset=utf-8 max-age=60 <p>file</p>
/docs          308  no-cache /docs/
/docs/         200 text/html; charset=utf-8 max-age=60 <p>docs</p>
/docs/api      200 text/html; charset=utf-8  api
/.env          404 text/plain; charset=utf-8  Not Found
/nothing.html  404 text/plain; charset=utf-8  Not Found
posted
304
206 bytes 5-6/7 {}
exit 0
