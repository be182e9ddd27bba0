--TEST--
session_start() in a handler: the session ends with its request, and is no other visitor's
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../server.inc';
$folder = tempnam(sys_get_temp_dir(), 'viaduct-sessions-');
unlink($folder);
mkdir($folder);
$server = Server::start(<<<'APP'
    $begin = function (Request $r): void {
        session_id($r->cookie[session_name()] ?? ''); // $_COOKIE is not filled in
        session_start();
    };
    $app->get('/login/{name}', function (Request $r, string $name) use ($begin) { $begin($r); $_SESSION['user'] = $name; return 'hello'; });
    $app->get('/me', function (Request $r) use ($begin) { $begin($r); return [$_SESSION['user'] ?? null]; });
    $app->get('/look', fn() => [isset($_SESSION), session_status() === PHP_SESSION_NONE, session_id()]);
    $app->get('/closed', function (Request $r) use ($begin) { $begin($r); session_write_close(); return [isset($_SESSION)]; });
    $app->get('/fails', function (Request $r) use ($begin) { $begin($r); $_SESSION['user'] = 'changed'; throw new DomainException('after a change'); });
    $app->get('/own', function (Request $r) {
        session_set_save_handler(new class implements SessionHandlerInterface {
            public function open($path, $name): bool { return true; }
            public function close(): bool { return true; }
            public function read($id): string { return ''; }
            public function write($id, $data): bool { throw new LogicException('cannot be written'); }
            public function destroy($id): bool { return true; }
            public function gc($max): int { return 0; }
        });
        session_start();
        $_SESSION['a'] = 1;
        return 'own';
    });
    $app->onStart(function () { session_start(); $_SESSION['user'] = 'of onStart'; });
APP, ['session.save_path' => $folder, 'session.use_strict_mode' => 1]);
$show = fn($a) => print("$a->status $a->body\n");
$show($server->get('/look'));
$first = $server->get('/login/first');
$cookie = ['Cookie' => strtok($first->header('set-cookie'), ';')];
$show($first);
foreach (['/look', '/me', '/look'] as $path) {
    $show($server->get($path));
}
$show($server->get('/me', $cookie));
$show($server->get('/closed', $cookie));
$show($server->get('/look'));
$show($server->get('/fails', $cookie));
$show($server->get('/me'));
$show($server->get('/me', $cookie));
$show($server->get('/own'));
$show($server->get('/me', $cookie));
echo 'exit ', $server->stop(), "\n";
preg_match_all('/handler_failed: (.*?) in /', $server->log(), $m);
echo preg_replace('/ \(request \w+\)/', '', implode("\n", $m[1])), "\n";
array_map(unlink(...), glob("$folder/*"));
rmdir($folder);
?>
--EXPECT--
200 [false,true,""]
200 hello
200 [false,true,""]
200 [null]
200 [false,true,""]
200 ["first"]
200 [true]
200 [false,true,""]
500 Internal Server Error
200 [null]
200 ["changed"]
200 own
200 ["changed"]
exit 0
GET /fails: DomainException: after a change
GET /own: LogicException: cannot be written
