--TEST--
Shared state bound to scopes: a change is one broadcast, however many there were
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../server.inc';
$server = Server::start(<<<'APP'
    use Viaduct\{Counter, GlobalState, Store};
    $config->withWorkerNum(2)->withBroker(new PipeBroker());
    Store::make('rooms', 100, ['people' => [Store::INT, 4], 'topic' => [Store::STRING, 20]]);
    $visits = new Counter();
    $named = new Counter(0, 'named');
    foreach ([fn() => $app->bindStore('nope', 'x'), fn() => $app->bindStore('rooms', 'a b'),
        fn() => $app->bindStore('rooms', str_repeat('x', 257))] as $wrong) {
        try {
            $wrong();
        } catch (Throwable $e) {
            fwrite(STDOUT, $e::class . ': ' . $e->getMessage() . "\n");
        }
    }
    $app->bindStore('rooms', 'room:{key}')
        ->bindStore('rooms', 'lobby', 'lobby')
        ->bindStore('rooms', 'teams', 'team-*')
        ->bindCounter($visits, 'visits')
        ->bindCounter($named, 'named')
        ->bindGlobalState('config.*', 'config:{key}');
    $app->stream('/all', fn() => '*');
    $app->post('/do/{what}', function (string $what) use ($app, $visits) {
        match ($what) {
            'many' => (function () { for ($i = 0; $i < 50; $i++) Store::incr('rooms', 'a', 'people'); })(),
            'lobby' => Store::set('rooms', 'lobby', ['topic' => 'hello']),
            'team' => Store::incrWindow('rooms', 'team-x', 'people', 1, 60),
            'cas' => Store::compareAndSet('rooms', 'a', 'people', 50, 1) && Store::compareAndSet('rooms', 'a', 'people', 50, 1),
            'no change' => [Store::compareAndSet('rooms', 'a', 'people', -1, 1), Store::del('rooms', 'none'), GlobalState::set('other', 1),
                GlobalState::delete('config.none'), GlobalState::compareAndSet('config.none', 1, 2), Store::get('rooms', 'a')],
            'del' => Store::del('rooms', 'a'),
            'clear' => Store::clear('rooms'),
            'visit' => $visits->increment(),
            'named' => (new Counter(0, 'named'))->set(5),
            'config' => $app->setGlobalState('config.colour', 'red') ?? GlobalState::increment('config.n'),
            'remember' => GlobalState::remember('config.r', 0, fn() => 1),
            'bad key' => Store::set('rooms', "with space", []) ?? Store::set('rooms', '*', []),
            'throws' => Store::set('rooms', 'thrown', []) ?? throw new Exception('after the change'),
            'exit' => Store::set('rooms', 'exited', []) ?? exit,
            'fatal' => Store::set('rooms', 'fatal', []) ?? str_repeat('x', 1 << 40),
            'long' => (function () use ($app) {
                Store::set('rooms', 'long', []);
                for ($ends = hrtime(true) + 20e9; Store::get('rooms', 'seen') === null && hrtime(true) < $ends;) {
                    Store::incr('rooms', 'long', 'people');
                    usleep(1000);
                }
            })(),
            'seen' => Store::incrWindow('rooms', 'seen', 'people', 1, 60),
            'killed' => [Store::set('rooms', 'team-k', []), GlobalState::set('config.k', 1), exec('kill -9 ' . getmypid())],
            'killed idle' => exec('kill -9 ' . getmypid()),
            'late' => $app->bindStore('rooms', 'x'),
            'end' => $app->broadcast('end'),
        };
        return 204;
    });
APP);
$stream = $server->stream('/all');
$expected = ['many' => ['room:a'], 'lobby' => ['lobby', 'room:lobby'], 'team' => ['room:team-x', 'teams'], 'cas' => ['room:a'],
    'no change' => [], 'del' => ['room:a'], 'clear' => ['lobby', 'room:*', 'teams'], 'visit' => ['visits'], 'named' => ['named'],
    'config' => ['config:config.colour', 'config:config.n'], 'remember' => ['config:config.r'], 'bad key' => [],
    'throws' => ['room:thrown'], 'exit' => ['room:exited'], 'fatal' => ['room:fatal'], 'late' => [],
    'killed' => ['config:config.*', 'room:*', 'teams'], 'killed idle' => []]; // told by the gateway, for all keys
foreach ($expected as $what => $scopes) {
    $server->post('/do/' . rawurlencode($what));
    $seen = [];
    while (count($seen) < count($scopes)) { // told by themselves, without another request
        $seen[] = $stream->next()[1];
    }
    $server->post('/do/end');
    while (($scope = $stream->next()[1]) !== 'end') { // one too many; if it comes later, the next one has it
        $seen[] = $scope;
    }
    sort($seen);
    echo "$what: ", $seen === $scopes ? 'told' : implode(' ', $seen), "\n";
}
// a handler that takes long tells what it has changed so far: this one goes on until that was seen
$socket = $server->connect();
fwrite($socket, "POST /do/long HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
var_dump($stream->next()[1]);
$server->post('/do/seen');
echo strtok(stream_get_contents($socket), "\r"), "\n";
$server->post('/do/end');
while ($stream->next()[1] !== 'end');
// many requests: each of two workers keeps its pace
$start = hrtime(true);
for ($i = 0; $i < 150; $i++) {
    $server->post('/do/visit');
}
$stream->next();
$server->post('/do/end');
for ($seen = 1; $stream->next()[1] !== 'end'; $seen++);
var_dump($seen <= 2 * ((hrtime(true) - $start) / 20e6 + 2));
$server->waitForLog('/scope_of_key/');
$server->waitForLog('/bindStore\(\) must be called before run\(\)/');
var_dump($server->stop());
echo $server->output();
?>
--EXPECT--
many: told
lobby: told
team: told
cas: told
no change: told
del: told
clear: told
visit: told
named: told
config: told
remember: told
bad key: told
throws: told
exit: told
fatal: told
late: told
killed: told
killed idle: told
string(9) "room:long"
HTTP/1.1 204 No Content
bool(true)
int(0)
Viaduct\Exception\UnknownTableException: no table "nope": make it with Store::make() before run() or pcntl_fork(). There are: rooms
ValueError: Viaduct\App::bindStore(): Argument #2 ($scope) is no scope: the scope holds a space (U+0020) at byte 1; allowed is UTF-8 without spaces and control characters
ValueError: Viaduct\App::bindStore(): Argument #2 ($scope) is no scope: it is longer than 256 bytes
after run
