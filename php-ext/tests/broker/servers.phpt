--TEST--
A broker without a server: a list of servers, IPv6, a unix socket
--EXTENSIONS--
viaduct
--FILE--
<?php
require __DIR__ . '/../redis.inc';
use Viaduct\Broker\RedisBroker;
$path = sys_get_temp_dir() . '/viaduct-' . getmypid() . '.sock';
$redis = Redis::start('--unixsocket', $path);
$seen = [];
$listener = $redis->broker();
$listener->subscribe('*', function ($m) use (&$seen) { $seen[] = $m->data; });
$listener->connect(DEADLINE_S);
$absent = free_port();
(new RedisBroker('127.0.0.1', $absent, servers: ["127.0.0.1:$absent", "localhost:$redis->port"]))->publish('a', 'by the third', timeout: DEADLINE_S);
(new RedisBroker('no-such-host.invalid', $redis->port, servers: ['127.0.0.1']))->publish('a', 'its port', timeout: DEADLINE_S);
(new RedisBroker($path))->publish('a', 'socket', timeout: DEADLINE_S);
poll_until('three', $listener, function () use (&$seen) { return count($seen) === 3; });
echo implode(', ', $seen), "\n";
echo thrown(fn() => (new RedisBroker('/no/such.sock'))->connect(0.5));
echo preg_replace('/server \d of/', 'server N of', thrown(fn() => (new RedisBroker('127.0.0.1', $absent, servers: ["[::1]:$absent"]))->connect(0.1)));
echo preg_replace('/:\d+:/', ':PORT:', thrown(fn() => (new RedisBroker('::1', $absent))->connect(0.1)));
?>
--EXPECT--
by the third, its port, socket
Viaduct\Broker\Exception\ConnectionException: RedisBroker /no/such.sock: the server cannot be reached: No such file or directory
Viaduct\Broker\Exception\ConnectionException: RedisBroker: the server cannot be reached: Connection refused (server N of 2)
Viaduct\Broker\Exception\ConnectionException: RedisBroker [::1]:PORT: the server cannot be reached: Connection refused
