--TEST--
Wherever PHP code runs for a request it may throw, exit or fail fatally: one answer, well-formed or cut, and the next request is served
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../server.inc';
$server = Server::start(<<<'APP'
    ini_set('memory_limit', '32M');
    $config->withWorkerNum(2)->withBroker(new PipeBroker());
    function ends(string $way): void
    {
        match ($way) {
            'throw' => throw new DomainException('thrown here'),
            'exit' => exit,
            'memory' => str_repeat('x', 64 << 20),
            'fatal' => trigger_error('fatal here', E_USER_ERROR),
        };
    }
    final class Ends implements IteratorAggregate, JsonSerializable, SessionHandlerInterface
    {
        public function __construct(private string $way, private string $where) { }
        private function in(string $where): void { if ($where === $this->where) { ends($this->way); } }
        public function getIterator(): Iterator { $this->in('iterator'); return new ArrayIterator(['a', 'b']); }
        public function jsonSerialize(): mixed { $this->in('json'); return ['json']; }
        public function __toString(): string { $this->in('string'); return 'text'; }
        public function __destruct() { $this->in('destructor'); }
        public function open($path, $name): bool { return true; }
        public function close(): bool { $this->in('session close'); return true; }
        public function read($id): string { $this->in('session read'); return ''; }
        public function write($id, $data): bool { $this->in('session write'); return true; }
        public function destroy($id): bool { return true; }
        public function gc($max): int { return 0; }
    }
    final class Told extends DomainException
    {
        public function __construct(public string $way) { parent::__construct('told'); }
        public function __toString(): string { ends($this->way); return 'told'; }
    }
    $app->before(fn(Request $r) => ends($r->get['way']), '/before');
    $app->after(fn(Request $r) => ends($r->get['way']), '/after');
    $app->error(404, fn(Request $r) => isset($r->get['way']) ? ends($r->get['way']) : null);
    $app->get('/before', fn() => 'not reached');
    $app->get('/after', fn() => 'the answer');
    $app->get('/handler', function (Request $r) { echo 'printed'; ends($r->get['way']); });
    $app->get('/status', fn(Request $r) => 404);
    $app->get('/json', fn(Request $r) => new Ends($r->get['way'], 'json'));
    $app->get('/json-in', fn(Request $r) => [1, new Ends($r->get['way'], 'json')]);
    $app->get('/iterator', fn(Request $r) => new Response(new Ends($r->get['way'], 'iterator')));
    $app->get('/destructor', function (Request $r) { new Ends($r->get['way'], 'destructor'); return 'answer'; });
    $app->get('/destructor-of-result', fn(Request $r) => new Response(new Ends($r->get['way'], 'destructor')));
    $app->get('/destructor-of-request', function (Request $r) { $r->get; $o = new Ends($r->get['way'], 'destructor'); static $kept; $kept = [$r, $o]; return 'answer'; });
    $app->get('/generator-first', function (Request $r) { ends($r->get['way']); yield 'a'; });
    $app->get('/generator-later', function (Request $r) { yield 'a'; ends($r->get['way']); yield 'b'; });
    $app->get('/generator-finally', function (Request $r) { try { yield 'a'; yield 5; } finally { ends($r->get['way']); } });
    $app->get('/output', function (Request $r) { ob_start(fn() => ends($r->get['way'])); echo 'x'; return 'y'; });
    $app->get('/output-nested', function (Request $r) { ob_start(); ob_start(fn() => ends($r->get['way'])); echo 'x'; throw new LogicException('first'); });
    $app->get('/error-handler', function (Request $r) { set_error_handler(function () use ($r) { restore_error_handler(); ends($r->get['way']); return true; }); echo $undefined; return 'z'; });
    $app->get('/exception', fn(Request $r) => throw new Told($r->get['way']));
    $app->get('/session-write', function (Request $r) { session_set_save_handler(new Ends($r->get['way'], 'session write'), false); session_start(); return 's'; });
    $app->get('/session-read', function (Request $r) { session_set_save_handler(new Ends($r->get['way'], 'session read'), false); session_start(); return 's'; });
    $app->get('/session-close', function (Request $r) { session_set_save_handler(new Ends($r->get['way'], 'session close'), false); session_start(); return 's'; });
    $app->stream('/stream', function (Request $r) { ends($r->get['way']); return 'x'; });
    $app->get('/alive', fn() => isset($_SESSION) || ob_get_level() ? 'WITH LEFTOVERS' : 'alive');
APP);
$all = ['before', 'handler', 'status', 'none', 'after', 'json', 'json-in', 'iterator', 'destructor', 'destructor-of-result', 'destructor-of-request',
    'generator-first', 'generator-later', 'generator-finally', 'output', 'output-nested', 'error-handler', 'exception',
    'session-write', 'session-read', 'session-close', 'stream'];
$some = ['json-in', 'destructor-of-result', 'generator-finally', 'exception', 'session-write']; // a worker's death each
foreach (['throw' => $all, 'exit' => $all, 'memory' => $some, 'fatal' => ['output']] as $way => $paths) {
    foreach ($paths as $path) {
        $a = $server->get("/$path?way=$way");
        $alive = wait_for('a live worker', fn() => $server->get('/alive')->body);
        echo $way, ' in ', $path, ': ', $a->status, $a->whole ? '' : ' cut', $alive === 'alive' ? '' : " $alive", "\n";
    }
}
echo 'exit ', $server->stop(), "\n";
?>
--EXPECT--
throw in before: 500
throw in handler: 500
throw in status: 404
throw in none: 404
throw in after: 500
throw in json: 500
throw in json-in: 500
throw in iterator: 500
throw in destructor: 500
throw in destructor-of-result: 200
throw in destructor-of-request: 200
throw in generator-first: 500
throw in generator-later: 200 cut
throw in generator-finally: 200 cut
throw in output: 500
throw in output-nested: 500
throw in error-handler: 500
throw in exception: 500
throw in session-write: 200
throw in session-read: 500
throw in session-close: 200
throw in stream: 500
exit in before: 200
exit in handler: 200
exit in status: 404
exit in none: 404
exit in after: 200
exit in json: 200
exit in json-in: 200
exit in iterator: 200
exit in destructor: 200
exit in destructor-of-result: 200
exit in destructor-of-request: 200
exit in generator-first: 200
exit in generator-later: 200
exit in generator-finally: 200 cut
exit in output: 200
exit in output-nested: 500
exit in error-handler: 200
exit in exception: 500
exit in session-write: 200
exit in session-read: 200
exit in session-close: 200
exit in stream: 200
memory in json-in: 500
memory in destructor-of-result: 200
memory in generator-finally: 200 cut
memory in exception: 500
memory in session-write: 200
fatal in output: 500
exit 0
