--TEST--
A broker without a server: each failure is its own exception, in time
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../redis.inc';
use Viaduct\Broker\RedisBroker;
use Viaduct\Broker\Exception\{AuthenticationException, BrokerException, ConnectionException, TimeoutException};
function fails(string $what, float $within, callable $call): void
{
    $begun = microtime(true);
    try {
        $call();
        echo "$what: nothing\n";
    } catch (BrokerException $e) {
        echo "$what: ", (new ReflectionClass($e))->getShortName(), " $e->driver ", $e->getCode(), ' ', json_encode($e->mayArrive),
            $e->attempt > 0 ? ' attempt' : '', $e->nextDelay > 0 && $what !== 'mute' ? ' delay' : '', microtime(true) - $begun < $within ? '' : ' TOO LATE',
            "\n    ", preg_replace('/:\d+:/', ':PORT:', $e->getMessage()), "\n";
    }
}
$absent = new RedisBroker('127.0.0.1', free_port());
fails('absent', 10, fn() => $absent->connect(1));
fails('absent, at once', 10, fn() => $absent->publish('a', timeout: 0.001));
echo json_encode([$absent->isConnected(), $absent->status()['state'], $absent->status()['counters']['published']]), "\n";
fails('no such host', 20, fn() => (new RedisBroker(str_repeat('x', 64)))->connect(1)); // no name server is asked for that

$redis = Redis::start('--requirepass', 'secret');
fails('no password', 20, fn() => $redis->broker()->connect(DEADLINE_S));
fails('wrong password', 20, fn() => $redis->broker(password: 'guess')->publish('a', timeout: DEADLINE_S));
$redis->broker(password: 'secret')->publish('a', timeout: DEADLINE_S);
$strange = Redis::start(...explode(' ', '--user me on >p@ss:w/ord%20 resetchannels +subscribe +publish +ping &via:broadcast'));
$strange->broker('p@ss:w/ord%20', 'me')->publish('a', timeout: DEADLINE_S);
$poor = Redis::start(...explode(' ', '--user me on >secret resetchannels +subscribe +ping &via:broadcast'));
fails('may not publish', 20, fn() => $poor->broker('secret', 'me')->publish('a', timeout: DEADLINE_S));

$listener = stream_socket_server('tcp://127.0.0.1:0'); // accepts and says nothing
$port = (int) substr(strrchr(stream_socket_get_name($listener, false), ':'), 1);
fails('mute', 10, fn() => (new RedisBroker('127.0.0.1', $port, connectTimeout: 0.5))->connect(4)); // several attempts, or one
fails('mute, before its time-out', 10, fn() => (new RedisBroker('127.0.0.1', $port))->publish('a', timeout: 0.3));

$frozen = $redis->broker(password: 'secret', probeInterval: 60);
$frozen->connect(DEADLINE_S);
$redis->signal(SIGSTOP);
fails('frozen', 10, fn() => $frozen->publish('a', timeout: 0.3));
fails('frozen, close', 10, fn() => $frozen->close(0.2));
echo $frozen->status()['state'], "\n";
$redis->signal(SIGCONT);
?>
--EXPECT--
absent: ConnectionException RedisBroker 1 false attempt delay
    RedisBroker 127.0.0.1:PORT: the server cannot be reached: Connection refused
absent, at once: ConnectionException RedisBroker 1 false attempt delay
    RedisBroker 127.0.0.1:PORT: the server cannot be reached: Connection refused
[false,"waiting",0]
no such host: ConnectionException RedisBroker 1 false attempt delay
    RedisBroker xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx:PORT: the host name has no address: Name or service not known
no password: AuthenticationException RedisBroker 2 false attempt delay
    RedisBroker 127.0.0.1:PORT: the server asks for a password (NOAUTH)
wrong password: AuthenticationException RedisBroker 2 false attempt delay
    RedisBroker 127.0.0.1:PORT: the server refused user or password (WRONGPASS)
may not publish: AuthenticationException RedisBroker 2 false attempt delay
    RedisBroker 127.0.0.1:PORT: the ACL user lacks +publish (NOPERM): in all it needs +subscribe +publish +ping &via:broadcast
mute: TimeoutException RedisBroker 4 false attempt
    RedisBroker 127.0.0.1:PORT: the server did not acknowledge the subscription in time
mute, before its time-out: TimeoutException RedisBroker 4 false
    RedisBroker: no link within 0.3 seconds; nothing was sent
frozen: TimeoutException RedisBroker 4 true
    RedisBroker: the message was not confirmed within 0.3 seconds; it may have arrived, or may still
frozen, close: TimeoutException RedisBroker 4 true
    RedisBroker: the message was not confirmed within 0.2 seconds; it may have arrived, or may still
idle
