--TEST--
A handler that forks: the child can neither answer nor publish, ends with its handler, and leaves the worker's things alone
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../server.inc';
$server = Server::start(<<<'APP'
    function child(callable $do): string
    {
        $pid = pcntl_fork();
        if ($pid === 0) {
            try { $do(); } catch (Throwable $e) { fwrite(STDERR, 'child: ' . $e::class . ": {$e->getMessage()}\n"); }
            return 'child';
        }
        pcntl_waitpid($pid, $status);
        return 'parent, ' . (pcntl_wifexited($status) ? 'child ended ' . pcntl_wexitstatus($status) : 'child was killed');
    }
    $app->get('/fork', fn() => child(function () use ($app) { $app->broadcast('x', 'from the child'); fwrite(STDERR, "child published\n"); }));
    $app->get('/exit', fn() => child(fn() => exit));
    $app->get('/throw', function () {
        $pid = pcntl_fork();
        if ($pid === 0) {
            throw new DomainException('child throws');
        }
        pcntl_waitpid($pid, $status);
        return 'parent';
    });
    $app->post('/upload', function (Request $r) {
        $file = $r->files['f']['tmp_name'];
        return child(fn() => null) . ', ' . (is_file($file) ? file_get_contents($file) : 'THE UPLOAD IS GONE') . ', ' . (is_uploaded_file($file) ? 'known' : 'unknown');
    });
    $app->post('/body', fn(Request $r) => child(fn() => fwrite(STDERR, "child: $r->path " . $r->header('x-name') . ' ' . strlen($r->body) . "\n")));
    $app->post('/body-stream', fn(Request $r) => child(fn() => fread($r->bodyStream(), 10)));
    $app->get('/late', function (Request $r) use (&$pipe) {
        $pipe = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
        $r->path;
        if (pcntl_fork() === 0) {
            fclose($pipe[0]);
            fgets($pipe[1]); // the worker has answered, and many more after it
            foreach ([fn() => $r->query, fn() => $r->header('x-name'), fn() => $r->get, fn() => $r->post, fn() => $r->path] as $read) {
                try { fwrite(STDERR, 'child: late ' . json_encode($read()) . "\n"); } catch (Throwable $e) { fwrite(STDERR, 'child: ' . $e::class . ": {$e->getMessage()}\n"); }
            }
            fwrite(STDERR, "child: done\n");
            return 'child';
        }
        return 'parent';
    });
    $app->get('/go', function () use (&$pipe) { fwrite($pipe[0], "go\n"); return 'went'; });
    $copy = function (string $what, mixed $result = null) {
        $pid = pcntl_fork();
        if ($pid === 0) {
            fwrite(STDERR, "child: of $what\n");
            return $result;
        }
        pcntl_waitpid($pid, $status);
    };
    $worker = 0;
    $app->onStart(fn() => $copy('onStart'))->onStart(function () use (&$worker) { if ($worker) { fwrite(STDERR, "child: CALLED\n"); } $worker = getmypid(); });
    $called = function () use (&$worker) { if (getmypid() !== $worker) { fwrite(STDERR, "child: CALLED\n"); } };
    $app->before(fn() => $copy('before'), '/around')->before(fn() => $called(), '/around');
    $app->after(fn() => $copy('after'), '/around')->after(fn() => $called(), '/around');
    $app->get('/around', function () use ($called) { $called(); return 'around'; });
    $app->before(fn() => $copy('before', 'an answer'), '/answered');
    $app->error(404, fn() => $copy('error'));
    $n = 0;
    $app->setInterval(function () use (&$n) { if (++$n === 2) { child(fn() => null); } }, 50);
    $app->onShutdown(fn() => fwrite(STDERR, "onShutdown\n"));
    $app->get('/', fn() => 'still here');
APP);
foreach (['/fork', '/exit', '/throw'] as $path) {
    echo $server->get($path)->body, "\n";
}
$body = "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\nuploaded\r\n--b--\r\n";
echo $server->post('/upload', $body, ['Content-Type' => 'multipart/form-data; boundary=b'])->body, "\n";
echo $server->post('/body', 'short', ['X-Name' => 'mine'])->body, "\n";
echo $server->post('/body', str_repeat('x', 3_000_000), ['X-Name' => 'mine'])->body, "\n";
echo $server->post('/body-stream', str_repeat('x', 3_000_000))->body, "\n";
echo $server->get('/late?mine', ['X-Name' => 'mine'])->body, "\n";
for ($i = 0; $i < 20; $i++) {
    $server->get('/?theirs=' . str_repeat('y', 4000), ['X-Name' => 'theirs']);
}
echo $server->get('/go')->body, "\n";
$server->waitForLog('/^child: done/m');
foreach (['/around', '/answered', '/'] as $path) {
    echo $server->get($path)->body, "\n";
}
echo 'exit ', $server->stop(), "\n";
echo implode("\n", preg_grep('/^child|^onShutdown|worker_ends/', explode("\n", $server->log()))), "\n";
echo preg_match_all('/handler_failed.*/', $server->log(), $m), ' ', preg_replace('/ \(request \w+\)| in \/.*/', '', strstr($m[0][0] ?? '', 'handler')), "\n";
?>
--EXPECT--
parent, child ended 0
parent, child ended 0
parent
parent, child ended 0, uploaded, known
parent, child ended 0
parent, child ended 0
parent, child ended 0
parent
went
around
Not Found
still here
exit 0
child: of onStart
child: Viaduct\Broker\Exception\BrokerException: this process was forked by a handler: only the worker itself may call
child: /body mine 5
child: RuntimeException: A handler forked this process: what it needs of the request must be read before the fork
child: RuntimeException: A handler forked this process: what it needs of the request must be read before the fork
child: RuntimeException: A handler forked this process: what it needs of the request must be read before the fork
child: RuntimeException: A handler forked this process: what it needs of the request must be read before the fork
child: RuntimeException: A handler forked this process: what it needs of the request must be read before the fork
child: RuntimeException: A handler forked this process: what it needs of the request must be read before the fork
child: late "\/late"
child: done
child: of before
child: of after
child: of before
child: of error
onShutdown
1 handler_failed: GET /throw: DomainException: child throws
