--TEST--
Shared state in handlers that do not return: exit, a fatal error, a fiber that is left; nobody waits for them
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../server.inc';
$server = Server::start(<<<'APP'
    use Viaduct\{Counter, GlobalState, Store};
    $config->withWorkerNum(2)->withBroker(new PipeBroker());
    Store::make('rows', 10, ['n' => [Store::INT], 's' => [Store::STRING, 8]]);
    final class Bomb {
        public function __construct(private string $what) {}
        public function __serialize(): array { return ends($this->what); }
    }
    function ends(string $what): mixed {
        return match ($what) {
            'exit' => exit('bye'),
            'fatal' => str_repeat('x', 1 << 40),
            'throw' => throw new DomainException('no'),
            'timeout' => (function () { set_time_limit(1); for (;;); })(),
            'fiber' => Fiber::suspend(),
        };
    }
    $guarded = function (string $what, Closure $call) {
        if ($what !== 'fiber') {
            return $call();
        }
        $fiber = new Fiber($call);
        $fiber->start();
        unset($fiber);
        return 'left';
    };
    $app->get('/remember/{what}', fn(string $what) => $guarded($what, fn() => GlobalState::remember('key', 0, fn() => ends($what), 60)));
    $app->get('/serialize/{what}', fn(string $what) => $guarded($what, fn() => GlobalState::set('key', ['deep' => new Bomb($what)])));
    $app->get('/loop/{what}', fn(string $what) => $guarded($what, function () use ($what) {
        foreach (Store::iterate('rows') as $row) foreach (Store::iterate('rows') as $inner) ends($what);
    }));
    $app->get('/value', function () {
        Store::incr('rows', 'a', 'n');
        $value = GlobalState::remember('key', 0, fn() => 'computed');
        GlobalState::delete('key');
        return ['value' => $value, 'rows' => Store::count('rows'), 'seen' => iterator_count(Store::iterate('rows'))];
    });
APP);
echo $server->get('/value')->body, "\n";
foreach (['remember', 'serialize', 'loop'] as $where) {
    foreach (['throw', 'exit', 'fatal', 'fiber', ...($where === 'remember' ? ['timeout'] : [])] as $what) {
        $answer = $server->get("/$where/$what");
        echo "$where $what: $answer->status ", $answer->status === 200 ? $answer->body : '', "\n";
        $since = microtime(true);
        $value = $server->get('/value')->body;
        if ($value !== '{"value":"computed","rows":1,"seen":1}' || microtime(true) - $since > 20) {
            echo "then: $value\n";
        }
    }
}
echo $server->stop(), "\n";
echo preg_match('/AddressSanitizer|SIGSEGV|signal 11/', $server->log()) ? $server->log() : '';
?>
--EXPECT--
{"value":"computed","rows":1,"seen":1}
remember throw: 500 
remember exit: 200 bye
remember fatal: 500 
remember fiber: 200 left
remember timeout: 500 
serialize throw: 500 
serialize exit: 200 bye
serialize fatal: 500 
serialize fiber: 200 left
loop throw: 500 
loop exit: 200 bye
loop fatal: 500 
loop fiber: 200 left
0
