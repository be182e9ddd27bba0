--TEST--
NatsBroker without a server: publish, poll, log in, fail, come back, fork
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../nats.inc';
use Viaduct\Broker\Exception\BrokerException;
use Viaduct\Broker\NatsBroker;
$nats = Nats::start();
[$one, $two] = [$nats->broker(), $nats->broker()];
$seen = $told = [];
$two->subscribe('room:*', function ($m) use (&$seen) { $seen[] = "$m->scope $m->event $m->data $m->sequence"; });
$two->onError(function (BrokerException $e) use (&$told) { $told[] = "$e->driver $e->attempt"; })->onGap(function ($reason) use (&$told) { $told[] = $reason; });
$two->connect(DEADLINE_S);
foreach (range(1, 50) as $n) {
    $one->publish('room:a', "n$n", 'event', DEADLINE_S);
    $one->publish('other', "n$n", 'event', DEADLINE_S);
}
poll_until('fifty', $two, function () use (&$seen) { return count($seen) === 50; });
echo $seen[0], ', ', $seen[49], "\n";

$nats->kill();
poll_until('an error', $two, function () use (&$told) { return $told; });
$nats->again();
poll_until('the link', $two, $two->isConnected(...));
$one->publish('room:a', 'again', timeout: DEADLINE_S);
poll_until('one more', $two, function () use (&$seen) { return count($seen) === 51; });
echo $told[0], ', ', end($told), "\n";

function fails(string $what, callable $call): void
{
    try {
        $call();
        echo "$what: nothing\n";
    } catch (BrokerException $e) {
        echo "$what: ", (new ReflectionClass($e))->getShortName(), ' ', json_encode($e->mayArrive), "\n";
    }
}
fails('absent', fn() => (new NatsBroker('127.0.0.1', free_port()))->publish('a', timeout: 3));
$closed = Nats::start('--auth', 'se:cret@/ %20');
fails('no token', fn() => $closed->broker()->connect(DEADLINE_S));
fails('wrong token', fn() => $closed->broker('guess')->connect(DEADLINE_S));
fails('token', fn() => $closed->broker('se:cret@/ %20')->publish('a', timeout: DEADLINE_S));
fails('token of a callable', fn() => $closed->broker(credentials: fn() => ['authToken' => 'se:cret@/ %20'])->publish('a', timeout: DEADLINE_S));
$users = Nats::start('--user', 'me', '--pass', 'p@ss');
fails('user', fn() => $users->broker(username: 'me', password: 'p@ss')->publish('a', timeout: DEADLINE_S));
fails('wrong user', fn() => $users->broker(username: 'you', password: 'p@ss')->publish('a', timeout: DEADLINE_S));
fails('other server first', fn() => (new NatsBroker('127.0.0.1', free_port(), servers: ["127.0.0.1:$nats->port"]))->publish('a', timeout: DEADLINE_S));

$child = pcntl_fork();
if ($child === 0) {
    fails('forked', fn() => $one->publish('a'));
    $one = $two = null;
    // the NATS library does not work in a child of a process that has used it
    echo thrown(fn() => $nats->broker()->publish('room:a', 'child', timeout: DEADLINE_S));
    exit(0);
}
pcntl_waitpid($child, $status);
fails('the parent goes on', fn() => $one->publish('room:a', timeout: DEADLINE_S));
$two->close();
$one->close();
?>
--EXPECT--
room:a event n1 1, room:a event n50 99
NatsBroker 1, reconnect
absent: ConnectionException false
no token: AuthenticationException false
wrong token: AuthenticationException false
token: nothing
token of a callable: nothing
user: nothing
wrong user: AuthenticationException false
other server first: nothing
forked: BrokerException false
Viaduct\Broker\Exception\BrokerException: this process was forked from one that used NATS: the client library does not work here (fork first, connect then)
the parent goes on: nothing
